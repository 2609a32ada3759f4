"""Converts dates to 30/360 days within a deal's collection periods, so that collateral can compute in years."""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from waterfalls.clock.schedule import Schedule

YEAR = 360.0


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


class Clock:
    """Collection periods (lo, hi] as instants, arrays (T,); every instant given to it broadcasts to (S, 1).

    A date is the instant at which that day ends: a lease that begins on 30 May accrues from then on, and one that ends
    on 30 May has been paid for that day. An event at an instant belongs to the period with lo < instant <= hi.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.roll, edges = edges_of(schedule)
        self.start, self.lo, self.hi = edges[0], edges[:-1], edges[1:]

    @property
    def years(self) -> np.ndarray:
        """The length of each period in years (T,)."""
        return (self.hi - self.lo) / YEAR

    def at(self, date: datetime.date) -> float:
        """The instant of a date."""
        return instant(date, self.roll)

    def overlap(self, begins: np.ndarray | float, ends: np.ndarray | float) -> np.ndarray:
        """Years of each period that lie between two instants, (S, T)."""
        return np.maximum(np.minimum(ends, self.hi) - np.maximum(begins, self.lo), 0.0) / YEAR

    def grown(
        self, begins: np.ndarray | float, ends: np.ndarray | float, rate: float, since: float, stated: float
    ) -> np.ndarray:
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

    def level(self, when: np.ndarray, rate: float, since: float, stated: float) -> np.ndarray:
        """The level just after an instant: (1 + rate)^steps, no step before `since`."""
        steps = np.maximum(np.floor((when - since) / YEAR), 0.0) - max(np.floor((stated - since) / YEAR), 0.0)
        return np.power(1.0 + rate, steps)

    def hit(self, when: np.ndarray | float) -> np.ndarray:
        """1.0 in the period of an event, else 0.0, (S, T)."""
        return ((self.lo < when) & (when <= self.hi)).astype(np.float64)

    def since(self, when: np.ndarray | float) -> np.ndarray:
        """1.0 from the period of an event on, else 0.0, (S, T)."""
        return (when <= self.hi).astype(np.float64)

    def pick(self, values: np.ndarray, when: np.ndarray | float) -> np.ndarray:
        """The value of a driver (S, T) in the period of an instant, (S, 1); the nearest period's outside the schedule."""
        if values.shape[1] == 1:
            return values
        index = np.minimum(np.searchsorted(self.hi, np.atleast_2d(when)), values.shape[1] - 1)
        rows = np.arange(max(len(values), len(index)))[:, None]
        return values[rows if len(values) > 1 else 0, index]
