"""Sobol points: low-discrepancy numbers for the common factors, the same for a path whatever the chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from structuring.simulation.normal_distribution import inverse_normal
from structuring.simulation.random_numbers import LOW, philox
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    from structuring.simulation.random_numbers import Draws

# Degree and coefficients of the primitive polynomial and the first direction numbers, from the second dimension on.
# Source: Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections" (2008), new-joe-kuo-6.
PRIMITIVE = (
    (1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)), (4, 1, (1, 1, 3, 3)), (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)), (5, 4, (1, 1, 5, 5, 5)), (5, 7, (1, 1, 7, 11, 19)), (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)), (5, 14, (1, 3, 5, 5, 31)), (6, 1, (1, 3, 3, 9, 7, 49)), (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)), (6, 19, (1, 1, 1, 15, 7, 5)), (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)), (7, 1, (1, 3, 7, 11, 23, 15, 103)), (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)  # fmt: skip
DIMENSIONS = len(PRIMITIVE) + 1
BITS = 32
SHIFT = 0xFFFFFFFF  # the counter word that keeps the shift apart from every path


def directions(size: int) -> np.ndarray:
    """Direction numbers (size, 32) as uint64: v_k of dimension j stands for bit k of the point's number."""
    if not 1 <= size <= DIMENSIONS:
        raise InvalidTerms(f"Sobol points have 1 to {DIMENSIONS} dimensions, got {size}")
    table = np.zeros((size, BITS), dtype=np.uint64)
    table[0] = [1 << (BITS - 1 - k) for k in range(BITS)]
    for j, (degree, coefficients, first) in enumerate(PRIMITIVE[: size - 1], 1):
        v = [m << (BITS - 1 - k) for k, m in enumerate(first)]
        for k in range(degree, BITS):
            value = v[k - degree] ^ (v[k - degree] >> degree)
            for q in range(1, degree):
                value ^= v[k - q] * (coefficients >> (degree - 1 - q) & 1)
            v.append(value)
        table[j] = v
    return table


def integers(first: int, count: int, size: int) -> np.ndarray:
    """Points `first` to `first` + `count` of the sequence as 32-bit integers (count, size), in Gray-code order."""
    number = np.arange(first, first + count, dtype=np.uint64)
    gray, found, table = number ^ (number >> np.uint64(1)), np.zeros((count, size), dtype=np.uint64), directions(size)
    for k in range(max(int(first + count - 1).bit_length(), 1)):
        found ^= (gray >> np.uint64(k) & np.uint64(1))[:, None] * table[None, :, k]
    return found


def uniform(draws: Draws, size: int, *, stream: int = 0) -> np.ndarray:
    """Uniforms (count, size) on (0, 1): the Sobol point of each path's number, all shifted alike by seed and stream.

    x = ((point xor shift) + 1/2) / 2^32. The random digital shift keeps the points even and every one of them uniform,
    so that means over paths are unbiased; points are not independent, so the usual standard error overstates. Use
    2^k paths from the first. Source: Owen, "Monte Carlo variance of scrambled net quadrature" (1997).
    """
    if draws.first + draws.count > 1 << BITS:
        raise InvalidTerms(f"Sobol points are {1 << BITS:,} at most, got path {draws.first + draws.count:,}")
    dimension = np.arange(size, dtype=np.uint64)
    zeros = np.zeros(size, dtype=np.uint64)
    shift = philox((dimension, zeros, zeros + np.uint64(SHIFT), zeros + np.uint64(stream)), draws.seed)[0]
    return ((integers(draws.first, draws.count, size) ^ shift) & LOW).astype(np.float64) * 2.0**-BITS + 2.0 ** (
        -BITS - 1
    )


def normal(draws: Draws, size: int, *, stream: int = 0) -> np.ndarray:
    """Standard normals (count, size) by inversion of `uniform`."""
    return inverse_normal(uniform(draws, size, stream=stream))
