"""Institutions, such as banks and funds: assets, capital, the thresholds below which they sell; and their file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pricing.bearers.wrappers import Wrapper
from structuring.documents.yaml_and_json import load_term
from waterfalls.arguments import path, takes
from waterfalls.clock.conventions import odd_currency
from waterfalls.errors import CannotPrice, Fault, UnknownName, strangers
from waterfalls.terms.bounded_numbers import NotNegative, Positive, Share
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    from pricing.market.market import Market

MARK = "firstloss-institutions"
MONEY = frozenset({  # the fields of institutions and wrappers that are amounts
    "assets", "capital", "equity", "at1", "bail_in", "own_funds", "bonus_reserve", "nav", "liabilities"
})  # fmt: skip
Basis = Literal["amortised cost", "other comprehensive income", "profit and loss"]


@term
class Threshold:
    """The least capital an institution works with; below it, it sells until capital is at `target`.

        capital / sum_k weight(k) value(k) >= minimum

    leverage        weights 1: a minimum of 0.05 is leverage of at most 20
    risk-weighted   weights are risk weights, the minimum a capital ratio such as 0.08
    solvency        weights are capital charges, the minimum 1 (own funds cover the requirement)
    margin          weights are haircuts, the minimum 1 (a call is met by selling)

    `weights` are by asset or tranche, `otherwise` for the rest. weight x minimum is at most 1.
    """

    kind: Literal["leverage", "risk-weighted", "solvency", "margin"]
    _: KW_ONLY
    minimum: Positive
    target: float | None = None
    weights: Mapping[str, NotNegative] = field(default_factory=dict)
    otherwise: NotNegative = 1.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        minimum, target = fields.get("minimum"), fields.get("target")
        if minimum is None:
            return
        if target is not None and target < minimum:
            yield Fault("target", f"must be at least the minimum {minimum:g}, got {target:g}")
        for name, weight in {**fields.get("weights", {}), "otherwise": fields.get("otherwise", 0.0)}.items():
            if weight * minimum > 1.0 + 1e-12:
                place = "otherwise" if name == "otherwise" else f"weights[{name!r}]"
                yield Fault(
                    place, f"{weight:g} times the minimum {minimum:g} asks for more capital than the asset is worth"
                )


@term
class Institution:
    """An investor class or a named holder. What is not said is not known: it bears losses, and never sells.

    `assets` and `capital` (equity, own funds, net asset value) in currency units; `other` are its holdings of other
    assets, part of `assets`. `basis` says which losses reach capital: all of them at profit and loss or other
    comprehensive income, credit losses and what is realised at amortised cost. `redemptions` is the share of a fund
    that leaves for a loss of all of it. `wrapper` splits its losses among those behind it.
    """

    name: str
    _: KW_ONLY
    assets: Positive | None = None
    capital: NotNegative | None = None
    basis: Basis = "profit and loss"
    threshold: Threshold | None = None
    redemptions: NotNegative = 0.0
    other: Mapping[str, NotNegative] = field(default_factory=dict)
    wrapper: Wrapper | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        assets, capital = fields.get("assets"), fields.get("capital")
        if assets is not None and capital is not None and capital > assets:
            yield Fault("capital", f"must not exceed the assets {assets:,.0f}, got {capital:,.0f}")
        owned = sum(fields.get("other", {}).values())
        if assets is not None and owned > assets * (1.0 + 1e-9):
            yield Fault("other", f"sums to {owned:,.0f}, more than the assets {assets:,.0f}")
        for need in ("threshold", "redemptions"):
            if fields.get(need) and (assets is None or capital is None):
                yield Fault(need, "needs assets and capital: without them nobody knows when it must sell")

    @property
    def marked(self) -> float:
        """Share of its holdings whose falls of price reach capital."""
        return 0.0 if self.basis == "amortised cost" else 1.0


@term
class Institutions:
    """A file of institutions: `owners` of the vehicles among them, `ends` in whom losses end, `depth` of markets.

    `depth` is the amount of an asset sold that would take its price down by all of it, were impact linear; 0 is what
    cannot be sold, infinite (left out) what has no impact. `deal` is the depth of the market of a deal's own tranches.
    """

    institutions: Listed[Institution]
    _: KW_ONLY
    currency: str = "USD"
    owners: Mapping[str, Mapping[str, Share]] = field(default_factory=dict)
    ends: Listed[str] = items()
    depth: Mapping[str, NotNegative] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from odd_currency(fields)
        if "institutions" not in fields:
            return
        names = [institution.name for institution in fields["institutions"]]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield Fault("institutions", f"{name!r} stands more than once")
        ends = fields.get("ends", ())
        yield from strangers("owners", "institution", fields.get("owners", {}), names)
        for vehicle, owners in fields.get("owners", {}).items():
            if sum(owners.values()) > 1.0 + 1e-9:
                yield Fault(f"owners[{vehicle!r}]", f"must not sum to more than 1, got {sum(owners.values()):g}")
            yield from strangers(f"owners[{vehicle!r}]", "institution or end", owners, [*names, *ends])

    def __getitem__(self, name: str) -> Institution:
        for institution in self.institutions:
            if institution.name == name:
                return institution
        raise UnknownName("institution", name, [institution.name for institution in self.institutions])

    def converted(self, currency: str, rate: float) -> Institutions:
        """The same with every amount in another currency, `rate` units of it for one of this."""

        def times(term: Any) -> Any:
            return dataclasses.replace(term, **{
                name: rate * value
                for name in MONEY.intersection(field.name for field in dataclasses.fields(term))
                if (value := getattr(term, name)) is not None
            })  # fmt: skip

        listed = tuple(
            dataclasses.replace(
                times(one),
                other={asset: rate * amount for asset, amount in one.other.items()},
                wrapper=None if one.wrapper is None else times(one.wrapper),
            )
            for one in self.institutions
        )
        depth = {asset: rate * amount for asset, amount in self.depth.items()}
        return dataclasses.replace(self, institutions=listed, currency=currency, depth=depth)


@takes(path=path)
def load_institutions(path: Path | str | None = None) -> Institutions:
    """Institutions from a file, or those that ship with the toolkit; every fault is told at once with its place."""
    return load_term(Path(__file__).with_name("institutions.yaml") if path is None else path, Institutions, mark=MARK)


def institutions_in(currency: str, market: Market) -> Institutions:
    """The shipped institutions in the currency of a deal, at the market's exchange rate."""
    known = load_institutions()
    if currency == known.currency:
        return known
    if known.currency not in market.fx:
        raise CannotPrice(
            f"the institutions stand in {known.currency} and the deal in {currency}: say what one {known.currency} costs "
            f"in the market file, fx: {{{known.currency}: rate}}"
        )
    return known.converted(currency, market.fx[known.currency])
