"""First and last periods that are no whole ones, at month ends, in every day count: against QuantLib's own."""

import datetime
import itertools

import numpy as np
import pytest
import QuantLib as ql

from waterfalls import Equity, Fixed, Note, Receipts, distribute, interest, pay, principal, residual
from waterfalls.clock.conventions import DAY_COUNTS, FREQUENCIES
from waterfalls.clock.schedule import Roll, schedule, to_ql, year_fraction
from waterfalls.plan import resolve

DATE = datetime.date
CLOSINGS = {  # how long before the first payment, in periods: about a half, one, one and a half, two and a half
    "short": 0.4,
    "whole": 1.0,
    "long": 1.6,
    "longer": 2.6,
}
FIRSTS = [
    DATE(2024, 2, 29),
    DATE(2026, 2, 28),
    DATE(2026, 8, 31),
    DATE(2026, 4, 30),
    DATE(2026, 8, 30),
    DATE(2026, 5, 15),
]
LASTS = [0.0, 0.35, 0.97]  # how much of a period follows the last whole one
QUANTLIB = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30/360 US": ql.Thirty360(ql.Thirty360.USA),
    "30E/360": ql.Thirty360(ql.Thirty360.European),
    "30/360 German": ql.Thirty360(ql.Thirty360.German),
    "actual/360": ql.Actual360(),
    "actual/365F": ql.Actual365Fixed(),
    "actual/365 no leap": ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
    "actual/actual ISDA": ql.ActualActual(ql.ActualActual.ISDA),
    "actual/actual AFB": ql.ActualActual(ql.ActualActual.AFB),
}


def grid(anchor, tenor, month_end, count=24):
    """QuantLib's dates `count` periods to both sides of one of them."""

    def made(rule):
        """From the anchor on, or to it."""
        ahead = ql.Period(count * tenor.length(), ql.Months)
        ends = (anchor, anchor + ahead) if rule == ql.DateGeneration.Forward else (anchor - ahead, anchor)
        plain = ql.NullCalendar()
        return list(ql.Schedule(*ends, tenor, plain, ql.Unadjusted, ql.Unadjusted, rule, month_end).dates())

    return made(ql.DateGeneration.Backward)[1:-1] + made(ql.DateGeneration.Forward)[:-1]


def counted(start, end, dates, per_year):
    """ICMA Rule 251.1 over QuantLib's dates: QuantLib's own counter within each period, added up."""
    icma, total = ql.ActualActual(ql.ActualActual.ISMA), 0.0
    for lo, hi in itertools.pairwise(dates):
        a, b = max(start, lo), min(end, hi)
        if a < b:
            days = ql.Actual360().dayCount(a, b)
            part = days / (ql.Actual360().dayCount(lo, hi) * per_year)
            if (a, b) != (lo, hi) and days > 20:  # QuantLib rounds periods to months, so it does not take a few days
                assert icma.yearFraction(a, b, lo, hi) == pytest.approx(part, abs=1e-12)
            total += part
    return total


@pytest.mark.parametrize("month_end", [False, True])
@pytest.mark.parametrize("frequency", ["quarterly", "semiannual", "annual"])
@pytest.mark.parametrize("first", FIRSTS, ids=str)
def test_every_stub_counts_as_quantlibs_schedule_says(first, frequency, month_end):
    per_year = FREQUENCIES[frequency]
    tenor = ql.Period(12 // per_year, ql.Months)
    dates = grid(to_ql(first), tenor, month_end)
    at = dates.index(to_ql(first))
    for (name, before), after in itertools.product(CLOSINGS.items(), LASTS):
        whole, part = int(before), before % 1.0
        lo, hi = dates[at - whole - 1], dates[at - whole]
        closing = hi if part == 0.0 else hi - int(part * (hi - lo))
        last = dates[at + 3] + int(after * (dates[at + 4] - dates[at + 3]))
        made = schedule(
            closing=DATE(closing.year(), closing.month(), closing.dayOfMonth()),
            first_payment=first,
            maturity=DATE(last.year(), last.month(), last.dayOfMonth()),
            frequency=frequency,
            calendar="none",
            end_of_month=month_end,
        )
        periods = [closing, *dates[at : at + 4], *([last] if after else [])]
        assert [to_ql(day) for day in made.unadjusted] == periods
        counters = {count: counter.yearFraction for count, counter in QUANTLIB.items()}
        counters["30E/360 ISDA"] = ql.Thirty360(ql.Thirty360.ISDA, last).yearFraction
        counters["actual/actual ICMA"] = lambda a, b: counted(a, b, dates, per_year)
        for count, counter in counters.items():
            expected = [counter(a, b) for a, b in itertools.pairwise(periods)]
            assert made.accruals(count) == pytest.approx(expected, abs=1e-12), (name, after, count)


def test_every_day_count_is_held_to_quantlib_or_to_its_own_text():
    own = {"30E+/360", "actual/365A", "actual/365L"}  # not in QuantLib: see test_schedule
    assert QUANTLIB.keys() | own | {"30E/360 ISDA", "actual/actual ICMA"} == DAY_COUNTS.keys()


@pytest.mark.parametrize("month_end", [False, True])
@pytest.mark.parametrize("first", FIRSTS, ids=str)
def test_icma_coupons_are_those_of_a_quantlib_leg(first, month_end):
    """A short first and a short last coupon of a bond as QuantLib builds it, with reference periods of its own."""
    half = ql.Period(6, ql.Months)
    dates = grid(to_ql(first), half, month_end)
    at = dates.index(to_ql(first))
    closing, last = to_ql(first) - 50, dates[at + 3] + 70
    theirs = ql.Schedule(
        closing, last, half, ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Forward, month_end, to_ql(first)
    )  # fmt: skip
    leg = ql.FixedRateLeg(theirs, ql.ActualActual(ql.ActualActual.ISMA), [1.0], [0.06])
    made = schedule(
        closing=DATE(closing.year(), closing.month(), closing.dayOfMonth()),
        first_payment=first,
        maturity=DATE(last.year(), last.month(), last.dayOfMonth()),
        frequency="semiannual",
        calendar="none",
        end_of_month=month_end,
    )
    expected = [flow.amount() for flow in leg]
    if (
        ql.NullCalendar().advance(dates[at + 3], half, ql.Unadjusted, month_end) != dates[at + 4]
    ):  # QuantLib takes 28 August, not the 31st, for the date after 28 February
        made_last = counted(dates[at + 3], last, dates, 2)
        assert 0.06 * made_last != pytest.approx(expected[-1], abs=1e-5)
        expected[-1] = 0.06 * made_last
    assert 0.06 * made.accruals("actual/actual ICMA") == pytest.approx(expected, abs=1e-12)


def test_a_short_first_period_at_month_end_counts_against_the_period_from_the_month_end_before():
    """6 % half-yearly, from 17 January to 28 February 2017: 42 of the 181 days from 31 August, of 3."""
    when = schedule(
        closing=DATE(2017, 1, 17),
        first_payment=DATE(2017, 2, 28),
        maturity=DATE(2019, 2, 28),
        frequency="semiannual",
        calendar="none",
        end_of_month=True,
    )
    note = Note("A", 100.0, coupon=Fixed(0.06), day_count="actual/actual ICMA")
    clauses = pay(interest("A")) >> pay(residual("E"))
    plan = resolve("stub", "USD", when, tranches=[note, Equity("E")], waterfall=clauses)
    paid = distribute(plan, Receipts(when.ends, interest=np.full(5, 3.0))).interest["A"][0]
    assert paid[:2] == pytest.approx([42 / 181 * 3.0, 3.0], abs=1e-12)
    accrued = 6.0 * year_fraction("actual/actual ICMA", DATE(2017, 1, 17), DATE(2017, 2, 10), roll=when.roll)
    assert accrued == pytest.approx(24 / 181 * 3.0, abs=1e-12)


def test_30e_360_isda_takes_the_end_of_february_as_it_is_where_a_note_ends():
    """2006 ISDA Definitions, 4.16(h): a last February day is a 30th unless it is the termination date, each note's own."""
    when = schedule(
        closing=DATE(2025, 8, 31),
        first_payment=DATE(2026, 2, 28),
        maturity=DATE(2028, 2, 29),
        frequency="semiannual",
        calendar="none",
        end_of_month=True,
    )
    notes = [
        Note(name, 100.0, coupon=Fixed(0.06), day_count="30E/360 ISDA", maturity=ends)
        for name, ends in (("A", DATE(2027, 2, 28)), ("B", None))
    ]
    clauses = (
        pay(interest("A")) >> pay(interest("B")) >> pay(principal("A")) >> pay(principal("B")) >> pay(residual("E"))
    )
    plan = resolve("two", "USD", when, tranches=[*notes, Equity("E")], waterfall=clauses)
    assert 360.0 * plan.accruals["A"][:3] == pytest.approx([180.0, 180.0, 178.0], abs=1e-9)
    assert 360.0 * plan.accruals["B"] == pytest.approx([180.0, 180.0, 180.0, 180.0, 179.0], abs=1e-9)


def test_an_icma_stub_short_by_a_day_or_two_is_no_whole_period():
    count, start, end = ql.ActualActual(ql.ActualActual.ISMA), DATE(2026, 1, 3), DATE(2026, 1, 31)
    expected = count.yearFraction(to_ql(start), to_ql(end), to_ql(DATE(2025, 12, 31)), to_ql(end))
    assert year_fraction("actual/actual ICMA", start, end, roll=Roll(12, end)) == pytest.approx(expected, abs=1e-15)
    assert expected == pytest.approx(28 / 31 / 12, abs=1e-15)
