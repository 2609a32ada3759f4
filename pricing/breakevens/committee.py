"""The credit committee's page of one deal: prices by spread shock, and the breakevens of every driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pricing.breakevens.breakeven import Breakevens, breakeven
from pricing.breakevens.non_renewal import NonRenewals, non_renewal, options_of
from pricing.market.market import Market
from pricing.tables.aligned_text import text
from pricing.valuation.price import STRESSED, price
from pricing.valuation.prices import Prices
from pricing.valuation.spread_shocks import SHOWN, SpreadShock
from structuring.deals.deal import Deal, drivers_of
from structuring.deals.moved_drivers import moved, whole
from structuring.runs.run import run
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.scenario import Scenario
from structuring.scenarios.speed import Speed
from waterfalls.arguments import instance, many, takes, texts

if TYPE_CHECKING:
    import pandas as pd

# The multiple towards which each driver is searched; shares and rates count from what the scenario says of them.
TOWARDS = {
    "rent": 0.0, "gpu_price": 0.0, "utilisation": 0.0, "renewal": 0.0, "residual_value": 0.0, "value": 0.0,
    "re_let_rent": 0.0, "default": 20.0, "severity": 2.0, "operating_cost": 5.0,
}  # fmt: skip


@takes(
    deal=instance(Deal),
    scenario=instance(Scenario),
    market=instance(Market),
    shocks=many(SpreadShock, such_as=SHOWN),
    drivers=texts,
    reference=instance(Scenario),
)
def committee(
    deal: Deal,
    scenario: Scenario,
    market: Market,
    shocks: SpreadShock | Sequence[SpreadShock] = (),
    *,
    drivers: Sequence[str] | None = None,
    reference: Scenario | None = None,
) -> str:
    """Prices of every tranche under every shock, then one sentence a note and driver: its breakevens and who holds it.

    `drivers` are those searched, each towards `TOWARDS`; all that the collateral reads and the scenario gives a number
    for unless said. Quotes are solved in the `reference`, `scenario` itself unless said: say the base of a stress.
    """
    lines = head(deal, priced_in(deal, scenario, market, shocks, reference), scenario.name)
    for found in searches(deal, scenario, market, drivers):
        lines += worded(found)
    return "\n".join(lines)


def priced_in(
    deal: Deal,
    scenario: Scenario,
    market: Market,
    shocks: SpreadShock | Sequence[SpreadShock],
    reference: Scenario | None = None,
) -> Prices:
    """The prices of one scenario at the spreads that the quotes have in the reference, which is run beside it."""
    rates = market.rates(deal)
    if reference is None:
        return price(run(deal, scenario, rates=rates), market, shocks)
    beside = [reference] if reference.name == scenario.name else [reference, scenario]
    return price(run(deal, beside, rates=rates), market, shocks, reference=reference.name)


def head(deal: Deal, prices: Prices, scenario: str, *, width: int | None = None) -> list[str]:
    """What is priced in one scenario, and the table of its prices, which fits a `width`."""
    solved = "" if scenario == prices.reference else f", spreads solved in {prices.reference!r}"
    return [
        f"{deal.name}: valued {prices.valuation}, amounts in {prices.currency}, scenario {scenario!r}{solved}",
        "",
        "Prices (npv in millions; per 100; z-spread in bp; yield in %; wal, durations in years; cs01, dv01 in thousands)",
        text(measured(prices, scenario), millions=("npv",), width=width),
        *(f"Doubtful: {doubt}." for doubt in misplaced(prices)),
    ]


def misplaced(prices: Prices) -> Iterator[str]:
    """Quotes that cannot be of the scenario in which they are solved: their spread is far below nothing."""
    s = prices.at(prices.reference, "unchanged")[0]
    for name, spread in zip(prices.tranches, prices["z_spread"][s, 0], strict=True):
        if spread < STRESSED:
            yield (
                f"the quote of {name} is a spread of {1e4 * spread:,.0f} bp in {prices.reference!r}, in which it is solved: "
                "the first scenario is the base"
            )


def worded(found: Breakevens | NonRenewals) -> list[str]:
    """A search under its heading, in sentences."""
    if isinstance(found, NonRenewals):
        return ["", "Breakevens: the lease that is not renewed", *found.sentences()]
    return ["", f"Breakevens: {DRIVERS[found.driver].meaning}", *found.sentences()]


def measured(prices: Prices, scenario: str) -> pd.DataFrame:
    """One row a shock and tranche of one scenario, with every measure of a frame in the units of a desk."""
    frame = prices.frame()
    frame = frame[frame["scenario"] == scenario].drop(columns=["deal", "currency", "scenario"])
    desk = {"z_spread": 1e4, "yield_to_maturity": 100.0, "cs01": 1e-3, "dv01": 1e-3}
    frame = frame.assign(**{name: scale * frame[name] for name, scale in desk.items()})
    names = {"yield_to_maturity": "yield", "modified_duration": "duration"}
    return frame.rename(columns=names).astype({"shock": str, "tranche": str, "status": str})


def searches(
    deal: Deal,
    scenario: Scenario,
    market: Market,
    drivers: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Breakevens | NonRenewals]:
    """The breakevens of each driver, one at a time; unless drivers are named, of all and of every lease with options."""
    read = list(searched(deal, scenario) if drivers is None else drivers)
    for n, driver in enumerate(read):
        if progress:
            progress(n, len(read))
        yield breakeven(deal, scenario, driver=driver, market=market, worst=TOWARDS.get(driver, 0.0))
    if drivers is None and next(options_of(deal, market.valuation), None):
        yield non_renewal(deal, scenario, market)


def searched(deal: Deal, scenario: Scenario) -> Iterator[str]:
    """The drivers of `TOWARDS` that the deal's collateral reads and that the scenario gives something to multiply."""
    read = drivers_of(deal)
    for driver in TOWARDS:
        given = whole(scenario.given().get(driver), driver, deal)
        if driver in read:
            numbers = moved(given, driver, abs)
            if numbers is not None and np.any(np.hstack(list(flat(numbers))) > 0.0):
                yield driver


def flat(numbers: object) -> Iterator[float]:
    """Every number of a driver's value."""
    if isinstance(numbers, Speed):
        numbers = numbers.value
    if isinstance(numbers, dict):
        numbers = tuple(numbers.values())
    if isinstance(numbers, tuple):
        for part in numbers:
            yield from flat(part)
    elif isinstance(numbers, float | int):
        yield float(numbers)
