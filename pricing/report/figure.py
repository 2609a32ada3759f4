"""A figure: traces and a layout for plotly, which takes its colours of text and grid from the page."""

from __future__ import annotations

import dataclasses
import html
import json
from typing import Any

import numpy as np


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
        from pricing.report.drawing import drawn

        return drawn(self)

    def json(self) -> str:
        """Text that may stand inside a script element, checked by plotly's own classes."""
        from structuring.extras import need

        made = need("plotly.graph_objects").Figure(data=self.traces, layout={"template": "none", **self.layout})
        plain = {**json.loads(made.to_json()), "height": self.height}
        text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def escaped(name: Any) -> str:
    """A name that plotly shows as it is: its texts are a little HTML."""
    return html.escape(str(name), quote=False)


def numbers(array: Any) -> list[float | None]:
    """An array as JSON numbers, what is not known as null."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(array, dtype=float)]
