"""Traces losses through vehicles that own each other to those who own them in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.tables.named_arrays import Matrix, Vector, labelled, matrix, rows_of, sized, unique, vector
from waterfalls.arguments import named, takes, texts
from waterfalls.errors import Fault, InvalidTerms, Unbalanced, refuse

if TYPE_CHECKING:
    import pandas as pd

CLOSE = 1e-9  # how far shares may be from 1
CONSERVED = 1e-10


@dataclasses.dataclass(frozen=True, eq=False)
class LookThrough:
    """Losses (S, names) in currency units, positive a loss: `direct` by holder before looking through, `holders` with
    what the vehicles they own pass on to them (so a nested loss stands at every level it passes), `ends` by end bearer.

    Only `direct` and `ends` sum to the loss; `holders` counts a loss once a level and must not be added up.
    """

    scenarios: Sequence[Any]
    names: tuple[str, ...]
    bearers: tuple[str, ...]
    direct: np.ndarray
    holders: np.ndarray
    ends: np.ndarray

    def frame(self) -> pd.DataFrame:
        """One row a scenario and end bearer: loss, and its share of the whole in per cent."""
        total = self.ends.sum(axis=1, keepdims=True)
        share = np.divide(100.0 * self.ends, total, out=np.full(self.ends.shape, np.nan), where=total != 0.0)
        return labelled(
            {"loss": self.ends, "per_cent": share}, [("scenario", self.scenarios), ("bearer", self.bearers)]
        )

    def levels(self) -> pd.DataFrame:
        """One row a scenario and holder: its loss directly, and through the vehicles it owns."""
        return labelled(
            {"direct_loss": self.direct, "indirect_loss": self.holders - self.direct, "loss": self.holders},
            [("scenario", self.scenarios), ("holder", self.names)],
        )


@takes(losses=named, owners=named, ends=texts, shares=named)
def look_through(
    losses: Vector,
    owners: Matrix,
    *,
    ends: Sequence[str],
    shares: Matrix | None = None,
    scenarios: Sequence[Any] | None = None,
) -> LookThrough:
    """Who bears losses in the end, where holders own each other.

        x = (I - C)^-1 H' l        the loss of each holder, through what it owns
        e = Q' x                   the loss of each end bearer

    l are the `losses` by tranche (number or (S,)), H `shares[tranche][holder]` of them, which sum to 1 for every
    tranche; without `shares` the losses are by holder already. `owners[vehicle][owner]` are shares of a vehicle that sum
    to 1: an owner that is a vehicle itself gives C (owner by vehicle), one of `ends` gives Q. Every holder needs its
    owners, or stands among `ends` itself. sum e = sum l, proved to 1e-10.

    Refused: owners that do not sum to 1, unknown names, and vehicles that own each other in full (I - C is singular).
    Source: Leontief's inverse; Elsinger (2009) for cross-holdings. Losses pass on in proportion: see `wrappers` for
    limited liability.
    """
    bearers = unique(ends, "ends")
    vehicles = unique(rows_of(owners), "owners")
    both = [name for name in vehicles if name in bearers]
    if both:
        raise InvalidTerms(Fault("ends", f"{both[0]!r} is a vehicle, for it has owners, and cannot be an end as well"))
    held, tranche_losses = by_holder(losses, shares, (*vehicles, *bearers))
    table = matrix(owners, vehicles, (*vehicles, *bearers), "owners")
    check_shares(table, vehicles, (*vehicles, *bearers))
    count = len(vehicles)
    across, out = table[:, :count], table[:, count:]  # vehicle by owner: C' and Q
    refuse_full_cycles(across, vehicles)
    x = np.linalg.solve((np.eye(count) - across).T, held[:, :count].T).T
    e = x @ out + held[:, count:]
    lost, borne = tranche_losses.sum(axis=1), e.sum(axis=1)
    scale = np.maximum(np.abs(tranche_losses).sum(axis=1), 1e-300)
    if (np.abs(lost - borne) > CONSERVED * scale).any():
        raise Unbalanced(f"look-through: {lost.max():,.6f} was lost and {borne.max():,.6f} is borne")
    return LookThrough(
        scenarios=range(len(e)) if scenarios is None else scenarios,
        names=vehicles,
        bearers=bearers,
        direct=held[:, :count],
        holders=x,
        ends=e,
    )


def by_holder(losses: Vector, shares: Matrix | None, holders: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Losses by holder (S, holders), and as they were given (S, tranches or holders)."""
    if shares is None:
        given = sized(vector(losses, holders, "losses", otherwise=0.0))
        return given, given
    tranches = unique(losses.keys(), "losses")
    given = sized(vector(losses, tranches, "losses"))
    h = matrix(shares, tranches, holders, "shares")
    check_shares(h, tranches, holders, "shares")
    return given @ h, given


def check_shares(table: np.ndarray, rows: Sequence[str], columns: Sequence[str], what: str = "owners") -> None:
    """Refuses rows that hold a negative share or do not sum to 1."""
    found = []
    for row, cells in zip(rows, table, strict=True):
        listed = ", ".join(f"{name} {share:g}" for name, share in zip(columns, cells, strict=True) if share)
        if (cells < 0.0).any():
            found.append(Fault(f"{what}[{row!r}]", f"shares must not be negative ({listed})"))
        if abs(cells.sum() - 1.0) > CLOSE:
            found.append(Fault(f"{what}[{row!r}]", f"must sum to 1, got {cells.sum():g} ({listed or 'nobody'})"))
    refuse(found)


def refuse_full_cycles(across: np.ndarray, vehicles: Sequence[str]) -> None:
    """Refuses vehicles from which no owner leads out: they own each other in full, and their loss ends nowhere.

    across: (vehicle, owner). A vehicle is open when some of it belongs to an end, or to an open vehicle.
    """
    open_ = across.sum(axis=1) < 1.0 - CLOSE
    while True:
        more = open_ | (across[:, open_].sum(axis=1) > 0.0)
        if (more == open_).all():
            break
        open_ = more
    if not open_.all():
        names = ", ".join(repr(name) for name, out in zip(vehicles, open_, strict=True) if not out)
        raise InvalidTerms(f"owners: {names} own each other in full, so that their losses end with nobody")
