"""Headroom to trap and loan to value, held against runs with less cash and against figures by hand."""

import dataclasses
import datetime as dt
import math

import pytest

from pricing.market.market import Market, projected
from pricing.market.market_files import load_market
from pricing.overview.appraisal import appraised
from pricing.overview.deal_tables import capital_structure, headroom_to_default
from pricing.overview.headroom import headroom_to_trap
from pricing.valuation.price import price
from structuring import Deal, Scenario, load_deal, load_scenarios, run
from waterfalls import Equity, Fixed, Floating, Note, Receipts, Swap, Waterfall, distribute
from waterfalls.clauses.waterfall import Clause
from waterfalls.language.parsing import parse

VANTAGE = "vantage-jersey"
MARKET = load_market(VANTAGE)
FIRST = load_scenarios(VANTAGE)[0]


def flows_with(test, definitions=None):
    """The base of vantage-jersey with one trigger's test changed, the other one never on."""
    deal = load_deal(VANTAGE)
    tests = [test, "balance('B') < -1.0"]
    triggers = tuple(dataclasses.replace(old, test=new) for old, new in zip(deal.triggers, tests, strict=True))
    changed = dataclasses.replace(deal, triggers=triggers, definitions=definitions or {})
    return run(changed, FIRST, rates=projected(MARKET, changed))


def trips(flows, cut):
    """Whether the trigger is ever on when the same share of cash for debt service is gone at every date."""
    given, fees = flows.receipts, sum(flows["accrued", "fee", name] for name in flows.plan.senior_fees)
    cash = given["revenue"] - given["operating_cost"] - fees
    less = Receipts(
        given.dates,
        **{**given.fields, "revenue": given["revenue"] - cut * cash},
        events=given.events,
        scenarios=given.scenarios,
    )
    return distribute(flows.plan, less, rates=flows.rates).triggers["cash trap"].any()


@pytest.mark.parametrize(
    "test",
    [
        "dscr('A-2') < 1.20",
        "1.20 > dscr('A-2')",
        "~(dscr('A-2') >= 1.20)",
        "(dscr('A-2') < 1.20) | ((held('liquidity reserve') < -1.0) & (dscr('A-2') < 1.60))",
        "(dscr('A-2') < 1.50) & (ic_ratio('A-2') < 1.20)",
        "defined('cover') < 1.20",
    ],
)
def test_the_trap_trips_beyond_its_headroom_and_not_before(test):
    flows = flows_with(test, {"cover": "dscr('A-2')"} if "defined" in test else None)
    room = headroom_to_trap(flows, 0)
    assert 0.05 < room < 0.5
    assert not trips(flows, room - 1e-4) and trips(flows, room + 1e-4)


def test_a_branch_that_is_off_does_not_count_and_one_that_is_on_does():
    low, high = (
        headroom_to_trap(flows_with("dscr('A-2') < 1.20"), 0),
        headroom_to_trap(flows_with("dscr('A-2') < 1.25"), 0),
    )
    on = "(dscr('A-2') < 1.20) | ((held('liquidity reserve') >= 0.0) & (dscr('A-2') < 1.25))"
    assert headroom_to_trap(flows_with(on), 0) == pytest.approx(high) and high < low


def test_a_test_that_holds_already_has_no_headroom_and_one_without_coverage_none_at_all():
    assert headroom_to_trap(flows_with("dscr('A-2') < 5.0"), 0) < -1.0
    assert math.isnan(headroom_to_trap(flows_with("balance('A-2') < 1.0"), 0))


FLEET = """
firstloss: 1
name: fleet
currency: USD
closing: 2027-01-15
first_payment: 2027-04-15
maturity: 2029-01-15
frequency: quarterly
calendar: US
collateral:
  - compute_contract:
      as_of: 2027-01-15
      contract: {counterparty: lab, months: 24, monthly: 2.0e6}
      fleet:
        - {name: units, cost: 45.0e3, market_price: 0.76, resale: [1.0, 0.7, 0.49], deliveries: {2027-01-15: 1000}}
tranches:
  - note: {name: A, notional: 26.0e6, coupon: {fixed: {rate: 0.06}}, amortisation: {equal_instalments: {first: 2027-04-15, count: 8}}}
  - equity: {name: equity, notional: 19.0e6}
waterfall:
  - pay(expense('operating'))
  - pay(interest('A'))
  - pay(scheduled_principal('A'))
  - pay(residual('equity'))
"""


@pytest.mark.parametrize(
    ("valued", "of", "share"),
    [  # by hand: 1,000 units at 45,000; 0.3 of a year's value goes in each of the first four quarters alike
        ("2027-01-15", dt.date(2027, 1, 15), 26.0 / 45.0),
        ("2027-05-01", dt.date(2027, 4, 15), (26.0 * 7 / 8) / (45.0 * 0.925)),
        ("2028-02-01", dt.date(2028, 1, 15), (26.0 * 4 / 8) / (45.0 * 0.70)),
    ],
)
def test_both_sides_of_a_loan_to_value_are_of_one_date(tmp_path, valued, of, share):
    (tmp_path / "deal.yaml").write_text(FLEET, encoding="utf-8")
    deal = load_deal(tmp_path)
    market = Market(0.04, {"A": 0.02, "equity": 0.12}, valuation=dt.date.fromisoformat(valued), currency="USD")
    flows = run(deal, Scenario("base"))
    table = capital_structure(flows, price(flows, market), deal=deal).set_index("tranche")
    assert appraised(flows, 0, market.valuation, deal)[0] == of
    assert table.loc["A", "ltv"] == pytest.approx(share, rel=1e-9)


@pytest.mark.parametrize(
    "interests",
    [
        "pay(interest('A', 'B'), sharing='pro rata by due')",
        "pay(pay(interest('A', 'B'), sharing='pro rata by due'), interest('C'), sharing='sequential')",
        # each of A and B with a note behind it: C ranks behind A alone, and behind B by its place
        "pay(pay(interest('A', 'C'), sharing='sequential'), interest('B'), sharing='pro rata by due')",
    ],
)
def test_notes_paid_alike_by_a_group_share_their_place_in_the_capital_structure(interests):
    days = [dt.date(2027, 1, 15), dt.date(2028, 1, 15)]
    clauses = [
        interests,
        "pay(interest('C'))",
        "pay(principal('A', 'B', 'C'), sharing='sequential')",
        "pay(residual('E'))",
    ]
    notes = [Note(name, size, coupon=Fixed(0.05)) for name, size in {"A": 50.0, "B": 30.0, "C": 10.0}.items()]
    deal = Deal(
        "groups", closing=dt.date(2026, 1, 15), first_payment=days[0], maturity=days[1], frequency="annual",
        calendar="none", collateral=Receipts(days, revenue=[[9.0, 99.0]]), tranches=(*notes, Equity("E", 10.0)),
        waterfall=Waterfall([parse(text, Clause) for text in clauses]),
    )  # fmt: skip
    market = Market(0.04, {"E": {"yield": 0.1}}, otherwise=0.01, valuation=dt.date(2026, 1, 15))
    flows = run(deal)
    table = capital_structure(flows, price(flows, market)).set_index("tranche")
    assert table["attachment"].round(12).to_dict() == {"A": 0.2, "B": 0.2, "C": 0.1, "E": 0.0}
    assert table["detachment"].round(12).to_dict() == {"A": 1.0, "B": 1.0, "C": 0.2, "E": 0.1}
    assert table.loc["A", "dscr_low"] == table.loc["B", "dscr_low"] == pytest.approx(9.0 / 4.0)


def test_what_a_hedge_brings_is_no_collection_that_may_fall_away():
    """100 at an index of 10 % swapped into 4 %: the collateral has to bring 4 a year, of the 12 that it does."""
    days = [dt.date(2027, 1, 15), dt.date(2028, 1, 15)]

    def ran(cut):
        deal = Deal(
            "swapped", closing=dt.date(2026, 1, 15), first_payment=days[0], maturity=days[1], frequency="annual",
            calendar="none", collateral=Receipts(days, revenue=[[12.0 * (1.0 - cut), 1012.0 * (1.0 - cut)]]),
            tranches=(Note("A", 100.0, coupon=Floating("INDEX", 0.0), day_count="30/360"), Equity("E")),
            hedges=(Swap("swap", notional=100.0, pay=Fixed(0.04), receive=Floating("INDEX", 0.0), day_count="30/360"),),
            waterfall=Waterfall([parse(text, Clause) for text in (
                "pay(hedge('swap'))", "pay(interest('A'))", "pay(principal('A')).when(on_or_after('2028-01-15'))",
                "pay(residual('E'))")]),
        )  # fmt: skip
        return run(deal, rates={"INDEX": 0.1})

    assert headroom_to_default(ran(0.0), 0, ("A",)) == pytest.approx(2.0 / 3.0, abs=2e-6)
    assert ran(0.66).arrears["A"].max() == 0.0 and ran(0.67).arrears["A"].max() > 0.0


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_where_nothing_is_drawn_yet_no_tranche_attaches_anywhere(tmp_path):
    """Of nothing there is no share: attachment and detachment are blank, what may be drawn is told, and a draw gives them."""
    undrawn = FLEET.replace("notional: 26.0e6,", "notional: 26.0e6, balance: 0.0, available_until: 2027-07-15,")
    undrawn = undrawn.replace("notional: 19.0e6", "notional: 0.0, commitment: 19.0e6")
    undrawn = undrawn.replace("waterfall:\n", "waterfall:\n  - draw('A', 'equity', amount=45.0e6)\n")
    (tmp_path / "deal.yaml").write_text(undrawn, encoding="utf-8")
    deal = load_deal(tmp_path)
    flows = run(deal, Scenario("base"))
    for day, share in (("2027-01-15", [math.nan] * 2), ("2027-04-15", [19.0 / 45.0, 0.0])):
        market = Market(0.04, {"A": 0.02, "equity": 0.12}, valuation=dt.date.fromisoformat(day), currency="USD")
        table = capital_structure(flows, price(flows, market), deal=deal)
        assert table["attachment"].tolist() == pytest.approx(share, nan_ok=True)
        assert (table["size"] + table["undrawn"]).tolist() == pytest.approx([26.0e6, 19.0e6])
