"""What is read while things fall due: what has fallen due already, or nothing. Each row is worked by hand."""

import re

import pytest
from deals import paid, plan_of
from tiny import plan_from

from waterfalls import Equity, Fee, Fixed, Note, Trigger
from waterfalls.errors import InvalidTerms
from waterfalls.words import (
    at_start,
    balance,
    cash,
    expense,
    expense_due,
    fee,
    ic_ratio,
    interest,
    interest_accrued,
    interest_collections,
    interest_due,
    pay,
    ratio,
    residual,
    trigger,
)

COVER = ratio(interest_collections(), interest_accrued("A", "B"), zero=99.0)
E, REST = Equity("E"), pay(residual("E"))


def rows(of, name):
    return of[name][0].tolist()


def test_a_note_capitalises_where_cash_is_below_its_interest():
    note = Note("A", 100.0, coupon=Fixed(0.10), capitalises=cash() < interest_accrued("A"))
    flows = paid(plan_of(pay(interest("A")) >> REST, note, E, periods=3), revenue=[4.0, 20.0, 10.0])
    # 10 of 4 is added, 11 of 20 is paid, 11 of 10 is added
    assert rows(flows.balance, "A") == pytest.approx([110.0, 110.0, 121.0])
    assert rows(flows.interest, "A") == pytest.approx([0.0, 11.0, 0.0])


@pytest.mark.parametrize("order", [("A", "B"), ("B", "A")])
def test_a_note_capitalises_by_the_cover_of_all_notes_wherever_it_is_declared(order):
    made = {
        "A": Note("A", 100.0, coupon=Fixed(0.05)),
        "B": Note("B", 40.0, coupon=Fixed(0.10), capitalises=COVER < 1.5),
    }
    flows = paid(
        plan_of(pay(interest("A")) >> REST, *(made[name] for name in order), E, periods=2), revenue=[9.0, 30.0]
    )
    # 9 / (5 + 4) = 1.0 fails, so 4 is added; 30 / (5 + 4.4) passes
    assert rows(flows.balance, "B") == pytest.approx([44.0, 44.0])
    assert rows(flows.arrears, "B") == pytest.approx([0.0, 4.4])


@pytest.mark.parametrize("order", [("Z", "IO"), ("IO", "Z")])
def test_interest_on_a_balance_is_on_that_after_the_last_payment_wherever_it_is_declared(order):
    made = {
        "Z": Note("Z", 100.0, coupon=Fixed(0.10), capitalises=cash() >= 0.0),
        "IO": Note("IO", 100.0, coupon=Fixed(0.01), interest_on=balance("Z")),
    }
    flows = paid(plan_of(pay(interest("IO")) >> REST, *(made[name] for name in order), E, periods=2), revenue=5.0)
    assert rows(flows.balance, "Z") == pytest.approx([110.0, 121.0])
    assert rows(flows.interest, "IO") == pytest.approx([1.0, 1.1])  # 1 % of 100, then of 110


def test_a_fee_reads_costs_that_fall_due_with_it():
    manager = Fee("manager", amount=0.1 * expense_due("operating"))
    waterfall = pay(expense("operating")) >> pay(fee("manager")) >> REST
    plan = plan_of(waterfall, manager, Note("A", 100.0, coupon=Fixed(0.0)), E, periods=2)
    flows = paid(plan, revenue=[30.0, 55.0], operating_cost=[40.0, 20.0])
    # of 40 and, with 10 in arrears, of 30; year 1 has no cash for the 4
    assert rows(flows.fees, "manager") == pytest.approx([0.0, 7.0])


def test_arrears_are_what_the_last_date_left_unpaid():
    note = Note("A", 100.0, coupon=Fixed(0.10), deferrable=True)
    late = Fee("late", amount=0.1 * at_start(interest_due("A")))
    plan = plan_of(pay(fee("late")) >> pay(interest("A")) >> REST, note, late, E, periods=2)
    assert rows(paid(plan, revenue=[4.0, 50.0]).fees, "late") == pytest.approx([0.0, 0.6])  # 6 of 10 were unpaid


def test_a_trailing_ratio_remembers_what_each_date_was_tested_by():
    """Cash that a clause has paid out since counts as it did when the trigger was tested."""
    trap = Trigger("trap", test=ic_ratio("A", trailing=2, of=cash()) < 1.5)
    waterfall = pay(interest("A")) >> pay(residual("E")).when(trigger("trap")) >> REST
    plan = plan_of(waterfall, Note("A", 100.0, coupon=Fixed(0.10)), trap, E, periods=3)
    # year 2: (20 + 12) / 20 = 1.6 passes; year 3: (12 + 14) / 20 = 1.3 fails
    assert rows(paid(plan, revenue=[20.0, 12.0, 14.0]).triggers, "trap") == [0.0, 0.0, 1.0]


A = "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}, available_until: 2027-01-15%s}}]\n"
TWO_FEES = 'fees: [{name: x, annual: 1%s}, {name: VAT, amount: "0.2 * fee_due(%s)"}]'
SWAP = 'hedges: [{swap: {name: S, notional: "%s", pay: {fixed: {rate: 0.05}}}}]'
REFUSED = {
    "tranches[0].capitalises: 'dscr()' reads what falls due on notes, which is not known yet: test it by a trigger": (
        A % ", capitalises: dscr() < 1.2"
    ),
    "tranches[0].capitalises: 'interest_due('A')' reads what has not fallen due yet at this date: say "
    "at_start(interest_due('A')) for the arrears, interest_accrued('A') for the period": (
        A % ", capitalises: cash() < interest_due('A')"
    ),
    "tranches[0].interest_on: 'interest_accrued('A')' reads what falls due on notes": (
        A % ", interest_on: interest_accrued('A')"
    ),
    "tranches[0].interest_on: 'drawn('A')' is 0 here, before any clause of the date has drawn": (
        A % ", interest_on: drawn('A')"
    ),
    "hedges[0].notional: 'debt_service('A')' reads what falls due on notes, which is not known yet: say it in a clause": (
        A % "" + SWAP % "debt_service('A')"
    ),
    "hedges[0].notional: 'fee_due('x')' reads what has not fallen due yet at this date: say at_start(fee_due('x'))": (
        A % "" + "fees: [{name: x, annual: 1}]\n" + SWAP % "fee_due('x')"
    ),
    "fees[0].amount: 'interest_accrued('A')' reads what falls due on notes": (
        A % "" + "fees: [{name: x, amount: \"average(interest_accrued('A'), 2)\"}]"
    ),
    "fees[0].amount: 'make_whole('A', rate=0.03)' reads what falls due on notes": (
        A % "" + "fees: [{name: x, amount: \"make_whole('A', rate=0.03)\"}]"
    ),
    "fees[1].amount: 'fee_due('VAT')' reads what has not fallen due yet": A % "" + TWO_FEES % ("", "'VAT'"),
    "replacements[0].repays: 'debt_service('A')' reads what falls due on notes": A % ""
    + "definitions: {service: \"debt_service('A')\"}\n"
    + "replacements: [{name: R, coupon: {fixed: {rate: 0.05}}, repays: \"ratio(defined('service'), 100, zero=0)\"}]",
    "triggers[0].test: 'drawn('A')' is 0 here, before any clause of the date has drawn": (
        A % "" + "triggers: [{name: T, test: drawn('A') > 0}]"
    ),
}


@pytest.mark.parametrize(("message", "text"), REFUSED.items(), ids=REFUSED)
def test_what_is_not_known_yet_is_refused(message, text):
    with pytest.raises(InvalidTerms, match=re.escape(message)):
        plan_from(text + "\nwaterfall:\n- pay(interest('A'))\n- draw('A', amount=1)\n- pay(residual('E'))")


def test_a_fee_on_a_fee_is_declared_after_it():
    flows = paid(plan_from(A % "" + TWO_FEES % ("", "'x'") + "\nwaterfall: [\"pay(fee('x', 'VAT'), sharing='sequential')\", pay(residual('E'))]"), revenue=5.0)  # fmt: skip
    assert rows(flows.fees, "VAT") == pytest.approx([0.2, 0.2, 0.2])


SURVEY = "{'2027-01-15': 1.2, '2029-01-15': 1.3}"
NO_LEVEL = {
    "triggers[0].test": "triggers: [{name: T, test: \"dscr() < 1.0 * by_date(%s)\"}]",
    "waterfall[0]": "definitions: {level: \"by_date(%s)\"}",
    "accounts[0].target": "accounts: [{name: R, target: \"by_date(%s)\", stays: true}]",
    "hedges[0].notional": "hedges: [{swap: {name: S, notional: \"by_date(%s)\"}}]",
}  # fmt: skip


@pytest.mark.parametrize(("place", "text"), NO_LEVEL.items(), ids=NO_LEVEL)
def test_amounts_by_date_are_no_level(place, text):
    """Between its dates a table of amounts is 0, which no coverage is below and no account holds."""
    when = ".when(oc_ratio('A') < defined('level'))" if place == "waterfall[0]" else ""
    said = (
        f"{place}: 'by_date({SURVEY})' is 0 on every date that it does not name, so it is no level: say stepped(1.2, "
    )
    with pytest.raises(InvalidTerms, match=re.escape(said + "{'2029-01-15': 1.3})")):
        plan_from(A % "" + text % SURVEY + f"\nwaterfall:\n- pay(interest('A')){when}\n- pay(residual('E'))")


def test_amounts_by_date_may_be_asked_of_cash():
    text = "\nwaterfall:\n- \"pay(interest('A')).when(cash() >= by_date({'2027-01-15': 9}))\"\n- pay(residual('E'))"
    assert rows(paid(plan_from(A % "" + text), revenue=8.0).interest, "A") == pytest.approx([0.0, 8.0, 7.0])


def test_a_regime_that_begins_at_once_is_asked_at_determination_alone():
    """What clauses have left of the cash by the end of a date says nothing of the next one."""
    text = (
        A % "" + "waterfall: {normal: [pay(interest('A')), pay(residual('E'))], short: [pay(residual('E'))]}\n"
        "regimes: {short: at_once(cash() < 7)}"
    )
    flows = paid(plan_from(text), revenue=[8.0, 6.0, 20.0])
    assert rows(flows.interest, "A") == pytest.approx([5.0, 0.0, 10.0])
