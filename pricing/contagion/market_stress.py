"""Runs a book that stands for the whole market under one stress: losses by class, second round and end bearers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pricing.bearers.accounting import no_capital
from pricing.bearers.institutions import Institutions, load_institutions
from pricing.bearers.unidentified import unidentified
from pricing.bearers.who_bears import Losses, who_bears
from pricing.contagion.contagion import Contagion, Mode, contagion
from pricing.contagion.initial_losses import shock_of
from pricing.contagion.market_story import MARK, MarketStory, check
from pricing.contagion.market_stress_result import MODES, MarketStress
from pricing.contagion.market_stress_tables import beside, classes_of, leverage_of, rounds_of, rows_of, stressed_cell
from pricing.contagion.stress_chain import assumed, bearers_of, named_place
from pricing.contagion.struck_deals import Told
from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.market.market_of_deal import base_and_market
from pricing.valuation.named_stresses import stressed
from pricing.valuation.run_and_price import run_and_price
from pricing.valuation.spread_shocks import SpreadShock, Stress
from structuring.deals.deal_files import library
from structuring.documents.yaml_and_json import load_term
from structuring.generators.named_stresses import NamedStress, load_stress
from structuring.runs.book import Book
from structuring.runs.book_files import find_book, load_book
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from structuring.deals.deal import Deal

SHUT = "refinancing freeze"  # the stress that debt meets which is not refinanced
SPREADS = "spreads of the story"  # what every deal of the book is shocked by, also one whose own do not move
BONDS = "corporate bonds"  # what the bonds of the book are part of, in the institutions file


def market_stress(
    book: Book | str | Path = "ai-debt-market",
    stress: NamedStress | str | None = None,
    scale: float = 1.0,
    *,
    story: MarketStory | None = None,
    market: Market | None = None,
    institutions: Institutions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MarketStress:
    """Runs every deal of a book under a named stress at one scale, spreads and scenario together, and sums by class.

    A deal that ships has its own scenarios and market; the others start from a base without drivers and take `market`,
    whose quotes are by class of paper (AA, A, BBB, below, unrated, equity). What is not given is read from the files
    beside the book: story.yaml, market.yaml, stress.yaml (else "AI demand shortfall"), and system.yaml (the institutions) or
    institutions.yaml (added to those that ship). `progress(deals done, all)` is
    called before each deal. The first round is the loss of
    value against the base; the second comes from `contagion` in the modes thresholds and linear.
    """
    import pandas as pd

    home = find_book("ai-debt-market" if isinstance(book, Book) else book).parent
    described = book if isinstance(book, Book) else load_book(book)
    own = file if (file := home / "stress.yaml").is_file() else "AI demand shortfall"
    told = stress if isinstance(stress, NamedStress) else load_stress(stress or own)
    tale = story or load_term(home / "story.yaml", MarketStory, mark=MARK)
    quotes = market or load_market(home / "market.yaml")
    check(tale, described)
    known = institutions or institutions_of(home)

    widening = tale.supply.widening(scale)
    losses: dict[str, Losses] = {}
    struck = {
        name: told_of(deal, described, told, tale.failures.get(name, 1.0), scale, widening, quotes)
        for name, deal in described.deals.items()
    }
    for name, one in struck.items():
        if progress:
            progress(len(losses), len(struck))
        losses[name] = lost_in(one, scale, described.currency)
    rows = pd.concat([rows_of(name, each) for name, each in losses.items()], ignore_index=True)
    cell = told.named(scale), SPREADS
    first = shock_of(list(losses.values()), cell)
    public = np.concatenate([np.full(len(each.shares), name in tale.bonds) for name, each in losses.items()])
    known = less_bonds(known, dict(zip(first.classes, first.held @ public, strict=True)))
    listed = tuple(f"{name}: {described.deals[name].tranches[0].name}" for name in tale.bonds)
    depth = {**known.depth, **(dict.fromkeys(listed, known.depth[BONDS]) if listed else {})}
    second: dict[Mode, Contagion] = {
        mode: contagion(list(losses.values()), institutions=known, depth=depth, mode=mode, cell=cell) for mode in MODES
    }
    made = second["thresholds"]
    direct, late = (
        dict(zip(made.institutions, lost, strict=True)) for lost in (made.direct[0], (made.total - made.direct)[0])
    )
    bearers, _ = bearers_of(direct, late, known)
    return MarketStress(
        book=described,
        story=tale,
        stress=told.name,
        scale=scale,
        widening=widening,
        tranches=rows,
        classes=classes_of(first, losses, known),
        rounds=rounds_of(second),
        bearers=bearers,
        concentration=described.concentration(),
        beside=beside(described, rows),
        unidentified=unidentified(
            losses, described.deals, known, {name: stressed_cell(each) for name, each in losses.items()}
        ),
        no_capital=no_capital(first.classes, known),
        leverage=leverage_of(described, tale.bonds),
        losses=losses,
        second=second,
        vehicles=struck,
        institutions=known,
        first=first,
        public=listed,
        assumptions=assumptions_of(described, told, tale, known),
    )


def institutions_of(home: Path) -> Institutions:
    """The institutions of a book: those of its system.yaml, or those that ship with those of its institutions.yaml behind them."""
    if (file := home / "system.yaml").is_file():
        return load_institutions(file)
    return with_added(load_institutions(), home / "institutions.yaml")


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


def told_of(
    deal: Deal, book: Book, stress: NamedStress, share: float, scale: float, widening: float, quotes: Market
) -> Told:
    """A deal as the story strikes it: its base and market, its share of failures, and its spreads with those of supply."""
    base, market = base_and_market(deal, quotes)
    moves = {
        tranche.name: bp + (widening if isinstance(tranche, Note) else 0.0)
        for tranche, bp in zip(deal.tranches, stress.spreads(deal, scale=scale).values(), strict=True)
    }
    return Told(
        deal=deal,
        base=base,
        market=market,
        stress=graded(stress, share),
        shut=graded(load_stress(SHUT), share),
        widening=moves,
        scale=book.scales[deal.name],
    )


def lost_in(told: Told, scale: float, currency: str) -> Losses:
    """The losses of one deal in the book's currency: its part, its exchange rate, all its tranches."""
    deal, base, stress, moves = told.deal, told.base, told.stress, told.widening
    scenario, _ = stressed(stress, deal, scale=scale, on=base)
    pair = Stress(scenario.name, SpreadShock.by_tranche(bp=moves, name=SPREADS))
    made = run_and_price(deal, [base, scenario], told.market, pairs=[pair], rates=scale * stress.rates)
    return scaled(who_bears(made.prices, deal.holders, reference=(base.name, "unchanged")), told.scale, currency)


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
    return (
        *assumed(listed),
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
