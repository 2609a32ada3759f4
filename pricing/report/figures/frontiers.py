"""The frontier as a picture: what money costs and the equity earns along each curve, with the chosen structure marked."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from pricing.report.contents.stress_result import StressResult
from pricing.report.figures.figure import Figure, escaped, numbers
from pricing.report.figures.palette import REFERENCE, STRESS


def frontiers(case: StressResult) -> tuple[Figure, ...]:
    """A figure a curve of the solution's frontier."""
    if case.solution is None:
        return ()
    return tuple(
        one(n, curve, list(points), case)
        for n, (curve, points) in enumerate(groupby(case.solution.points, key=lambda point: point.curve), 1)
    )


def one(n: int, curve: str, points: list[Any], case: StressResult) -> Figure:
    """Cost of funds and equity return in per cent along one curve."""
    points = sorted(points, key=lambda point: point.at)
    amounts = curve.startswith("size of ")
    at = [point.at / case.unit.divisor if amounts else point.at for point in points]
    traces: list[dict[str, Any]] = []
    for name, colour in (("cost_of_funds", REFERENCE), ("equity_irr", STRESS)):
        values = [100.0 * getattr(point, name) for point in points]
        said = {"cost_of_funds": "cost of funds", "equity_irr": "return of the equity"}[name]
        traces.append({
            "type": "scatter", "mode": "lines+markers", "x": at, "y": numbers(values), "name": said,
            "line": {"width": 2, "color": colour}, "hovertemplate": "%{x:,.2f}: %{y:.2f} %",
            "marker": {"color": colour, "size": [13 if point.chosen else 6 for point in points],
                       "symbol": ["diamond" if point.chosen else "circle" for point in points]},
        })  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": escaped(unit_of(curve, case))}},
        "yaxis": {"ticksuffix": " %"},
        "hovermode": "closest",
        "showlegend": True,
    }
    return Figure(
        f"frontier-{n}",
        f"Against the {curve if amounts else f'level of {curve}' if '(' in curve else curve}",
        traces,
        layout,
        300,
    )


def unit_of(curve: str, case: StressResult) -> str:
    """What a curve runs along, with its unit."""
    if curve.startswith("size of "):
        return f"{curve} ({case.unit.words})"
    return f"{curve} (times)"
