"""Deals run anew under moved rates and drivers, spreads held."""

import dataclasses
import datetime as dt
import importlib

import numpy as np
import pytest

from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.reprice import Bump, reprice
from structuring.deals.deal import drivers_of
from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
from structuring.runs.run import run
from structuring.scenarios.monthly_rates import cdr, mdr, rates_of
from structuring.scenarios.scenario import Scenario
from structuring.scenarios.speed import Speed
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.terms.coupons import Floating
from waterfalls.terms.tranches import Note

module = importlib.import_module("pricing.valuation.reprice")
DEALS = ["coreweave-ddtl-4", "vantage-jersey", "beignet-2025"]


@pytest.fixture(params=DEALS)
def shipped(request):
    folder = find_deal(request.param).parent
    return load_deal(request.param), load_scenarios(folder / "scenarios.yaml"), load_market(folder / "market.yaml")


def test_dv01_is_what_running_the_deal_anew_says(shipped):
    """For notes that are paid in full; what the equity gets moves with the coupons above it."""
    deal, scenarios, market = shipped
    moved = reprice(deal, scenarios[0], market, [Bump.rates(bp=0.5), Bump.rates(bp=-0.5)])
    notes = [i for i, tranche in enumerate(deal.tranches) if isinstance(tranche, Note)]
    dv01 = (moved.npv[0, 1] - moved.npv[0, 0])[notes]
    np.testing.assert_allclose(moved.prices["dv01"][0, 0][notes], dv01, rtol=1e-4, atol=1e-6)


def test_what_a_bump_does_not_touch_is_not_done_again(shipped, monkeypatch):
    deal, scenarios, market = shipped
    driver = min(drivers_of(deal) & {"gpu_price", "rent", "severity"})
    bumps = [Bump.rates(bp=25.0), Bump.times(driver, 1.1), Bump.rates(bp=10.0) + Bump.times(driver, 1.2)]
    done = {"project": 0, "settle": 0}

    def counted(name):
        function = getattr(module, name)

        def call(*given, **named):
            done[name] += 1
            return function(*given, **named)

        return call

    for name in done:
        monkeypatch.setattr(module, name, counted(name))
    reprice(deal, scenarios, market, bumps)
    floats = any(isinstance(getattr(t, "coupon", None), Floating) for t in deal.tranches)
    assert done == {"project": 3, "settle": 4 if floats else 3}


def test_every_shipped_deal_prices_in_every_scenario(shipped):
    deal, scenarios, market = shipped
    prices = price(run(deal, scenarios, rates=market.rates(deal)), market)
    frame = prices.frame()
    assert len(frame) == len(scenarios) * len(prices.tranches)
    assert frame["npv"].notna().all()
    dead = frame["status"] != "priced"
    assert (frame.loc[dead, "npv"] == 0.0).all()


def test_a_driver_that_is_moved_is_the_scenario_that_says_so(shipped):
    deal, scenarios, market = shipped
    drivers = {"coreweave-ddtl-4": "gpu_price", "vantage-jersey": "rent", "beignet-2025": "residual_value"}
    driver, base = drivers[deal.name], scenarios[0]
    bumps = [Bump.times(driver, 0.8), Bump.set(driver, 0.5), Bump.add(driver, -0.1) + Bump.rates(bp=25)]
    moved = reprice(deal, base, market, bumps)
    assert moved.bumps == (f"{driver} x0.8", f"{driver} = 0.5", f"{driver} -0.1, rates +25 bp")
    spreads = {name: z for name, z in zip(moved.prices.tranches, moved.prices["z_spread"][0, 0], strict=True) if z == z}
    for m, (value, bp) in enumerate([(0.8, 0), (0.5, 0), (0.9, 25)]):
        there = market.shifted(bp)
        flows = run(deal, dataclasses.replace(base, **{driver: value}), rates=there.rates(deal))
        again = price(flows, Market(there.curve, spreads, otherwise=0.0))
        np.testing.assert_allclose(moved.npv[0, m], again.npv[0, 0], rtol=1e-12, atol=1e-6)
    frame = moved.frame()
    assert list(frame.columns) == ["deal", "currency", "scenario", "bump", "tranche", "npv", "change", "relative"]
    np.testing.assert_array_equal(frame["change"], (moved.npv - moved.prices.npv).ravel())


def test_bumps_that_say_nothing_are_refused():
    with pytest.raises(InvalidTerms, match="there is no driver that is a number 'rents'"):
        Bump.times("rents", 0.9)
    deal = load_deal("vantage-jersey")
    market = load_market(find_deal("vantage-jersey").parent / "market.yaml")
    with pytest.raises(InvalidTerms, match="gives utilisation no numbers"):
        reprice(deal, Scenario("base"), market, Bump.add("utilisation", -0.1))
    with pytest.raises(InvalidTerms, match="bumps: names must differ"):
        reprice(deal, Scenario("base"), market, [Bump.rates(bp=1), Bump.rates(bp=1)])
    with pytest.raises(UnknownName, match="there is no bump 'rates'"):
        reprice(deal, Scenario("base"), market, Bump.rates(bp=1)).sensitivity("rates")


def moved_to(bump, **drivers):
    """The scenario that a bump makes of one, for the shipped deal with the tenants 'largest tenant' and 'other tenants'."""
    (found,) = bump.scenarios([Scenario("s", **drivers)], load_deal("vantage-jersey"))
    return found


def test_numbers_in_vectors_and_by_name_move_too():
    bump = Bump.times("rent", 0.5) + Bump.add("gpu_price", 0.1)
    moved = moved_to(bump, rent={"largest tenant": (1.0, 0.8), "other tenants": 2.0})
    assert moved == Scenario("s", rent={"largest tenant": (0.5, 0.4), "other tenants": 1.0}, gpu_price=1.1)


def test_what_a_multiple_leaves_unsaid_moves_too():
    """Every rent x 0.5: the tenant that the scenario does not name pays 1, so 0.5, as it does before the first date."""
    closing = load_deal("vantage-jersey").closing
    late = dt.date(2030, 1, 1)
    half = Bump.times("rent", 0.5)
    assert moved_to(half, rent={"largest tenant": 0.8}).rent == {"largest tenant": 0.4, "other tenants": 0.5}
    assert moved_to(half, rent={late: 0.8}).rent == {closing: 0.5, late: 0.4}
    assert moved_to(half).rent == 0.5
    # a share that is not said is the collateral's own, and stays
    assert moved_to(Bump.times("renewal", 0.5), renewal={"largest tenant": 0.8}).renewal == {"largest tenant": 0.4}


def by_month(rate):
    """The months of one year of a rate a year."""
    return 1.0 - (1.0 - rate) ** (1.0 / 12.0)


@pytest.mark.parametrize(
    ("bump", "rate"),
    [(Bump.times("default", 3.0), 0.06), (Bump.add("default", 0.01), 0.03), (Bump.set("default", 0.05), 0.05)],
    ids=lambda given: getattr(given, "name", ""),
)
@pytest.mark.parametrize(
    "told",
    [cdr(0.02), [by_month(0.02)] * 360, by_month(0.02), {dt.date(2027, 1, 1): by_month(0.02)}, mdr(by_month(0.02))],
    ids=["speed", "vector", "number", "dated", "MDR"],
)
def test_the_same_rates_move_alike_however_they_are_told(bump, rate, told):
    """2 % a year x 3 is 6 % a year, + 1 % is 3 %: 1 - (1 - x)^(1/12) a month."""
    found = moved_to(bump, default=told).default
    if isinstance(found, dict):
        found = found[max(found)]
    monthly = (
        rates_of(found, np.ones(1))[0] if isinstance(found, Speed) else found[-1] if isinstance(found, tuple) else found
    )
    assert monthly == pytest.approx(by_month(rate), rel=1e-12)
