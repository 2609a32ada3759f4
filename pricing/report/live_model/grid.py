"""A sheet that is filled from top to bottom: labels, units and signs at the left, one column a payment date."""

from __future__ import annotations

import copy
import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from pricing.tables.number_formats import Unit
from structuring.documents.whole_files import as_text
from waterfalls.doors import need

LABEL, UNIT, SIGN, OPENING, FIRST = 1, 2, 3, 4, 5  # columns; from FIRST on one a payment date
DATES, NUMBERS, TOP, UNDATED = 4, 5, 7, 3  # rows: payment dates, their numbers, where lines begin with and without them
WIDTH, CHARACTERS = 70, 84  # of the column of labels, and what it holds on one line; what is longer takes more
OVERHANG = 40  # characters by which a heading may stand over the columns beside it, which are empty
MOST_ACROSS = 20  # payment dates on a printed page
INPUT, FORMULA, GREY, WHITE, DARK, PAPER = "0000FF", "000000", "7F7F7F", "FFFFFF", "1F3864", "FFFBE6"
GOOD, BAD = ("C6EFCE", "006100"), ("FFC7CE", "9C0006")
FORMATS = {
    "money": "",  # by the size of the deal
    "rate": "0.000%",
    "bp": "#,##0.0",
    "ratio": '[>=1E+98]"n/a";0.000"x"',
    "years": "0.0000",
    "flag": '0;-0;"-"',
    "number": "General",
    "factor": "0.000000",
    "price": "#,##0.000",
    "count": "0",
    "share": "0.00%",
    "multiple": "General",
    "date": "dd-mmm-yy",
    "text": "@",
}
SAID = {
    "flag": "1/0",
    "rate": "% p.a.",
    "ratio": "x",
    "number": "",
    "count": "",
    "factor": "",
    "share": "%",
    "multiple": "x",
    "date": "",
    "text": "",
    "price": "per 100",
}


@dataclasses.dataclass(eq=False)
class Grid:
    """One sheet; `row` is where the next line goes."""

    book: Any
    name: str
    unit: Unit
    periods: int
    row: int = UNDATED
    across: int = 0  # columns of dates that stand over its lines

    def __post_init__(self) -> None:
        self.sheet = self.book.create_sheet(self.name)
        self.styles: dict[tuple[Any, ...], Any] = {}
        self.sections: list[tuple[str, int]] = []  # headings of the first level, and their rows
        letter = need("openpyxl.utils").get_column_letter
        self.letters = [letter(FIRST + t) for t in range(self.periods)]
        for column, width in ((LABEL, WIDTH), (UNIT, 8), (SIGN, 4), (OPENING, 14)):
            self.sheet.column_dimensions[letter(column)].width = width
        for column in self.letters:
            self.sheet.column_dimensions[column].width = 11.5
        self.sheet.sheet_view.showGridLines = False
        self.sheet.sheet_view.zoomScale = 85
        self.printed()

    def printed(self, dated: bool = False) -> None:
        """How it is printed: a sheet of lines on A4, one by date on A3 with `MOST_ACROSS` dates a page and its left and top on each."""
        sheet = self.sheet
        sheet.sheet_properties.pageSetUpPr = need("openpyxl.worksheet.properties").PageSetupProperties(fitToPage=True)
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "portrait", sheet.PAPERSIZE_A4
        if dated:
            sheet.page_setup.fitToWidth = max(1, -(-self.periods // MOST_ACROSS))
            sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A3
            sheet.page_setup.pageOrder = "overThenDown"
            sheet.print_title_rows, sheet.print_title_cols = f"1:{NUMBERS}", "A:D"
        margins = sheet.page_margins
        margins.left = margins.right = margins.top = 0.4
        margins.bottom, margins.header, margins.footer = 0.6, 0.2, 0.3
        sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A. Not investment advice", "&P of &N"
        sheet.oddFooter.left.size = sheet.oddFooter.right.size = 8

    def title(self, title: str, note: str) -> None:
        """The title of the sheet and a sentence on it."""
        self.text(1, LABEL, title, bold=True, size=14, ink=DARK)
        self.text(2, LABEL, note, ink=GREY, italic=True)

    def dated(self, dates: Sequence[datetime.date] | None = None) -> None:
        """Payment dates and their numbers over the columns, which stay in sight; linked to those of Inputs elsewhere."""
        for row, label in ((DATES, "payment date"), (NUMBERS, "number")):
            self.text(row, LABEL, label, bold=True, ink=WHITE, fill=DARK)
            for column in (UNIT, SIGN, OPENING):
                self.text(row, column, "", fill=DARK)
        self.text(DATES, UNIT, "unit", ink=WHITE, fill=DARK)
        self.text(DATES, SIGN, "+/-", ink=WHITE, fill=DARK)
        self.text(DATES, OPENING, "opening", bold=True, ink=WHITE, fill=DARK)
        for t, column in enumerate(self.letters):
            given = f"=Inputs!{column}{DATES}" if dates is None else dates[t]
            self.put(DATES, FIRST + t, given, "date", ink=WHITE, bold=True, fill=DARK)
            number = f"=Inputs!{column}{NUMBERS}" if dates is None else t + 1
            self.put(NUMBERS, FIRST + t, number, "count", ink=WHITE, fill=DARK)
        self.sheet.freeze_panes = self.sheet.cell(NUMBERS + 1, FIRST)
        self.printed(dated=True)
        self.row, self.across = TOP, self.periods

    def heading(self, text: str, level: int = 2) -> int:
        """A heading over the lines below it."""
        self.row += 1
        if level == 1:
            self.sections.append((text, self.row))
        last = max(FIRST + self.across, FIRST + 1) if level == 1 else FIRST
        for column in range(LABEL, last):
            self.text(self.row, column, text if column == LABEL else "", bold=True, size=11 if level == 1 else 10,
                      ink=WHITE if level == 1 else DARK, fill=DARK if level == 1 else None)  # fmt: skip
        if len(text) > CHARACTERS + OVERHANG:
            self.wrapped(self.row, -(-len(text) // (CHARACTERS - 6)))  # bold letters are wider
        self.row += 1
        return self.row - 1

    def label(self, text: str, unit: str = "", sign: str = "", *, bold: bool = False) -> int:
        """The left of a line; gives its row, which the next line is below. A long text is never cut: it takes more lines."""
        self.text(self.row, LABEL, text, bold=bold, indent=1)
        if len(text) > CHARACTERS:
            self.wrapped(self.row, -(-len(text) // (CHARACTERS - 4)), indent=1)
        said = self.unit.short if unit == "money" else SAID.get(unit, unit)
        if said:
            self.text(self.row, UNIT, said, ink=GREY)
        if sign:
            self.text(self.row, SIGN, sign, ink=GREY, centred=True)
        self.row += 1
        return self.row - 1

    def paragraph(self, text: str, height: int) -> None:
        """A sentence or two over the first column, which is wide enough, on as many lines as it takes."""
        self.text(self.row, LABEL, text)
        self.wrapped(self.row, height)
        self.row += 1

    def wrapped(self, row: int, height: int, indent: int = 0) -> None:
        """The text of a row on as many lines as it takes."""
        styles = need("openpyxl.styles")
        self.sheet.cell(row, LABEL).alignment = styles.Alignment(wrap_text=True, horizontal="left", indent=indent)
        self.sheet.row_dimensions[row].height = 14.0 * height

    def link(self, text: str, sheet: str, row: int, indent: int = 1) -> None:
        """A line that leads to a row of another sheet."""
        self.text(self.row, LABEL, text, ink=DARK, indent=indent, bold=row == 1)
        cell = self.sheet.cell(self.row, LABEL)
        cell.hyperlink = need("openpyxl.worksheet.hyperlink").Hyperlink(
            ref=cell.coordinate, location=f"'{sheet}'!A{row}"
        )
        self.row += 1

    def one(self, text: str, unit: str, value: Any, *, name: str = "", note: str = "", ink: str | None = None) -> int:
        """A line of one value beside its label, with a name that formulas call it by."""
        row = self.label(text, unit)
        given = bool(name) and not (isinstance(value, str) and value.startswith("="))
        self.put(row, OPENING, value, unit, ink=ink, fill=PAPER if given or ink == INPUT else None)
        if name:
            self.define(name, row)
        if name or note:
            self.text(row, FIRST, note or name, ink=GREY, italic=True, indent=1)
        return row

    def define(self, name: str, row: int) -> None:
        """A name for the value of a line."""
        define(self.book, name, f"{self.name}!${need('openpyxl.utils').get_column_letter(OPENING)}${row}")

    def by_date(self, text: str, unit: str, values: Sequence[Any] | str, *, sign: str = "", bold: bool = False,
                ink: str | None = None) -> int:  # fmt: skip
        """A line over all dates: numbers, or one formula with {c} for its column, {p} for the column before."""
        row = self.label(text, unit, sign, bold=bold)
        before = need("openpyxl.utils").get_column_letter(OPENING)
        for t, column in enumerate(self.letters):
            value = values.format(c=column, p=before) if isinstance(values, str) else values[t]
            self.put(row, FIRST + t, value, unit, bold=bold, ink=ink)
            before = column
        return row

    def put(self, row: int, column: int, value: Any, unit: str, *, ink: str | None = None, bold: bool = False,
            fill: str | None = None) -> None:  # fmt: skip
        """A value: blue where it is a number to be changed, black where it is a formula."""
        cell = self.sheet.cell(row, column)
        formula = isinstance(value, str) and value.startswith("=") and unit != "text"
        if isinstance(value, str) and not formula:
            as_text(cell, value)
        else:
            cell.value = value
        shown = self.unit.kind.excel if unit == "money" else FORMATS[unit]
        if unit == "money":
            shown = f'{shown};-{shown};"-"'
        where = (
            "right" if formula and fill is None else None
        )  # a text that a formula gives stands where its number would
        self.style(cell, shown, bold, 10, ink or (FORMULA if formula else INPUT), fill, False, 0, where)

    def text(self, row: int, column: int, text: str, *, bold: bool = False, italic: bool = False, size: int = 10,
             ink: str = FORMULA, fill: str | None = None, indent: int = 0, centred: bool = False) -> None:  # fmt: skip
        cell = self.sheet.cell(row, column)
        if text:
            as_text(cell, need("openpyxl.cell.cell").ILLEGAL_CHARACTERS_RE.sub("", text))
        self.style(cell, "@", bold, size, ink, fill, italic, indent, "center" if centred else None)

    def style(self, cell: Any, shown: str, *how: Any) -> None:
        """A cell's looks, each kind made once."""
        key = (shown, *how)
        if key in self.styles:
            cell._style = copy.copy(self.styles[key])
            return
        bold, size, ink, fill, italic, indent, where = how
        styles = need("openpyxl.styles")
        cell.number_format = shown
        cell.font = styles.Font(name="Arial", bold=bold, italic=italic, size=size, color=ink)
        if fill:
            cell.fill = styles.PatternFill("solid", fgColor=fill)
        if indent or where:
            cell.alignment = styles.Alignment(indent=indent, horizontal=where or ("left" if indent else None))
        self.styles[key] = copy.copy(cell._style)

    def checked(self, text: str, formula: str) -> int:
        """A line that is 1 at the dates at which a check holds, and in the column of openings where it holds at all of them."""
        row = self.by_date(text, "flag", formula)
        every = f"{self.letters[0]}{row}:{self.letters[-1]}{row}"
        self.put(row, OPENING, f"=IF(SUM({every})=COUNT({every}),1,0)", "flag")
        self.coloured(f"D{row}:{self.letters[-1]}{row}")
        return row

    def coloured(self, cells: str, good: str = "1", bad: str = "0") -> None:
        """Green where a check holds, red where it does not."""
        rules, styles = need("openpyxl.formatting.rule"), need("openpyxl.styles")
        for value, (fill, ink) in ((good, GOOD), (bad, BAD)):
            self.sheet.conditional_formatting.add(
                cells,
                rules.CellIsRule(
                    operator="equal", formula=[value], font=styles.Font(color=ink, bold=True),
                    fill=styles.PatternFill("solid", bgColor=fill),
                ),
            )  # fmt: skip


def define(book: Any, name: str, cells: str) -> None:
    """A name of a workbook for a place in it."""
    book.defined_names[name] = need("openpyxl.workbook.defined_name").DefinedName(name, attr_text=cells)
