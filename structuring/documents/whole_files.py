"""Files that are written whole or not at all, and texts in them that no spreadsheet takes for a formula."""

from __future__ import annotations

import contextlib
import io
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waterfalls.doors import need
from waterfalls.errors import FirstLossError

if TYPE_CHECKING:
    import pandas as pd

FORMULA = re.compile(r"[=+\-@\t\r]")  # what a cell begins with that a spreadsheet evaluates
NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?%?|-")
SHIELD = "'"  # a spreadsheet's own mark of a text


@contextlib.contextmanager
def whole(path: Path | str) -> Iterator[Path]:
    """Where to write a file: beside its place, which it takes at the end of the block, or nothing is there but what was.

    What is no file, such as /dev/stdout, is written to as it is.
    """
    try:
        place = Path(os.path.realpath(path))
        there = place.exists()
    except (OSError, ValueError) as error:  # a path that is none
        raise FirstLossError(f"{str(path)!r} cannot be written: {error}") from None
    beside = place if there and not place.is_file() else place.with_name(f".{uuid.uuid4().hex}{place.suffix}")
    try:
        yield beside
        if beside != place:
            if there:
                os.chmod(beside, place.stat().st_mode)
            os.replace(beside, place)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise FirstLossError(f"{path} cannot be written: {why}") from None
    finally:
        if beside != place:
            with contextlib.suppress(OSError):
                beside.unlink()


def write(path: Path | str, text: str) -> None:
    """Writes a text to a file."""
    with whole(path) as file:
        file.write_text(text, encoding="utf-8")


def write_book(path: Path | str, book: Any) -> None:
    """Writes a workbook of openpyxl to a file."""
    held = io.BytesIO()
    with whole(path) as file:
        book.save(held)
        file.write_bytes(held.getvalue())


def folder(path: Path | str) -> Path:
    """A folder, made where it is not there."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise FirstLossError(f"the folder {str(path)!r} cannot be made: {getattr(error, 'strerror', error)}") from None
    return Path(path)


def csv_of(frame: pd.DataFrame) -> str:
    """A frame as CSV: exact numbers, days as 2026-11-30, nothing for what is not known.

    A text that a spreadsheet would evaluate, such as a deal called `=1+1`, has an apostrophe before it, which our readers
    take off again.
    """
    shielded = frame.copy(deep=False)
    for column in frame.columns:
        if not holds_texts(frame[column]):
            continue
        values = frame[column].astype(object)
        shielded[column] = values.map(lambda value: shield(value) if isinstance(value, str) else value)
    shielded = shielded.set_axis([shield(str(name)) for name in frame.columns], axis=1)
    return shielded.to_csv(index=False, lineterminator="\n")


def holds_texts(values: Any) -> bool:
    """Whether a column of a frame may hold texts."""
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_datetime64_any_dtype(values)


def shield(text: str) -> str:
    """A text as a cell of a CSV file."""
    return f"{SHIELD}{text}" if FORMULA.match(text.lstrip(SHIELD)) and not NUMBER.fullmatch(text) else text


def unshield(text: str) -> str:
    """A cell of a CSV file as the text it is."""
    return text[1:] if text.startswith(SHIELD) and FORMULA.match(text.lstrip(SHIELD)) else text


def as_text(cell: Any, text: str) -> None:
    """Writes a text to a cell of a workbook, where '=1+1' is a name and no formula."""
    cell.value = text
    cell.data_type, cell.number_format = "s", "@"


def excel_of(frame: pd.DataFrame, sheet: str) -> bytes:
    """A frame as a workbook of one sheet."""
    import pandas as pd

    need("openpyxl")
    held = io.BytesIO()
    with pd.ExcelWriter(held, engine="openpyxl") as writer:
        frame.to_excel(writer, index=False, sheet_name=sheet)
        for row in writer.sheets[sheet].iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    as_text(cell, cell.value)
    return held.getvalue()
