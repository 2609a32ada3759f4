"""Dates as documents have them: a first payment off the cycle, collection to month end, dates given one by one."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql

from structuring import load_deal, run, save_deal
from structuring.deals.deal import clock
from structuring.deals.unusual_terms import off_schedule
from waterfalls import Note
from waterfalls.clock.schedule import to_ql
from waterfalls.errors import InvalidTerms

D = dt.date
TEXT = """\
firstloss: 1
name: auto
closing: 2026-07-08
first_payment: 2026-07-26
second_payment: 2026-08-20
maturity: 2027-07-20
frequency: monthly
calendar: none
collection_ends: month end
cutoff: 2026-05-31
collateral: {loan_pool: {lines: [{balance: 1300, rate: 0.06, remaining_term: 13, payment: equal principal}]}}
tranches:
  - note: {name: A, notional: 1000, coupon: {fixed: {rate: 0.05}}, day_count: 30/360}
  - equity: {name: E}
waterfall:
  - pay(interest('A'))
  - pay(principal('A')).capped(principal_collections())
  - pay(residual('E'))
"""


@pytest.fixture
def file(tmp_path):
    def written(*changes):
        text = TEXT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "deal.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_first_payment_off_the_cycle_and_collection_to_month_end_are_quantlibs_and_read_back(file, tmp_path):
    deal = load_deal(file())
    made = ql.Schedule(
        ql.Date(26, 7, 2026), ql.Date(20, 7, 2027), ql.Period(1, ql.Months), ql.NullCalendar(), ql.Unadjusted,
        ql.Unadjusted, ql.DateGeneration.Forward, False, ql.Date(20, 8, 2026),
    )  # fmt: skip
    dates = clock(deal)
    assert [to_ql(day) for day in dates.dates] == list(made.dates())
    ends = [ql.Date.endOfMonth(ql.Date(1, day.month(), day.year()) - 1) for day in made.dates()]
    assert [to_ql(day) for day in dates.ends] == ends
    assert dates.collection[:3] == (D(2026, 5, 31), D(2026, 6, 30), D(2026, 7, 31))
    save_deal(deal, tmp_path / "again.yaml")
    assert load_deal(tmp_path / "again.yaml") == deal


def test_an_off_cycle_deal_accrues_and_collects_by_its_own_dates(file):
    # 18 days to 26 July, 24 to 20 August, then 30; the loans of thirteen months pay 100 each month from June on
    flows = run(load_deal(file()))
    paid = flows.interest["A"][0]
    assert paid[:3].tolist() == pytest.approx([1000 * 0.05 * 18 / 360, 900 * 0.05 * 24 / 360, 800 * 0.05 * 30 / 360])
    assert flows.principal["A"][0].tolist() == pytest.approx([100.0] * 10 + [0.0] * 3)
    assert flows.receipt("principal")[0].tolist() == pytest.approx([100.0] * 13)


LISTED = (
    ("second_payment: 2026-08-20\n", "payment_dates: [2026-07-26, 2026-08-20, 2026-11-30, 2027-07-20]\n"),
    ("collection_ends: month end", "collection_ends: [2026-06-30, 2026-07-31, 2026-10-31, 2027-06-30]"),
)


def test_dates_given_one_by_one_are_those_of_the_list(file, tmp_path):
    deal = load_deal(file(*LISTED))
    dates = clock(deal)
    assert dates.dates == (D(2026, 7, 26), D(2026, 8, 20), D(2026, 11, 30), D(2027, 7, 20))
    assert dates.ends == (D(2026, 6, 30), D(2026, 7, 31), D(2026, 10, 31), D(2027, 6, 30))
    assert dates.accruals("30/360").tolist() == pytest.approx([18 / 360, 24 / 360, 100 / 360, 230 / 360])
    save_deal(deal, tmp_path / "again.yaml")
    assert load_deal(tmp_path / "again.yaml") == deal
    principal = run(deal).receipt("principal")[0]
    assert principal.tolist() == pytest.approx([100.0, 100.0, 300.0, 800.0])  # whole months of each period


def test_a_list_moves_with_the_calendar_and_is_picked_up_on_a_date(file):
    # 26 July is a Sunday; of the list what is still ahead after 20 August remains
    deal = load_deal(file(*LISTED, ("calendar: none", "calendar: weekends")))
    assert clock(deal).dates[0] == D(2026, 7, 27)
    text = (*LISTED, ("cutoff: 2026-05-31", "as_of: 2026-09-01"))
    dates = clock(load_deal(file(*text)))
    assert dates.payment == (D(2026, 8, 20), D(2026, 11, 30), D(2027, 7, 20))
    assert dates.collection == (D(2026, 7, 31), D(2026, 10, 31), D(2027, 6, 30))


def test_instalments_of_a_seasoned_deal_off_the_cycle_are_those_still_ahead(file):
    # ten instalments of 100 from the first payment on; on 1 September two were paid
    terms = "amortisation: {equal_instalments: {first: 2026-07-26, count: 10}}, day_count"
    changes = [("day_count", terms), ("cutoff: 2026-05-31", "as_of: 2026-09-01"), ("1000,", "1000, balance: 800,")]
    flows = run(load_deal(file(*changes)))
    assert np.count_nonzero(flows.plan.instalments["A"]) == 8


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("second_payment: 2026-08-20", "second_payment: 2026-07-26", r"second_payment: 2026-07-26 must come after first_"),
        ("second_payment: 2026-08-20", "second_payment: 2026-07-20", r"second_payment: 2026-07-20 must come after first_"),
        ("second_payment: 2026-08-20", "second_payment: 2028-07-20", r"maturity: 2027-07-20 must come after second_payment"),
        ("collection_ends: month end", "collection_ends: month-end", r"collection_ends: must be 'month end', or a list of dates, got 'month-end'"),
        ("collection_ends: month end", "collection_ends: [2026-06-30]", r"collection_ends has 1 dates for 13 payment"),
        ("2026-08-20, 2026-11-30", "2026-08-20, 2026-08-20", r"payment_dates\[2\]: 2026-08-20 stands twice"),
        ("2026-08-20, 2026-11-30", "2026-11-30, 2026-08-20", r"payment_dates\[2\]: 2026-08-20 must come after 2026-11-30"),
        ("[2026-07-26, 2026", "[2026-07-01, 2026", r"payment_dates: begin on 2026-07-01, but first_payment is 2026-07-26"),
        ("2027-07-20]", "2027-07-21]", r"payment_dates: end on 2027-07-21, but maturity is 2027-07-20"),
        ("maturity", "second_payment: 2026-08-20\nmaturity", r"second_payment: the payment_dates are given one by one"),
        ("2026-10-31,", "", r"collection_ends: 3 dates for 4 payment_dates"),
        ("2026-10-31,", "2026-07-31,", r"collection_ends\[2\]: 2026-07-31 stands twice"),
        ("calendar:", "payment_lag: 5\ncalendar:", r"payment_lag: the collection_ends are given one by one"),
    ],
)  # fmt: skip
def test_dates_that_run_back_or_stand_twice_are_told_with_their_place(file, old, new, message):
    changes = () if old in TEXT and old not in ("maturity", "calendar:") else LISTED
    with pytest.raises(InvalidTerms, match=message):
        clock(load_deal(file(*changes, (old, new))))


def test_payments_before_closing_are_told(file):
    with pytest.raises(InvalidTerms, match="first_payment: 2026-07-26 must come after closing 2026-08-08"):
        load_deal(file(("closing: 2026-07-08", "closing: 2026-08-08")))


def test_a_schedule_of_principal_off_the_dates_is_doubted(file):
    def doubts(first, *changes):
        terms = f"amortisation: {{equal_instalments: {{first: {first}, count: 2}}}}, day_count"
        deal = load_deal(file(*changes, ("day_count", terms)))
        (note,) = (tranche for tranche in deal.tranches if isinstance(tranche, Note))
        return [fault.what for fault in off_schedule(deal, note, "tranches[0]")]

    assert doubts(D(2026, 7, 26)) == doubts(D(2026, 10, 20)) == doubts(D(2026, 8, 20), *LISTED) == []
    assert "which is no payment date" in doubts(D(2026, 10, 26))[0]
    assert "which is no payment date" in doubts(D(2026, 10, 20), *LISTED)[0]
