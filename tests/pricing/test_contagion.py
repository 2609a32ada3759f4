"""Contagion: the published identities, a loop that says the same, and what every second round keeps."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from plain_contagion import plain_thresholds

from pricing.bearers.institutions import Institution, Threshold
from pricing.bearers.who_bears import who_bears
from pricing.contagion.contagion import contagion
from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring.deals.holdings import Holdings
from waterfalls.errors import InvalidTerms

NAMES = ("bank", "dealer", "fund")
ASSETS = ("bonds", "loans", "cash")


def table(rows, columns, cells):
    return {
        row: dict(zip(columns, line, strict=True)) for row, line in zip(rows, np.asarray(cells).tolist(), strict=True)
    }


def by_name(made):
    frame = made.frame()
    return frame.set_index(frame["institution"].astype(str)).sort_index()


def glt(golden, flow=(0.0, 0.0, 0.0), scale=1.0, shock=1.0, order=(0, 1, 2), **more):
    """The case of Greenwood, Landier and Thesmar, called by name."""
    given = golden("contagion_glt_identities")["inputs"]
    held = np.array(given["weights"]) * np.array(given["assets"])[:, None]
    listed = [
        Institution(
            NAMES[n], assets=given["assets"][n], capital=given["equity"][n], redemptions=flow[n], other=table(NAMES, ASSETS, held)[NAMES[n]]
        )
        for n in order
    ]  # fmt: skip
    impact = given["price_impact_per_dollar"]
    return contagion(
        {},
        institutions=listed,
        prices={asset: 1.0 + shock * move for asset, move in zip(ASSETS, given["shock_f1"], strict=True)},
        depth={
            asset: math.inf if x * scale == 0.0 else 1.0 / (x * scale) for asset, x in zip(ASSETS, impact, strict=True)
        },
        mode="linear",
        **more,
    )


def test_the_golden_identities_of_leverage_targeting(golden):
    case = golden("contagion_glt_identities")
    expected, close = case["expected"], {"rtol": 0.0, "atol": case["tolerance"]}
    made = glt(golden)
    assets = np.array(case["inputs"]["assets"])
    np.testing.assert_allclose(-made.direct[0] / assets, expected["R1"], **close)
    np.testing.assert_allclose(-made.rounds.sold[0, 0], expected["asset_sales_phi"], **close)
    falls = made.falls()
    np.testing.assert_allclose(-falls["fall_per_cent"] / 100.0, expected["f2"], **close)
    np.testing.assert_allclose(-(made.total - made.direct)[0] / assets, expected["R2"], **close)
    np.testing.assert_allclose(made.aggregate_vulnerability, [expected["AV"]], **close)
    np.testing.assert_allclose(made.direct.sum() / made.capital.sum(), expected["direct_loss_over_equity"], **close)
    np.testing.assert_allclose(made.systemicness[0], expected["systemicness"], **close)
    np.testing.assert_allclose(made.indirect_vulnerability[0], expected["indirect_vulnerability"], **close)
    np.testing.assert_allclose(made.direct_vulnerability[0], expected["direct_vulnerability"], **close)
    extended = glt(golden, flow=case["extension"]["gamma"])
    np.testing.assert_allclose(-extended.rounds.sold[0, 0], case["extension"]["phi"], **close)


def test_the_parts_of_systemicness_sum_to_aggregate_vulnerability(golden):
    made = glt(golden, flow=(0.0, 0.3, 0.2))
    assert made.systemicness.sum() == pytest.approx(made.aggregate_vulnerability[0], abs=1e-14)
    by_holder = made.indirect_vulnerability * made.capital
    assert by_holder.sum() == pytest.approx(made.aggregate_vulnerability[0] * made.capital.sum(), abs=1e-14)


@pytest.mark.parametrize(("shock", "scale"), [(2.0, 1.0), (0.5, 1.0), (1.0, 3.0), (-1.0, 1.0)])
def test_leverage_targeting_is_linear_in_shock_and_impact(golden, shock, scale):
    once, more = glt(golden), glt(golden, shock=shock, scale=scale)
    np.testing.assert_allclose(more.aggregate_vulnerability, shock * scale * once.aggregate_vulnerability, rtol=1e-12)


def test_caps_hold_sales_to_what_there_is(golden):
    made = glt(golden, shock=20.0, caps=True)
    after = np.array([100.0, 200.0, 50.0]) - made.direct[0]
    assert made.rounds.sold.sum() <= after.sum() + 1e-9
    assert made.rounds.sold.sum() < glt(golden, shock=20.0).rounds.sold.sum()
    np.testing.assert_allclose(made.beyond_capital, np.maximum(made.recorded - made.capital, 0.0))


def test_the_order_of_institutions_is_nothing(golden):
    one, other = glt(golden, flow=(0.0, 0.3, 0.2)), glt(golden, flow=(0.0, 0.3, 0.2), order=(2, 0, 1))
    left, right = (by_name(made) for made in (one, other))
    np.testing.assert_allclose(left["total_loss"], right["total_loss"], rtol=1e-12)


# Rounds


@st.composite
def systems(draw):
    """Levered institutions and funds, some at amortised cost, and a shock that makes some of them sell."""
    count, kinds = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    positive = st.floats(0.5, 50.0)
    values = draw(arrays(float, (count, kinds), elements=positive))
    listed, losses = [], {}
    for n in range(count):
        assets = float(values[n].sum())
        name = f"holder {n}"
        fund = draw(st.booleans())
        basis = draw(st.sampled_from(["amortised cost", "profit and loss"]))
        other = {f"asset {k}": float(values[n, k]) for k in range(kinds)}
        capital = assets if fund else assets * draw(st.floats(0.03, 0.2))
        rule = None if fund else Threshold("leverage", minimum=0.04, target=0.05)
        flow = draw(st.floats(0.1, 2.0)) if fund else 0.0
        listed.append(
            Institution(
                name, assets=assets, capital=capital, basis=basis, threshold=rule, redemptions=flow, other=other
            )
        )
        losses[name] = assets * draw(st.floats(0.0, 0.2))
    depth = {f"asset {k}": draw(st.floats(20.0, 1e4)) for k in range(kinds)}
    return listed, losses, depth


@drawn(systems())
def test_rounds_are_what_a_plain_loop_says(system):
    listed, losses, depth = system
    made = contagion(losses, institutions=listed, depth=depth)
    marked = [one.marked for one in listed]
    plain, owns, caused, prices = plain_thresholds(
        [list(one.other.values()) for one in listed],
        list(depth.values()),
        [one.capital for one in listed],
        [one.threshold.minimum if one.threshold else 0.0 for one in listed],
        [one.threshold.target if one.threshold else 1.0 for one in listed],
        [one.redemptions for one in listed],
        marked,
        list(losses.values()),
        20,
    )
    np.testing.assert_allclose(made.rounds.recorded[:, 0], plain, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(made.rounds.forced[:, 0], owns, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(made.rounds.caused[0], caused, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(made.rounds.prices[-1, 0], prices, rtol=1e-9)


@drawn(systems(), st.sampled_from(["thresholds", "equilibrium", "linear"]))
def test_what_holders_lose_is_what_prices_took(system, mode):
    listed, losses, depth = system
    made = contagion(losses, institutions=listed, depth=depth, mode=mode)
    rounds = made.rounds
    lost = (made.forced_sale + made.others_sales).sum()
    assert rounds.caused.sum() == pytest.approx(lost, rel=1e-9, abs=1e-9)  # who caused it and who bears it agree
    for array in (rounds.forced, rounds.others):
        assert (array >= -1e-9).all()
    assert (rounds.prices >= 0.0).all() and (np.diff(rounds.prices, axis=0) <= 1e-12).all()
    assert (made.recorded <= made.total + 1e-7 * (1.0 + made.total)).all()  # no sale brings to light more than was lost
    assert made.amplification[0] >= 1.0 - 1e-12 or math.isnan(made.amplification[0])


@drawn(systems(), st.floats(1.0, 3.0))
def test_a_larger_shock_costs_no_less(system, factor):
    listed, losses, depth = system
    marked = [dataclasses.replace(one, basis="profit and loss") for one in listed]
    more = {name: factor * loss for name, loss in losses.items()}
    for mode in ("equilibrium", "linear"):
        small, large = (contagion(given, institutions=marked, depth=depth, mode=mode) for given in (losses, more))
        assert (large.total >= small.total - 1e-7).all()


@drawn(systems())
def test_without_impact_there_is_no_second_round(system):
    listed, losses, depth = system
    for mode in ("thresholds", "equilibrium", "linear"):
        made = contagion(losses, institutions=listed, depth=dict.fromkeys(depth, math.inf), mode=mode)
        np.testing.assert_allclose(made.total, made.direct, atol=1e-12)


@drawn(systems(), st.randoms())
def test_names_join_and_order_does_not_matter(system, shuffle):
    listed, losses, depth = system
    mixed = list(listed)
    shuffle.shuffle(mixed)
    other = contagion(dict(reversed(losses.items())), institutions=mixed, depth=dict(reversed(depth.items())))
    one = contagion(losses, institutions=listed, depth=depth)
    left, right = (by_name(made) for made in (one, other))
    np.testing.assert_allclose(left["total_loss"], right["total_loss"], rtol=1e-8, atol=1e-9)


@drawn(systems())
def test_the_least_and_the_greatest_fixed_point_enclose_each_other(system):
    listed, losses, depth = system
    made = contagion(losses, institutions=listed, depth=depth, mode="equilibrium")
    assert made.settled.all()
    assert (made.most.total >= made.total - 1e-9).all()
    assert (made.most.rounds.prices[-1] <= made.rounds.prices[-1] + 1e-12).all()


def test_two_equilibria_are_both_shown():
    # an intermediate fall suffices to sink both; without any sale both stand
    twins = [
        Institution(
            name, assets=100.0, capital=10.0, threshold=Threshold("leverage", minimum=0.05), other={"bonds": 100.0}
        )
        for name in ("one", "other")
    ]
    made = contagion({"one": 1.0, "other": 1.0}, institutions=twins, depth={"bonds": 200.0}, mode="equilibrium")
    assert made.differs.all()
    assert made.total.sum() == pytest.approx(2.0)
    assert made.most.total.sum() == pytest.approx(2.0 + 200.0 * (1.0 - math.exp(-1.0)), rel=1e-9)


def levered(name="bank", **more):
    given = {"assets": 100.0, "capital": 5.0, "threshold": Threshold("leverage", minimum=0.04, target=0.05)}
    return Institution(name, **{**given, "other": {"bonds": 100.0}, **more})


def test_one_forced_sale_by_hand():
    made = contagion({"bank": 2.0}, institutions=[levered()], depth={"bonds": 1000.0}, rounds=1)
    # capital 3 of 100 is below 4 %: to 5 % it sells 100 - 3 / 0.05 = 40; the price falls by 1 - exp(-0.04)
    fell = 1.0 - math.exp(-0.04)
    assert made.rounds.sold[0, 0, 0] == pytest.approx(40.0)
    assert made.forced_sale[0, 0] == pytest.approx(60.0 * fell + 0.5 * 40.0 * fell)
    assert made.others_sales[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_at_amortised_cost_a_fall_of_price_reaches_capital_when_it_is_sold():
    calm = Institution("insurer", assets=100.0, capital=10.0, basis="amortised cost", other={"bonds": 100.0})
    made = contagion({"bank": 2.0}, institutions=[levered(), calm], depth={"bonds": 1000.0}, rounds=1)
    insurer = made.institutions.index("insurer")
    assert made.others_sales[0, insurer] == pytest.approx(100.0 * (1.0 - math.exp(-0.04)))
    assert made.recorded[0, insurer] == 0.0
    # bonds 10 % down do not touch the capital of a bank at amortised cost; a sale of half of them brings half to light
    held = levered(basis="amortised cost", capital=2.5)
    sold = contagion({}, institutions=[held], prices={"bonds": 0.9}, depth={"bonds": math.inf}, rounds=1)
    part = 1.0 - 2.5 / 0.05 / 90.0
    assert sold.direct[0, 0] == pytest.approx(10.0)
    assert sold.recorded[0, 0] == pytest.approx(10.0 * part)


def test_sales_of_one_asset_may_move_another():
    owner = Institution("pension fund", assets=50.0, capital=50.0, other={"utilities": 50.0})
    depth = {"bonds": {"bonds": 1000.0, "utilities": 4000.0}, "utilities": 1000.0}
    for mode in ("thresholds", "equilibrium", "linear"):
        made = contagion({"bank": 2.0}, institutions=[levered(), owner], depth=depth, mode=mode, rounds=1)
        sold = made.rounds.sold[0, 0, 0]
        fell = sold / 4000.0 if mode == "linear" else 1.0 - math.exp(-sold / 4000.0)
        assert made.others_sales[0, 1] == pytest.approx(50.0 * fell)
        assert made.forced_sale[0, 1] == 0.0
        assert made.rounds.caused[0, 0] == pytest.approx((made.total - made.direct).sum())


def test_what_cannot_be_sold_is_kept():
    made = contagion({"bank": 2.0}, institutions=[levered()], depth={"bonds": 0.0})
    assert made.total[0, 0] == 2.0 and not made.rounds.sold.any()


def test_redemptions_make_a_fund_sell():
    fund = Institution("fund", assets=100.0, capital=100.0, redemptions=0.5, other={"bonds": 100.0})
    made = contagion({"fund": 10.0}, institutions=[fund], depth={"bonds": math.inf}, rounds=1)
    assert made.rounds.sold[0, 0, 0] == pytest.approx(0.5 * 0.1 * 90.0)
    assert made.total[0, 0] == 10.0  # what is paid out to investors is no loss


def test_linear_impact_is_held_at_a_price_of_zero_and_says_so():
    made = contagion({"bank": 6.0}, institutions=[levered()], depth={"bonds": 10.0}, impact="linear")
    assert made.rounds.truncated.all() and (made.rounds.prices[-1] == 0.0).all()
    assert made.sales()["truncated"].all()


def test_debts_between_institutions_are_cleared_after_the_sales():
    lender = Institution("lender", assets=100.0, capital=10.0, other={"bonds": 0.0})
    made = contagion(
        {"bank": 8.0},
        institutions=[levered(), lender],
        depth={"bonds": math.inf},
        liabilities={"bank": {"lender": 20.0}},
    )
    assert made.clearing[0].tolist() == [0.0, pytest.approx(3.0)]  # the bank is short of 3
    assert made.total.sum() == pytest.approx(11.0)
    assert made.cleared.rounds[0].tolist() == [1, 0]


# From a deal


V = Market(0.04, {"A": {"price": 101.0}, "B": 0.03, "E": {"yield": 0.15}}, valuation=dt.date(2026, 1, 15))
HOLDINGS = Holdings(
    {"A": {"bank": 0.6, "insurer": 0.4}, "B": {"fund": 0.9, "unidentified": 0.1}, "E": {"sponsor": 1.0}}
)
DEPTH = {"deal": 5000.0, "bonds": 1e5}


def class_of_deal():
    return [
        levered(
            "bank",
            assets=5000.0,
            capital=400.0,
            other={"bonds": 4000.0},
            threshold=Threshold("leverage", minimum=0.075),
        ),
        levered(
            "insurer", assets=5000.0, capital=500.0, other={"bonds": 4000.0}, basis="amortised cost", threshold=None
        ),
        levered("fund", assets=500.0, capital=500.0, other={"bonds": 100.0}, threshold=None, redemptions=1.0),
        Institution("sponsor"),
    ]


def test_the_first_round_is_the_loss_that_reaches_capital(toy):
    losses = who_bears(price(toy(), V, SpreadShock.parallel(bp=200)), HOLDINGS)
    made = contagion(losses, institutions=class_of_deal(), depth=DEPTH, cell=("bad", "+200 bp"))
    assert made.institutions == ("bank", "insurer", "fund", "sponsor", "unidentified")
    assert list(made.scenarios) == ["bad, +200 bp"]
    s, k = losses.prices.at("bad", "+200 bp")
    total, credit = (losses[name][s, k].sum(axis=0) for name in ("total", "credit"))
    by_class = dict(zip(losses.classes, total, strict=True))
    assert made.direct[0].tolist() == pytest.approx([by_class[name] for name in made.institutions])
    insurer = losses.classes.index("insurer")
    assert made.reached[0, 1] == pytest.approx(credit[insurer]) and made.reached[0, 1] < made.direct[0, 1]
    assert made.assets == ("A", "B", "E", "bonds")
    assert (made.total >= made.direct - 1e-12).all() and made.amplification[0] > 1.0


def test_every_cell_is_done_at_once_and_deals_add_by_class(toy):
    losses = who_bears(price(toy(), V, SpreadShock.parallel(bp=200)), HOLDINGS)
    made = contagion(losses, institutions=class_of_deal(), depth=DEPTH)
    assert list(made.scenarios) == ["base", "base, +200 bp", "bad", "bad, +200 bp", "dead", "dead, +200 bp"]
    alone = contagion(losses, institutions=class_of_deal(), depth=DEPTH, cell=("bad", "+200 bp"))
    np.testing.assert_allclose(made.total[3], alone.total[0], rtol=1e-12)
    other = dataclasses.replace(losses, prices=dataclasses.replace(losses.prices, deal="second"))
    both = contagion([losses, other], institutions=class_of_deal(), depth=DEPTH)
    assert both.assets[0] == "toy: A" and both.assets[3] == "second: A"
    np.testing.assert_allclose(both.direct, 2.0 * made.direct, rtol=1e-12)


REFUSED = {
    "class": ({"bnk": 1.0}, {}, "institutions: there is no institution 'bnk'. Did you mean 'bank'?"),
    "depth": ({"bank": 1.0}, {"depth": {}}, "depth: says nothing of 'bonds'"),
    "negative depth": ({"bank": 1.0}, {"depth": {"bonds": -1.0}}, "depth['bonds']: must be a number from 0 on, got -1"),
    "price": ({"bank": 1.0}, {"prices": {"bonds": -0.5}}, "prices: must not be negative, got -0.5"),
    "asset": ({"bank": 1.0}, {"prices": {"bond": 0.5}}, "prices: there is no name 'bond'. Did you mean 'bonds'?"),
    "impact": (
        {"bank": 1.0},
        {"impact": "exponentail"},
        "there is no impact of sales 'exponentail'. Did you mean 'exponential'?",
    ),
    "mode": ({"bank": 1.0}, {"mode": "linaer"}, "there is no mode of contagion 'linaer'. Did you mean 'linear'?"),
    "too much": ({"bank": 1.0}, {"other_assets": {"bank": {"bonds": 101.0}}}, "holds 101, more than its assets 100"),
    "debts": ({"bank": 1.0}, {"liabilities": {"bank": {"lendr": 1.0}}}, "there is no institution 'lendr'"),
    "losses": ([], {}, "losses: must be Losses of who_bears(...)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    losses, more, message = REFUSED[case]
    with pytest.raises(InvalidTerms) as caught:
        contagion(losses, **{"institutions": [levered()], "depth": {"bonds": 10.0}, **more})
    assert message in str(caught.value)


def test_institutions_that_cannot_be_are_refused():
    with pytest.raises(InvalidTerms, match=r"Institution 'x'\.capital: .*greater than or equal to 0, got -1"):
        Institution("x", assets=1.0, capital=-1.0)
    with pytest.raises(InvalidTerms, match=r"capital: must not exceed the assets 1, got 2"):
        Institution("x", assets=1.0, capital=2.0)
    with pytest.raises(InvalidTerms, match="threshold: needs assets and capital"):
        Institution("x", threshold=Threshold("leverage", minimum=0.05))
    with pytest.raises(InvalidTerms, match="target: must be at least the minimum 0.05, got 0.04"):
        Threshold("leverage", minimum=0.05, target=0.04)
    with pytest.raises(InvalidTerms, match="asks for more capital than the asset is worth"):
        Threshold("risk-weighted", minimum=0.08, weights={"equity tranche": 13.0})
