"""The command `firstloss explain`: one payment date, clause by clause."""

from __future__ import annotations

from typing import Annotated

import typer

from pricing.commands.shared.options import DealName, MarketFile, OneScenario, ScenarioFile, case
from pricing.commands.shared.output import Answer, answers
from pricing.commands.shared.progress import progress


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

    given = case(deal, market, scenarios)
    chosen = given.scenario(scenario)
    with progress(f"explaining {given.deal.name}"):
        told = run(given.deal, chosen, rates=given.market.rates(given.deal)).explain(chosen.name, as_date(date))
    more = {"scenario": chosen.name, "date": told.date, "regime": told.regime, "triggers": list(told.triggers)}
    more |= {"collected": told.collected, "reported": told.reported}
    return Answer({"clauses": told.frame}, [str(told)], given.about(**more))
