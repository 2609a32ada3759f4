"""Structuring: what it takes to solve a shipped deal, in processor time and in runs of a scenario."""

import time

import pytest

from pricing.market.market_files import load_market
from pricing.structure.solve import structured
from pricing.structure.terms.structure_terms import load_structure
from structuring.deals.deal_files import load_deal, load_scenarios

GOAL = 2.0  # seconds on two cores
ENOUGH = 0.6  # of a goal: the machines are shared


@pytest.mark.parametrize(("name", "runs"), [("vantage-jersey", 100), ("coreweave-ddtl-4", 100), ("beignet-2025", 120)])
def test_a_shipped_deal_is_solved(name, runs):
    case = load_deal(name), load_structure(name), load_scenarios(name), load_market(name)
    structured(*case)  # compiles
    took = []
    for _ in range(3):
        began = time.process_time()
        answer = structured(*case)
        took.append(time.process_time() - began)
    assert answer.runs <= runs
    print(f"{name}: {min(took):.2f} s, {answer.runs} runs, {answer.candidates} structures tried")
    assert min(took) <= GOAL / ENOUGH
