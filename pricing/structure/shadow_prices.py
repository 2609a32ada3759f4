"""Shadow prices: what each binding test costs, as what a step less of it would buy, solved anew."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pricing.structure.solve import Infeasible, Structured, structured
from pricing.structure.terms.goals import with_test
from structuring.scenarios.drivers import DRIVERS
from waterfalls.errors import FirstLossError
from waterfalls.language.expressions import Constant

if TYPE_CHECKING:
    from pricing.structure.terms.sizing_test import SizingTest
    from pricing.structure.terms.structure_terms import Structure
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario

POINTS = 0.10  # by which every multiple of a stress comes nearer to 1


class ShadowPrice(NamedTuple):
    """A binding test, how it is relaxed, and by how much each size moves."""

    test: SizingTest
    step: str
    moves: Mapping[str, float]  # of tranches
    numbers: Mapping[str, float]  # of other numbers that are looked for, by their path

    @property
    def words(self) -> str:
        """What a committee says of it."""
        moved = [
            f"{abs(by) / 1e6:,.1f}m {'more' if by > 0 else 'less'} of {name}"
            for name, by in self.moves.items()
            if abs(by) >= 5e4
        ]
        moved += [f"{name} by {by:+,.4g}" for name, by in self.numbers.items() if by]
        return f"{self.step}: {' and '.join(moved) or 'nothing moves'}"


def shadow_prices(
    original: Deal, answer: Structured, *, progress: Callable[[int, int], None] | None = None
) -> list[ShadowPrice]:
    """What relaxing each binding test by a step buys, all else solved anew: ratios by 0.05, shares by a point, dates by a year,
    losses by 10 points less in the drivers of their scenario. What relaxed leaves no structure at all is left out."""
    tests = list(dict.fromkeys(reading.test for bound in answer.bounds for reading in bound.binding))
    found = []
    for n, test in enumerate(tests):
        step = relaxed(answer, test)
        if progress is not None:
            progress(n, len(tests))
        if step is None:
            continue
        terms, scenarios, said = step
        try:
            other = structured(original, terms, scenarios, answer.market, near=answer)
        except Infeasible as error:
            if error.nearest is None:
                continue
            other, said = error.nearest, f"{said}, by which {error.stuck} does not pass its tests and is left out"
        except FirstLossError:
            continue
        found.append(ShadowPrice(test, said, moves(answer, other), numbers_moved(answer, other)))
    return found


def moves(answer: Structured, other: Structured) -> dict[str, float]:
    """By how much each tranche that is solved for differs."""
    return {name: other.size(name) - answer.size(name) for name in answer.terms.sizes}


def numbers_moved(answer: Structured, other: Structured) -> dict[str, float]:
    """By how much each other number that is looked for differs; 0 where by less than a millionth of it."""
    found = {}
    for path in answer.terms.numbers:
        by = other.solved[path] - answer.solved[path]
        found[path] = by if abs(by) > 1e-6 * abs(answer.solved[path]) else 0.0
    return found


def relaxed(answer: Structured, test: SizingTest) -> tuple[Structure, Sequence[Scenario], str] | None:
    """Terms and scenarios with one test a step looser, and what that step is."""
    if test.word in ("loss", "expected_loss", "breakeven"):
        name = test.scenario or answer.scenarios[0].name
        scenarios = [shallower(s) if s.name == name else s for s in answer.scenarios]
        if list(scenarios) == list(answer.scenarios):
            return None  # nothing in it is a multiple
        return answer.terms, scenarios, f"10 points less in {name!r}"
    easier = -1.0 if test.sign == ">=" else 1.0
    if isinstance(test.level, datetime.date):
        level: Any = test.level + datetime.timedelta(days=int(easier * 365))
    elif isinstance(test.level, Constant):
        level = Constant(round(test.level.value + easier * step_of(test), 10))
    else:
        return None
    loose = dataclasses.replace(test, level=level)
    return with_test(answer.terms, test, loose), answer.scenarios, str(loose)


def step_of(test: SizingTest) -> float:
    """A step of a level: 0.05 of a ratio, a point of a share, a tenth of a year, a hundredth of anything larger."""
    level = abs(test.level.value)  # type: ignore[union-attr]
    if test.word == "wal":
        return 0.1
    return 0.01 if level < 1.0 else 0.05 if level < 10.0 else 0.01 * level


def shallower(scenario: Scenario) -> Scenario:
    """A scenario with every multiple 10 points nearer to 1."""
    return moved(scenario, lambda v: v + min(POINTS, 1.0 - v) if v < 1.0 else v - min(POINTS, v - 1.0))


def deeper(scenario: Scenario, times: float) -> Scenario:
    """A scenario with every multiple `times` as far from 1."""
    return moved(scenario, lambda v: max(1.0 + times * (v - 1.0), 0.0))


def moved(scenario: Scenario, move: Callable[[float], float]) -> Scenario:
    """A scenario with its multiples moved; dates, shares and months are as they were."""

    def of(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: of(item) for key, item in value.items()}
        return tuple(map(of, value)) if isinstance(value, tuple) else move(float(value))

    multiples = {name: of(value) for name, value in scenario.given().items() if DRIVERS[name].multiple}
    return dataclasses.replace(scenario, **multiples)
