"""Spreads and yields of tranches at prices: one price, or a table of them, in every scenario."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.ahead import Ahead
from pricing.market import as_market
from pricing.prices import position
from pricing.roots import rates_for
from waterfalls.cashflows import Cashflows


def z_spread(flows: Cashflows, market: Any, *, tranche: str, price: Any) -> np.ndarray:
    """The z-spreads at which a tranche's flows are worth clean prices, in every scenario.

    z: sum F_j D_j exp(-z t_j) = price / 100 (B + U) - U + accrued. `price` is a number or an array; the result has shape
    (S, *shape of price), decimals, continuous, Actual/365F. NaN where no spread gives the price.
    """
    ahead, i = ahead_of(flows, market, tranche)
    amounts = ahead.cash[i] * ahead.discounts(as_market(market, flows).curve)
    return shaped(rates_for(amounts, ahead.times, values(ahead, i, price)), price)


def yield_to_maturity(flows: Cashflows, market: Any, *, tranche: str, price: Any) -> np.ndarray:
    """The yields at which a tranche's flows are worth clean prices on the market's valuation date, in every scenario.

    y: sum F_j (1 + y/f)^(-f T_j) = price / 100 (B + U) - U + accrued, f the payments a year (equity: 1), T_j the note's
    day count, step by step. Shapes as in `z_spread`; an array of prices gives the price-yield table.
    """
    ahead, i = ahead_of(flows, market, tranche)
    rates = rates_for(ahead.cash[i], ahead.yield_times[i], values(ahead, i, price))
    often = ahead.per_year[i]
    return shaped((np.exp(rates / often) - 1.0) * often, price)


def ahead_of(flows: Cashflows, market: Any, tranche: str) -> tuple[Ahead, int]:
    """What lies ahead of the valuation date, and the position of a tranche."""
    return Ahead(flows, as_market(market, flows).valuation), position("tranche", tranche, flows.tranches)


def values(ahead: Ahead, i: int, price: Any) -> np.ndarray:
    """What clean prices make tranche i worth (S, P) in currency units."""
    prices = np.atleast_1d(np.asarray(price, dtype=np.float64)).ravel()
    held = ahead.accrued[i] - ahead.undrawn[i]
    return prices / 100.0 * ahead.face[i][:, None] + held[:, None]


def shaped(found: np.ndarray, price: Any) -> np.ndarray:
    """(S, P) as (S, *shape of price)."""
    return found.reshape(len(found), *np.shape(price))
