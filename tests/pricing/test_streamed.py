"""Streamed prices and losses are those of the whole, to the bit."""

import datetime as dt
import pickle

import numpy as np
import pytest

from pricing.bearers.who_bears import who_bears
from pricing.market.curves import flat
from pricing.market.market import Market
from pricing.paths_and_books.study_measures import borne, priced
from pricing.valuation.measures import MEASURES
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.holdings import Holdings
from waterfalls.errors import CannotPrice, UnknownName

V = dt.date(2026, 1, 15)
QUOTES = {"A": {"price": 99.0}, "B": {"dm": 0.03}, "E": {"yield": 0.12}}
MARKET = Market(0.04, QUOTES, valuation=V)
SHOCKS = [SpreadShock.parallel(bp=100), SpreadShock.twist(bp={1: 50, 5: 200})]
HOLDINGS = Holdings({"A": {"insurers": 1.0}, "B": {"insurers": 0.5, "unidentified": 0.5}, "E": {"sponsor": 1.0}})


def chunks(flows, size):
    """The same flows in chunks of any size, as a study makes them."""
    from waterfalls.distribute import distribute

    for start in range(0, len(flows.scenarios), size):
        part = slice(start, start + size)
        yield distribute(flows.plan, flows.receipts.rows(part), rates={"SOFR": 0.04}, engine="reference")


@pytest.mark.parametrize("size", [1, 7, 50, 64])
def test_prices_of_chunks_are_those_of_the_whole(toy, paths, size):
    flows = paths(100)
    measure = priced(MARKET, SHOCKS, reference=toy(), measures=tuple(MEASURES))
    whole = measure.of(flows)
    joined = measure.join([measure.of(chunk) for chunk in chunks(flows, size)])
    assert joined.scenarios == range(100)
    for name in MEASURES:
        np.testing.assert_array_equal(joined[name], whole[name])
    np.testing.assert_array_equal(joined.status, whole.status)
    for name, array in whole.memo.items():
        np.testing.assert_array_equal(joined.memo[name], array)


def test_streamed_prices_are_those_of_price(paths):
    flows, market = paths(40), Market(0.04, valuation=V, otherwise=0.02)
    measure, whole = priced(market, SHOCKS, measures=("npv", "yield_to_maturity")), price(flows, market, SHOCKS)
    streamed = measure.join([measure.of(chunk) for chunk in chunks(flows, 9)])
    for name in ("npv", "yield_to_maturity"):
        np.testing.assert_array_equal(streamed[name], whole[name])
    assert list(streamed.frame().columns) == [
        "deal",
        "currency",
        "scenario",
        "shock",
        "tranche",
        "npv",
        "yield_to_maturity",
        "status",
    ]


@pytest.mark.parametrize("size", [3, 100])
def test_losses_of_chunks_are_those_of_the_whole(toy, paths, size):
    flows = paths(100)
    measure = borne(HOLDINGS, MARKET, SHOCKS, reference=toy())
    whole = measure.join([measure.of(flows)])
    joined = measure.join([measure.of(chunk) for chunk in chunks(flows, size)])
    for name, array in whole.tranche.items():
        np.testing.assert_array_equal(joined.tranche[name], array)
    assert len(joined.frame()) == 100 * 3 * 4


def test_streamed_losses_are_those_of_who_bears(toy):
    """Where the reference is one of the scenarios, both ways to ask give one answer."""
    flows = toy()
    measure = borne(HOLDINGS, MARKET, SHOCKS, reference=flows)
    streamed, direct = measure.join([measure.of(flows)]), who_bears(price(flows, MARKET, SHOCKS), HOLDINGS)
    for name, array in direct.tranche.items():
        np.testing.assert_array_equal(streamed.tranche[name], array)
    for name, array in direct.memo.items():
        np.testing.assert_array_equal(streamed.memo[name], array)
    np.testing.assert_array_equal(streamed.held, direct.held)


def test_measures_and_their_parts_travel_between_processes(toy):
    flows = toy()
    measure = borne(HOLDINGS, MARKET, SHOCKS, reference=flows)
    there = pickle.loads(pickle.dumps(measure))
    part = pickle.loads(pickle.dumps(there.of(flows)))
    np.testing.assert_array_equal(
        measure.join([part]).tranche["total"], measure.join([measure.of(flows)]).tranche["total"]
    )


def test_quotes_that_must_be_solved_need_reference_flows():
    with pytest.raises(
        CannotPrice, match=r"the quotes of 'A' \(price\), 'B' \(dm\), 'E' \(yield\) are solved at reference flows"
    ):
        priced(MARKET, SHOCKS)
    with pytest.raises(UnknownName, match="Did you mean 'yield_to_maturity'"):
        priced(flat(V, 0.04), measures=("yeild_to_maturity",))
