"""Fixed points: numbers that depend on themselves, found and proved."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from waterfalls.errors import FirstLossError

MEMORY = 5  # earlier steps that the next one is mixed from
MOST = 80


class NotSettled(FirstLossError, ArithmeticError):
    """A circle that does not come to rest: what it asks for grows with what it is given."""


def fixed_point(
    answer: Callable[[np.ndarray], np.ndarray], start: np.ndarray, told: Callable[[np.ndarray], str]
) -> tuple[np.ndarray, np.ndarray]:
    """The x (N,), scaled so that 1 is the tolerance, with |answer(x) - x| <= 1, and that residual (N,).

    Anderson's mixing of the last `MEMORY` steps: with r = answer(x) - x, the next x is answer(x) less the combination of earlier
    differences that best explains r. It starts anew where the residual grows tenfold. `told` says of a residual what it is.
    Source: Walker and Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49 (2011).
    """
    x, r, least = start, np.zeros(len(start)), np.inf
    points: list[np.ndarray] = []
    residuals: list[np.ndarray] = []
    for _ in range(MOST):
        r = answer(x) - x
        size = float(np.abs(r).max(initial=0.0))
        if size <= 1.0:
            return x, r
        if not np.isfinite(size):
            break
        if size > 10.0 * least:
            points.clear()
            residuals.clear()
        least = min(least, size)
        points.append(x)
        residuals.append(r)
        del points[: -MEMORY - 1], residuals[: -MEMORY - 1]
        step = r
        if len(residuals) > 1:
            dr, dx = (np.array([b - a for a, b in itertools.pairwise(kept)]).T for kept in (residuals, points))
            weights = np.linalg.lstsq(dr, r, rcond=None)[0]
            step = r - (dx + dr) @ weights
        x = x + step
    raise NotSettled(f"the circle does not come to rest: {told(r)}")
