"""The largest number that passes: a search that ends between a number that passes and one just above it that fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

STEPS = 200
FIRST = 0.3  # of where it begins: the first stride, while no slope is known
FASTER = 3.0  # each stride than the one before
NEARBY = 0.03  # of the bracket: how far above what passes the next is tried
ALIKE = 0.1  # of the bracket: two lines that lead so near to one place
LONG = 30  # steps after which every other one halves the bracket
SURE = 50.0  # tolerances within which two lines point to one place

Point = tuple[float, float]


def largest(
    margin: Callable[[float], float],
    *,
    start: float,
    low: float,
    high: float,
    tolerance: float,
    slope: float | None = None,
    stride: float | None = None,
) -> tuple[float | None, float | None, float | None]:
    """The largest x of [low, high] with margin(x) >= 0, where margins fall; the x that fails beside it; the slope there.

    The first is None where `low` fails, the second where `high` passes. A margin may be infinite where it tells no more than
    that x passes. Each step goes to where a line is 0, and `tolerance` / 2 beyond it, so that the two sides close on the
    answer: the line through the last two that fail, since a loss has no slope where there is none; that through what passes
    and what fails; along `slope`. In strides, the first of `stride`, while there is no line; to the middle of the bracket
    where no line leads into it.
    """
    passes: list[Point] = []  # the last two of each
    fails: list[Point] = []
    x, share, before, sure = min(max(start, low), high), NEARBY, math.nan, False
    stride = FIRST * max(abs(start), low) if stride is None else stride
    for step in range(STEPS):
        m = margin(x)
        passed = m >= 0.0
        if passed:
            passes = [*passes[-1:], (x, m)]
        else:
            fails = [*fails[-1:], (x, m)]
        if (passes and passes[-1][0] >= high) or (fails and fails[-1][0] <= low):
            break
        lines = list(lines_through(passes, fails))
        slope = lines[0][1] if lines else slope
        guesses = [at for at, _ in lines] or ([x - m / slope] if slope and math.isfinite(m) else [])
        beyond = 0.5 * tolerance if passed else -0.5 * tolerance
        if passes and fails:
            a, b = passes[-1][0], fails[-1][0]
            if b - a <= tolerance:
                break
            inside = [g for g in guesses if a - tolerance < g < b + tolerance]
            if not passed and inside:
                sure, before = abs(inside[0] - before) <= SURE * tolerance, inside[0]
            sound = len(inside) > 1 and abs(inside[0] - inside[1]) <= ALIKE * (
                b - a
            )  # what passes tells as much as what fails
            if not inside or (step > LONG and step % 2):
                x = 0.5 * (a + b)
            elif not passed or sure or sound:
                x, share = inside[sound] + beyond, NEARBY
            else:  # a little above what passes something fails, and makes a better line
                x, share = a + share * (b - a), min(4.0 * share, 0.5)
            x = x if a + 0.1 * tolerance < x < b - 0.1 * tolerance else 0.5 * (a + b)
            continue
        guess = next((g for g in guesses if (g - x) * beyond > -(tolerance**2)), None)
        if guess is None:
            x = x + math.copysign(stride, beyond)
            stride *= FASTER
        else:
            x = (max(guess, x) if passed else min(guess, x)) + beyond
        x = min(max(x, low), high)
    return passes[-1][0] if passes else None, fails[-1][0] if fails else None, slope


def lines_through(passes: list[Point], fails: list[Point]) -> Iterator[tuple[float, float]]:
    """Where falling lines through points are 0, and their slopes: of what fails, across, of what passes."""
    for pair in (fails, [*passes[-1:], *fails[-1:]], passes):
        if len(pair) < 2:
            continue
        (x0, m0), (x1, m1) = pair
        if math.isfinite(m0) and math.isfinite(m1) and x0 != x1:
            slope = (m1 - m0) / (x1 - x0)
            if slope < 0.0:
                yield x1 - m1 / slope, slope
