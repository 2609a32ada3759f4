"""Breakevens: the deal run at the multiple found loses, and just before it does not."""

import dataclasses

import numpy as np
import pytest

from pricing.analysis.breakeven import breakeven
from pricing.market.market_files import load_market
from structuring.deals.deal_files import find_deal, load_deal, load_scenarios
from structuring.studies.run import run
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
    assert f"B loses its first dollar when every rent falls by {row['headroom'].item():.1%}" in sentence
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
