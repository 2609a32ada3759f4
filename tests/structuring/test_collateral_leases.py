"""LeasePortfolio against calculations by hand."""

import dataclasses
import datetime

import numpy as np
import pytest
from chunked import chunked

from structuring.collateral import leases
from structuring.collateral.leases import LeasePortfolio, Tenant
from structuring.collateral.project import LeaseWithOptions, Project
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms

D = datetime.date
QUARTERS = schedule(
    closing=D(2024, 5, 28), first_payment=D(2024, 8, 28), maturity=D(2034, 5, 28), frequency="quarterly", calendar="UK"
)


def portfolio(*tenants, **terms):
    return LeasePortfolio(tenants, **{"as_of": D(2024, 5, 28), "cap_rate": 0.05, **terms})


def deliver(owned, *scenarios):
    return owned.deliver(QUARTERS, Drivers.of(scenarios or [Scenario("base")]))


def test_a_quarter_is_exactly_a_quarter_of_a_year():
    receipts = deliver(portfolio(Tenant("Acme", 106.3, ends=D(2040, 5, 28)), operating_cost=18.3))
    assert (receipts["revenue"] == 106.3 / 4).all()
    assert (receipts["operating_cost"] == 18.3 / 4).all()
    np.testing.assert_allclose(receipts["value"], (106.3 - 18.3) / 0.05, rtol=1e-15)


MONTHLY = schedule(
    closing=D(2027, 12, 31), first_payment=D(2028, 1, 31), maturity=D(2028, 12, 31), frequency="monthly", calendar="none",
    end_of_month=True,
)  # fmt: skip


@pytest.mark.parametrize(("day_count", "year"), [("actual/365F", 365.0), ("actual/360", 360.0)])
def test_rent_by_the_day_is_that_of_the_days_let(day_count, year):
    """2028 is a leap year. Acme steps by 10 % on 11 March and leaves on 20 May; Bolt defaults on 17 August."""
    owned = portfolio(
        Tenant("Acme", year, begins=D(2026, 3, 11), ends=D(2028, 5, 20), escalator=0.1, downtime=600.0),
        Tenant("Bolt", 10.0 * year, ends=D(2040, 1, 1), downtime=600.0, cost_share=1.0),
        as_of=D(2027, 12, 31), operating_cost=2.0 * year, day_count=day_count,
    )  # fmt: skip
    receipts = owned.deliver(MONTHLY, Drivers.of(Scenario("fails", tenant_default={"Bolt": D(2028, 8, 17)})))
    days = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    acme = np.array([31, 29, 11 + 1.1 * 20, 1.1 * 30, 1.1 * 20] + [0] * 7)
    bolt = np.array([*days[:7], 17, 0, 0, 0, 0])
    np.testing.assert_allclose(receipts["operating_cost"][0], 2.0 * days, rtol=1e-14)
    np.testing.assert_allclose(receipts["revenue"][0], acme + 12.0 * bolt, rtol=1e-13)
    assert receipts["value"][0, 0] == pytest.approx((year + 10.0 * year) / 0.05, rel=1e-14)


def test_days_of_a_year_add_up_whatever_days_periods_end_on():
    dates = schedule(
        closing=D(2026, 1, 30),
        first_payment=D(2026, 4, 30),
        maturity=D(2027, 1, 30),
        frequency="quarterly",
        calendar="none",
    )
    owned = portfolio(Tenant("Acme", 365.0, ends=D(2040, 1, 1)), as_of=D(2026, 1, 30), day_count="actual/365F")
    assert owned.deliver(dates, Drivers.of(Scenario("base")))["revenue"][0].tolist() == [90.0, 91.0, 92.0, 92.0]


def test_quarters_that_end_in_february_are_as_long_as_others():
    months = schedule(
        closing=D(2025, 11, 30), first_payment=D(2026, 2, 28), maturity=D(2028, 11, 30), frequency="quarterly",
        calendar="none", end_of_month=True,
    )  # fmt: skip
    owned = portfolio(Tenant("Acme", 8.0, ends=D(2040, 1, 1)))
    assert (owned.deliver(months, Drivers.of(Scenario("base")))["revenue"] == 2.0).all()


def test_rent_steps_on_anniversaries_within_a_period_too():
    receipts = deliver(portfolio(Tenant("Acme", 360.0, begins=D(2023, 6, 28), ends=D(2040, 5, 28), escalator=0.10)))
    # the anniversary falls one month into the first quarter of each year
    assert receipts["revenue"][0, 0] == pytest.approx(30 + 60 * 1.1, rel=1e-15)
    assert receipts["revenue"][0, 1] == pytest.approx(90 * 1.1, rel=1e-15)
    assert receipts["revenue"][0, 4] == pytest.approx(30 * 1.1 + 60 * 1.21, rel=1e-15)
    assert receipts["value"][0, 0] == pytest.approx(360 * 1.1 / 0.05, rel=1e-15)


def test_an_expiry_is_renewed_in_part_and_let_anew_after_downtime():
    tenant = Tenant(
        "Acme", 400.0, ends=D(2026, 5, 28), renewal=0.75, renewal_rent=1.2, downtime=6.0, re_let_rent=0.8
    )  # fmt: skip
    revenue = deliver(portfolio(tenant))["revenue"][0]
    renewed, anew = 0.75 * 1.2 * 100, 0.25 * 0.8 * 100
    np.testing.assert_allclose(revenue[7:12], [100, renewed, renewed, renewed + anew, renewed + anew], rtol=1e-15)


def test_new_leases_end_as_well():
    tenant = Tenant("Acme", 400.0, ends=D(2025, 5, 28), renewal=0.5, new_term=1.0, downtime=3.0)
    revenue = deliver(portfolio(tenant))["revenue"][0]
    # 2025: half renewed, half empty a quarter. 2026: a quarter of all renewed twice, the re-let half ends a quarter later
    np.testing.assert_allclose(revenue[4:10] / 100, [0.5, 1.0, 1.0, 1.0, 0.75, 0.25 + 0.25 + 0.25], rtol=1e-14)


def test_leases_that_double_at_every_short_term_are_refused_and_not_run_for_hours(monkeypatch):
    monkeypatch.setattr(leases, "MOST_LEASES", 100)
    short = Tenant("Acme", 100.0, ends=D(2025, 5, 28), renewal=0.95, downtime=3.0, new_term=1.0)
    told = "tenant 'Acme': leases of new_term=1 years, renewed in part, are more than 100 until 2034-05-28"
    with pytest.raises(InvalidTerms, match=told):
        deliver(portfolio(short))
    assert deliver(portfolio(dataclasses.replace(short, new_term=3.0)))["revenue"].any()


def test_a_tenant_that_defaults_stops_paying_and_its_space_is_let_anew():
    owned = portfolio(
        Tenant("Acme", 400.0, ends=D(2040, 1, 1), downtime=3.0, re_let_rent=0.5),
        Tenant("Bolt", 100.0, ends=D(2040, 1, 1)),
    )
    receipts = deliver(owned, Scenario("base"), Scenario("fails", tenant_default={"Acme": D(2025, 7, 13)}))
    # 45 of the 90 days of the fifth quarter are paid, the space is empty for the next 90
    np.testing.assert_allclose(receipts["revenue"][1, 3:8], [125, 50 + 25, 25 + 25, 50 + 25, 75], rtol=1e-14)
    np.testing.assert_allclose(receipts["contracted"], 125.0)
    assert receipts.events["tenant default"].tolist() == [[0.0] * 40, [0.0] * 4 + [1.0] * 36]


def test_a_default_after_the_lease_does_not_touch_the_next_tenant():
    tenant = Tenant("Acme", 400.0, ends=D(2025, 5, 28), downtime=3.0, renewal=0.0)
    receipts = deliver(portfolio(tenant), Scenario("base"), Scenario("late", tenant_default=D(2027, 1, 1)))
    assert np.array_equal(receipts["revenue"][0], receipts["revenue"][1])


def test_a_renewed_tenant_can_still_default():
    tenant = Tenant("Acme", 400.0, ends=D(2025, 5, 28), downtime=600.0, renewal=1.0)
    receipts = deliver(portfolio(tenant), Scenario("late", tenant_default=D(2027, 5, 28)))
    assert receipts["revenue"][0].tolist() == [100.0] * 12 + [0.0] * 28


def test_costs_are_passed_through_while_the_space_is_let():
    owned = portfolio(
        Tenant("Acme", 400.0, ends=D(2025, 5, 28), downtime=3.0, cost_share=0.5), operating_cost=80.0, vacancy=0.1
    )
    receipts = deliver(owned)
    np.testing.assert_allclose(receipts["revenue"][0, 3:6], [0.9 * 110, 0.0, 0.9 * 110], rtol=1e-15)
    assert (receipts["operating_cost"] == 20.0).all()
    np.testing.assert_allclose(receipts["value"], (0.9 * 440 - 80) / 0.05, rtol=1e-15)  # empty space counts as let


def test_a_rent_cut_lowers_rent_and_value():
    owned = portfolio(Tenant("Acme", 400.0, ends=D(2040, 1, 1)), operating_cost=100.0)
    receipts = deliver(owned, Scenario("base"), Scenario("cut", rent=0.7), Scenario("later", rent=(1.0, 0.5)))
    np.testing.assert_allclose(receipts["revenue"][1], 70.0)
    np.testing.assert_allclose(receipts["value"][1], 180.0 / 0.05)
    assert receipts["revenue"][2].tolist() == [100.0] + [50.0] * 39


def test_a_sale_pays_the_value_once_and_ends_everything():
    owned = portfolio(Tenant("Acme", 400.0, ends=D(2040, 1, 1)), operating_cost=100.0)
    receipts = deliver(owned, Scenario("sold", sale=D(2024, 12, 1), value=0.8))
    assert receipts["resale"][0].tolist() == [0.0, 0.0, 0.8 * 300 / 0.05] + [0.0] * 37
    assert receipts["revenue"][0].tolist() == [100.0] * 3 + [0.0] * 37
    assert receipts["operating_cost"][0].tolist() == [25.0] * 3 + [0.0] * 37
    assert receipts["value"][0].tolist() == [6000.0 * 0.8] * 2 + [0.0] * 38


@pytest.mark.parametrize("day", [D(2023, 1, 1), D(2024, 5, 28), D(2024, 5, 29), D(2024, 8, 28)])
def test_a_sale_before_the_deal_collects_or_in_its_first_period_is_one_of_that_period(day):
    receipts = deliver(portfolio(Tenant("Acme", 400.0, ends=D(2040, 1, 1))), Scenario("sold", sale=day))
    assert receipts["revenue"][0].tolist() == [100.0] + [0.0] * 39
    assert receipts["resale"][0].tolist() == [400.0 / 0.05] + [0.0] * 39 and not receipts["value"].any()


def test_income_is_that_of_a_loop_over_days():
    """Every day of the deal, by plain Python, for one tenant that escalates, defaults, is let anew and ends again."""
    tenant = Tenant(
        "Acme", 360.0, begins=D(2022, 9, 10), ends=D(2029, 3, 17), escalator=0.03, renewal=0.0, downtime=5.0,
        re_let_rent=0.9, new_term=3.0,
    )  # fmt: skip
    revenue = deliver(portfolio(tenant), Scenario("x", tenant_default=D(2026, 10, 2)))["revenue"][0]

    def number(year, month, day):
        return 360 * year + 30 * (month - 1) + day

    begins, stated, start = number(2022, 9, 10), number(2024, 5, 28), number(2024, 5, 28)
    default = number(2026, 10, 2)
    lettings = [(0, default, 1.0)]
    while lettings[-1][1] < start + 3600:
        since = lettings[-1][1] + 150
        lettings.append((since, since + 1080, 0.9))
    expected = np.zeros(40)
    for day in range(3600):
        now = start + day  # the day runs from `now` to `now + 1`
        level = 1.03 ** ((now - begins) // 360 - (stated - begins) // 360)
        expected[day // 90] += sum(level * multiple for since, until, multiple in lettings if since <= now < until)
    np.testing.assert_allclose(revenue, expected, rtol=1e-12)


def test_paths_are_the_same_to_the_bit_in_any_chunk():
    owned = portfolio(
        Tenant("Acme", 73.2, ends=D(2027, 1, 1), escalator=0.02, new_term=2.0), Tenant("Bolt", 26.8, ends=D(2030, 1, 1))
    )
    paths = Paths(
        60,
        seed=1,
        draw=lambda draws: {
            "rent": np.exp(0.2 * draws.normal(40)),
            "tenant_default": {"Acme": -np.log(draws.uniform(1, stream=1)) * 8},
            "renewal": draws.uniform(1, stream=2),
            "downtime": 12 * draws.uniform(1, stream=3),
        },
    )
    chunked(owned, QUARTERS, paths, slice(0, 1), slice(17, 40), slice(59, 60))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: portfolio(), "tenants: at least one is needed"),
        (lambda: portfolio(*[Tenant("Acme", 1.0, ends=D(2030, 1, 1))] * 2), "names must differ, 'Acme' stands 2 times"),
        (lambda: portfolio(Tenant("A", 1.0, ends=D(2030, 1, 1)), cap_rate=0.0), "cap_rate: must be greater than 0"),
        (
            lambda: portfolio(Tenant("A", 1.0, ends=D(2030, 1, 1)), day_count="30/365"),
            "LeasePortfolio.day_count: there is no choice '30/365'",
        ),
        (lambda: Tenant("A", -1.0, ends=D(2030, 1, 1)), "Tenant 'A'.rent: must be greater than or equal to 0"),
        (lambda: Tenant("A", 1.0, begins=D(2031, 1, 1), ends=D(2030, 1, 1)), "ends: 2030-01-01 must come after begins"),
    ],
)
def test_bad_portfolios_say_what_is_wrong_and_where(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


def test_a_lease_that_was_over_when_its_rent_was_stated_is_refused():
    over = Tenant("gone", 10.0, ends=D(2025, 12, 31))
    with pytest.raises(InvalidTerms, match=r"tenants\[0\].ends: gone: 2025-12-31 lies before as_of 2026-01-15"):
        LeasePortfolio((over,), as_of=D(2026, 1, 15), cap_rate=0.07)


def test_rent_promised_until_a_lease_may_end_counts_its_steps():
    """10 a year with steps of 10 %: half a year at 10, a year at 11, half at 12.1; and from a later beginning 10, then 5.5."""
    tenants = (
        Tenant("here", 10.0, begins=D(2024, 7, 15), ends=D(2028, 1, 15), escalator=0.1),
        Tenant("to come", 10.0, begins=D(2027, 1, 15), ends=D(2028, 7, 15), escalator=0.1),
        Tenant("flat", 10.0, ends=D(2028, 1, 15)),
    )
    leases = LeasePortfolio(tenants, as_of=D(2026, 1, 15), cap_rate=0.07).leases()
    assert [lease.promised for lease in leases] == pytest.approx([5.0 + 11.0 + 6.05, 15.5, 20.0], rel=1e-14)
    lease = LeaseWithOptions("hyperscaler", 100.0, begins=D(2027, 1, 15), initial=3, option=1, maximum=4, escalator=0.1)
    (found,) = Project(lease, residual={0: 0.0}, share=0.8).leases()
    assert found.promised == pytest.approx(0.8 * (100.0 + 110.0 + 121.0), rel=1e-14)
