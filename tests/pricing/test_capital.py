"""Capital: every figure against its published text, worked examples, and the formulas against their definition."""

import datetime
import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pricing.bearers import capital_tables as tables
from pricing.bearers.regulatory_capital import before_and_after, corporate, sec_erba, sec_irba, sec_sa, solvency_ii
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName

SHARE = st.floats(0.0, 1.0)
insurers = partial(solvency_ii, on=datetime.date(2026, 11, 29))


# Against the published texts


def test_every_figure_of_regulation_is_the_published_one(golden):
    published = golden("regulatory_capital")["expected"]
    for name, carried in {
        "article_263_table_1": tables.ERBA_SHORT, "article_264_table_3": tables.ERBA_SHORT_STS,
        "article_263_table_2": tables.ERBA, "article_264_table_4": tables.ERBA_STS, "article_122_table_6": tables.CORPORATE,
        "article_176_3": tables.BONDS, "article_176_4": tables.UNRATED_BONDS,
        "article_178_3": tables.STS_SENIOR, "article_178_4": tables.STS_NON_SENIOR,
        "article_178_5": tables.STS_SENIOR_UNRATED, "article_178_7": tables.RESECURITISATION,
        "article_178_8": tables.SECURITISATION,
    }.items():  # fmt: skip
        assert plain(carried) == plain(published[name]), name
    assert published["article_122a_project_finance"] == tables.PROJECT
    for retail, senior, granular in itertools.product((False, True), repeat=3):
        said = f"{'retail' if retail else 'non-retail'} {'senior' if senior else 'non-senior'}"
        said += "" if retail else " granular" if granular else " non-granular"
        assert list(tables.IRBA[retail, senior, granular]) == published["article_259"][said], said


def plain(value):
    return [plain(item) for item in value] if isinstance(value, list | tuple) else float(value)


def test_the_worked_examples_of_a_supervisor(golden):
    case = golden("regulatory_capital")
    given, expected, close = case["inputs"], case["expected"], case["tolerance"]["risk_weight"]
    assert sec_sa(**given["sec_sa"]) == pytest.approx(expected["sec_sa"]["risk_weight"], abs=close)
    assert sec_erba(**given["sec_erba"], senior=False) == pytest.approx(expected["sec_erba"]["risk_weight"], abs=close)
    pool = {name: given["sec_sa"][name] for name in ("pool_capital", "delinquent", "unknown")}
    edge = expected["sec_sa"]["capital"] + case["tolerance"]["capital"]
    assert sec_sa(0.0, edge - 1e-4, **pool) == 12.5 > sec_sa(0.0, edge, **pool)  # all of it up to K_A


@given(SHARE, SHARE, st.floats(0.01, 0.5), st.floats(0.0, 0.3), st.sampled_from([0.5, 1.0]))
def test_the_standardised_formula_is_the_average_of_its_density(one, other, pool, late, p):
    a, d = sorted((one, other))
    if d - a < 1e-3:
        return
    k = (1.0 - late) * pool + 0.5 * late
    average = quad(
        lambda x: 1.0 if x <= k else np.exp(-(x - k) / (p * k)), a, d, points=[k] if a < k < d else None, limit=200
    )[0] / (d - a)
    weight = sec_sa(a, d, pool_capital=pool, delinquent=late, kind="sts" if p == 0.5 else "securitisation")
    assert weight == pytest.approx(max(12.5 * average, 0.15), rel=1e-6)


@given(st.floats(0.02, 0.3))
def test_a_pool_held_whole_ties_up_more_in_tranches(pool):
    # p = 1 doubles the capital of the pool, less the exponential tail: the surcharge of the rule
    edges = np.linspace(0.0, 1.0, 21)
    tranches = [sec_sa(a, d, pool_capital=pool) * (d - a) / 12.5 for a, d in itertools.pairwise(edges)]
    floor = 20 * 0.15 * 0.05 / 12.5
    assert pool < sum(tranches) <= 2.0 * pool + floor


def test_a_pool_of_unknown_delinquency_ties_up_all_of_what_is_unknown():
    one = sec_sa(0.0, 0.2, pool_capital=0.08, unknown=0.05)
    assert one == pytest.approx(sec_sa(0.0, 0.2, pool_capital=0.95 * 0.08 + 0.05), rel=1e-14)
    assert sec_sa(0.9, 1.0, pool_capital=0.08, unknown=0.0501) == 12.5


def test_floors_by_kind():
    far = partial(sec_sa, 0.95, 1.0, pool_capital=0.05)
    assert (far(), far(senior=True), far(kind="sts"), far(kind="sts", senior=True)) == (0.15, 0.15, 0.15, 0.10)
    assert far(kind="re-securitisation", senior=True) == 1.0
    assert sec_sa(0.0, 1.0, pool_capital=0.0) == 0.15


def test_p_of_the_ratings_based_formula():
    deal = {"pool_capital": 0.06, "lgd": 0.45, "exposures": 100.0, "maturity": 5.0}
    a, d, k = 0.08, 0.12, 0.06
    for senior, retail, p in (
        (True, False, 0.0 + 3.56 / 100 - 1.85 * k + 0.55 * 0.45 + 0.07 * 5.0),
        (False, False, 0.16 + 2.87 / 100 - 1.03 * k + 0.21 * 0.45 + 0.07 * 5.0),
        (True, True, -7.48 * k + 0.71 * 0.45 + 0.24 * 5.0),
    ):
        average = quad(lambda x, p=p: np.exp(-(x - k) / (p * k)), a, d)[0] / (d - a)
        assert sec_irba(a, d, senior=senior, retail=retail, **deal) == pytest.approx(12.5 * average, rel=1e-10)
    least = quad(lambda x: np.exp(-(x - k) / (0.3 * k)), a, d)[0] / (d - a)
    short = {**deal, "maturity": 0.5, "lgd": 0.05}
    assert sec_irba(a, d, senior=True, **short) == pytest.approx(max(12.5 * least, 0.15), rel=1e-10)
    assert sec_irba(a, d, senior=True, **{**deal, "exposures": 24.0}) != sec_irba(a, d, senior=True, **deal)


def test_ratings_by_the_table():
    assert sec_erba("AAA", maturity=5.0, senior=True) == 0.20
    assert sec_erba("AAA", maturity=3.0, senior=True) == pytest.approx(0.175)
    assert sec_erba("B", maturity=1.0, senior=False) == 10.5
    assert sec_erba("BBB", maturity=5.0, senior=False) == 3.10
    assert sec_erba("BBB", maturity=5.0, senior=False, thickness=0.1) == pytest.approx(2.79)
    assert sec_erba("AAA", maturity=1.0, senior=False, thickness=0.9) == 0.15
    assert sec_erba("D", maturity=1.0, senior=True) == 12.5
    assert (sec_erba("A-2", maturity=1.0, senior=True), sec_erba("A-2", maturity=1.0, senior=True, kind="sts")) == (
        0.5,
        0.3,
    )
    weights = [sec_erba(r, maturity=5.0, senior=True) for r in ("AAA", "A-", "BBB", "BB", "B", "CCC")]
    assert weights == sorted(weights)


def test_a_thick_tranche_weighs_no_less_than_a_senior_one_of_its_rating():
    assert sec_erba("AA", maturity=1.0, senior=False, thickness=0.6) == 0.25  # half of 30 % is 15 %
    for rating, maturity, kind in itertools.product(tables.LONG_TERM, (1.0, 3.0, 5.0), ("securitisation", "sts")):
        thick, senior = (
            sec_erba(rating, maturity=maturity, senior=senior, thickness=0.0 if senior else 1.0, kind=kind)
            for senior in (False, True)
        )
        assert thick >= senior


def test_loans_that_tranche_no_pool():
    assert (corporate("AAA"), corporate("AA-"), corporate("A+"), corporate("BBB-")) == (0.2, 0.2, 0.5, 0.75)
    assert (corporate("BB"), corporate("B"), corporate("CCC"), corporate()) == (1.0, 1.5, 1.5, 1.0)
    assert (corporate(project="pre-operational"), corporate(project="operational")) == (1.3, 1.0)
    assert corporate(project="high quality") == 0.8


def test_spread_stress_of_insurers():
    assert insurers("A", duration=4.0) == pytest.approx(0.056)
    assert insurers("BBB", duration=7.0) == pytest.approx(0.155)
    assert insurers("BBB", duration=0.2) == 0.025
    assert insurers("AA", duration=25.0) == pytest.approx(0.16)
    assert insurers("CCC", duration=200.0) == 1.0
    assert (insurers(None, duration=5.0), insurers(None, duration=30.0)) == (pytest.approx(0.15), pytest.approx(0.405))
    for rating in ("AAA", "AA", "A", "BBB", "BB", "B", None):  # no jump where the table changes its row
        for edge in (5.0, 10.0, 15.0, 20.0):
            left, right = (insurers(rating, duration=edge + e) for e in (-1e-9, 1e-9))
            assert left == pytest.approx(right, abs=0.00101 if (rating, edge) == ("BB", 20.0) else 1e-8)


def test_spread_stress_of_securitisations():
    of = partial(insurers, securitisation="sts")
    assert of("AAA", duration=5.0, senior=True) == pytest.approx(0.05)
    assert of("AAA", duration=5.0) == pytest.approx(0.14)
    assert of("BBB", duration=12.0) == pytest.approx(0.63 + 0.032 * 2.0)
    assert (of(None, duration=6.0, senior=True), of(None, duration=2.0)) == (pytest.approx(0.255), pytest.approx(0.188))
    assert insurers("AAA", duration=5.0, securitisation="securitisation") == pytest.approx(0.625)
    assert insurers("BB", duration=2.0, securitisation="securitisation") == 1.0
    assert insurers("AAA", duration=2.0, securitisation="re-securitisation") == pytest.approx(0.66)
    assert insurers(None, duration=1.0, securitisation="securitisation") == 1.0


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
    with pytest.raises(CannotPrice, match="from 2019-01-01 to 2027-01-29, got 2027-01-30"):
        solvency_ii("A", duration=4.0, on=datetime.date(2027, 1, 30), securitisation="securitisation")
    with pytest.raises(UnknownName, match="there is no kind of securitisation 'STS'. Did you mean 'sts'"):
        insurers("A", duration=4.0, securitisation="STS")
    with pytest.raises(CannotPrice, match="a re-securitisation has no weight by rating"):
        sec_erba("A", maturity=4.0, senior=True, kind="re-securitisation")
    with pytest.raises(CannotPrice, match="sec_irba carries kind 'securitisation', not 'sts': use sec_sa"):
        sec_irba(0.1, 0.2, pool_capital=0.08, lgd=0.4, exposures=50, maturity=3.0, senior=True, kind="sts")
    with pytest.raises(InvalidTerms, match="exposures: must be at least 1, got 0"):
        sec_irba(0.1, 0.2, pool_capital=0.08, lgd=0.4, exposures=0, maturity=3.0, senior=True)
    with pytest.raises(InvalidTerms, match="balance must not be negative"):
        before_and_after(-1.0, 0.5, 1.0)
