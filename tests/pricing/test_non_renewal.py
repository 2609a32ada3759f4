"""Leases that are not renewed: dates as the lease says, losses as a run of that one scenario says."""

import dataclasses
import datetime as dt

import pytest

from pricing import load_market, projected
from pricing.breakevens.non_renewal import lent, non_renewal
from pricing.valuation.remaining_cash import Ahead
from structuring import load_deal, load_scenarios, run
from waterfalls.errors import InvalidTerms


def test_beignet_may_be_left_every_four_years_and_the_notes_lose_as_its_own_scenario_says():
    deal, market = load_deal("beignet-2025"), load_market("beignet-2025")
    base, left, *_ = load_scenarios("beignet-2025")
    found = non_renewal(deal, base, market)
    assert found.dates == tuple(dt.date(year, 5, 30) for year in (2033, 2037, 2041, 2045))
    assert set(found.tenants) == {"Meta"}
    flows = run(deal, left, rates=projected(market, deal))
    owed = flows.balance["notes"][0, -1] + flows.arrears["notes"][0, -1]
    assert found.unpaid[0, 0] == pytest.approx(owed / 27_293.849e6)
    assert "notes loses if a lease is not renewed by 'Meta' on 30 May 2033" in found.sentences()[0]


def test_a_lease_that_the_scenario_has_ended_already_cannot_be_missed_later():
    """Gone in 2033, so that each later date loses what the scenario itself loses; by period nothing can be set beside it."""
    deal, market = load_deal("beignet-2025"), load_market("beignet-2025")
    gone = next(each for each in load_scenarios("beignet-2025") if "guarantor fails" in each.name)
    flows = run(deal, gone, rates=projected(market, deal))
    owed = flows.balance["notes"][0, -1] + flows.arrears["notes"][0, -1]
    assert non_renewal(deal, gone, market).unpaid[:, 0] == pytest.approx(owed / 27_293.849e6) and owed > 20e9
    with pytest.raises(
        InvalidTerms, match=r"'by period' gives renewal by period: say it by date, as \{2033-05-30: 0.0\}"
    ):
        non_renewal(deal, dataclasses.replace(gone, name="by period", renewal=(1.0,) * 92), market)


def test_what_is_unpaid_is_a_share_of_what_is_outstanding_and_drawn_after(given):
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    flows = given(dates, [0.0, 0.0], [0.0, 50.0], balance=40.0, drawn=[60.0, 0.0], undrawn=60.0)
    assert lent(Ahead(flows, dt.date(2026, 1, 15)), "A") == [100.0]


def test_a_lease_that_ends_after_repayment_costs_nothing():
    deal, market = load_deal("vantage-jersey"), load_market("vantage-jersey")
    found = non_renewal(deal, load_scenarios("vantage-jersey")[0], market)
    assert found.dates == (dt.date(2034, 11, 20), dt.date(2031, 5, 20))
    assert (found.unpaid == 0.0).all() and "B loses nothing" in found.sentences()[2]


def test_a_deal_without_leases_is_refused():
    deal, market = load_deal("coreweave-ddtl-4"), load_market("coreweave-ddtl-4")
    with pytest.raises(InvalidTerms, match="has no lease that may end after 2026-06-30"):
        non_renewal(dataclasses.replace(deal), load_scenarios("coreweave-ddtl-4")[0], market)
