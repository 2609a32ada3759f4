"""What the command prints of a run: the tables of its report that a committee reads, as aligned text."""

from __future__ import annotations

from collections.abc import Iterator

from pricing.breakevens.committee import misplaced
from pricing.report.contents.sheets import by_class, by_tranche, coverage_words, happening, prices, structure
from pricing.report.contents.stress_result import StressResults
from pricing.tables.aligned_text import text
from structuring.deals.unusual_terms import doubts, left_over, left_unpaid


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
    yield (
        f"\nSpreads are solved in {reference!r}, and losses are against it; a loss is positive, a gain negative, and nothing "
        "is clipped. Credit: the scenario's cash at the reference's curve and spread; then rates: the curve; then spread: "
        f"the shock. par: drawn and undrawn. {coverage_words(deal)}"
    )
    if len(flows.scenarios) > 1:
        yield f"Scenarios of this deal: {', '.join(map(repr, flows.scenarios))}."
    told = (doubt.what for doubt in (*doubts(deal), *left_unpaid(flows), *left_over(flows)))
    for doubt in (*told, *misplaced(first.prices)):
        yield f"Doubtful: {doubt}."
