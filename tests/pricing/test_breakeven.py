"""Breakevens: the deal run at the multiple found loses, and just before it does not."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from pricing.breakevens.breakeven import breakeven
from pricing.market.market import Market
from pricing.market.market_files import load_market
from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
from structuring.runs.run import run
from structuring.scenarios.monthly_rates import cdr
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms

NAME = "vantage-jersey"


@pytest.fixture(scope="module")
def found():
    folder = find_deal(NAME).parent
    deal, base, market = (
        load_deal(NAME),
        load_scenarios(folder / "scenarios.yaml")[0],
        load_market(folder / "market.yaml"),
    )
    return deal, base, market, breakeven(deal, base, driver="rent", market=market)


def test_the_deal_loses_there_and_not_before(found):
    deal, base, market, result = found
    rates = market.rates(deal)

    def unpaid(multiple, note):
        flows = run(deal, dataclasses.replace(base, rent=multiple), rates=rates)
        return flows.balance[note][0, -1] + flows.arrears[note][0, -1] + flows.written_down[note][0].sum()

    for note in ("A-2", "B"):
        multiple = result.multiples[result.notes.index(note), 0]
        assert unpaid(multiple + 1e-6, note) == pytest.approx(0.0, abs=1.0)
        assert unpaid(multiple - 1e-6, note) > 100.0


def test_the_yield_is_zero_where_it_says(found):
    deal, base, market, result = found
    for note in ("A-2", "B"):
        multiple = result.multiples[result.notes.index(note), 1]
        flows = run(deal, dataclasses.replace(base, rent=multiple), rates=market.rates(deal))
        ahead = np.array([date > market.valuation for date in flows.dates])
        cash, owed = flows.cash(note)[0, ahead].sum(), deal.tranches[result.notes.index(note)].outstanding
        assert cash == pytest.approx(owed, rel=1e-6)


def test_a_junior_has_less_headroom_than_its_senior(found):
    *_, result = found
    a, b = (result.headroom[result.notes.index(note)] for note in ("A-2", "B"))
    assert (b < a).all() and (b[0] < b[1]) and (a[0] < a[1])


def test_a_facility_that_is_not_drawn_loses_nothing(found):
    *_, result = found
    assert np.isnan(result.multiples[result.notes.index("A-1")]).all()
    assert result.sentences()[0].startswith("A-1 loses nothing even with every rent at 0% of 'base'; held by banks 95%")


def test_a_sentence_and_a_row_say_the_same(found):
    *_, result = found
    frame = result.frame()
    assert list(frame.columns) == ["deal", "scenario", "driver", "tranche", "event", "multiple", "headroom"]
    row = frame[(frame["tranche"] == "B") & (frame["event"] == "first loss")]
    sentence = result.sentences()[result.notes.index("B")]
    assert f"B begins to lose when every rent falls by {row['headroom'].item():.1%}" in sentence
    assert "held by private-credit funds 35%" in sentence


def test_what_already_loses_says_so(found):
    deal, base, market, _ = found
    worse = dataclasses.replace(base, name="half rent", rent=0.5)
    result = breakeven(deal, worse, driver="rent", market=market)
    assert result.multiples[result.notes.index("B"), 0] == 1.0
    assert "B already loses in 'half rent'" in result.sentences()[result.notes.index("B")]
    with pytest.raises(InvalidTerms, match="worst: is the multiple to search towards"):
        breakeven(deal, base, driver="rent", market=market, worst=1.0)
    with pytest.raises(InvalidTerms, match="there is no driver that is a number 'tenant_default'"):
        breakeven(deal, base, driver="tenant_default", market=market)


# Drivers that are told in several ways -----------------------------------------------------------------------------------

TOY = Path(__file__).parents[1] / "structuring" / "toy.yaml"


FLAT = Market(
    0.04, {"A": 0.01, "B": 0.03, "E": {"yield": 0.15}}, valuation=dt.date(2026, 1, 15), projections={"SOFR": 0.04}
)


def searched(default, worst=49.0):
    return breakeven(
        load_deal(TOY), Scenario("2 % a year", default=default), driver="default", market=FLAT, worst=worst
    )


def test_the_same_rates_break_even_at_the_same_multiple():
    """2% CDR, and 1 - 0.98^(1/12) in each month, are the same rates: both are multiplied as rates a year."""
    month = 1.0 - 0.98 ** (1.0 / 12.0)
    speed, vector, number = (searched(told) for told in (cdr(0.02), [month] * 360, month))
    assert np.isfinite(speed.multiples[:, 0]).all()
    np.testing.assert_allclose(vector.multiples, speed.multiples, rtol=1e-6)
    np.testing.assert_allclose(number.multiples, speed.multiples, rtol=1e-6)
    multiple = speed.multiples[1, 0]  # B: at that rate a year it loses, and just below it does not
    for at, loses in ((multiple * 1.0001, True), (multiple * 0.9999, False)):
        flows = run(load_deal(TOY), Scenario("x", default=cdr(0.02 * at)), rates=FLAT.rates(load_deal(TOY)))
        assert (flows.balance["B"][0, -1] + flows.arrears["B"][0, -1] > 1e-6) == loses


def test_a_search_stops_at_all_of_the_pool_and_a_wrong_worst_is_named():
    assert np.isfinite(searched(cdr(0.02), worst=100.0).multiples[:, 0]).all()  # 200 % a year is 100 %
    with pytest.raises(InvalidTerms, match="worst: is the multiple to search towards, from 0 to below 1 or above it"):
        searched(cdr(0.02), worst=-1.0)
    deal, market = load_deal(NAME), load_market(find_deal(NAME).parent / "market.yaml")
    with pytest.raises(InvalidTerms, match="worst: 20 times what 'base' says is too much: .*between 0 and 10"):
        breakeven(deal, Scenario("base"), driver="rent", market=market, worst=20.0)
    with pytest.raises(InvalidTerms, match="the scenario 'base' says no numbers of renewal to multiply"):
        breakeven(deal, Scenario("base"), driver="renewal", market=market)
