"""The tables of a market's report, each with the file or the command that its figures come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pricing.report.contents.sheets import Sheet, basis
from structuring.deals.deal_files import library

if TYPE_CHECKING:
    import pandas as pd

    from pricing.contagion.market_stress_result import MarketStress
    from pricing.report.market_report.market_result import MarketResult


def sheets(result: MarketResult) -> list[Sheet]:
    """Every table, in the order of the page."""
    made, loop, sure = result.stress, result.loop, result.sure
    name = made.book.name

    def table(title: str, words: str, frame: pd.DataFrame, note: str = "", more: str = "", **kinds: str) -> Sheet:
        """A table whose note says which command prints it."""
        said = f"{note} firstloss stress {name}{more} --csv --table {title} prints it.".strip()
        return Sheet(title, words, frame, {str(c): kinds.get(str(c)) or kind(frame, c) for c in frame}, said)

    moved = f" --sensitivity --draws {len(sure.drawn)}"
    tornado: Any = sure.tornado().drop(columns="reason")
    numbers = {
        **dict.fromkeys(("low", "taken", "high"), "level"),
        **dict.fromkeys(("ratio_at_low", "ratio_at_high"), "ratio"),
    }
    band: Any = sure.band()
    band = band[band["measure"] == "all losses"]
    flows: Any = loop.ends()
    unnamed: Any = made.unidentified
    ends = flows.groupby("bearer", sort=False)["loss"].sum().sort_values(ascending=False).reset_index()
    return [
        table("loop_rounds", "The loop by round and channel", loop.loop.by_round(),
              "A channel is told in the round in which it moved losses, after those left of it.", round="count"),
        table("loop_channels", "The loop by channel, in order and alone", loop.loop.by_channel()),
        table("tornado", "All losses with one assumption at its low and its high", tornado,
              "Ratio: what follows the first round over the first.", moved, **numbers),
        table("band", "All losses, all assumptions drawn together", band, "", moved),
        table("ranking", "Who loses the most in the draws", sure.ranking(),
              "first: the share of draws in which the class loses the most; among three: is one of three that do.", moved,
              first="share", among_three="share"),
        table("what_if", "What would have to be true", sure.what_if(),
              "The smallest joint move that a search along slopes found. distance: root of the sum of squares of the parts of the way, 1 being "
              "one assumption moved to the end of its range; blank where nothing within the ranges is enough, all being at their ends.",
              moved, distance="level", taken="level", moved_to="level", part_of_the_way="share", reached="level"),
        table("loop_institutions", "Classes with the loop closed", loop.loop.by_institution(),
              "greatest: where the loop comes to rest from the worst there could be."),
        table("loop_ends", "Where losses end, the loop closed", ends, "Looked through institutions.yaml, owners and wrappers."),
        table("classes", "Classes in the first round", made.classes,
              f"{made.no_capital} Per cent of holding: of what is held and promised."),
        table("unidentified", "What of the first round ends with nobody named", unnamed[[*unnamed.columns.drop("known"), "known"]]),
        table("deals", "Deals of the book in the first round", made.by_deal(), "Weights stand in book.yaml, deals in their own files."),
        table("obligors", "Who owes it in the end", made.concentration, herfindahl="quote", share="share"),
        table("beside_2008", "Beside 2008", made.beside),
        table("loop_assumptions", "Assumptions of the loop, the story and the institutions, with their ranges", loop.assumptions(),
              "From loop.yaml beside the book. Where a range is of a multiple, 1 is what the files say.",
              low="level", taken="level", high="level"),
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
