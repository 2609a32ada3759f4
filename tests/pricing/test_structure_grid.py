"""Sizes of shipped deals beside a grid searched by force: all else as solved, the largest that passes stands just below the answer."""

import dataclasses

import numpy as np
import pytest

from pricing.market.market_files import load_market
from pricing.structure.solve import structured
from pricing.structure.terms.amount import amount
from pricing.structure.terms.sizing_test import parsed
from pricing.structure.terms.structure_terms import Sought, Structure, load_structure
from structuring.deals.deal_files import load_deal, load_scenarios
from waterfalls.errors import FirstLossError

BY_TEST = {  # deals that ship without a structure: the size of one class
    "ai-credit-clo": {"AAA": ["loss('AAA') <= 0 in 'every neocloud fails'"]},
    "iren-hardware-3": {"notes": ["dscr('delayed draw', 'notes') >= 1.3"]},
    "mezz-abs-cdo-2006": {"A-1": ["loss('A-1') <= 0 in 'a quarter of the collateral lost'"]},
    "stack-master-trust": {"2026-1": ["loss('2026-1') <= 0 in 'values fall by a third'", "at_closing(ltv('2026-1')) <= 0.7"]},
    "tpu-lease-2026": {"B": ["dscr('A1', 'A2', 'B') >= 1.2"]},
    "polaris-forge-2025": {"notes": ["loss('notes') <= 0 in 'base'"]},
    "valor-compute-2026": {"loan": ["dscr('loan') >= 1.2"]},
    "vantage-germany-2025": {"A-2": ["loss('A-2') <= 0 in 'rent cut 30 %, yields 150 bp higher'", "at_closing(ltv('A-2')) <= 0.7"]},
    "flash-compute-2025": {"notes": ["loss('notes') <= 0 in 'base'"]},
    "wulf-compute-2025": {"notes": ["loss('notes') <= 0 in 'base'"]},
    "river-bend-2026": {"notes": ["loss('notes') <= 0 in 'base'"]},
    "vantage-oracle-2025": {"loan": ["loss('loan') <= 0 in 'base'"]},
}  # fmt: skip
FIRST_LOSS = Sought(  # of a synthetic deal, whose size carries no cash: the least that keeps the mezzanine whole
    "smallest", between=(1e6, 900e6), tests=(parsed("loss('mezzanine') <= 0 in 'two neoclouds fail'"),)
)
STRUCTURED = ("vantage-jersey", "coreweave-ddtl-4", "beignet-2025", "pricing/template")
HALF = 4  # points of the grid on either side
WIDTH = 0.04  # of the answer, between the outermost and it


def terms_of(name: str) -> Structure:
    """The structure beside a deal, or one that sizes a class and leaves the rest to the equity."""
    if name in STRUCTURED:
        return load_structure(name)
    if name == "data-centre-srt":
        return Structure(numbers={"tranches['first loss'].notional": FIRST_LOSS})
    sizes = {tranche: tuple(map(parsed, tests)) for tranche, tests in BY_TEST[name].items()}
    return Structure(sizes={**sizes, "equity": "rest"})


def given(terms: Structure, values: dict[str, float]) -> Structure:
    """Terms in which every size and number that was looked for is said, so that only circles are closed."""
    sizes = {
        name: values[f"tranches[{name!r}].notional"] if name in terms.sized else size
        for name, size in terms.sizes.items()
    }
    amounts = {**terms.amounts, **{path: amount(values[path]) for path in terms.numbers}}
    return dataclasses.replace(terms, sizes=sizes, numbers={}, amounts=amounts, must=())


@pytest.mark.parametrize("name", [*STRUCTURED, *BY_TEST, "data-centre-srt"])
def test_a_grid_searched_by_force_finds_no_larger_one(name):
    deal, terms, scenarios, market = load_deal(name), terms_of(name), load_scenarios(name), load_market(name)
    if name == "data-centre-srt":  # less first loss alone: what else would fund the loans is not asked
        deal = dataclasses.replace(deal, funding=None)
    found = structured(deal, terms, scenarios, market)
    solved = {bound.path: bound.value for bound in found.bounds}
    asked = {f"tranches[{tranche!r}].notional": tests for tranche, tests in terms.sized.items()}
    asked |= {path: sought.tests for path, sought in terms.numbers.items()}
    assert solved.keys() == asked.keys()
    for path, tests in asked.items():

        def passes(value: float, path=path, tests=tests) -> bool:
            said = dataclasses.replace(given(terms, {**solved, path: value}), must=tests)
            try:
                structured(deal, said, scenarios, market)
            except FirstLossError:
                return False
            return True

        upwards = -1.0 if path in terms.numbers and terms.numbers[path].best == "smallest" else 1.0
        steps = WIDTH * np.arange(-HALF, HALF + 1) / HALF
        grid = [float(solved[path] * (1.0 + upwards * step)) for step in steps]
        passed = [passes(value) for value in grid]
        assert passed == [step <= 0.0 for step in steps], (path, dict(zip(grid, passed, strict=True)))
        assert not passes(solved[path] * (1.0 + upwards * 1e-6)), path
