"""Writes the tables of the report as an Excel workbook, with exact numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pricing.report.cash_sheets import write_cash_sheets
from pricing.report.check_sums import write_checks
from pricing.report.contents.sheets import Sheet
from pricing.report.contents.stress_result import StressResult, StressResults, stress_results, written_from
from pricing.report.live_model.grid import define
from pricing.report.several_stresses import tables, titled
from pricing.tables.number_formats import TEXTS, Unit, heading, kind_of, missing, shown
from structuring.documents.whole_files import as_text, write_book
from waterfalls.doors import need

FIRST = 4  # the row of headings: title, note and an empty row stand above
LONGEST_NAME = 31  # of a sheet, in Excel
WIDEST = 60
USUAL, LINE = 9, 15  # the width of a column that nothing widens, in characters, and the height of a line, in points


@written_from(stress_results)
def write_workbook(path: Path, cases: StressResults) -> None:
    """Writes the tables of `write_report`, one a sheet, and the long frames of prices and losses; gives its path.

    A sheet of each scenario tells its cash by payment date, clause by clause. `scenario` may be a list of names, `chain` a
    list of theirs: the tables of a second stress end in _2. Amounts are in currency units and shown in millions; headings
    are frozen; a text is never a formula. The only formulas are checks, which the sheet `checks` sums up; every table has
    the name of its sheet.
    """
    write_tables(path, cases)


def workbook(cases: StressResults) -> Any:
    """The tables as an openpyxl workbook."""
    case = cases[0]
    note = f"{case.deal.name}, valued {case.prices.valuation}. Not investment advice."
    shown = [*tables(cases), *long_frames(case)]
    book = filled(shown, case.unit, titled(cases), note)
    places = [(sheet, page.title, FIRST) for sheet, page in zip(shown, book.worksheets, strict=True)]
    write_checks(book, places, write_cash_sheets(book, case), case)
    return book


def filled(sheets: Iterable[Sheet], unit: Unit, title: str, note: str) -> Any:
    """A workbook of tables, with a `note` under the title of a table that has none of its own."""
    book = need("openpyxl").Workbook()
    book.remove(book.active)
    book.properties.title = title
    for sheet in sheets:
        page = book.create_sheet(sheet.name[:LONGEST_NAME])
        fill(page, sheet, unit, note)
        if sheet.name.isidentifier() and sheet.name.isascii() and len(sheet.frame.columns):
            last = page.cell(FIRST + len(sheet.frame), len(sheet.frame.columns))
            define(book, page.title, f"{page.title}!$A${FIRST}:${last.column_letter}${last.row}")
    return book


def write_tables(path: Path, cases: StressResults) -> None:
    """Writes the workbook of results, whole or not at all."""
    write_book(path, workbook(cases))


def long_frames(case: StressResult) -> list[Sheet]:
    """Prices and losses in every scenario and shock, where they fit a sheet."""
    found = []
    for name, result, amounts in (
        ("all prices", case.prices, ("npv", "cs01", "dv01")),
        ("all losses", case.losses, LOST),
    ):
        frame = result.frame()
        if len(frame) < 1_000_000:
            kinds = {str(c): "money" if c in amounts else MEASURES.get(str(c), "") for c in frame.columns}
            kinds = {column: kind or "text" for column, kind in kinds.items()}
            found.append(Sheet(name.replace(" ", "_"), f"{name[:1].upper()}{name[1:]}", frame, kinds))
    return found


LOST = (
    "holding", "credit_loss", "rates_loss", "spread_loss", "market_loss", "total_loss",
    "cash_shortfall", "realised_loss", "interaction",
)  # fmt: skip
MEASURES = {
    **dict.fromkeys(("clean", "dirty", "accrued"), "price"),
    **dict.fromkeys(("wal", "wal_change", "modified_duration", "spread_duration"), "years"),
    **dict.fromkeys(("z_spread", "yield_to_maturity", "convexity"), "number"),
}


def fill(page: Any, sheet: Sheet, unit: Unit, note: str) -> None:
    """One sheet: its title, then headings that stay, then the rows."""
    styles = need("openpyxl.styles")
    columns = need("openpyxl.utils").get_column_letter
    as_text(page.cell(1, 1), plain(sheet.heading(unit)))
    page.cell(1, 1).font = styles.Font(bold=True, size=13)
    as_text(page.cell(2, 1), plain(sheet.note or note))
    kinds = [sheet.kind(column) for column in sheet.frame.columns]
    widths = []
    for place, (column, kind) in enumerate(zip(sheet.frame.columns, kinds, strict=True), 1):
        cell = page.cell(FIRST, place)
        as_text(cell, plain(heading(str(column), kind, unit)))
        cell.font = styles.Font(bold=True)
        cell.border = styles.Border(bottom=styles.Side(style="thin"))
        cell.alignment = styles.Alignment(
            horizontal="left" if kind in TEXTS else "right",
            wrap_text=True,
            vertical="bottom",
            indent=apart(kind, place),
        )
        widths.append(max((len(word) for word in str(cell.value).split()), default=0) + 3)
    for number, values in enumerate(sheet.frame.itertuples(index=False, name=None)):
        for place, (value, kind) in enumerate(zip(values, kinds, strict=True), 1):
            if missing(value):
                continue
            cell = page.cell(FIRST + 1 + number, place)
            held = valued(value, kind)
            if isinstance(held, str):
                as_text(cell, held)
                cell.alignment = styles.Alignment(horizontal="left", indent=apart(kind, place))
            else:
                cell.value, cell.number_format = held, number_format(kind, unit)
            cell.font = styles.Font(bold=sheet.total(number))
            widths[place - 1] = max(widths[place - 1], len(shown(value, kind, unit)) + 2)
    for place, width in enumerate(widths, 1):
        page.column_dimensions[columns(place)].width = min(width, WIDEST)
    page.freeze_panes = page.cell(FIRST + 1, 2)
    page.sheet_view.showGridLines = False
    for_print(page, [min(width, WIDEST) for width in widths])


def for_print(page: Any, widths: list[int]) -> None:
    """One page across, its headings on every page; the note is folded over the columns, and no text runs out of them."""
    styles, columns = need("openpyxl.styles"), need("openpyxl.utils").get_column_letter
    title, note = (str(page.cell(row, 1).value or "") for row in (1, 2))
    room = [*widths, *[USUAL] * max(0, -(-(int(1.5 * len(title)) - sum(widths)) // USUAL))]
    last = columns(max(len(room), 1))
    page.merge_cells(f"A2:{last}2")
    page.cell(2, 1).alignment = styles.Alignment(wrap_text=True, vertical="top")
    page.row_dimensions[2].height = LINE * -(-len(note) // max(sum(room), 1))
    page.print_area = f"A1:{last}{max(page.max_row, FIRST)}"
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", page.PAPERSIZE_A4
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.print_title_rows = f"{FIRST}:{FIRST}"


def apart(kind: str, place: int) -> int:
    """The indent of a text that stands after another column: numbers before it end at its edge."""
    return 1 if kind in TEXTS and place > 1 else 0


def valued(value: Any, kind: str) -> Any:
    """What Excel keeps: dates as dates, numbers exact, everything else as text."""
    if kind in TEXTS:
        return value if isinstance(value, datetime.date) else plain(value)
    return float(value)


def plain(value: Any) -> str:
    """A text without the control characters that Excel refuses."""
    return need("openpyxl.cell.cell").ILLEGAL_CHARACTERS_RE.sub("", str(value))


def number_format(kind: str, unit: Unit) -> str:
    if kind in TEXTS:
        return "yyyy-mm-dd" if kind == "date" else "@"
    return kind_of(kind, unit).excel
