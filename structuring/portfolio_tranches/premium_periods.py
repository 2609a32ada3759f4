"""The periods of a premium: when it accrues, when it is paid, and from when protection runs."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import QuantLib as ql

from waterfalls.arguments import number, one_date, takes
from waterfalls.clock.schedule import to_ql
from waterfalls.errors import InvalidTerms

SETTLEMENT = 3  # business days from the trade to the payment of an upfront
Discount = float | Callable[[np.ndarray], Any]  # a continuous rate, or discount factors at years


@dataclasses.dataclass(frozen=True, eq=False)
class Periods:
    """J periods, in years from the valuation: `start`, `end` and `paid` (J,), and their fractions of a year `accrual` (J,).

    Protection runs from `since` to the last end. `rebate` is the fraction of a year that had accrued when the trade was made,
    which the seller of protection gives back at `settled`; `extra` the fraction that a loss owes beyond the time passed.
    """

    start: np.ndarray
    end: np.ndarray
    paid: np.ndarray
    accrual: np.ndarray
    since: float = 0.0
    rebate: float = 0.0
    settled: float = 0.0
    extra: float = 0.0

    def edges(self, steps: int = 1) -> np.ndarray:
        """The times at which losses are asked for (J x steps + 1,): every period in so many equal steps, from `since` on."""
        if steps < 1:
            raise InvalidTerms(f"steps: must be at least 1, got {steps}")
        begin = np.maximum(self.start, self.since)
        begin[1:] = self.end[:-1]
        inside = begin[:, None] + (self.end - begin)[:, None] * np.arange(1, steps + 1) / steps
        return np.concatenate([begin[:1], inside.ravel()])


@takes(years=number(0.0, 100.0))
def yearly(years: float, per_year: int = 4) -> Periods:
    """Equal periods of 1 / `per_year` to so many years, paid at their ends: those of textbooks."""
    count = years * per_year
    if per_year not in (1, 2, 4, 12) or count < 1 or abs(count - round(count)) > 1e-9:
        raise InvalidTerms(
            f"years: must be whole periods, with 1, 2, 4 or 12 a year; got {years:g} years at {per_year} a year"
        )
    end = np.arange(1, round(count) + 1) / per_year
    return Periods(end - 1.0 / per_year, end, end, np.full(len(end), 1.0 / per_year))


@takes(trade=one_date, maturity=one_date)
def standard(trade: datetime.date, maturity: datetime.date, *, calendar: ql.Calendar | None = None) -> Periods:
    """The standard contract: quarters to the 20th of March, June, September and December, actual/360.

    The first period began on the last such day before the day after the trade, whose accrual is given back three business
    days after the trade; the last counts its last day, as protection does; a loss within a day owes half of it. Dates but the
    last move to the following business day. Years are Actual/365F from the trade. Source: ISDA, Standard North American
    Corporate CDS; the ISDA standard model as QuantLib's `IsdaCdsEngine` tells it.
    """
    if maturity <= trade:
        raise InvalidTerms(f"maturity: {maturity} must come after the trade {trade}")
    calendar, day = calendar or ql.WeekendsOnly(), to_ql(trade)
    plan: list[ql.Date] = list(
        ql.Schedule(  # pyright: ignore[reportArgumentType]  (it iterates)
            day + 1, to_ql(maturity), ql.Period(3, ql.Months), calendar, ql.Following, ql.Unadjusted,
            ql.DateGeneration.CDS, False,
        )
    )  # fmt: skip
    while len(plan) > 2 and plan[1] <= day + 1:
        plan.pop(0)
    days = np.array([date - day for date in plan])
    paid = [calendar.adjust(date, ql.Following) - day for date in plan[1:]]
    covered = days[1:] - 1  # a period ends the day before the next begins, but for the last, whose last day counts
    covered[-1] += 1
    accrual = np.diff(days) / 360.0
    accrual[-1] += 1.0 / 360.0
    settled = calendar.advance(day, SETTLEMENT, ql.Days) - day
    return Periods(
        start=(days[:-1] - 1) / 365.0, end=covered / 365.0, paid=np.array(paid) / 365.0, accrual=accrual,
        rebate=max(1 - days[0], 0) / 360.0, settled=settled / 365.0, extra=0.5 / 360.0,
    )  # fmt: skip


def factors(discount: Discount, years: np.ndarray | Sequence[float]) -> np.ndarray:
    """Discount factors at years, from a continuous rate or a function of years; refused where one is not above 0."""
    at = np.asarray(years, dtype=np.float64)
    if callable(discount):
        found = np.asarray(discount(at), dtype=np.float64)
        if found.shape != at.shape or not (np.isfinite(found) & (found > 0.0)).all():
            raise InvalidTerms(f"discount: must give a factor above 0 for each of {at.size} times, got {found!r:.80}")
        return found
    if isinstance(discount, bool) or not isinstance(discount, (int, float)) or not math.isfinite(discount):
        raise InvalidTerms(f"discount: must be a continuous rate or a function of years, got {discount!r:.60}")
    if abs(discount) > 1.0:
        raise InvalidTerms(f"discount: a rate is a decimal (0.04 is 4 %), got {discount:g}")
    return np.exp(-discount * at)
