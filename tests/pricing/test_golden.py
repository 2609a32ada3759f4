"""Against numbers made elsewhere: a tranche's risk from QuantLib, and two published price checks of the Beignet notes."""

import datetime as dt

import numpy as np
import pytest
import QuantLib as ql

from pricing.market.curves import from_discounts
from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.quantlib_cash_flows import to_quantlib_bond, to_quantlib_leg
from pricing.valuation.spreads_at_prices import yield_to_maturity, z_spread
from structuring import Deal, LoanPool, Scenario, psa, run
from waterfalls.clauses.claims import interest, principal, residual, scheduled_principal
from waterfalls.clauses.pay import pay
from waterfalls.clock.schedule import schedule
from waterfalls.distribute import distribute
from waterfalls.errors import InvalidTerms
from waterfalls.plan import resolve
from waterfalls.receipts import Receipts
from waterfalls.terms.amortisation import LevelPayments
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Equity, Note


@pytest.fixture(scope="module")
def case(golden, given):
    data = golden("quantlib_tranche_risk")
    asof = dt.date.fromisoformat(data["asof"])
    rows = data["cashflows"]
    dates = [dt.date.fromisoformat(row["date"]) for row in rows]
    nodes = {asof.replace(year=asof.year + years): factor for years, factor in data["curve"]["nodes"]}

    def flows(per_year):
        return given(
            dates, [row["interest"] for row in rows], [row["principal"] for row in rows], start=asof, per_year=per_year
        )

    return flows, from_discounts(asof, nodes), data["results"]


def test_the_risk_of_a_tranche_is_quantlibs(case):
    flows, curve, expected = case
    assert price(flows(4), Market(curve, {"A": 0.0}, otherwise=0.0)).npv[0, 0, 0] == pytest.approx(
        expected["npv"], rel=1e-13
    )
    wide = price(flows(4), Market(curve, {"A": 0.02}, otherwise=0.0))
    measured = {name: wide[name][0, 0, 0] for name in ("npv", "spread_duration", "cs01", "dv01", "wal")}
    assert measured["npv"] == pytest.approx(expected["npv_z200_cont"], rel=1e-13)
    assert measured["spread_duration"] == pytest.approx(expected["spread_duration_analytic"], rel=1e-12)
    assert measured["cs01"] == pytest.approx(expected["cs01_central_1bp"], rel=1e-7)  # a finite difference
    assert measured["dv01"] == pytest.approx(expected["krd_sum"], rel=1e-7)
    assert measured["wal"] == pytest.approx(expected["wal_years_act365"], rel=1e-14)


def test_the_spread_at_a_price_is_quantlibs(case):
    flows, curve, expected = case
    assert z_spread(flows(4), curve, tranche="A", price=95.0) == pytest.approx(
        [expected["zspread_cont_at_95"]], abs=1e-12
    )
    quoted = price(flows(4), Market(curve, {"A": {"price": 95.0}}, otherwise=0.0))
    assert quoted["z_spread"][0, 0, 0] == pytest.approx(expected["zspread_cont_at_95"], abs=1e-12)


def test_a_spread_compounded_twice_a_year_is_quantlibs(case):
    flows, curve, expected = case
    found = z_spread(flows(4), curve, tranche="A", price=[95.0, expected["npv_z200_semi"]], per_year=2)
    np.testing.assert_allclose(found, [[expected["zspread_semi_at_95"], 0.02]], atol=1e-12)
    with pytest.raises(InvalidTerms, match="per_year: must be a whole number, from 1 to 365"):
        z_spread(flows(4), curve, tranche="A", price=95.0, per_year=0)


def test_the_continuous_yield_its_duration_and_convexity_are_quantlibs(case):
    flows, curve, expected = case
    prices = price(flows(4), Market(curve, {"A": {"price": 95.0}}, otherwise=0.0))
    rate = 4.0 * np.log1p(prices["yield_to_maturity"][0, 0, 0] / 4.0)
    assert rate == pytest.approx(expected["yield_cont_at_95"], abs=1e-12)
    macaulay = prices["modified_duration"][0, 0, 0] * (1.0 + prices["yield_to_maturity"][0, 0, 0] / 4.0)
    assert macaulay == pytest.approx(expected["mod_dur_cont"], rel=1e-11)
    assert macaulay == pytest.approx(expected["mac_dur_qtr"], rel=1e-11)
    assert prices["macaulay_duration"][0, 0, 0] == pytest.approx(expected["mac_dur_qtr"], rel=1e-11)
    bend = prices.cells.yielded(2)[0, 0, 0] / prices.npv[0, 0, 0]
    assert bend == pytest.approx(expected["convexity_cont"], rel=1e-11)


@pytest.mark.parametrize(("per_year", "name"), [(2, "semi"), (4, "qtr")])
def test_yield_duration_and_convexity_are_quantlibs_in_each_compounding(case, per_year, name):
    flows, curve, expected = case
    prices = price(flows(per_year), Market(curve, {"A": {"price": 95.0}}, otherwise=0.0))
    measured = {name: prices[name][0, 0, 0] for name in ("yield_to_maturity", "modified_duration", "convexity", "npv")}
    assert measured["yield_to_maturity"] == pytest.approx(expected[f"yield_{name}_at_95"], abs=1e-12)
    assert yield_to_maturity(flows(per_year), curve, tranche="A", price=95.0) == pytest.approx(
        [expected[f"yield_{name}_at_95"]], abs=1e-12
    )
    assert measured["modified_duration"] == pytest.approx(expected[f"mod_dur_{name}"], rel=1e-11)
    assert measured["convexity"] == pytest.approx(expected[f"convexity_{name}"], rel=1e-11)
    # QuantLib's basis point value is the whole move, convexity included
    bpv = -1e-4 * measured["modified_duration"] * measured["npv"] + 0.5e-8 * measured["convexity"] * measured["npv"]
    assert bpv == pytest.approx(expected[f"bpv_{name}"], rel=1e-6)


def test_key_rates_are_quantlibs_and_sum_to_dv01(case):
    flows, curve, expected = case
    prices = price(flows(4), Market(curve, {"A": 0.02}, otherwise=0.0))
    tents = expected["krd_dv01_by_tenor"]
    asof = curve.start
    days = [(asof.replace(year=asof.year + int(tenor[:-1])) - asof).days for tenor in tents]
    ours = prices.key_rate_dv01([day / 365 for day in days])[0, 0, 0]
    np.testing.assert_allclose(ours, list(tents.values()), rtol=1e-6, atol=1e-12)  # finite differences
    assert ours.sum() == pytest.approx(prices["dv01"][0, 0, 0], rel=1e-14)


# Beignet: interest only to 30 May 2029, then 80 level quarterly payments; prices at the yields of two days

BEIGNET = [(dt.date(2025, 10, 22), 0.0568, 109.04), (dt.date(2026, 9, 29), 0.0755, 91.77)]


@pytest.fixture(scope="module")
def beignet():
    when = schedule(
        closing=dt.date(2025, 10, 16), first_payment=dt.date(2025, 11, 30), maturity=dt.date(2049, 5, 30),
        frequency="quarterly", calendar="none", convention="unadjusted",
    )  # fmt: skip
    level = LevelPayments(dt.date(2029, 8, 30), 80)
    notes = [Note("notes", 27_293.849e6, coupon=Fixed(0.06581), amortisation=level), Equity("equity")]
    clauses = pay(interest("notes")) >> pay(scheduled_principal("notes")) >> pay(residual("equity"))
    plan = resolve("beignet", "USD", when, tranches=notes, waterfall=clauses)
    return distribute(plan, Receipts(when.ends, revenue=1e9, scenarios=["base"]))


@pytest.mark.parametrize(("day", "rate", "clean"), BEIGNET)
def test_the_beignet_notes_cost_what_was_published(beignet, day, rate, clean):
    market = Market(0.04, {"notes": {"yield": rate}}, valuation=day, otherwise=0.0)
    prices = price(beignet, market)
    ours = prices["clean"][0, 0, 0]
    assert ours == pytest.approx(clean, abs=0.05)
    assert prices["yield_to_maturity"][0, 0, 0] == pytest.approx(rate, abs=1e-13)

    on = ql.Date(day.day, day.month, day.year)
    bond = to_quantlib_bond(beignet, "notes", "base", valuation=day)
    count = ql.Thirty360(ql.Thirty360.BondBasis)
    assert bond.cleanPrice(rate, count, ql.Compounded, ql.Quarterly, on) == pytest.approx(ours, abs=1e-9)
    assert bond.accruedAmount(on) == pytest.approx(prices["accrued"][0, 0, 0], abs=1e-11)
    assert bond.bondYield(
        ql.BondPrice(ours, ql.BondPrice.Clean), count, ql.Compounded, ql.Quarterly, on, 1e-14, 1000
    ) == pytest.approx(rate, abs=1e-12)


def test_the_exported_bond_redeems_once(beignet):
    bond = to_quantlib_bond(beignet, "notes")
    paid = beignet.interest["notes"].sum() + beignet.principal["notes"].sum()
    assert sum(flow.amount() for flow in bond.cashflows()) == pytest.approx(paid, rel=1e-12)
    assert sum(flow.amount() for flow in to_quantlib_leg(beignet, "notes")) == pytest.approx(paid, rel=1e-12)
    assert np.isclose(beignet.principal["notes"].sum(), 27_293.849e6, rtol=1e-12)


@pytest.mark.parametrize("quote", [95.0, 100.0, 104.0])
def test_the_yield_of_a_pass_through_that_pays_late_is_the_standard_formula(quote):
    """Price = sum CF_k / (1 + y / 12)^(k + delay / 30) at the start of a month, and bond-equivalent 2 ((1 + y/12)^6 - 1).

    Source: SIFMA, Uniform Practices, chapter SF. Interest of a month is paid 24 days after it.
    """
    pool = LoanPool.level_pay(balance=100.0, rate=0.095, remaining_term=360, servicing=0.005)
    deal = Deal(
        "pass-through", closing=dt.date(2026, 1, 25), cutoff=dt.date(2025, 12, 31), first_payment=dt.date(2026, 2, 25),
        maturity=dt.date(2056, 1, 25), payment_lag=25, frequency="monthly", calendar="none", collateral=pool,
        tranches=(Note("PT", 100.0, coupon=Fixed(0.09)), Equity("R")),
        waterfall=pay(interest("PT")) >> pay(principal("PT")) >> pay(residual("R")),
    )  # fmt: skip
    flows = run(deal, Scenario("100 PSA", prepayment=psa(1.0)))
    market = Market(0.04, valuation=dt.date(2026, 1, 1), otherwise=0.0)
    monthly = yield_to_maturity(flows, market, tranche="PT", price=quote)[0] / 12.0
    paid, months = (flows.interest["PT"] + flows.principal["PT"])[0], np.arange(1, 361)
    assert (paid / (1.0 + monthly) ** (months + 24 / 30)).sum() == pytest.approx(quote, abs=1e-7)
    undelayed = (paid / (1.0 + monthly) ** months).sum()
    assert undelayed > quote + 0.5  # waiting costs the holder
