"""The compiled loop that draws correlated default times."""

from __future__ import annotations

import math

import numba
import numpy as np

from structuring.simulation.random_numbers import M0, M1, W0, W1
from waterfalls.engines.compiled import compiled

MASK, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
KEY0, KEY1 = np.uint64(W0), np.uint64(W1)
HALFWAY, TOP = 1 << 31, (1 << 32) - 1
FIRST, LOWER = 1023 << 6, (1 << 46) - 1  # of the bits of 1.0; the bits below the 64 parts of an octave
EDGE, STEPS = 9.0, 128.0


@numba.njit(inline="always")
def hermite(t, row):
    """The cubic through (y0, y1) with the slopes (d0, d1) a step: row = y0, d0, y1, d1."""
    y0, d0, y1, d1 = row[0], row[1], row[2], row[3]
    return y0 + t * (d0 + t * (3.0 * (y1 - y0) - 2.0 * d0 - d1 + t * (2.0 * (y0 - y1) + d0 + d1)))


@numba.njit(inline="always")
def quantile(word, table):
    """The standard normal quantile of (word + 1/2) / 2^32: cubics over 64 parts of every octave, to 1e-9."""
    upper = word >= HALFWAY
    odd = 2 * (TOP - word if upper else word) + 1  # the tail's probability in units of 2^-33
    bits = np.float64(odd).view(np.int64)
    part = (bits >> 46) - FIRST
    found = hermite(np.float64(bits & LOWER) * 2.0**-46, table[part])
    return -found if upper else found


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


@numba.njit(inline="always")
def cumulative(x, degrees, hazards):
    """-log(1 - F(x)): of the normal between -9 and 8 by cubics, to 1e-8 of itself."""
    if degrees != 0 or not -EDGE < x < EDGE - 1.0:
        return -math.log1p(-cdf(x, degrees))
    place = (x + EDGE) * STEPS
    k = int(place)
    return hermite(place - k, hazards[k])


@compiled
def fill(
    years, seed, first, stream, common, scale, sector, threshold, rest, horizon, degrees, bounds, reached, rates, table,
    hazards, quantiles,
):  # fmt: skip
    """Fills years (S, N), infinite before, with the years to each default; the draws are those of `Draws.uniform32`.

    `table` holds the normal distribution in units of 2^-32, rounded up: a draw beyond the next entry is no default.
    `hazards` and `quantiles` hold the cubics by which who defaults is inverted.
    """
    count, size = years.shape
    blocks = (size + 3) // 4
    words, hit = np.empty((4, blocks), np.int64), np.empty(4 * blocks, np.int64)
    flat = words.reshape(-1)
    last, inverse, highest = float(len(table) - 2), 1.0 / rest, threshold.max()
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
            words[0, b], words[1, b] = np.int64(c0), np.int64(c1)
            words[2, b], words[3, b] = np.int64(c2), np.int64(c3)
        worst = (highest * scale[s] - common[s].min()) * inverse  # nobody fails above this
        bound = table[int(min(max((worst + EDGE) * STEPS, 0.0), last)) + 1]
        hits = 0
        for j in range(4 * blocks):
            hit[hits] = j
            hits += flat[j] < bound
        for h in range(hits):
            row = hit[h] // blocks
            b = hit[h] - row * blocks
            i = 4 * b + row
            if i >= size:
                continue
            edge = (threshold[i] * scale[s] - common[s, sector[i]]) * inverse
            if words[row, b] >= table[int(min(max((edge + EDGE) * STEPS, 0.0), last)) + 1]:
                continue
            e = quantile(words[row, b], quantiles)
            if e >= edge:
                continue
            hazard = cumulative((common[s, sector[i]] + rest * e) / scale[s], degrees, hazards)
            step = 0
            while step + 1 < bounds.shape[1] and reached[i, step + 1] <= hazard:
                step += 1
            if rates[i, step] > 0.0:
                years[s, i] = min(bounds[i, step] + (hazard - reached[i, step]) / rates[i, step], horizon)
