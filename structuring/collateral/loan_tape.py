"""The loans of a pool: representative lines, or a tape with a row a loan, which is read, checked and grouped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.equality import equal_fields, hash_of_fields
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.bounded_numbers import Months, NotNegative, Share
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

REQUIRED = ("balance", "rate", "remaining_term")
OPTIONAL = ("loan", "age", "interest_only", "payment", "amortisation_term", "frequency")
WHOLE = {"remaining_term": 1, "age": 0, "interest_only": 0, "amortisation_term": 1}  # whole numbers, at least this
PAYMENTS = ("level", "equal principal")
COLUMNS = ("balance", "rate", "remaining_term", "age", "interest_only", "every", "level", "over")


@term
class LoanLine:
    """Loans that are alike, as one: `balance` outstanding, `rate` a year, `remaining_term` months to go, `age` gone by.

    Interest alone falls due in the first `interest_only` months (all of them make a bullet). Then `payment` is level, or
    of equal principal, over `amortisation_term` months; what a shorter remaining term leaves is a balloon at its end.
    With `principal`, those amounts fall due one by one instead, and the rest at the end. `frequency` is how often loans
    pay, at rate / payments a year; they default and prepay when they pay, at the rates of the months since, compounded.
    """

    balance: NotNegative
    rate: Share
    _: KW_ONLY
    remaining_term: Annotated[int, Field(gt=0)]
    age: Months = 0
    interest_only: Months = 0
    payment: Literal["level", "equal principal"] = "level"
    amortisation_term: Annotated[int, Field(gt=0)] | None = None
    principal: Listed[NotNegative] = items()
    frequency: Literal["monthly", "quarterly", "semiannual", "annual"] = "monthly"

    @property
    def every(self) -> int:
        """Months from one payment to the next."""
        return 12 // FREQUENCIES[self.frequency]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        every = 12 // FREQUENCIES[fields.get("frequency", "monthly")]
        for name in ("remaining_term", "interest_only", "amortisation_term"):
            if (fields.get(name) or 0) % every:
                yield Fault(name, f"must be whole periods of {every} months, got {fields[name]}")
        term, only, over = (fields.get(name) for name in ("remaining_term", "interest_only", "amortisation_term"))
        if term is not None and only is not None:
            if only > term:
                yield Fault("interest_only", f"must not exceed the remaining term of {term} months, got {only}")
            elif over is not None and over < term - only:
                yield Fault(
                    "amortisation_term", f"must reach the end of the remaining term, {term - only} months, got {over}"
                )
        principal, balance = fields.get("principal", ()), fields.get("balance")
        if principal and balance is not None and sum(principal) > balance * (1.0 + 1e-9):
            yield Fault("principal", f"must not exceed the balance {balance:,.2f}, got {sum(principal):,.2f}")
        if principal and term is not None and len(principal) * every > term:
            yield Fault(
                "principal", f"must not outlast the remaining term of {term} months, got {len(principal) * every}"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Tape:
    """Lines as columns (L,), float64: `over` is the months of amortisation, `level` 1.0 or 0.0 for equal principal,
    `every` the months from one payment to the next.

    `fixed` holds, by row, scheduled amounts that stand instead.
    """

    balance: np.ndarray
    rate: np.ndarray
    remaining_term: np.ndarray
    age: np.ndarray
    interest_only: np.ndarray
    every: np.ndarray
    level: np.ndarray
    over: np.ndarray
    fixed: Mapping[int, tuple[float, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            getattr(self, name).setflags(write=False)

    __eq__ = equal_fields
    __hash__ = hash_of_fields

    def __len__(self) -> int:
        return len(self.balance)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.is_instance_schema(cls)  # as it is: its columns were checked when it was read

    def __str__(self) -> str:
        raise InvalidTerms(
            "a pool read from a tape cannot be written to a deal file: give it as lines, or name the tape in the file, "
            "lines: {file: tape.csv}"
        )

    @staticmethod
    def __text__(text: object) -> Tape:
        raise InvalidTerms(f"must be a list of lines, got {text!r}: a tape is {{file: tape.csv}}")

    @classmethod
    def of(cls, lines: Sequence[LoanLine]) -> Tape:
        """Lines as columns."""
        import numpy as np

        over = [line.amortisation_term or max(line.remaining_term - line.interest_only, line.every) for line in lines]
        given = {name: [getattr(line, name) for line in lines] for name in COLUMNS[:6]}
        level = [line.payment == "level" for line in lines]
        arrays = {k: np.array(v, dtype=np.float64) for k, v in {**given, "level": level, "over": over}.items()}
        return cls(**arrays, fixed={k: line.principal for k, line in enumerate(lines) if line.principal})

    @classmethod
    def read(cls, source: pd.DataFrame | Path | str, *, sheet: str | None = None, ignore: Iterable[str] = ()) -> Tape:
        """A tape from a frame, a CSV, Parquet or Excel file; refused with every fault of every row where there is one."""
        from structuring.documents.headings import heading
        from structuring.documents.tables import faults_of_headings, frame_of

        known = (*REQUIRED, *OPTIONAL)
        frame, where = frame_of(source, sheet=sheet, texts=("loan", "payment", "frequency"), wanted=known)
        where, leave = where or "tape, ", [heading(name) for name in ignore]
        place = where.rstrip(", ")
        faults = faults_of_headings(place, list(frame.columns), REQUIRED, OPTIONAL, leave)
        if faults:
            raise InvalidTerms(faults)
        if frame.empty:
            raise InvalidTerms([Fault(place, "at least one row is needed")])
        return grouped(checked(frame.drop(columns=leave), where))

    __table__ = read  # what a deal file names a table for

    def rows(self, part: slice) -> Tape:
        """The lines of a slice."""
        start, stop, _ = part.indices(len(self))
        fixed = {k - start: amounts for k, amounts in self.fixed.items() if start <= k < stop}
        return Tape(**{name: getattr(self, name)[part] for name in COLUMNS}, fixed=fixed)

    def some(self, chosen: np.ndarray) -> Tape:
        """The lines chosen by a mask (L,)."""
        import numpy as np

        (rows,) = np.nonzero(chosen)
        fixed = {k: self.fixed[row] for k, row in enumerate(rows.tolist()) if row in self.fixed} if self.fixed else {}
        return Tape(**{name: getattr(self, name)[rows] for name in COLUMNS}, fixed=fixed)

    def split(self, names: Sequence[str]) -> list[Tape]:
        """The lines in groups that share the values of some columns; without columns, all of them."""
        import numpy as np

        columns = [getattr(self, name) for name in names]
        columns = [column for column in columns if (column != column[0]).any()]
        if not columns:
            return [self]
        keys = np.stack(columns, axis=1)
        _, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.reshape(-1)
        parts = []
        for g in range(group.max() + 1):
            parts.append(self.some(group == g))
        return parts


def numbers(column: Any) -> np.ndarray:
    """A column as numbers, NaN where it holds none."""
    import numpy as np
    import pandas as pd

    from structuring.documents.tables import numeral

    found: Any = pd.to_numeric(column, errors="coerce")
    values = found.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if pd.api.types.is_bool_dtype(column):
        return np.full(len(column), np.nan)
    if not pd.api.types.is_numeric_dtype(
        column
    ):  # texts such as '1,250.5' and '4.5%', and truths, which are no numbers
        odd = np.flatnonzero(column.notna().to_numpy() & (np.isnan(values) | column.map(type).eq(bool).to_numpy()))
        values[odd] = [np.nan if (number := numeral(column.iloc[row])) is None else number for row in odd.tolist()]
    return values


def checked(frame: pd.DataFrame, where: str) -> dict[str, Any]:
    """Columns as numbers, or every fault of every row, whose number is the frame's index."""
    import numpy as np
    import pandas as pd

    faults: list[tuple[int, str, str]] = []

    def blame(rows: Any, column: str, why: str) -> None:
        wrong = np.flatnonzero(rows)
        for row, given in zip(wrong.tolist(), frame[column].iloc[wrong], strict=True):
            shown = "nothing" if pd.isna(given) else repr(given.item() if hasattr(given, "item") else given)
            faults.append((row, column, f"{why}, got {shown}"))

    count = len(frame)
    base = {"age": 0.0, "interest_only": 0.0}
    columns: dict[str, np.ndarray] = {name: np.full(count, value) for name, value in base.items()}
    for name in ("balance", "rate", *WHOLE):
        if name not in frame.columns:
            continue
        values = numbers(frame[name])
        sound, least = np.isfinite(values), WHOLE.get(name, 0)
        optional = frame[name].isna().to_numpy() & (name in OPTIONAL)
        what = "a whole number" if name in WHOLE else "a number"
        blame(~sound & ~optional, name, f"must be {what}")
        blame(sound & (values < least), name, f"must be at least {least}")
        if name in WHOLE:
            blame(sound & (values != np.floor(values)) & (values >= least), name, "must be a whole number")
        if name == "rate":
            blame(sound & (values > 1.0), name, "must be a decimal such as 0.065")
        columns[name] = np.where(optional, base.get(name, np.nan), values)
    if "loan" in frame.columns:
        blame(frame["loan"].isna().to_numpy(), "loan", "must be a name")
        blame(frame["loan"].duplicated().to_numpy() & frame["loan"].notna().to_numpy(), "loan", "stands more than once")
    columns["level"], columns["every"] = np.ones(count), np.ones(count)
    if "frequency" in frame.columns:
        given = frame["frequency"].astype(object).fillna("monthly")
        blame(~given.isin(FREQUENCIES).to_numpy(), "frequency", f"must be one of {', '.join(map(repr, FREQUENCIES))}")
        columns["every"] = np.array([12.0 / FREQUENCIES.get(name, 12) for name in given])
        for name in ("remaining_term", "interest_only", "amortisation_term"):
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
    if faults:
        lines = frame.index
        raise InvalidTerms([Fault(f"{where}row {lines[row]}, {column}", why) for row, column, why in sorted(faults)])
    return columns


def grouped(columns: Mapping[str, np.ndarray]) -> Tape:
    """Rows that differ in nothing but their balance as one line, which is exact."""
    import numpy as np
    import pandas as pd

    alike = [name for name in COLUMNS if name != "balance"]
    table: Any = pd.DataFrame(dict(columns)).groupby(alike, as_index=False)[["balance"]].sum()
    return Tape(**{name: np.array(table[name], dtype=np.float64) for name in COLUMNS}, fixed={})
