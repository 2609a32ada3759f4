"""What a sponsor may have to pay to a vehicle that its balance sheet leaves out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import Losses
from pricing.tables.quotients import per_cent
from structuring.deals.deal import Deal, assets
from waterfalls.arguments import instance, key, takes
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd

SPONSOR = "sponsor"


@dataclasses.dataclass(frozen=True, eq=False)
class OffBalanceSheet:
    """The vehicle beside its sponsor; amounts in currency units.

    `debt` of the vehicle, `rent` the sponsor has promised over the initial term (undiscounted, with its steps), `guarantee_cap` the most
    its guarantees can pay, `held` its tranches at the reference. They overlap: rent stops where the guarantee begins. So
    `exposure` counts held plus the larger of the two, beside what the sponsor `disclosed`. `scenarios` is a frame: what
    returned in each. `tests` are the questions of consolidation, each with its number.
    """

    sponsor: str
    consolidated: bool
    debt: float
    rent: float
    guarantee_cap: float
    held: float
    exposure: float
    disclosed: float | None
    scenarios: pd.DataFrame
    tests: pd.DataFrame

    def leverage(self, *, debt: float, equity: float) -> tuple[float, float]:
        """The sponsor's debt / equity as reported, and with the vehicle's debt added (unless it is consolidated already)."""
        if not equity > 0.0:
            raise InvalidTerms(f"equity: must be above 0, got {equity:,.2f}")
        return debt / equity, (debt + (0.0 if self.consolidated else self.debt)) / equity


@takes(deal=instance(Deal), flows=instance(Cashflows), losses=instance(Losses), shock=key)
def off_balance_sheet(deal: Deal, flows: Cashflows, losses: Losses, shock: str = "unchanged") -> OffBalanceSheet:
    """What a vehicle means for its sponsor, scenario by scenario.

        returned(s)          = guarantee paid beyond the reference's (undiscounted) + loss on the tranches it holds
        returned_per_cent(s) = 100 x what it loses / what anybody loses, summed over holdings and the guarantee, gains left out

    The second is the number behind the economics test: who has the obligation to absorb losses that could be significant
    (ASC 810-10-25-38A; IFRS 10.7 asks for power, exposure to variable returns, and their link). It is NaN where nobody
    loses. Power is a matter of documents, which is asked and not answered here.
    """
    if deal.sponsor is None:
        raise InvalidTerms(f"the deal {deal.name!r} names no sponsor")
    sponsor, k = deal.sponsor, losses.prices.at(losses.reference[0], shock)[1]
    r = losses.prices.at(*losses.reference)[0]
    leases = [lease for asset in assets(deal) for lease in asset.leases() if lease.tenant == sponsor.name]
    rent = float(sum(lease.promised for lease in leases))
    cap = float(sum(asset.obligors().get("guarantor", {}).get(sponsor.name, 0.0) for asset in assets(deal)))
    mine = np.array([who == SPONSOR for who in losses.classes])
    total = losses["total"][:, k]  # (S, N, C)
    paid = flows.receipt("guarantee").sum(axis=1) * (cap > 0.0)
    own, others = total[..., mine].sum(axis=(1, 2)), total[..., ~mine].sum(axis=(1, 2))
    held = float(losses.held[:, mine].sum())
    debt = float(sum(losses.held[n].sum() for n, t in enumerate(deal.tranches) if isinstance(t, Note)))
    called, lost = np.maximum(paid - paid[r], 0.0), np.maximum(total, 0.0)
    anybody = lost.sum(axis=(1, 2)) + called
    anybody = np.where(anybody > 1e-6 * max(debt, 1.0), anybody, np.nan)  # less is rounding
    share = per_cent(lost[..., mine].sum(axis=(1, 2)) + called, anybody)
    import pandas as pd

    frame = pd.DataFrame({
        "scenario": list(flows.scenarios),
        "guarantee_paid": paid,
        "loss_on_own_tranches": own,
        "returned": paid - paid[r] + own,
        "loss_of_holders": others,
        "returned_per_cent": share,
    })  # fmt: skip
    worst = float(np.nanmax(share)) if np.isfinite(share).any() else np.nan
    tests: list[dict[str, Any]] = [
        {"test": "power", "question": "who decides what most affects the vehicle: renewal, resale, refinancing?", "number": np.nan,
         "unit": "", "reading": f"{sponsor.name} decides on renewal" if leases else "ask the documents"},
        {"test": "economics: losses", "question": "what share of losses returns to the sponsor at worst?", "number": worst,
         "unit": "per cent", "reading": reading_of(worst)},
        {"test": "economics: benefits", "question": "what share of the residual does it hold?",
         "number": 100.0 * residual_share(deal), "unit": "per cent", "reading": "from the holdings of equity"},
    ]  # fmt: skip
    return OffBalanceSheet(
        sponsor=sponsor.name, consolidated=sponsor.consolidated, debt=debt, rent=rent, guarantee_cap=cap, held=held,
        exposure=held + max(rent, cap), disclosed=sponsor.maximum_exposure, scenarios=frame, tests=pd.DataFrame(tests),
    )  # fmt: skip


def reading_of(worst: float) -> str:
    """What a share of losses in per cent says of the obligation to absorb them."""
    if np.isnan(worst):
        return "nobody loses in these scenarios"
    return "could be significant" if worst >= 10.0 else "small in these scenarios"


def residual_share(deal: Deal) -> float:
    """The sponsor's share of the equity tranches, by notional and commitment; the plain mean where they have none."""
    if deal.holdings is None:
        return float("nan")
    rows = [
        (t.notional + getattr(t, "commitment", 0.0), deal.holdings.shares[t.name].get(SPONSOR, 0.0))
        for t in deal.tranches
        if not isinstance(t, Note)
    ]
    size = sum(weight for weight, _ in rows)
    if not rows:
        return 0.0
    return sum(w * share for w, share in rows) / size if size else sum(share for _, share in rows) / len(rows)
