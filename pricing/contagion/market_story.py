"""The story of a market: what it needs beyond a named stress, and the file that says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, field

from structuring.runs.book import Book
from waterfalls.errors import refuse, strangers
from waterfalls.terms.bounded_numbers import NotNegative, Positive, Share
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

MARK = "firstloss-market-story"


@term
class Supply:
    """Issuance as a driver of spreads: every note of the book widens, in basis points, by

        scale x per_doubling x max(log2(issuance / average), 0)

    `issuance` of a year and the `average` of the five before it, in currency units.
    """

    issuance: Positive
    average: Positive
    _: KW_ONLY
    per_doubling: NotNegative

    def widening(self, scale: float = 1.0) -> float:
        """Basis points at a scale of the story."""
        return scale * self.per_doubling * max(math.log2(self.issuance / self.average), 0.0)


@term
class MarketStory:
    """What a book's story needs beyond a named stress.

    `failures` by deal: the share of the stress's added rate of default that its obligors take, 1 where nothing is said.
    `bonds` are the deals whose notes are public bonds: they have the depth of that market, and what institutions
    hold of them is part of the corporate bonds that they are known to hold. `compare` tells what differs from 2008.
    """

    supply: Supply
    _: KW_ONLY
    failures: Mapping[str, Share] = field(default_factory=dict)
    bonds: Listed[str] = items()
    compare: bool = True
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def check(tale: MarketStory, book: Book) -> None:
    """Refuses a story that speaks of deals which the book does not hold."""
    told = (("story.failures", tale.failures), ("story.bonds", tale.bonds))
    refuse(fault for place, names in told for fault in strangers(place, "deal of the book", names, book.deals))
