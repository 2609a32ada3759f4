"""What each note loses if a lease is not renewed at one of the dates at which it may end."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.breakevens.breakeven import DUST, never_paid
from pricing.market.market import Market
from pricing.tables.quotients import quotient
from pricing.valuation.remaining_cash import Ahead
from structuring.deals.deal import Deal, assets, named_in
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class NonRenewals:
    """What N notes are left owed when one lease ends at one of D dates: `unpaid` (D, N), a share of what is lent."""

    scenario: str
    tenants: tuple[str, ...]
    dates: tuple[datetime.date, ...]
    notes: tuple[str, ...]
    unpaid: np.ndarray

    def frame(self) -> pd.DataFrame:
        """One row a tenant, date and note."""
        import pandas as pd

        rows = [
            {"tenant": tenant, "date": date, "tranche": note, "unpaid": self.unpaid[d, n]}
            for d, (tenant, date) in enumerate(zip(self.tenants, self.dates, strict=True))
            for n, note in enumerate(self.notes)
        ]
        return pd.DataFrame(rows)

    def sentences(self) -> list[str]:
        """What a committee says of each note: the first date at which leaving costs it, and the last."""
        found = []
        for n, note in enumerate(self.notes):
            hurt = np.flatnonzero(self.unpaid[:, n] > DUST)
            if not len(hurt):
                found.append(f"{note} loses nothing, whichever lease is not renewed.")
                continue
            said = [
                f"{self.tenants[d]!r} on {self.dates[d].day} {self.dates[d]:%B %Y} ({self.unpaid[d, n]:.1%} of what was lent)"
                for d in hurt
            ]
            found.append(f"{note} loses if a lease is not renewed by {', or '.join(said)}.")
        return found


def non_renewal(deal: Deal, scenario: Scenario, market: Market) -> NonRenewals:
    """Runs `scenario` once for every date at which a lease may end, with nothing of it renewed then.

    unpaid = (written down + principal and interest owed at the last date) / (outstanding at the valuation date + drawn
    after it). Only that one renewal is missed: other tenants, and the dates before, are as the scenario says, and what
    comes later is renewed.
    """
    options = list(options_of(deal, market.valuation))
    if not options:
        raise InvalidTerms(f"the deal {deal.name!r} has no lease that may end after {market.valuation}")
    missed = [
        dataclasses.replace(scenario, name=f"{tenant}, {date}", renewal=missing(deal, scenario, tenant, date))
        for tenant, date in options
    ]
    flows = run(deal, missed, rates=market.rates(deal))
    ahead, notes = Ahead.at(flows, market), tuple(t.name for t in deal.tranches if isinstance(t, Note))
    unpaid = []
    for note in notes:
        whole = lent(ahead, note)
        unpaid.append(np.where(whole > 0.0, quotient(never_paid(flows, ahead, note), whole), 0.0))
    tenants, dates = zip(*options, strict=True)
    return NonRenewals(scenario.name, tenants, dates, notes, np.array(unpaid).T)


def lent(ahead: Ahead, note: str) -> np.ndarray:
    """What is outstanding of a note on the valuation date, and what is drawn after it (S,)."""
    drawn = ahead.flows.draws[note][:, ahead.first :].sum(axis=1)
    return ahead.balance[ahead.names.index(note)] + drawn


def missing(deal: Deal, scenario: Scenario, tenant: str, date: datetime.date) -> dict[str, Any]:
    """Renewal as the scenario says it, by tenant, but nothing of one at one date, and all of it later."""
    given: Any = scenario.renewal
    if given is None:
        given = {}
    elif not isinstance(given, Mapping) or not any(isinstance(key, str) for key in given):
        given = dict.fromkeys(named_in(deal)["renewal"][1], given)
    own = given.get(tenant, {})
    if isinstance(own, int | float):
        own = {deal.closing: own}
    elif not isinstance(own, Mapping):
        raise InvalidTerms(
            f"the scenario {scenario.name!r} gives renewal by period: say it by date, as {{{date}: 0.0}}"
        )
    before = {day: share for day, share in own.items() if day < date}
    return {**given, tenant: {**before, date: 0.0, after(date): 1.0}}


def options_of(deal: Deal, start: datetime.date) -> Iterator[tuple[str, datetime.date]]:
    """The dates after `start`, and within the deal, at which each lease may end."""
    for lease in itertools.chain.from_iterable(asset.leases() for asset in assets(deal)):
        yield from ((lease.tenant, end) for end in lease.ends if start < end < deal.maturity)


def after(date: datetime.date) -> datetime.date:
    """From when later renewals happen again: half a year on, well before any lease of a year or more ends."""
    return date + datetime.timedelta(days=183)
