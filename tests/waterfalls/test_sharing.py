"""How claims of one clause share what there is: the cases are worked out by hand."""

import pytest
from deals import paid, plan_of

from waterfalls import Equity, Fixed, Note
from waterfalls.words import interest, pay, principal, residual


def notes(**balances):
    return [Note(name, balance, coupon=Fixed(0.0)) for name, balance in balances.items()]


@pytest.mark.parametrize("order", [("A", "B", "C"), ("B", "A", "C"), ("A", "C", "B")])
def test_what_a_full_claim_cannot_take_goes_to_the_others_by_their_shares(order):
    # 120 in equal shares of 40: B takes its 10, and the 30 it leaves go half and half to A and C, wherever B stands
    clause = pay(*(principal(name) for name in order), shares=dict.fromkeys(order, 1.0))
    plan = plan_of(clause >> pay(residual("E")), *notes(A=100.0, B=10.0, C=100.0), Equity("E"), periods=1)
    flows = paid(plan, revenue=120.0)
    assert [flows.principal[name][0, 0] for name in "ABC"] == pytest.approx([55.0, 10.0, 55.0])


def test_shares_with_two_full_claims():
    # weights 1 : 2 : 3 : 4 of 100 are 10, 20, 30, 40; B is full at 5 and D at 20: 75 go 1 : 3 to A and C
    clause = pay(principal("A", "B", "C", "D"), shares={"A": 1.0, "B": 2.0, "C": 3.0, "D": 4.0})
    plan = plan_of(clause >> pay(residual("E")), *notes(A=90.0, B=5.0, C=90.0, D=20.0), Equity("E"), periods=1)
    flows = paid(plan, revenue=100.0)
    assert [flows.principal[name][0, 0] for name in "ABCD"] == pytest.approx([18.75, 5.0, 56.25, 20.0])


def test_by_balance_with_a_full_claim():
    # interest of 50 shared by balances 600 : 300 : 100 is 30, 15, 5; A is owed only 12 of its 30: 38 go 3 : 1
    terms = [
        Note("A", 600.0, coupon=Fixed(0.02)),
        Note("B", 300.0, coupon=Fixed(0.20)),
        Note("C", 100.0, coupon=Fixed(0.20)),
    ]
    clause = pay(interest("A", "B", "C"), sharing="pro rata by balance")
    flows = paid(plan_of(clause >> pay(residual("E")), *terms, Equity("E"), periods=1), revenue=50.0)
    assert [flows.interest[name][0, 0] for name in "ABC"] == pytest.approx([12.0, 28.5, 9.5])


def test_by_due():
    # 30 and 60 due, 45 there: 15 and 30; the third, owed nothing, gets nothing
    terms = [
        Note("A", 300.0, coupon=Fixed(0.10)),
        Note("B", 600.0, coupon=Fixed(0.10)),
        Note("C", 100.0, coupon=Fixed(0.0)),
    ]
    clause = pay(interest("A", "C", "B"), sharing="pro rata by due")
    flows = paid(plan_of(clause >> pay(residual("E")), *terms, Equity("E"), periods=1), revenue=45.0)
    assert [flows.interest[name][0, 0] for name in "ABC"] == pytest.approx([15.0, 30.0, 0.0])
    assert [flows.arrears[name][0, 0] for name in "ABC"] == pytest.approx([15.0, 30.0, 0.0])


def test_interest_owed_on_a_note_that_is_repaid_is_paid_before_what_is_junior():
    # by balance A has no share, its balance being 0; but it is owed 7, and nothing may reach the equity before
    terms = [Note("A", 100.0, balance=0.0, arrears=7.0, coupon=Fixed(0.1)), Note("B", 100.0, coupon=Fixed(0.1))]
    clause = pay(interest("A", "B"), sharing="pro rata by balance")
    flows = paid(plan_of(clause >> pay(residual("E")), *terms, Equity("E"), periods=2), revenue=[12.0, 50.0])
    assert flows.interest["A"].tolist() == [[2.0, 5.0]]
    assert flows.interest["B"].tolist() == [[10.0, 10.0]]
    assert flows.interest["E"].tolist() == [[0.0, 35.0]]


def test_a_half_sweep_gives_the_rest_to_equity_when_the_note_is_repaid():
    clause = pay(principal("A"), residual("E"), shares={"A": 0.5, "E": 0.5})
    flows = paid(plan_of(clause >> pay(residual("E")), *notes(A=30.0), Equity("E"), periods=2), revenue=50.0)
    assert flows.principal["A"].tolist() == [[25.0, 5.0]]
    assert flows.interest["E"].tolist() == [[25.0, 45.0]]
