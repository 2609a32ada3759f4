"""At one curve and no spread, what comes in is worth what goes out: the pricer and the waterfall tell the same story."""

import numpy as np
import pytest

from pricing import Market, load_market, price, projected
from structuring import load_deal, load_scenarios, run
from structuring.deals.deal_files import library
from waterfalls.clock.schedule import years_from


@pytest.mark.parametrize("name", [name for name in library() if name != "stack-master-trust"])  # 353 dates: slow
def test_everything_that_comes_in_is_paid_to_somebody_or_held(name):
    """PV(collections, draws, lending, hedge receipts, income, sales) = PV(tranches, fees, costs, hedges, repayments, purchases) + PV(cash held)."""
    deal = load_deal(name)
    scenarios = load_scenarios(name)
    flows = run(deal, scenarios, rates=projected(load_market(name), deal))
    plan, start = flows.plan, flows.plan.schedule.payment[0]
    flat = Market(0.043, valuation=start, otherwise=0.0)
    discount = np.exp(-0.043 * years_from(start, flows.dates))

    def worth(*key: str) -> np.ndarray:
        return flows[key] @ discount if key in plan.outputs else np.zeros(len(scenarios))

    live = flows[("live",)] if ("live",) in plan.outputs else 1.0
    came = (flows.receipts.cash * live) @ discount + worth("proceeds")
    came = (
        came
        + sum(worth("received", swap) for swap in plan.hedges)
        + sum(worth("lent", name) for name in plan.facilities)
    )
    came = came + sum(worth("income", account) for account in plan.accounts)
    for asset in plan.replacements:
        came = came + worth("earned", asset) + worth("repaid", asset) + worth("recovered", asset)
    went = price(flows, flat)["npv"][:, 0, :].sum(axis=1)  # interest, principal and residual less draws
    for kind, names in (("fee", plan.fees), ("expense", plan.expenses), ("hedge", plan.hedges)):
        went = went + sum(worth("paid", kind, name) for name in names)
    went = went + sum(worth("spent", asset) for asset in plan.replacements)
    for facility in plan.facilities:
        went = went + worth("paid", "interest", facility) + worth("principal", facility)
    held = flows[("cash",)] + sum(flows.accounts[account] for account in plan.accounts)
    opening = sum(account.balance for account in plan.accounts.values())
    moved = np.diff(held, axis=1, prepend=opening) @ discount
    scale = sum(tranche.notional for tranche in deal.tranches)
    assert came == pytest.approx(went + moved, abs=1e-9 * scale)
