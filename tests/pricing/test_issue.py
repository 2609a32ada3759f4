"""From issue to today: Beignet's tightening and its loss to rates, and gains of those who say what they paid."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from pricing.comparison.since_issue import since_issue
from pricing.market.market import Market
from structuring.deals.deal_files import load_deal
from structuring.deals.holdings import Holdings
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms

DAYS = {
    "issue": (dt.date(2025, 10, 16), 0.0433, {"price": 100.0}),
    "22 October 2025": (dt.date(2025, 10, 22), 0.0433, {"yield": 0.0568}),
    "29 September 2026": (dt.date(2026, 9, 29), 0.0525, {"yield": 0.0755}),
}


@pytest.fixture(scope="module")
def beignet():
    flows = run(load_deal("beignet-2025"), Scenario("base"))
    markets = {
        name: Market(rate, {"notes": quote, "equity": {"z": 0.08}}, valuation=day)
        for name, (day, rate, quote) in DAYS.items()
    }
    return flows, markets, since_issue(flows, markets)


def test_par_became_109_on_spread_and_91_on_rates(beignet):
    """Reported: par to about 109-110 in a week, spread about -90 bp; then benchmark +92 bp, spread about that of issue."""
    *_, found = beignet
    clean, notes = found.clean[:, 0], found.tranches.index("notes")
    assert clean[0] == pytest.approx(100.0, abs=1e-9)
    assert clean[1] == pytest.approx(109.04, abs=0.05)
    assert clean[2] == pytest.approx(91.77, abs=0.05)
    assert found.tightening[1, notes] == pytest.approx(0.0090, abs=0.0002)
    assert found.spread[1, notes] == pytest.approx(found.gain[1, notes], abs=0.05) and found.rates[1, notes] == 0.0
    assert found.rates[2, notes] < -7.0
    assert found.tightening[2, notes] == pytest.approx(
        -0.0005, abs=0.0010
    )  # about +5 bp: a loss to rates, not to spread
    np.testing.assert_allclose(
        (found.passing + found.rates + found.spread).cumsum(axis=0)[:, notes], found.gain[:, notes], atol=1e-11
    )


def test_holders_who_say_what_they_paid_see_their_own_gain(beignet):
    *_, found = beignet
    paid = {"notes": {"insurers": 100.0, "mutual funds": 109.0}}
    shares = {"notes": {"insurers": 0.4, "mutual funds": 0.6}, "equity": {"sponsor": 1.0}}
    gains = found.gains(Holdings(shares, purchase_prices=paid)).set_index("investor_class")
    face = 27_293.849e6
    expected = (found.clean[-1, 0] - 109.0) / 100 * 0.6 * face
    assert gains.loc["mutual funds", "gain"] == pytest.approx(expected, rel=1e-12)
    assert gains.loc["insurers", "gain"] < 0.0
    assert found.gains(dataclasses.replace(Holdings(shares))).empty
    assert len(found.frame()) == 6


def test_days_out_of_order_or_alone_are_refused(beignet):
    flows, markets, _ = beignet
    with pytest.raises(InvalidTerms, match="days: need the day of issue and a later one, got 1"):
        since_issue(flows, {"issue": markets["issue"]})
    with pytest.raises(
        InvalidTerms, match="must be in order, got '22 October 2025' on 2025-10-22 after '29 September 2026'"
    ):
        since_issue(flows, dict(reversed(markets.items())))
