"""closed_loop: a market's losses with the loop closed, in rounds, each channel a step with its own column."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.contagion.closed_loop.assumptions import LoopTerms
from pricing.contagion.closed_loop.channels import CHANNELS, STEPS
from pricing.contagion.closed_loop.round import Economy, Round, depth_with, institutions_with
from pricing.contagion.closed_loop.state import State
from pricing.contagion.closed_loop.vehicles import Vehicles, run_vehicles
from pricing.contagion.market_stress_result import MarketStress
from waterfalls.errors import refuse, strangers

if TYPE_CHECKING:
    import pandas as pd

ROUNDS = 8
SETTLED = 1e-3  # of all losses: what a round may still move when the loop is said to rest
MOST = 60  # looks on the way down from the greatest fixed point


@dataclasses.dataclass(frozen=True, eq=False)
class Loop:
    """The loop's answer. Losses are in the book's currency, positive a loss; N institutions, R rounds, C channels.

    first     (N,)       losses of the vehicles, and `sales` (N,): the second round by thresholds, both as without the loop
    added     (R, C, N)  what each channel adds in each round, in the order of `channels`, later ones seeing the earlier
    alone     (C, N)     what each channel adds with the others switched off
    instead   (C, N)     what each adds alone where nobody sells by a threshold: what forced sales did not sell before it
    least, most  (N,)    all losses where the loop comes to rest from nothing, and from everything
    settled   whether it came to rest within its rounds
    """

    institutions: tuple[str, ...]
    capital: np.ndarray
    channels: tuple[str, ...]
    first: np.ndarray
    sales: np.ndarray
    added: np.ndarray
    alone: np.ndarray
    instead: np.ndarray
    least: np.ndarray
    most: np.ndarray
    settled: bool
    state: State

    @property
    def residual(self) -> np.ndarray:
        """All losses less the first round, sales and channels in their order (N,): what rounding leaves."""
        return self.least - self.first - self.sales - self.added.sum(axis=(0, 1))

    @property
    def together(self) -> np.ndarray:
        """What the channels add together beyond what each adds alone (N,): they feed each other, or sell the same twice."""
        return self.least - self.first - self.sales - self.alone.sum(axis=0)

    @property
    def differs(self) -> bool:
        """Whether the loop rests in two places: `least` and `most` differ by more than what counts as settled."""
        return bool(np.abs(self.most - self.least).sum() > 2.0 * SETTLED * max(np.abs(self.least).sum(), 1.0))

    def by_round(self) -> pd.DataFrame:
        """One row a round: the first, forced sales, then what each channel adds, and all losses so far."""
        import pandas as pd

        rows = [
            {
                "round": 1,
                "first round": self.first.sum(),
                "forced sales": self.sales.sum(),
                **dict.fromkeys(self.channels, 0.0),
            }
        ]
        if len(self.added):
            rows[0] |= dict(zip(self.channels, self.added[0].sum(axis=1), strict=True))
        for r, each in enumerate(self.added[1:], 2):
            rows.append(
                {
                    "round": r,
                    "first round": 0.0,
                    "forced sales": 0.0,
                    **dict(zip(self.channels, each.sum(axis=1), strict=True)),
                }
            )
        table: Any = pd.DataFrame(rows)
        table["all so far"] = table.drop(columns="round").sum(axis=1).cumsum()
        return table

    def by_channel(self) -> pd.DataFrame:
        """One row a channel: what it adds in its order, over all rounds, alone, and alone without forced sales; then what they
        add together, and the residual. Below 0, a channel sells at once what forced sales would sell later and lower."""
        import pandas as pd

        rows = [
            {
                "channel": name,
                "in order": float(self.added[:, c].sum()),
                "alone": float(self.alone[c].sum()),
                "without forced sales": float(self.instead[c].sum()),
            }
            for c, name in enumerate(self.channels)
        ]
        rest = {"in order": 0.0, "alone": 0.0, "without forced sales": 0.0}
        rows.append({"channel": "together, beyond each alone", **rest, "alone": float(self.together.sum())})
        rows.append({"channel": "residual", **rest, "in order": float(self.residual.sum())})
        return pd.DataFrame(rows)

    def by_institution(self) -> pd.DataFrame:
        """One row an institution: the first round, forced sales, what each channel adds, all, per cent of capital, and the most."""
        import pandas as pd

        known = np.where(np.isfinite(self.capital) & (self.capital > 0.0), self.capital, np.nan)
        table: Any = pd.DataFrame({
            "institution": self.institutions, "first_round": self.first, "forced_sales": self.sales,
            **{name: self.added[:, c].sum(axis=0) for c, name in enumerate(self.channels)},
            "all": self.least, "per_cent_of_capital": 100.0 * self.least / known, "greatest": self.most,
        })  # fmt: skip
        return table[table["all"].abs() + table["greatest"].abs() > 0.0].reset_index(drop=True)


def closed_loop(y: Economy, *, channels: Collection[str] = CHANNELS, alone: bool = True) -> Loop:
    """Follows the loop from no channel at all until a round moves losses by less than a thousandth, or for `ROUNDS`.

    In each round every channel in turn takes what was found last and moves its part of the state; what losses move by is
    its column. The greatest fixed point is approached from the state in which every channel does all it can.
    Errors: `InvalidTerms` for a channel that there is not.
    """
    on = tuple(name for name in CHANNELS if name in channels)
    refuse(strangers("", "channel", channels, CHANNELS))
    start = y.before
    found, state, added, rests = follow(y, start, on)
    calm = dataclasses.replace(y, forced=False)
    none = np.zeros((len(CHANNELS), len(start.total)))
    single, instead = (each_alone(of, on) if alone else none for of in (y, calm))
    top = from_above(y, on, found) if on and alone else found.total
    padded = np.zeros((len(added), len(CHANNELS), len(start.total)))
    for c, name in enumerate(CHANNELS):
        if name in on and len(added):
            padded[:, c] = added[:, on.index(name)]
    return Loop(
        institutions=y.names, capital=y.capital, channels=CHANNELS, first=start.first, sales=start.late, added=padded,
        alone=single, instead=instead, least=found.total, most=top, settled=rests, state=state,
    )  # fmt: skip


def follow(y: Economy, found: Round, on: tuple[str, ...]) -> tuple[Round, State, np.ndarray, bool]:
    """Rounds from a look at nothing: the last look, its state, what each channel moved (R, C, N), and whether it rests."""
    state, added = y.nothing, []
    for _ in range(ROUNDS if on else 0):
        before = found.total
        moved = []
        for name in on:
            state = STEPS[name](y, found, state)
            after = y.look(state)
            moved.append(after.total - found.total)
            found = after
        added.append(moved)
        if settled(found.total - before, found):
            break
    rests = not on or settled(np.sum(added[-1], axis=0), found)
    return found, state, np.array(added).reshape(len(added), len(on), len(found.total)), rests


def settled(moved: np.ndarray, found: Round) -> bool:
    """Whether what a round moved is too little to go on, against all losses."""
    return bool(np.abs(moved).sum() <= SETTLED * max(np.abs(found.total).sum(), 1.0))


def each_alone(y: Economy, on: tuple[str, ...]) -> np.ndarray:
    """What each channel adds with the others switched off (C, N)."""
    return np.array([follow(y, y.before, (name,) * (name in on))[0].total - y.before.total for name in CHANNELS])


def rest(y: Economy, channels: Collection[str] = CHANNELS) -> tuple[Round, State]:
    """Where the loop comes to rest from nothing, all channels at once in each round: what `closed_loop` finds, without columns."""
    state, found = y.nothing, y.before
    for _ in range(2 * ROUNDS):
        before = found.total
        for name, step in STEPS.items():
            state = step(y, found, state) if name in channels else state
        found = y.look(state)
        if settled(found.total - before, found):
            break
    return found, state


def from_above(y: Economy, on: tuple[str, ...], low: Round) -> np.ndarray:
    """All losses where the loop comes to rest from the state in which every channel does all it can (N,)."""
    state, ruin = y.nothing, ruined(y, low)
    for _ in range(2):
        for name in on:
            state = STEPS[name](y, ruin, state)
    found = y.look(state)
    for _ in range(MOST):
        before = found.total
        for name in on:
            state = STEPS[name](y, found, state)
        found = y.look(state)
        if np.abs(found.total - before).sum() <= 0.1 * SETTLED * max(np.abs(found.total).sum(), 1.0):
            break
    return found.total


def ruined(y: Economy, low: Round) -> Round:
    """A look at the worst there could be: all that is held is lost, wherever anything is lost at all."""
    if not np.abs(low.total).sum() > 0.0:
        return low
    held = y.values.sum(axis=1)
    none = np.zeros(len(low.price))
    return Round(
        first=held,
        late=0.0 * held,
        price=none,
        fell=none + 1.0,
        fell_in_all=none + 1.0,
        credit_share=none[: len(low.credit_share)] + 1.0,
    )


def vehicles_of(made: MarketStress) -> Vehicles:
    """The vehicles of a market stress, run at every point."""
    return run_vehicles(made.vehicles, made.scale, made.widening)


def economy_of(
    made: MarketStress, vehicles: Vehicles, loop: LoopTerms, said: Mapping[str, float] | None = None
) -> Economy:
    """The economy of a market stress under one set of assumptions, those of the loop's file unless `said`."""
    values = loop.values | dict(said or {})
    group = {deal: name for name, deals in loop.groups.items() for deal in deals}
    D, first = len(vehicles.deals), made.first
    story, size = np.ones(D), np.ones(D)
    for d, name in enumerate(vehicles.deals):
        if name in group:
            story[d] = values.get(f"story on {group[name]}", 1.0)
            size[d] = values.get(f"size of {group[name]}", 1.0)
    lost = np.array([
        np.concatenate([each.tranche[part][-1, -1] for each in made.losses.values()]) for part in ("total", "credit")
    ])  # fmt: skip
    share = np.zeros((len(vehicles.tranches), len(first.classes)))
    row = 0
    for each in made.losses.values():
        at = [first.classes.index(name) for name in each.classes]
        share[row : row + len(each.shares), at] = each.shares
        row += len(each.shares)
    own = vehicles.widening - vehicles.supply
    asked = values.get("spreads", 1.0) * own + values.get("supply", 1.0) * vehicles.supply
    spread = np.divide(asked, vehicles.widening, out=np.ones(len(asked)), where=vehicles.widening > 0.0)
    return Economy(
        vehicles=vehicles, first=first, lost=lost, share=share,
        listed=institutions_with(made.institutions, values, first),
        depth=depth_with(made.institutions.depth, values, made.public), size=size[vehicles.of], story=story,
        spread=spread, said=values,
    )  # fmt: skip
