"""What can be known to be wrong with a structure before anything runs: names, scenarios, levels that contradict."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pricing.structure.terms.place import number_at
from waterfalls.checks import known_names, names_in
from waterfalls.errors import Fault, InvalidTerms, strangers, unknown
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Constant, Number
from waterfalls.language.numbers import Held
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from pricing.structure.terms.sizing_test import SizingTest
    from pricing.structure.terms.structure_terms import Structure
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario

SHARES = ("ltv", "loss", "expected_loss", "headroom", "headroom_to_trap", "equity_irr")
LARGEST = 2.0  # of a share: above it, per cent were most likely meant
OF_NOTES = ("loss", "expected_loss", "paid", "headroom", "breakeven")


def faults_of(deal: Deal, terms: Structure, scenarios: Sequence[Scenario]) -> list[Fault]:
    """Every fault between a structure, its deal and its scenarios."""
    return list(dict.fromkeys(faults(deal, terms, scenarios)))


def faults(deal: Deal, terms: Structure, scenarios: Sequence[Scenario]) -> Iterator[Fault]:
    """Faults in the order of the file."""
    tranches = [tranche.name for tranche in deal.tranches]
    notes = [tranche.name for tranche in deal.tranches if isinstance(tranche, Note)]
    names = [scenario.name for scenario in scenarios] + (["paths"] if terms.paths is not None else [])
    known = known_names({field.name: getattr(deal, field.name) for field in dataclasses.fields(deal)})
    yield from strangers("sizes", "tranche", terms.sizes, tranches, keyed=True)
    for name, tests in terms.sizes.items():
        if tests == "rest" and deal.funding is None:
            yield Fault(f"sizes[{name!r}]", "is the rest of the uses, and the deal says none: give it `funding`")
    if deal.funding is not None and terms.sizes and "rest" not in terms.sizes.values():
        yield Fault(
            "sizes", "the deal's funding must balance whatever the sizes: say which tranche is the `rest` of its uses"
        )
    for place, test in placed(terms):
        yield from faults_of_test(place, test, known, names, tranches, notes)
    for place, said in contradictions(terms):
        yield Fault(place, said)
    for field, given in (("coupons", terms.coupons), ("schedules", terms.schedules)):
        for name in given:
            if name not in notes:
                said = "is equity, which has none" if name in tranches else unknown("note", name, notes)
                yield Fault(f"{field}[{name!r}]", said)
    accounts = [account.name for account in deal.accounts]
    for name, schedule in terms.schedules.items():
        yield from strangers(f"schedules[{name!r}].income_of", "account", schedule.income_of, accounts)
    for field, given in (("amounts", terms.amounts), ("numbers", terms.numbers)):
        for path in given:
            try:
                if isinstance(number_at(deal, path), int) and field == "numbers":
                    yield Fault(
                        f"{field}[{path!r}]", "is a count, and between two counts there is none to seek: set it"
                    )
            except InvalidTerms as error:
                yield from (fault._replace(place=f"{field}[{path!r}]") for fault in error.faults)
    for path, amount in terms.amounts.items():
        if amount.of is not None:
            yield from names_in(f"amounts[{path!r}]", amount.of, known)
            if accrued_in(amount.of, deal):
                said = "reads interest accrued, of which there is none when the deal begins: say months_of_interest(6, 'A')"
                yield Fault(f"amounts[{path!r}]", said)
        yield from strangers(f"amounts[{path!r}]", "note", amount.notes, notes)
    if terms.paths is not None and terms.paths.around is not None:
        yield from strangers("paths.around", "scenario", [terms.paths.around], names)


def accrued_in(number: Number, deal: Deal) -> bool:
    """Whether a number reads interest that accrues, itself or by a definition."""
    parts = list(number.walk())
    if any(isinstance(part, Held) and part.symbol == ("accrued", "interest") for part in parts):
        return True
    inner = [deal.definitions.get(part.name) for part in parts if isinstance(part, Defined)]
    return any(accrued_in(number, deal) for number in inner if number is not None)


def placed(terms: Structure) -> Iterator[tuple[str, SizingTest]]:
    """Every test with its place in the file."""
    for name, tests in terms.sized.items():
        yield from ((f"sizes[{name!r}][{i}]", test) for i, test in enumerate(tests))
    for path, sought in terms.numbers.items():
        yield from ((f"numbers[{path!r}].tests[{i}]", test) for i, test in enumerate(sought.tests))
    yield from ((f"must[{i}]", test) for i, test in enumerate(terms.must))


def faults_of_test(
    place: str, test: SizingTest, known: dict[str, Any], scenarios: list[str], tranches: list[str], notes: list[str]
) -> Iterator[Fault]:
    """Names of a test that nothing bears."""
    if test.scenario is not None:
        yield from strangers(place, "scenario", [test.scenario], scenarios)
    for number in (test.of, test.level):
        if number is not None and hasattr(number, "walk"):
            yield from names_in(place, number, known)  # type: ignore[arg-type]
    if test.of is None and test.args:
        among, what = (notes, "note") if test.word in OF_NOTES else (tranches, "tranche")
        yield from strangers(place, what, test.args[:1], among)


def odd_levels(terms: Structure) -> Iterator[Fault]:
    """Shares that must be at most, or at least, more than shares are: 60 where 0.60 is meant."""
    for place, test in placed(terms):
        value = test.level.value if isinstance(test.level, Constant) else 0.0
        word = next(
            (
                word
                for word in SHARES
                if re.match(rf"(at_closing\(|lowest\(|highest\(|mean\(|on\()?{word}\(", test.measure)
            ),
            None,
        )
        if word is not None and value > LARGEST:
            what = f"{word} is a share, so that {value:g} is {value:,.0%}; write {value / 100:g}, or {value:g} %"
            yield Fault(place, f"{test}: {what}")


def contradictions(terms: Structure) -> Iterator[tuple[str, str]]:
    """Tests of one measure in one scenario that no value passes together: at least more than at most."""
    least: dict[tuple[str, str | None], SizingTest] = {}
    for _, test in placed(terms):
        key = (test.measure, test.scenario)
        if test.sign == ">=" and (key not in least or above(test, least[key])):
            least[key] = test
    for place, test in placed(terms):
        other = least.get((test.measure, test.scenario))
        if test.sign == "<=" and other is not None and above(other, test):
            yield place, f"'{test}' and '{other}' contradict each other: nothing passes both"


def above(one: SizingTest, other: SizingTest) -> bool:
    """Whether the level of a test is above that of another, where both are numbers written out or dates."""
    a, b = (test.level.value if isinstance(test.level, Constant) else test.level for test in (one, other))
    return type(a) is type(b) and isinstance(a, float | datetime.date) and a > b  # type: ignore[operator]
