"""write_model: a deal as a workbook of formulas."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.report.live_model.grid import Grid
from pricing.report.live_model.waterfall_sheet import Places, write_collateral, write_dates, write_waterfall
from pricing.tables.number_formats import unit_of
from structuring.documents.whole_files import whole
from waterfalls.doors import need
from waterfalls.engines.formulas.writer import formula_lines
from waterfalls.fields import CASH, COSTS
from waterfalls.plan import inputs_of

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows


def write_model(path: Path | str, flows: Cashflows, *, scenario: Any = None) -> Path:
    given = inputs_of(flows.plan, flows.receipts, flows.rates)
    page = formula_lines(flows.plan, given)
    book = need("openpyxl").Workbook()
    book.remove(book.active)
    largest = sum(tranche.notional for tranche in flows.plan.tranches.values())
    unit = unit_of(flows.plan.currency, largest)
    inputs, collateral, waterfall = (
        Grid(book, name, unit, flows.periods) for name in ("Inputs", "Collateral", "Waterfall")
    )
    scenarios = [str(name) for name in flows.receipts.scenarios]
    places = Places()
    for grid in (inputs, collateral, waterfall):
        grid.title(f"{flows.deal}: {grid.name}", "blue: inputs; black: formulas")
    inputs.dated(flows.dates)
    collateral.dated()
    waterfall.dated()
    first = collateral.row + 1
    collateral.heading("Scenarios")
    for name in scenarios:
        collateral.label(name)
    inputs.heading("Scenario and moves", 1)
    chosen = inputs.one(
        "scenario", "text", str(scenario if scenario is not None else scenarios[0]), name="Scenario", ink="0000FF"
    )
    area = f"Collateral!$A${first + 1}:$A${first + len(scenarios)}"
    inputs.one(
        "number of the scenario",
        "count",
        f"=SUMPRODUCT(EXACT({area},Scenario)*(ROW({area})-{first}))",
        name="Scenario_number",
    )
    rule = need("openpyxl.worksheet.datavalidation").DataValidation("list", formula1=f"={area}", allow_blank=False)
    inputs.sheet.add_data_validation(rule)
    rule.add(inputs.sheet.cell(chosen, 4))
    inputs.one("parallel move of rates", "bp", 0.0, name="Rates_move_bp")
    inputs.one("spread shock", "bp", 0.0, name="Spread_shock_bp")
    for name in (*CASH, *COSTS):
        if ("receipt", name) in given:
            inputs.one(f"multiplier of {name.replace('_', ' ')}", "number", 1.0, name=f"Multiplier_{name}")
    inputs.heading("Terms of the deal", 1)
    for term in page.terms.values():
        inputs.one(term.label, term.unit, term.value, name=term.name)
    write_dates(inputs, page, places)
    write_collateral(collateral, page, given, scenarios, places)
    write_waterfall(waterfall, page, places)
    held = io.BytesIO()
    book.save(held)
    with whole(path) as file:
        file.write_bytes(held.getvalue())
    return Path(path)
