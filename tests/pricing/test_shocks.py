"""Shocks as values, and what they do to spreads."""

import datetime as dt

import numpy as np
import pytest

from pricing.market.market import Market
from pricing.paths_and_books.study_measures import priced
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import UNCHANGED, SpreadShock, Stress
from pricing.valuation.spreads_at_prices import z_spread
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName

V = dt.date(2026, 1, 15)
SPREADS = {"A": 0.02, "B": 0.04, "E": 0.1}
MARKET = Market(0.03, SPREADS, valuation=V)

MOVES = {
    SpreadShock.parallel(bp=100): ("+100 bp", [0.03, 0.05, 0.11]),
    SpreadShock.parallel(bp=-12.5): ("-12.5 bp", [0.01875, 0.03875, 0.09875]),
    SpreadShock.relative(0.5): ("spreads +50 %", [0.03, 0.06, 0.15]),
    SpreadShock.by_seniority(bp=50, beta=2.0): ("+50 bp senior, times 2 each step down", [0.025, 0.05, 0.12]),
    SpreadShock.parallel(bp=100) + SpreadShock.relative(1.0): ("+100 bp, then spreads +100 %", [0.06, 0.1, 0.22]),
    SpreadShock.relative(1.0) + SpreadShock.parallel(bp=100): ("spreads +100 %, then +100 bp", [0.05, 0.09, 0.21]),
}
NAMED = [
    (SpreadShock.by_tranche(bp={"B": 300}), "B +300 bp", [0.02, 0.07, 0.1]),
    (SpreadShock.by_rating(bp={"AA": 25}), "rated AA +25 bp", [0.0225, 0.04, 0.1]),
    (SpreadShock.override(bp={"A": 500}), "A at 500 bp", [0.05, 0.04, 0.1]),
    (SpreadShock.twist(bp={1: 50, 10: 50}), "twist 1y +50 bp, 10y +50 bp", [0.025, 0.045, 0.105]),
]


@pytest.mark.parametrize(("shock", "name", "spreads"), [*((s, *rest) for s, rest in MOVES.items()), *NAMED], ids=str)
def test_a_shock_moves_spreads_and_is_named_by_its_terms(toy, shock, name, spreads):
    prices = price(toy(), MARKET, [shock])
    assert shock.name == name
    assert prices.shocks == ("unchanged", name)
    np.testing.assert_allclose(prices["z_spread"][0, 1], spreads, rtol=1e-12)
    np.testing.assert_array_equal(prices["z_spread"][0, 0], list(SPREADS.values()))
    other = price(toy(), Market(0.03, dict(zip("ABE", spreads, strict=True)), valuation=V))
    np.testing.assert_allclose(prices.npv[:, 1], other.npv[:, 0], rtol=1e-13)


def test_a_twist_moves_each_flow_by_its_tenor(toy):
    flows = toy()
    prices = price(flows, MARKET, SpreadShock.twist(bp={1: 0, 3: 200}))
    years = np.array([(date - V).days / 365 for date in flows.dates])
    spread = 0.02 + np.clip((years - 1) / 2, 0, 1) * 0.02
    assert prices.npv[0, 1, 0] == pytest.approx(
        (flows.cash("A")[0] * np.exp(-(0.03 + spread) * years)).sum(), rel=1e-13
    )


def test_shocks_are_values():
    assert SpreadShock.parallel(bp=100) == SpreadShock.parallel(bp=100.0)
    assert SpreadShock.parallel(bp=100) != SpreadShock.parallel(bp=100, name="autumn")
    assert SpreadShock() == UNCHANGED
    assert Stress("crunch", SpreadShock.parallel(bp=100)).name == "crunch, +100 bp"
    assert Stress("crunch").shock == UNCHANGED
    with pytest.raises(InvalidTerms, match="Twist"):
        SpreadShock.twist(bp={5: 100})


def test_unchanged_is_always_first_and_once(toy):
    shock = SpreadShock.parallel(bp=100)
    assert price(toy(), MARKET, [shock, UNCHANGED, shock]).shocks == ("unchanged", "+100 bp")
    assert price(toy(), MARKET).shocks == ("unchanged",)


def test_pairs_list_their_cells_and_the_reference(toy):
    wide, dead = SpreadShock.parallel(bp=100), SpreadShock.parallel(bp=900, name="panic")
    pairs = [Stress("bad", wide), ("dead", dead)]
    frame = price(toy(), MARKET, pairs=pairs).frame()
    cells = frame[["scenario", "shock"]].drop_duplicates().astype(str).values.tolist()
    assert cells == [["base", "unchanged"], ["bad", "+100 bp"], ["dead", "panic"]]
    full = price(toy(), MARKET, [wide, dead]).frame()
    merged = frame.astype({"scenario": str, "shock": str}).merge(
        full.astype({"scenario": str, "shock": str}), on=["scenario", "shock", "tranche"], suffixes=("", "_full")
    )
    assert len(merged) == 9
    np.testing.assert_array_equal(merged["npv"], merged["npv_full"])
    with pytest.raises(InvalidTerms, match="not both"):
        price(toy(), MARKET, [wide], pairs=pairs)


def test_a_shock_to_a_price_finds_the_spread_that_gives_it(toy):
    """A loan quoted at 90 where it stood at par: the same as overriding by the z-spread of that price."""
    flows, shock = toy(), SpreadShock.to_price(price={"A": 90.0, "B": 75.5})
    prices = price(flows, MARKET, [shock, shock + SpreadShock.parallel(bp=10)])
    assert shock.name == "A to 90, B to 75.5"
    np.testing.assert_allclose(prices["clean"][0, 1, :2], [90.0, 75.5], rtol=1e-12)
    wide = [z_spread(flows, MARKET, tranche=name, price=at)[0] for name, at in (("A", 90.0), ("B", 75.5))]
    np.testing.assert_allclose(prices["z_spread"][0, 1], [*wide, 0.1], rtol=1e-10)
    np.testing.assert_allclose(prices["z_spread"][0, 2], np.array([*wide, 0.1]) + 1e-3, rtol=1e-10)
    same = price(flows, MARKET, SpreadShock.override(bp={"A": 1e4 * wide[0], "B": 1e4 * wide[1]}))
    np.testing.assert_allclose(prices.npv[:, 1], same.npv[:, 1], rtol=1e-10)  # in every scenario


def test_a_shock_to_a_price_is_solved_once_for_every_chunk(toy):
    flows, shock = toy(), SpreadShock.to_price(price={"A": 90.0})
    measure = priced(MARKET, shock, reference=flows)
    parts = [measure.of(block) for block in flows.blocks()]
    np.testing.assert_array_equal(measure.join(parts).npv, price(flows, MARKET, shock).npv)
    with pytest.raises(InvalidTerms, match="'A to 90': a price is reached by price"):
        priced(MARKET, shock).of(flows)
    with pytest.raises(UnknownName, match="there is no tranche 'a'. Did you mean 'A'?"):
        price(flows, MARKET, SpreadShock.to_price(price={"a": 90.0}))
    with pytest.raises(CannotPrice, match="gives 'A' the price 1e-60"):
        price(flows, MARKET, SpreadShock.to_price(price={"A": 1e-60}))
