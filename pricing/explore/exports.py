"""What can be kept of a state of the page: the report, the workbook, the live model, and the Python that makes it again."""

from __future__ import annotations

import dataclasses
import datetime
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
from pricing.valuation.spread_shocks import ByTranche
from structuring.scenarios.drivers import DRIVERS
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain

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
    listed = f"load_scenarios({str(files.scenarios)!r})" if files.scenarios else "(Scenario('base'),)"
    named = f"next(each for each in scenarios if each.name == {chosen.name!r})"
    numbers, rates = dict(state.numbers), state.rates
    shock = " + ".join(
        f"SpreadShock.{'by_tranche' if isinstance(move, ByTranche) else 'parallel'}(bp={plain(move)['bp']!r})"
        for move in shock_of(deal, state.shock, state.spreads).moves
    )
    lines = [
        f'"""What the page showed of {case.deal.name}: {case.stress}."""'.replace("\\", "\\\\"),
        "",
        "import dataclasses",
        "import datetime",
        "",
        "from pricing import Bump, SpreadShock, load_market, price, who_bears",
        "from structuring import Scenario, load_deal, load_scenarios, run",
        numbers and "from pricing.structure.terms.place import with_values",
        "",
        f"deal = load_deal({str(files.deal)!r})",
        numbers and f"deal = dataclasses.replace(with_values(deal, {numbers!r}))",
        f"market = load_market({str(files.market)!r})",
        f"scenarios = {listed}",
        "base = scenario = scenarios[0]" if chosen is scenarios[0] else f"base, scenario = scenarios[0], {named}",
        *(turned(driver, value) for driver, value in state.drivers.items()),
        state.drivers and f"scenario = dataclasses.replace(scenario, name={case.scenario!r})",
        "beside = [base] if scenario is base else [base, scenario]",
        "flows, before = run(deal, beside, rates=market.rates(deal)), None",
        rates and f"before, market = (flows, market), market.shifted({rates!r})",
        rates and "flows = run(deal, beside, rates=market.rates(deal))",
        f"shocks = [{shock}]",
        "prices = price(flows, market, shocks, reference=base.name, before=before)",
        "losses = who_bears(prices, deal.holders, reference=(base.name, 'unchanged'))",
        "print(losses.frame().query('scenario == @scenario.name').groupby(['shock', 'investor_class'])['total_loss'].sum())",
        "",
    ]
    return "\n".join(line for line in lines if isinstance(line, str))


def turned(driver: str, value: float | datetime.date) -> str:
    """The line of a script that turns a knob."""
    if isinstance(value, datetime.date):
        return f"scenario = dataclasses.replace(scenario, {driver}={value!r})"
    how = "times" if DRIVERS[driver].multiple else "set"
    return f"(scenario,) = Bump.{how}({driver!r}, {value!r}).scenarios([scenario], deal)"
