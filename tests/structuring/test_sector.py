"""One factor that strikes everything: defaults, prices, rents and guarantors of deals and books."""

import dataclasses
import datetime as dt
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from structuring import load_deal, study, summary
from structuring.deals.deal import clock
from structuring.generators.sector_model import Response, SectorModel
from structuring.runs.book import Book, Position, study_book
from structuring.runs.run import project
from structuring.scenarios.scenario import Drivers, Scenario
from structuring.simulation.copula import Copula
from waterfalls.errors import UnknownName

RATES = {"SOFR": 0.04, "SONIA": 0.04}
COREWEAVE, BEIGNET, VANTAGE = (load_deal(name) for name in ("coreweave-ddtl-4", "beignet-2025", "vantage-jersey"))
BOOK = Book(
    "ai", as_of=dt.date(2026, 9, 30),
    positions=[Position("beignet-2025"), Position("coreweave-ddtl-4", obligors={"customer": "Meta"}),
               Position("vantage-jersey", fx=1.3)],
)  # fmt: skip


def drawn(target, count=20_000, **terms):
    return SectorModel(**terms).paths(target, count, seed=11).arrays


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def test_every_deal_gets_the_drivers_that_its_collateral_reads():
    assert set(drawn(COREWEAVE, 4)) == {
        "tenant_default", "contract_breach", "parent_bankruptcy", "gpu_price", "residual_value", "sale",
    }  # fmt: skip
    assert set(drawn(BEIGNET, 4)) == {"tenant_default", "guarantor_default", "residual_value", "renewal"}
    assert set(drawn(VANTAGE, 4)) == {"tenant_default", "re_let_rent"}


def test_everything_goes_wrong_together():
    model = {"copula": Copula(0.4), "hazard": 0.05, "breach": 0.05}
    fleet = drawn(COREWEAVE, **model)
    customer, breach = (fleet[driver]["customer"][:, 0] < 5.0 for driver in ("tenant_default", "contract_breach"))
    parent = fleet["parent_bankruptcy"][:, 0] < 5.0
    price = np.log(fleet["gpu_price"][:, 59])
    assert correlation(customer, parent) > 0.15 and correlation(customer, breach) > 0.15
    assert correlation(customer, price) < -0.15
    assert price[customer & parent].mean() < price[customer].mean() < price.mean() - 0.05
    apart = drawn(COREWEAVE, hazard=0.05, copula=Copula(0.0))
    alone = apart["tenant_default"]["customer"][:, 0] < 5.0
    assert abs(correlation(alone, np.log(apart["gpu_price"][:, 59]))) < 0.02
    for struck in (alone, customer):
        assert struck.mean() == pytest.approx(1.0 - math.exp(-0.25), abs=0.015)


def test_each_fails_with_its_own_probability_whatever_the_correlation():
    for copula in (Copula(0.0), Copula(0.5), Copula(0.3, degrees=3)):
        found = drawn(BEIGNET, copula=copula, hazards={"Meta": {0: 0.0, 5: 0.02}}, non_renewal=0.2)
        years = found["tenant_default"]["Meta"][:, 0]
        assert (years < 5.0).sum() == 0
        assert (years < 15.0).mean() == pytest.approx(1.0 - math.exp(-0.2), abs=0.012)
        assert found["renewal"]["Meta"][:, 40].mean() == pytest.approx(0.8, abs=0.012)


def test_who_has_two_roles_fails_once():
    found = drawn(BEIGNET, 500)
    assert np.array_equal(found["tenant_default"]["Meta"], found["guarantor_default"]["Meta"])


def test_resale_follows_the_price_and_a_fleet_is_sold_after_its_customer_has_gone():
    found = drawn(COREWEAVE, 500, resale_elasticity=2.0, sale_lag=6.0)
    np.testing.assert_allclose(found["residual_value"], found["gpu_price"] ** 2)
    gone = np.minimum(found["tenant_default"]["customer"], found["contract_breach"]["customer"])
    np.testing.assert_allclose(found["sale"]["customer"], gone + 0.5)


def test_rents_are_multiples_of_each_tenants_own():
    found = drawn(VANTAGE, re_let_rent=Response(0.2, 1.0))["re_let_rent"]
    np.testing.assert_allclose(found["other tenants"], 0.95 * found["largest tenant"])
    assert np.log(found["largest tenant"]).std() == pytest.approx(0.2, abs=0.003)


def test_a_name_has_the_same_fate_in_a_book_as_in_a_deal_alone():
    alone, together = drawn(BEIGNET, 200), SectorModel().paths(BOOK, 200, seed=11)
    assert np.array_equal(alone["tenant_default"]["Meta"], together.arrays["tenant_default"]["Meta"])
    views = BOOK.views()
    fleet = views["coreweave-ddtl-4"].of(together).arrays
    # the customer is Meta, whose clock starts at the date of the book, three months after the fleet's
    np.testing.assert_allclose(fleet["tenant_default"]["customer"], alone["tenant_default"]["Meta"] + 0.25)
    assert fleet["parent_bankruptcy"].shape == (200, 1) and fleet["sale"]["customer"].shape == (200, 1)


def test_a_book_runs_under_one_factor():
    paths = SectorModel(copula=Copula(0.4)).paths(BOOK, 1_000, seed=2)
    found = study_book(BOOK, paths, measure=summary(), rates=RATES)
    loss = {deal: sum(parts.values()) for deal, parts in found.total("loss").items()}
    assert correlation(loss["beignet-2025"] > 0.0, loss["coreweave-ddtl-4"] > 0.0) > 0.2
    total = sum(found.by_class().values())
    np.testing.assert_allclose(total, sum(BOOK.scales[deal] * part for deal, part in loss.items()), rtol=1e-9)


# The same numbers however they are computed


@pytest.mark.parametrize("model", [SectorModel(), SectorModel(sobol=True, copula=Copula(0.3, between=0.1, degrees=4))])
@pytest.mark.parametrize(("chunk", "workers"), [(1, 1), (77, 1), (100, 2), (512, 3)])
def test_a_seed_gives_the_same_numbers_for_any_workers_and_chunk(model, chunk, workers):
    count = 40 if chunk == 1 else 512
    whole = study(COREWEAVE, model.paths(COREWEAVE, count, seed=5), measure=summary(), rates=RATES, engine="fast")
    parts = study(
        COREWEAVE, model.paths(COREWEAVE, count, seed=5), measure=summary(), rates=RATES, engine="fast", chunk=chunk,
        workers=workers,
    )  # fmt: skip
    for name, array in whole.totals.items():
        assert np.array_equal(array, parts.totals[name], equal_nan=True), name
    assert whole.totals["loss"].max() > 0.0


def test_a_seed_gives_the_same_numbers_in_other_processes_and_another_does_not():
    def losses(seed, **terms):
        paths = SectorModel().paths(COREWEAVE, 96, seed=seed)
        return study(COREWEAVE, paths, measure=summary(), rates=RATES, engine="reference", chunk=48, **terms).totals[
            "loss"
        ]

    whole = losses(5)
    with ProcessPoolExecutor(1) as processes, ThreadPoolExecutor(2) as threads:
        assert np.array_equal(whole, losses(5, executor=processes))
        assert np.array_equal(whole, losses(5, executor=threads))
    assert not np.array_equal(whole, losses(6))


def test_more_paths_leave_the_first_as_they_were():
    few, many = (SectorModel().paths(COREWEAVE, count, seed=5).rows(slice(0, 50)).arrays for count in (50, 5_000))
    assert np.array_equal(few["gpu_price"], many["gpu_price"])
    assert np.array_equal(few["sale"]["customer"], many["sale"]["customer"])


def test_names_that_nobody_bears_are_refused():
    with pytest.raises(UnknownName, match="there is no obligor 'Mata'. Did you mean 'Meta'"):
        SectorModel(hazards={"Mata": 0.1}).paths(BEIGNET, 10)


# Several collaterals in one deal


LAB = dataclasses.replace(
    COREWEAVE.collateral, contract=dataclasses.replace(COREWEAVE.collateral.contract, counterparty="lab")
)


@pytest.mark.parametrize("others", [(), (BEIGNET.collateral,), (VANTAGE.collateral,)])
def test_each_of_several_collaterals_takes_what_is_its_own(others):
    deal = dataclasses.replace(COREWEAVE, collateral=(COREWEAVE.collateral, LAB, *others))
    paths, schedule = SectorModel(hazard=0.1).paths(deal, 60, seed=11), clock(deal)
    found = paths.arrays
    assert {"customer", "lab"} <= set(found["tenant_default"]) and set(found["sale"]) == {"customer", "lab"}
    receipts = project(deal, paths)
    parts = [asset.deliver(schedule, Drivers.of(paths)) for asset in deal.collateral]
    np.testing.assert_allclose(receipts["revenue"], sum(part["revenue"] for part in parts), rtol=1e-12)
    for name, part in zip(("customer", "lab"), parts, strict=False):
        within = found["sale"][name][:, 0] < 5.0
        assert (part["resale"][within].sum(axis=1) > 0.0).all() and within.any() and not within.all()
    assert not np.array_equal(parts[0]["resale"], parts[1]["resale"])


def test_whose_renewal_is_its_contracts_own_is_not_drawn_as_a_projects_tenant():
    meta = dataclasses.replace(LAB, contract=dataclasses.replace(LAB.contract, counterparty="Meta"))
    deal = dataclasses.replace(BEIGNET, collateral=(BEIGNET.collateral, meta))
    assert "renewal" not in drawn(deal, 4) and "renewal" in drawn(BEIGNET, 4)


def test_a_book_sells_a_deal_by_its_name_and_a_fleet_by_its_customers():
    day = dt.date(2029, 3, 31)
    view = BOOK.views()["coreweave-ddtl-4"]
    for given, seen in (
        ({"coreweave-ddtl-4": day}, day),
        ({"Meta": day}, {"customer": day}),
        ({"beignet-2025": day}, None),
    ):
        (scenario,) = view.of([Scenario("sold", sale=given)])
        assert scenario.given().get("sale") == seen
