"""The command `firstloss paths`: losses over many random paths."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.options import DealName, MarketFile, OneScenario, ScenarioFile, Shocks, case, parallel
from pricing.commands.shared.output import Answer, answers, columns
from pricing.commands.shared.progress import progress

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from structuring.generators.prices_and_rates import PriceProcess


@answers
def paths(
    deal: DealName,
    draw: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DRIVER=VOL", help="a driver of a deal to draw, and its volatility a year; may be repeated"
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="how many paths")] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed draws the same paths")] = 0,
    correlation: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="between the drivers drawn, 0.5 unless said; of a book between its names"),
    ] = None,
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
    DEAL may be a book: its names fail together as its sector.yaml says, and each deal's and class's part of the tail is told.

    \b
    Examples:
      firstloss paths vantage-jersey --draw rent=0.15 --count 2000
      firstloss paths coreweave-ddtl-4 --draw gpu_price=0.5 --count 2000
      firstloss paths vantage-jersey --draw rent=0.2 --draw value=0.1 --csv
      firstloss paths ai-debt-market --count 200

    \b
    Tables: tranches, classes, paths; of a book whole, deals, classes, paths.
    """
    from pricing.paths_and_books.losses_over_paths import (
        classes_over_paths,
        drawn_paths,
        every_path,
        tranches_over_paths,
    )
    from pricing.paths_and_books.study_measures import borne
    from structuring.runs.book_files import books
    from structuring.runs.chunks import Unfinished
    from structuring.runs.run import run
    from structuring.runs.study import study
    from waterfalls.errors import InvalidTerms

    if deal in books():
        if draw or scenario or shock or market or scenarios:
            raise InvalidTerms(
                f"--draw, --scenario, --shock, --market and --scenarios are of one deal, and {deal!r} is a book"
            )
        return whole_book(deal, count, seed, correlation, workers or os.cpu_count() or 1)
    if not draw:
        raise InvalidTerms("--draw: name a driver of the deal and its volatility, such as --draw rent=0.15")
    given = case(deal, market, scenarios)
    (described, (base, *_), quotes), around = given, given.scenario(scenario)
    many = drawn_paths(
        described, around, processes_of(draw, 0.5 if correlation is None else correlation), count, seed=seed
    )
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
        stopped = fewer(len(losses.prices.npv), count)
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


def whole_book(name: str, count: int, seed: int, correlation: float | None, workers: int) -> Answer:
    """The answer for a book, under the sector that a file beside it says."""
    from pricing.market.market_files import load_market
    from pricing.paths_and_books.book_paths import book_over_paths
    from pricing.tables.aligned_text import text
    from structuring.generators.sector_files import load_sector
    from structuring.runs.book_files import find_book, load_book
    from waterfalls.errors import InvalidTerms

    file = find_book(name)
    if not (told_by := file.with_name("sector.yaml")).is_file():
        raise InvalidTerms(f"there is no sector.yaml beside {file}: it says how the book's names fail together")
    book, model = load_book(file), load_sector(told_by).model
    if correlation is not None:
        model = dataclasses.replace(model, copula=dataclasses.replace(model.copula, asset_correlation=correlation))
    quotes = load_market(file.with_name("market.yaml"))
    with progress("running paths") as told:
        made = book_over_paths(book, model, quotes, count, seed=seed, workers=workers, progress=told)
    tables: dict[str, Callable[[], Any]] = {
        "whole": made.whole,
        "deals": lambda: made.by_name("deal"),
        "classes": lambda: made.by_name("investor_class"),
        "paths": made.paths,
    }

    def shown() -> Iterator[str]:
        yield f"{book.name}: {len(made.total):,} paths of the sector, seed {seed}, correlation {model.copula.asset_correlation:g}; amounts in {book.currency} billion\n"
        yield from (f"- {sentence}" for sentence in made.sentences())
        for title, table in (("The whole book", "whole"), ("Deals", "deals"), ("Investor classes", "classes")):
            frame = tables[table]()
            amounts = frame.select_dtypes("float").columns.drop("share_of_tail", errors="ignore")
            frame[amounts] = frame[amounts] / 1e9
            yield f"\n{title}"
            yield text(frame.drop(columns="standard_error"), width=columns())

    said = {
        "book": name,
        "currency": book.currency,
        "paths": count,
        "seed": seed,
        "correlation": model.copula.asset_correlation,
    }
    return Answer(tables, shown(), said, stopped="" if len(made.total) == count else fewer(len(made.total), count))


def fewer(done: int, count: int) -> str:
    return f"{done:,} of {count:,} paths are finished, and what is told is of these"


def processes_of(draw: list[str], correlation: float) -> dict[str, PriceProcess]:
    """A process a driver, each with the root of the correlation as its loading on the one factor."""
    from structuring.generators.prices_and_rates import MOST, PriceProcess
    from waterfalls.bounds import decimal_meant
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
        if not 0.0 <= each <= MOST:
            raise InvalidTerms(
                f"--draw {driver}: a volatility is a decimal from 0 to {MOST:g}, got {volatility}{decimal_meant(each)}"
            )
        found[driver] = PriceProcess(each, factor_loading=correlation**0.5)
    return found


def lines(title: str, tables: dict[str, Callable[[], Any]]) -> Iterator[str]:
    """The two tables of losses as text."""
    from pricing.tables.aligned_text import text

    amounts = ("mean", "standard_error", "quantile_50", "quantile_95", "quantile_99", "expected_shortfall_99", "mean_realised_loss")  # fmt: skip
    yield title
    yield "A driver drawn is a log-normal multiple whose median is the scenario: its mean is higher, so the mean may be a gain.\n"
    frame = tables["tranches"]()
    if frame["standard_error"].max() < 1e-3:
        yield "No path differs from another: what is drawn moves no cash, as the market price of a fleet under contract does not.\n"
    yield "Tranches (paid short: the share of paths on which principal is never repaid)"
    yield text(
        frame.assign(paid_short=100.0 * frame["paid_short"]).rename(columns={"paid_short": "paid short %"}),
        millions=amounts,
        width=columns(),
    )
    yield "\nInvestor classes"
    yield text(tables["classes"](), millions=amounts, width=columns())
