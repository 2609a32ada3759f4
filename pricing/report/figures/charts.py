"""Charts of a report: balances, coverage and triggers over time, prices by shock, losses and breakevens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.overview.deal_tables import collections
from pricing.report.contents.trigger_readings import Reading, readings
from pricing.report.figures.figure import Figure, escaped, numbers
from pricing.report.figures.palette import (
    COMPONENTS,
    GAIN,
    LOSS,
    NEUTRAL,
    REFERENCE,
    STRESS,
    faded,
    ink_on,
    tranche_colours,
)
from pricing.tables.quotients import quotient
from pricing.valuation.prices import called

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from pricing.report.contents.stress_result import StressResult
    from pricing.tables.number_formats import Unit
    from pricing.valuation.prices import Prices
    from waterfalls.cashflows import Cashflows

THIN = 0.07  # of the axis: a band thinner than this has no room for its name


def span(flows: Cashflows, rows: Sequence[int]) -> list[str]:
    """The first date, and the last on which anything is owed or came in, in the scenarios shown."""
    shown = list(rows)
    alive = np.abs(collections(flows)[shown]).sum(axis=0) + sum(
        owed[shown].sum(axis=0) for owed in debts(flows).values()
    )
    last = np.flatnonzero(alive)[-1] if alive.any() else flows.periods - 1
    return [days(flows)[0], days(flows)[max(int(last), 1)]]


def days(flows: Cashflows) -> list[str]:
    return [day.isoformat() for day in flows.dates]


def balances(flows: Cashflows, s: int, rows: Sequence[int], unit: Unit) -> Figure:
    """What the notes and facilities owe after each payment, the most senior at the bottom, and the collateral's value.

    The axes are those of the scenarios in `rows`, drawn side by side, the reference first.
    """
    colours = tranche_colours(list(flows.tranches))
    bands = {name: owed[s] / unit.divisor for name, owed in debts(flows).items() if owed[s].any()}
    value = flows.receipt("value")[s] / unit.divisor
    base = np.zeros(flows.periods)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    tallest = highest(flows, rows) / unit.divisor
    for name, amounts in bands.items():
        colour = colours.get(name, NEUTRAL)
        t = int(np.argmax(amounts))
        middle = (base[t] + amounts[t] / 2, t)
        labelled = amounts[t] > THIN * tallest
        base = base + amounts
        traces.append({
            "type": "scatter", "x": days(flows), "y": numbers(amounts), "name": escaped(name), "stackgroup": "owed",
            "line": {"shape": "hv", "width": 0.5, "color": colour}, "fillcolor": colour, "showlegend": not labelled,
            "hovertemplate": "%{y:,.1f}",
        })  # fmt: skip
        if labelled:
            edge = "left" if middle[1] < flows.periods / 2 else "right"
            notes.append({
                "x": days(flows)[middle[1]], "y": middle[0], "text": f" {escaped(name)} ", "showarrow": False,
                "xanchor": edge, "font": {"color": ink_on(colour), "size": 13},
            })  # fmt: skip
    if value.any():
        shown = np.where(value > 0.0, value, np.nan)
        traces.append({
            "type": "scatter", "x": days(flows), "y": numbers(shown), "name": "collateral value", "mode": "lines",
            "line": {"width": 1.6, "dash": "dot"}, "meta": "ink", "hovertemplate": "%{y:,.1f}",
        })  # fmt: skip
    layout = {
        "annotations": notes,
        "xaxis": {"range": span(flows, rows), "type": "date"},
        "hovermode": "x unified",
        "yaxis": {"rangemode": "tozero", "range": [0.0, 1.06 * max(tallest, 1e-9)], "tickformat": ",.0f"},
        "showlegend": True,
    }
    title = f"Balances, {called(flows.receipts.scenarios, s)} ({unit.words})"
    return Figure(f"balances-{'reference' if s == rows[0] else 'stress'}", title, traces, layout, 300)


def highest(flows: Cashflows, rows: Sequence[int]) -> float:
    """The top of the axis that all drawings of balances share."""
    shown = list(rows)
    owed = sum(owed[shown] for owed in debts(flows).values())
    return float(max(np.max(owed), np.max(flows.receipt("value")[shown], initial=0.0)))


def debts(flows: Cashflows) -> dict[str, np.ndarray]:
    """What each note and facility owes (S, T), the most senior first."""
    return {name: flows["balance", name] for name in (*flows.plan.notes_by_name, *flows.plan.facilities)}


def coverage(case: StressResult) -> list[Figure]:
    """Each ratio that a trigger reads, in the reference and in the stress, with the levels at which triggers trip."""
    by_row = {s: [found for found in readings(case.flows, s) if found.ratio] for s in case.rows}
    stressed = by_row[case.cell[0]]
    figures = []
    for number in dict.fromkeys(str(found.number) for found in stressed):
        alike = [found for found in stressed if str(found.number) == number]
        traces = []
        for s in case.rows:
            value = next(found.value for found in by_row[s] if str(found.number) == number)
            colour = STRESS if s == case.cell[0] else REFERENCE
            traces.append({
                "type": "scatter", "x": days(case.flows), "y": numbers(value), "name": escaped(case.named(s)),
                "mode": "lines", "line": {"shape": "hv", "width": 2, "color": colour}, "hovertemplate": "%{y:.2f}x",
            })  # fmt: skip
        shapes, notes = levels(alike)
        values = np.concatenate([found.value for s in case.rows for found in by_row[s] if str(found.number) == number])
        top = float(np.nanquantile(values, 0.9)) if np.isfinite(values).any() else 1.0
        most = max([1.25 * top, *(1.25 * float(np.nanmax(found.level)) for found in alike if found.sign)])
        layout = {
            "shapes": shapes,
            "annotations": notes,
            "xaxis": {"range": span(case.flows, case.rows), "type": "date"},
            "hovermode": "x unified",
            "yaxis": {"range": [0.0, most], "ticksuffix": "x"},
            "showlegend": True,
        }
        words = alike[0].number.words().removeprefix("the ")
        title = f"{words[:1].upper()}{words[1:]} (times)"
        figures.append(Figure(f"coverage-{len(figures) + 1}", title, traces, layout, 300))
    return figures


def levels(alike: list[Reading]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A dashed line and a label for every level that a number is compared with."""
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for found in alike:
        if not found.sign or not np.isfinite(found.level).any():
            continue
        level = float(found.level[np.isfinite(found.level)][-1])
        line = {"dash": "dash", "width": 1, "color": NEUTRAL}
        across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": line, "layer": "below"}
        shapes.append({**across, "y0": level, "y1": level})
        text = f"{escaped(found.trigger)} {escaped(found.sign)} {level:.2f}x"
        notes.append({
            "xref": "paper", "x": 1, "xanchor": "right", "y": level, "yanchor": "top", "text": text, "showarrow": False,
            "font": {"size": 11},
        })  # fmt: skip
    if len(notes) > 1:  # the highest stands above its line, the others below theirs
        max(notes, key=lambda note: note["y"])["yanchor"] = "bottom"
    return shapes, notes


def trigger_dates(case: StressResult) -> Figure | None:
    """On which dates each trigger is on."""
    flows = case.flows
    if not any(flows.triggers[name][list(case.rows)].any() for name in flows.triggers):
        return None
    traces = []
    for s in case.rows:
        on = [
            (day, name)
            for name in flows.triggers
            for day, flag in zip(days(case.flows), flows.triggers[name][s], strict=True)
            if flag > 0
        ]
        stress = s == case.cell[0]
        traces.append({
            "type": "scatter", "mode": "markers", "x": [day for day, _ in on], "y": [escaped(name) for _, name in on],
            "name": escaped(case.named(s)), "hovertemplate": "%{x}<extra>%{y}</extra>",
            "marker": {
                "symbol": "square" if stress else "square-open", "size": 8 if stress else 13,
                "color": STRESS if stress else REFERENCE,
            },
        })  # fmt: skip
    names = [escaped(name) for name in flows.triggers]
    layout = {
        "xaxis": {"range": span(case.flows, case.rows), "type": "date"},
        "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": names[::-1], "range": [-0.6, len(names) - 0.4]},
        "showlegend": True,
    }  # fmt: skip
    return Figure("trigger-dates", "Dates on which a trigger is on", traces, layout, 110 + 34 * len(names))


def heat(prices: Prices, s: int, rows: Sequence[int], origin: tuple[int, int]) -> Figure:
    """Clean prices by tranche and shock, coloured by how far they are from those of the cell `origin` before rates moved.

    Tranches that have a price in none of the scenarios in `rows`, the reference first, are left out.
    """
    s0, k0 = origin
    quoted = np.flatnonzero(np.isfinite(prices["clean"][list(rows)]).any(axis=(0, 1)))
    clean = prices["clean"][s][:, quoted].T  # (N, K)
    start = prices.clean_before[s0, k0][quoted, None]
    moved = 100.0 * (quotient(clean, start) - 1.0)
    text = [[f"{value:,.2f}" if np.isfinite(value) else "" for value in row] for row in clean]
    widest = 60.0
    trace = {
        "type": "heatmap",
        "x": [escaped(name) for name in prices.shocks],
        "y": [escaped(prices.tranches[i]) for i in quoted],
        "z": [numbers(row) for row in moved],
        "text": text,
        "texttemplate": "%{text}",
        "zmin": -widest,
        "zmax": widest,
        "colorscale": [[0.0, LOSS], [0.5, "#EDEDE8"], [1.0, GAIN]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{y}, %{x}: %{text} (%{z:+.1f} % against the reference)<extra></extra>",
    }
    layout = {
        "yaxis": {"autorange": "reversed", "type": "category"},
        "xaxis": {"side": "top", "type": "category"},
        "margin": {"t": 34, "b": 6},
    }
    title = f"Clean price per 100, {called(prices.scenarios, s)}"
    return Figure(f"heat-{'reference' if s == rows[0] else 'stress'}", title, [trace], layout, 60 + 44 * len(quoted))


def tranche_bars(case: StressResult) -> Figure:
    """Losses by tranche, the most senior on top, by what took them."""
    (s, k), names = case.cell, list(case.prices.tranches)
    by = {name: case.losses.tranche[name][s, k][::-1] / case.unit.divisor for name in COMPONENTS}
    title = f"Losses by tranche, {case.stress} ({case.unit.words})"
    return loss_bars("tranche-bars", title, names[::-1], by)


def class_bars(losses: Losses, cell: tuple[int, int], unit: Unit) -> Figure:
    """Losses by investor class in one cell, the largest on top, by what took them."""
    s, k = cell
    by = {name: losses.tranche[name][s, k] @ losses.shares / unit.divisor for name in COMPONENTS}
    order = np.argsort(sum(by.values()))  # plotly draws from the bottom
    stress = f"{called(losses.prices.scenarios, s)}, spreads {losses.prices.shocks[k]}"
    title = f"Losses by investor class, {stress} ({unit.words})"
    names = [losses.classes[i] for i in order]
    return loss_bars("class-bars", title, names, {name: lost[order] for name, lost in by.items()}, wide=True)


def loss_bars(figure: str, title: str, names: list[str], by: dict[str, np.ndarray], wide: bool = False) -> Figure:
    """Bars from the bottom up, in parts: to the right a loss, to the left a gain, the total beside them."""
    labels = [escaped(name) for name in names]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar", "orientation": "h", "y": labels, "x": numbers(by[name]), "name": name,
            "marker": {"color": colour}, "hovertemplate": f"%{{y}}, {name}: %{{x:,.1f}}<extra></extra>",
        }
        for name, colour in COMPONENTS.items()
    ]  # fmt: skip
    parts = np.array([by[name] for name in COMPONENTS])
    right, left, whole = np.maximum(parts, 0.0).sum(axis=0), np.minimum(parts, 0.0).sum(axis=0), parts.sum(axis=0)
    notes = [
        {"x": float(right[i]), "y": i, "text": f" {whole[i]:,.1f}", "xanchor": "left", "showarrow": False}
        for i in range(len(names))
    ]
    span = max(float(right.max() - left.min()), 1e-9)
    layout = {
        "barmode": "relative",
        "annotations": notes,
        "xaxis": {
            "range": [float(left.min()) - 0.02 * span * bool(left.min()), float(right.max()) + 0.3 * span],
            "tickformat": ",.0f",
            "zeroline": True,
        },
        "yaxis": {"type": "category", "showgrid": False},
        "showlegend": True,
    }
    return Figure(figure, title, traces, layout, 90 + 36 * max(len(names), 2), wide)


def breakeven_bars(case: StressResult) -> Figure | None:
    """How far each driver may go before each note first loses, as a share of the scenario."""
    rows = [
        (f"{found.driver.replace('_', ' ')}: {name}", name, float(first))
        for found in case.driven
        for name, first in zip(found.notes, found.headroom[:, 0], strict=True)
        if np.isfinite(first)
    ]
    if not rows:
        return None
    colours = tranche_colours(list(case.flows.tranches))
    trace = {
        "type": "bar", "orientation": "h", "y": [escaped(label) for label, _, _ in rows],
        "x": [100.0 * far for _, _, far in rows], "marker": {"color": [faded(colours[name], 0.9) for _, name, _ in rows]},
        "text": [f"{100.0 * far:.1f} %" for _, _, far in rows], "textposition": "outside", "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }  # fmt: skip
    layout = {
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False},
        "xaxis": {"ticksuffix": " %", "range": [0.0, 118.0 * max(far for _, _, far in rows)]},
        "showlegend": False,
    }
    layout["meta"] = {"narrow": [0.0, 150.0 * max(far for _, _, far in rows)]}  # the label needs as many pixels
    return Figure(
        "breakeven-bars", "Move of a driver before the first loss (per cent)", [trace], layout, 60 + 34 * len(rows)
    )
