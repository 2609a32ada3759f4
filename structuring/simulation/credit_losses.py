"""Correlated defaults under one factor: obligors, and the loss distribution of a pool and of its tranches.

An obligor defaults by time t when its latent X = sqrt(asset_correlation) M + sqrt(1 - asset_correlation) E falls below
the quantile of its default probability; M is the common factor and E its own, both standard normal. The asset
correlation between two obligors is the product of their factor loadings, so the loading is its square root.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
import QuantLib as ql

from structuring.simulation.normal_distribution import inverse_normal, normal_cdf
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.bounded_numbers import Intensity, NotNegative, Share
from waterfalls.terms.term import term

SMALL_POOL = 100  # obligors below which the large-pool approximation is known to be far off
REACH = 8.5  # standard deviations of the factor: 2e-17 lies beyond
NODES, MOST_STEPS = 65, 2**14
ERROR = 1e-10
ROUNDING = 1e-12  # of a sum of probabilities
CELLS = 2**20  # of the distributions held at once, given the factor


@term
class Obligor:
    """Someone who may default: `exposure` at risk, at a `hazard` a year, of which `recovery` comes back.

    The hazard is constant, or piecewise constant by the year from which it holds: {0: 0.01, 3: 0.04}.
    """

    name: str
    exposure: NotNegative
    _: KW_ONLY
    hazard: Intensity | Mapping[float, Intensity]
    recovery: Share = 0.4

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        hazard = fields.get("hazard")
        if isinstance(hazard, Mapping) and (not hazard or min(hazard) != 0.0):
            yield Fault("hazard", f"must begin with the hazard from year 0 on, got {dict(hazard)}")

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """The hazard by the year from which it holds, rising."""
        given = self.hazard if isinstance(self.hazard, Mapping) else {0.0: self.hazard}
        return tuple(sorted(given.items()))

    def probability(self, years: float) -> float:
        """1 - exp(-integral of the hazard to `years`): the probability of default by then."""
        if not isinstance(self.hazard, Mapping):
            return -math.expm1(-self.hazard * years)
        ends = (*(begin for begin, _ in self.steps[1:]), math.inf)
        passed = zip(self.steps, ends, strict=True)
        return -math.expm1(-sum(rate * max(min(end, years) - begin, 0.0) for (begin, rate), end in passed))


def hazard_of_spread(spread: float, recovery: float) -> float:
    """spread / (1 - recovery), both decimals: the constant hazard a year that a credit spread pays for."""
    if not 0.0 <= recovery < 1.0:
        raise InvalidTerms(f"recovery: must be at least 0 and below 1, got {recovery:g}")
    return spread / (1.0 - recovery)


def conditional(probability: Any, factor: Any, asset_correlation: float) -> np.ndarray:
    """Phi((Phi^-1(p) - sqrt(rho) m) / sqrt(1 - rho)): the probability of default once the factor m is known.

    A low factor is a bad one. At rho 1 it is 1 where the factor lies below Phi^-1(p), and 0 elsewhere. Source: Vasicek
    (1987); Li (2000).
    """
    rho = correlation(asset_correlation)
    p, m = np.asarray(probability, dtype=np.float64), np.asarray(factor, dtype=np.float64)
    threshold = inverse_normal(np.clip(p, 1e-300, 1.0 - 1e-16))
    if rho == 1.0:
        given = (m < threshold).astype(np.float64)
    else:
        given = normal_cdf((threshold - math.sqrt(rho) * m) / math.sqrt(1.0 - rho))
    return np.where(p <= 0.0, 0.0, np.where(p >= 1.0, 1.0, given))


def correlation(given: float) -> float:
    """An asset correlation, checked: at 0 all are independent, at 1 nothing is one's own."""
    if not 0.0 <= given <= 1.0:
        raise InvalidTerms(f"asset_correlation: must be between 0 and 1, got {given:g}")
    return float(given)


@dataclasses.dataclass(frozen=True, eq=False)
class LossDistribution:
    """The probability (K,) of each loss (K,), a share of the pool's exposure, rising.

    No probability of a loss up to a level is off by more than `error`; nor is a tranche's expected loss, their average over
    the tranche.
    """

    losses: np.ndarray
    probabilities: np.ndarray
    error: float = 0.0

    @property
    def expected(self) -> float:
        """The mean loss."""
        return float(self.losses @ self.probabilities)

    def tranche(self, attachment: float, detachment: float) -> float:
        """The expected loss of a tranche as a share of its size."""
        return float(tranche_loss(self.losses, attachment, detachment) @ self.probabilities)

    def quantile(self, level: float) -> float:
        """The smallest loss not exceeded with at least this probability, to the rounding of their sum."""
        reached = np.searchsorted(np.cumsum(self.probabilities), level - ROUNDING)
        return float(self.losses[min(reached, len(self.losses) - 1)])


def tranche_loss(loss: Any, attachment: float, detachment: float) -> np.ndarray:
    """min(max(L - a, 0), d - a) / (d - a): what a pool's loss is to the tranche between a and d, a share of its size."""
    if not 0.0 <= attachment < detachment <= 1.0:
        raise InvalidTerms(
            f"a tranche lies between 0 and 1, got attachment {attachment:g} and detachment {detachment:g}"
        )
    return np.clip(np.asarray(loss) - attachment, 0.0, detachment - attachment) / (detachment - attachment)


def exact_losses(
    obligors: Sequence[Obligor],
    *,
    years: float,
    asset_correlation: float,
    unit: float | None = None,
    nodes: int = NODES,
) -> LossDistribution:
    """The loss distribution of a pool: given the factor by recursion over its obligors, then averaged over the factor.

    P(n | m) <- P(n | m) (1 - p(m)) + P(n - w | m) p(m) for an obligor that loses w units. `unit` is the loss of which every
    obligor loses a whole number; by default the smallest loss. The average is a sum over equal steps of m from -8.5 to 8.5,
    whose error falls faster than any power of the step: from `nodes` points on the step is halved until the distribution
    function moves by less than 1e-10, or there are 16,384 steps, which only a correlation above 0.999 asks for; `error` of
    what is returned is the last move. At correlation 1 who is likelier to default fails first. Sources: Andersen, Sidenius
    and Basu (2003); Trefethen and Weideman, "The exponentially convergent trapezoidal rule" (2014).
    """
    lost = np.array([obligor.exposure * (1.0 - obligor.recovery) for obligor in obligors])
    if not len(lost) or not (lost > 0.0).any():
        raise InvalidTerms("obligors: at least one must have something to lose")
    if nodes < 2:
        raise InvalidTerms(f"nodes: must be at least 2, got {nodes}")
    unit = float(lost[lost > 0.0].min()) if unit is None else unit
    units = np.rint(lost / unit).astype(int)
    off = np.abs(lost / unit - units) > 1e-9
    if off.any():
        worst = obligors[int(np.argmax(off))]
        raise InvalidTerms(
            f"obligor {worst.name!r} loses {lost[np.argmax(off)]:,.6g}, which is not a whole number of units of {unit:,.6g}"
        )
    losses = np.arange(units.sum() + 1) * unit / sum(obligor.exposure for obligor in obligors)
    chances = np.array([obligor.probability(years) for obligor in obligors])
    if correlation(asset_correlation) == 1.0:
        return LossDistribution(losses, comonotone(chances, units))
    steps, points = max(nodes, NODES) - 1, np.linspace(-REACH, REACH, max(nodes, NODES))
    total, found, weight, error = np.zeros(len(losses)), np.zeros(len(losses)), 0.0, math.inf
    while error > ERROR and (steps <= MOST_STEPS or not weight):
        density = np.exp(-0.5 * points * points)
        total += averaged(chances, units, points, density, asset_correlation)
        weight += density.sum()
        error, found = float(np.abs(np.cumsum(total / weight - found)).max()), total / weight
        points = -REACH + (np.arange(steps) + 0.5) * (2.0 * REACH / steps)  # between those that were
        steps *= 2
    return LossDistribution(losses, found, error)


def averaged(chances: np.ndarray, units: np.ndarray, points: np.ndarray, weights: np.ndarray, rho: float) -> np.ndarray:
    """sum_j w_j P(n | m_j) at points m (J,) of the factor: (units.sum() + 1,), a part of the points at a time."""
    size = int(units.sum()) + 1
    found, part = np.zeros(size), max(CELLS // size, 1)
    for begin in range(0, len(points), part):
        m, w = points[begin : begin + part], weights[begin : begin + part]
        given, most = np.zeros((len(m), size)), 0
        given[:, 0] = 1.0
        for chance, width in zip(chances, units.tolist(), strict=True):
            if width:
                moved = given[:, : most + 1] * conditional(chance, m, rho)[:, None]
                given[:, : most + 1] -= moved
                given[:, width : most + 1 + width] += moved
                most += width
        found += w @ given
    return found


def comonotone(chances: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The probability of each number of units lost when one draw decides for all: U < p_i fails obligor i."""
    order = np.argsort(-chances, kind="stable")
    steps = -np.diff(np.concatenate([[1.0], chances[order], [0.0]]))
    return np.bincount(np.concatenate([[0], np.cumsum(units[order])]), weights=steps, minlength=int(units.sum()) + 1)


def large_pool_tranche(
    probability: float,
    recovery: float,
    asset_correlation: float,
    *,
    attachment: float,
    detachment: float,
    obligors: int | None = None,
) -> float:
    """The expected loss, a share of its size, of a tranche of infinitely many small alike obligors.

    The loss L(m) = (1 - R) p(m) exceeds a cap K where m < e, so E[min(L, K)] = (1 - R) P(X < c, m > e) + K Phi(e) with the
    latent X < c = Phi^-1(p): a bivariate normal probability of correlation -sqrt(rho), by QuantLib after West (2004).
    `obligors` says how many there really are: fewer than 100 is warned of. Source: Vasicek, "The distribution of loan
    portfolio value" (2002).
    """
    if obligors is not None and obligors < SMALL_POOL:
        warnings.warn(
            f"the large-pool approximation is far off for {obligors} obligors: use exact_losses below {SMALL_POOL}",
            stacklevel=2,
        )
    tranche_loss(0.0, attachment, detachment)
    rho = correlation(asset_correlation)
    top, bottom = (capped_mean(probability, recovery, rho, cap) for cap in (detachment, attachment))
    return (top - bottom) / (detachment - attachment)


def capped_mean(probability: float, recovery: float, rho: float, cap: float) -> float:
    """E[min(L, cap)] of the large pool."""
    severity = 1.0 - recovery
    if rho == 0.0 or severity == 0.0 or probability in (0.0, 1.0):
        return min(severity * probability, cap)
    if rho == 1.0:
        return probability * min(severity, cap)
    if cap <= 0.0:
        return 0.0
    if cap >= severity:
        return severity * probability
    p, share = inverse_normal(np.array([probability, cap / severity])).tolist()
    edge = (p - math.sqrt(1.0 - rho) * share) / math.sqrt(rho)  # below this factor the loss exceeds the cap
    inside = ql.BivariateCumulativeNormalDistributionWe04DP(-math.sqrt(rho))(p, -edge)
    return severity * inside + cap * float(normal_cdf(edge))


def vasicek_quantile(probability: float, asset_correlation: float, level: float) -> float:
    """The default rate of a large pool that is not exceeded with probability `level`."""
    return float(conditional(probability, -inverse_normal(np.array(level)), asset_correlation))
