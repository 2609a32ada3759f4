"""The middle-market CLO and the single-asset mortgage of examples/deals: one payment date each by hand, and what they teach."""

import csv
import datetime
from pathlib import Path

import pytest

from structuring import load_deal, load_scenarios, run
from structuring.deals.unusual_terms import left_unpaid
from structuring.runs.loan_cash import loan_cash

D = datetime.date
FOLDER = Path(__file__).parents[2] / "examples" / "deals"


def told(name, rates):
    folder = FOLDER / name
    return run(load_deal(folder / "deal.yaml"), load_scenarios(folder / "scenarios.yaml"), rates=rates)


# The CLO

FALLING = {D(2026, 7, 15): 0.04, D(2026, 10, 10): 0.038, D(2026, 11, 20): 0.036, D(2027, 1, 10): 0.034}


@pytest.fixture(scope="module")
def clo():
    return told("middle_market_clo", {"SOFR": FALLING})


def test_a_date_of_the_clo_by_hand(clo):
    """15 January 2027, nothing fails: loans are collected from 5 October to 5 January, 92 days, notes accrue 92 days.

    SOFR is 4.0 % until 10 October, 3.8 % until 20 November, 3.6 % after. Quarterly loans were fixed at 4.0 % on the 5th
    for all 92 days; monthly ones at 4.0, 3.8 and 3.6 % for 31, 30 and 31; the notes on the 15th, at 3.8 %.
    """
    s, t = list(clo.scenarios).index("nothing fails"), clo.dates.index(D(2027, 1, 15))
    with (FOLDER / "middle_market_clo" / "loans.csv").open(encoding="utf-8") as file:
        loans = list(csv.DictReader(file))
    interest = 0.0
    for loan in loans:
        balance, margin, floor = (
            float(loan[name]) / unit for name, unit in (("balance", 1e6), ("margin", 1), ("floor", 1))
        )
        resets = [(0.04, 92)] if loan["frequency"] == "quarterly" else [(0.04, 31), (0.038, 30), (0.036, 31)]
        interest += balance * sum(max(index + margin, floor) * days / 360 for index, days in resets)
    notes = {"A": (232.0, 0.0170), "B": (48.0, 0.0225), "C": (32.0, 0.0300), "D": (24.0, 0.0425)}
    paid = {name: size * (0.038 + margin) * 92 / 360 for name, (size, margin) in notes.items()}
    fees = 0.3 / 4 + 400.0 * 0.0020 / 4 + 400.0 * 0.0030 / 4
    assert clo.receipts["interest"][s, t] / 1e6 == pytest.approx(interest, rel=1e-12)
    for name, amount in paid.items():
        assert clo.interest[name][s, t] / 1e6 == pytest.approx(amount, rel=1e-12), name
    assert clo.interest["equity"][s, t] / 1e6 == pytest.approx(interest - sum(paid.values()) - fees, rel=1e-12)


def test_the_basis_of_that_date_is_what_the_resets_differ_by(clo):
    """Had all loans been fixed with the notes, at 3.8 % on the 15th, they would pay so much less: the vehicle's gain."""
    s, t = list(clo.scenarios).index("nothing fails"), clo.dates.index(D(2027, 1, 15))
    together = told("middle_market_clo", {"SOFR": 0.038})
    gain = clo.receipts["interest"][s, t] - together.receipts["interest"][s, t]
    quarterly, monthly = 235e6, 165e6
    by_hand = quarterly * 0.002 * 92 / 360 + monthly * (0.002 * 31 - 0.002 * 31) / 360
    assert gain == pytest.approx(by_hand, rel=1e-9)
    assert clo.interest["A"][s, t] == pytest.approx(together.interest["A"][s, t], rel=1e-12)


def test_floors_of_the_loans_widen_the_spread_where_the_index_falls(clo):
    """At an index of 0.25 % every loan pays its floor and no note does: the equity earns more than at 1.1 %."""
    low, high = (told("middle_market_clo", {"SOFR": rate}) for rate in (0.0025, 0.0110))
    t = low.dates.index(D(2027, 1, 15))
    frame = loan_cash(load_deal(FOLDER / "middle_market_clo" / "deal.yaml"), rates={"SOFR": 0.0025})
    first = frame[frame["date"] == "2026-10-05"].set_index("loan")
    assert first.loc["packaging", "interest"] > 40e6 * 0.065 * 0.9 * 82 / 360
    assert low.interest["equity"][1, t] > high.interest["equity"][1, t]


def test_the_clo_bears_a_downturn_and_a_wall_of_maturities_from_below(clo):
    loss = {
        s: dict(zip(clo.tranches, row, strict=True)) for s, row in zip(clo.scenarios, clo.totals()["loss"], strict=True)
    }
    assert loss["base"]["D"] == loss["base"]["A"] == 0.0
    assert loss["a wall of maturities"]["A"] == 0.0
    wall = clo.receipts["defaults"][list(clo.scenarios).index("a wall of maturities")]
    base = clo.receipts["defaults"][0]
    assert wall.sum() > 3.0 * base.sum() and wall[:12].sum() < 1.6 * base[:12].sum()  # they fail when they fall due
    assert list(left_unpaid(clo)) == []


# The mortgage

RATES = {"SOFR": {D(2024, 6, 15): 0.0533, D(2026, 6, 15): 0.045}}
CLASSES = {
    "A": (590.0, 0.0155), "B": (130.0, 0.0195), "C": (110.0, 0.0230), "D": (150.0, 0.0300), "E": (210.0, 0.0400),
    "F": (140.0, 0.0480), "HRR": (70.0, 0.0600),
}  # fmt: skip


@pytest.fixture(scope="module")
def mortgage():
    return told("single_asset_mortgage", RATES)


def test_a_date_of_the_mortgage_by_hand(mortgage):
    """15 July 2026, a month after the first option was taken: 30 days at 4.5 %, below the strike of the new cap."""
    t = mortgage.dates.index(D(2026, 7, 15))
    interest, fee = 1400.0 * (0.045 + 0.029) * 30 / 360, 1400.0 * 0.0004 * 30 / 360
    paid = {name: size * (0.045 + margin) * 30 / 360 for name, (size, margin) in CLASSES.items()}
    assert mortgage.receipts["interest"][0, t] / 1e6 == pytest.approx(interest, rel=1e-12)
    for name, amount in paid.items():
        assert mortgage.interest[name][0, t] / 1e6 == pytest.approx(amount, rel=1e-12), name
    assert mortgage.interest["residual"][0, t] / 1e6 == pytest.approx(interest - fee - sum(paid.values()), rel=1e-9)


def test_the_provider_of_the_cap_bears_what_sofr_is_above_the_strike(mortgage):
    """June 2024: 30 days at 5.33 %; the borrower bears 5 %, 9.217m of 9.602m, out of an income of 11.692m a month."""
    t = mortgage.dates.index(D(2024, 7, 15))
    assert mortgage.receipts["interest"][0, t] / 1e6 == pytest.approx(1400.0 * (0.0533 + 0.029) * 30 / 360)
    weak = told("single_asset_mortgage", {"SOFR": 0.20})  # 22.9 % a year would take 320m; the income is 140m
    assert not weak.receipts.events["default of borrower"][0].any()


def test_a_date_in_default_by_hand(mortgage):
    """No lender and no option in June 2026: the loan defaults at its maturity, and is sold eighteen months later.

    The income of 75 %, 8.769m a month, covers interest of 30 days at 7.4 %, 8.633m; of 31 days, 8.921m, the servicer
    advances the rest, 0.152m in July 2026, in full. From October on the loan counts as reduced by what 1,400m and the
    advances exceed 0.9 x 1,379.9m; in October it is 30 days again, and nothing is advanced. In November, of 31 days, the
    servicer advances 0.152m x (1 - reduction / 1,400m).
    """
    s = list(mortgage.scenarios).index("no new lender in 2026")
    income, value = 0.75 * 140.3 / 12, 0.643 * 2146.3
    owed, received = 0.0, {}
    for year, month, length in ((2026, 7, 30), (2026, 8, 31), (2026, 9, 31), (2026, 10, 30), (2026, 11, 31)):
        due = 1400.0 * 0.074 * length / 360
        reduction = 1400.0 + owed - 0.9 * value if (year, month) >= (2026, 10) else 0.0
        advance = max(due - income, 0.0) * (1.0 - reduction / 1400.0)
        received[D(year, month, 15)] = min(income, due) + advance
        owed = owed * (1.0 + 0.085 * length / 360) + advance
    for day, amount in received.items():
        assert mortgage.receipts["interest"][s, mortgage.dates.index(day)] / 1e6 == pytest.approx(amount, rel=1e-12), (
            day
        )
    assert mortgage.receipts.events["appraisal reduction of borrower"][s].any()
    # the sale brings 0.95 x 1,380m less the advances; what is missing is written off HRR, then F
    t = mortgage.dates.index(D(2027, 12, 15))
    lost = mortgage.receipts["losses"][s, t] / 1e6
    assert 1400.0 - 0.95 * value < lost < 1400.0 - 0.95 * value + 3.0
    assert mortgage.written_down["HRR"][s, t] / 1e6 == pytest.approx(70.0)
    assert mortgage.written_down["F"][s, t] / 1e6 == pytest.approx(lost - 70.0)
    assert not mortgage.written_down["E"][s].any()


def test_the_options_end_where_the_debt_yield_does_and_a_release_repays_class_a(mortgage):
    extended = [mortgage.receipts.events[f"extension {k} of borrower"] for k in (1, 2, 3)]
    agency = list(mortgage.scenarios).index("the agency's cash flow and value")
    assert [bool(flags[agency].any()) for flags in extended] == [True, False, False]  # 115.6 / 1400 = 8.26 %
    assert [bool(flags[0].any()) for flags in extended] == [True, True, True]
    released = list(mortgage.scenarios).index("Piscataway sold")
    t = mortgage.dates.index(D(2026, 1, 15))
    assert mortgage.principal["A"][released, t] / 1e6 == pytest.approx(1.10 * 350.0)
    # the classes beneath A bear more than the loan does: with A repaid in part, the last is short of interest
    assert mortgage.shortfall["HRR"][released].max() > 0.0 == mortgage.shortfall["F"][released].max()
    assert list(left_unpaid(mortgage)) == []
