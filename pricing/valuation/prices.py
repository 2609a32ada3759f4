"""The result of `price`: measures by scenario, shock and tranche, and their frames."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.valuation.measures import CONTRACT, Cells, key_rate_dv01
from waterfalls.arguments import items, number, takes, text
from waterfalls.cashflows import Table
from waterfalls.doors import drawn
from waterfalls.equality import restored
from waterfalls.errors import CannotPrice, refuse, refuse_unknown, strangers
from waterfalls.frames import arrow_stream, labels, room

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects

STATUS = ("priced", "wiped out", "repaid", "undrawn")
TENORS = (0.25, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Prices:
    """Measures (S, K, N) by name: scenario, shock, tranche. `prices["clean"]` is computed when first read.

    `npv` is after the move of rates and `before` the same before it (equal where rates do not move). A tranche that
    neither receives nor pays anything more is worth 0: its `status` is "wiped out", or "repaid" if nothing is owed, or
    "undrawn" if nothing is owed yet.
    `memo` holds what is told beside prices (S, N): balance, what is committed, the face that prices are per 100 of, undiscounted cash, wal, realised loss. `wanted` (S, K) are
    the cells asked for, which frames list.
    """

    deal: str
    currency: str
    valuation: datetime.date
    scenarios: tuple[str, ...] | range
    shocks: tuple[str, ...]
    tranches: tuple[str, ...]
    reference: Any
    measures: Table
    before: np.ndarray
    status: np.ndarray
    memo: Mapping[str, np.ndarray]
    wanted: np.ndarray
    cells: Cells | None = None  # what measures are computed from; streamed prices keep none

    __setstate__ = restored

    def __getitem__(self, measure: str) -> np.ndarray:
        """A measure (S, K, N), read-only."""
        return self.measures[measure]

    @property
    def npv(self) -> np.ndarray:
        """Value in currency units (S, K, N)."""
        return self.measures["npv"]

    @property
    def clean_before(self) -> np.ndarray:
        """Clean prices before a move of rates (S, K, N), per 100: as they were quoted, where `clean` is after it."""
        return self["clean"] + 100.0 * (self.before - self.npv) / self.memo["face"][:, None]

    @takes(tenors=items(number(0.0), "a list of years"))
    def key_rate_dv01(self, tenors: Sequence[float] = TENORS) -> np.ndarray:
        """The dv01 by tenor (S, K, N, B): see `pricing.valuation.measures.key_rate_dv01`."""
        if self.cells is None:
            raise CannotPrice(
                "streamed prices keep no cash flows to take key rates of: price(...) the paths of interest"
            )
        found = np.ascontiguousarray(np.moveaxis(key_rate_dv01(self.cells, tenors), 0, 2))
        found.setflags(write=False)
        return found

    def at(self, scenario: Any, shock: str) -> tuple[int, int]:
        """The row and the column of a scenario and a shock, by name."""
        return position("scenario", scenario, self.scenarios), position("shock", shock, self.shocks)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return arrow_stream(self.frame(), requested_schema)

    def _repr_html_(self) -> str:
        from waterfalls.notebook import tabled

        title = f"{self.deal}: clean price per 100, valued {self.valuation}, scenario {self.reference!r}"
        return tabled(title, prices_by_shock(self).reset_index())

    def plot(self, scenario: Any = None) -> plotly.graph_objects.Figure:
        """Clean prices by tranche and shock in one scenario, the reference unless said, coloured by how far they moved.

        Needs the extra `report`.
        """
        return drawn("prices", self, scenario)

    @takes(measures=items(text, "a list of measures, such as ['clean', 'wal']"))
    def frame(self, measures: Sequence[str] | None = None) -> pd.DataFrame:
        """A long, tidy frame, one row per scenario, shock and tranche: of the usual measures, or those named."""
        measures = [name for name in CONTRACT if name in self.measures] if measures is None else measures
        refuse(strangers("measures", "measure", measures, self.measures))
        s, k = np.nonzero(self.wanted)
        count = len(self.tranches)
        room(len(s) * count, 12 + len(measures))
        index = cell_columns(self, s, k, np.arange(count))
        import pandas as pd

        columns = {name: self.measures[name][s, k].ravel() for name in measures}
        status = pd.Categorical.from_codes(self.status[s].ravel(), list(STATUS))
        return pd.DataFrame({**index, **columns, "status": status})


def position(what: str, name: Any, known: Sequence[Any]) -> int:
    """The position of a name, or an error with the nearest."""
    name = getattr(name, "name", name)
    refuse_unknown(what, name, known)
    return known.index(name)


def called(scenarios: Sequence[Any], s: int) -> str:
    """A scenario's name, or its number as a word."""
    name = scenarios[s]
    return name if isinstance(name, str) else f"path {name}"


def cell_columns(prices: Prices, s: np.ndarray, k: np.ndarray, n: np.ndarray) -> dict[str, Any]:
    """deal, currency, scenario, shock, tranche of the tranches n in each of the cells (s, k)."""
    return {
        "deal": prices.deal,
        "currency": prices.currency,
        "scenario": labels(np.repeat(s, len(n)), prices.scenarios),
        "shock": labels(np.repeat(k, len(n)), prices.shocks),
        "tranche": labels(np.tile(n, len(s)), prices.tranches),
    }


def prices_by_shock(prices: Prices, scenario: Any = None) -> pd.DataFrame:
    """Clean price per 100 by tranche and shock, in one scenario (the reference unless said)."""
    import pandas as pd

    s = prices.at(prices.reference if scenario is None else scenario, "unchanged")[0]
    frame = pd.DataFrame(prices["clean"][s].T, index=list(prices.tranches), columns=list(prices.shocks))
    return frame.rename_axis(index="tranche", columns="shock")
