"""Paths: many unnamed scenarios at once, as arrays by driver, given or drawn at random."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from structuring.scenarios.drivers import DRIVERS
from waterfalls.arguments import floats, function, takes, whole
from waterfalls.errors import Fault, InvalidTerms, refuse, unknown

if TYPE_CHECKING:
    import numpy as np

    from structuring.simulation.random_numbers import Draws

Draw = Callable[["Draws"], Mapping[str, Any]]


class Paths:
    """S unnamed scenarios, one a row.

    Each driver is an array (S,), or (S, N) with a value per period or month, or one array per name
    (`tenant_default={"Acme": years}`); drivers that are dates are years from the start of the schedule, infinity never.
    With `draw`, the arrays come from a function of `Draws`, which is keyed by seed and path number, so that any part of
    the paths has the same numbers however they are cut:

        Paths(10_000, seed=7, draw=lambda draws: {"gpu_price": exp(0.3 * draws.normal(1))})
    """

    @takes(count=whole(), seed=whole(0), draw=function)
    def __init__(self, count: int | None = None, *, seed: int = 0, draw: Draw | None = None, **drivers: Any) -> None:
        if (draw is None) != bool(drivers):
            raise InvalidTerms("Paths: give arrays by driver or a function to draw them, one of the two")
        if draw is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise InvalidTerms(f"Paths.count: must be a whole number of paths, at least 1, got {count!r}")
        self.seed, self.draw, self.first = seed, draw, 0
        self._arrays = rows_of(drivers, count) if draw is None else None
        self.count = count if count is not None else rows_in(self._arrays or {})

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"Paths({self.count} paths from {self.first}, seed {self.seed})"

    @property
    def names(self) -> range:
        """The numbers of the paths."""
        return range(self.first, self.first + self.count)

    @property
    def arrays(self) -> Mapping[str, Any]:
        """The rows by driver, and by name where a driver was given so; drawn when first asked for."""
        if self._arrays is None:
            from structuring.simulation.random_numbers import Draws

            assert self.draw is not None
            self._arrays = rows_of(self.draw(Draws(self.seed, self.first, self.count)), self.count)
        return self._arrays

    def rows(self, part: slice) -> Paths:
        """The paths of a slice; they keep their numbers."""
        start, stop, step = part.indices(self.count)
        if step != 1:
            raise InvalidTerms(f"Paths.rows: a slice must have step 1, got {step}")
        cut = object.__new__(Paths)
        cut.seed, cut.draw, cut.first, cut.count = self.seed, self.draw, self.first + start, max(stop - start, 0)
        cut._arrays = None
        if self._arrays is not None:
            cut._arrays = {driver: each(rows, lambda row: row[start:stop]) for driver, rows in self._arrays.items()}
        return cut


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """What a driver says, changed: one value, or one a name."""
    return {name: each(part, change) for name, part in value.items()} if isinstance(value, Mapping) else change(value)


def rows_in(arrays: Mapping[str, Any]) -> int:
    """How many rows arrays have."""
    first = next(iter(arrays.values()))
    return len(next(iter(first.values())) if isinstance(first, Mapping) else first)


def rows_of(drivers: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    """Arrays (S, N) by driver, checked: known drivers, equal lengths, numbers within the bounds of the table."""
    found: list[Fault] = []
    arrays: dict[str, Any] = {}
    for driver, given in drivers.items():
        if driver not in DRIVERS:
            found.append(Fault("Paths", unknown("driver", driver, DRIVERS)))
            continue
        parts = given if isinstance(given, Mapping) else {"": given}
        rows = {name: as_rows(driver, name, part, found) for name, part in parts.items()}
        arrays[driver] = rows if isinstance(given, Mapping) else rows[""]
    every = [(d, row) for d, rows in arrays.items() for row in (rows.values() if isinstance(rows, Mapping) else [rows])]
    wanted = count if count is not None else max((len(row) for _, row in every), default=0)
    for driver, row in every:
        if len(row) != wanted:
            found.append(Fault(f"Paths.{driver}", f"must have {wanted} rows, one a path, got {len(row)}"))
    refuse(found)
    return arrays


def as_rows(driver: str, name: str, given: Any, found: list[Fault]) -> np.ndarray:
    """One array (S, N) of a driver, its faults added to `found`."""
    import numpy as np

    row, place = DRIVERS[driver], f"Paths.{driver}" + (f"[{name!r}]" if name else "")
    if row.shape == "date" and isinstance(given, datetime.date):
        found.append(
            Fault(place, "must be years from the start of the schedule, one a path: a date belongs to a Scenario")
        )
        return np.zeros((1, 1))
    read = floats(given)
    if read is None:
        found.append(Fault(place, f"must be an array of numbers, got {type(given).__name__}"))
        return np.zeros((1, 1))
    array = np.array(read, order="C")  # a copy, which nobody else can change
    array.setflags(write=False)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.size == 0 or (row.shape in ("once", "date") and array.shape[1] != 1):
        wanted = "(paths,)" if row.shape in ("once", "date") else f"(paths,) or (paths, {row.shape}s)"
        found.append(Fault(place, f"must have the shape {wanted}, got {np.shape(given)}"))
        return np.zeros((1, 1))
    infinite = np.isinf(array) & (row.shape != "date")
    wrong = ~(array >= row.low) | ~(array <= row.high) | infinite
    if wrong.any():
        s, n = np.argwhere(wrong)[0]
        bounds = f"between {row.low:g} and {row.high:g}" if row.high < np.inf else f"at least {row.low:g}"
        found.append(Fault(place, f"must be a number {bounds} ({row.unit}), got {array[s, n]:g} in path {s}"))
    elif row.whole and (part := array != np.floor(array)).any():
        s, n = np.argwhere(part)[0]
        found.append(Fault(place, f"must be {row.unit}, got {array[s, n]:g} in path {s}"))
    return array
