"""Losses by investor class, split into what credit, interest rates and spreads took."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.tables.quotients import per_cent
from pricing.valuation.prices import Prices, cell_columns
from structuring.deals.holdings import Holdings
from waterfalls.arguments import cell, instance, takes
from waterfalls.doors import drawn
from waterfalls.equality import restored
from waterfalls.errors import Fault, InvalidTerms, refuse, strangers
from waterfalls.frames import arrow_stream, labels, room

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects

COMPONENTS = ("credit", "rates", "spread", "market", "total")
REFERENCE = ("base", "unchanged")


@dataclasses.dataclass(frozen=True, eq=False)
class Losses:
    """Losses against a reference (s0, k0): positive is a loss, nothing is clipped.

        credit = V(s0,r0,k0) - V(s1,r0,k0)      stressed flows, reference curve and spread: fewer dollars, and later ones
        rates  = V(s1,r0,k0) - V(s1,r1,k0)      the curve, and the coupons that follow it
        spread = V(s1,r1,k0) - V(s1,r1,k1)      market = rates + spread
        total  = V(s0,r0,k0) - V(s1,r1,k1)      = credit + rates + spread

    `tranche` holds them by name (S, K, N), `losses["credit"]` those of each class (S, K, N, C): `shares` (N, C) of the
    tranche's; `held` (N, C) is what they hold of its balance in the reference. `memo` (S, K, N) is told beside them and never added: undiscounted cash shortfall, change of wal (years),
    realised loss, and interaction, what the three together take beyond what each would have taken alone.
    """

    prices: Prices
    reference: tuple[Any, str]
    classes: tuple[str, ...]
    shares: np.ndarray
    held: np.ndarray
    tranche: Mapping[str, np.ndarray]
    memo: Mapping[str, np.ndarray]

    __setstate__ = restored

    def __getitem__(self, component: str) -> np.ndarray:
        """A component by class (S, K, N, C)."""
        return read_only(self.of_tranches(component)[..., None] * self.shares)

    def of_tranches(self, component: str) -> np.ndarray:
        """A component of whole tranches (S, K, N)."""
        refuse(strangers("", "component of loss", [component], self.tranche))
        return self.tranche[component]

    def by_class(self, component: str = "total") -> np.ndarray:
        """A component by class over all its tranches (S, K, C): one product, where `losses[...]` keeps tranches apart."""
        lost = self.of_tranches(component)
        return (lost.reshape(-1, lost.shape[2]) @ self.shares).reshape(*lost.shape[:2], -1)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return arrow_stream(self.frame(), requested_schema)

    def _repr_html_(self) -> str:
        from waterfalls.notebook import tabled

        stress = self.prices.scenarios[-1], self.prices.shocks[-1]
        title = f"{self.prices.deal}: losses in {self.prices.currency}, {stress[0]!r} with spreads {stress[1]}"
        return tabled(f"{title}, against {self.reference[0]!r}", losses_in_total(self, *stress))

    def plot(self, scenario: Any = None, shock: str | None = None) -> plotly.graph_objects.Figure:
        """Losses by investor class in one scenario and shock, the last unless said, by what took them.

        Needs the extra `report`. Amounts are in the unit that the title names.
        """
        return drawn("losses", self, scenario, shock)

    def frame(self) -> pd.DataFrame:
        """A long, tidy frame: one row per scenario, shock, tranche and class that holds some of it."""
        import pandas as pd

        s, k = np.nonzero(self.prices.wanted)
        n, c = np.nonzero(self.shares.T > 0.0)[::-1]
        room(len(s) * len(n), 18)
        index = cell_columns(self.prices, s, k, n)
        share = self.shares[n, c]
        losses = {f"{name}_loss": (self.tranche[name][s, k][:, n] * share).ravel() for name in COMPONENTS}
        memo = {name: self.memo[name][s, k][:, n] * (1.0 if name == "wal_change" else share) for name in self.memo}
        return pd.DataFrame({
            **{name: index[name] for name in ("deal", "currency", "scenario", "shock")},
            "investor_class": labels(np.tile(c, len(s)), self.classes),
            "tranche": index["tranche"],
            "holding": np.tile(self.held[n, c], len(s)),
            **losses,
            **{name: values.ravel() for name, values in memo.items()},
        })  # fmt: skip


@takes(prices=instance(Prices), holdings=instance(Holdings), reference=cell)
def who_bears(prices: Prices, holdings: Holdings, *, reference: tuple[Any, str] = REFERENCE) -> Losses:
    """What each investor class loses in every scenario and shock against the reference (scenario, shock).

    A class loses its share of the tranche's loss. Every tranche must be held; what is not known is "unidentified".
    """
    if not isinstance(holdings, Holdings):
        raise InvalidTerms(f"holdings: must be Holdings, such as Holdings({{'A': {{'banks': 1.0}}}}); got {holdings!r}")
    s0, k0 = prices.at(*reference)
    return losses_from(prices, holdings, prices, s0, k0, reference)


def losses_from(
    prices: Prices, holdings: Holdings, origin: Prices, s0: int, k0: int, reference: tuple[Any, str]
) -> Losses:
    """Losses of prices against one cell of `origin`, which holds the reference scenario."""
    shares = shares_of(prices.tranches, holdings)
    after, before = prices.npv, prices.before
    start = origin.before[s0, k0]  # V(s0, r0, k0): (N,)
    credit = np.broadcast_to(start - before[:, k0, None], after.shape)
    rates = np.broadcast_to(before[:, k0, None] - after[:, k0, None], after.shape)
    spread = after[:, k0, None] - after
    total = start - after
    alone_rates = start - origin.npv[s0, k0]
    alone_spread = start - origin.before[s0][None]
    now, then = prices.memo, {name: array[s0] for name, array in origin.memo.items()}

    def by_cell(array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array[:, None], after.shape)

    return Losses(
        prices=prices,
        reference=reference,
        classes=holdings.classes,
        shares=read_only(shares),
        held=read_only(then["balance"][:, None] * shares),
        tranche={
            "credit": read_only(credit),
            "rates": read_only(rates),
            "spread": read_only(spread),
            "market": read_only(rates + spread),
            "total": read_only(total),
        },
        memo={
            "cash_shortfall": by_cell(then["cash"] - now["cash"]),
            "wal_change": by_cell(now["wal"] - then["wal"]),
            "realised_loss": by_cell(now["realised_loss"]),
            "interaction": read_only(total - credit - alone_rates - alone_spread),
        },
    )


def read_only(array: np.ndarray) -> np.ndarray:
    made = array.view()
    made.setflags(write=False)
    return made


def shares_of(tranches: tuple[str, ...], holdings: Holdings) -> np.ndarray:
    """The share of each tranche that each class holds (N, C); tranches without holders, and unknown ones, are refused."""
    found = list(strangers("holdings", "tranche", holdings.shares, tranches, keyed=True))
    found += [
        Fault(f"holdings[{name!r}]", "says nobody holds this tranche: give its shares, or {'unidentified': 1.0}")
        for name in tranches
        if name not in holdings.shares
    ]
    refuse(found)
    return np.array([[holdings.shares[name].get(who, 0.0) for who in holdings.classes] for name in tranches])


AMOUNTS = ("credit", "rates", "spread", "total")


def losses_by_class(losses: Losses, scenario: Any, shock: str = "unchanged") -> pd.DataFrame:
    """One row a tranche and class that holds it, the first to lose first: par, credit, rates, spread, total loss.

    `par` is what the class holds of the balance and of what may still be drawn, at the reference; the last column is
    the total loss as a share of it. Holdings of nothing are left out.
    """
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    par = par_held(losses)
    rows = []
    for n in reversed(range(len(losses.prices.tranches))):
        for c in np.flatnonzero(par[n]):
            row: dict[str, Any] = {
                "tranche": losses.prices.tranches[n],
                "class": losses.classes[c],
                "par": par[n, c],
            }
            rows.append(row | {name: losses.tranche[name][s, k, n] * losses.shares[n, c] for name in AMOUNTS})
    return with_share(pd.DataFrame(rows))


def losses_in_total(losses: Losses, scenario: Any, shock: str = "unchanged") -> pd.DataFrame:
    """One row a class over all it holds, and a last row for all: par, credit, rates, spread, total loss, per cent."""
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    frame = pd.DataFrame({"class": losses.classes, "par": par_held(losses).sum(axis=0)})
    for name in AMOUNTS:
        frame[name] = losses.tranche[name][s, k] @ losses.shares
    total = frame.drop(columns="class").sum()
    return with_share(pd.concat([frame, pd.DataFrame([{"class": "all", **total}])], ignore_index=True))


def par_held(losses: Losses) -> np.ndarray:
    """What each class holds of each tranche, drawn and undrawn, at the reference (N, C)."""
    s0 = losses.prices.at(*losses.reference)[0]
    return losses.prices.memo["committed"][s0][:, None] * losses.shares


def with_share(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its total loss in per cent of par."""
    return frame.assign(per_cent_of_par=per_cent(frame["total"], frame["par"]))
