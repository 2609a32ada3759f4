"""Draws random paths around a scenario, and tells the distribution of losses over them by tranche and investor class."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.tables.named_arrays import labelled
from structuring.deals.deal import Deal, assets, clock, drivers_of
from structuring.generators.prices_and_rates import PriceProcess
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.paths import Paths, each
from structuring.scenarios.period_clock import Clock
from structuring.scenarios.scenario import Drivers, Scenario, expanded
from waterfalls.clock.schedule import Schedule, years_from
from waterfalls.errors import InvalidTerms, refuse_unknown

if TYPE_CHECKING:
    import pandas as pd

    from pricing.bearers.who_bears import Losses
    from structuring.simulation.random_numbers import Draws

QUANTILES = (0.5, 0.95, 0.99)
DUST = 1e-9  # of the amount outstanding: less is rounding


def drawn_paths(
    deal: Deal, scenario: Scenario, processes: Mapping[str, PriceProcess], count: int, *, seed: int = 0
) -> Paths:
    """`count` paths on which drivers that are multiples are drawn around a scenario, by one factor that strikes them all.

    A driver is what the scenario says of it, by collection period, times `PriceProcess.multiples`; the other drivers of
    the scenario stand on every path. The numbers depend on the seed and the number of the path alone.
    """
    read = sorted(drivers_of(deal))
    able = [name for name in read if DRIVERS[name].multiple and DRIVERS[name].shape == "period"]
    for name in processes:
        refuse_unknown("drawable driver", name, able)
    schedule = clock(deal)
    years = years_from(schedule.collection[0], schedule.ends).tolist()
    fixed = {
        name: constant(deal, name, value, schedule) for name, value in scenario.given().items() if name not in processes
    }
    base = {name: Drivers.of(scenario).read(name, schedule, 1.0) for name in processes}
    draw = functools.partial(draw_all, processes=dict(processes), years=years, base=base, fixed=fixed)
    return Paths(count, seed=seed, draw=draw)


def draw_all(
    draws: Draws,
    *,
    processes: dict[str, PriceProcess],
    years: list[float],
    base: dict[str, np.ndarray],
    fixed: dict[str, Any],
) -> dict[str, Any]:
    """The drivers of some paths: stream 0 is the factor, each process has one of its own."""
    factor = draws.normal(1)[:, 0]
    found = {
        name: base[name] * process.multiples(draws, years, factor, stream=10 + n)
        for n, (name, process) in enumerate(processes.items())
    }
    return found | {name: each(value, lambda row: np.repeat(row, draws.count, axis=0)) for name, value in fixed.items()}


def constant(deal: Deal, driver: str, value: Any, schedule: Schedule, name: str | None = None) -> Any:
    """What a scenario says of a driver, as one row for every path: dates as years from the start of the schedule.

    Values by date stand over what the collateral's own terms say before the first of them.
    """
    if isinstance(value, Mapping) and any(isinstance(key, str) for key in value):
        return {name: constant(deal, driver, each, schedule, name) for name, each in value.items()}
    if isinstance(value, datetime.date):
        instants = Clock(schedule)
        return np.array([[(instants.at(value) - instants.start) / 360.0]])
    if isinstance(value, float | int | tuple):
        return np.atleast_2d(np.asarray(value, dtype=np.float64))
    own = [asset.own(driver) for asset in assets(deal) if driver in asset.drivers()]
    names = {name: base for each in own if isinstance(each, Mapping) for name, base in each.items()}
    if isinstance(value, Mapping) and DRIVERS[driver].shape == "period" and (names or isinstance(own[0], float)):

        def dated(base: Any) -> np.ndarray:
            return expanded(value, schedule.ends, np.full(schedule.periods, base), 0)[None, :]

        if name is not None:
            return dated(names.get(name, 1.0) if names else own[0])
        return {name: dated(base) for name, base in names.items()} if names else dated(own[0])
    raise InvalidTerms(f"the scenario's {driver} cannot stand on drawn paths: give it as a number, a vector or a date")


# Tables -------------------------------------------------------------------------------------------------------------


def tranches_over_paths(losses: Losses) -> pd.DataFrame:
    """A row a shock and tranche: the loss of value over paths against the reference, and what is never repaid.

    mean, standard_error (of the mean), quantiles; paid_short: the share of paths on which principal is written down or
    unpaid at the end; expected_shortfall_99: the mean of the worst hundredth. Currency units.
    """
    import pandas as pd

    prices, total = losses.prices, losses.tranche["total"]
    least = DUST * np.maximum(losses.held.sum(axis=1), 1.0)
    rows = [
        {"shock": shock, "tranche": name, **over(total[:, k, n]),
         "paid_short": float((prices.memo["realised_loss"][:, n] > least[n]).mean()),
         "mean_realised_loss": float(prices.memo["realised_loss"][:, n].mean())}
        for k, shock in enumerate(prices.shocks)
        for n, name in enumerate(prices.tranches)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def classes_over_paths(losses: Losses) -> pd.DataFrame:
    """A row a shock and investor class: the loss of value over paths, as `tranches_over_paths` tells it."""
    import pandas as pd

    total = losses.by_class("total")
    rows = [
        {"shock": shock, "investor_class": name, **over(total[:, k, c])}
        for k, shock in enumerate(losses.prices.shocks)
        for c, name in enumerate(losses.classes)
    ]
    return pd.DataFrame(rows)


def every_path(losses: Losses) -> pd.DataFrame:
    """A row a path, shock and tranche: npv, total loss, realised loss."""
    prices = losses.prices
    realised = prices.memo["realised_loss"][:, None]
    return labelled(
        {"npv": prices.npv, "total_loss": losses.tranche["total"], "realised_loss": realised},
        [("path", prices.scenarios), ("shock", prices.shocks), ("tranche", prices.tranches)],
    )


def tail(paths: int) -> int:
    """How many of some paths are the worst hundredth: whole ones, at least one."""
    return max(paths // 100, 1)


def over(lost: np.ndarray) -> dict[str, float]:
    """The mean of some losses with its standard error, their quantiles, and the mean of the worst hundredth."""
    worst = np.sort(lost)[-tail(len(lost)) :]
    error = float(lost.std(ddof=1) / np.sqrt(len(lost))) if len(lost) > 1 else np.nan
    quantiles = {f"quantile_{round(100 * q)}": float(np.quantile(lost, q)) for q in QUANTILES}
    return {
        "mean": float(lost.mean()),
        "standard_error": error,
        **quantiles,
        "expected_shortfall_99": float(worst.mean()),
    }
