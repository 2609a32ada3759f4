"""Effective measures: the deal run anew, against analytic ones where cash does not move and against runs by hand."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.valuation.effective_measures import EFFECTIVE, effective
from pricing.valuation.price import price
from structuring.collateral.loans import LoanPool
from structuring.deals.deal import Deal
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.runs.run import run
from structuring.scenarios.monthly_rates import cdr, cpr
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Equity, Note
from waterfalls.words import interest, pay, principal, principal_collections, residual


@pytest.fixture(scope="module")
def case():
    return load_deal("coreweave-ddtl-4"), load_scenarios("coreweave-ddtl-4")[0], load_market("coreweave-ddtl-4")


def test_where_cash_does_not_move_effective_is_analytic(case):
    deal, base, market = case
    found = effective(deal, base, market)
    prices = price(run(deal, base, rates=market.rates(deal)), market)
    fixed = prices.tranches.index("fixed")
    assert found["dv01_reprojected"][0, fixed] == pytest.approx(prices["dv01"][0, 0, fixed], rel=1e-4)
    quoted = prices["dirty"][0, 0] * prices.memo["face"][0] / 100.0  # a third of the loan is drawn
    duration = 1e4 * prices["dv01"][0, 0] / quoted
    assert duration[fixed] == pytest.approx(prices["spread_duration"][0, 0, fixed], rel=1e-3)
    assert found["effective_duration"][0, fixed] == pytest.approx(duration[fixed], rel=1e-4)
    assert found["effective_duration"][0, 0] == pytest.approx(duration[0], rel=1e-2)
    assert found["effective_convexity"][0, fixed] > duration[fixed] ** 2 / 2


def test_of_a_loan_that_is_yet_to_be_drawn_a_duration_is_of_what_its_price_is_of():
    """Worth next to nothing and priced at par: 294 years of its value are less than a quarter of its price's."""
    deal, market = load_deal("iren-hardware-3"), load_market("iren-hardware-3")
    found = effective(deal, load_scenarios("iren-hardware-3")[0], market, ["effective_duration", "dv01_reprojected"])
    assert found["effective_duration"][0, 0] == pytest.approx(1e4 * found["dv01_reprojected"][0, 0] / 1.5e9, rel=1e-3)
    assert found["effective_duration"][0, 0] < 0.25


def test_a_point_of_a_driver_is_the_deal_run_there(case):
    deal, base, market = case
    found = effective(deal, base, market, ["resale01"])
    flows, rates = run(deal, base, rates=market.rates(deal)), market.rates(deal)
    before = price(flows, market)
    spreads = dict(zip(before.tranches, before["z_spread"][0, 0].tolist(), strict=True))
    worse = run(deal, dataclasses.replace(base, residual_value=0.99), rates=rates)
    after = price(worse, Market(market.curve, spreads))
    np.testing.assert_allclose(found["resale01"][0], before.npv[0, 0] - after.npv[0, 0], atol=1e-3)
    assert list(found) == ["resale01"]


def test_only_what_the_collateral_reads_is_moved_unless_it_is_named(case):
    assert "prepayment01" not in effective(*case)
    with pytest.raises(UnknownName, match="there is no effective measure 'recovery1'. Did you mean 'recovery01'?"):
        effective(*case, ["recovery1"])
    with pytest.raises(InvalidTerms, match="gives severity no numbers"):
        effective(*case, ["recovery01"])


def test_points_of_default_recovery_and_prepayment_of_a_pool():
    """Speeds move in their own unit; a book of loans loses from every one, and its equity first."""
    deal = Deal(
        "pool",
        closing=dt.date(2026, 1, 15), first_payment=dt.date(2026, 2, 15), maturity=dt.date(2032, 1, 15),
        frequency="monthly", calendar="none",
        collateral=LoanPool.level_pay(balance=1_000.0, rate=0.08, remaining_term=60),
        tranches=[Note("A", 800.0, coupon=Fixed(0.05)), Equity("E", 200.0)],
        waterfall=pay(interest("A")) >> pay(principal("A")).capped(principal_collections()) >> pay(residual("E")),
    )  # fmt: skip
    market = Market(0.04, valuation=deal.closing, otherwise=0.02)
    base = Scenario("base", default=cdr(0.02), prepayment=cpr(0.1), severity=0.4)
    names = ["recovery01", "default01", "prepayment01"]
    found, rates = effective(deal, base, market, names), market.rates(deal)
    before = price(run(deal, base, rates=rates), market)
    spreads = dict(zip(before.tranches, before["z_spread"][0, 0].tolist(), strict=True))
    worse = {
        "recovery01": dataclasses.replace(base, severity=0.41),
        "default01": dataclasses.replace(base, default=cdr(0.0202)),
        "prepayment01": dataclasses.replace(base, prepayment=cpr(0.101)),
    }
    for name, moved in worse.items():
        after = price(run(deal, moved, rates=rates), Market(market.curve, spreads))
        np.testing.assert_allclose(found[name][0], before.npv[0, 0] - after.npv[0, 0], rtol=1e-9, atol=1e-9)
    assert found["recovery01"][0, -1] > 0.0 and found["default01"][0, -1] > 0.0
    whole = dataclasses.replace(base, severity=1.0)  # nothing is recovered that could fall
    assert {*effective(deal, whole, market)} == {*effective(deal, base, market)} - {"recovery01"}
    with pytest.raises(InvalidTerms, match="severity: must be between 0 and 1"):
        effective(deal, whole, market, ["recovery01"])


def test_every_line_of_the_table_says_what_it_is():
    for measure in EFFECTIVE.values():
        assert measure.unit and measure.sign and measure.formula and measure.bumps and callable(measure.function)
