"""What the front says of a model, and on Changes what does not follow when a cell is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pricing.report.live_model.grid import Grid
from pricing.report.live_model.value_sheet import Valued

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from waterfalls.plan import Plan

WIDTH = 80  # of what is told in sentences, in characters
SHEETS = {
    "Inputs": "terms of the deal, the scenario, moves of the market, holders; every blue number may be changed",
    "Collateral": "what arrives at each date in every scenario, and of these what the chosen one brings",
    "Waterfall": "each payment date in a column: what falls due, triggers, every clause in order, what is left",
    "Checks": "cash in = cash out, claims conserved, nothing negative, holders = tranche, date by date",
    "Value": "discount factors, cash and value of each tranche, price, average life, yield, losses by class",
    "Changes": "what does not follow when a cell is changed",
}


def write_front(grid: Grid, losses: Losses, valued: Valued) -> None:
    """The one total check, the chosen scenario, and each tranche and class in a line a figure."""
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
    grid.heading("Sheets", 1)
    for name, said in SHEETS.items():
        grid.label(f"{name}: {said}")
    grid.heading("How to read it", 1)
    for line in (
        "Time runs across, lines run down; a line has one formula, the same at every date. Blue is an input, black a formula.",
        "+ adds to the cash of the date and - takes from it. 1/0 is a condition that holds or does not.",
        "A payment is the lesser of what is due and what is available: put the cursor on it and follow its precedents.",
        f"Made from the deal {losses.prices.deal!r}, valued {losses.prices.valuation}. Not investment advice.",
    ):
        grid.label(line)


def write_changes(grid: Grid, plan: Plan, losses: Losses) -> None:
    """What the workbook does not recalculate."""
    lines = [
        "Collateral: receipts are those the model made in each scenario. They follow the scenario and the multipliers, not "
        "the waterfall, the terms of assets or the drivers of a scenario.",
        "Reference: the value in the reference scenario and the z-spread solved from the quote are those of the model as "
        "written; a changed term moves the value shown, not what it is compared with.",
        "Dates: payment dates, parts of a year and flags by date are inputs. A changed date of the deal does not move them.",
        "Rates: a parallel move raises every zero rate by the same amount, and with it what indices of notes fix at after "
        "the valuation date. Floating receipts of the collateral stay as the model made them.",
        "Structure: a term that was 0 or not there when this was written has no line: a new clause, trigger or account needs a new model.",
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
