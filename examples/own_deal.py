"""A deal of one's own: three tranches, a reserve and a latched trigger, described, checked and run."""

import datetime as dt

from pricing.overview.deal_tables import what_happens
from structuring import Deal, Holdings, LeasePortfolio, Scenario, Tenant, run
from waterfalls import Account, Equity, Fee, Fixed, Floating, Note, Trigger
from waterfalls.words import *

tenants = [Tenant("cloud tenant", 90.0, ends=dt.date(2040, 1, 15)), Tenant("others", 30.0, ends=dt.date(2032, 1, 15))]

deal = Deal(
    "harbour",
    closing=dt.date(2026, 1, 15),
    first_payment=dt.date(2026, 4, 15),
    maturity=dt.date(2036, 1, 15),
    frequency="quarterly",
    calendar="US",
    collateral=LeasePortfolio(tenants, as_of=dt.date(2026, 1, 15), operating_cost=25.0, cap_rate=0.07),
    tranches=[
        Note("A", 700.0, coupon=Fixed(0.055)),
        Note("B", 200.0, coupon=Floating("SOFR", 0.04), deferrable=True),
        Equity("E", 300.0),
    ],
    fees=[Fee("trustee", annual=1.0)],
    accounts=[Account("reserve", target=0.02 * balance("A"), balance=14.0)],
    triggers=[Trigger("turbo", test=dscr() < 1.30, latch=True)],
    waterfall=(
        release("reserve")
        >> pay(expense("operating"))
        >> pay(fee("trustee"))
        >> pay(interest("A")).supported_by("reserve")
        >> pay(top_up("reserve"))
        >> pay(interest("B"))
        >> pay(principal("A", "B"), sharing="sequential").when(trigger("turbo"))
        >> pay(scheduled_principal("A", "B"), sharing="sequential")  # nothing before legal final, then all of it
        >> pay(residual("E"))
    ),
    holdings=Holdings({"A": {"insurers": 1.0}, "B": {"private-credit funds": 1.0}, "E": {"sponsor": 1.0}}),
)

print(deal.waterfalls["waterfall"].words())
sold = dt.date(2036, 1, 15)  # the notes are repaid from the sale: without it they would stand unpaid at legal final
scenarios = [Scenario("base", sale=sold), Scenario("rents fall by a third", rent=0.67, sale=sold)]
flows = run(deal, scenarios, rates={"SOFR": 0.04})
totals = flows.frame().groupby(["scenario", "tranche"], observed=True)[["interest", "principal", "shortfall"]].sum()
print(totals.round(1))
print(what_happens(flows).T)
print(flows.explain("rents fall by a third", flows.dates[1]))
