"""Prices and losses as measures of a `study`, chunk by chunk: `study(deal, paths, measure=priced(market, shocks))`.

A measure is two functions: `of(block)` of a chunk of flows a part, `join(parts)` the whole, equal to the bit to that of
all flows at once. Every chunk starts from the same spreads, solved once where the measure is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pricing.bearers.who_bears import REFERENCE, Losses, losses_from, shares_of
from pricing.market.curve_inputs import curve_from
from pricing.market.market import Market, as_market
from pricing.valuation.measures import MEASURES
from pricing.valuation.price import aimed, cells_at, fixed, price, prices_of, reference_spreads
from pricing.valuation.prices import Prices
from pricing.valuation.remaining_cash import row_of
from pricing.valuation.spread_shocks import SHOWN, SpreadShock, listed
from structuring.deals.holdings import Holdings
from waterfalls.arguments import cell, instance, many, takes, texts
from waterfalls.cashflows import Cashflows, Table
from waterfalls.errors import CannotPrice, refuse_unknown

USUAL = ("npv", "clean", "wal")


@dataclasses.dataclass(frozen=True, eq=False)
class Priced:
    """The prices of every chunk: `measures` kept, all else dropped."""

    market: Market
    spreads: Mapping[str, float] | None
    shocks: tuple[SpreadShock, ...]
    measures: tuple[str, ...]

    def of(self, block: Cashflows) -> Prices:
        """The prices of a chunk."""
        market = as_market(self.market, block)
        spreads = self.spreads if self.spreads is not None else reference_spreads(block, market)
        cells = cells_at(block, market, spreads, self.shocks)
        made = prices_of(block, cells, cells, self.shocks)
        return dataclasses.replace(made, cells=None, measures=kept({name: made[name] for name in self.measures}))

    def join(self, parts: Sequence[Prices]) -> Prices:
        """The scenarios of every part, in order."""
        first = parts[0]
        arrays = {name: fixed(np.concatenate([part[name] for part in parts])) for name in first.measures}
        memo = {name: fixed(np.concatenate([part.memo[name] for part in parts])) for name in first.memo}
        return dataclasses.replace(
            first,
            scenarios=joined([part.scenarios for part in parts]),
            measures=kept(arrays),
            before=arrays["npv"],
            status=fixed(np.concatenate([part.status for part in parts])),
            memo=memo,
            wanted=fixed(np.concatenate([part.wanted for part in parts])),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Borne:
    """The losses by investor class of every chunk, against one cell of the reference flows."""

    priced: Priced
    holdings: Holdings
    origin: Prices
    against: tuple[Any, str]

    def of(self, block: Cashflows) -> Prices:
        """The prices of a chunk."""
        return self.priced.of(block)

    def join(self, parts: Sequence[Prices]) -> Losses:
        """The losses of every part, in order."""
        s0, k0 = self.origin.at(*self.against)
        return losses_from(self.priced.join(parts), self.holdings, self.origin, s0, k0, self.against)


@takes(shocks=many(SpreadShock, such_as=SHOWN), reference=instance(Cashflows), measures=texts)
def priced(
    market: Any,
    shocks: SpreadShock | Sequence[SpreadShock] = (),
    *,
    reference: Cashflows | None = None,
    measures: Sequence[str] = USUAL,
) -> Priced:
    """The measure that prices every path under every shock, and under none.

    `reference` are the flows at which quotes other than z-spreads are solved, in the scenario "base" or the first; a
    market of z-spreads, or a bare curve, needs none. npv is kept besides the `measures` named.
    """
    for name in measures:
        refuse_unknown("measure", name, MEASURES)
    made = market if isinstance(market, Market) else Market(curve_from(market), otherwise=0.0)
    others = [f"{name!r} ({quote.kind})" for name, quote in made.quotes.items() if quote.kind != "z"]
    if made.otherwise is not None and made.otherwise.kind != "z":
        others.append(f"otherwise ({made.otherwise.kind})")
    if others and reference is None:
        raise CannotPrice(
            f"the quotes of {', '.join(others)} are solved at reference flows, so that every chunk starts from the same "
            "spreads: priced(market, shocks, reference=run(deal, base))"
        )
    spreads, moves = None, listed(shocks)
    if reference is not None:
        there = as_market(made, reference)
        at = reference.receipts.scenarios[row_of(reference, None)]
        spreads, moves = reference_spreads(reference, there, at), aimed(moves, reference, there, at)
    return Priced(made, spreads, moves, tuple(dict.fromkeys(("npv", *measures))))


@takes(
    holdings=instance(Holdings), shocks=many(SpreadShock, such_as=SHOWN), reference=instance(Cashflows), against=cell
)
def borne(
    holdings: Holdings,
    market: Any,
    shocks: SpreadShock | Sequence[SpreadShock] = (),
    *,
    reference: Cashflows,
    against: tuple[Any, str] = REFERENCE,
) -> Borne:
    """The measure of what every class loses on every path, against the cell `against` of the `reference` flows.

    Quotes are solved in the scenario "base" of these, or the first, as `who_bears(price(...), ...)` has them.
    """
    shares_of(reference.tranches, holdings)
    origin = price(reference, market, shocks, reference=reference.receipts.scenarios[row_of(reference, None)])
    origin.at(*against)
    origin = dataclasses.replace(origin, cells=None, measures=kept({"npv": origin.npv}))
    return Borne(priced(market, shocks, reference=reference, measures=("npv",)), holdings, origin, against)


def kept(arrays: Mapping[str, np.ndarray]) -> Table:
    """Arrays by measure."""
    return Table("measure", tuple(arrays), dict(arrays).__getitem__)


def joined(parts: Sequence[tuple[str, ...] | range]) -> tuple[str, ...] | range:
    """The names, or the numbers, of every part."""
    first = parts[0]
    if isinstance(first, range):
        return range(first.start, first.start + sum(len(part) for part in parts))
    return tuple(str(name) for part in parts for name in part)
