"""The loss bridge: it sums to zero on every shipped deal and scenario, and says who stands on each side."""

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from shipped import shipped

from pricing.bearers.loss_bridge import bridge
from structuring.deals.deal_files import find_deal, library
from waterfalls.errors import InvalidTerms, Unbalanced, UnknownName

SHIPPED = [name for name in library() if (find_deal(name).parent / "market.yaml").is_file()]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_bridge_of_every_shipped_deal_sums_to_zero_in_every_scenario(name):
    _, flows, losses = shipped(name)
    first = flows.scenarios[0]
    for shock in losses.prices.shocks:
        made = bridge(flows, losses, reference=first, shock=shock)
        assert (np.abs(made.gap) <= 1e-9 * made.notional).all()
        assert not made.of("shortfall")[0].any()
        for scenario in flows.scenarios:
            frame = made.frame(scenario)
            sides = frame.groupby("side")["cash_loss"].sum()
            assert sides.get("shortfall", 0.0) == pytest.approx(sides["bearer"], abs=1e-9 * made.notional)
            notes = frame[frame["kind"] == "tranche"]
            parts = notes[["cash_loss", "timing_loss", "rates_loss", "spread_loss"]].sum(axis=1)
            np.testing.assert_allclose(parts, notes["total_loss"], atol=1e-9 * made.notional)
            s, k = losses.prices.at(scenario, shock)
            by_class = notes.groupby("investor_class")["total_loss"].sum()
            for c, who in enumerate(losses.classes):
                whole = losses["total"][s, k, :, c].sum()
                assert by_class.get(who, 0.0) == pytest.approx(whole, abs=1e-9 * made.notional)


def test_a_cost_beyond_that_of_the_reference_is_additional_and_one_below_it_not_incurred():
    said = {}
    for name in SHIPPED:
        _, flows, _ = shipped(name)
        made = bridge(flows, reference=flows.scenarios[0])
        for scenario in flows.scenarios:
            for row in made.frame(scenario).itertuples():
                if row.kind.split()[-1] in ("incurred", "made") or row.kind.startswith("additional"):
                    said.setdefault(row.kind.startswith("additional"), []).append(row.cash_loss)
    assert max(said[False]) <= 0.0 < min(said[True]) and min(said[False]) < 0.0


def test_a_guarantor_and_unpaid_vendors_stand_among_the_bearers():
    if "beignet-2025" not in SHIPPED or "coreweave-ddtl-4" not in SHIPPED:
        pytest.skip("these deals ship with the library")
    made = bridge(*shipped("beignet-2025")[1:])
    left = made.frame("not renewed in 2033, resale halved").set_index("kind")["cash_loss"]
    assert left["guarantor"] > 1e9  # the sponsor pays under its guarantee
    failed = made.frame("not renewed in 2033, guarantor fails").set_index("kind")["cash_loss"]
    assert "guarantor" not in failed.index or failed["guarantor"] == 0.0
    kinds = set(bridge(*shipped("coreweave-ddtl-4")[1:]).frame("technology superseded")["kind"])
    assert {"collateral", "tranche", "hedge counterparty"} <= kinds


@drawn(share=st.floats(0.0, 1.2))
def test_any_shortfall_is_somebodys(toy, share):
    flows = toy([1.0, share], ["base", "other"])
    made = bridge(flows)
    assert made.of("shortfall")[1] == pytest.approx((1.0 - share) * 65.0 * 20, rel=1e-9, abs=1e-9)
    assert made.of("bearer")[1] == pytest.approx(made.of("shortfall")[1], abs=1e-9 * made.notional)


def test_juniors_stand_before_seniors(toy):
    names = [line.name for line in bridge(toy()).lines if line.kind == "tranche"]
    assert names == ["E", "B", "A"]


def test_other_flows_than_the_law_allows_are_found_out(given):
    import datetime as dt

    # flows said amount by amount pay principal that nobody brought in
    dates = [dt.date(2026, 4, 15), dt.date(2026, 7, 15)]
    flows = given(dates, [[1.0, 1.0], [1.0, 1.0]], [[0.0, 100.0], [0.0, 50.0]])
    with pytest.raises(Unbalanced, match="the loss bridge of 'given', scenario 1: the collateral brought 0.0"):
        bridge(flows, reference=0)


def test_bad_input_of_the_bridge(toy):
    with pytest.raises(UnknownName, match="there is no scenario 'bse'. Did you mean 'base'?"):
        bridge(toy(), reference="bse")
    with pytest.raises(InvalidTerms, match="losses: must be of the same scenarios as the flows"):
        bridge(toy(), shipped(SHIPPED[0])[2])
    with pytest.raises(UnknownName, match="there is no scenario 'baad'"):
        bridge(toy()).frame("baad")
