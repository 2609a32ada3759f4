"""explain: a payment date as its regime, its tests and its clauses stood; every row of the sayable test checks its numbers."""

import datetime as dt
import math

import pytest
from tiny import flows_from, plan_from

from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.explain import every


def test_a_regime_that_begins_at_once_is_told_as_of_the_date():
    text = (
        "waterfall: {before: [\"pay(residual('E'))\"], after: [\"pay(residual('E'))\"]}\n"
        "regimes: {after: \"at_once(event('insolvency'))\"}"
    )
    flows = flows_from(plan_from(text), interest=[1, 1, 1], events={"insolvency": [[0, 1, 1]]})
    assert [flows.explain("given", date).regime for date in flows.dates] == ["before", "after", "after"]


def test_readings_say_what_a_test_read_and_how_it_stood():
    text = "triggers: [{name: T, test: \"receipt('defaults') > 3\"}]\nwaterfall: [pay(residual('E'))]"
    flows = flows_from(plan_from(text), interest=[1, 1, 1], defaults=[4, 2, 2])
    assert flows.explain("given", flows.dates[0]).triggers == ("T is on; receipt('defaults') > 3: 4, so yes",)
    assert flows.explain("given", flows.dates[1]).triggers == ("T is off; receipt('defaults') > 3: 2, so no",)


def test_cash_is_told_apart_from_what_is_reported():
    text = "waterfall: [\"pay(expense('operating'))\", \"pay(residual('E'))\"]"
    flows = flows_from(plan_from(text), revenue=[5, 5, 5], operating_cost=[1, 1, 1], value=[90, 90, 90])
    told = flows.explain("given", flows.dates[0])
    assert told.collected == {"revenue": 5.0}
    assert told.reported == {"operating_cost": 1.0, "value": 90.0}
    assert "  collected  revenue" in str(told) and "  reported   value" in str(told)


def test_a_date_that_a_holiday_moved_is_found_by_either_day():
    dates = schedule(
        closing=dt.date(2026, 2, 1), first_payment=dt.date(2027, 5, 1), maturity=dt.date(2028, 5, 1), frequency="annual",
        calendar="US", convention="following",
    )  # fmt: skip
    flows = flows_from(plan_from("waterfall: [\"pay(residual('E'))\"]", dates=dates), interest=[1, 1])
    saturday, monday = dt.date(2027, 5, 1), dt.date(2027, 5, 3)
    assert dates.dates[0] == monday
    assert flows.explain("given", saturday) == flows.explain("given", monday)
    with pytest.raises(InvalidTerms, match="there is no payment date 2027-05-20. The nearest is 2027-05-03"):
        flows.explain("given", dt.date(2027, 5, 20))


def test_every_date_in_one_run_is_each_date_by_itself():
    text = (
        "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}]\n"
        "triggers: [{name: T, test: \"dscr('A', trailing=2) < 1.5\", cure: 2}]\n"
        "waterfall: [\"pay(interest('A'))\", \"pay(principal('A')).when(trigger('T'))\", \"pay(residual('E'))\"]"
    )
    flows = flows_from(plan_from(text), interest=[8, 6, 9])
    told = list(every(flows, "given"))
    assert told == [flows.explain("given", date) for date in flows.dates]
    assert [each.ratios["dscr('A', trailing=2)"] for each in told] == [
        math.inf,
        14 / 10,
        15 / 9.95,
    ]  # a principal of 1 was repaid


def test_what_lapses_is_told_after_the_last_clause():
    text = (
        "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}, lapses: true}}]\n"
        "waterfall: [\"pay(interest('A'))\", \"pay(residual('E'))\"]"
    )
    flows = flows_from(plan_from(text), interest=[2, 9, 5])
    first, second, _ = every(flows, "given")
    assert first.lapsed == {"interest of A": 3.0} and str(first).endswith(
        f"  lapsed     {'interest of A':<24}{3.0:>20,.2f}"
    )
    assert second.lapsed == {"interest of A": 0.0} and "lapsed" not in str(second)


def test_a_date_of_pandas_is_taken_and_a_text_is_refused():
    flows = flows_from(plan_from("waterfall: [pay(residual('E'))]"), interest=[1, 1, 1])
    day = flows.dates[1]
    assert flows.explain("given", flows.frame()["date"][1]) == flows.explain("given", day)
    with pytest.raises(InvalidTerms, match=f"date: must be a date without a time of day or a zone, got '{day}'"):
        flows.explain("given", str(day))
