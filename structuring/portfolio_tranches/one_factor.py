"""One factor that all obligors share: normal or Student's t, with recoveries that may fall when it is bad."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from structuring.simulation.copula import student_cdf
from structuring.simulation.credit_losses import conditional
from structuring.simulation.normal_distribution import normal_cdf
from waterfalls.errors import Fault
from waterfalls.terms.bounded_numbers import Share
from waterfalls.terms.term import term

Degrees = Annotated[int, Field(ge=3, le=100)]  # below three there is no variance to scale to one
FIRST, MOST = 64, 2**13  # steps of the factor
ERROR = 1e-10
ROUGH = 1e-6  # where losses lie on a grid, which is further off than this


@term
class OneFactor:
    """X_i = sqrt(rho) M + sqrt(1 - rho) Z_i; an obligor fails by t when X_i lies below the quantile of its probability by t.

    M and Z_i are standard normal or, with `factor_degrees` and `own_degrees` of freedom, Student's t scaled to variance 1:
    with both the double t copula. With `least_recovery` what defaulted obligors lose rises when the factor is bad, so that
    the mean loss of each stays p (1 - R):

        1 - R_i(m) = (1 - R_least) q_i(m) / p_i(m)      q_i = p_i (1 - R_i) / (1 - R_least)

    with p_i(m) and q_i(m) the probabilities p_i and q_i once the factor m is known. Sources: Hull and White, "Valuation of a
    CDO and an nth to default CDS without Monte Carlo simulation" (2004); Amraoui and Hitier, "Optimal stochastic recovery for
    base correlation" (2008).
    """

    asset_correlation: Share
    _: KW_ONLY
    factor_degrees: Degrees | None = None
    own_degrees: Degrees | None = None
    least_recovery: Share | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if fields.get("least_recovery") == 1.0:
            yield Fault("least_recovery", "must be below 1, where nothing would be lost")
        if fields.get("least_recovery") is not None and fields.get("asset_correlation") == 1.0:
            yield Fault("least_recovery", "does not go with a correlation of 1, where one draw decides for all")

    @property
    def normal(self) -> bool:
        """Whether both the factor and what is one's own are normal."""
        return self.factor_degrees is None and self.own_degrees is None

    def given(self, probabilities: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """The probabilities of default (J, N) once the factor (J,) is known, of obligors with `probabilities` (N,)."""
        distinct, back = np.unique(probabilities, return_inverse=True)
        m, rho = factor[:, None], self.asset_correlation
        if self.normal:
            return conditional(distinct[None, :], m, rho)[:, back]
        edge = thresholds(self, tuple(distinct.tolist()))[None, :]
        if rho == 1.0:
            return (m < edge).astype(np.float64)[:, back]
        return cdf((edge - math.sqrt(rho) * m) / math.sqrt(1.0 - rho), self.own_degrees)[:, back]


def average(model: OneFactor, of: Callable[[np.ndarray], np.ndarray], most: float = ERROR) -> tuple[np.ndarray, float]:
    """The mean of `of` (J, K) over the factor (K,), and how far it moved last.

    A sum over equal steps of x, halved until no mean moves by more than `most`: m = x of a normal factor, |x| to 8.5, and m = sinh x
    of Student's t, whose tail beyond sinh 16 is below 1e-19.
    """
    reach = 8.5 if model.factor_degrees is None else 16.0
    points, steps = np.linspace(-reach, reach, FIRST + 1), FIRST
    total: np.ndarray | float = 0.0
    weight, error, found = 0.0, math.inf, np.zeros(1)
    while error > most and steps <= MOST:
        m = points if model.factor_degrees is None else np.sinh(points)
        w = density(m, model.factor_degrees) * (1.0 if model.factor_degrees is None else np.cosh(points))
        total = total + w @ of(m)
        weight += w.sum()
        error, found = float(np.abs(total / weight - found).max()), np.asarray(total / weight)
        points = -reach + (np.arange(steps) + 0.5) * (2.0 * reach / steps)
        steps *= 2
    return found, error


@functools.lru_cache(maxsize=512)
def thresholds(model: OneFactor, probabilities: tuple[float, ...]) -> np.ndarray:
    """The quantiles (N,) of X, by bisection of its distribution function: the mean of that of Z over the factor."""
    p, rho = np.array(probabilities), model.asset_correlation
    if rho in (0.0, 1.0):
        degrees = model.factor_degrees if rho else model.own_degrees

        def at(x: np.ndarray) -> np.ndarray:
            return cdf(x, degrees)

    else:

        def at(x: np.ndarray) -> np.ndarray:
            apart = math.sqrt(1.0 - rho)
            return average(model, lambda m: cdf((x[None, :] - math.sqrt(rho) * m[:, None]) / apart, model.own_degrees))[
                0
            ]

    low, high = np.full(len(p), -40.0), np.full(len(p), 40.0)  # of asinh x
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = at(np.sinh(middle)) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    x = np.sinh(0.5 * (low + high))
    found = np.where(p <= 0.0, -np.inf, np.where(p >= 1.0, np.inf, x))
    found.setflags(write=False)
    return found


def cdf(x: np.ndarray, degrees: int | None) -> np.ndarray:
    """The distribution function of a standard normal, or of Student's t scaled to variance 1."""
    return normal_cdf(x) if degrees is None else student_cdf(x * math.sqrt(degrees / (degrees - 2.0)), degrees)


def density(x: np.ndarray, degrees: int | None) -> np.ndarray:
    """The density of the same, but for a constant, which weights do without."""
    return np.exp(-0.5 * x * x) if degrees is None else (1.0 + x * x / (degrees - 2.0)) ** (-0.5 * (degrees + 1.0))
