"""Baskets: protection that pays on the nth default among a few names, and ends with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from structuring.portfolio_tranches.legs import Legs, legs
from structuring.portfolio_tranches.losses import SEVERAL, portfolio_losses
from structuring.portfolio_tranches.one_factor import OneFactor
from structuring.portfolio_tranches.premium_periods import Discount, Periods
from structuring.simulation.credit_losses import Obligor
from waterfalls.arguments import instance, numbers, takes, whole
from waterfalls.errors import InvalidTerms


@takes(obligors=SEVERAL, n=whole(), times=numbers, model=instance(OneFactor))
def chance_of_nth(
    obligors: Sequence[Obligor], n: int, times: Sequence[float] | np.ndarray, model: OneFactor
) -> np.ndarray:
    """The probability (T,) that at least n of the obligors have failed by times in years."""
    if not 1 <= n <= len(obligors):
        raise InvalidTerms(f"n: must be from 1 to the {len(obligors)} names of the basket, got {n}")
    alike = [dataclasses.replace(obligor, exposure=1.0, recovery=0.0) for obligor in obligors]
    counted = dataclasses.replace(model, least_recovery=None)
    return np.array([
        portfolio_losses(alike, float(t), counted).probabilities[n:].sum() if t > 0.0 else 0.0 for t in times
    ])  # fmt: skip


@takes(obligors=SEVERAL, n=whole(), periods=instance(Periods), model=instance(OneFactor), steps=whole(1, 10_000))
def legs_of_nth(
    obligors: Sequence[Obligor], n: int, periods: Periods, discount: Discount, *, model: OneFactor, steps: int = 1, accrued: bool = True
) -> Legs:  # fmt: skip
    """The legs of protection on the nth to default, a unit of one name's notional: it pays 1 - R and the premium ends.

    All names must have the same exposure and recovery: who comes nth then makes no difference to what is paid.
    """
    kinds = {(obligor.exposure, obligor.recovery) for obligor in obligors}
    if len(kinds) > 1:
        raise InvalidTerms(f"obligors: all must have the same exposure and recovery, got {len(kinds)} different pairs")
    if model.least_recovery is not None:
        raise InvalidTerms("least_recovery: what the nth to default pays is one fixed recovery here; leave it away")
    failed = chance_of_nth(obligors, n, periods.edges(steps), model)
    lost = failed * (1.0 - obligors[0].recovery)
    return legs(periods, lost, discount, outstanding=1.0 - failed, steps=steps, accrued=accrued)
