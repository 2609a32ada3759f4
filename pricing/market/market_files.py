"""Reads a market from a YAML or JSON file, and tells every fault of it at once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pricing.market.curves import Curve, flat, from_discounts, from_zero_rates
from pricing.market.market import Market, one_quote
from pricing.market.pillars import Pillars
from structuring.deals.deal_files import companion
from structuring.documents.yaml_and_json import load_term
from waterfalls.arguments import path, takes
from waterfalls.bounds import odd_rate
from waterfalls.clock.conventions import odd_currency
from waterfalls.errors import Fault, unknown
from waterfalls.terms.bounded_numbers import Positive
from waterfalls.terms.term import term

MARK = "firstloss-market"


@term
class Flat:
    """One zero rate, continuous, Actual/365F."""

    rate: float

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from high({"rate": fields.get("rate", 0.0)})

    def curve(self, valuation: datetime.date) -> Curve:
        return flat(valuation, self.rate)


@term
class DiscountFactors:
    """Discount factors on dates, log-linear between them."""

    nodes: Mapping[datetime.date, float]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for date, factor in fields.get("nodes", {}).items():
            if not factor > 0.0:
                yield Fault(f"nodes['{date}']", f"must be above 0, got {factor:g}")

    def curve(self, valuation: datetime.date) -> Curve:
        return from_discounts(valuation, self.nodes)


@term
class ZeroRates:
    """Zero rates on dates, continuous, Actual/365F; discount factors are log-linear between them."""

    nodes: Mapping[datetime.date, float]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from high({f"nodes['{date}']": rate for date, rate in fields.get("nodes", {}).items()})

    def curve(self, valuation: datetime.date) -> Curve:
        return from_zero_rates(valuation, self.nodes)


def tenors(name: str, quotes: Mapping[str, float]) -> Iterator[Fault]:
    """Tenors that are none."""
    if not quotes:
        yield Fault(name, "needs at least one tenor and its rate")
    for tenor in quotes:
        if not re.fullmatch(r"[1-9]\d*[DWMY]", tenor):
            yield Fault(f"{name}[{tenor!r}]", "a tenor is a number and D, W, M or Y, such as 6M or 10Y")
    yield from high({f"{name}[{tenor!r}]": rate for tenor, rate in quotes.items()})


def high(rates: Mapping[str, float]) -> Iterator[Fault]:
    """Rates that are per cent or basis points, by place."""
    for place, rate in rates.items():
        if wrong := odd_rate(rate):
            yield Fault(place, wrong)


@term
class Ois:
    """Par rates of overnight swaps by tenor and, of SOFR, prices of three-month futures by contract month ("2026-12").

    A future's rate is 1 - price / 100, and the forward rate that less `convexity`, one decimal or one a contract. Swaps
    start `settlement_days` business days after the valuation date and pay `payment_lag` after each period: those of the
    index unless said (SOFR 2 and 2, SONIA 0 and 0, ESTR 2 and 1, TONA 2 and 2, CORRA 1 and 1). Swaps of more than a year
    pay annually, those on CORRA twice a year.
    """

    rates: Mapping[str, float]
    _: KW_ONLY
    index: str = "SOFR"
    futures: Mapping[str, Positive] = field(default_factory=dict)
    convexity: float | Mapping[str, float] = 0.0
    settlement_days: Annotated[int, Field(ge=0, le=10)] | None = None
    payment_lag: Annotated[int, Field(ge=0, le=10)] | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from tenors("rates", fields.get("rates", {"1Y": 0.0}))
        futures, index, convexity = fields.get("futures", {}), fields.get("index", "SOFR"), fields.get("convexity", 0.0)
        if futures and index != "SOFR":
            yield Fault("futures", f"are those on SOFR, and the index is {index!r}")
        for month, price in futures.items():
            if not re.fullmatch(r"\d{4}-(03|06|09|12)", month):
                yield Fault(
                    f"futures[{month!r}]",
                    "a contract is a year and its March, June, September or December, such as 2026-12",
                )
            if not 50.0 <= price <= 110.0:
                yield Fault(
                    f"futures[{month!r}]", f"a price is 100 less the rate in per cent, such as 96.15, got {price:g}"
                )
        by_contract = convexity if isinstance(convexity, Mapping) else {}
        for month in by_contract:
            if month not in futures:
                yield Fault(f"convexity[{month!r}]", unknown("future", month, futures))
        wide = by_contract.items() if by_contract else [("", convexity)] if isinstance(convexity, float) else []
        for month, adjustment in wide:
            if abs(adjustment) > 0.05:
                place = f"convexity[{month!r}]" if month else "convexity"
                yield Fault(place, f"is a decimal rate (0.0002 is 2 basis points), got {adjustment:g}")

    def curve(self, valuation: datetime.date) -> Curve:
        from pricing.market.quantlib_curves import ois

        if isinstance(self.convexity, Mapping):
            less = {month: self.convexity.get(month, 0.0) for month in self.futures}
        else:
            less = dict.fromkeys(self.futures, self.convexity)
        futures = {month: (price, less[month]) for month, price in self.futures.items()}
        return ois(valuation, self.rates, self.index, futures, self.settlement_days, self.payment_lag)


@term
class Treasuries:
    """Par yields of government bonds by tenor: paid as half coupons from six months on, bond equivalents of bills below."""

    yields: Mapping[str, float]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from tenors("yields", fields.get("yields", {"1Y": 0.0}))

    def curve(self, valuation: datetime.date) -> Curve:
        from pricing.market.quantlib_curves import treasuries

        return treasuries(valuation, self.yields)


CurveTerms = (
    float | Flat | DiscountFactors | ZeroRates | Ois | Treasuries | Pillars
)  # a bare number is a flat zero rate
QuoteTerms = float | Mapping[str, float]


@term
class MarketData:
    """A market as a file says it: a curve, as one zero rate or of a kind by its outer key, and quotes by tranche.

    A quote is a z-spread, or `{kind: value}` with one of the kinds of `pricing.market.market.KINDS`. `sources` says where each
    figure comes from, by its path in the file.
    """

    salvages: ClassVar[bool] = True
    valuation: datetime.date
    _: KW_ONLY
    currency: str
    curve: CurveTerms
    quotes: Mapping[str, QuoteTerms] = field(default_factory=dict)
    otherwise: QuoteTerms | None = None
    government: CurveTerms | None = None
    swap: CurveTerms | None = None
    projections: Mapping[str, CurveTerms] = field(default_factory=dict)
    fixings: Mapping[str, Mapping[datetime.date, float]] = field(default_factory=dict)
    fx: Mapping[str, Positive] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        found = list(odd_currency(fields))
        for name, quote in fields.get("quotes", {}).items():
            one_quote(f"quotes[{name!r}]", quote, found)
        if fields.get("otherwise") is not None:
            one_quote("otherwise", fields["otherwise"], found)
        valuation = fields.get("valuation")
        curves = {place: fields.get(place) for place in ("curve", "government", "swap")}
        curves |= {f"projections[{index!r}]": terms for index, terms in fields.get("projections", {}).items()}
        for place, terms in curves.items():
            found += high({place: terms}) if isinstance(terms, int | float) else early(place, terms, valuation)
        yield from found


def early(place: str, terms: Any, valuation: datetime.date | None) -> Iterator[Fault]:
    """Nodes of a curve that do not come after the valuation date."""
    nodes = getattr(terms, "nodes", None)
    if nodes is None or valuation is None:
        return
    if not any(date > valuation for date in nodes):
        yield Fault(f"{place}.nodes", f"must reach beyond the valuation date {valuation}")
    for date in nodes:
        if date < valuation:
            yield Fault(f"{place}.nodes", f"{date} comes before the valuation date {valuation}")


@takes(path=path)
def load_market(path: Path | str) -> Market:
    """A market from a file that begins with `firstloss-market: 1`, or a shipped deal's; every fault is told at once.

    Curves are bootstrapped here, once. Rates, spreads and yields are decimals, prices per 100.
    """
    data = load_term(companion(path, "market.yaml"), MarketData, mark=MARK)

    def curve(terms: CurveTerms | None) -> Curve | None:
        if isinstance(terms, int | float):
            return flat(data.valuation, terms)
        return None if terms is None else terms.curve(data.valuation)

    return Market(
        curve(data.curve),
        data.quotes,
        valuation=data.valuation,
        currency=data.currency,
        otherwise=data.otherwise,
        government=curve(data.government),
        swap=curve(data.swap),
        projections={index: curve(terms) for index, terms in data.projections.items()},
        fixings=data.fixings,
        fx=data.fx,
    )
