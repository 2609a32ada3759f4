"""Shipped structures: each solves, and the folder written for it runs again to the same figures and passes its own tests."""

import itertools

import numpy as np
import pytest

from pricing.market.market_files import load_market
from pricing.overview.deal_tables import ranks
from pricing.structure.economics import tranches
from pricing.structure.readings import Seen, read
from pricing.structure.solve import HELD, structured
from pricing.structure.terms.structure_terms import load_structure
from pricing.structure.written import HEAD, write_structured
from pricing.valuation.price import price
from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
from structuring.runs.run import run
from waterfalls.errors import InvalidTerms

SHIPPED = ("vantage-jersey", "coreweave-ddtl-4", "beignet-2025", "pricing/template")


@pytest.fixture(scope="module", params=SHIPPED)
def answer(request):
    """A shipped deal as solved, and the file it came from."""
    name = request.param
    found = structured(load_deal(name), load_structure(name), load_scenarios(name), load_market(name))
    return found, find_deal(name)


def test_the_written_file_runs_again_to_the_same_figures_and_passes_its_tests(answer, tmp_path):
    solved, file = answer
    written = write_structured(solved, tmp_path / "solved", file)
    assert {path.name for path in written} == {"deal.yaml", "scenarios.yaml", "market.yaml", "structure.yaml"}
    deal, scenarios, market = (load(tmp_path / "solved") for load in (load_deal, load_scenarios, load_market))
    flows = run(deal, scenarios, rates=market.rates(deal))
    for name in solved.flows.plan.notes_by_name:
        assert np.array_equal(flows.balance[name], solved.flows.balance[name]), name
        assert np.array_equal(flows["accrued", "interest", name], solved.flows["accrued", "interest", name]), name
    assert market.quotes == solved.market.quotes
    names = [scenario.name for scenario in scenarios]
    base = run(deal, scenarios[0], rates=market.rates(deal))
    seen = Seen(deal, flows, market, base)
    for was in solved.readings:
        reading = read(was.test, seen, [names.index(was.test.scenario or names[0])])
        assert reading.margin >= -HELD
        assert reading.value == pytest.approx(was.value, rel=1e-12)


def test_shares_are_of_all_that_is_drawn_or_promised(answer):
    table = tranches(answer[0])
    assert table["share"].sum() == pytest.approx(1.0, abs=1e-12) and (table["share"] <= 1.0).all()
    promised = [each.notional + getattr(each, "commitment", 0.0) for each in answer[0].deal.tranches]
    assert table["size"].tolist() == pytest.approx(promised, rel=1e-12)


def test_notes_that_rank_alike_share_loan_to_value_and_coverage(answer):
    table, rank = tranches(answer[0]).set_index("tranche"), ranks(answer[0].flows.plan)
    notes = list(answer[0].flows.plan.notes_by_name)
    for senior, note in itertools.pairwise(notes):
        measured = table.loc[[senior, note], ["ltv", "dscr_low", "dscr_mean"]].to_numpy()
        assert np.array_equal(*measured, equal_nan=True) == (rank[senior] == rank[note]), (senior, note)


def test_what_is_sold_at_par_is_worth_par_in_the_market_that_is_written(answer, tmp_path):
    solved, file = answer
    write_structured(solved, tmp_path / "solved", file)
    deal, scenarios, market = (load(tmp_path / "solved") for load in (load_deal, load_scenarios, load_market))
    prices = price(run(deal, scenarios[0], rates=market.rates(deal)), market)
    for name in solved.terms.coupons:
        worth = prices["clean"][0, 0, [tranche.name for tranche in deal.tranches].index(name)]
        assert worth == pytest.approx(100.0, abs=1e-8), name


def test_every_solved_figure_is_marked_in_the_written_file(answer, tmp_path):
    solved, file = answer
    text = write_structured(solved, tmp_path / "solved", file)[0].read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    marks = text.count("solved: ")
    assert marks == len(solved.terms.sizes) + len(solved.terms.numbers) + len(solved.terms.coupons) + len(
        solved.terms.amounts
    )


def test_a_little_more_of_what_was_sized_fails(answer):
    """What binds is named, and a step beyond the answer breaks it: no size is smaller than it has to be."""
    solved, _ = answer
    for bound in solved.bounds:
        assert bound.binding or bound.rest, bound.path
        for reading in bound.binding:
            assert reading.margin < 0.0


def test_circles_are_closed_within_a_billionth_of_the_deal(answer):
    solved, _ = answer
    assert max(solved.residuals.values()) <= 1e-9 * sum(t.notional for t in solved.deal.tranches)


def test_no_deal_is_written_over_that_was_not_solved_here(answer, tmp_path):
    solved, file = answer
    (tmp_path / "deal.yaml").write_text("firstloss: 1\n", encoding="utf-8")
    with pytest.raises(InvalidTerms, match="nothing is overwritten"):
        write_structured(solved, tmp_path, file)
