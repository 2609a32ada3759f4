"""A curve from a table of pillars: a tenor, a rate and what kind of rate it is, a row each."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Any, Literal

from pricing.market.curves import Curve, from_discounts, from_zero_rates
from waterfalls.bounds import odd_rate
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

TOGETHER = ("deposit", "swap", "future")  # of which a curve is bootstrapped that may hold all three
TENOR, CONTRACT = r"[1-9]\d*[DWMY]", r"\d{4}-(03|06|09|12)"


@term
class Pillar:
    """One row: the `rate` at a `tenor` such as 6M or 10Y, or of a future by its contract month, and its `kind`.

    A "deposit" is simple, by the day count of the index; a "swap" the par rate of an overnight swap; a "future" 1 - price /
    100; a "treasury" a par yield of half coupons; "zero" is continuous, Actual/365F; a "discount" is a factor.
    """

    tenor: str
    rate: float
    kind: Literal["deposit", "swap", "future", "treasury", "zero", "discount"]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        tenor, rate, kind = (fields.get(name) for name in ("tenor", "rate", "kind"))
        if tenor is not None and kind == "future" and not re.fullmatch(CONTRACT, tenor):
            yield Fault("tenor", f"a future's is its contract month, such as 2026-12, got {tenor!r}")
        elif tenor is not None and kind not in (None, "future") and not re.fullmatch(TENOR, tenor):
            yield Fault("tenor", f"is a number and D, W, M or Y, such as 6M or 10Y, got {tenor!r}")
        if rate is not None and kind == "discount" and not 0.0 < rate <= 2.0:
            yield Fault("rate", f"a discount factor is above 0 and near 1, got {rate:g}")
        elif rate is not None and kind != "discount" and (wrong := odd_rate(rate)):
            yield Fault("rate", wrong)


@term
class Pillars:
    """A curve by its pillars, listed or as a table: `curve: {pillars: {quotes: {file: curve.csv}}}`.

    Deposits, swaps and futures are bootstrapped together, on the conventions of the overnight `index`; pillars of another
    kind stand alone, since what lies between two of different kinds would be nobody's convention.
    """

    quotes: Listed[Pillar]
    _: KW_ONLY
    index: str = "SOFR"

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        quotes = fields.get("quotes")
        if quotes is None:
            return
        if not quotes:
            yield Fault("quotes", "at least one pillar is needed")
        kinds = dict.fromkeys("bootstrapped" if quote.kind in TOGETHER else quote.kind for quote in quotes)
        if len(kinds) > 1:
            named = ", ".join(dict.fromkeys(quote.kind for quote in quotes))
            yield Fault("quotes", f"must be of one kind, or of {', '.join(TOGETHER)} together; got {named}")
        if any(quote.kind == "future" for quote in quotes) and fields.get("index", "SOFR") != "SOFR":
            yield Fault("index", f"futures are those on SOFR, and the index is {fields['index']!r}")
        if all(quote.kind == "future" for quote in quotes) and quotes:
            yield Fault("quotes", "futures need a deposit or a swap beside them, from which the curve starts")
        places = [(quote.tenor, quote.kind) for quote in quotes]
        for place in dict.fromkeys(place for place in places if places.count(place) > 1):
            yield Fault("quotes", f"the {place[1]} of {place[0]} stands more than once")

    def curve(self, valuation: datetime.date) -> Curve:
        """The curve from the valuation date on."""
        from pricing.market.quantlib_curves import after, ois, treasuries

        kind = self.quotes[0].kind
        if kind in TOGETHER:
            by_kind = {each: {q.tenor: q.rate for q in self.quotes if q.kind == each} for each in TOGETHER}
            futures = {tenor: (100.0 * (1.0 - rate), 0.0) for tenor, rate in by_kind["future"].items()}
            return ois(valuation, by_kind["swap"], self.index, futures, deposits=by_kind["deposit"])
        rates = {quote.tenor: quote.rate for quote in self.quotes}
        if kind == "treasury":
            return treasuries(valuation, rates)
        nodes: dict[datetime.date, float] = {}
        for tenor, rate in rates.items():
            if (date := after(valuation, tenor)) in nodes:
                raise InvalidTerms(Fault("quotes", f"the {kind} of {tenor} is a second one of {date}"))
            nodes[date] = rate
        return from_zero_rates(valuation, nodes) if kind == "zero" else from_discounts(valuation, nodes)
