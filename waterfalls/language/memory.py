"""Numbers with a memory of their own: sums over the deal's life, hurdles that grow, averages of past dates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container
from typing import Any, ClassVar

from waterfalls.errors import InvalidTerms
from waterfalls.language.amounts import rate_a_year
from waterfalls.language.expressions import Number, bounded, finite, number
from waterfalls.language.formulas import at_start
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.numbers import receipt, reported
from waterfalls.language.ratios import periods
from waterfalls.language.vocabulary import Node, named, word


class Kept(Number):
    """A number with a memory of its own, one symbol that is updated at the end of every date."""

    @property
    def key(self) -> tuple[str, ...]:
        return ("kept", str(self))

    def first(self, plan: Contract) -> float:
        """What is remembered before the first date."""
        raise NotImplementedError

    def keep(self, m: Machine) -> None:
        """Updates the memory at the end of a date."""
        m[self.key] = self.settle(m)


@dataclasses.dataclass(frozen=True)
class Cumulative(Kept):
    """The sum of a receipt over all collection periods so far, this one included."""

    name: str

    def first(self, plan: Contract) -> float:
        return 0.0

    def settle(self, m: Machine) -> Value:
        return m[self.key] + reported(m, "receipt", self.name)

    def words(self) -> str:
        return f"the sum of {self.name.replace('_', ' ')} so far"

    def __str__(self) -> str:
        return f"cumulative({self.name!r})"


@word
def cumulative(name: str) -> Number:
    """The sum of a receipt over all collection periods so far: `cumulative('losses')`."""
    return Cumulative(receipt(name).name)  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True)
class Hurdle(Kept):
    """What an equity must still receive for its holders to have earned `irr` a year on what they paid in.

    H(0) = notional; H(t) = H(t-1) (1 + irr)^fraction + drawn - received, Actual/365F; what it reads is max(0, H).
    """

    needs_what: ClassVar[str] = "equity"
    needs_one_of: ClassVar[tuple[str, ...]] = ("notional", "commitment")
    name: str
    irr: float

    def growth(self, plan: Contract) -> Any:
        return (1.0 + self.irr) ** plan.schedule.accruals("actual/365F")

    def first(self, plan: Contract) -> float:
        return plan.tranches[self.name].notional

    def settle(self, m: Machine) -> Value:
        return m.max_(self.left(m), 0.0)

    def left(self, m: Machine) -> Value:
        grown = m[self.key] * m.curve(self.growth(m.plan))
        return grown + m["drawn", self.name] - m["residual", self.name] - m["principal", self.name]

    def keep(self, m: Machine) -> None:
        m[self.key] = self.left(m)

    def words(self) -> str:
        return f"what {self.name} lacks to a return of {100 * self.irr:g} % a year"

    def __str__(self) -> str:
        return f"hurdle({self.name!r}, irr={self.irr!r})"


@word
def hurdle(name: str, *, irr: float) -> Number:
    """What an equity must still receive for its holders to have earned `irr` a year: `.capped(hurdle('E', irr=0.12))`."""
    return Hurdle(named("equity", name), rate_a_year(irr))


@dataclasses.dataclass(frozen=True)
class Taxable(Kept):
    """What of an income is taxed once losses of earlier periods are set against it; L are the losses carried forward.

    taxed = x - used, used = min(L, limit x), x = max(0, income);  L' = L + max(0, -income) - used, L = `carried` at first.
    What is kept for the next date goes by the income as of determination.
    """

    reads_start: ClassVar[bool] = True
    income: Number
    carried: float
    limit: float

    def first(self, plan: Contract) -> float:
        return self.carried

    def settle(self, m: Machine) -> Value:
        income = m.max_(self.income.settle(m), 0.0)
        return income - m.min_(m[self.key], income * self.limit)

    def keep(self, m: Machine) -> None:
        said, carried = self.income.settle(m.at_start()), m[self.key]
        used = m.min_(carried, m.max_(said, 0.0) * self.limit)
        m[self.key] = carried + m.max_(0.0 - said, 0.0) - used

    def words(self) -> str:
        most = "" if self.limit == 1.0 else f", which offset up to {self.limit:g} of it"
        return f"{self.income.words()}, less losses carried forward{most}"

    def __str__(self) -> str:
        options = [("carried", self.carried, 0.0), ("limit", self.limit, 1.0)]
        said = "".join(f", {name}={number(value)}" for name, value, usual in options if value != usual)
        return f"taxable({self.income}{said})"


@word
def taxable(income: Number, *, carried: float = 0.0, limit: float = 1.0) -> Number:
    """An income less losses carried forward from earlier periods, at least 0: a tax is a fee of a rate times it.

    `carried` are losses at the start; they offset up to `limit` of an income: 0.8 in the United States.
    """
    for name, value, most in (("carried", carried, math.inf), ("limit", limit, 1.0)):
        if not 0.0 <= finite(value) <= most:
            allowed = "at least 0" if most == math.inf else "between 0 and 1"
            raise InvalidTerms(f"{name} must be {allowed}, got {value:g}")
    return Taxable(bounded(income), float(carried), float(limit))


@dataclasses.dataclass(frozen=True)
class Average(Number):
    """The mean of a number as of determination over the last `trailing` dates, or as many as there have been."""

    reads_start: ClassVar[bool] = True
    inner: Number
    trailing: int

    def infinite(self, endless: Container[str] = ()) -> bool:
        return self.inner.infinite(endless)

    def takes_infinite(self, part: Node) -> bool:
        return True

    def remembers(self, plan: Contract) -> tuple[tuple[str, Number], ...]:
        """What is kept from date to date."""
        return (("top", at_start(self.inner)),)

    def dates(self, plan: Contract) -> Any:
        flags = plan.schedule.flags_from_index
        return sum(flags(first) for first in range(self.trailing))

    def settle(self, m: Machine) -> Value:
        total = self.inner.settle(m.at_start())
        for lag in range(1, self.trailing):
            total = total + m["past", str(self), "top", str(lag)]
        return total / m.curve(self.dates(m.plan))

    def words(self) -> str:
        return f"the average of {self.inner.words()} over the last {self.trailing} dates"

    def __str__(self) -> str:
        return f"average({self.inner}, {self.trailing})"


@word
def average(inner: Number, dates: int) -> Number:
    """The mean of a number over the last dates, this one included, or over as many as there have been."""
    return Average(number(inner), periods(dates, "dates"))
