"""A deal that sells its collateral, or buys more: tables, bridge and drawings count what came in, and nothing after the sale."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from tiny import plan_from

from pricing.bearers.loss_bridge import bridge
from pricing.bearers.off_balance_sheet import off_balance_sheet
from pricing.bearers.who_bears import who_bears
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.report.contents.cash import items
from pricing.report.contents.stress_result import stress_results
from pricing.report.figures.charts import balances, highest, span
from pricing.valuation.price import price
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.runs.run import run
from waterfalls import Receipts, Waterfall, distribute
from waterfalls.clauses.call import call
from waterfalls.language.conditions import on_or_after

NOTE = "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}]\n"
CALLED = (
    f"{NOTE}waterfall: [\"call(price=95).when(event('call'))\", \"pay(interest('A'))\", "
    "\"pay(principal('A')).when(called())\", \"pay(residual('E'))\"]"
)
BOUGHT = (
    f"{NOTE}replacements: [{{name: new, coupon: {{fixed: {{rate: 0.1}}}}, repays: '0.0', price: 0.5}}]\n"
    "waterfall: [\"pay(interest('A'))\", \"pay(purchase('new')).when(event('call'))\", \"pay(residual('E'))\"]"
)


def both(text, **receipts):
    """Flows of two scenarios: 'base', in which the event comes at the last of three dates, and 'early', at the second."""
    plan = plan_from(text)
    made = {name: np.array([row, row], float) for name, row in receipts.items()}
    events = {"call": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])}
    given = Receipts(plan.schedule.ends, scenarios=("base", "early"), events=events, **made)
    return distribute(plan, given, engine="reference")


def cash_of(made, side):
    return {(line.kind, line.name): float(line.cash[1]) for line in made.lines if line.side == side}


def test_the_bridge_counts_what_a_sale_brings_and_ends():
    made = bridge(both(CALLED, interest=[9, 9, 9], value=[120, 110, 100], guarantee=[1, 1, 1]))
    assert cash_of(made, "shortfall") == {("collateral", "interest"): 9.0}  # the last is the buyer's; 95 came in both
    bearers = cash_of(made, "bearer")
    assert bearers["guarantor", "guarantee"] == -1.0
    assert bearers["tranche", "A"] == pytest.approx(5.0)  # a year's interest on notes repaid a year sooner
    assert bearers["tranche", "E"] == pytest.approx(9.0 + 1.0 - 5.0)


def test_the_bridge_counts_purchases_and_what_they_earn():
    made = bridge(both(BOUGHT, interest=[9, 9, 12]))
    # early, the 4 left at the second date buy 8 that earn 0.8 at the third; in the base 7 are spent at the third
    assert cash_of(made, "shortfall") == {
        ("collateral", "interest"): pytest.approx(-0.8),
        ("purchase not made", "new"): pytest.approx(-3.0),
    }
    assert cash_of(made, "bearer")["tranche", "E"] == pytest.approx(-3.8)


@pytest.mark.parametrize("text", [CALLED, BOUGHT])
def test_sources_are_uses_when_collateral_is_sold_or_bought(text):
    flows = both(text, interest=[9, 9, 12], value=[120, 110, 100])
    for s in (0, 1):
        sums = {side: sum(item.amount for item in items(flows, s) if item.side == side) for side in ("in", "out")}
        assert sums["in"] == pytest.approx(sums["out"])


CALL_DATE = dt.date(2030, 1, 1)


def called_deal(name, share):
    """A shipped deal sold whole for a share of its notional on the first payment date of 2030 or later."""
    deal, market = load_deal(name), load_market(name)
    sale = call(price=share * sum(tranche.notional for tranche in deal.tranches)).when(on_or_after(CALL_DATE))
    clauses = deal.waterfall
    made = sale >> clauses if isinstance(clauses, Waterfall) else {key: sale >> each for key, each in clauses.items()}
    deal = dataclasses.replace(deal, waterfall=made)
    flows = run(deal, load_scenarios(name), rates=projected(market, deal))
    losses = who_bears(price(flows, market, reference=flows.scenarios[0]), deal.holdings)
    return deal, market, flows, losses


def test_a_guarantee_that_would_be_paid_after_the_sale_is_no_cost_of_the_sponsor():
    deal, _, flows, losses = called_deal("beignet-2025", 2.0)
    assert flows.receipts["guarantee"].sum() > 1e9  # what it would have been
    assert (off_balance_sheet(deal, flows, losses).scenarios["guarantee_paid"] == 0.0).all()


def test_drawings_end_with_the_sale():
    deal, market, flows, losses = called_deal("vantage-jersey", 2.0)
    case = stress_results(deal, flows, losses.prices, losses, market)[0]
    sold = next(day for day in flows.dates if day >= CALL_DATE)
    after = np.array([day > sold for day in flows.dates])
    assert flows.receipts["value"][0][after].any()
    value = next(
        trace for trace in balances(case.flows, 0, case.rows, case.unit).traces if trace["name"] == "collateral value"
    )
    assert all(shown is None for shown, late in zip(value["y"], after, strict=True) if late)
    assert highest(case.flows, case.rows) == pytest.approx(max(
        flows.receipts["value"][list(case.rows)][:, ~after].max(),
        np.max(sum(flows.balance[name] for name in flows.plan.notes_by_name)),
    ))  # fmt: skip
    assert span(case.flows, case.rows)[1] == sold.isoformat()
