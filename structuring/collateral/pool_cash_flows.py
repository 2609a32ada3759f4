"""Scheduled balances and interest of many loans at once, and the months of a pool within a deal's periods."""

from __future__ import annotations

import bisect
import datetime
import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from structuring.collateral.loan_tape import Tape
from structuring.scenarios.months import month_after
from structuring.scenarios.period_clock import Clock

if TYPE_CHECKING:
    from structuring.collateral.loan_tape import LoanLine
    from waterfalls.clock.schedule import Schedule

CELLS = 4_000_000  # lines x months held at a time
MANY_PATHS = 64  # from which on the kernel is worth loading; it gives the same bits
MANY, BLOCK = 1_000, 8_192  # lines from which on one month follows from the last, and how many at a time


@functools.lru_cache(maxsize=16)
def curves(
    lines: tuple[LoanLine, ...] | Tape, months: int, servicing: float, apart: tuple[str, ...]
) -> tuple[tuple[int, int, np.ndarray, np.ndarray], ...]:
    """Age, months between payments and scheduled curves of each group of lines kept `apart` by columns; worked out once."""
    tape = lines if isinstance(lines, Tape) else Tape.of(lines)
    return tuple(
        (int(group.age[0]), int(group.every[0]), *scheduled(group, months, servicing)) for group in tape.split(apart)
    )


def scheduled(tape: Tape, months: int, servicing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The scheduled balance (M + 1,) and net interest (M,) of lines without prepayment or default, in currency units.

    S(m) = (1 - (1 + i)^-(a - j)) / (1 - (1 + i)^-a) for level payments, a of them, (a - j) / a for equal principal,
    j = the payments gone by, i = rate x months between them / 12; 0 from the end of the term on. Interest is on the
    balance before, in the months in which loans pay.
    """
    month = np.arange(months + 1.0)[None, :]
    balance, interest = np.zeros(months + 1), np.zeros(months)
    if len(tape) >= MANY:
        plain = (tape.level > 0.0) & (tape.interest_only == 0.0) & (tape.over * np.log1p(tape.rate / 12.0) > 0.01)
        plain &= tape.every == 1.0
        plain[list(tape.fixed)] = False
        level_pay(tape.some(plain), servicing, balance, interest)
        tape = tape.some(~plain)
    rows = max(1, CELLS // (months + 1))
    for start in range(0, len(tape), rows):
        part = tape.rows(slice(start, start + rows))
        every = part.every[:, None] if (part.every != 1.0).any() else np.ones((1, 1))
        paid = month - month % every  # the month of the last payment
        over, rate = part.over[:, None] / every, part.rate[:, None] / 12.0 * every
        left = over - np.clip((paid - part.interest_only[:, None]) / every, 0.0, over)
        level = (part.level[:, None] > 0.0) & (rate > 0.0)
        growth = np.log1p(rate)
        factor = np.where(level, np.expm1(-left * growth) / np.where(level, np.expm1(-over * growth), 1.0), left / over)
        amounts = part.balance[:, None] * factor * (paid < part.remaining_term[:, None])
        for k, fixed in part.fixed.items():
            due = np.concatenate([[0.0], np.cumsum(fixed)])
            gone = (month[0] // part.every[k]).astype(int)
            remaining = part.balance[k] - due[np.minimum(gone, len(due) - 1)]
            amounts[k] = np.maximum(remaining, 0.0) * (gone * part.every[k] < part.remaining_term[k])
        balance += amounts.sum(axis=0)
        pays = np.where(month[:, 1:] % every == 0.0, every, 0.0)
        interest += ((part.rate[:, None] - servicing) / 12.0 * pays * amounts[:, :-1]).sum(axis=0)
    for curve in (balance, interest):
        curve.setflags(write=False)
    return balance, interest


def level_pay(tape: Tape, servicing: float, balance: np.ndarray, interest: np.ndarray) -> None:
    """Adds the curves of many lines that pay level from the first month on, by one product a line and month.

    B(m) = c - w(m), c = B(0) / (1 - (1 + i)^-a), w(0) = c (1 + i)^-a, w(m) = (1 + i) w(m - 1): the closed form to 1e-13.
    Lines of the longest term stand first, so that those still alive are a prefix.
    """
    order = np.argsort(-tape.remaining_term, kind="stable")
    start, rate, over, term = (x[order] for x in (tape.balance, tape.rate / 12.0, tape.over, tape.remaining_term))
    paid = np.exp(-over * np.log1p(rate))
    c, net, grow = start / -np.expm1(-over * np.log1p(rate)), rate - servicing / 12.0, 1.0 + rate
    for first in range(0, len(term), BLOCK):
        part = slice(first, first + BLOCK)
        whole, left = c[part], c[part] * paid[part]
        alive = np.searchsorted(-term[part], -np.arange(len(balance)), side="left")  # with a term above the month
        amounts = np.empty(len(whole))
        for month, n in enumerate(alive.tolist()):
            if n == 0:
                break
            np.subtract(whole[:n], left[:n], out=amounts[:n])
            balance[month] += amounts[:n].sum()
            if month < len(interest):
                interest[month] += net[part][:n] @ amounts[:n]
            left[:n] *= grow[part][:n]


@functools.cache
def kernel() -> Any:
    """The kernel of pools, or nothing where there is no Numba."""
    try:
        from structuring.collateral import pool_cash_flows_kernel
    except ImportError:
        return None
    return pool_cash_flows_kernel


def writable(array: np.ndarray) -> np.ndarray:
    """An array as the kernel takes it: contiguous, and of the one type that it is compiled for."""
    array = np.ascontiguousarray(array, dtype=np.float64)
    return array if array.flags.writeable else array.copy()


def later(amounts: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Amounts by month (S or 1, M) as many whole months later as `lag` (S or 1, 1) says, zeros before."""
    if lag.shape[0] == 1:
        return shifted(amounts, int(lag[0, 0]))
    amounts = np.broadcast_to(amounts, (len(lag), amounts.shape[1]))
    result = np.zeros(amounts.shape)
    for months in np.unique(lag):
        rows = lag[:, 0] == months
        result[rows] = shifted(amounts[rows], int(months))
    return result


def spread(amounts: np.ndarray, lag: np.ndarray, timing: tuple[float, ...]) -> np.ndarray:
    """Amounts by month (S or 1, M) `lag` months later, the shares of `timing` month by month from then on, if any."""
    if not timing:
        return later(amounts, lag)
    parts = [share * later(amounts, lag + k) for k, share in enumerate(timing)]
    return np.sum(np.broadcast_arrays(*parts), axis=0)


def compounded(rates: np.ndarray, every: int, months: int) -> np.ndarray:
    """Monthly rates (S or 1, M or 1) as those of every so many months, 1 - product of (1 - rate), 0 in between."""
    if every == 1:
        return rates
    whole = months // every
    monthly = np.broadcast_to(rates, (len(rates), months))[:, : whole * every].reshape(len(rates), whole, every)
    result = np.zeros((len(rates), months))
    result[:, every - 1 : whole * every : every] = 1.0 - np.prod(1.0 - monthly, axis=2)
    return result


def shifted(amounts: np.ndarray, months: int) -> np.ndarray:
    """Amounts by month (S, M), `months` later."""
    if months == 0:
        return amounts
    result = np.zeros(amounts.shape)
    result[:, months:] = amounts[:, :-months]
    return result


@functools.lru_cache(maxsize=1024)
def month_grid(schedule: Schedule, first: datetime.date | None = None, least: int = 0) -> MonthGrid:
    """The loans' months within collection periods; worked out once."""
    return MonthGrid(Clock(schedule), schedule, first=first, least=least)


class MonthGrid:
    """The loans' months within a deal's collection periods; a month's cash belongs to the period in which it ends.

    Every collection period holds whole months, the last of which ends with it: as many as its length comes nearest to
    (none in less than half a month), and no fewer than `least`; of a first period off the grid the first month is longer
    or shorter than the others. With `first` the first month ends there instead, and the others follow a month apart.
    """

    def __init__(self, clock: Clock, schedule: Schedule, *, first: datetime.date | None = None, least: int = 0) -> None:
        self.clock, self.dates = clock, schedule.collection
        days = [day.toordinal() for day in schedule.ends]
        if first is None:
            held = np.maximum(np.ceil((clock.hi - clock.lo) / 30.0 - 0.5), least).astype(int)
            back = [k for count in held for k in range(count - 1, -1, -1)]
            period, start = np.repeat(np.arange(len(held)), held), clock.start
            ends = clock.hi[period] - 30.0 * np.array(back)
            self.ends = [month_after(schedule.ends[t], -k, clock.roll) for t, k in zip(period, back, strict=True)]
        else:
            months = (month_after(first, k) for k in itertools.count())
            self.ends = list(itertools.takewhile(lambda day: day <= schedule.ends[-1], months))
            start, ends = clock.at(first) - 30.0, clock.at(first) + 30.0 * np.arange(len(self.ends))
            period = np.searchsorted(days, [day.toordinal() for day in self.ends])
        self.months = len(self.ends)
        self.edges = np.concatenate([[start], ends])
        counts = np.bincount(period, minlength=len(days))
        self.last = np.cumsum(counts)  # months ended by the end of each period (T,)
        self.index = np.full((max(int(counts.max(initial=1)), 1), len(days)), self.months)
        for k in range(self.index.shape[0]):
            has = counts > k
            self.index[k, has] = (self.last - counts)[has] + k
        every = np.arange(self.months)
        self.same = np.array_equal(self.last, every + 1) and np.array_equal(self.index, every[None, :])

    def month_of(self, date: datetime.date) -> int | None:
        """The month (from 0) of a date, within the collection period that holds it; None outside all of them."""
        t = bisect.bisect_left(self.dates, date) - 1
        if not 0 <= t < len(self.last):
            return None
        first, last = (0, *self.last)[t], self.last[t]
        return int(np.clip(np.searchsorted(self.edges, self.clock.at(date)) - 1, first, last - 1))

    def by_period(self, amounts: np.ndarray) -> np.ndarray:
        """Amounts by month (S, M) summed by collection period (S, T)."""
        if self.same:
            return amounts
        padded = np.concatenate([amounts, np.zeros((len(amounts), 1))], axis=1)
        total = padded[:, self.index[0]]
        for months in self.index[1:]:
            total = total + padded[:, months]
        return total

    def at_end(self, states: np.ndarray, start: float) -> np.ndarray:
        """States at the ends of months (S, M) as of the ends of collection periods (S, T)."""
        if self.same:
            return states
        return np.concatenate([np.full((len(states), 1), start), states], axis=1)[:, self.last]

    def fields(self, amounts: Mapping[str, np.ndarray], start: float) -> dict[str, np.ndarray]:
        """Fields by month as fields by collection period: balances at its end (`start` before the first), else sums."""
        return {
            name: self.at_end(array, start if name == "pool_balance" else 0.0)
            if name.endswith("_balance")
            else self.by_period(array)
            for name, array in amounts.items()
        }
