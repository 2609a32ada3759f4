"""Figures that no deal has, in every place of the shipped deals: refused, or run without a warning of NumPy."""

import copy
import random
import re

import pytest

from structuring import Scenario, load_deal, run, save_deal
from structuring.deals.deal import Deal
from structuring.deals.deal_files import library, load_scenarios
from structuring.documents.yaml_and_json import parsed
from waterfalls import Equity, Fixed, Note
from waterfalls.errors import FirstLossError, InvalidTerms, Unbalanced
from waterfalls.terms.term import read

RATES = dict.fromkeys(("SOFR", "SONIA", "EURIBOR 3M"), 0.04)
ABSURD = (1e300, -1e300, 1e18, 9e17)
TRIED = 10  # places a deal; all of them in the slow test


def numbers(data, path=()):
    """Where the numbers of a document stand, sources apart."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if key not in ("sources", "firstloss"):
                yield from numbers(value, (*path, key))
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield path, data


def tried(name, paths, data):
    """Runs a deal with each of some numbers made absurd; what is not refused must balance and be finite."""
    first = load_scenarios(name)[0]
    for path, old in paths:
        for value in ABSURD:
            changed, found = copy.deepcopy(data), []
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = type(old)(value)
            try:
                deal = read(Deal, changed, "", found)
                if not found:
                    assert run(deal, first, rates=RATES).frame().notna().all(axis=None)
            except Unbalanced:
                raise
            except FirstLossError:
                continue


@pytest.mark.parametrize("name", library())
def test_an_absurd_figure_is_refused_without_a_warning(name):
    data = parsed(library()[name])[0]
    del data["firstloss"]
    tried(name, random.Random(19).sample(list(numbers(data)), TRIED), data)


@pytest.mark.slow
@pytest.mark.parametrize("name", library())
def test_every_absurd_figure_is_refused_without_a_warning(name):
    data = parsed(library()[name])[0]
    del data["firstloss"]
    tried(name, numbers(data), data)


def test_a_figure_beyond_all_deals_is_told_with_its_place():
    with pytest.raises(InvalidTerms, match=re.escape("Equity 'E'.notional: must be at most 1e+18 in size, got 1e+300")):
        Equity("E", 1e300)
    with pytest.raises(InvalidTerms, match=re.escape("Scenario 'odd'.rent[2]: must be")):
        Scenario("odd", rent=(1.0, 1.0, 1e300))
    with pytest.raises(InvalidTerms, match=re.escape("Note 'A'.grace: must be at most 36,500, got")):
        Note("A", 100.0, coupon=Fixed(0.05), grace=10**9)


def test_collateral_in_other_units_than_the_tranches_is_refused(tmp_path):
    save_deal(load_deal("vantage-jersey"), tmp_path / "deal.yaml")
    text = (tmp_path / "deal.yaml").read_text()
    changed = re.sub(r"notional: ([0-9.]+)", lambda found: f"notional: {float(found[1]) * 1e-9!r}", text)
    changed = re.sub(r"balance: ([0-9.]+)\n", lambda found: f"balance: {float(found[1]) * 1e-9!r}\n", changed)
    funded = changed.index("\nfunding:")  # sources and uses no longer meet, and would be told first
    (tmp_path / "deal.yaml").write_text(changed[:funded] + re.sub(r"^\n.*\n( .*\n)*", "\n", changed[funded:]))
    with pytest.raises(InvalidTerms, match="and all tranches come to .*: one of them is in other units"):
        run(load_deal(tmp_path / "deal.yaml"), rates=RATES)
