"""Loan tapes in the field names of regulators: ABS-EE of the SEC (XML), and the European templates (tables)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structuring.documents.xml_files import Node, date_of, number_of, read_xml
from waterfalls.errors import Fault, InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

AUTO, PROPERTY = "ABS-EE, auto loans", "ABS-EE, commercial mortgages"
NOTHING = {"", "ND1", "ND2", "ND3", "ND4", "ND5", "N/A"}  # what the European templates say where there is no data


@dataclasses.dataclass(frozen=True)
class LoanTape:
    """A tape in our columns (`frame`), and what became of the rest.

    `layout` is whose it is, `day` its cut-off. `used` says which field each column came from, `unused` the fields that were
    not used; `left_out` counts loans that were left out, by reason; `assumed` says what the tape does not.
    """

    layout: str
    day: datetime.date | None
    frame: pd.DataFrame
    used: Mapping[str, str]
    unused: tuple[str, ...]
    left_out: Mapping[str, int]
    assumed: tuple[str, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """What was left out, assumed and not used, a sentence each."""
        left = [f"{count:,} left out: {why}" for why, count in self.left_out.items()]
        return (*left, *self.assumed, f"not used: {', '.join(self.unused) or 'nothing'}")

    def told(self) -> str:
        """What was read, left out and assumed, in a few lines."""
        rows = [
            f"{self.layout}, {self.day or 'no day said'}: {len(self.frame):,} loan{'' if len(self.frame) == 1 else 's'}"
        ]
        rows += [f"{column} from {field}" for column, field in self.used.items()]
        return "\n".join([*rows, *self.doubts])


class Gathered:
    """Rows, and what was seen on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        self.places: list[str] = []
        self.found: list[Fault] = []
        self.seen: dict[str, None] = {}
        self.read: set[str] = set()
        self.left_out: dict[str, int] = {}
        self.floating = 0
        self.unsaid = dict.fromkeys(UNSAID, 0)  # how many loans do not say it
        self.day: datetime.date | None = None

    def keep(self, place: str, row: dict[str, Any]) -> None:
        """Takes a loan into the tape; without a name of its own it has that of its place."""
        self.rows.append({**row, "loan": row["loan"] or place})
        self.places.append(place)

    def leave(self, why: str) -> None:
        """Leaves a loan out."""
        self.left_out[why] = self.left_out.get(why, 0) + 1

    def tape(self, layout: str, used: Mapping[str, str], assumed: Iterable[str]) -> LoanTape:
        """The tape, or every fault of every loan."""
        import pandas as pd

        if not self.rows and not self.found:
            self.found.append(Fault(self.path, "holds no loan with a balance"))
        first: dict[str, str] = {}
        for row, place in zip(self.rows, self.places, strict=True):
            if first.setdefault(row["loan"], place) != place:
                self.found.append(Fault(place, f"the loan {row['loan']!r} stands in {first[row['loan']]} already"))
        if self.found:
            raise InvalidTerms(self.found)
        frame = pd.DataFrame(self.rows).dropna(axis=1, how="all")
        told = [*assumed]
        if self.floating:
            told.append(f"{self.floating:,} loans at rates that change are read at their rate of now, as fixed")
        unused = tuple(name for name in self.seen if name not in self.read)
        return LoanTape(layout, self.day, frame, used, unused, self.left_out, tuple(told))


class Fields:
    """The fields of one loan: what is asked for is remembered as read."""

    def __init__(self, values: Mapping[str, str], place: str, into: Gathered) -> None:
        self.values, self.place, self.into = values, place, into
        for name in values:
            into.seen.setdefault(name)

    def text(self, *names: str, needed: bool = False) -> str:
        """The first of some fields that says something, and a fault where it is needed and missing."""
        self.into.read.update(names)
        text = next((said for name in names if (said := self.values.get(name, "").strip()) not in NOTHING), "")
        if not text and needed:
            self.into.found.append(Fault(self.place, f"{names[0]} is needed and missing"))
        return text

    def number(self, *names: str, needed: bool = False) -> float | None:
        """What `text` gives, as a number."""
        return number_of(self.text(*names, needed=needed), f"{self.place}, {names[0]}", self.into.found)

    def date(self, *names: str, needed: bool = False) -> datetime.date | None:
        """What `text` gives, as a date."""
        return date_of(self.text(*names, needed=needed), f"{self.place}, {names[0]}", self.into.found)


def months(start: datetime.date | None, end: datetime.date | None) -> int | None:
    """Whole months from one day to another, at least 0; part of a month counts as one where it is half or more."""
    if start is None or end is None:
        return None
    return max(round((end - start).days / 30.4375), 0)


def read_abs_ee(path: Path | str) -> LoanTape:
    """A tape of asset-level data that American issuers file with Form ABS-EE (EX-102): auto loans, or commercial mortgages.

    Loans that are repaid, charged off or without a balance are left out and counted. Rates are decimals there. Source of the
    fields: 17 CFR 229.1125 (Schedule AL), items 2 and 3; EDGAR ABS XML technical specification.
    """
    into = Gathered(Path(path).name)
    layout: list[Callable[[Fields, Gathered], None]] = []

    def take(node: Node) -> None:
        values = dict(node.leaves())
        if not layout:
            layout.append(auto_loan if "reportingPeriodActualEndBalanceAmount" in values else property_loan)
        layout[0](Fields(values, f"{into.path}, line {node.line}", into), into)

    root = read_xml(path, each="assets", take=take)
    if root.name != "assetData" or not layout:
        raise InvalidTerms([
            Fault(f"{into.path}, line {root.line}", f"is no asset data of Form ABS-EE: <{root.name}> without <assets>")
        ])  # fmt: skip
    if layout[0] is auto_loan:
        assumed = ("payments are level; days past due are not read: say delinquency of the pool",)
        return into.tape(AUTO, AUTO_FIELDS, assumed)
    assumed = ("loans pay monthly, interest alone for what is left of the original period, then level",)
    return into.tape(PROPERTY, PROPERTY_FIELDS, assumed)


AUTO_FIELDS = {
    "loan": "assetNumber", "balance": "reportingPeriodActualEndBalanceAmount",
    "rate": "reportingPeriodInterestRatePercentage", "remaining_term": "remainingTermToMaturityNumber",
    "age": "originalLoanTerm",
}  # fmt: skip


def auto_loan(fields: Fields, into: Gathered) -> None:
    """One automobile loan."""
    into.day = fields.date("reportingPeriodEndingDate") or into.day
    loan, balance = fields.text("assetNumber"), fields.number("reportingPeriodActualEndBalanceAmount", needed=True)
    ended, left = fields.text("zeroBalanceCode"), fields.number("remainingTermToMaturityNumber", needed=True)
    if ended or (balance is not None and balance <= 0.0):
        into.leave("repaid, charged off or without a balance")
        return
    if left is not None and left < 1.0:
        into.leave("past maturity with a balance")
        return
    rate = rate_of(fields, "reportingPeriodInterestRatePercentage", "originalInterestRatePercentage")
    into.floating += fields.text("originalInterestRateTypeCode") not in ("", "1")
    term = fields.number("originalLoanTerm")
    age = None if term is None or left is None else max(int(term - left), 0)
    into.keep(fields.place, {"loan": loan, "balance": balance, "rate": rate, "remaining_term": left, "age": age})


def rate_of(fields: Fields, *names: str) -> float | None:
    """A rate as a decimal; one above 1 is per cent by mistake, and refused."""
    rate = fields.number(*names, needed=True)
    if rate is not None and not 0.0 <= rate <= 1.0:
        fields.into.found.append(Fault(fields.place, f"{names[0]} is a decimal there, got {rate:g}"))
    return rate


PROPERTY_FIELDS = {
    "loan": "assetNumber", "balance": "reportPeriodEndActualBalanceAmount", "rate": "reportPeriodInterestRatePercentage",
    "remaining_term": "maturityDate", "age": "originationDate", "interest_only": "originalInterestOnlyTermNumber",
    "amortisation_term": "originalAmortizationTermNumber",
}  # fmt: skip


def property_loan(fields: Fields, into: Gathered) -> None:
    """One commercial mortgage."""
    day = fields.date("reportingPeriodEndDate", needed=True)
    into.day = day or into.day
    balance = fields.number(
        "reportPeriodEndActualBalanceAmount", "reportPeriodEndScheduledLoanBalanceAmount", needed=True
    )
    if balance is not None and balance <= 0.0:
        into.leave("repaid or without a balance")
        return
    left, age = months(day, fields.date("maturityDate", needed=True)), months(fields.date("originationDate"), day)
    if left == 0:
        into.leave("past maturity with a balance")
        return
    only, over = fields.number("originalInterestOnlyTermNumber"), fields.number("originalAmortizationTermNumber")
    rate = rate_of(fields, "reportPeriodInterestRatePercentage", "originalInterestRatePercentage")
    into.floating += fields.text("originalInterestRateTypeCode") not in ("", "1")
    free = None if only is None or age is None or left is None else int(min(max(only - age, 0), left))
    gone = max((age or 0) - (only or 0), 0)
    spread = None if not over or left is None else int(max(over - gone, left - (free or 0)))
    into.keep(fields.place, {
        "loan": fields.text("assetNumber"), "balance": balance, "rate": rate, "remaining_term": left, "age": age,
        "interest_only": free, "amortisation_term": spread if spread and left and spread > left - (free or 0) else None,
    })  # fmt: skip


# Field codes of the European templates, Delegated Regulation (EU) 2020/1224, by annex: residential mortgages (II), corporate
# loans (IV), automobile loans (V). A heading may be the code alone, or the code before a name.
ANNEXES = {
    "RREL": {"loan": 3, "original": 2, "day": 6, "start": 23, "maturity": 24, "balance": 30, "type": 35, "grace": 36,
             "frequency": 37, "rate": 43, "kind": 42},
    "CRPL": {"loan": 3, "original": 2, "day": 6, "maturity": 34, "balance": 39, "rate": 53, "kind": 52},
    "AUTL": {"loan": 3, "original": 2, "day": 6, "start": 24, "maturity": 25, "balance": 30, "type": 32, "grace": 33,
             "frequency": 34, "rate": 40},
}  # fmt: skip
NAMED = {"RREL": "European template, residential mortgages (annex II)", "CRPL": "European template, corporate loans (annex IV)",
         "AUTL": "European template, automobile loans (annex V)"}  # fmt: skip
OTHER = ("", "OTHR")
FREQUENCY = {"MNTH": "monthly", "QUTR": "quarterly", "SEMI": "semiannual", "YEAR": "annual"} | dict.fromkeys(
    OTHER, "monthly"
)
PAYMENT = {"FRXX": "level", "DEXX": "level", "FIXE": "equal principal", "BLLT": "bullet"} | dict.fromkeys(
    OTHER, "level"
)
UNSAID = {"type": "kind of amortisation are read as level", "frequency": "frequency are read as monthly"}


def annex_of(headings: Iterable[str]) -> str:
    """Which European template headings are of, by their codes; empty where they are of none."""
    codes = {str(name).strip().upper()[:4] for name in headings if str(name).strip().upper()[4:5].isdigit()}
    return next((annex for annex in ANNEXES if annex in codes), "")


def read_european(rows: Iterable[tuple[str, Mapping[str, Any]]], headings: Iterable[str], where: str) -> LoanTape:
    """A tape in a European template: rows with their places, under headings that begin with field codes.

    Rates are per cent there (2.75 is 2.75 %), and ND1 to ND5 stand where there is no data.
    """
    annex = annex_of(headings)
    codes, into = ANNEXES[annex], Gathered(where)
    names = {str(name): str(name).strip().upper().replace("_", " ").split(" ")[0] for name in headings}
    for place, row in rows:
        values = {names[str(key)]: plain_text(value) for key, value in row.items() if str(key) in names}
        european_loan(Fields(values, place, into), into, {key: f"{annex}{n}" for key, n in codes.items()})
    used = {"loan": "loan", "balance": "balance", "rate": "rate", "remaining_term": "maturity", "age": "start",
            "interest_only": "grace", "payment": "type", "frequency": "frequency"}  # fmt: skip
    told = {column: f"{annex}{codes[key]}" for column, key in used.items() if key in codes}
    assumed = ["a principal grace period is one of interest alone"]
    if "type" not in codes:
        assumed = ["loans pay monthly and level: amortisation is not read of this template"]
    assumed += [f"{count:,} loans that say another or no {UNSAID[key]}" for key, count in into.unsaid.items() if count]
    return into.tape(NAMED[annex], told, assumed)


def plain_text(value: Any) -> str:
    """A cell as text; nothing where it holds none."""
    if value is None or value != value:
        return ""
    return value.isoformat()[:10] if isinstance(value, datetime.date) else str(value)


def european_loan(fields: Fields, into: Gathered, code: Mapping[str, str]) -> None:
    """One underlying exposure of a European template."""
    day = fields.date(code["day"], needed=True)
    into.day = day or into.day
    balance = fields.number(code["balance"], needed=True)
    if balance is not None and balance <= 0.0:
        into.leave("repaid or without a balance")
        return
    left = months(day, fields.date(code["maturity"], needed=True))
    if left == 0:
        into.leave("past maturity with a balance")
        return
    rate = fields.number(code["rate"], needed=True)
    if rate is not None and not 0.0 <= rate <= 100.0:
        into.found.append(Fault(fields.place, f"{code['rate']} is per cent, from 0 to 100, got {rate:g}"))
    row: dict[str, Any] = {
        "loan": fields.text(code["loan"], code["original"]),
        "balance": balance,
        "remaining_term": left,
    }
    row["rate"] = None if rate is None else rate / 100.0
    into.floating += fields.text(code.get("kind", "")) not in ("", "FXRL")
    row["age"] = months(fields.date(code.get("start", "")), day)
    kind, often = (fields.text(code.get(name, "")) for name in UNSAID)
    for name, said, table in (("type", kind, PAYMENT), ("frequency", often, FREQUENCY)):
        into.unsaid[name] += name in code and said in OTHER
        if said not in table:
            what = f"{code[name]} must be one of {', '.join(filter(None, table))}, got {said!r}"
            into.found.append(Fault(fields.place, what))
    free = months(day, fields.date(code.get("grace", ""))) or 0
    row["interest_only"] = left if PAYMENT.get(kind) == "bullet" else min(free, left or 0)
    row["payment"] = "equal principal" if PAYMENT.get(kind) == "equal principal" else "level"
    row["frequency"] = FREQUENCY.get(often, "monthly")
    every = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}[row["frequency"]]
    for name in ("remaining_term", "interest_only"):  # whole periods, the last of which may be short
        row[name] = None if row[name] is None else -(-int(row[name]) // every) * every
    into.keep(fields.place, row)


def read_loan_tape(path: Path | str, *, sheet: str | None = None) -> LoanTape:
    """A tape in a regulator's layout, and what became of every field: ABS-EE where it is XML, else a European template."""
    from structuring.documents.tables import rows_of

    if Path(path).suffix.lower() == ".xml":
        return read_abs_ee(path)
    where, headings, rows = rows_of(path, sheet)
    if not annex_of(headings):
        codes = ", ".join(f"{annex}{n['balance']}" for annex, n in ANNEXES.items())
        what = f"has no headings that begin with the field codes of a European template, such as {codes}"
        raise InvalidTerms([Fault(where.rstrip(", "), what)])
    return read_european(((f"{where}row {number}", row) for number, row in rows), headings, where.rstrip(", "))


def rows_in(frame: pd.DataFrame, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the cells of every row of a frame whose index is the number of the row."""
    for number, row in zip(frame.index, frame.to_dict(orient="records"), strict=True):
        yield f"{where}row {number}", {str(key): value for key, value in row.items()}
