"""What can be kept of a state of the page: the report, the workbook, the live model, and the Python that makes it again."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from pathlib import Path

from pricing.explore.answer import Files, moves, of, read, stressed
from pricing.explore.knobs import shock_of
from pricing.explore.state import State
from pricing.report.contents.stress_result import StressResult
from pricing.report.live_model.write_model import write_model
from pricing.report.page import write_page
from pricing.report.workbook import write_tables
from pricing.report.written_files import chain_of
from structuring.scenarios.drivers import DRIVERS
from waterfalls.errors import InvalidTerms

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {
    "report": ("html", "text/html"),
    "workbook": ("xlsx", EXCEL),
    "model": ("xlsx", EXCEL),
    "python": ("py", "text/x-python"),
}


def made(kind: str, files: Files, state: State) -> tuple[str, str, bytes]:
    """The name, the media type and the content of an export."""
    ending, media = KINDS[kind]
    case = of(files, state)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", case.deal.name).strip("-") or "deal"
    name = f"{safe}-{kind}.{ending}"
    if kind == "python":
        return name, media, python(files, state, case).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if kind == "model":
            write_model(path, case.flows, case.losses, case.market, scenario=case.scenario)
        else:
            further = {"moved on the page": told} if (told := moves(files, state)).rows else {}
            case = dataclasses.replace(case, chain=chain_of(case, lambda said: None), further=further)
            (write_page if kind == "report" else write_tables)(path, (case,))
        return name, media, path.read_bytes()


def python(files: Files, state: State, case: StressResult) -> str:
    """A script that works out what the page showed."""
    if state.text is not None:
        raise InvalidTerms("the deal on the page is not saved: save it, so that the script can read it")
    deal, scenarios, _ = read(files, files.stamp(), None)
    chosen = stressed(deal, scenarios, dataclasses.replace(state, drivers={}))
    moves = []
    for name, value in state.drivers.items():
        if DRIVERS[name].shape == "date":
            moves.append(f"scenario = dataclasses.replace(scenario, {name}={value!r})")
        else:
            how = "times" if DRIVERS[name].unit.startswith("multiple") else "set"
            moves.append(f"(scenario,) = Bump.{how}({name!r}, {value!r}).scenarios([scenario], deal)")
    if state.drivers:
        moves.append(f"scenario = dataclasses.replace(scenario, name={case.scenario!r})")
    own = shock_of(deal, state.shock, state.spreads).moves
    shock = " + ".join(
        f"SpreadShock.parallel(bp={step.bp!r})" if not isinstance(step.bp, dict) else f"SpreadShock.by_tranche(bp={dict(step.bp)!r})"  # type: ignore[union-attr]
        for step in own
    )  # fmt: skip
    lines = [
        f'"""What the page showed of {case.deal.name}: {case.stress}."""'.replace("\\", "\\\\"),
        "",
        "import dataclasses",
        "import datetime",
        "",
        "from pricing import Bump, SpreadShock, load_market, price, who_bears",
        "from structuring import Scenario, load_deal, load_scenarios, run",
        *(["from pricing.structure.terms.place import with_values"] if state.numbers else []),
        "",
        f"deal = load_deal({str(files.deal)!r})",
        *([f"deal = dataclasses.replace(with_values(deal, {dict(state.numbers)!r}))"] if state.numbers else []),
        f"market = load_market({str(files.market)!r})",
        f"scenarios = load_scenarios({str(files.scenarios)!r})"
        if files.scenarios
        else "scenarios = (Scenario('base'),)",
        "base = scenario = scenarios[0]"
        if chosen is scenarios[0]
        else f"base, scenario = scenarios[0], next(each for each in scenarios if each.name == {chosen.name!r})",
        *moves,
        "beside = [base] if scenario is base else [base, scenario]",
        "flows, before = run(deal, beside, rates=market.rates(deal)), None",
    ]
    if state.rates:
        lines += [
            f"before, market = (flows, market), market.shifted({state.rates!r})",
            "flows = run(deal, beside, rates=market.rates(deal))",
        ]
    lines += [
        f"shocks = [{shock}]",
        "prices = price(flows, market, shocks, reference=base.name, before=before)",
        "losses = who_bears(prices, deal.holders, reference=(base.name, 'unchanged'))",
        "print(losses.frame().query('scenario == @scenario.name').groupby(['shock', 'investor_class'])['total_loss'].sum())",
        "",
    ]
    return "\n".join(lines)
