"""Tranches of a portfolio: published tables, QuantLib beside us, closed forms, and laws that hold for every portfolio."""

import datetime as dt
import itertools
import math
from typing import cast

import numpy as np
import pytest
import QuantLib as ql
from deals import golden
from obligors import alike

from structuring.portfolio_tranches.hazards import bootstrapped
from structuring.portfolio_tranches.implied_correlations import TrancheQuote, base_correlations, compound_correlations
from structuring.portfolio_tranches.legs import Legs, legs, legs_of_name
from structuring.portfolio_tranches.losses import capped_losses, legs_of_tranche, portfolio_losses
from structuring.portfolio_tranches.mixtures import convolved, mixed, on_grid, tranched
from structuring.portfolio_tranches.nth_to_default import chance_of_nth, legs_of_nth
from structuring.portfolio_tranches.one_factor import OneFactor
from structuring.portfolio_tranches.premium_periods import standard, yearly
from structuring.simulation.credit_losses import LossDistribution, Obligor, conditional, exact_losses
from waterfalls.errors import CannotPrice, InvalidTerms

# Published


def test_a_credit_default_swap_costs_what_hull_says():
    case = golden("structured_hull_cds")
    given, expected, close = case["inputs"], case["expected"], {"abs": case["tolerance"]["printed"]}
    name = Obligor("reference", 1.0, hazard=given["hazard"], recovery=given["recovery"])
    found = legs_of_name(name, yearly(given["years"], 1), given["r_continuous"])
    binary = found.protection / (1.0 - given["recovery"])
    for what, value in {
        "payments": found.premium, "accrual": found.accrued, "payoff": found.protection, "spread": found.fair_spread,
        "value_at_150bp": -found.upfront(given["negotiated_spread"]), "binary_payoff": binary,
        "binary_spread": binary / found.annuity,
    }.items():  # fmt: skip
        assert value == pytest.approx(expected[what], **close), what


def test_itraxx_mezzanine_by_the_standard_market_model():
    case = golden("structured_hull_ex25_2_itraxx_mezz")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    periods, r = yearly(given["maturity"], given["payments_per_year"]), given["r_continuous"]
    spread = 1e-4 * given["index_spread_bp"]
    hazard = bootstrapped({given["maturity"]: spread}, recovery=given["recovery"], discount=r)
    assert hazard[0.0] == pytest.approx(expected["hazard"], abs=5e-5)
    pool = alike(given["n"], case["verified"]["hazard"], given["recovery"])
    found = legs_of_tranche(
        pool, given["attach"], given["detach"], periods, r, model=OneFactor(given["copula_corr"])
    )  # fmt: skip
    for name, value in (("A", found.premium), ("B", found.accrued), ("C", found.protection)):
        assert value == pytest.approx(expected[name], abs=tolerance["A_B_C"])
    assert 1e4 * found.fair_spread == pytest.approx(expected["spread_bp"], abs=tolerance["spread_bp"])


def test_the_upfronts_of_the_isda_standard_model():
    case = golden("structured_isda_standard_upfronts")
    given, trade = case["inputs"], dt.date.fromisoformat(case["inputs"]["trade"])
    discount = markit_curve(given)
    for maturity, spread, recovery, expected in case["expected"]:
        periods = standard(trade, dt.date.fromisoformat(maturity))
        hazard = bootstrapped({periods: spread}, recovery=recovery, discount=discount, steps=20)
        found = legs_of_name(Obligor("", 1.0, hazard=hazard, recovery=recovery), periods, discount, steps=20)
        paid = given["notional"] * found.upfront(given["coupon"]) / discount(np.array([periods.settled]))[0]
        assert paid == pytest.approx(expected, rel=case["tolerance"]["relative"])


def markit_curve(given):
    settings, weekends, following = ql.Settings.instance(), ql.WeekendsOnly(), ql.ModifiedFollowing
    was, settings.evaluationDate = settings.evaluationDate, ql.Date(21, 5, 2009)
    try:
        libor = ql.IborIndex("", ql.Period("3M"), 2, ql.USDCurrency(), weekends, following, False, ql.Actual360())
        helpers = [
            ql.DepositRateHelper(rate, ql.Period(months, ql.Months), 2, weekends, following, False, ql.Actual360())
            for months, rate in given["deposits_by_month"]
        ]
        bond = ql.Thirty360(ql.Thirty360.BondBasis)
        helpers += [
            ql.SwapRateHelper(rate, ql.Period(years, ql.Years), weekends, ql.Semiannual, following, bond, libor)
            for years, rate in given["swaps_by_year"]
        ]
        curve = ql.PiecewiseLogLinearDiscount(0, weekends, helpers, ql.Actual365Fixed())
        nodes = [(curve.timeFromReference(day), math.log(curve.discount(day))) for day in curve.dates()]
    finally:
        settings.evaluationDate = was
    return lambda years: np.exp(np.interp(years, [t for t, _ in nodes], [log for _, log in nodes]))


def test_the_nth_to_default_of_hull_and_white():
    case = golden("structured_hull_white_2004")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    periods = yearly(given["years"], given["payments_per_year"])
    basket = [Obligor(f"{k}", 1.0, hazard=given["hazard"], recovery=given["recovery"]) for k in range(given["basket"])]

    def spreads(model):
        return [
            1e4 * legs_of_nth(basket, n, periods, given["r_continuous"], model=model).fair_spread for n in range(1, 11)
        ]

    for rho, row in expected["nth_bp_by_correlation"].items():
        assert spreads(OneFactor(float(rho))) == pytest.approx(row, abs=tolerance["nth_bp"])
    for degrees, row in expected["nth_bp_at_0.3_by_degrees"].items():
        factor, own = (None if each == "none" else int(each) for each in degrees.split("/"))
        found = spreads(OneFactor(0.3, factor_degrees=factor, own_degrees=own))
        assert found == pytest.approx(row, abs=tolerance["nth_bp"]), degrees
    heavy = spreads(OneFactor(0.3, factor_degrees=5))
    assert heavy == pytest.approx(expected["factor_5_only_bp"], abs=tolerance["factor_5_only_bp"])


def test_the_tranches_of_hull_and_white():
    case = golden("structured_hull_white_2004")
    given, tolerance = case["inputs"], case["tolerance"]
    periods, pool = yearly(given["years"]), alike(given["pool"], given["hazard"], given["recovery"])
    for rho, factor, own, row in case["expected"]["tranche_bp"]:
        model = OneFactor(rho, factor_degrees=factor, own_degrees=own)
        for (a, d), expected in zip(given["tranches"], row, strict=True):
            found = 1e4 * legs_of_tranche(pool, a, d, periods, given["r_continuous"], model=model).fair_spread
            assert found == pytest.approx(expected, rel=tolerance["tranche_relative"], abs=tolerance["tranche_bp"])


def test_the_correlations_that_the_itraxx_of_january_2007_implied():
    case = golden("structured_hull_t25_8_implied_correlations")
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    periods, r = yearly(given["years"], given["payments_per_year"]), given["r_continuous"]
    hazard = bootstrapped({given["years"]: given["index_spread"]}, recovery=given["recovery"], discount=r)
    pool = alike(given["n"], hazard, given["recovery"])
    quotes = [TrancheQuote(a, d, spread=spread, upfront=upfront) for a, d, spread, upfront in given["quotes"]]
    *found, last = base_correlations(pool, quotes, periods, r).values()
    assert found == pytest.approx(expected["base"][:-1], abs=tolerance["printed"])
    assert last == pytest.approx(expected["base"][-1], abs=tolerance["last"])
    for k in (0, 1):  # the others take as long
        assert compound_correlations(pool, quotes[k], periods, r)[0] == pytest.approx(
            expected["compound"][k], abs=tolerance["printed"]
        )


# QuantLib beside us


def test_hazards_are_those_that_quantlib_bootstraps():
    """A term structure of spreads, by PiecewiseFlatHazardRate over SpreadCdsHelper with its ISDA engine."""
    trade, recovery, rate = dt.date(2026, 5, 21), 0.4, 0.03
    settings, day = ql.Settings.instance(), ql.Date(21, 5, 2026)
    was, settings.evaluationDate = settings.evaluationDate, day
    try:
        flat = ql.YieldTermStructureHandle(ql.FlatForward(day, rate, ql.Actual365Fixed()))
        helpers = [
            ql.SpreadCdsHelper(
                spread, ql.Period(years, ql.Years), 0, ql.WeekendsOnly(), ql.Quarterly, ql.Following,
                ql.DateGeneration.CDS2015, ql.Actual360(), recovery, flat, True, True, ql.Date(), ql.Actual360(True), True,
                ql.CreditDefaultSwap.ISDA,
            )
            for years, spread in ((1, 0.006), (3, 0.011), (5, 0.015), (10, 0.017))
        ]  # fmt: skip
        curve = ql.PiecewiseFlatHazardRate(day, helpers, ql.Actual365Fixed())
        ends = [ql.cdsMaturity(day, ql.Period(years, ql.Years), ql.DateGeneration.CDS2015) for years in (1, 3, 5, 10)]
        survived = [curve.survivalProbability(end) for end in ends]
        years = [(end - day) / 365.0 for end in ends]
    finally:
        settings.evaluationDate = was
    days = [dt.date(end.year(), end.month(), end.dayOfMonth()) for end in ends]
    spreads = {standard(trade, end): spread for end, spread in zip(days, (0.006, 0.011, 0.015, 0.017), strict=True)}
    name = Obligor("", 1.0, hazard=bootstrapped(spreads, recovery=recovery, discount=rate, steps=10), recovery=recovery)
    assert [1.0 - name.probability(t) for t in years] == pytest.approx(
        survived, abs=1e-5
    )  # whose knots lie a day later


# Closed forms


def test_the_triangle_of_credit():
    """Paid without pause, spread = hazard x (1 - R); paid at the end of months, it waits half of one for its interest."""
    name = Obligor("", 1.0, hazard=0.03, recovery=0.25)
    found = legs_of_name(name, yearly(7, 12), 0.06, steps=10).fair_spread
    assert found == pytest.approx(0.03 * 0.75 * (1.0 + 0.06 / 24.0), rel=2e-5)
    assert legs_of_name(name, yearly(7, 12), 0.06).fair_spread == pytest.approx(found, rel=1e-4)


def test_a_flat_spread_bootstraps_to_one_hazard_and_prices_back():
    spreads = {1: 0.004, 2: 0.007, 5: 0.012, 7: 0.012, 10: 0.013}
    found = bootstrapped(spreads, recovery=0.4, discount=0.04)
    name = Obligor("", 1.0, hazard=found, recovery=0.4)
    assert list(found) == [0.0, 1.0, 2.0, 5.0, 7.0]
    for years, spread in spreads.items():
        assert legs_of_name(name, yearly(years), 0.04).fair_spread == pytest.approx(spread, rel=1e-12)
    flat = bootstrapped({2: 0.01, 5: 0.01}, recovery=0.4, discount=0.04)
    assert flat[0.0] == pytest.approx(flat[2.0], rel=1e-9)


def test_general_models_are_the_exact_gaussian_one_where_they_coincide():
    mixed_pool = [Obligor(f"{k}", 1.0 + k % 3, hazard=0.01 + 0.002 * k, recovery=0.5) for k in range(12)]
    for pool in (mixed_pool, alike(40, 0.02)):
        exact = exact_losses(pool, years=4.0, asset_correlation=0.25)
        found = portfolio_losses(pool, 4.0, OneFactor(0.25))
        np.testing.assert_allclose(found.probabilities, exact.probabilities, atol=1e-10)
    light = portfolio_losses(mixed_pool, 4.0, OneFactor(0.25, factor_degrees=100, own_degrees=100))
    assert light.tranche(0.1, 0.3) == pytest.approx(
        portfolio_losses(mixed_pool, 4.0, OneFactor(0.25)).tranche(0.1, 0.3), rel=0.01
    )


def test_double_t_against_drawn_factors():
    """A million draws of both t variables, scaled to variance 1: the chance that two of two fail."""
    rng = np.random.default_rng(11)
    scale = math.sqrt(3.0 / 5.0)
    m, z = rng.standard_t(5, 10**6) * scale, rng.standard_t(5, (2, 10**6)) * scale
    x = math.sqrt(0.4) * m + math.sqrt(0.6) * z
    both = (x < np.quantile(x, 0.05)).all(axis=0).mean()
    pair = [Obligor(f"{k}", 1.0, hazard=-math.log(0.95), recovery=0.0) for k in range(2)]
    found = chance_of_nth(pair, 2, [1.0], OneFactor(0.4, factor_degrees=5, own_degrees=5))[0]
    assert found == pytest.approx(both, abs=5e-4)  # of about 0.0137, whose sampling error is 0.00012


def test_the_nth_to_default_of_independent_names_is_binomial():
    basket = [Obligor(f"{k}", 1.0, hazard=0.02) for k in range(5)]
    p = 1.0 - math.exp(-0.1)
    for n in range(1, 6):
        binomial = sum(math.comb(5, k) * p**k * (1.0 - p) ** (5 - k) for k in range(n, 6))
        assert chance_of_nth(basket, n, [0.0, 5.0], OneFactor(0.0)) == pytest.approx([0.0, binomial], abs=1e-14)


def test_comonotone_names_fail_together():
    basket = [Obligor(f"{k}", 1.0, hazard=0.02) for k in range(5)]
    for n in (1, 5):
        assert chance_of_nth(basket, n, [5.0], OneFactor(1.0))[0] == pytest.approx(1.0 - math.exp(-0.1), abs=1e-12)


# Laws


@pytest.mark.parametrize(
    "model",
    [
        OneFactor(0.2),
        OneFactor(0.4, factor_degrees=4, own_degrees=4),
        OneFactor(0.3, least_recovery=0.1),
        OneFactor(0.3, factor_degrees=6, least_recovery=0.0),
    ],
)
def test_whatever_the_factor_the_mean_loss_stays(model):
    pool = [Obligor(f"{k}", 1.0 + 0.37 * k, hazard=0.01 + 0.003 * k, recovery=0.4) for k in range(8)]
    found = portfolio_losses(pool, 3.0, model, buckets=200)
    size = sum(o.exposure for o in pool)
    lost = sum(o.exposure * (1.0 - o.recovery) * o.probability(3.0) for o in pool) / size
    assert found.expected == pytest.approx(lost, rel=1e-5)
    assert found.probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found.probabilities > -1e-12).all()
    cuts = [0.0, 0.05, 0.15, 0.4, 1.0]
    parts = [found.tranche(a, d) * (d - a) for a, d in itertools.pairwise(cuts)]
    assert sum(parts) == pytest.approx(found.expected, rel=2e-6)  # buckets may reach beyond the whole


def test_all_the_nth_to_default_together_pay_what_the_names_do():
    basket = [Obligor(f"{k}", 1.0, hazard=0.01 * (k + 1)) for k in range(4)]
    periods, model = yearly(3), OneFactor(0.35, factor_degrees=5)
    together = sum(legs_of_nth(basket, n, periods, 0.04, model=model).protection for n in range(1, 5))
    apart = sum(legs_of_name(name, periods, 0.04).protection for name in basket)
    assert together == pytest.approx(apart, abs=1e-9)


def test_recoveries_that_fall_move_losses_up_the_capital_structure():
    """The same mean loss, less of it junior and more of it senior; above 60 % nothing is lost while recoveries stand still."""
    pool, still, falling = alike(100, 0.01), OneFactor(0.3), OneFactor(0.3, least_recovery=0.0)
    one, other = (portfolio_losses(pool, 5.0, model) for model in (still, falling))
    assert other.expected == pytest.approx(one.expected, rel=1e-6)
    assert other.tranche(0.0, 0.03) < one.tranche(0.0, 0.03)
    assert other.tranche(0.12, 0.22) > 1.2 * one.tranche(0.12, 0.22)
    assert one.tranche(0.6, 1.0) < 1e-15 < 1e-6 < other.tranche(0.6, 1.0)


def test_base_correlation_of_a_flat_market_is_flat_and_compound_finds_both_roots():
    pool, periods = alike(50, 0.02), yearly(2, 1)

    def quote(a, d):
        return TrancheQuote(a, d, spread=legs_of_tranche(pool, a, d, periods, 0.03, model=OneFactor(0.3)).fair_spread)

    found = base_correlations(pool, [quote(0.03, 0.07), quote(0.0, 0.03)], periods, 0.03)
    assert found == pytest.approx({0.03: 0.3, 0.07: 0.3}, abs=1e-6)
    both = compound_correlations(pool, quote(0.03, 0.07), periods, 0.03)
    assert len(both) == 2
    assert min(abs(rho - 0.3) for rho in both) < 1e-6


def test_tranches_of_tranches():
    """Cutting a distribution twice is Hull's Table 8.1; two pools that one factor drives are mixed over it."""
    case = golden("structured_hull_t8_1_abs_cdo")
    for loss, expected in case["expected"].items():
        point = LossDistribution(np.array([float(loss)]), np.ones(1))
        mezzanine = tranched(point, 0.05, 0.20)
        found = {
            "abs_mezz": mezzanine.expected, "cdo_equity": tranched(mezzanine, 0.0, 0.10).expected,
            "cdo_mezz": mezzanine.tranche(0.10, 0.35), "cdo_senior": mezzanine.tranche(0.35, 1.0),
        }  # fmt: skip
        assert found == pytest.approx({name: expected[name] for name in found}, abs=case["tolerance"])
    pool, points = alike(10, 0.05, recovery=0.0), np.linspace(-6.0, 6.0, 49)
    weights = np.exp(-0.5 * points**2) / np.exp(-0.5 * points**2).sum()
    pools = []
    for m in points:
        chance = float(conditional(pool[0].probability(3.0), m, 0.2))
        given = exact_losses(alike(10, -math.log1p(-chance) / 3.0, 0.0), years=3.0, asset_correlation=0.0)
        pools.append(convolved([given, given], [1.0, 1.0]))
    whole = portfolio_losses(alike(20, 0.05, recovery=0.0), 3.0, OneFactor(0.2))
    np.testing.assert_allclose(mixed(pools, weights).probabilities, whole.probabilities, atol=1e-8)


def test_sums_on_a_grid_keep_their_mean():
    one = LossDistribution(np.array([0.0, 0.31]), np.array([0.9, 0.1]))
    other = LossDistribution(np.array([0.0, 0.77, 1.0]), np.array([0.8, 0.15, 0.05]))
    exact, rough = convolved([one, other], [3.0, 1.0]), convolved([one, other], [3.0, 1.0], buckets=50)
    assert exact.expected == pytest.approx(0.75 * one.expected + 0.25 * other.expected, abs=1e-15)
    assert rough.expected == pytest.approx(exact.expected, abs=1e-15)
    assert rough.tranche(0.1, 0.5) == pytest.approx(exact.tranche(0.1, 0.5), abs=0.02)
    assert on_grid(other, 4).losses.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_the_standard_contract_by_its_days():
    """Traded on Wednesday 18 March 2026: two days before the roll, and the last day counts."""
    found = standard(dt.date(2026, 3, 18), dt.date(2027, 3, 20))
    assert found.accrual == pytest.approx(
        np.array([88, 94, 91, 91, 89 + 1]) / 360.0
    )  # 22 Dec, 20 Mar, 22 Jun, 21 Sep, 21 Dec
    assert found.rebate == pytest.approx(87 / 360)  # from 22 December to the 19th
    assert found.end[-1] == pytest.approx(367 / 365)
    assert found.settled == pytest.approx(5 / 365)  # Monday


# Refused


PERIODS = yearly(5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: yearly(5.1), "whole periods"),
        (lambda: standard(dt.date(2026, 3, 18), dt.date(2026, 3, 18)), "must come after the trade"),
        (lambda: PERIODS.edges(0), "steps: must be at least 1"),
        (lambda: legs(PERIODS, [0.0, 0.1], 0.03), "at each of the 21 times"),
        (lambda: legs(PERIODS, np.linspace(0, 1.2, 21), 0.03), "between 0 and 1"),
        (lambda: legs(PERIODS, np.zeros(21), 5.0), "a rate is a decimal"),
        (lambda: legs(PERIODS, np.zeros(21), cast("float", "3%")), "a continuous rate or a function of years"),
        (lambda: legs(PERIODS, np.zeros(21), lambda years: years - 1.0), "a factor above 0"),
        (lambda: Legs(0.0, 0.0, 0.1).fair_spread, "nothing left to accrue on"),
        (lambda: bootstrapped({}, recovery=0.4, discount=0.03), "at least one maturity"),
        (lambda: bootstrapped({5: 120.0}, recovery=0.4, discount=0.03), "spreads.5.: must be from 0 to 1"),
        (lambda: bootstrapped({5: 0.01}, recovery=1.0, discount=0.03), "below 1"),
        (lambda: bootstrapped({1: 0.10, 2: 0.001}, recovery=0.4, discount=0.03), "no hazard from year 1.00"),
        (lambda: bootstrapped({PERIODS: 0.1, yearly(5): 0.2}, recovery=0.4, discount=0.03), "two are to 5.00 years"),
        (lambda: portfolio_losses([], 5.0, OneFactor(0.2)), "at least one must have something to lose"),
        (lambda: portfolio_losses(alike(3, 0.01), 5.0, OneFactor(0.2, least_recovery=0.5)), "above the recovery of '0'"),
        (lambda: portfolio_losses(alike(3, 0.01), -1.0, OneFactor(0.2)), "years: must be"),
        (lambda: portfolio_losses([*alike(2, 0.01), Obligor("odd", 0.123, hazard=0.1)], 5.0, OneFactor(1.0)), "at 1 every"),
        (lambda: OneFactor(1.2), "less than or equal to 1|at most 1|must be"),
        (lambda: OneFactor(0.2, factor_degrees=2), "factor_degrees"),
        (lambda: OneFactor(1.0, least_recovery=0.1), "does not go with a correlation of 1"),
        (lambda: legs_of_tranche(alike(3, 0.01), 0.1, 0.1, PERIODS, 0.03, model=OneFactor(0.2)), "between 0 and 1"),
        (lambda: legs_of_nth(alike(3, 0.01), 4, PERIODS, 0.03, model=OneFactor(0.2)), "from 1 to the 3 names"),
        (lambda: legs_of_nth([*alike(2, 0.01), Obligor("x", 9.0, hazard=0.1)], 1, PERIODS, 0.03, model=OneFactor(0.2)), "same exposure"),
        (lambda: TrancheQuote(0.1, 0.05, spread=0.01), "must lie above the attachment"),
        (lambda: base_correlations(alike(3, 0.01), [], PERIODS, 0.03), "at least one tranche"),
        (lambda: base_correlations(alike(3, 0.01), [TrancheQuote(0.1, 0.2, spread=0.1)], PERIODS, 0.03), "must touch"),
        (lambda: base_correlations(alike(9, 0.01), [TrancheQuote(0.0, 0.2, spread=0.9)], yearly(1, 1), 0.03), "no base correlation"),
        (lambda: compound_correlations(alike(9, 0.01), TrancheQuote(0.0, 0.2, spread=0.9), yearly(1, 1), 0.03), "no correlation makes"),
        (lambda: mixed([], [1.0]), "one a distribution"),
        (lambda: mixed([exact_losses(alike(2, 0.1), years=1.0, asset_correlation=0.0)], [0.9]), "sum to 1"),
        (lambda: convolved([exact_losses(alike(2, 0.1), years=1.0, asset_correlation=0.0)], [0.0]), "above 0"),
    ],
)  # fmt: skip
def test_refused(call, says):
    with pytest.raises((InvalidTerms, CannotPrice), match=says):
        call()


WRONG: list = [
    lambda: legs_of_name("x", PERIODS, 0.03),
    lambda: legs_of_name(Obligor("x", 1.0, hazard=0.01), 5, 0.03),
    lambda: legs(PERIODS, "much", 0.03),
    lambda: bootstrapped([0.01], recovery=0.4, discount=0.03),
    lambda: bootstrapped({5: "1%"}, recovery=0.4, discount=0.03),
    lambda: bootstrapped({"five": 0.01}, recovery=0.4, discount=0.03),
    lambda: portfolio_losses("abc", 5.0, OneFactor(0.2)),
    lambda: portfolio_losses(alike(3, 0.01), float("nan"), OneFactor(0.2)),
    lambda: portfolio_losses(alike(3, 0.01), 5.0, 0.2),
    lambda: portfolio_losses(alike(3, 0.01), 5.0, OneFactor(0.2), buckets=0),
    lambda: capped_losses(alike(3, 0.01), ["x"], [0.1], OneFactor(0.2)),
    lambda: legs_of_tranche(alike(3, 0.01), None, 0.1, PERIODS, 0.03, model=OneFactor(0.2)),
    lambda: legs_of_tranche(alike(3, 0.01), 0.0, 3.0, PERIODS, 0.03, model=OneFactor(0.2)),
    lambda: chance_of_nth(alike(3, 0.01), 1.5, [1.0], OneFactor(0.2)),
    lambda: legs_of_nth([1, 2], 1, PERIODS, 0.03, model=OneFactor(0.2)),
    lambda: base_correlations(alike(3, 0.01), [0.1], PERIODS, 0.03),
    lambda: compound_correlations(alike(3, 0.01), 0.1, PERIODS, 0.03),
    lambda: mixed([1.0], [1.0]),
    lambda: tranched(0.3, 0.0, 0.1),
    lambda: yearly("five"),
    lambda: standard("today", dt.date(2030, 3, 20)),
]


@pytest.mark.parametrize("call", WRONG)
def test_arguments_of_another_kind_are_refused_in_one_line(call):
    with pytest.raises(InvalidTerms, match=": must be |: a tenor|whole periods") as told:
        call()
    assert "\n" not in str(told.value)


def test_capped_losses_are_those_of_the_distribution():
    pool, model = alike(30, 0.03), OneFactor(0.2, own_degrees=4)
    whole = portfolio_losses(pool, 4.0, model)
    found = capped_losses(pool, [0.0, 4.0], [0.05, 1.0], model)
    assert found[0].tolist() == [0.0, 0.0]
    assert found[1] == pytest.approx([0.05 * whole.tranche(0.0, 0.05), whole.expected], abs=1e-9)
