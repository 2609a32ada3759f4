"""The market: one valuation date, curves, and what each tranche is quoted at."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.market.curve_inputs import curve_from
from pricing.market.curves import Curve
from pricing.market.projected_rates import projected_rates
from waterfalls.arguments import by_number, having, instance, mapping, number, one_date, takes, text, whole
from waterfalls.bounds import DEAREST
from waterfalls.clock.conventions import CURRENCIES, odd_currency
from waterfalls.errors import CannotPrice, Fault, InvalidTerms, shown, strangers, unknown
from waterfalls.terms.term import term
from waterfalls.terms.tranches import Equity

if TYPE_CHECKING:
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows
    from waterfalls.plan import Plan

LOWEST, HIGHEST = -2_000.0, 10_000.0  # basis points that a curve may move: from -20 % to 100 %
KINDS = {
    "z": "spread over the market's curve, continuous, Actual/365F",
    "g": "yield less the par yield of the government curve at the same wal",
    "i": "yield less the par yield of the swap curve at the same wal",
    "dm": "discount margin over the projected index, of a floating-rate note",
    "price": "clean, per 100 of balance, drawn and undrawn",
    "yield": "to maturity, compounded at the payment frequency (equity: once a year)",
}
MOST = 1.0  # a spread or a yield above 100 % is basis points or per cent by mistake


@term
class Quote:
    """What a tranche is quoted at: a number and its kind (`KINDS`). Spreads and yields are decimals."""

    kind: str
    value: float

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        kind, value = fields.get("kind"), fields.get("value")
        if kind is not None and kind not in KINDS:
            yield Fault("", unknown("kind of quote", kind, KINDS))
        elif value is not None and kind == "price" and not 0.0 < value <= DEAREST:
            yield Fault("", f"a price must be above 0 and at most {DEAREST:g}, per 100 of balance, got {value:g}")
        elif value is not None and kind != "price" and abs(value) > MOST:
            yield Fault("", f"{kind} is a decimal (0.0225 is 225 basis points), got {value:g}; above 1 quote a price")
        elif value is not None and kind == "yield" and not value > -1.0:
            yield Fault("", f"a yield must be above -1, got {value:g}")


Quotable = Any  # a Quote, a number or a QuantLib quote, or {kind: one of them}


def dated_rates(name: str, given: Any) -> dict[str, dict[datetime.date, float]]:
    """Fixings: by index, rates by date."""
    return {
        index: {
            one_date(f"{name}[{index!r}]", day): number(-1.0, 1.0)(f"{name}[{index!r}][{day}]", rate)
            for day, rate in mapping(f"{name}[{index!r}]", days).items()
        }
        for index, days in mapping(name, given).items()
    }


@dataclasses.dataclass(frozen=True)
class Market:
    """What everything is worth on the valuation date: a frozen value, safe to share between threads and processes.

    `curve` and the other curves take whatever `curve_from` does, read once, here. `quotes` gives each tranche a bare
    number, which is a z-spread over `curve`, or `{kind: value}`, kinds being those of `KINDS`; equity is quoted by the
    yield it is discounted at; a number may be a QuantLib quote or its handle. `otherwise` is the quote of every tranche
    that has none. `government` and `swap` are what g- and i-spreads are over. `projections` and `fixings` give floating
    indices, by name; `fx` gives units of `currency` for one of another.
    """

    valuation: datetime.date
    currency: str | None
    curve: Curve
    quotes: dict[str, Quote]
    otherwise: Quote | None
    government: Curve | None
    swap: Curve | None
    projections: dict[str, Curve]
    fixings: dict[str, dict[datetime.date, float]]
    fx: dict[str, float]
    today: bool
    ex_coupon: int

    @takes(
        quotes=mapping, valuation=one_date, projections=mapping, fixings=dated_rates, fx=mapping, today=instance(bool),
        ex_coupon=whole(0, 366), currency=text,
    )  # fmt: skip
    def __init__(
        self,
        curve: Any,
        quotes: Mapping[str, Quotable] | None = None,
        *,
        valuation: datetime.date | None = None,
        currency: str | None = None,
        otherwise: Quotable | None = None,
        government: Any = None,
        swap: Any = None,
        projections: Mapping[str, Any] | None = None,
        fixings: Mapping[str, Mapping[datetime.date, float]] | None = None,
        fx: Mapping[str, float] | None = None,
        today: bool = False,
        ex_coupon: int = 0,
    ) -> None:
        found: list[Fault] = []
        found += odd_currency({"currency": currency})
        read = {name: one_quote(f"quotes[{name!r}]", quote, found) for name, quote in (quotes or {}).items()}
        default = None if otherwise is None else one_quote("otherwise", otherwise, found)
        found += strangers("fx", "currency of ISO 4217", fx or {}, CURRENCIES, keyed=True)
        for name, rate in (fx or {}).items():
            if name == currency and rate != 1.0:
                found.append(
                    Fault(f"fx[{name!r}]", f"is the market's own currency, of which one is 1, got {shown(rate)}")
                )
            if not isinstance(rate, float | int) or not (np.isfinite(rate) and rate > 0.0):
                found.append(Fault(f"fx[{name!r}]", f"must be above 0, got {shown(rate)}"))
        if found:
            raise InvalidTerms([Fault(f"Market.{fault.place}", fault.what) for fault in found])
        main = curve_from(curve, valuation)
        curves = {id(curve): main}  # a handle that also projects is read once

        def other(given: Any) -> Curve:
            if id(given) not in curves:
                curves[id(given)] = curve_from(given, main.start)
            return curves[id(given)]

        values = {
            "valuation": main.start,
            "currency": currency,
            "curve": main,
            "quotes": read,
            "otherwise": default,
            "government": None if government is None else other(government),
            "swap": None if swap is None else other(swap),
            "projections": {index: other(given) for index, given in (projections or {}).items()},
            "fixings": {index: dict(days) for index, days in (fixings or {}).items()},
            "fx": dict(fx or {}),
            "today": today,
            "ex_coupon": ex_coupon,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash((self.valuation, self.curve))

    def __repr__(self) -> str:
        quotes = ", ".join(f"{name!r}: {quote.kind} {quote.value:g}" for name, quote in self.quotes.items())
        return f"Market({self.valuation}, {self.currency or 'any currency'}, {self.curve!r}, {{{quotes}}})"

    def rates(self, deal: Deal | Plan) -> dict[str, Any]:
        """The rate of every floating index by accrual period, of collateral by date: `run(deal, scenarios, rates=market.rates(deal))`."""
        return projected_rates(deal, self.valuation, self.projections, self.fixings)

    @takes(bp=by_number(number(LOWEST, HIGHEST), "{2: -25, 30: 50}"))
    def shifted(self, bp: float | Mapping[float, float]) -> Market:
        """The market with every zero rate of every curve higher by `bp`, quotes as they are: rates move, spreads stay.

        `bp` by years twists the curves: linear between tenors, level outside. After a move, with the market before it:

            price(flows, market.shifted(92), shocks, before=(flows, market))
        """
        return self.with_curves(lambda curve: curve.shifted(bp))

    @takes(date=one_date)
    def settled(self, date: datetime.date) -> Market:
        """The market for delivery on a later date: prices, accrued interest and values are those of that day.

        D(t) becomes D(t) / D(date), the forward; what is paid up to it is the seller's. Source: `ql.Bond` with a
        settlement lag, whose clean price is that of its settlement date.
        """
        if not self.valuation <= date <= self.curve.end:
            raise CannotPrice(f"settlement must be from {self.valuation} to {self.curve.end}, got {date}")
        return self.with_curves(lambda curve: curve.forward(date))

    def with_curves(self, move: Callable[[Curve], Curve]) -> Market:
        """The market with every curve moved."""
        curves = {name: getattr(self, name) for name in ("curve", "government", "swap")}
        moved: dict[str, Any] = {name: move(curve) for name, curve in curves.items() if curve is not None}
        moved["projections"] = {index: move(curve) for index, curve in self.projections.items()}
        return dataclasses.replace(self, valuation=None, **moved)  # which is where the moved curve starts

    @takes(currency=text)
    def in_currency(self, amount: float | np.ndarray, currency: str) -> float | np.ndarray:
        """An amount of another currency in the market's own; one without an exchange rate is refused."""
        if currency == self.currency:
            return amount
        if currency not in self.fx:
            raise CannotPrice(unknown("exchange rate of the currency", currency, self.fx))
        return amount * self.fx[currency]

    def quotes_of(self, flows: Cashflows) -> dict[str, Quote]:
        """The quote of every tranche of a deal; one without is refused, and so is a spread that equity cannot have."""
        faults, found = [], {}
        for name, tranche in flows.plan.tranches.items():
            quote = self.quotes.get(name, self.otherwise)
            equity = isinstance(tranche, Equity)
            if quote is None and equity:
                faults.append(f"the equity {name!r} needs a discount yield: quotes={{{name!r}: {{'yield': 0.12}}}}")
            elif quote is None:
                faults.append(unknown("spread or quote for the tranche", name, self.quotes))
            elif equity and quote.kind in ("g", "i", "dm"):
                faults.append(f"the equity {name!r} is quoted by yield, z or price, not by {quote.kind}")
            else:
                found[name] = quote
        if faults:
            raise CannotPrice(faults[0] if len(faults) == 1 else "\n  ".join([f"{len(faults)} faults:", *faults]))
        return found


def one_quote(place: str, given: Any, found: list[Fault]) -> Quote:
    """A quote from a number, which is a z-spread, or from `{kind: value}`; a QuantLib quote or handle is read here."""
    try:
        if isinstance(given, Quote):
            return given
        given = {kind: read(value) for kind, value in given.items()} if isinstance(given, Mapping) else read(given)
        if isinstance(given, Mapping):
            if len(given) != 1:
                raise InvalidTerms(f"must be one kind and its value, such as {{'price': 98.5}}; got {dict(given)!r}")
            return Quote(*next(iter(given.items())))
        return Quote("z", given)
    except InvalidTerms as error:
        found += [Fault(place, fault.what) for fault in error.faults]
        return Quote("z", 0.0)


def read(given: Any) -> Any:
    """The number that a QuantLib quote or its handle has now; anything else as it is."""
    if not callable(getattr(given, "value", None)):
        return given
    try:
        return given.value()
    except RuntimeError:
        raise InvalidTerms("this QuoteHandle is empty or its quote has no value yet: set one") from None


def as_market(given: Any, flows: Cashflows) -> Market:
    """A market as given; of a bare curve, one at which every spread is zero, the equity's too."""
    if isinstance(given, Market):
        market = given
    else:  # a rate and a table of factors do not say where they start: where the flows do
        says = hasattr(given, "referenceDate") or isinstance(given, Curve)
        start = None if says else flows.plan.schedule.payment[0]
        market = Market(curve_from(given, start, dates=flows.dates), otherwise=0.0)
    if market.currency not in (None, flows.plan.currency):
        raise CannotPrice(
            f"the deal {flows.deal!r} pays {flows.plan.currency} and the market discounts {market.currency}: "
            f"give a market in {flows.plan.currency}"
        )
    return market


@takes(market=instance(Market), deal=having("tranches", "waterfall", said="a Deal"))
def projected(market: Market, deal: Deal | Plan) -> dict[str, Any]:
    """The rate of every floating index by accrual period (T,), of collateral by date, as a function: `market.rates(deal)`."""
    return market.rates(deal)
