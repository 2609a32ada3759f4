"""Project against calculations by hand."""

import dataclasses
import datetime

import numpy as np
import pytest
from chunked import chunked

from structuring.collateral.project import Escrow, LeaseWithOptions, Project, ValueGuarantee
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
QUARTERS = schedule(
    closing=D(2025, 8, 30), first_payment=D(2025, 11, 30), maturity=D(2049, 5, 30), frequency="quarterly", calendar="US"
)
LEASE = LeaseWithOptions("tenant", 2760.0, begins=D(2029, 5, 30), initial=4, option=4, maximum=20)
PROMISE = ValueGuarantee("parent", {0: 28_000.0, 16: 12_000.0}, years=16, lag=3.0)
FIRST_RENT = 15  # the quarter after 30 May 2029


def project(lease=LEASE, **terms):
    base = {"residual": {0: 26_000.0, 20: 6_000.0}, "guarantee": PROMISE, "sale_lag": 12.0}
    return Project(lease, **{**base, **terms})


def deliver(owned, *scenarios):
    return owned.deliver(QUARTERS, Drivers.of(scenarios or [Scenario("base")]))


def quarter(year, month, day):
    """The index of the quarter that ends on a date."""
    return QUARTERS.ends.index(D(year, month, day))


def test_rent_is_a_quarter_of_the_year_from_the_day_the_lease_begins():
    receipts = deliver(project())
    assert receipts["revenue"][0].tolist() == [0.0] * FIRST_RENT + [690.0] * 80
    assert quarter(2029, 8, 30) == FIRST_RENT
    assert "operating_cost" not in receipts.fields and not receipts["guarantee"].any()


def test_a_joint_venture_takes_its_share_of_everything():
    whole, part = (
        deliver(project(), Scenario("leaves", renewal=0.0)),
        deliver(project(share=0.8), Scenario("leaves", renewal=0.0)),
    )
    for field in ("revenue", "resale", "guarantee", "value"):
        np.testing.assert_allclose(part[field], 0.8 * whole[field], rtol=1e-15)
        assert whole[field].any()


def test_rent_steps_on_the_leases_own_anniversaries():
    lease = LeaseWithOptions("t", 400.0, begins=D(2029, 4, 30), initial=10, option=10, maximum=20, escalator=0.1)
    revenue = deliver(project(lease), Scenario("base"), Scenario("late", delay_months=1))["revenue"]
    level = revenue[0, FIRST_RENT - 1 :] / 100
    np.testing.assert_allclose(level[[0, 1, 3, 4, 5]], [1 / 3, 1, 1, 2 / 3 + 1.1 / 3, 1.1], rtol=1e-14)
    np.testing.assert_allclose(revenue[1, FIRST_RENT:][[0, 3, 4]] / 100, [1.0, 1.0, 1.1], rtol=1e-14)


@pytest.mark.parametrize(
    ("option", "year", "realised", "paid"),
    [
        (D(2033, 5, 30), 4, 22_000.0, 24_000.0 - 22_000.0),
        (D(2037, 5, 30), 8, 18_000.0, 20_000.0 - 18_000.0),
        (D(2045, 5, 30), 16, 10_000.0, 12_000.0 - 10_000.0),  # the last day of the window is inside it
    ],
)
def test_a_tenant_that_leaves_is_followed_by_the_guarantee_and_the_sale(option, year, realised, paid):
    receipts = deliver(project(), Scenario("leaves", renewal={option: 0.0}))
    left = quarter(option.year, 5, 30)
    assert receipts["revenue"][0].tolist() == [0.0] * FIRST_RENT + [690.0] * 4 * year + [0.0] * (80 - 4 * year)
    assert receipts["guarantee"][0, left + 1] == pytest.approx(paid) == receipts["guarantee"].sum()
    assert receipts["resale"][0, left + 4] == pytest.approx(realised) == receipts["resale"].sum()
    assert not receipts["value"][0, left + 4 :].any()
    assert receipts.events["non-renewal"][0].tolist() == [0.0] * left + [1.0] * (95 - left)


def test_the_guarantee_pays_to_its_cap_within_its_window_and_not_from_the_dead():
    owned = project(guarantee=ValueGuarantee("parent", {0: 28_000.0}, cap={0: 5_000.0}, years=8, lag=3.0))
    receipts = deliver(
        owned,
        Scenario("capped", renewal=0.0, residual_value=0.5),
        Scenario("enough", renewal=0.0, residual_value=2.0),
        Scenario("window", renewal={D(2041, 5, 30): 0.0}, residual_value=0.5),
        Scenario("dead", renewal=0.0, residual_value=0.5, guarantor_default=D(2033, 8, 30)),
        Scenario("dies later", renewal=0.0, residual_value=0.5, guarantor_default=D(2033, 9, 1)),
        Scenario("broken", tenant_default=D(2032, 1, 1), residual_value=0.5),
    )
    assert receipts["guarantee"].sum(axis=1).tolist() == [5_000.0, 0.0, 0.0, 0.0, 5_000.0, 0.0]
    assert receipts["resale"].sum(axis=1)[0] == pytest.approx(11_000.0)


def test_a_guarantee_without_a_cap_makes_up_the_whole_value():
    receipts = deliver(project(sale_lag=3.0), Scenario("crash", renewal=0.0, residual_value=0.25))
    together = receipts["guarantee"] + receipts["resale"]
    assert together[0, quarter(2033, 8, 30)] == pytest.approx(24_000.0) == together.sum()


def test_a_part_may_stay():
    receipts = deliver(project(), Scenario("half", renewal={D(2033, 5, 30): 0.5, D(2037, 5, 30): 1.0}))
    assert receipts["revenue"][0, FIRST_RENT + 16 :].tolist() == [345.0] * 64
    assert receipts["guarantee"].sum() == pytest.approx(0.5 * 2_000.0)
    assert receipts["value"][0, quarter(2037, 5, 30)] == pytest.approx(0.5 * 18_000.0)


def test_a_tenants_default_ends_rent_that_day_and_sells_the_project():
    receipts = deliver(project(), Scenario("default", tenant_default=D(2031, 7, 15)))
    t = quarter(2031, 8, 30)
    np.testing.assert_allclose(receipts["revenue"][0, t - 1 : t + 2], [690.0, 690.0 / 2, 0.0], rtol=1e-15)
    assert (
        receipts["resale"][0, t + 4] == pytest.approx(26_000.0 - 1_000.0 * (2 + 45 / 360)) == receipts["resale"].sum()
    )
    assert receipts.events["tenant default"][0].tolist() == [0.0] * t + [1.0] * (95 - t)


def test_delay_moves_the_lease_and_the_construction_and_the_overrun_adds_to_it():
    budget = {D(2026, 5, 30): 10_000.0, D(2028, 5, 30): 13_000.0}
    receipts = deliver(project(budget=budget), Scenario("base"), Scenario("late", delay_months=6, overrun=0.1))
    paid = receipts["construction"]
    assert (paid[0, quarter(2026, 5, 30)], paid[0, quarter(2028, 5, 30)], paid[0].sum()) == (
        10_000.0,
        13_000.0,
        23_000.0,
    )
    assert paid[1, quarter(2026, 11, 30)] == pytest.approx(11_000.0) and paid[1].sum() == pytest.approx(25_300.0)
    assert receipts["revenue"][1].tolist() == [0.0] * (FIRST_RENT + 2) + [690.0] * 78
    assert receipts["value"][1, FIRST_RENT] == pytest.approx(25_300.0)  # not yet in operation: what was spent
    assert not deliver(project(budget={D(2025, 8, 30): 1.0}))["construction"].any()  # paid before the start


def test_the_escrow_pays_for_construction_and_earns_on_what_is_left():
    budget = {D(2026, 5, 30): 10_000.0, D(2028, 5, 30): 13_000.0}
    receipts = deliver(project(budget=budget, escrow=Escrow(20_000.0, 0.04)))
    income = receipts["revenue"][0, :FIRST_RENT]
    assert income.tolist() == [200.0] * 3 + [100.0] * 8 + [0.0] * 4
    assert receipts["construction"].sum() == receipts["construction"][0, quarter(2028, 5, 30)] == 3_000.0


def test_gross_rent_comes_with_its_cost_until_the_sale():
    owned = project(operating_cost=400.0)
    receipts = deliver(owned, Scenario("leaves", renewal=0.0, operating_cost=1.5))
    assert receipts["operating_cost"][0].tolist() == [0.0] * FIRST_RENT + [150.0] * 20 + [0.0] * 60
    assert owned.drivers() - project().drivers() == {"operating_cost"}
    # a lease that runs to its end leaves the cost to the sale as well, a year in which it has grown on
    lease = dataclasses.replace(LEASE, maximum=8)
    cost = deliver(project(lease, guarantee=None, operating_cost=400.0, cost_growth=0.1))["operating_cost"][0]
    expected = [100.0 * 1.1**year for year in range(9) for _ in range(4)]
    np.testing.assert_allclose(cost, [0.0] * FIRST_RENT + expected + [0.0] * (80 - 36), rtol=1e-14)


def test_paths_are_the_same_to_the_bit_in_any_chunk():
    owned = project()
    paths = Paths(
        50,
        seed=4,
        draw=lambda draws: {
            "renewal": (draws.uniform(95) < 0.8) * 1.0,
            "residual_value": np.exp(0.3 * draws.normal(95, stream=1)),
            "guarantor_default": -np.log(draws.uniform(1, stream=2)) * 20,
            "tenant_default": -np.log(draws.uniform(1, stream=3)) * 20,
            "delay_months": 12 * draws.uniform(1, stream=4),
        },
    )
    whole = chunked(owned, QUARTERS, paths, slice(0, 1), slice(13, 40))
    assert whole["guarantee"].any() and whole["resale"].any()


def test_a_project_goes_to_a_document_and_back():
    owned, found = project(budget={D(2026, 5, 30): 1e4}, escrow=Escrow(5e3, 0.04), operating_cost=1.0), []
    assert read(Project, plain(owned), "", found) == owned and not found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LeaseWithOptions("t", 1.0, begins=D(2029, 1, 1), initial=4, option=4, maximum=18),
            "maximum: must be initial plus whole options (4 + n x 4 years), got 18",
        ),
        (lambda: project(residual={}), "residual: must hold at least one year"),
        (lambda: project(escrow=Escrow(10.0)), "escrow.balance: must not exceed the budget it pays, 0.00, got 10.00"),
        (lambda: project(share=1.2), "share: must be less than or equal to 1, got 1.2"),
    ],
)
def test_bad_projects_say_what_is_wrong_and_where(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)
