"""What each note loses if a lease is not renewed at one of the dates at which it may end."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pricing.breakevens.breakeven import DUST, never_paid
from pricing.market.market import Market
from pricing.valuation.remaining_cash import Ahead
from structuring.deals.deal import Deal, assets
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class NonRenewals:
    """What N notes are left owed when one lease ends at one of D dates: `unpaid` (D, N), a share of what is outstanding."""

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
                f"{self.tenants[d]!r} on {self.dates[d].day} {self.dates[d]:%B %Y} ({self.unpaid[d, n]:.1%} of its balance)"
                for d in hurt
            ]
            found.append(f"{note} loses if a lease is not renewed by {', or '.join(said)}.")
        return found


def non_renewal(deal: Deal, scenario: Scenario, market: Market) -> NonRenewals:
    """Runs `scenario` once for every date at which a lease may end, with nothing of it renewed then.

    unpaid = (written down + principal and interest owed at the last date) / outstanding at the valuation date. Only
    that one renewal is missed; a lease ends before it if the scenario says so.
    """
    options = list(options_of(deal, market.valuation))
    if not options:
        raise InvalidTerms(f"the deal {deal.name!r} has no lease that may end after {market.valuation}")
    missed = [
        dataclasses.replace(scenario, name=f"{tenant}, {date}", renewal={tenant: {date: 0.0, after(date): 1.0}})
        for tenant, date in options
    ]
    flows = run(deal, missed, rates=market.rates(deal))
    ahead, notes = Ahead.at(flows, market), tuple(t.name for t in deal.tranches if isinstance(t, Note))
    unpaid = []
    for note in notes:
        outstanding = np.maximum(ahead.balance[flows.tranches.index(note)], 1.0)
        unpaid.append(never_paid(flows, ahead, note) / outstanding)
    tenants, dates = zip(*options, strict=True)
    return NonRenewals(scenario.name, tenants, dates, notes, np.array(unpaid).T)


def options_of(deal: Deal, start: datetime.date) -> Iterator[tuple[str, datetime.date]]:
    """The dates after `start`, and within the deal, at which each lease may end."""
    for lease in itertools.chain.from_iterable(asset.leases() for asset in assets(deal)):
        yield from ((lease.tenant, end) for end in lease.ends if start < end < deal.maturity)


def after(date: datetime.date) -> datetime.date:
    """From when later renewals happen again: half a year on, well before any lease of a year or more ends."""
    return date + datetime.timedelta(days=183)
