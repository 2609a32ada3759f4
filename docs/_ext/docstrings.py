"""Docstrings as the site shows them: formulas that are aligned keep their shape, everything else is prose."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

SHAPED = re.compile(r"^ {4}|\S {2,}\S|^\w+(\(\w+\))? += (?!.*(`|\. ))")


def paragraphs(text: str) -> list[tuple[bool, list[str]]]:
    """The paragraphs of a docstring, each with whether its shape matters: indented lines, columns, and formulas."""
    found: list[tuple[bool, list[str]]] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        for shaped, lines in itertools.groupby(block.split("\n"), key=lambda line: bool(SHAPED.search(line))):
            found.append((shaped, list(lines)))
    return found


def markdown(text: str) -> str:
    """A docstring as Markdown."""
    return "\n\n".join(
        "```text\n" + inspect.cleandoc("\n".join(lines)) + "\n```" if shaped else prose("\n".join(lines))
        for shaped, lines in paragraphs(text)
    )


def prose(text: str) -> str:
    """A paragraph as Markdown: what stands outside of backticks means itself."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if i % 2 else re.sub(r"([\\*_<>\[\]|])", r"\\\1", part) for i, part in enumerate(parts))


def restructured(text: str) -> list[str]:
    """A docstring as the lines of reStructuredText that autodoc wants."""
    made: list[str] = []
    for shaped, lines in paragraphs(text):
        if shaped:
            made += ["::", "", *(f"    {line}" for line in lines), ""]
            continue
        parts = re.split(r"`([^`]*)`", " ".join("\n".join(lines).split()))
        made += ["".join(f"``{p}``\\ " if i % 2 else re.sub(r"([\\*_|])", r"\\\1", p) for i, p in enumerate(parts)), ""]
    return made


def setup(app: Any) -> dict[str, bool]:
    def convert(app: Any, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
        lines[:] = restructured("\n".join(lines))

    app.connect("autodoc-process-docstring", convert)
    return {"parallel_read_safe": True}
