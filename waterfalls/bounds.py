"""Bounds of what terms hold, in a file or in a script: dates that calendars know, counts of time, texts that files can hold."""

from __future__ import annotations

import datetime
import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from waterfalls.errors import Fault, shown

YEARS = (1901, 2199)  # that QuantLib knows
DEEPEST = 100  # levels of lists and mappings in a term
MOST = 36_500  # days in a hundred years
FLOATS = sys.float_info.max
DEAREST = 1_000.0  # price per 100: beyond it an amount of money is meant
LARGEST = 1e18  # no deal has a number beyond it; what is made of numbers within it stays finite
# In no file that others read back.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def odd(place: str, value: Any, level: int = 0) -> Iterator[Fault]:
    """Dates out of all bounds and texts that no file can hold, in a value of a term and the lists and mappings in it."""
    if level > DEEPEST:
        yield Fault(place.partition("[")[0], f"is too deep: at most {DEEPEST} levels one inside another")
        return
    match value:
        case None | float() | int():
            return
        case str() if wrong := odd_text(value):
            yield Fault(place, wrong)
        case datetime.date() if wrong := odd_date(value):
            yield Fault(place, wrong)
        case tuple() | list():
            for i, item in enumerate(value):
                yield from odd(f"{place}[{i}]", item, level + 1)
        case dict():
            for key, item in value.items():
                yield from (Fault(place, fault.what) for fault in odd("", key))
                yield from odd(f"{place}[{key!r}]" if isinstance(key, str) else f"{place}['{key}']", item, level + 1)


def odd_count(value: Any) -> str:
    """What is wrong with a whole number of months, days or dates that no deal lives to see."""
    return f"must be at most {MOST:,}, got {value:,}" if isinstance(value, int) and value > MOST else ""


def odd_date(date: datetime.date) -> str:
    """What is wrong with a date that no calendar here knows."""
    return "" if YEARS[0] <= date.year <= YEARS[1] else f"must be a date from {YEARS[0]} to {YEARS[1]}, got {date}"


def odd_text(text: str) -> str:
    """What is wrong with a text that no workbook or page can hold."""
    found = UNPRINTABLE.search(text)
    return f"must hold no control character, got {ascii(text)[:60]}" if found else ""


def is_finite(number: Any) -> bool:
    """Whether a number is finite, and small enough to be a float, as whole numbers need not be."""
    return abs(number) <= FLOATS if isinstance(number, int) else math.isfinite(number)


def odd_size(place: str, value: Any) -> Iterator[Fault]:
    """Numbers that no deal has, in a field of a term; terms inside have been asked themselves."""
    if isinstance(value, (int, float)):
        if abs(value) > LARGEST:
            yield Fault(place, f"must be at most {LARGEST:g} in size, got {shown(value)}")
    elif isinstance(value, (tuple, Mapping)):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            if isinstance(item, (int, float, tuple, Mapping)):
                yield from odd_size(f"{place}[{key if isinstance(key, int) else str(key)!r}]", item)


def decimal_meant(number: Any) -> str:
    """What was most likely meant by a number above 1 that is a share or a rate: `; 5 % is 0.05`."""
    likely = isinstance(number, int | float) and 1.0 < abs(number) <= 100.0
    return f"; {number:g} % is {number / 100.0:g}" if likely else ""


def odd_rate(rate: float) -> str | None:
    """What is wrong with a rate a year: above 100 % it is per cent or basis points by mistake."""
    return None if abs(rate) <= 1.0 else f"a rate is a decimal (0.04 is 4 %), got {rate:g}"
