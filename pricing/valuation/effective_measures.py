"""Effective durations and sensitivities: the deal is run again under moved rates or drivers, with spreads held."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pricing.market.market import Market
from pricing.valuation.measures import Measure
from pricing.valuation.reprice import Bump, reprice
from structuring.deals.deal import Deal, drivers_of
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import instance, many, takes, texts
from waterfalls.cashflows import Table
from waterfalls.errors import InvalidTerms, refuse_unknown

STEP = 25.0  # bp, up and down
UP, DOWN, POINT = f"rates {STEP:+g} bp", f"rates {-STEP:+g} bp", 0.01
QUOTED = "V + U"  # as of a price: the value and what is undrawn, not a number unless above 0
Values = Mapping[str, np.ndarray]  # value (S, N) by bump, "" without any, and `QUOTED`


@dataclasses.dataclass(frozen=True)
class EffectiveMeasure(Measure):
    """One line of the table: a measure of the values under the bumps that it needs."""

    bumps: tuple[Bump, ...]


def lost(bump: str, scale: float = 1.0) -> Callable[[Values], np.ndarray]:
    return lambda values: scale * (values[""] - values[bump])


def duration(values: Values) -> np.ndarray:
    return (values[DOWN] - values[UP]) / (2e-4 * STEP * values[QUOTED])


def convexity(values: Values) -> np.ndarray:
    return (values[DOWN] + values[UP] - 2.0 * values[""]) / ((1e-4 * STEP) ** 2 * values[QUOTED])


RATES = (Bump.rates(bp=STEP), Bump.rates(bp=-STEP))
FASTER, DEFAULTS = Bump.times("prepayment", 1.0 + POINT), Bump.times("default", 1.0 + POINT)
SEVERITY, RESALE = Bump.add("severity", POINT), Bump.times("residual_value", 1.0 - POINT)
EFFECTIVE: dict[str, EffectiveMeasure] = {
    measure.name: measure
    for measure in (
        EffectiveMeasure("effective_duration", "years", "positive: value falls as rates rise", "(V(-h) - V(+h)) / (2 h (V + U)), h = 25 bp, coupons and cash following", duration, RATES),
        EffectiveMeasure("effective_convexity", "years squared", "positive: gains more than it loses", "(V(-h) + V(+h) - 2 V) / (h^2 (V + U)), h = 25 bp", convexity, RATES),
        EffectiveMeasure("dv01_reprojected", "currency", "positive: lost when rates rise 1 bp", "(V(-h) - V(+h)) / 50, h = 25 bp, the deal run anew", lambda values: (values[DOWN] - values[UP]) / (2.0 * STEP), RATES),
        EffectiveMeasure("recovery01", "currency", "positive: lost when recovery falls 1 point", "V - V(severity + 0.01)", lost(SEVERITY.name), (SEVERITY,)),
        EffectiveMeasure("resale01", "currency", "positive: lost when resale values fall 1 %", "V - V(residual value x 0.99)", lost(RESALE.name), (RESALE,)),
        EffectiveMeasure("default01", "currency", "positive: lost when default rates rise 1 % of themselves", "V - V(default x 1.01)", lost(DEFAULTS.name), (DEFAULTS,)),
        EffectiveMeasure("prepayment01", "currency", "positive: lost when prepayment rises 1 % of itself", "V - V(prepayment x 1.01)", lost(FASTER.name), (FASTER,)),
    )
}  # fmt: skip


@takes(deal=instance(Deal), scenarios=many(Scenario), market=instance(Market), measures=texts)
def effective(
    deal: Deal, scenarios: Scenario | Sequence[Scenario], market: Market, measures: Sequence[str] | None = None
) -> Table:
    """Effective measures (S, N) by name, of every tranche in every scenario: the deal is run anew for each bump.

    Spreads are those of the quotes without a bump. Those named, or every one of `EFFECTIVE` whose drivers the collateral
    reads and all scenarios give as numbers that can move; one that is named and cannot be moved is refused by `reprice`.
    """
    listed = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    for name in measures or ():
        refuse_unknown("effective measure", name, EFFECTIVE)
    names = [name for name in EFFECTIVE if movable(deal, listed, name)] if measures is None else list(measures)
    bumps = list({bump.name: bump for name in names for bump in EFFECTIVE[name].bumps}.values())
    repriced = reprice(deal, listed, market, bumps)
    cells = repriced.prices.cells
    assert cells is not None
    values = {"": repriced.prices.npv[:, 0], QUOTED: cells.quoted[:, :, 0].T}
    values |= {bump.name: repriced.npv[:, m] for m, bump in enumerate(bumps)}
    return Table("effective measure", tuple(names), functools.partial(measured, values))


def measured(values: Values, name: str) -> np.ndarray:
    """An effective measure (S, N) of values by bump."""
    return EFFECTIVE[name].function(values)


def movable(deal: Deal, scenarios: Sequence[Scenario], name: str) -> bool:
    """Whether the collateral reads what a measure moves, and every scenario says numbers of it that can move so far."""
    read = drivers_of(deal)
    for bump in EFFECTIVE[name].bumps:
        if any(getattr(move, "driver", None) not in (None, *read) for move in bump.moves):
            return False
        try:
            bump.scenarios(scenarios, deal)
        except InvalidTerms:  # no numbers, or a share that is all of it already
            return False
    return True
