"""Schedules of principal: what a note should repay at each date, and how principal paid beside it shortens them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import lazy_loader
from pydantic import Field

from waterfalls.clock.schedule import Schedule
from waterfalls.language.machine import Machine, Value
from waterfalls.language.ratios import Flow, cash_for_debt_service, interest_of
from waterfalls.terms.bounded_numbers import Coverage, NotNegative
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy_loader.load("numpy")

Prepaid = Literal["pro rata", "in order", "inverse order"]


class Prepayable:
    """A schedule of amounts, which principal paid beside it shortens as `prepaid` says."""

    __slots__ = ()
    prepaid: Prepaid
    known_ahead: ClassVar[bool] = True

    def repaid(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        """Principal by payment date (T,) when nothing is paid beside the schedule; at most `start` in all."""
        raise NotImplementedError

    def curve(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        """What `asked` goes by (T,). Everything goes by date: a seasoned deal pays what is still ahead.

        Pro rata, a fraction of the balance; in order, the balance that should remain; in inverse order, an amount.
        `rate` is the note's fixed coupon, `start` what is repaid in all.
        """
        amounts = self.repaid(schedule, start, notional, rate)
        if self.prepaid == "inverse order":
            return amounts
        remaining = start - np.cumsum(amounts)
        remaining[np.abs(remaining) < 1e-12 * start] = 0.0
        if self.prepaid == "in order":
            return remaining
        before = np.concatenate([[start], remaining[:-1]])
        return np.divide(amounts, before, out=np.zeros_like(amounts), where=before > 0.0).clip(max=1.0)

    def asked(self, m: Machine, name: str, curve: Value, left: Value) -> Value:
        """Scheduled principal falling due on what of the balance is not already missed."""
        if self.prepaid == "pro rata":
            return left * curve
        return m.max_(left - curve, 0.0) if self.prepaid == "in order" else m.min_(curve, left)


def still_to_come(count: int, first: datetime.date, schedule: Schedule) -> int:
    """How many of `count` payments from a date on fall due on the schedule's dates."""
    if schedule.passed and first > schedule.passed[0]:
        return max(count - sum(day >= first for day in schedule.passed), 0)
    elapsed = (schedule.unadjusted[1] - first).days + 3  # month ends differ by up to three days
    return max(count - max(0, int(elapsed * schedule.per_year / 365.25)), 0)


@term
class LevelPayments(Prepayable):
    """`count` equal payments of interest and principal from `first` on, at `rate` (the fixed coupon unless said).

    payment = B i / (1 - (1 + i)^-n), i = rate / payments a year, B the balance outstanding before the first.
    """

    first: datetime.date
    count: Annotated[int, Field(gt=0, le=1000)]
    _: KW_ONLY
    rate: Annotated[float, Field(gt=-1.0, le=1.0)] | None = None
    prepaid: Prepaid = "pro rata"

    def repaid(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        amounts, first, rest = np.zeros(schedule.periods), schedule.at(self.first), start
        left, i = still_to_come(self.count, self.first, schedule), self.rate if self.rate is not None else rate
        i = i / schedule.per_year
        for k in range(min(left, schedule.periods - first)):
            n = left - k
            amounts[first + k] = rest / n if i == 0.0 else rest * i / ((1.0 + i) ** n - 1.0)
            rest -= amounts[first + k]
        return amounts


@term
class EqualInstalments(Prepayable):
    """`count` equal instalments of principal from `first` on, `share` of the notional in all."""

    first: datetime.date
    count: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    prepaid: Prepaid = "pro rata"

    def repaid(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        amounts, first, rest = np.zeros(schedule.periods), schedule.at(self.first), start
        for k in range(min(still_to_come(self.count, self.first, schedule), schedule.periods - first)):
            amounts[first + k] = min(notional * self.share / self.count, rest)
            rest -= amounts[first + k]
        return amounts


@term
class Instalments(Prepayable):
    """Amounts of principal by scheduled payment date."""

    amounts: Mapping[datetime.date, NotNegative]
    _: KW_ONLY
    prepaid: Prepaid = "pro rata"

    def repaid(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        amounts = np.zeros(schedule.periods)
        for date, amount in self.amounts.items():
            if date > schedule.unadjusted[0] and schedule.at(date) < schedule.periods:
                amounts[schedule.at(date)] += amount
        return np.diff(np.minimum(np.cumsum(amounts), start), prepend=0.0)


@term
class Sculpted:
    """Principal such that cash for debt service covers interest and principal `dscr` times, from `first` on.

    asked = max(0, cash / dscr - interest that falls due), at most the balance; it leaves no fixed schedule to shorten.
    """

    dscr: Coverage
    first: datetime.date

    known_ahead: ClassVar[bool] = False

    def curve(self, schedule: Schedule, start: float, notional: float, rate: float) -> np.ndarray:
        """Whether the schedule has begun (T,)."""
        return schedule.flags_from(self.first)

    def asked(self, m: Machine, name: str, curve: Value, left: Value) -> Value:
        wanted = Flow(cash_for_debt_service(m.plan)).settle(m) / self.dscr - Flow(interest_of(m.plan, [name])).settle(m)
        return m.min_(m.max_(wanted, 0.0), left) * curve
