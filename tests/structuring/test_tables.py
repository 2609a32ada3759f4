"""Tables: what real CSV, Parquet and Excel files bring, in Python and named in a deal file."""

import datetime as dt
from decimal import Decimal

import jsonschema
import openpyxl
import pandas as pd
import pytest

from structuring import LeasePortfolio, LoanPool, Scenario, Tenant, load_deal, load_scenarios, run
from structuring.deals.deal import Deal
from structuring.deals.deal_files import MARK
from structuring.deals.holdings import Holdings
from structuring.documents.plain_data import load
from structuring.documents.tables import numeral
from waterfalls import doors
from waterfalls.errors import InvalidTerms
from waterfalls.terms.schema import schema

HOLDERS = [
    {"tranche": "A", "investor_class": "insurers", "share": 0.45, "known": "reported", "date": dt.date(2026, 6, 30)},
    {"tranche": "A", "investor_class": "pension funds", "share": 0.25, "purchase_price": 99.5},
    {"tranche": "B", "investor_class": "hedge funds", "share": 1.0},
    {"tranche": "E", "investor_class": "sponsor", "share": 1.0},
]
HELD = Holdings.from_table(HOLDERS)
TENANTS = (
    Tenant("1001", 90.0, ends=dt.date(2040, 1, 15), renewal=0.8),
    Tenant("others", 1250.5, ends=dt.date(2032, 1, 15), begins=dt.date(2020, 1, 15)),
)
LOANS = pd.DataFrame(
    {"loan": ["001", "1"], "balance": [1250.5, 90.0], "rate": [0.045, 0.06], "remaining_term": [60, 24]}
)


def sheet_of(path, *sheets):
    """A workbook of sheets, each a name and rows as a person would type them."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def written(frame, folder, name):
    write = {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}
    for suffix, to in write.items():
        to(folder / f"{name}.{suffix}", index=False)
    return [folder / f"{name}.{suffix}" for suffix in write]


def faults(make):
    with pytest.raises(InvalidTerms) as caught:
        make()
    return [str(fault) for fault in caught.value.faults]


def test_csv_parquet_and_excel_say_the_same_of_holdings(tmp_path):
    for file in written(pd.DataFrame(HOLDERS), tmp_path, "holders"):
        assert Holdings.from_table(file) == Holdings.from_table(str(file)) == HELD, file.name


def test_csv_parquet_and_excel_say_the_same_of_loans(tmp_path):
    lines = LoanPool.from_tape(LOANS).lines
    for file in written(LOANS, tmp_path, "tape"):
        read = LoanPool.from_tape(file).lines
        assert (read.balance.tolist(), read.rate.tolist()) == (lines.balance.tolist(), lines.rate.tolist()), file.name
    assert sorted(lines.balance.tolist()) == [90.0, 1250.5]


def test_parquet_as_spark_and_pandas_write_it(tmp_path):
    """Decimals, nullable whole numbers, categories, time stamps of midnight, an index that is a column."""
    loans = LOANS.assign(balance=[Decimal("1250.50"), Decimal("90.00")], age=pd.array([12, None], dtype="Int64"))
    loans.set_index("loan").to_parquet(tmp_path / "tape.parquet")
    lines = LoanPool.from_tape(tmp_path / "tape.parquet").lines
    assert sorted(zip(lines.balance, lines.age, strict=True)) == [(90.0, 0.0), (1250.5, 12.0)]
    held = pd.DataFrame(HOLDERS).astype({"tranche": "category", "date": "datetime64[us]", "known": "string"})
    held["share"] = held["share"].map(lambda share: Decimal(str(share)))
    held.to_parquet(tmp_path / "holders.parquet")
    assert Holdings.from_table(tmp_path / "holders.parquet") == Holdings.from_table(held) == HELD


def test_a_rent_roll_as_it_comes(tmp_path):
    """A title of blanks, headings in capitals, a number for a name, texts for numbers, a per cent cell, blank rows."""
    rows = [
        [],
        ["Name", " Rent", "ENDS", "Begins", "Renewal", "Broker"],
        [1001, "90", dt.datetime(2040, 1, 15), None, "80 %", "Smith"],
        [],
        ["others ", "1,250.50", "2032-01-15", dt.date(2020, 1, 15), None, None],
        [None, " ", None, None, None, None],
    ]
    file = sheet_of(tmp_path / "roll.xlsx", ("Roll", rows), ("Notes", [["nothing here"]]))
    roll = LeasePortfolio.from_tape(file, sheet="Roll", ignore=["broker"], as_of=dt.date(2026, 1, 15), cap_rate=0.07)
    assert roll == LeasePortfolio(TENANTS, as_of=dt.date(2026, 1, 15), cap_rate=0.07)


def test_a_per_cent_cell_is_the_number_it_shows(tmp_path):
    book = openpyxl.load_workbook(
        sheet_of(tmp_path / "tape.xlsx", ("S", [["balance", "rate", "remaining term"], [1, 0.045, 60]]))
    )
    book["S"]["B2"].number_format = "0.0%"
    book.save(tmp_path / "tape.xlsx")
    assert LoanPool.from_tape(tmp_path / "tape.xlsx").lines.rate.tolist() == [0.045]


def test_a_csv_file_as_excel_saves_it(tmp_path):
    text = '\ufeffLoan,Balance,Rate,Remaining Term\r\n001,"1,250.5",4.5%,60\r\n,,,\r\n1,90,0.06,24\r\n,,,\r\n'
    (tmp_path / "tape.csv").write_bytes(text.encode())
    lines = LoanPool.from_tape(tmp_path / "tape.csv").lines
    assert sorted(zip(lines.balance, lines.rate, strict=True)) == [(90.0, 0.06), (1250.5, 0.045)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,250.5", 1250.5), ("4.5%", 0.045), (" 4.5 % ", 0.045), ("1e6", 1e6), (".5", 0.5), ("-3", -3.0), (7, 7.0),
     ("1.250,5", None), ("1,25", None), ("12,3456", None), ("5 m", None), ("$5", None), ("%", None), ("", None),
     ("N/A", None), ("(5)", None), ("nan", None), ("inf", None), ("e5", None), (True, None)],
)  # fmt: skip
def test_what_is_a_number(text, number):
    assert numeral(text) == (None if number is None else pytest.approx(number, rel=1e-15))


def test_every_fault_names_file_sheet_row_and_column(tmp_path):
    rows = [
        ["Tranche", "Investor Class", "Share", "Known", "Date", "Holder"],
        ["A", "insurers", 45, "reported", 46203],
        [],
        ["A", "pension funds", "#REF!", "estimatd", "30/06/2026"],
        ["A", None, 0.1],
        ["B", "banks", 0.6],
        ["B", "banks", 0.6],
    ]
    file = sheet_of(tmp_path / "holders.xlsx", ("Q2", rows))
    place = "holders.xlsx, sheet 'Q2', row"
    assert faults(lambda: Holdings.from_table(file)) == [
        f"{place} 2, date: must be a date such as 2026-11-30, got the number 46203, which Excel would show as "
        "2026-06-30: format the cell as a date",
        f"{place} 4, date: must be a date such as 2026-11-30, got '30/06/2026'",
        f"{place} 4, share: must be a number, got '#REF!'",
        f"{place} 4, known: there is no choice 'estimatd'. Did you mean 'estimated'? Known: 'reported', 'estimated', 'assumed'.",
        f"{place} 5, investor_class: is required and missing",
        f"{place} 7: 'banks' holds 'B' in an earlier row already",
    ]  # fmt: skip
    rows[1][4] = None
    file = sheet_of(tmp_path / "holders.xlsx", ("Q2", rows[:2]))
    assert faults(lambda: Holdings.from_table(file)) == [
        f"{place} 2, share: must be between 0 and 1, got 45: 45 per cent is 0.45 or 45%"
    ]


REFUSED = {
    "heading": ([["tranche", "investor_clas", "share"], ["A", "banks", 1]],
                "t.xlsx, sheet 'S': the column 'investor_clas' is not used. Did you mean 'investor_class'?"),
    "twice": ([["tranche", "Share", "share"], ["A", 1, 1]], "t.xlsx, sheet 'S', headings: 'share' stands more than once"),
    "nameless": ([["tranche", "investor_class", "share"], ["A", "banks", 1, "a note"]],
                 "t.xlsx, sheet 'S': the column 'unnamed:_d' is not used."),
    "nothing": ([[]], "t.xlsx: sheet 'S' holds nothing"),
    "only headings": ([["tranche", "investor_class", "share"]], "t.xlsx, sheet 'S': at least one row is needed"),
    "formula": ([["tranche", "investor_class", "share", "confidence"], ["A", "banks", 1, "=1/2"]],
                "t.xlsx, sheet 'S', row 2, confidence: a formula whose value is not in the file"),
    "sum": ([["tranche", "investor_class", "share"], ["A", "banks", 0.7], ["A", "insurers", 0.7]],
            "Holdings of 'A' must sum to 1, got 1.4 (banks 0.7, insurers 0.7)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_sheets_that_make_no_sense_are_refused(case, tmp_path):
    rows, message = REFUSED[case]
    file = sheet_of(tmp_path / "t.xlsx", ("S", rows))
    assert message in "\n".join(faults(lambda: Holdings.from_table(file)))


def test_files_that_are_no_tables_are_refused(tmp_path):
    several = sheet_of(tmp_path / "t.xlsx", ("Q2", [["tranche"]]), ("Q3", [["tranche"]]))
    (tmp_path / "bad.xlsx").write_text("no workbook")
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "latin.csv").write_bytes("tranche,investor_class,share\nA,caisses d'épargne,1\n".encode("latin-1"))
    (tmp_path / "wide.csv").write_text("tranche,investor_class,share\nA,banks,1,7\n")
    (tmp_path / "one.csv").write_text("tranche,investor_class,share\nA,banks,1\n")
    (tmp_path / "old.xls").write_text("")
    for file, said in (
        (several, "t.xlsx: has 2 sheets, say which: 'Q2', 'Q3'"),
        (tmp_path / "bad.xlsx", "bad.xlsx: cannot be read as a workbook"),
        (tmp_path / "bad.parquet", "bad.parquet: cannot be read as a table"),
        (tmp_path / "latin.csv", "latin.csv: is not UTF-8: save it as 'CSV UTF-8'"),
        (tmp_path / "wide.csv", "wide.csv: its rows have more cells than there are headings"),
        (tmp_path / "old.xls", "old.xls: a table is one of .csv, .parquet, .pq, .xlsx, .xlsm: save it as one of these"),
    ):
        assert said in faults(lambda file=file: Holdings.from_table(file))[0]
    assert "there is no sheet 'q3'. Did you mean 'Q3'?" in faults(lambda: Holdings.from_table(several, sheet="q3"))[0]
    assert (
        "has no sheets: leave sheet 'Q3' away"
        in faults(lambda: Holdings.from_table(tmp_path / "one.csv", sheet="Q3"))[0]
    )


def test_what_is_missing_is_told_with_the_command_that_installs_it(tmp_path, monkeypatch):
    files = written(pd.DataFrame(HOLDERS), tmp_path, "holders")

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(doors.importlib, "import_module", absent)
    assert Holdings.from_table(files[0]) == HELD
    for file, package in zip(files[1:], ("pyarrow", "openpyxl"), strict=True):
        with pytest.raises(
            doors.MissingExtra,
            match=rf"'{package}', which is not installed: pip install 'firstloss\[report\]'",
        ):
            Holdings.from_table(file)


# In a deal file

DEAL = """
firstloss: 1
name: rented
closing: 2026-01-15
first_payment: 2026-04-15
maturity: 2030-01-15
frequency: quarterly
calendar: none
collateral:
  - lease_portfolio: {as_of: 2026-01-15, cap_rate: 0.07, tenants: {file: tables/roll.xlsx, sheet: Roll, ignore: [broker]}}
  - loan_pool: {lines: {file: tables/tape.parquet}}
tranches:
  - note: {name: A, notional: 1000.0, coupon: {fixed: {rate: 0.05}}}
  - note: {name: B, notional: 100.0, coupon: {fixed: {rate: 0.07}}}
  - equity: {name: E}
waterfall:
  - pay(interest('A'))
  - pay(principal('A'))
  - pay(interest('B'))
  - pay(principal('B'))
  - pay(residual('E'))
holdings: {file: tables/holders.csv}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tables").mkdir()
    pd.DataFrame(HOLDERS).to_csv(tmp_path / "tables/holders.csv", index=False)
    LOANS.to_parquet(tmp_path / "tables/tape.parquet")
    rows = [["name", "rent", "ends", "renewal", "begins", "broker"]]
    rows += [[t.name, t.rent, t.ends, t.renewal, t.begins, "Smith"] for t in TENANTS]
    sheet_of(tmp_path / "tables/roll.xlsx", ("Roll", rows))
    (tmp_path / "deal.yaml").write_text(DEAL)
    return tmp_path


def test_a_deal_file_names_tables_beside_it(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)  # the paths are from the deal file, not from here
    deal = load_deal(folder / "deal.yaml")
    assert deal.collateral[0].tenants == TENANTS and deal.holdings == HELD
    assert deal.collateral[1].lines.balance.tolist() == LoanPool.from_tape(LOANS).lines.balance.tolist()
    month = run(deal, Scenario("base")).receipts.fields["interest"][0, 0] / 3.0
    assert month == pytest.approx((1250.5 * 0.045 + 90.0 * 0.06) / 12.0, rel=0.05)  # less what is repaid of it


def test_the_schema_knows_tables(folder):
    jsonschema.validate(load(folder / "deal.yaml"), schema(Deal, mark=MARK))
    wrong = load(folder / "deal.yaml") | {"holdings": {"file": "holders.csv", "page": "Q2"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema(Deal, mark=MARK))


def test_mistakes_of_a_deal_file_and_of_its_tables_are_told_at_once(folder):
    text = (
        DEAL.replace("sheet: Roll", "shet: Roll")
        .replace("quarterly", "quaterly")
        .replace("tape.parquet", "tap.parquet")
    )
    (folder / "deal.yaml").write_text(text)
    (folder / "tables/holders.csv").write_text("tranche,investor_class,share\nA,banks,most\nC,banks,1\n")
    told = faults(lambda: load_deal(folder / "deal.yaml"))
    lines = text.splitlines()
    at = {place: 1 + next(n for n, line in enumerate(lines) if mark in line) for place, mark in (
        ("frequency", "quaterly"), ("collateral[0].lease_portfolio.tenants", "shet:"),
        ("collateral[1].loan_pool.lines", "tap.parquet"), ("holdings, holders.csv, row 2, share", "holdings:"),
    )}  # fmt: skip
    assert {line.split(":")[0] for line in told} == {f"line {n}, {place}" for place, n in at.items()}
    assert any("there is no field of a table 'shet'. Did you mean 'sheet'?" in line for line in told)
    assert any("there is no file" in line for line in told)
    (folder / "deal.yaml").write_text(
        DEAL.replace("currency", "x").replace("waterfall:", "accounts: []\nsponsor: {file: x.csv}\nwaterfall:")
    )
    (told, *_) = [line for line in faults(lambda: load_deal(folder / "deal.yaml")) if "sponsor:" in line]
    assert (
        told.partition(", ")[2]
        == "sponsor: the table 'x.csv' cannot stand here: only holdings and lists of like things can"
    )


def test_names_that_the_deal_does_not_know_are_told_with_their_row(folder):
    table = pd.DataFrame([*HOLDERS[:2], {**HOLDERS[2], "tranche": "BB"}, HOLDERS[3]])
    table.to_csv(folder / "tables/holders.csv", index=False)
    assert [line.partition(". ")[0].partition(": ")[2] for line in faults(lambda: load_deal(folder / "deal.yaml"))] == [
        "there is no tranche 'BB'", "says nothing of 'B': what is not known is 'unidentified'",
    ]  # fmt: skip
    unknown, missing = faults(lambda: load_deal(folder / "deal.yaml"))
    assert "holdings, holders.csv, row 4, tranche: there is no tranche 'BB'. Did you mean 'B'?" in unknown
    assert "holdings, tables/holders.csv: says nothing of 'B'" in missing
    table.assign(tranche=["A", "A", "B", "E"]).to_csv(folder / "tables/holders.csv", index=False)
    rows = [["name", "rent", "ends", "broker"], *[["twice", 1.0, dt.date(2040, 1, 15), None]] * 2]
    sheet_of(folder / "tables/roll.xlsx", ("Roll", rows))
    (told,) = faults(lambda: load_deal(folder / "deal.yaml"))
    assert "collateral[0].lease_portfolio.tenants, tables/roll.xlsx: names must differ, 'twice' stands 2 times" in told


def test_scenarios_may_be_a_table_too(tmp_path):
    rows = [
        ["name", "rent", "renewal", "sale"],
        ["base", None, None, dt.date(2029, 1, 15)],
        ["rents fall", "60%", 0.5, None],
    ]
    sheet_of(tmp_path / "s.xlsx", ("S", rows))
    (tmp_path / "scenarios.yaml").write_text("firstloss-scenarios: 1\nscenarios: {file: s.xlsx}\n")
    assert load_scenarios(tmp_path / "scenarios.yaml") == (
        Scenario("base", sale=dt.date(2029, 1, 15)), Scenario("rents fall", rent=0.6, renewal=0.5),
    )  # fmt: skip
