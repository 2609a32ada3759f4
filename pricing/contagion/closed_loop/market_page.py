"""A stress of the whole market as text: the answer in sentences, its tables, and every assumption."""

from __future__ import annotations

from typing import Any

from pricing.contagion.closed_loop.market_loop import MarketLoop
from pricing.contagion.closed_loop.sensitivity import Sensitivity
from pricing.contagion.market_stress_result import MarketStress
from pricing.tables.aligned_text import text


def page_of(
    made: MarketStress, loop: MarketLoop | None = None, sure: Sensitivity | None = None, *, width: int | None = None
) -> str:
    """A story that was run: sentences, then tables in billions, which fit a `width`, then every assumption.

    With the loop closed its sentences lead, and its tables and the ranges of its assumptions stand beside the others.
    """
    scale = made.scale
    lines = [f"{made.book.name}: {made.stress!r} at scale {scale:g}, amounts in {made.book.currency} billion", ""]
    lines += [
        f"- {sentence}"
        for sentence in (
            *(loop.sentences() if loop else ()),
            *((*sure.sentences(), *sure.what_if_sentences()) if sure else ()),
            *made.sentences(),
        )
    ]
    top: Any = made.concentration
    top = top[top["part"] == "payer"].head(8)[["obligor", "exposure", "share", "deals"]]
    closed = () if loop is None else (
        ("The loop by round and channel", loop.loop.by_round()),
        ("The loop by channel: in order, each seeing those before it, and alone", loop.loop.by_channel()),
        ("The loop by institution", loop.loop.by_institution()),
    )  # fmt: skip
    if sure is not None:
        tornado: Any = sure.tornado()[["assumption", "all_at_low", "all_at_high", "swing"]].head(15)
        band: Any = sure.band()
        closed = (
            ("All losses with one assumption at its low and its high", tornado),
            ("All losses, all assumptions drawn together", band[band["measure"] == "all losses"]),
            *closed,
        )
    for title, frame in (
        *closed,
        ("Investor classes: first round", made.classes),
        ("First and second round, both modes", made.rounds),
        ("End bearers (thresholds)", made.bearers),
        ("First round that ends with nobody named", made.unidentified.drop(columns="known").head(10)),
        ("Deals (per cent of value and of what is to be drawn)", made.by_deal().drop(columns="to_be_drawn")),
        ("Ultimate obligors", top.reset_index(drop=True)),
        ("Beside 2008", made.beside),
    ):
        shown = frame.copy()
        for column in shown.columns:
            if shown[column].dtype.kind == "f" and "per_cent" not in str(column) and column != "share":
                shown[column] = shown[column] / 1e9
        lines += ["", title, text(shown, width=width)]
    if loop is not None:
        rows = loop.assumptions()[["assumption", "taken", "low", "high", "reason"]].itertuples(index=False)
        lines += ["", "Assumptions with their ranges"]
        lines += [f"- {name}: {taken:g}, from {low:g} to {high:g}: {reason}" for name, taken, low, high, reason in rows]
    return "\n".join([*lines, "", "Assumptions", *(f"- {each}" for each in made.assumptions)])
