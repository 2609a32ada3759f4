"""Structure: what is solved for and what it must pass, as a file `structure.yaml` beside a deal says it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pricing.structure.terms.amount import Amount
from pricing.structure.terms.sizing_test import SizingTest
from structuring.deals.deal_files import companion
from structuring.documents.yaml_and_json import load_term
from structuring.generators.prices_and_rates import Volatility
from waterfalls.arguments import path, takes
from waterfalls.errors import Fault
from waterfalls.terms.bounded_numbers import Coverage, Positive
from waterfalls.terms.term import term

MARK = "firstloss-structure"
Tests = tuple[SizingTest, ...]


@term
class Schedule:
    """Principal sculpted to cash: each date, debt service of this and all senior notes = cash for it / `ratio`.

        balance before `first` = sum over dates of (cash(t) / ratio(t) - senior debt service(t)) x discount at the note's own rate

    `ratio` is one number or numbers by the date from which they hold. `first` and `last` are the first and last instalment
    (`last` the note's legal final unless said). `income_of` names accounts whose income counts as cash. Where another
    test holds the note smaller, all its debt service is smaller in proportion, and coverage is higher than `ratio`.
    """

    ratio: Coverage | Mapping[datetime.date, Coverage]
    _: KW_ONLY
    first: datetime.date
    last: datetime.date | None = None
    income_of: tuple[str, ...] = ()

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        ratio, first, last = (fields.get(name) for name in ("ratio", "first", "last"))
        if isinstance(ratio, Mapping) and not ratio:
            yield Fault("ratio", "must hold at least one date")
        if first is not None and last is not None and last < first:
            yield Fault("last", f"{last} comes before the first instalment {first}")


@term
class Sought:
    """A number between two limits, the largest or the smallest that passes its tests."""

    best: Literal["largest", "smallest"]
    _: KW_ONLY
    between: tuple[float, float]
    tests: Tests

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        low, high = fields.get("between", (0.0, 1.0))
        if not low < high:
            yield Fault("between", f"must be the lower limit and the upper one, got {low:g} and {high:g}")
        if "tests" in fields and not fields["tests"]:
            yield Fault("tests", "must hold at least one")


@term
class Drawn:
    """Paths around a scenario, which a test means by `in 'paths'`: log-normal drivers by their volatility a year."""

    draw: Mapping[str, Volatility]
    _: KW_ONLY
    around: str | None = None
    count: Annotated[int, Field(ge=1)] = 500
    seed: int = 0
    correlation: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5


@term
class Structure:
    """What is solved for in a deal, and what it must pass.

    `sizes`, most senior first: each tranche as large as its own tests allow, all others being as solved; an amount; or `rest`, what the
    deal's `funding` needs beside the others. `coupons`: `par`, or the clean price a note is sold at. `schedules` are
    sculpted. `amounts` gives numbers of the deal, by their path in its file, from numbers of the language read at the start,
    or `months_of_debt_service(6, 'A', 'B')`. `numbers` are sought like sizes. `must` holds whatever else is solved. `spreads`
    are those of new paper by rating and average life in years; a note without a rating among them bears its quote.
    """

    sizes: Mapping[str, str | Positive | Tests] = field(default_factory=dict)
    _: KW_ONLY
    coupons: Mapping[str, str | Positive] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    amounts: Mapping[str, Amount] = field(default_factory=dict)
    numbers: Mapping[str, Sought] = field(default_factory=dict)
    must: Tests = ()
    spreads: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    paths: Drawn | None = None
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        sizes = fields.get("sizes", {})
        solved = ("sizes", "coupons", "schedules", "amounts", "numbers")
        if all(name in fields and not fields[name] for name in solved):
            yield Fault("", f"nothing is solved for: say one of {', '.join(solved)}")
        if len(rest := [name for name, tests in sizes.items() if tests == "rest"]) > 1:
            yield Fault("sizes", f"one tranche is the rest, got {' and '.join(map(repr, rest))}")
        for name, tests in sizes.items():
            if isinstance(tests, str) and tests != "rest":
                yield Fault(f"sizes[{name!r}]", f"is a list of tests, an amount, or rest; got {tests!r}")
            elif tests == ():
                yield Fault(f"sizes[{name!r}]", "has no upper bound: it needs at least one test, or is the rest")
        for name, coupon in fields.get("coupons", {}).items():
            if isinstance(coupon, str) and coupon != "par":
                yield Fault(f"coupons[{name!r}]", f"is par, or a clean price per 100; got {coupon!r}")
        for rating, by_life in fields.get("spreads", {}).items():
            if not by_life:
                yield Fault(f"spreads[{rating!r}]", "must hold at least one average life and its spread")
            for life, spread in by_life.items():
                if abs(spread) > 1.0:
                    yield Fault(f"spreads[{rating!r}][{life:g}]", f"is a decimal (0.0225 is 225 bp), got {spread:g}")
        tests = [
            *(test for said in sizes.values() if isinstance(said, tuple) for test in said),
            *fields.get("must", ()),
        ]
        tests += [test for sought in fields.get("numbers", {}).values() for test in sought.tests]
        if fields.get("paths") is None:
            for test in tests:
                if test.scenario == "paths" or test.word == "expected_loss":
                    yield Fault("paths", f"'{test}' speaks of paths: say which, paths: {{draw: {{rent: 0.15}}}}")
                    break

    @property
    def sized(self) -> dict[str, Tests]:
        """The tranches that are as large as their tests allow."""
        return {name: tests for name, tests in self.sizes.items() if isinstance(tests, tuple)}

    @property
    def given(self) -> dict[str, float]:
        """The sizes that are said."""
        return {name: float(size) for name, size in self.sizes.items() if isinstance(size, int | float)}

    @property
    def tests(self) -> Tests:
        """Every test, once."""
        found = [test for tests in self.sized.values() for test in tests]
        found += [test for sought in self.numbers.values() for test in sought.tests]
        return tuple(dict.fromkeys([*found, *self.must]))


@takes(path=path)
def load_structure(path: Path | str) -> Structure:
    """A structure from a file that begins with `firstloss-structure: 1`, or a shipped deal's; every fault at once."""
    return load_term(companion(path, "structure.yaml"), Structure, mark=MARK)
