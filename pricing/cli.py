"""The command `firstloss`. Heavy packages are loaded by the commands that need them, so that help answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterfalls.errors import FirstLossError

if TYPE_CHECKING:
    from pricing.institutions import Institutions
    from pricing.market import Market
    from structuring.deal import Deal
    from structuring.holders import Holdings
    from structuring.scenario import Scenario

app = typer.Typer(
    name="firstloss",
    help="Who takes the first loss when AI-infrastructure debt goes wrong, and who takes the next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DealName = Annotated[
    str, typer.Argument(metavar="DEAL", help="a deal file, or the name of a shipped deal (firstloss library)")
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option("--scenario", metavar="NAME", help="a stress to attribute; the last of the file unless said"),
]
Shocks = Annotated[
    list[float] | None, typer.Option("--shock", metavar="BP", help="a parallel move of spreads, in basis points")
]
MarketFile = Annotated[
    Path | None, typer.Option("--market", metavar="FILE", help="market file; market.yaml beside the deal unless said")
]
ScenarioFile = Annotated[
    Path | None,
    typer.Option("--scenarios", metavar="FILE", help="scenario file; scenarios.yaml beside the deal unless said"),
]


ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="write a report: one HTML file that opens offline")
]
Workbook = Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="write the report's tables for Excel")]
Parquet = Annotated[
    Path | None, typer.Option("--parquet", metavar="FOLDER", help="write flows, prices and losses as Parquet")
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document instead of tables")]


@app.command()
def run(
    deal: DealName,
    scenario: Scenarios = None,
    shock: Shocks = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="write every number as CSV into this folder")
    ] = None,
    report: ReportFile = None,
    xlsx: Workbook = None,
    parquet: Parquet = None,
    json: Json = False,
) -> None:
    """Run a deal, price its tranches under spread shocks, and say which investor classes bear the losses.

    firstloss run vantage-jersey --shock 0 --shock 100 --shock 300
    firstloss run vantage-jersey --shock 300 --scenario "rent cut 40 %" --report vantage.html --xlsx vantage.xlsx
    firstloss run my-deal.yaml --scenario "rent cut 40 %" --out results
    """
    from pricing.attribution import who_bears
    from pricing.pricer import price
    from pricing.projection import projected
    from pricing.report.console import printed
    from pricing.report.deliver import json_of, outputs
    from pricing.shocks import SpreadShock
    from pricing.tables import by_date
    from structuring.run import run as run_deal
    from waterfalls.errors import UnknownName

    described, paths, quotes = case(deal, market, scenarios)
    holdings = holdings_of(described)
    names = [path.name for path in paths]
    for name in scenario or ():
        if name not in names:
            raise UnknownName("scenario", name, names)
    wanted = list(dict.fromkeys(scenario or names[-1:]))
    shocks = [SpreadShock.parallel(bp=bp) for bp in dict.fromkeys(shock or ()) if bp != 0.0]

    flows = run_deal(described, paths, rates=projected(quotes, described))
    prices = price(flows, quotes, shocks, reference=names[0])
    losses = who_bears(prices, holdings, reference=(names[0], "unchanged"))

    worst = shocks[-1].name if shocks else "unchanged"
    stress, parts = (wanted[-1], worst), (described, flows, prices, losses)
    if json:
        say(json_of(*parts, quotes, stress))
    for line in () if json else printed(*parts, wanted, worst):
        say(line)
    if out is not None:
        write(
            out,
            {"flows": flows.frame(), "dates": by_date(flows), "prices": prices.frame(), "losses": losses.frame()},
            quiet=json,
        )
    outputs(
        *parts, quotes, paths[0], stress, lambda line: say(line, err=json), report=report, xlsx=xlsx, parquet=parquet
    )


@app.command()
def price(
    deal: DealName,
    shock: Shocks = None,
    breakeven: Annotated[
        bool, typer.Option("--breakeven", help="how far each driver may go before a note loses")
    ] = False,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> None:
    """Price every tranche under spread shocks, with the measures of a desk; and say breakevens in sentences.

    firstloss price vantage-jersey --shock 100 --breakeven
    """
    from pricing.committee import committee
    from pricing.shocks import SpreadShock

    described, paths, quotes = case(deal, market, scenarios)
    shocks = [SpreadShock.parallel(bp=bp) for bp in dict.fromkeys(shock or ()) if bp != 0.0]
    say(committee(described, paths[0], quotes, shocks, drivers=None if breakeven else ()))


@app.command()
def stress(
    deal: DealName,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="a scenario of the deal, or a named stress of the library")
    ] = "AI demand shortfall",
    scale: Annotated[float, typer.Option(help="how much of a named stress: 0 none, 1 as told, 2 twice")] = 1.0,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> None:
    """Follow one stress from the collateral to the household: tranches, classes, the second round, end bearers.

    firstloss stress coreweave-ddtl-4 --scenario "technology superseded"
    firstloss stress ai-debt-market
    """
    from pricing.market_page import market_page
    from pricing.market_story import books

    if deal in books():
        say(market_page(deal, scenario, scale))
        return
    from pricing.attribution import who_bears
    from pricing.chain import chain
    from pricing.pricer import price as price_flows
    from pricing.projection import projected
    from pricing.shocks import Stress
    from pricing.stresses import stressed
    from pricing.tables import text
    from structuring.run import run as run_deal
    from structuring.stresses import stresses
    from waterfalls.errors import UnknownName

    described, paths, quotes = case(deal, market, scenarios)
    own = {path.name: path for path in paths[1:]}
    if scenario not in own and scenario not in stresses():
        raise UnknownName("scenario of the deal or named stress", scenario, [*own, *stresses()])
    struck, pair = (
        (own[scenario], Stress(scenario))
        if scenario in own
        else stressed(scenario, described, scale=scale, on=paths[0])
    )
    flows = run_deal(described, [paths[0], struck], rates=projected(quotes, described))
    prices = price_flows(flows, quotes, pairs=[pair], reference=paths[0].name)
    losses = who_bears(prices, holdings_of(described), reference=(paths[0].name, "unchanged"))
    told = chain(described, flows, losses, institutions_in(described.currency, quotes), struck.name, pair.shock.name)
    say(f"{described.name}: {struck.name!r} against {paths[0].name!r}, amounts in {described.currency} million\n")
    for sentence in told.sentences():
        say(f"- {sentence}")
    for title, frame in (
        ("Bridge: what the collateral failed to bring, and who received less", told.bridge),
        ("Investor classes", told.classes),
        ("Second round", told.rounds),
        ("End bearers", told.bearers),
    ):
        amounts = tuple(
            str(name) for name in frame.columns if frame[name].dtype.kind == "f" and "per_cent" not in str(name)
        )
        say(f"\n{title}")
        say(text(frame, millions=amounts))
    say("\nAssumptions")
    for assumption in told.assumptions:
        say(f"- {assumption}")


@app.command()
def validate(file: Annotated[Path, typer.Argument(metavar="FILE", help="a deal file")]) -> None:
    """Check a deal file: every fault at once, with its place and the nearest valid name.

    firstloss validate my-deal.yaml
    """
    from structuring.dealfile import load_deal
    from structuring.doubts import doubts

    deal = load_deal(file)
    for doubt in doubts(deal):
        say(f"doubtful: {doubt}")
    say(f"{file} is sound: {deal.name}, {len(deal.tranches)} tranches, {deal.closing} to {deal.maturity}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a deal file, for an editor that completes and checks it.

    firstloss schema > deal.schema.json
    """
    import json

    from structuring.deal import Deal
    from structuring.dealfile import MARK
    from waterfalls.schema import schema as schema_of

    say(json.dumps(schema_of(Deal, mark=MARK), indent=1))


@app.command()
def explain(
    deal: DealName,
    date: Annotated[str, typer.Option(metavar="DATE", help="a payment date, such as 2027-05-20")],
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="a scenario; the first of the file unless said")
    ] = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
) -> None:
    """Explain one payment date clause by clause: owed, paid, from where, left, which test stood how and what it read.

    firstloss explain vantage-jersey --date 2029-05-21 --scenario "rent cut 40 %"
    """
    from pricing.projection import projected
    from structuring.run import run as run_deal
    from waterfalls.language import as_date

    described, paths, quotes = case(deal, market, scenarios)
    flows = run_deal(described, paths, rates=projected(quotes, described))
    say(str(flows.explain(scenario or paths[0].name, as_date(date))))


@app.command()
def warm() -> None:
    """Compile the fast engine's kernel into its cache, so that the first large run does not wait for it.

    firstloss warm
    """
    from waterfalls.distribute import warm as compile_kernel

    compile_kernel()
    say("the kernel is compiled")


@app.command()
def library(
    action: Annotated[str, typer.Argument(metavar="[show]", help="show: print one deal's file")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "",
) -> None:
    """List the deals that ship with the toolkit, or show one.

    firstloss library
    firstloss library show vantage-jersey
    """
    from structuring.dealfile import find_deal, load_deal
    from structuring.dealfile import library as shipped
    from waterfalls.errors import UnknownName

    if not action:
        for deal in map(load_deal, shipped()):
            notes = ", ".join(tranche.name for tranche in deal.tranches)
            say(f"{deal.name:<20}{deal.currency}  {deal.closing} to {deal.maturity}  {notes}")
        say("\nfirstloss library show NAME prints a deal's terms; its file says where each figure comes from.")
        return
    if action != "show":
        raise UnknownName("action of library", action, ["show"])
    file = find_deal(name) if name in shipped() else None
    if file is None:
        raise UnknownName("shipped deal", name, shipped())
    deal = load_deal(name)
    say(file.read_text(encoding="utf-8").rstrip())
    for regime, waterfall in waterfalls_of(deal).items():
        say(f"\n# In words, {regime}:")
        say("\n".join(f"# {line}" for line in waterfall.words().splitlines()))


def waterfalls_of(deal: Deal) -> dict[str, Any]:
    from waterfalls.checks import regimes_of

    return regimes_of(deal.waterfall)


def case(deal: str, market: Path | None, scenarios: Path | None) -> tuple[Deal, tuple[Scenario, ...], Market]:
    """A deal with its scenarios and its market, from the files named or those beside it."""
    from pricing.marketfile import load_market
    from structuring.dealfile import find_deal, load_deal, load_scenarios

    file, described = find_deal(deal), load_deal(deal)
    paths = load_scenarios(scenarios or beside(file, "scenarios.yaml"))
    return described, paths, load_market(market or beside(file, "market.yaml"))


def institutions_in(currency: str, market: Market) -> Institutions:
    """The shipped institutions in the currency of a deal, at the market's exchange rate."""
    from pricing.institutions import load_institutions
    from waterfalls.errors import CannotPrice

    known = load_institutions()
    if currency == known.currency:
        return known
    if known.currency not in market.fx:
        raise CannotPrice(
            f"the institutions stand in {known.currency} and the deal in {currency}: say what one {known.currency} costs "
            f"in the market file, fx: {{{known.currency}: rate}}"
        )
    return known.converted(currency, market.fx[known.currency])


def holdings_of(deal: Deal) -> Holdings:
    """Who holds a deal; without holdings nobody can be said to lose."""
    from waterfalls.errors import InvalidTerms

    if deal.holdings is None:
        raise InvalidTerms(
            f"the deal {deal.name!r} has no holdings: say who holds each tranche, 'unidentified' if not known"
        )
    return deal.holdings


def beside(file: Path, name: str) -> Path:
    """A file beside a deal file; where there is none the error says how to name another."""
    from waterfalls.errors import InvalidTerms

    if not file.with_name(name).is_file():
        option = name.removesuffix(".yaml")
        raise InvalidTerms(f"there is no {name} beside {file}: write one, or say --{option} FILE")
    return file.with_name(name)


def write(folder: Path, frames: dict[str, Any], *, quiet: bool = False) -> None:
    """Writes frames as CSV, and names the files: beside the results where these are quiet."""
    folder.mkdir(parents=True, exist_ok=True)
    say("", err=quiet)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        say(f"wrote {folder / name}.csv ({len(frame):,} rows)", err=quiet)


def say(line: str, *, err: bool = False) -> None:
    typer.echo(line, err=err)


def main() -> None:
    """Runs the command: 0 done, 1 bad input (one message, no traceback), 2 bad usage."""
    try:
        app()
    except FirstLossError as error:
        typer.echo(f"firstloss: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
