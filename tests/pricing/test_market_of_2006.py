"""2008 with the same machine: what was published of it comes out in its order of magnitude, and where AI debt differs.

The write-downs are calibrated (stress.yaml says so), and the holders are split so that half falls on leveraged institutions;
all that follows from these, the amplification, the haircuts, the capital lost, is not.
"""

import dataclasses
import functools

import numpy as np
import pytest
from market import closed

from pricing.contagion.closed_loop.assumptions import load_loop
from pricing.contagion.closed_loop.channels import STEPS
from pricing.contagion.closed_loop.closed_loop import closed_loop, economy_of
from pricing.contagion.closed_loop.market_loop import loop_sentences, market_loop
from pricing.contagion.market_stress import market_stress
from pricing.report.market_report.market_tables import sources
from structuring.deals.deal_files import LIBRARY, load_deal

HOME = LIBRARY / "structured-finance-2006"
LEVERAGED_US = ("banks", "dealers", "GSEs", "hedge funds")


@functools.cache
def then():
    return market_loop(market_stress("structured-finance-2006"), load_loop(HOME / "loop.yaml"))


def ratio(made):
    first = made.loop.first.sum()
    return (made.loop.least.sum() - first) / first


def prices(made):
    """What is left of each asset's price once the loop rests, by name."""
    y = economy_of(made.stress, made.vehicles, made.terms)
    return dict(zip(made.stress.second["thresholds"].assets, y.look(made.loop.state).price.tolist(), strict=True))


def test_the_book_is_the_published_issue_and_writes_down_the_published_part():
    row = then().stress.beside.loc[0]
    assert row["issued"] == pytest.approx(641e9, rel=1e-3)
    assert row["realised_loss"] == pytest.approx(420e9, rel=0.03)


def test_the_deal_is_the_shipped_one_with_other_holders():
    deal, shipped = then().stress.book.deals["sf-abs-cdos"], load_deal("mezz-abs-cdo-2006")
    for part in ("collateral", "tranches", "fees", "definitions", "waterfalls", "regimes"):
        assert getattr(deal, part) == getattr(shipped, part)
    assert deal.holdings != shipped.holdings


def test_about_half_falls_on_leveraged_us_institutions():  # Greenlaw, Hatzius, Kashyap and Shin (2008): about half
    lost = dict(zip(then().loop.institutions, then().loop.first, strict=True))
    assert sum(lost[name] for name in LEVERAGED_US) / sum(lost.values()) == pytest.approx(0.5, abs=0.1)


def test_a_dollar_lost_shrinks_leveraged_balance_sheets_by_ten_to_twenty_five():  # the same, as relayed in July 2008
    made = then()
    lost = dict(zip(made.loop.institutions, made.loop.first, strict=True))
    known = {one.name: one for one in made.stress.institutions.institutions}
    shrunk = {n: lost[n] * (known[n].assets - known[n].capital) / known[n].capital for n in LEVERAGED_US}
    a_dollar = sum(shrunk.values()) / sum(lost[n] for n in LEVERAGED_US)
    assert 10.0 <= a_dollar <= 25.0
    assert 1e12 < sum(shrunk.values()) < 4e12  # "about 2tn", half of lost capital replaced


def test_all_losses_are_of_the_order_that_the_imf_published():
    """On all assets made in the United States: Global Financial Stability Reports of April and October 2008, April 2009."""
    assert 0.945e12 < then().loop.least.sum() < 2.712e12  # and 1.4tn in between


# early 2007, summer of 2008, after Lehman: average of nine classes of paper (Gorton and Metrick, 2012, as relayed)
HAIRCUTS = (0.0, 0.25, 0.45)


def test_haircuts_end_on_both_sides_of_the_published_average():
    """Points of haircut are points of price. The published 45 averages paper with subprime, which nobody lent on, and without."""
    found, haircut = prices(then()), then().terms.haircut.value
    notes = [haircut * (1.0 - found[name]) for name in ("A-1", "A-2", "B", "C", "D")]
    assert 0.20 < haircut * (1.0 - found["structured paper"]) < HAIRCUTS[-1] < min(notes)
    assert min(notes) > 0.65 and np.mean(notes) > 0.85


def test_haircuts_on_other_paper_start_at_nothing_after_those_on_subprime_and_rise_in_steps():
    """Rounds of sales have no dates: what is held against the three published points is their order and their shape."""
    sales = then().stress.second["thresholds"]
    fall = 1.0 - sales.rounds.prices[:, 0]
    other, senior = (sales.assets.index(name) for name in ("structured paper", "A-1"))
    assert fall[0, other] == HAIRCUTS[0] and fall[0, senior] > 0.4  # subprime falls first, by its own losses
    assert (np.diff(fall[:, other]) >= -1e-12).all()
    assert fall[1, other] / fall[-1, other] == pytest.approx(HAIRCUTS[1] / HAIRCUTS[2], abs=0.15)


def test_holders_of_subprime_paper_sum_to_what_is_on_record():  # 671bn of nearly 1.4tn: University of Chicago Magazine
    held = {one.name: one.other.get("mortgage securities", 0.0) for one in then().stress.institutions.institutions}
    foreign_hedge_funds = 58e9
    assert sum(held.values()) == pytest.approx(1.4e12, rel=0.03)
    assert sum(held[name] for name in LEVERAGED_US) - foreign_hedge_funds == pytest.approx(671e9, rel=0.005)


def test_then_the_second_round_exceeded_the_first_and_now_it_does_not():
    assert ratio(then()) > 1.5 and ratio(closed()) < 1.0
    assert then().loop.settled and not then().loop.differs


def test_a_channel_that_forced_sales_go_through_first_says_what_it_would_add_without_them():
    """With 0.03tn of capital the conduits' forced sales come first, and their lines take losses off: what the lines would
    do by themselves rests on no capital, is never below 0, and is told beside it."""
    made = then()
    thin = economy_of(made.stress, made.vehicles, made.terms, {"capital of conduits and SIVs": 0.6})
    found, channel = closed_loop(thin), "margin and lines"
    low, taken = (each.by_channel().set_index("channel").loc[channel] for each in (found, made.loop))
    assert low["in order"] < 0.0 < taken["in order"] < low["without forced sales"]
    assert low["without forced sales"] == pytest.approx(taken["without forced sales"], rel=1e-9)
    assert (found.instead.sum(axis=1) >= 0.0).all() and found.least.sum() == pytest.approx(
        made.loop.least.sum(), rel=1e-3
    )
    assert any(f"What {channel} sells at once forced sales would sell later" in said for said in loop_sentences(found))
    assert not any("sells at once" in said for said in loop_sentences(made.loop))


def test_what_a_channel_adds_without_forced_sales_is_half_of_its_own_fall_and_all_of_what_others_keep():
    """By hand, of one look: conduits sell 75 % of their paper by the fall of its price, others keep theirs."""
    made = then()
    calm = dataclasses.replace(economy_of(made.stress, made.vehicles, made.terms), forced=False)
    assert not calm.before.late.any()  # nobody sells by a threshold
    state = STEPS["margin and lines"](calm, calm.before, calm.nothing)
    system, found = calm.system(state), calm.look(state)
    off = state.part * system.values
    fell = 1.0 - np.exp(-(system.start[0] * off.sum(axis=0)) * np.diag(system.impact))
    lost = (system.values - off) @ (system.start[0] * fell) + 0.5 * (off @ (system.start[0] * fell))
    assert off.sum() > 0.0 and found.late == pytest.approx(lost, rel=1e-12)


def test_dealers_and_vehicles_lose_all_their_capital_then_and_no_class_a_tenth_now():
    made, now = then().loop, closed().loop
    lost = dict(zip(made.institutions, made.least / made.capital, strict=True))
    assert lost["dealers"] > 1.0 and lost["conduits and SIVs"] > 1.0 and lost["mutual and pension funds"] < 0.02
    assert (now.least / now.capital).max() < 0.1


def test_every_figure_of_the_system_says_where_it_is_from():
    table = sources(then().stress)
    assert {"book.yaml", "story.yaml", "institutions.yaml", "deals/sf-abs-cdos.yaml"} <= set(table["file"])
    assert "Cordell" in " ".join(table["where_from"])
    assert "AI debt" not in " ".join(then().stress.sentences())
