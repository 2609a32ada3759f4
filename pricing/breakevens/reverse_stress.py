"""Reverse stress testing: the smallest shock that brings a measure, such as a class's loss, to a given level."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from numbers import Real

from waterfalls.arguments import function, number, takes, whole
from waterfalls.errors import CannotPrice, Fault, refuse, shown


@dataclasses.dataclass(frozen=True)
class Breach:
    """The smallest shock found, what the measure is there, and the largest known at which the target is not reached."""

    shock: float
    measure: float
    below: float
    calls: int


@takes(measure=function, target=number(), low=number(), high=number(), tolerance=number(0.0), steps=whole(1, 1_000_000))
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
    refuse(faults)
    calls = 0

    def at(x: float) -> float:
        nonlocal calls
        calls += 1
        value = measure(x)
        if not isinstance(value, Real) or math.isnan(value):
            raise CannotPrice(f"reverse stress: the measure must be a number, got {shown(value)} at a shock of {x:g}")
        return float(value)

    below, above, value, most = low, low, at(low), -math.inf
    for i in range(1, steps + 1):
        if value >= target:
            break
        below, above = above, low + (high - low) * i / steps
        most, value = max(most, value), at(above)
    if value < target:
        raise CannotPrice(
            f"reverse stress: no shock between {low:g} and {high:g} reaches {target:g}; "
            f"the most at {steps + 1} points is {max(most, value):g}"
        )
    while above - below > tolerance and below < (middle := 0.5 * (below + above)) < above:
        found = at(middle)
        if found >= target:
            above, value = middle, found
        else:
            below = middle
    return Breach(above, value, below, calls)
