"""Curves out of QuantLib: its term structures as numbers, and bootstraps of swaps, futures and Treasuries."""

from __future__ import annotations

import contextlib
import datetime
import functools
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import QuantLib as ql

from pricing.market.curves import REACH, Curve, from_discounts, logs_of
from pricing.market.daily_factors import daily_logs
from waterfalls.clock.schedule import from_ql, to_ql
from waterfalls.errors import CannotPrice, InvalidTerms, refuse_unknown

_evaluation = threading.Lock()


def sampled(source: Any, dates: Iterable[datetime.date] | None = None) -> Curve:
    """A QuantLib term structure or handle as numbers: on `dates`, else on every day it covers, to 50 years at most.

    Not every day is read: see `daily_logs`.
    """
    if hasattr(source, "currentLink") and not source:
        raise CannotPrice("the YieldTermStructureHandle is empty: link it to a curve")
    start, further = source.referenceDate(), source.allowsExtrapolation()
    first, end = start.serialNumber(), source.maxDate().serialNumber()

    def logs_on(days: np.ndarray) -> np.ndarray:
        try:
            values = list(map(source.discount, map(serial_date, (first + days).tolist())))
        except RuntimeError as error:
            raise CannotPrice(f"QuantLib cannot read the curve of {from_ql(start)}: {error}") from None
        return logs_of(from_ql(start), days, values)

    if dates is None:
        reach = first + 365 * REACH
        last = (reach if further else min(end, reach)) - first
        days = np.arange(last + 1)
        nodes = [day.serialNumber() - first for day in source.dates()] if hasattr(source, "dates") else []
        logs = daily_logs(logs_on, last, nodes)
    else:
        wanted = {to_ql(date).serialNumber() for date in dates}
        read = {day - first for day in wanted if day > first and (day <= end or further)}
        if any(day > end for day in wanted) and not further:
            read.add(end - first)  # so that the curve tells where it ends
        days = np.array(sorted(read | {0}))
        logs = np.append(0.0, logs_on(days[1:]))
    return Curve(days + from_ql(start).toordinal(), logs)


serial_date = functools.lru_cache(2**14)(ql.Date)  # the days that curves are read on: the same of every curve of a day


def ois(
    valuation: datetime.date,
    rates: Mapping[str, float],
    index: str = "SOFR",
    futures: Mapping[str, tuple[float, float]] | None = None,
    settlement_days: int | None = None,
    payment_lag: int | None = None,
    deposits: Mapping[str, float] | None = None,
) -> Curve:
    """A curve from par rates of overnight swaps by tenor ("6M", "10Y"), bootstrapped log-linearly.

    A swap starts `settlement_days` business days after the valuation date, pays once a year (on CORRA twice, beyond a
    year), `payment_lag` business days after each period, and ends on the business day its tenor leads to; both are those
    of the index (`OVERNIGHT`) unless said. Source: QuantLib's `MakeOIS`, whose fair rates the curve gives back.

    Dated helpers (`OISRateHelper.forDates`) do not read the evaluation date unless it lies after the valuation date;
    those of `futures`, three months of compounded SOFR by contract ("2026-12": price and convexity), and of `deposits`,
    simple by the index's day count from the same start, do, so it is set.
    """
    overnight, (usual_days, usual_lag, often) = overnight_index(index), OVERNIGHT[index][1:]
    days = usual_days if settlement_days is None else settlement_days
    lag = usual_lag if payment_lag is None else payment_lag
    on, calendar = to_ql(valuation), overnight.fixingCalendar()
    start = calendar.advance(on, days, ql.Days)
    with evaluated(on, only_if_later=not (futures or deposits)):
        helpers = []
        for tenor, rate in rates.items():
            end = start + period(tenor)
            if calendar.isEndOfMonth(start):
                end = calendar.advance(start, period(tenor), ql.ModifiedFollowing, True)
            pays = often if period(tenor) > ql.Period("1Y") else ql.Annual
            helpers.append(
                ql.OISRateHelper.forDates(start, end, quoted(rate), overnight, paymentLag=lag, paymentFrequency=pays)
            )
        for tenor, rate in (deposits or {}).items():
            counted = calendar, ql.ModifiedFollowing, False, overnight.dayCounter()
            helpers.append(ql.DepositRateHelper(quoted(rate), period(tenor), days, *counted))
        for contract, (price, convexity) in (futures or {}).items():
            year, month = map(int, contract.split("-"))
            if ql.Date.nthWeekday(3, ql.Wednesday, month, year) <= on:
                raise CannotPrice(
                    f"the SOFR future {contract} began before the valuation date {valuation}: leave it out"
                )
            helpers.append(ql.SofrFutureRateHelper(price, month, year, ql.Quarterly, convexity))
        return bootstrapped(
            on, helpers, f"{index} swaps{', deposits' if deposits else ''}{' and futures' if futures else ''}"
        )


def treasuries(valuation: datetime.date, yields: Mapping[str, float]) -> Curve:
    """A curve from par yields of government bonds by tenor, bootstrapped log-linearly.

    From six months on a par yield y is paid as half coupons, y / 2 each, however many days lie between; where half-years
    back from the end leave a shorter first period, its share of one by days (actual/actual ICMA). A shorter tenor is a
    bill, quoted by its bond equivalent: D = 1 / (1 + y r / Y), r its days, Y 366 where the year that begins on the
    valuation date holds a 29 February, else 365. Source: 31 CFR part 356, appendix B, parts II and VI.

    Each is bought at par on the valuation date; QuantLib's bond helpers read the evaluation date, so it is set and put
    back under a lock.
    """
    start, half, none = to_ql(valuation), ql.Period(6, ql.Months), ql.NullCalendar()
    year = ql.Actual366() if (start + ql.Period(1, ql.Years)) - start == 366 else ql.Actual365Fixed()
    with evaluated(start):
        helpers = []
        for tenor, rate in yields.items():
            end = start + period(tenor)
            if end < start + half:
                lasts = ql.Period(end - start, ql.Days)
                helpers.append(ql.DepositRateHelper(quoted(rate), lasts, 0, none, ql.Unadjusted, False, year))
                continue
            dates, whole = coupon_dates(start, end)
            plan = ql.Schedule(
                dates, none, ql.Unadjusted, ql.Unadjusted, half, ql.DateGeneration.Backward, False, whole
            )  # fmt: skip
            count = ql.ActualActual(ql.ActualActual.ISMA)
            helpers.append(ql.FixedRateBondHelper(quoted(100.0), 0, 100.0, plan, [rate], count, ql.Unadjusted))
        return bootstrapped(start, helpers, "Treasury par yields")


def coupon_dates(start: ql.Date, end: ql.Date) -> tuple[list[ql.Date], list[bool]]:
    """Half-yearly dates from `start` to `end`, and whether each period is a whole half-year.

    Counted from the start where half-years lead to the end, so that the 31st stays one, else from the end.
    """
    halves = 0
    while start + ql.Period(6 * halves, ql.Months) < end:
        halves += 1
    ahead = [start + ql.Period(6 * k, ql.Months) for k in range(halves + 1)]
    if ahead[-1] == end:
        return ahead, [True] * halves
    back = [end - ql.Period(6 * k, ql.Months) for k in range(halves)]
    return [start, *(date for date in reversed(back) if date > start)], [False, *[True] * (halves - 1)]


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


# Source: rateslib, `__instrument_spec.csv` (usd_irs, gbp_irs, eur_irs, jpy_irs, cad_irs); of TONA also Tradition Asia.
OVERNIGHT = {  # by index: its class in QuantLib, days from trade to start, from the end of a period to its payment, and
    # how often a swap of more than a year pays; one of up to a year pays at its end
    "SOFR": ("Sofr", 2, 2, ql.Annual),
    "SONIA": ("Sonia", 0, 0, ql.Annual),
    "ESTR": ("Estr", 2, 1, ql.Annual),
    "TONA": ("Tonar" if hasattr(ql, "Tonar") else "Tona", 2, 2, ql.Annual),
    "CORRA": ("Corra", 1, 1, ql.Semiannual),
}


def overnight_index(name: str) -> Any:
    """A QuantLib overnight index by name."""
    refuse_unknown("overnight index", name, OVERNIGHT)
    return getattr(ql, OVERNIGHT[name][0])()


def period(tenor: str) -> ql.Period:
    """A tenor such as 6M or 10Y."""
    try:
        return ql.Period(tenor)
    except RuntimeError:
        raise InvalidTerms(f"a tenor is a number and D, W, M or Y, such as 6M or 10Y; got {tenor!r}") from None


def after(valuation: datetime.date, tenor: str) -> datetime.date:
    """The day a tenor after another, unadjusted."""
    return from_ql(to_ql(valuation) + period(tenor))


def quoted(value: float) -> ql.QuoteHandle:
    return ql.QuoteHandle(ql.SimpleQuote(value))
