"""What a market stress found: its tables, and the answer in words."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pricing.bearers.abs_cdo import LOST_2008, what_differs
from pricing.bearers.institutions import Institutions
from pricing.bearers.unidentified import unidentified_words
from pricing.bearers.who_bears import Losses
from pricing.contagion import amounts_in_words
from pricing.contagion.contagion import Contagion, Mode
from pricing.contagion.initial_losses import Shock
from pricing.contagion.market_story import MarketStory
from pricing.contagion.struck_deals import Told
from pricing.tables.quotients import per_cent
from structuring.deals.exposures import UNNAMED
from structuring.runs.book import Book

if TYPE_CHECKING:
    import pandas as pd

money = functools.partial(amounts_in_words.money, unit=1e9)
listed = functools.partial(amounts_in_words.listed, unit=1e9)
MODES: dict[Mode, str] = {"thresholds": "those sell who must", "linear": "all sell to keep their leverage"}


@dataclasses.dataclass(frozen=True, eq=False)
class MarketStress:
    """A book under a story. Losses are in the book's currency, positive a loss.

    tranches   by deal and tranche: value before, credit, market (spread and rates) and total loss, realised cash loss
    classes    by investor class: value held before, what it must still pay in, losses, per cent of both and of its capital (as if
               all of it were marked), and what no accounts show
    rounds     by institution: first round, then both kinds of second round (`second`), with totals in per cent of capital
    bearers    by end bearer: the first round, and the second in mode thresholds
    concentration  by ultimate obligor, largest first: see `Book.concentration`
    beside     the book and the paper of 2008: issued, realised loss, marks
    unidentified  by class, deal and tranche: the first round that ends with nobody named, and what is known of them
    vehicles, institutions, first  every deal as the story strikes it, the institutions, the first round as arrays, and the tranches
               that are public bonds
    no_capital    the classes of which no capital is on record, in a sentence
    """

    book: Book
    story: MarketStory
    stress: str
    scale: float
    widening: float
    tranches: pd.DataFrame
    classes: pd.DataFrame
    rounds: pd.DataFrame
    bearers: pd.DataFrame
    concentration: pd.DataFrame
    beside: pd.DataFrame
    unidentified: pd.DataFrame
    no_capital: str
    leverage: Mapping[str, float]
    losses: Mapping[str, Losses]
    second: Mapping[Mode, Contagion]
    vehicles: Mapping[str, Told]
    institutions: Institutions
    first: Shock
    public: tuple[str, ...]
    assumptions: tuple[str, ...]

    def by_deal(self) -> pd.DataFrame:
        """One row a deal: value before and losses, the tranches summed."""
        columns = ["value_before", "to_be_drawn", "credit_loss", "market_loss", "total_loss", "realised_loss"]
        grouped: Any = self.tranches.groupby("deal", sort=False)[columns].sum()
        table = grouped.reset_index()
        table["per_cent"] = per_cent(table["total_loss"], table["value_before"] + table["to_be_drawn"])
        return table

    def sentences(self) -> tuple[str, ...]:
        """The answer in words, amounts in billions."""
        return sentences(self)


def sentences(made: MarketStress) -> tuple[str, ...]:
    """The answer in words, amounts in billions."""
    classes: Any = made.classes
    total, value = float(classes["total_loss"].sum()), float(classes["value_before"].sum())
    credit = float(classes["credit_loss"].sum())
    worst = made.by_deal().sort_values("total_loss", ascending=False).head(4).set_index("deal")["total_loss"]
    said = [
        f"The book holds {money(value)} of debt and equity at value; under {made.stress!r}, scale {made.scale:g}, it "
        f"loses {money(total)}{of(total, value)}: {money(credit)} for dollars that do not come or come later, "
        f"{money(total - credit)} for spreads and rates ({made.widening:.0f} bp of "
        "the widening of each note is for supply)."
    ]
    if total == 0.0:
        return (*said, "Nothing is lost, so nobody sells.", *compared(made))
    said.append(f"By deal: {listed(worst)}.")
    ranked = classes.sort_values("total_loss", ascending=False)
    parts = [
        f"{row.investor_class} {money(row.total_loss)} ({row.per_cent_of_holding:.1f} %"
        + (f", {row.per_cent_of_capital:.2f} % of capital)" if row.per_cent_of_capital == row.per_cent_of_capital else ")")
        for row in ranked.itertuples()
        if row.total_loss > 0.0
    ]  # fmt: skip
    said.append(
        f"First round, by class, per cent of what they hold and have promised: {'; '.join(parts)}.{' ' + made.no_capital if made.no_capital else ''}"
    )
    hidden = float(classes["not_reported"].sum())
    if hidden > 0.0:
        said.append(f"{money(hidden)} of it shows in no accounts: banks and insurers hold it at amortised cost.")
    for mode, each in made.second.items():
        late = (each.total - each.direct)[0]
        more = float(late.sum())
        who = listed(dict(sorted(zip(each.institutions, late, strict=True), key=lambda item: -item[1])[:4]))
        said.append(
            f"Second round, {mode} ({MODES[mode]}): {money(more)} more, {each.amplification[0]:.2f} times the first round in all, the "
            f"bonds and loans of other sectors that fall with it counted: {who}."
            if more > 0.0
            else f"Second round, {mode} ({MODES[mode]}): nobody falls below a threshold or is redeemed, and nobody sells."
        )
    ends = made.bearers.sort_values("first_round", ascending=False).head(6).set_index("bearer")["first_round"]
    said.append(f"In the end the first round falls on {listed(ends)}.")
    if hidden_ends := unidentified_words(made.unidentified, listed):
        said.append(hidden_ends)
    return (*said, *compared(made))


def compared(made: MarketStress) -> tuple[str, ...]:
    """How far the book is from 2008 in size, leverage and concentration, in words."""
    then = LOST_2008["SF ABS CDOs 1999-2007"]
    owed, lost, marks = (float(made.beside.loc[0, name]) for name in ("issued", "realised_loss", "value_loss"))
    first: Any = made.concentration[made.concentration["part"] == "payer"]
    named = first[first["obligor"] != UNNAMED]
    top = "; ".join(f"{row.obligor} {100 * row.share:.0f} %" for row in named.head(5).itertuples())
    index, today = float(first["herfindahl"].iloc[0]), made.leverage
    said = (
        f"Size beside 2008: {money(owed)} of debt against {money(then['issued'])} of SF ABS CDOs issued "
        f"({owed / then['issued']:.2f} times); {money(lost)} of principal never repaid and {money(marks)} of value lost by "
        f"notes against {money(then['written_down'])} written down ({100 * lost / owed:.0f} % and {100 * marks / owed:.0f} % of debt against "
        f"{100 * then['loss']:.0f} %).",
        f"Leverage: drawn in full the vehicles with equity of their own owe {today['vehicles']:.1f} dollars for each dollar of equity, the "
        f"mezzanine ABS CDO of 2006 {today['mezz-abs-cdo-2006']:.1f}; {100 * today['recourse']:.0f} % of the book is owed by "
        "operating companies themselves, with all their assets behind it.",
    )
    if not made.story.compare:
        return said
    return (
        *said,
        f"Concentration by ultimate obligor, of all debt: {top}, unnamed {100.0 - 100.0 * float(named['share'].sum()):.0f} %; "
        f"Herfindahl {index:.2f}, as much as {1.0 / index:.0f} equal names (those unnamed counted as one). A mortgage pool "
        "had thousands; what was concentrated in 2008 was the sector, as here.",
        *what_differs(),
    )


def of(part: float, whole: float) -> str:
    return f" ({100.0 * part / whole:.1f} %)" if whole > 0.0 else ""
