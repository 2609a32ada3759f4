"""Frames as aligned text for a terminal, folded where they are wider than it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def text(frame: pd.DataFrame, *, millions: tuple[str, ...] = (), width: int | None = None) -> str:
    """A frame as aligned text: `millions` are shown in millions, ratios to three places; what is unknown is blank.

    A table wider than `width` is folded: the columns before its first number stand again before each part.
    """

    def shown(column: str) -> Any:
        shares = ("attachment", "detachment", "enhancement", "ltv", "headroom_to_trap", "headroom_to_default")

        def one(value: Any) -> str:
            if isinstance(value, str):
                return value
            if value is None or not np.isfinite(value):
                return ""
            if column in millions:
                return unsigned_zero(f"{value / 1e6:,.1f}")
            if column in shares:
                return f"{100 * value:.1f} %"
            return unsigned_zero(f"{value:,.2f}")

        return one

    formatters = {column: shown(str(column)) for column in frame.columns}
    headings = [str(column).replace("_", " ") for column in frame.columns]
    named = frame.rename(columns=dict(zip(frame.columns, headings, strict=True)))
    shown_as: Any = dict(zip(headings, formatters.values(), strict=True))
    told = named.to_string(index=frame.index.name is not None, formatters=shown_as, na_rep="")
    if width is None or max(map(len, told.splitlines())) <= width:
        return told
    if frame.index.name is None:
        keys = max(next((i for i, kind in enumerate(frame.dtypes) if kind.kind in "if"), 1), 1)
        stub = [
            "  ".join(map(str, row))
            for row in zip(*(padded(frame[name]) for name in frame.columns[:keys]), strict=True)
        ]
        named = named.iloc[:, keys:].set_axis(stub, axis=0).rename_axis(columns=" ".join(headings[:keys]))
    return named.to_string(formatters=shown_as, na_rep="", line_width=width).replace(" \\\n", "\n")


def unsigned_zero(number: str) -> str:
    """A number as text, without the sign where it is rounded to 0."""
    return number.removeprefix("-") if not number.strip("-0.") else number


def padded(cells: Any) -> list[str]:
    """Cells as texts of one width."""
    texts = [str(cell) for cell in cells]
    return [text.ljust(max(map(len, texts), default=0)) for text in texts]
