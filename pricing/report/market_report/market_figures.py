"""The drawings of a market's report: rounds by channel, the tornado, and losses from class to end bearer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.report.figures.figure import Figure, escaped, numbers
from pricing.report.figures.palette import CLASSES, GAIN, LOSS, NEUTRAL, class_colours
from pricing.report.figures.sankeys import Net

if TYPE_CHECKING:
    from pricing.report.market_report.market_result import MarketResult

TOLD = 12  # assumptions of the tornado
SLIVER = 0.004  # of all losses: a thinner flow has no room for its name


def rounds(result: MarketResult) -> Figure:
    """All losses so far, round by round, by what brought them."""
    made, unit = result.loop.loop, result.unit
    steps = ["first", "sales", *(str(r) for r in range(1, len(made.added) + 1))]
    late = np.concatenate([np.zeros((2, len(made.channels))), np.cumsum(made.added.sum(axis=2), axis=0)])
    first, sales = np.full(len(steps), made.first.sum()), np.full(len(steps), made.sales.sum())
    sales[0] = 0.0
    parts = {"first round": (NEUTRAL, first), "forced sales": ("#6B747D", sales)}
    parts |= {name: (CLASSES[c], late[:, c]) for c, name in enumerate(made.channels) if late[:, c].any()}
    whole = np.sum([amounts for _, amounts in parts.values()], axis=0) / unit.divisor
    traces: list[dict[str, Any]] = [
        {"type": "bar", "x": steps, "y": numbers(amounts / unit.divisor), "name": name, "marker": {"color": colour},
         "hovertemplate": "%{x}, " + name + ": %{y:,.1f}<extra></extra>"}
        for name, (colour, amounts) in parts.items()
    ]  # fmt: skip
    notes = [
        {"x": i, "y": float(y), "text": f"{y:,.0f}", "showarrow": False, "yanchor": "bottom"}
        for i, y in enumerate(whole)
    ]
    layout = {
        "barmode": "stack", "bargap": 0.12, "annotations": notes, "showlegend": True,
        "xaxis": {"type": "category"},
        "yaxis": {"range": [0.0, 1.08 * max(float(whole.max()), 1e-9)], "tickformat": ",.0f"},
    }  # fmt: skip
    return Figure(
        "loop-rounds",
        f"All losses so far: the first round, forced sales, then each round of the loop by channel ({unit.words})",
        traces,
        layout,
        440,
        True,
    )


def tornado(result: MarketResult) -> Figure:
    """All losses with one assumption at its low and its high; a bar that leaves the drawing says where it ends."""
    sure, unit = result.sure, result.unit
    order = sure.order[:TOLD][::-1]  # plotly draws from the bottom
    taken = sure.taken[0] / unit.divisor
    ends = sure.ends[order, :, 0] / unit.divisor
    reach = np.sort(ends.max(axis=1))
    top = reach[-1] if len(reach) < 2 or reach[-1] < 3.0 * reach[-2] else 1.3 * reach[-2]
    bottom = min(0.9 * float(ends.min()), 0.9 * taken)
    labels = [broken(sure.names[p]) for p in order]
    traces: list[dict[str, Any]] = []
    for side, (name, colour) in enumerate((("at its low", GAIN), ("at its high", LOSS))):
        said = [sure.terms[sure.names[p]] for p in order]
        values = [one.high if side else one.low for one in said]
        traces.append({
            "type": "bar", "orientation": "h", "y": labels, "base": taken, "x": numbers(np.minimum(ends[:, side], top) - taken),
            "name": name, "marker": {"color": colour}, "customdata": [[v, float(e)] for v, e in zip(values, ends[:, side], strict=True)],
            "hovertemplate": "%{y} at %{customdata[0]:g}: %{customdata[1]:,.1f}<extra></extra>",
        })  # fmt: skip
    wide = 0.16 * (top - bottom)
    notes = [
        {"x": float(min(high, top)), "y": i, "xanchor": "left", "showarrow": False,
         "text": f" {high:,.0f}{' →' if high > top else ''}"}
        for i, high in enumerate(ends.max(axis=1))
    ]  # fmt: skip
    layout = {
        "barmode": "overlay", "annotations": notes, "showlegend": True,
        "xaxis": {"range": [bottom, top + wide], "tickformat": ",.0f"},
        "yaxis": {"type": "category", "showgrid": False},
        "shapes": [{"type": "line", "x0": taken, "x1": taken, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1, "color": NEUTRAL}}],
    }  # fmt: skip
    title = f"All losses with one assumption moved, {taken:,.0f} as taken ({unit.words})"
    return Figure("tornado", title, traces, layout, 110 + 36 * len(order), True)


def moves(result: MarketResult) -> list[Figure]:
    """For each question that something within the ranges answers, how far each assumption goes to its low or its high."""
    found = []
    for n, move in enumerate(result.sure.moves, 1):
        if not move.found or not move.parts:
            continue
        names = list(move.parts)[:TOLD][::-1]
        parts = [move.parts[name] for name in names]
        said = [f" {move.values[name]:.3g} " for name in names]
        trace: dict[str, Any] = {
            "type": "bar", "orientation": "h", "y": [broken(name) for name in names], "x": [100.0 * part for part in parts],
            "marker": {"color": [LOSS if part > 0.0 else GAIN for part in parts]},
            "hovertemplate": "%{y}: %{x:.0f} % of the way<extra></extra>",
        }  # fmt: skip
        notes = [
            {"x": 100.0 * part, "y": i, "text": text, "showarrow": False, "xanchor": "left" if part > 0.0 else "right"}
            for i, (part, text) in enumerate(zip(parts, said, strict=True))
        ]
        most = 100.0 * max(abs(part) for part in parts)
        layout = {
            "annotations": notes, "showlegend": False, "yaxis": {"type": "category", "showgrid": False},
            "xaxis": {"range": [-1.9 * most, 1.9 * most], "zeroline": True, "ticksuffix": " %"},
        }  # fmt: skip
        title = f"For {move.question}: per cent of the way to its low (left) or its high (right), and the value there"
        found.append(Figure(f"what-if-{n}", title, [trace], layout, 70 + 36 * len(names)))
    return found


def broken(name: str) -> str:
    """A long name on two lines."""
    if len(name) < 19:
        return escaped(name)
    cut = min(
        (i for i, letter in enumerate(name) if letter == " "), key=lambda i: abs(i - len(name) / 2), default=len(name)
    )
    return escaped(name[:cut]) + "<br>" + escaped(name[cut + 1 :])


def to_households(result: MarketResult) -> Figure | None:
    """Losses with the loop closed, from the class that holds to those in whom they end; slivers are in the table alone."""
    net, ends = Net(), result.loop.ends().sort_values("loss", ascending=False)
    colours = class_colours(list(result.loop.loop.institutions))
    least = SLIVER * float(ends["loss"].to_numpy().sum())
    for name, who, amount in ends.itertuples(index=False, name=None):
        if amount > least:
            net.add((0, name), (1, who), amount, (colours[name], colours[name], NEUTRAL))
    return net.figure("to-households", "From class to end bearer, the loop closed", result.unit, 560) if net.links else None  # fmt: skip
