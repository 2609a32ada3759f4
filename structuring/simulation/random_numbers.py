"""Keyed random numbers for paths: they depend on the seed, the path and the position alone."""

from __future__ import annotations

import dataclasses

import numpy as np

from structuring.simulation.normal_distribution import inverse_normal

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = 0x9E3779B9, 0xBB67AE85
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
WORD = 0xFFFFFFFF


def philox(counter: tuple[np.ndarray, ...], seed: int) -> tuple[np.ndarray, ...]:
    """Philox4x32-10: four words of 32 bits (as uint64 arrays) from four counter words and a 64-bit seed.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = seed & WORD, seed >> 32 & WORD
    for _ in range(10):
        p0, p1 = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ np.uint64(k0), p1 & LOW, (p0 >> HALF) ^ c3 ^ np.uint64(k1), p0 & LOW
        k0, k1 = (k0 + W0) & WORD, (k1 + W1) & WORD
    return c0, c1, c2, c3


@dataclasses.dataclass(frozen=True)
class Draws:
    """The randomness of `count` paths from path `first` on: any chunking of the paths sees the same numbers.

    `stream` keeps draws for one purpose (a factor, an obligor's own risk) apart from those for another.
    """

    seed: int
    first: int
    count: int

    def words(self, blocks: int, stream: int) -> tuple[np.ndarray, ...]:
        """The four words of 32 bits (count, blocks) of each block of each path."""
        path = np.arange(self.first, self.first + self.count, dtype=np.uint64)[:, None]
        path, block = np.broadcast_arrays(path, np.arange(blocks, dtype=np.uint64))
        return philox((block, path & LOW, path >> HALF, np.full(path.shape, stream, np.uint64)), self.seed)

    def uniform(self, size: int, *, stream: int = 0) -> np.ndarray:
        """Uniforms (count, size) on the open interval (0, 1), 53 bits each; number j of a path never moves."""
        words = self.words((size + 1) // 2, stream)
        bits = np.stack([words[0] << HALF | words[1], words[2] << HALF | words[3]], axis=-1)
        return ((bits.reshape(self.count, -1)[:, :size] >> np.uint64(11)) + 0.5) * 2.0**-53

    def uniform32(self, size: int, *, stream: int = 0) -> np.ndarray:
        """Uniforms (count, size) of 32 bits each: four from what gives two of `uniform`, for one draw an obligor."""
        words = self.words((size + 3) // 4, stream)
        return (np.stack(words, axis=-1).reshape(self.count, -1)[:, :size] + 0.5) * 2.0**-32

    def normal(self, size: int, *, stream: int = 0) -> np.ndarray:
        """Standard normals (count, size) by inversion of `uniform`."""
        return inverse_normal(self.uniform(size, stream=stream))
