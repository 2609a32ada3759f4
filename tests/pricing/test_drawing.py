"""Figures as SVG: bars as long as their numbers, the numbers themselves, nothing that would break the file."""

import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from shipped import shipped

from pricing import load_market
from pricing.report.contents.stress_result import stress_results
from pricing.report.figures.bridges import loss_bridge, value_bridge
from pricing.report.figures.charts import balances, class_bars, coverage, heat, trigger_dates
from pricing.report.figures.figure import Figure, between, drawn
from pricing.report.figures.sankeys import cash_sankey

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def case():
    deal, flows, losses = shipped("vantage-jersey")
    return stress_results(deal, flows, losses.prices, losses, load_market("vantage-jersey"))[0]


def rectangles(picture, *colours):
    return [
        {key: float(each.get(key)) for key in ("x", "y", "width", "height")} | {"fill": each.get("fill")}
        for each in picture.iter(f"{SVG}rect")
        if each.get("fill") in colours and each.get("height") != "11"  # those are the legend's
    ]


def texts(picture):
    return [each.text for each in picture.iter(f"{SVG}text")]


def test_bars_are_as_long_as_what_was_lost(case):
    figure = class_bars(case.losses, case.cell, case.unit)
    picture = ET.fromstring(drawn(figure))
    for trace in figure.traces:
        lost = np.array(trace["x"])
        wide = np.array([bar["width"] for bar in rectangles(picture, trace["marker"]["color"])])
        if lost.any():
            scale = wide.sum() / lost.sum()
            np.testing.assert_allclose(wide, lost * scale, atol=0.11)
    for note in figure.layout["annotations"]:
        assert note["text"].strip() in texts(picture)


def test_a_bridge_begins_where_it_stood_and_ends_at_nothing(case):
    figure = loss_bridge(case.bridge, case.cell[0], case.unit)
    picture = ET.fromstring(drawn(figure))
    colours = figure.traces[0]["marker"]["color"]
    bars = rectangles(picture, *colours)
    assert len(bars) == len(colours)
    for before, after in itertools.pairwise(bars):  # each bar begins where the one before it ended
        ends = {round(before["x"]), round(before["x"] + before["width"])}
        begins = {round(after["x"]), round(after["x"] + after["width"])}
        assert any(abs(one - other) <= 1 for one in ends for other in begins)
    assert set(figure.traces[0]["text"]) <= set(texts(picture))


def test_every_price_stands_in_a_cell_of_its_colour(case):
    figure = heat(case.prices, 3, case.rows, case.origin)
    picture = ET.fromstring(drawn(figure))
    said = texts(picture)
    assert all(price in said for row in figure.traces[0]["text"] for price in row)
    (scale,) = [trace["colorscale"] for trace in figure.traces]
    assert between(scale, 0.0) == scale[0][1] and between(scale, 1.0) == scale[-1][1]
    assert between([[0.0, "#000000"], [1.0, "#FF8000"]], 0.5) == "#804000"
    fallen = [each.get("fill") for each in picture.iter(f"{SVG}rect")]
    assert scale[0][1] in fallen  # class B is worth a tenth of what it was


def test_areas_and_lines_keep_their_height(case):
    picture = ET.fromstring(drawn(balances(case.flows, 0, case.rows, case.unit)))
    areas = [each for each in picture.iter(f"{SVG}path") if each.get("fill") != "none"]
    ticks = {each.text: float(each.get("y")) - 4 for each in picture.iter(f"{SVG}text") if each.text in ("0", "1,000")}
    million = (ticks["0"] - ticks["1,000"]) / 1000.0
    heights = [float(up) for up in re.findall(r"[ML]\S+?,(\S+)", areas[0].get("d"))]
    assert (max(heights) - min(heights)) / million == pytest.approx(800.0, abs=1.0)  # A-2 stands at the bottom
    assert all(ET.fromstring(drawn(figure)) is not None for figure in (*coverage(case), value_bridge(case)))


def test_what_it_cannot_draw_it_leaves_to_the_page(case):
    assert drawn(cash_sankey(case.flows, case.cell[0], case.unit)) is None and drawn(trigger_dates(case)) is None
    assert cash_sankey(case.flows, case.cell[0], case.unit)._repr_svg_() is None


def test_names_do_not_break_the_file():
    bar = {"type": "bar", "orientation": "h", "y": ["A &amp; B &lt;i&gt;"], "x": [1.0], "marker": {"color": "#000000"}}
    picture = ET.fromstring(drawn(Figure("x", 'R&D "first" <loss>', [bar], {}, 120)))
    assert 'R&D "first" <loss>' in texts(picture) and "A & B <i>" in texts(picture)
