"""The loss distribution of a portfolio under one factor, and what its tranches are expected to lose by time."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from structuring.portfolio_tranches.legs import Legs, legs
from structuring.portfolio_tranches.one_factor import ERROR, ROUGH, OneFactor, average
from structuring.portfolio_tranches.premium_periods import Discount, Periods
from structuring.simulation.credit_losses import LossDistribution, Obligor, comonotone
from waterfalls.arguments import instance, many, number, numbers, takes, whole
from waterfalls.errors import InvalidTerms

BUCKETS = 500  # of the loss of all, where losses are no whole numbers of the smallest
CELLS = 2**21


SEVERAL = many(Obligor, alone=False)


@takes(obligors=SEVERAL, years=number(0.0, 200.0), model=instance(OneFactor), buckets=whole(1, 100_000))
def portfolio_losses(
    obligors: Sequence[Obligor], years: float, model: OneFactor, *, buckets: int = BUCKETS
) -> LossDistribution:
    """The loss distribution of a portfolio by `years`, a share of its exposure.

    Given the factor, obligors are independent: the distribution is built up obligor by obligor, or as a binomial one where
    all are alike, and averaged over the factor. It is exact where every obligor loses a whole number of the smallest loss
    and recoveries stand still. Elsewhere losses lie on a grid of `buckets` up to the most that can be lost, and a loss
    between two points is split over them so that its mean stays; a tranche is then off by less than the width of a bucket.
    Source: Hull and White (2004); Andersen, Sidenius and Basu (2003).
    """
    pool = Pool(obligors, years, model.least_recovery, buckets)
    if model.asset_correlation == 1.0:
        return LossDistribution(pool.losses, pool.comonotone())
    rising, error = average(model, lambda points: np.cumsum(pool.given(model, points), axis=1), pool.close)
    return LossDistribution(pool.losses, np.diff(rising, prepend=0.0), error)


class Pool:
    """A portfolio by a time: what each obligor loses with which probability, and the grid of losses, a share of exposure."""

    def __init__(self, obligors: Sequence[Obligor], years: float, least: float | None, buckets: int = BUCKETS) -> None:
        self.least = least
        self.exposure = np.array([obligor.exposure for obligor in obligors])
        self.lost = np.array([obligor.exposure * (1.0 - obligor.recovery) for obligor in obligors])
        if not len(self.lost) or not (self.lost > 0.0).any():
            raise InvalidTerms("obligors: at least one must have something to lose")
        if least is not None and (worse := [o.name for o in obligors if o.recovery < least]):
            raise InvalidTerms(
                f"least_recovery: {least:g} is above the recovery of {worse[0]!r}, from which it could not fall"
            )
        self.chances = np.array([obligor.probability(years) for obligor in obligors])
        each = self.lost / self.lost[self.lost > 0.0].min()
        exact = least is None and np.abs(each - np.rint(each)).max() <= 1e-9 and each.sum() <= 40 * BUCKETS
        most = float(self.lost.sum() if least is None else self.exposure.sum() * (1.0 - least))
        self.unit = float(self.lost[self.lost > 0.0].min()) if exact else most / buckets
        self.close = ERROR if exact else ROUGH
        self.alike = all(np.ptp(column) == 0.0 for column in (self.chances, self.lost, self.exposure))
        beyond = 0 if exact or self.alike else len(self.lost)  # each split may round up by a bucket
        size = round(most / self.unit) + 1 + beyond
        self.losses = np.arange(size) * (self.unit / float(self.exposure.sum()))

    def comonotone(self) -> np.ndarray:
        """The probability of every loss on the grid (K,) where one draw decides for all."""
        if self.close > ERROR:
            raise InvalidTerms("asset_correlation: at 1 every obligor must lose a whole number of the smallest loss")
        return comonotone(self.chances, np.rint(self.lost / self.unit).astype(int))

    def given(self, model: OneFactor, points: np.ndarray) -> np.ndarray:
        """The probability of every loss on the grid (J, K) once the factor (J,) is known, a part of the points at a time."""
        part = max(CELLS // len(self.losses), 1)
        return np.concatenate([self.part(model, points[k : k + part]) for k in range(0, len(points), part)])

    def part(self, model: OneFactor, points: np.ndarray) -> np.ndarray:
        """The same of few points."""
        some = slice(1) if self.alike else slice(None)
        lost, exposure, size = self.lost[some], self.exposure[some], len(self.losses)
        p = model.given(self.chances[some], points)
        width = np.broadcast_to(lost / self.unit, p.shape)  # units that each loses (J, N)
        if self.least is not None:
            worst = exposure * (1.0 - self.least)
            q = model.given(self.chances[some] * lost / worst, points)
            width = np.divide(worst * q, p, out=np.broadcast_to(lost, p.shape).copy(), where=p > 0.0) / self.unit
        if self.alike:
            return placed(binomial(len(self.lost), p[:, 0]), width, size)
        whole = np.floor(width + 1e-9).astype(int)
        share, rows = np.maximum(width - whole, 0.0), np.arange(len(points))[:, None]
        found = np.zeros((len(points), size))
        found[:, 0] = 1.0
        for i in np.flatnonzero(lost):
            moved = found * p[:, i, None]
            found -= moved
            for step, weight in ((whole[:, i], 1.0 - share[:, i]), (whole[:, i] + 1, share[:, i])):
                if np.ptp(step) == 0:
                    found[:, step[0] :] += (moved * weight[:, None])[:, : size - step[0]]
                elif weight.any():
                    origin = np.arange(size)[None, :] - step[:, None]
                    found += np.where(origin >= 0, moved[rows, np.maximum(origin, 0)] * weight[:, None], 0.0)
        return found


def binomial(count: int, p: np.ndarray) -> np.ndarray:
    """The probability of each number of defaults (J, count + 1) of independent obligors that fail with probability p (J,)."""
    k, ways = np.arange(count + 1), orders(count)
    inside = np.clip(p, 1e-300, 1.0 - 1e-16)[:, None]
    return np.exp(ways + k * np.log(inside) + (count - k) * np.log1p(-inside))


@functools.cache
def orders(count: int) -> np.ndarray:
    """The logarithms of the binomial coefficients (count + 1,)."""
    return np.array(
        [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in range(count + 1)]
    )


def placed(counts: np.ndarray, width: np.ndarray, size: int) -> np.ndarray:
    """Numbers of defaults (J, n + 1), each of which loses `width` (J, 1) units, on the grid (J, size)."""
    at = np.arange(counts.shape[1])[None, :] * width
    low = np.minimum(np.floor(at + 1e-9).astype(int), size - 1)
    share = np.where(low < size - 1, np.maximum(at - low, 0.0), 0.0)
    found, rows = np.zeros((len(counts), size)), np.arange(len(counts))[:, None]
    if np.ptp(width) == 0.0 and not share.any():  # whole units, as where recoveries stand still
        found[:, low[0]] = counts
        return found
    np.add.at(found, (rows, low), counts * (1.0 - share))
    np.add.at(found, (rows, np.minimum(low + 1, size - 1)), counts * share)
    return found


@takes(obligors=SEVERAL, times=numbers, caps=numbers, model=instance(OneFactor))
def capped_losses(
    obligors: Sequence[Obligor], times: Sequence[float] | np.ndarray, caps: Sequence[float], model: OneFactor
) -> np.ndarray:
    """E[min(L_t, cap)] (T, C) of the portfolio's loss L_t at times in years, shares of its exposure."""
    return capped([Pool(obligors, max(float(t), 0.0), model.least_recovery) for t in times], caps, model)


def capped(pools: Sequence[Pool], caps: Sequence[float], model: OneFactor) -> np.ndarray:
    """The same of portfolios by time that are made already."""
    found = np.zeros((len(pools), len(caps)))
    for row, pool in zip(found, pools, strict=True):
        if pool.chances.any():
            held = np.minimum(pool.losses[:, None], np.asarray(caps)[None, :])
            if model.asset_correlation == 1.0:
                row[:] = pool.comonotone() @ held
            else:
                row[:] = average(
                    model, lambda points, pool=pool, held=held: pool.given(model, points) @ held, pool.close
                )[0]
    return found


@takes(
    obligors=SEVERAL, attachment=number(0.0, 1.0), detachment=number(0.0, 1.0), periods=instance(Periods),
    model=instance(OneFactor), steps=whole(1, 10_000),
)  # fmt: skip
def legs_of_tranche(
    obligors: Sequence[Obligor],
    attachment: float,
    detachment: float,
    periods: Periods,
    discount: Discount,
    *,
    model: OneFactor,
    steps: int = 1,
    accrued: bool = True,
) -> Legs:
    """The legs of protection on a tranche, a unit of its size: what it is expected to have lost by every edge, priced.

    The premium is paid on what losses have left of the tranche; recoveries do not reduce it from the top.
    """
    if not 0.0 <= attachment < detachment <= 1.0:
        raise InvalidTerms(f"a tranche lies between 0 and 1, got {attachment:g} to {detachment:g}")
    capped = capped_losses(obligors, periods.edges(steps), (attachment, detachment), model)
    lost = (capped[:, 1] - capped[:, 0]) / (detachment - attachment)
    return legs(periods, np.clip(lost, 0.0, 1.0), discount, steps=steps, accrued=accrued)
