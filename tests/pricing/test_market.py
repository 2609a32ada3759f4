"""Markets: what they are made of, what they refuse, and that they leave QuantLib as it was."""

import datetime as dt
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql

from pricing.market.curves import flat, from_discounts
from pricing.market.market import Market, Quote
from pricing.market.market_files import load_market
from pricing.market.quantlib_curves import evaluated, ois, treasuries
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock, Stress
from waterfalls.clock.schedule import from_ql, to_ql
from waterfalls.errors import CannotPrice, FirstLossError, InvalidTerms, UnknownName

V = dt.date(2026, 1, 15)
ON = ql.Date(15, 1, 2026)
FACTORS = {dt.date(2027, 1, 15): 0.96, dt.date(2029, 1, 15): 0.88, dt.date(2036, 1, 15): 0.6}


class Quadratic:
    """A curve of somebody else's."""

    def discount(self, date):
        return 1.0 / (1.0 + 0.0001 * (date - V).days) ** 1.1


def quantlib_curve():
    dates = [ON, *(ql.Date(day.day, day.month, day.year) for day in FACTORS)]
    return ql.DiscountCurve(dates, [1.0, *FACTORS.values()], ql.Actual365Fixed())


def test_one_curve_given_in_six_ways_is_one_curve(toy):
    flows = toy()
    series = pd.Series(FACTORS)
    ways = [
        Market(quantlib_curve(), otherwise=0.0),
        Market(ql.YieldTermStructureHandle(quantlib_curve()), otherwise=0.0),
        Market(FACTORS, valuation=V, otherwise=0.0),
        Market(series.set_axis(pd.to_datetime(series.index)).to_frame("discount"), valuation=V, otherwise=0.0),
        Market(series.rename_axis("date").rename("discount").reset_index(), valuation=V, otherwise=0.0),
        Market(from_discounts(V, FACTORS), otherwise=0.0),
        quantlib_curve(),
        ql.YieldTermStructureHandle(quantlib_curve()),
    ]
    expected = price(flows, ways[0]).npv
    for way in ways[1:]:
        np.testing.assert_allclose(price(flows, way).npv, expected, rtol=1e-13)
    foreign = price(flows, Market(Quadratic(), valuation=V, otherwise=0.0))
    leg = flows.cash("A")[0]
    assert foreign.npv[0, 0, 0] == pytest.approx(
        sum(a * Quadratic().discount(t) for a, t in zip(leg, flows.dates, strict=True)), rel=1e-13
    )


def test_a_curve_is_log_linear_as_quantlibs_is():
    ours, theirs = from_discounts(V, FACTORS), quantlib_curve()
    days = [V + dt.timedelta(days=n) for n in range(0, 3652, 13)]
    expected = [theirs.discount(ql.Date(day.day, day.month, day.year)) for day in days]
    np.testing.assert_allclose(ours.discounts(days), expected, rtol=1e-14)
    assert ours.discount(V) == 1.0


def test_a_bare_handle_is_read_at_each_price_and_a_market_once(toy):
    quote = ql.SimpleQuote(0.04)
    curve = ql.FlatForward(ON, ql.QuoteHandle(quote), ql.Actual365Fixed())
    handle, frozen = ql.YieldTermStructureHandle(curve), Market(curve, otherwise=0.0)
    flows = toy()
    before = price(flows, handle).npv
    quote.setValue(0.05)
    assert (price(flows, handle).npv[0] < before[0]).all()
    np.testing.assert_allclose(price(flows, frozen).npv, before, rtol=1e-13)
    np.testing.assert_allclose(
        price(flows, handle).npv, price(flows, Market(0.05, valuation=V, otherwise=0.0)).npv, rtol=1e-13
    )


def test_a_market_is_a_value():
    market = Market(FACTORS, {"A": 0.02, "B": {"price": 98.0}}, valuation=V)
    assert market == Market(from_discounts(V, FACTORS), {"A": Quote("z", 0.02), "B": Quote("price", 98.0)})
    assert pickle.loads(pickle.dumps(market)) == market
    assert hash(market) == hash(pickle.loads(pickle.dumps(market)))
    assert market != Market(FACTORS, {"A": 0.02}, valuation=V)
    with pytest.raises(AttributeError):
        market.currency = "GBP"
    with pytest.raises(ValueError, match="read-only"):
        market.curve.logs[0] = 1.0


def test_a_zero_rate_moved_by_a_basis_point_moves_the_value_by_dv01(toy):
    """With coupons projected anew from the moved curve: the fixed note discounts, the floating one hardly minds."""

    def at(bp, day):
        market = Market(
            flat(day, 0.04), otherwise=0.01, projections={"SOFR": flat(day, 0.04)}, fixings={"SOFR": {V: 0.043}}
        )
        there = market.shifted(bp)
        return price(toy(rate=there.rates(toy().plan)["SOFR"]), there)

    for day in (V, dt.date(2026, 3, 2)):  # the running coupon is fixed on the second, not on the first
        up, down, here = at(0.5, day), at(-0.5, day), at(0.0, day)
        change = (down.npv - up.npv)[0, 0]
        np.testing.assert_allclose(here["dv01"][0, 0, :2], change[:2], rtol=1e-6)
        assert abs(change[1]) < change[0] / 20
        np.testing.assert_allclose(here.key_rate_dv01().sum(axis=3), here["dv01"], rtol=1e-9, atol=1e-12)


# Bootstraps: the instruments reprice


def as_quantlib(curve):
    """The same discount factors in QuantLib, log-linear as ours."""
    days = [dt.date.fromordinal(int(day)) for day in curve.ordinals]
    return ql.YieldTermStructureHandle(
        ql.DiscountCurve([to_ql(day) for day in days], np.exp(curve.logs).tolist(), ql.Actual365Fixed())
    )


SWAPS = {"1W": 0.0431, "1M": 0.043, "6M": 0.0415, "1Y": 0.040, "18M": 0.0392, "2Y": 0.0388, "5Y": 0.038, "30Y": 0.041}
QUOTED = {  # by index: days to the payment, and how often a swap of more than a year pays, as the currency's are cleared
    "SOFR": (ql.Sofr, 2, ql.Annual),
    "SONIA": (ql.Sonia, 0, ql.Annual),
    "ESTR": (ql.Estr, 1, ql.Annual),
    "TONA": (getattr(ql, "Tonar", ql.Sofr), 2, ql.Annual),
    "CORRA": (ql.Corra, 1, ql.Semiannual),
}


@pytest.mark.parametrize(
    "valuation",
    [
        dt.date(2024, 2, 29), dt.date(2024, 3, 14), dt.date(2026, 1, 29), dt.date(2026, 11, 21), dt.date(2027, 12, 30),
        dt.date(2035, 3, 14),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("index", QUOTED)
def test_overnight_swaps_reprice_and_the_evaluation_date_stays(index, valuation):
    """The fair rates of QuantLib's MakeOIS, with its own days to the start, on the curve are the rates given."""
    was = ql.Settings.instance().evaluationDate
    curve = ois(valuation, SWAPS, index)
    assert ql.Settings.instance().evaluationDate == was
    made, lag, often = QUOTED[index]
    overnight = made(as_quantlib(curve))
    with evaluated(to_ql(valuation)):
        for tenor, rate in SWAPS.items():
            pays = often if tenor in ("18M", "2Y", "5Y", "30Y") else ql.Annual
            fair = ql.MakeOIS(ql.Period(tenor), overnight, paymentLag=lag, paymentFrequency=pays).fairRate()
            assert fair == pytest.approx(rate, abs=1e-9), tenor


@pytest.mark.parametrize(("days", "lag"), [(0, 0), (1, 0), (3, 5)])
def test_an_overnight_swap_may_start_and_pay_on_other_days_than_its_index_has(tmp_path, days, lag):
    path = tmp_path / "market.yaml"
    path.write_text(
        "firstloss-market: 1\nvaluation: 2026-11-20\ncurrency: USD\ncurve:\n  ois:\n    rates: {1Y: 0.04, 5Y: 0.038}\n"
        f"    settlement_days: {days}\n    payment_lag: {lag}\n", "utf-8",
    )  # fmt: skip
    overnight = ql.Sofr(as_quantlib(load_market(path).curve))
    with evaluated(ql.Date(20, 11, 2026)):
        for tenor, rate in (("1Y", 0.04), ("5Y", 0.038)):
            made = ql.MakeOIS(ql.Period(tenor), overnight, settlementDays=days, paymentLag=lag)
            assert made.fairRate() == pytest.approx(rate, abs=1e-9)


@pytest.mark.parametrize("convexity", ["", "convexity: 0.0003", "convexity: {2027-03: 0.0001}"])
def test_sofr_futures_reprice_less_their_convexity(tmp_path, convexity):
    """Price = 100 (1 - forward - convexity), forward = (D(t1) / D(t2) - 1) 360 / days between third Wednesdays."""
    prices = {(2026, 12): 96.10, (2027, 3): 96.25, (2027, 6): 96.40}
    text = ", ".join(f"{year}-{month:02}: {price}" for (year, month), price in prices.items())
    path = tmp_path / "market.yaml"
    path.write_text(
        "firstloss-market: 1\nvaluation: 2026-11-20\ncurrency: USD\ncurve:\n  ois:\n    rates: {3W: 0.0402, 5Y: 0.039}\n"
        f"    futures: {{{text}}}\n    {convexity}\n", "utf-8",
    )  # fmt: skip
    was = ql.Settings.instance().evaluationDate
    curve = load_market(path).curve
    assert ql.Settings.instance().evaluationDate == was
    for (year, month), quoted in prices.items():
        less = {"": 0.0, "convexity: 0.0003": 0.0003}.get(convexity, 0.0001 if (year, month) == (2027, 3) else 0.0)
        begins = third_wednesday(year, month)
        ends = third_wednesday(year + month // 12, month % 12 + 3)
        forward = (curve.discount(begins) / curve.discount(ends) - 1.0) * 360 / (ends - begins).days
        assert 100.0 * (1.0 - forward - less) == pytest.approx(quoted, abs=1e-8)


def third_wednesday(year, month):
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(2 - first.weekday()) % 7 + 14)


def test_a_future_that_has_begun_is_refused():
    with pytest.raises(CannotPrice, match="the SOFR future 2026-09 began before the valuation date 2026-11-20"):
        ois(dt.date(2026, 11, 20), {"5Y": 0.04}, "SOFR", {"2026-09": (96.0, 0.0)})


@pytest.mark.parametrize(
    "valuation", [V, dt.date(2023, 8, 31), dt.date(2024, 2, 29), dt.date(2026, 8, 30), dt.date(2026, 12, 31)], ids=str
)
def test_treasuries_reprice_and_the_evaluation_date_stays(valuation):
    """A par yield is half of it every half-year, however long: at par, 1 = y / 2 x (D1 + ... + Dn) + Dn."""
    yields = {"6M": 0.041, "1Y": 0.0405, "2Y": 0.039, "10Y": 0.043, "30Y": 0.048}
    was = ql.Settings.instance().evaluationDate
    curve = treasuries(valuation, yields)
    assert ql.Settings.instance().evaluationDate == was
    for tenor, rate in yields.items():
        halves = ql.Period(tenor).length() * (2 if tenor.endswith("Y") else 1) // (1 if tenor.endswith("Y") else 6)
        dates = [from_ql(to_ql(valuation) + ql.Period(6 * k, ql.Months)) for k in range(1, halves + 1)]
        factors = curve.discounts(dates)
        assert rate / 2.0 * factors.sum() + factors[-1] == pytest.approx(1.0, abs=1e-10), tenor
    if valuation == V:
        assert curve.par_yield(10.0, 2) == pytest.approx(0.043, abs=5e-5)  # years of 365 days


def test_treasury_par_yields_by_hand():
    """The Treasury's rates of 7 March 2023: D1 = 1 / (1 + 5.32 % / 2), D2 = (1 - 5.22 % / 2 x D1) / (1 + 5.22 % / 2)."""
    curve = treasuries(dt.date(2023, 3, 7), {"6M": 0.0532, "1Y": 0.0522})
    first = 1.0 / 1.0266
    found = curve.discounts([dt.date(2023, 9, 7), dt.date(2024, 3, 7)])
    assert found == pytest.approx([first, (1.0 - 0.0261 * first) / 1.0261], abs=1e-12)
    assert found == pytest.approx([0.97408923, 0.94978683], abs=5e-9)


@pytest.mark.parametrize(("valuation", "year"), [(dt.date(2026, 1, 15), 365), (dt.date(2023, 6, 1), 366)], ids=str)
def test_a_bill_is_quoted_by_its_bond_equivalent(valuation, year):
    """31 CFR part 356, appendix B, VI.C.1: i = (100 - P) / P x y / r, r days, y those of the year that follows."""
    curve = treasuries(valuation, {"1M": 0.043, "13W": 0.0435, "1Y": 0.04})
    for end, rate in ((valuation.replace(month=valuation.month + 1), 0.043), (valuation + dt.timedelta(91), 0.0435)):
        price, days = 100.0 * curve.discount(end), (end - valuation).days
        assert (100.0 - price) / price * year / days == pytest.approx(rate, abs=1e-10)


def test_a_par_yield_between_half_years_has_a_short_first_coupon():
    """Nine months from 15 January 2026: 90 of the 182 days from 15 October to 15 April, of half a coupon; then a half."""
    curve = treasuries(V, {"3M": 0.04, "9M": 0.042})
    first, last = curve.discounts([dt.date(2026, 4, 15), dt.date(2026, 10, 15)])
    assert 0.021 * 90 / 182 * first + 1.021 * last == pytest.approx(1.0, abs=1e-10)


def test_two_threads_price_what_one_does(toy):
    flows, found = toy(), {}
    markets = [Market(FACTORS, {"A": {"price": p}}, valuation=V, otherwise=0.01) for p in (90.0, 95.0, 99.0, 101.0)]

    def work(n):
        found[n] = price(flows, markets[n], SpreadShock.parallel(bp=50))["yield_to_maturity"]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, market in enumerate(markets):
        np.testing.assert_array_equal(found[n], price(flows, market, SpreadShock.parallel(bp=50))["yield_to_maturity"])


# Files

FILE = """
firstloss-market: 1
valuation: 2026-01-15
currency: USD
curve:
  discount_factors:
    nodes: {2027-01-15: 0.96, 2029-01-15: 0.88, 2036-01-15: 0.6}
quotes:
  A: 0.0225
  B: {dm: 0.03}
  E: {yield: 0.15}
projections:
  SOFR: {zero_rates: {nodes: {2036-01-15: 0.04}}}
fixings:
  SOFR: {2025-10-15: 0.043}
fx: {GBP: 1.27}
swap: {ois: {rates: {1Y: 0.04, 10Y: 0.041}}}
government: {treasuries: {yields: {1Y: 0.04, 10Y: 0.043}}}
"""


def test_a_market_file_is_a_market(tmp_path, toy):
    path = tmp_path / "market.yaml"
    path.write_text(FILE, "utf-8")
    market = load_market(path)
    assert market.quotes == {"A": Quote("z", 0.0225), "B": Quote("dm", 0.03), "E": Quote("yield", 0.15)}
    assert market.curve == from_discounts(V, FACTORS)
    assert market.fixings == {"SOFR": {dt.date(2025, 10, 15): 0.043}}
    assert market.projections["SOFR"].discount(dt.date(2036, 1, 15)) == pytest.approx(np.exp(-0.04 * 3652 / 365))
    assert market == load_market(path)
    assert price(toy(), market)["yield_to_maturity"][0, 0, 2] == pytest.approx(0.15, abs=1e-12)


def test_a_market_file_tells_every_fault_at_once(tmp_path):
    path = tmp_path / "market.yaml"
    text = FILE
    for right, wrong in (
        ("currency", "curency"),
        ("dm:", "dmm:"),
        ("0.0225", "225"),
        ("0.88", "-0.88"),
        ("10Y", "10X"),
    ):
        text = text.replace(right, wrong)
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidTerms) as caught:
        load_market(path)
    message = str(caught.value)
    for part in (
        "there is no field 'curency'. Did you mean 'currency'?",
        "quotes['B']: there is no kind of quote 'dmm'. Did you mean 'dm'?",
        "quotes['A']: z is a decimal (0.0225 is 225 basis points), got 225",
        "curve.discount_factors.nodes['2029-01-15']: must be above 0, got -0.88",
        "rates['10X']: a tenor is a number and D, W, M or Y",
        "yields['10X']: a tenor is a number",
    ):
        assert part in message, message


def test_a_curve_may_be_one_rate(tmp_path):
    path = tmp_path / "market.yaml"
    path.write_text("firstloss-market: 1\nvaluation: 2026-01-15\ncurrency: USD\ncurve: 0.025\n", "utf-8")
    assert load_market(path).curve == flat(V, 0.025)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ("4", "curve: a rate is a decimal (0.04 is 4 %), got 4"),
        ("{flat: {rate: 4.0}}", "curve.flat.rate: a rate is a decimal"),
        ("{zero_rates: {nodes: {2027-01-15: 4.0}}}", "curve.zero_rates.nodes['2027-01-15']: a rate is a decimal"),
        ("{ois: {rates: {1Y: 4.0}}}", "curve.ois.rates['1Y']: a rate is a decimal"),
        ("{ois: {rates: {1Y: 0.04}, futures: {2026-11: 96}}}", "a contract is a year and its March, June"),
        ("{ois: {rates: {1Y: 0.04}, futures: {2026-12: 0.04}}}", "a price is 100 less the rate in per cent"),
        (
            "{ois: {rates: {1Y: 0.04}, index: ESTR, futures: {2026-12: 96}}}",
            "are those on SOFR, and the index is 'ESTR'",
        ),
        (
            "{ois: {rates: {1Y: 0.04}, futures: {2026-12: 96}, convexity: {2026-03: 0.1}}}",
            "there is no future '2026-03'",
        ),
        (
            "{ois: {rates: {1Y: 0.04}, futures: {2026-12: 96}, convexity: 2}}",
            "is a decimal rate (0.0002 is 2 basis points)",
        ),
    ],
)
def test_rates_that_are_no_decimals_are_refused(tmp_path, curve, message):
    path = tmp_path / "market.yaml"
    path.write_text(f"firstloss-market: 1\nvaluation: 2026-01-15\ncurrency: USD\ncurve: {curve}\n", "utf-8")
    with pytest.raises(InvalidTerms) as caught:
        load_market(path)
    assert message in str(caught.value)


def test_rates_are_fixings_behind_and_forwards_ahead(toy):
    plan = toy().plan
    day = dt.date(2026, 6, 1)
    curve = {dt.date(2027, 1, 15): 0.97, dt.date(2032, 1, 15): 0.8}
    fixings = {"SOFR": {V: 0.05, dt.date(2026, 4, 15): 0.051}}
    rates = Market(0.03, valuation=day, projections={"SOFR": curve}, fixings=fixings).rates(plan)["SOFR"]
    assert rates[:2].tolist() == [0.05, 0.051]
    a, b = (from_discounts(day, curve).discount(date) for date in plan.schedule.payment[2:4])
    assert rates[2] == pytest.approx((a / b - 1.0) * 360 / (plan.schedule.payment[3] - plan.schedule.payment[2]).days)
    with pytest.raises(
        CannotPrice, match="'SOFR' has no fixing on 2026-04-15, which lies before the valuation date 2026-06-01"
    ):
        Market(0.03, valuation=day, projections={"SOFR": curve}, fixings={"SOFR": {V: 0.05}}).rates(plan)
    with pytest.raises(CannotPrice, match="there is no projection curve for the index 'SOFR'"):
        Market(0.03, valuation=day, projections={"SOFT": curve}).rates(plan)


def test_amounts_of_another_currency_need_its_exchange_rate():
    dollars = Market(0.04, valuation=V, currency="USD", fx={"GBP": 1.27})
    assert dollars.in_currency(100.0, "GBP") == 127.0
    assert dollars.in_currency(100.0, "USD") == 100.0
    with pytest.raises(CannotPrice, match="there is no exchange rate of the currency 'EUR'"):
        dollars.in_currency(100.0, "EUR")
    with pytest.raises(InvalidTerms, match=r"fx\['GBP'\]: must be above 0, got -1"):
        Market(0.04, valuation=V, fx={"GBP": -1.0})


# What is refused, and how


def market(quotes=None, curve=0.04, **more):
    return Market(curve, quotes, valuation=V, **{"otherwise": 0.01, **more})


REFUSED = {
    "no spread": (lambda f: price(f, market({"b": 0.02, "A": 0.01, "E": {"yield": 0.1}}, otherwise=None)), CannotPrice,
        "there is no spread or quote for the tranche 'B'. Did you mean 'b'? Known: 'b', 'A', 'E'."),
    "no discount yield": (lambda f: price(f, market({"A": 0.01, "B": 0.02}, otherwise=None)), CannotPrice,
        "the equity 'E' needs a discount yield: quotes={'E': {'yield': 0.12}}"),
    "two at once": (lambda f: price(f, market({"A": 0.01}, otherwise=None)), CannotPrice, "2 faults:"),
    "equity by g": (lambda f: price(f, market({"E": {"g": 0.1}})), CannotPrice, "the equity 'E' is quoted by yield, z or price, not by g"),
    "short curve": (lambda f: price(f, market(curve={dt.date(2028, 1, 15): 0.9})), CannotPrice,
        "the curve ends on 2028-01-15, and 'A' of 'toy' is paid until 2031-01-15"),
    "short quantlib curve": (lambda f: price(f, ql.DiscountCurve([ON, ON + 700], [1, 0.9], ql.Actual365Fixed())), CannotPrice,
        "the curve ends on 2027-12-16, and 'A' of 'toy' is paid until"),
    "negative factor": (lambda f: market(curve={dt.date(2028, 1, 15): -0.9}), CannotPrice,
        "the discount factor on 2028-01-15 must be above 0, got -0.9"),
    "nan factor": (lambda f: market(curve={dt.date(2028, 1, 15): float("nan")}), CannotPrice,
        "the discount factor on 2028-01-15 must be above 0, got nan"),
    "empty handle": (lambda f: price(f, ql.YieldTermStructureHandle()), CannotPrice, "the YieldTermStructureHandle is empty"),
    "no start": (lambda f: Market(0.04), InvalidTerms, "this curve does not say where it starts: give valuation="),
    "two starts": (lambda f: Market(ql.FlatForward(ON + 1, 0.04, ql.Actual365Fixed()), valuation=V), InvalidTerms,
        "the curve covers 2026-01-16 to 2076-01-04, and the valuation date is 2026-01-15: it must start on it or before"),
    "no curve": (lambda f: price(f, "SOFR"), InvalidTerms, "a curve is a QuantLib YieldTermStructure or its handle"),
    "price out of reach": (lambda f: price(f, market({"A": {"price": 1e-60}})), CannotPrice, "no spread from -100% to 5,000% gives 'A' the price 1e-60"),
    "price of nothing": (lambda f: price(f, market({"A": {"price": 40.0}}), reference="dead"), CannotPrice,
        "'A' is quoted at 40 and has no cash left in the reference scenario 'dead'"),
    "yield of nothing": (lambda f: price(f, market({"A": {"yield": 0.05}}), reference="dead"), CannotPrice,
        "'A' has no cash in the reference scenario, so its quote gives no spread, but it has cash in 'base'"),
    "negative price": (lambda f: market({"A": {"price": -1.0}}), InvalidTerms, "quotes['A']: a price must be above 0 and at most 1000, per 100 of balance, got -1"),
    "spread in bp": (lambda f: market({"A": 225.0}), InvalidTerms, "z is a decimal (0.0225 is 225 basis points), got 225"),
    "spread in per cent": (lambda f: market({"A": 2.25}), InvalidTerms, "z is a decimal (0.0225 is 225 basis points), got 2.25"),
    "curve in per cent": (lambda f: market(curve=4.0), InvalidTerms, "curve: a rate is a decimal (0.04 is 4 %), got 4"),
    "nan spread": (lambda f: market({"A": float("nan")}), InvalidTerms, "quotes['A']: must be a finite number, got nan"),
    "unknown kind": (lambda f: market({"A": {"prise": 99.0}}), InvalidTerms, "there is no kind of quote 'prise'. Did you mean 'price'?"),
    "two kinds": (lambda f: market({"A": {"z": 0.01, "g": 0.01}}), InvalidTerms, "must be one kind and its value"),
    "no government": (lambda f: price(f, market({"A": {"g": 0.01}})), CannotPrice, "the market has no government curve: Market(government=...)"),
    "dm of fixed": (lambda f: price(f, market({"A": {"dm": 0.01}})), CannotPrice, "'A' is quoted by discount margin (dm) and its coupon does not float"),
    "currency": (lambda f: price(f, market(currency="GBP")), CannotPrice, "the deal 'toy' pays USD and the market discounts GBP"),
    "reference": (lambda f: price(f, market(), reference="bade"), UnknownName, "there is no scenario 'bade'. Did you mean 'bad'?"),
    "shock tranche": (lambda f: price(f, market(), SpreadShock.by_tranche(bp={"a": 50})), UnknownName, "there is no tranche 'a'. Did you mean 'A'?"),
    "shock rating": (lambda f: price(f, market(), SpreadShock.by_rating(bp={"AA+": 50})), UnknownName, "there is no rating 'AA+'. Did you mean 'AA'?"),
    "shock nan": (lambda f: SpreadShock.parallel(bp=float("inf")), InvalidTerms, "Parallel.bp: must be a finite number, got inf"),
    "two of a name": (lambda f: price(f, market(), [SpreadShock.parallel(bp=1, name="x"), SpreadShock.parallel(bp=2, name="x")]), InvalidTerms,
        "two shocks are named 'x' and differ"),
    "a number": (lambda f: price(f, market(), [100]), InvalidTerms, "shocks[0]: must be a SpreadShock, such as SpreadShock.parallel(bp=100), got 100"),
    "pair": (lambda f: price(f, market(), pairs=[Stress("bas")]), UnknownName, "there is no scenario 'bas'. Did you mean 'base'?"),
    "measure": (lambda f: price(f, market())["durations"], UnknownName, "there is no measure 'durations'"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "curve"), [("g", "government"), ("i", "swap")])
def test_a_spread_over_a_par_yield_is_refused_where_no_principal_tells_its_tenor(given, kind, curve):
    flows = given([dt.date(2026, 4, 15), dt.date(2026, 7, 15)], [1.0, 1.0], [0.0, 0.0])
    with pytest.raises(CannotPrice, match=f"'A' is quoted by {kind}-spread.* and is repaid nothing in 'base'"):
        price(flows, Market(0.04, {"A": {kind: 0.01}}, valuation=V, otherwise=0.0, **{curve: 0.04}))


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_one_clear_message(toy, case):
    act, error, message = REFUSED[case]
    with pytest.raises(error) as caught:
        act(toy())
    assert isinstance(caught.value, FirstLossError)
    assert message in str(caught.value), str(caught.value)
