"""The sheets of a payment date: what arrives, and every clause in order as lines of formulas."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pricing.report.live_model.grid import FORMULA, OPENING, Grid
from waterfalls.clock.conventions import unadjusted
from waterfalls.engines.cell_formulas.cells import Cell
from waterfalls.engines.cell_formulas.lines import Heading, Line, Writer
from waterfalls.engines.cell_formulas.words import told
from waterfalls.engines.cell_formulas.writer import FormulaWriter
from waterfalls.fields import CASH, COSTS
from waterfalls.language.machine import Key


@dataclasses.dataclass(eq=False)
class Places:
    """Where everything that formulas read stands: the row of each, by what it is called in the lines."""

    inputs: dict[Any, str] = dataclasses.field(default_factory=dict)  # rows of inputs: formulas with {c}
    results: dict[Key, int] = dataclasses.field(default_factory=dict)  # rows of results on Waterfall


def write_dates(grid: Grid, page: FormulaWriter, places: Places) -> None:
    """What the clock gives by date: the periods as they are counted, then parts of a year, flags, schedules."""
    schedule = page.plan.schedule
    grid.heading(
        "Periods of the calendar, told and not used by formulas: parts of a year below are counted over them", 1
    )
    for days, moved, said in (
        (schedule.payment, True, "dates moved to business days"), (schedule.unadjusted, False, "scheduled dates, not moved"),
    ):  # fmt: skip
        counts = dict.fromkeys(count for count in page.plan.day_counts.values() if unadjusted(count) != moved)
        if counts:
            for end, dates in (("begins", days[:-1]), ("ends", days[1:])):
                grid.by_date(f"period {end}, for {' and '.join(counts)}: {said}", "date", dates, ink=FORMULA)
    grid.by_date("collection period ends", "date", schedule.ends, ink=FORMULA)
    grid.heading("By date: from the deal's calendar and schedules", 1)
    for name, row in page.rows.items():
        if row.values is not None:
            unit = "multiple" if row.unit == "number" else row.unit
            places.inputs[name] = f"Inputs!{{c}}{grid.by_date(row.label, unit, row.values.tolist())}"


def write_collateral(grid: Grid, page: FormulaWriter, given: Mapping[Key, np.ndarray], scenarios: list[str],
                     resets: Mapping[str, tuple[np.ndarray, np.ndarray]], places: Places) -> None:  # fmt: skip
    """What arrives in every scenario, as the model made it, and of these what the chosen scenario brings.

    `resets` are the parts of a year over which indices fix: a parallel move of zero rates moves what fixes after it.
    """
    fields = [("receipt", name) for name in CASH if ("receipt", name) in given]
    wanted = [*fields, *(row.key for row in page.rows.values() if row.key is not None)]
    for key in dict.fromkeys(wanted):
        if key == ("receipt", "cash"):
            continue
        row = page.rows.get(key)
        unit = "money" if row is None else row.unit
        array = given[key]
        grid.heading(told(key).capitalize() if key[0] == "receipt" else told(key))
        rows = [
            grid.by_date(name if len(array) > 1 else "every scenario", unit, array[s].tolist())
            for s, name in enumerate(scenarios[: len(array)])
        ]
        chosen = f"{{c}}{rows[0]}" if len(rows) == 1 else f"INDEX({{c}}{rows[0]}:{{c}}{rows[-1]},Scenario_number)"
        if key[0] == "receipt" and key[1] in (*CASH, *COSTS):
            chosen += f"*Multiplier_{key[1]}"
        elif key[0] == "rate" and key[1] in resets:
            at = grid.by_date("before the move", unit, f"={chosen}")
            part, years = (
                grid.by_date(f"part of a year over which it fixes, {by}; 0 where fixed", "years", values.tolist())
                for by, values in zip(("by day count", "actual/365F"), resets[key[1]], strict=True)
            )
            moved = f"(1+{{c}}{at}*{{c}}{part})*(EXP(Rates_move_bp/10000*{{c}}{years})-1)/{{c}}{part}"
            chosen = f"{{c}}{at}+IF({{c}}{part}>0,{moved},0)"
        place = grid.by_date("chosen", unit, f"={chosen}", bold=True)
        places.inputs[key] = f"Collateral!{{c}}{place}"
    grid.heading("Cash collected")
    parts = "+".join(places.inputs[key].removeprefix("Collateral!") for key in fields) or "0"
    place = grid.by_date("chosen, all receipts", "money", f"={parts}", bold=True)
    places.inputs["receipt", "cash"] = f"Collateral!{{c}}{place}"


def write_waterfall(grid: Grid, page: FormulaWriter, places: Places) -> None:
    """Opening positions, what falls due, triggers, every clause, and the results that the next date begins with."""
    rows: dict[int, int] = {}  # of lines, by identity
    row = grid.row
    lines = [item for item in page.items if isinstance(item, Line)]
    results = {line.key: line for line in lines if line.what == "result" and line.key is not None}
    moving = {key for key, line in results.items() if line.cell is not page.before.get(key)}
    read: list[Key] = [
        part.args[0] for line in lines for part in line.parts if isinstance(part, Cell) and part.op == "before"
    ]
    opened = [key for key in dict.fromkeys(read) if key in moving]
    opening = {key: row + 2 + i for i, key in enumerate(opened)}
    row += 2 + len(opened)
    for item in page.items:  # the same steps as below, so that every row is known before the first formula
        row += 2 if isinstance(item, Heading) else 1
        if isinstance(item, Line):
            rows[id(item)] = row - 1
            if item.what == "result" and item.key is not None:
                places.results[item.key] = row - 1
    values = {key: fixed(page, value) for key, value in page.opening.items()}

    def said(part: Any) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, Line):
            return f"{{c}}{rows[id(part)]}"
        if part.op == "term":
            return part.args[0]
        if part.op == "row":
            return places.inputs[part.args[0]]
        key = part.args[0]
        return f"{{c}}{opening[key]}" if key in opening else values[key]

    grid.heading("Opening positions: what the date before left", 1)
    for key in opened:
        at = grid.by_date(f"opening: {told(key)}", results[key].unit, f"={{p}}{places.results[key]}")
        assert at == opening[key]
    for item in page.items:
        if isinstance(item, Heading):
            grid.heading(item.title, item.level)
            continue
        at = grid.by_date(
            item.label, item.unit, "=" + "".join(map(said, item.parts)), sign=item.sign,
            bold=item.what == "paid" or item.key == ("cash",),
        )  # fmt: skip
        assert at == rows[id(item)]
        if item.what == "result" and item.key in values:
            grid.put(at, OPENING, f"={values[item.key]}", item.unit)
        if item.what in ("applies",):
            grid.coloured(f"{grid.letters[0]}{at}:{grid.letters[-1]}{at}", good="1", bad="-1")


def fixed(page: FormulaWriter, value: float) -> str:
    """A value at the start, as a formula says it: a number, a name, or what is made of names."""
    cell = page.of(value)
    if not isinstance(cell, Cell):
        return repr(float(cell)).removesuffix(".0")
    return "".join(part if isinstance(part, str) else part.args[0] for part in Writer([]).formula(cell))
