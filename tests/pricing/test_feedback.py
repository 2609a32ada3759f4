"""Falls of price come back through the pricer as spreads that give the same value."""

import dataclasses
import datetime as dt

import pytest
from shipped import shipped

from pricing.bearers.institutions import Institution, Threshold
from pricing.bearers.who_bears import who_bears
from pricing.contagion.contagion import contagion
from pricing.contagion.spreads_after_sales import as_spread
from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.holdings import Holdings
from waterfalls.errors import UnknownName

MARKET = Market(0.04, {"A": {"price": 101.0}, "B": 0.03, "E": {"yield": 0.15}}, valuation=dt.date(2026, 1, 15))
HOLDINGS = Holdings({"A": {"bank": 1.0}, "B": {"bank": 1.0}, "E": {"sponsor": 1.0}})
WIDER = SpreadShock.parallel(bp=150)


def second_round(flows):
    bank = Institution("bank", assets=1000.0, capital=60.0, threshold=Threshold("leverage", minimum=0.05))
    losses = who_bears(price(flows, MARKET, WIDER), HOLDINGS)
    made = contagion(
        losses, institutions=[bank, Institution("sponsor")], depth={"deal": 5000.0}, cell=("base", WIDER.name)
    )
    return losses, made


def test_the_deal_repriced_is_worth_what_the_sales_left_of_it(toy):
    flows = toy()
    losses, made = second_round(flows)
    shock = as_spread(made, flows, MARKET, losses, "base", WIDER.name)
    both = dataclasses.replace(WIDER + shock, name="both")
    prices = price(flows, MARKET, [WIDER, both])
    for n, tranche in enumerate(("A", "B")):
        left = made.rounds.prices[-1, 0, n] / made.rounds.prices[0, 0, n]
        assert left < 1.0
        assert prices["dirty"][0, 2, n] == pytest.approx(left * prices["dirty"][0, 1, n], rel=1e-9), tranche
    assert prices.npv[0, 2, 2] < prices.npv[0, 1, 2] or made.rounds.prices[-1, 0, 2] == made.rounds.prices[0, 0, 2]


def test_what_is_not_drawn_yet_does_not_fall_with_the_price():
    """A loan of CoreWeave is drawn to a third: sales that take a seventh of its value were made to take near half."""
    deal, flows, _ = shipped("coreweave-ddtl-4")
    market = load_market("coreweave-ddtl-4")
    losses = who_bears(price(flows, market), deal.holders)
    bank = Institution("banks", assets=5e9, capital=1e9, threshold=Threshold("leverage", minimum=0.5))
    rest = [Institution(who) for who in losses.classes if who not in ("banks", "unidentified")]
    made = contagion(losses, institutions=[bank, *rest], depth={"deal": 5e9}, cell=("base", "unchanged"))
    shock = as_spread(made, flows, market, losses, "base")
    prices = price(flows, market, shock)
    left = made.rounds.prices[-1, 0]
    assert left[0] < 0.9
    assert prices.npv[0, 1] == pytest.approx(left * prices.npv[0, 0], rel=1e-9)


def test_what_nobody_sold_keeps_its_spread(toy):
    flows = toy()
    losses, _ = second_round(flows)
    calm = contagion(
        losses,
        institutions=[Institution("bank"), Institution("sponsor")],
        depth={"deal": 5000.0},
        cell=("base", WIDER.name),
    )
    assert as_spread(calm, flows, MARKET, losses, "base", WIDER.name).moves == ()
    with pytest.raises(UnknownName, match="there is no cell of the contagion 'bad'"):
        as_spread(calm, flows, MARKET, losses, "bad")
