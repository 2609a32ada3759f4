"""What the front says of a model, and on Changes what does not follow when a cell is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pricing.report.live_model.grid import Grid
from pricing.report.live_model.value_sheet import Valued
from waterfalls.clauses.pay import Pay
from waterfalls.language.vocabulary import listed

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from waterfalls.plan import Plan

WIDTH = 80  # of what is told in sentences, in characters
SHEETS = {
    "Inputs": "terms of the deal, the scenario, moves of the market, holders; every blue number may be changed, and some formula reads it",
    "Collateral": "what arrives at each date in every scenario, and of these what the chosen one brings",
    "Waterfall": "each payment date in a column: what falls due, triggers, every clause in order, what is left",
    "Checks": "cash in = cash out, claims conserved, nothing negative, holders = tranche, date by date",
    "Value": "discount factors, cash and value of each tranche, price, average life, yield, losses by class",
    "Changes": "what does not follow when a cell is changed",
}


def write_front(grid: Grid, losses: Losses, valued: Valued, plan: Plan, grids: Mapping[str, Grid]) -> None:
    """The one total check, the chosen scenario, each tranche and class in a line a figure, and what leads to the sheets."""
    grid.sheet.page_setup.fitToHeight = 1
    grid.heading("Does it add up", 1)
    row = grid.one("all checks hold (1) or not (0)", "flag", "=All_checks", note="the sum of every line on Checks")
    grid.coloured(f"D{row}:D{row}")
    grid.heading("What is shown", 1)
    grid.one("scenario, chosen on Inputs", "text", "", note="")
    grid.put(grid.row - 1, 4, "=Scenario", "number")
    grid.one("spread shock", "bp", "=Spread_shock_bp")
    grid.one("parallel move of rates", "bp", "=Rates_move_bp")
    for what, unit in (
        ("value", "money"), ("clean price, per 100", "price"), ("average life", "years"), ("yield", "rate"), ("loss", "money"),
    ):  # fmt: skip
        grid.heading("Loss against the reference" if what == "loss" else what.capitalize())
        for name, rows in valued.rows.items():
            grid.one(name, unit, f"=Value!$D${rows[what]}")
    grid.heading("Loss by investor class")
    for name, row in valued.classes.items():
        grid.one(name, "money", f"=Value!$D${row}")
    grid.heading("Sheets: each line leads there", 1)
    for name, said in SHEETS.items():
        grid.link(f"{name}: {said}", name, 1)
        sections = grids[name].sections
        for title, row in sections if len(sections) > 1 else ():
            grid.link(title, name, row, indent=3)
    grid.heading("How to read it", 1)
    unit = grid.unit.words
    shown = f" and show {unit}, by their format alone: type 5000000 for 5 million" if unit != plan.currency else ""
    for line in (
        f"Cells hold {plan.currency}{shown}.",
        "The file holds formulas and no results: a spreadsheet computes them on opening; a previewer or a reader of files that does "
        "not recalculate shows them blank.",
        seniority(plan),
        "Time runs across, lines run down; a line has one formula, the same at every date. Blue is an input, black a formula.",
        "+ adds to the cash of the date and - takes from it. 1/0 is a condition that holds or does not.",
        "A payment is the lesser of what is due and what is available: put the cursor on it and follow its precedents.",
        f"Made from the deal {losses.prices.deal!r}, valued {losses.prices.valuation}. Not investment advice.",
    ):
        grid.label(line)


def seniority(plan: Plan) -> str:
    """The order of the tranches, and of which one clause pays the interest in proportion."""
    waterfall = next(iter(plan.waterfalls.values()))
    groups = [names for clause in waterfall.clauses if isinstance(clause, Pay) for names in clause.abreast()]
    alike = [listed(names) for names in groups if len(names) > 1]
    equal = f" Paid interest by one clause, pro rata: {'; '.join(dict.fromkeys(alike))}." if alike else ""
    return f"Tranches in the order of the deal: {', '.join(plan.tranches)}.{equal}"


def write_changes(grid: Grid, plan: Plan) -> None:
    """What the workbook does not recalculate."""
    lines = [
        "Collateral: receipts are those the model made in each scenario. They follow the scenario and the multipliers, not "
        "the waterfall, the terms of assets or the drivers of a scenario.",
        "Reference: the value in the reference scenario and the z-spread solved from the quote are those of the model as "
        "written; a changed term moves the value shown, not what it is compared with.",
        "Dates: payment dates, parts of a year and flags by date are inputs. A changed date of the deal does not move them.",
        "Rates: a parallel move raises every zero rate by the same amount, and with it what indices of notes fix at after "
        "the valuation date. Floating receipts of the collateral stay as the model made them.",
        "Structure: a term that was 0 or not there when this was written has no line: a new clause, trigger or account needs a new "
        "model. A number of the terms that no formula reads is left out.",
        "Yields: found by Newton's method from the flat rate of the spread and the curve; n/a where the value is not above 0.",
        "Expressions of the terms that give a row of numbers by date (steps, hurdles, make-whole, forward ratios) are such rows on Inputs.",
    ]
    for name, note in plan.notes_by_name.items():
        if note.amortisation is not None:
            lines.append(
                f"Schedule of {name}: its row by date on Inputs was made from the notional, balance and coupon as written, by "
                "the schedule of the deal file; after a change of these, write the model anew or type the row."
            )
    if any(getattr(coupon, "resets", None) for coupon, _ in plan.coupons):
        lines.append(
            "Resets: the rate of an index that resets within a period is a row by period; a move of rates moves it as if it "
            "were read once, which is exact where it compounds."
        )
    lines.append(
        "Ties: at differences of less than 1e-14 of a number a spreadsheet takes two numbers as equal; the model does not."
    )
    grid.sheet.column_dimensions["A"].width = WIDTH
    grid.heading("What does not follow", 1)
    for line in lines:
        grid.paragraph(line, len(line) // (WIDTH + 5) + 1)
