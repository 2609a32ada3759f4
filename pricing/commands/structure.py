"""firstloss structure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pricing.commands.shared.options import DealName, MarketFile, ScenarioFile, beside, case
from pricing.commands.shared.output import Answer, Say, answers, columns
from pricing.commands.shared.progress import progress

if TYPE_CHECKING:
    from pricing.structure.solution import Solution


@answers
def structure(
    deal: DealName,
    goal: Annotated[
        list[str] | None,
        typer.Option("--goal", metavar="TEST", help="a test at another level, or one more; may be repeated"),
    ] = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="solve along the senior size, a coverage test and a stress")
    ] = False,
    terms: Annotated[
        Path | None,
        typer.Option("--structure", metavar="FILE", help="structure file; structure.yaml beside the deal unless said"),
    ] = None,
    market: MarketFile = None,
    scenarios: ScenarioFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="where the solved deal is written; NAME-solved unless said"),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="write a report of the solved deal, its frontier included"),
    ] = None,
) -> Answer:
    """Solve a deal: sizes, coupons, schedules, reserves.

    What is solved for, and what it must pass, stands in structure.yaml beside the deal. Each size is as large as its own
    tests allow, from the top down; circular figures are iterated until they agree. Told are the capital structure, what binds each size
    and what a step less of it would buy, what money costs and the equity earns. The solved deal is written to a folder
    that runs, a comment at each solved figure.

    \b
    Examples:
      firstloss structure my-deal
      firstloss structure my-deal --goal "dscr('A') >= 1.50"
      firstloss structure my-deal --goal "at_closing(ltv('B')) <= 0.65"
      firstloss structure my-deal --frontier
      firstloss structure my-deal --report my-deal-solved.html

    \b
    Tables: tranches, figures, numbers, funding, tests, shadow_prices,
    and with --frontier frontier.
    """
    from pricing.structure import frontier as curves
    from pricing.structure.doubts import doubts
    from pricing.structure.shadow_prices import shadow_prices
    from pricing.structure.solution import Solution
    from pricing.structure.solve import Infeasible
    from pricing.structure.solve import structured as solve
    from pricing.structure.terms.checks import odd_levels
    from pricing.structure.terms.goals import naming_goals, with_goals
    from pricing.structure.terms.structure_terms import load_structure
    from pricing.structure.written import write_structured
    from structuring.deals.deal_files import find_deal
    from structuring.documents.yaml_and_json import with_lines
    from waterfalls.errors import InvalidTerms

    described, paths, quotes = given = case(deal, market, scenarios)
    file = find_deal(deal)
    said = terms or beside(file, "structure.yaml")
    goals = goal or []
    asked = with_goals(load_structure(said), goals)
    with progress(f"structuring {described.name}") as told:
        try:
            answer = solve(described, asked, paths, quotes, progress=told)
        except InvalidTerms as error:
            raise with_lines(naming_goals(error, asked, goals), said) from None
        except Infeasible:
            for odd in odd_levels(asked):
                typer.echo(f"doubtful: {odd.what}", err=True)
            raise
    with progress("what a step of each test buys") as told:
        shadows = shadow_prices(described, answer, progress=told)
    points = []
    if frontier or report is not None:
        with progress("the frontier") as told:
            points = curves.frontier(described, answer, progress=told)
    found = Solution(answer, tuple(shadows), tuple(points))
    tables: dict[str, Any] = {
        "tranches": found.tranches,
        "figures": found.figures,
        "numbers": found.numbers,
        "funding": found.funding,
        "tests": found.tests,
        "shadow_prices": found.shadow_prices,
    }
    if points:
        tables["frontier"] = found.frontier

    def then(say: Say) -> None:
        folder = out or Path(f"{described.name}-solved")
        used = {"structure.yaml": said, "scenarios.yaml": scenarios, "market.yaml": market}
        for written in write_structured(answer, folder, file, used):
            say(f"wrote {written}")
        if report is not None:
            write(report, found, say)

    more = given.about(
        doubts=doubts(answer), runs=answer.runs, candidates=answer.candidates, residuals=dict(answer.residuals)
    )
    return Answer(tables, printed(found), more, then=then)


def write(report: Path, found: Solution, say: Say) -> None:
    """The report of the solved deal, in the last scenario."""
    from pricing.bearers.who_bears import who_bears
    from pricing.report.page import write_report
    from pricing.valuation.price import price
    from structuring.documents.whole_files import folder

    answer = found.answer
    base = answer.scenarios[0].name
    prices = price(answer.flows, answer.market, reference=base)
    losses = who_bears(prices, answer.deal.holders, reference=(base, "unchanged"))
    folder(report.parent)
    say(f"wrote {write_report(report, answer.deal, answer.flows, prices, losses, answer.market, solution=found)}")


def printed(found: Solution) -> list[str]:
    """The answer as text: the structure, the money, the tests, what a step buys, what was proved."""
    from pricing.report.contents.sheets import SIZED
    from pricing.structure.doubts import doubts
    from pricing.structure.economics import lines
    from pricing.structure.solution import shown
    from pricing.tables.aligned_text import text

    answer, width = found.answer, columns()
    told = [
        f"{answer.deal.name}, structured, in {answer.deal.currency} million; valued {answer.market.valuation}\n",
        text(found.tranches(), kinds=SIZED, width=width),
        "\nMoney, in the first scenario from the day the deal begins",
        *(f"  {line.item:<32} {shown(line.value, line.kind)}" for line in lines(answer)),
    ]
    if len(numbers := found.numbers()):
        told += ["\nNumbers solved besides", text(numbers, width=width)]
    if len(funding := found.funding()):
        told += ["\nSources and uses", text(funding, millions=("amount",), width=width)]
    told += ["\nTests, each where it is nearest to failing", *(f"  {reading.words}" for reading in answer.readings)]
    if any(test.word in ("loss", "expected_loss") for test in answer.terms.tests):
        told.append(
            "  a loss here is principal and interest never paid, as a share of the size; run tells loss of value"
        )
    if doubted := doubts(answer):
        told += ["\nTo be sure of", *(f"  {doubt}" for doubt in doubted)]
    if found.shadows:
        told += [
            "\nWhat a step less of each binding test would buy",
            *(f"  {shadow.words}" for shadow in found.shadows),
        ]
    if found.points:
        curve = found.frontier()
        curve[["cost_of_funds", "equity_irr"]] *= 100.0
        sizes = [name for name in curve if str(name).startswith("size_")]
        curve["at"] = [at / 1e6 if abs(at) >= 1e5 else at for at in curve["at"]]
        curve["chosen"] = ["<" if chosen else "" for chosen in curve["chosen"]]
        curve = curve.rename(columns={"cost_of_funds": "cost of funds %", "equity_irr": "equity irr %"})
        told += ["\nThe frontier, amounts in million", text(curve, millions=tuple(sizes), width=width)]
    worst = max(answer.residuals.values(), default=0.0)
    circles = f"; {len(answer.residuals)} circular figures converged to within {worst:.1e}" if answer.residuals else ""
    return [*told, f"\n{answer.runs:,} runs of a scenario, {answer.candidates:,} structures tried{circles}\n"]
