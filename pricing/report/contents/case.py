"""A case: everything one report tells of, with the stress that it shows in detail."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from pricing.analysis.breakeven import Breakevens
from pricing.analysis.non_renewal import NonRenewals
from pricing.losses.loss_bridge import Bridge, bridge
from pricing.losses.who_bears import Losses
from pricing.market.market import Market
from pricing.report.contents.formats import Unit, unit_of
from pricing.valuation.prices import Prices
from structuring.deals.deal import Deal
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

    from pricing.contagion.stress_chain import Chain


class Framed(Protocol):
    """Any result with a long, tidy frame."""

    def frame(self) -> pd.DataFrame: ...


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One deal, run, priced and attributed, seen in one stress: `scenario` with spreads moved by `shock`.

    Beside them may stand `breakevens`, the `chain` of the stress (second round and end bearers) and further results with
    a frame, by title: they are told where they are given.
    """

    deal: Deal
    flows: Cashflows
    prices: Prices
    losses: Losses
    market: Market
    scenario: Any
    shock: str
    breakevens: tuple[Breakevens | NonRenewals, ...] = ()
    chain: Chain | None = None
    further: Mapping[str, Framed] = dataclasses.field(default_factory=dict)

    @cached_property
    def cell(self) -> tuple[int, int]:
        """The row and column of the stress."""
        return self.prices.at(self.scenario, self.shock)

    @cached_property
    def origin(self) -> tuple[int, int]:
        """The row and column of the reference."""
        return self.prices.at(*self.losses.reference)

    @cached_property
    def bridge(self) -> Bridge:
        """From what the collateral failed to bring to its bearers, in cash."""
        return bridge(self.flows, reference=self.reference)

    @property
    def reference(self) -> Any:
        return self.losses.reference[0]

    @cached_property
    def unit(self) -> Unit:
        """Millions where the deal is that large."""
        return unit_of(self.prices.currency, sum(tranche.notional for tranche in self.deal.tranches))

    @property
    def driven(self) -> list[Breakevens]:
        """The breakevens of drivers, without the leases that are not renewed."""
        return [found for found in self.breakevens if isinstance(found, Breakevens)]

    @property
    def stress(self) -> str:
        """The stress in words."""
        return f"{self.scenario}, spreads {self.shock}"

    @property
    def rows(self) -> tuple[int, ...]:
        """The scenarios shown side by side: the reference, and the stress where it is another."""
        return tuple(dict.fromkeys((self.origin[0], self.cell[0])))

    def named(self, s: int) -> str:
        """A scenario's name, or its number as a word."""
        name = self.prices.scenarios[s]
        return name if isinstance(name, str) else f"path {name}"


def case_of(
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    market: Market,
    *,
    scenario: Any = None,
    shock: str | None = None,
    breakevens: Sequence[Breakevens | NonRenewals] = (),
    chain: Chain | None = None,
    further: Mapping[str, Framed] | None = None,
) -> Case:
    """A case whose parts are of one deal; the stress is the last scenario under the last shock unless said."""
    for what, name in (("flows", flows.deal), ("prices", prices.deal), ("losses", losses.prices.deal)):
        if name != deal.name:
            raise InvalidTerms(f"{what}: are of {name!r}, the deal is {deal.name!r}")
    if list(flows.scenarios) != list(prices.scenarios):
        raise InvalidTerms("prices: are of other scenarios than the flows: price(flows, market, shocks)")
    found = Case(
        deal,
        flows,
        prices,
        losses,
        market,
        prices.scenarios[-1] if scenario is None else scenario,
        prices.shocks[-1] if shock is None else shock,
        tuple(breakevens),
        chain,
        further or {},
    )
    if chain is not None and (chain.deal, chain.scenario, chain.shock) != (deal.name, found.scenario, found.shock):
        raise InvalidTerms(
            f"chain: is of {chain.deal!r}, {chain.scenario}, spreads {chain.shock}; the stress is {found.stress}"
        )
    if not prices.wanted[found.cell]:
        raise InvalidTerms(f"shock: {found.shock!r} is not priced in scenario {found.scenario!r}")
    return found
