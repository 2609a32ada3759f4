"""firstloss price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.answer import Answer, answers, as_far, columns
from pricing.commands.options import (
    DealName,
    MarketFile,
    OneScenario,
    ScenarioFile,
    Shocks,
    about,
    case,
    named,
    parallel,
)
from pricing.commands.progress import progress

if TYPE_CHECKING:
    from pricing.market import Market
    from structuring.deal import Deal
    from structuring.scenario import Scenario


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

    from pricing.committee import head, priced_in, searched, worded

    described, paths, quotes = case(deal, market, scenarios)
    chosen = next(path for path in paths if path.name == named(scenario, paths))
    with progress(f"pricing {described.name}"):
        prices = priced_in(described, chosen, quotes, parallel(shock), paths[0])
    frame = prices.frame()
    asked = frame[frame["scenario"] == chosen.name].reset_index(drop=True)
    tables: dict[str, Callable[[], Any]] = {"prices": lambda: asked}
    lines, stopped = head(described, prices, chosen.name, width=columns()), ""
    if breakeven:
        drivers = list(searched(described, chosen))
        with progress("searching breakevens") as told:
            found, whole = as_far(every_driver(described, chosen, quotes, drivers, told))
        for one in found:
            lines += worded(one)
        searches = [one.frame() for one in found if hasattr(one, "driver")]
        leases = [one.frame() for one in found if not hasattr(one, "driver")]
        if searches:
            tables["breakevens"] = lambda: pd.concat(searches, ignore_index=True)
        if leases:
            tables["non_renewal"] = lambda: leases[0]
        stopped = "" if whole else f"{len(searches)} of {len(drivers)} drivers are searched"
    return Answer(
        tables, lines, about(described, quotes, scenario=chosen.name, reference=prices.reference), stopped=stopped
    )


def every_driver(
    deal: Deal, scenario: Scenario, market: Market, drivers: list[str], told: Callable[[int, int], None]
) -> Iterator[Any]:
    """The breakevens of every driver, then what the leases that are not renewed cost."""
    from pricing.breakeven import breakeven
    from pricing.committee import TOWARDS
    from pricing.non_renewal import non_renewal, options_of

    for n, driver in enumerate(drivers):
        told(n, len(drivers))
        yield breakeven(deal, scenario, driver=driver, market=market, worst=TOWARDS.get(driver, 0.0))
    if next(options_of(deal, market.valuation), None):
        yield non_renewal(deal, scenario, market)
