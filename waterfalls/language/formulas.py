"""Formulas: numbers made of numbers, beyond the signs + - * /."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Container, Mapping
from typing import Any, ClassVar

from waterfalls.dates import as_date
from waterfalls.errors import InvalidTerms, shown
from waterfalls.language.expressions import Condition, Number, bounded, finite, number
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.vocabulary import Node, condition, listed, word


@dataclasses.dataclass(frozen=True)
class Divided(Number):
    """top / bottom, and `zero` where bottom is 0."""

    top: Number
    bottom: Number
    zero: float

    def settle(self, m: Machine) -> Value:
        return m.ratio(self.top.settle(m), self.bottom.settle(m), self.zero)

    def words(self) -> str:
        return f"the ratio of {self.top.words()} to {self.bottom.words()}"

    def __str__(self) -> str:
        return f"ratio({self.top}, {self.bottom}, zero={number(self.zero)})"


@word
def ratio(top: Number | float, bottom: Number | float, *, zero: float) -> Number:
    """top / bottom, and `zero` where bottom is 0."""
    return Divided(bounded(top), bounded(bottom), finite(zero))


@dataclasses.dataclass(frozen=True)
class Extreme(Number):
    """The least or the greatest of some numbers."""

    word: str
    items: tuple[Number, ...]

    def infinite(self, endless: Container[str] = ()) -> bool:
        return (all if self.word == "min_" else any)(item.infinite(endless) for item in self.items)

    def takes_infinite(self, part: Node) -> bool:
        return True

    def settle(self, m: Machine) -> Value:
        values = [item.settle(m) for item in self.items]
        return functools.reduce(m.min_ if self.word == "min_" else m.max_, values)

    def words(self) -> str:
        return (
            f"the {'least' if self.word == 'min_' else 'greatest'} of {listed([item.words() for item in self.items])}"
        )

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.items))})"


@word
def min_(*items: Number | float) -> Number:
    """The least of some numbers."""
    return Extreme("min_", at_least_one(items))


@word
def max_(*items: Number | float) -> Number:
    """The greatest of some numbers."""
    return Extreme("max_", at_least_one(items))


def at_least_one(items: tuple[Number | float, ...]) -> tuple[Number, ...]:
    if not items:
        raise InvalidTerms("the least or greatest of what? Name numbers: min_(cash(), 100)")
    return tuple(map(number, items))


@dataclasses.dataclass(frozen=True)
class AtStart(Number):
    """A number as of determination: before any clause of the date was paid."""

    reads_start: ClassVar[bool] = True
    inner: Number

    def infinite(self, endless: Container[str] = ()) -> bool:
        return self.inner.infinite(endless)

    def takes_infinite(self, part: Node) -> bool:
        return True

    def settle(self, m: Machine) -> Value:
        return self.inner.settle(m.at_start())

    def words(self) -> str:
        return f"{self.inner.words()} as of determination"

    def __str__(self) -> str:
        return f"at_start({self.inner})"


@word
def at_start(inner: Number) -> Number:
    """A number as of determination: before any clause of the date was paid."""
    return AtStart(number(inner))


@dataclasses.dataclass(frozen=True)
class Count(Number):
    """How many of some conditions hold."""

    conditions: tuple[Condition, ...]

    def settle(self, m: Machine) -> Value:
        return functools.reduce(operator.add, (m.select(each.settle(m), 1.0, 0.0) for each in self.conditions))

    def words(self) -> str:
        return f"the number of these that hold: {listed([each.words() for each in self.conditions])}"

    def __str__(self) -> str:
        return f"count({', '.join(map(str, self.conditions))})"


@word
def count(*conditions: Condition) -> Number:
    """How many of some conditions hold, of one 1 or 0: `count(balance('A') > 0, balance('B') > 0)` notes are outstanding."""
    if not conditions:
        raise InvalidTerms("count what? Name conditions: count(balance('A') > 0, balance('B') > 0)")
    return Count(tuple(map(condition, conditions)))


@dataclasses.dataclass(frozen=True)
class ByDate(Number):
    """Amounts by date, each at the first scheduled payment date on or after its own; 0 at every other."""

    amounts: tuple[tuple[str, float], ...]

    @property
    def written(self) -> tuple[float, ...]:  # type: ignore[override]
        return tuple(value for _, value in self.amounts)

    def curve(self, plan: Contract) -> Any:
        """The amounts by payment date (T,); those dated up to where the run begins are past."""
        schedule, values = plan.schedule, plan.schedule.flags_from_index(0) * 0.0
        for date, value in self.amounts:
            t = schedule.at(as_date(date))
            if as_date(date) > schedule.unadjusted[0] and t < schedule.periods:
                values[t] += value
        return values

    def settle(self, m: Machine) -> Value:
        return m.curve(self.curve(m.plan))

    def words(self) -> str:
        dated = [(as_date(date), value) for date, value in self.amounts]
        return listed([f"{number(value).words()} on {date.day} {date:%B %Y}" for date, value in dated])

    def __str__(self) -> str:
        return f"by_date({dict(self.amounts)})"


@word
def by_date(amounts: dict[str, float]) -> Number:
    """Amounts of a table by date, 0 at other dates: `by_date({'2028-01-15': 20e3, '2029-01-15': 35e3})`. A level is `stepped`."""
    return ByDate(dated("by_date", amounts))


@dataclasses.dataclass(frozen=True)
class Stepped(Number):
    """A number that changes on scheduled payment dates: each value holds from its date on, `first` before them."""

    first: float
    steps: tuple[tuple[str, float], ...]

    @property
    def written(self) -> tuple[float, ...]:  # type: ignore[override]
        return (self.first, *(value for _, value in self.steps))

    def curve(self, plan: Contract) -> Any:
        """The values by payment date (T,)."""
        values = plan.schedule.flags_from_index(0) * self.first
        for date, value in self.steps:
            begun = plan.schedule.flags_from(as_date(date))
            values = values * (1.0 - begun) + value * begun
        return values

    def settle(self, m: Machine) -> Value:
        return m.curve(self.curve(m.plan))

    def words(self) -> str:
        dated = [(as_date(date), value) for date, value in self.steps]
        then = [f"{value:g} from {date.day} {date:%B %Y}" for date, value in dated]
        return f"{number(self.first).words()}, then {listed(then)}"

    def __str__(self) -> str:
        return f"stepped({number(self.first)}, {dict(self.steps)})"


@word
def stepped(first: float, steps: dict[str, float]) -> Number:
    """A number that changes on dates: `stepped(1.35, {'2028-05-30': 1.45})`."""
    return Stepped(finite(first), dated("stepped", steps))


def dated(word: str, said: Any) -> tuple[tuple[str, float], ...]:
    """Numbers by date, in order of time, at least one."""
    if not isinstance(said, Mapping) or not said:
        raise InvalidTerms(f"{word} takes numbers by date, {{'2028-05-30': 1.45}}, got {shown(said)}")
    return tuple(sorted((as_date(date).isoformat(), finite(value)) for date, value in said.items()))
