"""Conditions that are not comparisons: flags of the deal and of the collateral, dates, and always."""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import itertools
import re
from typing import TYPE_CHECKING, ClassVar

import lazy_loader

from waterfalls.dates import as_date
from waterfalls.errors import InvalidTerms
from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Contract, Key, Machine, Value
from waterfalls.language.vocabulary import Need, condition, named, word

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy_loader.load("numpy")


@dataclasses.dataclass(frozen=True)
class Flag(Condition):
    """A symbol of the state that is 1 or 0: a trigger, an event of default, the sale of the collateral."""

    symbol: Key  # what it is, and whose where it is something's
    text: str
    yes: str
    no: str

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need(self.symbol[0], name) for name in self.symbol[1:])

    def settle(self, m: Machine) -> Value:
        return m[self.symbol]

    def words(self) -> str:
        return self.yes

    def words_not(self) -> str:
        return self.no

    def __str__(self) -> str:
        return self.text


@word
def trigger(name: str) -> Condition:
    """Whether a trigger is on: decided at determination and fixed for the date."""
    name = named("trigger", name)
    said = f"the {name} trigger is"
    return Flag(("trigger", name), f"trigger({name!r})", f"{said} on", f"{said} off")


@dataclasses.dataclass(frozen=True)
class Event(Condition):
    """A flag of the scenario, such as a contract breach, in the collection period."""

    needs_what: ClassVar[str] = "event"
    name: str

    def settle(self, m: Machine) -> Value:
        return m.gt(m.input("event", self.name), 0.0)

    def words(self) -> str:
        return f"a {self.name} has occurred"

    def words_not(self) -> str:
        return f"no {self.name} has occurred"

    def __str__(self) -> str:
        return f"event({self.name!r})"


@word
def event(name: str) -> Condition:
    """A flag that the collateral reports, such as a contract breach."""
    return Event(named("event", name))


@word
def event_of_default() -> Condition:
    """Whether non-deferrable interest went unpaid or a balance stood at legal final, now or before."""
    said = "event of default has occurred"
    return Flag(("event of default",), "event_of_default()", f"an {said}", f"no {said}")


@dataclasses.dataclass(frozen=True)
class OnOrAfter(Condition):
    """Whether the scheduled payment date is on or after a date."""

    date: datetime.date

    def settle(self, m: Machine) -> Value:
        return m.curve(m.plan.schedule.flags_from(self.date))

    def words(self) -> str:
        return f"the payment date falls on or after {self.date.day} {self.date:%B %Y}"

    def words_not(self) -> str:
        return f"the payment date falls before {self.date.day} {self.date:%B %Y}"

    def __str__(self) -> str:
        return f"on_or_after({self.date.isoformat()!r})"


@word
def on_or_after(date: datetime.date | str) -> Condition:
    """Whether the scheduled (unadjusted) payment date is on or after a date."""
    return OnOrAfter(as_date(date))


@dataclasses.dataclass(frozen=True)
class Yearly(Condition):
    """Whether a day of the year lies after the last scheduled payment date, and not after this one."""

    month: int
    day: int

    def curve(self, plan: Contract) -> np.ndarray:
        """1.0 on the first payment date on or after the day of each year (T,)."""
        days = plan.schedule.unadjusted
        years = range(days[0].year, days[-1].year + 1)
        named = [datetime.date(year, self.month, self.day) for year in years]
        return np.array([float(any(a < day <= b for day in named)) for a, b in itertools.pairwise(days)])

    def settle(self, m: Machine) -> Value:
        return m.curve(self.curve(m.plan))

    def words(self) -> str:
        return f"the payment date is the first on or after {self.said} of a year"

    def words_not(self) -> str:
        return f"the payment date is not the first on or after {self.said} of a year"

    @property
    def said(self) -> str:
        return f"{self.day} {calendar.month_name[self.month]}"

    def __str__(self) -> str:
        return f"yearly('{self.month:02d}-{self.day:02d}')"


@word
def yearly(day: str) -> Condition:
    """Whether this is the first scheduled payment date on or after a day of the year: `yearly('01-01')`, each January."""
    found = re.fullmatch(r"(\d\d)-(\d\d)", day) if isinstance(day, str) else None
    month, number = map(int, found.groups()) if found else (0, 0)
    if not (1 <= month <= 12 and 1 <= number <= calendar.monthrange(2025, month)[1]):  # of a year without 29 February
        raise InvalidTerms(f"must be a day that every year has, as month and day such as '01-31', got {day!r}")
    return Yearly(month, number)


@dataclasses.dataclass(frozen=True)
class AtOnce(Condition):
    """A condition under which a regime is in force at the date itself: it is read at determination, and only there."""

    inner: Condition

    def settle(self, m: Machine) -> Value:
        return self.inner.settle(m)

    def words(self) -> str:
        return f"{self.inner.words()}, with effect from this date"

    def __str__(self) -> str:
        return f"at_once({self.inner})"


@word
def at_once(inner: Condition) -> Condition:
    """Says of a regime that it is in force on the dates at which the condition holds at determination, not on those after."""
    return AtOnce(condition(inner))


@dataclasses.dataclass(frozen=True)
class Always(Condition):
    """Always true."""

    def settle(self, m: Machine) -> Value:
        return 1.0

    def words(self) -> str:
        return "always"

    def __str__(self) -> str:
        return "always()"


@word
def always() -> Condition:
    """Always true."""
    return Always()
