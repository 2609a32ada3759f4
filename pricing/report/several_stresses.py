"""A report of several stresses: tables that set them side by side, then each in detail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pricing.bearers.who_bears import losses_in_total
from pricing.report.contents.sheets import Sheet, sheets
from pricing.report.contents.stress_result import StressResult
from pricing.report.sections import Section, sections

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

IN_DETAIL = ("cash", "time", "prices", "bridge", "losses", "ends")  # the sections that are of one stress
ONCE = ("prices_reference",)  # the tables in them that are of none


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Sections under a heading of their own; without one where they are common to all stresses."""

    id: str
    title: str
    sections: tuple[Section, ...]


def parts_of(cases: Sequence[StressResult]) -> list[Part]:
    """The page: of one stress its sections; of several what is common, the comparison, each in detail, the assumptions."""
    first = sections(cases[0])
    if len(cases) == 1:
        return [Part("", "", tuple(first))]
    common = [section for section in first if section.id not in IN_DETAIL]
    lead = f"Against {cases[0].reference!r}, spreads {cases[0].shock}; each stress stands in detail below."
    beside = Section("stresses", "The stresses side by side", lead, sheets=tuple(compared(cases)))
    found = [Part("", "", (*(section for section in common[:2]), beside, *common[2:-1]))]
    for n, case in enumerate(cases, 1):
        detail = first if n == 1 else sections(case)
        kept = tuple(numbered(section, n) for section in detail if section.id in IN_DETAIL)
        found.append(Part(f"stress-{n}", f"Stress: {case.stress}", kept))
    return [*found, Part("", "", (common[-1],))]


def titled(cases: Sequence[StressResult]) -> str:
    """The title of a page or a workbook."""
    first, stresses = cases[0], "; ".join(case.stress for case in cases)
    return f"{first.deal.name}, {first.prices.valuation}, {stresses}: not investment advice"


def tables(cases: Sequence[StressResult]) -> list[Sheet]:
    """Every table of a report: a second stress's end in _2, a third's in _3."""
    found = sheets(cases[0])
    if len(cases) > 1:
        found += compared(cases)
    named = {sheet.name for sheet in found}
    for n, case in enumerate(cases[1:], 2):
        once = {"capital_structure", "what_happens", "sources_and_uses", "holders_known", "assumptions", *ONCE} & named
        found += [numbered_sheet(sheet, n) for sheet in sheets(case) if sheet.name not in once]
    return found


def numbered(section: Section, n: int) -> Section:
    """A section whose names are its own on a page that has it several times."""
    if n == 1:
        return section
    return dataclasses.replace(
        section,
        id=f"{section.id}-{n}",
        figures=tuple(dataclasses.replace(figure, name=f"{figure.name}-{n}") for figure in section.figures),
        sheets=tuple(numbered_sheet(sheet, n) for sheet in section.sheets if sheet.name not in ONCE),
    )


def numbered_sheet(sheet: Sheet, n: int) -> Sheet:
    return dataclasses.replace(sheet, name=f"{sheet.name}_{n}")


def compared(cases: Sequence[StressResult]) -> list[Sheet]:
    """Losses by class and by tranche, and prices, a column a stress."""
    import pandas as pd

    first = cases[0]
    prices, spreads = first.prices, f"spreads {first.shock}"
    whole = [losses_in_total(case.losses, case.scenario, case.shock).set_index("class") for case in cases]
    by_class = whole[0][["par"]].reset_index()
    by_tranche = pd.DataFrame({"tranche": list(prices.tranches)})
    clean = by_tranche.assign(**{f"{first.reference}, {first.losses.reference[1]}": prices.clean_before[first.origin]})

    def lost(case: StressResult) -> np.ndarray:
        return case.losses.tranche["total"][case.cell]

    return [
        beside("stresses_by_class", f"Total loss by investor class, {spreads}", by_class, cases, "money",
               lambda case: whole[cases.index(case)]["total"].reindex(by_class["class"]).to_numpy(), 1),
        beside("stresses_by_tranche", f"Total loss by tranche, {spreads}", by_tranche, cases, "money", lost),
        beside("stresses_prices", f"Clean price per 100, {spreads}", clean, cases, "quote",
               lambda case: case.prices["clean"][case.cell]),
    ]  # fmt: skip


def beside(
    name: str, title: str, frame: pd.DataFrame, cases: Sequence[StressResult], kind: str, of: Callable[[StressResult], Any], totals: int = 0
) -> Sheet:  # fmt: skip
    """A table with a column for every stress."""
    kinds = {str(column): "text" if n == 0 else "money" if column == "par" else kind for n, column in enumerate(frame)}
    for label, case in zip(labels(cases, list(frame)), cases, strict=True):
        frame, kinds[label] = frame.assign(**{label: of(case)}), kind
    return Sheet(name, title, frame, kinds, "Positive is a loss." if kind == "money" else "", totals)


def labels(cases: Sequence[StressResult], taken: list[str]) -> Iterator[str]:
    """The names of the stresses, told from the columns that stand already."""
    for case in cases:
        name = case.named(case.cell[0])
        yield f"stress {name}" if name in taken else name
