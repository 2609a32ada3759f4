"""Copulas: correlated latent variables for many names, Gaussian or Student-t, with sectors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from waterfalls.errors import Fault, InvalidTerms, shown
from waterfalls.terms.bounded_numbers import Share
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.simulation.random_numbers import Draws

Correlation = Share
FACTORS = 1  # the stream of the factors; those of one's own begin far behind it
OWN = 1 << 16


@term
class Copula:
    """Latent variables that share a general factor G and, by sector, one of their own S_k, all standard normal:

        X_i = sqrt(between) G + sqrt(asset_correlation - between) S_k(i) + sqrt(1 - asset_correlation) E_i

    Two of one sector have the correlation `asset_correlation`, two of different sectors `between` (the same where it is
    not given: one factor). With `degrees` of freedom, Y_i = X_i sqrt(degrees / W) with one chi-square W for all: a
    Student-t copula, in which extremes come together. A low value is a bad one.

    `asset_correlation` is between two obligors; `factor_loading`, its square root, is between one obligor and the
    factor. Source: Li (2000); Demarta and McNeil, "The t copula and related copulas" (2005).
    """

    asset_correlation: Correlation
    _: KW_ONLY
    between: Correlation | None = None
    degrees: Annotated[int, Field(ge=1, le=100)] | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        within, between = fields.get("asset_correlation"), fields.get("between")
        if within is not None and between is not None and between > within:
            yield Fault("between", f"must not exceed the asset_correlation {within:g} within a sector, got {between:g}")

    @property
    def factor_loading(self) -> float:
        """sqrt(asset_correlation): the correlation of one obligor with what its sector shares."""
        return math.sqrt(self.asset_correlation)

    def factors(self, draws: Draws, sectors: int = 1, *, sobol: bool = False, stream: int = FACTORS) -> Factors:
        """What the paths share, drawn; with `sobol` by Sobol points, which leaves one's own risks random."""
        import numpy as np

        from structuring.simulation import sobol_points as points

        between = self.asset_correlation if self.between is None else self.between
        own = 0 if between == self.asset_correlation else sectors
        size = 1 + own + (self.degrees or 0)
        z = points.normal(draws, size, stream=stream) if sobol else draws.normal(size, stream=stream)
        common = np.repeat(math.sqrt(between) * z[:, :1], sectors, axis=1)
        if own:
            common = common + math.sqrt(self.asset_correlation - between) * z[:, 1 : 1 + own]
        if self.degrees is None:
            return Factors(self, common, np.ones(len(z)))
        chi_square = np.square(z[:, 1 + own :]).sum(axis=1)
        return Factors(self, common, np.sqrt(chi_square / self.degrees))

    def cdf(self, x: Any) -> np.ndarray:
        """The distribution function of one latent variable: normal, or Student's t."""
        from structuring.simulation.normal_distribution import normal_cdf

        return normal_cdf(x) if self.degrees is None else student_cdf(x, self.degrees)

    def quantile(self, p: Any) -> np.ndarray:
        """The inverse of `cdf` for probabilities in [0, 1]."""
        import numpy as np

        from structuring.simulation.normal_distribution import inverse_normal

        p = np.asarray(p, dtype=np.float64)
        odd = p[~((p >= 0.0) & (p <= 1.0))]
        if odd.size:
            raise InvalidTerms(f"p: must be probabilities from 0 to 1, got {shown(odd.flat[0])}")
        inside = np.clip(p, 1e-300, 1.0 - 1e-16)
        found = inverse_normal(inside) if self.degrees is None else student_quantile(inside, self.degrees)
        return np.where(p <= 0.0, -np.inf, np.where(p >= 1.0, np.inf, found))


@dataclasses.dataclass(frozen=True, eq=False)
class Factors:
    """What S paths share: `common` (S, sectors), the factors' part of every latent variable before `scale` (S,).

    Y = (common + sqrt(1 - asset_correlation) E) / scale, scale = sqrt(W / degrees), 1 for the Gaussian copula.
    """

    copula: Copula
    common: np.ndarray
    scale: np.ndarray

    def factor(self, sector: int = 0) -> np.ndarray:
        """The factor of a sector (S,), standard normal: common / factor_loading (0 where nothing is shared)."""
        loading = self.copula.factor_loading
        return self.common[:, sector] / loading if loading > 0.0 else self.common[:, sector]

    def latent(self, draws: Draws, *, stream: int, sector: int = 0) -> np.ndarray:
        """The latent variable (S,) of one more that shares the factors, with its own stream."""
        own = math.sqrt(1.0 - self.copula.asset_correlation) * draws.normal(1, stream=OWN + stream)[:, 0]
        return (self.common[:, sector] + own) / self.scale

    def uniform(self, draws: Draws, *, stream: int, sector: int = 0) -> np.ndarray:
        """`latent` as a uniform (S,): low is bad."""
        return self.copula.cdf(self.latent(draws, stream=stream, sector=sector))


def student_cdf(x: Any, degrees: int) -> np.ndarray:
    """Student's t distribution function for whole degrees of freedom, as a finite sum.

    theta = atan(|x| / sqrt(n)), A = P(|T| < |x|); n odd: 2/pi (theta + sin theta (cos + 2/3 cos^3 + ...)), n even: sin
    theta (1 + 1/2 cos^2 + 3/8 cos^4 + ...). Source: Abramowitz and Stegun, 26.7.3 and 26.7.4.
    """
    import numpy as np

    x = np.asarray(x, dtype=np.float64)
    theta = np.arctan2(np.abs(x), math.sqrt(degrees))
    cos, sin = np.cos(theta), np.sin(theta)
    odd = degrees % 2
    power = cos if odd else np.ones_like(cos)
    total = np.zeros_like(cos)
    for k in range(odd, degrees - 1 + odd, 2) if degrees > 1 else ():
        total = total + power
        power = power * cos * cos * ((k + 1) / (k + 2))
    inside = 2.0 / math.pi * (theta + sin * total) if odd else sin * total
    return np.where(x < 0.0, 0.5 * (1.0 - inside), 0.5 * (1.0 + inside))


def student_quantile(p: Any, degrees: int) -> np.ndarray:
    """The inverse of `student_cdf`, by bisection in log |x| of the lower tail."""
    import numpy as np

    p = np.asarray(p, dtype=np.float64)
    tail = np.minimum(p, 1.0 - p)
    low, high = np.full(p.shape, -80.0), np.full(p.shape, 80.0)
    for _ in range(64):
        middle = 0.5 * (low + high)
        deeper = student_cdf(-np.exp(middle), degrees) < tail
        low, high = np.where(deeper, low, middle), np.where(deeper, middle, high)
    x = -np.exp(0.5 * (low + high))
    return np.where(p == 0.5, 0.0, np.where(p < 0.5, x, -x))
