"""The directive `generated`: a part of a page that a function writes in Markdown from the code."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

PARTS = {  # name -> module of this folder, function
    "words": ("language", "page"),
    "sayable": ("sayable", "page"),
    "terms": ("terms", "page"),
    "measures": ("tables", "measures"),
    "drivers": ("tables", "drivers"),
    "conventions": ("tables", "conventions"),
    "receipts": ("tables", "receipts"),
    "golden": ("validation", "golden"),
    "elsewhere": ("validation", "elsewhere"),
    "examples": ("tables", "examples"),
    "gallery": ("tables", "gallery"),
    "commands": ("tables", "commands"),
    "waterfalls": ("reference", "waterfalls"),
    "structuring": ("reference", "structuring"),
    "pricing": ("reference", "pricing"),
}


def part(name: str) -> Callable[[], str]:
    """The function that writes a part."""
    module, function = PARTS[name]
    return getattr(importlib.import_module(module), function)


class Generated(SphinxDirective):
    """Writes a part in place of itself."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(part(self.arguments[0])(), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True}
