"""The tables of a market's report, each with the file or the command that its figures come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pricing.contagion.closed_loop.market_page import tables_of
from pricing.report.contents.sheets import Sheet, basis
from structuring.deals.deal_files import library

if TYPE_CHECKING:
    import pandas as pd

    from pricing.contagion.market_stress_result import MarketStress
    from pricing.report.market_report.market_result import MarketResult


def sheets(result: MarketResult) -> list[Sheet]:
    """Every table of a report, with the command that prints it; then where each figure comes from."""
    made, found = result.stress, []
    moved = f" --sensitivity --draws {len(result.sure.drawn)}"
    parts = reversed(tables_of(made, result.loop, result.sure))
    for part, more in zip(parts, (moved, "", ""), strict=True):
        for name, table in part.items():
            if table.note is None:
                continue
            frame, command = table.read(table.full()), f"firstloss stress {made.book.name}{more} --csv --table {name}"
            kinds = {str(c): table.kinds.get(str(c)) or kind(frame, c) for c in frame}
            found.append(Sheet(name, table.title, frame, kinds, f"{table.note} {command} prints it.".strip()))
    return [
        *found,
        Sheet("sources", "Where each figure comes from", sources(made),
              dict.fromkeys(("file", "figure", "basis", "where_from"), "text"),
              "Deals of the library name the sources of their figures in their own files: firstloss library show NAME."),
    ]  # fmt: skip


def kind(frame: pd.DataFrame, column: Any) -> str:
    """Texts, per cent, or amounts."""
    if frame[column].dtype.kind not in "fiu":
        return "text"
    return "per_cent" if "per_cent" in str(column) else "count" if column in ("deals",) else "money"


def sources(made: MarketStress) -> pd.DataFrame:
    """One row a figure of the files that the stress was read from: the file, the figure, source or assumption."""
    import pandas as pd

    book, known = made.book, made.institutions

    def of(file: str, listed: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
        for place, said in listed.items():
            for i, position in enumerate(book.positions if file == "book.yaml" else ()):
                place = place.replace(f"positions[{i}]", f"positions[{i}] ({position.terms.name})")
            for i, one in enumerate(known.institutions if file == "institutions.yaml" else ()):
                place = place.replace(f"institutions[{i}]", f"institutions[{i}] ({one.name})")
            yield {"file": file, "figure": place, **basis(said)}

    rows = [*of("book.yaml", book.sources), *of("story.yaml", made.story.sources), *of("institutions.yaml", known.sources)]  # fmt: skip
    for name, deal in book.deals.items():
        rows += of(f"deals/{name}.yaml", deal.sources) if name not in library() else ()
    return pd.DataFrame(rows)
