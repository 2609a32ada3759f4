"""Runs a deal again under moved rates or drivers, and values it at the spreads it had before."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pricing.market.market import Market
from pricing.tables.named_arrays import labelled
from pricing.tables.quotients import quotient
from pricing.valuation.price import cells_at, fixed, price, reference_spreads
from pricing.valuation.prices import Prices, position
from pricing.valuation.spread_shocks import UNCHANGED
from structuring.deals.deal import Deal, plan, resets_of
from structuring.deals.moved_drivers import moved, told, whole
from structuring.runs.run import project
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import instance, key, many, takes, text
from waterfalls.distribute import fixings, refuse_too_large, settle
from waterfalls.engines.choice import Engine
from waterfalls.errors import Fault, InvalidTerms, strangers
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import pandas as pd


@term
class RatesMove:
    """Every zero rate, of every curve of the market, moves by `bp`; coupons that float follow."""

    bp: float

    def words(self) -> str:
        return f"rates {self.bp:+g} bp"

    def market(self, market: Market) -> Market:
        return market.shifted(self.bp)

    def scenario(self, scenario: Scenario, deal: Deal) -> Scenario:
        return scenario


@term
class DriverMove:
    """A driver of the scenarios is added to, multiplied, or set.

    Of one that is a multiple, what is not said is 1 and moves too; of others what is not said stays as the collateral has
    it. Prepayment and default move as rates a year, told as speeds or by month (see `structuring.deals.moved_drivers`).
    """

    driver: str
    how: Literal["add", "times", "set"]
    value: float

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        driver = fields.get("driver")
        numbers = [name for name, row in DRIVERS.items() if row.shape != "date"]
        yield from strangers("driver", "driver that is a number", [] if driver is None else [driver], numbers)

    def words(self) -> str:
        return {"add": f"{self.driver} {self.value:+g}", "times": f"{self.driver} x{self.value:g}"}.get(
            self.how, f"{self.driver} = {self.value:g}"
        )

    def market(self, market: Market) -> Market:
        return market

    def scenario(self, scenario: Scenario, deal: Deal) -> Scenario:
        given = whole(scenario.given().get(self.driver), self.driver, deal)
        if self.how == "set":
            found: Any = told(self.driver, self.value)
        else:
            move = (lambda x: x + self.value) if self.how == "add" else (lambda x: x * self.value)
            found = moved(given, self.driver, move)
        if found is None:
            raise InvalidTerms(
                f"bumps: the scenario {scenario.name!r} gives {self.driver} no numbers ({given!r}), so there is nothing "
                f"to move: set it there, or Bump.set({self.driver!r}, ...)"
            )
        return Scenario.of(scenario.name, {**scenario.given(), self.driver: found})


@term
class Bump:
    """Moves of rates and drivers, one after another, under a name given or made from them."""

    moves: tuple[RatesMove | DriverMove, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", ", ".join(move.words() for move in self.moves))

    @classmethod
    def rates(cls, *, bp: float, name: str = "") -> Bump:
        """Every zero rate higher by `bp`, floating coupons following."""
        return cls((RatesMove(bp),), name)

    @classmethod
    def add(cls, driver: str, value: float, *, name: str = "") -> Bump:
        """A driver higher by `value`, in its own unit; prepayment and default are a year."""
        return cls((DriverMove(driver, "add", value),), name)

    @classmethod
    def times(cls, driver: str, value: float, *, name: str = "") -> Bump:
        """A driver times `value`."""
        return cls((DriverMove(driver, "times", value),), name)

    @classmethod
    def set(cls, driver: str, value: float, *, name: str = "") -> Bump:
        """A driver at `value`; prepayment and default are a year."""
        return cls((DriverMove(driver, "set", value),), name)

    def __add__(self, other: Bump) -> Bump:
        return Bump((*self.moves, *instance(Bump)("what is added to a bump", other).moves))

    def market(self, market: Market) -> Market:
        for move in self.moves:
            market = move.market(market)
        return market

    def scenarios(self, scenarios: Sequence[Scenario], deal: Deal) -> list[Scenario]:
        found = list(scenarios)
        for move in self.moves:
            found = [move.scenario(scenario, deal) for scenario in found]
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class Repriced:
    """Values (S, M, N) under each of M bumps, and the prices without any: all at the spreads of those."""

    prices: Prices
    bumps: tuple[str, ...]
    npv: np.ndarray
    valuation: datetime.date

    @property
    def change(self) -> np.ndarray:
        """Value under the bump less value without it (S, M, N), in currency units: positive is a gain."""
        return self.npv - self.prices.npv[:, :1]

    def sensitivity(self, bump: str) -> np.ndarray:
        """The change under one bump (S, N)."""
        return self.change[:, position("bump", bump, self.bumps)]

    def frame(self) -> pd.DataFrame:
        """A long, tidy frame: one row per scenario, bump and tranche."""
        prices = self.prices
        relative = quotient(self.change, np.broadcast_to(prices.npv[:, :1], self.npv.shape))
        return labelled(
            {"npv": self.npv, "change": self.change, "relative": relative},
            [("scenario", prices.scenarios), ("bump", self.bumps), ("tranche", prices.tranches)],
            deal=prices.deal, currency=prices.currency,
        )  # fmt: skip


@takes(
    deal=instance(Deal), scenarios=many(Scenario), market=instance(Market), bumps=many(Bump), reference=key, engine=text
)
def reprice(
    deal: Deal,
    scenarios: Scenario | Sequence[Scenario],
    market: Market,
    bumps: Bump | Sequence[Bump],
    *,
    reference: Any = None,
    engine: Engine = "auto",
) -> Repriced:
    """Runs a deal anew under each bump and values it at the spreads it had without: effective, reprojected measures.

    Floating coupons are projected by `market.rates(deal)`, before and after. z0 is solved once, without a bump, in the
    `reference` scenario. `-sensitivity("rates +1 bp")` is the dv01 with coupons reprojected; halves of two opposite
    bumps give central differences. What a bump does not touch is not done again: under moved rates, collateral of
    fixed coupons, and the deal where no coupon floats.
    """
    listed = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    listed_bumps = (bumps,) if isinstance(bumps, Bump) else tuple(bumps)
    names = tuple(bump.name for bump in listed_bumps)
    if len(set(names)) < len(names):
        raise InvalidTerms(f"bumps: names must differ, got {', '.join(map(repr, names))}")
    owed = plan(deal)
    refuse_too_large(owed, len(listed))
    here = market.rates(deal)
    receipts = project(deal, listed, owed.schedule, rates=here)
    flows = settle(owed, receipts, fixings(owed, here, len(listed)), engine=engine)
    spreads = reference_spreads(flows, market, reference)
    values = []
    for bump in listed_bumps:
        there, scenarios_there = bump.market(market), bump.scenarios(listed, deal)
        rates = there.rates(deal)
        indices = fixings(owed, rates, len(listed))
        again = flows
        if scenarios_there != listed or any(rates[each.source] != here[each.source] for each in resets_of(deal)):
            collected = project(deal, scenarios_there, owed.schedule, rates=rates)
            again = settle(owed, collected, indices, engine=engine)
        elif any(not np.array_equal(indices[source], flows.rates[source]) for source in indices):
            again = settle(owed, receipts, indices, engine=engine)
        values.append(np.moveaxis(cells_at(again, there, spreads, (UNCHANGED,)).npv, 0, 2))
    shape = (len(listed), 0, len(flows.tranches))
    return Repriced(
        price(flows, market, reference=reference),
        names,
        fixed(np.concatenate(values, axis=1) if values else np.zeros(shape)),
        market.valuation,
    )
