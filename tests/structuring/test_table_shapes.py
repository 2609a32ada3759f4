"""Tables as they come: titles above the headings, other marks between values, columns too many or too few, a million bad rows."""

import datetime as dt
import re
import time

import numpy as np
import openpyxl
import pandas as pd
import pytest

from pricing import cli
from structuring import Holdings, LeasePortfolio, LoanPool
from structuring.collateral.bonds import Bond
from structuring.deals.deal_files import find_deal
from structuring.documents.csv_files import read_csv
from structuring.documents.tables import terms_of
from waterfalls.errors import Fault, InvalidTerms

BONDS = "obligor,notional,coupon,maturity,frequency\nx,100,0.05,2030-06-15,quarterly\ny,200,4.5%,2031-06-15,annual\n"
TAPE = "loan,balance,rate,remaining_term\na,100000,0.065,120\nb,250000,4.5%,60\n"
TITLES = {
    "a title": "Loan tape as of 20 November 2026\n",
    "a title, a blank line": "Loan tape\n\n",
    "titles of several cells": "Servicer,Example Bank,,\nCut-off,2026-10-31,,\n\n",
    "a title that says a column": "balance,,\n",
    "wide titles": "one,two,three,four,five,six,seven\n",
}


def faults(make):
    with pytest.raises(InvalidTerms) as caught:
        make()
    return [str(fault) for fault in caught.value.faults]


def written(path, text):
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize("mark", [",", ";", "|", "\t"], ids=["comma", "semicolon", "bar", "tab"])
def test_headings_below_titles_are_found_whatever_stands_between_values(tmp_path, title, mark):
    plain, titled = (text.replace(",", mark) for text in (TAPE, title + TAPE))
    known = LoanPool.from_tape(written(tmp_path / "plain.csv", TAPE))
    for text in (plain, titled):
        read = LoanPool.from_tape(written(tmp_path / "t.csv", text))
        assert read.lines.balance.tolist() == known.lines.balance.tolist()
        assert read.lines.rate.tolist() == known.lines.rate.tolist() == [0.045, 0.065]
    read = terms_of(Bond, written(tmp_path / "b.csv", (title + BONDS).replace(",", mark)))
    assert [bond.maturity for bond in read] == [dt.date(2030, 6, 15), dt.date(2031, 6, 15)]


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_rows_below_titles_keep_their_numbers(tmp_path, title):
    file = written(tmp_path / "t.csv", title + TAPE.replace("4.5%", "high"))
    row = title.count("\n") + 3
    assert faults(lambda: LoanPool.from_tape(file)) == [f"t.csv, row {row}, rate: must be a number, got 'high'"]


def test_headings_below_titles_of_a_sheet_are_found(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "S"
    for row in [
        ["Bond list"],
        [None, "as of", dt.date(2026, 11, 20)],
        [],
        *(line.split(",") for line in BONDS.splitlines()),
    ]:
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    assert [bond.obligor for bond in terms_of(Bond, tmp_path / "b.xlsx")] == ["x", "y"]
    book.active["C6"] = "high"
    book.save(tmp_path / "b.xlsx")
    assert faults(lambda: terms_of(Bond, tmp_path / "b.xlsx"))[0].startswith("b.xlsx, sheet 'S', row 6, coupon: ")


def test_it_says_which_columns_are_needed_found_and_unused(tmp_path):
    file = written(tmp_path / "b.csv", "issuer_name,notional,coupn\nx,1,0.05\n")
    told = faults(lambda: terms_of(Bond, file))
    assert told[0].startswith("b.csv: the column 'issuer_name' is not used")
    assert "b.csv: the column 'coupn' is not used. Did you mean 'coupon'?" in told[1]
    assert "b.csv: the column 'obligor' is needed and missing" in told
    assert told[-1].startswith("b.csv: columns needed obligor, notional, coupon, maturity")
    assert "; found issuer_name, notional, coupn." in told[-1] and " _" not in told[-1] and "first 20 rows" in told[-1]
    told = faults(lambda: LoanPool.from_tape(written(tmp_path / "t.csv", "amount,rate\n1,0.05\n")))
    assert told[-1].startswith("t.csv: columns needed balance, rate, remaining_term; possible loan, age")
    assert told[-1].partition("found ")[2].startswith("amount, rate.")


@pytest.mark.parametrize("cell", ["0,065", "1.250,5", "1250,5", "6,5%"])
def test_a_decimal_comma_is_never_read_as_thousands(tmp_path, cell):
    """In a file of semicolons 100,5 is a hundred and a half: 1005 would be a wrong number in silence."""
    file = written(tmp_path / "t.csv", f"balance;rate;remaining_term\n{cell};0.05;60\n")
    assert faults(lambda: LoanPool.from_tape(file)) == [
        f"t.csv, row 2, balance: write a point, not a comma, before decimals, got '{cell}'"
    ]
    file = written(tmp_path / "t.csv", f'balance,rate,remaining_term\n"{cell}",0.05,60\n')
    assert "must be a number" in faults(lambda: LoanPool.from_tape(file))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tranche,investor_class,share\nA,banks,1\nB,banks,1,7\n", "row 3 has 4 cells under 3 headings"),
        ("\n\ntranche,investor_class,share\nA,banks,1\nB,ban,ks,1,7\n", "row 5 has 5 cells under 3 headings"),
        ("", "cannot be read as a table"),
        ("\n\n\n", ""),
        ('tranche,investor_class,share\nA,"banks,1\n', ""),
        ("\0", ""),
        ("tranche\n" * 30, "needed"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_row(tmp_path, text, said):
    assert said in "\n".join(faults(lambda: Holdings.from_table(written(tmp_path / "x.csv", text))))


def test_a_bad_tape_tells_twenty_faults_and_counts_the_others(tmp_path):
    count = 50_000
    rows = "".join(f"l{k},-1,high,{12.5 if k % 2 else 12}\n" for k in range(count))
    file = written(tmp_path / "t.csv", "loan,balance,rate,remaining_term\n" + rows)
    began = time.process_time()
    with pytest.raises(InvalidTerms) as caught:
        LoanPool.from_tape(file)
    said = str(caught.value).splitlines()
    assert said[0] == f"{2.5 * count:,.0f} faults:" and len(said) == 1 + 20 + 3 + 1
    assert len(caught.value.faults) == 2.5 * count
    assert said[1] == "  t.csv, row 2, balance: must be at least 0, got -1"
    assert said[-2] == f"  {count // 2 - 4:,} more, remaining_term: must be a whole number"
    assert sum(int(line.split()[0].replace(",", "")) for line in said[21:-1]) == 2.5 * count - 20
    assert time.process_time() - began < 20.0


def test_validate_writes_every_fault_of_a_tape_that_a_deal_names(tmp_path, capsys):
    written(tmp_path / "t.csv", "balance,rate,remaining_term\n" + "-1,high,12\n" * 1_000)
    text = find_deal("ai-credit-clo").read_text("utf-8")
    kept = text[: text.index("collateral:")] + "collateral: {loan_pool: {lines: {file: t.csv}}}\n"
    written(tmp_path / "deal.yaml", kept + text[text.index("\ntranches:") :])
    with pytest.raises(InvalidTerms):
        cli.app(["validate", str(tmp_path / "deal.yaml"), "--csv"], standalone_mode=False)
    printed = capsys.readouterr().out.splitlines()
    assert sum("t.csv, row " in line for line in printed) == 2_000


def test_a_message_of_many_kinds_is_short_too():
    error = InvalidTerms([Fault(f"row {k}, column {k}", f"wrong in way {k}, got {k}") for k in range(1_000)])
    said = str(error).splitlines()
    assert len(said) == 1 + 20 + 20 + 2 and said[-2] == "  960 more of 960 other kinds"


def test_the_numbers_of_rows_are_those_of_the_file(tmp_path):
    _, numbers = read_csv(written(tmp_path / "t.csv", "a title\n\n" + TAPE), (), ("balance", "rate"))
    assert list(numbers) == [4, 5]


def test_an_empty_optional_column_of_a_tape_is_its_default_and_warns_of_nothing(tmp_path):
    read = LoanPool.from_tape(
        written(tmp_path / "t.csv", "balance,rate,remaining_term,payment,frequency\n1,0.05,60,,\n")
    )
    assert (read.lines.level.tolist(), read.lines.every.tolist()) == ([1.0], [1.0])


NO_CELL = {
    "a list": ([], "must be a text, a number or a date, got []"),
    "an array": (np.ones(2), "must be a text, a number or a date, got array"),
    "a complex number": (1j, "must be a text, a number or a date, got 1j"),
    "a number that no float holds": (10**400, "is too large a number"),
    "a NumPy date": (np.datetime64("2030-01-01"), "must be a"),
    "infinity": (float("-inf"), "must be a"),
    "NumPy's truth": (np.True_, "must be a"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", NO_CELL)
def test_a_cell_that_no_table_holds_is_refused_with_its_place(what):
    cell, said = NO_CELL[what]
    rows = [
        {"name": "t", "rent": 1.0, "ends": "2031-05-31"},
        {"name": "u", "rent": cell, "ends": "2031-05-31"},
    ]
    tape = {"balance": [100.0, 200.0], "rate": [0.05, 0.05], "remaining_term": pd.Series([120, cell], dtype=object)}
    leases = {"as_of": dt.date(2026, 11, 20), "cap_rate": 0.06}
    for make in (
        lambda: LeasePortfolio.from_tape(rows, **leases),
        lambda: LeasePortfolio.from_tape(pd.DataFrame(rows), **leases),
        lambda: LoanPool.from_tape(pd.DataFrame(tape)),
    ):
        with pytest.raises(InvalidTerms, match=re.escape(said)) as told:
            make()
        assert "row 2, r" in str(told.value)


@pytest.mark.parametrize("odd", [None, 5.0, {"rent": 1.0}, np.ones(3), [None], [[1.0]], object()])
def test_what_is_no_table_is_refused(odd):
    with pytest.raises(InvalidTerms, match="a table is a file, a DataFrame or a list of mappings|must be a mapping"):
        LeasePortfolio.from_tape(odd, as_of=dt.date(2026, 11, 20), cap_rate=0.06)
