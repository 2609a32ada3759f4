"""Discounted sums of many cash flows at once, by blocks, so that the result of a row depends on that row alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ROWS = 8  # cash flows a product: always as many, so that a row's bits do not depend on how many stand beside it
SERIAL = 2**18  # multiplications a product: what BLAS does in one thread and a core's cache holds
ROOM = 2**16  # numbers that a block works on: what a core's cache holds
REGULAR = 1e-13  # of the last time: times this near to a regular grid stand on it


def product(cash: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sum_j cash[s, j] weights[j, k] (S, K): every row under every column as one matrix product, in blocks of rows."""
    scenarios, dates = cash.shape
    if scenarios % ROWS:
        padded = np.zeros((-(-scenarios // ROWS) * ROWS, dates))
        padded[:scenarios] = cash
        cash = padded
    rows, columns, width = cash.reshape(-1, ROWS, dates), weights.shape[1], max(1, SERIAL // (ROWS * max(dates, 1)))
    found = np.empty((len(rows), ROWS, columns))
    for start in range(0, columns, width):
        part = slice(start, start + width)
        np.matmul(rows, weights[:, part], out=found[:, :, part])
    return found.reshape(-1, columns)[:scenarios]


class Discounting:
    """exp(-x t_j) for rates x and the `times` t (J,), with as few exponentials as the times allow.

    On a regular grid t_j = t_0 + h (W a + b) it is exp(-x (t_0 + h W a)) exp(-x h b): J / W + W exponentials, not J.
    """

    def __init__(self, times: np.ndarray) -> None:
        self.times, count = times, len(times)
        self.powers = np.stack([np.ones(count), times, times * times], axis=1)
        step = (times[-1] - times[0]) / (count - 1) if count > 1 else 0.0
        even = times[0] + step * np.arange(count) if count else times
        self.width = 0
        if count >= 32 and np.abs(times - even).max() <= REGULAR * abs(times[-1]):
            self.width = int(
                2 ** np.round(np.log2(np.sqrt(2.0 * count)))
            )  # long inner runs are cheaper than exponentials
            self.coarse, self.fine = even[:: self.width], step * np.arange(self.width)

    def factors(self, rates: np.ndarray) -> np.ndarray:
        """exp(-x t) (*shape of rates, J)."""
        if not self.width:
            found = rates[..., None] * -self.times
            return np.exp(found, out=found)
        coarse, fine = np.exp(rates[..., None] * -self.coarse), np.exp(rates[..., None] * -self.fine)
        return (coarse[..., None] * fine[..., None, :]).reshape(*rates.shape, -1)[..., : len(self.times)]

    def moments(self, amounts: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """sum_j a_j t_j^p exp(-x t_j) (R, K), p = 0, 1, 2, of amounts (R, J) at rates (R, K)."""
        terms = np.multiply(self.factors(rates), amounts[:, None])
        found = product(terms.reshape(-1, terms.shape[2]), self.powers).reshape(*rates.shape, 3)
        return found[..., 0], found[..., 1], found[..., 2]


def weighted(amounts: np.ndarray, times: np.ndarray, rates: np.ndarray, power: int) -> np.ndarray:
    """sum_j a_j t_j^power exp(-x t_j) (R, K) of amounts (R, J) at `times` (J,) and continuous rates x (R, K)."""
    found, discounting = np.empty(rates.shape), Discounting(times)
    for part, a in blocks(amounts, rates.shape[1]):
        found[part] = np.vecdot(discounting.factors(rates[part]), (a * times**power)[:, None])
    return found


def blocks(amounts: np.ndarray, count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of amounts (r, J) that fit a cache when each meets `count` rates; r is a multiple of `ROWS` where that fits."""
    rows, steps = amounts.shape
    height = max(1, ROOM // max(steps * count, 1))
    height -= height % ROWS if height > ROWS else 0
    for start in range(0, rows, height):
        part = slice(start, start + height)
        yield part, amounts[part]
