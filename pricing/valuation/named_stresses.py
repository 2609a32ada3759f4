"""A named stress for pricing: the scenario to run, and the spread shock that belongs to it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from pricing.valuation.spread_shocks import SpreadShock, Stress
from structuring.deals.deal import Deal
from structuring.generators.named_stresses import NamedStress, load_stress
from structuring.scenarios.scenario import Scenario
from waterfalls.arguments import instance, number, one_date, takes


@takes(stress=instance(NamedStress, str), deal=instance(Deal), scale=number(0.0), start=one_date, on=instance(Scenario))
def stressed(
    stress: NamedStress | str,
    deal: Deal,
    *,
    scale: float = 1.0,
    start: datetime.date | None = None,
    on: Scenario | None = None,
) -> tuple[Scenario, Stress]:
    """The scenario to run, and the `Stress` that pairs it with its spreads: `price(flows, market, pairs=[stress])`.

    `stress` is one, or the name of a shipped one; `scale` 0 is the base exactly, 1 the story as told, more is worse.
    Moves of rates are the stress's `rates` times the scale: `market.shifted(bp)`.
    """
    told = load_stress(stress) if isinstance(stress, str) else stress
    scenario = told.scenario(deal, scale=scale, start=start, on=on)
    moves = told.spreads(deal, scale=scale)
    if not any(moves.values()):
        return scenario, Stress(scenario.name)
    return scenario, Stress(scenario.name, SpreadShock.by_tranche(bp=moves, name=f"spreads of {scenario.name}"))


def ladder(
    stress: NamedStress | str, deal: Deal, scales: Sequence[float], *, on: Scenario | None = None
) -> tuple[list[Scenario], list[Stress]]:
    """A stress at several scales: the scenarios to run, and the pairs to price."""
    both = [stressed(stress, deal, scale=scale, on=on) for scale in scales]
    return [scenario for scenario, _ in both], [pair for _, pair in both]
