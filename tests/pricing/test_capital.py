"""Capital: the formulas against their definition by quadrature, the tables at points of the rule."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pricing.losses.regulatory_capital import before_and_after, corporate, sec_erba, sec_sa, solvency_ii
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName

SHARE = st.floats(0.0, 1.0)


@given(SHARE, SHARE, st.floats(0.01, 0.5), st.floats(0.0, 0.3), st.sampled_from([0.5, 1.0]))
def test_the_standardised_formula_is_the_average_of_its_density(one, other, pool, late, p):
    a, d = sorted((one, other))
    if d - a < 1e-3:
        return
    k = (1.0 - late) * pool + 0.5 * late
    average = quad(
        lambda x: 1.0 if x <= k else np.exp(-(x - k) / (p * k)), a, d, points=[k] if a < k < d else None, limit=200
    )[0] / (d - a)
    assert sec_sa(a, d, pool_capital=pool, delinquent=late, p=p) == pytest.approx(max(12.5 * average, 0.15), rel=1e-6)


@given(st.floats(0.02, 0.3))
def test_a_pool_held_whole_ties_up_more_in_tranches(pool):
    # p = 1 doubles the capital of the pool, less the exponential tail: the surcharge of the rule
    edges = np.linspace(0.0, 1.0, 21)
    tranches = [sec_sa(a, d, pool_capital=pool) * (d - a) / 12.5 for a, d in itertools.pairwise(edges)]
    floor = 20 * 0.15 * 0.05 / 12.5
    assert pool < sum(tranches) <= 2.0 * pool + floor


def test_ratings_by_the_table():
    assert sec_erba("AAA", maturity=5.0, senior=True) == 0.20
    assert sec_erba("AAA", maturity=3.0, senior=True) == pytest.approx(0.175)
    assert sec_erba("BBB", maturity=5.0, senior=False) == 3.10
    assert sec_erba("BBB", maturity=5.0, senior=False, thickness=0.1) == pytest.approx(2.79)
    assert sec_erba("AAA", maturity=1.0, senior=False, thickness=0.9) == 0.15
    assert sec_erba("D", maturity=1.0, senior=True) == 12.5
    weights = [sec_erba(r, maturity=5.0, senior=True) for r in ("AAA", "A-", "BBB", "BB", "B", "CCC")]
    assert weights == sorted(weights)


def test_loans_that_tranche_no_pool():
    assert (corporate("A+"), corporate("BBB-"), corporate("B"), corporate()) == (0.5, 0.75, 1.5, 1.0)
    assert (corporate(project="pre-operational"), corporate(project="operational")) == (1.3, 1.0)


def test_spread_stress_of_insurers():
    assert solvency_ii("A", duration=4.0, securitisation=False) == pytest.approx(0.056)
    assert solvency_ii("BBB", duration=7.0, securitisation=False) == pytest.approx(0.155)
    assert solvency_ii("BBB", duration=0.2, securitisation=False) == 0.025
    assert solvency_ii(None, duration=5.0, securitisation=False) == pytest.approx(0.15)
    assert solvency_ii("AAA", duration=5.0, securitisation=True) == pytest.approx(0.625)
    assert solvency_ii("BB", duration=2.0, securitisation=True) == 1.0
    for rating in ("AAA", "AA", "A", "BBB", "BB", "B", None):  # no jump where the table changes its row
        left, right = (solvency_ii(rating, duration=5.0 + e, securitisation=False) for e in (-1e-9, 1e-9))
        assert left == pytest.approx(right, abs=1e-8)


def test_capital_before_and_after():
    frame = before_and_after(100.0, 0.5, 1.0, loss=10.0)
    assert frame["required"].tolist() == [4.0, pytest.approx(7.2)]
    assert frame["shortfall"].tolist() == [0.0, pytest.approx(13.2)]


def test_bad_input_of_capital():
    with pytest.raises(InvalidTerms, match="detachment: must be above the attachment 0.2, got 0.1"):
        sec_sa(0.2, 0.1, pool_capital=0.08)
    with pytest.raises(UnknownName, match="there is no rating 'A\\+\\+'"):
        sec_erba("A++", maturity=5.0, senior=True)
    with pytest.raises(UnknownName, match="there is no rating 'Baa'"):
        corporate("Baa")
    with pytest.raises(UnknownName, match="there is no phase of a project 'operating'. Did you mean 'operational'"):
        corporate(project="operating")
    with pytest.raises(CannotPrice, match="up to 10 years, got 14"):
        solvency_ii("A", duration=14.0, securitisation=False)
    with pytest.raises(InvalidTerms, match="balance must not be negative"):
        before_and_after(-1.0, 0.5, 1.0)
