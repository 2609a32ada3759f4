"""The state of the loop: what its channels do at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """Where the loop stands.

    sold    by channel, (N, K): the part of what institution n holds of asset k that the channel makes it sell
    paid    (N,)        currency units that leave a fund with those who redeem
    marked  (K,)        the part of a tranche's value that falls with other paper of its class
    shut    (D,)        the part of a deal's debt that is not refinanced
    more    number      the multiple of the story that strikes
    """

    sold: Mapping[str, np.ndarray]
    paid: np.ndarray
    marked: np.ndarray
    shut: np.ndarray
    more: float

    @property
    def part(self) -> np.ndarray:
        """What all channels together make institutions sell (N, K): 1 - product of (1 - part)."""
        left = np.ones(1)
        for part in self.sold.values():
            left = left * (1.0 - part)
        return 1.0 - left

    @property
    def still(self) -> bool:
        """Whether no channel does anything."""
        moved = (
            any(part.any() for part in self.sold.values()) or self.paid.any() or self.marked.any() or self.shut.any()
        )
        return not moved and self.more == 1.0
