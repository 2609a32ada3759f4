"""Default times of many obligors on many paths, given the common factors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from structuring.simulation.copula import OWN, Factors
from structuring.simulation.credit_losses import Obligor, tranche_loss
from structuring.simulation.normal_distribution import inverse_normal, normal_cdf
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

    from structuring.simulation.random_numbers import Draws

EDGE, STEPS = 9.0, 128  # the table of the normal distribution: from -9 to 9, so many steps a unit


def default_years(
    draws: Draws,
    obligors: Sequence[Obligor],
    factors: Factors,
    *,
    horizon: float,
    sectors: Sequence[int] | None = None,
    stream: int = 0,
) -> np.ndarray:
    """Years to the default of each obligor on each path, (S, N); infinity where it comes after `horizon`.

    Obligor i fails by t when its latent variable Y_i lies below the quantile of its probability of default by t, so
    H_i(tau) = -log(1 - F(Y_i)) with its cumulative hazard H_i. One's own risks are number i of stream `stream`, so that
    paths may be cut anywhere, and obligors added at the end. `sectors` says which factor each obligor has.

    Own normals are compared in factor space: E_i < (scale q_i - common) / sqrt(1 - asset_correlation), by a table of the
    normal distribution that settles all but close cases; only who defaults is inverted, by cubics to 1e-8 of its years.
    """
    if not obligors:
        return np.zeros((draws.count, 0))
    if horizon <= 0.0:
        raise InvalidTerms(f"horizon: must be above 0 years, got {horizon:g}")
    # a copy: given read-only, as by a scheduler that shares memory, it would have the kernel compiled once more
    sector = np.zeros(len(obligors), dtype=np.int64) if sectors is None else np.array(sectors, dtype=np.int64)
    if len(sector) != len(obligors) or (
        len(sector) and not 0 <= sector.min() <= sector.max() < factors.common.shape[1]
    ):
        raise InvalidTerms(
            f"sectors: must be one an obligor ({len(obligors)}) and from 0 to {factors.common.shape[1] - 1}, got {sectors}"
        )
    threshold = factors.copula.quantile(np.array([obligor.probability(horizon) for obligor in obligors]))
    rest = math.sqrt(max(1.0 - factors.copula.asset_correlation, 1e-300))  # at correlation 1 the factor alone decides
    bounds, reached, rates = curves_of(obligors)
    given = (factors.common, factors.scale, sector, np.maximum(threshold, -1e300), rest, horizon)
    try:
        from structuring.simulation.default_times_kernel import fill
    except ImportError:
        return plain_years(draws, stream, given, factors, (bounds, reached, rates))
    years = np.full((draws.count, len(obligors)), np.inf)
    fill(
        years, np.uint64(draws.seed & (2**64 - 1)), np.uint64(draws.first), np.uint64(OWN + stream), *given,
        factors.copula.degrees or 0, bounds, reached, rates, TABLE, HAZARDS, QUANTILES,
    )  # fmt: skip
    return years


def plain_years(
    draws: Draws, stream: int, given: tuple, factors: Factors, curves: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """`default_years` in NumPy alone: where there is no Numba, and to hold the kernel to."""
    common, scale, sector, threshold, rest, horizon = given
    own = inverse_normal(draws.uniform32(len(sector), stream=OWN + stream))
    shared = common[:, sector]
    s, i = np.nonzero(own < (threshold * scale[:, None] - shared) * (1.0 / rest))
    latent = (shared[s, i] + rest * own[s, i]) / scale[s]
    cumulative = -np.log1p(-factors.copula.cdf(latent))
    years = np.full(own.shape, np.inf)
    years[s, i] = np.minimum(years_at(cumulative, i, *curves), horizon)
    return years


def curves_of(obligors: Sequence[Obligor]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Piecewise constant hazards: from `bounds` on (N, J) the hazard is `rates`, and `reached` has been cumulated before."""
    if all(isinstance(obligor.hazard, float | int) for obligor in obligors):
        constant = np.array([[obligor.hazard] for obligor in obligors], dtype=np.float64)
        return np.zeros(constant.shape), np.zeros(constant.shape), constant
    steps = [obligor.steps for obligor in obligors]
    width = max((len(step) for step in steps), default=1)
    bounds, rates = np.full((len(steps), width), np.inf), np.zeros((len(steps), width))
    reached = np.full((len(steps), width), np.inf)
    for i, step in enumerate(steps):
        bounds[i, : len(step)], rates[i, : len(step)] = zip(*step, strict=True)
        lengths = np.diff(bounds[i, : len(step)])
        reached[i, : len(step)] = np.concatenate([[0.0], np.cumsum(rates[i, : len(step) - 1] * lengths)])
    return bounds, reached, rates


def years_at(
    cumulative: np.ndarray, i: np.ndarray, bounds: np.ndarray, reached: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """The years at which the obligors i reach a cumulative hazard; infinity where they never do."""
    step = np.maximum((reached[i] <= cumulative[:, None]).sum(axis=1) - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bounds[i, step] + (cumulative - reached[i, step]) / rates[i, step]
    return np.where(rates[i, step] > 0.0, found, np.inf)


def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the kernel looks up: the normal distribution at -9, -9 + 1/128, ... 9 in units of 2^-32, rounded up; and the
    cubics (value, slope, next value, next slope) of the cumulative hazard there, and of the quantile on 64 parts an octave.
    """

    x = np.arange(-EDGE * STEPS, EDGE * STEPS + 1) / STEPS
    units = np.ceil(normal_cdf(x) * 2.0**32).astype(np.int64) + 1
    units[-1] = 1 << 32  # beyond 9 everybody defaults
    survival = normal_cdf(-x)
    hazard = np.where(x < 0.0, -np.log1p(-np.minimum(normal_cdf(x), 0.9)), -np.log(survival))
    octave, part = np.divmod(np.arange(33 * 64 + 1), 64)
    p = (1.0 + part / 64.0) * 2.0 ** (octave - 33.0)
    e = inverse_normal(np.minimum(p, 0.5))
    return (
        units,
        cubics(hazard, density(x) / survival, 1.0 / STEPS),
        cubics(e, 1.0 / density(e), 2.0 ** (octave[:-1] - 39.0)),
    )


def density(x: np.ndarray) -> np.ndarray:
    """The standard normal density."""
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def cubics(values: np.ndarray, slopes: np.ndarray, widths: np.ndarray | float) -> np.ndarray:
    """Values and slopes at both ends of every step (n - 1, 4), slopes times its width."""
    return np.stack([values[:-1], slopes[:-1] * widths, values[1:], slopes[1:] * widths], axis=1)


TABLE, HAZARDS, QUANTILES = tables()


@dataclasses.dataclass(frozen=True, eq=False)
class SimulatedLosses:
    """Losses (S,) of a pool on paths, as shares of its exposure."""

    losses: np.ndarray

    @classmethod
    def of(cls, years: np.ndarray, obligors: Sequence[Obligor], *, horizon: float) -> SimulatedLosses:
        """Those of the obligors that default within `horizon` years: sum of exposure x (1 - recovery) over all exposure."""
        exposure = np.array([obligor.exposure for obligor in obligors])
        severity = np.array([1.0 - obligor.recovery for obligor in obligors])
        return cls((years <= horizon) @ (exposure * severity / exposure.sum()))

    @property
    def expected(self) -> tuple[float, float]:
        """The mean loss and its standard error."""
        return mean_and_error(self.losses)

    def tranche(self, attachment: float, detachment: float) -> tuple[float, float]:
        """The expected loss of a tranche, a share of its size, and its standard error."""
        return mean_and_error(tranche_loss(self.losses, attachment, detachment))

    def tranches(self, edges: Sequence[float]) -> pd.DataFrame:
        """One row a tranche between neighbouring edges: attachment, detachment, expected loss, its standard error,
        probability of any loss and of losing everything."""
        import itertools

        import pandas as pd

        rows = []
        for a, d in itertools.pairwise(edges):
            lost = tranche_loss(self.losses, a, d)
            mean, error = mean_and_error(lost)
            row = {"attachment": a, "detachment": d, "expected_loss": mean, "standard_error": error}
            rows.append({**row, "any_loss": float((lost > 0.0).mean()), "wiped_out": float((lost >= 1.0).mean())})
        return pd.DataFrame(rows)

    def quantile(self, level: float) -> float:
        """The loss not exceeded with this probability on the paths."""
        return float(np.quantile(self.losses, level, method="inverted_cdf"))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """mean and sd / sqrt(S); with Sobol points the error is an upper bound."""
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
