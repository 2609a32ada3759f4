"""The frontier: what money costs and the equity earns along the size of the senior class, a coverage test and a stress."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pricing.structure.economics import cost_of_funds, equity_return
from pricing.structure.shadow_prices import deeper
from pricing.structure.solve import Structured, structured
from pricing.structure.terms.goals import with_test
from pricing.structure.workbench import path_of
from waterfalls.errors import FirstLossError
from waterfalls.language.expressions import Constant

if TYPE_CHECKING:
    from pricing.structure.terms.structure_terms import Structure
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario

SIZES = (0.6, 0.7, 0.8, 0.9, 1.0)  # of the solved size of the senior class
LEVELS = (-0.2, -0.1, 0.0, 0.1, 0.2)  # beside the level of a coverage test
DEPTHS = (0.5, 0.75, 1.0, 1.25, 1.5)  # times the depth of a stress


class Point(NamedTuple):
    """One structure of a curve: along what, where, its sizes, what money costs, what equity earns; NaN where there is none."""

    curve: str
    at: float
    chosen: bool
    sizes: dict[str, float]
    cost_of_funds: float
    equity_irr: float


def frontier(original: Deal, answer: Structured, *, progress: Callable[[int, int], None] | None = None) -> list[Point]:
    """Structures solved anew along each curve that the terms allow, the chosen one among them."""
    asked = list(variants(original, answer))
    found = []
    for n, (curve, at, chosen, deal, terms, scenarios) in enumerate(asked):
        if progress is not None:
            progress(n, len(asked))
        try:
            made = answer if chosen else structured(deal, terms, scenarios, answer.market, near=answer)
        except FirstLossError:
            found.append(Point(curve, at, chosen, {}, np.nan, np.nan))
            continue
        sizes = {tranche.name: tranche.notional for tranche in made.deal.tranches}
        found.append(Point(curve, at, chosen, sizes, cost_of_funds(made), equity_return(made)))
    return found


Variant = tuple[str, float, bool, "Deal", "Structure", "tuple[Scenario, ...]"]


def variants(original: Deal, answer: Structured) -> Iterator[Variant]:
    """The terms of every point of every curve."""
    terms, scenarios = answer.terms, answer.scenarios
    sized = {bound.path for bound in answer.bounds}
    senior = next((t.name for t in original.tranches if path_of(t.name) in sized), None)
    if senior is None:
        return
    for share in SIZES:
        size = share * answer.size(senior)
        fixed = dataclasses.replace(terms, sizes={**terms.sizes, senior: size})
        yield f"size of {senior}", size, share == 1.0, original, fixed, scenarios
    binding = [reading.test for bound in answer.bounds for reading in bound.binding]
    tests = sorted(terms.tests, key=lambda test: test not in binding)  # those first along which sizes move
    cover = next((t for t in tests if t.of is not None and t.sign == ">=" and isinstance(t.level, Constant)), None)
    if cover is not None:
        for by in LEVELS:
            level = round(cover.level.value + by, 10)  # type: ignore[union-attr]
            moved = with_test(terms, cover, dataclasses.replace(cover, level=Constant(level)))
            yield cover.measure, level, by == 0.0, original, moved, scenarios
    for name in dict.fromkeys(test.scenario for test in tests if test.scenario and test.scenario != "paths"):
        stress = next(scenario for scenario in scenarios if scenario.name == name)
        if deeper(stress, 0.0) != stress and any(test.scenario == name for test in terms.sized[senior]):
            for depth in DEPTHS:
                others = tuple(deeper(s, depth) if s.name == name else s for s in scenarios)
                yield f"depth of {name}", depth, depth == 1.0, original, terms, others
            return
