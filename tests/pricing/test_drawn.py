"""Paths drawn around a scenario: the scenario itself without volatility, the law of the draws, tables against numpy."""

import numpy as np
import pytest

from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.paths_and_books.losses_over_paths import classes_over_paths, drawn_paths, every_path, tranches_over_paths
from pricing.paths_and_books.study_measures import borne
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring import Scenario, load_deal, load_scenarios, run, study
from structuring.deals.deal_files import library
from structuring.generators.prices_and_rates import PriceProcess
from waterfalls.errors import FirstLossError

NAME = "vantage-jersey"
DRAWABLE = {
    "coreweave-ddtl-4": "gpu_price",
    "vantage-jersey": "rent",
    "stack-master-trust": "rent",
    "tpu-lease-2026": "gpu_price",
    "iren-hardware-3": "gpu_price",
    "beignet-2025": "residual_value",
}


@pytest.mark.parametrize("name", DRAWABLE)
def test_without_volatility_every_path_is_the_scenario(name):
    """Events, dates and drivers by date or by name stand on the paths as they do in the scenario, to the cent."""
    assert name in library()
    deal, market = load_deal(name), load_market(name)
    tenants = getattr(deal.collateral, "tenants", ())
    leaves = [Scenario("by name and date", renewal={tenant.name: {tenant.ends: 0.25}}) for tenant in tenants[:1]]
    for scenario in [*load_scenarios(name), *leaves]:
        paths = drawn_paths(deal, scenario, {DRAWABLE[name]: PriceProcess(0.0)}, 3)
        one = run(deal, scenario, rates=projected(market, deal))
        three = run(deal, paths, rates=projected(market, deal))
        for tranche in one.tranches:
            np.testing.assert_allclose(three.cash(tranche), one.cash(tranche).repeat(3, axis=0), atol=0.01)


def test_draws_are_log_normal_around_the_scenario_and_tied_by_the_factor():
    deal, rent_cut = load_deal(NAME), load_scenarios(NAME)[-1]
    processes = {driver: PriceProcess(0.2, factor_loading=0.6**0.5) for driver in ("rent", "value")}
    arrays = drawn_paths(deal, rent_cut, processes, 20_000, seed=3).arrays
    last = np.log(np.stack([arrays["rent"][:, -1] / 0.6, arrays["value"][:, -1]]))  # rents stand at 0.6 in the scenario
    years = (deal.maturity - deal.as_of).days / 365.0
    assert last.mean(axis=1) == pytest.approx([0.0, 0.0], abs=4 * 0.2 * (years / 20_000) ** 0.5)
    assert last.std(axis=1) == pytest.approx([0.2 * years**0.5] * 2, rel=0.02)
    assert np.corrcoef(last)[0, 1] == pytest.approx(0.6, abs=0.02)


@pytest.fixture(scope="module")
def losses():
    deal, market, base = load_deal(NAME), load_market(NAME), load_scenarios(NAME)[0]
    rates = projected(market, deal)
    paths = drawn_paths(deal, base, {"rent": PriceProcess(0.25)}, 300, seed=1)
    reference = run(deal, [base], rates=rates)
    measure = borne(
        deal.holdings, market, SpreadShock.parallel(bp=100), reference=reference, against=("base", "unchanged")
    )
    return study(deal, paths, measure=measure, rates=rates), deal


def test_the_tables_are_what_numpy_says_of_the_losses(losses):
    found, deal = losses
    table = tranches_over_paths(found).set_index(["shock", "tranche"])
    for k, shock in enumerate(found.prices.shocks):
        lost = found.tranche["total"][:, k, found.prices.tranches.index("B")]
        row = table.loc[(shock, "B")]
        assert row["mean"] == pytest.approx(lost.mean())
        assert row["standard_error"] == pytest.approx(lost.std(ddof=1) / 300**0.5)
        assert row["quantile_95"] == pytest.approx(np.quantile(lost, 0.95))
        assert row["expected_shortfall_99"] == pytest.approx(np.sort(lost)[-3:].mean())
    short = found.prices.memo["realised_loss"]
    assert table.loc[("unchanged", "B"), "paid_short"] == pytest.approx((short[:, 2] > 1.0).mean())
    assert 0.0 < table.loc[("unchanged", "A-2"), "paid_short"] <= table.loc[("unchanged", "B"), "paid_short"] < 1.0
    classes = classes_over_paths(found).query("shock == 'unchanged'")
    assert classes["mean"].sum() == pytest.approx(found.tranche["total"][:, 0].sum(axis=1).mean())
    assert list(classes["investor_class"]) == list(deal.holdings.classes)


def test_every_path_is_listed_in_its_place(losses):
    found, _ = losses
    frame = every_path(found)
    assert len(frame) == 300 * 2 * 4
    row = frame[(frame["path"] == 17) & (frame["shock"] == "+100 bp") & (frame["tranche"] == "A-2")].iloc[0]
    assert row["npv"] == found.prices.npv[17, 1, 1]
    assert row["total_loss"] == found.tranche["total"][17, 1, 1]
    assert row["realised_loss"] == found.prices.memo["realised_loss"][17, 1]


def test_only_multiples_that_the_collateral_reads_are_drawn():
    deal, base = load_deal(NAME), load_scenarios(NAME)[0]
    for name in ("gpu_price", "renewal", "rents"):
        with pytest.raises(FirstLossError, match="there is no drawable driver"):
            drawn_paths(deal, base, {name: PriceProcess(0.1)}, 10)


def test_what_a_path_loses_is_its_own_cash_discounted_by_hand(losses):
    """value = sum cash x D(t) x exp(-(z + shock) t), t in actual days over 365; the loss is the reference's less the path's."""
    found, deal = losses
    market, base = load_market(NAME), load_scenarios(NAME)[0]
    rates = projected(market, deal)
    flows = run(deal, drawn_paths(deal, base, {"rent": PriceProcess(0.25)}, 300, seed=1), rates=rates)
    start = run(deal, [base], rates=rates)
    ahead = [t for t, day in enumerate(flows.dates) if day > market.valuation]
    days = [flows.dates[t] for t in ahead]
    years = np.array([(day - market.valuation).days / 365.0 for day in days])
    spreads = price(start, market)["z_spread"][0, 0]
    for n, name in enumerate(flows.tranches):
        if np.isfinite(spreads[n]):
            z = spreads[n] + np.array([0.0, 0.01])[:, None]
            factors = market.curve.discounts(days) * np.exp(-z * years)  # (shock, date)
            lost = (
                start.cash(name)[:, ahead] @ factors[0][:, None] - flows.cash(name)[:, ahead] @ factors.T
            )  # (path, shock)
            np.testing.assert_allclose(found.tranche["total"][:, :, n], lost, atol=1e-3)
