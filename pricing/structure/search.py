"""The largest number that passes: a search that ends between a number that passes and one just above it that fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

STEPS = 300
FIRST = 0.3  # of where it begins: the first stride, while no line is known
FASTER = 3.0  # each stride than the one before
BESIDE = 0.45  # of the tolerance: how far beside a line's root the next number stands, so that both sides close on it
NEARBY = 0.03  # of the bracket: how far above what passes the next is tried
MOST = 100  # such steps that still lead further
FURTHER = 30.0  # beside the root each step that ends as the one before
ROUNDING = 1e-14  # of a margin
SLACK = 3  # steps in which the bracket must halve; else it is halved

Point = tuple[float, Sequence[float]]


class Found(NamedTuple):
    """The largest number that passes, none where the lowest fails; the one that fails beside it, none where the highest
    passes; by how much each margin falls there, none where that is not known; and which of them fail."""

    passes: float | None
    fails: float | None
    slopes: Sequence[float | None]
    failing: frozenset[int]


def largest(
    margins: Callable[[float], Sequence[float]],
    *,
    start: float,
    low: float,
    high: float,
    tolerance: float,
    before: Found | None = None,
    stride: float | None = None,
) -> Found:
    """The largest x of [low, high] at which no margin is below 0, margins falling.

    Every margin has a line of its own: through its two nearest points that tell anything (a loss of 0, an infinite margin,
    does not), else along its slope of before. The next x is where the first line is 0, on the far side of it by turns; in
    strides while there is no line; and the middle of the bracket where no line leads into it or three steps did not halve it.
    `before` is what a search nearby found, `stride` how far to go where what failed there tells nothing.
    """
    points: list[Point] = []
    a = b = None
    x = min(max(start, low), high)
    stride = FIRST * max(abs(start), low) if stride is None else stride
    widths: list[float] = []
    alike = 0  # steps in a row that ended as the last one did
    passed = None
    for _ in range(STEPS):
        found = margins(x)
        points.append((x, found))
        alike = alike + 1 if passed is (min(found) >= 0.0) else 0
        passed = min(found) >= 0.0
        a, b = (x, b) if passed else (a, x)
        if (a is not None and a >= high) or (b is not None and b <= low):
            break
        root = min(roots(points, before, b), default=None)
        beside = BESIDE * tolerance * FURTHER ** min(max(alike - 1, 0), MOST) * (1.0 if passed else -1.0)
        if a is None or b is None:
            idle = before is not None and passed and any(not tells(found[k]) for k in before.failing)
            if root is not None and (root + beside - x) * beside > 0.0 and (not idle or root < x + stride):
                x = root + beside
            else:
                x, stride = x + math.copysign(stride, beside), stride * FASTER
            x = min(max(x, low), high)
            continue
        if b - a <= tolerance:
            break
        widths.append(b - a)
        slow = len(widths) > SLACK and widths[-1] > 0.5 * widths[-1 - SLACK]
        if root is None or slow:
            x = 0.5 * (a + b)
            widths.clear()
        elif root < a:  # a line from what fails that ends below what passes: the answer is near the latter
            x = a + min(NEARBY * 10.0 ** (alike if passed else 0), 0.5) * (b - a)
        else:
            x = root + beside
        x = x if a + 0.1 * tolerance < x < b - 0.1 * tolerance else 0.5 * (a + b)
    known = before.slopes if before else [None] * len(points[-1][1])
    falls = [line[1] if line else old for line, old in zip(lines(points, b), known, strict=True)]
    at = next((found for x, found in points if x == b), ())
    return Found(a, b, falls, frozenset(k for k, m in enumerate(at) if m < 0.0))


def tells(margin: float) -> bool:
    """Whether a margin tells how near a failure is."""
    return math.isfinite(margin) and margin != 0.0


def lines(points: Sequence[Point], near: float | None) -> Iterator[tuple[float, float] | None]:
    """The line of each margin, its root and its slope, through its two points nearest to `near`, else the last; none where
    they do not tell one that falls."""
    latest = points[-1][0] if near is None else near
    ordered = sorted(points, key=lambda point: abs(point[0] - latest))
    for k in range(len(points[-1][1])):
        known = [(x, found[k]) for x, found in ordered if tells(found[k])][:2]
        if len(known) == 2 and known[0][0] != known[1][0]:
            (x0, m0), (x1, m1) = known
            slope = (m1 - m0) / (x1 - x0)
            if slope < 0.0 and abs(m1 - m0) > ROUNDING:
                yield x0 - m0 / slope, slope
                continue
        yield None


def roots(points: Sequence[Point], before: Found | None, fails: float | None) -> Iterator[float]:
    """Where each margin that fails at `fails`, each of all while nothing fails, is 0 by its line, or by its slope of before."""
    at = next((point for point in reversed(points) if point[0] == fails), points[-1])
    for k, line in enumerate(lines(points, fails)):
        m, slope = at[1][k], before.slopes[k] if before else None
        if fails is not None and m >= 0.0:
            continue
        if line:
            yield line[0]
        elif slope and tells(m):
            yield at[0] - m / slope
