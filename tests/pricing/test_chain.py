"""The chain from collateral to household: every link sums to the one before it, on the deals that ship."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from shipped import WIDER, shipped

from pricing.bearers.accounting import ends_of, reported
from pricing.bearers.institutions import Institution, Institutions, load_institutions
from pricing.bearers.wrappers import Bank
from pricing.contagion.stress_chain import bearers_of, chain
from pricing.valuation.spreads_at_prices import values
from structuring.deals.deal_files import library, load_deal
from structuring.deals.holdings import Holdings
from waterfalls.errors import InvalidTerms, UnknownName

DEALS = ["coreweave-ddtl-4", "beignet-2025"]


@pytest.mark.parametrize("name", DEALS)
@pytest.mark.parametrize("mode", ["thresholds", "linear", "equilibrium"])
def test_every_link_sums_to_the_one_before_it(name, mode):
    deal, flows, losses = shipped(name)
    scenario = flows.scenarios[-1]
    made = chain(deal, flows, losses, load_institutions(), scenario, WIDER.name, mode=mode)
    s, k = losses.prices.at(scenario, WIDER.name)
    total = losses.tranche["total"][s, k].sum()
    close = {"rel": 1e-9, "abs": 1e-3}
    assert made.bridge["total_loss"].sum() == pytest.approx(total, **close)
    assert made.classes["total_loss"].sum() == pytest.approx(total, **close)
    parts = made.classes[["profit_and_loss", "oci", "not_reported"]].sum().sum()
    assert parts == pytest.approx(total, **close)
    assert made.rounds["direct_loss"].sum() == pytest.approx(total, **close)
    assert made.bearers["first_round"].sum() == pytest.approx(total, **close)
    assert made.flows["loss"].sum() == pytest.approx(total, **close)
    second = (made.rounds["total_loss"] - made.rounds["direct_loss"]).sum()
    assert made.bearers["second_round"].sum() == pytest.approx(second, **close)
    by_class = made.flows.groupby("investor_class")["loss"].sum()
    for _, row in made.classes.iterrows():
        assert by_class.get(row["investor_class"], 0.0) == pytest.approx(row["total_loss"], **close)


def test_the_chain_is_said_in_words_and_names_what_is_assumed():
    made = chain(*shipped("coreweave-ddtl-4"), load_institutions(), "technology superseded", WIDER.name)
    said = " ".join(made.sentences())
    assert "The collateral brings" in said and "sponsor's shareholders" in said and "held at amortised cost" in said
    assert any(line.startswith("holdings: lenders are not on record") for line in made.assumptions)
    assert any(line.startswith("institutions['banks']") for line in made.assumptions)
    assert made.coverage["assumed"].max() > 0.0


def test_capital_that_the_first_round_took_does_not_bear_the_second_as_well():
    """90 and then 50 through equity of 100: 100 in all and 40 beyond, where each round had all of the equity before it."""
    known = Institutions((Institution("banks", wrapper=Bank(100.0, at1=1e3)),))
    table, flows = bearers_of({"banks": 90.0}, {"banks": 50.0}, known)
    assert table.to_dict("records") == [
        {"bearer": "bank shareholders", "first_round": 90.0, "second_round": 10.0},
        {"bearer": "AT1 holders", "first_round": 0.0, "second_round": 40.0},
    ]
    assert flows["loss"].tolist() == [90.0]


def test_every_holder_of_a_shipped_deal_is_an_institution():
    known = {one.name for one in load_institutions().institutions}
    classes = {who for name in library() if (held := load_deal(name).holdings) for who in held.classes}
    assert classes - known == set()


def test_accounts_show_what_their_basis_lets_them():
    _, _, losses = shipped("beignet-2025")
    known = load_institutions()
    frame = reported(losses, known, "base", WIDER.name).set_index("investor_class")
    spread = losses["spread"][losses.prices.at("base", WIDER.name)].sum(axis=0)
    insurers = losses.classes.index("insurers")
    assert frame.loc["insurers", "not_reported"] == pytest.approx(spread[insurers])
    assert frame.loc["insurers", "profit_and_loss"] == pytest.approx(0.0, abs=1e-3)
    assert frame.loc["pension funds", "not_reported"] == 0.0
    through = dataclasses.replace(
        known,
        institutions=tuple(
            dataclasses.replace(one, basis="other comprehensive income") if one.name == "insurers" else one
            for one in known.institutions
        ),
    )
    frame = reported(losses, through, "base", WIDER.name).set_index("investor_class")
    assert frame.loc["insurers", "oci"] == pytest.approx(spread[insurers])
    assert frame.loc["insurers", "per_cent_of_capital"] == pytest.approx(100.0 * spread[insurers] / 0.75e12)


def test_a_loss_on_commitments_is_held_against_what_was_promised():
    deal, flows, losses = shipped("coreweave-ddtl-4")
    frame = reported(losses, load_institutions(), flows.scenarios[-1], WIDER.name).set_index("investor_class")
    shares = deal.holdings.shares
    by_hand = (
        4_459e6 * shares["floating"]["insurers"] + 4_041e6 * shares["fixed"]["insurers"]
    )  # 8.5bn of commitments (R)
    assert frame.loc["insurers", "holding"] == pytest.approx(by_hand, rel=1e-9)
    drawn_now = losses.held[:, losses.classes.index("insurers")].sum()
    assert frame.loc["insurers", "to_be_drawn"] == pytest.approx(by_hand - drawn_now, rel=1e-9) and drawn_now < by_hand
    assert (frame.drop(index="sponsor")["per_cent_of_holding"] < 100.0).all()


def test_classes_without_capital_and_those_nobody_names_are_told_in_words():
    made = chain(*shipped("coreweave-ddtl-4"), load_institutions(), "technology superseded", WIDER.name)
    said = " ".join(made.sentences())
    assert "No capital is on record of sponsor, unidentified" in said
    empty = made.classes.loc[made.classes["per_cent_of_capital"].isna(), "investor_class"]
    assert set(empty) == {"sponsor", "unidentified"}
    ends = made.bearers.set_index("bearer")["first_round"]
    assert made.unidentified["loss"].sum() == pytest.approx(ends["unidentified"], rel=1e-9)
    assert "owners of private-credit funds whom no file names" in said
    known = made.unidentified.set_index("through")["known"]
    assert known["private-credit funds"].iloc[0].startswith("P: Form PF")
    assert known["unidentified"].iloc[0].startswith("assumption: lenders are not on record")


def test_gains_since_purchase_stand_apart():
    deal, _, losses = shipped("beignet-2025")
    bought = Holdings(deal.holdings.shares, purchase_prices={"notes": {"mutual funds": 80.0}})
    frame = reported(losses, load_institutions(), "base", holdings=bought).set_index("investor_class")
    clean = losses.prices["clean"][0, 0, 0]
    assert frame.loc["mutual funds", "since_purchase"] == pytest.approx((clean - 80.0) / 100.0 * 0.36 * 27_293.849e6)
    assert np.isnan(frame.loc["insurers", "since_purchase"])


def test_a_gain_on_a_loan_that_is_partly_drawn_is_of_all_of_it_as_its_price_is():
    """What it is worth now less what 97.5 made it cost, both with what is undrawn taken off: of 4,459m, not of 1,488m."""
    deal, _, losses = shipped("coreweave-ddtl-4")
    holdings = Holdings(deal.holdings.shares, purchase_prices={"floating": {"insurers": 97.5}})
    frame = reported(losses, load_institutions(), "base", holdings=holdings).set_index("investor_class")
    share = deal.holdings.shares["floating"]["insurers"]
    cost = values(losses.prices.cells.ahead, 0, 97.5)[0, 0]
    assert frame.loc["insurers", "since_purchase"] == pytest.approx(
        share * (losses.prices.npv[0, 0, 0] - cost), rel=1e-9
    )


@drawn(st.lists(st.floats(0.0, 1e13), min_size=4, max_size=4))
def test_ends_bear_what_classes_lose_whatever_its_size(losses):
    names = ["banks", "insurers", "private-credit funds", "mutual funds"]
    flows, classes, bearers = ends_of(
        {name: np.array([lost]) for name, lost in zip(names, losses, strict=True)}, load_institutions()
    )
    assert list(classes) == names and flows.shape == (1, 4, len(bearers))
    np.testing.assert_allclose(flows[0].sum(axis=1), losses, rtol=1e-9, atol=1e-3)


def test_bad_input_of_the_chain():
    deal, flows, losses = shipped("coreweave-ddtl-4")
    known = load_institutions()
    with pytest.raises(UnknownName, match="there is no scenario 'technology supersded'. Did you mean"):
        chain(deal, flows, losses, known, "technology supersded")
    with pytest.raises(
        InvalidTerms, match=r"losses are in USD, institutions in GBP: institutions\.converted\('USD', rate\)"
    ):
        chain(deal, flows, losses, known.converted("GBP", 0.75), "base")
    without = dataclasses.replace(known, institutions=(*known.institutions[1:],), owners={}, sources={})
    with pytest.raises(InvalidTerms, match="there is no institution 'banks'"):
        chain(deal, flows, losses, without, "base")
    bare = dataclasses.replace(known, institutions=(Institution("banks"), *known.institutions[1:]))
    with pytest.raises(InvalidTerms, match="'banks' has none, so nobody knows who bears its loss"):
        chain(deal, flows, losses, bare, "technology superseded", WIDER.name)
