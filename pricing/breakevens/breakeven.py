"""Breakevens: how far a driver of the collateral, such as rent, may move before each note loses."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from pricing.market.market import Market
from pricing.tables.named_arrays import labelled
from pricing.valuation.remaining_cash import Ahead
from structuring.deals.deal import Deal
from structuring.deals.moved_drivers import moved, whole
from structuring.runs.run import run
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import instance, number, takes, text
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms, refuse, strangers
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd

POINTS = 15  # scenarios that a bracket is cut by in a round
ROUNDS = 7  # after which a bracket is 16^-7 of the first: 4e-9
EVENTS = ("first loss", "zero yield")
DUST = 1e-9  # of the amount outstanding: less is rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Breakevens:
    """The multiple of a driver at which each of N notes first loses, and at which it yields nothing.

    `multiples` (N, 2): by note, first loss and zero yield; NaN where even `worst` is survived, 1 where the scenario
    itself already is at or beyond it. `headroom` is how far that is from the scenario, as a share of it.
    """

    deal: Deal
    scenario: str
    driver: str
    worst: float
    notes: tuple[str, ...]
    multiples: np.ndarray

    @property
    def headroom(self) -> np.ndarray:
        """|multiple - 1| (N, 2)."""
        return np.abs(self.multiples - 1.0)

    def frame(self) -> pd.DataFrame:
        """A long, tidy frame: one row per note and event."""
        return labelled(
            {"multiple": self.multiples, "headroom": self.headroom}, [("tranche", self.notes), ("event", EVENTS)],
            deal=self.deal.name, scenario=self.scenario, driver=self.driver,
        )  # fmt: skip

    def sentences(self) -> list[str]:
        """What a committee says of each note, with who holds it; one sentence where none loses."""
        meaning, found = DRIVERS[self.driver].meaning, []
        if np.isnan(self.multiples).all():
            return [f"No note loses anything even with {meaning} at {self.worst:.0%} of {self.scenario!r}."]
        for name, (first, nothing) in zip(self.notes, self.multiples, strict=True):
            if np.isnan(first):
                text = f"{name} loses nothing even with {meaning} at {self.worst:.0%} of {self.scenario!r}"
            elif first == 1.0:
                text = f"{name} already loses in {self.scenario!r}"
            else:
                side = "falls" if first < 1.0 else "rises"
                text = f"{name} begins to lose when {meaning} {side} by {abs(first - 1.0):.1%}"
                if np.isnan(nothing):
                    text += f", and still earns something at {self.worst:.0%}"
                else:
                    text += f", and earns nothing when it {side} by {abs(nothing - 1.0):.1%}"
            found.append(f"{text}{self.holders(name)}.")
        return found

    def holders(self, note: str) -> str:
        """Who holds a note, the largest first."""
        if self.deal.holdings is None:
            return ""
        shares = sorted(self.deal.holdings.shares[note].items(), key=lambda held: -held[1])
        return "; held by " + ", ".join(f"{who} {share:.0%}" for who, share in shares if share > 0.0)


@takes(deal=instance(Deal), scenario=instance(Scenario), driver=text, market=instance(Market), worst=number())
def breakeven(deal: Deal, scenario: Scenario, *, driver: str, market: Market, worst: float = 0.0) -> Breakevens:
    """The multiple of a driver, from 1 towards `worst`, at which each note first loses and at which it yields nothing.

    first loss   written down + unpaid at the last date (principal, interest) > 0
    zero yield   cash after the valuation date, undiscounted <= outstanding: bought at par it yields nothing

    The driver is multiplied in `scenario`, whether it is a number, a vector, by date or by name. Prepayment and default
    are multiplied as rates a year, told as a speed or by month, up to all of the pool a year, and shares up to 1. What a
    scenario leaves unsaid is 1 of a driver that is a multiple, and stays as it is of others. The first crossing from 1 is
    found by cutting brackets of all notes at once, 15 scenarios a bracket, to 4e-9 of the range.
    """
    if worst == 1.0 or not 0.0 <= worst < np.inf:
        raise InvalidTerms(f"worst: is the multiple to search towards, from 0 to below 1 or above it, got {worst:g}")
    given = whole(scenario.given().get(known(driver)), driver, deal)
    if moved(given, driver, abs) is None:
        raise InvalidTerms(f"the scenario {scenario.name!r} says no numbers of {driver} to multiply: say them there")

    def times(multiple: float, name: str) -> Scenario:
        """The scenario with the driver at a multiple of what it says."""
        found = moved(given, driver, lambda x: x * multiple, capped=True)
        return Scenario.of(name, {**scenario.given(), driver: found})

    try:
        times(worst, scenario.name)
    except InvalidTerms as error:
        raise InvalidTerms(f"worst: {worst:g} times what {scenario.name!r} says is too much: {error}") from None
    rates = market.rates(deal)
    notes = tuple(tranche.name for tranche in deal.tranches if isinstance(tranche, Note))

    def lost(multiples: np.ndarray) -> np.ndarray:
        """Whether each multiple (M,) brings each event on each note (N, 2, M)."""
        tried = [times(float(multiple), f"{i}") for i, multiple in enumerate(multiples)]
        return events(run(deal, tried, rates=rates), market, notes)

    points = np.linspace(1.0, worst, POINTS + 2)
    flags = lost(points)
    first = flags.argmax(axis=2)
    low, high = points[np.maximum(first - 1, 0)], points[first]
    seeking = flags.any(axis=2) & ~flags[:, :, 0]
    n, e = np.nonzero(seeking)
    for _ in range(ROUNDS - 1 if len(n) else 0):
        edges = np.linspace(low[n, e], high[n, e], POINTS + 2, axis=1)
        inner = lost(edges[:, 1:-1].ravel()).reshape(len(notes), 2, len(n), POINTS)[n, e, np.arange(len(n))]
        k = np.append(inner, np.ones((len(n), 1), bool), axis=1).argmax(axis=1)
        low[n, e], high[n, e] = edges[np.arange(len(n)), k], edges[np.arange(len(n)), k + 1]
    return Breakevens(deal, scenario.name, driver, worst, notes, np.where(flags.any(axis=2), high, np.nan))


def known(driver: str) -> str:
    """The driver, if it is one that holds numbers."""
    numbers = [name for name, row in DRIVERS.items() if row.shape != "date"]
    refuse(strangers("driver", "driver that is a number", [driver], numbers))
    return driver


def never_paid(flows: Cashflows, ahead: Ahead, note: str) -> np.ndarray:
    """Written down, and principal and interest still owed at the last date, of a note in each scenario (S,)."""
    return ahead.realised_loss[flows.tranches.index(note)] + flows.arrears[note][:, -1]


def events(flows: Cashflows, market: Market, notes: tuple[str, ...]) -> np.ndarray:
    """First loss and zero yield of each note in each scenario (N, 2, S)."""
    ahead = Ahead.at(flows, market)
    found = []
    for note in notes:
        i = flows.tranches.index(note)
        outstanding = np.maximum(ahead.balance[i], DUST)
        unpaid = never_paid(flows, ahead, note)
        gain = ahead.cash[i].sum(axis=1) - ahead.balance[i]
        idle = ahead.wiped_out[i] & (ahead.balance[i] == 0.0)
        found.append([unpaid > DUST * outstanding, (gain <= DUST * outstanding) & ~idle])
    return np.array(found)
