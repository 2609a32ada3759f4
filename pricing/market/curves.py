"""Discount curves as fixed numbers: discount factors on dates, log-linear between them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

import numpy as np

from waterfalls.bounds import odd_rate
from waterfalls.equality import restored
from waterfalls.errors import CannotPrice, InvalidTerms

FOREVER = 200  # years that a flat curve covers
REACH = 50  # years that a curve without an end of its own is read for


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Discount factors on the days `ordinals` (n,) as their logarithms `logs` (n,), log-linear between them.

    D(t) = exp(l_k + (l_k+1 - l_k) (t - t_k) / (t_k+1 - t_k)), l = ln D at the nodes, D(start) = 1. Source: QuantLib's
    `DiscountCurve`. A date outside is refused, not extrapolated. `curve_from` makes one of whatever says discounts.
    """

    ordinals: np.ndarray
    logs: np.ndarray

    def __post_init__(self) -> None:
        for name in ("ordinals", "logs"):
            array = np.array(getattr(self, name), dtype=np.int64 if name == "ordinals" else np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    __setstate__ = restored

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Curve):
            return NotImplemented
        return np.array_equal(self.ordinals, other.ordinals) and np.array_equal(self.logs, other.logs)

    def __hash__(self) -> int:
        return hash((self.ordinals.tobytes(), self.logs.tobytes()))

    def __repr__(self) -> str:
        return f"Curve({self.start} to {self.end}, {len(self.ordinals)} nodes)"

    @property
    def start(self) -> datetime.date:
        """Where the discount factor is 1."""
        return datetime.date.fromordinal(int(self.ordinals[0]))

    @property
    def end(self) -> datetime.date:
        """The last date covered."""
        return datetime.date.fromordinal(int(self.ordinals[-1]))

    def discounts(self, dates: Sequence[datetime.date]) -> np.ndarray:
        """Discount factors (n,) on dates from `start` to `end`."""
        days = np.array([date.toordinal() for date in dates], dtype=np.int64)
        outside = [
            date for date, day in zip(dates, days, strict=True) if not self.ordinals[0] <= day <= self.ordinals[-1]
        ]
        if outside:
            raise CannotPrice(f"the curve covers {self.start} to {self.end}, not {outside[-1]}")
        return np.exp(np.interp(days, self.ordinals, self.logs))

    def discount(self, date: datetime.date) -> float:
        """The discount factor on one date."""
        return float(self.discounts([date])[0])

    def par_yield(self, years: float, per_year: int) -> float:
        """The coupon at which a bond of `years` is worth par, paid and compounded `per_year` times a year.

        c = (1 - D(T)) / sum(a_k D(t_k)), t_k = T, T - 1/f, ... above 0, a_k = 1/f, the first period what is left.
        """
        count = max(int(np.ceil(years * per_year - 1e-9)), 1)
        times = years - np.arange(count)[::-1] / per_year
        days = self.ordinals[0] + 365.0 * times
        if days[-1] > self.ordinals[-1]:
            raise CannotPrice(f"the curve ends on {self.end}, before the {years:.2f} years of the par yield asked for")
        factors = np.exp(np.interp(days, self.ordinals, self.logs))
        return float((1.0 - factors[-1]) / np.sum(np.diff(times, prepend=0.0) * factors))

    def shifted(self, bp: float | Mapping[float, float]) -> Curve:
        """The curve with every zero rate (continuous, Actual/365F) higher by `bp`: the parallel move of rates.

        `bp` by years is linear between tenors and level outside; the curve then has a node on every day to the last.
        """
        days = self.ordinals
        if isinstance(bp, Mapping):
            if not bp:
                raise InvalidTerms("bp: a twist needs a move by years, such as {2: -25, 30: 50}; got {}")
            tenors, moves = zip(*sorted(bp.items()), strict=True)
            last = min(int(days[-1]), int(days[0]) + int(np.ceil(365.0 * tenors[-1])))
            days = np.union1d(days, np.arange(days[0], last + 1))
            years = (days - days[0]) / 365.0
            moved = np.interp(years, tenors, moves) * years
        else:
            moved = bp * ((days - days[0]) / 365.0)
        return Curve(days, np.interp(days, self.ordinals, self.logs) - 1e-4 * moved)

    def rolled(self, date: datetime.date) -> Curve:
        """The curve from another date on, with the same zero rates by tenor."""
        return Curve(self.ordinals + (date.toordinal() - self.ordinals[0]), self.logs)

    def forward(self, date: datetime.date) -> Curve:
        """The curve from a later date on: D(t) / D(date)."""
        day = date.toordinal()
        later = self.ordinals > day
        log = np.interp(day, self.ordinals, self.logs)
        return Curve(np.array([day, *self.ordinals[later]]), np.array([0.0, *(self.logs[later] - log)]))


def from_discounts(start: datetime.date, factors: Mapping[datetime.date, float]) -> Curve:
    """A curve from discount factors on dates after `start` (1 on `start`, if it is said)."""
    nodes = sorted(factors.items())
    for date, factor in nodes:
        if date < start:
            raise InvalidTerms(f"the curve starts on {start} and has a discount factor on {date}, before it")
        if date == start and not abs(factor - 1.0) <= 1e-12:
            raise InvalidTerms(f"the discount factor on the valuation date {start} must be 1, got {factor:g}")
    later = [(date, factor) for date, factor in nodes if date > start]
    if not later:
        raise InvalidTerms(f"a curve needs a discount factor after {start}, where it starts; got none")
    days = np.array([(date - start).days for date, _ in later])
    logs = logs_of(start, days, [factor for _, factor in later])
    return Curve(np.append(0, days) + start.toordinal(), np.append(0.0, logs))


def logs_of(start: datetime.date, days: np.ndarray, factors: Sequence[float]) -> np.ndarray:
    """Logarithms (n,) of discount factors on `days` after `start`; a factor that is not above 0 is refused by its date."""
    values = np.array(factors, dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
    if len(wrong):
        date = start + datetime.timedelta(days=int(days[wrong[0]]))
        raise CannotPrice(f"the discount factor on {date} must be above 0, got {values[wrong[0]]:g}")
    return np.log(values)


def flat(start: datetime.date, rate: float) -> Curve:
    """A curve at one zero rate, continuous, Actual/365F, for 200 years."""
    if wrong := odd_rate(rate):
        raise InvalidTerms(f"curve: {wrong}")
    days = 365 * FOREVER
    return Curve(np.array([start.toordinal(), start.toordinal() + days]), np.array([0.0, -rate * FOREVER]))


def from_zero_rates(start: datetime.date, rates: Mapping[datetime.date, float]) -> Curve:
    """A curve from zero rates on dates, continuous, Actual/365F: D = exp(-r t)."""
    return from_discounts(
        start, {date: float(np.exp(-rate * (date - start).days / 365.0)) for date, rate in rates.items()}
    )
