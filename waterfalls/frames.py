"""What every long frame shares: ordered categoricals, a bound on its rows, and Arrow for those who read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from waterfalls.doors import need
from waterfalls.errors import TooLarge

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_ROWS = 10_000_000


def room(rows: int, columns: int, instead: str = "take fewer scenarios, shocks or pairs, or the arrays") -> None:
    """Refuses a frame above ten million rows."""
    if rows > MOST_ROWS:
        raise TooLarge(f"a frame of {rows:,} rows needs about {rows * columns * 8 / 1e9:.1f} GB; {instead}")


def labels(codes: np.ndarray, names: Sequence[Any]) -> Any:
    """An ordered categorical of names, or the numbers of a range."""
    import pandas as pd

    if isinstance(names, range):
        return codes + names.start
    return pd.Categorical.from_codes(codes, list(names), ordered=True)


def arrow_stream(frame: pd.DataFrame, requested_schema: object = None) -> object:
    """A frame as a stream of Arrow's C interface, which polars, DuckDB and pyarrow read; needs pyarrow (extra `report`).

    Source: the Arrow PyCapsule interface, `__arrow_c_stream__`.
    """
    table = need("pyarrow").Table.from_pandas(frame, preserve_index=False)
    return table.__arrow_c_stream__(requested_schema)
