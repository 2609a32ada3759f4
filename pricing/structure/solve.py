"""structured: sizes, numbers, coupons, schedules and reserves of a deal, solved from its tests and proved by running it again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pricing.market.market import Market
from pricing.structure.fixed_point import NotSettled, fixed_point
from pricing.structure.readings import Reading
from pricing.structure.search import Found, largest
from pricing.structure.terms.amount import amount
from pricing.structure.terms.checks import faults_of
from pricing.structure.terms.place import value_at
from pricing.structure.terms.structure_terms import Structure
from pricing.structure.workbench import SMALLEST, Candidate, Workbench, path_of
from structuring.deals.deal import Deal
from structuring.deals.funding import faults_of_gap
from structuring.deals.sources_and_uses import statement
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import fitting, instance, many, takes
from waterfalls.errors import FirstLossError, InvalidTerms, refuse

if TYPE_CHECKING:
    from pricing.structure.terms.sizing_test import SizingTest
    from waterfalls.cashflows import Cashflows

HELD = 1e-9  # of a level: by so much a test may be missed and still holds; and of the deal, for circles
NEAR = 2e-11  # of the deal, or of a number's range: how close the two sides of an answer stand
LOOSEST = 1e6  # times NEAR: how widely the first rounds search
CLOSER = 0.003  # of how far a round moved: how closely the next searches
TAKEN = 1e-4  # of a level: a test that fails by less with a class at its least is used up by those above
UPPER = 16.0  # times the deal: a size that passes there has no upper bound


class Infeasible(FirstLossError, ValueError):
    """A structure that no sizes make: `readings` are the tests that fail where they are nearest to passing, `nearest` a
    structure that would do, without those tests."""

    def __init__(
        self,
        what: str,
        readings: Sequence[Reading] = (),
        nearest: Structured | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        lines = [what, *(reading.words for reading in readings)]
        if nearest is not None:
            sizes = ", ".join(f"{tranche.name} {tranche.notional / 1e6:,.1f}m" for tranche in nearest.deal.tranches)
            lines.append(f"the nearest that would do, without what fails: {sizes}")
            if unknown is not None and unknown.size:
                lines.append("loosen what fails, or tighten a test of a class above: it takes what this one would need")
        super().__init__("\n  ".join(lines))
        self.what, self.readings, self.nearest, self.unknown = what, tuple(readings), nearest, unknown

    @property
    def stuck(self) -> str:
        """What no value of passes: a tranche by its name, a number by its path."""
        path = "" if self.unknown is None else self.unknown.path
        return (
            next((t.name for t in self.nearest.deal.tranches if path_of(t.name) == path), path)
            if self.nearest
            else path
        )


@dataclasses.dataclass(frozen=True)
class Bound:
    """What a size or a number was solved to, what holds it there, and how its margin falls."""

    path: str
    value: float
    binding: tuple[Reading, ...]
    rest: bool = False  # whether it is held by what the uses leave for the rest


@dataclasses.dataclass(frozen=True, eq=False)
class Structured:
    """A solved deal: its flows in every scenario, what every test reads, what binds, and what closed circles leave over.

    In `market` what is sold at the spread of new paper is quoted at it.
    `runs` are the scenarios run to find it, `candidates` the structures tried.
    """

    deal: Deal
    terms: Structure
    scenarios: tuple[Scenario, ...]
    market: Market
    flows: Cashflows
    readings: tuple[Reading, ...]
    bounds: tuple[Bound, ...]
    residuals: Mapping[str, float]
    runs: int
    candidates: int

    def size(self, tranche: str) -> float:
        """The size of a tranche."""
        return value_at(self.deal, path_of(tranche))

    @property
    def solved(self) -> dict[str, float]:
        """Every number that was solved for, by its path, coupons and schedules apart."""
        paths = [path_of(name) for name in self.terms.sizes] + list(self.terms.numbers) + list(self.terms.amounts)
        return {path: value_at(self.deal, path) for path in paths}


@dataclasses.dataclass(frozen=True)
class Unknown:
    """A number looked for: between two limits, towards the upper one, or the lower one."""

    path: str
    tests: tuple[SizingTest, ...]
    low: float
    high: float
    downwards: bool = False
    size: bool = True

    def scale(self, bench: Workbench) -> float:
        """What tolerances are a share of: the deal, or the range looked through."""
        return bench.whole if self.size else self.high - self.low

    def value(self, x: float) -> float:
        """The number at x of [low, high], x rising from what passes to what fails."""
        return self.low + self.high - x if self.downwards else x


@takes(
    deal=instance(Deal),
    terms=instance(Structure),
    scenarios=many(Scenario),
    market=instance(Market),
    near=instance(Structured),
    progress=fitting(callable, "a function of how many are done and how many there are"),
)
def structured(
    deal: Deal,
    terms: Structure,
    scenarios: Scenario | Sequence[Scenario],
    market: Market,
    *,
    near: Structured | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Structured:
    """Solves a deal: each size as large as its own tests allow, from the top down, all others being as solved.

    Sizes are searched in turn, in rounds, until none moves; inside each step coupons, schedules, amounts and the rest are
    brought to rest (`fixed_point`). The answer is run again in every scenario and all its tests are read from that run;
    what fails by more than 1e-9 is refused, with where and by how much. `near` is a solved structure to begin at.
    """
    scenarios = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    if not scenarios:
        raise InvalidTerms("scenarios: at least one is needed, the base first")
    found = faults_of(deal, terms, scenarios)
    refuse(found, title="the structure")
    bench = Workbench(deal, terms, scenarios, market)
    if near is not None:
        bench.begin_at(near.deal)
    hunt = Hunt(bench, unknowns_of(bench), near, progress)
    try:
        values = hunt.settled()
    except Infeasible as error:
        raise Infeasible(error.what, error.readings, without(bench, error), error.unknown) from None
    return proved(bench, bench.closed(values), tuple(hunt.bounds.values()))


def without(bench: Workbench, error: Infeasible) -> Structured | None:
    """The structure in which what no value of passes stands at its limit, a tranche at nothing, and what it fails is dropped."""
    terms, unknown = bench.terms, error.unknown
    assert unknown is not None
    limit = unknown.value(unknown.low)
    if unknown.size:
        sizes = {name: limit if path_of(name) == unknown.path else said for name, said in terms.sizes.items()}
        terms = dataclasses.replace(terms, sizes=sizes)
    else:
        numbers = {path: sought for path, sought in terms.numbers.items() if path != unknown.path}
        terms = dataclasses.replace(terms, numbers=numbers, amounts={**terms.amounts, unknown.path: amount(limit)})
    failing = {reading.test for reading in error.readings}
    terms = dataclasses.replace(terms, must=tuple(test for test in terms.must if test not in failing))
    try:
        return structured(bench.deal, terms, tuple(bench.scenarios.values()), bench.market)
    except Infeasible as other:
        return other.nearest
    except FirstLossError:
        return None


class Hunt:
    """The search for all unknowns: rounds of one search each, mixed until a round moves none.

    A round searches a hundred times as closely as the round before moved, so that the first are cheap.
    """

    def __init__(
        self,
        bench: Workbench,
        unknowns: list[Unknown],
        near: Structured | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.bench, self.unknowns, self.progress = bench, unknowns, progress
        self.bounds: dict[str, Bound] = {}
        self.found: dict[str, Found] = {}
        self.moves: dict[str, float | None] = {}
        self.turn, self.loose = 0, 1.0 if len(unknowns) == 1 else LOOSEST
        deal = bench.deal if near is None else near.deal
        # juniors are not there yet when a senior tranche is sized first
        self.values = {u.path: u.low if u.size and near is None else value_at(deal, u.path) for u in unknowns}

    def settled(self) -> dict[str, float]:
        """Every unknown's value, once a round of searches leaves all where they were."""
        units = np.array([2.0 * NEAR * unknown.scale(self.bench) for unknown in self.unknowns])
        first = self.round(np.array(list(self.values.values())) / units, units)
        if len(self.unknowns) > 1:
            fixed_point(
                lambda x: self.round(x, units),
                first,
                lambda r: "each size asks the others to move",
                depth=1,  # rounds from the top down have one slow direction, and are known to a hundredth
                noise=lambda: self.loose,
            )
        return self.values

    def round(self, x: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Every unknown searched once, from the top down, from where `x` has them; where they come out, in `units`."""
        while True:
            for unknown, value in zip(self.unknowns, x * units, strict=True):
                self.values[unknown.path] = min(max(float(value), unknown.low), unknown.high)
            for number, unknown in enumerate(self.unknowns):
                before, path = self.values[unknown.path], unknown.path
                self.bounds[path], self.found[path] = solve_one(
                    self.bench, unknown, self.values, self.found.get(path), self.moves.get(path), self.loose
                )
                self.values[path] = self.bounds[path].value
                self.moves[path] = abs(self.values[path] - before) if self.turn else 0.01 * before
                if self.progress is not None:
                    done = self.turn * len(self.unknowns) + number + 1
                    self.progress(min(done, 6 * len(self.unknowns)), 6 * len(self.unknowns) + 1)
            self.turn += 1
            found = np.array(list(self.values.values())) / units
            moved, searched = float(np.abs(found - x).max(initial=0.0)), self.loose
            self.loose = min(max(CLOSER * moved, 1.0), self.loose)
            if moved > 1.0 or searched == 1.0:
                return found


def unknowns_of(bench: Workbench) -> list[Unknown]:
    """Sizes from the top down, then numbers."""
    sized, low, high = bench.terms.sized, SMALLEST * bench.whole, UPPER * bench.whole
    order = [tranche.name for tranche in bench.deal.tranches if tranche.name in sized]
    found = [Unknown(path_of(name), sized[name], low, high) for name in order]
    return found + [
        Unknown(path, sought.tests, *sought.between, downwards=sought.best == "smallest", size=False)
        for path, sought in bench.terms.numbers.items()
    ]


def solve_one(
    bench: Workbench,
    unknown: Unknown,
    values: dict[str, float],
    before: Found | None,
    moved: float | None,
    loose: float,
) -> tuple[Bound, Found]:
    """The largest value of one unknown, the others standing still; what fails just beyond it binds.

    `before` and `moved` are what was found and how far it went the round before; `loose` how many times more widely than
    promised it is searched. A test that fails where the unknown is least and comes nearer as it grows, such as the equity's
    return, does not limit it.
    """
    seen: dict[float, tuple[list[Reading], bool]] = {}
    restless: list[NotSettled] = []
    rising: set[SizingTest] = (
        set()
    )  # tests that a larger size comes nearer to: they do not limit it, and are proved of the answer

    def margins(x: float) -> list[float]:
        try:
            candidate = bench.closed({**values, unknown.path: unknown.value(x)}, loose)
        except NotSettled as error:  # so large that no coupon is par, or no amount enough: it fails
            restless.append(error)
            seen[x] = [], False
            return [-math.inf] * (len(unknown.tests) + 1)
        readings = bench.readings(candidate, unknown.tests)
        left = bench.left_over(candidate) if bench.rest is not None else math.inf
        seen[x] = readings, left < 0.0
        return [*(math.inf if reading.test in rising else reading.slack for reading in readings), left]

    tolerance = loose * NEAR * unknown.scale(bench)
    start = unknown.value(values[unknown.path])
    if unknown.size and start <= unknown.low:
        start = min(unknown.high, max(unknown.low, 0.25 * bench.whole))
    stride = None if moved is None else max(4.0 * tolerance, 0.25 * moved)

    def searched() -> Found:
        return largest(
            margins, start=start, low=unknown.low, high=unknown.high, tolerance=tolerance, before=before, stride=stride
        )

    found = searched()
    at_low = {reading.test: reading for reading in seen.get(unknown.low, ((), False))[0] if reading.margin < 0.0}
    if found.passes is None and 0 < len(at_low) < len(unknown.tests):
        rising |= at_low.keys()
        other = searched()
        ends = {} if other.passes is None else {reading.test: reading.margin for reading in seen[other.passes][0]}
        if ends and all(ends[test] > at_low[test].margin for test in rising):
            found = other
    passed, failed = found.passes, found.fails
    if restless and passed is None:
        raise restless[-1]
    if restless and passed is not None and failed is not None and not seen[failed][0]:
        raise InvalidTerms(
            f"{unknown.path} has no upper bound: its tests pass at {unknown.value(passed):,.6g}, and beyond that {restless[-1]}; "
            "give it a test that fails"
        )
    if passed is None:
        at, failing = seen[unknown.low], list(at_low.values())
        raise Infeasible(nothing_passes(bench, unknown, failing, too_much=at[1]), failing, unknown=unknown)
    if failed is None and unknown.size:
        raise InvalidTerms(
            f"{unknown.path} has no upper bound: none of its tests fails even at {passed:,.0f}; give it one that does"
        )
    readings = seen[failed][0] if failed is not None else []
    binding = tuple(reading for reading in readings if reading.margin < 0.0 and reading.test not in rising)
    return Bound(unknown.path, unknown.value(passed), binding, failed is not None and seen[failed][1]), found


def nothing_passes(bench: Workbench, unknown: Unknown, failing: Sequence[Reading], *, too_much: bool) -> str:
    """What to say where an unknown fails where it is least; that classes above leave it nothing, where a test stands at its level."""
    names = [tranche.name for tranche in bench.deal.tranches]
    name = next((name for name in names if path_of(name) == unknown.path), None)
    if name is None:
        what = f"no value of {unknown.path} passes its tests: even at {unknown.value(unknown.low):,.6g} "
        return what + ("the others bring more than the uses need" if too_much else "what follows fails")
    above = [other for other in names[: names.index(name)] if other in bench.terms.sizes]
    used = next((reading for reading in failing if -TAKEN < reading.margin < 0.0), None)
    if used is not None and above and not too_much:
        took = f"{' and '.join(above)} already {'takes' if len(above) == 1 else 'take'} all that {used.test} allows"
        return f"{took}; nothing is left for {name}"
    least = f"{bench.deal.currency} {unknown.low:,.0f}, the least that is looked for, "
    what = "the others bring more than the uses need" if too_much else "what follows fails"
    return f"no size of {name} passes its tests: even at {least}{what}"


def proved(bench: Workbench, candidate: Candidate, bounds: tuple[Bound, ...]) -> Structured:
    """The answer, with its funding, run again in every scenario, and every test read from that run."""
    deal = dataclasses.replace(candidate.deal, funding=bench.funding)
    refuse(faults_of_gap(statement(deal)), title="the solved deal")
    flows = bench.run(deal, tuple(bench.scenarios))
    readings = tuple(bench.readings(dataclasses.replace(candidate, deal=deal), bench.terms.tests))
    answer = Structured(
        deal, bench.terms, tuple(bench.scenarios.values()), bench.quoted(candidate.flows), flows, readings, bounds,
        candidate.residuals, bench.runs, bench.candidates,
    )  # fmt: skip
    failing = [reading for reading in readings if reading.margin < -HELD]
    if failing:
        tests = " and ".join(dict.fromkeys(str(reading.test) for reading in failing))
        what = f"sizes are solved, but the deal that they make fails {tests}"
        raise Infeasible(what, failing, answer)
    return answer
