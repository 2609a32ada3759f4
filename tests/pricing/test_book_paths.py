"""A book over paths: pools by Vasicek's formula, contributions that sum to the tail, means known by hand, any number of workers."""

import dataclasses
import functools

import numpy as np
import pytest
from typer.testing import CliRunner

from pricing.cli import app
from pricing.market.market_files import load_market
from pricing.market.market_of_deal import base_and_market
from pricing.paths_and_books import book_paths
from pricing.paths_and_books.book_paths import book_over_paths
from pricing.valuation.price import price
from structuring.deals.deal_files import LIBRARY, load_deal
from structuring.generators.sector_files import load_sector
from structuring.generators.sector_model import SectorModel
from structuring.generators.unnamed_pools import UnnamedPool
from structuring.runs.book import Book, Position
from structuring.runs.book_files import load_book
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from structuring.simulation.copula import Copula
from structuring.simulation.normal_distribution import inverse_normal, normal_cdf
from structuring.simulation.random_numbers import Draws
from waterfalls.errors import InvalidTerms

HOME = LIBRARY / "ai-debt-market"
QUOTES, SECTOR = load_market(HOME / "market.yaml"), load_sector(HOME / "sector.yaml").model
SMALL = dataclasses.replace(
    load_book(HOME / "book.yaml"), name="small",
    positions=[
        Position(load_deal(HOME / "deals/private-credit-ai.yaml"), weight=7.06, obligors={"AI private-credit borrowers": "unnamed"}),
        Position(load_deal(HOME / "deals/oracle-bonds.yaml"), weight=2.0),
    ],
)  # fmt: skip


@functools.cache
def small(count=400, workers=1, correlation=0.35, hazard=0.025, seed=3):
    model = SectorModel(copula=Copula(correlation), hazard=hazard)
    return book_over_paths(SMALL, model, QUOTES, count, seed=seed, workers=workers)


# pools of unnamed borrowers


def gone(pool, draws):
    """The share of the pool that has defaulted by each month (S, months)."""
    return 1.0 - np.cumprod(1.0 - pool.rates(draws), axis=1)


def test_without_correlation_every_path_defaults_at_the_hazard():
    rates = UnnamedPool(Copula(0.0), 0.03, 60).rates(Draws(1, 0, 20))
    assert rates == pytest.approx(np.full((20, 60), 1.0 - np.exp(-0.03 / 12)), rel=1e-9)


@pytest.mark.parametrize("degrees", [None, 4])
def test_the_average_path_defaults_as_the_hazard_says(degrees):
    found = gone(UnnamedPool(Copula(0.35, degrees=degrees), 0.03, 60), Draws(1, 0, 40_000))
    for month in (12, 36, 60):
        error = found[:, month - 1].std() / 200.0
        assert found[:, month - 1].mean() == pytest.approx(1.0 - np.exp(-0.03 * month / 12), abs=4 * error)


def test_the_tail_of_a_pool_is_vasicek_s():
    rho, h = 0.20, 0.02
    found = gone(UnnamedPool(Copula(rho), h, 12), Draws(5, 0, 40_000))[:, -1]
    p = 1.0 - np.exp(-h)
    for q in (0.9, 0.99):  # P(loss rate <= x) = Phi((sqrt(1 - rho) Phi^-1(x) - Phi^-1(p)) / sqrt(rho))
        closed = normal_cdf((inverse_normal(p) + np.sqrt(rho) * inverse_normal(q)) / np.sqrt(1.0 - rho))
        assert np.quantile(found, q) == pytest.approx(float(closed), rel=0.04)


@pytest.mark.parametrize("sobol", [False, True])
def test_a_pool_shares_the_factor_of_its_own_sector(sobol):
    copula, draws = Copula(0.4, between=0.1), Draws(9, 0, 64)
    common = copula.factors(draws, 3, sobol=sobol).common[:, 2]
    found = gone(UnnamedPool(copula, 0.03, 24, 3, 2, sobol), draws)[:, -1]
    assert np.array_equal(np.argsort(found), np.argsort(-common))  # a low factor is a bad one


# the book


def test_contributions_sum_to_the_tail_of_the_whole_by_deal_and_by_class():
    made = small()
    whole = made.whole().set_index("book").loc["loss of value", "expected_shortfall_99"]
    assert whole == pytest.approx(np.sort(made.total)[-4:].mean())
    for what in ("deal", "investor_class"):
        table = made.by_name(what)
        assert table["contribution"].sum() == pytest.approx(whole, rel=1e-9)
        assert table["share_of_tail"].sum() == pytest.approx(1.0)
        assert (
            table["contribution"] <= table["expected_shortfall_99"] * (1 + 1e-9) + 1e-3
        ).all()  # none adds more than it loses alone
    assert made.by_class.sum(axis=1) == pytest.approx(made.by_deal.sum(axis=1), rel=1e-9, abs=1.0)


@pytest.mark.parametrize(("count", "worst"), [(1, 1), (99, 1), (150, 1), (199, 1), (250, 2), (1_000, 10)])
def test_contributions_sum_to_the_expected_shortfall_that_is_told_beside_them_at_any_count(count, worst):
    """Of 150 paths the one took two for the worst hundredth, and the other one."""
    lost = np.random.default_rng(count).exponential(size=(count, 3))
    made = book_paths.BookPaths(None, ("a", "b", "c"), ("all",), lost, lost.sum(axis=1, keepdims=True), lost)
    assert len(made.worst) == worst
    assert made.by_name("deal")["contribution"].sum() == pytest.approx(
        made.whole()["expected_shortfall_99"][0], rel=1e-12
    )


def test_the_mean_loss_of_a_pool_is_that_of_one_run_at_its_mean_survival():
    """All cash of the pool reaches its note, and is linear in what has not defaulted: so the mean is one run at exp(-h t)."""
    made, deal = small(2000), SMALL.deals["private-credit-ai"]
    base, market = base_and_market(deal, QUOTES)
    flows = run(deal, [base, Scenario("mean", default=1.0 - np.exp(-0.025 / 12))], rates=market.rates(deal))
    prices = price(flows, market, reference="base")
    expected = 7.06 * float(prices.npv[0, 0].sum() - prices.npv[1, 0].sum())
    lost = made.by_deal[:, made.deals.index("private-credit-ai")]
    assert lost.mean() == pytest.approx(expected, abs=4 * lost.std() / np.sqrt(len(lost)))
    assert 8e9 < expected < 12e9


def test_correlation_moves_the_tail_and_not_the_mean():
    apart, together = small(400, 1, 0.0), small(400)
    assert together.total.std() > 3 * apart.by_deal[:, 0].std() + 1.0
    p = apart.deals.index("private-credit-ai")
    assert apart.by_deal[:, p].std() < 1e-6 * apart.by_deal[:, p].mean()  # a pool that fine has no luck of its own
    error = together.by_deal[:, p].std() / 20.0
    assert together.by_deal[:, p].mean() == pytest.approx(apart.by_deal[:, p].mean(), abs=4 * error)


def test_nothing_fails_and_nothing_is_lost():
    made = small(50, 1, 0.35, 0.0)
    assert np.abs(made.total).max() < 1.0 and made.never_repaid.max() < 1.0


def test_paths_are_the_same_on_any_number_of_workers_and_in_any_count():
    assert np.array_equal(small(400, 1).by_deal, small(400, 3).by_deal)
    assert np.array_equal(small(400).by_deal[:50], small(50).by_deal)
    assert not np.array_equal(small(50).by_deal, small(50, 1, 0.35, 0.025, 4).by_deal)


def test_an_interrupt_tells_of_the_paths_that_every_deal_has_finished(monkeypatch):
    monkeypatch.setattr(book_paths, "BLOCK", 50)

    def stop(done, whole):
        if done > 150:  # within the second block
            raise KeyboardInterrupt

    model = SectorModel(copula=Copula(0.35), hazard=0.025)
    made = book_over_paths(SMALL, model, QUOTES, 200, seed=3, progress=stop)
    assert np.array_equal(made.by_deal, small(50).by_deal)
    with pytest.raises(KeyboardInterrupt):
        book_over_paths(SMALL, model, QUOTES, 20, seed=3, progress=lambda done, whole: stop(1_000, whole))


def test_the_order_of_deals_does_not_matter():
    turned = dataclasses.replace(SMALL, positions=SMALL.positions[::-1])
    b = book_over_paths(turned, SectorModel(copula=Copula(0.35), hazard=0.025), QUOTES, 50, seed=3)
    assert np.array_equal(small(50).by_deal, b.by_deal[:, ::-1])


def test_the_shipped_market_runs_and_every_name_of_its_sector_is_in_the_book():
    book = load_book(HOME / "book.yaml")
    assert isinstance(book, Book)
    SECTOR.paths(book, 1)  # refuses names that the book does not know
    said = CliRunner().invoke(app, ["paths", "ai-debt-market", "--count", "20"])
    assert said.exit_code == 0, said.output
    for word in ("worst hundredth", "private-credit funds", "contribution", "sector.yaml"):
        assert word in said.output


def test_a_pool_has_one_rate_a_year():
    with pytest.raises(InvalidTerms, match="unnamed.*one rate a year"):
        book_over_paths(SMALL, SectorModel(hazards={"unnamed": {1.0: 0.02, 2.0: 0.04}}), QUOTES, 5)


def test_what_is_not_of_a_book_is_refused():
    for more in (["--draw", "rent=0.1"], ["--shock", "100"], ["--scenario", "base"]):
        refused = CliRunner().invoke(app, ["paths", "ai-debt-market", *more])
        assert refused.exit_code != 0 and "is a book" in str(refused.exception)
    without = CliRunner().invoke(app, ["paths", "vantage-jersey"])
    assert without.exit_code != 0 and "--draw" in str(without.exception)
