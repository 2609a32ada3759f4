"""Tables by name: mappings and frames as arrays, joined by name and never by position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from waterfalls.arguments import named
from waterfalls.errors import Fault, InvalidTerms, refuse, strangers
from waterfalls.frames import labels, room

Vector = Any  # a mapping or a pandas Series: name -> number or (S,)
Matrix = Any  # a mapping of mappings or a pandas DataFrame (index = rows): row -> column -> number


def unique(names: Iterable[str], what: str) -> tuple[str, ...]:
    """Names as a tuple; one that stands twice is refused."""
    listed = tuple(names)
    twice = [name for name in dict.fromkeys(listed) if listed.count(name) > 1]
    if twice:
        raise InvalidTerms(f"{what}: {', '.join(map(repr, twice))} stands more than once")
    return listed


def vector(table: Vector, names: Sequence[str], what: str, *, otherwise: float | None = None) -> np.ndarray:
    """What a table says of `names`: (N,), or (S, N) where it says arrays (S,).

    A name the table does not hold takes `otherwise`, or is refused where that is None; a name nobody knows is refused.
    """
    given = dict(table.items())
    found = list(strangers(what, "name", given, names))
    if otherwise is None:
        found += [Fault(what, f"says nothing of {name!r}") for name in names if name not in given]
    refuse(found)
    columns = [np.asarray(given.get(name, otherwise), dtype=np.float64) for name in names]
    for name, column in zip(names, columns, strict=True):
        if np.isnan(column).any():
            raise InvalidTerms(Fault(f"{what}[{name!r}]", "must be a number, got nan"))
    try:
        return np.stack(np.broadcast_arrays(*columns), axis=-1) if columns else np.zeros(0)
    except ValueError:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in zip(names, columns, strict=True))
        raise InvalidTerms(f"{what}: scenarios differ in number: {shapes}") from None


def matrix(
    table: Matrix, rows: Sequence[str], columns: Sequence[str], what: str, *, partial: bool = False
) -> np.ndarray:
    """What a table says of `rows` and `columns` (R, C); what a row does not name is 0.

    Unknown rows and columns are refused with the nearest, and so are rows that are missing unless `partial`.
    """
    given = nested(table)
    found = list(strangers(what, "name", given, rows))
    for row, cells in given.items():
        found += strangers(f"{what}[{row!r}]", "name", cells, columns)
    if not partial:
        found += [Fault(what, f"says nothing of {row!r}") for row in rows if row not in given]
    refuse(found)
    result = np.array(
        [[float(given.get(row, {}).get(name, 0.0)) for name in columns] for row in rows], dtype=np.float64
    )
    result = result.reshape(len(rows), len(columns))
    if not np.isfinite(result).all():
        r, c = np.argwhere(~np.isfinite(result))[0]
        raise InvalidTerms(Fault(f"{what}[{rows[r]!r}][{columns[c]!r}]", f"must be finite, got {result[r, c]}"))
    return result


def rows_of(table: Matrix) -> tuple[str, ...]:
    """The rows a table speaks of, in its order."""
    return tuple(table.index if hasattr(table, "iterrows") else table)


def nested(table: Matrix) -> dict[str, dict[str, float]]:
    """A frame or a mapping of mappings as {row: {column: number}}; cells of a frame that are NaN are left out."""
    if hasattr(table, "iterrows"):
        unique(table.index, "rows")
        unique(table.columns, "columns")
        return {
            row: {name: value for name, value in cells.items() if value == value} for row, cells in table.iterrows()
        }
    return {row: dict(named(f"[{row!r}]", cells).items()) for row, cells in table.items()}


def sized(array: np.ndarray, count: int | None = None) -> np.ndarray:
    """(N,) as (1, N), or as (count, N); (S, N) as it is."""
    made = np.atleast_2d(array)
    return made if count is None else np.broadcast_to(made, (count, made.shape[-1]))


def labelled(values: Mapping[str, np.ndarray], axes: Sequence[tuple[str, Sequence[Any]]], **constant: Any) -> Any:
    """A long frame: a column for each of `constant` and of `axes` (first axis slowest), then the `values`, arrays of that shape."""
    import pandas as pd

    shape = tuple(len(names) for _, names in axes)
    room(int(np.prod(shape)), len(axes) + len(values))
    codes = np.indices(shape).reshape(len(shape), -1)
    index = {name: labels(codes[i], names) for i, (name, names) in enumerate(axes)}
    return pd.DataFrame(
        {**constant, **index, **{name: np.broadcast_to(v, shape).ravel() for name, v in values.items()}}
    )
