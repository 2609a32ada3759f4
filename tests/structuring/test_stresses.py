"""Named stresses: nothing at scale 0, the story at 1, worse beyond; and a source for every figure."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from pricing import load_market, price, projected
from pricing.valuation.named_stresses import ladder, stressed
from pricing.valuation.spread_shocks import UNCHANGED
from structuring import Scenario, cdr, load_deal, load_scenarios, run, sda
from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.collateral.loans import LoanPool
from structuring.deals.deal import drivers_of
from structuring.deals.deal_files import library
from structuring.generators.named_stresses import Effect, NamedStress, load_stress, paper, stresses
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.speed import rate_a_year
from waterfalls import Equity, Fixed, Note
from waterfalls.errors import InvalidTerms, UnknownName

RATES = {"SOFR": 0.04, "SONIA": 0.04, "EURIBOR": 0.03}
TOLD = [
    "AI demand shortfall", "technology superseded", "sponsor default", "refinancing freeze", "power delay",
    "rent re-set at renewal", "autumn 2025", "moves of 2026",
]  # fmt: skip
DEALS = {name: load_deal(name) for name in library()}
D = dt.date


def test_the_stories_told_are_the_stresses_shipped():
    assert sorted(stresses()) == sorted(TOLD)
    with pytest.raises(UnknownName, match="Did you mean 'power delay'"):
        load_stress("power delays")


@pytest.mark.parametrize("name", TOLD)
def test_every_figure_has_a_source_or_is_called_an_assumption(name):
    stress = stresses()[name]
    figures = [f"effects.{kind}" for kind in stress.effects]
    figures += [field for field in ("events", "spread", "rates") if getattr(stress, field)]
    assert set(stress.sources) == {"story", *figures}
    for place, said in stress.sources.items():
        assert set(said) in ({"assumption"}, {"tier", "source"}), place
        assert said.get("tier", "A") in "PRBAD" and all(said.values())


@pytest.mark.parametrize("deal", DEALS)
@pytest.mark.parametrize("name", TOLD)
def test_scale_zero_is_the_base_to_the_bit_and_only_drivers_that_the_deal_reads_are_moved(name, deal):
    terms, stress = DEALS[deal], stresses()[name]
    base = load_scenarios(deal)[0]
    scenarios = [base, *(stress.scenario(terms, scale=scale, on=base) for scale in (0.0, 0.5, 3.0))]
    for scenario in scenarios:
        assert set(scenario.given()) <= drivers_of(terms)
    flows = run(terms, scenarios[:2], rates=RATES)
    for key in flows.plan.outputs:
        assert np.array_equal(flows[key][0], flows[key][1])
    assert not any(stress.spreads(terms, scale=0.0).values())


@pytest.mark.parametrize(
    ("name", "deal"),
    [
        ("AI demand shortfall", "coreweave-ddtl-4"),
        ("AI demand shortfall", "beignet-2025"),
        ("AI demand shortfall", "vantage-jersey"),
        ("technology superseded", "coreweave-ddtl-4"),
        ("sponsor default", "beignet-2025"),
        ("rent re-set at renewal", "vantage-jersey"),
        ("power delay", "vantage-jersey"),
    ],
)
def test_more_of_a_stress_takes_more_from_the_deal(name, deal):
    terms = DEALS[deal]
    scenarios = [stresses()[name].scenario(terms, scale=scale) for scale in (0.0, 0.5, 1.0, 2.0)]
    flows = run(terms, scenarios, rates=RATES)
    cash = flows.receipts.cash.sum(axis=1) - flows.receipts["operating_cost"].sum(axis=1)
    assert (np.diff(cash) <= 0.0).all() and cash[0] > cash[2] > cash[3]


def test_multiples_are_powers_additions_are_linear_and_dates_come_sooner():
    stress = NamedStress(
        "x", story="x",
        effects={"compute_contract": (Effect("gpu_price", times=0.5, after=1.0), Effect("delay_months", plus=6.0),
                                      Effect("utilisation", times=2.0), Effect("contract_breach", after=2.0))},
    )  # fmt: skip
    deal, start = DEALS["coreweave-ddtl-4"], D(2026, 6, 30)
    found = {scale: stress.scenario(deal, scale=scale).given() for scale in (0.5, 1.0, 2.0, 1e-9)}
    assert [found[k]["gpu_price"] for k in (1.0, 2.0)] == [{D(2027, 6, 30): 0.5}, {D(2027, 6, 30): 0.25}]
    assert found[0.5]["gpu_price"][D(2027, 6, 30)] == pytest.approx(0.5**0.5)
    assert [found[k]["delay_months"] for k in (0.5, 1.0, 2.0)] == [3.0, 6.0, 12.0]
    assert found[2.0]["utilisation"] == {"accelerators": {start: 1.0}}  # 0.7 x 4, at most all hours
    assert [found[k]["contract_breach"]["customer"] for k in (0.5, 1.0, 2.0)] == [
        D(2030, 6, 30),
        D(2028, 6, 30),
        D(2027, 6, 30),
    ]
    assert found[1e-9]["contract_breach"]["customer"] == D(2199, 12, 31)  # never: the last date there is
    assert stress.scenario(deal, start=D(2027, 1, 31)).gpu_price == {D(2028, 1, 31): 0.5}


def test_what_is_by_name_starts_from_each_names_own_terms():
    found = stresses()["AI demand shortfall"].scenario(DEALS["vantage-jersey"]).given()
    when = D(2027, 11, 20)
    assert found["re_let_rent"]["other tenants"] == {when: pytest.approx(0.95 * 0.75)}
    assert found["downtime"] == {"largest tenant": {when: 21.0}, "other tenants": {when: 18.0}}


def test_a_sponsor_strikes_only_where_it_has_a_role():
    stress = stresses()["sponsor default"]
    assert set(stress.scenario(DEALS["beignet-2025"]).given()) == {"tenant_default", "guarantor_default"}
    assert set(stress.scenario(DEALS["vantage-jersey"]).given()) == {"operating_cost"}
    other = dataclasses.replace(DEALS["beignet-2025"], sponsor=None)
    assert stress.scenario(other).given() == {}
    largest = NamedStress(
        "x", story="x", effects={"lease_portfolio": (Effect("tenant_default", after=1.0, who="largest"),)}
    )
    assert largest.scenario(DEALS["vantage-jersey"]).tenant_default == {"largest tenant": D(2027, 11, 20)}
    cut = NamedStress("x", story="x", effects={"lease_portfolio": (Effect("rent", times=0.5, who="largest"),)})
    assert cut.scenario(DEALS["vantage-jersey"]).rent == {"largest tenant": {D(2026, 11, 20): 0.5}}


def test_an_event_strikes_only_a_deal_that_names_it():
    stress = stresses()["refinancing freeze"]
    assert stress.scenario(DEALS["vantage-jersey"]).event == {"refinancing freeze": D(2027, 5, 20)}
    assert stress.scenario(DEALS["beignet-2025"]).given() == {}


@pytest.mark.parametrize(
    ("base", "expected"),
    [(None, 0.0), (cdr(0.03), 0.03), (sda(2.0), 0.012), ((0.01, 0.002), 1 - 0.998**12), (0.001, 1 - 0.999**12)],
)
def test_defaults_are_added_a_year_to_what_the_pool_says(base, expected):
    pool = LoanPool.level_pay(balance=100.0, rate=0.05, remaining_term=60, default=base)
    assert rate_a_year(pool.default) == pytest.approx(expected)
    deal = dataclasses.replace(DEALS["vantage-jersey"], collateral=pool, events=("refinancing freeze",))
    (rate,) = stresses()["AI demand shortfall"].scenario(deal, scale=2.0).default.values()
    assert 1.0 - (1.0 - rate) ** 12 == pytest.approx(expected + 0.04)


def test_several_kinds_of_collateral_each_get_their_own():
    bonds = BondPortfolio([Bond("Acme", 100.0, coupon=0.05, maturity=D(2035, 1, 15))])
    both = dataclasses.replace(DEALS["vantage-jersey"], collateral=(DEALS["vantage-jersey"].collateral, bonds))
    given = stresses()["AI demand shortfall"].scenario(both).given()
    assert set(given) == {"renewal", "re_let_rent", "downtime", "default"}


def test_each_of_two_customers_and_a_tenant_starts_from_its_own_contract():
    fleet, hall = (DEALS[name].collateral for name in ("coreweave-ddtl-4", "beignet-2025"))
    lab = dataclasses.replace(
        fleet, contract=dataclasses.replace(fleet.contract, counterparty="lab", renewal=0.8, renewal_rent=0.9),
        fleet=[dataclasses.replace(fleet.fleet[0], name="units of the lab")], utilisation=0.4,
    )  # fmt: skip
    stress = NamedStress(
        "x", story="x",
        effects={"compute_contract": (Effect("renewal", times=0.5), Effect("renewal_rent", times=0.5), Effect("utilisation", plus=-0.1)),
                 "project": (Effect("rent", times=0.75), Effect("renewal", times=0.5))},
    )  # fmt: skip
    deal = dataclasses.replace(DEALS["coreweave-ddtl-4"], collateral=(fleet, lab, hall))
    given = {driver: {name: max(by_date.values()) for name, by_date in value.items()}
             for driver, value in stress.scenario(deal).given().items()}  # fmt: skip
    assert given["renewal"] == {"customer": 0.0, "lab": 0.4, "Meta": 0.5 * hall.lease.renewal}
    assert given["renewal_rent"] == {"customer": 0.5, "lab": 0.45}
    assert given["utilisation"] == pytest.approx({"accelerators": 0.6, "units of the lab": 0.3})
    assert given["rent"] == {"Meta": 0.75}  # the customers' contracts are no part of this story


@pytest.mark.parametrize(
    ("rating", "expected"),
    [("AAA", "AA"), ("Aa1", "AA"), ("A+", "A"), ("A3", "A"), ("A(low)", "A"), ("BBB-", "BBB"), ("Baa2", "BBB"), ("BB+", "below"),
     ("B1", "below"), ("AAA(sf)", "AA"), ("A- (sf)", "A"), (None, "unrated"),
     ("NR", "unrated"), ("not rated", "unrated"), ("B", "below")],
)  # fmt: skip
def test_paper_is_classed_by_the_words_of_every_agency(rating, expected):
    assert paper(Note("n", 1.0, coupon=Fixed(0.05), rating=rating)) == expected
    assert paper(Equity("e")) == "equity"


# With pricing


def test_a_stress_is_a_scenario_and_its_shock():
    scenario, pair = stressed("technology superseded", DEALS["coreweave-ddtl-4"], scale=0.5)
    assert pair.scenario == scenario.name == "technology superseded x 0.5"
    assert pair.shock.moves[0].bp == {"floating": 50.0, "fixed": 50.0, "equity": 400.0}
    calm, still = stressed("technology superseded", DEALS["coreweave-ddtl-4"], scale=0.0)
    assert still.shock == UNCHANGED and calm.given() == {}


def test_a_ladder_of_scales_prices_lower_and_lower():
    deal, market = DEALS["coreweave-ddtl-4"], load_market("coreweave-ddtl-4")
    scenarios, pairs = ladder("technology superseded", deal, [0.25, 0.5, 1.0, 1.5])
    base = Scenario("base")
    flows = run(deal, [base, *scenarios], rates=projected(market, deal))
    frame = price(flows, market, pairs=pairs).frame()
    found = [
        frame.query(f"tranche == 'fixed' and scenario == {pair.scenario!r} and shock == {pair.shock.name!r}")[
            "clean"
        ].item()
        for pair in pairs
    ]
    assert found == sorted(found, reverse=True) and found[-1] < 0.7 * found[0]


def test_the_moves_of_autumn_2025_change_no_cash():
    scenario, pair = stressed("autumn 2025", DEALS["vantage-jersey"])
    assert scenario.given() == {} and pair.shock.moves[0].bp["B"] == 48.0
    assert stresses()["moves of 2026"].rates == 92.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Effect("gpu_prize", times=0.5), "there is no driver 'gpu_prize'. Did you mean 'gpu_price'?"),
        (lambda: Effect("gpu_price"), "gpu_price takes times or plus, one of the two"),
        (lambda: Effect("sale", times=0.5), "sale takes after alone"),
        (lambda: NamedStress("x", story="x", spread={"AAA": 1.0}), "there is no class of paper 'AAA'. Did you mean 'AA'?"),
        (lambda: NamedStress("x", story="x", effects={"loans": ()}), "there is no kind of collateral 'loans'"),
        (lambda: stresses()["power delay"].scenario(DEALS["beignet-2025"], scale=-1.0), "must be a number from 0 on, got -1"),
        (lambda: stresses()["power delay"].spreads(DEALS["beignet-2025"], scale=np.inf), "must be a number from 0 on, got inf"),
    ],
)  # fmt: skip
def test_bad_stresses_say_what_is_wrong(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


def test_every_driver_of_the_library_is_known():
    moved = {effect.driver for stress in stresses().values() for row in stress.effects.values() for effect in row}
    assert moved <= set(DRIVERS) and len(moved) >= 14
