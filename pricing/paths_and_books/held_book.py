"""A book held ready: deals run and priced once, and after a move of the market only what the move reaches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import Losses, who_bears
from pricing.market.market import Market, as_market
from pricing.tables.named_arrays import labelled
from pricing.valuation.measures import Cells
from pricing.valuation.price import aimed, cells_ahead, prices_of, reference_spreads
from pricing.valuation.prices import Prices
from pricing.valuation.remaining_cash import Ahead, row_of
from pricing.valuation.spread_shocks import SHOWN, UNCHANGED, SpreadShock, listed
from structuring.deals.deal import Deal, plan, resets_of
from structuring.deals.holdings import UNIDENTIFIED, Holdings
from structuring.runs.book import Book, refuse_unread
from structuring.runs.run import project
from structuring.scenarios.scenario import Paths, Scenario
from waterfalls.arguments import function, instance, key, many, takes, text, whole
from waterfalls.cashflows import Cashflows
from waterfalls.distribute import Engine, distribute, refuse_too_large
from waterfalls.errors import CannotPrice, InvalidTerms, refuse_unknown

if TYPE_CHECKING:
    import pandas as pd

QUOTED = SpreadShock(name="as quoted")  # no move beyond that of the quotes themselves
COMPONENTS = ("credit", "rates", "spread", "total")
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, eq=False)
class HeldDeal:
    """A deal as it stands: `flows`, the `market` they are priced at, and each tranche's spread over it.

    `scenarios` are those of the book as the deal sees them. `opening` is the deal as the book was first held; `prices.before` are its values at the market of that moment. Of
    `prices`, "unchanged" is at the spreads of the opening, "as quoted" and the shocks at those of now.
    """

    deal: Deal
    scenarios: Sequence[Scenario] | Paths
    flows: Cashflows
    market: Market
    spreads: Mapping[str, float]
    cells: Cells
    prices: Prices
    opening: HeldDeal | None


@dataclasses.dataclass(frozen=True, eq=False)
class HeldBook:
    """A book held ready, a value: `reprice` gives another. `ran` and `priced` name the deals that it had to do anew."""

    book: Book
    deals: Mapping[str, HeldDeal]
    shocks: tuple[SpreadShock, ...]
    reference: Any
    engine: Engine
    ran: tuple[str, ...]
    priced: tuple[str, ...]

    @takes(shocks=many(SpreadShock, such_as=SHOWN), workers=whole(), progress=function)
    def reprice(
        self,
        markets: Market | Mapping[str, Market] | None = None,
        shocks: SpreadShock | Sequence[SpreadShock] | None = None,
        *,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> HeldBook:
        """The book after a move of curves, quotes or fixings (`markets`, one or by deal), or under other `shocks`.

        A waterfall runs again only where the rates of its floating coupons are others than before, the collateral's
        cash is never projected again, and a deal whose market and shocks are the same is not touched. A spread stays
        where its quote does, and is solved anew from a quote that moved. Markets are of the same valuation date.
        """
        given = {name: held.market for name, held in self.deals.items()}
        wanted = given | ({} if markets is None else by_deal(markets, given))
        asked = self.shocks if shocks is None else with_quotes(shocks)

        def one(name: str) -> HeldDeal:
            return moved(self.deals[name], wanted[name], asked, asked == self.shocks, self.reference, self.engine)

        made = each(tuple(self.deals), one, workers, progress)
        ran = tuple(name for name, held in made.items() if held.flows is not self.deals[name].flows)
        priced = tuple(name for name, held in made.items() if held is not self.deals[name])
        return dataclasses.replace(self, deals=made, shocks=asked, ran=ran, priced=priced)

    def losses(self) -> dict[str, Losses]:
        """The losses of each deal since the book was held, against its reference scenario then, by the deal's name."""
        return {name: lost(held, self.reference) for name, held in self.deals.items()}

    def by_class(self, component: str = "total") -> dict[str, np.ndarray]:
        """A component of loss ("credit", "rates", "spread", "total") by class (S, K), in the book's currency."""
        refuse_unknown("component of loss", component, COMPONENTS)
        return self.book.by_class(
            {
                name: dict(zip(lost.prices.tranches, np.moveaxis(lost.tranche[component], 2, 0), strict=True))
                for name, lost in self.losses().items()
            }
        )

    def frame(self) -> pd.DataFrame:
        """One row a scenario, shock and investor class: the components of its loss, in the book's currency."""
        found = {component: self.by_class(component) for component in COMPONENTS}
        prices = next(iter(self.deals.values())).prices
        classes = tuple(found["total"])
        columns = {f"{name}_loss": np.stack([rows[who] for who in classes], 2) for name, rows in found.items()}
        return labelled(
            columns, [("scenario", prices.scenarios), ("shock", prices.shocks), ("investor_class", classes)]
        )


@takes(
    book=instance(Book), scenarios=many(Scenario), shocks=many(SpreadShock, such_as=SHOWN), reference=key, engine=text, workers=whole(),
    progress=function,
)  # fmt: skip
def hold(
    book: Book,
    scenarios: Scenario | Sequence[Scenario],
    markets: Market | Mapping[str, Market],
    shocks: SpreadShock | Sequence[SpreadShock] = (),
    *,
    reference: Any = None,
    engine: Engine = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> HeldBook:
    """Runs and prices every deal of a book once, and holds what a `reprice` needs: plans, collateral's cash, flows.

    Scenarios are those of the book, as `study_book` takes them. `markets` is one, or one by the name of each deal. The
    `reference` scenario is that named "base", else the first; losses are against it. `workers` threads share the deals;
    the numbers do not depend on them. `progress(done, total)` counts deals, in this thread.
    """
    listed_scenarios = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    views = book.views()
    refuse_unread(views, listed_scenarios)
    wanted, asked = by_deal(markets, views), with_quotes(shocks)
    missing = [name for name in views if name not in wanted]
    if missing:
        raise InvalidTerms(
            f"markets: each deal of the book needs one; none is given for {', '.join(map(repr, missing))}"
        )

    def one(name: str) -> HeldDeal:
        deal, market = views[name].deal, wanted[name]
        resolved = plan(deal)
        refuse_too_large(resolved, len(listed_scenarios))
        rates = market.rates(deal)
        seen = views[name].of(listed_scenarios)
        receipts = project(deal, seen, resolved.schedule, rates=rates)
        flows = distribute(resolved, receipts, rates=rates, engine=engine)
        market = as_market(market, flows)
        spreads = reference_spreads(flows, market, reference)
        return held_at(deal, seen, flows, market, spreads, Ahead.at(flows, market), asked, reference, None)

    made = each(tuple(views), one, workers, progress)
    return HeldBook(book, made, asked, reference, engine, tuple(made), tuple(made))


def moved(
    held: HeldDeal, market: Market, shocks: tuple[SpreadShock, ...], same: bool, reference: Any, engine: Engine
) -> HeldDeal:
    """A held deal at another market and under other shocks: itself where neither is other."""
    before = held.market
    if same and (market is before or market == before):
        return held
    then, now = ((each.valuation, each.today, each.ex_coupon) for each in (before, market))
    if now != then:
        raise CannotPrice(
            f"{held.deal.name!r} is held on {then[0]} (today={then[1]}, ex_coupon={then[2]}), and the market is of {now[0]} "
            f"(today={now[1]}, ex_coupon={now[2]}): hold the book anew"
        )
    flows = held.flows
    if market.projections != before.projections or market.fixings != before.fixings:
        rates, receipts = market.rates(held.deal), flows.receipts
        owned = {each.source for each in resets_of(held.deal)}
        if owned and any(before.rates(held.deal)[source] != rates[source] for source in owned):
            receipts = project(held.deal, held.scenarios, flows.plan.schedule, rates=rates)
        if receipts is not flows.receipts or any((rates[index] != flows.rates[index]).any() for index in flows.rates):
            flows = distribute(flows.plan, receipts, rates=rates, engine=engine)
    market = as_market(market, flows)
    ahead = held.cells.ahead if flows is held.flows else Ahead.at(flows, market)
    old, new = before.quotes_of(held.flows), market.quotes_of(flows)
    spreads = held.spreads
    if new != old:
        solved = reference_spreads(flows, market, reference)
        spreads = {name: solved[name] if new[name] != old[name] else spread for name, spread in spreads.items()}
    return held_at(held.deal, held.scenarios, flows, market, spreads, ahead, shocks, reference, held.opening or held)


def held_at(
    deal: Deal, seen: Sequence[Scenario] | Paths, flows: Cashflows, market: Market, spreads: Mapping[str, float],
    ahead: Ahead, shocks: tuple[SpreadShock, ...], reference: Any, opening: HeldDeal | None,
) -> HeldDeal:  # fmt: skip
    """A deal priced: at the spreads of its opening, as quoted, and under each shock to what is quoted."""
    cells = cells_ahead(ahead, market, spreads, aimed(shocks, flows, market, reference))
    earlier = cells
    if opening is not None:
        under = cells.spreads.copy()
        under[:, :, 0] = cells_ahead(ahead, market, opening.spreads, (UNCHANGED,)).spreads[:, :, 0]
        cells = dataclasses.replace(cells, spreads=under)
        earlier = dataclasses.replace(opening.cells, spreads=under)
    named = flows.receipts.scenarios[row_of(flows, reference)]
    prices = prices_of(flows, cells, earlier, shocks, reference=named)
    return HeldDeal(deal, seen, flows, market, spreads, cells, prices, opening)


def lost(held: HeldDeal, reference: Any) -> Losses:
    """The losses of a held deal since its opening; where nobody is known to hold a tranche, "unidentified" does."""
    holdings = held.deal.holdings or Holdings({name: {UNIDENTIFIED: 1.0} for name in held.flows.tranches})
    named = held.flows.receipts.scenarios[row_of(held.flows, reference)]
    return who_bears(held.prices, holdings, reference=(named, UNCHANGED.name))


def with_quotes(shocks: SpreadShock | Sequence[SpreadShock]) -> tuple[SpreadShock, ...]:
    """The shocks of a held book: none since the opening, what is quoted now, and those given."""
    given = (shocks,) if isinstance(shocks, SpreadShock) else tuple(shocks)
    return listed((QUOTED, *given))


def by_deal(markets: Market | Mapping[str, Market], known: Mapping[str, Any]) -> dict[str, Market]:
    """The market of each deal by name: one for all, or those given."""
    if isinstance(markets, Market):
        return dict.fromkeys(known, markets)
    if not isinstance(markets, Mapping) or not all(isinstance(each, Market) for each in markets.values()):
        raise InvalidTerms(f"markets: must be a Market, or one by the name of each deal; got {type(markets).__name__}")
    for name in markets:
        refuse_unknown("deal of the book", name, known)
    return dict(markets)


def each(
    names: Sequence[str], one: Callable[[str], HeldDeal], workers: int, progress: Progress | None
) -> dict[str, HeldDeal]:
    """What `one` makes of every deal, by name in the order given, on threads; an error says whose it is, and stops the rest."""

    def named(name: str) -> HeldDeal:
        try:
            return one(name)
        except Exception as error:
            error.add_note(f"deal {name!r} of the book")
            raise

    told = progress or (lambda done, total: None)
    if workers == 1:
        found = {}
        for name in names:
            found[name] = named(name)
            told(len(found), len(names))
        return found
    with ThreadPoolExecutor(workers) as pool:
        futures = {name: pool.submit(named, name) for name in names}
        waiting = set(futures.values())
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                told(len(names) - len(waiting), len(names))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return {name: future.result() for name, future in futures.items()}
