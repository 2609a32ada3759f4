"""A deal as a story strikes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pricing.market.market import Market
from structuring.deals.deal import Deal
from structuring.generators.named_stresses import NamedStress
from structuring.scenarios.scenario import Scenario


@dataclasses.dataclass(frozen=True, eq=False)
class Told:
    """One deal as the loop runs it: its base, its market, its part in the book.

    `stress` has this deal's share of the story's failures, `shut` is what debt meets that is not refinanced, `widening`
    is the story's spread and that of supply, in basis points by tranche.
    """

    deal: Deal
    base: Scenario
    market: Market
    stress: NamedStress
    shut: NamedStress
    widening: Mapping[str, float]
    scale: float
