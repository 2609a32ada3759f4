"""Frames as aligned text for a terminal, folded where they are wider than it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pricing.tables.number_formats import NARROW, Unit, heading, shown

MILLIONS = Unit("", 1e6)


def text(
    frame: pd.DataFrame,
    *,
    millions: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    unit: Unit = MILLIONS,
    width: int | None = None,
) -> str:
    """A frame as aligned text: columns of `kinds` as these are shown, `millions` in millions, other numbers to two places.

    What is unknown is blank. A table wider than `width` is folded: the columns before its first number stand again before
    each part.
    """
    by_column = {**dict.fromkeys(millions, "money"), **(kinds or {})}
    headings = [heading(str(column), by_column.get(str(column), "quote"), unit) for column in frame.columns]

    def cells(column: Any) -> list[str]:
        kind = by_column.get(str(column), "quote")
        texts = [value if isinstance(value, str) else shown(value, kind, unit) for value in frame[column]]
        return [text.replace(NARROW, " ") for text in texts]

    named = pd.DataFrame(
        {heading: cells(column) for heading, column in zip(headings, frame.columns, strict=True)}, index=frame.index
    )
    told = named.to_string(index=frame.index.name is not None)
    if width is None or max(map(len, told.splitlines())) <= width:
        return told
    if frame.index.name is None:
        keys = max(next((i for i, kind in enumerate(frame.dtypes) if kind.kind in "if"), 1), 1)
        lined = (padded([head, *named[head]]) for head in headings[:keys])
        first, *rows = ("  ".join(row) for row in zip(*lined, strict=True))
        named = named.iloc[:, keys:].set_axis(rows, axis=0).rename_axis(columns=first)
    return named.to_string(line_width=width).replace(" \\\n", "\n")


def padded(cells: Any) -> list[str]:
    """Cells as texts of one width."""
    texts = [str(cell) for cell in cells]
    return [text.ljust(max(map(len, texts), default=0)) for text in texts]


def lined_up(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Rows of texts in columns two blanks apart, each to the left (<) or the right (>) as `sides` says."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(sides))]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in rows
    )
