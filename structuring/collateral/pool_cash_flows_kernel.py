"""The compiled loop over months and paths that gives a loan pool's defaults, prepayments and recoveries."""

from __future__ import annotations

import numpy as np

from waterfalls.engines.compiled import compiled

FIELDS = (
    "interest", "principal", "prepayments", "recoveries", "pool_balance", "defaulted_balance", "defaults", "losses",
)  # fmt: skip


@compiled
def fill(sifma, balance, interest, prepaid, default, severity, lag, out):
    """Fills out (8, S, M), zeros before, in the order of FIELDS; rates are (S or 1, M or 1), `lag` (S or 1, 1) in months.

    The same operations in the same order as in NumPy, hence the same bits.
    """
    paths, months = out.shape[1], out.shape[2]
    paid, failed = np.empty(months), np.empty(months)
    for m in range(months):
        paid[m] = balance[m] - balance[m + 1]
    ps, pm = int(prepaid.shape[0] > 1), int(prepaid.shape[1] > 1)
    ds, dm = int(default.shape[0] > 1), int(default.shape[1] > 1)
    vs, vm = int(severity.shape[0] > 1), int(severity.shape[1] > 1)
    ls = int(lag.shape[0] > 1)
    for s in range(paths):
        late, alive, total = int(lag[s * ls, 0]), 1.0, 0.0
        for m in range(months):
            opening, closing = balance[m], balance[m + 1]
            d, v, lost = default[s * ds, m * dm], prepaid[s * ps, m * pm], severity[s * vs, m * vm]
            if sifma:
                v = min(v, 1.0 - d)
                kept, paying, prepayable = 1.0 - d - v, 1.0 - d, v * closing
            else:
                kept = (1.0 - d) * (1.0 - v)
                paying, prepayable = kept, (1.0 - d) * v * opening
            defaulted = alive * d * opening
            total += defaulted
            failed[m] = total
            out[0, s, m] = alive * paying * interest[m]
            out[1, s, m] = alive * paying * paid[m]
            out[2, s, m] = alive * prepayable
            alive *= kept
            out[4, s, m] = alive * closing
            out[6, s, m] = defaulted
            if m + late < months:
                out[3, s, m + late] = defaulted * (1.0 - lost)
                out[7, s, m + late] = defaulted * lost
            out[5, s, m] = total - (failed[m - late] if m >= late else 0.0)
