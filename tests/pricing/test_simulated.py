"""Means over simulated paths: calibrated to the quoted price, against closed forms and option-free notes."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql

from pricing.market.curves import flat
from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.market.quantlib_curves import evaluated
from pricing.valuation.price import price
from pricing.valuation.simulated_values import discounted, expected, option_adjusted, simulated, valued
from structuring import Deal, LoanPool, Scenario
from structuring.collateral.loan_tape import LoanLine
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.generators.prices_and_rates import HullWhite
from structuring.runs.run import run
from waterfalls import Equity, Floating, Note, interest, pay, residual, scheduled_principal
from waterfalls.errors import CannotPrice, InvalidTerms

V = dt.date(2026, 1, 15)
MARKET = Market(0.04, {"A": {"price": 98.0}, "B": 0.05, "E": {"yield": 0.2}}, valuation=V)


def test_paths_that_lose_nothing_leave_the_spread_over_promised_flows(toy):
    promised = toy([1.0], ["base"])
    found = expected(toy(np.ones(10), range(10)), MARKET, promised=promised, under="real")
    np.testing.assert_allclose(found.spread, price(promised, MARKET)["z_spread"][0, 0], rtol=1e-11)
    np.testing.assert_allclose(found.spread, found.promised, rtol=1e-11)
    np.testing.assert_allclose(found.standard_error, 0.0, atol=1e-9)
    assert found.frame()["measure"].tolist() == ["real"] * 3


def test_the_mean_is_the_reference_price_and_credit_is_not_counted_twice(toy):
    promised, paths = toy([1.0], ["base"]), toy(np.linspace(0.0, 1.2, 400), range(400))
    found = expected(paths, MARKET, promised=promised, under="risk-neutral")
    quoted = price(promised, MARKET)
    np.testing.assert_allclose(found.value, quoted.npv[0, 0], rtol=1e-11)
    assert (found.spread[:2] < found.promised[:2] - 0.001).all()  # part of the promised spread pays for expected losses
    twice = (
        price(paths, Market(0.04, dict(zip("ABE", found.promised, strict=True)), valuation=V)).npv[:, 0].mean(axis=0)
    )
    assert (twice[:2] < found.value[:2]).all()
    np.testing.assert_allclose(found.paths.mean(axis=0), found.value, rtol=1e-13)
    np.testing.assert_allclose(found.standard_error, found.paths.std(axis=0, ddof=1) / 20.0, rtol=1e-13)


def test_a_note_that_may_fail_at_once_is_worth_its_survival(given):
    """Paid in full in 3 of 4 paths, else nothing: 0.75 x 100 exp(-(r + z)) = price, in closed form."""
    dates = [V + dt.timedelta(days=365)]
    promised = given(dates, [0.0], [100.0], per_year=1)
    paid = np.array([[100.0], [100.0], [100.0], [0.0]])
    market = Market(0.04, {"A": {"price": 70.0}}, valuation=V, otherwise=0.0)
    found = expected(given(dates, np.zeros((4, 1)), paid, per_year=1), market, promised=promised, under="real")
    assert found.spread[0] == pytest.approx(np.log(75.0 / 70.0) - 0.04, abs=1e-13)
    assert found.promised[0] == pytest.approx(np.log(100.0 / 70.0) - 0.04, abs=1e-13)
    each = 100.0 * 70.0 / 75.0
    assert found.standard_error[0] == pytest.approx(np.std([each, each, each, 0.0], ddof=1) / 2.0, rel=1e-12)


def test_without_a_spread_cash_has_no_value_and_no_cash_is_worth_nothing(toy):
    """A tranche that the base never pays has no spread: what it is paid after a move was discounted at none."""
    ahead, amounts = discounted(toy([1.0], ["base"]), MARKET, None)
    amounts[1] = 0.0
    found = valued(ahead, amounts, np.array([np.nan, np.nan, 0.1]), np.zeros(3), "real")
    assert np.isnan(found.value[0]) and found.value[1] == 0.0 and found.value[2] > 0.0


def test_what_no_spread_reaches_and_what_says_no_measure_is_refused(toy):
    promised, dead = toy([1.0], ["base"]), toy(np.zeros(3), range(3))
    with pytest.raises(InvalidTerms, match="'risk-neutral' or 'real'; got 'P'"):
        expected(promised, MARKET, promised=promised, under="P")
    with pytest.raises(
        InvalidTerms, match=r"discounts: must be \(paths, payment dates ahead\) = \(1, 20\), got \(3,\)"
    ):
        expected(promised, MARKET, promised=promised, under="real", discounts=np.ones(3))
    assert np.isnan(expected(dead, MARKET, promised=promised, under="real").spread[0])
    market = Market(0.04, {"A": {"price": 1e-60}}, valuation=V, otherwise=0.0)
    with pytest.raises(CannotPrice):
        expected(promised, market, promised=promised, under="real")


@pytest.fixture(scope="module")
def vantage():
    return load_deal("vantage-jersey"), load_scenarios("vantage-jersey")[0], load_market("vantage-jersey")


def test_without_an_option_the_spread_is_the_z_spread_and_durations_are_analytic(vantage):
    deal, base, market = vantage
    found = option_adjusted(deal, base, market, HullWhite(0.05, 0.01), count=400)
    prices = price(run(deal, base, rates=market.rates(deal)), market)
    for name in ("A-2", "B"):
        i = prices.tranches.index(name)
        assert found.spread[i] == pytest.approx(prices["z_spread"][0, 0, i], abs=2e-5)
        assert found.effective_duration[i] == pytest.approx(prices["spread_duration"][0, 0, i], rel=1e-3)
    still = option_adjusted(deal, base, market, HullWhite(0.05, 0.0), count=2)
    np.testing.assert_allclose(still.spread[1:], prices["z_spread"][0, 0, 1:], atol=1e-10)


def test_rates_on_paths_are_martingales_under_the_discounting_of_each_path():
    """The mean of discount factors is the curve, and a floating payment is worth what its forward says, plus its margin."""
    deal, market = load_deal("coreweave-ddtl-4"), load_market("coreweave-ddtl-4")
    rates, discounts = simulated(deal, market, HullWhite(0.05, 0.01), 4_000)
    forward = market.rates(deal)["SOFR"]
    first, schedule = len(forward) - discounts.shape[1], len(forward)
    factors = market.curve.discounts(clock_of(deal)[-discounts.shape[1] :])
    np.testing.assert_allclose(discounts.mean(axis=0), factors, rtol=2e-4)
    assert rates["SOFR"].shape == (4_000, schedule)
    np.testing.assert_array_equal(rates["SOFR"][:, :first], np.broadcast_to(forward[:first], (4_000, first)))
    worth = (discounts * rates["SOFR"][:, first:]).mean(axis=0) / factors
    np.testing.assert_allclose(worth, forward[first:], atol=2e-4)
    with pytest.raises(InvalidTerms, match="an even number, at least 2; got 3"):
        simulated(deal, market, HullWhite(0.05, 0.01), 3)


def clock_of(deal):
    from structuring.deals.deal import plan

    return plan(deal).schedule.dates


def test_a_curve_alone_is_a_market_of_no_spread(toy):
    promised = toy([1.0], ["base"])
    found = expected(promised, flat(V, 0.03), promised=promised, under="real")
    np.testing.assert_allclose(found.spread, 0.0, atol=1e-12)


def quantlibs_floater(count, model, *, cap=None, floor=None):
    """Par less a cap plus a floor on simple quarterly rates at a flat 4 %, by QuantLib's Hull-White formula, per 100."""
    on, last, quarter = ql.Date(15, 1, 2026), ql.Date(15, 1, 2031), ql.Period("3M")
    none, rule = ql.NullCalendar(), ql.Unadjusted
    curve = ql.YieldTermStructureHandle(ql.FlatForward(on, 0.04, ql.Actual365Fixed()))
    index = ql.IborIndex("quarterly", quarter, 0, ql.USDCurrency(), none, rule, False, count, curve)
    dates = ql.Schedule(on, last, quarter, none, rule, rule, ql.DateGeneration.Forward, False)
    leg, value = ql.IborLeg([100.0], dates, index), 100.0
    engine = ql.AnalyticCapFloorEngine(ql.HullWhite(curve, model.mean_reversion, model.volatility), curve)
    with evaluated(on):
        for made, strike, sign in ((ql.Cap, cap, -1.0), (ql.Floor, floor, 1.0)):
            if strike is not None:
                option = made(leg, [strike])
                option.setPricingEngine(engine)
                value += sign * option.NPV()
    return value


@pytest.mark.parametrize("options", [{"cap": 0.045}, {"floor": 0.035}, {"cap": 0.05, "floor": 0.03}])
def test_the_spread_of_a_capped_floater_at_quantlibs_price_is_nothing(options):
    """The options are sold or bought in the price, so over the curve nothing is left; the z-spread keeps what they cost."""
    model, spreads = HullWhite(0.05, 0.01), []
    for day_count, count in {"actual/365F": ql.Actual365Fixed(), "actual/360": ql.Actual360()}.items():
        quoted = quantlibs_floater(count, model, **options)
        deal = Deal(
            "floater", closing=V, first_payment=dt.date(2026, 4, 15), maturity=dt.date(2031, 1, 15), frequency="quarterly",
            calendar="none", collateral=LoanPool((LoanLine(1e3, 0.2, remaining_term=60, interest_only=60),)),
            tranches=(Note("A", 100.0, coupon=Floating("SOFR", 0.0, **options), day_count=day_count), Equity("E")),
            waterfall=pay(interest("A")) >> pay(scheduled_principal("A")) >> pay(residual("E")),
        )  # fmt: skip
        market = Market(0.04, {"A": {"price": quoted}}, valuation=V, otherwise=0.0, projections={"SOFR": 0.04})
        found = option_adjusted(deal, Scenario("base"), market, model, count=2_000)
        error = found.base.standard_error[0] / (found.base.value[0] * 4.4)  # of the spread, by its duration
        assert error < 2e-4 and abs(found.spread[0]) < 3.0 * error
        spreads.append(found.spread[0])
    assert spreads[0] == pytest.approx(spreads[1], abs=5e-6)  # the same draws, whatever the days are counted by
