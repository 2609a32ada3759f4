"""The rows of a loan tape: read as numbers, checked with every fault told, and those that are alike taken together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from structuring.scenarios.index_paths import Accrual
from waterfalls.clock.conventions import DAY_COUNTS, FREQUENCIES
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.coupons import Floating

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COLUMNS = ("balance", "rate", "remaining_term", "age", "interest_only", "every", "level", "over", "accrual")
REQUIRED = ("balance", "rate", "remaining_term")
FLOATS = ("index", "margin", "floor", "cap", "reset", "first_reset", "periodic_cap")
OPTIONAL = ("loan", "age", "interest_only", "payment", "amortisation_term", "frequency", "day_count", *FLOATS)
TEXTS = ("loan", "payment", "frequency", "day_count", "index", "reset")
WHOLE = {"remaining_term": 1, "age": 0, "interest_only": 0, "amortisation_term": 1, "first_reset": 0}  # at least this
PAYMENTS = ("level", "equal principal")


def numbers(column: Any) -> np.ndarray:
    """A column as numbers, NaN where it holds none."""
    import numpy as np
    import pandas as pd

    from structuring.documents.tables import numeral

    found: Any = pd.to_numeric(column, errors="coerce")
    values = found.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if pd.api.types.is_bool_dtype(column):
        return np.full(len(column), np.nan)
    # texts such as '1,250.5' and '4.5%', and truths, which are no numbers
    if not pd.api.types.is_numeric_dtype(column):
        truths = column.map(type).isin((bool, np.bool_)).to_numpy()
        odd = np.flatnonzero(column.notna().to_numpy() & (np.isnan(values) | truths))
        values[odd] = [np.nan if (number := numeral(column.iloc[row])) is None else number for row in odd.tolist()]
    return values


def checked(frame: pd.DataFrame, where: str) -> tuple[dict[str, Any], tuple[Accrual, ...]]:
    """Columns as numbers and the accruals they name, or every fault of every row, whose number is the frame's index."""
    import numpy as np
    import pandas as pd

    faults: list[tuple[int, str, str]] = []

    def blame(rows: Any, column: str, why: str) -> None:
        wrong = np.flatnonzero(rows)
        for row, given in zip(wrong.tolist(), frame[column].iloc[wrong], strict=True):
            shown = "nothing" if pd.isna(given) else repr(given.item() if hasattr(given, "item") else given)
            faults.append((row, column, f"{why}, got {shown}"))

    count = len(frame)
    base = {"age": 0.0, "interest_only": 0.0, "first_reset": 0.0}
    floats = frame["index"].notna().to_numpy() if "index" in frame.columns else np.zeros(count, dtype=bool)
    columns: dict[str, np.ndarray] = {name: np.full(count, value) for name, value in base.items()}
    for name in ("balance", "rate", *WHOLE):
        if name not in frame.columns:
            continue
        values = numbers(frame[name])
        sound, least = np.isfinite(values), WHOLE.get(name, 0)
        values[~sound] = np.nan
        optional = frame[name].isna().to_numpy() & (floats if name == "rate" else name in OPTIONAL)
        what = "a whole number" if name in WHOLE else "a number"
        blame(~sound & ~optional, name, f"must be {what}")
        blame(sound & (values < least), name, f"must be at least {least}")
        if name in WHOLE:
            blame(sound & (values != np.floor(values)) & (values >= least), name, "must be a whole number")
        if name == "rate":
            blame(sound & (values > 1.0), name, "must be a decimal such as 0.065")
        columns[name] = np.where(optional, base.get(name, 0.0 if name == "rate" else np.nan), values)
    if "loan" in frame.columns:
        blame(frame["loan"].isna().to_numpy(), "loan", "must be a name")
        blame(frame["loan"].duplicated().to_numpy() & frame["loan"].notna().to_numpy(), "loan", "stands more than once")
    columns["level"], columns["every"] = np.ones(count), np.ones(count)
    if "frequency" in frame.columns:
        given = frame["frequency"].astype(object).fillna("monthly")
        blame(~given.isin(FREQUENCIES).to_numpy(), "frequency", f"must be one of {', '.join(map(repr, FREQUENCIES))}")
        columns["every"] = np.array([12.0 / FREQUENCIES.get(name, 12) for name in given])
        for name in ("remaining_term", "interest_only", "amortisation_term", "first_reset"):
            if name in frame.columns:
                blame(columns[name] % columns["every"] > 0.0, name, "must be whole periods of the frequency")
    if "payment" in frame.columns:
        given = frame["payment"].astype(object).fillna("level")
        blame(~given.isin(PAYMENTS).to_numpy(), "payment", f"must be one of {', '.join(map(repr, PAYMENTS))}")
        columns["level"] = (given == "level").to_numpy(dtype=np.float64)
    term, only = columns["remaining_term"], columns["interest_only"]
    over = columns.pop("amortisation_term", np.full(count, np.nan))
    if "interest_only" in frame.columns:
        blame(only > term, "interest_only", "must not exceed the remaining term")
    if "amortisation_term" in frame.columns:
        blame(over < term - only, "amortisation_term", "must reach the end of the remaining term")
    columns["over"] = np.where(np.isnan(over), np.maximum(term - only, columns["every"]), over)
    columns["accrual"], accruals = accruals_of(frame, floats, columns, blame)
    del columns["first_reset"]
    if faults:
        lines = frame.index
        raise InvalidTerms([Fault(f"{where}row {lines[row]}, {column}", why) for row, column, why in sorted(faults)])
    return columns, accruals


def accruals_of(
    frame: pd.DataFrame, floats: np.ndarray, columns: Mapping[str, np.ndarray], blame: Callable[[Any, str, str], None]
) -> tuple[np.ndarray, tuple[Accrual, ...]]:
    """The number of each row's accrual (L,), and the accruals; faults are told to `blame`."""
    import numpy as np
    import pandas as pd

    count = len(frame)
    if not {"index", "day_count", *FLOATS} & set(frame.columns):
        return np.zeros(count), (Accrual(),)
    for name in FLOATS:
        if name in frame.columns:
            blame(frame[name].notna().to_numpy() & ~floats, name, "belongs to a loan with an index")
    given: dict[str, Any] = {"index": np.where(floats, frame["index"] if "index" in frame.columns else "", "")}
    for name in ("margin", "floor", "cap", "periodic_cap"):
        values = numbers(frame[name]) if name in frame.columns else np.full(count, np.nan)
        if name in frame.columns:
            blame(floats & (np.abs(values) > 1.0), name, "must be a decimal such as 0.055")
            wanted = floats if name == "margin" else floats & frame[name].notna().to_numpy()
            blame(wanted & np.isnan(values), name, "must be a number")
        elif name == "margin" and floats.any():
            blame(floats, "index", "needs a margin")
        given[name] = values
    if "cap" in frame.columns:
        blame(given["cap"] < given["floor"], "cap", "must not be below the floor")
    months = columns["every"]
    if "reset" in frame.columns:
        said = frame["reset"].astype(object)
        blame(floats & said.notna() & ~said.isin(FREQUENCIES), "reset", f"must be one of {', '.join(FREQUENCIES)}")
        months = np.array(
            [12.0 / FREQUENCIES.get(x, 12) if x in FREQUENCIES else e for x, e in zip(said, months, strict=True)]
        )
        blame(floats & (months % columns["every"] > 0.0), "reset", "must not come more often than interest is paid")
    first = np.nan_to_num(columns["first_reset"])  # NaN is a fault told
    given |= {"reset": np.where(floats, months, 1.0), "first": first}
    given["start"] = np.where(given["first"] > 0.0, columns["rate"], np.nan)  # what the first reset moves from
    given["start"] = np.where(np.isnan(given["periodic_cap"]), np.nan, given["start"])
    given["day_count"] = np.full(count, "30/360", dtype=object)
    if "day_count" in frame.columns:
        said = frame["day_count"].astype(object).fillna("30/360")
        blame(~said.isin(DAY_COUNTS), "day_count", f"must be one of {', '.join(DAY_COUNTS)}")
        given["day_count"] = said.to_numpy()
    if "first_reset" in frame.columns:
        blame(floats & (given["first"] > 0.0) & frame["rate"].isna(), "rate", "must be what it bears until its reset")
    table: Any = pd.DataFrame(given)
    code = table.groupby(list(given), sort=False, dropna=False).ngroup().to_numpy()
    accruals = [Accrual()]
    for row in table[~pd.Series(code).duplicated()].to_dict("records"):
        floor, cap = (None if np.isnan(row[name]) else row[name] for name in ("floor", "cap"))
        broken = row["index"] and (np.isnan(row["margin"]) or abs(row["margin"]) > 1.0)
        broken = broken or (floor is not None and cap is not None and cap < floor)
        known = row["index"] and not broken
        coupon = Floating(str(row["index"]), float(row["margin"]), floor=floor, cap=cap) if known else None
        moves, start = (None if np.isnan(row[name]) else row[name] for name in ("periodic_cap", "start"))
        accruals.append(Accrual(coupon, int(row["reset"]), int(row["first"]), row["day_count"], moves, start))
    unlike = {accrual: k for k, accrual in enumerate(dict.fromkeys(accruals))}
    return np.array([float(unlike[accruals[k + 1]]) for k in code]), tuple(unlike)


def grouped(columns: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows that differ in nothing but their balance as one line, which is exact, and the line of each row."""
    import numpy as np
    import pandas as pd

    alike: Any = pd.DataFrame(dict(columns)).groupby([name for name in COLUMNS if name != "balance"])
    table = alike[["balance"]].sum().reset_index()
    return {name: np.array(table[name], dtype=np.float64) for name in COLUMNS}, alike.ngroup().to_numpy()
