"""Loss distributions out of others: mixed over cases, added up where independent, and what a tranche makes of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from structuring.simulation.credit_losses import LossDistribution, tranche_loss
from waterfalls.arguments import instance, many, number, numbers, takes, whole
from waterfalls.errors import InvalidTerms

CLOSE = 1e-12


SEVERAL = many(LossDistribution, alone=False)


@takes(distributions=SEVERAL, weights=numbers)
def mixed(distributions: Sequence[LossDistribution], weights: Sequence[float]) -> LossDistribution:
    """What is one of several distributions, each with its probability; `weights` sum to 1."""
    if len(distributions) != len(weights) or not len(weights):
        raise InvalidTerms(f"weights: must be one a distribution ({len(distributions)}), got {len(weights)}")
    if min(weights) < 0.0 or abs(sum(weights) - 1.0) > 1e-9:
        raise InvalidTerms(f"weights: must be at least 0 and sum to 1, got a sum of {sum(weights):g}")
    losses = np.concatenate([each.losses for each in distributions])
    chances = np.concatenate([w * each.probabilities for each, w in zip(distributions, weights, strict=True)])
    return gathered(losses, chances, max(each.error for each in distributions))


@takes(distributions=SEVERAL, sizes=numbers, buckets=whole(1, 100_000))
def convolved(
    distributions: Sequence[LossDistribution], sizes: Sequence[float], *, buckets: int | None = None
) -> LossDistribution:
    """The loss of independent portfolios together, a share of their total `sizes`.

    Exact unless `buckets` says on how many equal steps from 0 to 1 losses are to lie, between which each is split so that its
    mean stays: exact sums of many different losses grow beyond all bounds, and more than a million are refused.
    """
    if len(distributions) != len(sizes) or not len(sizes):
        raise InvalidTerms(f"sizes: must be one a distribution ({len(distributions)}), got {len(sizes)}")
    if min(sizes) <= 0.0:
        raise InvalidTerms(f"sizes: must be above 0, got {min(sizes):g}")
    total, found = float(sum(sizes)), LossDistribution(np.zeros(1), np.ones(1))
    for each, size in zip(distributions, sizes, strict=True):
        if len(found.losses) * len(each.losses) > 1_000_000 * (1 if buckets is None else 16):
            raise InvalidTerms("too many different losses: say buckets, such as buckets=1000")
        losses = (found.losses[:, None] + each.losses[None, :] * (size / total)).ravel()
        chances = (found.probabilities[:, None] * each.probabilities[None, :]).ravel()
        found = gathered(losses, chances, found.error + each.error)
        found = found if buckets is None else on_grid(found, buckets)
    return found


@takes(distribution=instance(LossDistribution), attachment=number(0.0, 1.0), detachment=number(0.0, 1.0))
def tranched(distribution: LossDistribution, attachment: float, detachment: float) -> LossDistribution:
    """The loss of a tranche, a share of its size: a distribution again, of which tranches may be cut once more."""
    losses = tranche_loss(distribution.losses, attachment, detachment)
    return gathered(losses, distribution.probabilities, distribution.error)


def on_grid(distribution: LossDistribution, buckets: int) -> LossDistribution:
    """A distribution on equal steps from 0 to 1; a loss between two of them is split, its mean kept."""
    if buckets < 1:
        raise InvalidTerms(f"buckets: must be at least 1, got {buckets}")
    at = distribution.losses * buckets
    low = np.clip(np.floor(at + 1e-9).astype(int), 0, buckets - 1)
    share = np.clip(at - low, 0.0, 1.0)
    chances = np.bincount(low, distribution.probabilities * (1.0 - share), buckets + 1)
    chances += np.bincount(low + 1, distribution.probabilities * share, buckets + 1)
    return LossDistribution(np.arange(buckets + 1) / buckets, chances, distribution.error)


def gathered(losses: np.ndarray, chances: np.ndarray, error: float) -> LossDistribution:
    """A distribution of losses, rising, those that are the same to 1e-12 taken together."""
    order = np.argsort(losses, kind="stable")
    losses, chances = losses[order], chances[order]
    first = np.concatenate([[True], np.diff(losses) > CLOSE])
    return LossDistribution(losses[first], np.bincount(np.cumsum(first) - 1, chances), error)
