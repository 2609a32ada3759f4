"""Measures that neighbours get wrong, right here: each by name, against a calculation by hand."""

import pytest
from deals import paid, plan_of

from pricing import Market, price
from waterfalls import Equity, Fixed, Note
from waterfalls.words import interest, pay, principal, residual


def test_wal_of_a_note_that_is_not_repaid_in_full():
    waterfall = pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
    plan = plan_of(waterfall, Note("A", 100.0, coupon=Fixed(0.05)), Equity("E"), periods=3)
    flows = paid(plan, revenue=[45.0, 23.0, 2.1])  # principal 40, 20 and nothing; 40 is never repaid
    assert flows.principal["A"][0].tolist() == pytest.approx([40.0, 20.0, 0.1])
    start, dates = plan.schedule.payment[0], flows.dates
    years = [(date - start).days / 365.0 for date in dates]
    found = price(flows, Market(0.03, valuation=start, otherwise=0.0))["wal"][0, 0, 0]
    assert found == pytest.approx((40.0 * years[0] + 20.0 * years[1] + 0.1 * years[2]) / 60.1)
    assert flows.balance["A"][0, -1] == pytest.approx(39.9)


def test_convexity_counts_every_flow_and_not_the_first_alone():
    waterfall = pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
    plan = plan_of(waterfall, Note("A", 100.0, coupon=Fixed(0.05)), Equity("E"), periods=3)
    flows = paid(plan, revenue=[5.0, 5.0, 105.0])
    start, y = plan.schedule.payment[0], 0.05
    prices = price(flows, Market(0.03, {"A": {"yield": y}}, valuation=start, otherwise=0.0))
    cash = {1: 5.0, 2: 5.0, 3: 105.0}  # worth 100 at 5 %
    by_hand = sum(amount * t * (t + 1) / (1 + y) ** (t + 2) for t, amount in cash.items()) / 100.0
    assert prices["clean"][0, 0, 0] == pytest.approx(100.0)
    assert prices["convexity"][0, 0, 0] == pytest.approx(by_hand)
