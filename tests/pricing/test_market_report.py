"""A market's report: the answer leads, every number is a table's, every table says how to print it, and flows add up."""

import functools
import json
import math
import re

import openpyxl
import pytest
from market import closed, moved
from typer.testing import CliRunner

from pricing.cli import app
from pricing.report.market_report import market_figures
from pricing.report.market_report.market_result import MarketResult
from pricing.report.market_report.market_tables import sheets, sources
from pricing.report.market_report.write_market import sections, write_market
from structuring.deals.deal_files import LIBRARY
from structuring.documents.plain_data import load

HOME = LIBRARY / "ai-debt-market"


@functools.cache
def result():
    return MarketResult(closed(), moved())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    said = []
    write_market(result(), said.append, report=folder / "m.html", xlsx=folder / "m.xlsx")
    assert said == [f"wrote {folder / 'm.html'}", f"wrote {folder / 'm.xlsx'}"]
    return folder


def test_four_sentences_and_one_picture_lead_then_the_tornado_then_classes_to_households():
    first, second, true, third, *_ = sections(result())
    assert len(first.lines) == 4 and [figure.name for figure in first.figures] == ["loop-rounds"] and not first.sheets
    assert second.figures[0].name == "tornado" and third.figures[0].name == "to-households"
    assert [figure.name for figure in true.figures] == ["what-if-1", "what-if-2"] and len(true.lines) == 3
    assert sections(result())[-1].sheets[0].name == "loop_assumptions"
    said = " ".join(first.lines)
    for word in (
        "66.6bn in the first round",
        "109.3bn",
        "0.64 times",
        "lost 65 %",
        "private-credit funds bear the most",
        "no probability",
    ):
        assert word in said


def test_the_page_and_the_workbook_hold_what_the_tables_hold(written):
    html, book = (written / "m.html").read_text("utf-8"), openpyxl.load_workbook(written / "m.xlsx")
    assert book.sheetnames == [sheet.name for sheet in sheets(result())]
    unnamed = next(sheet for sheet in sheets(result()) if sheet.name == "unidentified")
    assert unnamed.kinds["share"] == "share" and unnamed.kinds["loss"] == "money"
    for sheet in sheets(result()):
        table = html.split(f'id="table-{sheet.name}"')[1].split("</table>")[0]
        cells = re.findall(r'<td class="(\w+)" data-value="([^"]*)"', table)
        assert len(cells) == sheet.frame.size
        numbers = [float(value) for kind, value in cells if kind not in ("text", "date") and value]
        frame = [x for row in sheet.frame.itertuples(index=False) for x in row]
        exact = [float(x) for x in frame if isinstance(x, (int, float)) and math.isfinite(x)]
        assert numbers == exact
        page = [
            c.value for row in book[sheet.name].iter_rows(min_row=5) for c in row if isinstance(c.value, (int, float))
        ]
        assert page == pytest.approx(exact, rel=1e-14)  # openpyxl writes sixteen digits
    assert "http:" not in (before := html.split("<script>")[0]) and "https:" not in before  # it asks for nothing


def test_every_table_says_the_command_that_prints_it():
    command = CliRunner().invoke(
        app, ["stress", "ai-debt-market", "--sensitivity", "--draws", "4", "--seed", "1", "--json"]
    )
    printed = json.loads(command.stdout)["tables"]
    for sheet in sheets(result()):
        if sheet.name == "sources":
            continue
        name = re.search(r"firstloss stress ai-debt-market.* --csv --table (\w+) prints it", sheet.note)[1]
        assert name in printed
        if sheet.name in ("tornado", "loop_rounds", "loop_institutions", "deals"):
            column = next(str(c) for c in sheet.frame.columns if sheet.frame[c].dtype.kind == "f")
            assert [row[column] for row in printed[name]] == pytest.approx(sheet.frame[column].tolist(), nan_ok=True)


def test_every_source_of_the_files_is_listed():
    table = sources(result().stress)
    for file in ("book.yaml", "story.yaml", "institutions.yaml", "deals/meta-bonds.yaml"):
        said = load(HOME / file)["sources"]
        listed = set(table.loc[table["file"] == file, "where_from"])
        assert {one.get("source") or one["assumption"] for one in said.values()} <= listed
    assert set(table["basis"]) <= {"assumption", *(f"source, tier {tier}" for tier in "PRBD")}


def test_drawings_add_up_to_all_losses():
    made, unit = result().loop.loop, result().unit.divisor
    total = made.least.sum() / unit
    rounds = market_figures.rounds(result())
    assert sum(trace["y"][-1] for trace in rounds.traces) == pytest.approx(total)
    assert sum(trace["y"][0] for trace in rounds.traces) == pytest.approx(made.first.sum() / unit)
    assert result().loop.ends()["loss"].sum() == pytest.approx(made.least.sum(), rel=1e-9)
    flows = market_figures.to_households(result()).traces[0]["link"]["value"]
    assert 0.97 * total < sum(flows) <= total * (1 + 1e-9)
    tornado = market_figures.tornado(result())
    assert len(tornado.traces[0]["y"]) == market_figures.TOLD
    for trace in tornado.traces:
        ends = [base_and + trace["base"] for base_and in trace["x"]]
        assert all(end == pytest.approx(min(told[1], end)) for end, told in zip(ends, trace["customdata"], strict=True))


def test_one_deal_has_the_same_options(tmp_path):
    file = tmp_path / "v.html"
    said = CliRunner().invoke(
        app, ["stress", "vantage-jersey", "--scenario", "refinancing freeze", "--report", str(file)]
    )
    assert said.exit_code == 0, said.output
    assert "refinancing freeze" in file.read_text("utf-8")
    refused = CliRunner().invoke(app, ["stress", "ai-debt-market", "--without", "all", "--report", str(file)])
    assert refused.exit_code != 0
