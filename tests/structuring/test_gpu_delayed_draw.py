"""The delayed-draw loan of examples/deals: deliveries, a date of interest only, maturity and the quote of the loan by hand."""

import datetime
from pathlib import Path

import pytest

from pricing import Market, price
from structuring import load_deal, load_scenarios, run

D = datetime.date
FOLDER = Path(__file__).parents[2] / "examples" / "deals" / "gpu_delayed_draw"
SOFR = 0.035
HOURS = 8760 / 4
REVENUE = 20e3 * 2.00 * HOURS
COSTS = 20e3 * 1200 / 4 + 20e3 * 1.9 * 0.05 * HOURS


@pytest.fixture(scope="module")
def flows():
    return run(load_deal(FOLDER), load_scenarios(FOLDER), rates={"SOFR": SOFR})


def test_a_delivery_is_paid_by_the_notes_the_loan_and_the_equity(flows):
    """Each delivery costs 450m: 30 % from the notes, the rest 450 to 180 by what loan and equity still promise."""
    for t in (0, 1):
        assert flows.draws["loan"][0, t] == pytest.approx(450e6 * 0.7 * 450 / 630)
        assert flows.draws["equity"][0, t] == pytest.approx(450e6 * 0.7 * 180 / 630)
    assert flows.balance["loan"][0, 1] == pytest.approx(450e6) and flows["undrawn", "loan"][0, 1] == pytest.approx(0.0)


def test_a_date_of_interest_only_by_hand(flows):
    """15 June 2028: 92 days at 6 % on the loan, and the reserve is filled by two quarters of the day more than before."""
    t = flows.dates.index(D(2028, 6, 15))
    loan = 450e6 * (SOFR + 0.025) * 92 / 360
    others = {"A": 200e6 * 0.0625 / 4, "B": 70e6 * 0.0875 / 4}
    filled = 2 * 450e6 * (SOFR + 0.025) * (92 - 91) / 360
    for name, amount in {"loan": loan, **others}.items():
        assert flows.interest[name][0, t] == pytest.approx(amount), name
        assert flows.principal[name][0, t] == 0.0
    left = REVENUE - COSTS - 1e6 / 4 - loan - sum(others.values()) - filled
    assert flows.interest["equity"][0, t] + flows.principal["equity"][0, t] == pytest.approx(left)


def test_the_balloon_is_refinanced_or_falls_short(flows):
    """Fourteen instalments of 5 % leave 30 %: 195m of loan and A, and 70m of B, of which a new lender repays what it lends."""
    assert flows.balance["loan"][0, -2] == pytest.approx(450e6 * (1 - 13 * 0.05))
    assert flows["balance", "take-out"][0, -1] == pytest.approx(0.9 * 4 * (REVENUE - COSTS))
    assert max(flows.balance[name][0, -1] for name in ("loan", "A", "B")) < 1.0
    frozen = list(flows.scenarios).index("nobody refinances")
    assert flows.balance["B"][frozen, -1] == pytest.approx(70e6) and flows.balance["A"][frozen, -1] > 0.0
    assert flows["trigger", "cash trap"][list(flows.scenarios).index("the customer breaks its contract"), -1] == 1.0


def test_undrawn_at_its_own_margin_the_loan_is_worth_par(flows):
    quotes = {"loan": {"dm": 0.025}, "A": 0.02, "B": 0.02, "equity": 0.1}
    made = price(flows, Market(SOFR, quotes, valuation=D(2026, 12, 15), projections={"SOFR": SOFR}))
    assert made["clean"][0, 0, 0] == pytest.approx(100.0, abs=0.02)
