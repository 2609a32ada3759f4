"""The shipped market with its loop closed and its assumptions moved, run once for all files that ask."""

import functools

from pricing.contagion.closed_loop.assumptions import load_loop
from pricing.contagion.closed_loop.market_loop import market_loop
from pricing.contagion.closed_loop.sensitivity import sensitivity
from pricing.contagion.market_stress import market_stress
from structuring.deals.deal_files import LIBRARY

TERMS = load_loop(LIBRARY / "ai-debt-market" / "loop.yaml")


@functools.cache
def closed():
    return market_loop(market_stress(), TERMS)


@functools.cache
def moved():
    return sensitivity(closed(), 4, seed=1)
