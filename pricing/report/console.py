"""What the command prints of a run: the tables a committee reads, as aligned text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pricing.analysis.appraisal import appraised
from pricing.analysis.committee import misplaced
from pricing.analysis.deal_tables import capital_structure, what_happens
from pricing.losses.who_bears import losses_by_class, losses_in_total
from pricing.tables.aligned_text import text
from pricing.valuation.prices import prices_by_shock
from structuring.deals.unusual_terms import doubts, left_unpaid
from waterfalls.laws import tolerance

if TYPE_CHECKING:
    from pricing.losses.who_bears import Losses
    from pricing.valuation.prices import Prices
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows

LEGEND = """\
ltv: what is outstanding of this and all senior tranches over the value of the collateral on {date}.
dscr: cash for debt service over debt service of this and all senior notes, median and lowest over dates.
headroom to trap: the cash for debt service that may go before the first coverage trigger trips, all else as it is.
headroom to default: the part of all collections that may go, the same at every date, before the note goes unpaid."""


def printed(
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    wanted: Sequence[str],
    shock: str,
    *,
    width: int | None = None,
) -> Iterator[str]:
    """The capital structure, what happens, prices by shock, and who loses what in each scenario wanted; tables fit a `width`."""
    names, first = list(flows.scenarios), losses.reference[0]
    yield f"{deal.name}: valued {prices.valuation}, amounts in {deal.currency} million, scenario {first!r}"
    yield "\nCapital structure (wal in years, spread in bp over the market's curve, clean price per 100 of par)"
    yield text(capital_structure(flows, prices, deal=deal), millions=("size", "undrawn"), width=width)
    s = prices.at(prices.reference, "unchanged")[0]
    yield LEGEND.format(date=appraised(flows, s, prices.valuation, deal)[0])
    yield "\nWhat happens (first dates; principal and interest unpaid at the last date, and written down, in millions)"
    yield text(what_happens(flows), width=width)
    for name in dict.fromkeys((first, *wanted)):
        solved = "" if name == first else f", spreads solved in {first!r}"
        yield f"\nClean price by spread shock: {name!r}{solved}"
        yield text(prices_by_shock(prices, name), width=width)
    amounts = ("par", "credit", "rates", "spread", "total")
    for name in wanted:
        yield f"\nLosses by tranche and investor class: {name!r} with spreads {shock}, against {first!r}"
        yield text(losses_by_class(losses, name, shock), millions=amounts, width=width)
        yield f"\nLosses by investor class: {name!r} with spreads {shock}"
        yield text(losses_in_total(losses, name, shock), millions=amounts, width=width)
    yield "\nPositive is a loss, negative a gain; nothing is clipped. Credit: the scenario's cash at the reference's curve and"
    yield "spread; then rates: the curve; then spread: the shock. par: drawn and undrawn. " + provenance(deal)
    if len(names) > 1:
        yield f"Scenarios of this deal: {', '.join(repr(name) for name in names)}."
    told = (doubt.what for doubt in (*doubts(deal), *left_unpaid(flows)))
    for doubt in (*told, *left_over(flows), *misplaced(prices)):
        yield f"Doubtful: {doubt}."


def left_over(flows: Cashflows) -> Iterator[str]:
    """Cash that an account still holds after the last date, when there is nobody left to pay it to."""
    for name in flows.plan.accounts:
        held = flows["account", name][:, -1]
        worst = int(np.argmax(held))
        if held[worst] > 1e3 * tolerance(flows.plan):
            yield (
                f"{name!r} still holds {held[worst] / 1e6:,.2f} million after the last date in "
                f"{list(flows.scenarios)[worst]!r}: release it before the residual"
            )


def provenance(deal: Deal) -> str:
    """How many of a deal's figures are sourced and how many assumed."""
    assumed = sum("assumption" in source for source in deal.sources.values())
    if not deal.sources:
        return "The deal file names no sources."
    return f"Of {len(deal.sources)} entries on where figures come from, {assumed} are assumptions: see the deal file."
