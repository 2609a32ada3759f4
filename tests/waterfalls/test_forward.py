"""What looks ahead, held to what must be so: sculpted debt's loan life ratio, and a make-whole at the coupon and by hand."""

import datetime

import numpy as np
import pytest
from tiny import flows_from, plan_from, row

from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms

REVENUE, COST = 31.0 + 7.0 * np.cos(np.arange(10.0)), 6.0


def dates(frequency="semiannual", first=datetime.date(2026, 8, 31)):
    return schedule(
        closing=datetime.date(2026, 3, 31),
        first_payment=first,
        maturity=datetime.date(2031, 2, 28),
        frequency=frequency,
        calendar="US",
        end_of_month=True,
    )


def sculpted(rate, day_count, cover, tests, grace=0, **more):
    """A note whose amount is what cash / cover repays: B = sum of cash / cover, discounted at the coupon."""
    clock = dates()
    growth = np.cumprod(1.0 + rate * clock.accruals(day_count))
    size = float(np.sum((REVENUE - COST)[grace:] / cover / growth[grace:]))
    first = clock.unadjusted[1 + grace]
    note = {
        "name": "A", "notional": 10.0 * size, "balance": size, "coupon": {"fixed": {"rate": rate}},
        "day_count": day_count, "amortisation": {"sculpted": {"dscr": cover, "first": str(first)}}, **more,
    }  # fmt: skip
    clauses = ["pay(expense('operating'))", "pay(interest('A'))", "pay(scheduled_principal('A'))", "pay(residual('E'))"]
    triggers = [{"name": name, "test": test} for name, test in tests.items()]
    plan = plan_from(str({"tranches": [{"note": note}], "triggers": triggers, "waterfall": clauses}), dates=clock)
    cost = np.full(10, COST)
    return flows_from(plan, revenue=REVENUE, contracted=REVENUE, operating_cost=cost)


@pytest.mark.parametrize("rate", [None, 0.07])
@pytest.mark.parametrize("day_count", ["30/360", "actual/360", "actual/actual ICMA"])
def test_debt_sculpted_to_130_has_a_loan_life_ratio_of_130_at_every_date(rate, day_count):
    said = "llcr('A')" if rate is None else f"llcr('A', rate={rate})"
    tests = {"low": f"{said} < 1.3 - 1e-9", "high": f"{said} < 1.3 + 1e-9"}
    flows = sculpted(0.07, day_count, 1.3, tests)
    assert flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1e-9)
    assert row(flows, "trigger low") == [0.0] * 10
    assert row(flows, "trigger high") == [1.0] * 10


def test_interest_capitalised_before_the_schedule_begins_leaves_the_ratio_where_it_is():
    tests = {"low": "llcr('A') < 1.3 - 1e-9", "high": "llcr('A') < 1.3 + 1e-9"}
    flows = sculpted(0.07, "30/360", 1.3, tests, grace=2, capitalises="~on_or_after('2027-08-31')")
    assert flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1e-9)
    low, high = row(flows, "trigger low"), row(flows, "trigger high")
    assert low[2:] == [0.0] * 8 and high[2:] == [1.0] * 8
    assert low[:2] == [0.0, 0.0]  # the cash of the first year serves no debt and counts all the same


@pytest.mark.parametrize("added", ["~on_or_after('2028-08-31')", "always()"])
def test_sculpted_debt_keeps_its_ratio_while_its_interest_is_added_to_the_balance(added):
    tests = {"low": "llcr('A') < 1.3 - 1e-9", "high": "llcr('A') < 1.3 + 1e-9"}
    flows = sculpted(0.07, "30/360", 1.3, tests, capitalises=added)
    assert flows.balance["A"][0, -1] == pytest.approx(0.0, abs=1e-9)
    assert (row(flows, "trigger low"), row(flows, "trigger high")) == ([0.0] * 10, [1.0] * 10)


@pytest.mark.parametrize("clause", [0, 1, 2])
def test_a_loan_life_ratio_is_the_same_wherever_in_a_date_it_is_read(clause):
    clock = dates()
    lines = ["pay(interest('A'))", "pay(scheduled_principal('A'))", "release('reserve')", "pay(residual('E'))"]
    lines.insert(clause, "pay(top_up('reserve')).when(llcr('A', rate=0.05) > 2.2)")
    text = {
        "tranches": [{"note": {
            "name": "A", "notional": 100.0, "coupon": {"fixed": {"rate": 0.05}},
            "amortisation": {"equal_instalments": {"first": "2026-08-31", "count": 10}}}}],
        "accounts": [{"name": "reserve", "target": 1.0}],
        "waterfall": lines,
    }  # fmt: skip
    plan = plan_from(str(text), dates=clock)
    cash = np.array([14.0] * 4 + [30.0] * 6)
    flows = flows_from(plan, revenue=cash, contracted=cash)
    balance, growth, on = 100.0, 1.0 + 0.05 * clock.accruals("30/360"), []
    for t in range(10):
        value = sum(cash[k] / np.prod(growth[t : k + 1]) for k in range(t, 10))
        on.append(float(value / balance > 2.2))
        balance -= 10.0
    assert 0.0 in on and on == sorted(on)  # what is put aside stays there
    assert row(flows, "account reserve") == on


@pytest.mark.parametrize(
    ("tranches", "test"),
    [
        ([{"floating": {"index": "SOFR", "margin": 0.02}}], "llcr('A') < 1"),
        ([{"fixed": {"rate": 0.05}}, {"fixed": {"rate": 0.08}}], "llcr('A', 'B') < 1"),
    ],
)
def test_notes_without_one_coupon_ask_for_a_rate(tranches, test):
    notes = [{"note": {"name": "AB"[i], "notional": 100.0, "coupon": coupon}} for i, coupon in enumerate(tranches)]
    with pytest.raises(InvalidTerms, match=r"discounts at one fixed coupon.*say rate=0.06"):
        plan_from(
            str({"tranches": notes, "triggers": [{"name": "T", "test": test}], "waterfall": ["pay(residual('E'))"]})
        )


# Make-whole ---------------------------------------------------------------------------------------------------------


def called(rate, prepaid_first="2026-08-31"):
    """A note with instalments, called at the third date, its make-whole said before anything is paid."""
    text = {
        "tranches": [{"note": {
            "name": "A", "notional": 100.0, "coupon": {"fixed": {"rate": 0.06}},
            "amortisation": {"equal_instalments": {"first": prepaid_first, "count": 10}}}}],
        "waterfall": [
            "call(price=500).when(event('call'))", "pay(interest('A'))",
            f"pay(premium('A')).capped(make_whole('A', rate={rate})).when(called())",
            "pay(principal('A')).when(called())", "pay(scheduled_principal('A'))", "pay(residual('E'))",
        ],
    }  # fmt: skip
    plan = plan_from(str(text), dates=dates(first=datetime.date(2026, 8, 31)))
    events = {"call": np.array([[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]])}
    flows = flows_from(plan, interest=[20.0] * 10, events=events)
    return flows, plan.schedule.accruals("30/360")


def test_a_make_whole_at_the_coupon_is_nothing():
    flows, fractions = called(0.06)
    assert flows.interest["A"][0, 2] == pytest.approx(80.0 * 0.06 * fractions[2], abs=1e-12)


def test_a_make_whole_leaves_out_the_instalment_of_the_date_which_is_paid_at_par():
    """80 are left before the third date and 10 are due at it: the premium is on the 70 that come later."""
    flows, fractions = called(0.04)
    left, factor, value = 70.0, 1.0, 0.0
    for t in range(3, 10):
        factor /= 1.0 + 0.04 * fractions[t]
        value += (left * 0.06 * fractions[t] + 10.0) * factor
        left -= 10.0
    assert left == 0.0
    assert flows.interest["A"][0, 2] - 80.0 * 0.06 * fractions[2] == pytest.approx(value - 70.0, abs=1e-10)


@pytest.mark.parametrize(
    ("added", "premium", "coverage"),
    [
        ("always()", 108.0 * ((1.08 / 1.05) ** 4 - 1.0), [np.inf, np.inf, np.inf, np.inf]),
        # 116.64 from the second date on, whose interest is paid from the third on
        (
            "~on_or_after('2029-01-15')",
            sum(116.64 * 0.08 / 1.05**k for k in (2, 3, 4)) + 116.64 / 1.05**4 - 108.0,
            [60.0 / 9.3312, 60.0 / (2 * 9.3312), 60.0 / (2 * 9.3312), 30.0 / 9.3312],
        ),
        (
            "event('pik')",
            None,
            [np.inf, *(60.0 / (2 * 8.64),) * 2, 30.0 / 8.64],
        ),
    ],
)
def test_interest_that_is_added_to_the_balance_is_not_paid_ahead(added, premium, coverage):
    """100 at 8 % a year and 30 of cash a date: the make-whole at 5 % of the first date, coverage of the next two dates."""
    note = {"name": "A", "notional": 100.0, "coupon": {"fixed": {"rate": 0.08}}, "capitalises": added}
    whole = ["pay(premium('A')).capped(make_whole('A', rate=0.05)).when(~on_or_after('2027-06-30'))"]
    tests = {
        f"{side} {t}": f"(forward_dscr('A', periods=2) {side} {level}) & on_or_after('{2027 + t}-01-15')"
        for t, number in enumerate(coverage)
        for side, level in (("<", number * (1.0 + 1e-9)), (">", min(number, 1e9) * (1.0 - 1e-9)))
        if level < np.inf
    }
    clauses = ["pay(interest('A'))", *(whole if premium else ()), "pay(residual('E'))"]
    triggers = [{"name": name, "test": test} for name, test in tests.items()]
    text = {"tranches": [{"note": note}], "triggers": triggers, "waterfall": clauses}
    cash = np.array([60.0, 30.0, 30.0, 30.0, 30.0])
    events = {"events": {"pik": np.array([[1, 0, 0, 0, 0]])}} if "event" in added else {}
    flows = flows_from(plan_from(str(text), periods=5), revenue=cash, contracted=cash, **events)
    for name in tests:
        assert row(flows, f"trigger {name}")[int(name[2:])] == 1.0, name
    if premium:
        assert flows["premium", "A"][0, 0] == pytest.approx(premium, rel=1e-12)


def test_a_make_whole_needs_to_know_when_interest_is_added_to_the_balance():
    note = "{name: A, notional: 100, coupon: {fixed: {rate: 0.05}}, capitalises: event('pik')}"
    text = f"tranches: [{{note: {note}}}]\nwaterfall: [\"pay(premium('A')).capped(make_whole('A', rate=0.03))\"]"
    with pytest.raises(
        InvalidTerms, match="needs to know ahead when 'A' adds interest to its balance: say it by dates"
    ):
        plan_from(text)
