"""Fixed points: numbers that depend on themselves, found and proved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from waterfalls.errors import FirstLossError

MEMORY = 6  # earlier steps that the next one is mixed from
MOST = 80
STALLED = 8
TELLING = 10.0  # times what residuals are known to: a smaller difference of two is noise

Memory = list[tuple[np.ndarray, np.ndarray]]


class NotSettled(FirstLossError, ArithmeticError):
    """A circle that does not come to rest: what it asks for grows with what it is given."""


def fixed_point(
    answer: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    told: Callable[[np.ndarray], str],
    memory: Memory | None = None,
    *,
    enough: float = 1.0,
    depth: int = MEMORY,
    noise: Callable[[], float] = lambda: 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The x (N,), scaled so that 1 is the tolerance, with |answer(x) - x| <= 1, and that residual (N,).

    Anderson's mixing of the last `depth` steps, 0 for none: with r = answer(x) - x, the next x is answer(x) less the combination of earlier
    differences that best explains r. It starts anew where the residual grows tenfold. `told` says of a residual what it is.
    `memory`, filled as it goes, brings the differences of a fixed point nearby; `noise` is how closely residuals are known.
    Where `STALLED` steps came no nearer, as where a trigger falls on either side of its level, a residual of `enough` will do.
    Source: Walker and Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49 (2011).
    """
    x, r, least, idle = start, np.zeros(len(start)), np.inf, 0
    kept = [] if memory is None else memory
    last: tuple[np.ndarray, np.ndarray] | None = None
    for _ in range(MOST):
        r = answer(x) - x
        size = float(np.abs(r).max(initial=0.0))
        idle = 0 if size < least else idle + 1
        if size <= 1.0 or (idle >= STALLED and size <= enough):
            return x, r
        if not np.isfinite(size):
            break
        if size > 10.0 * least:
            kept.clear()
        elif last is not None and np.abs(r - last[1]).max() > TELLING * noise():
            kept.append((x - last[0], r - last[1]))
            del kept[: len(kept) - depth]
        least, last = min(least, size), (x, r)
        step = r
        if kept:
            scale = [float(np.abs(dr).max()) for _, dr in kept]
            dx, dr = (np.array([pair[i] / s for pair, s in zip(kept, scale, strict=True)]).T for i in (0, 1))
            weights = np.linalg.lstsq(dr, r, rcond=1e-10)[0]
            step = r - (dx + dr) @ weights
        x = x + step
    raise NotSettled(f"the circle does not come to rest: {told(r)}")
