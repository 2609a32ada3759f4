"""What the command writes beside its tables: the report, the workbook and JSON of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.report.several_stresses import cases_of
from structuring.documents.whole_files import folder
from waterfalls.errors import FirstLossError

if TYPE_CHECKING:
    from pricing.contagion.stress_chain import Chain
    from pricing.losses.who_bears import Losses
    from pricing.market.market import Market
    from pricing.valuation.prices import Prices
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario
    from waterfalls.cashflows import Cashflows

Say = Callable[[str], None]


def outputs(
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    market: Market,
    reference: Scenario,
    stresses: Sequence[tuple[Any, str]],
    say: Say,
    *,
    report: Path | None = None,
    xlsx: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes what was asked for and names the files; what the report goes without, and why, is said too."""
    from pricing.analysis.committee import searches
    from pricing.report.page import write_report
    from pricing.report.workbook import write_workbook

    if report is not None or xlsx is not None:
        more = {"scenario": [name for name, _ in stresses], "shock": stresses[0][1]}
        told = progress and (lambda n, of: progress(n, of + 1))  # the last step: contagion and writing
        breakevens = tuple(searches(deal, reference, market, progress=told))
        without: list[str] = []
        chains = [chain_of(deal, flows, losses, market, stress, without.append) for stress in stresses]
        chain = [found for found in chains if found is not None]
        for line in dict.fromkeys(without):  # the same of every stress is said once
            say(line)
        parts = (deal, flows, prices, losses, market)
        for file in filter(None, (report, xlsx)):
            folder(file.parent)
        if report is not None:
            say(f"wrote {write_report(report, *parts, **more, breakevens=breakevens, chain=chain)}")
        if xlsx is not None:
            say(f"wrote {write_workbook(xlsx, *parts, **more, breakevens=breakevens, chain=chain)}")


def json_of(
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    market: Market,
    stresses: Sequence[tuple[Any, str]],
) -> str:
    """A run as one JSON document."""
    from pricing.report.json_and_parquet import as_json

    names, shock = [name for name, _ in stresses], stresses[0][1]
    return as_json(*cases_of(deal, flows, prices, losses, market, scenario=names, shock=shock))


def chain_of(
    deal: Deal, flows: Cashflows, losses: Losses, market: Market, stress: tuple[Any, str], say: Say
) -> Chain | None:
    """The stress followed to its end bearers through the institutions that ship, in the deal's currency."""
    from pricing.contagion.stress_chain import chain
    from pricing.losses.institutions import institutions_in

    try:
        institutions = institutions_in(losses.prices.currency, market)
        return chain(deal, flows, losses, institutions, *stress)
    except FirstLossError as error:
        say(f"without the second round and end bearers: {error}")
        return None
