"""Inside somebody else's system: their curves and quotes move, their threads share flows and markets, QuantLib stays as it was."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import QuantLib as ql

from pricing.market.market import Market
from pricing.valuation.measures import MEASURES
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from waterfalls.errors import InvalidTerms

V = dt.date(2026, 1, 15)
ON = ql.Date(15, 1, 2026)
SHOCK = SpreadShock.parallel(bp=50)


@pytest.fixture(autouse=True)
def evaluation_date():
    """What every test here must leave unchanged."""
    was = ql.Settings.instance().evaluationDate
    yield was
    assert ql.Settings.instance().evaluationDate == was


@pytest.fixture
def host():
    """A curve behind a handle that hangs on one quote."""
    rate = ql.SimpleQuote(0.04)
    curve = ql.FlatForward(ON, ql.QuoteHandle(rate), ql.Actual365Fixed())
    return rate, ql.YieldTermStructureHandle(curve)


def test_quotes_of_tranches_may_move_and_are_read_once(toy, host):
    rate, handle = host
    spread, clean = ql.SimpleQuote(0.02), ql.SimpleQuote(99.0)
    quotes = {"A": ql.QuoteHandle(spread), "B": {"price": clean}}
    market = Market(handle, quotes, otherwise=0.1)
    assert market == Market(handle, {"A": 0.02, "B": {"price": 99.0}}, otherwise=0.1)
    before = price(toy(), market)["clean"][0, 0]
    spread.setValue(0.03)
    clean.setValue(98.0)
    rate.setValue(0.05)
    np.testing.assert_array_equal(price(toy(), market)["clean"][0, 0], before)
    moved = price(toy(), Market(handle, quotes, otherwise=0.1))["clean"][0, 0]
    assert moved[0] < before[0] and moved[1] == pytest.approx(98.0, abs=1e-10)


@pytest.mark.parametrize("quote", [ql.QuoteHandle(), ql.SimpleQuote(float("nan")), ql.SimpleQuote(225.0)])
def test_a_quote_without_a_value_is_refused(host, quote):
    with pytest.raises(InvalidTerms, match=r"Market.quotes\['A'\]"):
        Market(host[1], {"A": quote})


def test_threads_share_flows_a_market_and_prices(toy, host):
    """Measures are computed when first read: eight threads that read them of one object at once get the same bits."""
    flows, market = toy(), Market(host[1], {"A": {"price": 98.0}}, otherwise=0.03)
    shared, gate = price(flows, market, SHOCK), threading.Barrier(8)
    alone = price(toy(), market, SHOCK)

    def work(_):
        gate.wait()
        mine = price(flows, market, SHOCK)
        return {name: (mine[name], shared[name], shared.key_rate_dv01()) for name in MEASURES}

    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(work, range(8)):
            for name, (mine, theirs, rates) in found.items():
                np.testing.assert_array_equal(mine, alone[name], strict=True)
                np.testing.assert_array_equal(theirs, alone[name])
                np.testing.assert_array_equal(rates, alone.key_rate_dv01())


def test_a_market_made_under_the_hosts_lock_is_of_one_moment(toy, host):
    """One thread moves the quote, others snapshot it under the lock and price outside it."""
    rate, handle = host
    flows, lock, stop = toy(), threading.Lock(), threading.Event()
    levels = [0.03, 0.05]
    expected = [price(flows, Market(level, valuation=V, otherwise=0.01)).npv for level in levels]

    def move():
        while not stop.is_set():
            for level in levels:
                with lock:
                    rate.setValue(level)

    def work(_):
        with lock:
            market = Market(handle, otherwise=0.01)
        return price(flows, market).npv

    mover = threading.Thread(target=move)
    rate.setValue(levels[0])
    mover.start()
    try:
        with ThreadPoolExecutor(2) as threads:
            for found in threads.map(work, range(20)):
                assert any(np.allclose(found, level, rtol=1e-12) for level in expected)
    finally:
        stop.set()
        mover.join()
