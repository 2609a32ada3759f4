"""Internal rates of return: every one there is, told apart from there being several or none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

LOW, HIGH = (
    math.log(1e-6),
    math.log(1e6),
)  # continuous rates: a millionth of the money left after a year, or a million times it
DUST = 1e-12  # of the largest amount: less is rounding, which has no sign


def all_irr(amounts: Sequence[float] | np.ndarray, years: Sequence[float] | np.ndarray) -> list[float]:
    """Every annual rate r > -1 with sum_j a_j (1 + r)^(-t_j) = 0, in rising order; amounts (J,), years (J,) from the start.

    What is paid in is negative. With x = ln(1 + r) and f(x) = sum a_j exp(-x t_j), the derivative of f(x) exp(x c) has the
    amounts a_j (c - t_j): for c at a change of sign it has one change fewer, and between two of its roots f exp(x c) is
    monotone and has one root at most. So all are found, by halving, to the last bit. Rates beyond 1e6 are not looked for.
    Source: the rule of signs for exponential sums, Polya and Szego, Problems and Theorems in Analysis II, part V, 77.
    """
    a, t = np.asarray(amounts, dtype=np.float64), np.asarray(years, dtype=np.float64)
    a, t = a[order := np.argsort(t, kind="stable")], t[order]
    kept = np.abs(a) > DUST * np.abs(a).max(initial=0.0)
    return [math.expm1(x) for x in roots(a[kept], t[kept])]


def irr(amounts: Sequence[float] | np.ndarray, years: Sequence[float] | np.ndarray) -> float:
    """The one internal rate of return, annual; NaN where there is none and where there are several."""
    found = all_irr(amounts, years)
    return found[0] if len(found) == 1 else math.nan


def roots(a: np.ndarray, t: np.ndarray) -> list[float]:
    """The x in [LOW, HIGH] at which sum a_j exp(-x t_j) is 0, in rising order."""
    changes = np.flatnonzero(np.sign(a[1:]) != np.sign(a[:-1]))
    if not len(changes):
        return []
    c = (t[changes[0]] + t[changes[0] + 1]) / 2.0
    if t[changes[0]] == t[changes[0] + 1]:  # of one day: they are one amount
        keys, where = np.unique(t, return_inverse=True)
        sums = np.bincount(where, weights=a)
        return roots(sums[sums != 0.0], keys[sums != 0.0])

    def value(x: float) -> float:
        exponents = x * (c - t)
        return float(a @ np.exp(exponents - exponents.max()))

    edges = [LOW, *roots(a * (c - t), t), HIGH]
    found = (between(value, low, high) for low, high in itertools.pairwise(edges))
    return [x for x in found if x is not None]


def between(value: Callable[[float], float], low: float, high: float) -> float | None:
    """The root of a monotone function between two points, by halving; none where it has one sign at both."""
    start = value(low)
    if start == 0.0 or start * value(high) >= 0.0:
        return None
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if value(middle) * start > 0.0 else (low, middle)
    return low


def said(amounts: Sequence[float] | np.ndarray, years: Sequence[float] | np.ndarray) -> str:
    """An internal rate of return in words: none, one, or all of several."""
    found = all_irr(amounts, years)
    if not found:
        return "none: what is paid in and what comes back never balance"
    rates = ", ".join(f"{100.0 * rate:.2f} %" for rate in found)
    return rates if len(found) == 1 else f"several, so none: {rates}"
