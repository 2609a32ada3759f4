"""Tables: rows out of CSV, Parquet and Excel files, frames and mappings, each with the place that a message names.

Headings may differ from the names of fields in case, spaces and hyphens. Only an empty cell is nothing, and a row of
empty cells no row: 'N/A' or '#REF!' is a value, and refused where a number is wanted. A number may stand as text, with
a point, commas between thousands and a per cent sign: '1,250.5', '4.5%'. A date is a cell of a date, or 2026-11-30.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from structuring.documents.csv_files import read_csv
from structuring.documents.excel import read_workbook
from structuring.documents.headings import SOUGHT, heading
from waterfalls.arguments import is_list, items, mapping
from waterfalls.bounds import is_finite
from waterfalls.errors import Fault, InvalidTerms, nearest, refuse, repeated, shown, strangers
from waterfalls.terms.term import MISSING, Broken, Unsound, field_types, is_a, is_term, is_union, read

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
NUMERAL = re.compile(r"[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)?(\.\d*)?([eE][+-]?\d+)?\s*%?")
SUFFIXES = (".csv", ".parquet", ".pq", ".xlsx", ".xlsm")


def terms_of(cls: type[T], source: Any, *, sheet: str | None = None, ignore: Iterable[str] = ()) -> tuple[T, ...]:
    """A term a row of a table, its columns the fields of the term; every fault of every row is told at once."""
    found: list[Fault] = []
    rows = read_rows(cls, source, found, sheet=sheet, ignore=ignore)
    refuse(found)
    return tuple(term for _, term in rows)


def read_rows(
    cls: type[T], source: Any, found: list[Fault], *, sheet: str | None = None, ignore: Iterable[str] = ()
) -> list[tuple[str, T]]:
    """The place and the term of every row, read as a document would be; faults are added to `found`, with `Unsound` terms."""
    needed = required(cls)
    optional = [name for name in names_of(cls) if name not in needed]
    where, headings, rows = rows_of(source, sheet, (*needed, *optional))
    hints, leave = field_types(cls), [heading(name) for name in ignore]
    place = where.rstrip(", ") or "table"
    wrong = faults_of_headings(place, headings, needed, optional, leave)
    if wrong or not rows:
        found += wrong or [Fault(place, "at least one row is needed")]
        return []
    made: list[tuple[str, Any]] = []
    for number, row in rows:
        here, told, given = f"{where}row {number}", len(found), {}
        for name, value in row.items():
            if name not in leave and not blank(value):
                try:
                    given[name] = said(value, hints[name])
                except InvalidTerms as error:
                    found.append(Fault(f"{here}, {name}", str(error)))
        term = read(cls, given, here, found) if len(found) == told else MISSING
        found[told:] = [Fault(fault.place.replace(f"{here}.", f"{here}, ", 1), fault.what) for fault in found[told:]]
        made.append((here, Unsound.of(given) if term is MISSING else term))
    return made


def faults_of_headings(
    place: str, headings: Sequence[str], needed: Sequence[str], optional: Sequence[str], leave: Sequence[str]
) -> list[Fault]:
    """Columns that are needed and missing, or there and of no use; then what is needed, what may be there and what was found."""
    unused = [name for name in headings if name not in (*needed, *optional, *leave)]
    missing = [name for name in needed if name not in headings]
    found = list(strangers(place, "column to ignore", leave, headings))
    for name in unused:
        near = nearest(name, (*needed, *optional))
        hint = f"Did you mean {near!r}? Otherwise name it in ignore" if near else "Name it in ignore"
        found.append(Fault(place, f"the column {name!r} is not used. {hint}, to leave it aside."))
    found += [Fault(place, f"the column {name!r} is needed and missing") for name in missing]
    if unused or missing:
        told = {"needed": needed, "possible": optional, "found": headings}
        listed = "; ".join(f"{what} {', '.join(names)}" for what, names in told.items() if names)
        found.append(Fault(place, f"columns {listed}. Headings are sought in the first {SOUGHT} rows."))
    return found


def names_of(cls: Any) -> list[str]:
    """The fields of a term."""
    return [field.name for field in dataclasses.fields(cls)]


def required(cls: Any) -> list[str]:
    """The fields of a term that have no default."""
    return [
        field.name for field in dataclasses.fields(cls) if field.default is MISSING and field.default_factory is MISSING
    ]


def sound(rows: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The rows that have no fault, so that what is wrong between them can be told as well."""
    return ((where, term) for where, term in rows if not isinstance(term, Unsound))


rows_by_name = items(mapping, "a list of mappings")


def rows_of(
    source: Any, sheet: str | None = None, wanted: Sequence[str] = ()
) -> tuple[str, list[str], list[tuple[int, dict[str, Any]]]]:
    """The beginning of every place, the headings, and each row by its number, cells as plain values."""
    if is_frame(source) or not is_list(source):
        frame, where = frame_of(source, sheet=sheet, texts=None, wanted=wanted)
        numbers, headings = frame.index.tolist(), [*frame.columns]
        records = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    else:
        rows, where = rows_by_name("table", source), ""
        records = [{heading(name): value for name, value in row.items()} for row in rows]
        refuse(odd_cells({(f"row {n}", name): cell for n, row in enumerate(records, 1) for name, cell in row.items()}))
        headings, numbers = list(dict.fromkeys(name for row in records for name in row)), range(1, len(records) + 1)
    plain = [{k: v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in records]
    return where, headings, list(zip(numbers, plain, strict=True))


def frame_of(
    source: Any, *, sheet: str | None = None, texts: Iterable[str] | None = (), wanted: Sequence[str] = ()
) -> tuple[pd.DataFrame, str]:
    """A frame whose index is the number of the row in its file, and the beginning of every place in it.

    `texts` are the columns of a CSV file that are no numbers even where they look like some; None means all. `wanted` are
    the columns that may be there, by which headings are known that stand below titles.
    """
    import pandas as pd

    if is_frame(source):
        where, frame, numbers = "", named(source), range(1, len(source) + 1)
    else:
        if not isinstance(source, str | Path):
            raise InvalidTerms(f"a table is a file, a DataFrame or a list of mappings, got {shown(source)}")
        path = Path(source)
        if not path.is_file():
            raise InvalidTerms(f"there is no file {str(path)!r}")
        where = f"{path.name}, "
        kind = path.suffix.lower()
        try:
            if kind == ".csv":
                frame, numbers = read_csv(path, texts, wanted)
            elif kind in (".parquet", ".pq"):
                frame, numbers = read_parquet(path)
            elif kind in (".xlsx", ".xlsm"):
                read_sheet, frame, numbers = read_workbook(path, sheet, wanted)
                where += f"sheet {read_sheet!r}, "
            else:
                raise InvalidTerms(f"a table is one of {', '.join(SUFFIXES)}: save it as one of these")
            if sheet is not None and not where.startswith(f"{path.name}, sheet"):
                raise InvalidTerms(f"has no sheets: leave sheet {sheet!r} away")
        except InvalidTerms as error:
            raise InvalidTerms([Fault(within(path.name, fault.place), fault.what) for fault in error.faults]) from None
        except (ValueError, OSError) as error:
            raise InvalidTerms(Fault(path.name, f"cannot be read as a table: {error}")) from None
    frame = frame.set_axis([heading(name) for name in frame.columns], axis=1).set_axis(pd.Index(numbers), axis=0)
    if twice := repeated(frame.columns):
        raise InvalidTerms([Fault(f"{where}headings", f"{name!r} stands more than once") for name in twice])
    for name, column in frame.items():
        if column.dtype == object or column.dtype.kind == "c":
            rows = [f"{where}row {number}" for number in numbers]
            refuse(odd_cells({(row, str(name)): cell for row, cell in zip(rows, column, strict=True)}))
        if column.dtype == object or pd.api.types.is_string_dtype(column):
            frame[name] = column.where(column.astype(str).str.strip() != "")
    nothing = frame.columns[frame.isna().all()]
    nameless = [name for name in nothing if name.startswith("unnamed:")]
    return frame.drop(columns=nameless).dropna(how="all"), where


def odd_cells(cells: Mapping[tuple[str, str], Any]) -> Iterator[Fault]:
    """Cells, by row and column, that hold what no table does: lists, arrays, complex numbers, numbers beyond all floats."""
    import pandas as pd

    for place, cell in cells.items():
        if not pd.api.types.is_scalar(cell) or pd.api.types.is_complex(cell):
            yield Fault(within(*place), f"must be a text, a number or a date, got {shown(cell)}")
        elif isinstance(cell, int) and not is_finite(cell):
            yield Fault(within(*place), f"is too large a number, got {shown(cell)}")


def within(*places: str) -> str:
    """A place inside another."""
    return ", ".join(filter(None, places))


def is_frame(source: Any) -> bool:
    return hasattr(source, "to_dict") and hasattr(source, "columns")


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with an index that has a name as columns, so that nothing in it is lost."""
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def read_parquet(path: Path) -> tuple[pd.DataFrame, range]:
    from waterfalls.doors import need

    frame = named(need("pyarrow.parquet").read_table(path).to_pandas())
    return frame, range(1, len(frame) + 1)


def blank(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def numeral(value: Any) -> float | None:
    """The number that a cell or its text is, or None: '1,250.5' is 1250.5 and '4.5%' is 0.045."""
    if not isinstance(value, str):
        return None if isinstance(value, bool) or not isinstance(value, Real | Decimal) else float(value)
    text = value.strip()
    if not NUMERAL.fullmatch(text) or not any(map(str.isdigit, text)):
        return None
    digits = text.rstrip("% ").replace(",", "")
    try:
        return float(digits) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:  # an exponent of nothing
        return None


def said(value: Any, hint: Any) -> Any:
    """A cell as a document would say it where a `hint` is wanted: dates as ISO texts, numbers out of texts."""
    kinds = set(leaves(hint))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    number, wanted = numeral(value), kinds & {int, float}
    if wanted and number is not None:
        return int(number) if wanted == {int} and number.is_integer() else number
    if isinstance(value, str):
        return value.strip()
    if number is not None and datetime.date in kinds:
        day = datetime.date(1899, 12, 30) + datetime.timedelta(days=int(number)) if 0 < number < 2e5 else None
        advice = f", which Excel would show as {day}: format the cell as a date" if day else ""
        raise InvalidTerms(f"must be a date such as 2026-11-30, got the number {number:g}{advice}")
    if number is not None and str in kinds:
        return f"{number:.0f}" if number.is_integer() else str(value)
    return value


def leaves(hint: Any) -> tuple[Any, ...]:
    """The types of a field, those of a union one by one."""
    return typing.get_args(hint) if is_union(hint) else (hint,)


@dataclasses.dataclass
class Elsewhere:
    """A table in a file of its own, `{file: holders.xlsx, sheet: Q3}`, where a document may list terms or holdings."""

    home: Path
    given: Mapping[str, Any]
    sound: bool = False  # once it was read, and nothing in it was wrong
    columns: Sequence[str] = ()  # by which its headings are known, once it was read

    @classmethod
    def found_in(cls, data: Any, home: Path) -> Any:
        """A document in which whatever names a file stands as the table that the file holds; paths are from `home`."""
        if isinstance(data, Mapping):
            return cls(home, data) if "file" in data else {key: cls.found_in(item, home) for key, item in data.items()}
        return [cls.found_in(item, home) for item in data] if isinstance(data, list) else data

    def place_of(self, name: str | None) -> str:
        """The file, and the sheet, row and column in which a name stands first, where it does."""
        file = str(self.given["file"])
        if name is not None:
            where, _, rows = rows_of(self.home / file, self.given.get("sheet"), self.columns)
            for number, row in rows:
                for column, value in row.items():
                    if isinstance(value, str) and value.strip() == name:
                        return f"{where}row {number}, {column}"
        return file

    def __read__(self, wanted: Any, place: str, found: list[Fault]) -> Any:
        """What the table says a `wanted` is, for the reader of documents; `MISSING` with its faults where it is unsound."""
        fields = ("file", "sheet", "ignore")
        wrong = list(strangers(place, "field of a table", self.given, fields))
        file, sheet, ignore = (self.given.get(name) for name in fields)
        if not isinstance(file, str) or not isinstance(sheet, str | None):
            wrong.append(Fault(place, "file and sheet must be texts"))
        if not (ignore is None or (isinstance(ignore, list) and all(isinstance(name, str) for name in ignore))):
            wrong.append(Fault(place, "ignore must be a list of headings"))
        branches = leaves(wanted)
        direct = [branch for branch in branches if hasattr(branch, "__table__")]
        lists = [b for b in branches if is_a(b, tuple) and is_term(typing.get_args(b)[0])]
        if not direct and not lists:
            wrong.append(
                Fault(place, f"the table {file!r} cannot stand here: only holdings and lists of like things can")
            )
        if wrong:
            found += wrong
            return MISSING
        options: Any = {"sheet": sheet, "ignore": ignore or ()}
        try:
            if direct:
                made = direct[0].__table__(self.home / str(file), **options)
            else:
                item = typing.get_args(lists[0])[0]
                self.columns = names_of(item)
                rows = read_rows(item, self.home / str(file), wrong, **options)
                terms = tuple(term for _, term in rows)
                made = terms if not wrong else Broken(terms) if terms else MISSING
        except InvalidTerms as error:
            wrong, made = list(error.faults), MISSING
        found += [Fault(within(place, fault.place), fault.what) for fault in wrong]
        self.sound = not wrong
        return made
