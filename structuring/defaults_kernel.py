"""The kernel of correlated defaults: Philox, a table of the normal distribution, and inversion of who defaults."""

from __future__ import annotations

import math

import numba
import numpy as np

from structuring.draws import CENTRE, FAR_TAIL, M0, M1, NEAR_TAIL, W0, W1

MASK, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
KEY0, KEY1, CUT = np.uint64(W0), np.uint64(W1), np.uint64(11)
COEFFICIENTS = np.array([part for pair in (CENTRE, NEAR_TAIL, FAR_TAIL) for part in pair])
EDGE, STEPS = 9.0, 128.0


@numba.njit(inline="always")
def ratio(x, row, c):
    top, bottom = c[row, 0], c[row + 1, 0]
    for k in range(1, 8):
        top, bottom = top * x + c[row, k], bottom * x + c[row + 1, k]
    return top / bottom


@numba.njit
def quantile(p, c):
    """The standard normal quantile, AS 241."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * ratio(0.180625 - q * q, 0, c)
    tail = math.sqrt(-math.log(min(p, 1.0 - p)))
    far = ratio(tail - 1.6, 2, c) if tail <= 5.0 else ratio(tail - 5.0, 4, c)
    return math.copysign(far, q)


@numba.njit
def cdf(x, degrees):
    """The normal distribution function (`degrees` 0) or Student's t as a finite sum."""
    if degrees == 0:
        return 0.5 * math.erfc(-x * math.sqrt(0.5))
    theta = math.atan2(abs(x), math.sqrt(degrees))
    cos, sin, odd, total = math.cos(theta), math.sin(theta), degrees % 2, 0.0
    power = cos if odd else 1.0
    for k in range(odd, degrees - 1 + odd, 2):
        if degrees > 1:
            total += power
            power = power * cos * cos * ((k + 1) / (k + 2))
    inside = 2.0 / math.pi * (theta + sin * total) if odd else sin * total
    return 0.5 * (1.0 - inside) if x < 0.0 else 0.5 * (1.0 + inside)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def fill(
    years, seed, first, stream, common, scale, sector, threshold, rest, degrees, bounds, reached, rates, table
):  # fmt: skip
    """Fills years (S, N), infinite before, with the years to each default; the draws are those of `Draws.uniform`.

    `table` holds the normal distribution in units of 2^-53, rounded up: a draw beyond the next entry is no default.
    """
    count, size = years.shape
    blocks = (size + 1) // 2
    one, two = np.empty(blocks, np.int64), np.empty(blocks, np.int64)
    edge, limit, hit = np.zeros(2 * blocks), np.full(2 * blocks, -1), np.empty(2 * blocks, np.int64)
    c, last, inverse = COEFFICIENTS, len(table) - 2, 1.0 / rest
    for s in range(count):
        path = first + np.uint64(s)
        low, high = path & MASK, path >> HALF
        for b in range(blocks):
            c0, c1, c2, c3 = np.uint64(b), low, high, stream
            k0, k1 = seed & MASK, seed >> HALF
            for _ in range(10):
                p0, p1 = (c0 & MASK) * M0, (c2 & MASK) * M1
                c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & MASK, (p0 >> HALF) ^ c3 ^ k1, p0 & MASK
                k0, k1 = (k0 + KEY0) & MASK, (k1 + KEY1) & MASK
            one[b] = np.int64((c0 << HALF | c1) >> CUT)
            two[b] = np.int64((c2 << HALF | c3) >> CUT)
        for i in range(size):
            edge[i] = (threshold[i] * scale[s] - common[s, sector[i]]) * inverse
            limit[i] = table[int(min(max((edge[i] + EDGE) * STEPS, 0.0), float(last))) + 1]
        hits = 0
        for b in range(blocks):
            hit[hits] = 2 * b
            hits += one[b] < limit[2 * b]
            hit[hits] = 2 * b + 1
            hits += two[b] < limit[2 * b + 1]
        for h in range(hits):
            i = hit[h]
            word = two[i >> 1] if i & 1 else one[i >> 1]
            e = quantile((np.float64(word) + 0.5) * 2.0**-53, c)
            if e >= edge[i]:
                continue
            shared = common[s, sector[i]]
            hazard = -math.log1p(-cdf((shared + rest * e) / scale[s], degrees))
            step = 0
            while step + 1 < bounds.shape[1] and reached[i, step + 1] <= hazard:
                step += 1
            if rates[i, step] > 0.0:
                years[s, i] = bounds[i, step] + (hazard - reached[i, step]) / rates[i, step]
