"""write_model: a deal as a workbook of formulas, which another program recalculates and an auditor can trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.bearers.who_bears import Losses
from pricing.market.market import Market
from pricing.market.projected_rates import lengths_of_resets
from pricing.report.live_model.checks_sheet import write_checks
from pricing.report.live_model.grid import FIRST, GREY, INPUT, Grid
from pricing.report.live_model.value_sheet import write_value
from pricing.report.live_model.waterfall_sheet import Places, write_collateral, write_dates, write_waterfall
from pricing.report.live_model.words_of_model import write_changes, write_front
from pricing.tables.number_formats import unit_of
from pricing.valuation.remaining_cash import row_of
from structuring.documents.whole_files import write_book
from waterfalls.arguments import instance, key, takes
from waterfalls.arguments import path as as_path
from waterfalls.cashflows import Cashflows
from waterfalls.doors import need
from waterfalls.engines.cell_formulas.lines import Line
from waterfalls.engines.cell_formulas.writer import FormulaWriter, formula_lines
from waterfalls.errors import TooLarge
from waterfalls.fields import CASH, COSTS
from waterfalls.plan import inputs_of

if TYPE_CHECKING:
    import numpy as np

SHEETS = ("Front", "Inputs", "Collateral", "Waterfall", "Checks", "Value", "Changes")
MOST_DATES = 1_200  # a hundred years of months
MOST_SCENARIOS = 200
MOST_FORMULAS = 1_000_000  # what a spreadsheet recalculates while one waits


@takes(path=as_path, flows=instance(Cashflows), losses=instance(Losses), market=instance(Market), scenario=key)
def write_model(path: Path | str, flows: Cashflows, losses: Losses, market: Market, *, scenario: Any = None) -> Path:
    """Writes a deal's waterfall, values and losses as formulas in the layout of a modeller; gives the file's path.

    Time runs across, lines run down. `scenario` is the one chosen first, from a drop-down of all; terms, multipliers of
    receipts, the spread shock and a parallel move of rates are named cells. What the workbook does not recalculate
    stands on its sheet Changes. A deal with more than 1,200 dates, 200 scenarios or a million formulas is refused.
    """
    chosen = 0 if scenario is None else row_of(flows, scenario)
    given = inputs_of(flows.plan, flows.receipts, flows.rates)
    page = formula_lines(flows.plan, given)
    refuse_too_large(flows, page)
    book = need("openpyxl").Workbook()
    book.remove(book.active)
    book.properties.title = f"{flows.deal}: not investment advice"
    unit = unit_of(flows.plan.currency, sum(tranche.notional for tranche in flows.plan.tranches.values()))
    grids = {name: Grid(book, name, unit, flows.periods) for name in SHEETS}
    for name, grid in grids.items():
        grid.title(flows.deal if name == "Front" else f"{flows.deal}: {name}", NOTES.get(name, ""))
        if name not in ("Front", "Changes"):
            grid.dated(flows.dates if name == "Inputs" else None)
    places = Places()
    names = [str(name) for name in flows.receipts.scenarios]
    write_inputs(grids["Inputs"], grids["Collateral"], page, given, names, names[chosen])
    write_dates(grids["Inputs"], page, places)
    resets = lengths_of_resets(flows.plan, market.valuation)
    write_collateral(grids["Collateral"], page, given, names, resets, places)
    write_waterfall(grids["Waterfall"], page, places)
    valued = write_value(grids["Value"], grids["Inputs"], losses, market, places)
    write_checks(grids["Checks"], flows.plan, places, valued.checks)
    write_changes(grids["Changes"], flows.plan)
    write_front(grids["Front"], losses, valued, flows.plan, grids)
    write_book(path, book)
    return Path(path)


NOTES = {
    "Front": "A live model: every figure below is a formula. Not investment advice.",
    "Inputs": "Blue numbers may be changed; beside each stands the name that formulas call it by.",
    "Collateral": "Blue: receipts as the model made them, by scenario. Black: those of the chosen scenario.",
    "Waterfall": "Each column is a payment date; a line has the same formula at every date.",
    "Checks": "1 where it holds, 0 where not; the column Opening sums up a line.",
    "Value": "Cash after the valuation date, discounted on the curve and the z-spread plus shock.",
    "Changes": "What does not follow when a cell is changed.",
}


def write_inputs(
    inputs: Grid, collateral: Grid, page: FormulaWriter, given: Mapping[tuple[str, ...], np.ndarray], scenarios: list[str],
    chosen: str,
) -> None:  # fmt: skip
    """The scenario, moves and multipliers, then every number of the terms by its name."""
    first = collateral.heading("Scenarios")
    for name in scenarios:
        collateral.label(name)
    area = f"Collateral!$A${first + 1}:$A${first + len(scenarios)}"
    inputs.heading("Scenario and moves", 1)
    row = inputs.one("scenario: choose from the list", "text", chosen, name="Scenario", ink=INPUT)
    rule = need("openpyxl.worksheet.datavalidation").DataValidation("list", formula1=f"={area}", allow_blank=False)
    inputs.sheet.add_data_validation(rule)
    rule.add(inputs.sheet.cell(row, 4))
    inputs.one(
        "number of the scenario",
        "count",
        f"=SUMPRODUCT(EXACT({area},Scenario)*(ROW({area})-{first}))",
        name="Scenario_number",
    )
    inputs.one("spread shock", "bp", 0.0, name="Spread_shock_bp")
    inputs.one("parallel move of rates", "bp", 0.0, name="Rates_move_bp")
    for name in (*CASH, *COSTS):
        if ("receipt", name) in given and (name in CASH or ("receipt", name) in page.rows):
            inputs.one(f"multiplier of {name.replace('_', ' ')}", "multiple", 1.0, name=f"Multiplier_{name}")
    inputs.heading("Terms of the deal", 1)
    for term in page.terms.values():
        factor = ", factor" if term.within and term.unit == "multiple" else ""
        row = inputs.one(f"{term.label}{factor}", term.unit, term.value, name=term.name)
        if term.within:
            inputs.text(row, FIRST + 3, f"in {term.within}", ink=GREY, italic=True)


def refuse_too_large(flows: Cashflows, page: FormulaWriter) -> None:
    """Refuses, before anything is written, what a spreadsheet does not bear."""
    lines = sum(isinstance(item, Line) for item in page.items)
    for what, count, most in (
        ("payment dates", flows.periods, MOST_DATES),
        ("scenarios", len(flows.receipts.scenarios), MOST_SCENARIOS),
        ("formulas", 2 * lines * flows.periods, MOST_FORMULAS),
    ):
        if count > most:
            raise TooLarge(f"a model holds at most {most:,} {what}, and {flows.deal!r} would need {count:,}")
