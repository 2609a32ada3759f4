"""What a sponsor may have to pay to a vehicle that its balance sheet leaves out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import Losses
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

    `debt` of the vehicle, `rent` the sponsor has promised over the initial term (undiscounted), `guarantee_cap` the most
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

        returned(s) = guarantee paid (undiscounted) + loss on the tranches it holds + rent above the reference's

    The share of all losses that returns is the number behind the economics test: who has the obligation to absorb losses that
    could be significant (ASC 810-10-25-38A; IFRS 10.7 asks for power, exposure to variable returns, and their link).
    Power is a matter of documents, which is asked and not answered here.
    """
    if deal.sponsor is None:
        raise InvalidTerms(f"the deal {deal.name!r} names no sponsor")
    sponsor, k = deal.sponsor, losses.prices.at(losses.reference[0], shock)[1]
    r = losses.prices.at(*losses.reference)[0]
    leases = [lease for asset in assets(deal) for lease in asset.leases() if lease.tenant == sponsor.name]
    rent = float(sum(lease.rent * lease.years for lease in leases))
    cap = float(sum(asset.obligors().get("guarantor", {}).get(sponsor.name, 0.0) for asset in assets(deal)))
    c = losses.classes.index(SPONSOR) if SPONSOR in losses.classes else None
    zero = np.zeros(len(flows.scenarios))
    own = zero if c is None else losses["total"][:, k, :, c].sum(axis=1)
    paid = flows.receipt("guarantee").sum(axis=1) if cap else zero
    held = 0.0 if c is None else float(losses.held[:, c].sum())
    whole = losses.tranche["total"][:, k].sum(axis=1)
    debt = float(sum(losses.held[n].sum() for n, t in enumerate(deal.tranches) if isinstance(t, Note)))
    back = paid - paid[r] + own
    gross = whole + paid - paid[r]
    import pandas as pd

    share = np.divide(100.0 * back, gross, out=np.full(len(gross), np.nan), where=np.abs(gross) > 1e-6 * max(debt, 1.0))
    frame = pd.DataFrame({
        "scenario": list(flows.scenarios),
        "guarantee_paid": paid,
        "loss_on_own_tranches": own,
        "returned": back,
        "loss_of_holders": whole - own,
        "returned_per_cent": share,
    })  # fmt: skip
    worst = float(np.nanmax(share)) if np.isfinite(share).any() else np.nan
    tests: list[dict[str, Any]] = [
        {"test": "power", "question": "who decides what most affects the vehicle: renewal, resale, refinancing?", "number": np.nan,
         "unit": "", "reading": f"{sponsor.name} decides on renewal" if leases else "ask the documents"},
        {"test": "economics: losses", "question": "what share of losses returns to the sponsor at worst?", "number": worst,
         "unit": "per cent", "reading": "could be significant" if worst >= 10.0 else "small in these scenarios"},
        {"test": "economics: benefits", "question": "what share of the residual does it hold?",
         "number": 100.0 * residual_share(deal), "unit": "per cent", "reading": "from the holdings of equity"},
    ]  # fmt: skip
    return OffBalanceSheet(
        sponsor=sponsor.name, consolidated=sponsor.consolidated, debt=debt, rent=rent, guarantee_cap=cap, held=held,
        exposure=held + max(rent, cap), disclosed=sponsor.maximum_exposure, scenarios=frame, tests=pd.DataFrame(tests),
    )  # fmt: skip


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
