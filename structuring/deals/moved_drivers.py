"""Moves of drivers: what a bump, a search or a shock does to a driver that is a number, a vector, a speed, or by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.months import a_month, a_year
from structuring.scenarios.speed import UNITS, Speed

if TYPE_CHECKING:
    from structuring.deals.deal import Deal

BY_MONTH = ("SMM", "MDR")  # the units in which numbers of prepayment and default are told


def moved(given: Any, driver: str, move: Callable[[float], float], *, capped: bool = False) -> Any:
    """A driver with every number in it moved; None where it holds none. `capped` stops at the most that there can be.

    Rates of prepayment and default move as rates a year, x' = move(x), however they are told: a share a month m is
    x = 1 - (1 - m)^12, so that 2% CDR and the equal vector move alike; multiples of PSA and SDA move the rates of their
    curves; a speed in ABS, a share of the loans originated, moves in its own unit.
    """
    if isinstance(given, Speed):
        if given.unit in BY_MONTH:
            return Speed(given.unit, moved(given.value, driver, move, capped=capped))
        value = move(given.value)
        return dataclasses.replace(given, value=min(value, given.most) if capped else value)
    if isinstance(given, tuple):
        return tuple(moved(value, driver, move, capped=capped) for value in given)
    if isinstance(given, Mapping):
        parts = {key: moved(value, driver, move, capped=capped) for key, value in given.items()}
        return None if None in parts.values() else parts
    if not isinstance(given, int | float):
        return None
    value = move(a_year(given) if driver in UNITS else given)
    value = min(value, DRIVERS[driver].high) if capped else value
    return a_month(value) if driver in UNITS and 0.0 <= value <= 1.0 else value


def told(driver: str, value: float) -> Any:
    """A number set for a driver as a scenario takes it: rates of prepayment and default are rates a year."""
    return Speed("CPR" if driver == "prepayment" else "CDR", value) if driver in UNITS else value


def whole(given: Any, driver: str, deal: Deal) -> Any:
    """A multiple with what a scenario leaves unsaid, which is 1: before its first date, and for the deal's other names."""
    from structuring.deals.deal import named_in

    if not DRIVERS[driver].multiple:
        return given
    if given is None:
        return 1.0
    if not isinstance(given, Mapping):
        return given
    if any(isinstance(key, str) for key in given):
        names = dict.fromkeys(named_in(deal).get(driver, ("", ()))[1], 1.0)
        return {name: whole(value, driver, deal) for name, value in {**names, **given}.items()}
    start = min(deal.closing, deal.cutoff or deal.closing)
    return given if min(given) <= start else {start: 1.0, **given}
