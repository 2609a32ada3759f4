"""The two legs of protection: the premium until a loss and the payment on it; fair spread and upfront."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from structuring.portfolio_tranches.premium_periods import Discount, Periods, factors
from structuring.simulation.credit_losses import Obligor
from waterfalls.arguments import instance, numbers, takes, whole
from waterfalls.errors import CannotPrice, InvalidTerms


@dataclasses.dataclass(frozen=True)
class Legs:
    """Present values a unit of notional: `premium` and `accrued` at a spread of 1 a year, and `protection`.

    `rebate` is what accrued before the trade and is given back, at a spread of 1.
    """

    premium: float
    accrued: float
    protection: float
    rebate: float = 0.0

    @property
    def annuity(self) -> float:
        """The present value of a spread of 1 a year, less the rebate: the risky annuity."""
        return self.premium + self.accrued - self.rebate

    @property
    def fair_spread(self) -> float:
        """The spread a year, a decimal, at which the legs are worth the same; refused where nothing is left to pay it on."""
        if not self.annuity > 0.0:
            raise CannotPrice("no spread is fair: the premium has nothing left to accrue on")
        return self.protection / self.annuity

    def upfront(self, spread: float) -> float:
        """What the buyer pays at once, a share of notional, beside a running `spread`: protection - spread x annuity."""
        return self.protection - spread * self.annuity


@takes(periods=instance(Periods), lost=numbers, outstanding=numbers, steps=whole(1, 10_000))
def legs(
    periods: Periods,
    lost: Sequence[float] | np.ndarray,
    discount: Discount,
    *,
    outstanding: Sequence[float] | np.ndarray | None = None,
    steps: int = 1,
    accrued: bool = True,
) -> Legs:
    """The legs of what has `lost` (J x steps + 1,), a share of notional, at `periods.edges(steps)`.

        protection = sum_k (L_k - L_k-1) D(middle of step k)
        premium    = sum_j a_j O(end of period j) D(paid j)
        accrued    = sum_k (O_k-1 - O_k) x D(middle of step k) x what period j had accrued by then

    `outstanding` is what the premium is paid on, 1 - lost unless said. At one step a period a loss owes half of what its
    period accrues; more steps approach the integral. Without `accrued` nothing is paid for a broken period. Source: Hull, Options, Futures and Other
    Derivatives, on credit default swaps; O'Kane, Modelling Single-name and Multi-name Credit Derivatives (2008).
    """
    edges = periods.edges(steps)
    loss = checked("lost", lost, edges)
    left = 1.0 - loss if outstanding is None else checked("outstanding", outstanding, edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    at_middle = factors(discount, middle)
    period = np.repeat(np.arange(len(periods.end)), steps)
    length = np.where(periods.end > periods.start, periods.end - periods.start, 1.0)
    passed = periods.accrual[period] * (middle - periods.start[period]) / length[period] + periods.extra
    broken = float(((left[:-1] - left[1:]) * passed * at_middle).sum()) if accrued else 0.0
    return Legs(
        premium=float((periods.accrual * left[steps::steps] * factors(discount, periods.paid)).sum()),
        accrued=broken,
        protection=float((np.diff(loss) * at_middle).sum()),
        rebate=periods.rebate * float(factors(discount, [periods.settled])[0]),
    )


def checked(name: str, given: Sequence[float] | np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Shares at edges, each between 0 and 1."""
    values = np.asarray(given, dtype=np.float64)
    if values.shape != edges.shape:
        raise InvalidTerms(
            f"{name}: must be a share at each of the {len(edges)} times of periods.edges(steps), got {values.shape}"
        )
    if not ((values >= -1e-12) & (values <= 1.0 + 1e-12)).all():
        raise InvalidTerms(f"{name}: must be shares between 0 and 1, got {values.min():g} to {values.max():g}")
    return values


@takes(obligor=instance(Obligor), periods=instance(Periods), steps=whole(1, 10_000))
def legs_of_name(
    obligor: Obligor, periods: Periods, discount: Discount, *, steps: int = 1, accrued: bool = True
) -> Legs:
    """The legs of a credit default swap on one obligor: lost = (1 - R)(1 - S), the premium on S, its survival."""
    failed = np.array([obligor.probability(max(float(t), 0.0)) for t in periods.edges(steps)])
    lost = (1.0 - obligor.recovery) * failed
    return legs(periods, lost, discount, outstanding=1.0 - failed, steps=steps, accrued=accrued)
