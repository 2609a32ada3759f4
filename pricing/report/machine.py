"""For machines: a run as one JSON document, and its long frames as Parquet that DuckDB, Spark and pandas read."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.report.case import Case
from structuring.extras import need
from pricing.report.formats import missing
from pricing.report.sheets import sheets

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1


def as_json(case: Case) -> str:
    """A run as JSON: what it is, the tables of the report, every price and loss; amounts in currency units, unknown null.

    {"firstloss-run": 1, "deal", "currency", "valuation", "reference", "stress", "tables": {name: [row]}, "prices": [row],
    "losses": [row]}
    """
    scenario, shock = case.losses.reference
    document = {
        "firstloss-run": VERSION,
        "deal": case.deal.name,
        "currency": case.prices.currency,
        "valuation": case.prices.valuation.isoformat(),
        "reference": {"scenario": scenario, "shock": shock},
        "stress": {"scenario": case.scenario, "shock": case.shock},
        "tables": {sheet.name: records(sheet.frame) for sheet in sheets(case)},
        "prices": records(case.prices.frame()),
        "losses": records(case.losses.frame()),
    }
    return json.dumps(document, indent=1, allow_nan=False)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON values."""
    names = [str(column) for column in frame.columns]
    return [
        {name: plain(value) for name, value in zip(names, row, strict=True)}
        for row in frame.astype(object).itertuples(index=False, name=None)
    ]


def plain(value: Any) -> Any:
    """A value that JSON has: exact numbers, dates as text, what is not known as null."""
    value = value.item() if hasattr(value, "item") else value
    if missing(value):
        return None
    return value.isoformat()[:10] if isinstance(value, datetime.date) else value


def write_parquet(folder: Path | str, frames: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Writes each frame as `folder`/name.parquet: names as strings, days as dates, no index; gives the files."""
    arrow, parquet = need("pyarrow"), need("pyarrow.parquet")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for name, frame in frames.items():
        table = arrow.Table.from_pandas(portable(frame), preserve_index=False).replace_schema_metadata(None)
        files.append(place / f"{name}.parquet")
        parquet.write_table(table, files[-1])
    return files


def portable(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose categories are strings and whose timestamps are days, as every reader of Parquet has them."""
    import pandas as pd

    changed = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            changed[column] = values.astype(object)
        elif pd.api.types.is_datetime64_any_dtype(values):
            changed[column] = values.dt.date
    return frame.assign(**changed)
