"""Finds the yields or spreads at which cash flows are worth given values, for many at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pricing.valuation.discounting import Discounting, blocks, product

Priced = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]  # rates -> values, first and second slopes

STEPS = 60
ENOUGH = 2e-6  # a step of Halley's this small leaves an error of its cube
LOWEST, HIGHEST = -1.0, 50.0  # a continuous rate outside these is no answer where cash flows change sign
GRID = np.concatenate([np.linspace(LOWEST, 1.0, 101), np.geomspace(1.05, HIGHEST, 40)])
NODES = np.array([-0.05, 0.0, 0.04, 0.08, 0.13, 0.2, 0.3, 0.5])  # rates at which a solve looks first


def rates_for(amounts: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The continuous rates x (R, K) at which amounts (R, J), paid at `times` (J,), are worth `targets` (R, K).

    sum_j a_j exp(-x t_j) = v. Where no amount is negative, by Halley's method on ln v, from a guess that matrix products
    at a few rates give; otherwise from 0, and where that does not settle by bisection, to the root nearest 0. A commitment
    that is still drawn may be worth 0 or less, as a delayed-draw loan quoted at par is: its rate is above 0. NaN where no
    rate gives a target.
    """
    found, discounting = np.empty(targets.shape), Discounting(times)
    least, most = (edge(amounts, axis=1, keepdims=True, initial=0.0) for edge in (np.min, np.max))
    payable = (most > 0.0) & (targets > 0.0)
    wanted = np.where(payable, targets, np.nan)
    columns = (np.exp(-NODES[:, None, None] * times[:, None]) * discounting.powers).transpose(1, 0, 2)
    moments = product(amounts, columns.reshape(len(times), -1)).reshape(len(amounts), len(NODES), 3)
    start = np.where(least < 0.0, 0.0, guessed(moments, wanted))
    for part, a in blocks(amounts, targets.shape[1]):

        def priced(x: np.ndarray, a: np.ndarray = a) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            value, first, second = discounting.moments(a, x)
            return value, -first, second

        found[part] = root(priced, wanted[part], start[part])
    # more comes back than it costs: else two rates solve, and none is a yield
    returned = amounts.sum(axis=1, keepdims=True) > targets
    below = (least < 0.0) & (targets <= 0.0) & returned & (most > 0.0)
    rows = np.flatnonzero(below.any(axis=1))
    if len(rows):
        # paid at time 0 and added to the target: the same rate
        at_once = np.abs(amounts[rows]).sum(axis=1, keepdims=True)
        lifted = np.where(below[rows], targets[rows] + at_once, np.nan)
        again = rates_for(np.hstack([at_once, amounts[rows]]), np.concatenate([[0.0], times]), lifted)
        found[rows] = np.where(below[rows], again, found[rows])
    return found


def guessed(moments: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rates (R, K) near those that give the targets, from the moments (R, nodes, 3) at `NODES`; 0 outside them.

    x as a function of u = ln v between two nodes, by the polynomial of fifth degree that has its value and two slopes at
    both: x' = -1 / D, x'' = Var / D^3, with D the mean and Var the variance of time under the discounted amounts.
    """
    with np.errstate(all="ignore"):
        u = np.log(moments[:, :, 0])
        mean = moments[:, :, 1] / moments[:, :, 0]
        bend = (moments[:, :, 2] / moments[:, :, 0] - mean * mean) / mean**3
        wanted = np.log(targets)
        right = (u[:, None, :] > wanted[:, :, None]).sum(axis=2)  # u falls: the first node at or below the target
        inside = (right > 0) & (right < len(NODES))
        b = np.clip(right, 1, len(NODES) - 1)
        a, rows = b - 1, np.arange(len(u))[:, None]
        width = u[rows, b] - u[rows, a]
        s = (wanted - u[rows, a]) / width
        start, end = NODES[a], NODES[b]
        d0, d1 = -width / mean[rows, a], -width / mean[rows, b]
        c0, c1 = width * width * bend[rows, a], width * width * bend[rows, b]
        rise = end - start
        third = 10.0 * rise - 6.0 * d0 - 4.0 * d1 - 1.5 * c0 + 0.5 * c1
        fourth = -15.0 * rise + 8.0 * d0 + 7.0 * d1 + 1.5 * c0 - c1
        fifth = 6.0 * rise - 3.0 * (d0 + d1) - 0.5 * (c0 - c1)
        x = start + s * (d0 + s * (0.5 * c0 + s * (third + s * (fourth + s * fifth))))
        return np.where(inside & np.isfinite(x), x, 0.0)


def root(priced: Priced, targets: np.ndarray, start: np.ndarray | float = 0.0) -> np.ndarray:
    """The rates at which `priced` gives the targets, each by itself: what stands beside it does not change its bits.

    Halley on f = ln v - ln target, x' = x - n / (1 - n f'' / 2f') with n = f / f', or Newton, x' = x - n, where that is
    no better; where neither settles, bisection between the points of a grid nearest to 0 that enclose the target. NaN
    where none do, and where the target is NaN.
    """
    x = np.array(np.broadcast_to(start, targets.shape), dtype=np.float64)
    settled = np.isnan(targets)
    known = ~settled
    with np.errstate(all="ignore"):
        logs = np.log(targets)
        for _ in range(STEPS):
            some = columns(~settled)  # few wander longer than the rest, and no more than these are priced
            if not len(some):
                break
            here = x[..., some]
            value, slope, curve = priced(here)
            slope = slope / value
            newton = (np.log(value) - logs[..., some]) / slope
            halley = 1.0 - 0.5 * newton * (curve / value - slope * slope) / slope
            step = np.where(halley > 0.5, newton / halley, newton)
            moved = np.where(settled[..., some], here, here - step)
            x[..., some] = moved
            settled[..., some] |= np.abs(step) <= ENOUGH * (1.0 + np.abs(moved))
        x = np.where(known & settled & np.isfinite(x), x, np.nan)
        lost = known & np.isnan(x)
        some = columns(lost)
        if len(some):
            found = bisected(priced, np.where(lost, targets, np.nan)[..., some])
            x[..., some] = np.where(lost[..., some], found, x[..., some])
    return x


def columns(cells: np.ndarray) -> np.ndarray:
    """The positions on the last axis at which any cell is true."""
    return np.flatnonzero(cells.reshape(-1, cells.shape[-1]).any(axis=0))


def bisected(priced: Priced, targets: np.ndarray) -> np.ndarray:
    """The root nearest 0 between two neighbours of `GRID`, halved 60 times."""
    values = priced(np.broadcast_to(GRID, (*targets.shape[:-1], len(GRID))))[0]
    signs = np.sign(values[..., None] - targets[..., None, :])  # (..., grid, target)
    around = signs[..., :-1, :] * signs[..., 1:, :] <= 0.0
    nearest = np.where(around, np.abs(GRID[:-1] + GRID[1:])[:, None], np.inf).argmin(axis=-2)
    enclosed = around.any(axis=-2)
    low, high = (np.where(enclosed, GRID[nearest + side], np.nan) for side in (0, 1))
    falling = priced(low)[0] >= targets
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = priced(middle)[0] >= targets
        low, high = np.where(above == falling, middle, low), np.where(above == falling, high, middle)
    return 0.5 * (low + high)
