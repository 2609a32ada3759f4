"""Deal: the terms of one securitisation, from its collateral and tranches to its priority of payments."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from structuring.collateral.asset import Asset
from structuring.collateral.asset_classes import Owned
from structuring.collateral.given_receipts import Given
from structuring.deals.funding import Funding, faults_of_funding
from structuring.deals.holdings import Holdings
from structuring.deals.sponsor import Sponsor
from waterfalls.checks import faults_between
from waterfalls.clauses.waterfall import Said, Waterfall
from waterfalls.clock.conventions import CALENDARS, CONVENTIONS, FREQUENCIES, calendar_names, odd_currency
from waterfalls.clock.schedule import MONTH_END
from waterfalls.errors import Fault, InvalidTerms, strangers
from waterfalls.language.expressions import Condition, Number
from waterfalls.terms.accounts import Account
from waterfalls.terms.facilities import Facility
from waterfalls.terms.fees import Fee
from waterfalls.terms.field_types import Listed, Takes, items
from waterfalls.terms.hedges import Cap, Swap
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.replacements import Replacement
from waterfalls.terms.term import MISSING, is_broken, kind_of, term
from waterfalls.terms.tranches import Equity, Note
from waterfalls.terms.triggers import Trigger

if TYPE_CHECKING:
    from structuring.scenarios.index_paths import Resets
    from waterfalls.clock.schedule import Schedule
    from waterfalls.plan import Plan

HELD = 1024  # schedules and plans that are remembered, and so the programs of these


@term
class Deal:
    """An off-balance-sheet vehicle or a securitisation, as its documents describe it.

    Tranches stand in order of seniority. `waterfall` is one waterfall, or one a regime: the first regime holds unless
    `regimes` says when another begins (read at the end of each date, for the next; the last that holds wins).
    `definitions` give numbers a name, which a text reads as defined(name); each may read those before it.
    `events` are flags that a scenario may raise by its driver `event` and a condition reads as event(name).

    Payments fall on `first_payment` and every period after it to `maturity`; where the first is off the cycle, every
    period after `second_payment`; or on `payment_dates`, a list. A collection period ends `payment_lag` days before the
    unadjusted payment date, with `collection_ends="month end"` on the month end at or before that day, or on the dates of
    a list, one for each payment. A seasoned deal is picked up `as_of` a date: balances, arrears and
    trigger states are those of that date, and collections count from `cutoff`. `funding` says what the money raised is for.
    `sources` says where each figure comes from, by its path in the deal file.
    """

    salvages: ClassVar[bool] = True
    name: str
    _: KW_ONLY
    closing: datetime.date
    first_payment: datetime.date
    maturity: datetime.date
    frequency: str
    calendar: str
    convention: str = "modified following"
    end_of_month: bool = False
    second_payment: datetime.date | None = None
    payment_dates: Listed[datetime.date] = items()
    payment_lag: Annotated[int, Field(ge=0)] = 0
    collection_ends: Takes[str | Sequence[datetime.date], str | tuple[datetime.date, ...]] = items()
    currency: str = "USD"
    collateral: Owned
    tranches: Listed[Note | Equity]
    fees: Listed[Fee] = items()
    accounts: Listed[Account] = items()
    facilities: Listed[Facility] = items()
    hedges: Listed[Swap | Cap] = items()
    ledgers: Listed[Ledger] = items()
    replacements: Listed[Replacement] = items()
    definitions: Mapping[str, Number] = dataclasses.field(default_factory=dict)
    triggers: Listed[Trigger] = items()
    events: Listed[str] = items()
    waterfall: Takes[Said | Mapping[str, Said], Waterfall | Mapping[str, Waterfall]]
    regimes: Mapping[str, Condition] = dataclasses.field(default_factory=dict)
    holdings: Holdings | None = None
    sponsor: Sponsor | None = None
    funding: Funding | None = None
    as_of: datetime.date | None = None
    cutoff: datetime.date | None = None
    sources: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)

    @property
    def waterfalls(self) -> dict[str, Waterfall]:
        """The waterfalls by regime; a single one is the only regime, "waterfall"."""
        from waterfalls.checks import regimes_of

        return regimes_of(self.waterfall)

    @property
    def holders(self) -> Holdings:
        """Who holds the deal; without holdings nobody can be said to lose, so that a deal without is refused."""
        if self.holdings is None:
            raise InvalidTerms(
                f"the deal {self.name!r} has no holdings: say who holds each tranche, 'unidentified' if not known"
            )
        return self.holdings

    def _repr_html_(self) -> str:
        from waterfalls.notebook import listed

        parts = {"tranches, most senior first": [f"{t.name}: {t.notional:,.0f}" for t in self.tranches]}
        for regime, waterfall in self.waterfalls.items():
            parts[regime] = [clause.words() for clause in waterfall.clauses]
        return listed(f"{self.name}: {self.currency}, {self.closing} to {self.maturity}", parts)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from conventions(fields)
        yield from dates_in_order(fields)
        yield from faults_between({**fields, "raised": raised(fields)})
        yield from faults_of_funding(fields)
        holdings = fields.get("holdings")
        if holdings is not None and "tranches" in fields:
            names = [tranche.name for tranche in fields["tranches"]]
            yield from strangers("holdings.shares", "tranche", holdings.shares, names)
            for tranche in names:
                if tranche is not None and tranche not in holdings.shares:
                    yield Fault("holdings.shares", f"says nothing of {tranche!r}: what is not known is 'unidentified'")


def raised(fields: Mapping[str, Any]) -> list[str] | None:
    """The events that the deal names or its collateral may raise; None where either is unsound."""
    given, owned = fields.get("events", MISSING), fields.get("collateral")
    if given is MISSING or owned is None or is_broken(given) or is_broken(owned):
        return None
    return [*given, *(event for asset in listed(owned) for event in asset.raises())]


def conventions(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Conventions that nobody knows."""
    for field, table in (("frequency", FREQUENCIES), ("convention", CONVENTIONS)):
        yield from strangers(field, field, [fields[field]] if field in fields else [], table)
    yield from strangers("calendar", "calendar", calendar_names(fields.get("calendar", "none")), CALENDARS)
    yield from odd_currency(fields)


def dates_in_order(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Dates that are out of order."""
    order = [name for name in ("closing", "first_payment", "second_payment", "maturity") if fields.get(name)]
    for earlier, later in itertools.pairwise(order):
        a, b = fields[earlier], fields[later]
        if b < a or (b == a and (earlier == "closing" or later == "second_payment")):
            yield Fault(later, f"{b} must come after {earlier} {a}")
    yield from listed_dates(fields)
    maturity = fields.get("maturity")
    for i, tranche in enumerate(fields.get("tranches", ())):
        final = getattr(tranche, "maturity", None)
        if final is not None and maturity is not None and final > maturity:
            yield Fault(f"tranches[{i}].maturity", f"{final} comes after the deal's maturity {maturity}")
    as_of, closing = fields.get("as_of"), fields.get("closing")
    if as_of is not None and closing is not None and as_of < closing:
        yield Fault("as_of", f"{as_of} comes before closing {closing}")
    if as_of is not None and maturity is not None and as_of >= maturity:
        yield Fault("as_of", f"{as_of} leaves no payment before maturity {maturity}")


def listed_dates(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Payment dates or ends of collection periods that are given one by one, and run back or beside what else is said."""
    paid, ends = fields.get("payment_dates") or (), fields.get("collection_ends") or ()
    for field, days in (("payment_dates", paid), ("collection_ends", () if isinstance(ends, str) else ends)):
        for i, (a, b) in enumerate(itertools.pairwise(days), 1):
            if b <= a:
                yield Fault(f"{field}[{i}]", f"{b} stands twice" if a == b else f"{b} must come after {a} before it")
    if isinstance(ends, str) and ends != MONTH_END:
        yield Fault("collection_ends", f"must be {MONTH_END!r}, or a list of dates, got {ends!r}")
    if paid:
        if fields.get("second_payment") is not None:
            yield Fault("second_payment", "the payment_dates are given one by one: leave it out")
        for field, day, place in (("first_payment", paid[0], "begin"), ("maturity", paid[-1], "end")):
            if fields.get(field) not in (None, day):
                yield Fault("payment_dates", f"{place} on {day}, but {field} is {fields[field]}")
        if not isinstance(ends, str) and ends and len(ends) != len(paid):
            yield Fault("collection_ends", f"{len(ends)} dates for {len(paid)} payment_dates: one for each")
    if ends and not isinstance(ends, str) and fields.get("payment_lag"):
        yield Fault("payment_lag", "the collection_ends are given one by one: leave it out")


def assets(deal: Deal) -> tuple[Asset, ...]:
    """What the vehicle owns, as a list."""
    return listed(deal.collateral)


def listed(owned: Any) -> tuple[Asset, ...]:
    """Collateral as a list, in which Receipts given from outside are an asset too."""
    return tuple(
        asset if isinstance(asset, Asset) else Given(asset)
        for asset in (owned if isinstance(owned, tuple) else (owned,))
    )


def place_of(deal: Deal, i: int) -> str:
    """Where the deal file says the i-th of what the vehicle owns."""
    index = f"[{i}]" if isinstance(deal.collateral, tuple) else ""
    return f"collateral{index}.{kind_of(type(assets(deal)[i]))}"


def drivers_of(deal: Deal) -> frozenset[str]:
    """The drivers that a deal's collateral reads, and `event` where the deal names events."""
    read = frozenset({"event"} if deal.events else ())
    return read.union(*(asset.drivers() for asset in assets(deal)))


def resets_of(deal: Deal) -> tuple[Resets, ...]:
    """The floating coupons of what the vehicle owns, with the days on which each reads its index."""
    return tuple(each for asset in assets(deal) for each in asset.resets(clock(deal)))


def named_in(deal: Deal) -> dict[str, tuple[str, list[str]]]:
    """By driver that may be given by name: what bears a name, and the names in all the deal's collateral."""
    found: dict[str, tuple[str, list[str]]] = {"event": ("event", list(deal.events))}
    for asset in assets(deal):
        for driver, (what, names) in asset.named().items():
            kinds, others = found.get(driver, (what, []))
            kinds = kinds if what in kinds.split(" or ") else f"{kinds} or {what}"
            found[driver] = kinds, list(dict.fromkeys([*others, *names]))
    return found


def clock(deal: Deal) -> Schedule:
    """The deal's payment dates and collection periods; the same object for deals on the same dates."""
    names = (
        "closing", "first_payment", "maturity", "frequency", "calendar", "convention", "end_of_month",
        "second_payment", "payment_dates", "payment_lag", "collection_ends", "as_of", "cutoff",
    )  # fmt: skip
    return dated(**{name: getattr(deal, name) for name in names})


@functools.lru_cache(maxsize=HELD)
def dated(**dates: Any) -> Schedule:
    """A schedule, made once."""
    from waterfalls.clock.schedule import schedule

    return schedule(**dates)


def plan(deal: Deal) -> Plan:
    """What the deal owes, resolved against its clock; the same object for deals that say the same."""
    names = (
        "tranches", "fees", "accounts", "facilities", "hedges", "ledgers", "replacements", "definitions", "triggers",
        "waterfall", "regimes",
    )  # fmt: skip
    return resolved(Liabilities(deal.name, deal.currency, clock(deal), {name: getattr(deal, name) for name in names}))


class Liabilities:
    """What a deal owes; equal where the terms say the same, whatever objects they are."""

    def __init__(self, name: str, currency: str, schedule: Schedule, terms: Mapping[str, Any]) -> None:
        self.name, self.currency, self.schedule, self.terms = name, currency, schedule, terms
        self.said = name, currency, schedule, repr(terms)

    def __hash__(self) -> int:
        return hash(self.said)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Liabilities) and self.said == other.said


@functools.lru_cache(maxsize=HELD)
def resolved(owed: Liabilities) -> Plan:
    """The plan of what a deal owes, made once."""
    from waterfalls.plan import resolve

    return resolve(owed.name, owed.currency, owed.schedule, **owed.terms)
