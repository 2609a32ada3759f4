"""Curves out of QuantLib: its term structures as numbers, and bootstraps of swaps, futures and Treasuries."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import QuantLib as ql

from pricing.market.curves import REACH, Curve, from_discounts
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName
from waterfalls.schedule import from_ql, to_ql

_evaluation = threading.Lock()


def sampled(source: Any, dates: Iterable[datetime.date] | None = None) -> Curve:
    """A QuantLib term structure or handle as numbers: on `dates`, else on every day it covers, to 50 years at most."""
    if hasattr(source, "currentLink") and not source:
        raise CannotPrice("the YieldTermStructureHandle is empty: link it to a curve")
    start = source.referenceDate()
    first, end = start.serialNumber(), source.maxDate().serialNumber()
    if dates is None:
        reach = first + 365 * REACH
        days = list(range(first + 1, (reach if source.allowsExtrapolation() else min(end, reach)) + 1))
    else:
        wanted = {to_ql(date).serialNumber() for date in dates}
        days = sorted(day for day in wanted if day > first and (day <= end or source.allowsExtrapolation()))
        if any(day > end for day in wanted) and end not in days and not source.allowsExtrapolation():
            days.append(end)  # so that the curve tells where it ends
    base = from_ql(start)
    values = [source.discount(ql.Date(day)) for day in days]
    for day, value in zip(days, values, strict=True):
        if not (np.isfinite(value) and value > 0.0):
            raise CannotPrice(f"the discount factor on {from_ql(ql.Date(day))} must be above 0, got {value:g}")
    ordinals = np.array([0, *(day - first for day in days)]) + base.toordinal()
    return Curve(ordinals, np.log([1.0, *values]))


def ois(
    valuation: datetime.date,
    rates: Mapping[str, float],
    index: str = "SOFR",
    futures: Mapping[str, tuple[float, float]] | None = None,
) -> Curve:
    """A curve from par rates of overnight swaps by tenor ("6M", "10Y"), bootstrapped log-linearly.

    Swaps start on the valuation date and end on the business day their tenor leads to. Dated helpers
    (`OISRateHelper.forDates`) do not read the evaluation date unless it lies after the valuation date; those of
    `futures`, three months of compounded SOFR by contract ("2026-12": price and convexity), do, so it is set.
    """
    overnight = overnight_index(index)
    start, calendar = to_ql(valuation), overnight.fixingCalendar()
    with evaluated(start, only_if_later=not futures):
        helpers = [
            ql.OISRateHelper.forDates(start, calendar.advance(start, period(tenor)), quoted(rate), overnight)
            for tenor, rate in rates.items()
        ]
        for contract, (price, convexity) in (futures or {}).items():
            year, month = map(int, contract.split("-"))
            if ql.Date.nthWeekday(3, ql.Wednesday, month, year) <= start:
                raise CannotPrice(
                    f"the SOFR future {contract} began before the valuation date {valuation}: leave it out"
                )
            helpers.append(ql.SofrFutureRateHelper(price, month, year, ql.Quarterly, convexity))
        return bootstrapped(start, helpers, f"{index} swaps{' and futures' if futures else ''}")


def treasuries(valuation: datetime.date, yields: Mapping[str, float]) -> Curve:
    """A curve from par yields of government bonds by tenor, semiannual coupons, Actual/Actual, bootstrapped log-linearly.

    Each is a bond bought at par on the valuation date; QuantLib's bond helpers read the evaluation date, so it is set
    and put back under a lock.
    """
    start, half = to_ql(valuation), ql.Period(6, ql.Months)
    with evaluated(start):
        helpers = []
        for tenor, rate in yields.items():
            dates = ql.Schedule(
                start, start + period(tenor), half, ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
                ql.DateGeneration.Backward, False,
            )  # fmt: skip
            count = ql.ActualActual(ql.ActualActual.ISDA)
            helpers.append(ql.FixedRateBondHelper(quoted(100.0), 0, 100.0, dates, [rate], count, ql.Unadjusted))
        return bootstrapped(start, helpers, "Treasury par yields")


def bootstrapped(start: ql.Date, helpers: list[Any], what: str) -> Curve:
    """Discount factors at the helpers' pillars, frozen."""
    try:
        curve = ql.PiecewiseLogLinearDiscount(start, helpers, ql.Actual365Fixed())
        nodes = {from_ql(date): float(curve.discount(date)) for date in curve.dates()}
    except RuntimeError as error:
        raise CannotPrice(f"no curve fits the {what} given: {error}") from None
    return from_discounts(from_ql(start), nodes)


@contextlib.contextmanager
def evaluated(date: ql.Date, only_if_later: bool = False) -> Iterator[None]:
    """QuantLib's evaluation date is `date` inside, and what it was after: one thread at a time."""
    with _evaluation:
        settings = ql.Settings.instance()
        was = settings.evaluationDate
        if was == date or (only_if_later and was < date):
            yield
            return
        settings.evaluationDate = date
        try:
            yield
        finally:
            settings.evaluationDate = was


OVERNIGHT = {"SOFR": "Sofr", "SONIA": "Sonia", "ESTR": "Estr", "TONA": "Tona", "CORRA": "Corra"}


def overnight_index(name: str) -> Any:
    """A QuantLib overnight index by name."""
    if name not in OVERNIGHT:
        raise UnknownName("overnight index", name, OVERNIGHT)
    return getattr(ql, OVERNIGHT[name])()


def period(tenor: str) -> ql.Period:
    """A tenor such as 6M or 10Y."""
    try:
        return ql.Period(tenor)
    except RuntimeError:
        raise InvalidTerms(f"a tenor is a number and D, W, M or Y, such as 6M or 10Y; got {tenor!r}") from None


def quoted(value: float) -> ql.QuoteHandle:
    return ql.QuoteHandle(ql.SimpleQuote(value))
