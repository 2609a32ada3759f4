"""A stress of the whole market as text: the answer in sentences, its tables, and every assumption."""

from __future__ import annotations

from typing import Any

from pricing.contagion.market_stress import market_stress
from pricing.contagion.market_stress_result import MarketStress
from pricing.tables.aligned_text import text


def market_page(name: str = "ai-debt-market", stress: str = "AI demand shortfall", scale: float = 1.0) -> str:
    """A book's story on one page."""
    return page_of(market_stress(name, stress, scale))


def page_of(made: MarketStress, *, width: int | None = None) -> str:
    """A story that was run: sentences, then tables in billions, which fit a `width`, then every assumption."""
    scale = made.scale
    lines = [f"{made.book.name}: {made.stress!r} at scale {scale:g}, amounts in {made.book.currency} billion", ""]
    lines += [f"- {sentence}" for sentence in made.sentences()]
    top: Any = made.concentration
    top = top[top["part"] == "payer"].head(8)[["obligor", "exposure", "share", "deals"]]
    for title, frame in (
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
    return "\n".join([*lines, "", "Assumptions", *(f"- {each}" for each in made.assumptions)])
