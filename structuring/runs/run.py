"""Runs a deal under scenarios: its collateral first, then its priority of payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from structuring.deals.deal import Deal, assets, clock, drivers_of, named_in, place_of, plan, resets_of
from structuring.scenarios.index_paths import IndexPath, index_paths
from structuring.scenarios.period_clock import Clock
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.arguments import instance, many, mapping, takes, text
from waterfalls.cashflows import Cashflows
from waterfalls.clock.schedule import Schedule
from waterfalls.distribute import distribute, refuse_too_large
from waterfalls.engines.choice import Engine
from waterfalls.errors import Fault, InvalidTerms, refuse
from waterfalls.receipts import Receipts, together

Scenarios = Scenario | Sequence[Scenario] | Paths
BASE = Scenario("base")  # every driver as the collateral's own terms have it


def scenario_list(name: str, given: Any) -> Scenarios:
    """The scenarios of a run: one, some in a list, or paths."""
    return given if isinstance(given, Paths) else many(Scenario)(name, given)


@takes(deal=instance(Deal), scenarios=scenario_list, rates=mapping, engine=text)
def run(
    deal: Deal, scenarios: Scenarios = BASE, *, rates: Mapping[str, Any] | None = None, engine: Engine = "auto"
) -> Cashflows:
    """Runs a deal's collateral and its priority of payments under scenarios; the plain base case where none is given.

    `rates` gives each floating index, of tranches and of collateral, a float, an array (T,) or (S, T), rates by the date
    from which they hold, or a curve. Every flow is kept; for more scenarios than memory holds, `study` streams.
    """
    resolved = plan(deal)
    refuse_too_large(resolved, 1 if isinstance(scenarios, Scenario) else len(scenarios))
    receipts = project(deal, scenarios, resolved.schedule, rates=rates)
    return distribute(resolved, receipts, rates=rates, engine=engine)


def indices_of(deal: Deal, rates: Mapping[str, Any] | None, scenarios: int) -> dict[str, IndexPath]:
    """The rates that the deal's collateral reads, on the days of its resets; curves and arrays are read here."""
    return index_paths(resets_of(deal), rates or {}, clock(deal), scenarios)


def project(
    deal: Deal,
    scenarios: Scenarios,
    schedule: Schedule | None = None,
    *,
    rates: Mapping[str, Any] | None = None,
    indices: Mapping[str, IndexPath] | None = None,
) -> Receipts:
    """What the deal's collateral delivers under scenarios; a driver that none of it reads is refused.

    Collateral that floats reads `rates`, as those of a run, or `indices` where these have been read already.
    """
    schedule = schedule or clock(deal)
    owned = assets(deal)
    count = 1 if isinstance(scenarios, Scenario) else len(scenarios)
    drivers = Drivers.of(scenarios, indices_of(deal, rates, count) if indices is None else indices)
    if "event" in drivers.set_drivers and not deal.events:
        raise InvalidTerms(f"the deal {deal.name!r} names no events, so none can be raised: events: [...] in its file")
    drivers.refuse_unread(drivers_of(deal), named_in(deal))
    past = [
        Fault(f"{place_of(deal, i)}.{over.place}", over.what)
        for i, asset in enumerate(owned)
        for over in asset.over(schedule.collection[0])
    ]
    refuse(past)
    parts = [asset.deliver(schedule, drivers) for asset in owned]
    if deal.events:
        instants = Clock(schedule)
        events = {name: instants.since(drivers.when("event", schedule, name=name)) for name in deal.events}
        parts.append(Receipts(schedule.ends, events=events, scenarios=parts[0].scenarios))
    return together(parts)
