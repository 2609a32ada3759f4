"""Laws of prices: round trips, sums, a tranche that is wiped out, frames."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from pricing.market.curves import flat
from pricing.market.market import Market
from pricing.valuation.measures import MEASURES
from pricing.valuation.price import price
from pricing.valuation.prices import CONTRACT
from pricing.valuation.root_finding import rates_for
from pricing.valuation.spread_shocks import SpreadShock
from structuring import Deal, LoanPool, Scenario, run
from structuring.collateral.loan_tape import LoanLine
from waterfalls import Equity, Floating, Note, interest, pay, residual, scheduled_principal
from waterfalls.errors import InvalidTerms, TooLarge
from waterfalls.frames import MOST_ROWS

V = dt.date(2026, 1, 15)
COLUMNS = [
    "deal", "currency", "scenario", "shock", "tranche", "npv", "clean", "dirty", "accrued", "z_spread",
    "yield_to_maturity", "wal", "modified_duration", "convexity", "spread_duration", "cs01", "dv01", "status",
]  # fmt: skip


@drawn(
    z=st.floats(-0.05, 0.5), rate=st.floats(-0.02, 0.15), share=st.floats(0.05, 1.2),
    day=st.dates(V, dt.date(2030, 6, 30)),
)  # fmt: skip
def test_a_spread_gives_a_price_that_gives_the_spread(toy, z, rate, share, day):
    flows = toy([share], ["base"])
    quoted = price(flows, Market(rate, valuation=day, otherwise=z))
    alive = quoted["clean"][0, 0, :2] > 0.01
    quotes = {name: {"price": quoted["clean"][0, 0, i]} for i, name in enumerate("AB") if alive[i]}
    again = price(flows, Market(rate, quotes, valuation=day, otherwise=z))
    np.testing.assert_allclose(again["z_spread"][0, 0, :2][alive], z, atol=1e-9)
    np.testing.assert_allclose(again.npv, quoted.npv, rtol=1e-10)


@drawn(
    amounts=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40).filter(any),
    rate=st.floats(-0.3, 3.0),
    step=st.floats(0.02, 1.0),
)
def test_the_solver_inverts_any_positive_flows(amounts, rate, step):
    cash, times = np.array([amounts]), step * np.arange(1, len(amounts) + 1)
    value = (cash * np.exp(-rate * times)).sum(axis=1, keepdims=True)
    found = rates_for(cash, times, value)
    again = (cash * np.exp(-found * times)).sum()
    assert again == pytest.approx(value[0, 0], rel=1e-11)


@drawn(draw=st.floats(0.0, 90.0), price_=st.floats(60.0, 130.0))
def test_the_solver_finds_the_yield_of_a_note_that_is_still_drawn(draw, price_):
    cash, times = np.array([[2.0, -draw, 3.0, 3.0, 110.0 + 1.2 * draw]]), np.arange(1.0, 6.0)
    found = rates_for(cash, times, np.array([[price_]]))
    assert (cash * np.exp(-found * times)).sum() == pytest.approx(price_, rel=1e-11)


@drawn(worth=st.floats(-2.0, 0.0))
def test_a_commitment_worth_no_more_than_it_draws_has_its_yield_by_hand(worth):
    """-100 u + 112 u^2 = v with u = exp(-x): the root of the quadratic that is nearest to x = 0."""
    cash, times = np.array([[-100.0, 112.0]]), np.array([1.0, 2.0])
    by_hand = -np.log((100.0 + np.sqrt(100.0**2 + 4.0 * 112.0 * worth)) / 224.0)
    assert rates_for(cash, times, np.array([[worth]]))[0, 0] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("quoted", [100.0, 99.0, 95.0])
def test_a_delayed_draw_loan_is_quoted_per_100_of_its_commitment(given, quoted):
    """Undrawn, it is worth price / 100 of the commitment less the commitment: 0 at par, below it less than 0."""
    ends = [V + dt.timedelta(days=365 * n) for n in (1, 2, 3)]
    flows = given(ends, [0, 8, 8], [0, 0, 100], start=V, balance=0.0, undrawn=100.0, drawn=[100, 0, 0], per_year=1)
    made = price(flows, Market(0.04, {"A": {"price": quoted}}, valuation=V, otherwise=0.1))
    spread = made["z_spread"][0, 0, 0]
    assert made["clean"][0, 0, 0] == pytest.approx(quoted, abs=1e-9)
    discounts = np.exp(-(0.04 + spread) * np.arange(1.0, 4.0))
    assert discounts @ [-100.0, 8.0, 108.0] == pytest.approx(quoted - 100.0, abs=1e-9)
    assert made["yield_to_maturity"][0, 0, 0] == pytest.approx(np.expm1(0.04 + spread), abs=1e-9)


def test_no_rate_is_nan_and_does_not_disturb_its_neighbours():
    cash = np.array([[5.0, 105.0], [0.0, 0.0], [-5.0, -1.0], [5.0, 105.0]])
    found = rates_for(cash, np.array([1.0, 2.0]), np.array([[100.0], [100.0], [100.0], [-3.0]]))
    alone = rates_for(cash[:1], np.array([1.0, 2.0]), np.array([[100.0]]))
    assert found[0] == alone[0] and np.isnan(found[1:]).all()


def test_a_wiped_out_tranche_is_worth_nothing_and_says_so(toy):
    prices = price(toy(), Market(0.04, valuation=V, otherwise=0.02), SpreadShock.parallel(bp=100))
    frame = prices.frame()
    dead = frame[frame["scenario"] == "dead"]
    assert (dead["status"] == "wiped out").all()
    assert (dead[["npv", "clean", "dirty", "accrued", "cs01", "dv01"]] == 0.0).all(axis=None) or dead["tranche"].iloc[
        2
    ] == "E"
    assert (
        dead[["z_spread", "yield_to_maturity", "wal", "modified_duration", "convexity", "spread_duration"]]
        .isna()
        .all(axis=None)
    )
    base = frame[frame["scenario"] == "base"]
    assert (base["status"] == "priced").all()
    assert frame["npv"].notna().all()


def test_a_repaid_tranche_says_so(given):
    dates = [V + dt.timedelta(days=91 * n) for n in (1, 2, 3)]
    flows = given(dates, [1, 0, 0], [100, 0, 0])
    prices = price(flows, Market(0.04, valuation=dates[1], otherwise=0.0))
    assert prices.frame()["status"].astype(str).tolist() == ["repaid", "wiped out"]
    assert prices.npv[0, 0, 0] == 0.0 and np.isnan(prices["clean"][0, 0, 0])


def test_a_facility_that_is_not_drawn_is_neither_repaid_nor_lost(given):
    dates = [V + dt.timedelta(days=91 * n) for n in (1, 2)]
    flows = given(dates, [0, 0], [0, 0], balance=0.0, undrawn=50.0)
    prices = price(flows, Market(0.04, valuation=V, otherwise=0.0))
    assert prices.frame()["status"].astype(str).tolist() == ["undrawn", "wiped out"]
    assert prices["clean"][0, 0, 0] == 100.0 and prices.npv[0, 0, 0] == 0.0


def test_durations_of_a_partly_drawn_note_are_those_of_its_price(given):
    dates = [V + dt.timedelta(days=365 * n) for n in (1, 2, 3)]
    flows = given(dates, [2, 5, 5], [0, 0, 100], balance=40.0, undrawn=60.0, drawn=[60, 0, 0], per_year=1)
    shocks = [SpreadShock.parallel(bp=bp) for bp in (0.1, -0.1)]
    prices = price(flows, Market(0.04, valuation=V, otherwise=0.0), shocks)
    dirty, rates = prices["dirty"][0, :, 0], prices["yield_to_maturity"][0, :, 0]
    assert prices["spread_duration"][0, 0, 0] == pytest.approx((dirty[2] - dirty[1]) / 2e-5 / dirty[0], rel=1e-7)
    expected = (dirty[2] - dirty[1]) / (rates[1] - rates[2]) / dirty[0]
    assert prices["modified_duration"][0, 0, 0] == pytest.approx(expected, rel=1e-6)


def test_flows_on_the_valuation_date_are_gone(given):
    dates = [V + dt.timedelta(days=n) for n in (90, 180)]
    flows = given(dates, [10, 1], [0, 100])
    assert price(flows, Market(0.0, valuation=dates[0], otherwise=0.0)).npv[0, 0, 0] == pytest.approx(101.0)
    assert price(flows, Market(0.0, valuation=dates[0] - dt.timedelta(days=1), otherwise=0.0)).npv[
        0, 0, 0
    ] == pytest.approx(111.0)


def test_the_table_is_what_finite_differences_say(toy):
    flows, step = toy(), 1e-5
    market = Market(0.04, valuation=V, otherwise=0.02)
    prices = price(flows, market, [SpreadShock.parallel(bp=step / 1e-4), SpreadShock.parallel(bp=-step / 1e-4)])
    npv = prices.npv[0]
    slope = (npv[2] - npv[1]) / (2 * step)
    np.testing.assert_allclose(prices["cs01"][0, 0], slope * 1e-4, rtol=1e-8)
    np.testing.assert_allclose(prices["spread_duration"][0, 0], slope / npv[0], rtol=1e-8)
    rates = prices["yield_to_maturity"][0]
    np.testing.assert_allclose(
        prices["modified_duration"][0, 0], -(npv[1] - npv[2]) / (rates[1] - rates[2]) / npv[0], rtol=1e-6
    )


def test_key_rates_sum_to_the_parallel_move_in_every_cell(toy):
    prices = price(toy(), Market(0.04, valuation=V, otherwise=0.02), SpreadShock.parallel(bp=100))
    for tenors in ((1, 2, 3), (0.1, 30), (5,), (0.25, 1, 2, 3, 5, 7, 10)):
        np.testing.assert_allclose(prices.key_rate_dv01(tenors).sum(axis=3), prices["dv01"], rtol=1e-12)
    with pytest.raises(InvalidTerms, match="tenors: must be years that rise"):
        prices.key_rate_dv01((5, 2))


def test_value_at_no_rate_is_the_sum_of_the_cash(paths):
    flows = paths(300)
    prices = price(flows, Market(0.0, valuation=V, otherwise=0.0))
    for i, name in enumerate(flows.tranches):
        np.testing.assert_allclose(prices.npv[:, 0, i], flows.cash(name).sum(axis=1), rtol=1e-13)


def test_the_frame_is_the_contract_and_seniority_is_its_order(toy):
    prices = price(toy(), Market(0.04, valuation=V, otherwise=0.02), [SpreadShock.parallel(bp=bp) for bp in (300, 100)])
    frame = prices.frame()
    assert list(frame.columns) == COLUMNS
    assert list(CONTRACT) == COLUMNS[5:-1]
    assert len(frame) == 27
    for name, values in (
        ("tranche", ["A", "B", "E"]),
        ("scenario", ["base", "bad", "dead"]),
        ("shock", ["unchanged", "+300 bp", "+100 bp"]),
    ):
        assert isinstance(frame[name].dtype, pd.CategoricalDtype) and frame[name].cat.ordered
        assert list(frame[name].cat.categories) == values
    cell = frame[(frame["scenario"] == "bad") & (frame["shock"] == "+100 bp") & (frame["tranche"] == "B")]
    assert cell["npv"].item() == prices.npv[1, 2, 1]
    assert list(prices.frame(["npv", "discount_margin"]).columns[5:]) == ["npv", "discount_margin", "status"]


def test_arrays_are_read_only(toy):
    prices = price(toy(), flat(V, 0.04))
    for name in MEASURES:
        assert prices[name].shape == (3, 1, 3) and not prices[name].flags.writeable


def test_a_frame_that_is_too_large_is_refused(toy, monkeypatch):
    assert MOST_ROWS == 10_000_000
    prices = price(toy(), flat(V, 0.04), [SpreadShock.parallel(bp=100)])
    monkeypatch.setattr("waterfalls.frames.MOST_ROWS", 17)
    with pytest.raises(TooLarge, match="a frame of 18 rows needs about"):
        prices.frame()


def test_every_measure_says_what_it_is():
    for measure in MEASURES.values():
        assert measure.name and measure.unit and measure.sign and measure.formula and callable(measure.function)


def test_an_inverse_floater_gains_what_the_curve_loses_by_its_multiple():
    """dv01 of 28.5 % - 3 x index against the curve moved by 1 bp and the deal run again, and no interest below 0."""
    made = {}
    for multiple, margin in ((1.0, 0.005), (-3.0, 0.285), (-3.0, 0.1)):
        deal = Deal(
            "floats", closing=dt.date(2026, 1, 15), first_payment=dt.date(2026, 4, 15), maturity=dt.date(2031, 1, 15),
            frequency="quarterly", calendar="none",
            collateral=LoanPool((LoanLine(1e3, 0.4, remaining_term=60, interest_only=60),)),
            tranches=(Note("A", 100.0, coupon=Floating("SOFR", margin, multiple=multiple)), Equity("E")),
            waterfall=pay(interest("A")) >> pay(scheduled_principal("A")) >> pay(residual("E")),
        )  # fmt: skip
        market = Market(0.04, valuation=dt.date(2026, 1, 15), otherwise=0.01, projections={"SOFR": 0.04})
        prices = price(run(deal, Scenario("base"), rates=market.rates(deal)), market)
        change = []
        for move in (0.5, -0.5):
            there = market.shifted(move)
            again = run(deal, Scenario("base"), rates=there.rates(deal))
            change.append(price(again, there).npv[0, 0, 0])
        made[multiple, margin] = prices["dv01"][0, 0, 0]
        assert prices["dv01"][0, 0, 0] == pytest.approx(change[1] - change[0], rel=1e-4)
    assert made[-3.0, 0.285] > 10.0 * abs(made[1.0, 0.005])
