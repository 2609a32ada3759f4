"""The internal rate of return, against an independent XIRR (Brent's method of scipy), and where there are several."""

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from pricing.valuation.internal_rate import all_irr, irr, said


def xirr(amounts, years, low=-0.99, high=1e3):
    return brentq(lambda r: sum(a * (1.0 + r) ** -t for a, t in zip(amounts, years, strict=True)), low, high, xtol=1e-14, rtol=1e-15)  # fmt: skip


def test_the_example_of_a_spreadsheet():
    """The example in the reference of Excel's XIRR: 37.3362535 %."""
    days = [(2008, 1, 1), (2008, 3, 1), (2008, 10, 30), (2009, 2, 15), (2009, 4, 1)]
    years = [(datetime.date(*day) - datetime.date(2008, 1, 1)).days / 365.0 for day in days]
    amounts = [-10_000.0, 2_750.0, 4_250.0, 3_250.0, 2_750.0]
    assert irr(amounts, years) == pytest.approx(0.373362535, abs=1e-8)
    assert irr(amounts, years) == pytest.approx(xirr(amounts, years), abs=1e-10)


@given(
    st.floats(1.0, 1e9),
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.25, 2.0)), min_size=1, max_size=60),
    st.floats(0.2, 4.0),
)
def test_money_in_once_and_back_over_time_has_the_rate_of_an_independent_search(put_in, back, multiple):
    shares = np.array([share for share, _ in back])
    years = np.concatenate([[0.0], np.cumsum([step for _, step in back])])
    if shares.sum() < 1e-3:
        assert np.isnan(irr([-put_in, *np.zeros(len(back))], years))
        return
    amounts = np.concatenate([[-put_in], put_in * multiple * shares / shares.sum()])
    found = irr(amounts, years)
    value = sum(a * (1.0 + found) ** -t for a, t in zip(amounts, years, strict=True))
    assert abs(value) <= 1e-9 * put_in
    if -0.98 < found < 900.0:
        assert found == pytest.approx(xirr(amounts, years), abs=1e-10)


@given(st.lists(st.floats(-0.5, 2.0), min_size=1, max_size=4, unique=True).filter(
    lambda rates: all(abs(a - b) > 0.02 for a, b in itertools.combinations(rates, 2))))  # fmt: skip
def test_every_rate_is_found_where_there_are_several(rates):
    """The product of (1 - (1 + r) v) over the rates, v = 1 / (1 + r): amounts of which every root is known by hand."""
    amounts = np.array([1.0])
    for rate in rates:
        amounts = np.convolve(amounts, [1.0, -(1.0 + rate)])
    found = all_irr(amounts, np.arange(len(amounts)))
    assert found == pytest.approx(sorted(rates), abs=1e-7)
    assert np.isnan(irr(amounts, np.arange(len(amounts)))) == (len(rates) > 1)


def test_none_and_several_are_told():
    assert said([-100.0, 110.0], [0.0, 1.0]) == "10.00 %"
    assert said([100.0, 110.0], [0.0, 1.0]).startswith("none")
    assert said([-100.0, 230.0, -132.0], [0.0, 1.0, 2.0]) == "several, so none: 10.00 %, 20.00 %"
    assert np.isnan(irr([], [])) and np.isnan(irr([0.0, 0.0], [0.0, 1.0]))
