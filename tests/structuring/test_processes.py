"""Prices and rates on paths: exact moments, martingales and QuantLib's own model."""

import datetime as dt
import math

import numpy as np
import pytest
import QuantLib as ql

from structuring import Scenario, load_deal, run, study, summary
from structuring.deals.deal import clock
from structuring.generators.prices_and_rates import HullWhite, PriceProcess, index_rates, poisson
from structuring.simulation.random_numbers import Draws
from waterfalls.errors import InvalidTerms

S = 100_000
TIMES = [0.25, 0.5, 1.0, 2.0, 5.0]
GPU = PriceProcess(0.4, mean_reversion=0.8, factor_loading=0.6)


def near(values, expected, *, sd):
    assert abs(np.mean(values) - expected) < 4.5 * sd / math.sqrt(len(values))


# Prices


def test_log_prices_have_the_variance_of_the_process_and_its_loading_at_every_date():
    draws = Draws(1, 0, S)
    factor = draws.normal(1, stream=5)[:, 0]
    logs = np.log(GPU.multiples(draws, TIMES, factor, stream=6))
    for n, t in enumerate(TIMES):
        sd = 0.4 * math.sqrt((1.0 - math.exp(-1.6 * t)) / 1.6)
        near(logs[:, n], 0.0, sd=sd)
        near(logs[:, n] ** 2, sd**2, sd=math.sqrt(2.0) * sd**2)
        assert np.corrcoef(logs[:, n], factor)[0, 1] == pytest.approx(0.6, abs=0.01)


def test_a_price_of_its_own_forgets_at_the_rate_of_reversion():
    draws = Draws(1, 0, S)
    logs = np.log(PriceProcess(0.4, mean_reversion=0.8).multiples(draws, TIMES, np.zeros(S), stream=6))
    slope = (logs[:, 3] * logs[:, 2]).mean() / (logs[:, 2] ** 2).mean()  # from year 1 to year 2
    assert slope == pytest.approx(math.exp(-0.8), abs=0.01)
    assert PriceProcess(0.3).deviation(4.0) == pytest.approx(0.6)  # without reversion: volatility x sqrt(t)


def test_jumps_have_their_rate_their_mean_and_fade():
    given = PriceProcess(0.0, mean_reversion=0.5, jump_rate=0.4, jump_mean=-0.3, jump_sd=0.1)
    logs = np.log(given.multiples(Draws(2, 0, S), TIMES, np.zeros(S), stream=6))
    steps = np.diff(TIMES, prepend=0.0)
    for n, t in enumerate(TIMES):
        fading = np.exp(-0.5 * (t - np.array(TIMES[: n + 1])))
        near(logs[:, n], 0.4 * -0.3 * (steps[: n + 1] @ fading), sd=logs[:, n].std())
    assert (logs[:, 0] == 0.0).mean() == pytest.approx(math.exp(-0.1), abs=0.005)


def test_poisson_counts_against_their_distribution():
    counts = poisson(Draws(3, 0, S).uniform(1)[:, 0], 1.3)
    for k in range(5):
        p = math.exp(-1.3) * 1.3**k / math.factorial(k)
        assert (counts == k).mean() == pytest.approx(p, abs=5 * math.sqrt(p / S))


def test_prices_do_not_depend_on_how_the_paths_are_cut():
    given = PriceProcess(0.4, mean_reversion=0.8, factor_loading=0.6, jump_rate=0.4, jump_mean=-0.3, jump_sd=0.1)

    def drawn(draws):
        return given.multiples(draws, TIMES, draws.normal(1, stream=5), stream=6)

    assert np.array_equal(drawn(Draws(1, 0, 300))[100:150], drawn(Draws(1, 100, 50)))


# Rates

MODEL = HullWhite(0.08, 0.012)
YEARS = np.array([0.5, 1.0, 2.0, 3.5, 5.0, 10.0])
CURVE = np.exp(-(0.03 + 0.002 * YEARS) * YEARS)


def test_the_mean_of_discount_factors_along_paths_is_the_curve():
    paths = MODEL.paths(Draws(4, 0, S), YEARS, CURVE)
    for n in range(len(YEARS)):
        near(paths.discounts[:, n], CURVE[n], sd=paths.discounts[:, n].std())


def test_bonds_discounted_along_paths_are_martingales():
    """E[D(t) P(t, T)] = P(0, T): the price of every bond is fair at every date."""
    paths = MODEL.paths(Draws(4, 0, S), YEARS, CURVE)
    for n, m in ((0, 1), (1, 3), (2, 5), (4, 5)):
        values = paths.discounts[:, n] * paths.bond(n, m)
        near(values, CURVE[m], sd=values.std())


def test_a_caplet_is_worth_what_blacks_formula_says():
    """A put on P(t, T) at K: P(0,T) N(...) of Jamshidian (1989), sigma_p = B(T - t) sqrt(Var x(t))."""
    paths = MODEL.paths(Draws(4, 0, S), YEARS, CURVE)
    n, m = 1, 2
    strike = CURVE[m] / CURVE[n] * 1.01
    payoff = paths.discounts[:, n] * np.maximum(strike - paths.bond(n, m), 0.0)
    a, sigma = 0.08, 0.012
    sp = sigma * (1 - math.exp(-a)) / a * math.sqrt((1 - math.exp(-2 * a * YEARS[n])) / (2 * a))
    h = math.log(CURVE[m] / (CURVE[n] * strike)) / sp + sp / 2

    def cdf(x):
        return 0.5 * math.erfc(-x / math.sqrt(2.0))

    expected = strike * CURVE[n] * cdf(-h + sp) - CURVE[m] * cdf(-h)
    near(payoff, expected, sd=payoff.std())


def test_bond_prices_are_quantlibs_at_the_same_short_rate():
    today = ql.Date(15, 1, 2026)
    saved = ql.Settings.instance().evaluationDate
    ql.Settings.instance().evaluationDate = today
    try:
        flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.035, ql.Actual365Fixed()))
        theirs = ql.HullWhite(flat, 0.08, 0.012)
        years, curve = [1.0, 3.0], [math.exp(-0.035), math.exp(-0.105)]
        paths = MODEL.paths(Draws(1, 0, 5), years, curve)
        alpha = 0.035 + (0.012 / 0.08) ** 2 / 2 * (1 - math.exp(-0.08)) ** 2
        expected = [theirs.discountBond(1.0, 3.0, float(x) + alpha) for x in paths.states[:, 0]]
    finally:
        ql.Settings.instance().evaluationDate = saved
    np.testing.assert_allclose(paths.bond(0, 1), expected, rtol=1e-9)


def test_transitions_are_exact_so_that_steps_do_not_matter():
    fine = np.arange(1, 41) / 8.0
    a = MODEL.paths(Draws(4, 0, S), [5.0], [0.8]).states[:, 0]
    b = MODEL.paths(Draws(5, 0, S), fine, np.exp(-0.04 * fine)).states[:, -1]
    sd = 0.012 * math.sqrt((1 - math.exp(-0.8)) / 0.16)
    for x in (a, b):
        near(x**2, sd**2, sd=math.sqrt(2.0) * sd**2)


class Flat:
    """Anything with discount(date)."""

    def discount(self, day):
        return math.exp(-0.04 * (day - dt.date(2026, 6, 30)).days / 365.0)


def test_index_rates_float_a_deal():
    deal = load_deal("coreweave-ddtl-4")
    rates = index_rates(deal, Flat(), HullWhite(0.05, 0.01), 500, seed=3)
    assert rates.shape == (500, clock(deal).periods) and (rates[:, 0] == rates[0, 0]).all()
    assert np.array_equal(rates[:100], index_rates(deal, Flat(), HullWhite(0.05, 0.01), 100, seed=3))
    still = index_rates(deal, Flat(), HullWhite(0.05, 0.0), 2, seed=3)
    alone = run(deal, Scenario("base"), rates={"SOFR": Flat()})
    given = run(deal, [Scenario("a"), Scenario("b")], rates={"SOFR": still})
    np.testing.assert_allclose(given.interest["floating"][1], alone.interest["floating"][0], rtol=1e-12)
    from structuring.generators.sector_model import SectorModel

    found = study(deal, SectorModel().paths(deal, 500, seed=3), measure=summary(), rates={"SOFR": rates}, chunk=123)
    whole = study(deal, SectorModel().paths(deal, 500, seed=3), measure=summary(), rates={"SOFR": rates})
    assert np.array_equal(found.totals["interest"], whole.totals["interest"])
    assert len(np.unique(whole.totals["interest"][:, 0])) > 400


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PriceProcess(-0.1), "volatility: must be greater than or equal to 0"),
        (lambda: PriceProcess(0.1, factor_loading=1.5), "factor_loading: must be less than or equal to 1"),
        (lambda: HullWhite(0.0, 0.01), "mean_reversion: must be greater than 0"),
        (lambda: MODEL.paths(Draws(0, 0, 1), [1.0, 1.0], [0.9, 0.8]), "years: must rise from above 0, got [1.0, 1.0]"),
        (
            lambda: MODEL.paths(Draws(0, 0, 1), [1.0, 2.0], [0.9]),
            "must be 2 factors above 0, one a time, got shape (1,)",
        ),
    ],
)
def test_bad_input_says_what_is_wrong(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)
