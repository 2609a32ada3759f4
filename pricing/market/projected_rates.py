"""Projects floating rates: past fixings before the valuation date, forward rates of a curve after it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import numpy as np

from pricing.market.curves import Curve
from structuring.deals.deal import Deal, plan
from waterfalls.clock.schedule import year_fraction
from waterfalls.errors import CannotPrice, unknown
from waterfalls.plan import Plan
from waterfalls.terms.coupons import Floating


def projected_rates(
    deal: Deal | Plan,
    valuation: datetime.date,
    projections: Mapping[str, Curve],
    fixings: Mapping[str, Mapping[datetime.date, float]],
) -> dict[str, np.ndarray]:
    """The rate of every index that a deal reads, by accrual period (T,): what `run(deal, scenarios, rates=...)` takes.

    A period that begins on or after the valuation date fixes at (D(start) / D(end) - 1) / fraction of the projection
    curve of its index; one that began before at the fixing of its first day. A missing curve is refused by its index,
    a missing fixing by its date.
    """
    resolved = plan(deal) if isinstance(deal, Deal) else deal
    found: dict[str, np.ndarray] = {}
    for coupon, day_count in resolved.coupons:
        if isinstance(coupon, Floating) and coupon.source not in found:
            found[coupon.source] = one_index(
                coupon.index, resolved, day_count, coupon.reset_lag, valuation, projections, fixings
            )
    return found


def one_index(
    index: str,
    resolved: Plan,
    day_count: str,
    reset_lag: int,
    valuation: datetime.date,
    projections: Mapping[str, Curve],
    fixings: Mapping[str, Mapping[datetime.date, float]],
) -> np.ndarray:
    """The rates (T,) of one index, fixed `reset_lag` days before each period."""
    if index not in projections:
        raise CannotPrice(unknown("projection curve for the index", index, projections))
    days = [day - datetime.timedelta(days=reset_lag) for day in resolved.schedule.payment]
    fixed = fixings.get(index, {})
    missing = [str(day) for day in days[:-1] if day < valuation and day not in fixed]
    if missing:
        raise CannotPrice(
            f"{index!r} has no fixing on {', '.join(missing[:4])}{', ...' if len(missing) > 4 else ''}, which lies before "
            f"the valuation date {valuation}: Market(fixings={{{index!r}: {{date: rate}}}})"
        )
    curve, first = projections[index], sum(day < valuation for day in days[:-1])
    factors = curve.discounts(days[first:])
    fractions = [
        year_fraction(day_count, a, b, roll=resolved.schedule.roll)
        for a, b in zip(days[first:-1], days[first + 1 :], strict=True)
    ]
    forwards = (factors[:-1] / factors[1:] - 1.0) / np.array(fractions)
    return np.concatenate([[fixed[day] for day in days[:first]], forwards])
