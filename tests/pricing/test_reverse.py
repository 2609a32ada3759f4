"""Reverse stress: the smallest shock, found by name of what it breaks."""

import datetime as dt

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from pricing.bearers.who_bears import who_bears
from pricing.breakevens.reverse_stress import reverse_stress
from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.holdings import Holdings
from waterfalls.errors import CannotPrice, InvalidTerms


@drawn(st.floats(0.01, 0.99), st.floats(0.3, 4.0))
def test_the_smallest_shock_is_found(target, power):
    found = reverse_stress(lambda x: x**power, target=target, high=1.0, tolerance=1e-9)
    assert found.shock == pytest.approx(target ** (1.0 / power), abs=2e-9)
    assert found.measure >= target and found.below < found.shock


def test_the_first_of_several_crossings_is_found():
    found = reverse_stress(lambda x: 1.0 if 0.2 <= x < 0.4 or x >= 0.8 else 0.0, target=1.0, high=1.0, tolerance=1e-6)
    assert found.shock == pytest.approx(0.2, abs=1e-6)
    assert reverse_stress(lambda x: 5.0, target=1.0, high=1.0).shock == 0.0


def test_the_spread_that_costs_a_class_ten_per_cent(toy):
    holdings = Holdings({"A": {"insurers": 1.0}, "B": {"funds": 1.0}, "E": {"sponsor": 1.0}})
    market = Market(0.04, {"A": {"price": 101.0}, "B": 0.03, "E": {"yield": 0.15}}, valuation=dt.date(2026, 1, 15))
    flows = toy([1.0], ["base"])

    def insurers(bp):
        losses = who_bears(price(flows, market, SpreadShock.parallel(bp=bp, name="wider")), holdings)
        return 100.0 * losses["total"][0, 1, 0, 0] / losses.held[0, 0]

    found = reverse_stress(insurers, target=5.0, low=1.0, high=2000.0, tolerance=0.01)
    assert insurers(found.shock) >= 5.0 > insurers(found.below)


def test_the_shortfall_that_breaks_a_tranche(toy):
    def unpaid(share):
        return toy([1.0 - share], ["base"]).balance["B"][0, -1]

    found = reverse_stress(unpaid, target=1.0, high=1.0)
    assert unpaid(found.shock) >= 1.0 and 0.0 < found.shock < 0.5


def test_bad_input_of_reverse_stress():
    with pytest.raises(CannotPrice, match="no shock between 0 and 1 reaches 2; the most at 17 points is 1"):
        reverse_stress(lambda x: x, target=2.0, high=1.0)
    with pytest.raises(CannotPrice, match="the measure must be a number, got nan at a shock of 0"):
        reverse_stress(lambda x: float("nan"), target=2.0, high=1.0)
    with pytest.raises(InvalidTerms, match="high: must be above low 1, got 0"):
        reverse_stress(lambda x: x, target=2.0, low=1.0, high=0.0)
    with pytest.raises(InvalidTerms, match="tolerance: must be above 0"):
        reverse_stress(lambda x: x, target=2.0, high=1.0, tolerance=0.0)
