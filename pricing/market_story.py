"""market_stress: the whole market in one book under one story: who loses how much, and how far it is from 2008."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from pricing.abs_cdo import LOST_2008, what_differs
from pricing.attribution import Losses, who_bears
from pricing.basis import ends_of, institution
from pricing.chain import named_place
from pricing.contagion import Contagion, Mode, contagion
from pricing.institutions import Institutions, load_institutions
from pricing.market import Market
from pricing.marketfile import load_market
from pricing.pricer import price
from pricing.projection import projected
from pricing.shocks import SpreadShock, Stress
from pricing.stresses import stressed
from structuring.book import Book
from structuring.bookfile import load_book
from structuring.dealfile import LIBRARY, library, load_deal, load_scenarios
from structuring.documents import load_term
from structuring.exposure import UNNAMED, debt
from structuring.holders import UNIDENTIFIED
from structuring.scenario import Scenario
from structuring.stresses import NamedStress, load_stress, paper
from waterfalls.errors import Fault, InvalidTerms, UnknownName, unknown
from waterfalls.terms import term
from waterfalls.tranches import Equity, Note

if TYPE_CHECKING:
    import pandas as pd

    from structuring.deal import Deal

MARK = "firstloss-market-story"
BONDS = "corporate bonds"  # what the bonds of the book are part of, in the institutions file
MODES: dict[Mode, str] = {"thresholds": "those sell who must", "linear": "all sell to keep their leverage"}
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0)]


@term
class Supply:
    """Issuance as a driver of spreads: every note of the book widens, in basis points, by

        scale x per_doubling x max(log2(issuance / average), 0)

    `issuance` of a year and the `average` of the five before it, in currency units.
    """

    issuance: Positive
    average: Positive
    _: KW_ONLY
    per_doubling: Annotated[float, Field(ge=0.0)]

    def widening(self, scale: float = 1.0) -> float:
        """Basis points at a scale of the story."""
        return scale * self.per_doubling * max(math.log2(self.issuance / self.average), 0.0)


@term
class MarketStory:
    """What a book's story needs beyond a named stress.

    `failures` by deal: the share of the stress's added rate of default that its obligors take, 1 where nothing is said.
    `bonds` are the deals whose notes are public bonds: they have the depth of that market, and what institutions
    hold of them is part of the corporate bonds that they are known to hold.
    """

    supply: Supply
    _: KW_ONLY
    failures: Mapping[str, Share] = field(default_factory=dict)
    bonds: tuple[str, ...] = ()
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class MarketStress:
    """A book under a story. Losses are in the book's currency, positive a loss.

    tranches   by deal and tranche: value before, credit, market (spread and rates) and total loss, realised cash loss
    classes    by investor class: value held before, losses, per cent of what it holds and of its capital (as if
               all of it were marked), and what no accounts show
    rounds     by institution: first round, then both kinds of second round (`second`), with totals in per cent of capital
    bearers    by end bearer: the first round, and the second in mode thresholds
    concentration  by ultimate obligor, largest first: see `Book.concentration`
    beside     the book and the paper of 2008: issued, realised loss, marks
    """

    book: Book
    stress: str
    scale: float
    widening: float
    tranches: pd.DataFrame
    classes: pd.DataFrame
    rounds: pd.DataFrame
    bearers: pd.DataFrame
    concentration: pd.DataFrame
    beside: pd.DataFrame
    leverage: Mapping[str, float]
    losses: Mapping[str, Losses]
    second: Mapping[Mode, Contagion]
    assumptions: tuple[str, ...]

    def by_deal(self) -> pd.DataFrame:
        """One row a deal: value before and losses, the tranches summed."""
        columns = ["value_before", "credit_loss", "market_loss", "total_loss", "realised_loss"]
        table: Any = self.tranches.groupby("deal", sort=False)[columns].sum().reset_index()
        table["per_cent"] = per_cent(table["total_loss"], table["value_before"])
        return table

    def sentences(self) -> tuple[str, ...]:
        """The answer in words, amounts in billions."""
        classes: Any = self.classes
        total, value = float(classes["total_loss"].sum()), float(classes["value_before"].sum())
        credit = float(classes["credit_loss"].sum())
        worst = self.by_deal().sort_values("total_loss", ascending=False).head(4).set_index("deal")["total_loss"]
        said = [
            f"The book holds {billions(value)} of AI debt and equity at value; under {self.stress!r}, scale {self.scale:g}, it "
            f"loses {billions(total)}{of(total, value)}: {billions(credit)} for dollars that do not come or come later, "
            f"{billions(total - credit)} for spreads and rates ({self.widening:.0f} bp of "
            "the widening of each note is for supply)."
        ]
        if total == 0.0:
            return (*said, "Nothing is lost, so nobody sells.", *self.compared())
        said.append(f"By deal: {spelled(worst)}.")
        ranked = classes.sort_values("total_loss", ascending=False)
        parts = [
            f"{row.investor_class} {billions(row.total_loss)} ({row.per_cent_of_holding:.1f} % of what they hold"
            + (f", {row.per_cent_of_capital:.2f} % of capital)" if row.per_cent_of_capital == row.per_cent_of_capital else ")")
            for row in ranked.itertuples()
            if row.total_loss > 0.0
        ]  # fmt: skip
        said.append(f"First round, by class: {'; '.join(parts)}.")
        hidden = float(classes["not_reported"].sum())
        if hidden > 0.0:
            said.append(f"{billions(hidden)} of it shows in no accounts: banks and insurers hold it at amortised cost.")
        for mode, made in self.second.items():
            late = (made.total - made.direct)[0]
            more = float(late.sum())
            who = spelled(dict(sorted(zip(made.institutions, late, strict=True), key=lambda item: -item[1])[:4]))
            said.append(
                f"Second round, {mode} ({MODES[mode]}): {billions(more)} more, {made.amplification[0]:.2f} times the first round in all, the "
                f"bonds and loans of other sectors that fall with it counted: {who}."
                if more > 0.0
                else f"Second round, {mode} ({MODES[mode]}): nobody falls below a threshold or is redeemed, and nobody sells."
            )
        ends = self.bearers.sort_values("first_round", ascending=False).head(6).set_index("bearer")["first_round"]
        said.append(f"In the end the first round falls on {spelled(ends)}.")
        return (*said, *self.compared())

    def compared(self) -> tuple[str, ...]:
        """How far the book is from 2008 in size, leverage and concentration, in words."""
        then = LOST_2008["SF ABS CDOs 1999-2007"]
        owed, lost, marks = (float(self.beside.loc[0, name]) for name in ("issued", "realised_loss", "value_loss"))
        first: Any = self.concentration[self.concentration["part"] == "payer"]
        named = first[first["obligor"] != UNNAMED]
        top = "; ".join(f"{row.obligor} {100 * row.share:.0f} %" for row in named.head(5).itertuples())
        index, today = float(first["herfindahl"].iloc[0]), self.leverage
        return (
            f"Size beside 2008: {billions(owed)} of debt against {billions(then['issued'])} of SF ABS CDOs issued "
            f"({owed / then['issued']:.2f} times); {billions(lost)} of principal never repaid and {billions(marks)} of value lost by "
            f"notes against {billions(then['written_down'])} written down ({100 * lost / owed:.0f} % and {100 * marks / owed:.0f} % of debt against "
            f"{100 * then['loss']:.0f} %).",
            f"Leverage: the vehicles with equity of their own owe {today['vehicles']:.1f} dollars for each dollar of equity, the "
            f"mezzanine ABS CDO of 2006 {today['mezz-abs-cdo-2006']:.1f}; {100 * today['recourse']:.0f} % of the book is owed by "
            "operating companies themselves, with all their assets behind it.",
            f"Concentration by ultimate obligor, of all debt: {top}, unnamed {100.0 - 100.0 * float(named['share'].sum()):.0f} %; "
            f"Herfindahl {index:.2f}, as much as {1.0 / index:.0f} equal names (those unnamed counted as one). A mortgage pool "
            "had thousands; what was concentrated in 2008 was the sector, as here.",
            *what_differs(),
        )


def market_stress(
    book: Book | str | Path = "ai-debt-market",
    stress: NamedStress | str = "AI demand shortfall",
    scale: float = 1.0,
    *,
    story: MarketStory | None = None,
    market: Market | None = None,
    institutions: Institutions | None = None,
) -> MarketStress:
    """Runs every deal of a book under a named stress at one scale, spreads and scenario together, and sums by class.

    A deal that ships has its own scenarios and market; the others start from a base without drivers and take `market`,
    whose quotes are by class of paper (AA, A, BBB, below, unrated, equity). What is not given is read from the files
    beside the book: story.yaml, market.yaml, institutions.yaml (added to those that ship). The first round is the loss of
    value against the base; the second comes from `contagion` in the modes thresholds and linear.
    """
    import pandas as pd

    home = home_of(book)
    described = book if isinstance(book, Book) else load_book(home / "book.yaml")
    told = load_stress(stress) if isinstance(stress, str) else stress
    tale = story or load_term(home / "story.yaml", MarketStory, mark=MARK)
    quotes = market or load_market(home / "market.yaml")
    check(tale, described)
    known = institutions or with_added(load_institutions(), home / "institutions.yaml")

    widening = tale.supply.widening(scale)
    losses = {
        name: lost_in(deal, described, told, tale.failures.get(name, 1.0), scale, widening, quotes)
        for name, deal in described.deals.items()
    }
    rows = pd.concat([rows_of(name, each) for name, each in losses.items()], ignore_index=True)
    held_bonds = {
        who: float(sum(values_before(losses[name]) @ share_of(losses[name], who) for name in tale.bonds))
        for who in dict.fromkeys(name for each in losses.values() for name in each.classes)
    }
    known = less_bonds(known, held_bonds)
    depth = dict(known.depth)
    for name in tale.bonds:
        depth[f"{name}: {described.deals[name].tranches[0].name}"] = depth[BONDS]
    names = told.named(scale)
    shock = next(iter(losses.values())).prices.shocks[-1]
    second: dict[Mode, Contagion] = {
        mode: contagion(list(losses.values()), institutions=known, depth=depth, mode=mode, cell=(names, shock))
        for mode in MODES
    }
    return MarketStress(
        book=described,
        stress=told.name,
        scale=scale,
        widening=widening,
        tranches=rows,
        classes=classes_of(losses, known),
        rounds=rounds_of(second),
        bearers=bearers_of(second["thresholds"], known),
        concentration=described.concentration(),
        beside=beside(described, rows),
        leverage=leverage_of(described, tale.bonds),
        losses=losses,
        second=second,
        assumptions=assumptions_of(described, told, tale, known),
    )


def home_of(book: Book | str | Path) -> Path:
    """The folder of a book: of the shipped one by its name, of a file, or of the book that ships where a `Book` is given."""
    if isinstance(book, Book):
        return LIBRARY / "ai-debt-market"
    if Path(book).suffix in (".yaml", ".yml", ".json"):
        return Path(book).parent
    if str(book) not in books():
        raise UnknownName("shipped book", str(book), books())
    return LIBRARY / str(book)


def books() -> tuple[str, ...]:
    """The books that ship with the toolkit, by name."""
    return tuple(file.parent.name for file in sorted(LIBRARY.glob("*/book.yaml")))


def check(tale: MarketStory, book: Book) -> None:
    """Refuses a story that speaks of deals which the book does not hold."""

    def faults() -> Iterator[Fault]:
        for place, names in (("failures", tale.failures), ("bonds", tale.bonds)):
            for name in names:
                if name not in book.deals:
                    yield Fault(f"story.{place}", unknown("deal of the book", name, book.deals))

    if found := list(faults()):
        raise InvalidTerms(found)


def with_added(known: Institutions, path: Path) -> Institutions:
    """Institutions with those of another file behind them."""
    if not path.is_file():
        return known
    more, start = load_institutions(path), len(known.institutions)
    sources = dict(known.sources)
    for place, source in more.sources.items():
        for i in reversed(range(len(more.institutions))):
            place = place.replace(f"institutions[{i}]", f"institutions[{start + i}]")
        sources[place] = source
    return dataclasses.replace(known, institutions=(*known.institutions, *more.institutions), sources=sources)


def less_bonds(known: Institutions, held: Mapping[str, float]) -> Institutions:
    """Institutions whose other corporate bonds are those that the book does not hold for them already."""
    listed = tuple(
        dataclasses.replace(one, other={**one.other, BONDS: max(one.other[BONDS] - held.get(one.name, 0.0), 0.0)})
        if BONDS in one.other
        else one
        for one in known.institutions
    )
    return dataclasses.replace(known, institutions=listed)


def lost_in(
    deal: Deal, book: Book, stress: NamedStress, share: float, scale: float, widening: float, quotes: Market
) -> Losses:
    """The losses of one deal in the book's currency: its part, its exchange rate, all its tranches."""
    from structuring.run import run

    if deal.holdings is None:
        raise InvalidTerms(
            f"the deal {deal.name!r} has no holdings: say who holds each tranche, {UNIDENTIFIED!r} if not known"
        )
    own = deal.name in library() and load_deal(deal.name) == deal
    base = load_scenarios(deal.name)[0] if own else Scenario("base")
    market = load_market(deal.name) if own else by_paper(quotes, deal)
    scenario, _ = stressed(graded(stress, share), deal, scale=scale, on=base)
    moves = {
        tranche.name: bp + (widening if isinstance(tranche, Note) else 0.0)
        for tranche, bp in zip(deal.tranches, stress.spreads(deal, scale=scale).values(), strict=True)
    }
    moved = any(moves.values())
    pair = (
        Stress(scenario.name, SpreadShock.by_tranche(bp=moves, name="spreads of the story"))
        if moved
        else Stress(scenario.name)
    )
    flows = run(deal, [base, scenario], rates=projected(market, deal))
    before, there = None, market
    if stress.rates and scale:
        before, there = (flows, market), market.shifted(scale * stress.rates)
        flows = run(deal, [base, scenario], rates=projected(there, deal))
    prices = price(flows, there, pairs=[pair], reference=base.name, before=before)
    return scaled(
        who_bears(prices, deal.holdings, reference=(base.name, "unchanged")), book.scales[deal.name], book.currency
    )


def graded(stress: NamedStress, share: float) -> NamedStress:
    """The stress with that share of the rate of default it adds."""
    if share == 1.0:
        return stress
    effects = {
        kind: tuple(
            dataclasses.replace(one, plus=share * one.plus) if one.driver == "default" and one.plus is not None else one
            for one in each
        )
        for kind, each in stress.effects.items()
    }
    return dataclasses.replace(stress, effects=effects)


def by_paper(quotes: Market, deal: Deal) -> Market:
    """The market of a deal that has none: the quote of each tranche is that of its class of paper."""
    found = {}
    for tranche in deal.tranches:
        kind = paper(tranche)
        if kind not in quotes.quotes:
            raise UnknownName("class of paper in the book's market", kind, quotes.quotes)
        found[tranche.name] = {quotes.quotes[kind].kind: quotes.quotes[kind].value}
    return Market(
        quotes.curve, found, valuation=quotes.valuation, currency=quotes.currency, projections=quotes.projections,
        fixings=quotes.fixings,
    )  # fmt: skip


def scaled(losses: Losses, times: float, currency: str) -> Losses:
    """Losses of a part of a deal in another currency."""
    prices = losses.prices
    memo = {name: array if name == "wal" else times * array for name, array in prices.memo.items()}
    there = dataclasses.replace(
        prices, currency=currency, measures={"npv": times * prices.npv}, before=times * prices.before, memo=memo, cells=None
    )  # fmt: skip
    return dataclasses.replace(
        losses,
        prices=there,
        held=times * losses.held,
        tranche={name: times * array for name, array in losses.tranche.items()},
        memo={name: array if name == "wal_change" else times * array for name, array in losses.memo.items()},
    )


def stressed_cell(losses: Losses) -> tuple[int, int]:
    """The row of the stress, and that of its spreads."""
    return len(losses.prices.scenarios) - 1, len(losses.prices.shocks) - 1


def values_before(losses: Losses) -> np.ndarray:
    """What each tranche was worth in the reference (N,), none below 0: what is still to be paid in is no holding."""
    s, k = stressed_cell(losses)
    return np.maximum(losses.prices.npv[s, k] + losses.tranche["total"][s, k], 0.0)


def share_of(losses: Losses, who: str) -> np.ndarray:
    """The share of each tranche (N,) that a class holds."""
    return losses.shares[:, losses.classes.index(who)] if who in losses.classes else np.zeros(len(losses.shares))


def rows_of(name: str, losses: Losses) -> pd.DataFrame:
    """One row a tranche."""
    import pandas as pd

    s, k = stressed_cell(losses)
    return pd.DataFrame({
        "deal": name,
        "tranche": losses.prices.tranches,
        "value_before": values_before(losses),
        "credit_loss": losses.tranche["credit"][s, k],
        "market_loss": losses.tranche["market"][s, k],
        "total_loss": losses.tranche["total"][s, k],
        "realised_loss": losses.memo["realised_loss"][s, k],
    })  # fmt: skip


def classes_of(losses: Mapping[str, Losses], known: Institutions) -> pd.DataFrame:
    """One row an investor class, over every deal of the book."""
    import pandas as pd

    found: dict[str, dict[str, float]] = {}
    for each in losses.values():
        s, k = stressed_cell(each)
        before = values_before(each)
        for c, name in enumerate(each.classes):
            share = each.shares[:, c]
            row = found.setdefault(
                name, {"value_before": 0.0, "credit_loss": 0.0, "market_loss": 0.0, "total_loss": 0.0}
            )
            row["value_before"] += float(before @ share)
            for part in ("credit", "market", "total"):
                row[f"{part}_loss"] += float(each.tranche[part][s, k] @ share)
    rows = []
    for name, row in found.items():
        one = institution(known, name)
        rows.append({
            "investor_class": name,
            **row,
            "not_reported": row["market_loss"] if one.basis == "amortised cost" else 0.0,
            "per_cent_of_holding": per_cent(row["total_loss"], row["value_before"]),
            "per_cent_of_capital": per_cent(row["total_loss"], one.capital or 0.0),
        })  # fmt: skip
    table: Any = pd.DataFrame(rows)
    last = table["investor_class"] == UNIDENTIFIED
    return pd.concat([table[~last], table[last]], ignore_index=True)


def rounds_of(second: Mapping[Mode, Contagion]) -> pd.DataFrame:
    """One row an institution: the first round, then what each mode adds, and the total of it in per cent of capital."""
    import pandas as pd

    any_ = next(iter(second.values()))
    table = pd.DataFrame({"institution": any_.institutions, "first_round": any_.direct[0]})
    for mode, made in second.items():
        table[f"second_{mode}"] = (made.total - made.direct)[0]
        capital = np.where(np.isfinite(made.capital), made.capital, 0.0)
        table[f"total_{mode}_per_cent_of_capital"] = per_cent(made.total[0], capital)
    return table[table.drop(columns="institution").abs().sum(axis=1) > 0.0].reset_index(drop=True)


def bearers_of(made: Contagion, known: Institutions) -> pd.DataFrame:
    """One row an end bearer: what the first and the second round cost it; each sums to the losses of the round."""
    import pandas as pd

    rounds = {}
    for name, lost in (("first_round", made.direct[0]), ("second_round", (made.total - made.direct)[0])):
        flow, _, ends = ends_of(
            {who: np.array([amount]) for who, amount in zip(made.institutions, lost, strict=True)}, known
        )
        rounds[name] = pd.Series(flow[0].sum(axis=0), index=list(ends))
    table: Any = pd.DataFrame(rounds).fillna(0.0).rename_axis("bearer").reset_index()
    return table[(table["first_round"] != 0.0) | (table["second_round"] != 0.0)].reset_index(drop=True)


def beside(book: Book, rows: pd.DataFrame) -> pd.DataFrame:
    """The book, then the paper of 2008: issued, realised loss and loss of value, in currency units, and in per cent of issued.

    Realised is principal of notes that is never repaid. The paper of 2008 has realised losses alone.
    """
    import pandas as pd

    notes = {(deal.name, each.name) for deal in book.deals.values() for each in deal.tranches if isinstance(each, Note)}
    kept: Any = rows[[key in notes for key in zip(rows["deal"], rows["tranche"], strict=True)]]
    owed = sum(debt(deal) * book.scales[name] for name, deal in book.deals.items())
    realised, marks = float(kept["realised_loss"].sum()), float(kept["total_loss"].sum())
    listed: list[dict[str, Any]] = [
        {"paper": book.name, "issued": owed, "realised_loss": realised, "value_loss": marks,
         "realised_per_cent": per_cent(realised, owed), "value_per_cent": per_cent(marks, owed)}
    ]  # fmt: skip
    for name, said in LOST_2008.items():
        listed.append({
            "paper": name,
            "issued": said.get("issued", np.nan),
            "realised_loss": said.get("written_down", np.nan),
            "value_loss": np.nan,
            "realised_per_cent": 100.0 * said["loss"],
            "value_per_cent": np.nan,
        })  # fmt: skip
    return pd.DataFrame(listed)


def leverage_of(book: Book, bonds: tuple[str, ...]) -> dict[str, float]:
    """Debt over equity of the vehicles that have equity, and of the CDO of 2006; `recourse` is the share owed by companies."""

    def equity(deal: Deal) -> float:
        return sum(max(each.notional, each.commitment) for each in deal.tranches if isinstance(each, Equity))

    with_equity = [name for name, deal in book.deals.items() if equity(deal) > 0.0]
    owed = {name: debt(deal) * book.scales[name] for name, deal in book.deals.items()}
    beneath = sum(equity(book.deals[name]) * book.scales[name] for name in with_equity)
    then, everything = load_deal("mezz-abs-cdo-2006"), sum(owed.values())
    return {
        "vehicles": sum(owed[name] for name in with_equity) / beneath if beneath else math.nan,
        "mezz-abs-cdo-2006": debt(then) / equity(then),
        "recourse": sum(owed[name] for name in bonds) / everything if everything else math.nan,
    }


def assumptions_of(book: Book, stress: NamedStress, tale: MarketStory, known: Institutions) -> tuple[str, ...]:
    """What rests on no public source: of the story, the book, the stress, its own deals and the institutions."""
    own: dict[tuple[str, str], list[str]] = {}
    for name, deal in book.deals.items():
        for place, source in deal.sources.items() if name not in library() else ():
            if "assumption" in source:
                own.setdefault((place, source["assumption"]), []).append(name)
    listed = [
        *tale.sources.items(),
        *((named_position(place, book), source) for place, source in book.sources.items()),
        *((f"stress {place}", source) for place, source in stress.sources.items()),
        *((f"{place} of {', '.join(names)}", {"assumption": told}) for (place, told), names in own.items()),
        *((named_place(place, known), source) for place, source in known.sources.items()),
    ]
    said = [f"{place}: {source['assumption']}" for place, source in listed if "assumption" in source]
    return (
        *said,
        "market: round quotes by class of paper for the deals without a market of their own; every deal is valued on the "
        "date of its market file, May to November 2026, and the values are added",
        "supply: the widening falls on every note alike, and on no equity; quotes are taken to stand before it",
        "other corporate bonds and loans keep their value in the first round: they fall only by sales",
        "the shipped deals of the book keep the assumptions of their own files: firstloss library show NAME",
    )


def named_position(place: str, book: Book) -> str:
    """`positions[2]` as a reader says it: by the deal's name."""
    for i, position in enumerate(book.positions):
        place = place.replace(f"positions[{i}]", f"size of {position.terms.name}")
    return place


def market_page(name: str = "ai-debt-market", stress: str = "AI demand shortfall", scale: float = 1.0) -> str:
    """The story on one page: sentences, then tables in billions, then every assumption."""
    from pricing.tables import text

    made = market_stress(name, stress, scale)
    lines = [f"{made.book.name}: {made.stress!r} at scale {scale:g}, amounts in {made.book.currency} billion", ""]
    lines += [f"- {sentence}" for sentence in made.sentences()]
    top: Any = made.concentration
    top = top[top["part"] == "payer"].head(8)[["obligor", "exposure", "share", "deals"]]
    for title, frame in (
        ("Investor classes: first round", made.classes),
        ("First and second round, both modes", made.rounds),
        ("End bearers (thresholds)", made.bearers),
        ("Deals", made.by_deal()),
        ("Ultimate obligors", top.reset_index(drop=True)),
        ("Beside 2008", made.beside),
    ):
        shown = frame.copy()
        for column in shown.columns:
            if shown[column].dtype.kind == "f" and "per_cent" not in str(column) and column != "share":
                shown[column] = shown[column] / 1e9
        lines += ["", title, text(shown)]
    return "\n".join([*lines, "", "Assumptions", *(f"- {each}" for each in made.assumptions)])


def per_cent(part: Any, whole: Any) -> Any:
    """100 x part / whole, NaN where the whole is 0 or not known."""
    top, bottom = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    made = np.divide(100.0 * top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0.0)
    return float(made) if made.ndim == 0 else made


def of(part: float, whole: float) -> str:
    return f" ({100.0 * part / whole:.1f} %)" if whole > 0.0 else ""


def billions(amount: float) -> str:
    return f"{amount / 1e9:,.1f}bn"


def spelled(amounts: Mapping[str, float] | Any) -> str:
    """`banks 1.0bn, insurers 2.0bn`, what is nothing left out."""
    return ", ".join(f"{who} {billions(amount)}" for who, amount in amounts.items() if abs(amount) >= 5e7) or "nobody"
