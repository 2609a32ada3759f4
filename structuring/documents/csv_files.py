"""CSV files, as Excel and everybody else write them: UTF-8 with or without its mark, values apart by , ; | or a tab."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structuring.documents.headings import SOUGHT, heading, matched, top_of
from structuring.documents.whole_files import SHIELD, unshield
from waterfalls.errors import Fault, InvalidTerms, refuse

if TYPE_CHECKING:
    import pandas as pd

MARKS = (",", ";", "|", "\t")
DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})*),\d+\s*%?\s*")


def read_csv(path: Path, texts: Iterable[str] | None, wanted: Sequence[str]) -> tuple[pd.DataFrame, range]:
    """The rows under the headings, and their numbers in the file.

    `texts` are the columns that are no numbers even where they look like some; None means all.
    """
    import pandas as pd

    try:
        mark, top = shape_of(path, wanted)
        options: dict[str, Any] = {"encoding": "utf-8-sig", "keep_default_na": False, "na_values": [""], "sep": mark}
        options |= {"header": top, "skip_blank_lines": False, "low_memory": False}
        if texts is None or mark == ";":
            kinds: Any = str
        else:
            names = pd.read_csv(path, nrows=0, **options).columns
            kinds = {name: str for name in names if heading(name) in set(texts)}
        frame = pd.read_csv(path, dtype=kinds, **options)
    except UnicodeDecodeError:
        raise InvalidTerms("is not UTF-8: save it as 'CSV UTF-8'") from None
    except pd.errors.ParserError as error:
        raise InvalidTerms(uneven(str(error))) from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise InvalidTerms("its rows have more cells than there are headings")
    numbers = range(top + 2, top + 2 + len(frame))
    for name in frame.columns:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name]):
            if mark == ";":
                refuse_decimal_commas(frame[name], numbers)
            shielded = frame[name].astype(str).str.startswith(SHIELD, na=False)
            frame.loc[shielded, name] = frame.loc[shielded, name].map(unshield)
    return frame, numbers


def shape_of(path: Path, wanted: Sequence[str]) -> tuple[str, int]:
    """What stands between the values of a file, and which line holds its headings."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = [line.rstrip("\r\n") for line in itertools.islice(file, SOUGHT)]
    shapes = []
    for mark in MARKS:
        rows = [next(csv.reader([line], delimiter=mark), []) for line in lines]
        top = top_of(rows, wanted)
        shapes.append((matched(rows[top], wanted) if rows else 0, len(rows[top]) if rows else 0, mark, top))
    best = max(shapes, key=lambda shape: shape[:2])
    return best[2:]


def uneven(said: str) -> str:
    """What pandas says of a row with more cells than the others, in our words."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said)
    if not found:
        if opened := re.search(r"EOF inside string starting at row (\d+)", said):
            return f"a quotation mark opens a text that nothing closes, in row {int(opened[1]) + 1} or below"
        return f"cannot be read as a table: {said.removeprefix('Error tokenizing data. C error: ')}"
    return f"row {found[2]} has {found[3]} cells under {found[1]} headings: quote a text that holds what stands between values"


def refuse_decimal_commas(column: Any, numbers: Sequence[int]) -> None:
    """Refuses numbers whose comma may be a decimal point, as it is where values stand apart by semicolons."""
    odd = [
        Fault(f"row {number}, {heading(column.name)}", f"write a point, not a comma, before decimals, got {cell!r}")
        for number, cell in zip(numbers, column, strict=True)
        if isinstance(cell, str) and DECIMAL_COMMA.fullmatch(cell)
    ]
    refuse(odd)
