"""Runs to report on: a shipped deal, and one whose names are markup, a formula and a quote; and a page read back."""

import datetime as dt
import html.parser

import numpy as np

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


class Tables(html.parser.HTMLParser):
    """The exact values of every table, and every tag, attribute and loose text of a page."""

    def __init__(self):
        super().__init__()
        self.tables, self.tags, self.links, self.title, self.inside = {}, [], [], "", ""

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.inside = tag
        self.links += [values[name] for name in ("src", "href") if name in values]
        if tag == "table":
            self.tables[values["id"].removeprefix("table-")] = []
        elif tag == "tr":
            list(self.tables.values())[-1].append([])
        elif tag == "td":
            list(self.tables.values())[-1][-1].append(values["data-value"])

    def handle_data(self, data):
        if self.inside == "title":
            self.title += data
            self.inside = ""


def parsed(path):
    page = Tables()
    page.feed(path.read_text("utf-8"))
    return page


def same(text, value):
    """Whether a cell holds exactly what the frame holds."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return text == ""
    return float(text) == value if isinstance(value, (int, float, np.number)) else text == str(value)
