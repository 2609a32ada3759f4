"""The command `firstloss price`: prices under spread shocks, and breakevens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from pricing.commands.shared.options import DealName, MarketFile, OneScenario, ScenarioFile, Shocks, case, parallel
from pricing.commands.shared.output import Answer, answers, as_far, columns
from pricing.commands.shared.progress import progress


@answers
def price(
    deal: DealName,
    shock: Shocks = None,
    breakeven: Annotated[
        bool, typer.Option("--breakeven", help="how far each driver may go before a note loses")
    ] = False,
    scenario: OneScenario = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> Answer:
    """Price every tranche under spread shocks; say breakevens.

    The measures of a desk, in one scenario, at the spreads that the quotes have in the first of the file; with
    --breakeven, one sentence a note and driver, and who holds the note.

    \b
    Examples:
      firstloss price vantage-jersey --shock 100 --breakeven
      firstloss price beignet-2025 --shock 50 --shock 100 --csv
      firstloss price my-deal --scenario "rents fall 45 %"

    \b
    Tables: prices, and with --breakeven breakevens and leases not renewed.
    """
    import pandas as pd

    from pricing.breakevens.committee import head, priced_in, searched, searches, worded

    given = case(deal, market, scenarios)
    (described, (base, *_), quotes), chosen = given, given.scenario(scenario)
    with progress(f"pricing {described.name}"):
        prices = priced_in(described, chosen, quotes, parallel(shock), base)
    frame = prices.frame()
    asked = frame[frame["scenario"] == chosen.name].reset_index(drop=True)
    tables: dict[str, Callable[[], Any]] = {"prices": lambda: asked}
    lines, stopped = head(described, prices, chosen.name, width=columns()), ""
    if breakeven:
        with progress("searching breakevens") as told:
            found, whole = as_far(searches(described, chosen, quotes, progress=told))
        for one in found:
            lines += worded(one)
        frames = [one.frame() for one in found if hasattr(one, "driver")]
        leases = [one.frame() for one in found if not hasattr(one, "driver")]
        if frames:
            tables["breakevens"] = lambda: pd.concat(frames, ignore_index=True)
        if leases:
            tables["non_renewal"] = lambda: leases[0]
        if not whole:
            stopped = f"{len(frames)} of {len(list(searched(described, chosen)))} drivers are searched"
    more = given.about(scenario=chosen.name, reference=prices.reference)
    return Answer(tables, lines, more, stopped=stopped)
