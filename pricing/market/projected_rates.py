"""Projects floating rates: past fixings before the valuation date, forward rates of a curve after it."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pricing.market.curves import Curve
from structuring.deals.deal import Deal, plan, resets_of
from waterfalls.clock.schedule import Roll, year_fraction
from waterfalls.errors import CannotPrice, unknown
from waterfalls.plan import Plan
from waterfalls.terms.coupons import Floating

Periods = Sequence[tuple[datetime.date, datetime.date]]


def projected_rates(
    deal: Deal | Plan,
    valuation: datetime.date,
    projections: Mapping[str, Curve],
    fixings: Mapping[str, Mapping[datetime.date, float]],
) -> dict[str, Any]:
    """The rate of every index that a deal reads, by accrual period (T,): what `run(deal, scenarios, rates=...)` takes.

    A period that begins on or after the valuation date fixes at (D(start) / D(end) - 1) / fraction of the projection
    curve of its index; one that began before at the fixing of its first day. What collateral reads is projected over its
    own interest periods, under a name of its own, by date. A missing curve is refused by its index, a missing fixing by
    its date. A `Plan` knows no collateral.
    """
    resolved = plan(deal) if isinstance(deal, Deal) else deal
    roll, found = resolved.schedule.roll, {}
    for source, (coupon, _, day_count) in resets_of_notes(resolved).items():
        periods = coupon.periods(resolved.schedule)  # shorter ones, where it resets within an accrual period
        path = one_index(coupon.index, periods, day_count, roll, valuation, projections, fixings)
        found[source] = coupon.of_period(path[None, :], resolved.schedule, day_count)[0]
    resets = resets_of(deal) if isinstance(deal, Deal) else ()
    days: dict[str, dict[datetime.date, float]] = {}
    for each in resets:
        periods = each.periods()
        path = one_index(each.coupon.index, periods, each.day_count, roll, valuation, projections, fixings)
        days.setdefault(each.source, {}).update(zip((start for start, _ in periods), path.tolist(), strict=True))
    return {**found, **days}


def resets_of_notes(resolved: Plan) -> dict[str, tuple[Floating, Periods, str]]:
    """The coupon, the accrual periods as it fixes for them and their day count, by the name under which notes read it."""
    found: dict[str, tuple[Floating, Periods, str]] = {}
    for coupon, day_count in resolved.coupons:
        if isinstance(coupon, Floating) and coupon.source not in found:
            lag = datetime.timedelta(days=coupon.reset_lag)
            periods = list(itertools.pairwise(day - lag for day in resolved.schedule.payment))
            found[coupon.source] = coupon, periods, day_count
    return found


def lengths_of_resets(resolved: Plan, valuation: datetime.date) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Parts of a year (T,) over which each index fixes: by its day count, and Actual/365F; 0 where it was fixed before.

    A zero rate that moves by m moves the fixing L to L + (1 + L f) (exp(m y) - 1) / f, with f and y these parts.
    """
    roll, found = resolved.schedule.roll, {}
    for source, (_, periods, day_count) in resets_of_notes(resolved).items():
        ahead = np.array([start >= valuation for start, _ in periods], np.float64)
        fractions = np.array([year_fraction(day_count, a, b, roll=roll) for a, b in periods])
        years = np.array([(b - a).days / 365.0 for a, b in periods])
        found[source] = ahead * fractions, ahead * years
    return found


def one_index(
    index: str,
    periods: Periods,
    day_count: str,
    roll: Roll,
    valuation: datetime.date,
    projections: Mapping[str, Curve],
    fixings: Mapping[str, Mapping[datetime.date, float]],
) -> np.ndarray:
    """The rates (N,) of one index over periods in order of time: fixings, then forwards."""
    if index not in projections:
        raise CannotPrice(unknown("projection curve for the index", index, projections))
    fixed = fixings.get(index, {})
    past = [start for start, _ in periods if start < valuation]
    missing = [str(day) for day in past if day not in fixed]
    if missing:
        raise CannotPrice(
            f"{index!r} has no fixing on {', '.join(missing[:4])}{', ...' if len(missing) > 4 else ''}, which lies before "
            f"the valuation date {valuation}: Market(fixings={{{index!r}: {{date: rate}}}})"
        )
    ahead, curve = periods[len(past) :], projections[index]
    starts, ends = (curve.discounts(days) for days in zip(*ahead, strict=True)) if ahead else (np.ones(0), np.ones(0))
    fractions = np.array([year_fraction(day_count, a, b, roll=roll) for a, b in ahead])
    return np.concatenate([[fixed[day] for day in past], (starts / ends - 1.0) / fractions])
