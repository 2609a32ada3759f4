"""A whole book over random paths of its sector: losses by deal and class, and what each adds to the tail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.market.market_of_deal import base_and_market
from pricing.paths_and_books.losses_over_paths import constant, over, tail
from pricing.paths_and_books.study_measures import borne
from structuring.deals.deal import Deal, clock
from structuring.deals.exposures import UNNAMED, debt
from structuring.generators.sector_model import SECTOR, SectorModel
from structuring.generators.unnamed_pools import UnnamedPool
from structuring.runs.book import Book
from structuring.runs.chunks import Unfinished
from structuring.runs.run import run
from structuring.runs.study import study
from structuring.scenarios.paths import Paths, each
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd

    from pricing.bearers.who_bears import Losses
    from pricing.market.market import Market
    from structuring.runs.shared_scenarios import View
    from structuring.simulation.random_numbers import Draws

BLOCK = 1_000  # paths that every deal is run on before the next


@dataclasses.dataclass(frozen=True, eq=False)
class BookPaths:
    """Losses of a book over S paths, in its currency, positive a loss: by deal (S, D), by investor class (S, C), and the
    principal of notes that is never repaid, by deal (S, D). Spreads and rates stay where they are: what is lost is cash.
    """

    book: Book
    deals: tuple[str, ...]
    classes: tuple[str, ...]
    by_deal: np.ndarray
    by_class: np.ndarray
    never_repaid: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """What the book loses on each path (S,)."""
        return self.by_deal.sum(axis=1)

    @property
    def worst(self) -> np.ndarray:
        """The paths of the worst hundredth of the book, at least one."""
        return np.argsort(self.total, kind="stable")[-tail(len(self.total)) :]

    def by_name(self, what: str) -> pd.DataFrame:
        """One row a deal or an investor class, largest in the tail first: its own losses over the paths, its expected shortfall
        alone, and its part of the book's: the mean of its losses on the book's worst paths, which sum to the book's.

        contribution(i) = E[L_i | L in the worst hundredth]        Source: Tasche, "Risk contributions and performance measurement" (1999)
        """
        import pandas as pd

        names, lost = (self.deals, self.by_deal) if what == "deal" else (self.classes, self.by_class)
        part = lost[self.worst].mean(axis=0)
        whole = float(part.sum())
        rows = [
            {what: name, **over(lost[:, i]), "contribution": float(part[i]), "share_of_tail": part[i] / whole if whole else np.nan}
            for i, name in enumerate(names)
        ]  # fmt: skip
        return pd.DataFrame(rows).sort_values("contribution", ascending=False, kind="stable").reset_index(drop=True)

    def whole(self) -> pd.DataFrame:
        """Losses of the book and what of its principal is never repaid, over the paths."""
        import pandas as pd

        rows = {"loss of value": self.total, "principal never repaid": self.never_repaid.sum(axis=1)}
        return pd.DataFrame([{"book": name, **over(lost)} for name, lost in rows.items()])

    def sentences(self) -> tuple[str, ...]:
        """The answer in words, amounts in billions."""
        whole: Any = self.whole().iloc[0]
        deals, classes = self.by_name("deal"), self.by_name("investor_class")

        def first(table: Any, what: str) -> str:
            return ", ".join(f"{row[what]} {100 * row['share_of_tail']:.0f} %" for _, row in table.head(3).iterrows())

        tenth = float((self.never_repaid.sum(axis=1) >= 0.1 * self.owed).mean())
        return (
            f"On average the book loses {whole['mean'] / 1e9:.1f}bn against its base, on one path in a hundred more than "
            f"{whole['quantile_99'] / 1e9:.1f}bn; on the worst hundredth {whole['expected_shortfall_99'] / 1e9:.1f}bn.",
            f"Of that worst hundredth {first(deals, 'deal')} are the largest deals, and {first(classes, 'investor_class')} bear the most.",
            f"A tenth or more of all principal is never repaid on {100 * tenth:.1f} % of the paths; rates of failure and their correlation are assumptions (sector.yaml).",
        )

    @property
    def owed(self) -> float:
        """The debt of the book."""
        return sum(debt(deal) * self.book.scales[name] for name, deal in self.book.deals.items())

    def paths(self) -> pd.DataFrame:
        """One row a path: what the book loses, and each deal of it."""
        import pandas as pd

        columns = {name: self.by_deal[:, i] for i, name in enumerate(self.deals)}
        return pd.DataFrame({"path": np.arange(len(self.total)), "total_loss": self.total, **columns})


@dataclasses.dataclass(frozen=True)
class Around:
    """A draw of a deal's paths: those of the book, what the deal's base says beside them, and a pool of borrowers nobody names.

    A sale is the earlier of the base's and the path's.
    """

    paths: Paths
    fixed: Mapping[str, Any]
    pool: UnnamedPool | None
    unnamed: tuple[str, ...]

    def __call__(self, draws: Draws) -> dict[str, Any]:
        drawn = self.paths.rows(slice(draws.first, draws.first + draws.count)).arrays
        found: dict[str, Any] = {
            driver: {name: rows for name, rows in value.items() if name not in self.unnamed} if isinstance(value, Mapping) else value
            for driver, value in drawn.items()
        }  # fmt: skip
        found = {driver: value for driver, value in found.items() if not isinstance(value, Mapping) or value}
        for driver, value in self.fixed.items():
            if driver not in found:
                found[driver] = each(value, lambda row: np.repeat(row, draws.count, axis=0))
            elif driver == "sale":
                found[driver] = each(found[driver], lambda rows, value=value: np.minimum(rows, value))
        if self.pool is not None:
            found["default"] = self.pool.rates(draws)
        return found


def book_over_paths(
    book: Book,
    model: SectorModel,
    quotes: Market,
    count: int,
    *,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> BookPaths:
    """Runs every deal of a book on the same `count` paths of its sector, against each deal's base.

    Path s is one state of the world in every deal, whatever the number of `workers`. Names fail once, everywhere; a pool whose
    borrowers nobody names defaults at the rate that the sector's factor leaves (`UnnamedPool`). `quotes` are by class of paper,
    for the deals that do not ship with a market of their own. `progress(done, all)` counts paths times deals. Interrupted, it tells
    of the blocks of paths that every deal has finished; where there is none the interrupt goes on.
    """
    shared, views = model.paths(book, count, seed=seed), book.views()
    works = {name: work_of(view, view.of(shared), model, quotes, count, seed) for name, view in views.items()}
    done = 0

    def told(finished: int, _: int) -> None:
        if progress:
            progress(done + finished, len(works) * count)

    blocks: list[list[Any]] = []
    try:
        for start in range(0, count, BLOCK):
            part = slice(start, min(start + BLOCK, count))
            block = []
            for work in works.values():
                block.append(work.losses(part, workers, told))
                done += part.stop - part.start
            blocks.append(block)
    except (Unfinished, KeyboardInterrupt) as error:
        asked = isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt)
        if not asked:
            raise
        if not blocks:
            raise KeyboardInterrupt from None
    return together(book, tuple(works), [each.notes for each in works.values()], blocks)


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    """What every block of paths of one deal has in common."""

    deal: Deal
    paths: Paths
    measure: Any
    rates: Mapping[str, Any]
    notes: np.ndarray

    def losses(self, part: slice, workers: int, progress: Callable[[int, int], None]) -> Losses:
        """The losses of some of the paths."""
        return study(
            self.deal, self.paths.rows(part), measure=self.measure, rates=self.rates, workers=workers, progress=progress
        )


def work_of(view: View, seen: Any, model: SectorModel, quotes: Market, count: int, seed: int) -> Work:
    """A deal with its paths, and what its losses are measured against."""
    deal = view.deal
    base, market = base_and_market(deal, quotes)
    rates = market.rates(deal)
    measure = borne(deal.holders, market, reference=run(deal, [base], rates=rates), against=(base.name, "unchanged"))
    paths = Paths(count, seed=seed, draw=around(deal, seen, base, model, view.local.get(UNNAMED, ())))
    notes = np.array([isinstance(each, Note) for each in deal.tranches], dtype=np.float64)
    return Work(deal, paths, measure, rates, notes)


def together(
    book: Book, deals: tuple[str, ...], notes: Sequence[np.ndarray], blocks: Sequence[Sequence[Any]]
) -> BookPaths:
    """The blocks of paths, in order, in the book's currency."""
    by_deal, never, by_class = [], [], dict[str, np.ndarray]()
    for k, name in enumerate(deals):
        parts, scale = [block[k] for block in blocks], book.scales[name]
        by_deal.append(scale * np.concatenate([each.tranche["total"][:, 0].sum(axis=1) for each in parts]))
        never.append(scale * np.concatenate([each.memo["realised_loss"][:, 0] @ notes[k] for each in parts]))
        for c, who in enumerate(parts[0].classes):
            part = scale * np.concatenate([each.by_class("total")[:, 0, c] for each in parts])
            by_class[who] = by_class[who] + part if who in by_class else part
    return BookPaths(
        book, deals, tuple(by_class), np.column_stack(by_deal), np.column_stack(list(by_class.values())),
        np.column_stack(never),
    )  # fmt: skip


def around(deal: Deal, paths: Any, base: Scenario, model: SectorModel, unnamed: tuple[str, ...]) -> Around:
    """The draw of a deal's paths."""
    schedule = clock(deal)
    fixed = {name: constant(deal, name, value, schedule) for name, value in base.given().items()}
    pool = None
    if unnamed:
        hazard = model.hazards.get(UNNAMED, model.hazard)
        if isinstance(hazard, Mapping):
            raise InvalidTerms(
                f"hazards[{UNNAMED!r}]: must be one rate a year, for a pool of borrowers that nobody names"
            )
        labels = list(dict.fromkeys([SECTOR, *model.sectors.values()]))
        sector = labels.index(model.sectors.get(UNNAMED, SECTOR))
        months = len(schedule.ends) * 12 // schedule.per_year
        pool = UnnamedPool(model.copula, hazard, months, len(labels), sector, model.sobol)
    return Around(paths, fixed, pool, unnamed)
