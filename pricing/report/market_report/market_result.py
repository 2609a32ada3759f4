"""What a market's report shows: the stress, its loop, how sure it is; and its sentences."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pricing.contagion.amounts_in_words import money
from pricing.contagion.closed_loop.market_loop import BN, MarketLoop, headline
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

    def headline(self) -> tuple[str, ...]:
        """The report in four sentences: who loses, whether it spreads, how that stands beside 2008, how sure."""
        sure = self.sure
        if float(self.loop.loop.first.sum()) == 0.0:
            return headline(self.loop)
        top, ends = sure.names[sure.order[0]], sure.ends[sure.order[0], :, 0]
        low, _, high = np.quantile(sure.drawn[:, 0], BAND)
        return (
            *headline(self.loop),
            f"How sure: with every assumption drawn within its range nine draws in ten lie between {money(low, BN)} and {money(high, BN)}, "
            f"and {top} alone moves the answer from {money(ends.min(), BN)} to {money(ends.max(), BN)}; the ranges are assumptions, so "
            "this is no probability.",
        )
