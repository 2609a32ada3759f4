"""A measure of one's own: on how many of 10,000 paths each note misses a payment, when first, and what it never gets back."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from structuring import SectorModel, load_deal, study
from waterfalls import Cashflows, Note

deal = load_deal("iren-hardware-3")
notes = [tranche.name for tranche in deal.tranches if isinstance(tranche, Note)]


class Missed:
    """Keeps two numbers a path and note: the year of the first missed payment (interest or scheduled principal), and what is unpaid in the end."""

    def of(self, block: Cashflows) -> np.ndarray:
        """From a chunk of paths and all their flows (path, date), all that is kept: an array (path, note, 2)."""
        years = np.array([date.year for date in block.dates], dtype=float)
        missed = [block.shortfall[note] > 1.0 for note in notes]
        first = [np.where(dates.any(axis=1), years[dates.argmax(axis=1)], np.nan) for dates in missed]
        unpaid = [block.balance[note][:, -1] + block.written_down[note].sum(axis=1) for note in notes]
        return np.stack([first, unpaid], axis=2).swapaxes(0, 1)

    def join(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The chunks in order, of whatever size they were and whoever ran them."""
        return np.concatenate(parts)


paths = SectorModel().paths(deal, 10_000, seed=11)
kept = study(deal, paths, measure=Missed(), rates={"SOFR": 0.04}, workers=2)

for n, note in enumerate(notes):
    first, unpaid = pd.Series(kept[:, n, 0]), kept[:, n, 1]
    print(
        f"{note} misses a payment on {first.notna().mean():.1%} of paths, for the first time in (per cent of all paths)"
    )
    print((first.value_counts().sort_index() / len(first) * 100.0).rename(int).round(1).to_dict())
    print(
        f"and is left with {unpaid[unpaid > 1.0].mean() / 1e6:,.0f} m unpaid on the {np.mean(unpaid > 1.0):.1%} where something is\n"
    )
