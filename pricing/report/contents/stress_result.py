"""What a report tells of: one deal, run, priced and attributed, in one stress or several."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol

from pricing.bearers.loss_bridge import Bridge, bridge
from pricing.bearers.who_bears import Losses
from pricing.breakevens.breakeven import Breakevens
from pricing.breakevens.non_renewal import NonRenewals
from pricing.market.market import Market
from pricing.tables.number_formats import Unit, unit_of
from pricing.valuation.prices import Prices, called
from structuring.deals.deal import Deal
from waterfalls import arguments
from waterfalls.arguments import each, having, instance, key, takes
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

    from pricing.contagion.stress_chain import Chain
    from pricing.structure.solution import Solution


class Framed(Protocol):
    """Any result with a long, tidy frame."""

    def frame(self) -> pd.DataFrame: ...


@dataclasses.dataclass(frozen=True, eq=False)
class StressResult:
    """One deal, run, priced and attributed, seen in one stress: `scenario` with spreads moved by `shock`.

    Beside them may stand `breakevens`, the `chain` of the stress (second round and end bearers) and further results with
    a frame, by title, and the `solution` that the deal was structured by: they are told where they are given.
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
    solution: Solution | None = None

    def __post_init__(self) -> None:
        for what, name in (
            ("flows", self.flows.deal), ("prices", self.prices.deal), ("losses", self.losses.prices.deal)
        ):  # fmt: skip
            if name != self.deal.name:
                raise InvalidTerms(f"{what}: are of {name!r}, the deal is {self.deal.name!r}")
        if list(self.flows.scenarios) != list(self.prices.scenarios):
            raise InvalidTerms("prices: are of other scenarios than the flows: price(flows, market, shocks)")
        of = self.chain and (self.chain.deal, self.chain.scenario, self.chain.shock)
        if of and of != (self.deal.name, self.scenario, self.shock):
            raise InvalidTerms(f"chain: is of {of[0]!r}, {of[1]}, spreads {of[2]}; the stress is {self.stress}")
        if not self.prices.wanted[self.cell]:
            raise InvalidTerms(f"shock: {self.shock!r} is not priced in scenario {self.scenario!r}")

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
        return called(self.prices.scenarios, s)


StressResults = tuple[StressResult, ...]
P = ParamSpec("P")
Write = Callable[[Path, StressResults], None]


@takes(
    deal=instance(Deal),
    flows=instance(Cashflows),
    prices=instance(Prices),
    losses=instance(Losses),
    market=instance(Market),
    scenario=each(key, alone=True),
    shock=key,
    breakevens=each(having("sentences", said="breakevens, of breakeven(...)")),
    chain=each(having("bridge", "second_round", said="a chain, of chain(...)"), alone=True),
    further=each(having("frame", said="a result with a frame")),
    solution=having("frontier", "shadow_prices", said="a solution, of Solution(...)"),
)
def stress_results(
    deal: Deal,
    flows: Cashflows,
    prices: Prices,
    losses: Losses,
    market: Market,
    *,
    scenario: Any = None,
    shock: str | None = None,
    breakevens: Sequence[Breakevens | NonRenewals] = (),
    chain: Chain | Sequence[Chain] | None = None,
    further: Mapping[str, Framed] | None = None,
    solution: Solution | None = None,
) -> StressResults:
    """The result of each stress, the last scenario under the last shock unless said; the first holds what all share.

    `scenario` is a name or a list of them, `chain` the chain of the stress, or a list of theirs; `solution` how the deal
    was structured, with its frontier.
    """
    names = list(dict.fromkeys(scenario)) if isinstance(scenario, list | tuple) and scenario else [scenario]
    names = [prices.scenarios[-1] if name is None else name for name in names]
    shock = prices.shocks[-1] if shock is None else shock
    chains = list(chain) if isinstance(chain, Sequence) else [] if chain is None else [chain]
    if len(chains) > len(names):
        raise InvalidTerms(f"chain: {len(chains)} are given and the stresses are {len(names)}: one of each")
    of = {one.scenario: one for one in chains}
    stray = next((one for one in chains if one.scenario not in names), None)  # of no stress: the first refuses it
    parts = (deal, flows, prices, losses, market)
    first = StressResult(*parts, names[0], shock, tuple(breakevens), stray or of.get(names[0]), further or {}, solution)
    return (first, *(StressResult(*parts, name, shock, chain=of.get(name)) for name in names[1:]))


def written_from(results: Callable[P, StressResults]) -> Callable[[Write], Callable[Concatenate[Path | str, P], Path]]:
    """Makes of a function that writes results one that takes what `results` makes them of, and gives the path."""

    def decorate(write: Write) -> Callable[Concatenate[Path | str, P], Path]:
        @functools.wraps(write)
        def written(path: Path | str, *args: P.args, **kwargs: P.kwargs) -> Path:
            place = Path(arguments.path("path", path))
            write(place, results(*args, **kwargs))
            return place

        taken = inspect.signature(results)
        path = inspect.Parameter("path", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="Path | str")
        parameters = [path, *taken.parameters.values()]
        setattr(written, "__signature__", taken.replace(parameters=parameters, return_annotation="Path"))  # noqa: B010
        return written

    return decorate
