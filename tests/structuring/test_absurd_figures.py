"""Figures that no deal has, in every place of the shipped deals: refused, or run without a warning of NumPy."""

import copy
import datetime
import random
import re

import pytest

from pricing.contagion.market_story import MarketStory, Supply
from structuring import Escrow, HullWhite, LeasePortfolio, Scenario, SectorModel, Tenant, load_deal, run, save_deal
from structuring.collateral.property_loan import Extension
from structuring.deals.deal import Deal
from structuring.deals.deal_files import library, load_scenarios
from structuring.deals.funding import Funding
from structuring.documents.yaml_and_json import parsed
from structuring.generators.prices_and_rates import PriceProcess
from waterfalls import Cap, Equity, Fee, Fixed, Floating, Note, Sculpted
from waterfalls.errors import FirstLossError, InvalidTerms, Unbalanced
from waterfalls.terms.replacements import Replacement
from waterfalls.terms.term import read

RATES = dict.fromkeys(("SOFR", "SONIA", "EURIBOR 3M"), 0.04)
DAY, LATER = datetime.date(2027, 1, 15), datetime.date(2028, 1, 15)
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


PER_CENT = {  # what is a share or a rate, said in per cent
    "a coupon": (lambda: Fixed(5), "Fixed.rate: must be less than or equal to 1, got 5; 5 % is 0.05"),
    "a step-up": (lambda: Fixed(0.05, step_up={DAY: 0.25, LATER: 25.0}), "Fixed.step_up['2028-01-15']: must be less than or equal to 1"),
    "a margin": (lambda: Floating("SOFR", 2.25), "Floating.margin: must be at most 1 in size beside this multiple of the index, got 2.25; 2.25 % is 0.0225"),
    "a cap": (lambda: Floating("SOFR", 0.02, cap=7.5), "Floating.cap: must be less than or equal to 1, got 7.5; 7.5 % is 0.075"),
    "a strike": (lambda: Cap("c", index="SOFR", strike=4.0, notional=1.0), "Cap 'c'.strike: must be less than or equal to 1"),
    "a fee": (lambda: Fee("f", rate=0.5e2, on="pool_balance()"), "Fee 'f'.rate: must be less than or equal to 1, got 50.0; 50 % is 0.5"),
    "additional interest": (lambda: Note("A", 1.0, coupon=Fixed(0.05), anticipated_repayment=DAY, additional_rate=5.0), "Note 'A'.additional_rate"),
    "an escrow": (lambda: Escrow(1.0, rate=4.0), "Escrow.rate: must be less than or equal to 1"),
    "an escalator": (lambda: Tenant("t", rent=1.0, ends=DAY, escalator=2.5), "Tenant 't'.escalator: must be less than or equal to 1, got 2.5; 2.5 % is 0.025"),
    "a cap rate": (lambda: LeasePortfolio((Tenant("t", rent=1.0, ends=DAY),), as_of=DAY, cap_rate=6.5), "LeasePortfolio.cap_rate"),
    "a debt yield": (lambda: Extension(12, debt_yield=9.0), "Extension.debt_yield: must be less than or equal to 1"),
    "loan to value": (lambda: Extension(12, ltv=65.0), "Extension.ltv: must be less than or equal to 10"),
    "a coverage to sculpt to": (lambda: Sculpted(dscr=130.0, first=DAY), "Sculpted.dscr: must be less than or equal to 10"),
    "a price of replacements": (lambda: Replacement("r", coupon=Fixed(0.05), repays=0.1, price=99.0), "Replacement 'r'.price"),
    "an issue price": (lambda: Funding(uses={}, issue_prices={"A": 0.99}), "Funding.issue_prices['A']: must be greater than 1, got 0.99"),
    "a volatility": (lambda: PriceProcess(35.0), "PriceProcess.volatility: must be less than or equal to 5"),
    "a volatility of rates": (lambda: HullWhite(0.1, volatility=1.5), "HullWhite.volatility: must be less than or equal to 1"),
    "a hazard": (lambda: SectorModel(hazards={"Oracle": 40.0}), "SectorModel.hazards['Oracle']: must be less than or equal to 10"),
    "a share of failures": (lambda: MarketStory(Supply(2.0, 1.0, per_doubling=1.0), failures={"Deal": 25.0}), "MarketStory.failures['Deal']"),
}  # fmt: skip


@pytest.mark.parametrize("what", PER_CENT)
def test_per_cent_in_the_place_of_a_decimal_is_told_with_its_place(what):
    make, said = PER_CENT[what]
    with pytest.raises(InvalidTerms, match=re.escape(said)):
        make()


def test_an_inverse_floater_may_have_a_margin_in_proportion_to_its_multiple():
    assert Floating("SOFR", 1.1, multiple=-8.5).margin == 1.1
