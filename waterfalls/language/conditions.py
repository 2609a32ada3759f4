"""Conditions that are not comparisons: triggers, events, defaults and dates."""

from __future__ import annotations

import dataclasses
import datetime

from waterfalls.dates import as_date
from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import Need, condition, named, word


@dataclasses.dataclass(frozen=True)
class Tripped(Condition):
    """Whether a trigger is on: decided at determination and fixed for the date."""

    name: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("trigger", self.name),)

    def settle(self, m: Machine) -> Value:
        return m["trigger", self.name]

    def words(self) -> str:
        return f"the {self.name} trigger is on"

    def words_not(self) -> str:
        return f"the {self.name} trigger is off"

    def __str__(self) -> str:
        return f"trigger({self.name!r})"


@word
def trigger(name: str) -> Condition:
    """Whether a trigger is on."""
    return Tripped(named("trigger", name))


@dataclasses.dataclass(frozen=True)
class Event(Condition):
    """A flag of the scenario, such as a contract breach, in the collection period."""

    name: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("event", self.name),)

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


@dataclasses.dataclass(frozen=True)
class Defaulted(Condition):
    """Whether an event of default has occurred: non-deferrable interest unpaid, or a balance at legal final."""

    def settle(self, m: Machine) -> Value:
        return m[("event of default",)]

    def words(self) -> str:
        return "an event of default has occurred"

    def words_not(self) -> str:
        return "no event of default has occurred"

    def __str__(self) -> str:
        return "event_of_default()"


@word
def event_of_default() -> Condition:
    """Whether non-deferrable interest went unpaid or a balance stood at legal final, now or before."""
    return Defaulted()


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
class AtOnce(Condition):
    """A condition under which a regime begins at the date itself: it is read at determination too."""

    inner: Condition

    def settle(self, m: Machine) -> Value:
        return self.inner.settle(m)

    def words(self) -> str:
        return f"{self.inner.words()}, with effect from this date"

    def __str__(self) -> str:
        return f"at_once({self.inner})"


@word
def at_once(inner: Condition) -> Condition:
    """Says of a regime that it begins at the date at which the condition holds, not the date after."""
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
