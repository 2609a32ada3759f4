"""Settlement, ex-coupon periods and what is paid on the day, against `ql.Bond` and `ql.CashFlows`; twisted curves."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql

from pricing.market.curves import flat, from_discounts
from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.quantlib_cash_flows import to_quantlib_leg
from waterfalls.errors import CannotPrice, InvalidTerms

V, ON = dt.date(2026, 3, 10), ql.Date(10, 3, 2026)
NODES = {dt.date(2027, 3, 10): 0.96, dt.date(2029, 3, 10): 0.88, dt.date(2036, 3, 10): 0.6}
FLAT = ql.Actual365Fixed(), ql.Continuous, ql.NoFrequency


def to_ql(day):
    return ql.Date(day.day, day.month, day.year)


@pytest.fixture
def curve():
    return ql.DiscountCurve([ON, *map(to_ql, NODES)], [1.0, *NODES.values()], ql.Actual365Fixed())


@pytest.mark.parametrize("days", [0, 2, 34, 36, 37, 90])  # 15 April is 36 days away
def test_prices_for_settlement_are_those_of_a_quantlib_bond(toy, curve, days):
    flows = toy([1.0], ["base"])
    market, settlement = Market(curve, {"A": 0.0}, otherwise=0.0), V + dt.timedelta(days=days)
    prices = price(flows, market.settled(settlement))
    leg = [flow for flow in to_quantlib_leg(flows, "A") if flow.date() > to_ql(settlement)]
    face = flows.balance["A"][0, sum(day <= settlement for day in flows.dates) - 1] if days >= 36 else 700.0
    worth = ql.CashFlows.npv(leg, curve, False, to_ql(settlement), ON) / curve.discount(to_ql(settlement))
    bond = ql.Bond(0, ql.NullCalendar(), face, leg[-1].date(), ON, leg)
    assert prices["dirty"][0, 0, 0] == pytest.approx(100.0 * worth / face, rel=1e-11)
    assert prices["accrued"][0, 0, 0] == pytest.approx(bond.accruedAmount(to_ql(settlement)), abs=1e-11)


def test_what_is_paid_on_the_day_counts_where_it_is_said(toy):
    flows, day = toy([1.0], ["base"]), dt.date(2026, 4, 15)
    rate = ql.FlatForward(to_ql(day), 0.04, *FLAT)
    leg = to_quantlib_leg(flows, "A")
    for today in (False, True):
        prices = price(flows, Market(rate, valuation=day, otherwise=0.0, today=today))
        npv = ql.CashFlows.npv(leg, rate, today, to_ql(day), to_ql(day))
        assert prices.npv[0, 0, 0] == pytest.approx(npv, rel=1e-12)
        assert prices["yield_to_maturity"][0, 0, 0] == pytest.approx(4 * np.expm1(0.01), abs=2e-4)


def test_where_it_counts_prices_are_per_100_of_what_stood_before_it(given):
    """Half is repaid on the day: without rates the price is what is still to come, per 100 of the whole, and never 200."""
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    flows = given(dates, [1.25, 0.625], [50.0, 50.0])
    market = Market(ql.FlatForward(to_ql(dates[0]), 0.0, *FLAT), otherwise=0.0, today=True)
    prices = price(flows, market)
    assert prices["dirty"][0, 0, 0] == pytest.approx(101.875, abs=1e-12)
    assert prices["accrued"][0, 0, 0] == pytest.approx(1.25, abs=1e-12)
    assert prices.memo["balance"][0, 0] == 100.0


@pytest.mark.parametrize(
    "before", [dt.date(2026, 4, 1), dt.date(2026, 4, 8), dt.date(2026, 4, 9), dt.date(2026, 4, 14)]
)
def test_inside_the_ex_coupon_period_the_next_interest_is_the_sellers(given, before):
    """Against QuantLib's own coupons with an ex-coupon date a week ahead: out of the value, negative accrued interest."""
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15), dt.date(2026, 10, 15)]
    bounds = [dt.date(2026, 1, 15), *dates]
    rates = [0.06 * (b - a).days / 365 * 100 for a, b in zip(bounds, dates, strict=False)]
    flows = given(dates, rates, [0.0, 0.0, 100.0])
    rate = ql.FlatForward(to_ql(before), 0.04, *FLAT)
    leg = [
        ql.FixedRateCoupon(to_ql(b), 100.0, 0.06, ql.Actual365Fixed(), to_ql(a), to_ql(b), ql.Date(), ql.Date(), to_ql(b) - 7)
        for a, b in zip(bounds, dates, strict=False)
    ]  # fmt: skip
    leg.append(ql.Redemption(100.0, to_ql(dates[-1])))
    prices = price(flows, Market(rate, otherwise=0.0, ex_coupon=7))
    assert prices.npv[0, 0, 0] == pytest.approx(
        ql.CashFlows.npv(leg, rate, False, to_ql(before), to_ql(before)), rel=1e-12
    )
    owed = ql.CashFlows.accruedAmount(leg, False, to_ql(before))
    assert prices["accrued"][0, 0, 0] == pytest.approx(owed, abs=1e-11)
    assert (owed < 0.0) == (before >= dt.date(2026, 4, 8))


def test_a_date_or_a_period_that_makes_no_sense_is_refused():
    market = Market(NODES, valuation=V, otherwise=0.0)
    with pytest.raises(CannotPrice, match="settlement must be from 2026-03-10 to 2036-03-10, got 2026-03-09"):
        market.settled(V - dt.timedelta(days=1))
    with pytest.raises(InvalidTerms, match="ex_coupon: must be a whole number, from 0 to 366, got -1"):
        Market(NODES, valuation=V, ex_coupon=-1)


def test_a_twist_moves_zero_rates_by_tenor_and_tents_sum_to_the_parallel_move():
    curve = from_discounts(V, NODES)
    days = [V + dt.timedelta(days=n) for n in range(1, 3650, 31)]
    years = np.array([(day - V).days / 365 for day in days])

    def zeros(made):
        return -np.log(made.discounts(days)) / years

    moved = zeros(curve.shifted({1: 50.0, 3: -10.0})) - zeros(curve)
    np.testing.assert_allclose(moved, np.interp(years, [1, 3], [50e-4, -10e-4]), atol=1e-13)
    np.testing.assert_allclose(
        curve.shifted({5: 92.0}).discounts(days), curve.shifted(92.0).discounts(days), rtol=1e-13
    )
    np.testing.assert_allclose(zeros(flat(V, 0.03).shifted({1: 0.0, 30: 0.0})), 0.03, atol=1e-13)
    with pytest.raises(InvalidTerms, match="a twist needs a move by years"):
        curve.shifted({})


def test_a_move_of_rates_stands_apart_from_a_move_of_spreads(toy):
    flows, market = toy(), Market(NODES, {"A": {"price": 99.0}}, valuation=V, otherwise=0.03)
    after = market.shifted(92)
    prices = price(flows, after, before=(flows, market))
    assert prices["z_spread"][0, 0, 0] == pytest.approx(price(flows, market)["z_spread"][0, 0, 0], abs=1e-14)
    np.testing.assert_array_equal(prices.before, price(flows, market).npv)
    assert (prices.npv[0, 0] < prices.before[0, 0]).all()
