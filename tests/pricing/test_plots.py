"""`plot()` of results: traces hold the numbers of their frames, and without plotly there is one clear error."""

import importlib

import numpy as np
import pandas as pd
import pytest
from shipped import shipped

from pricing import bridge
from structuring import load_deal
from waterfalls.doors import MissingExtra

MILLION = 1e6
STRESS, SHOCK = "rent cut 40 %", "+300 bp"


@pytest.fixture(scope="module")
def results():
    _, flows, losses = shipped("vantage-jersey")
    made = bridge(flows, losses, reference="base")
    return {"flows": flows, "prices": losses.prices, "losses": losses, "bridge": made}


def traces(figure) -> dict:
    return {trace["name"]: trace for trace in figure.to_dict()["data"]}


@pytest.mark.parametrize("scenario", [None, STRESS])
def test_flows_are_drawn_as_the_balances_of_their_frame(results, scenario):
    flows = results["flows"]
    frame = flows.frame()
    owed = frame[frame["scenario"] == (scenario or "base")].pivot(index="date", columns="tranche", values="balance")
    figure = flows.plot(scenario)
    drawn = traces(figure)
    assert scenario or "base" in figure.layout.title.text
    assert "collateral value" in drawn
    notes = [name for name in flows.plan.notes_by_name if owed[name].any()]
    assert len(notes) > 1
    for name in notes:
        np.testing.assert_allclose(drawn[name]["y"], owed[name] / MILLION)
        assert [pd.Timestamp(day) for day in drawn[name]["x"]] == list(owed.index)


def test_cash_from_sources_to_uses_is_what_tranches_were_paid(results):
    flows = results["flows"]
    s = list(flows.scenarios).index(STRESS)
    figure = flows.plot(STRESS, show="cash")
    (drawn,) = figure.to_dict()["data"]
    node, link = drawn["node"]["label"], drawn["link"]
    ends = set(link["target"]) - set(link["source"])
    paid = {}
    for to, value in zip(link["target"], link["value"], strict=True):
        if to in ends:
            name = node[to].rsplit(" ", 1)[0]
            paid[name] = paid.get(name, 0.0) + value
    for name in flows.tranches:
        received = float((flows.interest[name] + flows.principal[name])[s].sum()) / MILLION
        assert paid.get(name, 0.0) == pytest.approx(received)


def test_prices_are_drawn_as_they_stand_in_the_frame(results):
    prices = results["prices"]
    frame = prices.frame(["clean"])
    assert STRESS in prices.plot(STRESS).layout.title.text
    for scenario in (None, STRESS):
        of = frame[frame["scenario"] == (scenario or "base")]
        clean = of.pivot(index="tranche", columns="shock", values="clean")
        start = frame[(frame["scenario"] == "base") & (frame["shock"] == "unchanged")].set_index("tranche")["clean"]
        (drawn,) = prices.plot(scenario).to_dict()["data"]
        assert list(drawn["x"]) == ["unchanged", SHOCK]
        for name, said, moved in zip(drawn["y"], drawn["text"], drawn["z"], strict=True):
            row = clean.loc[name, ["unchanged", SHOCK]].to_numpy()
            assert list(said) == [f"{value:,.2f}" for value in row]
            np.testing.assert_allclose(np.array(moved, float), 100.0 * (row / start[name] - 1.0), atol=1e-9)


def test_losses_are_drawn_by_class_as_the_frame_sums_them(results):
    losses = results["losses"]
    frame = losses.frame()
    of = frame[(frame["scenario"] == STRESS) & (frame["shock"] == SHOCK)]
    sums = of.groupby("investor_class", observed=True)[["credit_loss", "rates_loss", "spread_loss"]].sum() / MILLION
    drawn = traces(losses.plot(STRESS, SHOCK))
    assert set(drawn) == {"credit", "rates", "spread"}
    for name, trace in drawn.items():
        expected = sums.loc[list(trace["y"]), f"{name}_loss"]
        np.testing.assert_allclose(np.array(trace["x"]), expected, atol=1e-9)
    last = losses.prices.scenarios[-1], losses.prices.shocks[-1]
    assert losses.plot() == losses.plot(*last)


def test_a_bridge_is_drawn_line_by_line_as_its_frame(results):
    made = results["bridge"]
    (drawn,) = made.plot(STRESS).to_dict()["data"]
    frame = made.frame(STRESS).groupby(["side", "kind", "name"], sort=False)["cash_loss"].sum() / MILLION
    largest = frame.abs().max()
    expected = sorted(
        amount if side == "shortfall" else -amount
        for (side, _, _), amount in frame.items()
        if abs(amount) > 1e-4 * largest
    )
    np.testing.assert_allclose(sorted(drawn["x"]), expected)
    assert drawn["base"][-1] + drawn["x"][-1] == pytest.approx(0.0, abs=1e-3 * largest)  # back to nothing
    html = made._repr_html_()
    assert "loss bridge" in html and "<table>" in html and "cash loss" in html


def test_a_bridge_over_nothing_is_empty(results):
    figure = results["bridge"].plot("base")
    assert not figure.data
    assert "base" in figure.layout.title.text


def test_a_figure_stands_alone_with_its_title_and_every_label(results):
    for result in results.values():
        figure = result.plot(STRESS)
        assert STRESS in figure.layout.title.text
        assert figure.layout.margin.t >= 60 and figure.layout.yaxis.automargin


def test_unknown_names_are_refused_with_the_nearest(results):
    for result in results.values():
        with pytest.raises(KeyError, match=f"Did you mean '{STRESS}'"):
            result.plot("rent cut")
    with pytest.raises(ValueError, match="Did you mean 'balances'"):
        results["flows"].plot(show="balance")
    with pytest.raises(KeyError, match="shock"):
        results["losses"].plot(STRESS, "+30 bp")


def test_without_plotly_there_is_one_error_that_names_the_extra(results, monkeypatch):
    found = importlib.import_module

    def absent(name, package=None):
        if name.startswith("plotly"):
            raise ImportError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    for result in results.values():
        with pytest.raises(MissingExtra, match=r"'plotly'.*pip install 'firstloss\[report\]'"):
            result.plot()


def test_a_waterfall_is_drawn_clause_by_clause():
    waterfall = load_deal("vantage-jersey").waterfalls["before enforcement"]
    (clauses,) = waterfall.plot().to_dict()["data"]
    assert len(clauses["text"]) == len(waterfall.clauses)
    for text, words in zip(clauses["text"], waterfall.words().splitlines(), strict=True):
        assert text.replace("<br>   ", " ") == words
    assert list(clauses["y"]) == sorted(clauses["y"], reverse=True)
    opened = [symbol == "circle-open" for symbol in clauses["marker"]["symbol"]]
    assert opened == [bool(clause.conditions) for clause in waterfall.clauses] and any(opened)
