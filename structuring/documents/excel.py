"""Reads one sheet of an Excel workbook as a frame, with the row numbers that messages name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structuring.documents.headings import top_of
from waterfalls.doors import need
from waterfalls.errors import Fault, InvalidTerms, refuse, unknown

if TYPE_CHECKING:
    import pandas as pd


def read_workbook(path: Path, sheet: str | None, wanted: Sequence[str] = ()) -> tuple[str, pd.DataFrame, list[int]]:
    """The name of a sheet, its cells under its headings, and the number of each row.

    A workbook of several visible sheets needs `sheet` said. Cells are values: a date is a date, 4.5 % is 0.045.
    """
    import pandas as pd

    name, rows = cells(path, sheet, values=True)
    rows = {number: row for number, row in rows.items() if any(not empty(value) for value in row)}
    if not rows:
        raise InvalidTerms(f"sheet {name!r} holds nothing")
    top = list(rows)[top_of(list(rows.values()), wanted)]
    names = rows[top]
    rows = {number: row for number, row in rows.items() if number > top}
    columns = [f"unnamed: {letter(k)}" if empty(given) else str(given) for k, given in enumerate(names)]
    width = max([len(columns), *map(len, rows.values())])
    columns += [f"unnamed: {letter(k)}" for k in range(len(columns), width)]
    full = {number: [*row, *[None] * (width - len(row))] for number, row in rows.items()}
    holes = [(number, k) for number, row in full.items() for k, value in enumerate(row) if value is None]
    if holes:
        _, formulas = cells(path, name, values=False)
        found = [
            Fault(f"sheet {name!r}, row {number}, {columns[k]}", "a formula whose value is not in the file: open and save it in Excel")
            for number, k in holes
            if k < len(formulas.get(number, ())) and formulas[number][k] is not None
        ]  # fmt: skip
        refuse(found)
    return name, pd.DataFrame(list(full.values()), columns=pd.Index(columns), dtype=object), list(full)


def cells(path: Path, sheet: str | None, *, values: bool) -> tuple[str, dict[int, tuple[Any, ...]]]:
    """The cells of a sheet by the number of the row: values, or the formulas behind them."""
    openpyxl = need("openpyxl")
    with warnings.catch_warnings():  # of styles and of extensions, which do not touch values
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=values)
        except Exception as error:  # a damaged file fails in as many ways as there are damages
            raise InvalidTerms(f"cannot be read as a workbook: {error}") from None
        try:
            names = [each.title for each in book.worksheets if each.sheet_state == "visible"]
            if sheet is None and len(names) != 1:
                raise InvalidTerms(f"has {len(names)} sheets, say which: {', '.join(map(repr, names))}")
            if sheet is not None and sheet not in book.sheetnames:
                raise InvalidTerms(unknown("sheet", sheet, names))
            name = names[0] if sheet is None else sheet
            return name, dict(enumerate(book[name].iter_rows(values_only=True), 1))
        except SyntaxError as error:  # of XML: a sheet is parsed as it is read
            raise InvalidTerms(f"cannot be read as a workbook: a sheet is no XML: {error}") from None
        finally:
            book.close()


def empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def letter(k: int) -> str:
    """The column of a sheet by its letters."""
    return (letter(k // 26 - 1) if k >= 26 else "") + chr(ord("A") + k % 26)
