"""Holdings: from tables, with how one knows; and estimated from margins."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structuring.deals.estimated_holdings import complete
from structuring.deals.holdings import Cell, Holdings
from structuring.documents.yaml_and_json import load_term, save_term
from waterfalls.errors import InvalidTerms

ROWS = [
    {"tranche": "A", "investor_class": "insurers", "share": 0.5, "known": "reported", "source": "schedule D",
     "date": "2026-06-30", "confidence": 0.9, "purchase_price": 99.5},
    {"tranche": "A", "investor_class": "mutual funds", "share": 0.3, "known": "estimated"},
    {"tranche": "A", "investor_class": "mutual funds", "holder": "Big Fund", "share": 0.2},
    {"tranche": "B", "investor_class": "hedge funds", "share": 1.0},
]  # fmt: skip


def test_rows_become_holdings_and_what_is_left_is_unidentified():
    held = Holdings.from_table(ROWS)
    assert held.shares["A"] == {"insurers": 0.5, "mutual funds": 0.3, "unidentified": pytest.approx(0.2)}
    assert held.classes == ("insurers", "mutual funds", "hedge funds", "unidentified")
    assert held.cells["A"]["insurers"] == Cell(
        "reported", source="schedule D", date=dt.date(2026, 6, 30), confidence=0.9
    )
    assert held.named == {"A": {"Big Fund": 0.2}} and held.members == {"Big Fund": "mutual funds"}
    assert held.purchase_prices == {"A": {"insurers": 99.5}}


def test_a_frame_and_a_csv_file_say_the_same(tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "holdings.csv", index=False)
    assert Holdings.from_table(frame) == Holdings.from_table(tmp_path / "holdings.csv") == Holdings.from_table(ROWS)
    assert Holdings.from_table(str(tmp_path / "holdings.csv")) == Holdings.from_table(ROWS)


def test_coverage_is_told_in_per_cent():
    frame = Holdings.from_table(ROWS).coverage({"A": 300.0, "B": 100.0}).set_index("tranche")
    assert frame.loc["A"].round(9).tolist() == [300.0, 50.0, 30.0, 0.0, 20.0]
    assert frame.loc["all"].round(9).tolist() == [400.0, 37.5, 22.5, 25.0, 15.0]


def test_holdings_come_back_from_a_file(tmp_path):
    held = Holdings.from_table(ROWS)
    save_term(held, tmp_path / "held.yaml", mark="holdings")
    assert load_term(tmp_path / "held.yaml", Holdings, mark="holdings") == held


REFUSED = {
    "column": ([{**ROWS[0], "shares": 1.0}], "table: the column 'shares' is not used. Did you mean 'share'?"),
    "heading": ([{"tranche": "A", "share": 1.0}], "table: the column 'investor_class' is needed and missing"),
    "missing": ([ROWS[3], {**ROWS[3], "investor_class": None}], "row 2, investor_class: is required and missing"),
    "text": ([{**ROWS[3], "share": "most"}], "row 1, share: must be a number, got 'most'"),
    "twice": ([ROWS[3], ROWS[3]], "row 2: 'hedge funds' holds 'B' in an earlier row already"),
    "too much": ([ROWS[3], {**ROWS[3], "investor_class": "banks"}], "Holdings of 'B' must sum to 1, got 2"),
    "nearly": ([{**ROWS[3], "share": 0.5}, {**ROWS[3], "investor_class": "banks", "share": 0.5000001}],
               "Holdings of 'B' must sum to 1, got 1.0000001"),
    "nested": (
        [*ROWS[:2], {**ROWS[2], "share": 0.4}],
        "named['A']: holders among mutual funds hold 0.4, the class only 0.3",
    ),
    "two classes": ([*ROWS[:3], {**ROWS[2], "tranche": "B", "investor_class": "insurers"}], "is one of 'mutual funds' already"),
    "kind": ([{**ROWS[1], "known": "estimatd"}], "there is no choice 'estimatd'. Did you mean 'estimated'?"),
    "date": ([{**ROWS[0], "date": "June"}], "row 1, date: must be a date such as 2026-11-30, got 'June'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_make_no_sense_are_refused(case):
    rows, message = REFUSED[case]
    with pytest.raises(InvalidTerms) as caught:
        Holdings.from_table(rows)
    assert message in str(caught.value)


def test_names_that_nobody_bears_are_refused():
    with pytest.raises(InvalidTerms, match=r"cells: there is no tranche 'a'\. Did you mean 'A'\?"):
        Holdings({"A": {"banks": 1.0}}, cells={"a": {"banks": Cell("reported")}})
    with pytest.raises(InvalidTerms, match="members: does not say which class 'PIMCO' belongs to"):
        Holdings({"A": {"banks": 1.0}}, named={"A": {"PIMCO": 0.5}})
    with pytest.raises(InvalidTerms, match="there is no file 'nowhere.csv'"):
        Holdings.from_table("nowhere.csv")
    with pytest.raises(InvalidTerms, match="balances: says nothing of 'A'"):
        Holdings({"A": {"banks": 1.0}}).coverage({})


# Margins

AMOUNTS = st.floats(1.0, 1e6)


@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.lists(AMOUNTS, min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_what_is_fitted_keeps_both_margins(down, across, covered):
    tranches = {f"T{i}": amount for i, amount in enumerate(down)}
    scale = covered * sum(down) / sum(across)
    classes = {f"class {j}": amount * scale for j, amount in enumerate(across)}
    held = complete(tranches, classes)
    for name, amount in classes.items():
        fitted = sum(held.shares[row].get(name, 0.0) * whole for row, whole in tranches.items())
        assert fitted == pytest.approx(amount, rel=1e-6, abs=1e-6 * sum(down))
    # without known cells and zeros the fit is the product of the margins
    for row in tranches:
        for name, amount in classes.items():
            assert held.shares[row].get(name, 0.0) == pytest.approx(amount / sum(down), rel=1e-6, abs=1e-9)


def test_known_cells_and_zeros_are_kept_and_marked():
    held = complete(
        {"A": 100.0, "B": 20.0}, {"insurers": 60.0, "banks": 40.0, "hedge funds": 10.0},
        known={"A": {"insurers": 55.0}}, zeros=[("A", "hedge funds"), ("B", "banks")],
    )  # fmt: skip
    assert held.shares["A"]["insurers"] == pytest.approx(0.55)
    assert held.shares["A"]["banks"] == pytest.approx(0.4)
    assert "hedge funds" not in held.shares["A"] and held.shares["B"]["hedge funds"] == pytest.approx(0.5)
    assert held.known("A", "insurers") == "reported" and held.known("A", "banks") == "estimated"
    assert held.shares["A"]["unidentified"] * 100.0 + held.shares["B"]["unidentified"] * 20.0 == pytest.approx(10.0)


CANNOT = {
    "more": (({"A": 1.0}, {"banks": 2.0}), {}, "classes: hold 2.00 in all, the tranches are 1.00"),
    "name": (
        ({"A": 1.0}, {"banks": 1.0}),
        {"zeros": [("A", "bank")]},
        "there is no class 'bank'. Did you mean 'banks'?",
    ),
    "known": (({"A": 1.0}, {"banks": 0.5}), {"known": {"A": {"banks": 0.7}}}, "known cells of class 'banks' exceed"),
    "zeros": (({"A": 1.0, "B": 1.0}, {"banks": 1.5}), {"zeros": [("A", "banks")]}, "no amounts fit the margins"),
    "negative": (({"A": 1.0}, {"banks": -1.0}), {}, "classes['banks']: must not be negative, got -1.00"),
    "rest": (({"A": 1.0}, {"unidentified": 1.0}), {}, "is what the others leave"),
}


@pytest.mark.parametrize("case", CANNOT)
def test_margins_that_cannot_be_are_refused(case):
    margins, more, message = CANNOT[case]
    with pytest.raises(InvalidTerms) as caught:
        complete(*margins, **more)
    assert message in str(caught.value)


def test_a_tranche_without_balance_is_nobodys():
    assert complete({"A": 0.0, "B": 1.0}, {"banks": 1.0}).shares["A"] == {"unidentified": 1.0}
    assert np.isclose(complete({"A": 0.0, "B": 1.0}, {"banks": 1.0}).shares["B"]["banks"], 1.0)
