"""Copulas, Sobol points and simulated defaults against closed forms, other libraries and each other."""

import itertools
import math

import numpy as np
import pytest
from obligors import alike

from structuring.generators.prices_and_rates import PriceProcess
from structuring.simulation import sobol_points as sobol
from structuring.simulation.copula import Copula, student_cdf, student_quantile
from structuring.simulation.credit_losses import (
    Obligor,
    conditional,
    exact_losses,
    hazard_of_spread,
    large_pool_tranche,
    tranche_loss,
)
from structuring.simulation.default_times import SimulatedLosses, curves_of, default_years, plain_years, years_at
from structuring.simulation.normal_distribution import normal_cdf
from structuring.simulation.random_numbers import Draws
from waterfalls.errors import InvalidTerms

SECTORED = Copula(0.3, between=0.1)
STUDENT = Copula(0.3, between=0.1, degrees=4)


# Words that are easily confused


def test_an_asset_correlation_is_the_square_of_a_factor_loading():
    copula, draws = Copula(0.25), Draws(3, 0, 200_000)
    factors = copula.factors(draws)
    one, other = (factors.latent(draws, stream=k) for k in (0, 1))
    assert copula.factor_loading == 0.5
    assert np.corrcoef(one, factors.factor())[0, 1] == pytest.approx(0.5, abs=0.01)  # with the factor: the loading
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0.25, abs=0.01)  # with one another: the asset correlation


def test_a_price_with_a_factor_loading_has_that_correlation_with_the_factor_and_its_product_with_an_obligor():
    draws = Draws(3, 0, 200_000)
    factors = Copula(0.25).factors(draws)
    price = PriceProcess(0.4, mean_reversion=1.0, factor_loading=0.6).multiples(
        draws, [1.0], factors.factor(), stream=9
    )
    log, obligor = np.log(price[:, 0]), factors.latent(draws, stream=0)
    assert np.corrcoef(log, factors.factor())[0, 1] == pytest.approx(0.6, abs=0.01)
    assert np.corrcoef(log, obligor)[0, 1] == pytest.approx(0.6 * 0.5, abs=0.01)


def test_the_words_cannot_be_exchanged():
    with pytest.raises(InvalidTerms, match="there is no field 'factor_loading'"):
        Copula(factor_loading=0.5)
    with pytest.raises(InvalidTerms, match="there is no field 'asset_correlation'"):
        PriceProcess(0.4, asset_correlation=0.25)


# Factors


def test_obligors_of_one_sector_move_closer_together_than_those_of_two():
    draws = Draws(5, 0, 200_000)
    factors = SECTORED.factors(draws, 2)
    a, b, c = (factors.latent(draws, stream=k, sector=sector) for k, sector in enumerate((0, 0, 1)))
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.3, abs=0.01)
    assert np.corrcoef(a, c)[0, 1] == pytest.approx(0.1, abs=0.01)
    assert (a.std(), c.std()) == (pytest.approx(1.0, abs=0.01), pytest.approx(1.0, abs=0.01))


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 30])
def test_students_distribution_against_scipy(degrees):
    t = pytest.importorskip("scipy.stats").t
    x = np.array([-30.0, -5.0, -1.0, -0.1, 0.0, 0.7, 3.0])
    np.testing.assert_allclose(student_cdf(x, degrees), t.cdf(x, degrees), rtol=0, atol=2e-15)
    p = np.array([1e-5, 0.003, 0.2, 0.5, 0.8, 0.999])
    np.testing.assert_allclose(student_quantile(p, degrees), t.ppf(p, degrees), rtol=1e-9, atol=1e-12)


def test_latent_variables_of_students_copula_have_its_distribution_and_its_tail():
    draws = Draws(8, 0, 200_000)
    factors = Copula(0.3, degrees=4).factors(draws)
    a, b = (factors.uniform(draws, stream=k) for k in (0, 1))
    for q in (0.01, 0.1, 0.5, 0.9):
        assert (a <= q).mean() == pytest.approx(q, abs=5 * math.sqrt(q * (1 - q) / 200_000))
    stats = pytest.importorskip("scipy.stats")
    together, q = ((a <= 0.05) & (b <= 0.05)).mean(), float(stats.t.ppf(0.05, 4))
    expected = stats.multivariate_t(shape=[[1.0, 0.3], [0.3, 1.0]], df=4).cdf([q, q], random_state=1)
    assert together == pytest.approx(expected, abs=5 * math.sqrt(expected / 200_000))
    gaussian = stats.multivariate_normal(cov=[[1.0, 0.3], [0.3, 1.0]]).cdf([stats.norm.ppf(0.05)] * 2)
    assert together > 1.3 * gaussian


# Sobol


def test_points_are_those_of_joe_and_kuo():
    qmc = pytest.importorskip("scipy.stats").qmc
    theirs = qmc.Sobol(sobol.DIMENSIONS, scramble=False, bits=32).random(1024)
    assert np.array_equal(sobol.integers(0, 1024, sobol.DIMENSIONS) * 2.0**-32, theirs)


def test_points_do_not_depend_on_how_the_paths_are_cut():
    whole = sobol.normal(Draws(5, 0, 500), 7, stream=3)
    assert np.array_equal(whole[123:321], sobol.normal(Draws(5, 123, 198), 7, stream=3))
    assert not np.array_equal(whole, sobol.normal(Draws(6, 0, 500), 7, stream=3))


def test_points_are_even_for_any_seed():
    for seed in range(5):
        u = sobol.uniform(Draws(seed, 0, 256), 4)
        assert (np.sort((u * 256).astype(int), axis=0) == np.arange(256)[:, None]).all()


def test_points_on_the_factors_leave_a_tenth_of_the_variance():
    """The mean loss of a mezzanine tranche of 500 obligors over 1,024 paths, for 24 seeds."""
    obligors, estimates = alike(500), {False: [], True: []}
    copula = Copula(0.3)
    for points, found in estimates.items():
        for seed in range(24):
            draws = Draws(seed, 0, 1024)
            years = default_years(draws, obligors, copula.factors(draws, sobol=points), horizon=5.0)
            found.append(SimulatedLosses.of(years, obligors, horizon=5.0).tranche(0.03, 0.10)[0])
    assert np.var(estimates[False]) > 10.0 * np.var(estimates[True])
    exact = exact_losses(obligors, years=5.0, asset_correlation=0.3).tranche(0.03, 0.10)
    for found in estimates.values():  # and neither is biased
        assert np.mean(found) == pytest.approx(exact, abs=4.0 * np.std(found) / math.sqrt(24))


# Defaults


@pytest.mark.parametrize("copula", [Copula(0.3), SECTORED, STUDENT, Copula(0.2, degrees=3)])
def test_the_kernel_and_numpy_agree(copula):
    obligors = [Obligor(f"{k}", 1.0, hazard={0: 0.01 + 1e-4 * k, 2: 0.05} if k % 2 else 0.02) for k in range(31)]
    draws, sectors = Draws(5, 2**33 + 7, 500), [k % 3 for k in range(31)]
    factors = copula.factors(draws, 3)
    years = default_years(draws, obligors, factors, horizon=5.0, sectors=sectors)
    threshold = copula.quantile(np.array([obligor.probability(5.0) for obligor in obligors]))
    given = (
        factors.common,
        factors.scale,
        np.array(sectors),
        threshold,
        math.sqrt(1.0 - copula.asset_correlation),
        5.0,
    )
    np.testing.assert_allclose(years, plain_years(draws, 0, given, factors, curves_of(obligors)), rtol=1e-7)
    assert np.isinf(years).any() and years[np.isfinite(years)].max() <= 5.0


@pytest.mark.parametrize("copula", [Copula(0.3), SECTORED, STUDENT])
def test_every_copula_keeps_each_obligors_own_curve(copula):
    obligors = [Obligor("flat", 1.0, hazard=0.02), Obligor("steep", 1.0, hazard={0: 0.0, 1: 0.01, 3: 0.2})]
    draws = Draws(2, 0, 200_000)
    years = default_years(draws, obligors, copula.factors(draws, 2), horizon=10.0, sectors=[0, 1])
    for i, obligor in enumerate(obligors):
        for t in (0.5, 2.0, 4.0, 10.0):
            p = obligor.probability(t)
            assert (years[:, i] <= t).mean() == pytest.approx(p, abs=5 * math.sqrt(p / 200_000) + 1e-12), (obligor, t)


def test_cumulative_hazards_are_inverted():
    steps = {0: 0.01, 2: 0.0, 3: 0.05}
    curve = curves_of([Obligor("x", 1.0, hazard=steps), Obligor("never", 1.0, hazard=0.0)])
    found = years_at(np.array([0.005, 0.02 + 0.05, 0.3]), np.array([0, 0, 1]), *curve)
    np.testing.assert_allclose(found, [0.5, 4.0, np.inf])
    assert Obligor("x", 1.0, hazard=steps).probability(4.0) == pytest.approx(1.0 - math.exp(-0.07))
    assert Obligor("x", 1.0, hazard=hazard_of_spread(0.012, 0.4)).probability(1.0) == pytest.approx(1 - math.exp(-0.02))


def test_chunks_and_more_obligors_change_nothing():
    obligors, draws = alike(9), Draws(3, 0, 300)
    whole = default_years(draws, obligors, STUDENT.factors(draws), horizon=9.0)
    part = Draws(3, 100, 50)
    cut = default_years(part, obligors, STUDENT.factors(part), horizon=9.0)
    assert np.array_equal(whole[100:150], cut)
    more = default_years(draws, [*obligors, *alike(4)], STUDENT.factors(draws), horizon=9.0)
    assert np.array_equal(whole, more[:, :9])


# Exact, large pool, simulated: where they agree, and where they do not


EDGES = (0.0, 0.03, 0.07, 0.10, 0.15, 0.60)


def simulated(copula, count, paths=40_000, seed=4, **terms):
    obligors, draws = alike(count), Draws(seed, 0, paths)
    return SimulatedLosses.of(
        default_years(draws, obligors, copula.factors(draws, **terms), horizon=5.0), obligors, horizon=5.0
    )


def test_simulation_agrees_with_the_exact_distribution_tranche_by_tranche():
    table = simulated(Copula(0.3), 50).tranches(EDGES)
    exact = exact_losses(alike(50), years=5.0, asset_correlation=0.3)
    for row in table.itertuples():
        expected = exact.tranche(row.attachment, row.detachment)
        assert abs(row.expected_loss - expected) < 4.0 * row.standard_error
    assert table["standard_error"].between(1e-5, 5e-3).all()
    sizes = np.diff(EDGES)
    assert (table["expected_loss"] @ sizes) == pytest.approx(simulated(Copula(0.3), 50).expected[0], rel=1e-12)


def test_all_three_agree_for_many_obligors_and_the_large_pool_does_not_for_few():
    p = alike(1)[0].probability(5.0)
    found = simulated(Copula(0.3), 500, paths=20_000)
    for a, d in itertools.pairwise(EDGES):
        large = large_pool_tranche(p, 0.4, 0.3, attachment=a, detachment=d, obligors=500)
        exact = exact_losses(alike(500), years=5.0, asset_correlation=0.3).tranche(a, d)
        mean, error = found.tranche(a, d)
        assert abs(mean - exact) < 4.0 * error and exact == pytest.approx(large, rel=0.02, abs=1e-4)
    few, error = simulated(Copula(0.3), 10).tranche(0.0, 0.03)
    large = large_pool_tranche(p, 0.4, 0.3, attachment=0.0, detachment=0.03)
    assert abs(few - large) > 20.0 * error


def test_students_copula_is_no_gaussian_and_its_large_pool_closes_by_quadrature():
    """E[min((L - a)+, d - a)] with L = (1 - R) Phi((q s - sqrt(rho) m) / sqrt(1 - rho)), over m and chi-square."""
    chi2 = pytest.importorskip("scipy.stats").chi2
    p, rho, n = alike(1)[0].probability(5.0), 0.3, 4
    m, w = np.polynomial.hermite_e.hermegauss(200)
    u = (np.arange(2000) + 0.5) / 2000
    scale = np.sqrt(chi2.ppf(u, n) / n)[:, None]
    threshold = float(student_quantile(np.array(p), n)) * scale
    loss = 0.6 * normal_cdf((threshold - math.sqrt(rho) * m) / math.sqrt(1.0 - rho))
    w = w / w.sum()
    assert float((loss @ w).mean()) == pytest.approx(0.6 * p, rel=1e-3)
    senior = float((tranche_loss(loss, 0.15, 0.60) @ w).mean())
    mean, error = simulated(Copula(rho, degrees=n), 500, paths=20_000, sobol=True).tranche(0.15, 0.60)
    assert abs(mean - senior) < 4.0 * error + 2e-4
    assert senior > 1.3 * large_pool_tranche(p, 0.4, rho, attachment=0.15, detachment=0.60)


def test_retranched_mezzanine_holds_only_while_its_pools_are_apart():
    """Mezzanines (5 to 20 %) of ten pools, tranched again: a common factor reaches the senior of the second floor."""
    draws, obligors = Draws(6, 0, 8_000), alike(100, recovery=0.0)
    seniors = {}
    for name, copula in (("apart", Copula(0.3, between=0.0)), ("together", Copula(0.3))):
        factors = copula.factors(draws, 10)
        pools = [
            SimulatedLosses.of(
                default_years(draws, obligors, factors, horizon=5.0, sectors=[k] * 100, stream=1000 * k),
                obligors,
                horizon=5.0,
            )
            for k in range(10)
        ]
        mezzanine = np.mean([tranche_loss(pool.losses, 0.05, 0.20) for pool in pools], axis=0)
        seniors[name] = float(tranche_loss(mezzanine, 0.6, 1.0).mean())
        mean = mezzanine.mean()
    assert mean > 0.2 and seniors["apart"] < 0.1 * seniors["together"]


def test_conditional_probabilities_meet_the_simulated_ones():
    draws, obligors = Draws(9, 0, 20_000), alike(200)
    factors = Copula(0.3).factors(draws)
    rate = (default_years(draws, obligors, factors, horizon=5.0) <= 5.0).mean(axis=1)
    given = conditional(obligors[0].probability(5.0), factors.factor(), 0.3)
    assert np.abs((rate - given) / np.sqrt(given * (1 - given) / 200 + 1e-12)).mean() == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("degrees", [None, 4])
def test_at_correlation_one_the_factor_alone_decides(degrees):
    draws, obligors = Draws(4, 0, 4_000), [*alike(3, 0.05), Obligor("weak", 1.0, hazard=0.2)]
    factors = Copula(1.0, degrees=degrees).factors(draws)
    years = default_years(draws, obligors, factors, horizon=5.0)
    failed = np.isfinite(years)
    assert np.array_equal(years[:, 0], years[:, 1]) and np.array_equal(years[:, 1], years[:, 2])
    assert (failed[:, 3] >= failed[:, 0]).all()
    reached = factors.copula.cdf(factors.common[:, 0] / factors.scale)
    assert np.array_equal(failed[:, 0], reached < obligors[0].probability(5.0))
    np.testing.assert_allclose(years[failed[:, 0], 0], -np.log1p(-reached[failed[:, 0]]) / 0.05, rtol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Copula(0.2, between=0.3), "between: must not exceed the asset_correlation 0.2 within a sector, got 0.3"),
        (lambda: Copula(1.1), "asset_correlation: must be less than or equal to 1, got 1.1"),
        (lambda: Copula(0.2, degrees=0), "degrees: must be greater than or equal to 1, got 0"),
        (lambda: sobol.directions(22), "Sobol points have 1 to 21 dimensions, got 22"),
        (lambda: sobol.uniform(Draws(0, 2**32 - 5, 10), 1), "Sobol points are 4,294,967,296 at most"),
        (lambda: Obligor("x", 1.0, hazard={1: 0.1}), "hazard: must begin with the hazard from year 0 on"),
        (
            lambda: default_years(Draws(0, 0, 4), alike(2), Copula(0.1).factors(Draws(0, 0, 4)), horizon=5.0, sectors=[0, 1]),
            "sectors: must be one an obligor (2) and from 0 to 0, got [0, 1]",
        ),
        (lambda: default_years(Draws(0, 0, 4), alike(1), Copula(0.1).factors(Draws(0, 0, 4)), horizon=0.0), "must be above 0"),
    ],
)  # fmt: skip
def test_bad_input_says_what_is_wrong(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)
