"""A figure of the report: traces and a layout that plotly draws on a page, or the same as a small SVG for a notebook."""

from __future__ import annotations

import dataclasses
import datetime
import html
import json
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pricing.report.figures.palette import ink_on

if TYPE_CHECKING:
    import plotly.graph_objects

WIDTH, LETTER = 760, 6.3  # pixels: of a drawing, and of a letter at 12 pixels
INK, GRID, PAPER = "#24292F", "#D8DEE4", "#FFFFFF"
DASHES = {"dot": "2 3", "dash": "6 4", "dashdot": "6 3 2 3"}


@dataclasses.dataclass(frozen=True, eq=False)
class Figure:
    """What plotly draws: `traces` and `layout` as plain values, its title in HTML above it, its height in pixels."""

    name: str
    title: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int
    wide: bool = False  # as wide as the page, not half of it

    def _repr_svg_(self) -> str | None:
        """What a notebook shows of it."""
        return drawn(self)

    def as_plotly(self) -> plotly.graph_objects.Figure:
        """The traces and the layout as plotly's own figure, which refuses what it cannot draw."""
        from waterfalls.doors import need

        return need("plotly.graph_objects").Figure(data=self.traces, layout={"template": "none", **self.layout})

    def json(self) -> str:
        """Text that may stand inside a script element, checked by plotly's own classes."""
        plain = {**json.loads(str(self.as_plotly().to_json())), "height": self.height}
        text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def escaped(name: Any) -> str:
    """A name that plotly shows as it is: its texts are a little HTML."""
    return html.escape(str(name), quote=False)


def numbers(array: Any) -> list[float | None]:
    """An array as JSON numbers, what is not known as null."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(array, dtype=float)]


class Axis(NamedTuple):
    """Where a value lies between two pixels: a number, a day in ISO form, or the place of a category."""

    low: float
    high: float
    start: float
    end: float
    categories: tuple[str, ...] = ()

    def __call__(self, value: Any) -> float:
        return self.start + (self.number(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def number(self, value: Any) -> float:
        if isinstance(value, str):
            at = self.categories.index(value) if value in self.categories else None
            return float(at if at is not None else datetime.date.fromisoformat(value).toordinal())
        return float(value)


def drawn(figure: Figure) -> str | None:
    """The SVG of a figure of lines, areas, bars or a heat map, or None: flows between columns, and marks in rows, are for the page alone."""
    layout, traces = figure.layout, figure.traces
    lined = all(
        isinstance(value, float | None) for trace in traces if trace["type"] == "scatter" for value in trace["y"]
    )
    if not traces or not lined or not {trace["type"] for trace in traces} <= {"scatter", "bar", "heatmap"}:
        return None
    named = [trace for trace in traces if trace.get("name") and trace.get("showlegend", True)]
    legend = named if layout.get("showlegend") else []
    across, up = (categories(traces, layout.get(f"{side}axis", {}), side) for side in "xy")
    left = 16 + LETTER * max((len(plain(label)) for label in up), default=7)
    head = textwrap.wrap(figure.title, int((WIDTH - 16) / LETTER) - 10)
    bottom, top = figure.height - 26 - 20 * bool(legend), 20 + 16 * len(head)
    x = Axis(*span(traces, layout.get("xaxis", {}), "x", across), left, WIDTH - 14, across)
    y = Axis(*span(traces, layout.get("yaxis", {}), "y", up), bottom, top, up)
    if layout.get("yaxis", {}).get("autorange") == "reversed":
        y = y._replace(start=top, end=bottom)
    parts = [text(8, 20 + 16 * i, html.escape(line, quote=False), weight=600) for i, line in enumerate(head)]
    parts += axes(x, y, layout)
    below: dict[tuple[Any, int], float] = {}
    for trace in traces:
        draw = {"bar": bars, "heatmap": heat, "scatter": lines}[trace["type"]]
        parts += draw(trace, x, y, below)
    for note in layout.get("annotations", ()):
        anchor = {"left": "start", "right": "end"}.get(note.get("xanchor", ""), "middle")
        colour, beside = note.get("font", {}).get("color", INK), {"start": 5, "end": -5, "middle": 0}[anchor]
        parts.append(text(x(note["x"]) + beside, y(note["y"]) + 4, note["text"].strip(), anchor=anchor, colour=colour))
    at = left
    for trace in legend:
        colour = trace.get("fillcolor") or trace.get("marker", {}).get("color") or trace["line"].get("color", INK)
        parts.append(f'<rect x="{at:.1f}" y="{figure.height - 20}" width="11" height="11" fill="{colour}"/>')
        parts.append(text(at + 16, figure.height - 10, trace["name"]))
        at += 34 + LETTER * len(plain(trace["name"]))
    size = f'width="{WIDTH}" height="{figure.height}" viewBox="0 0 {WIDTH} {figure.height}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    paper = f'<rect width="{WIDTH}" height="{figure.height}" rx="4" fill="{PAPER}"/>'
    label = html.escape(plain(figure.title))
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img" aria-label="{label}">{paper}{"".join(parts)}</svg>'


def categories(traces: Sequence[dict[str, Any]], axis: dict[str, Any], side: str) -> tuple[str, ...]:
    """The labels of an axis without numbers, in the order first named."""
    values = [value for trace in traces for value in trace.get(side, ()) if isinstance(value, str)]
    return () if axis.get("type") == "date" or not values or is_day(values[0]) else tuple(dict.fromkeys(values))


def is_day(value: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


def span(
    traces: Sequence[dict[str, Any]], axis: dict[str, Any], side: str, labels: tuple[str, ...]
) -> tuple[float, float]:
    """The ends of an axis: those said, or what the values need and a little more."""
    if labels:
        return -0.5, len(labels) - 0.5
    ends = Axis(0.0, 1.0, 0.0, 1.0)
    if "range" in axis:
        return ends.number(axis["range"][0]), ends.number(axis["range"][1])
    values = []
    for trace in traces:
        given = [ends.number(value) for value in trace.get(side, ()) if value is not None]
        values += [base + step for base, step in zip(trace.get("base", [0.0] * len(given)), given, strict=True)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if axis.get("rangemode") == "tozero" or traces[0]["type"] == "bar":
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.08 * (high - low or 1.0)
    return (low if low == 0.0 else low - room), high + room


def axes(x: Axis, y: Axis, layout: dict[str, Any]) -> Iterator[str]:
    """Ticks with their labels, and lines across the drawing where the axis has numbers."""
    sides = sorted((y.start, y.end))
    for label, at in ticks(x, layout.get("xaxis", {})):
        if not x.categories:
            yield f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{sides[0]}" y2="{sides[1]}" stroke="{GRID}"/>'
        yield text(x(at), sides[1] + 17, label, anchor="middle")
    for label, at in ticks(y, layout.get("yaxis", {})):
        if not y.categories:
            yield f'<line x1="{x.start:.1f}" x2="{x.end}" y1="{y(at):.1f}" y2="{y(at):.1f}" stroke="{GRID}"/>'
        yield text(x.start - 7, y(at) + 4, label, anchor="end")


def ticks(axis: Axis, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Labels and where they stand: categories, years, or round numbers."""
    if axis.categories:
        yield from zip(axis.categories, axis.categories, strict=True)
    elif said.get("type") == "date":
        first, last = (datetime.date.fromordinal(round(day)).year for day in (axis.low, axis.high))
        for year in range(first + 1, last + 1, max(1, (last - first) // 8)):
            yield str(year), f"{year}-01-01"
    else:
        raw = (axis.high - axis.low) / 5.0
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(times * power for times in (1.0, 2.0, 5.0, 10.0) if times * power >= raw)
        for i in range(math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9) + 1):
            yield f"{i * step:,.{max(0, -math.floor(math.log10(step)))}f}{said.get('ticksuffix', '')}", i * step


def bars(trace: dict[str, Any], x: Axis, y: Axis, below: dict[tuple[Any, int], float]) -> Iterator[str]:
    """Bars from their base, or stacked: losses to one side of zero, gains to the other."""
    flat = trace.get("orientation") == "h"
    along, places = (x, y) if flat else (y, x)
    names, steps = (trace["y"], trace["x"]) if flat else (trace["x"], trace["y"])
    colours, texts = trace["marker"]["color"], trace.get("text", [""] * len(steps))
    thick = 0.66 * abs(places.end - places.start) / len(places.categories)
    for i, (name, step) in enumerate(zip(names, steps, strict=True)):
        if step is None:
            continue
        key = (name, step >= 0.0)
        base = trace["base"][i] if "base" in trace else below.get(key, 0.0)
        below[key] = base + step
        one, other = sorted((along(base), along(base + step)))
        at = places(name)
        box = (one, at - thick / 2, other - one, thick) if flat else (at - thick / 2, one, thick, other - one)
        colour = colours if isinstance(colours, str) else colours[i]
        sizes = " ".join(f'{k}="{v:.1f}"' for k, v in zip(("x", "y", "width", "height"), box, strict=True))
        yield f'<rect {sizes} fill="{colour}"/>'
        if texts[i]:
            beyond = step >= 0.0
            place = (other + 5 if beyond else one - 5, at + 4) if flat else (at, one - 5 if beyond else other + 14)
            yield text(*place, texts[i], anchor=("start" if beyond else "end") if flat else "middle")


def lines(trace: dict[str, Any], x: Axis, y: Axis, below: dict[tuple[Any, int], float]) -> Iterator[str]:
    """A line, broken where nothing is known, or an area on top of those before it."""
    line = trace.get("line", {})
    stepped, stacked = line.get("shape") == "hv", "stackgroup" in trace
    points, edge = [], []
    floor = min(y.low, y.high)
    for at, value in zip(trace["x"], trace["y"], strict=True):
        base = below.get((at, 0), 0.0) if stacked else 0.0
        if stacked:
            below[at, 0] = base + (value or 0.0)
        points.append(None if value is None else (x(at), y(max(base + value, floor))))
        edge.append((x(at), y(base)))
    inside = [point for point in points if point is None or x.start - 1 <= point[0] <= x.end + 1]
    if stacked:
        over = path([point for point in points if point and point[0] <= x.end + 1], stepped)
        under = path([point for point in edge if point[0] <= x.end + 1], stepped)
        yield f'<path d="M{" L".join([*over, *reversed(under)])} Z" fill="{trace["fillcolor"]}"/>'
        return
    dash = f' stroke-dasharray="{DASHES[line["dash"]]}"' if line.get("dash") in DASHES else ""
    style = f'fill="none" stroke="{line.get("color", INK)}" stroke-width="{line.get("width", 1.5)}"{dash}'
    run: list[tuple[float, float]] = []
    for point in [*inside, None]:
        if point is None and len(run) > 1:
            yield f'<path d="M{" L".join(path(run, stepped))}" {style}/>'
        run = [] if point is None else [*run, point]


def path(points: Sequence[tuple[float, float]], stepped: bool) -> list[str]:
    """Points as SVG says them, with a corner between two where the value holds until the next."""
    found: list[str] = []
    for i, (across, up) in enumerate(points):
        if stepped and i:
            found.append(f"{across:.1f},{points[i - 1][1]:.1f}")
        found.append(f"{across:.1f},{up:.1f}")
    return found


def heat(trace: dict[str, Any], x: Axis, y: Axis, below: dict[tuple[Any, int], float]) -> Iterator[str]:
    """Cells in the colours of the page, each with its text."""
    wide, high = abs(x.end - x.start) / len(x.categories), abs(y.end - y.start) / len(y.categories)
    low, most = trace["zmin"], trace["zmax"]
    for row, label in enumerate(trace["y"]):
        for column, name in enumerate(trace["x"]):
            value, said = trace["z"][row][column], trace["text"][row][column]
            colour = PAPER if value is None else between(trace["colorscale"], (value - low) / (most - low or 1.0))
            box = f'x="{x(name) - wide / 2 + 1:.1f}" y="{y(label) - high / 2 + 1:.1f}" width="{wide - 2:.1f}" height="{high - 2:.1f}"'
            yield f'<rect {box} fill="{colour}"/>'
            yield text(x(name), y(label) + 4, said, anchor="middle", colour=ink_on(colour))


def between(scale: Sequence[Sequence[Any]], at: float) -> str:
    """The colour at a place of a scale of (place, colour)."""
    at = min(max(at, 0.0), 1.0)
    k = next(i for i in range(1, len(scale)) if at <= scale[i][0] + 1e-12)
    (low, first), (high, second) = scale[k - 1], scale[k]
    part = (at - low) / (high - low or 1.0)
    ends = [(int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + part * (b - a)):02X}" for a, b in ends)


def text(x: float, y: float, said: str, *, anchor: str = "start", colour: str = INK, weight: int = 400) -> str:
    """Words at a place; `said` is escaped already."""
    style = f'text-anchor="{anchor}" fill="{colour}"' + (f' font-weight="{weight}"' if weight != 400 else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{said.replace("<br>", " ")}</text>'


def plain(said: str) -> str:
    return html.unescape(said)
