"""A deal run and priced against the first of its scenarios, rates moved after its spreads are solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pricing.market.market import Market
from pricing.valuation.price import Pairs, price
from pricing.valuation.prices import Prices
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.deal import Deal, resets_of
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls.cashflows import Cashflows
from waterfalls.distribute import Engine, distribute


class Priced(NamedTuple):
    """Cash of the scenarios, their prices, and the cash before rates moved."""

    flows: Cashflows
    prices: Prices
    before: Cashflows


def run_and_price(
    deal: Deal,
    scenarios: Sequence[Scenario],
    market: Market,
    shocks: Sequence[SpreadShock] = (),
    *,
    pairs: Pairs | None = None,
    rates: float = 0.0,
    engine: Engine = "auto",
) -> Priced:
    """Runs and prices a deal as `price` does, `rates` being a move of the market's curves in bp before which quotes hold."""
    base, before = scenarios[0].name, run(deal, scenarios, rates=market.rates(deal), engine=engine)
    if not rates:
        return Priced(before, price(before, market, shocks, pairs=pairs, reference=base), before)
    there = market.shifted(rates)
    moved = there.rates(deal)
    if resets_of(deal):  # collateral that floats brings other cash
        flows = run(deal, scenarios, rates=moved, engine=engine)
    else:
        flows = distribute(before.plan, before.receipts, rates=moved, engine=engine)
    prices = price(flows, there, shocks, pairs=pairs, reference=base, before=(before, market))
    return Priced(flows, prices, before)
