"""The market that a deal of a book is valued in: its own where it ships, else quotes by class of paper."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pricing.market.market import Market
from pricing.market.market_files import load_market
from structuring.deals.deal_files import library, load_deal, load_scenarios
from structuring.generators.named_stresses import paper
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import refuse_unknown

if TYPE_CHECKING:
    from structuring.deals.deal import Deal


def base_and_market(deal: Deal, quotes: Market) -> tuple[Scenario, Market]:
    """The base scenario and the market of a deal that ships, or a base without drivers and the quotes of its paper."""
    if deal.name in library() and load_deal(deal.name) == deal:
        return load_scenarios(deal.name)[0], load_market(deal.name)
    return Scenario("base"), by_paper(quotes, deal)


def by_paper(quotes: Market, deal: Deal) -> Market:
    """The market of a deal that has none: the quote of each tranche is that of its class of paper."""
    found = {}
    for tranche in deal.tranches:
        kind = paper(tranche)
        refuse_unknown("class of paper in the book's market", kind, quotes.quotes)
        found[tranche.name] = quotes.quotes[kind]
    return dataclasses.replace(quotes, quotes=found)
