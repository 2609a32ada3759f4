"""The smallest joint move of assumptions after which something holds: what would have to be true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pricing.contagion.closed_loop.assumptions import Assumed

STEP = 0.05  # of the way to an end, by which slopes are taken
CLOSE = 1e-3  # of a distance, to which a boundary is found, and by which a better direction has to be better
TURNS = 8  # directions followed at most
MOVED = 12  # assumptions that are moved, those that do most alone


@dataclasses.dataclass(frozen=True, eq=False)
class Move:
    """What would have to be true for a measure to reach a level.

    distance  root of the sum of squares of `parts`, where 1 is one assumption moved all the way to an end of its range;
              infinite where the level is not reached anywhere that was looked
    parts     by assumption, largest first: -1 at its low, 0 as taken, 1 at its high
    values    the same as values
    taken, reached   the measure as taken, and there
    """

    question: str
    level: float
    taken: float
    reached: float
    distance: float
    parts: Mapping[str, float]
    values: Mapping[str, float]

    @property
    def found(self) -> bool:
        return bool(np.isfinite(self.distance))


def value_at(one: Assumed, part: float) -> float:
    """An assumption that is a part of the way from what is taken to its high (above 0) or its low (below)."""
    return one.value + part * ((one.high - one.value) if part > 0.0 else (one.value - one.low))


def smallest_move(
    question: str,
    level: float,
    measure: Callable[[Mapping[str, float]], float],
    terms: Mapping[str, Assumed],
    taken: float,
    ends: Mapping[str, tuple[float, float]],
) -> Move:
    """Moves the assumptions that raise a measure most when alone at an end: `ends` are the measure at low and at high."""
    gains = {name: max(each) - taken for name, each in ends.items()}
    names = sorted((name for name in gains if gains[name] > 0.0), key=lambda name: -gains[name])[:MOVED]
    start = np.array([gains[name] * (1.0 if ends[name][1] >= ends[name][0] else -1.0) for name in names])

    def at(u: np.ndarray) -> float:
        return measure({name: value_at(terms[name], part) for name, part in zip(names, u.tolist(), strict=True)})

    u, reached = nearest(at, level, start, taken)
    order = sorted(range(len(names)), key=lambda p: -abs(u[p]))
    parts = {names[p]: float(u[p]) for p in order if abs(u[p]) >= STEP / 5.0}
    distance = float(np.linalg.norm(u)) if reached >= level else np.inf
    return Move(
        question, level, taken, reached, distance, parts, {name: value_at(terms[name], x) for name, x in parts.items()}
    )


def nearest(
    measure: Callable[[np.ndarray], float], level: float, gains: Sequence[float] | np.ndarray, taken: float
) -> tuple[np.ndarray, float]:
    """The point u nearest to 0 in the box -1 <= u <= 1 with measure(u) >= level, and the measure there; where the level is
    not reached, the end of the box towards which all `gains` point.

    The first-order reliability method (Hasofer and Lind 1974; Rackwitz and Fiessler 1978): from `gains`, the slopes that the
    ends of the box suggest, the boundary is found along a direction by halving; there slopes are taken anew, and the next
    direction is theirs, or lies between where that is no shorter, until none is. The nearest in one valley: a second, separate one would not be seen.
    """
    direction = np.asarray(gains, dtype=np.float64)
    corner = np.sign(direction)
    if taken >= level or not direction.any():
        return np.zeros(len(direction)), taken
    reached = measure(corner)
    if reached < level:
        return corner, reached
    start = boundary(measure, direction, level) or boundary(measure, corner, level)
    if start is None:
        return corner, reached
    best, reached = start
    towards, part = slopes(measure, best, reached), 1.0
    for _ in range(TURNS):
        if not towards.any() or part < 0.2:
            break
        along = best / np.linalg.norm(best)
        turned = along + part * (towards / np.linalg.norm(towards) - along)
        there = boundary(measure, turned, level)
        if there is None or np.linalg.norm(there[0]) >= (1.0 - CLOSE) * np.linalg.norm(best):
            part *= 0.5  # the boundary bends: turn by less
            continue
        best, reached = there
        towards, part = slopes(measure, best, reached), 1.0
    return best, reached


def boundary(
    measure: Callable[[np.ndarray], float], direction: np.ndarray, level: float
) -> tuple[np.ndarray, float] | None:
    """Where the level is first reached along a direction, held in the box; None where it is not."""

    def point(r: float) -> np.ndarray:
        return np.clip(r * direction, -1.0, 1.0)

    direction = direction / np.linalg.norm(direction)
    low, high = 0.0, 0.25
    while (found := measure(point(high))) < level:
        if (np.abs(point(high)) >= 1.0)[direction != 0.0].all() or high > 64.0:
            return None
        low, high = high, 2.0 * high
    while high - low > CLOSE * high:
        middle = 0.5 * (low + high)
        there = measure(point(middle))
        if there >= level:
            high, found = middle, there
        else:
            low = middle
    return point(high), found


def slopes(measure: Callable[[np.ndarray], float], u: np.ndarray, there: float) -> np.ndarray:
    """Slopes of a measure at a point, taken to the outside; where 0 is a kink, to the side that raises it."""
    found = np.zeros(len(u))
    for p in range(len(u)):
        sides = (1.0, -1.0) if abs(u[p]) < 1e-9 else (float(np.sign(u[p])),)
        for side in sides:
            step = side * STEP if abs(u[p] + side * STEP) <= 1.0 else -side * STEP
            moved = u.copy()
            moved[p] += step
            slope = (measure(moved) - there) / step
            if slope * side > abs(found[p]):
                found[p] = slope
    return found
