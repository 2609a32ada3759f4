"""Positions in securities out of Form N-PORT, its quarterly tables, and insurers' Schedule D."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from structuring.documents.xml_files import Node, date_of, number_of, read_xml
from waterfalls.errors import Fault, InvalidTerms

FUNDS, EXCHANGE_TRADED, INSURERS = "registered funds", "exchange-traded funds", "insurers"
TABLES = {  # of a quarter, with the columns that are needed
    "SUBMISSION": ("ACCESSION_NUMBER", "REPORT_DATE"),
    "FUND_REPORTED_INFO": ("ACCESSION_NUMBER", "SERIES_NAME"),
    "FUND_REPORTED_HOLDING": ("ACCESSION_NUMBER", "HOLDING_ID", "ISSUER_CUSIP", "BALANCE", "UNIT"),
    "IDENTIFIERS": ("HOLDING_ID", "IDENTIFIER_ISIN"),
}
PRINCIPAL = "PA"  # the unit of a balance that is principal


class Position(NamedTuple):
    """So much principal of a security, held by somebody on a day; `place` is where the file says so."""

    holder: str
    kind: str
    cusip: str
    isin: str
    par: float
    date: datetime.date | None
    source: str
    place: str


def positions_of(path: Path | str, wanted: frozenset[str]) -> list[Position]:
    """The positions of a filing in the securities wanted, by CUSIP: an N-PORT file, a folder of its tables, or a Schedule D.

    Every fault of what is wanted is told at once; what is not wanted is passed over.
    """
    path, found = Path(path), list[Fault]()
    if path.is_dir():
        read = list(of_tables(path, wanted, found))
    elif path.suffix.lower() == ".xml":
        read = list(of_form(path, wanted, found))
    else:
        read = list(of_schedule_d(path, wanted, found))
    if found:
        raise InvalidTerms(found)
    return read


def cusip_of(identifier: str) -> str:
    """The CUSIP of a CUSIP or of an American or Canadian ISIN; an ISIN of elsewhere stands as it is."""
    text = identifier.strip().upper()
    if len(text) == 12 and text[:2] in ("US", "CA"):
        return text[2:11]
    return text


def odd_identifier(identifier: str) -> str:
    """What is wrong with a CUSIP or ISIN: its length, its letters or its check digit."""
    text = identifier.strip().upper()
    if not text.isalnum() or len(text) not in (9, 12):
        return f"a CUSIP has 9 letters and digits, an ISIN 12; got {identifier!r}"
    values = [int(c, 36) for c in text]
    if len(text) == 9:
        doubled = [v * (1 + k % 2) for k, v in enumerate(values[:8])]
        check = -sum(v // 10 + v % 10 for v in doubled) % 10
    else:
        digits = [int(d) for v in values[:-1] for d in str(v)]
        doubled = [d * (2 - k % 2) for k, d in enumerate(reversed(digits))]
        check = -sum(v // 10 + v % 10 for v in doubled) % 10
    return "" if text[-1] == str(check) else f"the check digit of {identifier!r} must be {check}, got {text[-1]!r}"


def kind_of_fund(name: str) -> str:
    """The filing does not say what kind of fund it is of; exchange-traded ones say so in their names."""
    words = name.lower().replace("-", " ").split()
    return EXCHANGE_TRADED if "etf" in words or "exchange traded" in " ".join(words) else FUNDS


def in_principal(par: float | None, unit: str, place: str, found: list[Fault]) -> bool:
    """Whether a balance is principal, and long."""
    if par is None or par <= 0.0:
        found.append(
            Fault(place, f"the balance must be above 0, got {0.0 if par is None else par:g}: a short position?")
        )
    elif unit != PRINCIPAL:
        found.append(Fault(place, f"the balance is in units {unit!r}, not principal ({PRINCIPAL})"))
    else:
        return True
    return False


def of_form(path: Path, wanted: frozenset[str], found: list[Fault]) -> Iterator[Position]:
    """The positions of a Form N-PORT filing (primary_doc.xml)."""
    held: list[Node] = []

    def take(node: Node) -> None:
        isin = node.first("identifiers", "isin")
        names = {node.said("cusip").upper(), cusip_of(isin.attributes.get("value", "")) if isin else ""}
        if names & wanted:
            held.append(node)

    root = read_xml(path, each="invstOrSec", take=take)
    form = root.first("formData") or root
    if root.name != "edgarSubmission" or form.first("genInfo") is None:
        raise InvalidTerms(
            [Fault(f"{path.name}, line {root.line}", "is no Form N-PORT: it has no <formData> with <genInfo>")]
        )
    series, registrant = form.said("genInfo", "seriesName"), form.said("genInfo", "regName")
    holder = registrant if series in ("", "N/A") else series
    day = date_of(form.said("genInfo", "repPdDate"), f"{path.name}, repPdDate", found)
    for node in held:
        place = f"{path.name}, line {node.line}"
        par = number_of(node.said("balance"), place, found)
        if in_principal(par, node.said("units"), place, found):
            isin = node.first("identifiers", "isin")
            yield Position(
                holder, kind_of_fund(holder), node.said("cusip").upper(), isin.attributes.get("value", "") if isin else "",
                par or 0.0, day, "Form N-PORT", place,
            )  # fmt: skip


def rows_of_table(folder: Path, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The place and the cells of every row of a tab-separated table of the quarterly data sets."""
    path = next((each for each in (folder / f"{name}.tsv", folder / f"{name.lower()}.tsv") if each.is_file()), None)
    if path is None:
        raise InvalidTerms(f"the folder {str(folder)!r} holds no {name}.tsv; the tables needed are {', '.join(TABLES)}")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if missing := [column for column in TABLES[name] if column not in (rows.fieldnames or ())]:
                raise InvalidTerms([Fault(path.name, f"the columns {', '.join(missing)} are needed and missing")])
            for number, row in enumerate(rows, 2):
                yield f"{path.name}, row {number}", {key: value or "" for key, value in row.items() if key}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidTerms([Fault(path.name, f"cannot be read as a table: {error}")]) from None


def of_tables(folder: Path, wanted: frozenset[str], found: list[Fault]) -> Iterator[Position]:
    """The positions in a quarter's tables of Form N-PORT: submissions, funds, holdings and identifiers."""
    isins = {
        row["HOLDING_ID"]: row["IDENTIFIER_ISIN"]
        for _, row in rows_of_table(folder, "IDENTIFIERS")
        if cusip_of(row.get("IDENTIFIER_ISIN", "")) in wanted
    }
    held = [
        (place, row)
        for place, row in rows_of_table(folder, "FUND_REPORTED_HOLDING")
        if row.get("ISSUER_CUSIP", "").upper() in wanted or row.get("HOLDING_ID") in isins
    ]
    filings = {row["ACCESSION_NUMBER"] for _, row in held}
    funds = {
        row["ACCESSION_NUMBER"]: row.get("SERIES_NAME", "")
        for _, row in rows_of_table(folder, "FUND_REPORTED_INFO")
        if row["ACCESSION_NUMBER"] in filings
    }
    days = {
        row["ACCESSION_NUMBER"]: date_of(row.get("REPORT_DATE", "").title(), place, found)
        for place, row in rows_of_table(folder, "SUBMISSION")
        if row["ACCESSION_NUMBER"] in filings
    }
    for place, row in held:
        filing = row["ACCESSION_NUMBER"]
        if filing not in funds or filing not in days:
            found.append(Fault(place, f"the filing {filing!r} stands in no row of SUBMISSION and FUND_REPORTED_INFO"))
            continue
        par, name = number_of(row.get("BALANCE", ""), place, found), funds[filing]
        if in_principal(par, row.get("UNIT", ""), place, found):
            yield Position(
                name, kind_of_fund(name), row.get("ISSUER_CUSIP", "").upper(), isins.get(row.get("HOLDING_ID", ""), ""),
                par or 0.0, days[filing], "Form N-PORT, quarterly tables", place,
            )  # fmt: skip


COLUMNS = ("cusip_identification", "cusip", "par_value", "company_name", "company", "statement_date", "description")


def of_schedule_d(path: Path, wanted: frozenset[str], found: list[Fault]) -> Iterator[Position]:
    """The positions of a Schedule D, part 1 (long-term bonds owned), as a table: CUSIP identification, par value.

    Whose it is says a column `company name`, else the name of the file; as of which day, a column `statement date`.
    """
    from structuring.documents.tables import blank, numeral, rows_of

    where, headings, rows = rows_of(path, None, COLUMNS)
    key = next((name for name in COLUMNS[:2] if name in headings), None)
    if key is None or "par_value" not in headings:
        told = f"columns found {', '.join(headings)}; needed 'CUSIP identification' and 'par value'"
        raise InvalidTerms([Fault(where.rstrip(", "), f"is no Schedule D: {told}")])
    for number, row in rows:
        place = f"{where}row {number}"
        cusip = str(row.get(key) or "").replace("-", "").strip().upper()
        if cusip not in wanted:
            continue
        par = numeral(row["par_value"])
        if par is None:
            found.append(Fault(f"{place}, par_value", f"must be a number, got {row['par_value']!r}"))
        elif in_principal(par, PRINCIPAL, place, found):
            company = next(
                (str(row[name]) for name in ("company_name", "company") if not blank(row.get(name))), path.stem
            )
            day = row.get("statement_date")
            said = "" if blank(day) else day.isoformat()[:10] if isinstance(day, datetime.date) else str(day)
            yield Position(company, INSURERS, cusip, "", par, date_of(said, place, found), "Schedule D, part 1", place)
