"""Goals: tests said on the command line, in place of those of the file that measure the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pricing.structure.terms.checks import placed
from pricing.structure.terms.sizing_test import SizingTest, parsed
from pricing.structure.terms.structure_terms import Structure
from waterfalls.errors import Fault, InvalidTerms


def with_goals(terms: Structure, goals: Sequence[str]) -> Structure:
    """The terms with each goal in place of the test of its measure, sign and scenario.

    Where there is none it is one more test of the last tranche sized that it names, or of the whole.
    """
    for text in goals:
        goal = goal_of(text)
        old = next((test for test in terms.tests if alike(test, goal)), None)
        if old is not None:
            terms = with_test(terms, old, goal)
            continue
        owner = next((name for name in reversed(list(terms.sized)) if f"{name!r}" in goal.measure), None)
        if owner is None:
            terms = dataclasses.replace(terms, must=(*terms.must, goal))
        else:
            terms = dataclasses.replace(terms, sizes={**terms.sizes, owner: (*terms.sized[owner], goal)})
    return terms


def goal_of(text: str) -> SizingTest:
    """The test that a goal says; what is wrong with it bears its name."""
    try:
        return parsed(text)
    except InvalidTerms as error:
        raise InvalidTerms([Fault("--goal", fault.what) for fault in error.faults]) from None


def naming_goals(error: InvalidTerms, terms: Structure, goals: Sequence[str]) -> InvalidTerms:
    """What is wrong with terms, a goal by its own text where one stands, which no line of the file says."""
    said = {parsed(text): text for text in goals}
    places = {place: f'--goal "{said[test]}"' for place, test in placed(terms) if test in said}
    return InvalidTerms([fault._replace(place=places.get(fault.place, fault.place)) for fault in error.faults])


def with_test(terms: Structure, old: SizingTest, new: SizingTest) -> Structure:
    """Terms with one test in place of another, wherever it stands."""

    def swap(tests: tuple[SizingTest, ...]) -> tuple[SizingTest, ...]:
        return tuple(new if test == old else test for test in tests)

    sizes = {name: swap(tests) if isinstance(tests, tuple) else tests for name, tests in terms.sizes.items()}
    numbers = {path: dataclasses.replace(sought, tests=swap(sought.tests)) for path, sought in terms.numbers.items()}
    return dataclasses.replace(terms, sizes=sizes, numbers=numbers, must=swap(terms.must))


def alike(one: SizingTest, other: SizingTest) -> bool:
    """Whether two tests differ in nothing but their level."""
    return (one.measure, one.sign, one.scenario) == (other.measure, other.sign, other.scenario)
