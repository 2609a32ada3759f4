"""BondPortfolio against calculations by hand."""

import dataclasses
import datetime
import itertools
from pathlib import Path

import numpy as np
import pytest
import QuantLib as ql
from chunked import chunked
from deals import clock
from hypothesis import example, given
from hypothesis import strategies as st

from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.collateral.loans import LoanPool
from structuring.deals.deal_files import load_deal
from structuring.runs.run import run
from structuring.scenarios.monthly_rates import cdr, psa
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
QUARTERS = clock(20, "quarterly")
ORACLE = Bond("Oracle", 100.0, coupon=0.06, maturity=D(2028, 1, 15), severity=0.6)
LENDER = Bond(
    "neocloud", 80.0, coupon=0.10, maturity=D(2027, 1, 15), frequency="quarterly", severity=0.4,
    instalments={D(2026, 7, 15): 20.0},
)  # fmt: skip


def deliver(owned, *scenarios):
    return owned.deliver(QUARTERS, Drivers.of(scenarios or [Scenario("base")]))


def test_coupons_count_back_from_maturity_and_principal_is_repaid_as_scheduled():
    receipts = deliver(BondPortfolio((ORACLE, LENDER)))
    assert receipts["interest"][0, :9].tolist() == [2.0, 2.0 + 3.0, 1.5, 1.5 + 3.0, 0.0, 3.0, 0.0, 3.0, 0.0]
    assert receipts["principal"][0, :9].tolist() == [0.0, 20.0, 0.0, 60.0, 0.0, 0.0, 0.0, 100.0, 0.0]
    assert receipts["pool_balance"][0, :9].tolist() == [180.0, 160.0, 160.0, 100.0, 100.0, 100.0, 100.0, 0.0, 0.0]
    together = receipts["interest"] + receipts["principal"]  # summed in another order, which may cost the last bit
    np.testing.assert_allclose(receipts["contracted"], together, rtol=1e-14)


def test_a_bond_that_outlives_the_deal_is_still_outstanding_at_its_end():
    receipts = deliver(BondPortfolio((Bond("Meta", 100.0, coupon=0.05, maturity=D(2065, 11, 15)),)))
    assert receipts["pool_balance"].tolist() == [[100.0] * 20] and not receipts["principal"].any()
    # coupons of 15 May and 15 November fall in the quarters that end in July and January
    assert receipts["interest"][0, :4].tolist() == [0.0, 2.5, 0.0, 2.5]


def test_a_default_stops_the_bond_and_is_recovered_after_the_lag():
    owned = BondPortfolio((ORACLE, LENDER), recovery_lag=9)
    receipts = deliver(owned, Scenario("base"), Scenario("bad", obligor_default={"neocloud": D(2026, 9, 20)}))
    assert receipts["interest"][1, :5].tolist() == [2.0, 5.0, 0.0, 3.0, 0.0]
    assert receipts["defaults"][1].tolist() == [0.0, 0.0, 60.0] + [0.0] * 17
    assert receipts["recoveries"][1].tolist() == [0.0] * 5 + [36.0] + [0.0] * 14
    assert receipts["losses"][1].tolist() == [0.0] * 5 + [24.0] + [0.0] * 14
    assert receipts["defaulted_balance"][1].tolist() == [0.0, 0.0, 60.0, 60.0, 60.0] + [0.0] * 15
    assert receipts.events["default of neocloud"].tolist() == [[0.0] * 20, [0.0] * 2 + [1.0] * 18]
    assert not receipts.events["default of Oracle"].any()


def test_a_default_curve_takes_its_share_by_month():
    receipts = deliver(BondPortfolio((ORACLE,)), Scenario("curve", default=cdr(0.02), severity={"Oracle": 1.0}))
    survival = 0.98 ** np.arange(0.5, 2.01, 0.5)
    np.testing.assert_allclose(receipts["interest"][0, 1:8:2], 3.0 * survival, rtol=1e-12)
    assert receipts["principal"][0, 7] == pytest.approx(100 * survival[-1], rel=1e-12)
    assert receipts["losses"].sum() == pytest.approx(100 * (1 - survival[-1]), rel=1e-12)


def test_what_goes_in_comes_out():
    owned = BondPortfolio((ORACLE, LENDER), default=cdr(0.05), recovery_lag=3)
    receipts = deliver(owned, Scenario("x", obligor_default={"Oracle": D(2027, 3, 1)}), Scenario("y", severity=0.9))
    opening = np.concatenate([np.full((2, 1), 180.0), receipts["pool_balance"][:, :-1]], axis=1)
    np.testing.assert_allclose(
        opening - receipts["principal"] - receipts["defaults"], receipts["pool_balance"], atol=1e-12
    )
    resolved = (receipts["recoveries"] + receipts["losses"]).sum(axis=1)
    np.testing.assert_allclose(receipts["defaults"].sum(axis=1), resolved, rtol=1e-13)
    assert not receipts["defaulted_balance"][:, -1].any()


def test_paths_are_the_same_to_the_bit_in_any_chunk():
    owned = BondPortfolio((ORACLE, LENDER))
    paths = Paths(
        50,
        seed=1,
        draw=lambda draws: {
            "obligor_default": {
                name: -10 * np.log(draws.uniform(1, stream=k)) for k, name in enumerate(("Oracle", "neocloud"))
            },
            "severity": draws.uniform(1, stream=2),
        },
    )
    chunked(owned, QUARTERS, paths, slice(11, 30))


def test_a_portfolio_goes_to_a_document_and_back():
    owned, found = BondPortfolio((ORACLE, LENDER), default=cdr(0.02)), []
    assert read(BondPortfolio, plain(owned), "", found) == owned and not found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BondPortfolio(()), "bonds: at least one is needed"),
        (
            lambda: Bond("x", 1.0, coupon=5.5, maturity=D(2030, 1, 1)),
            "coupon: must be less than or equal to 1 or a Floating, got 5.5",
        ),
        (
            lambda: Bond("x", 1.0, coupon=0.1, maturity=D(2030, 1, 1), frequency="yearly"),
            "there is no frequency 'yearly'",
        ),
        (
            lambda: Bond("x", 1.0, coupon=0.1, maturity=D(2030, 1, 1), instalments={D(2029, 1, 1): 2.0}),
            "instalments: must not exceed the notional 1.00, got 2.00",
        ),
        (
            lambda: Bond("x", 1.0, coupon=0.1, maturity=D(2030, 1, 1), instalments={D(2031, 1, 1): 0.5}),
            "instalments: 2031-01-01 must come before maturity 2030-01-01",
        ),
        (lambda: BondPortfolio((ORACLE,), default=psa(1.0)), "default: takes MDR, CDR, SDA"),
    ],
)
def test_bad_portfolios_say_what_is_wrong_and_where(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


# When the deal closes on another day than it collects -------------------------------------------------------------------


def test_coupons_on_the_collection_date_arrive_on_it_when_the_deal_closes_on_another_day():
    """500 until 10 September 2028 and 300 until 10 June 2030 at 8 % a quarter, closing on 20 May 2026.

    The first period (20 May, 10 September] holds the coupons of 10 June and 10 September, 2 x 2 % of 800 = 32; the next
    nine are 16 each or, with 300 left, 6. Both bonds are repaid on their days, 800 in all.
    """
    periods = schedule(
        closing=D(2026, 5, 20),
        first_payment=D(2026, 9, 10),
        maturity=D(2030, 6, 10),
        frequency="quarterly",
        calendar="none",
    )
    owned = BondPortfolio((
        Bond("a", 500.0, coupon=0.08, maturity=D(2028, 9, 10), frequency="quarterly"),
        Bond("b", 300.0, coupon=0.08, maturity=D(2030, 6, 10), frequency="quarterly"),
    ))  # fmt: skip
    receipts = owned.deliver(periods, Drivers.of(Scenario("base")))
    assert receipts["interest"][0].tolist() == [32.0, *[16.0] * 8, *[6.0] * 7]
    repaid = dict(zip(receipts.dates, receipts["principal"][0].tolist(), strict=True))
    assert {day: paid for day, paid in repaid.items() if paid} == {D(2028, 9, 10): 500.0, D(2030, 6, 10): 300.0}
    assert receipts["pool_balance"][0, -1] == 0.0


@st.composite
def periods_and_bonds(draw):
    """Any closing, first payment, lag and frequency, and bonds with their own days."""
    closing = draw(st.dates(D(2023, 1, 1), D(2028, 12, 31)))
    frequency = draw(st.sampled_from(["monthly", "quarterly", "semiannual", "annual"]))
    lag = draw(st.integers(0, 25))
    first = closing + datetime.timedelta(days=lag + draw(st.integers(1, 400)))
    periods = schedule(
        closing=closing,
        first_payment=first,
        maturity=first + datetime.timedelta(days=draw(st.integers(0, 1500))),
        frequency=frequency,
        calendar="none",
        end_of_month=draw(st.booleans()),
        payment_lag=lag,
    )
    bonds = []
    for i in range(draw(st.integers(1, 3))):
        maturity = closing + datetime.timedelta(days=draw(st.integers(1, 2500)))
        early = [
            day
            for day in draw(st.lists(st.integers(1, 2499), max_size=2))
            if closing + datetime.timedelta(day) < maturity
        ]
        bonds.append(Bond(
            f"{i}", 100.0, coupon=0.08, maturity=maturity, frequency=draw(st.sampled_from(["quarterly", "semiannual"])),
            instalments={closing + datetime.timedelta(day): 20.0 for day in early},
        ))  # fmt: skip
    return periods, tuple(bonds)


def contracted(bond, start):
    """(date, interest, principal) of a bond by the calendar, day by day: QuantLib's months, back from maturity."""
    step = {"quarterly": 3, "semiannual": 6}[bond.frequency]
    last, k, found, count = ql.Date.from_date(bond.maturity), 0, [], ql.Thirty360(ql.Thirty360.BondBasis)
    repaid = {**bond.instalments, bond.maturity: bond.notional - sum(bond.instalments.values())}
    while (day := (last - ql.Period(step * k, ql.Months)).to_date()) > start:
        begins = last - ql.Period(step * (k + 1), ql.Months)
        edges = [begins.to_date(), *sorted(date for date in repaid if begins.to_date() < date < day)]
        passed = [count.yearFraction(begins, ql.Date.from_date(edge)) for edge in edges] + [step / 12.0]
        owed = [bond.notional - sum(amount for date, amount in repaid.items() if date <= edge) for edge in edges]
        found.append((day, bond.coupon * float(np.diff(passed) @ owed), 0.0))
        k += 1
    return found + [(date, 0.0, amount) for date, amount in repaid.items()]


@given(periods_and_bonds())
@example((schedule(closing=D(2024, 1, 31), first_payment=D(2024, 2, 29), maturity=D(2026, 2, 28), frequency="monthly",
                   calendar="none", end_of_month=True),
          (Bond("leap", 100.0, coupon=0.08, maturity=D(2025, 8, 31), frequency="quarterly"),)))  # fmt: skip
def test_all_that_falls_due_in_a_period_is_collected_in_it(case):
    """The law of contracted cash: what falls due in (start, end] of a period arrives in it, and the rest is outstanding."""
    periods, bonds = case
    receipts = BondPortfolio(bonds).deliver(periods, Drivers.of(Scenario("base")))
    due = [flow for bond in bonds for flow in contracted(bond, periods.collection[0])]
    for t, (start, end) in enumerate(itertools.pairwise(periods.collection)):
        inside = [(interest, principal) for day, interest, principal in due if start < day <= end]
        wanted = [sum(column) for column in zip(*inside, strict=True)] if inside else [0.0, 0.0]
        assert receipts["principal"][0, t] == pytest.approx(wanted[1], abs=1e-9)
        assert receipts["interest"][0, t] == pytest.approx(wanted[0], abs=1e-9)
    outside = sum(principal for day, _, principal in due if day > periods.collection[-1])
    assert receipts["pool_balance"][0, -1] == pytest.approx(outside, abs=1e-9)
    together = receipts["interest"] + receipts["principal"]  # summed in another order, which may cost the last bit
    np.testing.assert_allclose(receipts["contracted"], together, rtol=1e-14)


def test_what_was_over_before_the_deal_collects_is_refused():
    deal = dataclasses.replace(
        load_deal(Path(__file__).with_name("toy.yaml")),
        collateral=(BondPortfolio((
            Bond("gone", 100.0, coupon=0.05, maturity=D(2026, 1, 15)),
            Bond("here", 100.0, coupon=0.05, maturity=D(2028, 1, 15), instalments={D(2025, 12, 1): 10.0}),
        )), LoanPool.level_pay(balance=10.0, rate=0.05, remaining_term=12, first_payment=D(2025, 12, 15))),
    )  # fmt: skip
    with pytest.raises(InvalidTerms) as refused:
        run(deal, Scenario("base"), rates={"SOFR": 0.04})
    places = [fault.place for fault in refused.value.faults]
    assert places == [
        "collateral[0].bond_portfolio.bonds[0].maturity",
        "collateral[0].bond_portfolio.bonds[1].instalments",
        "collateral[1].loan_pool.first_payment",
    ]
    assert "gone: 2026-01-15 is not after 2026-01-15, from when the deal collects" in str(refused.value)
