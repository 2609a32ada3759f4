"""Correlated defaults against published tables, closed forms and each other."""

import itertools
import math

import numpy as np
import pytest
from deals import golden
from obligors import alike

from structuring.simulation.credit_losses import (
    LossDistribution,
    Obligor,
    capped_mean,
    conditional,
    exact_losses,
    hazard_of_spread,
    large_pool_tranche,
    tranche_loss,
    vasicek_quantile,
)
from waterfalls.errors import InvalidTerms

# Published


def test_large_pool_closed_form():
    case = golden("structured_lhp_vasicek")
    for row in case["expected"]:
        found = large_pool_tranche(
            row["pd"], row["recovery"], row["rho"], attachment=row["a"], detachment=row["d"], obligors=1_000
        )  # fmt: skip
        assert found == pytest.approx(row["tranche_EL"], abs=case["tolerance"])
    worst = case["hull_wcdr"]
    rate = vasicek_quantile(worst["pd"], worst["rho"], worst["quantile"])
    assert rate == pytest.approx(worst["computed"], abs=case["tolerance"])
    assert rate == pytest.approx(worst["expected_wcdr"], abs=5e-4)


def test_itraxx_mezzanine_given_the_factor():
    """The rows of the same table: what each node of the factor leaves of the tranche, payment by payment."""
    case = golden("structured_hull_ex25_2_itraxx_mezz")
    given, printed, tolerance = case["inputs"], case["expected"]["conditional_table_25_7"], case["tolerance"]
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    weights /= weights.sum()
    times = np.arange(given["maturity"] * given["payments_per_year"] + 1) / given["payments_per_year"]
    middle = np.exp(-given["r_continuous"] * (times[1:] + times[:-1]) / 2)
    for label, row in printed.items():
        node = int(np.argmin(np.abs(points - float(label))))
        chance = 1.0 - np.exp(-case["verified"]["hazard"] * times)
        chance = conditional(chance, points[node], given["copula_corr"])
        left = [1.0]
        for years, p in zip(times[1:], chance[1:], strict=True):
            pool = alike(given["n"], -math.log1p(-p) / years, given["recovery"])
            exact = exact_losses(pool, years=years, asset_correlation=0.0)
            left.append(1.0 - exact.tranche(given["attach"], given["detach"]))
        left, lost = np.array(left), -np.diff(left)
        found = {
            "w": weights[node], "E19": left[19], "E20": left[20], "C": (lost * middle).sum(),
            "A": 0.25 * (left[1:] * np.exp(-given["r_continuous"] * times[1:])).sum(), "B": 0.125 * (lost * middle).sum(),
        }  # fmt: skip
        for name, value in found.items():
            assert value == pytest.approx(row[name], abs=tolerance["conditional"]), (label, name)


# Dense rules over the whole range of inputs


def panels(edges, order=40):
    """Points and weights of Gauss-Legendre between neighbouring edges, times the normal density."""
    x, w = np.polynomial.legendre.leggauss(order)
    a, b = np.array(edges[:-1])[:, None], np.array(edges[1:])[:, None]
    m = (0.5 * (b - a) * x + 0.5 * (a + b)).ravel()
    return m, (0.5 * (b - a) * w).ravel() * np.exp(-0.5 * m * m) / math.sqrt(2.0 * math.pi)


@pytest.mark.parametrize("correlation", [0.0, 1e-4, 0.05, 0.3, 0.6, 0.8, 0.95, 0.99])
@pytest.mark.parametrize(("count", "hazard"), [(5, 0.3), (40, 0.0005), (125, 0.015)])
def test_losses_of_alike_names_against_binomials_averaged_by_a_dense_rule(correlation, count, hazard):
    special = pytest.importorskip("scipy.special")
    m, weights = panels(np.linspace(-9.0, 9.0, 401))
    p, k = conditional(-math.expm1(-5.0 * hazard), m, correlation)[:, None], np.arange(count + 1)
    ways = special.gammaln(count + 1) - special.gammaln(k + 1) - special.gammaln(count + 1 - k)
    dense = weights @ np.exp(ways + special.xlogy(k, p) + special.xlog1py(count - k, -p))
    for nodes in (65, 400):
        found = exact_losses(alike(count, hazard), years=5.0, asset_correlation=correlation, nodes=nodes)
        assert found.error < 1e-9
        assert np.abs(np.cumsum(found.probabilities - dense)).max() < 1e-10
        for a, d in ((0.0, 0.03), (0.03, 0.07), (0.07, 0.1), (0.1, 0.6)):
            expected = tranche_loss(found.losses, a, d) @ dense
            assert found.tranche(a, d) == pytest.approx(expected, abs=1e-10), (a, d)


def test_losses_at_high_correlations_of_125_names():
    """Values of a rule of 20,001 equal steps, worked out outside this project."""
    pool = alike(125, 0.015)
    for correlation, expected in ((0.6, 0.158685), (0.8, 0.137480)):
        found = exact_losses(pool, years=5.0, asset_correlation=correlation)
        assert found.tranche(0.07, 0.10) == pytest.approx(expected, abs=5e-7)
    assert exact_losses(pool, years=5.0, asset_correlation=0.6).quantile(0.99) == pytest.approx(0.4272, abs=5e-5)


def test_a_quantile_at_a_step_of_the_distribution_is_the_loss_of_that_step():
    losses = LossDistribution(np.array([0.0, 0.1, 0.2]), np.array([0.7, 0.2, 0.1]))  # 0.7 + 0.2 is 0.8999999999999999
    assert [losses.quantile(level) for level in (0.0, 0.7, 0.9, 0.91, 1.0)] == [0.0, 0.0, 0.1, 0.2, 0.2]


def test_the_error_is_told_where_a_step_is_too_steep_for_the_most_points():
    found = exact_losses(alike(10, 0.02), years=5.0, asset_correlation=1.0 - 1e-9)
    limit = exact_losses(alike(10, 0.02), years=5.0, asset_correlation=1.0)
    assert 1e-9 < found.error < 1e-3
    assert abs(found.tranche(0.0, 0.6) - limit.tranche(0.0, 0.6)) < found.error + 1e-4


@pytest.mark.parametrize("correlation", [1e-10, 1e-4, 0.05, 0.3, 0.6, 0.9, 0.99, 0.9999, 1.0 - 1e-8])
@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.1, 0.5, 0.95, 0.9999])
def test_a_large_pool_against_a_dense_rule(correlation, p):
    normal = pytest.importorskip("scipy.stats").norm
    step = normal.ppf(p) / math.sqrt(correlation)  # where the loss given the factor falls from all to nothing
    width = math.sqrt((1.0 - correlation) / correlation)
    for recovery in (0.0, 0.4, 0.9):
        for cap in (1e-6, 0.003, 0.05, 0.3, 0.8):
            if cap >= 1.0 - recovery:
                continue
            edge = step - width * normal.ppf(cap / (1.0 - recovery))
            corners = [edge, *(step + width * np.arange(-9, 10))]
            m, weights = panels(np.unique(np.clip([*corners, *np.linspace(-9.5, 9.5, 39)], -9.5, 9.5)))
            lost = (1.0 - recovery) * normal.cdf((step - m) / width)
            dense = float(weights @ np.minimum(lost, cap))
            assert capped_mean(p, recovery, correlation, cap) == pytest.approx(dense, abs=1e-12), (recovery, cap)


def test_at_correlation_one_who_is_likelier_to_default_fails_first():
    pool = [Obligor("a", 2.0, hazard=0.10, recovery=0.5), Obligor("b", 1.0, hazard=0.02, recovery=0.0)]
    found = exact_losses(pool, years=3.0, asset_correlation=1.0)
    a, b = (one.probability(3.0) for one in pool)
    np.testing.assert_allclose(found.losses, [0.0, 1 / 3, 2 / 3])
    np.testing.assert_allclose(found.probabilities, [1.0 - a, a - b, b], atol=1e-15)
    p = pool[1].probability(3.0)
    assert large_pool_tranche(p, 0.4, 1.0, attachment=0.1, detachment=0.9) == pytest.approx(p * 0.5 / 0.8, rel=1e-14)
    assert (vasicek_quantile(0.02, 1.0, 0.97), vasicek_quantile(0.02, 1.0, 0.99)) == (0.0, 1.0)
    assert conditional(0.02, [-3.0, 0.0], 1.0).tolist() == [1.0, 0.0]


# Closed forms and each other


def test_without_correlation_the_loss_is_binomial():
    pool = alike(20, 0.05, recovery=0.0)
    p = pool[0].probability(3.0)
    found = exact_losses(pool, years=3.0, asset_correlation=0.0)
    expected = [math.comb(20, n) * p**n * (1 - p) ** (20 - n) for n in range(21)]
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-14)
    np.testing.assert_allclose(found.losses, np.arange(21) / 20)


def test_the_expected_loss_does_not_depend_on_correlation():
    pool = [*alike(10, 0.02), Obligor("big", 0.5, hazard=0.04, recovery=0.4)]
    exposure = sum(o.exposure for o in pool)
    expected = sum(o.exposure * 0.6 * o.probability(5.0) for o in pool) / exposure
    for rho in (0.0, 0.1, 0.4, 0.8):
        assert exact_losses(pool, years=5.0, asset_correlation=rho).expected == pytest.approx(expected, rel=1e-6)


def test_many_obligors_come_to_the_large_pool_and_few_do_not():
    p = Obligor("x", 1.0, hazard=0.02).probability(5.0)
    large = large_pool_tranche(p, 0.4, 0.2, attachment=0.03, detachment=0.06)
    many, few = (
        exact_losses(alike(count, 0.02), years=5.0, asset_correlation=0.2).tranche(0.03, 0.06) for count in (1_000, 20)
    )  # fmt: skip
    assert many == pytest.approx(large, rel=5e-3)
    assert abs(few - large) > 0.03 * large
    with pytest.warns(UserWarning, match="far off for 20 obligors"):
        large_pool_tranche(p, 0.4, 0.2, attachment=0.03, detachment=0.06, obligors=20)


def test_tranches_add_up_to_the_pool():
    pool = exact_losses(alike(50, 0.03), years=5.0, asset_correlation=0.3)
    edges = [0.0, 0.03, 0.07, 0.2, 1.0]
    parts = [pool.tranche(a, d) * (d - a) for a, d in itertools.pairwise(edges)]
    assert sum(parts) == pytest.approx(pool.expected, rel=1e-13)
    large = [
        large_pool_tranche(0.1, 0.4, 0.3, attachment=a, detachment=d) * (d - a) for a, d in itertools.pairwise(edges)
    ]
    assert sum(large) == pytest.approx(0.06, rel=1e-12)


def test_a_bad_factor_makes_defaults_likelier():
    low, high = conditional(0.02, [-2.0, 2.0], 0.3)
    assert low > 0.02 > high
    assert conditional(0.02, 0.0, 0.0) == pytest.approx(0.02, rel=1e-14)
    assert hazard_of_spread(0.012, 0.4) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: conditional(0.1, 0.0, 1.1), "asset_correlation: must be between 0 and 1, got 1.1"),
        (lambda: exact_losses(alike(2, 0.1), years=1.0, asset_correlation=0.1, nodes=1), "nodes: must be at least 2, got 1"),
        (lambda: tranche_loss(0.1, 0.2, 0.2), "a tranche lies between 0 and 1, got attachment 0.2 and detachment 0.2"),
        (lambda: hazard_of_spread(0.01, 1.0), "recovery: must be at least 0 and below 1, got 1"),
        (
            lambda: exact_losses([*alike(2, 0.1), Obligor("odd", 0.7, hazard=0.1)], years=1.0, asset_correlation=0.1),
            "obligor 'odd' loses 0.42, which is not a whole number of units of 0.3",
        ),
        (lambda: exact_losses([], years=1.0, asset_correlation=0.1), "obligors: at least one must have something to lose"),
    ],
)  # fmt: skip
def test_bad_input_says_what_is_wrong(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)
