"""Schedules: payment dates on a QuantLib calendar, collection periods, and accrual fractions."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import itertools
from calendar import isleap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import lazy_loader

from waterfalls.clock.conventions import (
    CALENDARS,
    CONVENTIONS,
    DAY_COUNTS,
    FREQUENCIES,
    calendar_names,
    pick,
    unadjusted,
)
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import numpy as np
    import QuantLib as ql
else:
    np, ql = lazy_loader.load("numpy"), lazy_loader.load("QuantLib")


MONTH_END = "month end"  # where collection periods end that follow the calendar


@dataclasses.dataclass(frozen=True)
class Roll:
    """The coupon periods that stubs and broken periods count against: `per_year` a year, both ways from `anchor`.

    With `end_of_month`, an anchor at a month end makes every date one. `maturity` is where the last period ends.
    """

    per_year: int
    anchor: datetime.date
    end_of_month: bool = False
    maturity: datetime.date | None = None

    def date(self, k: int) -> datetime.date:
        """The k-th date from the anchor; a day that its month lacks is that month's last."""
        day = to_ql(self.anchor) + ql.Period(k * 12 // self.per_year, ql.Months)
        last = self.end_of_month and ql.Date.isEndOfMonth(to_ql(self.anchor))
        return from_ql(ql.Date.endOfMonth(day) if last else day)

    def until(self, maturity: datetime.date) -> Roll:
        """The same periods of what ends on another date."""
        return dataclasses.replace(self, maturity=maturity)

    def index(self, day: datetime.date) -> int:
        """The last k whose date is on or before a day."""
        months = 12 * (day.year - self.anchor.year) + day.month - self.anchor.month
        k = months * self.per_year // 12 + 1
        while self.date(k) > day:
            k -= 1
        return k


@dataclasses.dataclass(frozen=True, eq=False)
class Schedule:
    """The dates of a deal's remaining life: T payment dates, each with its accrual and its collection period.

    The first three tuples have T + 1 entries; entry 0 is where the first accrual and the first collection period begin.
    `passed` are the closing and the unadjusted payment dates before the run of a seasoned deal.
    """

    unadjusted: tuple[datetime.date, ...]
    payment: tuple[datetime.date, ...]
    collection: tuple[datetime.date, ...]
    roll: Roll
    passed: tuple[datetime.date, ...] = ()

    @property
    def per_year(self) -> int:
        """How many coupon periods a year has."""
        return self.roll.per_year

    @property
    def periods(self) -> int:
        return len(self.payment) - 1

    @functools.cached_property
    def dates(self) -> tuple[datetime.date, ...]:
        """The T payment dates."""
        return self.payment[1:]

    @functools.cached_property
    def ends(self) -> tuple[datetime.date, ...]:
        """The T ends of the collection periods, which are the determination dates."""
        return self.collection[1:]

    def within(self, per_year: int) -> list[datetime.date]:
        """Days (N + 1,) that part the accrual periods: payment dates, and every 1 / per_year years from the unadjusted
        start of a period to its end."""
        found = [self.payment[0]]
        for start, end, paid in zip(self.unadjusted, self.unadjusted[1:], self.payment[1:], strict=False):
            steps = (to_ql(start) + ql.Period(12 // per_year * k, ql.Months) for k in itertools.count(1))
            inside = itertools.takewhile(lambda day, end=end: day < end, map(from_ql, steps))
            found += [*(day for day in inside if found[-1] < day < paid), paid]
        return found

    def accruals(self, day_count: str, maturity: datetime.date | None = None) -> np.ndarray:
        """Year fractions (T,) from the previous payment date to this one: 30/360 on unadjusted dates, Actual on adjusted.

        `maturity` is that of what accrues, where it is not the deal's.
        """
        dates = self.unadjusted if unadjusted(day_count) else self.payment
        fraction = fraction_of(day_count, self.roll if maturity is None else self.roll.until(maturity))
        return np.array([fraction(a, b, b) for a, b in itertools.pairwise(dates)])

    def flags_from(self, date: datetime.date) -> np.ndarray:
        """1.0 for every payment on or after a date (T,), else 0.0."""
        return self.flags_from_index(self.at(date))

    def flags_from_index(self, first: int) -> np.ndarray:
        """1.0 for every payment from the one with index `first` on (T,), else 0.0."""
        return flags(self.periods, first)

    def at(self, date: datetime.date) -> int:
        """The index of the first payment whose unadjusted date is on or after `date`; T where there is none."""
        return next((t for t, paid in enumerate(self.unadjusted[1:]) if paid >= date), self.periods)


@functools.lru_cache(4096)
def flags(periods: int, first: int) -> np.ndarray:
    """1.0 from an index on, else 0.0 (T,), read-only."""
    raised = (np.arange(periods) >= first).astype(float)
    raised.setflags(write=False)
    return raised


def schedule(
    *,
    closing: datetime.date,
    first_payment: datetime.date,
    maturity: datetime.date,
    frequency: str,
    calendar: str,
    convention: str = "modified following",
    end_of_month: bool = False,
    second_payment: datetime.date | None = None,
    payment_dates: Sequence[datetime.date] = (),
    payment_lag: int = 0,
    collection_ends: str | Sequence[datetime.date] = (),
    as_of: datetime.date | None = None,
    cutoff: datetime.date | None = None,
) -> Schedule:
    """The dates from `closing` (or, of a seasoned deal, from the last payment on or before `as_of`) to `maturity`.

    Payments fall on `first_payment`, on `second_payment` where the first is off the cycle, and every period after it;
    or on the unadjusted `payment_dates`, if these are given. A collection period ends `payment_lag` days before the
    unadjusted payment date, on the month end at or before that day (`MONTH_END`), or where a list says; the first begins
    at `cutoff`, or at closing.
    """
    per_year = pick("frequency", FREQUENCIES, frequency)
    if first_payment > maturity:
        raise InvalidTerms(f"first_payment {first_payment} is after maturity {maturity}")
    grid = list(payment_dates) or regular(first_payment, second_payment, maturity, per_year, end_of_month)
    unadjusted = [closing, *grid]
    market, rule = calendar_of(calendar), getattr(ql, pick("convention", CONVENTIONS, convention))
    payment = [closing, *(from_ql(market.adjust(to_ql(day), rule)) for day in grid)]
    collection = [cutoff or closing, *ends_of_collection(grid, payment_lag, collection_ends)]
    passed: list[datetime.date] = []
    if as_of is not None:
        first = max(i for i, day in enumerate(payment) if day <= max(as_of, closing))
        if first == len(payment) - 1:
            raise InvalidTerms(f"as_of {as_of} is on or after the last payment {payment[-1]}: nothing is left to run")
        passed = unadjusted[: first + 1]
        unadjusted, payment, collection = unadjusted[first:], payment[first:], collection[first:]
        collection[0] = cutoff or collection[0]
    for name, days in (("payment dates", payment), ("collection periods", collection)):
        for a, b in itertools.pairwise(days):
            if b <= a:
                raise InvalidTerms(
                    f"{name} must rise, got {a} then {b}: check closing, cutoff, payment_lag and convention"
                )
    anchor = grid[1] if payment_dates and len(grid) > 1 else second_payment or first_payment
    roll = Roll(per_year, anchor, end_of_month, maturity)
    return Schedule(tuple(unadjusted), tuple(payment), tuple(collection), roll, tuple(passed))


def regular(
    first: datetime.date, second: datetime.date | None, maturity: datetime.date, per_year: int, end_of_month: bool
) -> list[datetime.date]:
    """Unadjusted dates from the first to maturity, every period from the first or, where it is given, the second."""
    start, off_cycle = (first, []) if second is None else (second, [first])
    if start >= maturity:
        return [*off_cycle, maturity]
    forward, none, rule = ql.DateGeneration.Forward, ql.NullCalendar(), ql.Unadjusted
    tenor = ql.Period(12 // per_year, ql.Months)
    made = ql.Schedule(to_ql(start), to_ql(maturity), tenor, none, rule, rule, forward, end_of_month)
    return [*off_cycle, *map(from_ql, made.dates())]


def ends_of_collection(
    grid: Sequence[datetime.date], lag: int, said: str | Sequence[datetime.date]
) -> list[datetime.date]:
    """Where the collection period of each unadjusted payment date ends."""
    if said and not isinstance(said, str):
        if len(said) != len(grid):
            raise InvalidTerms(f"collection_ends has {len(said)} dates for {len(grid)} payment dates: one for each")
        return list(said)
    days = [day - datetime.timedelta(days=lag) for day in grid]
    return [month_end(day) for day in days] if said == MONTH_END else days


def month_end(day: datetime.date) -> datetime.date:
    """The last month end on or before a day."""
    tomorrow = day + datetime.timedelta(days=1)
    return tomorrow.replace(day=1) - datetime.timedelta(days=1)


def year_fraction(
    day_count: str,
    start: datetime.date,
    end: datetime.date,
    *,
    roll: Roll | None = None,
    until: datetime.date | None = None,
) -> float:
    """The fraction of a year between two dates under a named day count.

    `until` is where the coupon period that begins at `start` ends, and `roll` gives the coupon periods: ICMA needs them.
    Source: QuantLib, and for what it lacks the 2006 ISDA Definitions, 4.16, and ICMA Rule 251; see `OWN`.
    """
    return fraction_of(day_count, roll)(start, end, until or end)


def fraction_of(
    day_count: str, roll: Roll | None = None
) -> Callable[[datetime.date, datetime.date, datetime.date], float]:
    """The year fraction of a named day count, as a function of start, end and the end of the coupon period."""
    path = pick("day count", DAY_COUNTS, day_count)
    if not path:
        return lambda start, end, until: OWN[day_count](start, end, until, roll)
    counter = from_quantlib(path)
    if day_count == "30E/360 ISDA" and roll is not None and roll.maturity is not None:  # where February is not 30 days
        counter = ql.Thirty360(ql.Thirty360.ISDA, to_ql(roll.maturity))
    return lambda start, end, until: counter.yearFraction(to_ql(start), to_ql(end))


Fraction = Callable[[datetime.date, datetime.date, datetime.date, Roll | None], float]


def plus_360(start: datetime.date, end: datetime.date, until: datetime.date, roll: Roll | None) -> float:
    """30E+/360: a first 31st is a 30th, a last 31st the first of the next month."""
    last, month = (1, end.month + 1) if end.day == 31 else (end.day, end.month)
    return (360 * (end.year - start.year) + 30 * (month - start.month) + last - min(start.day, 30)) / 360.0


def leap_day(start: datetime.date, end: datetime.date, until: datetime.date, roll: Roll | None) -> float:
    """Actual/365A: days / 366 if a 29 February lies in (start, end], else / 365."""
    return (end - start).days / (366.0 if holds_leap_day(start, end) else 365.0)


def holds_leap_day(start: datetime.date, end: datetime.date) -> bool:
    """Whether a 29 February lies in (start, end]."""
    leaps = (datetime.date(year, 2, 29) for year in range(start.year, end.year + 1) if isleap(year))
    return any(start < day <= end for day in leaps)


def leap_year(start: datetime.date, end: datetime.date, until: datetime.date, roll: Roll | None) -> float:
    """Actual/365L: days / 366 if the coupon period ends in a leap year, else / 365.

    Paid once a year: 366 if the period holds a 29 February.
    """
    annual = roll is not None and roll.per_year == 1
    leap = holds_leap_day(start, until) if annual else isleap(until.year)
    return (end - start).days / (366.0 if leap else 365.0)


def icma(start: datetime.date, end: datetime.date, until: datetime.date, roll: Roll | None) -> float:
    """Actual/actual ICMA: sum over the coupon periods of days in them / (days of the period x periods a year).

    A whole period is 1 / periods a year; a stub, at the front or the back, short or long, counts against the periods
    that the roll dates would make of it, each by its own days. Source: ICMA Rule 251.1.
    """
    if roll is None:
        raise InvalidTerms(
            "actual/actual ICMA: counts against coupon periods: say which, roll=Roll(2, date of a coupon)"
        )
    total, k = 0.0, roll.index(start)
    lo, hi = roll.date(k), roll.date(k + 1)
    while lo < end:
        total += (min(end, hi) - max(start, lo)).days / ((hi - lo).days * roll.per_year)
        k += 1
        lo, hi = hi, roll.date(k + 1)
    return total


OWN: dict[str, Fraction] = {
    "30E+/360": plus_360,
    "actual/365A": leap_day,
    "actual/365L": leap_year,
    "actual/actual ICMA": icma,
}


def day_counter(name: str) -> ql.DayCounter:
    """A QuantLib day counter by name; actual/365F for those that QuantLib lacks."""
    return from_quantlib(pick("day count", DAY_COUNTS, name) or DAY_COUNTS["actual/365F"])


def calendar_of(name: str) -> ql.Calendar:
    """A QuantLib calendar by name; `UK + US` is closed when either is."""
    parts = [from_quantlib(pick("calendar", CALENDARS, part)) for part in calendar_names(name)]
    return parts[0] if len(parts) == 1 else ql.JointCalendar(*parts, ql.JoinHolidays)


def from_quantlib(path: tuple[str, ...]) -> Any:
    """An object of QuantLib by the name of its class and of its variant."""
    cls = getattr(ql, path[0])
    return cls(*(getattr(cls, variant) for variant in path[1:]))


@functools.lru_cache(4096)  # a schedule's dates, which every day count and every curve asks for
def to_ql(day: datetime.date) -> ql.Date:
    return ql.Date(day.toordinal() - 693_594)  # serial numbers count from 30 December 1899, as Excel's do


def from_ql(day: ql.Date) -> datetime.date:
    return datetime.date(day.year(), day.month(), day.dayOfMonth())


def moved(curve: np.ndarray, k: int) -> np.ndarray:
    """A curve by payment date (T,) read k periods ahead, 0 after the last."""
    return np.concatenate([curve[k:], np.zeros(min(k, len(curve)))])


def years_from(start: datetime.date, days: Sequence[datetime.date]) -> np.ndarray:
    """Actual/365F years from `start` to each date: the time of spreads and of weighted average life."""
    return np.array([(day - start).days / 365.0 for day in days])
