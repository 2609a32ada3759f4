"""What the command prints of a run: the tables of its report that a committee reads, as aligned text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pricing.breakevens.committee import misplaced
from pricing.report.contents.sheets import by_class, by_tranche, coverage_words, happening, prices, structure
from pricing.report.contents.stress_result import StressResults
from pricing.tables.aligned_text import text
from structuring.deals.unusual_terms import doubts, left_unpaid
from waterfalls.cashflows import Cashflows
from waterfalls.engines.laws import tolerance


def printed(cases: StressResults, *, width: int | None = None) -> Iterator[str]:
    """The capital structure, what happens, prices by shock, and who loses what in each stress; tables fit a `width`."""
    first = cases[0]
    deal, flows, reference = first.deal, first.flows, first.reference
    yield f"{deal.name}: valued {first.prices.valuation}, in {first.unit.words}, scenario {reference!r}"
    shown = dict.fromkeys(s for case in cases for s in case.rows)
    tables = [structure(first), happening(first), *(prices(first, s) for s in shown)]
    for sheet in (*tables, *(sheet for case in cases for sheet in (by_tranche(case), by_class(case)))):
        if sheet is not None:
            yield f"\n{sheet.title}"
            yield text(sheet.frame, kinds=sheet.kinds, unit=first.unit, width=width)
            yield from [sheet.note] if sheet.note else []
    yield f"\nSpreads are solved in {reference!r}, and losses are against it; a loss is positive, a gain negative, and nothing"
    yield "is clipped. Credit: the scenario's cash at the reference's curve and spread; then rates: the curve; then spread: the"
    yield f"shock. par: drawn and undrawn. {coverage_words(deal)}"
    if len(flows.scenarios) > 1:
        yield f"Scenarios of this deal: {', '.join(map(repr, flows.scenarios))}."
    told = (doubt.what for doubt in (*doubts(deal), *left_unpaid(flows)))
    for doubt in (*told, *left_over(flows), *misplaced(first.prices)):
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
