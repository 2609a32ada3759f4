"""The command `firstloss run`: runs a deal, prices it and says who loses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pricing.commands.shared.options import (
    DealName,
    MarketFile,
    ReportFile,
    ScenarioFile,
    Shocks,
    WorkbookFile,
    case,
    parallel,
)
from pricing.commands.shared.output import Answer, Say, answers, columns
from pricing.commands.shared.progress import progress


@answers
def run(
    deal: DealName,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="a stress to attribute; the last unless said; may be repeated"),
    ] = None,
    shock: Shocks = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="write every table as CSV into this folder")
    ] = None,
    report: ReportFile = None,
    xlsx: WorkbookFile = None,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="write a live workbook: the waterfall as formulas")
    ] = None,
) -> Answer:
    """Run a deal, price it under spread shocks, say who loses.

    The capital structure, what happens in each scenario, clean prices by shock, and what each investor class loses.

    \b
    Examples:
      firstloss run vantage-jersey --shock 0 --shock 100 --shock 300
      firstloss run vantage-jersey --shock 300 --scenario "rent cut 40 %"
      firstloss run vantage-jersey --out results
      firstloss run coreweave-ddtl-4 --report report.html --xlsx report.xlsx
      firstloss run vantage-jersey --scenario "rent cut 40 %" --model model.xlsx
      firstloss run beignet-2025 --csv --table losses

    \b
    Tables: prices, losses, flows, dates, structure, events.
    """
    from pricing.bearers.who_bears import who_bears
    from pricing.overview.deal_tables import by_date, capital_structure, what_happens
    from pricing.report.console import printed
    from pricing.report.contents.stress_result import stress_results
    from pricing.report.json_and_parquet import as_json
    from pricing.report.live_model.write_model import write_model
    from pricing.report.written_files import outputs
    from pricing.valuation.run_and_price import run_and_price
    from structuring.documents.whole_files import csv_of, folder, write

    described, paths, quotes = given = case(deal, market, scenarios)
    holdings, base = described.holders, paths[0].name
    wanted = list(dict.fromkeys(given.scenario(name).name for name in scenario or [paths[-1].name]))
    shocks = parallel(shock)

    with progress(f"running {described.name}"):
        flows, prices, _ = run_and_price(described, paths, quotes, shocks)
        losses = who_bears(prices, holdings, reference=(base, "unchanged"))

    worst = shocks[-1].name if shocks else "unchanged"
    cases = stress_results(described, flows, prices, losses, quotes, scenario=wanted, shock=worst)
    tables = {
        "prices": prices.frame,
        "losses": losses.frame,
        "flows": flows.frame,
        "dates": lambda: by_date(flows),
        "structure": lambda: capital_structure(flows, prices, deal=described),
        "events": lambda: what_happens(flows),
    }

    def then(say: Say) -> None:
        if out is not None:
            folder(out)
            for name, make in tables.items():
                frame = make()
                write(out / f"{name}.csv", csv_of(frame))
                say(f"wrote {out / name}.csv ({len(frame):,} rows)")
        if report is not None or xlsx is not None:
            with progress("searching breakevens and writing") as told:
                outputs(cases, paths[0], say, report=report, xlsx=xlsx, progress=told)
        if model is not None:
            folder(model.parent)
            with progress("writing formulas"):
                write_model(model, flows, losses, quotes, scenario=wanted[0])
            say(f"wrote {model}")

    return Answer(
        tables,
        printed(cases, width=columns()),
        document=lambda: as_json(*cases),
        then=then,
    )
