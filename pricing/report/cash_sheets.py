"""Dated sheets of the workbook, one a scenario: what came in, what each clause owed and paid, and accounts that add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.overview.deal_tables import collections, cover
from pricing.report.live_model.grid import DATES, FORMULA, OPENING, Grid, define
from pricing.tables.number_formats import missing
from waterfalls.engines.cell_formulas.words import told
from waterfalls.engines.laws import Law, laws
from waterfalls.explain import Step, every
from waterfalls.language.machine import Key
from waterfalls.plan import inputs_of

if TYPE_CHECKING:
    from pricing.report.contents.stress_result import StressResult
    from waterfalls.cashflows import Cashflows

MOST = 40  # sheets of scenarios; of more only the reference and the stress are told
NOTE = "Amounts by payment date, as the model ran. Below the payments each account adds up, which formulas check."
UNITS = {"dscr": "ratio", "ltv": "share"}
OWN = ("drawn", "written", "proceeds")  # what a clause moves that is no payment


def write_cash_sheets(book: Any, case: StressResult) -> list[tuple[str, str]]:
    """Writes the sheets; gives of each what its check says and where its one total check stands."""
    count = len(case.flows.receipts.scenarios)
    rows = range(count) if count <= MOST and not isinstance(case.flows.receipts.scenarios, range) else case.rows
    return [write_cash_sheet(book, case, s) for s in rows]


def write_cash_sheet(book: Any, case: StressResult, s: int) -> tuple[str, str]:
    """One scenario: collections, coverage and triggers, every clause in order, and every account."""
    flows, grid = case.flows, Grid(book, f"by_date_{s + 1}", case.unit, case.flows.periods)
    grid.title(f"{case.deal.name}: {case.named(s)}", NOTE)
    grid.dated(flows.dates)
    name(grid, "dates", DATES)
    grid.heading("Does it add up", 1)
    total = grid.one(
        "every account adds up on every date (1) or not (0)", "flag", "", note="the sum of the checks below"
    )
    grid.coloured(f"D{total}:D{total}")
    grid.heading("What arrived", 1)
    for field in flows.receipts.fields:
        line(grid, field.replace("_", " "), "money", flows.receipt(field)[s])
    name(grid, "collections", line(grid, "collections", "money", collections(flows)[s], bold=True, always=True))
    grid.heading("Coverage and triggers", 1)
    for said, values in cover(flows, s).items():
        line(grid, said.replace("_", " "), UNITS.get(said, "money"), values)
    for trigger in flows.plan.triggers:
        line(grid, f"trigger on, {trigger}", "flag", flows.triggers[trigger][s], always=True)
    clauses(grid, flows, s)
    grid.heading("Accounts: opening and what came, less what went and closing, is nothing", 1)
    inputs = inputs_of(flows.plan, flows.receipts, flows.rates)
    checks = [account(grid, flows, s, law, inputs) for law in laws(flows.plan)]
    held = [row for row in checks if row]
    name(grid, "cash_left", held[-1] - 1)  # the last law is that of cash, and its last line the closing
    grid.put(total, OPENING, f"=IF(COUNTIF(D{total + 1}:D{grid.row - 1},1)={len(held)},1,0)", "flag")
    return f"{case.named(s)}: every account adds up on every date", f"={grid.name}!$D${total}"


def line(
    grid: Grid, text: str, unit: str, values: Sequence[Any] | np.ndarray, *, always: bool = False, **how: Any
) -> int:
    """A line of results; one that is 0 throughout is left out unless it stands `always`. Gives its row, or 0."""
    numbers = [None if missing(float(value)) else float(value) for value in values]
    if not always and not any(numbers):
        return 0
    return grid.by_date(text, unit, numbers, ink=FORMULA, **how)


def name(grid: Grid, said: str, row: int) -> None:
    """A name for a line of a sheet over its dates."""
    first, last = grid.letters[0], grid.letters[-1]
    define(grid.book, f"{grid.name}_{said}", f"{grid.name}!${first}${row}:${last}${row}")


def clauses(grid: Grid, flows: Cashflows, s: int) -> None:
    """Every clause that was in force: on which dates it applied, what was owed, each payment, and the cash that it left."""
    found: dict[tuple[str, int], dict[int, Step]] = {}
    for t, date in enumerate(every(flows, flows.receipts.scenarios[s])):
        for number, step in enumerate(date.steps, 1):
            found.setdefault((date.regime, number), {})[t] = step
    regimes: set[str] = set()
    for (regime, number), steps in sorted(found.items(), key=lambda item: (list(flows.plan.waterfalls).index(item[0][0]), item[0][1])):  # fmt: skip
        if regime not in regimes:
            grid.heading(f"Priority of payments: {regime}", 1)
            regimes.add(regime)
        grid.heading(f"({number}) {next(iter(steps.values())).words}")
        for text, values in told_of(steps, flows.periods):
            line(grid, text, "flag" if text == "applies" else "money", values, bold=text.startswith("paid"))
        left = [steps[t].cash if t in steps else None for t in range(flows.periods)]
        grid.by_date("cash left", "money", left, ink=FORMULA)


def told_of(steps: dict[int, Step], periods: int) -> Iterator[tuple[str, np.ndarray]]:
    """The lines of a clause by date (T,): whether it applies where that changes, owed, payments, and from where."""

    def of(value: Any) -> np.ndarray:
        return np.array([value(steps[t]) if t in steps else 0.0 for t in range(periods)])

    if not all(step.applied for step in steps.values()):
        yield "applies", of(lambda step: float(step.applied))
    yield "owed", of(lambda step: step.owed or 0.0)
    for item in dict.fromkeys(item for step in steps.values() for item in step.moved):
        said = item if item.startswith(OWN) else f"paid, {item}"
        yield said, of(lambda step, item=item: step.moved.get(item, 0.0))
    for source in dict.fromkeys(source for step in steps.values() for source in step.sources):
        yield f"drawn on {source}", of(lambda step, source=source: step.sources.get(source, 0.0))


def account(grid: Grid, flows: Cashflows, s: int, law: Law, inputs: dict[Key, np.ndarray]) -> int:
    """A law as an account that a reader adds up; gives the row of its check, 0 where nothing ever moved."""
    signed: list[tuple[str, str, np.ndarray]] = []
    for key in law.opening:
        closing = flows[key][s]
        signed.append((f"{told(key)}, opening", "+", np.concatenate([[flows.plan.opening[key]], closing[:-1]])))
    signed += [(told(key), "+", flows[key][s]) for key in law.came]
    for key, share in law.collected:
        given = inputs[key][s if len(inputs[key]) > 1 else 0]
        signed.append(("collected", "+", given if share is None else given * flows[share][s]))
    signed += [(told(key), "-", -flows[key][s]) for key in law.went[:-1]]
    closing = law.went[-1]
    if not any(values.any() for _, _, values in signed) and not flows[closing][s].any():
        return 0
    grid.heading(law.what[:1].upper() + law.what[1:])
    begin = grid.row
    for text, sign, values in signed:
        line(grid, text, "money", values, sign=sign)
    line(grid, f"{told(closing)}, closing", "money", -flows[closing][s], sign="-", always=True)
    return grid.checked("adds up", f"=IF(ABS(SUM({{c}}{begin}:{{c}}{grid.row - 1}))<=Tolerance,1,0)")
