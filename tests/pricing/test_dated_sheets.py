"""The dated sheets of the ordinary workbook: cash by scenario and date, clause by clause, and what the formulas check."""

import re

import numpy as np
import openpyxl
import pytest
from recalculated import figure, recalculated
from reported import evil_parts, parts_of

from pricing.report.workbook import write_workbook
from structuring.deals.deal_files import library
from waterfalls.engines.laws import tolerance

DEALS = sorted(set(library()) - {"ai-debt-market"})


@pytest.fixture(scope="module", params=["vantage-jersey", "iren-hardware-3"])
def made(request, tmp_path_factory):
    """A deal's flows and its workbook."""
    parts = parts_of(request.param)
    return parts[1], openpyxl.load_workbook(write_workbook(tmp_path_factory.mktemp("book") / "r.xlsx", *parts))


def lines_of(page):
    """The lines of a dated sheet: band, heading, label, numbers by date."""
    band = heading = ""
    for label, *_, first in page.iter_rows(min_row=6, max_col=5):
        if label.value and label.font.bold and label.font.color.rgb.endswith("FFFFFF"):
            band = heading = label.value
        elif label.value and label.font.bold and first.value is None:
            heading = label.value
        elif label.value:
            numbers = [cell.value for cell in page[label.row][4:]]
            yield band, heading, label.value, np.array([n if isinstance(n, (int, float)) else 0.0 for n in numbers])


def total(lines, label, starts=""):
    return sum((numbers for band, _, said, numbers in lines if said == label and band.startswith(starts)), 0.0)


def test_a_sheet_of_each_scenario_holds_the_cash_of_every_date(made):
    flows, book = made
    for s, scenario in enumerate(flows.scenarios):
        page = book[f"by_date_{s + 1}"]
        assert page["A1"].value == f"{flows.deal}: {scenario}"
        assert [cell.value.date() for cell in page[4][4:]] == list(flows.dates)
        lines = list(lines_of(page))
        np.testing.assert_allclose(total(lines, "collections"), flows.collected[s], rtol=1e-15)
        for name in flows.plan.notes_by_name:
            paid = total(lines, f"paid, interest of {name}", "Priority")
            np.testing.assert_allclose(paid, flows["paid", "interest", name][s], rtol=1e-12, atol=tolerance(flows.plan))
            paid = total(lines, f"paid, principal of {name}", "Priority")
            np.testing.assert_allclose(paid, flows.principal[name][s], rtol=1e-12, atol=tolerance(flows.plan))
            np.testing.assert_allclose(total(lines, f"balance, {name}, closing"), -flows.balance[name][s], rtol=1e-15)
        for name in flows.plan.triggers:
            np.testing.assert_array_equal(total(lines, f"trigger on, {name}"), flows.triggers[name][s])


TOGETHER = {"vantage-jersey": ["A-2"], "iren-hardware-3": ["delayed draw", "notes"]}  # whose interest one clause pays


def test_a_clause_owes_what_fell_due_and_what_was_not_paid_before(made):
    flows, book = made
    names, lines = TOGETHER[flows.deal], list(lines_of(book["by_date_1"]))
    owed, due = (sum(flows[key, "interest", name][0] for name in names) for key in ("owed", "accrued"))
    clause = next(heading for _, heading, label, _ in lines if label == f"paid, interest of {names[0]}")
    (found,) = (numbers for _, heading, label, numbers in lines if (heading, label) == (clause, "owed"))
    expected = due + np.concatenate([[0.0], owed[:-1]])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=tolerance(flows.plan))


def test_every_account_of_a_sheet_adds_up_and_formulas_check_it(made):
    flows, book = made
    for s in range(len(flows.scenarios)):
        page, checked = book[f"by_date_{s + 1}"], 0
        for row in page.iter_rows(min_row=6, min_col=5):
            if isinstance(row[0].value, str) and row[0].value.startswith("="):
                assert page.cell(row[0].row, 1).value == "adds up"
                first, last = map(int, re.findall(r"SUM\([A-Z]+(\d+):[A-Z]+(\d+)\)", row[0].value)[0])
                for cell in row:
                    sums = [page.cell(above, cell.column).value for above in range(first, last + 1)]
                    assert abs(sum(value or 0.0 for value in sums)) <= tolerance(flows.plan)
                checked += 1
        assert checked > len(flows.plan.tranches)
        assert page["D9"].value == f"=IF(COUNTIF(D10:D{page.max_row},1)={checked},1,0)"


def test_names_of_tables_and_lines_lead_to_them(made):
    flows, book = made
    assert book.defined_names["losses_by_class"].attr_text.startswith("losses_by_class!$A$4:$")
    for said in ("dates", "collections", "cash_left"):
        sheet, cells = book.defined_names[f"by_date_1_{said}"].attr_text.split("!")
        assert len(book[sheet][cells.replace("$", "")][0]) == flows.periods
    (left,) = book["by_date_1"][book.defined_names["by_date_1_cash_left"].attr_text.split("!")[1].replace("$", "")]
    np.testing.assert_allclose([-cell.value for cell in left], flows[("cash",)][0], rtol=1e-15)


def test_formulas_are_checks_and_nothing_else(made):
    _, book = made
    for page in book:
        for row in page.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert re.fullmatch(r"=IF\(.*,1,0\)|=by_date_\d+!\$D\$\d+", cell.value), (
                        page.title,
                        cell.coordinate,
                    )


def test_names_of_a_hostile_deal_stay_texts(tmp_path):
    book = openpyxl.load_workbook(write_workbook(tmp_path / "r.xlsx", *evil_parts()))
    assert book["by_date_2"]["A1"].value.endswith(": <i>half</i>")
    assert all(re.fullmatch(r"[A-Za-z_0-9]+", name) for name in book.defined_names)


# By LibreOffice ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", DEALS)
def test_another_program_finds_every_check_of_a_shipped_deal_to_hold(name, tmp_path):
    file = write_workbook(tmp_path / "r.xlsx", *parts_of(name))
    broken = openpyxl.load_workbook(file)
    sheet, cells = broken.defined_names["by_date_1_cash_left"].attr_text.split("!")
    broken[sheet][cells.replace("$", "")][0][-1].value += 1e4
    broken.save(tmp_path / "broken.xlsx")
    good, bad = recalculated([file, tmp_path / "broken.xlsx"], tmp_path)
    assert figure(good, "checks", "all checks hold") == 1
    assert figure(bad, "checks", "all checks hold") == 0
