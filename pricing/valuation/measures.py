"""The measures of a desk, such as clean price, z-spread, duration and dv01: unit, sign, formula and function of each.

A function takes `Cells` and gives an array that broadcasts to (N, S, K): tranche, scenario, shock. In the formulas
F_j is the cash on date j, t_j its years from the valuation date (Actual/365F), D_j the discount factor, z_j the spread,
T_j the years of yield (the note's day count, step by step), f the payments a year, B the balance, U what is undrawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pricing.market.curves import Curve
from pricing.market.market import Market
from pricing.valuation.discounting import product, weighted
from pricing.valuation.internal_rate import irr
from pricing.valuation.remaining_cash import Ahead
from pricing.valuation.root_finding import rates_for, root
from waterfalls.errors import InvalidTerms

BP = 1e-4
SHOCKS = 2**16  # discount factors made at a time: what a core's cache holds
SHARED = 2**22  # discount factors kept at most
ULPS = 1e-16  # moves of spreads this near are one: apart by rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
    """Every tranche (N) in every scenario (S) under every shock (K): flows, discount factors (J,), spreads (N, 1|J, K)."""

    ahead: Ahead
    discounts: np.ndarray
    spreads: np.ndarray
    market: Market

    @cached_property
    def npv(self) -> np.ndarray:
        """sum F_j D_j exp(-z_j t_j) (N, S, K)."""
        return self.summed(self.ahead.cash)

    @cached_property
    def slope(self) -> np.ndarray:
        """-dV/dz = sum F_j t_j D_j exp(-z_j t_j) (N, S, K)."""
        return self.summed(self.ahead.cash * self.ahead.times)

    @cached_property
    def quoted(self) -> np.ndarray:
        """V + U (N, S, K), NaN unless above 0: what a dirty price is of, so that durations are those of the price."""
        value = self.npv + self.ahead.undrawn[:, :, None]
        return np.where(value > 0.0, value, np.nan)

    def summed(self, cash: np.ndarray) -> np.ndarray:
        """sum_j cash_j D_j exp(-z_j t_j) (N, S, K) of amounts (N, S, J)."""
        found = np.empty((*cash.shape[:2], self.spreads.shape[2]))
        for i, weights in enumerate(self.weights()):
            for part, columns in weights:
                found[i, :, part] = product(cash[i], columns)
        return found

    def weights(self) -> Iterator[Iterator[tuple[slice, np.ndarray]]]:
        """D_j exp(-z_j t_j) (J, k) of every tranche, for a few shocks after the other; each is written over the one before."""
        times, shocks = self.ahead.times[:, None], self.spreads.shape[2]
        width, shared = min(shocks, max(1, SHOCKS // max(len(times), 1))), self.shared
        room = np.empty((len(times), width))

        def of(spreads: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
            at_first = self.discounts[:, None] * np.exp(spreads[:, :1] * -times)
            for start in range(0, shocks, width):
                part = slice(start, start + width)
                columns = room[:, : shocks - start]
                if shared is not None:
                    yield part, np.multiply(shared[:, part], at_first, out=columns)
                    continue
                np.exp(np.multiply(spreads[:, part], -times, out=columns), out=columns)
                yield part, np.multiply(columns, self.discounts[:, None], out=columns)

        return map(of, self.spreads)

    @cached_property
    def shared(self) -> np.ndarray | None:
        """exp(-dz_j t_j) (J, K) where every shock moves the spreads of all tranches alike; None where one does not."""
        moves = self.spreads - self.spreads[:, :, :1]
        tranches, _, shocks = moves.shape
        if min(tranches, shocks) < 2 or len(self.ahead.times) * shocks > SHARED:
            return None
        return np.exp(moves[0] * -self.ahead.times[:, None]) if (np.abs(moves - moves[0]) <= ULPS).all() else None

    def by_shape(self, shapes: np.ndarray) -> np.ndarray:
        """-dV/dr (N, S, K, B) for zero rates that move by r x each of B shapes (J, B): discounting, less what interest follows.

        sum_j D_j exp(-z_j t_j) (F_j t_j h_j - G_j (t_j h_j - t_j-1 h_j-1)) for a shape h.
        """
        times = self.ahead.times[:, None] * shapes
        steps = np.diff(times, axis=0, prepend=0.0)
        count, shocks = shapes.shape[1], self.spreads.shape[2]
        found = np.empty((*self.ahead.cash.shape[:2], shocks, count))
        for i, weights in enumerate(self.weights()):
            floats = self.ahead.following[i].any()
            for part, columns in weights:
                wide = columns[:, :, None]
                made = product(self.ahead.cash[i], (wide * times[:, None]).reshape(len(times), -1))
                if floats:
                    made -= product(self.ahead.following[i], (wide * steps[:, None]).reshape(len(times), -1))
                found[i, :, part] = made.reshape(len(made), -1, count)
        return found

    @cached_property
    def rate(self) -> np.ndarray:
        """The continuous yield x (N, S, K): sum F_j exp(-x T_j) = V."""
        rates = [rates_for(*row) for row in zip(self.ahead.cash, self.ahead.yield_times, self.npv, strict=True)]
        return np.stack(rates)

    def yielded(self, power: int) -> np.ndarray:
        """sum F_j T_j^power exp(-x T_j) (N, S, K) at the yield of each cell."""
        rows = zip(self.ahead.cash, self.ahead.yield_times, self.rate, strict=True)
        return np.stack([weighted(*row, power) for row in rows])

    @cached_property
    def compounding(self) -> np.ndarray:
        """1 + y / f (N, S, K)."""
        return np.exp(self.rate / self.ahead.per_year[:, None, None])


def alive(cells: Cells, values: np.ndarray) -> np.ndarray:
    """Values, NaN for a tranche that neither receives nor pays anything more."""
    return np.where(cells.ahead.wiped_out[:, :, None], np.nan, values)


def dirty(cells: Cells) -> np.ndarray:
    ahead = cells.ahead
    return 100.0 * (cells.npv + ahead.undrawn[:, :, None]) / ahead.face[:, :, None]


def accrued(cells: Cells) -> np.ndarray:
    return (100.0 * cells.ahead.accrued / cells.ahead.face)[:, :, None]


def clean(cells: Cells) -> np.ndarray:
    return dirty(cells) - accrued(cells)


def z_spread(cells: Cells) -> np.ndarray:
    spreads, level = cells.spreads, (cells.spreads == cells.spreads[:, :1]).all(axis=1)[:, None]
    if level.all():
        found = np.broadcast_to(spreads[:, :1], cells.npv.shape)
    else:
        rows = zip(cells.ahead.cash * cells.discounts, cells.npv, strict=True)
        solved = np.stack([rates_for(amounts, cells.ahead.times, values) for amounts, values in rows])
        found = np.where(level, spreads[:, :1], solved)
    return alive(cells, found)


def yield_to_maturity(cells: Cells) -> np.ndarray:
    return (cells.compounding - 1.0) * cells.ahead.per_year[:, None, None]


def discount_margin(cells: Cells) -> np.ndarray:
    found = np.full(cells.npv.shape, np.nan)
    for i in range(len(found)):
        if cells.ahead.index_rates(i) is not None:
            found[i] = margins_for(cells.ahead, i, cells.npv[i])
    return found


def margins_for(ahead: Ahead, i: int, values: np.ndarray) -> np.ndarray:
    """The margins (S, K) over the index at which a floating-rate note's flows are worth `values` (S, K)."""
    found = np.empty(values.shape)
    index, fractions = ahead.index_rates(i), ahead.fractions(i)
    assert index is not None
    for s, cash in enumerate(ahead.cash[i]):
        rates = index[s if len(index) > 1 else 0]

        def priced(
            margin: np.ndarray, cash: np.ndarray = cash, rates: np.ndarray = rates
        ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            growth = 1.0 + (rates + margin[:, None]) * fractions
            values, parts = cash / np.cumprod(growth, axis=1), fractions / growth
            once = np.cumsum(parts, axis=1)
            bend = values * (once * once + np.cumsum(parts * parts, axis=1))
            return values.sum(axis=1), -(values * once).sum(axis=1), bend.sum(axis=1)

        found[s] = root(priced, np.where(values[s] > 0.0, values[s], np.nan))
    return found


def over_par(cells: Cells, curve: Curve | None) -> np.ndarray:
    """Yields less the par yield of a curve at the same wal (N, S, K); NaN without a curve or without principal."""
    found = np.full(cells.ahead.wal.shape, np.nan)
    if curve is not None:
        for i, often in enumerate(cells.ahead.per_year):
            years, where = np.unique(cells.ahead.wal[i], return_inverse=True)
            par = [curve.par_yield(year, int(often)) if year > 0.0 else np.nan for year in years]
            found[i] = np.array(par)[where]
    return yield_to_maturity(cells) - found[:, :, None]


def key_rate_dv01(cells: Cells, tenors: Sequence[float]) -> np.ndarray:
    """Lost when zero rates rise 1 bp around each of B tenors, in years (N, S, K, B): `dv01` by tenor.

    Rates move by tents, 1 at the tenor and 0 at its neighbours, level beyond the first and the last: the tents sum to
    the parallel move, and their dv01 to `dv01`.
    """
    years = np.asarray(tenors, dtype=np.float64)
    if years.ndim != 1 or len(years) < 1 or not (np.diff(years) > 0.0).all() or not np.isfinite(years).all():
        raise InvalidTerms(f"tenors: must be years that rise, such as (1, 2, 5, 10, 30); got {tenors!r}")
    tents = [np.interp(cells.ahead.times, years, unit) for unit in np.eye(len(years))]
    return cells.by_shape(np.stack(tents, axis=1)) * BP


def convexity(cells: Cells) -> np.ndarray:
    often = cells.ahead.per_year[:, None, None]
    return alive(cells, (cells.yielded(2) + cells.yielded(1) / often) / cells.quoted / cells.compounding**2)


def equity_irr(cells: Cells) -> np.ndarray:
    """The annual return of equity bought at its balance on the valuation date (N, S, 1); NaN for notes."""
    ahead = cells.ahead
    found = np.full((*ahead.balance.shape, 1), np.nan)
    years = np.concatenate([[0.0], ahead.times])
    for i, note in enumerate(ahead.notes):
        if note is not None:
            continue
        cash, put_in = ahead.cash[i], ahead.balance[i]
        once = (cash >= 0.0).all(axis=1) & (put_in > 0.0)  # one change of sign: one rate at most
        found[i, once] = np.expm1(rates_for(cash[once], ahead.times, put_in[once, None]))
        for s in np.flatnonzero(~once):
            found[i, s] = irr(np.concatenate([[-put_in[s]], cash[s]]), years)
    return found


@dataclasses.dataclass(frozen=True)
class Measure:
    """One line of a table of measures: `function` makes an array of what they are measured on, such as `Cells`."""

    name: str
    unit: str
    sign: str
    formula: str
    function: Callable[[Any], np.ndarray]


PRICE = "per 100 of B + U"
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("npv", "currency", "positive is worth to the holder; draws count against it", "V = sum F_j D_j exp(-z_j t_j)", lambda cells: cells.npv),
        Measure("clean", PRICE, "positive", "dirty - accrued", clean),
        Measure("dirty", PRICE, "positive", "100 (V + U) / (B + U)", dirty),
        Measure("accrued", PRICE, "positive", "100 x interest of the period x part of it that has run / (B + U)", accrued),
        Measure("z_spread", "decimal a year", "positive is cheaper than the curve", "z: sum F_j D_j exp(-z t_j) = V", z_spread),
        Measure("yield_to_maturity", "decimal a year, compounded f times", "positive", "y: sum F_j (1 + y/f)^(-f T_j) = V", yield_to_maturity),
        Measure("wal", "years", "positive", "sum P_j t_j / sum P_j, P principal", lambda cells: cells.ahead.wal[:, :, None]),
        Measure("modified_duration", "years", "positive: value falls as yield rises", "-(dV/dy) / (V + U)", lambda cells: alive(cells, cells.yielded(1) / cells.quoted / cells.compounding)),
        Measure("convexity", "years squared", "positive", "(d2V/dy2) / (V + U)", convexity),
        Measure("spread_duration", "years", "positive: value falls as the spread rises", "-(dV/dz) / (V + U)", lambda cells: alive(cells, cells.slope / cells.quoted)),
        Measure("cs01", "currency", "positive: lost when the spread rises 1 bp", "-(dV/dz) x 0.0001", lambda cells: cells.slope * BP),
        Measure("dv01", "currency", "positive: lost when zero rates rise 1 bp; interest of floating notes follows, other cash is held", "-(dV/dr) x 0.0001: D_j -> D_j exp(-r t_j), F_j -> F_j + G_j r (t_j - t_j-1)", lambda cells: cells.by_shape(np.ones((len(cells.ahead.times), 1)))[..., 0] * BP),
        Measure("macaulay_duration", "years", "positive", "sum T_j F_j (1 + y/f)^(-f T_j) / (V + U), at the yield; on the curve and its spread it is spread_duration", lambda cells: alive(cells, cells.yielded(1) / cells.quoted)),
        Measure("g_spread", "decimal a year", "positive is cheaper than governments", "y - par yield of the government curve at wal", lambda cells: over_par(cells, cells.market.government)),
        Measure("i_spread", "decimal a year", "positive is cheaper than swaps", "y - par yield of the swap curve at wal", lambda cells: over_par(cells, cells.market.swap)),
        Measure("discount_margin", "decimal a year", "positive is cheaper than the index", "m: sum F_j / prod_k (1 + (L_k + m) a_k) = V", discount_margin),
        Measure("equity_irr", "decimal a year, Actual/365F", "positive; of equity bought at its balance, NaN where no rate or several solve it", "r: B = sum F_j (1 + r)^(-t_j), draws negative", equity_irr),
    )
}  # fmt: skip
CONTRACT = tuple(MEASURES)[: tuple(MEASURES).index("dv01") + 1]  # the columns of a frame that names none
