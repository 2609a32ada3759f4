"""A loan on properties by hand: its cap, releases, extensions, advances that an appraisal cuts, and its sale."""

import dataclasses
import datetime

import numpy as np
import pytest
from deals import clock

from structuring import Paths, PropertyLoan, Scenario
from structuring.collateral.property_loan import Extension, Property
from structuring.scenarios.index_paths import index_paths
from structuring.scenarios.scenario import Drivers
from waterfalls import Floating
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
PROPERTIES = (
    Property("Ashburn", allocated=600.0, income=72.0, value=1000.0),
    Property("Quincy", allocated=400.0, income=48.0, value=600.0),
)
LOAN = PropertyLoan(
    "Owner", 1000.0, coupon=Floating("SOFR", 0.03), maturity=D(2028, 1, 1), properties=PROPERTIES, day_count="30/360",
    strike=0.05, refinancing_ltv=0.65, release_price=1.15, recovery_lag=6, sale_cost=0.1, advance_rate=0.12,
    appraisal_after=2,
    extensions=(
        Extension(12, debt_yield=0.11, fee=0.0025, strike=0.04),
        Extension(12, debt_yield=0.115, dscr=1.4, ltv=0.7, fee=0.005, step=0.0025, strike=0.06),
    ),
)  # fmt: skip


def deliver(loan=LOAN, scenario=None, rate=0.04, count=60):
    periods = clock(count, "monthly", D(2026, 1, 1))
    rows = 1 if scenario is None or isinstance(scenario, Scenario) else len(scenario)
    indices = index_paths(loan.resets(periods), {"SOFR": rate}, periods, rows)
    return loan.deliver(periods, Drivers.of(scenario or Scenario("base"), indices))


def test_it_extends_where_it_may_pays_its_fees_and_is_then_repaid():
    """Income 120, debt yield 12 %; interest is 70 a year, dscr 1.71; ltv 62.5 %. Both options are taken, fees 2.50 and 5.

    From 2029 the coupon is 0.25 % higher: 1000 x 7.25 % / 12 a month. Repaid on 1 January 2030, at 62.5 % <= 65 %.
    """
    receipts = deliver()
    assert receipts["interest"][0] == pytest.approx([*[70 / 12] * 36, *[72.5 / 12] * 12, *[0.0] * 12])
    assert {t: receipts["revenue"][0, t] for t in receipts["revenue"][0].nonzero()[0]} == pytest.approx(
        {23: 2.5, 35: 5.0}
    )
    assert receipts["principal"][0].nonzero()[0].tolist() == [47] and receipts["principal"].sum() == 1000.0
    assert receipts.events["extension 1 of Owner"][0].nonzero()[0][0] == 23
    assert receipts.events["extension 2 of Owner"][0].nonzero()[0][0] == 35
    assert not receipts.events["default of Owner"].any() and not receipts["losses"].any()


def test_a_test_that_is_not_met_ends_the_loan_at_its_maturity():
    """Income of 96 % is a debt yield of 11.52 %: both debt yields are met. At 92 %, 11.04 %: the first alone."""
    assert deliver(scenario=Scenario("x", rent=0.96))["principal"][0].nonzero()[0].tolist() == [47]
    assert deliver(scenario=Scenario("x", rent=0.92))["principal"][0].nonzero()[0].tolist() == [35]
    assert deliver(scenario=Scenario("x", rent=0.91))["principal"][0].nonzero()[0].tolist() == [23]
    # ltv 1000 / 1424 = 70.2 % fails the second; nor is it repaid then, above 65 %: it defaults in the 36th month
    assert deliver(scenario=Scenario("x", value=0.89))["defaults"][0].nonzero()[0].tolist() == [35]


def test_the_second_test_of_coverage_counts_the_index_up_to_the_new_strike():
    """At an index of 9 % interest is counted at 6 % + 3.25 %: 92.5 a year, and 120 / 92.5 = 1.297 < 1.4."""
    loan = dataclasses.replace(LOAN, support=1000.0)
    assert deliver(loan, rate=0.09)["principal"][0].nonzero()[0].tolist() == [35]
    assert deliver(loan, rate=0.05)["principal"][0].nonzero()[0].tolist() == [47]  # 82.5, 1.4545


def test_a_loan_that_is_due_in_a_first_period_too_short_for_a_month_is_repaid_by_the_end_of_the_next():
    dates = schedule(
        closing=D(2026, 1, 20),
        first_payment=D(2026, 2, 1),
        maturity=D(2027, 2, 1),
        frequency="monthly",
        calendar="none",
    )
    loan = dataclasses.replace(LOAN, coupon=0.06, maturity=D(2026, 1, 25), strike=None, extensions=())
    receipts = loan.deliver(dates, Drivers.of(Scenario("base")))
    assert receipts["principal"][0].tolist() == [0.0, 1000.0] + [0.0] * 11 and not receipts["pool_balance"][0, 1:].any()


def test_a_property_released_in_the_month_of_default_is_not_sold_again():
    """Ashburn is released for 690; Quincy fetches 600 x 0.4 x 0.9 = 216 of the 310 left, 129 % of its value."""
    loan = dataclasses.replace(LOAN, extensions=(), recovery_lag=0)
    scenario = Scenario("x", sale={"Ashburn": D(2028, 1, 1)}, value=0.4)
    receipts = deliver(loan, scenario)
    assert receipts["prepayments"][0, 23] == pytest.approx(690.0) and receipts["defaults"][0, 23] == pytest.approx(
        310.0
    )
    assert receipts["recoveries"][0, 23] == pytest.approx(216.0) and receipts["losses"][0, 23] == pytest.approx(94.0)


def test_only_where_it_must_is_an_option_not_taken_while_lenders_refinance():
    loan = dataclasses.replace(LOAN, extends="when it must")
    assert deliver(loan)["principal"][0].nonzero()[0].tolist() == [23]
    wall = Scenario("wall", refinancing_ltv={D(2026, 1, 1): 0.5, D(2028, 6, 1): 0.65})
    assert deliver(loan, wall)["principal"][0].nonzero()[0].tolist() == [35]


def test_the_provider_of_the_cap_pays_what_is_above_the_strike():
    """Index 14 %: interest 170 a year, of which the borrower bears 80 with the cap at 5 %, and 70 with that at 4 %.

    Income of 60 % is 72 a year: the borrower falls 8 a year short until 2028; a support of 10 is spent
    after 15 months, and in the 16th it defaults.
    """
    assert deliver(rate=0.14, count=24)["interest"][0] == pytest.approx([170 / 12] * 24)
    weak = dataclasses.replace(LOAN, support=10.0)
    receipts = deliver(weak, Scenario("x", rent=0.6), rate=0.14)
    assert receipts["defaults"][0].nonzero()[0].tolist() == [15]
    alone = dataclasses.replace(LOAN, strike=None)
    assert deliver(alone, rate=0.14)["defaults"][0].nonzero()[0].tolist() == [0]


def test_a_property_that_is_sold_is_released_for_its_premium_and_the_last_for_all():
    """Quincy: 1.15 x 400 = 460 in month 6; Ashburn's income is 72 of 540 owed. Then Ashburn for the 540 that are left."""
    one = deliver(scenario=Scenario("x", sale={"Quincy": D(2026, 7, 1)}))
    assert one["prepayments"][0, 5] == pytest.approx(460.0) and one["pool_balance"][0, 5] == pytest.approx(540.0)
    assert one["interest"][0, 6] == pytest.approx(540 * 0.07 / 12) and one["value"][0, 6] == 1000.0
    both = deliver(scenario=Scenario("x", sale={"Quincy": D(2026, 7, 1), "Ashburn": D(2027, 1, 1)}))
    assert both["prepayments"][0, 11] == pytest.approx(540.0) and both["prepayments"].sum() == pytest.approx(1000.0)
    at_once = deliver(scenario=Scenario("x", sale=D(2026, 7, 1)))
    assert at_once["prepayments"][0, 5] == pytest.approx(1000.0)


def test_default_advances_and_appraisal_reduction_by_hand():
    """The borrower is struck in month 3; income is a fifth, 2 a month, of 5.8333 due; the value is 800.

    Months 3 and 4: the servicer advances 3.8333 in full. From month 5, two months on, the loan counts as reduced by
    1000 + advances - 0.9 x 800. Advances bear 1 % a month. In month 9 the properties fetch 800 x 0.9 = 720: first the
    advances, then principal.
    """
    struck = Scenario("x", obligor_default=D(2026, 3, 15), rent=0.2, value=0.5)
    receipts = deliver(dataclasses.replace(LOAN, support=1000.0), struck)
    due, income, owed = 70 / 12, 2.0, 0.0
    for month in range(3, 10):
        reduction = 0.0 if month < 5 else 1000.0 + owed - 720.0
        advance = (due - income) * (1.0 - reduction / 1000.0)
        assert receipts["interest"][0, month - 1] == pytest.approx(income + advance), month
        assert receipts.events["appraisal reduction of Owner"][0, month - 1] == (5 <= month < 9)
        owed = owed * 1.01 + advance
    assert receipts["recoveries"][0, 8] == pytest.approx(720.0 - owed)
    assert receipts["losses"][0, 8] == pytest.approx(280.0 + owed)
    assert receipts["defaulted_balance"][0, 2:10].tolist() == [1000.0] * 6 + [0.0] * 2
    assert receipts["interest"][0, 2:4] == pytest.approx([due, due])
    without = deliver(dataclasses.replace(LOAN, advances=False, support=1000.0), struck)
    assert without["interest"][0, 3] == pytest.approx(2.0) and without["recoveries"][0, 8] == pytest.approx(720.0)


def test_what_a_sale_brings_beyond_principal_pays_interest_that_was_not_advanced():
    loan = dataclasses.replace(LOAN, advances=False)
    receipts = deliver(loan, Scenario("x", obligor_default=D(2026, 1, 1), rent=0.0))
    assert receipts["recoveries"][0, 6] == 1000.0 and not receipts["losses"].any()
    assert receipts["interest"][0] == pytest.approx([0.0] * 6 + [7 * 70 / 12] + [0.0] * 53)


def test_paths_are_those_of_each_scenario_and_principal_is_never_lost_from_sight():
    draw = np.random.default_rng(3)
    given = {
        "rent": draw.uniform(0.3, 1.2, (40, 60)), "value": draw.uniform(0.3, 1.2, (40, 60)),
        "refinancing_ltv": draw.uniform(0.4, 0.9, (40, 1)),
    }  # fmt: skip
    loan = dataclasses.replace(LOAN, support=30.0)
    many = deliver(loan, Paths(**given))
    gone = sum(many[name].sum(axis=1) for name in ("principal", "prepayments", "recoveries", "losses"))
    left = many["pool_balance"][:, -1] + many["defaulted_balance"][:, -1]
    assert gone + left == pytest.approx(np.full(40, 1000.0))
    assert 0 < (many["losses"].sum(axis=1) > 0.0).sum() < 40
    for row in (0, 17, 39):
        one = deliver(loan, Paths(**{name: rows[row : row + 1] for name, rows in given.items()}))
        for name in one.fields:
            assert np.array_equal(one[name][0], many[name][row]), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"properties": ()}, "properties: at least one is needed"),
        ({"balance": 900.0}, "properties: must have the balance 900.00 allocated to them, got 1,000.00"),
        ({"coupon": 0.06, "extensions": ()}, "strike: belongs to a floating coupon, and this one is fixed at 0.06"),
        ({"extends": "always"}, "there is no choice 'always'"),
        ({"release_price": 0.9}, "release_price: must be greater than or equal to 1, got 0.9"),
        ({"properties": (PROPERTIES[0], dataclasses.replace(PROPERTIES[1], name="Ashburn"))}, "'Ashburn' stands more than once"),
    ],
)  # fmt: skip
def test_bad_loans_say_what_is_wrong(changes, message):
    with pytest.raises(InvalidTerms) as caught:
        dataclasses.replace(LOAN, **changes)
    assert message in str(caught.value)


def test_a_loan_goes_to_a_document_and_back():
    assert read(PropertyLoan, plain(LOAN), "", found := []) == LOAN and not found
