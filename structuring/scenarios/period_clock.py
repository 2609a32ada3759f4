"""Converts dates to 30/360 days within a deal's collection periods, so that collateral can compute in years."""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from waterfalls.clock.schedule import Schedule

YEAR = 360.0
Instants: TypeAlias = np.ndarray | float  # of one or many events, (S or 1, 1)
DAYS_A_YEAR = {"actual/365F": 365.0, "actual/360": 360.0}


def instant(day: datetime.date, roll: int = 30) -> float:
    """The end of a day, in 30/360 days since year 0.

    A 31st is a 30th, and so is the last day of February where periods roll on the 30th: it counts as day `roll`.
    """
    last = (day + datetime.timedelta(days=1)).day == 1
    return 360.0 * day.year + 30.0 * (day.month - 1) + min(max(day.day, roll if last else 0), 30)


@functools.lru_cache(maxsize=1024)
def edges_of(schedule: Schedule) -> tuple[int, np.ndarray]:
    """The day that periods roll on, and the instants (T + 1,) at which collection periods meet; worked out once."""
    roll = max(day.day for day in schedule.collection[1:])
    edges = np.array([instant(day, roll) for day in schedule.collection])
    edges.setflags(write=False)
    return roll, edges


def day_of(when: np.ndarray) -> np.ndarray:
    """The calendar day of an instant, in days since 1970; a 30th is the end of its month."""
    month = np.ceil(when / 30.0) - 1.0
    index = month.astype(np.int64) - 12 * 1970
    before, last = (
        k.astype("datetime64[M]").astype("datetime64[D]").astype(np.float64) - 1.0 for k in (index, index + 1)
    )
    within = when - 30.0 * month
    return np.where(within < 30.0, np.minimum(before + within, last), last)


def stepped_years(begins: float, ends: float, rate: float, since: float, stated: float) -> float:
    """Years between two instants on or after `since`, weighted by a level that steps by `rate` on its anniversaries.

    The level is 1 at the instant `stated`: `Clock.grown` of one period.
    """
    total, when = 0.0, begins
    while when < ends:
        step = (when - since) // YEAR
        until = min(since + YEAR * (step + 1), ends)
        total += (1.0 + rate) ** (step - max((stated - since) // YEAR, 0.0)) * (until - when) / YEAR
        when = until
    return total


class Clock:
    """Collection periods (lo, hi] as instants, arrays (T,); every instant given to it broadcasts to (S, 1).

    A date is the instant at which that day ends: a lease that begins on 30 May accrues from then on, and one that ends
    on 30 May has been paid for that day. An event at an instant belongs to the period with lo < instant <= hi. Lengths go
    by `day_count`: 30/360, or the actual days over a year of 365 or 360.
    """

    def __init__(self, schedule: Schedule, day_count: str = "30/360") -> None:
        self.roll, edges = edges_of(schedule)
        self.start, self.lo, self.hi = edges[0], edges[:-1], edges[1:]
        self.a_year = DAYS_A_YEAR.get(day_count)
        if self.a_year:
            self.days = np.array(schedule.collection, dtype="datetime64[D]").astype(np.float64)

    @property
    def years(self) -> np.ndarray:
        """The length of each period in years (T,)."""
        return np.diff(self.days) / self.a_year if self.a_year else (self.hi - self.lo) / YEAR

    def at(self, date: datetime.date) -> float:
        """The instant of a date."""
        return instant(date, self.roll)

    def overlap(self, begins: Instants, ends: Instants) -> np.ndarray:
        """Years of each period that lie between two instants, (S, T)."""
        first, last = np.maximum(begins, self.lo), np.minimum(ends, self.hi)
        if not self.a_year:
            return np.maximum(last - first, 0.0) / YEAR
        since = np.where(first == self.lo, self.days[:-1], day_of(np.minimum(first, self.hi)))
        until = np.where(last == self.hi, self.days[1:], day_of(np.maximum(last, self.lo)))
        return np.where(last > first, np.maximum(until - since, 0.0), 0.0) / self.a_year

    def grown(self, begins: Instants, ends: Instants, rate: float, since: Instants, stated: Instants) -> np.ndarray:
        """Years between two instants, each weighted by a level that steps by `rate` on anniversaries of `since`, (S, T).

        Sum over the steps n of (1 + rate)^(n - m) x overlap, where m steps lie before the instant `stated`, at which
        the level is 1.
        """
        if rate == 0.0:
            return self.overlap(begins, ends)
        first = since + YEAR * np.floor((self.lo - since) / YEAR)  # the last anniversary at or before lo
        total = np.zeros(1)
        for k in range(int((self.hi - self.lo).max() / YEAR) + 2):
            step = first + YEAR * k
            inside = self.overlap(np.maximum(begins, step), np.minimum(ends, step + YEAR))
            total = total + self.level(step, rate, since, stated) * inside
        return total

    def level(self, when: np.ndarray, rate: float, since: Instants, stated: Instants) -> np.ndarray:
        """The level just after an instant: (1 + rate)^steps, no step before `since`."""
        steps = np.maximum(np.floor((when - since) / YEAR), 0.0) - np.maximum(np.floor((stated - since) / YEAR), 0.0)
        return np.power(1.0 + rate, steps)

    def hit(self, when: Instants) -> np.ndarray:
        """1.0 in the period of an event, else 0.0, (S, T)."""
        return ((self.lo < when) & (when <= self.hi)).astype(np.float64)

    def since(self, when: Instants) -> np.ndarray:
        """1.0 from the period of an event on, else 0.0, (S, T)."""
        return (when <= self.hi).astype(np.float64)

    def begins(self, when: Instants) -> np.ndarray:
        """1.0 in the first period of `since`: that of an event, the first of all where it struck before; else 0.0."""
        return np.diff(self.since(when), axis=-1, prepend=0.0)

    def pick(self, values: np.ndarray, when: Instants) -> np.ndarray:
        """The value of a driver (S, T) in the period of an instant, (S, 1); the nearest period's outside the schedule."""
        if values.shape[1] == 1:
            return values
        index = np.minimum(np.searchsorted(self.hi, np.atleast_2d(when)), values.shape[1] - 1)
        rows = np.arange(max(len(values), len(index)))[:, None]
        return values[rows if len(values) > 1 else 0, index]
