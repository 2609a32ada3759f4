"""Means over simulated paths: calibrated to the quoted price, against closed forms and option-free notes."""

import datetime as dt

import numpy as np
import pytest

from pricing.curves import flat
from pricing.market import Market
from pricing.marketfile import load_market
from pricing.pricer import price
from pricing.simulated import expected, option_adjusted, simulated
from structuring.dealfile import load_deal, load_scenarios
from structuring.processes import HullWhite
from structuring.run import run
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


def test_what_no_spread_reaches_and_what_says_no_measure_is_refused(toy):
    promised, dead = toy([1.0], ["base"]), toy(np.zeros(3), range(3))
    with pytest.raises(InvalidTerms, match="'risk-neutral' or 'real'; got 'P'"):
        expected(promised, MARKET, promised=promised, under="P")
    with pytest.raises(
        InvalidTerms, match=r"discounts: must be \(paths, payment dates ahead\) = \(1, 20\), got \(3,\)"
    ):
        expected(promised, MARKET, promised=promised, under="real", discounts=np.ones(3))
    assert np.isnan(expected(dead, MARKET, promised=promised, under="real").spread[0])
    market = Market(0.04, {"A": {"price": 1e9}}, valuation=V, otherwise=0.0)
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
    from structuring.deal import plan

    return plan(deal).schedule.dates


def test_a_curve_alone_is_a_market_of_no_spread(toy):
    promised = toy([1.0], ["base"])
    found = expected(promised, flat(V, 0.03), promised=promised, under="real")
    np.testing.assert_allclose(found.spread, 0.0, atol=1e-12)
