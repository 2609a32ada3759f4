"""The months of a pool within a deal's collection periods."""

from __future__ import annotations

import bisect
import datetime
import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from structuring.scenarios.months import month_after
from structuring.scenarios.period_clock import Clock
from waterfalls.fields import STATE

if TYPE_CHECKING:
    from waterfalls.clock.schedule import Schedule


@functools.lru_cache(maxsize=1024)
def month_grid(schedule: Schedule, first: datetime.date | None = None, *, every: int = 1, least: int = 0) -> MonthGrid:
    """The loans' months within collection periods; worked out once."""
    return MonthGrid(Clock(schedule), schedule, first=first, every=every, least=least)


class MonthGrid:
    """The loans' months within a deal's collection periods; a month's cash belongs to the period in which it ends.

    Every collection period holds whole months, the last of which ends with it: as many as its length comes nearest to
    (none in less than half a month), and no fewer than `least`; of a first period off the grid the first month is longer
    or shorter than the others. With `first` the first `every` months end there instead, which is when loans that pay every
    so many months first do, and the others follow a month apart.
    `days` (M + 1,) are the day before the first month and the last day of each, `period` (M,) where each belongs.
    """

    def __init__(
        self, clock: Clock, schedule: Schedule, *, first: datetime.date | None = None, every: int = 1, least: int = 0
    ) -> None:
        self.clock, self.dates = clock, schedule.collection
        days = [day.toordinal() for day in schedule.ends]
        if first is None:
            held = np.maximum(np.ceil((clock.hi - clock.lo) / 30.0 - 0.5), least).astype(int)
            back = [k for count in held for k in range(count - 1, -1, -1)]
            period, start, opens = np.repeat(np.arange(len(held)), held), clock.start, schedule.collection[0]
            ends = clock.hi[period] - 30.0 * np.array(back)
            self.ends = [month_after(schedule.ends[t], -k, clock.roll) for t, k in zip(period, back, strict=True)]
        else:
            months = (month_after(first, k) for k in itertools.count(1 - every))
            self.ends = list(itertools.takewhile(lambda day: day <= schedule.ends[-1], months))
            opens, start = month_after(first, -every), clock.at(first) - 30.0 * every
            ends = start + 30.0 * np.arange(1.0, len(self.ends) + 1.0)
            period = np.searchsorted(days, [day.toordinal() for day in self.ends])
        self.months, self.days, self.period = len(self.ends), [opens, *self.ends], period
        self.edges = np.concatenate([[start], ends])
        counts = np.bincount(period, minlength=len(days))
        self.last = np.cumsum(counts)  # months ended by the end of each period (T,)
        self.index = np.full((max(int(counts.max(initial=1)), 1), len(days)), self.months)
        for k in range(self.index.shape[0]):
            has = counts > k
            self.index[k, has] = (self.last - counts)[has] + k
        each = np.arange(self.months)
        self.same = np.array_equal(self.last, each + 1) and np.array_equal(self.index, each[None, :])

    def month_of(self, date: datetime.date) -> int | None:
        """The month (from 0) of a date, within the collection period that holds it; None outside all of them.

        Of a period too short to hold a month it is the month that the date stands in, which ends later, or the last.
        """
        t = bisect.bisect_left(self.dates, date) - 1
        if not 0 <= t < len(self.last):
            return None
        first, last = (0, *self.last)[t], self.last[t]
        month = np.clip(np.searchsorted(self.edges, self.clock.at(date)) - 1, first, max(last - 1, first))
        return int(min(month, self.months - 1))

    def by_period(self, amounts: np.ndarray) -> np.ndarray:
        """Amounts by month (S, M) summed by collection period (S, T)."""
        if self.same:
            return amounts
        padded = np.concatenate([amounts, np.zeros((len(amounts), 1))], axis=1)
        total = padded[:, self.index[0]]
        for months in self.index[1:]:
            total = total + padded[:, months]
        return total

    def at_end(self, states: np.ndarray, start: Any) -> np.ndarray:
        """States at the ends of months (S, M) as of the ends of collection periods (S, T)."""
        if self.same:
            return states
        return np.concatenate([np.broadcast_to(start, (len(states), 1)), states], axis=1)[:, self.last]

    def fields(self, amounts: Mapping[str, np.ndarray], start: Any) -> dict[str, np.ndarray]:
        """Fields by month as fields by collection period: balances at its end (`start` before the first), else sums."""
        return {
            name: self.at_end(array, start if name == "pool_balance" else 0.0)
            if name in STATE
            else self.by_period(array)
            for name, array in amounts.items()
        }
