"""Who bears the losses: the identity, the shares, the order of what took them."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from pricing.bearers.abs_cdo import beside_2008
from pricing.bearers.who_bears import who_bears
from pricing.market.market import Market, projected
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.deal_files import load_deal, load_scenarios
from structuring.deals.holdings import Holdings
from structuring.runs.run import run
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.terms.tranches import Equity

V = dt.date(2026, 1, 15)
HOLDINGS = Holdings({
    "A": {"pension funds": 0.25, "insurers": 0.65, "unidentified": 0.1},
    "B": {"insurers": 0.5, "hedge funds": 0.5},
    "E": {"sponsor": 1.0},
})  # fmt: skip
SHOCKS = [SpreadShock.parallel(bp=100), SpreadShock.by_tranche(bp={"B": 400}), SpreadShock.relative(0.5)]


def market(rate=0.04):
    return Market(rate, {"A": {"price": 101.0}, "B": 0.03, "E": {"yield": 0.15}}, valuation=V)


@drawn(
    rate=st.floats(-0.02, 0.12),
    reference=st.sampled_from(["base", "bad"]),
    origin=st.sampled_from(["unchanged", "+100 bp"]),
)
def test_the_parts_add_up_to_the_whole_for_every_cell_and_holder(toy, rate, reference, origin):
    before = toy()
    prices = price(toy(rate=max(rate, 0.0)), market(rate), SHOCKS, before=(before, market()), reference="base")
    losses = who_bears(prices, HOLDINGS, reference=(reference, origin))
    part = losses.tranche
    scale = prices.before.max()
    np.testing.assert_allclose(part["credit"] + part["rates"] + part["spread"], part["total"], atol=1e-12 * scale)
    np.testing.assert_allclose(part["rates"] + part["spread"], part["market"], atol=1e-12 * scale)
    for name, array in part.items():
        np.testing.assert_allclose(losses[name].sum(axis=3), array, atol=1e-12 * scale)
    s, k = prices.at(reference, origin)
    np.testing.assert_allclose(part["credit"][s, k], 0.0, atol=1e-12 * scale)
    np.testing.assert_allclose(part["total"], prices.before[s, k] - prices.npv, atol=1e-12 * scale)


def test_each_part_is_the_difference_the_design_says(toy):
    before, after = toy(), toy(rate=0.06)
    shock = SpreadShock.parallel(bp=150)
    prices = price(after, market(0.06), shock, before=(before, market()))
    spreads = dict(zip("ABE", prices["z_spread"][0, 0], strict=True))  # z0, solved before the move

    def value(flows, rate, more=0.0):
        quotes = {name: z + more for name, z in spreads.items()}
        return price(flows, Market(rate, quotes, valuation=V)).npv[:, 0]

    v000, v100 = value(before, 0.04)[0], value(before, 0.04)[1]
    v110, v111 = value(after, 0.06)[1], value(after, 0.06, 0.015)[1]
    losses = who_bears(prices, HOLDINGS)
    np.testing.assert_allclose(losses.tranche["credit"][1, 1], v000 - v100, rtol=1e-12)
    np.testing.assert_allclose(losses.tranche["rates"][1, 1], v100 - v110, rtol=1e-12)
    np.testing.assert_allclose(losses.tranche["spread"][1, 1], v110 - v111, rtol=1e-12)
    alone = (v000 - value(after, 0.06)[0]) + (v000 - value(before, 0.04, 0.015)[0]) + (v000 - v100)
    np.testing.assert_allclose(losses.memo["interaction"][1, 1], (v000 - v111) - alone, atol=1e-10)
    assert losses.tranche["rates"][0, 0, 1] < losses.tranche["rates"][0, 0, 0] / 10  # the floater hardly minds


def test_without_a_move_of_rates_none_is_lost_to_them(toy):
    losses = who_bears(price(toy(), market(), SHOCKS), HOLDINGS)
    assert not losses.tranche["rates"].any()
    assert not losses.tranche["total"][0, 0].any()


def test_the_reference_is_worth_what_it_is_quoted_at(toy):
    prices = price(toy(), market(), SHOCKS)
    assert prices["clean"][0, 0, 0] == pytest.approx(101.0, abs=1e-11)
    assert prices["yield_to_maturity"][0, 0, 2] == pytest.approx(0.15, abs=1e-12)


def test_a_junior_loses_before_its_senior(toy):
    shares = np.linspace(1.0, 0.0, 21)
    flows = toy(shares, ["base", *(f"{share:.2f}" for share in shares[1:])])
    below_par = Market(0.04, {"A": {"price": 95.0}, "B": {"dm": 0.05}, "E": {"yield": 0.15}}, valuation=V)
    losses = who_bears(price(flows, below_par), HOLDINGS)
    credit = losses.tranche["credit"][:, 0] / losses.tranche["credit"][-1, 0]
    assert (np.diff(losses.tranche["credit"][:, 0], axis=0) >= -1e-9).all()
    a, b, e = (int(np.argmax(credit[:, i] > 0.25)) for i in range(3))
    assert e < b < a


def test_the_price_before_a_move_of_rates_is_that_of_its_own_market(toy):
    before, after = toy(rate=0.04), toy(rate=0.06)
    moved, quoted = price(after, market(0.06), SHOCKS, before=(before, market())), price(before, market(), SHOCKS)
    np.testing.assert_allclose(moved.clean_before, quoted["clean"], rtol=1e-12)
    assert moved.clean_before[0, 0, 0] == pytest.approx(101.0) and moved["clean"][0, 0, 0] < 98.0
    assert np.array_equal(quoted.clean_before, quoted["clean"], equal_nan=True)


def test_memo_columns_are_told_and_not_added(toy):
    flows = toy()
    prices = price(flows, market())
    losses = who_bears(prices, HOLDINGS)
    short = [flows.cash(name)[0].sum() - flows.cash(name)[1].sum() for name in flows.tranches]
    np.testing.assert_allclose(losses.memo["cash_shortfall"][1, 0], short, rtol=1e-12)
    np.testing.assert_allclose(losses.memo["realised_loss"][2, 0], [700.0, 200.0, 0.0], rtol=1e-12)
    assert losses.memo["wal_change"][1, 0, 0] > 0.0


def test_the_frame_is_the_contract(toy):
    losses = who_bears(price(toy(), market(), SHOCKS), HOLDINGS)
    frame = losses.frame()
    assert list(frame.columns[:12]) == [
        "deal", "currency", "scenario", "shock", "investor_class", "tranche", "holding", "credit_loss", "rates_loss",
        "spread_loss", "market_loss", "total_loss",
    ]  # fmt: skip
    assert len(frame) == 3 * 4 * 6
    assert list(frame["investor_class"].cat.categories) == [
        "pension funds",
        "insurers",
        "hedge funds",
        "sponsor",
        "unidentified",
    ]
    assert list(frame["tranche"].cat.categories) == ["A", "B", "E"]
    row = frame[(frame["scenario"] == "bad") & (frame["shock"] == "+100 bp") & (frame["investor_class"] == "insurers")]
    assert row["holding"].tolist() == [455.0, 100.0]
    np.testing.assert_allclose(row["total_loss"], losses.tranche["total"][1, 1, :2] * [0.65, 0.5], rtol=1e-13)
    total = frame.groupby(["scenario", "shock", "tranche"], observed=True)["total_loss"].sum().to_numpy()
    np.testing.assert_allclose(total, losses.tranche["total"].ravel(), atol=1e-9)


REFUSED = {
    "nobody": ({"A": {"x": 1.0}, "E": {"x": 1.0}}, "holdings['B']: says nobody holds this tranche"),
    "unknown": (
        {"A": {"x": 1.0}, "B": {"x": 1.0}, "E": {"x": 1.0}, "a": {"x": 1.0}},
        "there is no tranche 'a'. Did you mean 'A'?",
    ),
    "not one": ({"A": {"x": 0.9}, "B": {"x": 1.0}, "E": {"x": 1.0}}, "Holdings of 'A' must sum to 1, got 0.9 (x 0.9)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_holdings_that_do_not_cover_the_deal_are_refused(toy, case):
    shares, message = REFUSED[case]
    prices = price(toy(), market())
    with pytest.raises(InvalidTerms) as caught:
        who_bears(prices, Holdings(shares))
    assert message in str(caught.value)


def test_other_bad_input_of_who_bears(toy):
    prices = price(toy(), market())
    with pytest.raises(InvalidTerms, match="holdings: must be a Holdings"):
        who_bears(prices, None)
    with pytest.raises(UnknownName, match="there is no shock 'unchangd'"):
        who_bears(prices, HOLDINGS, reference=("base", "unchangd"))
    with pytest.raises(UnknownName, match="there is no scenario 'bse'"):
        who_bears(prices, HOLDINGS, reference=("bse", "unchanged"))


def test_a_move_of_rates_is_between_the_same_flows(toy):
    with pytest.raises(InvalidTerms, match="before: the scenarios must be the same before and after the move of rates"):
        price(toy(), market(), before=(toy([1.0], ["base"]), market()))
    late = Market(0.04, valuation=dt.date(2026, 2, 1), otherwise=0.0)
    with pytest.raises(InvalidTerms, match="before: the valuation date must be the same"):
        price(toy(), late, before=(toy(), market()))


def test_a_first_loss_piece_that_is_equity_realises_what_is_written_down():
    """Of 40m nothing is left in the worst scenarios: that was told as no realised loss."""
    deal, market, scenarios = (
        load_deal("data-centre-srt"),
        load_market("data-centre-srt"),
        load_scenarios("data-centre-srt"),
    )
    flows = run(deal, scenarios, rates=projected(market, deal))
    losses = who_bears(price(flows, market), deal.holders, reference=(scenarios[0].name, "unchanged"))
    n = flows.tranches.index("first loss")
    assert isinstance(flows.plan.tranches["first loss"], Equity)
    realised = losses.memo["realised_loss"][:, 0, n]
    assert realised == pytest.approx(flows.written_down["first loss"].sum(axis=1)) and realised[-1] == pytest.approx(
        40e6
    )
    frame = beside_2008(losses, scenarios[-1].name).set_index("paper")
    assert frame.loc["data-centre-srt: first loss", "realised_per_cent"] == pytest.approx(100.0)
