"""Rates that give values: spreads and yields for many cash flows at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

Priced = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # rates -> values and their slopes, both of one shape

STEPS = 60
ENOUGH = 1e-9  # a step of Newton's this small leaves an error of its square
LOWEST, HIGHEST = -1.0, 50.0  # a continuous rate outside these is no answer where cash flows change sign
GRID = np.concatenate([np.linspace(LOWEST, 1.0, 101), np.geomspace(1.05, HIGHEST, 40)])
ROOM = 2**16  # numbers that a block works on: what a core's cache holds


def rates_for(amounts: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The continuous rates x (R, K) at which amounts (R, J), paid at `times` (J,), are worth `targets` (R, K).

    sum_j a_j exp(-x t_j) = v, by Newton's method on ln v, which converges from anywhere where no amount is negative;
    otherwise by bisection, to the root nearest 0. NaN where the target is not above 0 or no rate gives it.
    """
    found = np.empty(targets.shape)
    for part, a in blocks(amounts, targets.shape[1]):
        terms = np.empty((len(a), targets.shape[1], amounts.shape[1]))
        weighted = a * times

        def priced(
            x: np.ndarray, terms: np.ndarray = terms, a: np.ndarray = a, weighted: np.ndarray = weighted
        ) -> tuple[np.ndarray, np.ndarray]:
            np.multiply(x[:, :, None], -times, out=terms)
            np.exp(terms, out=terms)
            return np.vecdot(terms, a[:, None]), -np.vecdot(terms, weighted[:, None])

        payable = np.any(a > 0.0, axis=1, keepdims=True) & (targets[part] > 0.0)
        found[part] = root(priced, np.where(payable, targets[part], np.nan))
    return found


def weighted(amounts: np.ndarray, times: np.ndarray, rates: np.ndarray, power: int) -> np.ndarray:
    """sum_j a_j t_j^power exp(-x t_j) (R, K) of amounts (R, J) at `times` (J,) and continuous rates x (R, K)."""
    found = np.empty(rates.shape)
    for part, a in blocks(amounts, rates.shape[1]):
        found[part] = np.vecdot(np.exp(-rates[part][:, :, None] * times), (a * times**power)[:, None])
    return found


def blocks(amounts: np.ndarray, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of amounts (r, J) that fit a cache when each meets `count` rates."""
    rows, steps = amounts.shape
    height = max(1, ROOM // max(steps * count, 1))
    for start in range(0, rows, height):
        part = slice(start, start + height)
        yield part, amounts[part]


def root(priced: Priced, targets: np.ndarray) -> np.ndarray:
    """The rates at which `priced` gives the targets, each by itself: what stands beside it does not change its bits.

    Newton on the logarithm, x' = x - (ln v - ln target) v / v'; where that does not settle, bisection between the
    points of a grid nearest to 0 that enclose the target. NaN where none do, and where the target is NaN.
    """
    x = np.zeros(targets.shape)
    settled = np.isnan(targets)
    known = ~settled
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            value, slope = priced(x)
            step = (np.log(value) - np.log(targets)) * value / slope
            x = np.where(settled, x, x - step)
            settled |= np.abs(step) <= ENOUGH * (1.0 + np.abs(x))
            if settled.all():
                break
        x = np.where(known & settled & np.isfinite(x), x, np.nan)
        lost = known & np.isnan(x)
        return np.where(lost, bisected(priced, np.where(lost, targets, np.nan)), x) if lost.any() else x


def bisected(priced: Priced, targets: np.ndarray) -> np.ndarray:
    """The root nearest 0 between two neighbours of `GRID`, halved 60 times."""
    low, high = np.full(targets.shape, np.nan), np.full(targets.shape, np.nan)
    before = priced(np.full(targets.shape, GRID[0]))[0] - targets
    for a, b in itertools.pairwise(GRID):
        after = priced(np.full(targets.shape, b))[0] - targets
        better = (np.sign(before) * np.sign(after) <= 0.0) & ~(np.abs(low + high) <= abs(a + b))
        low, high = np.where(better, a, low), np.where(better, b, high)
        before = after
    falling = priced(low)[0] >= targets
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = priced(middle)[0] >= targets
        low, high = np.where(above == falling, middle, low), np.where(above == falling, high, middle)
    return 0.5 * (low + high)
