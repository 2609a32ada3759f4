"""Vehicles: every deal of the book run again where its story, its refinancing and its spreads stand elsewhere.

The runs are made once, at points; the loop reads between them, and where it comes to rest they are run again. A point is how much of the story strikes (0, none, to `MOST`
times), whether the market for refinancing is open or shut, and how much of the story's spreads is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from pricing.contagion.struck_deals import Told
from pricing.tables.quotients import quotient
from pricing.valuation.measures import BP
from pricing.valuation.run_and_price import run_and_price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.generators.named_stresses import Effect, NamedStress, paper
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note

MULTIPLES = (0.0, 0.5, 0.75, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0)  # of the story, at which the vehicles are run
WIDER = (0.0, 0.5, 1.0, 2.0, 3.0)  # of the story's spreads, at which they are priced


@dataclasses.dataclass(frozen=True, eq=False)
class Vehicles:
    """D deals and K tranches at the points (I multiples of the story, open or shut, J multiples of spreads).

    deals      (D,)            names
    tranches   (K,)            "deal: tranche"
    of         (K,)            the deal of a tranche
    value      (K, I, 2, J)    in the book's currency
    realised   (K, I, 2)       principal of notes that is never repaid
    cash       (D, I, 2)       what tranches are paid in all, relative to the base
    paper      (K,)            class of paper
    notes      (K,)            notional of notes, 0 for equity
    widening   (K,)            the story's spread and that of supply, in basis points
    supply     (K,)            that of supply alone
    duration   (K,)            -(dV/dz) / V in the story, years, V without what is undrawn; NaN where it is worth nothing
    old_yield  (D,)            what the notes pay a year on what is outstanding
    multiples  (I,)            of the story, ascending
    """

    deals: tuple[str, ...]
    tranches: tuple[str, ...]
    of: np.ndarray
    value: np.ndarray
    realised: np.ndarray
    cash: np.ndarray
    paper: tuple[str, ...]
    notes: np.ndarray
    widening: np.ndarray
    supply: np.ndarray
    duration: np.ndarray
    old_yield: np.ndarray
    multiples: tuple[float, ...] = MULTIPLES

    @cached_property
    def peers(self) -> np.ndarray:
        """1 where two tranches are another's and of one class of paper (K, K)."""
        alike = np.array([[a == b for b in self.paper] for a in self.paper], dtype=np.float64)
        return alike - np.eye(len(self.paper))

    def at(self, multiple: np.ndarray, shut: np.ndarray, wider: np.ndarray) -> np.ndarray:
        """Values (K,): `multiple` of the story and part of refinancing `shut` by deal (D,), multiple of spreads `wider` by tranche."""
        k, i, a = np.arange(len(self.tranches)), *between(self.multiples, multiple)
        j, b = between(WIDER, wider)
        i, a, shut = i[self.of], a[self.of], shut[self.of]

        def spread(i: np.ndarray, r: int) -> np.ndarray:
            return mix(self.value[k, i, r, j], self.value[k, i, r, j + 1], b)

        def story(r: int) -> np.ndarray:
            return mix(spread(i, r), spread(i + 1, r), a)

        return mix(story(0), story(1), shut)

    def paid(self, multiple: np.ndarray, shut: np.ndarray) -> np.ndarray:
        """Cash relative to the base (D,)."""
        return without_spreads(self.cash, self.multiples, multiple, shut)

    def unpaid(self, multiple: np.ndarray, shut: np.ndarray) -> np.ndarray:
        """Principal of notes that is never repaid (K,), by multiples and refinancing of their deals (D,)."""
        return without_spreads(self.realised, self.multiples, multiple[self.of], shut[self.of])

    def with_point(self, multiple: float, told: Mapping[str, Told], story: float, supply: float) -> Vehicles:
        """The same, run at one more multiple of the story."""
        more = run_vehicles(told, story, supply, (1.0, multiple))
        at = int(np.searchsorted(self.multiples, multiple))
        grown = {
            name: np.insert(getattr(self, name), at, getattr(more, name)[:, 1], axis=1)
            for name in ("value", "realised", "cash")
        }
        points = (*self.multiples[:at], multiple, *self.multiples[at:])
        return dataclasses.replace(self, multiples=points, **grown)


def without_spreads(table: np.ndarray, points: tuple[float, ...], multiple: np.ndarray, shut: np.ndarray) -> np.ndarray:
    """What a table (n, I, 2) says at multiples of the story and parts of refinancing shut (n,)."""
    n, (i, a) = np.arange(len(table)), between(points, multiple)
    low, high = (mix(table[n, i, r], table[n, i + 1, r], a) for r in (0, 1))
    return mix(low, high, shut)


def mix(low: Any, high: Any, part: Any) -> Any:
    """low + part x (high - low): exactly low where the part is 0."""
    return low + part * (high - low)


def between(points: tuple[float, ...], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The point below, never the last, and how far to the next; what is beyond the last is held there."""
    held = np.clip(x, points[0], points[-1])
    i = np.clip(np.searchsorted(points, held, side="right") - 1, 0, len(points) - 2)
    grid = np.array(points)
    return i, (held - grid[i]) / (grid[i + 1] - grid[i])


def told_at(stress: NamedStress, multiple: float, shut: NamedStress | None = None) -> NamedStress:
    """A stress whose own scale is 1 there, with the effects of another on top, such as a `shut` market for refinancing.

    Where both move a driver, additions add, multiples multiply, and the earlier date holds.
    """
    effects: dict[str, dict[str, Effect]] = {}
    parts = [(stress, multiple), *([(shut, 1.0)] if shut else [])]
    for told, m in parts:
        for kind, each in told.effects.items():
            for one in each if m > 0.0 else ():
                held = scaled(one, m)
                before = effects.setdefault(kind, {}).get(one.driver)
                effects[kind][one.driver] = held if before is None else both(before, held)
    events: dict[str, float] = {}
    for told, m in parts:
        for name, years in told.events.items() if m > 0.0 else ():
            events[name] = min(events.get(name, np.inf), years / m)
    name = f"{stress.name} x {multiple:g}{f', {shut.name}' if shut else ''}"
    return dataclasses.replace(
        stress, name=name, effects={kind: tuple(each.values()) for kind, each in effects.items()}, events=events
    )


def scaled(one: Effect, m: float) -> Effect:
    """An effect as it is at a scale: of a date its years, else its size."""
    if one.times is not None:
        return dataclasses.replace(one, times=one.times**m)
    return (
        dataclasses.replace(one, plus=m * one.plus)
        if one.plus is not None
        else dataclasses.replace(one, after=one.after / m)
    )


def both(a: Effect, b: Effect) -> Effect:
    """Two effects on one driver, which they move alike: one that multiplies and one that adds are refused."""
    after = min(a.after, b.after)
    if a.times is not None and b.times is not None:
        return dataclasses.replace(a, times=a.times * b.times, after=after)
    if a.plus is not None and b.plus is not None:
        return dataclasses.replace(a, plus=a.plus + b.plus, after=after)
    if (a.times, a.plus) != (b.times, b.plus):
        raise InvalidTerms(
            f"effects on {a.driver}: one stress multiplies it and one adds to it, and the loop strikes with both: say "
            "`times` in both, or `plus`"
        )
    return dataclasses.replace(a, after=after)  # a date


def run_vehicles(
    told: Mapping[str, Told], story: float, supply: float, multiples: tuple[float, ...] = MULTIPLES
) -> Vehicles:
    """Runs every deal once at all points; 1 is among the `multiples`. `story` is the scale of the story, `supply` the widening of supply in basis points."""
    found: dict[str, list[Any]] = {
        name: []
        for name in (
            "tranches",
            "of",
            "value",
            "realised",
            "cash",
            "paper",
            "notes",
            "widening",
            "supply",
            "duration",
            "old_yield",
        )
    }
    for d, (name, one) in enumerate(told.items()):
        deal = one.deal
        points = [told_at(one.stress, story * m, shut) for m in multiples for shut in (None, one.shut)]
        scenarios = [
            dataclasses.replace(each, name=f"point {n}").scenario(deal, on=one.base) for n, each in enumerate(points, 1)
        ]
        shocks = [
            SpreadShock.by_tranche(bp={n: m * bp for n, bp in one.widening.items()}, name=f"{m:g} times")
            for m in WIDER[1:]
        ]
        pairs = [(each.name, shock) for each in scenarios for shock in shocks]
        _, prices, before = run_and_price(
            deal, [one.base, *scenarios], one.market, pairs=pairs, rates=story * one.stress.rates, engine="fast"
        )
        npv = one.scale * np.moveaxis(prices.npv[1:, : len(WIDER)], 2, 0)  # (N, 2 I, J)
        found["value"].append(npv.reshape(len(deal.tranches), len(multiples), 2, len(WIDER)))
        lost = one.scale * prices.memo["realised_loss"][1:].T * [[isinstance(each, Note)] for each in deal.tranches]
        found["realised"].append(lost.reshape(len(deal.tranches), len(multiples), 2))
        paid = prices.memo["cash"].sum(axis=1)
        found["cash"].append((paid[1:] / paid[0] if paid[0] else np.ones(len(points))).reshape(len(multiples), 2))
        notes = np.array([one.scale * (each.notional if isinstance(each, Note) else 0.0) for each in deal.tranches])
        found["tranches"] += [f"{name}: {each.name}" for each in deal.tranches]
        found["of"] += [d] * len(deal.tranches)
        found["paper"] += [paper(each) for each in deal.tranches]
        found["notes"] += notes.tolist()
        found["widening"] += [one.widening.get(each.name, 0.0) for each in deal.tranches]
        found["supply"] += [supply if isinstance(each, Note) else 0.0 for each in deal.tranches]
        at_story = 1 + 2 * multiples.index(1.0), WIDER.index(1.0)
        found["duration"] += quotient(prices["cs01"][at_story], BP * prices.npv[at_story]).tolist()
        found["old_yield"].append(yield_of_notes(before))
    return Vehicles(
        deals=tuple(told), tranches=tuple(found["tranches"]), of=np.array(found["of"]),
        value=np.concatenate(found["value"]), realised=np.concatenate(found["realised"]), cash=np.array(found["cash"]), paper=tuple(found["paper"]),
        notes=np.array(found["notes"]), widening=np.array(found["widening"]), supply=np.array(found["supply"]),
        duration=np.array(found["duration"], dtype=np.float64), old_yield=np.array(found["old_yield"]),
        multiples=multiples,
    )  # fmt: skip


def yield_of_notes(flows: Cashflows) -> float:
    """What the notes pay a year on what is outstanding, by their day counts, on the first full date of the base; NaN where
    nothing is: sum of interest / sum of balance x accrual."""
    notes = flows.plan.notes_by_name
    owed = sum(flows.balance[name][0, 0] * flows.plan.accruals[name][1] for name in notes)
    return float(sum(flows.accrued[name][0, 1] for name in notes) / owed) if owed > 0.0 else np.nan
