"""The loans of a pool: representative lines, or a tape with a row a loan, which is read, checked and grouped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from structuring.collateral.tape_rows import COLUMNS, OPTIONAL, REQUIRED, TEXTS, checked, grouped
from structuring.scenarios.index_paths import Accrual, faults_of_resets
from waterfalls.clock.conventions import FREQUENCIES, DayCount
from waterfalls.equality import equal_fields, key
from waterfalls.errors import Fault, InvalidTerms, refuse
from waterfalls.terms.bounded_numbers import Months, NotNegative, Share
from waterfalls.terms.coupons import Floating
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Frequency = Literal["monthly", "quarterly", "semiannual", "annual"]


@term
class LoanLine:
    """Loans that are alike, as one: `balance` outstanding, `rate` a year, `remaining_term` months to go, `age` gone by.

    Interest alone falls due in the first `interest_only` months (all of them make a bullet). Then `payment` is level, or
    of equal principal, over `amortisation_term` months; what a shorter remaining term leaves is a balloon at its end.
    With `principal`, those amounts fall due one by one instead, and the rest at the end. `frequency` is how often loans
    pay, at rate / payments a year, or by `day_count` the days; they default and prepay when they pay, at the rates of
    the months since, compounded.

    A floating `rate` reads its index on the first day of each interest period, or of every `reset` (such as "quarterly"
    of loans that pay monthly); `first_rate` is what it bears in the first `first_reset` months. A floor or cap is on
    index and margin together: an index floored at 1 % under a margin of 5.5 % is floor=0.065. `periodic_cap` is the most by
    which a reset may move the rate, up or down. Level payments are worked out anew at each reset.
    """

    balance: NotNegative
    rate: Share | Floating
    _: KW_ONLY
    remaining_term: Annotated[int, Field(gt=0)]
    age: Months = 0
    interest_only: Months = 0
    payment: Literal["level", "equal principal"] = "level"
    amortisation_term: Annotated[int, Field(gt=0)] | None = None
    principal: Listed[NotNegative] = items()
    frequency: Frequency = "monthly"
    day_count: DayCount = "30/360"
    reset: Frequency | None = None
    first_rate: Share | None = None
    first_reset: Months = 0
    periodic_cap: Share | None = None

    @property
    def every(self) -> int:
        """Months from one payment to the next."""
        return 12 // FREQUENCIES[self.frequency]

    @property
    def accrual(self) -> Accrual:
        """How its interest is reckoned."""
        if not isinstance(self.rate, Floating):
            return Accrual(day_count=self.day_count)
        months, start = 12 // FREQUENCIES[self.reset or self.frequency], self.first_rate if self.periodic_cap else None
        return Accrual(self.rate, months, self.first_reset, self.day_count, self.periodic_cap, start)

    @property
    def rate_now(self) -> float:
        """The rate that is known: a fixed one, or what a floating one bears until its first reset."""
        return self.first_rate or 0.0 if isinstance(self.rate, Floating) else self.rate

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        every = 12 // FREQUENCIES[fields.get("frequency", "monthly")]
        for name in ("remaining_term", "interest_only", "amortisation_term", "first_reset"):
            if (fields.get(name) or 0) % every:
                yield Fault(name, f"must be whole periods of {every} months, got {fields[name]}")
        yield from faults_of_resets(fields, fields.get("rate"))
        if bool(fields.get("first_reset")) != (fields.get("first_rate") is not None):
            yield Fault("first_rate", "and first_reset go together: what it bears until the first reset, in months")
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

    `accrual` is a number in `accruals`. `fixed` holds, by row, scheduled amounts that stand instead. Of a tape that was
    read, row n is `share[n]` of the line `line[n]`, and `loans` are the rows' names, if they have any; `told` is what of a
    regulator's layout was left out, assumed or not used.
    """

    balance: np.ndarray
    rate: np.ndarray
    remaining_term: np.ndarray
    age: np.ndarray
    interest_only: np.ndarray
    every: np.ndarray
    level: np.ndarray
    over: np.ndarray
    accrual: np.ndarray
    accruals: tuple[Accrual, ...] = (Accrual(),)
    fixed: Mapping[int, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    loans: tuple[str, ...] = ()
    line: np.ndarray | None = None
    share: np.ndarray | None = None
    told: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in COLUMNS:
            getattr(self, name).setflags(write=False)

    __eq__ = equal_fields

    def __hash__(self) -> int:
        return hash((key(self.balance), key(self.rate)))

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
        given: dict[str, list[Any]] = {
            name: [getattr(line, name) for line in lines]
            for name in ("balance", "remaining_term", "age", "interest_only", "every")
        }
        accruals = tuple(dict.fromkeys([Accrual(), *(line.accrual for line in lines)]))
        given |= {"rate": [line.rate_now for line in lines], "level": [line.payment == "level" for line in lines]}
        given |= {"over": over, "accrual": [accruals.index(line.accrual) for line in lines]}
        arrays = {name: np.array(column, dtype=np.float64) for name, column in given.items()}
        fixed = {k: line.principal for k, line in enumerate(lines) if line.principal}
        columns: dict[str, Any] = {**arrays}
        return cls(**columns, accruals=accruals, fixed=fixed)

    @classmethod
    def read(cls, source: pd.DataFrame | Path | str, *, sheet: str | None = None, ignore: Iterable[str] = ()) -> Tape:
        """A tape from a frame, a CSV, Parquet or Excel file; refused with every fault of every row where there is one.

        An XML file is one of Form ABS-EE, and headings that begin with field codes are those of a European template:
        `structuring.regulators.loan_tapes.read_loan_tape` tells what of it was used.
        """
        import numpy as np

        from structuring.documents.headings import heading
        from structuring.documents.tables import faults_of_headings, frame_of
        from structuring.regulators.loan_tapes import LoanTape, annex_of, read_abs_ee, read_european, rows_in

        known = (*REQUIRED, *OPTIONAL)
        filed: LoanTape | None = None
        if isinstance(source, (str, Path)) and Path(source).suffix.lower() == ".xml":
            filed = read_abs_ee(source)
            source = filed.frame
        frame, where = frame_of(source, sheet=sheet, texts=TEXTS, wanted=known)
        if annex_of(frame.columns):
            filed = read_european(rows_in(frame, where), frame.columns, where.rstrip(", "))
            frame = filed.frame
        where, leave = where or "tape, ", [heading(name) for name in ignore]
        place = where.rstrip(", ")
        faults = faults_of_headings(place, list(frame.columns), REQUIRED, OPTIONAL, leave)
        refuse(faults)
        if frame.empty:
            raise InvalidTerms([Fault(place, "at least one row is needed")])
        frame = frame.drop(columns=leave)
        columns, accruals = checked(frame, where)
        names = frame["loan"].to_list() if "loan" in frame.columns else []
        lines, line = grouped(columns)
        share = columns["balance"] / np.where(lines["balance"] > 0.0, lines["balance"], 1.0)[line]
        arrays: dict[str, Any] = {**lines}
        told = () if filed is None else filed.doubts
        return cls(**arrays, accruals=accruals, loans=tuple(map(str, names)), line=line, share=share, told=told)

    __table__ = read  # what a deal file names a table for

    def rows(self, part: slice) -> Tape:
        """The lines of a slice."""
        start, stop, _ = part.indices(len(self))
        fixed = {k - start: amounts for k, amounts in self.fixed.items() if start <= k < stop}
        columns: dict[str, Any] = {name: getattr(self, name)[part] for name in COLUMNS}
        return Tape(**columns, accruals=self.accruals, fixed=fixed)

    def some(self, chosen: np.ndarray) -> Tape:
        """The lines chosen by a mask (L,)."""
        import numpy as np

        (rows,) = np.nonzero(chosen)
        fixed = {k: self.fixed[row] for k, row in enumerate(rows.tolist()) if row in self.fixed} if self.fixed else {}
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in COLUMNS}
        return Tape(**columns, accruals=self.accruals, fixed=fixed)

    @property
    def floating(self) -> tuple[tuple[Accrual, int], ...]:
        """The floating accruals of the lines, each with the months between payments."""
        if len(self.accruals) == 1:
            return ()
        found = {(self.accruals[int(k)], int(e)) for k, e in zip(self.accrual, self.every, strict=True)}
        return tuple(sorted((pair for pair in found if pair[0].coupon is not None), key=repr))

    def split(self, names: Sequence[str]) -> list[Tape]:
        """The lines in groups that share the values of some columns; without columns, all of them."""
        return [self] if len(rows := self.alike(names)) == 1 else [self.some(chosen) for chosen in rows]

    def alike(self, names: Sequence[str]) -> list[np.ndarray]:
        """The groups of `split`, each a mask (L,)."""
        import numpy as np

        columns = [getattr(self, name) for name in names]
        columns = [column for column in columns if (column != column[0]).any()]
        if not columns:
            return [np.ones(len(self), dtype=bool)]
        keys = np.stack(columns, axis=1)
        _, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.reshape(-1)
        return [group == g for g in range(group.max() + 1)]
