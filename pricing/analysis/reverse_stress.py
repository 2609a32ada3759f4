"""reverse_stress: the smallest shock that does what one fears."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from waterfalls.errors import CannotPrice, Fault, InvalidTerms

MOST_STEPS = 200


@dataclasses.dataclass(frozen=True)
class Breach:
    """The smallest shock found, what the measure is there, and the largest known at which the target is not reached."""

    shock: float
    measure: float
    below: float
    calls: int


def reverse_stress(
    measure: Callable[[float], float],
    *,
    target: float,
    low: float = 0.0,
    high: float,
    tolerance: float = 1e-3,
    steps: int = 16,
) -> Breach:
    """The smallest x in [low, high] at which measure(x) >= target, to `tolerance` in x.

    `measure` is any function of one number, such as a class's loss in per cent of what it holds under a spread shock of
    x bp, a tranche's realised loss when resale is worth 1 - x, or the second round less the first. It is scanned at
    `steps` even points, so that where it is not monotone the first crossing between two of them is found, and then bisected.
    NaN is refused; so is a target that is not reached, with what was.

        reverse_stress(lambda bp: loss_of("insurers", spread=bp), target=10.0, high=2000.0)
    """
    faults = []
    if not low < high:
        faults.append(Fault("high", f"must be above low {low:g}, got {high:g}"))
    if not tolerance > 0.0:
        faults.append(Fault("tolerance", f"must be above 0, got {tolerance:g}"))
    if steps < 1:
        faults.append(Fault("steps", f"must be at least 1, got {steps}"))
    if faults:
        raise InvalidTerms(faults)
    calls = 0

    def at(x: float) -> float:
        nonlocal calls
        calls += 1
        value = float(measure(x))
        if math.isnan(value):
            raise CannotPrice(f"reverse stress: the measure is NaN at a shock of {x:g}")
        return value

    below, least, most = low, at(low), -math.inf
    if least >= target:
        return Breach(low, least, low, calls)
    most = least
    for i in range(1, steps + 1):
        x = low + (high - low) * i / steps
        value = at(x)
        most = max(most, value)
        if value >= target:
            return bisected(at, target, below, x, value, tolerance, lambda: calls)
        below = x
    raise CannotPrice(
        f"reverse stress: no shock between {low:g} and {high:g} reaches {target:g}; the most at {steps + 1} points is {most:g}"
    )


def bisected(
    at: Callable[[float], float],
    target: float,
    below: float,
    above: float,
    value: float,
    tolerance: float,
    calls: Callable[[], int],
) -> Breach:
    """Halves an interval of which the upper end reaches the target and the lower does not."""
    for _ in range(MOST_STEPS):
        middle = 0.5 * (below + above)
        if above - below <= tolerance or not below < middle < above:
            break
        found = at(middle)
        if found >= target:
            above, value = middle, found
        else:
            below = middle
    return Breach(above, value, below, calls())
