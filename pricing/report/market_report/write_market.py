"""Writes a market's report: the page and the workbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pricing.report.market_report import market_figures as figures
from pricing.report.market_report.market_result import MarketResult
from pricing.report.market_report.market_tables import sheets
from pricing.report.page import rendered
from pricing.report.sections import Section
from pricing.report.several_stresses import Part
from pricing.report.workbook import filled
from structuring.documents.whole_files import folder, write, write_book


def write_market(
    result: MarketResult, say: Callable[[str], None], *, report: Path | None = None, xlsx: Path | None = None
) -> None:
    """Writes what was asked for and names the files."""
    made = result.stress
    title = f"{made.book.name}, {made.book.as_of}, {made.stress}: not investment advice"
    if report is not None:
        folder(report.parent)
        write(report, page(result, title))
        say(f"wrote {report}")
    if xlsx is not None:
        folder(xlsx.parent)
        note = f"{made.book.name}, {made.stress}. Not investment advice."
        write_book(xlsx, filled(sheets(result), result.unit, title, note))
        say(f"wrote {xlsx}")


def page(result: MarketResult, title: str) -> str:
    """The page as text."""
    made, loop = result.stress, result.loop
    facts = (
        f"as of {made.book.as_of}", result.unit.words, f"stress: {made.stress}, scale {made.scale:g}",
        f"channels: {', '.join(loop.channels)}",
    )  # fmt: skip
    about = "A model of a market from public and assumed figures; see"
    parts = [Part("", "", tuple(sections(result)))]
    return rendered(parts, result.unit, name=made.book.name, title=title, facts=facts, about=about)


def sections(result: MarketResult) -> list[Section]:
    """The answer first, then how sure, who bears it, and what it is made of."""
    tables = {sheet.name: sheet for sheet in sheets(result)}
    made, sankey = result.stress, figures.to_households(result)

    def pick(*names: str) -> tuple:
        return tuple(tables[name] for name in names)

    return [
        Section("answer", "The answer", lines=result.headline(), figures=(figures.rounds(result),)),
        Section("sure", "How sure", figures=(figures.tornado(result),), lines=result.sure.sentences(),
                sheets=pick("tornado", "band", "ranking")),
        Section("true", "What would have to be true", lines=result.sure.what_if_sentences(),
                figures=tuple(figures.moves(result)), sheets=pick("what_if")),
        Section("bearers", "Who bears it", figures=(sankey,) if sankey else (), sheets=pick("loop_institutions", "loop_ends", "classes", "unidentified")),
        Section("loop", "Round by round", lines=result.loop.sentences(), sheets=pick("loop_rounds", "loop_channels")),
        Section("book", "The book", lines=made.sentences(), sheets=pick("deals", "obligors")),
        Section("2008", "Beside 2008", sheets=pick("beside_2008")),
        Section("assumptions", "Assumptions and coverage",
                "Every number that no source gives has a range and a reason; every figure of the files says where it comes from.",
                lines=made.assumptions[-4:], sheets=pick("loop_assumptions", "sources")),
    ]  # fmt: skip
