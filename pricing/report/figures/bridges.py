"""Bridge charts: from value before to value after a stress, and from the collateral's shortfall to who bears it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pricing.report.figures.figure import Figure, escaped
from pricing.report.figures.palette import COMPONENTS, NEUTRAL, REFERENCE, STRESS, tranche_colours
from pricing.valuation.prices import called

if TYPE_CHECKING:
    from pricing.bearers.loss_bridge import Bridge
    from pricing.report.contents.stress_result import StressResult
    from pricing.tables.number_formats import Unit

SHORTFALL = "#4A5560"


def value_bridge(case: StressResult) -> Figure:
    """From the value of all tranches at the reference to that in the stress, by what took it."""
    (s, k), (s0, k0), unit = case.cell, case.origin, case.unit
    steps = [(name, -float(case.losses.tranche[name][s, k].sum()) / unit.divisor) for name in COMPONENTS]
    start = float(case.prices.before[s0, k0].sum()) / unit.divisor
    heights = [start, *(amount for _, amount in steps), start + sum(amount for _, amount in steps)]
    bases = [0.0, *(start + sum(amount for _, amount in steps[:i]) for i in range(len(steps))), 0.0]
    last = len(heights) - 1
    trace = {
        "type": "bar",
        "x": ["before", *COMPONENTS, "after"],
        "y": heights,
        "base": bases,
        "marker": {"color": [REFERENCE, *COMPONENTS.values(), STRESS]},
        "text": [f"{height:,.1f}" if i in (0, last) else signed(height) for i, height in enumerate(heights)],
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "width": 0.62,
    }
    layout = {
        "yaxis": {"rangemode": "tozero", "tickformat": ",.0f"},
        "xaxis": {"type": "category", "showgrid": False, "tickangle": 0},
        "showlegend": False,
        "margin": {"t": 28},
    }
    title = f"From value to value, all tranches, {case.stress} ({unit.words})"
    return Figure("value-bridge", title, [trace], layout, 320)


def loss_bridge(bridge: Bridge, s: int, unit: Unit) -> Figure:
    """From the collateral's shortfall, to the right, back to nothing by those who received less; empty where nobody did."""
    colours = tranche_colours([line.name for line in reversed(bridge.lines) if line.kind == "tranche"])
    rows = []
    lines = sorted(bridge.lines, key=lambda line: -float(line.cash[s]) if line.side == "shortfall" else np.inf)
    for line in lines:  # the largest shortfall first; bearers as they stand
        amount = float(line.cash[s]) / unit.divisor
        tranche = line.kind == "tranche"
        said = line.name if tranche else f"{line.said(s)}: {line.name.replace('_', ' ')}"
        colour = SHORTFALL if line.side == "shortfall" else colours[line.name] if tranche else NEUTRAL
        rows.append((said, amount if line.side == "shortfall" else -amount, colour, amount))
    largest = max((abs(row[1]) for row in rows), default=0.0)
    rows = [row for row in rows if abs(row[1]) > 1e-4 * largest]
    bases, at = [], 0.0
    for _, step, _, _ in rows:
        bases.append(at)
        at += step
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [escaped(said) for said, _, _, _ in rows],
        "x": [step for _, step, _, _ in rows],
        "base": bases,
        "marker": {"color": [colour for _, _, colour, _ in rows], "line": {"width": 1, "color": NEUTRAL}},
        "text": [f"{round(amount, 1) + 0.0:,.1f}" for _, _, _, amount in rows],  # no minus before a rounded nothing
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    ends = [*bases, *(base + row[1] for base, row in zip(bases, rows, strict=True))]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    room = 0.14 * (high - low or 1.0)
    narrow = [low - 4 * room, high + 4 * room]  # the labels need as many pixels on a narrow page
    layout = {
        "xaxis": {"range": [low - room, high + room], "tickformat": ",.0f", "zeroline": True},
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False},
        "showlegend": False,
        "meta": {"narrow": narrow},
    }
    title = (
        f"The loss bridge, {called(bridge.scenarios, s)}: what did not come in, and who received less ({unit.words})"
    )
    return Figure("loss-bridge", title, [trace] if rows else [], layout, 70 + 34 * len(rows), True)


def signed(amount: float) -> str:
    return f"{amount:+,.1f}" if abs(amount) >= 0.05 else "0.0"
