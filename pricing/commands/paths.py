"""The command `firstloss paths`: losses over many random paths."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.options import DealName, MarketFile, OneScenario, ScenarioFile, Shocks, case, parallel
from pricing.commands.output import Answer, answers, columns
from pricing.commands.progress import progress

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from structuring.generators.prices_and_rates import PriceProcess


@answers
def paths(
    deal: DealName,
    draw: Annotated[
        list[str],
        typer.Option(metavar="DRIVER=VOL", help="a driver to draw, and its volatility a year; may be repeated"),
    ],
    count: Annotated[int, typer.Option(min=1, help="how many paths")] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed draws the same paths")] = 0,
    correlation: Annotated[float, typer.Option(min=0.0, max=1.0, help="between the drivers drawn")] = 0.5,
    workers: Annotated[int | None, typer.Option(min=1, help="threads; one a core unless said")] = None,
    shock: Shocks = None,
    scenario: OneScenario = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> Answer:
    """Draw many paths around a scenario; say who loses how much.

    Multiples (rent, gpu_price, residual_value, value, ...) are log-normal, with the scenario as their median, and tied by
    one factor; spreads and losses start from the first scenario of the file. Told are the mean loss with its standard
    error, quantiles, and on how many paths a note is not repaid. Ctrl-C tells what the paths finished by then say.

    \b
    Examples:
      firstloss paths vantage-jersey --draw rent=0.15 --count 2000
      firstloss paths coreweave-ddtl-4 --draw gpu_price=0.5 --count 2000
      firstloss paths vantage-jersey --draw rent=0.2 --draw value=0.1 --csv

    \b
    Tables: tranches, classes, paths.
    """
    from pricing.paths_and_books.losses_over_paths import (
        classes_over_paths,
        drawn_paths,
        every_path,
        tranches_over_paths,
    )
    from pricing.paths_and_books.study_measures import borne
    from structuring.runs.chunks import Unfinished
    from structuring.runs.run import run
    from structuring.runs.study import study

    given = case(deal, market, scenarios)
    (described, (base, *_), quotes), around = given, given.scenario(scenario)
    many = drawn_paths(described, around, processes_of(draw, correlation), count, seed=seed)
    rates = quotes.rates(described)
    reference = run(described, [base], rates=rates)
    measure = borne(described.holders, quotes, parallel(shock), reference=reference, against=(base.name, "unchanged"))
    stopped = ""
    try:
        with progress("running paths") as told:
            threads = workers or os.cpu_count() or 1
            losses: Losses = study(described, many, measure=measure, rates=rates, workers=threads, progress=told)
    except Unfinished as error:
        if error.result is None or not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        losses = error.result
        stopped = f"{len(losses.prices.npv):,} of {count:,} paths are finished, and what is told is of these"
    tables: dict[str, Callable[[], Any]] = {
        "tranches": lambda: tranches_over_paths(losses),
        "classes": lambda: classes_over_paths(losses),
        "paths": lambda: every_path(losses),
    }
    title = f"{described.name}: {len(losses.prices.npv):,} paths around {around.name!r}, {', '.join(draw)}, seed {seed}"
    more = {
        "scenario": around.name,
        "reference": base.name,
        "paths": len(losses.prices.npv),
        "seed": seed,
        "draw": list(draw),
    }
    return Answer(
        tables,
        lines(f"{title}; losses against {base.name!r} in {described.currency} million", tables),
        given.about(**more),
        stopped=stopped,
    )


def processes_of(draw: list[str], correlation: float) -> dict[str, PriceProcess]:
    """A process a driver, each with the root of the correlation as its loading on the one factor."""
    from structuring.generators.prices_and_rates import PriceProcess
    from waterfalls.errors import InvalidTerms

    found = {}
    for text in draw:
        driver, _, volatility = (part.strip() for part in text.partition("="))
        try:
            each = float(volatility)
        except ValueError:
            raise InvalidTerms(f"--draw takes driver=volatility, such as rent=0.15; got {text!r}") from None
        if driver in found:
            raise InvalidTerms(f"--draw: {driver!r} is given twice; a driver has one volatility")
        if not 0.0 <= each < math.inf:
            raise InvalidTerms(f"--draw {driver}: a volatility is a number from 0 on, got {volatility}")
        found[driver] = PriceProcess(each, factor_loading=correlation**0.5)
    return found


def lines(title: str, tables: dict[str, Callable[[], Any]]) -> Iterator[str]:
    """The two tables of losses as text."""
    from pricing.tables.aligned_text import text

    amounts = ("mean", "standard_error", "quantile_50", "quantile_95", "quantile_99", "expected_shortfall_99", "mean_realised_loss")  # fmt: skip
    yield title
    yield "A driver drawn is a log-normal multiple whose median is the scenario: its mean is higher, so the mean may be a gain.\n"
    yield "Tranches (paid short: the share of paths on which principal is never repaid)"
    frame = tables["tranches"]()
    yield text(
        frame.assign(paid_short=100.0 * frame["paid_short"]).rename(columns={"paid_short": "paid short %"}),
        millions=amounts,
        width=columns(),
    )
    yield "\nInvestor classes"
    yield text(tables["classes"](), millions=amounts, width=columns())
