"""Results for machines: one JSON document, or Parquet files that DuckDB, Spark and pandas read."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricing.report.contents.stress_result import StressResult
from pricing.report.several_stresses import tables
from pricing.tables.number_formats import missing
from structuring.documents.whole_files import folder as folder_of
from structuring.documents.whole_files import whole
from waterfalls.doors import need
from waterfalls.errors import Fault, InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
REFUSED = re.compile(r"[ ,;{}()\n\t=]")  # in the name of a column, by Spark


def as_json(case: StressResult, *others: StressResult) -> str:
    """A run as JSON: what it is, the tables of the report, every price and loss; amounts in currency units, unknown null.

    {"firstloss-run": 1, "deal", "currency", "valuation", "reference", "stress", "stresses", "tables": {name: [row]},
    "prices": [row], "losses": [row]}; "stress" is the first of "stresses", the tables of the second end in _2.
    """
    scenario, shock = case.losses.reference
    document = {
        "firstloss-run": VERSION,
        "deal": case.deal.name,
        "currency": case.prices.currency,
        "valuation": case.prices.valuation.isoformat(),
        "reference": {"scenario": scenario, "shock": shock},
        "stress": {"scenario": case.scenario, "shock": case.shock},
        "stresses": [{"scenario": each.scenario, "shock": each.shock} for each in (case, *others)],
        "tables": {sheet.name: records(sheet.frame) for sheet in tables((case, *others))},
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
    """Writes each frame as `folder`/name.parquet, for DuckDB and Spark; gives the files.

    Names are strings, days dates, times in microseconds; there is no index and no column without a type. In the name of
    a column _ stands for what Spark refuses there: blanks and ,;{}()= ("trigger cash trap" is trigger_cash_trap).
    """
    arrow, parquet = need("pyarrow"), need("pyarrow.parquet")
    place = Path(folder)
    folder_of(place)
    files = []
    for name, frame in frames.items():
        table = arrow.Table.from_pandas(portable(frame), preserve_index=False).replace_schema_metadata(None)
        for i, field in enumerate(table.schema):
            if arrow.types.is_null(field.type):  # nothing known in any row: Spark reads no column without a type
                table = table.set_column(i, field.name, table.column(i).cast(arrow.string()))
        files.append(place / f"{name}.parquet")
        with whole(files[-1]) as file:
            parquet.write_table(table, file, coerce_timestamps="us")
    return files


def portable(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose categories are strings and whose days are dates, as every reader of Parquet has them."""
    import pandas as pd

    names = [REFUSED.sub("_", str(column)) for column in frame.columns]
    if alike := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidTerms([Fault(name, "would be the name of several columns in Parquet") for name in alike])
    frame = frame.set_axis(names, axis=1)

    changed = {}
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            changed[column] = values.astype(object)
        elif pd.api.types.is_datetime64_any_dtype(values) and not (values.dt.normalize() < values).any():
            changed[column] = values.dt.date
    return frame.assign(**changed)
