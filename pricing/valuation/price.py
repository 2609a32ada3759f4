"""Prices every tranche of a deal, in every scenario, under every spread shock."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pricing.market.market import Market, Quote, as_market
from pricing.valuation.measures import MEASURES, Cells
from pricing.valuation.prices import STATUS, Prices, position
from pricing.valuation.remaining_cash import Ahead, row_of
from pricing.valuation.root_finding import GRID, HIGHEST, LOWEST, rates_for
from pricing.valuation.spread_shocks import SHOWN, Move, Override, SpreadShock, Stress, ToPrice, listed, spreads_under
from waterfalls.arguments import instance, key, many, refused, takes
from waterfalls.cashflows import Cashflows, Table
from waterfalls.errors import CannotPrice, InvalidTerms

STRESSED = -0.10  # a spread below it says that the quote is not of this scenario
Pairs = Iterable[Stress | tuple[Any, SpreadShock]]
Before = tuple[Cashflows, Any]


def pair_before(name: str, given: Any) -> Before:
    """Flows and their market before a move of rates."""
    if not isinstance(given, tuple | list) or len(given) != 2 or not isinstance(given[0], Cashflows):
        raise refused(name, "flows and a market, (flows, market)", given)
    return given[0], given[1]


@takes(
    flows=instance(Cashflows),
    shocks=many(SpreadShock, such_as=SHOWN),
    pairs=many(Stress, tuple),
    reference=key,
    before=pair_before,
)
def price(
    flows: Cashflows,
    market: Any,
    shocks: SpreadShock | Sequence[SpreadShock] = (),
    *,
    pairs: Pairs | None = None,
    reference: Any = None,
    before: Before | None = None,
) -> Prices:
    """Values every tranche in every scenario under every shock, and under none (`UNCHANGED`).

        V(s, r, k) = sum_j F_j(s, r) D_r(v, t_j) exp(-(z0_i + dz_ik(t_j)) t_j)

    Flows strictly after the valuation date v count, draws as negative; t_j is Actual/365F. `market` is a `Market` or
    whatever a curve is made from, which prices at zero spreads. z0 of each tranche is solved once, from its quote, at
    the `reference` scenario (that named "base", else the first): a quote is what holders paid in view of the base, so
    price a stress with its base beside it, run(deal, [base, stress]). `pairs` takes (scenario, shock) cells instead of all.

    `before` is (flows, market) before a move of rates; what is given first is after it. z0 is then solved before the
    move, and the quotes of the market after it are not read.

    Errors: `CannotPrice` for a missing quote, a curve that ends too early, a price no spread reaches, another currency,
    and a spread below -10 % of a quote solved in a scenario that is neither named "base" nor said to be the `reference`;
    `UnknownName` for scenarios and shocks that name what is not there.
    """
    first_flows, first_market = (flows, market) if before is None else before
    wanted, shocks = cells_of(flows, pairs, listed(shocks))
    start = as_market(first_market, first_flows)
    spreads = reference_spreads(first_flows, start, reference)
    shocks = aimed(shocks, first_flows, start, reference)
    after = start if before is None else as_market(market, flows)
    valued = cells_at(flows, after, spreads, shocks)
    if before is None:
        earlier = valued
    else:
        alike(first_flows, flows, start, after)
        earlier = cells_at(first_flows, start, spreads, shocks)
    s = row_of(flows, reference)
    wanted[s, 0] = True
    return prices_of(flows, valued, earlier, shocks, wanted=wanted, reference=flows.receipts.scenarios[s])


def measured(cells: Cells, measure: str) -> np.ndarray:
    """A measure of cells (S, K, N)."""
    return np.moveaxis(np.broadcast_to(MEASURES[measure].function(cells), cells.npv.shape), 0, 2)


def prices_of(
    flows: Cashflows,
    cells: Cells,
    earlier: Cells,
    shocks: Sequence[SpreadShock],
    *,
    wanted: np.ndarray | None = None,
    reference: Any = None,
) -> Prices:
    """The prices of cells; measures are computed when first read."""
    ahead = cells.ahead
    note = np.array([[note is not None] for note in ahead.notes])
    idle = np.where(ahead.undrawn > 0.0, STATUS.index("undrawn"), STATUS.index("repaid"))
    gone = np.where(note & (ahead.balance == 0.0), idle, STATUS.index("wiped out"))
    status = np.where(ahead.wiped_out, gone, STATUS.index("priced"))
    scenarios = flows.receipts.scenarios
    return Prices(
        deal=flows.deal,
        currency=flows.plan.currency,
        valuation=ahead.valuation,
        scenarios=scenarios,
        shocks=tuple(shock.name for shock in shocks),
        tranches=flows.tranches,
        reference=reference,
        measures=Table("measure", tuple(MEASURES), functools.partial(measured, cells)),
        before=fixed(np.moveaxis(earlier.npv, 0, 2)),
        status=fixed(status.T),
        memo={
            "balance": fixed(ahead.balance.T),
            "committed": fixed(ahead.committed.T),
            "face": fixed(ahead.face.T),
            "cash": fixed(ahead.cash.sum(axis=2).T),
            "wal": fixed(ahead.wal.T),
            "realised_loss": fixed(ahead.realised_loss.T),
        },
        cells=cells,
        wanted=fixed(np.ones((len(scenarios), len(shocks)), bool) if wanted is None else wanted),
    )


def fixed(array: np.ndarray) -> np.ndarray:
    """A read-only array in C order."""
    made = np.ascontiguousarray(array)
    made.setflags(write=False)
    return made


def cells_at(flows: Cashflows, market: Market, spreads: Mapping[str, float], shocks: Sequence[SpreadShock]) -> Cells:
    """The cells of flows at a market's curve, at given reference spreads, under shocks."""
    return cells_ahead(Ahead.at(flows, market), market, spreads, shocks)


def cells_ahead(ahead: Ahead, market: Market, spreads: Mapping[str, float], shocks: Sequence[SpreadShock]) -> Cells:
    """The cells of what lies ahead of a market's date.

    NaN is the spread of a tranche that the reference wiped out; it is refused where the tranche has cash after all.
    """
    flows = ahead.flows
    base = np.array([spreads[name] for name in flows.tranches])
    for i, name in enumerate(flows.tranches):
        if np.isnan(base[i]) and not ahead.wiped_out[i].all():
            s = int(np.argmin(ahead.wiped_out[i]))
            raise CannotPrice(
                f"{name!r} has no cash in the reference scenario, so its quote gives no spread, but it has cash in "
                f"{flows.scenarios[s]!r}: quote it as a z-spread"
            )
    moved = spreads_under(shocks, np.nan_to_num(base), ahead)
    beyond = np.argwhere(~((moved >= LOWEST) & (moved <= HIGHEST)))
    if len(beyond):
        i, j, k = beyond[0]
        raise CannotPrice(
            f"the spread of {flows.tranches[i]!r} under {shocks[k].name!r} would be {1e4 * moved[i, j, k]:,.0f} bp: "
            f"spreads are from {LOWEST:.0%} to {HIGHEST:,.0%} a year"
        )
    return Cells(ahead, ahead.discounts(market.curve), moved, market)


# The spread at the reference ----------------------------------------------------------------------------------------


def reference_spreads(flows: Cashflows, market: Market, reference: Any = None) -> dict[str, float]:
    """z0 of every tranche: the spread at which its flows in the reference scenario are worth what it is quoted at.

    NaN for a tranche quoted by value or yield that has no cash there. Unshocked, once; every cell starts from it.
    """
    quotes = market.quotes_of(flows)
    if all(quote.kind == "z" for quote in quotes.values()):
        return {name: quote.value for name, quote in quotes.items()}
    s = row_of(flows, reference)
    ahead = Ahead.at(flows, market)
    discounts = ahead.discounts(market.curve)
    found = {
        name: quote.value if quote.kind == "z" else solved(ahead, discounts, market, i, s, quote)
        for i, (name, quote) in enumerate(quotes.items())
    }
    there = list(flows.receipts.scenarios)[s]
    if reference is None and there != "base":
        for name, spread in found.items():
            if spread < STRESSED and quotes[name].kind != "z":
                raise CannotPrice(
                    f"the {quotes[name].kind} {quotes[name].value:g} of {name!r} would be a spread of {1e4 * spread:,.0f} bp "
                    f"in {there!r}: a quote is solved at the reference, so run the base beside a stress, "
                    f"price(run(deal, [base, stress]), ...), or say reference={there!r} if that is it"
                )
    return found


def aimed(
    shocks: Sequence[SpreadShock], flows: Cashflows, market: Market, reference: Any = None
) -> tuple[SpreadShock, ...]:
    """Shocks to a price as shocks to the spread that gives it in the reference scenario; the others as they are."""
    if not any(isinstance(move, ToPrice) for shock in shocks for move in shock.moves):
        return tuple(shocks)
    s, ahead = row_of(flows, reference), Ahead.at(flows, market)
    discounts = ahead.discounts(market.curve)

    def bp(name: str, target: float) -> float:
        i = position("tranche", name, ahead.names)
        return 1e4 * solved(ahead, discounts, market, i, s, Quote("price", target))

    def found(move: Move) -> Move:
        if not isinstance(move, ToPrice):
            return move
        return Override({name: bp(name, target) for name, target in move.price.items()})

    return tuple(dataclasses.replace(shock, moves=tuple(map(found, shock.moves))) for shock in shocks)


def solved(ahead: Ahead, discounts: np.ndarray, market: Market, i: int, s: int, quote: Quote) -> float:
    """The z-spread of tranche i that a quote of another kind means in scenario s."""
    name = ahead.names[i]
    if ahead.wiped_out[i, s]:
        if quote.kind == "price":
            raise CannotPrice(
                f"{name!r} is quoted at {quote.value:g} and has no cash left in the reference scenario "
                f"{ahead.flows.scenarios[s]!r}: no spread gives it that price"
            )
        return np.nan
    value = value_quoted(ahead, market, i, s, quote)
    amounts = (ahead.cash[i, s] * discounts)[None]
    spread = float(rates_for(amounts, ahead.times, np.array([[value]]))[0, 0])
    if not LOWEST <= spread <= HIGHEST:
        reached = np.exp(-GRID[:, None] * ahead.times) @ amounts[0]  # least in between, where holders still pay in
        raise CannotPrice(
            f"no spread from {LOWEST:.0%} to {HIGHEST:,.0%} gives {name!r} the {quote.kind} {quote.value:g} in "
            f"{ahead.flows.scenarios[s]!r}: that is a "
            f"value of {value:,.2f}, and its cash of {ahead.cash[i, s].sum():,.2f} is worth {reached.min():,.2f} to "
            f"{reached.max():,.2f}"
        )
    return spread


def value_quoted(ahead: Ahead, market: Market, i: int, s: int, quote: Quote) -> float:
    """What a quote makes the flows of tranche i in scenario s worth, in currency units."""
    if quote.kind != "price":
        return float((ahead.cash[i, s] * weights_at(ahead, market, i, s, quote)).sum())
    face = ahead.face[i, s]
    if np.isnan(face):
        name = ahead.names[i]
        raise CannotPrice(f"{name!r} is quoted by price and has no balance on {ahead.valuation} to quote it on")
    return float(quote.value / 100.0 * face - ahead.undrawn[i, s] + ahead.accrued[i, s])


def weights_at(ahead: Ahead, market: Market, i: int, s: int, quote: Quote) -> np.ndarray:
    """The discount factors (J,) of the cash of tranche i in scenario s at a quote that is no price.

    z: D_j exp(-z t_j)      dm: 1 / prod_k (1 + (L_k + m) a_k)      yield, g, i: (1 + y/f)^(-f T_j)
    """
    name, rate, often = ahead.names[i], quote.value, float(ahead.per_year[i])
    if quote.kind == "z":
        return ahead.discounts(market.curve) * np.exp(-rate * ahead.times)
    if quote.kind == "dm":
        index = ahead.index_rates(i)
        if index is None:
            raise CannotPrice(f"{name!r} is quoted by discount margin (dm) and its coupon does not float")
        return 1.0 / np.cumprod(1.0 + (index[s if len(index) > 1 else 0] + rate) * ahead.fractions(i))
    if quote.kind in ("g", "i"):
        which = "government" if quote.kind == "g" else "swap"
        curve = getattr(market, which)
        if curve is None:
            raise CannotPrice(
                f"{name!r} is quoted by {quote.kind}-spread, and the market has no {which} curve: Market({which}=...)"
            )
        if np.isnan(ahead.wal[i, s]):
            raise CannotPrice(
                f"{name!r} is quoted by {quote.kind}-spread, over a par yield at its average life, and is repaid nothing in "
                f"{ahead.flows.scenarios[s]!r}: quote it by z, yield or price"
            )
        rate += curve.par_yield(float(ahead.wal[i, s]), int(often))
    return (1.0 + rate / often) ** (-often * ahead.yield_times[i])


# Which cells --------------------------------------------------------------------------------------------------------


def cells_of(
    flows: Cashflows, pairs: Pairs | None, shocks: tuple[SpreadShock, ...]
) -> tuple[np.ndarray, tuple[SpreadShock, ...]]:
    """Which cells are wanted (S, K), and every shock that they need."""
    scenarios = len(flows.receipts.scenarios)
    if pairs is None:
        return np.ones((scenarios, len(shocks)), bool), shocks
    stresses = [pair if isinstance(pair, Stress) else Stress(*pair) for pair in pairs]
    if len(shocks) > 1:
        raise InvalidTerms("price takes shocks, for every scenario, or pairs of a scenario and a shock, not both")
    shocks = listed([stress.shock for stress in stresses])
    wanted = np.zeros((scenarios, len(shocks)), bool)
    for stress in stresses:
        wanted[row_of(flows, stress.scenario), shocks.index(stress.shock)] = True
    return wanted, shocks


def alike(before: Cashflows, after: Cashflows, start: Market, end: Market) -> None:
    """Refuses flows before a move of rates that are not of the same deal, scenarios and dates."""
    for what, a, b in (
        ("deal", before.deal, after.deal),
        ("tranches", before.tranches, after.tranches),
        ("scenarios", tuple(before.receipts.scenarios), tuple(after.receipts.scenarios)),
        ("payment dates", before.dates, after.dates),
        ("valuation date", str(start.valuation), str(end.valuation)),
    ):
        if a != b:
            raise InvalidTerms(
                f"before: the {what} must be the same before and after the move of rates, got {a!r} and {b!r}"[:400]
            )
