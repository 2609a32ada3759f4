"""The arguments that several commands share, and the files they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from pricing.market.market import Market
    from pricing.valuation.spread_shocks import SpreadShock
    from structuring.deals.deal import Deal
    from structuring.scenarios.scenario import Scenario

DealName = Annotated[
    str, typer.Argument(metavar="DEAL", help="a deal file, its folder, or a shipped deal (firstloss library)")
]
Shocks = Annotated[
    list[float] | None, typer.Option("--shock", metavar="BP", help="a parallel move of spreads, in bp; may be repeated")
]
MarketFile = Annotated[
    Path | None, typer.Option("--market", metavar="FILE", help="market file; market.yaml beside the deal unless said")
]
ScenarioFile = Annotated[
    Path | None,
    typer.Option(
        "--scenarios",
        metavar="FILE",
        help="scenario file; scenarios.yaml beside the deal unless said, else the base case",
    ),
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="write a report: one HTML file that opens offline")
]
WorkbookFile = Annotated[
    Path | None, typer.Option("--xlsx", metavar="FILE", help="write the report's tables for Excel")
]
OneScenario = Annotated[
    str | None, typer.Option("--scenario", metavar="NAME", help="a scenario; the first of the file unless said")
]


class Given(NamedTuple):
    """What a command works on: a deal, its scenarios and its market."""

    deal: Deal
    scenarios: tuple[Scenario, ...]
    market: Market

    def scenario(self, name: str | None) -> Scenario:
        """A scenario by its name, the first unless said."""
        from waterfalls.errors import refuse_unknown

        by_name = {path.name: path for path in self.scenarios}
        refuse_unknown("scenario", name or self.scenarios[0].name, by_name)
        return by_name[name or self.scenarios[0].name]

    def about(self, **more: Any) -> dict[str, Any]:
        """What a document says of the deal beside its tables."""
        return {"deal": self.deal.name, "currency": self.deal.currency, "valuation": self.market.valuation, **more}


def case(deal: str, market: Path | None, scenarios: Path | None) -> Given:
    """A deal with its scenarios and its market, from the files named or those beside it.

    Where no scenarios stand beside it, the plain base case is what is run, and that is said.
    """
    from pricing.market.market_files import load_market
    from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
    from structuring.runs.book_files import books
    from structuring.runs.run import BASE
    from waterfalls.errors import InvalidTerms

    if deal in books():
        raise InvalidTerms(f"{deal!r} is a book of deals: firstloss stress {deal} runs it")
    file, described = find_deal(deal), load_deal(deal)
    paths = (BASE,)
    if scenarios is not None or file.with_name("scenarios.yaml").is_file():
        paths = load_scenarios(scenarios or file.with_name("scenarios.yaml"))
    else:
        typer.echo(f"there is no scenarios.yaml beside {file}: the base case alone is run", err=True)
    return Given(described, paths, load_market(market or beside(file, "market.yaml")))


def beside(file: Path, name: str) -> Path:
    """A file beside a deal file; where there is none the error says how to name another."""
    from waterfalls.errors import InvalidTerms

    if not file.with_name(name).is_file():
        option = name.removesuffix(".yaml")
        raise InvalidTerms(f"there is no {name} beside {file}: write one, or say --{option} FILE")
    return file.with_name(name)


def parallel(shocks: Sequence[float] | None) -> list[SpreadShock]:
    """Parallel shocks in basis points, each once; 0 is the price unchanged, which is always told."""
    from pricing.valuation.spread_shocks import SpreadShock

    return [SpreadShock.parallel(bp=bp) for bp in dict.fromkeys(shocks or ()) if bp != 0.0]
