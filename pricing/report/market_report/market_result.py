"""What a market's report shows: the stress, its loop, how sure it is; and its three sentences."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pricing.contagion.amounts_in_words import money
from pricing.contagion.closed_loop.market_loop import BN, MarketLoop
from pricing.contagion.closed_loop.sensitivity import BAND, Sensitivity
from pricing.tables.number_formats import Unit

if TYPE_CHECKING:
    from pricing.contagion.market_stress_result import MarketStress


@dataclasses.dataclass(frozen=True, eq=False)
class MarketResult:
    """A market stress with its loop closed and its assumptions moved; amounts are shown in billions."""

    loop: MarketLoop
    sure: Sensitivity

    @property
    def stress(self) -> MarketStress:
        return self.loop.stress

    @cached_property
    def unit(self) -> Unit:
        return Unit(self.stress.book.currency, BN)

    def headline(self) -> tuple[str, str, str]:
        """The report in three sentences: how much, through which doors to whom, how sure."""
        made, sure = self.loop.loop, self.sure
        first, every = float(made.first.sum()), float(made.least.sum())
        value = float(self.stress.tranches["value_before"].to_numpy().sum())
        if first == 0.0:
            return ("Nothing is lost in the first round, so the loop does not begin.", "Nobody sells.", "Nothing rests on an assumption.")  # fmt: skip
        doors = {
            "forced sales": float(made.sales.sum()),
            **dict(zip(made.channels, made.added.sum(axis=(0, 2)).tolist(), strict=True)),
        }
        largest = sorted(doors, key=lambda name: -doors[name])[:2]
        through = " and ".join(f"{name} ({money(doors[name], BN)})" for name in largest if doors[name] > 0.0)
        most, top = int(np.argmax(made.least)), sure.names[sure.order[0]]
        ends = sure.ends[sure.order[0], :, 0]
        low, _, high = np.quantile(sure.drawn[:, 0], BAND)
        capital = made.capital[most]
        known = np.isfinite(capital) and capital > 0.0
        return (
            f"Under {self.stress.stress!r} the book of {money(value, BN)} loses {money(first, BN)} at first and {money(every, BN)} once "
            f"sales, refinancing and funding have answered: what follows is {(every - first) / first:.2f} times the first round.",
            f"It comes back {f'mostly through {through}' if through else 'through no door'}; {made.institutions[most]} bear the most, "
            f"{money(float(made.least[most]), BN)}{f', {100.0 * made.least[most] / capital:.1f} % of their capital' if known else ''}.",
            f"How sure: with every assumption drawn within its range nine draws in ten lie between {money(low, BN)} and {money(high, BN)}, "
            f"and {top} alone moves the answer from {money(ends.min(), BN)} to {money(ends.max(), BN)}; the ranges are assumptions, so "
            "this is no probability.",
        )  # fmt: skip
