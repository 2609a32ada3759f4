"""The command `firstloss stress`: one stress from the collateral to the end bearers of its losses."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pricing.commands.shared.options import DealName, MarketFile, ReportFile, ScenarioFile, WorkbookFile, case, parallel
from pricing.commands.shared.output import Answer, Say, answers, columns
from pricing.commands.shared.progress import progress

if TYPE_CHECKING:
    from pricing.contagion.stress_chain import Chain


@answers
def stress(
    deal: DealName,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="a scenario of the deal, or a named stress of the library; a book's own, or AI demand shortfall, unless said",
        ),
    ] = None,
    scale: Annotated[float, typer.Option(help="how much of a named stress: 0 none, 1 as told, 2 twice")] = 1.0,
    shock: Annotated[
        float, typer.Option("--shock", metavar="BP", help="a parallel move of spreads on top, in bp")
    ] = 0.0,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANNEL", help="a channel of a book's loop to switch off, or 'all'; may be repeated"),
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="move every assumption of a book's loop, alone and all together")
    ] = False,
    draws: Annotated[
        int, typer.Option(min=2, help="of all assumptions together, for --sensitivity and a book's report")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="the same seed draws the same assumptions")] = 0,
    workers: Annotated[
        int, typer.Option(min=1, help="threads of --sensitivity, whose answer is the same on any number")
    ] = 1,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
    report: ReportFile = None,
    xlsx: WorkbookFile = None,
) -> Answer:
    """Follow one stress from the collateral to the household.

    Tranches, investor classes, the second round of forced sales, end bearers. A named stress (firstloss library) moves
    the collateral, spreads and rates together. DEAL may be a book of deals: ai-debt-market, structured-finance-2006.

    \b
    Examples:
      firstloss stress coreweave-ddtl-4 --scenario "technology superseded"
      firstloss stress vantage-jersey --scenario "refinancing freeze" --shock 250
      firstloss stress vantage-jersey --scenario "moves of 2026" --scale 0.5
      firstloss stress ai-debt-market
      firstloss stress ai-debt-market --without refinancing --without funding
      firstloss stress ai-debt-market --sensitivity --draws 20 --report m.html
      firstloss stress ai-debt-market --csv --table deals

    \b
    Tables: classes, rounds, bearers, unidentified, and bridge of a deal;
    or of a book deals, obligors, beside_2008, and of its loop
    loop_rounds, loop_channels, loop_institutions, loop_ends and
    loop_assumptions; with --sensitivity tornado, band, ranking and what_if.
    A book's --report and --xlsx move its assumptions as --sensitivity does.
    """
    from structuring.runs.book_files import books
    from waterfalls.errors import InvalidTerms, UnknownName

    if deal in books():
        if market or scenarios:
            raise InvalidTerms(f"--market and --scenarios are of one deal, and {deal!r} is a book, which has its own")
        if shock:
            raise InvalidTerms(
                f"--shock is of one deal, and {deal!r} is a book, whose story moves its spreads: --scale"
            )
        moved = (draws, seed, workers) if sensitivity or report or xlsx else None
        return whole_market(deal, scenario, scale, without or [], moved, (report, xlsx))
    if sensitivity:
        raise InvalidTerms(f"--sensitivity is of a book's loop, and {deal!r} is one deal")
    if without:
        raise InvalidTerms(f"--without is of a book's loop, and {deal!r} is one deal")
    scenario = scenario or "AI demand shortfall"
    from pricing.bearers.institutions import institutions_in
    from pricing.bearers.who_bears import who_bears
    from pricing.contagion.stress_chain import chain
    from pricing.valuation.named_stresses import stressed
    from pricing.valuation.run_and_price import run_and_price
    from pricing.valuation.spread_shocks import UNCHANGED, Stress
    from structuring.generators.named_stresses import stresses

    described, paths, quotes = given = case(deal, market, scenarios)
    own, base = {path.name: path for path in paths[1:]}, paths[0]
    if scenario == base.name:
        raise InvalidTerms(f"{scenario!r} is the first scenario, against which the others are held: name another")
    if scenario not in own and scenario not in stresses():
        raise UnknownName("scenario of the deal or named stress", scenario, [*own, *stresses()])
    if scenario in own and scale != 1.0:
        raise InvalidTerms(f"--scale is of named stresses, and {scenario!r} is a scenario of the deal's own file")
    struck, pair, rates = own.get(scenario, base), Stress(scenario), 0.0
    if scenario not in own:
        struck, pair = stressed(scenario, described, scale=scale, on=base)
        rates = scale * stresses()[scenario].rates
    for more in parallel([shock]):
        pair = Stress(struck.name, more if pair.shock == UNCHANGED else pair.shock + more)
    with progress(f"following {scenario!r}"):
        flows, prices, _ = run_and_price(described, [base, struck], quotes, pairs=[pair], rates=rates)
        losses = who_bears(prices, described.holders, reference=(base.name, "unchanged"))
        institutions = institutions_in(described.currency, quotes)
        told = chain(described, flows, losses, institutions, struck.name, pair.shock.name)
    moved = (f", spreads {shock:+g} bp on top" if shock else "") + (f", rates {rates:+g} bp" if rates else "")
    title = f"{described.name}: {struck.name!r} against {base.name!r}{moved}, amounts in {described.currency} million"
    tables = {
        name: functools.partial(getattr, told, name)
        for name in ("classes", "rounds", "bearers", "bridge", "unidentified")
    }
    said = {"scenario": struck.name, "shock": pair.shock.name, "rates_bp": rates, "reference": base.name}

    def then(say: Say) -> None:
        if report is not None or xlsx is not None:
            from pricing.report.contents.stress_result import stress_results
            from pricing.report.written_files import outputs

            cases = stress_results(
                described, flows, prices, losses, quotes, scenario=struck.name, shock=pair.shock.name
            )
            with progress("searching breakevens and writing") as seen:
                outputs(cases, base, say, report=report, xlsx=xlsx, progress=seen)

    return Answer(tables, chain_lines(title, told), given.about(**said), then=then)


RATIOS = ("systemicness", "indirect_vulnerability")  # of what is told beside amounts


def chain_lines(title: str, told: Chain) -> Iterator[str]:
    """The chain as sentences, tables and assumptions."""
    import numpy as np

    from pricing.tables.aligned_text import text

    yield f"{title}\n"
    yield from (f"- {sentence}" for sentence in told.sentences())
    for heading, frame in (
        (
            "Bridge: what the collateral failed to bring, and who received less; timing is credit loss less cash loss",
            told.bridge,
        ),
        ("Investor classes", told.classes),
        ("Second round", told.rounds),
        ("End bearers", told.bearers.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)),
    ):
        numbers = [str(name) for name in frame.columns if frame[name].dtype.kind == "f"]
        largest = {name: np.nanmax(np.abs(frame[name].to_numpy(float)), initial=0.0) for name in numbers}
        empty = [name for name in numbers if largest[name] < (5e-5 if name in RATIOS else 1e-300)]
        amounts = tuple(name for name in numbers if "per_cent" not in name and name not in RATIOS)
        yield f"\n{heading}"
        yield text(
            frame.drop(columns=["scenario", *empty], errors="ignore"),
            millions=amounts,
            kinds=dict.fromkeys(RATIOS, "number"),
            width=columns(),
        )
    yield "\nA column that is 0 throughout is left out here; --json and --csv hold it."
    yield "\nAssumptions"
    yield from (f"- {assumption}" for assumption in told.assumptions)


def whole_market(
    book: str, scenario: str | None, scale: float, without: list[str], moved: tuple[int, int, int] | None,
    files: tuple[Path | None, Path | None],
) -> Answer:  # fmt: skip
    """The answer for a book of deals, its loop closed where a file beside it says how; `moved` are draws, seed and workers."""
    from pricing.contagion.closed_loop.channels import CHANNELS
    from pricing.contagion.closed_loop.market_loop import market_loop
    from pricing.contagion.closed_loop.market_page import page_of, tables_of
    from pricing.contagion.market_stress import market_stress
    from structuring.runs.book_files import find_book
    from waterfalls.errors import InvalidTerms, unknown

    for name in without:
        if name not in (*CHANNELS, "all"):
            raise InvalidTerms(f"--without: {unknown('channel of the loop', name, (*CHANNELS, 'all'))}")
    on = [] if "all" in without else [name for name in CHANNELS if name not in without]
    terms = find_book(book).parent / "loop.yaml"
    with progress(f"following {scenario or 'its story'} through {book}") as told:
        made = market_stress(book, scenario, scale, progress=told)
    with progress("closing the loop"):
        closed = market_loop(made, terms, channels=on) if on and terms.is_file() else None
    sure = None
    if moved is not None:
        from pricing.contagion.closed_loop.sensitivity import sensitivity

        if closed is None:
            raise InvalidTerms("--sensitivity, --report and --xlsx of a book are of its loop: leave a channel on")
        with progress("moving every assumption") as told:
            sure = sensitivity(closed, moved[0], seed=moved[1], workers=moved[2], progress=told)
    tables = {name: table.full for part in tables_of(made, closed, sure) for name, table in part.items()}
    said = {"book": book, "currency": made.book.currency, "scenario": made.stress, "scale": scale, "channels": on}

    def then(say: Say) -> None:
        if closed is not None and sure is not None and any(files):
            from pricing.report.market_report.market_result import MarketResult
            from pricing.report.market_report.write_market import write_market

            write_market(MarketResult(closed, sure), say, report=files[0], xlsx=files[1])

    return Answer(tables, [page_of(made, closed, sure, width=columns())], said, then=then)
