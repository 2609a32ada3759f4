"""The report's numbers: what the tables hold is what the frames hold, on the page, in Excel, in JSON and in Parquet."""

import datetime as dt
import html
import json
import re
import subprocess
import sys

import numpy as np
import openpyxl
import pandas as pd
import pytest
from reported import EVIL, FORMULA, evil_parts, parsed, parts_of, same
from typer.testing import CliRunner

from pricing.breakevens.committee import committee
from pricing.cli import app
from pricing.overview.deal_tables import by_date
from pricing.report.contents.cash import items
from pricing.report.contents.sheets import sheets
from pricing.report.contents.stress_result import stress_results
from pricing.report.contents.trigger_readings import readings
from pricing.report.figures.sankeys import cash_sankey, loss_sankey
from pricing.report.json_and_parquet import as_json, write_parquet
from pricing.report.page import write_report
from pricing.report.workbook import FIRST, write_workbook
from pricing.report.written_files import outputs
from structuring.deals.deal_files import library, load_scenarios
from waterfalls import doors
from waterfalls.errors import InvalidTerms


@pytest.fixture(scope="module")
def vantage():
    return parts_of("vantage-jersey")


@pytest.fixture(scope="module")
def evil():
    return evil_parts()


def test_the_page_holds_what_the_frames_hold(vantage, tmp_path):
    page, case = parsed(write_report(tmp_path / "r.html", *vantage)), stress_results(*vantage)[0]
    shown = {name: rows[1:] for name, rows in page.tables.items()}
    assert list(shown) == [sheet.name for sheet in sorted(sheets(case), key=lambda one: list(shown).index(one.name))]
    for sheet in sheets(case):
        rows = list(sheet.frame.itertuples(index=False, name=None))
        assert len(shown[sheet.name]) == len(rows)
        assert all(
            same(a, b) for got, row in zip(shown[sheet.name], rows, strict=True) for a, b in zip(got, row, strict=True)
        )


def test_the_page_stands_alone_and_says_what_it_is(vantage, tmp_path):
    page = parsed(write_report(tmp_path / "r.html", *vantage))
    assert page.title == "vantage-jersey, 2026-11-20, rent cut 40 %, spreads +300 bp: not investment advice"
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert not {"link", "img", "iframe"} & set(page.tags)


def test_names_are_never_markup(evil, tmp_path):
    file = write_report(tmp_path / "r.html", *evil)
    page, text = parsed(file), file.read_text("utf-8")
    assert EVIL not in text
    assert "<i>half" not in text
    assert "<b>banks" not in text
    assert page.tables["capital_structure"][1][0] == EVIL  # and yet it is shown


def test_a_workbook_holds_what_the_frames_hold(vantage, tmp_path):
    book, case = openpyxl.load_workbook(write_workbook(tmp_path / "r.xlsx", *vantage)), stress_results(*vantage)[0]
    for sheet in sheets(case):
        page = book[sheet.name[:31]]
        assert page.freeze_panes == f"B{FIRST + 1}"
        for i, row in enumerate(sheet.frame.itertuples(index=False, name=None)):
            for j, value in enumerate(row):
                got = page.cell(FIRST + 1 + i, j + 1).value
                absent = value is None or value != value or value in (np.inf, "")
                if absent:
                    assert got is None
                elif isinstance(value, (int, float)):
                    assert got == pytest.approx(value, rel=1e-15, abs=0.0)
                else:
                    assert (got.date() if isinstance(got, dt.datetime) else got) == value
    amount = book["losses_by_class"].cell(FIRST + 1, 2)
    assert amount.value == 663.7e6  # the sponsor loses most: 616 of equity, 5 % of 800, 54 and 100
    assert amount.number_format == "#,##0.0,,"
    assert book["capital_structure"].column_dimensions["A"].width >= 7
    assert len(book["all_losses"]["A"]) == FIRST + len(case.losses.frame())
    tables = [book[sheet.name[:31]] for sheet in sheets(case)]
    assert all(
        page.sheet_properties.pageSetUpPr.fitToPage and page.print_title_rows == f"${FIRST}:${FIRST}" for page in tables
    )


def test_a_name_is_never_a_formula(evil, tmp_path):
    book = openpyxl.load_workbook(write_workbook(tmp_path / "r.xlsx", *evil))
    cell = book["capital_structure"].cell(FIRST + 2, 1)
    assert (cell.value, cell.data_type) == (FORMULA, "s")


def test_json_reads_back_to_the_frames(vantage):
    document = json.loads(
        as_json(stress_results(*vantage)[0]), parse_constant=lambda name: pytest.fail(f"{name} is not JSON")
    )
    assert document["stress"] == {"scenario": "rent cut 40 %", "shock": "+300 bp"}
    _, _, prices, losses, _ = vantage
    for name, frame in (("prices", prices.frame()), ("losses", losses.frame())):
        back = pd.DataFrame(document[name])
        assert list(back.columns) == list(frame.columns)
        for column in frame.select_dtypes("number"):
            np.testing.assert_array_equal(back[column].astype(float), frame[column])


def test_parquet_reads_back_to_the_frames(vantage, tmp_path):
    _, flows, prices, _, _ = vantage
    files = write_parquet(tmp_path / "out", {"flows": flows.frame(), "prices": prices.frame()})
    assert [file.name for file in files] == ["flows.parquet", "prices.parquet"]
    back, frame = pd.read_parquet(files[0]), flows.frame()
    assert back["date"].tolist() == frame["date"].dt.date.tolist()
    assert back["tranche"].tolist() == frame["tranche"].tolist()
    np.testing.assert_array_equal(back["interest"], frame["interest"])


@pytest.mark.parametrize("deal", library())
def test_every_shipped_deal_has_a_report_whose_cash_adds_up(deal, tmp_path):
    parts = parts_of(deal)
    page = parsed(write_report(tmp_path / "r.html", *parts))
    assert {"capital_structure", "cash", "loss_bridge", "losses_by_class", "assumptions"} <= set(page.tables)
    flows = parts[1]
    for s in range(len(flows.scenarios)):
        sums = {side: sum(one.amount for one in items(flows, s) if one.side == side) for side in ("in", "out")}
        assert sums["in"] == pytest.approx(sums["out"], rel=1e-9)


def test_what_flows_into_a_node_flows_out(vantage):
    case = stress_results(*vantage)[0]
    for figure in (cash_sankey(case.flows, case.cell[0], case.unit), loss_sankey(case)):
        link = figure.traces[0]["link"]
        into, out = (
            {n: sum(v for v, end in zip(link["value"], link[side], strict=True) if end == n) for n in link[side]}
            for side in ("target", "source")
        )
        assert all(into[n] == pytest.approx(out[n]) for n in into.keys() & out.keys())
    assert sum(loss_sankey(case).traces[0]["link"]["value"]) == pytest.approx(
        case.losses.tranche["total"][3, 1].sum() / 1e6
    )


def test_readings_are_what_the_servicer_would_test(vantage):
    flows = vantage[1]
    tested, told = readings(flows, 3), by_date(flows).query("scenario == 'rent cut 40 %'")
    assert [(one.trigger, str(one.number)) for one in tested] == [
        ("cash trap", "dscr()"),
        ("early amortisation", "dscr()"),
    ]
    due = told["debt_service"].to_numpy() > 0.0
    np.testing.assert_allclose(tested[0].value[due], told["dscr"].to_numpy()[due], rtol=1e-12)
    assert np.isnan(tested[0].value[~due]).all()
    below = due & (tested[0].value < tested[0].level)
    assert below.any()
    assert (tested[0].on[below] == 1.0).all()


def test_the_page_says_every_breakeven_that_the_price_command_says(vantage, tmp_path):
    deal, _, _, _, market = vantage
    base = load_scenarios("vantage-jersey")[0]
    cases = stress_results(*vantage, scenario="rent cut 40 %", shock="+300 bp")
    outputs(cases, base, lambda _: None, report=tmp_path / "r.html")
    page = html.unescape((tmp_path / "r.html").read_text("utf-8"))
    told = committee(deal, base, market).split("Breakevens: ")[1:]
    sentences = [line for part in told for line in part.strip().splitlines()[1:]]
    assert any(line.startswith("No note loses") for line in sentences)
    assert any("not renewed" in line for line in sentences)
    assert [line for line in sentences if line not in page] == []


def test_every_stress_asked_for_is_on_the_page_in_the_workbook_and_in_json(vantage, tmp_path):
    asked = ["largest tenant leaves", "rent cut 40 %"]
    stresses = [option for name in asked for option in ("--scenario", name)]
    files = ["--report", str(tmp_path / "r.html"), "--xlsx", str(tmp_path / "r.xlsx"), "--json"]
    done = CliRunner().invoke(
        app, ["run", "vantage-jersey", "--shock", "300", *stresses, *files], catch_exceptions=False
    )
    page, text = parsed(tmp_path / "r.html"), (tmp_path / "r.html").read_text("utf-8")
    document = json.loads(done.stdout)
    losses, prices = vantage[3], vantage[2]
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert [each["scenario"] for each in document["stresses"]] == asked
    for n, name in enumerate(asked):
        s, k = prices.at(name, "+300 bp")
        lost = {who: float(losses["total"][s, k, :, c].sum()) for c, who in enumerate(losses.classes)}
        told = {row[0]: float(row[2 + n]) for row in page.tables["stresses_by_class"][1:]}
        assert told == pytest.approx({**lost, "all": sum(lost.values())})
        assert [float(row[2 + n]) for row in page.tables["stresses_prices"][1:]] == list(prices["clean"][s, k])
        by_tranche = [float(row[1 + n]) for row in page.tables["stresses_by_tranche"][1:]]
        assert by_tranche == pytest.approx(list(losses.tranche["total"][s, k]))
        table = "losses_by_class" + ("" if n == 0 else f"_{n + 1}")
        detail = {row[0]: float(row[5]) for row in page.tables[table][1:]}
        assert detail == pytest.approx(told)
        assert {row["class"]: row["total"] for row in document["tables"][table]} == pytest.approx(told)
        assert book[table].cell(FIRST + 1, 6).value == pytest.approx(next(iter(detail.values())))
        assert f'<h2 class="part" id="stress-{n + 1}">Stress: {name}, spreads +300 bp</h2>' in text
    ids = re.findall(r'\bid="([^"]+)"', re.sub(r"<script>.*?</script>", "", text, flags=re.S))
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(ids)


def test_a_case_is_of_one_deal(vantage, evil):
    with pytest.raises(InvalidTerms, match="flows: are of"):
        stress_results(vantage[0], *evil[1:])
    with pytest.raises(KeyError, match="Did you mean 'rent cut 40 %'"):
        _ = stress_results(*vantage, scenario="rent cut")[0].cell


def test_an_absent_extra_is_one_message_with_the_command(vantage, tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(doors.importlib, "import_module", absent)
    with pytest.raises(doors.MissingExtra, match=r"pip install 'firstloss\[report\]'"):
        write_report(tmp_path / "r.html", *vantage)


def test_the_report_costs_nothing_until_it_is_asked_for():
    code = "import sys, pricing, pricing.cli; print([n for n in ('plotly', 'jinja2', 'openpyxl', 'pyarrow') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_notebooks_show_words_and_tables_with_names_escaped(evil, vantage):
    for shown in (*evil[:4], vantage[0].waterfall["before enforcement"]):
        text = shown._repr_html_()
        assert "<script" not in text
        assert ("<table>" in text) or ("<ol>" in text)
    assert "to pay operating costs" in vantage[0]._repr_html_()
    assert "467," in vantage[3]._repr_html_()  # the sponsor's loss, in millions of pounds


def test_the_command_writes_them_and_prints_json_alone(tmp_path):
    files = {name: tmp_path / name for name in ("report.html", "book.xlsx", "parquet")}
    options = zip(("--report", "--xlsx", "--parquet"), map(str, files.values()), strict=True)
    told = CliRunner().invoke(
        app, ["run", "beignet-2025", "--shock", "100", "--json", *(word for pair in options for word in pair)]
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["deal"] == "beignet-2025"
    assert all(f"wrote {tmp_path / name}" in told.stderr for name in files)
    page = parsed(files["report.html"])
    assert {"breakevens", "end_bearers", "rounds_of_contagion"} <= set(page.tables)
    assert "end_bearers" in openpyxl.load_workbook(files["book.xlsx"]).sheetnames
