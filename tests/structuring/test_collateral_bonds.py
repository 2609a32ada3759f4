"""BondPortfolio against calculations by hand."""

import datetime

import numpy as np
import pytest

from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.scenarios.monthly_rates import cdr, psa
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.errors import InvalidTerms
from waterfalls.schedule import schedule
from waterfalls.terms import plain, read

D = datetime.date
QUARTERS = schedule(
    closing=D(2026, 1, 15),
    first_payment=D(2026, 4, 15),
    maturity=D(2031, 1, 15),
    frequency="quarterly",
    calendar="none",
)
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
    assert np.array_equal(receipts["contracted"], receipts["interest"] + receipts["principal"])


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
    whole = owned.deliver(QUARTERS, Drivers.of(paths))
    cut = owned.deliver(QUARTERS, Drivers.of(paths.rows(slice(11, 30))))
    for field, array in cut.fields.items():
        assert np.array_equal(array, whole[field][11:30]), field


def test_a_portfolio_goes_to_a_document_and_back():
    owned, found = BondPortfolio((ORACLE, LENDER), default=cdr(0.02)), []
    assert read(BondPortfolio, plain(owned), "", found) == owned and not found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BondPortfolio(()), "bonds: at least one is needed"),
        (
            lambda: Bond("x", 1.0, coupon=5.5, maturity=D(2030, 1, 1)),
            "coupon: must be less than or equal to 1, got 5.5",
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
