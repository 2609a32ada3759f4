"""Discount factors of every day out of readings on few: curves are smooth between their nodes, wherever these are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import numpy as np

WIDEST = 512  # days of a piece; it is read on every eighth part of it
GRADE = 4  # a piece is no wider than this part of the way out to it, so that a short tenor's move is seen
SAME = 1e-14  # two logarithms this near (relative, where above 1) are one: what rounding leaves of a discount factor


def daily_logs(logs_on: Callable[[np.ndarray], np.ndarray], last: int, nodes: Iterable[int] = ()) -> np.ndarray:
    """ln D (last + 1,) of every day from 0, where it is 0, to `last`, of which `logs_on` reads the days it is given.

    On a piece of `width` days ln D is taken for the quartic through its readings at 0, 1/4, ... 1 of it where those at
    1/8, 3/8, 5/8, 7/8 lie on it, to `SAME`; else the piece is halved, and at 8 days every day is read. Log-linear and
    flat forward curves, zero rates that are linear or cubic, log-cubic factors: all are at most quartics in time between
    two nodes, so a piece that fails holds a node; where days do not pass evenly (Actual/Actual, 30/360) it is halved
    until they do. What differs from such a curve only between two neighbouring readings would not be seen: these are
    1/32 of the way out apart, at most 64 days, and 1 day in the first two months. Known `nodes` are read as well.
    Error of ln D: a few `SAME`.
    """
    found, known = np.zeros(last + 1), np.zeros(last + 1, bool)
    known[0] = True

    def read(days: np.ndarray) -> None:
        new = np.unique(days[~known[days]])
        found[new] = logs_on(new)
        known[new] = True

    read(np.array([day for day in nodes if 0 < day <= last], np.int64))
    width, refused = WIDEST, np.zeros(0, np.int64)
    while width > 8:
        reach = last if width == WIDEST else min(last, 2 * GRADE * width)
        starts = np.minimum(np.arange(GRADE * width, reach, width), last - width)
        starts = np.concatenate([starts, refused, refused + width])
        read(starts[:, None] + np.arange(0, width + 1, width // 8))
        days = starts[:, None] + np.arange(width + 1)
        there, is_read = found[days], known[days]
        made = there[:, :: width // 4] @ quartic(width)
        off = np.abs(made - there) > SAME * np.maximum(1.0, np.abs(there))
        wrong = (off & is_read).any(axis=1)
        good = days[~wrong]
        found[good] = np.where(is_read[~wrong], there[~wrong], made[~wrong])
        width //= 2
        refused = starts[wrong]
    small = np.concatenate([refused, refused + width])[:, None] + np.arange(width + 1)
    read(np.concatenate([small.ravel(), np.arange(min(last, 2 * GRADE * width) + 1)]))
    return found


@functools.cache
def quartic(width: int) -> np.ndarray:
    """Lagrange's weights (5, width + 1) of values at 0, 1/4, ... 1 of a piece, on each of its days."""
    nodes, at = np.arange(5.0), np.linspace(0.0, 4.0, width + 1)
    weights = [np.prod([(at - b) / (a - b) for b in nodes if b != a], axis=0) for a in nodes]
    return np.stack(weights)
