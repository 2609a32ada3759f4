"""The closed loop: nothing from nothing, each channel monotone, sums that hold, and today's numbers with all of it off."""

import dataclasses
import functools

import numpy as np
import pytest
from market import closed

from pricing.contagion.closed_loop.assumptions import Assumed, check, load_loop
from pricing.contagion.closed_loop.channels import CHANNELS, STEPS
from pricing.contagion.closed_loop.closed_loop import closed_loop, economy_of, vehicles_of
from pricing.contagion.closed_loop.market_loop import NEAR, MarketLoop, headline, market_loop
from pricing.contagion.closed_loop.round import after_sales
from pricing.contagion.closed_loop.sensitivity import drawn_values, fewest, sensitivity, triangular
from pricing.contagion.closed_loop.vehicles import MULTIPLES, both
from pricing.contagion.market_stress import market_stress
from structuring.deals.deal_files import LIBRARY
from structuring.generators.named_stresses import Effect
from waterfalls.errors import InvalidTerms

HOME = LIBRARY / "ai-debt-market"
TERMS = load_loop(HOME / "loop.yaml")


@functools.cache
def market(scale=1.0):
    if scale == 1.0:
        return closed().stress, closed().vehicles
    made = market_stress(scale=scale)
    return made, vehicles_of(made)


def economy(scale=1.0, **said):
    return economy_of(*market(scale), TERMS, {name.replace("_", " "): x for name, x in said.items()})


def test_with_every_channel_off_it_is_todays_second_round_to_the_bit():
    made, _ = market()
    found, today = closed_loop(economy(), channels=()), made.second["thresholds"]
    assert (found.first == today.direct[0]).all()
    assert (found.sales == (today.total - today.direct)[0]).all() or np.array_equal(
        found.sales, (today.forced_sale + today.others_sales)[0]
    )
    assert np.array_equal(found.least, found.first + found.sales) and not found.added.any()


def test_channels_that_are_given_nothing_to_do_move_nothing():
    nothing = {
        name: 0.0
        for name in TERMS.values
        if " of " in name and name.split(" of ")[0] in ("mandates", "semi_liquid", "margined", "lines")
    }
    y = economy_of(*market(), TERMS, nothing | {"spillover": 0.0, "demand": 0.0, "coverage": 1e9})
    assert not closed_loop(y).added.any()


def test_no_shock_moves_nothing():
    found = closed_loop(economy(0.0))
    for array in (found.first, found.sales, found.added, found.alone, found.least, found.most):
        assert not array.any()
    assert found.settled


def test_channels_in_their_order_explain_all_and_the_residual_is_rounding():
    found = closed_loop(economy())
    table, total = found.by_channel().set_index("channel"), found.least.sum()
    said = found.first.sum() + found.sales.sum() + table.loc[list(CHANNELS), "in order"].sum()
    assert said == pytest.approx(total, rel=1e-12)
    assert abs(found.residual).max() < 1e-9 * total
    alone = found.first.sum() + found.sales.sum() + table["alone"].sum()
    assert alone == pytest.approx(total, rel=1e-12)  # with what they add together
    assert found.by_round()["all so far"].iloc[-1] == pytest.approx(total, rel=1e-12)
    assert found.settled and len(found.added) <= 8


def test_what_holders_lose_is_what_prices_took():
    """The bridge through all rounds: what the system's losses sum to is the fall of every price, less what sellers were spared."""
    y = economy()
    state = closed_loop(y).state
    system = y.system(state)
    after, lost = after_sales(system, state)
    off = state.part * system.values
    fall = system.start[0] - after.start[0]
    assert lost.sum() == pytest.approx((system.values @ fall).sum() - 0.5 * (off @ fall).sum(), rel=1e-12)
    vehicles = y.losses(state)[0].sum()
    assert y.look(state).first.sum() == pytest.approx(vehicles, rel=1e-12)


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_alone_is_monotone_in_the_story_and_in_its_own_driver(channel):
    drivers = {
        "ratings": ("mandates of insurers", (0.0, 0.1, 0.5)), "redemptions": ("leaving", (0.0, 0.5, 1.0, 4.0)),
        "margin and lines": ("advance", (0.0, 1.0, 3.0)), "spreads": ("spillover", (0.0, 0.5, 1.0)),
        "refinancing": ("needed", (0.0, 1.1, 1.2, 1.5)), "funding": ("demand", (0.0, 1.0, 5.0)),
    }  # fmt: skip
    name, levels = drivers[channel]
    totals = [
        closed_loop(economy_of(*market(), TERMS, {name: x}), channels=(channel,), alone=False).least.sum()
        for x in levels
    ]
    assert totals == sorted(totals) and totals[-1] > totals[0]
    late = [
        (found := closed_loop(economy(scale), channels=(channel,), alone=False)).least.sum() - found.first.sum() - found.sales.sum()
        for scale in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    assert late[0] == 0.0 and late[2] >= 0.0


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_never_does_less_when_a_round_finds_more(channel):
    y = economy()
    low = y.before
    high = dataclasses.replace(
        low, late=low.late * 1.5 + 1e9, price=low.price * 0.9, fell=np.minimum(low.fell + 0.1, 1.0),
        fell_in_all=np.minimum(low.fell_in_all + 0.1, 1.0), credit_share=low.credit_share + 0.05,
    )  # fmt: skip
    a, b = STEPS[channel](y, low, y.nothing), STEPS[channel](y, high, y.nothing)
    for part, array in a.sold.items():
        assert (b.sold[part] >= array).all()
    assert (b.paid >= a.paid).all() and (b.marked >= a.marked).all() and (b.shut >= a.shut).all() and b.more >= a.more


def test_the_order_of_institutions_does_not_matter():
    made, vehicles = market()
    turned = dataclasses.replace(
        made, institutions=dataclasses.replace(made.institutions, institutions=made.institutions.institutions[::-1])
    )
    a, b = (closed_loop(economy_of(each, vehicles, TERMS), alone=False) for each in (made, turned))
    there = dict(zip(b.institutions, b.least, strict=True))
    assert [there[name] for name in a.institutions] == pytest.approx(a.least, rel=1e-9)


def test_the_order_of_deals_does_not_matter():
    made = market()[0]
    names = list(made.vehicles)[::-1]
    book = dataclasses.replace(made.book, positions=made.book.positions[::-1])
    again = market_stress(book)
    a = closed_loop(economy_of(made, vehicles_of(made), TERMS), alone=False)
    b = closed_loop(economy_of(again, vehicles_of(again), TERMS), alone=False)
    assert list(again.vehicles) == names
    there = dict(zip(b.institutions, b.least, strict=True))
    assert [there[name] for name in a.institutions] == pytest.approx(a.least, rel=1e-9)


def test_vehicles_at_a_point_are_the_runs_and_between_points_near_them():
    made, vehicles = market()
    D, K = len(vehicles.deals), len(vehicles.tranches)
    told = vehicles.at(np.ones(D), np.zeros(D), np.ones(K))
    by_stress = np.concatenate([each.prices.npv[-1, -1] for each in made.losses.values()])
    assert told == pytest.approx(by_stress, rel=1e-12, abs=1e-3)
    before = vehicles.at(np.zeros(D), np.zeros(D), np.zeros(K))
    for scale, near in ((0.75, 1e-9), (1.087, 0.02), (1.2, 0.02)):  # a point, and between two by a straight line
        found = before - vehicles.at(np.full(D, scale), np.zeros(D), np.zeros(K))
        by_run = [each.tranche["credit"][-1, -1] for each in market_stress(scale=scale).losses.values()]
        assert found.sum() == pytest.approx(np.concatenate(by_run).sum(), rel=near)


def test_where_the_loop_rests_the_vehicles_were_run_and_not_read_between_two_runs():
    loop = closed()
    where = min(loop.vehicles.multiples, key=lambda x: abs(x - loop.loop.state.more))
    assert abs(where - loop.loop.state.more) < NEAR and where not in MULTIPLES
    D, K = len(loop.vehicles.deals), len(loop.vehicles.tranches)
    none = np.zeros(D), np.zeros(K)
    found = loop.vehicles.at(np.zeros(D), *none) - loop.vehicles.at(np.full(D, where), *none)
    by_run = [each.tranche["credit"][-1, -1] for each in market_stress(scale=where).losses.values()]
    assert found == pytest.approx(np.concatenate(by_run), rel=1e-9, abs=1.0)


def test_a_wrong_file_is_refused(tmp_path):
    with pytest.raises(InvalidTerms, match="between low"):
        Assumed(1.0, low=2.0, high=3.0, reason="")
    made, _ = market()
    with pytest.raises(InvalidTerms, match="insurers"):
        check(dataclasses.replace(TERMS, mandates={"insurrers": TERMS.notch}), made.book, made.institutions)
    with pytest.raises(InvalidTerms, match="size of"):
        check(dataclasses.replace(TERMS, ranges={"siz of fleets": TERMS.notch}), made.book, made.institutions)
    with pytest.raises(InvalidTerms, match="funding"):
        closed_loop(economy(), channels=("fundin",))


def test_the_loop_is_told_in_words():
    made, _ = market()
    loop = market_loop(made, TERMS)
    said = " ".join(loop.sentences())
    assert "With feedback" in said and "By channel" in said and "same point" in said
    loses, spreads, beside = headline(loop)
    first, every = loop.loop.first.sum(), loop.loop.least.sum()
    assert f"lose {first / 1e9:,.1f}bn in the first round" in loses
    assert f"spreads by {every / first - 1.0:.2f} times the first round, to {every / 1e9:,.1f}bn" in spreads
    worst = loop.loop.institutions[int(np.argmax(loop.loop.least))]
    assert (
        f"{worst} bear the most, {loop.loop.least.max() / 1e9:,.1f}bn" in spreads and "SF ABS CDOs lost 65 %" in beside
    )


def test_every_assumption_of_book_story_and_institutions_has_a_range_or_none_is_needed():
    made, _ = market()
    ranges = set(TERMS.ranges)
    assert {f"size of {group}" for group in TERMS.groups} <= ranges and {
        f"story on {group}" for group in TERMS.groups
    } <= ranges
    assert {name for deals in TERMS.groups.values() for name in deals} == set(made.book.deals)
    assert {f"depth of {name}" for name in made.institutions.depth} <= ranges
    for one in made.institutions.institutions:
        if one.threshold is not None:
            assert f"capital of {one.name}" in ranges
        if one.redemptions:
            assert f"redemptions of {one.name}" in ranges
    assert all(one.low < one.high and one.reason for one in TERMS.assumptions.values())


# how sure


@functools.cache
def sure(workers=1, draws=20, seed=3):
    made, vehicles = market()
    few = {name: TERMS.ranges[name] for name in ("spreads", "depth of leveraged loans", "size of leases")}
    small = dataclasses.replace(TERMS, ranges=few)
    loop = closed_loop(economy_of(made, vehicles, small), alone=False)
    return sensitivity(MarketLoop(made, small, vehicles, loop), draws, seed=seed, workers=workers, questions=())


def test_draws_are_the_same_by_seed_on_any_number_of_workers():
    a, b = sure(1), sure(2)
    assert np.array_equal(a.drawn, b.drawn) and np.array_equal(a.ends, b.ends) and a.few == b.few
    names = list(TERMS.assumptions)
    long, short = (drawn_values(TERMS.assumptions, names, count, 7) for count in (30, 10))
    assert long[:10] == short
    assert drawn_values(TERMS.assumptions, names, 10, 8) != short
    assert [one["spreads"] for one in drawn_values(TERMS.assumptions, names, 10, 7, only=["spreads"])] == [
        one["spreads"] for one in short
    ]


def test_the_fewest_that_are_enough_are_found_by_halving():
    tried = (1, 2, 3, 4, 6, 8, 12)
    for enough in range(1, 14):
        seen = []
        found, share = fewest(tried, lambda n, enough=enough, seen=seen: seen.append(n) or 0.9 * n / enough)
        want = next((n for n in tried if n >= enough), 0)
        assert found == want and len(seen) <= 3 and share == pytest.approx(0.9 * (want or 12) / enough)
    assert fewest((), lambda n: 1.0) == (0, 0.0)


def test_triangular_draws_have_the_moments_of_the_textbook():
    one = Assumed(1.0, low=0.5, high=3.0, reason="")
    u = (np.arange(200_000) + 0.5) / 200_000
    x = triangular(u, one)
    a, c, b = one.low, one.value, one.high
    assert x.mean() == pytest.approx((a + b + c) / 3.0, rel=1e-6)
    assert x.var() == pytest.approx((a * a + b * b + c * c - a * b - a * c - b * c) / 18.0, rel=1e-5)
    assert x.min() >= a and x.max() <= b


def test_the_tornado_is_sorted_and_what_is_taken_is_the_loop():
    found = sure(1)
    table = found.tornado()
    assert table["swing"].is_monotonic_decreasing and set(table["assumption"]) == set(found.names)
    whole = closed_loop(economy(), alone=False).least.sum()
    assert found.taken[0] == pytest.approx(whole, rel=3e-3)  # one step a round, or all at once: the same place
    said = " ".join(found.sentences())
    assert "nine tenths of the width" in said and "no probability of a crisis" in said
    band = found.band().set_index("measure").loc["all losses"]
    assert band["quantile_5"] <= band["quantile_50"] <= band["quantile_95"]
    assert found.ranking()["first"].sum() == pytest.approx(1.0)


def test_two_effects_on_a_driver_add_multiply_or_take_the_earlier_date_and_none_is_dropped():
    """A multiple and an addition were one of the two, and two dates a fault of another field."""
    assert both(Effect("value", times=0.8), Effect("value", times=0.5, after=2.0)).times == pytest.approx(0.4)
    assert both(Effect("default", plus=0.02), Effect("default", plus=0.01)).plus == pytest.approx(0.03)
    assert both(Effect("sale", after=4.0), Effect("sale", after=2.0)) == Effect("sale", after=2.0)
    with pytest.raises(InvalidTerms, match="effects on default: one stress multiplies it and one adds to it"):
        both(Effect("default", times=2.0), Effect("default", plus=0.01))


def test_what_notes_pay_a_year_is_their_coupon_by_its_own_day_count_on_what_is_outstanding():
    """By hand: one coupon; five of 5.9 % and 5 %; and A-1 of vantage-jersey, which is not drawn, weighs nothing."""
    paid = dict(zip(market()[1].deals, market()[1].old_yield.tolist(), strict=True))
    assert paid["beignet-2025"] == pytest.approx(0.06581, rel=1e-12)
    assert paid["stack-master-trust"] == pytest.approx((1_030 * 0.059 + 1_040 * 0.05) / 2_070, rel=1e-12)
    assert paid["vantage-jersey"] == pytest.approx((800 * 0.06172 + 54 * 0.06338) / 854, rel=1e-12)


def test_durations_are_of_the_value_that_falls_also_of_a_loan_that_is_yet_to_be_drawn():
    """By differences of the values at half, once and twice the story's spread; of CoreWeave it was that of all commitments."""
    vehicles = market()[1]
    for name in ("coreweave-ddtl-4: floating", "vantage-jersey: A-2"):
        k = vehicles.tranches.index(name)
        _, half, once, twice, _ = vehicles.value[k, vehicles.multiples.index(1.0), 0]
        slope = (-4.0 * half + 3.0 * once + twice) / 3.0 / (1e-4 * vehicles.widening[k])
        assert vehicles.duration[k] == pytest.approx(-slope / once, rel=1e-3), name
