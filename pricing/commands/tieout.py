"""The command `firstloss tieout`: a servicer's report beside the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.options import DealName, MarketFile, OneScenario, ScenarioFile, case
from pricing.commands.shared.output import Answer, answers
from pricing.commands.shared.progress import progress

if TYPE_CHECKING:
    import pandas as pd

MOST = 60  # lines that are shown in full


@answers
def tieout(
    deal: DealName,
    report: Annotated[
        Path | None, typer.Argument(metavar="[REPORT]", help="the servicer's report: .csv, .xlsx or .parquet")
    ] = None,
    write_template: Annotated[
        Path | None, typer.Option("--write-template", metavar="FILE", help="write a report to be filled in, and stop")
    ] = None,
    date: Annotated[
        list[str] | None, typer.Option("--date", metavar="DATE", help="a date of the template; may be repeated")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="AMOUNT", min=0.0, help="what amounts may differ by, in currency units")
    ] = 1.0,
    ratio_tolerance: Annotated[
        float, typer.Option(metavar="X", min=0.0, help="what coverage ratios may differ by")
    ] = 0.005,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="the sheet of an Excel report")] = None,
    scenario: OneScenario = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> Answer:
    """Hold a servicer's report against the model.

    A report has the columns date, item, theirs, and where it speaks of one clause, clause (numbered as explain numbers
    them); a column tolerance may stand beside. Items are those that --write-template writes: collections, payments such
    as "interest of A-2", balances, arrears, accounts, fees, coverage. Exit code 1 if anything is out of tolerance.

    \b
    Examples:
      firstloss tieout vantage-jersey --write-template report.csv
      firstloss tieout vantage-jersey report.csv
      firstloss tieout vantage-jersey report.csv --tolerance 100 --csv

    \b
    Tables: lines.
    """
    from pricing.comparison.tie_out import offered, read_report, tie_out
    from pricing.comparison.tie_out import write_template as write
    from structuring.runs.run import run
    from waterfalls.dates import as_date
    from waterfalls.errors import InvalidTerms

    if (report is None) == (write_template is None):
        raise InvalidTerms("give a report to hold against the model, or --write-template FILE to begin one")
    if date and write_template is None:
        raise InvalidTerms("--date says which dates --write-template writes; a report says its own")
    if write_template is not None and write_template.exists():
        raise InvalidTerms(f"there is a {write_template} already: nothing is overwritten, so give another name")
    given = case(deal, market, scenarios)
    described, chosen = given.deal, given.scenario(scenario)
    wanted = chosen.name
    with progress(f"tying out {described.name}"):
        flows = run(described, chosen, rates=given.market.rates(described))
        if report is None or write_template is not None:
            assert write_template is not None
            count = write(write_template, flows, wanted, [as_date(day) for day in date or ()])
            lines = [
                f"wrote {write_template} ({count:,} lines): fill in the column 'theirs', leave out what is not reported"
            ]
            return Answer({"lines": lambda: offered(flows, wanted)}, lines, given.about(scenario=wanted))
        table = tie_out(
            flows,
            wanted,
            read_report(report, sheet=sheet),
            amounts=tolerance,
            ratios=ratio_tolerance,
            title=str(report),
        )
    out = len(table) - int(table["ties"].to_numpy().sum())
    title = f"{described.name}, scenario {wanted!r}: {report} beside the model, amounts in {described.currency}"
    more = {"scenario": wanted, "report": str(report), "out_of_tolerance": out}
    return Answer({"lines": lambda: table}, told(title, table), given.about(**more), code=int(out > 0))


def told(title: str, table: pd.DataFrame) -> Iterator[str]:
    """What ties and what does not: every line of a short report, and of a long one those that do not."""
    out: Any = table[~table["ties"]]
    yield f"{title}\n"
    shown: Any = table if len(table) <= MOST else out
    if len(shown):
        yield aligned(shown)
    if len(shown) < len(table):
        yield f"({len(table) - len(shown):,} more lines tie: --csv prints them)"
    if not len(out):
        yield f"\nAll {len(table):,} lines tie."
        return
    first = out.iloc[0]
    yield f"\n{len(out):,} of {len(table):,} lines are out of tolerance, the first on {first['date']}."


def aligned(table: pd.DataFrame) -> str:
    """A tie-out as text, amounts to the cent and ratios to four places."""
    from pricing.comparison.tie_out import RATIO
    from pricing.tables.aligned_text import lined_up
    from pricing.tables.number_formats import unsigned_zero

    rows = [["date", "clause", "item", "theirs", "ours", "difference", ""]]
    line: Any
    for line in table.itertuples():
        places = 4 if str(line.item).startswith(RATIO) else 2
        numbers = [unsigned_zero(f"{value:,.{places}f}") for value in (line.theirs, line.ours, line.difference)]
        clause = f"({line.clause})" if line.clause else ""
        rows.append([str(line.date), clause, str(line.item), *numbers, "" if line.ties else "OUT"])
    return lined_up(rows, "<<<>>><")
