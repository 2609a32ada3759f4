"""What a committee is handed: the table is the prices, the sentences are the breakevens, in the words of the drivers."""

import dataclasses

import pytest

from pricing.breakevens.breakeven import breakeven
from pricing.breakevens.committee import committee, measured, searched
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.prices import CONTRACT
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.runs.run import run
from waterfalls.errors import InvalidTerms

NAME = "vantage-jersey"
SHOCK = SpreadShock.parallel(bp=100)


@pytest.fixture(scope="module")
def case():
    return load_deal(NAME), load_scenarios(NAME)[0], load_market(NAME)


def test_the_page_holds_every_price_and_every_breakeven(case):
    deal, base, market = case
    page = committee(deal, base, market, SHOCK, drivers=("rent", "re_let_rent"))
    prices = price(run(deal, base, rates=market.rates(deal)), market, SHOCK)
    for clean in prices["clean"][0].ravel():
        assert f" {clean:.2f} " in page
    for sentence in breakeven(deal, base, driver="rent", market=market).sentences():
        assert sentence in page
    assert (
        "No note loses anything even with rent of space let anew at 0% of 'base'."
        in page.split("Breakevens: rent of space let anew\n")[1]
    )
    assert len(measured(prices, "base")) == 2 * len(prices.tranches)
    assert len(measured(prices, "base").columns) == len(CONTRACT) + 3


def test_drivers_are_those_that_the_collateral_reads_and_that_can_be_multiplied(case):
    deal, base, _ = case
    assert list(searched(deal, base)) == ["rent", "value", "re_let_rent", "operating_cost"]
    assert "rent" not in searched(deal, dataclasses.replace(base, rent=0.0))
    with pytest.raises(InvalidTerms, match="there is no driver that is a number 'rentt'"):
        committee(*case, drivers=["rentt"])
