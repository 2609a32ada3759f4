"""Turns the price falls of forced sales into a spread shock, so that the deal can be priced after them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.bearers.who_bears import Losses
from pricing.contagion.contagion import Contagion
from pricing.contagion.initial_losses import cell_name
from pricing.market.market import as_market
from pricing.tables.quotients import quotient
from pricing.valuation.prices import position
from pricing.valuation.remaining_cash import Ahead
from pricing.valuation.root_finding import rates_for
from pricing.valuation.spread_shocks import SpreadShock
from waterfalls.cashflows import Cashflows
from waterfalls.errors import refuse_unknown


def as_spread(
    made: Contagion,
    flows: Cashflows,
    market: Any,
    losses: Losses,
    scenario: Any,
    shock: str = "unchanged",
    *,
    name: str = "forced sales",
) -> SpreadShock:
    """The spread shock, tranche by tranche, that takes value down as the forced sales of one cell did.

        z': value(z') = value(z) x price after the sales / price before them        shock = z' - z, in bp

    Added to the shock of the cell it reprices the deal after the second round: price(flows, market, first + as_spread(...)).
    Tranches that are worth nothing, or that nobody sold, are left as they are. Spreads are continuous, Actual/365F.
    """
    prices, there = losses.prices, as_market(market, flows)
    s, k = prices.at(scenario, shock)
    at = [position("asset of the contagion", tranche, made.assets) for tranche in prices.tranches]
    before, after = made.rounds.prices[[0, -1], cell_row(made, scenario, shock)][:, at]
    left, ahead = quotient(after, before), Ahead.at(flows, there)
    amounts = ahead.cash[:, s] * ahead.discounts(there.curve)
    found = rates_for(amounts, ahead.times, (prices.npv[s, k] * left)[:, None])[:, 0]
    moved = 1e4 * (found - prices["z_spread"][s, k])
    sold = np.isfinite(moved) & (after != before)
    bp = {tranche: float(moved[n]) for n, tranche in enumerate(prices.tranches) if sold[n]}
    return SpreadShock.by_tranche(bp=bp, name=name) if bp else SpreadShock(name=name)


def cell_row(made: Contagion, scenario: Any, shock: str) -> int:
    """The row of a cell among the scenarios of a contagion."""
    label = cell_name(scenario, shock)
    refuse_unknown("cell of the contagion", label, made.scenarios)
    return list(made.scenarios).index(label)
