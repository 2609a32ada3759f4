"""What each loan paid: rows that sum to the receipts of the pool, and are those of the loan alone."""

import datetime

import numpy as np
import pandas as pd
import pytest

from structuring import BondPortfolio, Deal, LoanLine, LoanPool, PropertyLoan, Scenario, cdr, cpr, psa, sda
from structuring.collateral.bonds import Bond
from structuring.collateral.delinquency import DefaultCurve, Delinquency
from structuring.collateral.property_loan import Property
from structuring.runs.loan_cash import loan_cash
from structuring.runs.run import project
from waterfalls import Equity, Floating, Note, Waterfall, interest, pay, principal, residual
from waterfalls.errors import InvalidTerms, UnknownName

D = datetime.date
RATES = {"SOFR": np.linspace(0.02, 0.06, 12)}


def deal_of(owned):
    return Deal(
        "pool", closing=D(2026, 1, 15), first_payment=D(2026, 4, 15), maturity=D(2029, 1, 15), frequency="quarterly",
        calendar="none", collateral=owned, tranches=(Note("A", 100.0, coupon=Floating("SOFR", 0.01)), Equity("E")),
        waterfall=Waterfall([pay(interest("A")), pay(principal("A")), pay(residual("E"))]),
    )  # fmt: skip


def tape():
    """Two hundred loans, many of them alike, a third of which float and some of which amortise."""
    draw = np.random.default_rng(11)
    count = 200
    floats = draw.random(count) < 0.33
    frame = pd.DataFrame({
        "loan": [f"L{k:03d}" for k in range(count)],
        "balance": draw.uniform(10.0, 90.0, count).round(2),
        "rate": np.where(floats, np.nan, draw.choice([0.05, 0.06], count)),
        "remaining_term": draw.choice([12, 24, 60], count),
        "age": draw.choice([0, 20], count),
        "index": np.where(floats, "SOFR", None),
        "margin": np.where(floats, 0.04, np.nan),
        "floor": np.where(floats & (draw.random(count) < 0.5), 0.065, np.nan),
    })  # fmt: skip
    frame["interest_only"] = np.where(draw.random(count) < 0.5, frame["remaining_term"], 0)
    return frame


POOLS = {
    "speeds by age": {"prepayment": psa(1.5), "default": sda(5.0), "severity": 0.4, "recovery_lag": 3},
    "sequential": {"prepayment": cpr(0.2), "default": cdr(0.05), "order": "sequential", "balloon_default": 0.2},
    "advances": {"default": cdr(0.05), "severity": 0.5, "recovery_lag": 6, "advances": True},
    "late": {"delinquency": Delinquency(0.02, roll=(0.5, 0.5, 0.4), cure=(0.3, 0.2, 0.1)), "prepayment": cpr(0.1)},
    "a total and a shape": {"default_curve": DefaultCurve(0.2, (0.5, 0.3, 0.2)), "severity": 0.6},
}


@pytest.mark.parametrize("terms", POOLS)
def test_the_loans_sum_to_the_pool(terms):
    deal = deal_of(LoanPool.from_tape(tape(), servicing=0.0025, **POOLS[terms]))
    frame = loan_cash(deal, rates=RATES)
    receipts = project(deal, Scenario("base"), rates=RATES)
    assert frame["loan"].nunique() == 200 and len(frame) == 200 * 12
    by_date = frame.drop(columns=["collateral", "loan"]).groupby("date").sum()
    for field, amounts in receipts.fields.items():
        assert by_date[field].to_numpy() == pytest.approx(amounts[0], rel=1e-9, abs=1e-9), field
    assert receipts["defaults"].sum() > 100.0


def test_a_row_is_what_the_loan_pays_alone():
    """Of loans that default and prepay by rates of the calendar, each is a pool of its own."""
    frame = tape()
    terms = {"prepayment": cpr(0.2), "default": cdr(0.05), "severity": 0.4, "recovery_lag": 2}
    cash = loan_cash(deal_of(LoanPool.from_tape(frame, **terms)), rates=RATES)
    for name in ("L000", "L007", "L042"):
        alone = deal_of(LoanPool.from_tape(frame[frame["loan"] == name], **terms))
        receipts = project(alone, Scenario("base"), rates=RATES)
        for field, amounts in receipts.fields.items():
            assert cash.loc[cash["loan"] == name, field].to_numpy() == pytest.approx(amounts[0], abs=1e-9), field


def test_lines_bonds_and_a_loan_on_properties_have_rows_in_a_scenario():
    owned = (
        LoanPool((LoanLine(100.0, 0.05, remaining_term=24), LoanLine(50.0, 0.07, remaining_term=12, frequency="quarterly"))),
        BondPortfolio((
            Bond("X", 80.0, coupon=0.06, maturity=D(2028, 7, 15)),
            Bond("Y", 20.0, coupon=Floating("SOFR", 0.03), maturity=D(2027, 7, 15), frequency="quarterly"),
        )),
        PropertyLoan(
            "O", 60.0, coupon=0.06, maturity=D(2028, 1, 15), properties=(Property("P", allocated=60.0, income=9.0, value=100.0),)
        ),
    )  # fmt: skip
    deal, hit = deal_of(owned), Scenario("hit", obligor_default={"X": D(2027, 1, 1)}, severity=0.5, default=cdr(0.02))
    frame = loan_cash(deal, hit, rates=RATES)
    assert frame["loan"].unique().tolist() == ["lines[0]", "lines[1]", "X, 2028-07-15", "Y, 2027-07-15", "O"]
    assert frame["collateral"].unique().tolist() == ["collateral[0].loan_pool", "collateral[1].bond_portfolio", "collateral[2].property_loan"]  # fmt: skip
    receipts = project(deal, hit, rates=RATES)
    for field in ("interest", "principal", "defaults", "recoveries", "losses", "pool_balance"):
        assert frame.groupby("date")[field].sum().to_numpy() == pytest.approx(receipts[field][0], abs=1e-9), field
    with pytest.raises(UnknownName, match="rent"):
        loan_cash(deal_of(owned[:1]), Scenario("x", rent=0.5), rates=RATES)


def test_a_deal_without_loans_has_none():
    from structuring import load_deal

    with pytest.raises(InvalidTerms, match="owns no loans or bonds"):
        loan_cash(load_deal("vantage-jersey"))
