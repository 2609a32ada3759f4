"""market_loop: the closed loop of a book's story, from the files beside the book; and what it found in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.abs_cdo import LOST_2008
from pricing.bearers.accounting import ends_of, flow_rows
from pricing.contagion.amounts_in_words import money
from pricing.contagion.closed_loop.assumptions import LoopTerms, check, load_loop
from pricing.contagion.closed_loop.channels import CHANNELS
from pricing.contagion.closed_loop.closed_loop import Loop, closed_loop, economy_of, vehicles_of
from pricing.contagion.closed_loop.vehicles import Vehicles
from pricing.contagion.market_stress_result import MarketStress
from pricing.tables.quotients import per_cent

if TYPE_CHECKING:
    import pandas as pd

BN = 1e9
REFINED = 4  # times at most that the vehicles are run where the loop rests
TELLING = 1e-3  # of all losses: what a channel takes off below which it goes without saying
NEAR = 5e-4  # of the story: a run that near is taken as there


@dataclasses.dataclass(frozen=True, eq=False)
class MarketLoop:
    """A market stress with the loop closed: the stress, the terms of the loop, the vehicles at their points, the answer, the channels on."""

    stress: MarketStress
    terms: LoopTerms
    vehicles: Vehicles
    loop: Loop
    channels: tuple[str, ...] = CHANNELS

    def sentences(self) -> tuple[str, ...]:
        """The loop in words, amounts in billions."""
        return loop_sentences(self.loop)

    def ends(self) -> pd.DataFrame:
        """One row a class and end bearer: what of the class's losses, the loop closed, ends with whom."""
        lost = {who: np.array([amount]) for who, amount in zip(self.loop.institutions, self.loop.least, strict=True)}
        return flow_rows(*ends_of(lost, self.stress.institutions))

    def assumptions(self) -> pd.DataFrame:
        """One row an assumption: what is taken, how low and how high it may be, and why."""
        import pandas as pd

        return pd.DataFrame([
            {"assumption": name, "low": one.low, "taken": one.value, "high": one.high, "reason": one.reason}
            for name, one in self.terms.assumptions.items()
        ])  # fmt: skip


def market_loop(made: MarketStress, terms: LoopTerms | Path, *, channels: Collection[str] = CHANNELS) -> MarketLoop:
    """Closes the loop of a market stress. `terms` are those of the loop, or the file that says them.

    The vehicles are run again at every point of story, refinancing and spreads; the loop reads between the points. Where it comes to
    rest between two of them they are run there too, and the loop is followed again, until it rests where they were run.
    """
    told = load_loop(terms) if isinstance(terms, Path) else terms
    check(told, made.book, made.institutions)
    vehicles = vehicles_of(made)
    loop = closed_loop(economy_of(made, vehicles, told), channels=channels)
    for _ in range(REFINED):
        where = loop.state.more
        if (
            not vehicles.multiples[0] < where < vehicles.multiples[-1]
            or np.abs(np.array(vehicles.multiples) - where).min() < NEAR
        ):
            break
        vehicles = vehicles.with_point(where, made.vehicles, made.scale, made.widening)
        loop = closed_loop(economy_of(made, vehicles, told), channels=channels)
    return MarketLoop(made, told, vehicles, loop, tuple(name for name in CHANNELS if name in channels))


def loop_sentences(made: Loop) -> tuple[str, ...]:
    """The loop in words: how far it goes, through which channels, and where it settles."""
    first, sales, every = (float(x.sum()) for x in (made.first, made.sales, made.least))
    if first == 0.0:
        return ("Nothing is lost in the first round, so there is no feedback.",)
    table: Any = made.by_channel().set_index("channel").loc[list(made.channels)]
    by = table["in order"].sort_values(ascending=False)
    channels = ", ".join(f"{name} {money(amount, BN)}" for name, amount in by.items())
    more = every - first
    rounds = len(made.added)
    rest = (
        f"Begun from no loss and from a total loss it settles at two points: {money(every, BN)} and {money(float(made.most.sum()), BN)}."
        if made.differs
        else "Begun from no loss and from a total loss it settles at the same point: no second, worse equilibrium is found."
    )
    return (
        f"With feedback the book and all it drags down lose {money(every, BN)}: {money(first, BN)} in the first round, {money(sales, BN)} by "
        f"forced sales, {money(more - sales, BN)} by the rounds that follow, {'settled' if made.settled else 'not yet settled'} after {rounds}. "
        f"What comes after the first round is {more / first:.2f} times the first.",
        f"By channel, each counted after forced sales and those before it: {channels}; {money(float(made.together.sum()), BN)} of it comes of no "
        "channel alone.",
        *(
            f"What {name} sells at once forced sales would sell later and lower, so this channel takes {money(-amount, BN)} off; had nobody "
            f"sold by a threshold it alone would add {money(float(table.loc[name, 'without forced sales']), BN)}."
            for name, amount in by.items()
            if amount <= -TELLING * every and table.loc[name, "without forced sales"] > 0.0
        ),
        rest,
    )


def headline(made: MarketLoop) -> tuple[str, ...]:
    """Who loses, whether it spreads, and how that stands beside 2008: a sentence each."""
    loop, stress = made.loop, made.stress
    first, every = float(loop.first.sum()), float(loop.least.sum())
    if first == 0.0:
        return loop_sentences(loop)
    classes: Any = stress.classes
    beside: Any = stress.beside
    hurt = classes.set_index("investor_class")["total_loss"].sort_values(ascending=False).head(3)
    capital = np.where(np.isfinite(loop.capital), loop.capital, np.nan)
    share = np.nan_to_num(per_cent(loop.least, capital), nan=-1.0)
    most, hit = int(np.argmax(loop.least)), int(np.argmax(share))
    against = f"{share[hit]:.1f} % of their capital" if share[hit] > 0.0 else ""
    against = against and (
        f", {against}, more than any other"
        if hit == most
        else f"; {loop.institutions[hit]} lose {against}, more than any other"
    )
    added = loop.added.sum(axis=(0, 2)).tolist()
    channels = {"forced sales": float(loop.sales.sum()), **dict(zip(loop.channels, added, strict=True))}
    largest = sorted(channels, key=lambda name: -channels[name])[:2]
    through = " and ".join(f"{name} ({money(channels[name], BN)})" for name in largest if channels[name] > 0.0)
    owed, lost, marks = (float(beside.loc[0, name]) for name in ("issued", "realised_loss", "value_loss"))
    return (
        f"Under {stress.stress!r} at scale {stress.scale:g} the holders of {money(float(classes['value_before'].sum()), BN)} lose {money(first, BN)} in the first round, most of "
        f"all {', '.join(f'{name} {money(amount, BN)}' for name, amount in hurt.items())}.",
        f"It spreads by {(every - first) / first:.2f} times the first round, to {money(every, BN)}{f', mostly through {through}' if through else ''}; "
        f"{loop.institutions[most]} bear the most, {money(float(loop.least[most]), BN)}{against}.",
        f"Beside 2008: {100.0 * lost / owed:.0f} % of the debt is never repaid and {100.0 * marks / owed:.0f} % of its value lost, where SF ABS "
        f"CDOs lost {100.0 * LOST_2008['SF ABS CDOs 1999-2007']['loss']:.0f} %.",
    )  # fmt: skip
