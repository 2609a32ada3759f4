"""What a notebook shows: words as a numbered list, a frame as a table, every name escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 24


def listed(title: str, lines: Mapping[str, Iterable[str]]) -> str:
    """A title, and under each heading (none where it is empty) a numbered list of its lines."""
    parts = [f"<p><strong>{escaped(title)}</strong></p>"] if title else []
    for heading, items in lines.items():
        parts += [f"<p>{escaped(heading)}</p>"] if heading else []
        parts.append("<ol>" + "".join(f"<li>{escaped(item)}</li>" for item in items) + "</ol>")
    return "".join(parts)


def tabled(title: str, frame: pd.DataFrame) -> str:
    """A title and the first rows of a frame, numbers aligned and rounded, what is not known blank."""
    shown = frame.head(MOST_ROWS)
    heads = "".join(f"<th>{escaped(str(column).replace('_', ' '))}</th>" for column in frame.columns)
    digits = [decimals(shown.iloc[:, place].tolist()) for place in range(frame.shape[1])]
    rows = "".join(
        "<tr>" + "".join(map(cell, row, digits)) + "</tr>" for row in shown.itertuples(index=False, name=None)
    )
    left = len(frame) - len(shown)
    more = f"<p>and {left:,} rows more: frame()</p>" if left > 0 else ""
    return (
        f"<p><strong>{escaped(title)}</strong></p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}"
    )


def decimals(column: list[Any]) -> int:
    """How many decimals a column of numbers is shown with: the larger they are the fewer."""
    largest = max(
        (abs(value) for value in column if isinstance(value, float) and abs(value) < float("inf")), default=0.0
    )
    return 0 if largest >= 1e5 else 2 if largest >= 10 else 4


def cell(value: Any, digits: int) -> str:
    """One cell of a table."""
    if value is None or value != value:
        return "<td></td>"
    if isinstance(value, float):
        return f'<td style="text-align:right">{value:,.{digits}f}</td>'
    text = value.isoformat()[:10] if hasattr(value, "isoformat") else str(value)
    return f'<td style="text-align:left">{escaped(text)}</td>'


def escaped(text: Any) -> str:
    return html.escape(str(text))
