"""Headings: the row of a table that names its columns, which may stand below titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

SOUGHT = 20  # rows in which headings are sought


def heading(name: object) -> str:
    """A heading as the name of a field: in small letters, with _ for spaces and hyphens."""
    return "_".join(re.split(r"[\s_-]+", str(name).strip().lower()))


def matched(cells: Iterable[Any], wanted: Sequence[str]) -> int:
    """How many cells of a row name a column that may be there."""
    return len({heading(cell) for cell in cells if cell is not None} & set(wanted))


def top_of(rows: Sequence[Sequence[Any]], wanted: Sequence[str]) -> int:
    """Which of the first rows holds the headings: the one that names most columns, the first where none names two.

    One name alone may stand in a title.
    """
    counts = [matched(row, wanted) for row in rows[:SOUGHT]]
    best = max(counts, default=0)
    first = next((i for i, row in enumerate(rows) if any(str(cell or "").strip() for cell in row)), 0)
    return counts.index(best) if best > 1 or len(wanted) == 1 else first
