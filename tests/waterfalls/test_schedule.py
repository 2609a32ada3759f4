"""The clock: day counts against published values, dates against QuantLib, and what goes by date in a seasoned deal."""

import datetime
import itertools
import math

import pandas as pd
import pytest
import QuantLib as ql
from deals import clock, golden, later, paid, plan_of
from hypothesis import given
from hypothesis import strategies as st

from waterfalls import (
    Account,
    Cap,
    EqualInstalments,
    Equity,
    Facility,
    Fee,
    Fixed,
    Floating,
    LevelPayments,
    Note,
    Receipts,
    Swap,
    balance,
    distribute,
)
from waterfalls.clock.conventions import CALENDARS, CONVENTIONS, FREQUENCIES
from waterfalls.clock.schedule import Roll, schedule, to_ql, year_fraction
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName
from waterfalls.plan import resolve
from waterfalls.terms.replacements import Replacement
from waterfalls.words import by_date, fee, hedge, interest, pay, principal, residual, scheduled_principal, yearly

DATE = datetime.date
REST = pay(residual("E"))

# Day counts ---------------------------------------------------------------------------------------------------------

COUNTS = golden("absbox_07_day_count")
NAMES = {  # theirs -> ours
    "ACT_ACT_ISDA": "actual/actual ISDA",
    "ACT_365F": "actual/365F",
    "ACT_360": "actual/360",
    "ACT_365A": "actual/365A",
    "ACT_365L": "actual/365L",
    "NL_365": "actual/365 no leap",
    "T30_360_ISDA": "30/360",
    "T30E_360": "30E/360",
    "T30EP_360": "30E+/360",
    "T30_360_GERMAN": "30/360 German",
    "T30_360_US": "30/360 US",
}


@pytest.mark.parametrize(("theirs", "ours"), NAMES.items())
def test_day_counts_are_the_published_ones(theirs, ours):
    for row in COUNTS["expected"]:
        start, end = DATE.fromisoformat(row["start"]), DATE.fromisoformat(row["end"])
        parts = [part.split("/") for part in row["year_fraction"][theirs].split("+")]
        expected = sum(int(top) / int(bottom) for top, bottom in parts)
        assert year_fraction(ours, start, end) == pytest.approx(expected, abs=COUNTS["tolerance"])


def test_every_published_day_count_is_offered():
    assert NAMES.keys() == set(COUNTS["inputs"]["conventions"])


@pytest.mark.parametrize(
    ("start", "end", "per_year", "until", "isda", "icma", "afb"),
    [  # ISDA, "EMU and market conventions: recent developments" (November 1998)
        ((2003, 11, 1), (2004, 5, 1), 2, None, 0.497724380567, 0.5, 0.497267759563),
        ((1999, 2, 1), (1999, 7, 1), 1, None, 0.410958904110, 0.410958904110, 0.410958904110),
        ((1999, 7, 1), (2000, 7, 1), 1, None, 1.001377348600, 1.0, 1.0),
        ((2002, 8, 15), (2003, 7, 15), 2, None, 0.915068493151, 0.915760869565, 0.915068493151),
        ((2003, 7, 15), (2004, 1, 15), 2, None, 0.504004790778, 0.5, 0.504109589041),
        ((1999, 7, 30), (2000, 1, 30), 2, None, 0.503892506924, 0.5, 0.504109589041),
        ((2000, 1, 30), (2000, 6, 30), 2, (2000, 7, 30), 0.415300546448, 0.417582417582, 0.415300546448),
    ],
)
def test_actual_actual_is_isdas_own_table(start, end, per_year, until, isda, icma, afb):
    start, end, until = DATE(*start), DATE(*end), until and DATE(*until)
    roll = Roll(per_year, until or end)
    for name, expected in (("ISDA", isda), ("ICMA", icma), ("AFB", afb)):
        found = year_fraction(f"actual/actual {name}", start, end, roll=roll, until=until)
        assert found == pytest.approx(expected, abs=1e-10), name  # as QuantLib tests the same table


def test_actual_365l_paid_once_a_year_looks_for_the_leap_day():
    # ICMA Rule 251: an annual period that ends in February 2008 holds no 29 February, though 2008 is a leap year
    start, end = DATE(2007, 2, 15), DATE(2008, 2, 15)
    assert year_fraction("actual/365L", start, end, roll=Roll(1, end)) == 365 / 365
    assert year_fraction("actual/365L", start, end, roll=Roll(2, end)) == 365 / 366
    for days in range(10, 367):  # first periods of any length that hold one
        until = DATE(2008, 2, 20) + datetime.timedelta(days)
        assert year_fraction("actual/365L", DATE(2008, 2, 20), until, roll=Roll(1, until)) == days / 366


def test_a_floating_note_counts_days_as_the_index_of_its_currency_does():
    months, names = ql.Period(3, ql.Months), {"Actual/360": "actual/360", "Actual/365 (Fixed)": "actual/365F"}
    indices = [made() for made in (ql.Sofr, ql.Estr, ql.Sonia, ql.Aonia, ql.Nzocr)]
    indices += [made(months) for made in (ql.Tibor, ql.Cdor, ql.Jibar, ql.Wibor, ql.Bibor, ql.Zibor, ql.Pribor)]
    for index in indices:
        note = Note("A", 1.0, coupon=Floating(index.familyName(), 0.0))
        assert note.day_count_in(index.currency().code()) == names[index.dayCounter().name()], index.name()


@pytest.mark.parametrize(
    "made",
    [
        lambda count: Note("A", 1.0, coupon=Fixed(0.1), day_count=count),
        lambda count: Fee("x", annual=1.0, day_count=count),
        lambda count: Facility("x", 1.0, day_count=count),
        lambda count: Swap("x", notional=balance("A"), pay=Fixed(0.1), receive=Fixed(0.1), day_count=count),
    ],
)
def test_a_day_count_that_is_none_is_refused_where_it_is_said(made):
    with pytest.raises(InvalidTerms, match="day_count: there is no day count 'actual/366'. Did you mean 'actual/36"):
        made("actual/366")


def test_icma_without_coupon_periods_is_refused():
    with pytest.raises(InvalidTerms, match="say which, roll=Roll"):
        year_fraction("actual/actual ICMA", DATE(2026, 1, 1), DATE(2026, 7, 1))


# Dates --------------------------------------------------------------------------------------------------------------


@given(
    closing=st.dates(DATE(2024, 1, 1), DATE(2028, 12, 31)),
    months=st.integers(1, 90),
    frequency=st.sampled_from(list(FREQUENCIES)),
    calendar=st.sampled_from(list(CALENDARS)),
    convention=st.sampled_from(list(CONVENTIONS)),
    month_end=st.booleans(),
)
def test_payment_dates_are_those_of_quantlib(closing, months, frequency, calendar, convention, month_end):
    tenor = ql.Period(12 // FREQUENCIES[frequency], ql.Months)
    first = to_ql(closing) + tenor
    last = first + ql.Period(months, ql.Months)
    name, *variant = CALENDARS[calendar]
    market = getattr(ql, name)(*(getattr(getattr(ql, name), each) for each in variant))
    rule = getattr(ql, CONVENTIONS[convention])
    expected = [
        market.adjust(day, rule)
        for day in ql.MakeSchedule(
            effectiveDate=first,
            terminationDate=last,
            tenor=tenor,
            calendar=ql.NullCalendar(),
            convention=ql.Unadjusted,
            terminalDateConvention=ql.Unadjusted,
            forwards=True,
            endOfMonth=month_end,
        )
    ]
    try:
        made = schedule(
            closing=closing,
            first_payment=DATE(first.year(), first.month(), first.dayOfMonth()),
            maturity=DATE(last.year(), last.month(), last.dayOfMonth()),
            frequency=frequency,
            calendar=calendar,
            convention=convention,
            end_of_month=month_end,
        )
    except InvalidTerms:  # a last stub of a few days may be adjusted away
        assert expected[-1] <= expected[-2]
        return
    assert [to_ql(day) for day in made.dates] == expected


def terms(**changes):
    given_ = {"closing": DATE(2026, 1, 15), "first_payment": DATE(2026, 4, 15), "maturity": DATE(2027, 1, 15)}
    return {**given_, "frequency": "quarterly", "calendar": "none", **changes}


def test_month_ends_do_not_drift():
    changes = {"closing": DATE(2025, 12, 31), "first_payment": DATE(2026, 1, 31), "maturity": DATE(2026, 5, 31)}
    dates = schedule(**terms(**changes, frequency="monthly")).dates
    assert [(day.month, day.day) for day in dates] == [(1, 31), (2, 28), (3, 31), (4, 30), (5, 31)]


def test_the_end_of_month_is_explicit():
    changes = {"closing": DATE(2026, 1, 31), "first_payment": DATE(2026, 2, 28), "maturity": DATE(2026, 5, 31)}
    kept = schedule(**terms(**changes, frequency="monthly", end_of_month=True)).dates
    lost = schedule(**terms(**changes, frequency="monthly")).dates
    assert [day.day for day in kept] == [28, 31, 30, 31]
    assert [day.day for day in lost] == [28, 28, 28, 28, 31]  # the 28th, and a stub to maturity


def test_thirty_360_counts_unadjusted_days_and_actual_adjusted_ones():
    # 15 August 2026 is a Saturday: paid on Monday 17
    changes = {"closing": DATE(2026, 5, 15), "first_payment": DATE(2026, 8, 15), "maturity": DATE(2026, 11, 15)}
    made = schedule(**terms(**changes, calendar="weekends"))
    assert made.dates == (DATE(2026, 8, 17), DATE(2026, 11, 16))
    assert made.accruals("30/360").tolist() == [0.25, 0.25]
    assert made.accruals("actual/360").tolist() == [94 / 360, 91 / 360]


def test_collection_periods_end_before_payment_and_begin_at_the_cutoff():
    made = schedule(**terms(payment_lag=15, cutoff=DATE(2025, 12, 31)))
    assert made.collection == (
        DATE(2025, 12, 31),
        DATE(2026, 3, 31),
        DATE(2026, 6, 30),
        DATE(2026, 9, 30),
        DATE(2026, 12, 31),
    )
    assert made.ends == made.collection[1:]


def test_a_joint_calendar_is_closed_when_either_is():
    # 25 May 2026 is a holiday in both, 3 July 2026 only in the United States, 31 August 2026 only in the United Kingdom
    for day, expected in ((DATE(2026, 7, 3), DATE(2026, 7, 6)), (DATE(2026, 8, 31), DATE(2026, 9, 1))):
        changes = {"first_payment": day, "maturity": day, "calendar": "UK + US", "convention": "following"}
        assert schedule(**terms(**changes)).dates == (expected,)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"frequency": "quartely"}, UnknownName, "there is no frequency 'quartely'. Did you mean 'quarterly'"),
        ({"calendar": "UK + USA"}, UnknownName, "there is no calendar 'USA'. Did you mean 'US'"),
        ({"convention": "modified"}, UnknownName, "there is no convention 'modified'. Did you mean"),
        ({"first_payment": DATE(2026, 1, 15)}, InvalidTerms, "payment dates must rise, got 2026-01-15 then 2026-01-15"),
        ({"cutoff": DATE(2026, 4, 15)}, InvalidTerms, "collection periods must rise"),
        ({"as_of": DATE(2027, 1, 15)}, InvalidTerms, "as_of 2027-01-15 is on or after the last payment"),
        ({"first_payment": DATE(2027, 4, 15)}, InvalidTerms, "first_payment 2027-04-15 is after maturity"),
    ],
)
def test_dates_that_make_no_sense_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        schedule(**terms(**changes))


# Seasoned deals -----------------------------------------------------------------------------------------------------

START = DATE(2026, 1, 15)


def dates_of(as_of=None):
    return schedule(
        closing=START,
        first_payment=later(START, 3),
        maturity=later(START, 24),
        frequency="quarterly",
        calendar="weekends",
        as_of=as_of,
    )


@pytest.mark.parametrize("months", [3, 4, 9, 20])
def test_a_seasoned_schedule_is_the_rest_of_the_new_one(months):
    whole, rest = dates_of(), dates_of(as_of=later(START, months))
    paid_ = sum(day <= later(START, months) for day in whole.dates)
    assert rest.dates == whole.dates[paid_:]
    assert rest.accruals("30/360").tolist() == whole.accruals("30/360")[paid_:].tolist()
    assert rest.accruals("actual/360").tolist() == whole.accruals("actual/360")[paid_:].tolist()
    assert rest.ends == whole.ends[paid_:]


@pytest.mark.parametrize("prepaid", ["pro rata", "in order", "inverse order"])
@pytest.mark.parametrize(
    "amortisation",
    [
        lambda prepaid: LevelPayments(later(START, 6), 6, prepaid=prepaid),
        lambda prepaid: EqualInstalments(later(START, 6), 6, prepaid=prepaid),
    ],
)
def test_a_seasoned_deal_pays_what_the_new_one_still_had_to_pay(amortisation, prepaid):
    step = {later(START, 12): 0.02}

    def deal(dates, balance):
        note = Note("A", 600.0, balance=balance, coupon=Fixed(0.08), amortisation=amortisation(prepaid))
        up = Note("B", 100.0, coupon=Fixed(0.05, step_up=step))
        waterfall = pay(interest("A", "B"), sharing="sequential") >> pay(scheduled_principal("A")) >> REST
        return paid(plan_of(waterfall, note, up, Equity("E"), dates=dates), revenue=400.0)

    whole = deal(dates_of(), 600.0)
    for done in (1, 3, 5):
        rest = deal(dates_of(as_of=later(START, 3 * done + 1)), float(whole.balance["A"][0, done - 1]))
        for name in ("A", "B"):
            assert rest.principal[name][0] == pytest.approx(whole.principal[name][0, done:], abs=1e-9)
            assert rest.interest[name][0] == pytest.approx(whole.interest[name][0, done:], abs=1e-9)


def test_level_payments_are_level():
    # 1000 at 8 %, four quarters at 2 %: 1000 x 0.02 / (1 - 1.02^-4) = 262.6237527
    note = Note("A", 1000.0, coupon=Fixed(0.08), amortisation=LevelPayments(later(START, 3), 4))
    waterfall = pay(interest("A")) >> pay(scheduled_principal("A")) >> REST
    flows = paid(plan_of(waterfall, note, Equity("E"), dates=dates_of()), revenue=300.0)
    assert flows.cash("A")[0].tolist() == pytest.approx([262.6237527] * 4 + [0.0] * 4, abs=1e-6)


def test_a_floating_coupon_is_floored_and_capped():
    # 300 of margin on 1, 4, 9 and -5 %, between 0 and 8 %: 4, 7, 8 and 0 % on 100
    note = Note("A", 100.0, coupon=Floating("SOFR", 0.03, floor=0.0, cap=0.08), day_count="30/360")
    dates = schedule(**terms())
    plan = plan_of(pay(interest("A")) >> REST, note, Equity("E"), dates=dates)
    flows = paid(plan, revenue=9.0, rates={"SOFR": [0.01, 0.04, 0.09, -0.05]})
    assert flows.interest["A"][0].tolist() == pytest.approx([1.0, 1.75, 2.0, 0.0])


@pytest.mark.parametrize(("currency", "count", "year"), [("USD", "actual/360", 360), ("GBP", "actual/365F", 365)])
def test_all_that_is_money_counts_days_as_its_currency_does(currency, count, year):
    """A swap takes exactly what its note accrues; facility and account bear by the same days."""
    dates = clock(2, "semiannual")
    plan = resolve(
        "money", currency, dates,
        tranches=[Note("A", 100.0, coupon=Floating("INDEX", 0.0)), Equity("E")],
        hedges=[Swap("swap", notional=100.0, pay=Fixed(0.05), receive=Floating("INDEX", 0.0)), Cap("cap", notional=100.0, index="INDEX", strike=0.01)],
        facilities=[Facility("line", 10.0, balance=10.0, coupon=Fixed(0.1))],
        accounts=[Account("reserve", balance=10.0, rate=0.02, stays=True)],
        replacements=[Replacement("fixed", coupon=Fixed(0.1), repays=0.0), Replacement("floats", coupon=Floating("INDEX", 0.0), repays=0.0)],
        waterfall=pay(hedge("swap")) >> pay(interest("line")) >> pay(interest("A")) >> pay(principal("line")) >> pay(principal("A")) >> pay(residual("E")),
    )  # fmt: skip
    flows = distribute(plan, Receipts(dates.ends, revenue=[[200.0, 200.0]]), rates={"INDEX": 0.07})
    part = 181 / year
    assert flows.accrued["A"][0, 0] == pytest.approx(7.0 * part, rel=1e-14)
    assert flows["received", "swap"][0, 0] == pytest.approx(2.0 * part, rel=1e-14)
    assert flows["received", "cap"][0, 0] == pytest.approx(6.0 * part, rel=1e-14)
    assert flows["accrued", "interest", "line"][0, 0] == pytest.approx(1.0 * part, rel=1e-14)
    assert flows["income", "reserve"][0, 0] == pytest.approx(0.2 * part, rel=1e-14)
    assert (plan.day_counts["fixed"], plan.day_counts["floats"]) == ("30/360", count)


def test_a_curve_gives_the_simple_forward_of_each_accrual_period():
    curve = ql.FlatForward(to_ql(START), 0.04, ql.Actual365Fixed())
    plan = plan_of(
        pay(interest("A")) >> REST,
        Note("A", 100.0, coupon=Floating("SOFR", 0.0)),
        Equity("E"),
        dates=schedule(**terms()),
    )
    flows = paid(plan, revenue=9.0, rates={"SOFR": curve})
    factors = [curve.discount(to_ql(day)) for day in plan.schedule.payment]
    expected = [100.0 * (a / b - 1.0) for a, b in itertools.pairwise(factors)]
    assert flows.interest["A"][0].tolist() == pytest.approx(expected, rel=1e-12)


def test_a_period_that_was_over_when_a_curve_begins_has_no_forward_and_is_not_0():
    plan = plan_of(
        pay(interest("A")) >> REST,
        Note("A", 100.0, coupon=Floating("SOFR", 0.01)),
        Equity("E"),
        dates=schedule(**terms()),
    )
    first = plan.schedule.dates[0]
    curve = ql.FlatForward(to_ql(first), 0.04, ql.Actual360(), ql.Simple)
    told = rf"rates\['SOFR'\]: the curve begins on {first}, when nothing was left of the period from {START} to {first}"
    with pytest.raises(CannotPrice, match=told):
        paid(plan, revenue=9.0, rates={"SOFR": curve})
    running = ql.FlatForward(to_ql(first) - 30, 0.04, ql.Actual360(), ql.Simple)  # what is left of the first period
    found = paid(plan, revenue=9.0, rates={"SOFR": running}).interest["A"][0, 0]
    assert found == pytest.approx(100.0 * 0.05 * (first - START).days / 360.0, rel=1e-12)


@pytest.mark.parametrize("compounded", [False, True])
def test_an_index_that_resets_each_month_is_averaged_or_compounded_from_quantlibs_forwards(compounded):
    curve = ql.ZeroCurve(
        [to_ql(START), to_ql(later(START, 12))], [0.02, 0.06], ql.Actual365Fixed(), ql.NullCalendar(), ql.Linear()
    )
    coupon = Floating("SOFR", 0.0, resets="monthly", compounded=compounded)
    plan = plan_of(pay(interest("A")) >> REST, Note("A", 100.0, coupon=coupon), Equity("E"), dates=schedule(**terms()))
    found = paid(plan, revenue=9.0, rates={"SOFR": curve}).interest["A"][0]
    counter = ql.Actual360()
    for t, (a, b) in enumerate(itertools.pairwise(map(to_ql, plan.schedule.payment))):
        days = [a, *(a + ql.Period(k, ql.Months) for k in (1, 2)), b]
        parts = [(counter.yearFraction(x, y), curve.forwardRate(x, y, counter, ql.Simple).rate())
                 for x, y in itertools.pairwise(days)]  # fmt: skip
        averaged = sum(fraction * rate for fraction, rate in parts)
        whole = math.prod(1.0 + fraction * rate for fraction, rate in parts) - 1.0
        assert found[t] == pytest.approx(100.0 * (whole if compounded else averaged), rel=1e-12)


def test_resets_take_rates_by_reset_by_period_and_by_date():
    coupon = Floating("SOFR", 0.0, resets="monthly")
    note = Note("A", 120.0, coupon=coupon, day_count="30/360")
    plan = plan_of(pay(interest("A")) >> REST, note, Equity("E"), dates=schedule(**terms()))
    by_month = [0.01, 0.02, 0.03, *[0.04] * 9]
    by_day = dict(zip(coupon.days(plan.schedule), by_month, strict=False))
    of_pandas = {pd.Timestamp(day): rate for day, rate in by_day.items()}
    for given_ in (by_month, [0.02, 0.04, 0.04, 0.04], by_day, of_pandas):
        assert paid(plan, revenue=9.0, rates={"SOFR": given_}).interest["A"][0].tolist() == pytest.approx(
            [0.6, 1.2, 1.2, 1.2]
        )


def test_a_day_of_the_year_and_a_table_of_dates_fall_on_the_first_payment_after_them():
    # payments on 15 April, July, October and January; 30 June falls due in July, 15 January on itself
    plan = plan_of(pay(fee("a", "b"), sharing="sequential") >> REST, Equity("E"), Fee("a", amount=1.0, when=yearly("06-30")),
        Fee("b", amount=by_date({"2026-04-16": 2.0, "2026-07-01": 3.0, "2027-01-15": 4.0, "2027-01-16": 5.0, "2026-01-15": 6.0})),
        dates=schedule(**terms()))  # fmt: skip
    flows = paid(plan, revenue=9.0)
    assert flows.fees["a"][0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert flows.fees["b"][0].tolist() == [0.0, 5.0, 0.0, 4.0]


@pytest.mark.parametrize("day", ["02-29", "13-01", "1-1", "January", "00-10", 5, None])
def test_a_day_that_no_year_or_not_every_year_has_is_refused(day):
    with pytest.raises(InvalidTerms, match=r"must be a day that every year has, as month and day such as '01-31', got"):
        yearly(day)
