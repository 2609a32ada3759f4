"""Runs to report on: a shipped deal, and one whose names are markup, a formula and a quote."""

import datetime as dt

from pricing import Market, SpreadShock, load_market, price, who_bears
from structuring import Deal, Holdings, LeasePortfolio, Scenario, Tenant, load_deal, load_scenarios, run
from waterfalls import Equity, Fixed, Note
from waterfalls.words import interest, pay, principal, residual

EVIL = "<script>alert(1)</script>"
FORMULA = "=1+1"


def parts_of(name):
    """A shipped deal, run and priced."""
    deal, market, scenarios = load_deal(name), load_market(name), load_scenarios(name)
    flows = run(deal, scenarios, rates=market.rates(deal))
    prices = price(flows, market, [SpreadShock.parallel(bp=300)], reference=scenarios[0].name)
    losses = who_bears(prices, deal.holdings, reference=(scenarios[0].name, "unchanged"))
    return deal, flows, prices, losses, market


def evil_parts():
    """A deal whose names are markup, a formula and a quote."""
    deal = Deal(
        EVIL,
        closing=dt.date(2026, 1, 15),
        first_payment=dt.date(2026, 4, 15),
        maturity=dt.date(2031, 1, 15),
        frequency="quarterly",
        calendar="US",
        collateral=LeasePortfolio([Tenant("t", 90.0, ends=dt.date(2040, 1, 15))], as_of=dt.date(2026, 1, 15), cap_rate=0.07),
        tranches=[Note(EVIL, 700.0, coupon=Fixed(0.055)), Note(FORMULA, 100.0, coupon=Fixed(0.07)), Equity('"E"&', 300.0)],
        waterfall=pay(interest(EVIL)) >> pay(interest(FORMULA)) >> pay(principal(EVIL, FORMULA), sharing="sequential") >> pay(residual('"E"&')),
        holdings=Holdings({EVIL: {"<b>banks</b>": 1.0}, FORMULA: {"funds": 1.0}, '"E"&': {"sponsor": 1.0}}),
    )  # fmt: skip
    flows = run(deal, [Scenario("base"), Scenario("<i>half</i>", rent=0.5)])
    quotes = {EVIL: 0.02, FORMULA: 0.04, '"E"&': {"yield": 0.12}}
    market = Market(0.04, quotes, valuation=dt.date(2026, 1, 15))
    prices = price(flows, market, [SpreadShock.parallel(bp=100)])
    return deal, flows, prices, who_bears(prices, deal.holdings), market
