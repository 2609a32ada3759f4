"""The z-spread or yield of a tranche at a given price, or at a table of prices."""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.market.market import as_market
from pricing.valuation.prices import position
from pricing.valuation.remaining_cash import Ahead
from pricing.valuation.root_finding import rates_for, root
from waterfalls.arguments import instance, numbers, refused, takes, text, whole
from waterfalls.cashflows import Cashflows


def prices_above_0(name: str, given: Any) -> Any:
    """Prices that a spread can give, per 100."""
    array = np.asarray(numbers(name, given))
    if ((array <= 0.0) | (array > 1e6)).any():
        raise refused(name, "above 0, per 100", given)
    return given


@takes(flows=instance(Cashflows), tranche=text, price=prices_above_0, per_year=whole(1, 365))
def z_spread(flows: Cashflows, market: Any, *, tranche: str, price: Any, per_year: int | None = None) -> np.ndarray:
    """The z-spreads at which a tranche's flows are worth clean prices, in every scenario.

    z: sum F_j D_j exp(-z t_j) = price / 100 (B + U) - U + accrued. `price` is a number or an array; the result has shape
    (S, *shape of price), decimals, Actual/365F, continuous, or compounded `per_year` times over the zero rates of the
    curve compounded alike: D_j exp(-z t_j) is (1 + (r_j + z) / f)^(-f t_j) then. NaN where no spread gives the price.
    """
    ahead, i = ahead_of(flows, market, tranche)
    discounts = ahead.discounts(as_market(market, flows).curve)
    if per_year is not None:
        return shaped(compounded(ahead.cash[i], ahead.times, discounts, values(ahead, i, price), per_year), price)
    amounts = ahead.cash[i] * discounts
    return shaped(rates_for(amounts, ahead.times, values(ahead, i, price)), price)


def compounded(
    cash: np.ndarray, times: np.ndarray, discounts: np.ndarray, targets: np.ndarray, per_year: int
) -> np.ndarray:
    """The spreads z (S, P) at which sum_j F_j (D_j^(-1 / f t_j) + z / f)^(-f t_j) is `targets` (S, P)."""
    paid = discounts > 0.0  # 0 after the last cash, where the curve may have ended
    cash, powers = cash[:, paid], per_year * times[paid]
    growth, found = discounts[paid] ** (-1.0 / powers), np.empty(targets.shape)
    for s, amounts in enumerate(cash):

        def priced(z: np.ndarray, amounts: np.ndarray = amounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            base = growth + z[:, None] / per_year
            terms = amounts * base**-powers
            first, second = powers / base / per_year, powers * (powers + 1.0) / (base * per_year) ** 2
            return terms.sum(axis=1), -(terms * first).sum(axis=1), (terms * second).sum(axis=1)

        found[s] = root(priced, np.where(targets[s] > 0.0, targets[s], np.nan))
    return found


@takes(flows=instance(Cashflows), tranche=text, price=prices_above_0)
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
    return Ahead.at(flows, as_market(market, flows)), position("tranche", tranche, flows.tranches)


def values(ahead: Ahead, i: int, price: Any) -> np.ndarray:
    """What clean prices make tranche i worth (S, P) in currency units."""
    prices = np.atleast_1d(np.asarray(price, dtype=np.float64)).ravel()
    held = ahead.accrued[i] - ahead.undrawn[i]
    return prices / 100.0 * ahead.face[i][:, None] + held[:, None]


def shaped(found: np.ndarray, price: Any) -> np.ndarray:
    """(S, P) as (S, *shape of price)."""
    return found.reshape(len(found), *np.shape(price))
