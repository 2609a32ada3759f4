"""The command `firstloss explain`: one payment date, clause by clause."""

from __future__ import annotations

from typing import Annotated

import typer

from pricing.commands.options import DealName, MarketFile, OneScenario, ScenarioFile, about, case, named
from pricing.commands.output import Answer, answers
from pricing.commands.progress import progress


@answers
def explain(
    deal: DealName,
    date: Annotated[str, typer.Option(metavar="DATE", help="a payment date, such as 2027-05-20")],
    scenario: OneScenario = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> Answer:
    """Explain one payment date, clause by clause.

    What was owed, paid, from where, what cash is left, how each test stood and what it read. A payment date that a
    holiday moved is found by either day.

    \b
    Examples:
      firstloss explain vantage-jersey --date 2029-05-20
      firstloss explain vantage-jersey --date 2029-05-20 --scenario base
      firstloss explain vantage-jersey --date 2029-05-20 --csv

    \b
    Tables: clauses.
    """
    from structuring.runs.run import run
    from waterfalls.dates import as_date

    described, paths, quotes = case(deal, market, scenarios)
    wanted = named(scenario, paths)
    chosen = [path for path in paths if path.name == wanted]
    with progress(f"explaining {described.name}"):
        told = run(described, chosen, rates=quotes.rates(described)).explain(wanted, as_date(date))
    more = {"scenario": wanted, "date": told.date, "regime": told.regime, "triggers": list(told.triggers)}
    more |= {"collected": told.collected, "reported": told.reported}
    return Answer({"clauses": told.frame}, [str(told)], {**about(described, quotes), **more})
