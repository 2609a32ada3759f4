"""Dates as others write them: of datetime, pandas, NumPy and QuantLib, taken where they say one day and nothing more."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from waterfalls.bounds import odd_date
from waterfalls.errors import Fault, InvalidTerms

MIDNIGHT = datetime.time()


def is_foreign(given: Any) -> bool:
    """Whether something is a date that is no `datetime.date` alone: a datetime, a datetime64, a QuantLib date."""
    return (
        isinstance(given, datetime.datetime) or type(given).__name__ == "datetime64" or hasattr(given, "serialNumber")
    )


def are_plain(given: tuple[Any, ...]) -> bool:
    """Whether a tuple holds nothing but days, each of them within the bounds."""
    return set(map(type, given)) == {datetime.date} and not odd_date(min(given)) and not odd_date(max(given))


def exact(given: Any) -> datetime.date | None:
    """The day that a date of any kind says; none where it says more (a time, a zone), less (NaT) or something else."""
    if type(given).__name__ == "datetime64":
        day = given.astype("datetime64[D]")
        return day.item() if day == given and isinstance(day.item(), datetime.date) else None
    if hasattr(given, "serialNumber"):
        number = given.serialNumber()
        return datetime.date.fromordinal(number + 693_594) if number > 0 else None
    if isinstance(given, datetime.datetime):
        whole = given == given and given.timetz() == MIDNIGHT and getattr(given, "nanosecond", 0) == 0
        return given.date() if whole else None
    return given if isinstance(given, datetime.date) else None


def as_date(given: Any) -> datetime.date:
    """A date of any kind, or its ISO text."""
    day = exact(given)
    if isinstance(given, str):
        try:
            day = datetime.date.fromisoformat(given)
        except ValueError:
            day = None
    if day is None or odd_date(day):
        more = ": a time of day or a zone is no date" if isinstance(given, datetime.datetime) else ""
        raise InvalidTerms(f"a date from 1901 to 2199 such as '2026-11-30' is wanted, got {given!r}{more}")
    return day


def with_dates(value: Any) -> Any:
    """A value with every date of another kind in it, and in its lists and mappings, as a `datetime.date`."""
    if is_foreign(value):
        return as_date(value)
    if isinstance(value, list | tuple) and any(map(is_foreign, value)):
        return tuple(map(with_dates, value))
    if isinstance(value, Mapping) and any(is_foreign(x) or isinstance(x, Mapping) for kv in value.items() for x in kv):
        return {with_dates(key): with_dates(item) for key, item in value.items()}
    return value


def dated(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Fields with dates of other kinds (pandas, NumPy, QuantLib) as dates, and those that say more than a day."""
    taken, found = {}, []
    for name, value in given.items():
        try:
            taken[name] = with_dates(value)
        except InvalidTerms as error:
            found.append(Fault(name, str(error)))
    return taken, found
