"""The tables of a whole market's stress, one list for the command, its text and the report, and the stress as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pricing.contagion.closed_loop.market_loop import MarketLoop, headline
from pricing.contagion.closed_loop.sensitivity import Sensitivity
from pricing.contagion.market_stress_result import MarketStress
from pricing.tables.aligned_text import text

LEVELS: Mapping[str, str] = dict.fromkeys(("low", "taken", "high", "distance", "moved_to", "reached"), "level")


def whole(frame: Any) -> Any:
    return frame


class Table(NamedTuple):
    """A table in full, what of it is `read` in a report, and what of that is `brief` enough for a page of text.

    Without `brief` it stands in no text, without `note` in no report. `kinds` are of columns that are no amounts.
    """

    title: str
    full: Callable[[], Any]
    note: str | None = ""
    kinds: Mapping[str, str] = {}
    brief: Callable[[Any], Any] | None = whole
    read: Callable[[Any], Any] = whole


def tables_of(
    made: MarketStress, loop: MarketLoop | None = None, sure: Sensitivity | None = None
) -> list[dict[str, Table]]:
    """The tables of the stress, of the loop and of its sensitivity, by the names that the command has for them."""
    parts = [{
        "classes": Table("Investor classes: first round", lambda: made.classes, f"{made.no_capital} Per cent of holding: of what is held and promised."),
        "rounds": Table("First and second round, both modes", lambda: made.rounds, None),
        "bearers": Table("End bearers (thresholds)", lambda: made.bearers, None),
        "unidentified": Table("First round that ends with nobody named", lambda: made.unidentified, kinds={"share": "share"},
                              brief=lambda frame: frame.drop(columns="known").head(10)),
        "deals": Table("Deals: first round (per cent of value and of what is to be drawn)", made.by_deal,
                       "Weights stand in book.yaml, deals in their own files.", brief=lambda frame: frame.drop(columns="to_be_drawn")),
        "obligors": Table("Ultimate obligors", lambda: made.concentration, kinds={"herfindahl": "quote", "share": "share"}, brief=payers),
        "beside_2008": Table("Beside 2008", lambda: made.beside),
    }]  # fmt: skip
    if loop is not None:
        parts.append({
            "loop_rounds": Table("Feedback by round and channel", loop.loop.by_round,
                                 "A channel is told in the round in which it moved losses, after those left of it.", {"round": "count"}),
            "loop_channels": Table("Feedback by channel: in order, each seeing those before it, and alone", loop.loop.by_channel),
            "loop_institutions": Table("Losses with feedback, by institution; greatest: begun from a total loss", loop.loop.by_institution,
                                       "greatest: where the loop comes to rest from the worst there could be."),
            "loop_ends": Table("Where losses end, the loop closed", loop.ends,
                               "Looked through institutions.yaml, owners and wrappers.", brief=None, read=by_bearer),
            "loop_assumptions": Table("Assumptions of the loop, the story and the institutions, with their ranges", loop.assumptions,
                                      "From loop.yaml beside the book. Where a range is of a multiple, 1 is what the files say.", LEVELS, None),
        })  # fmt: skip
    if sure is not None:
        parts.append({
            "tornado": Table("All losses with one assumption at its low and its high", sure.tornado, "Ratio: what follows the first round over the first.",
                             {**LEVELS, "ratio_at_low": "ratio", "ratio_at_high": "ratio"},
                             lambda frame: frame[["assumption", "all_at_low", "all_at_high", "swing"]].head(15), lambda frame: frame.drop(columns="reason")),
            "band": Table("All losses, all assumptions drawn together", sure.band, read=lambda frame: frame[frame["measure"] == "all losses"]),
            "ranking": Table("Who loses the most in the draws", sure.ranking,
                             "first: the share of draws in which the class loses the most; among three: is one of three that do.",
                             {"first": "share", "among_three": "share"}, None),
            "what_if": Table("What would have to be true", sure.what_if,
                             "The smallest joint move that a search along slopes found. distance: root of the sum of squares of the parts of "
                             "the way, 1 being one assumption moved to the end of its range; blank where nothing within the ranges is enough, "
                             "all being at their ends.", {**LEVELS, "part_of_the_way": "share"}, None),
        })  # fmt: skip
    return parts


def payers(concentration: Any) -> Any:
    """The largest of those who owe the debt in the end."""
    top = concentration[concentration["part"] == "payer"].head(8)
    return top[["obligor", "exposure", "share", "deals"]].reset_index(drop=True)


def by_bearer(ends: Any) -> Any:
    """What ends with each, of all classes, the largest first."""
    return ends.groupby("bearer", sort=False)["loss"].sum().sort_values(ascending=False).reset_index()


def page_of(
    made: MarketStress, loop: MarketLoop | None = None, sure: Sensitivity | None = None, *, width: int | None = None
) -> str:
    """A story that was run: sentences, then tables in billions, which fit a `width`, then every assumption.

    With the loop closed three sentences on who loses, whether it spreads and 2008 lead, and its tables and the ranges of its assumptions stand beside the others.
    """
    said = [
        *(loop.sentences() if loop else ()),
        *((*sure.sentences(), *sure.what_if_sentences()) if sure else ()),
        *made.sentences(),
    ]
    lines = [f"{made.book.name}: {made.stress!r} at scale {made.scale:g}, amounts in {made.book.currency} billion", ""]
    if loop is not None:
        lines += [*headline(loop), *(() if sure else ("How far this moves with the assumptions: --sensitivity.",)), ""]
    lines += [f"- {sentence}" for sentence in said]
    for table in (table for part in reversed(tables_of(made, loop, sure)) for table in part.values()):
        if table.brief is None:
            continue
        shown = table.brief(table.read(table.full())).copy()
        for column in shown.columns:
            if shown[column].dtype.kind == "i":
                shown[column] = shown[column].map(str)  # a count
            elif shown[column].dtype.kind == "f" and "per_cent" not in str(column) and column not in table.kinds:
                shown[column] = shown[column] / 1e9
        lines += ["", table.title, text(shown, width=width)]
    if loop is not None:
        rows = loop.assumptions()[["assumption", "taken", "low", "high", "reason"]].itertuples(index=False)
        lines += ["", "Assumptions with their ranges"]
        lines += [f"- {name}: {taken:g}, from {low:g} to {high:g}: {reason}" for name, taken, low, high, reason in rows]
    return "\n".join([*lines, "", "Assumptions", *(f"- {each}" for each in made.assumptions)])
