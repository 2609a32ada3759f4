"""Pools of very many borrowers that nobody names: what the sector leaves of their rate of default."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from structuring.simulation.copula import Copula

if TYPE_CHECKING:
    import numpy as np

    from structuring.simulation.random_numbers import Draws


@dataclasses.dataclass(frozen=True)
class UnnamedPool:
    """Monthly default rates (S, months) of a pool so fine that only what its borrowers share is random.

        p(t | F) = Phi((quantile(1 - exp(-hazard t)) scale - common) / sqrt(1 - asset_correlation))
        rate(m)  = 1 - (1 - p(m | F)) / (1 - p(m - 1 | F))

    `common` and `scale` are what the paths share (`Factors`): with the seed, the `sectors` and `sobol` of a `SectorModel` the
    factor is that of its names of the same sector. `hazard` is a year's. Source: Vasicek, "The distribution of loan portfolio value" (2002), at every month.
    """

    copula: Copula
    hazard: float
    months: int
    sectors: int = 1
    sector: int = 0
    sobol: bool = False

    def rates(self, draws: Draws) -> np.ndarray:
        """The share that defaults in each month of what has not yet (S, months)."""
        import numpy as np

        from structuring.simulation.normal_distribution import normal_cdf

        factors = self.copula.factors(draws, self.sectors, sobol=self.sobol)
        years = np.arange(1.0, self.months + 1.0) / 12.0
        level = self.copula.quantile(1.0 - np.exp(-self.hazard * years))[None, :] * factors.scale[:, None]
        own = np.sqrt(max(1.0 - self.copula.asset_correlation, 1e-12))
        gone = normal_cdf((level - factors.common[:, [self.sector]]) / own)
        before = np.hstack([np.zeros((len(gone), 1)), gone[:, :-1]])
        left = 1.0 - before
        return np.clip(np.divide(gone - before, left, out=np.ones_like(gone), where=left > 0.0), 0.0, 1.0)
