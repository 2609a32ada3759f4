"""Months: the same day some months on, and rates a month as rates a year."""

from __future__ import annotations

import calendar
import datetime
from typing import Any


def month_after(day: datetime.date, months: int, roll: int = 0) -> datetime.date:
    """The same day some months later, or the last of that month; the last of a month is day `roll` where that is later."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    wanted = max(day.day, roll) if (day + datetime.timedelta(days=1)).day == 1 else day.day
    return datetime.date(year, month + 1, min(wanted, calendar.monthrange(year, month + 1)[1]))


def a_year(month: Any) -> Any:
    """1 - (1 - month)^12: the rate a year to which a rate a month compounds; of numbers or of arrays."""
    return 1.0 - (1.0 - month) ** 12


def a_month(year: Any) -> Any:
    """1 - (1 - year)^(1/12): the rate a month that compounds to a rate a year; of numbers or of arrays."""
    return 1.0 - (1.0 - year) ** (1.0 / 12.0)
