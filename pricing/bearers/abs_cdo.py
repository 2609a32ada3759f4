"""Losses of a CDO made of ABS tranches, and the public figures of 2008 to set a deal beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import Losses, par_held
from waterfalls.errors import Fault, refuse, strangers

if TYPE_CHECKING:
    import pandas as pd

# What 2008 came to, with its source; amounts in US dollars, losses as shares of what was issued.
LOST_2008: dict[str, dict[str, Any]] = {
    "SF ABS CDOs 1999-2007": {"issued": 641e9, "written_down": 420e9, "loss": 0.65, "source": "Federal Reserve Bank of Philadelphia"},
    "non-agency AAA RMBS": {"loss": 0.023, "source": "primary document (tier P), its title not on record here"},
    "subprime AAA RMBS": {"loss": 0.0042, "source": "primary document (tier P), its title not on record here"},
}  # fmt: skip


def layered(loss: Any, sizes: Mapping[str, float]) -> dict[str, np.ndarray]:
    """The share that each tranche loses when its pool loses `loss` (any shape, a share).

        min(max(loss - A, 0), D - A) / (D - A)        A, D: attachment and detachment, from below

    `sizes` are shares of the pool, the first to lose first, and sum to 1. Source: Hull, Options, Futures, and Other
    Derivatives, chapter 8.
    """
    total = sum(sizes.values())
    faults = [
        Fault(f"sizes[{name!r}]", f"must be above 0, got {size:g}") for name, size in sizes.items() if not size > 0.0
    ]
    if abs(total - 1.0) > 1e-9:
        faults.append(
            Fault("sizes", f"must sum to 1, got {total:g} ({', '.join(f'{n} {s:g}' for n, s in sizes.items())})")
        )
    lost = np.asarray(loss, dtype=np.float64)
    if ((lost < 0.0) | (lost > 1.0)).any():
        faults.append(Fault("loss", f"must be between 0 and 1, got {lost.min():g} to {lost.max():g}"))
    refuse(faults)
    found, below = {}, 0.0
    for name, size in sizes.items():
        found[name] = np.clip(lost - below, 0.0, size) / size
        below += size
    return found


def retranched(
    loss: Any, pool: Mapping[str, float], tranche: str, cdo: Mapping[str, float]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What the tranches of ABS lose, and those of a CDO of one of their tranches, when all pools lose alike.

    A CDO of thin tranches holds no diversification against a loss that all share: when its tranche is gone, so is its
    senior. Source: Hull, table 8.1.
    """
    first = layered(loss, pool)
    refuse(strangers("tranche", "tranche of the pool", [tranche], pool))
    return first, layered(first[tranche], cdo)


def beside_2008(losses: Losses, scenario: Any, shock: str = "unchanged") -> pd.DataFrame:
    """A row a tranche of the deal and one for each kind of paper of 2008: realised loss apart from marks, per cent of par.

    Par is drawn and undrawn. realised_per_cent is principal of notes that is never repaid (undiscounted), of equity what
    is written down; credit_per_cent is all that time and missing cash took from value, market_per_cent what rates and
    spreads took, which comes back at maturity if the tranche pays. 2008 has realised losses alone.
    """
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    par = par_held(losses).sum(axis=1)

    def part(amounts: np.ndarray, n: int) -> float:
        return 100.0 * float(amounts[n]) / par[n] if par[n] > 0.0 else np.nan

    rows: list[dict[str, Any]] = [
        {
            "paper": f"{losses.prices.deal}: {name}",
            "realised_per_cent": part(losses.memo["realised_loss"][s, k], n),
            "credit_per_cent": part(losses.tranche["credit"][s, k], n),
            "market_per_cent": part(losses.tranche["market"][s, k], n),
            "source": f"scenario {scenario!r}, spreads {shock}",
        }
        for n, name in enumerate(losses.prices.tranches)
    ]
    rows += [
        {"paper": paper, "realised_per_cent": 100.0 * said["loss"], "credit_per_cent": np.nan, "market_per_cent": np.nan,
         "source": said["source"]}
        for paper, said in LOST_2008.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def what_differs() -> tuple[str, ...]:
    """What the comparison with 2008 holds against and for, in words."""
    return (
        "Tranching of real collateral held in 2008: AAA RMBS lost 0.4 to 2.3 %; the re-tranching of mezzanine pieces did not: 65 %.",
        "AI debt so far is mostly one obligor and one tranche a vehicle: the loss is the tenant's failure plus the residual "
        "value, and no layer of diversification is claimed that could fail.",
        "What is alike: one sector, leverage, off balance sheet, and holders who mark to market and can be redeemed.",
    )
