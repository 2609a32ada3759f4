"""One round: the economy of a loop, and its losses and prices in one state of the channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from pricing.bearers.institutions import Institution, Institutions
from pricing.contagion.closed_loop.state import State
from pricing.contagion.closed_loop.vehicles import Vehicles
from pricing.contagion.financial_system import struck_by, system_of, with_classes
from pricing.contagion.fire_sales import SHORTFALL, System, fall, thresholds
from pricing.contagion.initial_losses import Shock, shock_by

BONDS = "corporate bonds"  # what public bonds of the book are part of
ROUNDS_OF_SALES = 20  # of `contagion` in the mode thresholds


@dataclasses.dataclass(frozen=True, eq=False)
class Economy:
    """A market book, its institutions and one set of assumptions, ready to be looked at in any state.

    first     the first round as `market_stress` finds it, and `lost` (2, K): total and credit loss by tranche
    share     (K, C)   what each class holds of each tranche
    size      (K,)     multiple of the book's size
    story     (D,)     multiple of the story, by deal, before the loop
    spread    (K,)     multiple of the story's spreads
    said      what the loop's assumptions are taken to be, by name
    forced    whether those below their threshold, and funds that are redeemed, sell by themselves
    """

    vehicles: Vehicles
    first: Shock
    lost: np.ndarray
    share: np.ndarray
    listed: tuple[Institution, ...]
    depth: Mapping[str, float]
    size: np.ndarray
    story: np.ndarray
    spread: np.ndarray
    said: Mapping[str, float]
    forced: bool = True

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.listed)

    @cached_property
    def worth(self) -> np.ndarray:
        """What the tranches are worth in the base (K,), as first held, in this size."""
        return self.first.held.sum(axis=0) * self.size

    @cached_property
    def base(self) -> System:
        """The system of the first round."""
        shock = self.shock(*self.losses(self.nothing))
        return system_of(shock, self.listed, self.names, None, None, self.depth)[0]

    @cached_property
    def nothing(self) -> State:
        """The state in which no channel does anything."""
        N, K, D = len(self.listed), len(self.vehicles.tranches), len(self.vehicles.deals)
        return State({}, np.zeros(N), np.zeros(K), np.zeros(D), 1.0)

    @cached_property
    def before(self) -> Round:
        """The look at the state in which no channel does anything."""
        return self.look(self.nothing)

    @property
    def values(self) -> np.ndarray:
        return self.base.values

    @property
    def sellable(self) -> np.ndarray:
        return self.base.sellable

    @property
    def capital(self) -> np.ndarray:
        return self.base.capital

    @property
    def assets(self) -> np.ndarray:
        return self.base.assets

    @cached_property
    def can_sell(self) -> np.ndarray:
        """What each can sell, at its value in the first round (N,)."""
        y = self.base
        return (y.values * y.sellable) @ y.start[0]

    def by_class(self, place: str) -> np.ndarray:
        """An assumption by institution (N,), 0 where nothing is said."""
        return np.array([self.said.get(f"{place} of {name}", 0.0) for name in self.names])

    def multiples(self, more: float) -> np.ndarray:
        """The multiple of the story by deal (D,)."""
        return self.story * more

    @cached_property
    def as_told(self) -> tuple[np.ndarray, np.ndarray]:
        """Values (K,) with the story as told, at its spreads and at none."""
        v = self.vehicles
        told, open_, K = np.ones(len(v.deals)), np.zeros(len(v.deals)), len(v.tranches)
        return v.at(told, open_, np.ones(K)), v.at(told, open_, np.zeros(K))

    def losses(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Total and credit loss of every tranche (K,), at the book's own size."""
        v, (total, credit) = self.vehicles, self.as_told
        there = self.multiples(state.more), state.shut
        none = np.zeros(len(v.tranches))
        return self.lost[0] + (total - v.at(*there, self.spread)), self.lost[1] + (credit - v.at(*there, none))

    def never_repaid(self, state: State) -> float:
        """The share of the notes' principal that is never repaid."""
        v = self.vehicles
        owed = float(self.size @ v.notes)
        return float(self.size @ v.unpaid(self.multiples(state.more), state.shut)) / owed if owed > 0.0 else 0.0

    def shock(self, total: np.ndarray, credit: np.ndarray) -> Shock:
        """Losses of the vehicles by tranche, as a first shock."""
        first = self.first
        held = first.held * self.size
        before = first.held.sum(axis=0)
        moved = np.divide(total - self.lost[0], before, out=np.zeros(len(before)), where=before > 0.0)
        return dataclasses.replace(
            first,
            total=first.total + (self.size * total - self.lost[0]) @ self.share,
            credit=first.credit + (self.size * credit - self.lost[1]) @ self.share,
            held=held,
            start=np.maximum(first.start - moved, 0.0),
        )

    def system(self, state: State) -> System:
        """The system of forced sales on the vehicles' losses in a state."""
        return struck_by(self.base, self.shock(*self.losses(state)), self.names)

    def look(self, state: State) -> Round:
        """Losses and prices in a state: vehicles, then the channels' sales and marks, then sales by thresholds.

        Where no channel does anything it is the second round of `contagion`, to the bit.
        """
        if state is not self.nothing and state.still:
            return self.before
        total, credit = self.losses(state)
        shock = self.shock(total, credit)
        system = struck_by(self.base, shock, self.names)
        first = shock_by(shock, self.names)[0][0]
        after, lost = after_sales(system, state)
        made = thresholds(after, ROUNDS_OF_SALES * self.forced, whose=state is self.nothing)
        second = (made.forced.sum(axis=0) + made.others.sum(axis=0))[0]
        price, start = made.prices[-1, 0], system.start[0]
        K = len(self.vehicles.tranches)
        fell = 1.0 - np.divide(price, start, out=np.ones_like(price), where=start > 0.0)
        marked = np.zeros(len(price))
        marked[:K] = state.marked
        by_sales = 1.0 - np.divide(1.0 - fell, 1.0 - marked, out=np.ones_like(fell), where=marked < 1.0)
        before = self.first.held.sum(axis=0)
        share = np.divide(credit, before, out=np.zeros_like(credit), where=before > 0.0)
        return Round(
            first=first, late=lost + second, price=price, fell=by_sales, fell_in_all=fell,
            credit_share=np.maximum(share, 0.0),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Round:
    """What one look found.

    first  (N,)  losses of value of the vehicles          late  (N,)  what sales, marks and their falls of price add
    price  (K,)  after all, relative to the base          fell  (K,)  by sales; `fell_in_all` by marks too
    credit_share (K,)  credit loss over value in the base
    """

    first: np.ndarray
    late: np.ndarray
    price: np.ndarray
    fell: np.ndarray
    fell_in_all: np.ndarray
    credit_share: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All losses by institution (N,)."""
        return self.first + self.late


def after_sales(y: System, state: State) -> tuple[System, np.ndarray]:
    """The system after the channels' sales and marks, and what they cost each institution (N,).

        fell = 1 - exp(-sold / depth);  price' = price x (1 - fell) x (1 - marked)
        loss = fall on what is kept + half the fall on what is sold                  (as in `thresholds`)

    What is sold at amortised cost brings its part of hidden losses to light; what is redeemed leaves capital.
    """
    N, K = y.values.shape
    part = np.broadcast_to(state.part, (N, K))
    marked = np.zeros(K)
    marked[: len(state.marked)] = state.marked
    if not part.any() and not marked.any() and not state.paid.any():
        return y, np.zeros(N)
    start = y.start[0]
    off = part * y.values
    sold = start * off.sum(axis=0)
    fell = 1.0 - (1.0 - fall(sold @ y.impact, "exponential")) * (1.0 - marked)
    drop = start * fell
    on_kept, on_sold = (y.values - off) @ drop, SHORTFALL * (off @ drop)
    can = (y.values * y.sellable) @ start
    light = np.divide(off @ start, can, out=np.zeros(N), where=can > 0.0) * y.hidden[0]
    kept_can = ((y.values - off) * y.sellable) @ drop
    return dataclasses.replace(
        y,
        values=y.values - off,
        start=(start - drop)[None],
        direct=(y.direct[0] + y.marked * on_kept + on_sold + light)[None],
        hidden=(y.hidden[0] - light + (1.0 - y.marked) * kept_can)[None],
        capital=y.capital - state.paid,
    ), on_kept + on_sold


def institutions_with(known: Institutions, said: Mapping[str, float], first: Shock) -> tuple[Institution, ...]:
    """The institutions with capital and redemptions at the multiples of a set of assumptions."""
    found = []
    for one in with_classes(tuple(known.institutions), first):
        capital, flow = said.get(f"capital of {one.name}", 1.0), said.get(f"redemptions of {one.name}", 1.0)
        if capital != 1.0 and one.capital is not None:
            one = dataclasses.replace(one, capital=min(capital * one.capital, one.assets or np.inf))
        found.append(one if flow == 1.0 else dataclasses.replace(one, redemptions=flow * one.redemptions))
    return tuple(found)


def depth_with(depth: Mapping[str, float], said: Mapping[str, float], public: tuple[str, ...]) -> dict[str, float]:
    """The depths at the multiples of a set of assumptions; public bonds of the book have the depth of all bonds."""
    found = {name: amount * said.get(f"depth of {name}", 1.0) for name, amount in depth.items()}
    return found | (dict.fromkeys(public, found[BONDS]) if public else {})
