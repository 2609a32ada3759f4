"""What `firstloss run` writes of its results: the report and the workbook, with breakevens and end bearers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pricing.report.contents.stress_result import StressResult, StressResults
from structuring.documents.whole_files import folder
from waterfalls.errors import FirstLossError

if TYPE_CHECKING:
    from pricing.contagion.stress_chain import Chain
    from structuring.scenarios.scenario import Scenario

Say = Callable[[str], None]


def outputs(
    cases: StressResults,
    reference: Scenario,
    say: Say,
    *,
    report: Path | None = None,
    xlsx: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes what was asked for and names the files; what the report goes without, and why, is said too."""
    from pricing.breakevens.committee import searches
    from pricing.report.page import write_page
    from pricing.report.workbook import write_tables

    first = cases[0]
    told = progress and (lambda n, of: progress(n, of + 1))  # the last step: contagion and writing
    breakevens = tuple(searches(first.deal, reference, first.market, progress=told))
    without: list[str] = []
    cases = tuple(dataclasses.replace(case, chain=chain_of(case, without.append)) for case in cases)
    cases = (dataclasses.replace(cases[0], breakevens=breakevens), *cases[1:])
    for line in dict.fromkeys(without):  # the same of every stress is said once
        say(line)
    for file in filter(None, (report, xlsx)):
        folder(file.parent)
        (write_page if file == report else write_tables)(file, cases)
        say(f"wrote {file}")


def chain_of(case: StressResult, say: Say) -> Chain | None:
    """The stress followed to its end bearers through the institutions that ship, in the deal's currency."""
    from pricing.bearers.institutions import institutions_in
    from pricing.contagion.stress_chain import chain

    try:
        institutions = institutions_in(case.prices.currency, case.market)
        return chain(case.deal, case.flows, case.losses, institutions, case.scenario, case.shock)
    except FirstLossError as error:
        say(f"without the second round and end bearers: {error}")
        return None
