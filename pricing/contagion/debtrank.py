"""DebtRank: the capital that institutions lose as claims on distressed debtors lose value, before anyone defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from pricing.tables.named_arrays import Matrix, Vector, labelled, matrix, rows_of, sized, unique, vector
from waterfalls.errors import InvalidTerms, refuse, strangers

if TYPE_CHECKING:
    import pandas as pd

Spread = Literal["linear", "once", "on default"]
SETTLED = 1e-14  # of an institution's capital: what a round moves at the end
MOST_ROUNDS = 100_000


@dataclasses.dataclass(frozen=True, eq=False)
class DebtRank:
    """Distress (S, N), the share of its capital an institution has lost, from 0 to 1: after the shock, and in the end.

    `equity` (S, N) is capital less all losses, below 0 when gone. `value` (S,) is what spreading adds: the sum over
    institutions of the rise of distress, weighted by the part of all that is lent in the network which each has lent.
    """

    scenarios: Sequence[Any]
    names: tuple[str, ...]
    first: np.ndarray
    distress: np.ndarray
    equity: np.ndarray
    value: np.ndarray

    def frame(self) -> pd.DataFrame:
        """One row a scenario and institution."""
        columns = {"first_distress": self.first, "distress": self.distress, "equity": self.equity}
        return labelled(columns, [("scenario", self.scenarios), ("institution", self.names)])


def debtrank(
    liabilities: Matrix,
    capital: Vector,
    losses: Vector,
    *,
    spread: Spread = "linear",
    recovery: float = 0.0,
    scenarios: Sequence[Any] | None = None,
) -> DebtRank:
    """Distress that spreads from debtors to creditors: what j owes i loses (1 - recovery) of its value by j's distress.

        linear      h_j = min(1, loss of j / capital of j), round after round: Bardoscia et al. (2015)
        once        the same, each institution passing on its distress only when it first has any: Battiston et al. (2012)
        on default  h_j = 1 once capital is gone, and 0 before: Furfine (2003)

    `liabilities[j][i]` is what j owes i, `capital` what each can lose, `losses` the shock (number or (S,)), in currency
    units. While nobody fails, linear distress is (I - L)^-1 h with L_ij = (1 - recovery) liabilities_ji / capital_i.
    Errors: unknown names, negative amounts, capital that is not above 0, a recovery outside [0, 1], distress that does
    not settle.
    """
    refuse(strangers("", "way to spread", [spread], get_args(Spread)))
    if not 0.0 <= recovery <= 1.0:
        raise InvalidTerms(f"recovery: must be between 0 and 1, got {recovery:g}")
    names = unique(rows_of(liabilities), "liabilities")
    owed = matrix(liabilities, names, names, "liabilities")
    own, shock = vector(capital, names, "capital"), sized(vector(losses, names, "losses", otherwise=0.0))
    for what, amounts, least in (("liabilities", owed, 0.0), ("losses", shock, 0.0), ("capital", own, 5e-324)):
        if not (amounts >= least).all():
            raise InvalidTerms(f"{what}: must {'be above 0' if least else 'not be negative'}, got {amounts.min():,.2f}")
    start, lost = shock / own, shock
    first = np.minimum(start, 1.0)
    felt = first if spread != "on default" else (start >= 1.0).astype(np.float64)
    passed = np.zeros_like(felt)
    for _ in range(MOST_ROUNDS):
        fresh = felt - passed if spread != "once" else np.where(passed == 0.0, felt, 0.0)
        if (fresh <= SETTLED).all():
            break
        lost = lost + (1.0 - recovery) * fresh @ owed
        passed = np.where(fresh > 0.0, felt, passed)
        share = lost / own
        felt = np.minimum(share, 1.0) if spread != "on default" else (share >= 1.0).astype(np.float64)
    else:
        raise InvalidTerms(
            f"liabilities: distress still spreads after {MOST_ROUNDS:,} rounds: around a circle almost as much is lent as "
            "the lenders have capital, so that hardly any of it dies out"
        )
    distress = np.minimum(lost / own, 1.0)
    lent = owed.sum(axis=0)
    weights = lent / lent.sum() if lent.any() else lent
    return DebtRank(
        scenarios=range(len(shock)) if scenarios is None else scenarios,
        names=names, first=first, distress=distress, equity=own - lost, value=(distress - first) @ weights,
    )  # fmt: skip
