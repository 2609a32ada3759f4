"""What `plot()` of flows, prices, losses, a loss bridge and a waterfall draws: figures of the report, titled, as plotly's own."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from pricing.report.figures import bridges, charts, sankeys
from pricing.report.figures.figure import GRID, INK, Figure, escaped
from pricing.tables.number_formats import unit_of
from pricing.valuation.prices import position
from waterfalls.errors import InvalidTerms, unknown

if TYPE_CHECKING:
    import plotly.graph_objects

    from pricing.bearers.loss_bridge import Bridge
    from pricing.bearers.who_bears import Losses
    from pricing.valuation.prices import Prices
    from waterfalls.cashflows import Cashflows
    from waterfalls.clauses.waterfall import Waterfall

AXIS = {"automargin": True, "gridcolor": GRID, "zeroline": False}
LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "traceorder": "normal"}
HEAD = 64  # pixels above the drawing, for its title and the names of its traces


def of_flows(flows: Cashflows, scenario: Any, show: str) -> plotly.graph_objects.Figure:
    """Balances after each payment date, or cash over the life of the deal from sources to uses."""
    s = 0 if scenario is None else position("scenario", scenario, list(flows.receipts.scenarios))
    unit = unit_of(flows.plan.currency, sum(tranche.notional for tranche in flows.plan.tranches.values()))
    match show:
        case "balances":
            return titled(charts.balances(flows, s, (s,), unit))
        case "cash":
            return titled(sankeys.cash_sankey(flows, s, unit))
    raise InvalidTerms(unknown("drawing of flows", show, ("balances", "cash")))


def of_prices(prices: Prices, scenario: Any) -> plotly.graph_objects.Figure:
    """Clean prices by tranche and shock, coloured against the reference."""
    origin = prices.at(prices.reference, "unchanged")
    s = origin[0] if scenario is None else position("scenario", scenario, prices.scenarios)
    return titled(charts.heat(prices, s, tuple(dict.fromkeys((origin[0], s))), origin))


def of_losses(losses: Losses, scenario: Any, shock: str | None) -> plotly.graph_objects.Figure:
    """Losses by investor class, by what took them."""
    prices = losses.prices
    cell = prices.at(
        prices.scenarios[-1] if scenario is None else scenario, prices.shocks[-1] if shock is None else shock
    )
    par = float(prices.memo["committed"][prices.at(*losses.reference)[0]].sum())
    return titled(charts.class_bars(losses, cell, unit_of(prices.currency, par)))


def of_bridge(bridge: Bridge, scenario: Any) -> plotly.graph_objects.Figure:
    """From the collateral's shortfall back to nothing by those who received less."""
    s = len(bridge.scenarios) - 1 if scenario is None else position("scenario", scenario, list(bridge.scenarios))
    return titled(bridges.loss_bridge(bridge, s, unit_of(bridge.currency, bridge.notional)))


def of_waterfall(waterfall: Waterfall) -> plotly.graph_objects.Figure:
    """The priority of payments from the first clause down, in words; what is paid under a condition has an open mark."""
    lines = [
        "<br>   ".join(textwrap.wrap(escaped(clause.words()), 100, break_on_hyphens=False))
        for clause in waterfall.clauses
    ]
    texts = [f"({number}) {line}" for number, line in enumerate(lines, 1)]
    tall = [line.count("<br>") + 1.5 for line in lines]
    depths = [-sum(tall[:i]) - 0.5 * tall[i] for i in range(len(tall))]
    marks = ["circle-open" if clause.conditions else "circle" for clause in waterfall.clauses]
    clauses = {
        "type": "scatter", "mode": "lines+markers+text", "name": "priority of payments", "x": [0.0] * len(texts), "y": depths,
        "text": texts, "textposition": "middle right", "cliponaxis": False, "hoverinfo": "skip",
        "marker": {"symbol": marks, "size": 11, "color": INK}, "line": {"color": GRID},
    }  # fmt: skip
    hidden = {"visible": False}
    layout = {"showlegend": False, "xaxis": {**hidden, "range": [-0.02, 1.0]}, "yaxis": hidden}
    return titled(Figure("waterfall", "Priority of payments", [clauses], layout, 60 + int(-18 * depths[-1])))


def titled(figure: Figure) -> plotly.graph_objects.Figure:
    """A figure that stands alone: its title above it, its height, and room for what its axes name."""
    made = figure.as_plotly()
    top = HEAD + figure.layout.get("margin", {}).get("t", 0)
    title = {
        "text": figure.title,
        "x": 0.02,
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 10},
    }
    made.update_layout(
        title=title, height=figure.height + HEAD, legend=LEGEND, margin={"l": 20, "r": 20, "b": 30, "t": top}
    )
    made.update_traces({"line": {"color": INK}}, selector={"meta": "ink"})  # on a page, the colour of its text
    made.update_xaxes(AXIS, overwrite=False)
    made.update_yaxes(AXIS, overwrite=False)
    return made
