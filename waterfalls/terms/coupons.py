"""Coupons: the rate a note, a facility or a leg of a swap bears in a period."""

from __future__ import annotations

import bisect
import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import lazy_loader
from pydantic import AfterValidator, Field

from waterfalls.bounds import decimal_meant
from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.clock.schedule import Schedule, fraction_of, moved
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.terms.bounded_numbers import Rate
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy_loader.load("numpy")


MOST = 100.0  # of a multiple of the index, and then of the margin beside it


@term
class Fixed:
    """A fixed coupon, per annum as a decimal; `step_up` is added for periods that begin on or after each date.

    `step_up_while` is added while a condition holds: `{"trigger('downgrade')": 0.0025}`. It is read when interest falls
    due, before the triggers of that date are tested.
    """

    rate: Rate
    _: KW_ONLY
    step_up: Mapping[datetime.date, Rate] = field(default_factory=dict)
    step_up_while: Mapping[Condition, Rate] = field(default_factory=dict)

    @property
    def fixed(self) -> bool:
        """Whether all its rates are known ahead."""
        return not self.step_up_while

    def ladder(self, plan: Contract) -> np.ndarray:
        """The rate by accrual period (T,)."""
        return stepped_up(self, self.rate, plan)

    def settle(self, m: Machine) -> Value:
        """The rate of the period, per annum."""
        return climbed(self, self.rate, m)

    def borne(self, m: Machine) -> Value:
        """The rate that a lender earns."""
        return self.settle(m)

    def ahead(self, m: Machine, k: int) -> Value:
        """The rate borne k periods ahead."""
        return stepped_while(self, m.curve(moved(self.ladder(m.plan), k)), m)


@term
class Floating:
    """multiple x index + margin, within floor and cap, per annum; the index is read at the start of each accrual period.

    Read off a curve, it is fixed `reset_lag` days before that start. With `resets="monthly"` it is read again each month
    within the period, and averaged by days or, with `compounded`, compounded: (product of (1 + r f) - 1) / sum of f, f the
    day count's fraction. `step_up` is added to the margin for periods that begin on or after each date, `step_up_while`
    while a condition holds. A `multiple` below 0 makes an inverse floater: Floating("SOFR", 0.285, multiple=-3.0).
    """

    fixed: ClassVar[bool] = False
    index: str
    margin: Annotated[float, Field(ge=-MOST, le=MOST)]
    _: KW_ONLY
    multiple: Annotated[float, Field(ge=-MOST, le=MOST)] = 1.0
    cap: Rate | None = None
    floor: Rate | None = None
    reset_lag: Annotated[int, Field(ge=0)] = 0
    resets: Literal["monthly", "quarterly", "semiannual", "annual"] | None = None
    compounded: bool = False
    step_up: Mapping[datetime.date, Rate] = field(default_factory=dict)
    step_up_while: Mapping[Condition, Rate] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        cap, floor, margin = (fields.get(name) for name in ("cap", "floor", "margin"))
        most = max(1.0, abs(fields.get("multiple", 1.0)))
        if margin is not None and abs(margin) > most:
            yield Fault(
                "margin",
                f"must be at most {most:g} in size beside this multiple of the index, got {margin:g}{decimal_meant(margin)}",
            )
        if cap is not None and floor is not None and cap < floor:
            yield Fault("cap", f"must not be below the floor {floor:g}, got {cap:g}")
        if fields.get("compounded") and fields.get("resets") is None:
            yield Fault("compounded", "goes with resets, how often the index is read within a period")

    @property
    def source(self) -> str:
        """What its rates are called: the index, how often it is read within a period, and how long before it is fixed."""
        way = "compounded" if self.compounded else "averaged"
        often = "" if self.resets is None else f", reset {self.resets} and {way}"
        return f"{self.index}{often}" + (f", {self.reset_lag} days before" if self.reset_lag else "")

    def periods(self, schedule: Schedule) -> list[tuple[datetime.date, datetime.date]]:
        """The N periods over which the index is read, in order: those of accrual, or parts of them; `reset_lag` days early."""
        lag = datetime.timedelta(days=self.reset_lag)
        return [(a - lag, b - lag) for a, b in itertools.pairwise(self.days(schedule))]

    def days(self, schedule: Schedule) -> Sequence[datetime.date]:
        """Where the index is read, and the last payment date (N + 1,)."""
        return schedule.payment if self.resets is None else schedule.within(FREQUENCIES[self.resets])

    def of_period(self, rates: np.ndarray, schedule: Schedule, day_count: str) -> np.ndarray:
        """Rates (S, N) of the index by reset as those of accrual periods (S, T)."""
        if self.resets is None:
            return rates
        days, fraction = self.days(schedule), fraction_of(day_count, schedule.roll)
        parts = np.array([fraction(a, b, b) for a, b in itertools.pairwise(days)])
        begins = np.searchsorted([day.toordinal() for day in days], [day.toordinal() for day in schedule.payment[:-1]])
        whole = np.add.reduceat(parts, begins)
        if self.compounded:
            return (np.multiply.reduceat(1.0 + rates * parts, begins, axis=1) - 1.0) / whole
        return np.add.reduceat(rates * parts, begins, axis=1) / whole

    def ladder(self, plan: Contract) -> np.ndarray:
        """The margin by accrual period (T,)."""
        return stepped_up(self, self.margin, plan)

    def settle(self, m: Machine) -> Value:
        """The rate of the period, per annum: min(cap, max(floor, multiple x index + margin))."""
        index = m.input("rate", self.source)
        index = index if self.multiple == 1.0 else self.multiple * index
        rate = index + climbed(self, self.margin, m)
        rate = rate if self.floor is None else m.max_(rate, self.floor)
        return rate if self.cap is None else m.min_(rate, self.cap)

    def borne(self, m: Machine) -> Value:
        """The rate that a lender earns: never below 0, since no lender pays interest."""
        return m.max_(self.settle(m), 0.0)

    def ahead(self, m: Machine, k: int) -> Value:
        """The rate borne k periods ahead, as far as it is known: today's."""
        return self.borne(m)


def never_below_0(coupon: Fixed | Floating) -> Fixed | Floating:
    """A coupon that is not fixed below 0, nor stepped there: a floating one is held at 0, as no lender pays interest."""
    if isinstance(coupon, Fixed):
        rates = list(itertools.accumulate([coupon.rate, *(coupon.step_up[date] for date in sorted(coupon.step_up))]))
        rates.append(min(rates) + sum(min(step, 0.0) for step in coupon.step_up_while.values()))
        if min(rates) < 0.0:
            raise InvalidTerms(f"must not be below 0, got {min(rates):g}: no lender pays interest")
    return coupon


Coupon = Annotated[Fixed | Floating, AfterValidator(never_below_0)]  # what a lender earns


def climbed(coupon: Fixed | Floating, base: float, m: Machine) -> Value:
    """The fixed part of a coupon in the period: rate or margin, plus every step that has begun."""
    begins = m.plan.schedule.unadjusted[:-1]
    for date, step in coupon.step_up.items():
        base = base + step * m.curve(m.plan.schedule.flags_from_index(bisect.bisect_left(begins, date)))
    return stepped_while(coupon, base, m)


def stepped_while(coupon: Fixed | Floating, base: Value, m: Machine) -> Value:
    """A rate with every step whose condition holds."""
    for condition, step in coupon.step_up_while.items():
        base = base + m.select(condition.settle(m), step, 0.0)
    return base


def stepped_up(coupon: Fixed | Floating, base: float, plan: Contract) -> np.ndarray:
    """The fixed part of a coupon by accrual period (T,): rate or margin, plus every step that has begun."""
    key = id(coupon)
    if key not in plan.ladders:
        curve = np.full(plan.schedule.periods, base)
        for date, step in coupon.step_up.items():
            curve += [step if begins >= date else 0.0 for begins in plan.schedule.unadjusted[:-1]]
        plan.ladders[key] = curve
    return plan.ladders[key]
