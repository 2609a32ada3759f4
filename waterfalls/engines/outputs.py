"""The stored results of a run, symbol by symbol; what was not stored is made by a second run when it is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from waterfalls.errors import refuse_unknown
from waterfalls.language.machine import Key


@dataclasses.dataclass(eq=False)
class Outputs:
    """Blocks (B, T, K, W) of W scenarios, S in all; the lanes after the last scenario repeat it.

    `slots` say where each output is stored, `fixed` which are the same number everywhere, `carried` the last values
    (S,) of symbols that the engine summed, `more` how to run again and keep everything. `asked` are those read so far.
    """

    known: tuple[Key, ...]
    scenarios: int
    blocks: np.ndarray
    slots: Mapping[Key, int]
    fixed: Mapping[Key, float] = dataclasses.field(default_factory=dict)
    carried: Mapping[Key, np.ndarray] = dataclasses.field(default_factory=dict)
    more: Callable[[], Outputs] | None = None
    asked: set[Key] = dataclasses.field(default_factory=set)
    again: Outputs | None = None

    def __contains__(self, key: Key) -> bool:
        return key in self.slots or key in self.fixed or key in self.known

    def __getitem__(self, key: Key) -> np.ndarray:
        """One output (S, T), as a view where the layout allows."""
        self.asked.add(key)
        periods = self.blocks.shape[1]
        if key in self.fixed:
            return np.full((self.scenarios, periods), self.fixed[key])
        if key in self.slots:
            block = self.blocks[:, :, self.slots[key], :]
            return block.transpose(0, 2, 1).reshape(-1, periods)[: self.scenarios]
        refuse_unknown("output", key, self.known)
        return self.whole()[key]

    def whole(self) -> Outputs:
        """Every output, by a second run where only some were kept."""
        if len(self.slots) + len(self.fixed) == len(self.known):
            return self
        if self.again is None:
            assert self.more is not None, "only runs that can be repeated keep a part"
            self.again = self.more()
        self.asked.update(self.known)
        return self.again

    def part(self, start: int, stop: int) -> Outputs:
        """Views of a block of scenarios: `start` stands at the beginning of one, or there is one block in all."""
        width = self.blocks.shape[3]
        whole = slice(start // width, -(-stop // width))
        blocks = self.blocks[:, :, :, start:stop] if len(self.blocks) == 1 else self.blocks[whole]
        return Outputs(self.known, stop - start, blocks, self.slots, self.fixed)
