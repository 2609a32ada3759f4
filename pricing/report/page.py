"""Writes the report as one HTML page that opens without a network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pricing.report.contents.sheets import Sheet
from pricing.report.contents.stress_result import StressResult, StressResults, stress_results, written_from
from pricing.report.several_stresses import Part, parts_of, titled
from pricing.tables.number_formats import TEXTS, Unit, heading, missing, shown
from structuring.documents.whole_files import write
from waterfalls.doors import need

HERE = Path(__file__).parent


@written_from(stress_results)
def write_report(path: Path, cases: StressResults) -> None:
    """Writes a report of a deal in one stress, the last scenario under the last shock unless said; gives its path.

    `scenario` may be a list of names: the stresses then stand side by side, and each in detail below. `chain` (of the same
    stress, or one of each) adds the second round and who bears the loss in the end; `further` adds any results with
    a frame, by title.
    The page needs no network, follows light and dark, sorts its tables and prints.
    """
    write_page(path, cases)


def write_page(path: Path, cases: StressResults) -> None:
    """Writes the page of results, whole or not at all."""
    write(path, page(cases))


def page(cases: Sequence[StressResult]) -> str:
    """The page of a deal as text."""
    case = cases[0]
    facts = (
        f"valued {case.prices.valuation}",
        case.unit.words,
        f"reference: {case.reference}, {case.losses.reference[1]}",
        *(f"stress: {each.stress}" for each in cases),
    )
    about = "A model of a deal from public and assumed terms; see"
    return rendered(parts_of(cases), case.unit, name=case.deal.name, title=titled(cases), facts=facts, about=about)


def rendered(parts: Sequence[Part], unit: Unit, *, name: str, title: str, facts: Sequence[str], about: str) -> str:
    """A page of parts. Every name is escaped: what comes from a file is never markup."""
    jinja2, offline = need("jinja2"), need("plotly.offline")
    safe = need("markupsafe").Markup
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(
        asset("page.html")
    )
    return template.render(
        name=name,
        title=title,
        facts=facts,
        about=about,
        parts=parts,
        unit=unit,
        rows=lambda sheet: list(rows(sheet, unit)),
        heading=lambda column, kind: heading(str(column), kind, unit),
        css=safe(asset("page.css")),
        js=safe(asset("figures.js") + asset("page.js")),
        plotly=safe(offline.get_plotlyjs()),
        version=version("firstloss"),
    )


def asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table: the exact value, as the frame holds it, and the text shown."""

    kind: str
    value: str
    text: str


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table; a total stays last when the table is sorted."""

    cells: tuple[Cell, ...]
    total: bool


def rows(sheet: Sheet, unit: Unit) -> Iterator[Row]:
    """The rows of a table."""
    kinds = [sheet.kind(column) for column in sheet.frame.columns]
    for number, values in enumerate(sheet.frame.itertuples(index=False, name=None)):
        cells = tuple(
            Cell(kind, exact(value, kind), shown(value, kind, unit)) for value, kind in zip(values, kinds, strict=True)
        )
        yield Row(cells, sheet.total(number))


def exact(value: Any, kind: str) -> str:
    """A value that reads back to itself."""
    if missing(value):
        return ""
    return str(value) if kind in TEXTS else repr(float(value))
