"""Turns the price falls of forced sales into a spread shock, so that the deal can be priced after them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.bearers.who_bears import Losses
from pricing.contagion.contagion import Contagion
from pricing.contagion.initial_losses import cell_name
from pricing.valuation.spread_shocks import SpreadShock
from pricing.valuation.spreads_at_prices import z_spread
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
    Tranches that are worth nothing, or that nobody sold, are left as they are. Conventions are those of `z_spread`.
    """
    prices = losses.prices
    s, k = prices.at(scenario, shock)
    row = cell_row(made, scenario, shock)
    bp = {}
    for n, tranche in enumerate(prices.tranches):
        refuse_unknown("asset of the contagion", tranche, made.assets)
        a = made.assets.index(tranche)
        before, after = made.rounds.prices[0, row, a], made.rounds.prices[-1, row, a]
        dirty, accrued = prices["dirty"][s, k, n], prices["accrued"][s, k, n]
        if not before > 0.0 or after == before or not np.isfinite(dirty):
            continue
        found = z_spread(flows, market, tranche=tranche, price=dirty * after / before - accrued)[s]
        moved = 1e4 * (float(found) - prices["z_spread"][s, k, n])
        if np.isfinite(moved):
            bp[tranche] = float(moved)
    return SpreadShock.by_tranche(bp=bp, name=name) if bp else SpreadShock(name=name)


def cell_row(made: Contagion, scenario: Any, shock: str) -> int:
    """The row of a cell among the scenarios of a contagion."""
    label = cell_name(scenario, shock)
    refuse_unknown("cell of the contagion", label, made.scenarios)
    return list(made.scenarios).index(label)
