"""What can be moved on the page: the drivers that the collateral reads, spreads by class of paper, numbers of the deal."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from pricing.valuation.reprice import Bump
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.deal import Deal, drivers_of
from structuring.generators.named_stresses import paper
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.scenario import Scenario
from structuring.scenarios.speed import UNITS, Speed
from waterfalls.language.expressions import Constant

RATES_A_YEAR = 0.5  # how far the knobs of prepayment and default reach
MONTHS = 36.0
LISTED = 40  # terms of a list beyond which its numbers are not offered: a tape is no list of knobs
PAPER = ("AA", "A", "BBB", "below", "unrated", "equity")


@dataclasses.dataclass(frozen=True)
class Knob:
    """One slider or date: what it moves, in which unit, between which ends, and where it stands when nothing is moved.

    `times` knobs multiply what the scenario says, `set` knobs replace it; `start` is None where the scenario says
    nothing that is one number.
    """

    driver: str
    label: str
    unit: str
    kind: str  # times, set, date
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    start: float | None = None


def knobs_of(deal: Deal, scenario: Scenario) -> list[Knob]:
    """The knobs of every driver that the deal's collateral reads, in the order of the table of drivers."""
    return [knob_of(driver, scenario) for driver in DRIVERS if driver in drivers_of(deal)]


def knob_of(driver: str, scenario: Scenario) -> Knob:
    row, given = DRIVERS[driver], getattr(scenario, driver)
    label = row.meaning
    if row.shape == "date":
        return Knob(driver, label, "date", "date")
    if row.multiple:
        return Knob(driver, label, "times what the scenario says", "times", high=2.0, start=1.0)
    if driver in UNITS:
        start = given.value if isinstance(given, Speed) and given.unit in ("CPR", "CDR") else None
        return Knob(driver, label, "a year", "set", high=RATES_A_YEAR, step=0.005, start=start)
    start = float(given) if isinstance(given, int | float) else None
    if "months" in row.unit:
        return Knob(driver, label, row.unit, "set", high=MONTHS, step=1.0, start=start)
    return Knob(driver, label, row.unit, "set", high=min(row.high, 1.0), start=start)


def moved(scenario: Scenario, deal: Deal, drivers: Mapping[str, float | datetime.date]) -> Scenario:
    """A scenario with its knobs turned, under a name that says so; itself where none is."""
    if not drivers:
        return scenario
    found = scenario
    for driver, value in drivers.items():
        if isinstance(value, datetime.date):
            found = dataclasses.replace(found, **{driver: value})
        else:
            move = Bump.times(driver, value) if DRIVERS[driver].multiple else Bump.set(driver, value)
            (found,) = move.scenarios([found], deal)
    return dataclasses.replace(found, name=f"{scenario.name}, moved")


def classes_of_paper(deal: Deal) -> dict[str, list[str]]:
    """The tranches of each class of paper that the deal has."""
    found = {kind: [tranche.name for tranche in deal.tranches if paper(tranche) == kind] for kind in PAPER}
    return {kind: names for kind, names in found.items() if names}


def shock_of(deal: Deal, bp: float, by_paper: Mapping[str, float]) -> SpreadShock:
    """All spreads moved by `bp`, and those of each class of paper by its own besides."""
    shock = SpreadShock.parallel(bp=bp) if bp else SpreadShock()
    classes = classes_of_paper(deal)
    own = {name: move for kind, move in by_paper.items() if move for name in classes.get(kind, ())}
    return shock + SpreadShock.by_tranche(bp=own) if own else shock


def numbers_of(deal: Deal) -> dict[str, float]:
    """Every number of the deal that can be moved, by its path in the file; of long lists, such as a tape, none."""
    fields = [field.name for field in dataclasses.fields(deal) if field.name not in ("sources", "holdings")]
    return {path: value for name in fields for path, value in numbers_in(getattr(deal, name), name)}


def numbers_in(item: Any, path: str) -> Iterator[tuple[str, float]]:
    """The numbers of a term, by path."""
    if isinstance(item, Constant):
        item = item.value
    if isinstance(item, int | float) and not isinstance(item, bool):
        yield path, float(item)
    elif dataclasses.is_dataclass(item):
        for field in dataclasses.fields(item):
            if field.name != "name":
                yield from numbers_in(getattr(item, field.name, None), f"{path}.{field.name}")
    elif isinstance(item, Mapping) and len(item) <= LISTED:
        for key, value in item.items():
            yield from numbers_in(value, f"{path}[{str(key)!r}]")
    elif isinstance(item, tuple) and len(item) <= LISTED:
        for i, value in enumerate(item):
            yield from numbers_in(value, f"{path}[{getattr(value, 'name', i)!r}]")
