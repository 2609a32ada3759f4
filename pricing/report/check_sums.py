"""The workbook's sheet of checks: formulas that add up its tables and its dated sheets, and one total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pricing.report.live_model.grid import OPENING, Grid
from waterfalls.engines.laws import tolerance

if TYPE_CHECKING:
    from pricing.report.contents.sheets import Sheet
    from pricing.report.contents.stress_result import StressResult

NOTE = "1 where it holds, 0 where not. These are formulas; every other number of the tables is a value that the model computed."


def write_checks(
    book: Any, tables: Sequence[tuple[Sheet, str, int]], dated: Sequence[tuple[str, str]], case: StressResult
) -> None:
    """Writes the sheet: `tables` with the name of the page and the row of headings of each, `dated` labels and formulas."""
    grid = Grid(book, "checks", case.unit, 0)
    grid.title(f"{case.deal.name}: checks", NOTE)
    total = grid.heading("All checks", 1) + 1
    grid.one("all checks hold", "flag", "", name="All_checks")
    most = f"difference allowed, {case.prices.currency}"
    grid.one(most, "number", tolerance(case.flows.plan), name="Tolerance", note="1e-9 of the notional; Tolerance")
    grid.heading("Totals of tables", 1)
    lines = [line for sheet, page, first in tables for line in sums(sheet, page, first)]
    for text, difference in lines:
        held(grid, text, f"=IF(ABS({difference})<=Tolerance,1,0)")
    grid.heading("Cash by date", 1)
    for text, formula in dated:
        held(grid, text, formula)
    grid.coloured(f"D{total}:D{total}")
    count = len(lines) + len(dated)
    grid.put(total, OPENING, f"=IF(COUNTIF(D{total + 2}:D{grid.row - 1},1)={count},1,0)", "flag")


def held(grid: Grid, text: str, formula: str) -> None:
    """A check in green or red."""
    row = grid.one(text, "flag", formula)
    grid.coloured(f"D{row}:D{row}")


def sums(sheet: Sheet, page: str, first: int) -> Iterator[tuple[str, str]]:
    """What the totals of a table say: one total is the sum of the lines above it, two totals are the two sides of a balance."""
    last, letters = first + len(sheet.frame), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for place, column in enumerate(sheet.frame.columns):
        if sheet.totals and sheet.kind(column) == "money" and place < len(letters):
            said, cell = f"{page}, {str(column).replace('_', ' ')}", f"{page}!{letters[place]}"
            if sheet.totals == 1:
                yield (
                    f"{said}: the total is the sum of its lines",
                    f"SUM({cell}{first + 1}:{letters[place]}{last - 1})-{cell}{last}",
                )
            else:
                yield f"{said}: both sides are equal", f"{cell}{last - 1}-{cell}{last}"
