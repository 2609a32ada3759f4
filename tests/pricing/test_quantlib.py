"""Our arrays against `ql.CashFlows` on the exported leg, over cash flows that no textbook would print."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql

from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.quantlib_cash_flows import to_quantlib_bond, to_quantlib_leg
from pricing.valuation.spreads_at_prices import yield_to_maturity, z_spread
from structuring import Deal, LoanPool, Scenario, run
from waterfalls import Equity, Fixed, Note, interest, pay, residual, scheduled_principal

START = dt.date(2026, 1, 15)
VALUATIONS = {"at the start": START, "inside a period": dt.date(2026, 8, 31), "on a payment": dt.date(2026, 7, 31)}
COUNTS = {
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30E/360": ql.Thirty360(ql.Thirty360.European),
    "actual/360": ql.Actual360(),
    "actual/365F": ql.Actual365Fixed(),
    "actual/actual ISDA": ql.ActualActual(ql.ActualActual.ISDA),
}
# month ends, weekends, a short first stub, a long period, a short last one
DATES = [
    dt.date(*ymd)
    for ymd in (
        (2026, 2, 28), (2026, 4, 30), (2026, 7, 31), (2026, 10, 31), (2027, 1, 31), (2027, 7, 30), (2027, 10, 31),
        (2028, 2, 29), (2028, 5, 31), (2029, 5, 31), (2029, 8, 31), (2029, 9, 13),
    )
]  # fmt: skip
N = len(DATES)
STRAIGHT = np.full(N, 1.4), np.append(np.zeros(N - 1), 100.0), 0.0
CASES = {
    "bullet": STRAIGHT,
    "amortising": (np.linspace(1.5, 0.1, N), np.full(N, 100.0 / N), 0.0),
    "deferred and caught up": (np.array([1.4, 1.4, 0, 0, 0, 7.0, 1.4, 1.4, 1.4, 2.8, 1.4, 0.2]), STRAIGHT[1], 0.0),
    "written down": (np.linspace(1.5, 0.4, N), np.append(np.full(N - 1, 2.0), 20.0), np.eye(1, N, 5)[0] * 58.0),
    "repaid early": (np.array([1.4, 1.4, 1.4, *[0] * (N - 3)]), np.array([10.0, 30.0, 60.0, *[0] * (N - 3)]), 0.0),
    "nothing but the end": (np.zeros(N), STRAIGHT[1], 0.0),
}


def to_ql(day):
    return ql.Date(day.day, day.month, day.year)


@pytest.fixture(params=VALUATIONS.values(), ids=VALUATIONS)
def valuation(request):
    return request.param


@pytest.fixture
def curve(valuation):
    on = to_ql(valuation)
    nodes = [on + ql.Period(years, ql.Years) for years in (0, 1, 2, 5, 10)]
    return ql.DiscountCurve(nodes, [1.0, 0.958, 0.925, 0.82, 0.66], ql.Actual365Fixed())


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("often", [ql.Quarterly, ql.Semiannual, ql.Annual])
def test_every_measure_is_quantlibs(given, curve, valuation, case, count, often):
    paid, repaid, written_down = CASES[case]
    flows = given(DATES, paid, repaid, written_down=written_down, day_count=count, per_year=int(often))
    leg, on, z = to_quantlib_leg(flows, "A"), to_ql(valuation), 0.0275
    prices = price(flows, Market(curve, {"A": z}, otherwise=0.0))
    ours = {name: prices[name][0, 0, 0] for name in ("npv", "yield_to_maturity", "modified_duration", "convexity")}
    if not any(flow.date() > on for flow in leg):
        assert ours["npv"] == 0.0
        return
    a365, continuous = ql.Actual365Fixed(), ql.Continuous
    npv = ql.CashFlows.npv(leg, curve, z, a365, continuous, ql.NoFrequency, False, on, on)
    assert ours["npv"] == pytest.approx(npv, rel=1e-12)
    solver = (1e-14, 10_000, 0.03)
    spread = ql.CashFlows.zSpread(leg, npv, curve, a365, continuous, ql.NoFrequency, False, on, on, *solver)
    clean = prices["clean"][0, 0, 0]
    assert z_spread(flows, curve, tranche="A", price=clean)[0] == pytest.approx(spread, abs=1e-10)

    rule = (COUNTS[count], ql.Compounded, often)
    rate = ql.CashFlows.yieldRate(leg, npv, *rule, False, on, on, *solver)
    assert ours["yield_to_maturity"] == pytest.approx(rate, abs=1e-10)
    assert yield_to_maturity(flows, curve, tranche="A", price=clean)[0] == pytest.approx(rate, abs=1e-10)
    duration = ql.CashFlows.duration(leg, rate, *rule, ql.Duration.Modified, False, on, on)
    assert ours["modified_duration"] == pytest.approx(duration, rel=1e-10)
    assert ours["convexity"] == pytest.approx(ql.CashFlows.convexity(leg, rate, *rule, False, on, on), rel=1e-10)


def test_draws_are_negative_flows_for_both(given, curve, valuation):
    drawn = np.array([20.0, 20.0, 10.0, *[0.0] * (N - 3)])
    flows = given(DATES, np.full(N, 1.4), STRAIGHT[1] * 1.5, balance=100.0, undrawn=50.0, drawn=drawn)
    leg, on = to_quantlib_leg(flows, "A"), to_ql(valuation)
    npv = ql.CashFlows.npv(leg, curve, 0.01, ql.Actual365Fixed(), ql.Continuous, ql.NoFrequency, False, on, on)
    prices = price(flows, Market(curve, {"A": 0.01}, otherwise=0.0))
    assert prices.npv[0, 0, 0] == pytest.approx(npv, rel=1e-12)
    rate = ql.CashFlows.yieldRate(
        leg, npv, ql.Actual365Fixed(), ql.Compounded, ql.Quarterly, False, on, on, 1e-14, 1000, 0.05
    )
    assert prices["yield_to_maturity"][0, 0, 0] == pytest.approx(rate, abs=1e-10)


def test_a_half_drawn_note_at_par_costs_100(given):
    """A note that pays the market's own rate on what is drawn is quoted at par, however much is drawn."""
    dates = [START + dt.timedelta(days=365 * year) for year in (1, 2)]
    growth = np.exp(0.05) - 1.0
    flows = given(dates, [40 * growth, 100 * growth], [0, 100], balance=40.0, undrawn=60.0, drawn=[60, 0], per_year=1)
    prices = price(flows, Market(0.05, {"A": 0.0}, valuation=START, otherwise=0.0))
    assert prices["clean"][0, 0, 0] == pytest.approx(100.0, abs=1e-11)
    assert prices.npv[0, 0, 0] == pytest.approx(40.0, abs=1e-11)


def test_accrued_interest_is_that_of_the_exported_bond(toy):
    flows = toy(shares=(1.0,), names=("base",))
    for day in (dt.date(2026, 1, 15), dt.date(2026, 3, 31), dt.date(2028, 10, 14), dt.date(2028, 10, 16)):
        prices = price(flows, Market(0.04, valuation=day, otherwise=0.0))
        for i, name in enumerate(("A", "B")):
            bond = to_quantlib_bond(flows, name, valuation=day)
            assert prices["accrued"][0, 0, i] == pytest.approx(bond.accruedAmount(to_ql(day)), abs=1e-12)


@pytest.mark.parametrize("rate", [-0.005, 0.03, 0.12])
def test_floating_discount_margin_at_par_is_the_margin(toy, rate):
    flows = toy(shares=(1.0,), names=("base",), rate=rate)
    prices = price(flows, Market(0.01, {"B": {"dm": 0.03}}, valuation=START, otherwise=0.0))
    assert prices["clean"][0, 0, 1] == pytest.approx(100.0, abs=1e-10)
    assert prices["discount_margin"][0, 0, 1] == pytest.approx(0.03, abs=1e-13)
    assert np.isnan(prices["discount_margin"][0, 0, 0])  # a fixed coupon has none


def test_g_and_i_spreads_are_yields_less_par_yields(given):
    """A bullet with an annual coupon: the par yield is that of a bond of its own maturity."""
    dates = [START.replace(year=START.year + year) for year in (1, 2, 3)]
    flows = given(dates, [5, 5, 5], [0, 0, 100], per_year=1)
    government = ql.DiscountCurve([to_ql(day) for day in (START, *dates)], [1, 0.97, 0.93, 0.89], ql.Actual365Fixed())
    tau = (dates[-1] - START).days / 365.0
    times = [tau - 3, tau - 2, tau - 1, tau]  # the first period is one day long: 2028 is a leap year
    par = (1 - 0.89) / sum(a * government.discount(t) for a, t in zip((tau - 3, 1, 1, 1), times, strict=True))
    for kind, curve in (("g", "government"), ("i", "swap")):
        market = Market(0.01, {"A": {kind: 0.02}}, valuation=START, otherwise=0.0, **{curve: government})
        prices = price(flows, market)
        assert prices["yield_to_maturity"][0, 0, 0] == pytest.approx(par + 0.02, abs=1e-12)
        assert prices[f"{kind}_spread"][0, 0, 0] == pytest.approx(0.02, abs=1e-12)
        assert np.isnan(prices["i_spread" if kind == "g" else "g_spread"][0, 0, 0])


def test_days_of_thirty_do_not_add_up_and_are_taken_as_quantlib_takes_them(given):
    """From 15 January to 31 March are 76 days of 30/360, of which 15 have run on 30 January; from there there are 60."""
    dates, day = [dt.date(2026, 3, 31), dt.date(2026, 6, 30)], dt.date(2026, 1, 30)
    flows = given(dates, [1.0, 1.2], [0.0, 100.0], day_count="30/360")
    prices = price(flows, Market(0.04, valuation=day, otherwise=0.01))
    leg, on, rule = to_quantlib_leg(flows, "A"), to_ql(day), (COUNTS["30/360"], ql.Compounded, ql.Quarterly)
    rate = ql.CashFlows.yieldRate(leg, prices.npv[0, 0, 0], *rule, False, on, on, 1e-14, 1000, 0.05)
    assert prices["yield_to_maturity"][0, 0, 0] == pytest.approx(rate, abs=1e-12)
    assert prices["accrued"][0, 0, 0] == pytest.approx(1.0 * 15 / 76, rel=1e-12)


def half_yearly(day_count):
    """A bullet of 4.5 % paid twice a year, by day count."""
    deal = Deal(
        "bullet", closing=START, first_payment=dt.date(2026, 7, 15), maturity=dt.date(2031, 1, 15),
        frequency="semiannual", calendar="none", collateral=LoanPool.level_pay(balance=1e3, rate=0.1, remaining_term=60),
        tranches=(Note("A", 100.0, coupon=Fixed(0.045), day_count=day_count), Equity("E")),
        waterfall=pay(interest("A")) >> pay(scheduled_principal("A")) >> pay(residual("E")),
    )  # fmt: skip
    return run(deal, [Scenario("base")])


@pytest.mark.parametrize("day", [START, dt.date(2026, 3, 2), dt.date(2027, 9, 3)])
def test_a_bond_accrued_by_icma_costs_what_quantlibs_does(day):
    flows, on = half_yearly("actual/actual ICMA"), to_ql(day)
    prices = price(flows, Market(0.03, {"A": {"yield": 0.052}}, valuation=day, otherwise=0.0))
    rule, none = ql.DateGeneration.Forward, ql.NullCalendar()
    dates = ql.Schedule(
        to_ql(START), ql.Date(15, 1, 2031), ql.Period("6M"), none, ql.Unadjusted, ql.Unadjusted, rule, False
    )
    count = ql.ActualActual(ql.ActualActual.ISMA, dates)
    bond = ql.FixedRateBond(0, 100.0, dates, [0.045], count)
    assert prices["clean"][0, 0, 0] == pytest.approx(
        bond.cleanPrice(0.052, count, ql.Compounded, ql.Semiannual, on), abs=1e-10
    )
    assert prices["accrued"][0, 0, 0] == pytest.approx(bond.accruedAmount(on), abs=1e-12)


@pytest.mark.parametrize("day_count", ["actual/365A", "actual/365L", "30E+/360"])
def test_day_counts_that_quantlib_lacks_are_exported_with_their_amounts(day_count):
    flows = half_yearly(day_count)
    assert len(set(flows.interest["A"][0])) > 1 or day_count == "30E+/360"  # leap years are shorter
    exported = [coupon.amount() for coupon in to_quantlib_leg(flows, "A")[:-1]]
    np.testing.assert_allclose(exported, flows.interest["A"][0], rtol=1e-13)
