"""Makes a `Curve` from what a user has: a QuantLib curve, a table of dates, a flat rate, or an object with `discount(date)`."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pricing.market.curves import REACH, Curve, flat, from_discounts, logs_of
from pricing.market.daily_factors import daily_logs
from waterfalls.bounds import is_finite
from waterfalls.dates import as_date
from waterfalls.errors import InvalidTerms


def curve_from(
    given: Any, valuation: datetime.date | None = None, dates: Iterable[datetime.date] | None = None
) -> Curve:
    """A curve from whatever says discount factors; QuantLib objects and foreign ones are read here, in this thread.

    A `Curve`; a QuantLib term structure or handle; a flat rate; a mapping, Series or DataFrame of dates to discount
    factors; or anything with `discount(date)`. The last and QuantLib's are read on `dates`, else for every day to the
    end (`max_date`, where there is one; 50 years where there is none), which few readings tell (`daily_logs`). A curve that starts before the valuation date is
    taken from there on: P(t) / P(valuation).
    """
    if isinstance(given, Curve):
        curve = given
    elif hasattr(given, "referenceDate"):
        from pricing.market.quantlib_curves import sampled

        curve = sampled(given, dates)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        curve = flat(needed(valuation), float(given) if is_finite(given) else math.inf)
    elif isinstance(given, Mapping) or hasattr(given, "items"):
        curve = from_discounts(needed(valuation), factors_of(given))
    elif hasattr(given, "discount"):
        curve = read_daily(given, needed(valuation), dates)
    else:
        raise InvalidTerms(
            "a curve is a QuantLib YieldTermStructure or its handle, an object with discount(date), a mapping or "
            f"DataFrame of dates to discount factors, or a flat rate; got {type(given).__name__}"
        )
    if valuation is None or curve.start == valuation:
        return curve
    if curve.start > valuation or curve.end <= valuation:
        raise InvalidTerms(
            f"the curve covers {curve.start} to {curve.end}, and the valuation date is {valuation}: "
            "it must start on it or before"
        )
    return curve.forward(valuation)


def needed(valuation: datetime.date | None) -> datetime.date:
    if valuation is None:
        raise InvalidTerms("this curve does not say where it starts: give valuation=, the valuation date")
    return valuation


def factors_of(given: Any) -> dict[datetime.date, float]:
    """Dates and discount factors of a mapping, a Series, or a DataFrame with one column (or `date` and `discount`)."""
    if hasattr(given, "columns"):
        if {"date", "discount"} <= set(given.columns):
            given = given.set_index("date")["discount"]
        elif len(given.columns) == 1:
            given = given.iloc[:, 0]
        else:
            raise InvalidTerms(
                "a DataFrame of discount factors has the columns 'date' and 'discount', or dates as its index and one "
                f"column; got {', '.join(map(repr, given.columns))}"
            )
    found: dict[datetime.date, float] = {}
    for key, factor in given.items():
        date = as_date(key)
        if date in found:
            raise InvalidTerms(f"the curve has two discount factors on {date}")
        found[date] = float(factor)
    return found


def read_daily(given: Any, start: datetime.date, dates: Iterable[datetime.date] | None) -> Curve:
    """A curve from an object with `discount(date)`, relative to its factor on `start`."""
    base = float(given.discount(start))

    def logs_on(days: np.ndarray) -> np.ndarray:
        read = [start + datetime.timedelta(days=day) for day in days.tolist()]
        return logs_of(start, days, [float(given.discount(date)) / base for date in read])

    if dates is None:
        end = getattr(given, "max_date", start + datetime.timedelta(days=365 * REACH))
        days = np.arange((end - start).days + 1)
        logs = daily_logs(logs_on, len(days) - 1)
    else:
        days = np.array(sorted({0, *((date - start).days for date in dates if date > start)}))
        logs = np.append(0.0, logs_on(days[1:]))
    return Curve(days + start.toordinal(), logs)
