"""The answer to a state of the page: the deal run, priced and attributed, as plain values that the page draws."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import who_bears
from pricing.explore.knobs import classes_of_paper, knobs_of, moved, numbers_of, shock_of
from pricing.explore.state import State, state_of
from pricing.report.contents.sheets import Sheet, by_class, chained, happening, structure, triggers
from pricing.report.contents.stress_result import StressResult
from pricing.report.figures import bridges, charts, sankeys
from pricing.report.figures.figure import Figure
from pricing.report.page import rows
from pricing.report.written_files import chain_of
from pricing.structure.terms.place import with_values
from pricing.tables.number_formats import heading, shown
from pricing.valuation.run_and_price import run_and_price
from structuring.deals.deal import Deal
from structuring.deals.deal_files import load_scenarios, read_deal
from structuring.deals.funding import faults_of_gap, gap
from structuring.deals.sources_and_uses import statement
from structuring.runs.run import BASE
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import FirstLossError, UnknownName
from waterfalls.terms.term import plain

if TYPE_CHECKING:
    import pandas as pd

    from pricing.market.market import Market

REMEMBERED = 32  # results: what a page asks next of a state is asked of the same one


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of a deal: its own, its scenarios where there are any, and its market."""

    deal: Path
    scenarios: Path | None
    market: Path

    def stamp(self) -> str:
        """What changes when one of them is written."""
        files = [file for file in (self.deal, self.scenarios, self.market) if file is not None]
        return "-".join(f"{stat.st_mtime_ns:x}.{stat.st_size:x}" for stat in (file.stat() for file in files))


@functools.lru_cache(maxsize=REMEMBERED)
def read(files: Files, stamp: str, text: str | None) -> tuple[Deal, tuple[Scenario, ...], Market]:
    """The deal as it is saved, or as its text on the page says; its scenarios and market."""
    from pricing.market.market_files import load_market

    scenarios = (BASE,) if files.scenarios is None else load_scenarios(files.scenarios)
    return read_deal(files.deal, text), scenarios, load_market(files.market)


def of(files: Files, state: State) -> StressResult:
    """The result of a state, remembered for what the page asks of it next."""
    return result(files, files.stamp(), json.dumps(plain(dataclasses.replace(state, date=None)), sort_keys=True))


@functools.lru_cache(maxsize=REMEMBERED)
def result(files: Files, stamp: str, asked: str) -> StressResult:
    """The deal of a state run in its reference and in the scenario chosen, priced under its shock, and attributed."""
    state = state_of(json.loads(asked))
    return made(*read(files, stamp, state.text), state)


def made(deal: Deal, scenarios: tuple[Scenario, ...], market: Market, state: State) -> StressResult:
    """Runs, prices and attributes a state."""
    if state.numbers:
        deal = dataclasses.replace(with_values(deal, state.numbers))
    base, stress = scenarios[0], stressed(deal, scenarios, state)
    beside = [base] if stress is base else [base, stress]
    shock = shock_of(deal, state.shock, state.spreads)
    flows, prices, _ = run_and_price(deal, beside, market, [shock], rates=state.rates)
    losses = who_bears(prices, deal.holders, reference=(base.name, "unchanged"))
    there = market.shifted(state.rates) if state.rates else market
    return StressResult(deal, flows, prices, losses, there, stress.name, shock.name)


def stressed(deal: Deal, scenarios: tuple[Scenario, ...], state: State) -> Scenario:
    """The scenario of a state: the one it names, the first unless it names one, with its knobs turned."""
    named = {scenario.name: scenario for scenario in scenarios}
    name = state.scenario or scenarios[0].name
    if name not in named:
        raise UnknownName("scenario", name, named)
    return moved(named[name], deal, state.drivers)


def about(files: Files, state: State) -> dict[str, Any]:
    """What the page shows around its answer: scenarios, knobs, classes of paper and numbers that can be moved."""
    deal, scenarios, market = read(files, files.stamp(), state.text)
    chosen = next((each for each in scenarios if each.name == state.scenario), scenarios[0])
    return {
        "deal": deal.name,
        "valuation": str(market.valuation),
        "scenarios": [scenario.name for scenario in scenarios],
        "knobs": [dataclasses.asdict(knob) for knob in knobs_of(deal, chosen)],
        "paper": classes_of_paper(deal),
        "notes": [tranche.name for tranche in deal.tranches],
        "numbers": numbers_of(deal),
    }


def answer(case: StressResult) -> dict[str, Any]:
    """What is redrawn while a knob is dragged."""
    tables = [tranches(case), by_class(case, ranked=False), happening(case), triggers(case)]
    figures = [
        *(charts.balances(case.flows, s, case.rows, case.unit) for s in case.rows[-1:]),
        charts.tranche_bars(case),
        charts.class_bars(case.losses, case.cell, case.unit),
        bridges.loss_bridge(case.bridge, case.cell[0], case.unit),
        sankeys.cash_sankey(case.flows, case.cell[0], case.unit),
    ]
    return {
        "stress": case.stress,
        "lead": lead(case),
        "funding": balance(case.deal),
        "dates": [str(date) for date in case.flows.dates],
        "tables": [table(sheet, case) for sheet in tables if sheet is not None],
        "figures": [drawn(figure) for figure in figures if figure is not None and figure.traces],
    }


def lead(case: StressResult) -> str:
    """What is not paid in full, then who loses how much of value, in sentences."""
    (s, k), losses, prices = case.cell, case.losses, case.prices
    lost = dict(zip(losses.classes, losses.by_class()[s, k].tolist(), strict=True))

    def said(amount: float) -> str:
        return shown(amount, "money", case.unit)

    never = {
        name: amount
        for name, amount in zip(prices.tranches, unpaid(case), strict=True)
        if amount > 0.0 and said(amount) != said(0.0)
    }
    first = (
        "Not paid in full: " + ", ".join(f"{name} {said(amount)}" for name, amount in never.items()) + ". "
        if never
        else ""
    )
    if all(said(amount) == said(0.0) for amount in lost.values()):
        return f"{first}Nobody loses value against the reference."
    most = sorted(lost, key=lambda who: -lost[who])[:3]
    told = ", ".join(f"{who} {said(lost[who])}" for who in most)
    return f"{first}Holders lose {case.unit.words} {said(sum(lost.values()))} of value against the reference: {told}."


def unpaid(case: StressResult) -> np.ndarray:
    """Principal of each tranche that is never repaid (N,); NaN of equity, which is owed none."""
    notes = np.array(
        [name in case.flows.plan.notes_by_name or name in case.flows.plan.facilities for name in case.prices.tranches]
    )
    return np.where(notes, case.prices.memo["realised_loss"][case.cell[0]], np.nan)


def balance(deal: Deal) -> dict[str, Any] | None:
    """What the deal's sources and uses lack, and the size of its last tranche that would make them equal; None if nothing."""
    lines, last = statement(deal), deal.tranches[-1]
    if not (found := list(faults_of_gap(lines))):
        return None
    path = f"tranches[{last.name!r}].notional"
    return {"said": found[0].what, "path": path, "value": last.notional - gap(lines)}


def tranches(case: StressResult) -> Sheet:
    """The tranches with their size, price before and after, and what they lose."""
    import pandas as pd

    (s, k), (s0, k0), prices = case.cell, case.origin, case.prices
    lost, par = case.losses.tranche["total"][s, k], prices.memo["committed"][s0]
    frame = pd.DataFrame({
        "tranche": prices.tranches,
        "outstanding": par,
        "clean_at_reference": prices.clean_before[s0, k0],
        "clean": prices["clean"][s, k],
        "wal": prices["wal"][s, k],
        "loss": lost,
        "unpaid": unpaid(case),
    })  # fmt: skip
    kinds = {
        "outstanding": "money",
        "clean_at_reference": "price",
        "clean": "price",
        "wal": "years",
        "loss": "money",
        "unpaid": "money",
    }
    note = "Loss is of value, against the reference; unpaid is principal that is never repaid."
    return Sheet("tranches", "Tranches, most senior first", frame, kinds, note)


@dataclasses.dataclass(frozen=True, eq=False)
class Moved:
    """What was moved on the page, for those who read a report of it."""

    rows: tuple[tuple[str, str, str], ...]

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.rows, columns=["moved", "from", "to"])


def moves(files: Files, state: State) -> Moved:
    """Every knob that is not where the deal's files have it."""
    deal, scenarios, _ = read(files, files.stamp(), state.text)
    chosen, numbers = stressed(deal, scenarios, dataclasses.replace(state, drivers={})), numbers_of(deal)
    rows = [("deal file", "as saved", "as edited on the page")] if state.text is not None else []
    for knob in knobs_of(deal, chosen):
        if knob.driver in state.drivers:
            start = "as the scenario has it" if knob.start is None else f"{knob.start:g}"
            rows.append((f"{knob.driver.replace('_', ' ')} ({knob.unit})", start, str(state.drivers[knob.driver])))
    for what, bp in (("all spreads (bp)", state.shock), ("rates (bp)", state.rates)):
        rows += [(what, "0", f"{bp:g}")] if bp else []
    rows += [(f"spreads of paper {kind} (bp)", "0", f"{bp:g}") for kind, bp in state.spreads.items() if bp]
    rows += [
        (path, f"{numbers[path]:,.10g}", f"{to:,.10g}") for path, to in state.numbers.items() if numbers[path] != to
    ]
    return Moved(tuple(rows))


def deeper(case: StressResult) -> dict[str, Any]:
    """What takes longer than a drag: coverage by date, headroom, and where losses end, down to households."""
    said: list[str] = []
    case = dataclasses.replace(case, chain=chain_of(case, said.append))
    lines = said if case.chain is None else case.chain.sentences()
    return {
        "tables": [table(sheet, case) for sheet in (structure(case), *chained(case))],
        "figures": [drawn(figure) for figure in charts.coverage(case)],
        "lines": list(lines),
    }


def searched(files: Files, state: State) -> Iterator[dict[str, Any]]:
    """The breakevens of each driver in turn, in sentences: how far it may go before each note first loses."""
    from pricing.breakevens.committee import searches

    case = of(files, state)
    chosen = stressed(case.deal, read(files, files.stamp(), state.text)[1], state)
    yield {"lines": [f"From {chosen.name!r}, before a note is not paid in full:"]}
    for found in searches(case.deal, chosen, case.market):
        yield {"lines": list(found.sentences())}


def explained(case: StressResult, date: datetime.date) -> dict[str, Any]:
    """One payment date, clause by clause, with its wording."""
    told = case.flows.explain(case.scenario, date)

    def money(amount: float | None) -> str:
        return "" if amount is None else f"{amount:,.2f}"

    return {
        "date": str(told.date),
        "regime": told.regime,
        "collected": {name.replace("_", " "): money(amount) for name, amount in told.collected.items() if amount},
        "triggers": list(told.triggers),
        "steps": [
            {
                "words": step.words,
                "applied": step.applied,
                "readings": list(step.readings),
                "owed": money(step.owed) if step.applied else "",
                "moved": {name: money(amount) for name, amount in step.moved.items() if amount},
                "sources": {name: money(amount) for name, amount in step.sources.items() if amount},
                "cash": money(step.cash),
            }
            for step in told.steps
        ],
    }


def table(sheet: Sheet, case: StressResult) -> dict[str, Any]:
    """A table as the report's page shows it."""
    return {
        "name": sheet.name,
        "title": sheet.heading(case.unit),
        "note": sheet.note,
        "columns": [[heading(str(c), sheet.kind(c), case.unit), sheet.kind(c)] for c in sheet.frame.columns],
        "rows": [{"total": row.total, "cells": [cell.text for cell in row.cells]} for row in rows(sheet, case.unit)],
    }


def drawn(figure: Figure) -> dict[str, Any]:
    """A figure as plotly draws it."""
    parts = {field.name: getattr(figure, field.name) for field in dataclasses.fields(figure)}
    return {**parts, "data": parts.pop("traces")}


def told(error: FirstLossError) -> dict[str, Any]:
    """An error as the page shows it: every fault with its line, and all in one text."""
    faults = getattr(error, "faults", None) or [getattr(error, "fault", None)]
    lines = [{"line": f.line, "place": f.place, "what": f.what} for f in faults if f is not None]
    return {"said": str(error), "faults": lines or [{"line": None, "place": "", "what": str(error)}]}
