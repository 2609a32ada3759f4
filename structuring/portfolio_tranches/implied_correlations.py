"""Correlations that quotes of tranches imply: one a tranche (compound), or one a detachment point (base)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from structuring.portfolio_tranches.legs import Legs, legs
from structuring.portfolio_tranches.losses import SEVERAL, Pool, capped
from structuring.portfolio_tranches.one_factor import OneFactor
from structuring.portfolio_tranches.premium_periods import Discount, Periods
from structuring.simulation.credit_losses import Obligor
from waterfalls.arguments import instance, many, takes, whole
from waterfalls.errors import CannotPrice, Fault, InvalidTerms
from waterfalls.terms.bounded_numbers import Share
from waterfalls.terms.term import term

LEAST, LIKELY, MOST, SCANNED = 1e-4, 0.8, 0.99, 34
TIGHT = 1e-9


@term
class TrancheQuote:
    """What protection on the losses from `attachment` to `detachment` costs: a running `spread` and an `upfront`, decimals."""

    attachment: Share
    detachment: Share
    _: KW_ONLY
    spread: Share
    upfront: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        a, d = fields.get("attachment"), fields.get("detachment")
        if a is not None and d is not None and not a < d:
            yield Fault("detachment", f"must lie above the attachment {a:g}, got {d:g}")


@takes(obligors=SEVERAL, quote=instance(TrancheQuote), periods=instance(Periods), steps=whole(1, 10_000))
def compound_correlations(
    obligors: Sequence[Obligor], quote: TrancheQuote, periods: Periods, discount: Discount, *, model: OneFactor | None = None, steps: int = 1
) -> tuple[float, ...]:  # fmt: skip
    """Every correlation at which one tranche is fair by itself, rising: two of a mezzanine tranche as a rule, or none.

    Sought between 0.0001 and 0.99, where the value changes sign over 33 equal steps, then by regula falsi. None is refused.
    `model` says what is not the correlation; a Gaussian copula unless said.
    """
    model = model or OneFactor(0.0)
    pools = [Pool(obligors, max(float(t), 0.0), model.least_recovery) for t in periods.edges(steps)]

    def value(rho: float) -> float:
        ends = expected(pools, (quote.attachment, quote.detachment), model, rho)
        priced = tranche_legs(ends[:, 0], ends[:, 1], quote, periods, discount, steps)
        return priced.upfront(quote.spread) - quote.upfront

    scanned = np.linspace(LEAST, MOST, SCANNED)
    values = [value(float(rho)) for rho in scanned]
    found = [
        crossing(value, float(scanned[k]), float(scanned[k + 1]), values[k], values[k + 1])
        for k in range(len(scanned) - 1)
        if (values[k] < 0.0) != (values[k + 1] < 0.0)
    ]
    if not found:
        raise CannotPrice(
            f"no correlation makes {quote.attachment:g} to {quote.detachment:g} fair: its value less the upfront goes from "
            f"{min(values):.6f} to {max(values):.6f}"
        )
    return tuple(found)


@takes(obligors=SEVERAL, quotes=many(TrancheQuote, alone=False), periods=instance(Periods), steps=whole(1, 10_000))
def base_correlations(
    obligors: Sequence[Obligor], quotes: Sequence[TrancheQuote], periods: Periods, discount: Discount, *, model: OneFactor | None = None, steps: int = 1
) -> dict[float, float]:  # fmt: skip
    """The correlation of each detachment point at which tranches that touch, the first from 0, are all fair.

        lost(a, d) = (E[min(L, d)] at rho(d) - E[min(L, a)] at rho(a)) / (d - a)

    solved from the bottom, each by regula falsi; a tranche that no correlation makes fair is refused. `model` says what is not
    the correlation. Source: McGinty, Beinstein, Ahluwalia and Watts, "Introducing base correlations" (JP Morgan, 2004).
    """
    model = model or OneFactor(0.0)
    ordered = sorted(quotes, key=lambda quote: quote.attachment)
    if not ordered:
        raise InvalidTerms("quotes: at least one tranche is needed")
    pools = [Pool(obligors, max(float(t), 0.0), model.least_recovery) for t in periods.edges(steps)]
    below, found = np.zeros(len(pools)), {}
    attachment = 0.0
    for quote in ordered:
        if abs(quote.attachment - attachment) > 1e-12:
            raise InvalidTerms(
                f"quotes: tranches must touch, the first from 0; got {quote.attachment:g} where {attachment:g} is due"
            )

        def value(rho: float, quote: TrancheQuote = quote, below: np.ndarray = below) -> float:
            above = expected(pools, (quote.detachment,), model, rho)[:, 0]
            return tranche_legs(below, above, quote, periods, discount, steps).upfront(quote.spread) - quote.upfront

        top = LIKELY
        ends = value(LEAST), value(top)
        if (ends[0] < 0.0) == (ends[1] < 0.0):  # near 1 the factor takes very many steps
            top, ends = MOST, (ends[0], value(MOST))
        if (ends[0] < 0.0) == (ends[1] < 0.0):
            raise CannotPrice(
                f"no base correlation makes {quote.attachment:g} to {quote.detachment:g} fair: its value less the upfront "
                f"goes from {ends[0]:.6f} to {ends[1]:.6f}"
            )
        rho = crossing(value, LEAST, top, *ends)
        found[quote.detachment] = rho
        below, attachment = expected(pools, (quote.detachment,), model, rho)[:, 0], quote.detachment
    return found


def expected(pools: Sequence[Pool], caps: Sequence[float], model: OneFactor, rho: float) -> np.ndarray:
    """E[min(L, cap)] (edges, caps) at a correlation."""
    return capped(pools, caps, dataclasses.replace(model, asset_correlation=rho))


def tranche_legs(
    below: np.ndarray, above: np.ndarray, quote: TrancheQuote, periods: Periods, discount: Discount, steps: int
) -> Legs:
    """The legs of a tranche out of capped losses at both its ends; base correlations far apart may make them inconsistent."""
    lost = np.clip((above - below) / (quote.detachment - quote.attachment), 0.0, 1.0)
    return legs(periods, lost, discount, steps=steps)


def crossing(value: Callable[[float], float], low: float, high: float, at_low: float, at_high: float) -> float:
    """Where a function changes sign, by regula falsi that halves the end which stays (the Illinois rule)."""
    for _ in range(100):
        between = (low * at_high - high * at_low) / (at_high - at_low)
        found = value(between)
        if found == 0.0 or high - low < TIGHT or abs(found) < 1e-11:
            return between
        if (found < 0.0) == (at_high < 0.0):
            high, at_high, at_low = between, found, 0.5 * at_low
        else:
            low, at_low, at_high = between, found, 0.5 * at_high
    return 0.5 * (low + high)
