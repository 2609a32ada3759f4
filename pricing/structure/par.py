"""Par coupons: the coupon, or the margin, at which a note is worth the price it is sold at, at the spread of its paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pricing.market.market import Market, Quote
from pricing.structure.fixed_point import NotSettled
from pricing.valuation.price import value_quoted, weights_at
from pricing.valuation.remaining_cash import Ahead
from waterfalls.errors import CannotPrice, Fault, InvalidTerms
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.term import unproved
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows

Spreads = Mapping[str, Mapping[float, float]]  # by rating and average life in years


def coupon_of(note: Note) -> float:
    """The rate of a fixed coupon, the margin of a floating one."""
    return note.coupon.rate if isinstance(note.coupon, Fixed) else note.coupon.margin


def limits(note: Note) -> tuple[float, float]:
    """The rates, or margins, that are looked for; a margin may be a little below its index."""
    return (0.0, 0.5) if isinstance(note.coupon, Fixed) else (-0.05, 0.5)


def quote_of(note: Note, wal: float, market: Market, spreads: Spreads) -> Quote:
    """What new paper of a note's rating and average life is quoted at: a z-spread, linear in the life; else its own quote."""
    by_life = spreads.get(note.rating or "")
    if by_life:
        lives = sorted(by_life)
        if np.isnan(wal):
            raise NotSettled(f"{note.name!r} is repaid nothing, so that no spread by average life is its own")
        return Quote("z", float(np.interp(wal, lives, [by_life[life] for life in lives])))
    quote = market.quotes.get(note.name, market.otherwise)
    if quote is None:
        raise CannotPrice(
            f"{note.name!r} has no spread: quote it in the market, or give `spreads` for its rating {note.rating!r}"
        )
    if quote.kind == "price":
        what = "is quoted by a price, which gives a spread only where the coupon is known: quote a spread or a yield"
        raise InvalidTerms(Fault(f"coupons[{note.name!r}]", what))
    return quote


def with_new_quotes(market: Market, flows: Cashflows, names: Iterable[str], spreads: Spreads) -> Market:
    """The market in which notes of a run are quoted at the spread of new paper, where `spreads` say one, in the first scenario."""
    ahead, notes = Ahead.at(flows, market), flows.plan.notes_by_name
    quoted = {
        name: quote_of(notes[name], ahead.wal[flows.tranches.index(name), 0], market, spreads)
        for name in names
        if spreads.get(notes[name].rating or "")
    }
    return unproved(market, {"quotes": {**market.quotes, **quoted}})


def worth_par(flows: Cashflows, name: str, market: Market, price: float, spreads: Spreads) -> tuple[float, float]:
    """The next coupon of Newton's method, and the clean price less the one wanted, from the first scenario of a run at the coupon before.

    V(c) = sum F_j w_j must be price / 100 x (B + U) - U + accrued, w_j the discount factors at the quote; dV/dc is what
    interest on the balance is worth, sum B_j-1 f_j w_j, for principal that does not depend on the coupon.
    """
    ahead = Ahead.at(flows, market)
    i, note = flows.tranches.index(name), flows.plan.notes_by_name[name]
    quote = quote_of(note, ahead.wal[i, 0], market, spreads)
    weights, wanted = weights_at(ahead, market, i, 0, quote), value_quoted(ahead, market, i, 0, Quote("price", price))
    value = float(ahead.cash[i, 0] @ weights)
    before = np.concatenate([[ahead.balance[i, 0]], flows.balance[name][0, ahead.first : -1]])
    slope = float((before * flows.plan.accruals[name][ahead.first :]) @ weights)
    if not slope > 0.0:
        raise CannotPrice(
            f"{name!r} bears no interest after {ahead.valuation}, so no coupon gives it a price of {price:g}"
        )
    return coupon_of(note) + (wanted - value) / slope, 100.0 * (value - wanted) / float(ahead.face[i, 0])
