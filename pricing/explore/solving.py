"""Solves for one number of the deal from the page: a size, a reserve, a coupon that passes a test."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from pricing.explore.answer import Files, read, stressed
from pricing.explore.state import state_of
from pricing.structure.solve import structured
from pricing.structure.terms.place import value_at, with_values
from pricing.structure.terms.sizing_test import SizingTest
from pricing.structure.terms.structure_terms import Sought, Structure
from waterfalls.terms.term import taken, term


@term
class Wanted:
    """One number sought, by its path: the largest or the smallest between two limits that passes a test."""

    number: str
    best: Literal["largest", "smallest"]
    between: tuple[float, float]
    test: SizingTest


def solve(files: Files, given: dict[str, Any]) -> dict[str, Any]:
    """The number that passes, and what its test reads there; the test may name the scenario as the page moved it.

    That sources are uses is not asked of what is solved: the page tells a gap, and which equity closes it.
    """
    wanted = taken(Wanted, given.pop("wanted", {}))
    state = state_of(given)
    deal, scenarios, market = read(files, files.stamp(), state.text)
    if state.numbers:
        deal = dataclasses.replace(with_values(deal, state.numbers))
    stress = stressed(deal, scenarios, state)
    market = market.shifted(state.rates) if state.rates else market
    beside = scenarios if stress in scenarios else (*scenarios, stress)
    terms = Structure(numbers={wanted.number: Sought(wanted.best, between=wanted.between, tests=(wanted.test,))})
    solution = structured(dataclasses.replace(deal, funding=None), terms, beside, market)
    return {
        "number": wanted.number,
        "value": value_at(solution.deal, wanted.number),
        "readings": [reading.words for reading in solution.readings],
        "runs": solution.runs,
    }
