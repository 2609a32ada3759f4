"""Par coupons: the coupon, or the margin, at which a note is worth the price it is sold at, at the spread of its paper."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pricing.market.market import Market, Quote
from pricing.valuation.remaining_cash import Ahead
from waterfalls.errors import CannotPrice, Fault, InvalidTerms
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows


def coupon_of(note: Note) -> float:
    """The rate of a fixed coupon, the margin of a floating one."""
    return note.coupon.rate if isinstance(note.coupon, Fixed) else note.coupon.margin


def with_coupon(note: Note, value: float) -> Note:
    """The note with another rate or margin."""
    field = "rate" if isinstance(note.coupon, Fixed) else "margin"
    return dataclasses.replace(note, coupon=dataclasses.replace(note.coupon, **{field: value}))


def quote_of(
    note: Note, ahead: Ahead, i: int, s: int, market: Market, spreads: Mapping[str, Mapping[float, float]]
) -> Quote:
    """What new paper of a note's rating and average life is quoted at: a z-spread, linear in the life; else its own quote."""
    by_life = spreads.get(note.rating or "")
    if by_life:
        lives = sorted(by_life)
        return Quote("z", float(np.interp(ahead.wal[i, s], lives, [by_life[life] for life in lives])))
    quote = market.quotes.get(note.name, market.otherwise)
    if quote is None:
        raise CannotPrice(
            f"{note.name!r} has no spread: quote it in the market, or give `spreads` for its rating {note.rating!r}"
        )
    if quote.kind == "price":
        raise InvalidTerms(
            [
                Fault(
                    f"coupons[{note.name!r}]",
                    "is quoted by a price, which gives a spread only where the coupon is known: quote a spread or a yield",
                )
            ]
        )
    return quote


def worth_par(
    flows: Cashflows, s: int, name: str, market: Market, price: float, spreads: Mapping[str, Mapping[float, float]]
) -> tuple[float, float]:
    """The next coupon of Newton's method, and the clean price less the one wanted, from a run at the coupon before.

    V(c) = sum F_j w_j must be price / 100 x (B + U) - U + accrued, w_j the discount factors at the quote; dV/dc is what
    interest on the balance is worth, sum B_j-1 f_j w_j, for principal that does not depend on the coupon.
    """
    ahead = Ahead.at(flows, market)
    i, note = flows.tranches.index(name), flows.plan.notes_by_name[name]
    quote = quote_of(note, ahead, i, s, market, spreads)
    weights = weights_at(quote, ahead, i, s, market)
    face = float(ahead.face[i, s])
    wanted = price / 100.0 * face - float(ahead.undrawn[i, s]) + float(ahead.accrued[i, s])
    value = float(ahead.cash[i, s] @ weights)
    before = np.concatenate([[ahead.balance[i, s]], flows.balance[name][s, ahead.first : -1]])
    slope = float((before * flows.plan.accruals[name][ahead.first :]) @ weights)
    if not slope > 0.0:
        raise CannotPrice(
            f"{name!r} bears no interest after {ahead.valuation}, so no coupon gives it a price of {price:g}"
        )
    return coupon_of(note) + (wanted - value) / slope, 100.0 * (value - wanted) / face


def weights_at(quote: Quote, ahead: Ahead, i: int, s: int, market: Market) -> np.ndarray:
    """The discount factors (J,) of a tranche's cash at a quote that is no price."""
    if quote.kind == "z":
        return ahead.discounts(market.curve) * np.exp(-quote.value * ahead.times)
    if quote.kind == "dm":
        index = ahead.index_rates(i)
        if index is None:
            raise CannotPrice(f"{ahead.names[i]!r} is quoted by discount margin (dm) and its coupon does not float")
        return 1.0 / np.cumprod(1.0 + (index[s if len(index) > 1 else 0] + quote.value) * ahead.fractions(i))
    often, rate = float(ahead.per_year[i]), quote.value
    if quote.kind in ("g", "i"):
        which = "government" if quote.kind == "g" else "swap"
        curve = getattr(market, which)
        if curve is None:
            raise CannotPrice(
                f"{ahead.names[i]!r} is quoted by {quote.kind}-spread, and the market has no {which} curve"
            )
        rate += curve.par_yield(float(ahead.wal[i, s]), int(often))
    return (1.0 + rate / often) ** (-often * ahead.yield_times[i])
