"""ComputeContract against calculations by hand."""

import dataclasses
import datetime

import numpy as np
import pytest
from chunked import chunked

from structuring.collateral.compute import ComputeContract, Generation, TakeOrPay
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
MONTHS = schedule(
    closing=D(2026, 3, 31), first_payment=D(2026, 4, 30), maturity=D(2032, 3, 31), frequency="monthly", calendar="US",
    end_of_month=True,
)  # fmt: skip
HOURS = 730.0  # a month
H = Generation(
    "H", {D(2026, 4, 30): 1000.0, D(2026, 6, 30): 3000.0}, cost=40_000.0, resale=(1.0, 0.6, 0.4, 0.2),
    market_price=2.5, power=2.0,
)  # fmt: skip


def fleet(*generations, contract=None, **terms):
    return ComputeContract(generations or (H,), contract, **{"as_of": D(2026, 3, 31), **terms})


def deliver(owned, *scenarios):
    return owned.deliver(MONTHS, Drivers.of(scenarios or [Scenario("base")]))


TO_2029 = TakeOrPay("lab", ends=D(2029, 3, 31), price=4.0)


def test_contracted_units_are_paid_for_whether_used_or_not():
    owned = fleet(contract=TO_2029, utilisation=0.5)
    revenue = deliver(owned, Scenario("base"), Scenario("idle", utilisation=0.0))["revenue"]
    assert revenue[0, :4].tolist() == [0.0, 1000 * HOURS * 4, 1000 * HOURS * 4, 4000 * HOURS * 4]
    np.testing.assert_allclose(revenue[0, 36:], 4000 * HOURS * 2.5 * 0.5, rtol=1e-15)
    assert np.array_equal(revenue[0, :36], revenue[1, :36]) and not revenue[1, 36:].any()


def test_monthly_revenue_is_earned_by_share_of_units_delivered_and_for_its_months():
    revenue = deliver(fleet(contract=TakeOrPay("lab", months=12.0, monthly=8e6)))["revenue"][0]
    np.testing.assert_allclose(revenue[:4], [0.0, 2e6, 2e6, 8e6], rtol=1e-15)
    market = 1000 * HOURS * 2.5
    np.testing.assert_allclose(revenue[12:16], [8e6, 6e6 + market, 6e6 + market, 4 * market], rtol=1e-15)


def test_a_breach_sends_the_fleet_to_the_market():
    owned = fleet(contract=TO_2029, utilisation=0.8)
    breach = Scenario("breach", contract_breach=D(2027, 3, 31), gpu_price=0.5)
    failure = Scenario("failure", tenant_default={"lab": D(2027, 3, 31)}, gpu_price=0.5)
    receipts = deliver(owned, breach, failure)
    assert np.array_equal(receipts["revenue"][0], receipts["revenue"][1])
    np.testing.assert_allclose(receipts["revenue"][0, 12:], 4000 * HOURS * 1.25 * 0.8, rtol=1e-15)
    np.testing.assert_allclose(receipts["contracted"][0, 3:36], 4000 * HOURS * 4.0)
    for row, name in ((0, "contract breach"), (1, "contract breach"), (1, "tenant default")):
        assert receipts.events[name][row].tolist() == [0.0] * 11 + [1.0] * 61  # the last day of March is March's
    assert not receipts.events["tenant default"][0].any()


def test_market_prices_step_by_the_year_and_follow_their_own_generation():
    old = Generation("old", {D(2026, 3, 1): 100.0}, market_price=1.0)
    new = Generation("new", {D(2026, 3, 1): 100.0}, market_price=3.0, price_growth=-0.2)
    receipts = deliver(
        fleet(old, new), Scenario("old only", gpu_price={"new": 0.0}), Scenario("new", gpu_price={"old": 0.0})
    )
    np.testing.assert_allclose(receipts["revenue"][0], 100 * HOURS * 1.0, rtol=1e-14)
    expected = [100 * HOURS * 3.0 * 0.8 ** (month // 12) for month in range(72)]
    np.testing.assert_allclose(receipts["revenue"][1], expected, rtol=1e-14)


def test_power_is_drawn_by_the_hours_that_run():
    owned = fleet(contract=TO_2029, utilisation=0.25, power_price=0.06, unit_cost=1200.0)
    cost = deliver(owned, Scenario("base"), Scenario("dear", operating_cost=2.0))["operating_cost"]
    assert cost[0, 3] == pytest.approx(4000 * (100 + 2.0 * 0.06 * HOURS), rel=1e-15)
    assert cost[0, 40] == pytest.approx(4000 * (100 + 2.0 * 0.06 * HOURS * 0.25), rel=1e-15)
    assert np.array_equal(cost[1], 2.0 * cost[0])


def test_construction_falls_due_at_delivery_late_and_over_budget():
    receipts = deliver(fleet(contract=TO_2029), Scenario("base"), Scenario("late", delay_months=2, overrun=0.1))
    spent = receipts["construction"]
    assert spent[0, :5].tolist() == [40e6, 0.0, 120e6, 0.0, 0.0] and spent[0].sum() == 160e6
    np.testing.assert_allclose(spent[1, :6], [0.0, 0.0, 44e6, 0.0, 132e6, 0.0], rtol=1e-15)
    np.testing.assert_array_equal(receipts["revenue"][1, 5:], receipts["revenue"][0, 5:])
    assert receipts["revenue"][1, :5].tolist() == [0.0, 0.0, 0.0, *receipts["revenue"][0, 1:3]]


def test_what_has_arrived_is_neither_paid_for_again_nor_late():
    arrived = Generation("H", {D(2026, 1, 31): 10.0}, cost=1.0, market_price=1.0)
    receipts = deliver(fleet(arrived), Scenario("base"), Scenario("late", delay_months=6))
    assert not receipts["construction"].any()
    assert np.array_equal(receipts["revenue"][0], receipts["revenue"][1])


def test_value_follows_age_and_technology():
    one = Generation("H", {D(2026, 3, 31): 10.0}, cost=100.0, resale=(1.0, 0.6, 0.4, 0.2))
    value = deliver(fleet(one), Scenario("base"), Scenario("superseded", residual_value=(1.0, 0.5)))["value"]
    assert value[0, [5, 11, 17, 23, 35, 71]] == pytest.approx([800.0, 600.0, 500.0, 400.0, 200.0, 200.0], rel=1e-14)
    assert np.array_equal(value[1, 1:], 0.5 * value[0, 1:])


def test_the_fleet_is_cash_only_when_it_is_sold():
    owned = fleet(contract=TO_2029)
    sold = Scenario("sold", contract_breach=D(2028, 3, 31), sale=D(2028, 9, 15), residual_value=0.5)
    receipts = deliver(owned, Scenario("base"), sold, Scenario("breach", contract_breach=D(2028, 3, 31)))
    assert not receipts["resale"][[0, 2]].any()
    assert receipts["resale"][1, 29] == 0.5 * receipts["value"][0, 29]
    assert receipts["resale"][1].sum() == receipts["resale"][1, 29]
    for field in ("revenue", "operating_cost", "value"):
        assert not receipts[field][1, 30:].any()
    assert np.array_equal(receipts["revenue"][1, :30], receipts["revenue"][2, :30])


def test_a_fleet_sold_at_the_start_on_a_path_brings_its_value_and_not_nothing():
    owned = fleet(dataclasses.replace(H, deliveries={D(2026, 3, 31): 1000.0}), contract=TO_2029)
    receipts = deliver(owned, Scenario("base"))
    sold = owned.deliver(MONTHS, Drivers.of(Paths(sale=[0.0, 1e-9])))
    for path in (0, 1):
        assert sold["resale"][path].tolist() == [receipts["value"][0, 0]] + [0.0] * 71
        assert sold["revenue"][path].tolist() == [receipts["revenue"][0, 0]] + [0.0] * 71


def test_the_parents_bankruptcy_is_an_event_alone():
    owned = fleet(contract=TO_2029)
    receipts = deliver(owned, Scenario("base"), Scenario("parent", parent_bankruptcy=D(2027, 1, 5)))
    assert receipts.events["parent bankruptcy"].tolist() == [[0.0] * 72, [0.0] * 9 + [1.0] * 63]
    assert np.array_equal(receipts["revenue"][0], receipts["revenue"][1])


def test_paths_are_the_same_to_the_bit_in_any_chunk():
    owned = fleet(contract=TO_2029, power_price=0.06, unit_cost=100.0, utilisation=0.7)
    paths = Paths(
        50,
        seed=4,
        draw=lambda draws: {
            "gpu_price": np.exp(0.3 * draws.normal(72)),
            "contract_breach": -np.log(draws.uniform(1, stream=1)) * 5,
            "delay_months": 6 * draws.uniform(1, stream=2),
            "residual_value": draws.uniform(72, stream=3),
        },
    )
    chunked(owned, MONTHS, paths, slice(0, 1), slice(13, 40))


def test_a_fleet_goes_to_a_document_and_back():
    owned, found = fleet(contract=TO_2029, utilisation=0.5), []
    assert read(ComputeContract, plain(owned), "", found) == owned and not found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TakeOrPay("lab", price=1.0), "give ends or months, one of the two"),
        (lambda: TakeOrPay("lab", months=12.0), "give price or monthly, one of the two"),
        (lambda: Generation("H", {}), "Generation 'H'.deliveries: must hold at least one value"),
        (lambda: fleet(H, H), "fleet: names must differ, 'H' stands 2 times"),
        (lambda: fleet(utilisation=1.2), "utilisation: must be less than or equal to 1, got 1.2"),
    ],
)
def test_bad_fleets_say_what_is_wrong_and_where(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


# Renewal, and what the customer is let off


def test_a_renewed_share_pays_its_own_rent_and_the_rest_meets_the_market():
    terms = dataclasses.replace(TO_2029, renewal=0.5, renewal_rent=0.6)
    receipts = deliver(
        fleet(contract=terms, utilisation=0.8, power_price=0.06),
        Scenario("base"), Scenario("gone", renewal=0.0), Scenario("all, cheap", renewal={"lab": 1.0}, renewal_rent=0.25),
        Scenario("broken before", contract_breach=D(2028, 3, 31)), Scenario("broken after", contract_breach=D(2030, 3, 31)),
        Scenario("by date", renewal={D(2026, 1, 1): 1.0, D(2029, 4, 1): 0.0}),
    )  # fmt: skip
    full, market = 4000 * HOURS * 4.0, 4000 * HOURS * 2.5 * 0.8
    half = 0.5 * 0.6 * full + 0.5 * market
    for row, (third, fourth, fifth) in enumerate(  # before the end of the contract, after it, and after a later breach
        [(full, half, half), (full, market, market), (full, full / 4, full / 4), (market, market, market),
         (full, half, market), (full, 0.6 * full, 0.6 * full)]
    ):  # fmt: skip
        found = receipts["revenue"][row]
        np.testing.assert_allclose(found[[30, 36, 47]], [third, fourth, fourth], rtol=1e-14)
        np.testing.assert_allclose(found[[48, 71]], fifth, rtol=1e-14)
    power = 4000 * 2.0 * 0.06 * HOURS
    np.testing.assert_allclose(receipts["operating_cost"][:3, 40], [0.9 * power, 0.8 * power, power], rtol=1e-14)


def test_each_delivery_is_renewed_at_its_own_end():
    terms = TakeOrPay("lab", months=12.0, monthly=8e6, renewal=1.0, renewal_rent=0.5)
    revenue = deliver(fleet(contract=terms))["revenue"][0]
    np.testing.assert_allclose(revenue[[3, 12, 13, 14, 15, 71]], [8e6, 8e6, 7e6, 7e6, 4e6, 4e6], rtol=1e-15)


def test_nothing_is_renewed_where_nothing_was_let():
    bare = deliver(fleet(), Scenario("base"), Scenario("renewed", renewal=1.0, rent=0.5))
    assert np.array_equal(bare["revenue"][0], bare["revenue"][1]) and bare["revenue"][0, 3] > 0.0


def test_every_rent_is_the_customers_payment_too():
    receipts = deliver(fleet(contract=TO_2029), Scenario("base"), Scenario("half", rent={"lab": 0.5}))
    np.testing.assert_array_equal(receipts["revenue"][1, :36], 0.5 * receipts["revenue"][0, :36])
    np.testing.assert_array_equal(receipts["revenue"][1, 36:], receipts["revenue"][0, 36:])


def test_a_sale_by_the_customers_name_is_that_of_its_fleet():
    owned = fleet(contract=TO_2029)
    receipts = deliver(
        owned, *(Scenario(f"{i}", sale=sale) for i, sale in enumerate([D(2028, 9, 30), {"lab": D(2028, 9, 30)}, {"other": D(2028, 9, 30)}]))
    )  # fmt: skip
    assert receipts["resale"].sum(axis=1).tolist() == pytest.approx([receipts["resale"][0, 29]] * 2 + [0.0])
    assert receipts["resale"][0, 29] > 0.0


def test_a_contract_that_was_over_when_the_fleet_is_stated_is_refused():
    generation = Generation("units", cost=1.0, market_price=1.0, resale=(1.0,), deliveries={D(2026, 1, 15): 1})
    over = TakeOrPay("lab", ends=D(2025, 12, 31), price=4.0)
    with pytest.raises(InvalidTerms, match="contract.ends: 2025-12-31 lies before as_of 2026-01-15"):
        ComputeContract((generation,), as_of=D(2026, 1, 15), contract=over)
