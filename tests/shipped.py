"""A shipped deal run in all its scenarios, priced as quoted and 300 bp wider, and attributed; once for all files that ask."""

import functools

from pricing import SpreadShock, load_market, price, projected, who_bears
from structuring import load_deal, load_scenarios, run

WIDER = SpreadShock.parallel(bp=300)


@functools.cache
def shipped(name):
    """The deal, its flows and its losses; `losses.prices` are its prices."""
    deal, market = load_deal(name), load_market(name)
    flows = run(deal, load_scenarios(name), rates=projected(market, deal))
    base = flows.scenarios[0]
    losses = who_bears(price(flows, market, WIDER, reference=base), deal.holdings, reference=(base, "unchanged"))
    return deal, flows, losses
