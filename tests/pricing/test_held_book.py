"""A book held ready: the same numbers as deals run and priced by hand, and nothing done that a move does not reach."""

import datetime as dt

import numpy as np
import pytest

from pricing.bearers.who_bears import who_bears
from pricing.market.curves import flat
from pricing.market.market import Market
from pricing.market.market_files import load_market
from pricing.paths_and_books import held_book
from pricing.paths_and_books.held_book import hold
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring import Scenario, load_deal, run
from structuring.runs.book import Book, Position
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName

NAMES = ("beignet-2025", "coreweave-ddtl-4", "tpu-lease-2026")
FLOATING = ("coreweave-ddtl-4", "tpu-lease-2026")
MARKETS = {name: load_market(name) for name in NAMES}
SHOCKS = [SpreadShock.parallel(bp=100), SpreadShock.relative(0.5), SpreadShock.twist(bp={1: 50.0, 10: 150.0})]
SCENARIOS = (Scenario("base"), Scenario("older machines", gpu_price=0.6))
BOOK = Book("desk", as_of=dt.date(2026, 6, 30), positions=[Position(name, weight=0.5) for name in NAMES])


@pytest.fixture(scope="module")
def held():
    return hold(BOOK, SCENARIOS, MARKETS, SHOCKS)


def by_hand(name, market, opened=None):
    """The deal run anew as the book sees it, and priced at the spreads of its opening."""
    view = BOOK.views()[name]
    flows = run(view.deal, view.of(SCENARIOS), rates=market.rates(view.deal))
    return flows, price(flows, market, SHOCKS, before=opened)


def floats(name):
    return any(hasattr(getattr(each, "coupon", None), "index") for each in load_deal(name).tranches)


def test_a_held_book_is_its_deals_run_and_priced(held):
    for name in NAMES:
        _, expected = by_hand(name, MARKETS[name])
        found = held.deals[name].prices
        np.testing.assert_allclose(found.npv[:, [0, 2, 3, 4]], expected.npv, rtol=1e-14)  # BLAS: two columns more
        np.testing.assert_array_equal(found["clean"][:, 1], found["clean"][:, 0])
    assert held.ran == held.priced == NAMES


def test_a_curve_moves_floating_deals_run_again_and_all_are_priced(held):
    """As `price(..., before=)` of flows made anew: spreads stay where quotes do, whatever these are."""
    after = {name: market.shifted(35.0) for name, market in MARKETS.items()}
    later = held.reprice(after)
    assert later.ran == tuple(name for name in NAMES if floats(name)) and later.priced == NAMES
    total = {}
    for name in NAMES:
        _, expected = by_hand(name, after[name], (by_hand(name, MARKETS[name])[0], MARKETS[name]))
        np.testing.assert_allclose(later.deals[name].prices.npv[:, [0, 2, 3, 4]], expected.npv, rtol=1e-12)
        deal = load_deal(name)
        losses = who_bears(expected, deal.holdings)
        for component in ("credit", "rates", "spread", "total"):
            for who in losses.classes:
                part = 0.5 * losses.by_class(component)[:, :, losses.classes.index(who)]
                total[component, who] = total.get((component, who), 0.0) + part
    for (component, who), expected in total.items():
        found = later.by_class(component)[who][:, [0, 2, 3, 4]]
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-4)  # of billions
    assert (held.deals["beignet-2025"].prices.npv > later.deals["beignet-2025"].prices.npv)[0].all()


def test_spreads_move_and_no_waterfall_runs(held, monkeypatch):
    monkeypatch.setattr(held_book, "distribute", lambda *a, **k: pytest.fail("a waterfall ran"))
    monkeypatch.setattr(held_book, "project", lambda *a, **k: pytest.fail("collateral was projected"))
    wider = held.reprice(shocks=[SpreadShock.parallel(bp=250)])
    assert wider.ran == () and wider.priced == NAMES
    for name in NAMES:
        flows = held.deals[name].flows
        expected = price(flows, MARKETS[name], SpreadShock.parallel(bp=250)).npv
        np.testing.assert_allclose(wider.deals[name].prices.npv[:, [0, 2]], expected, rtol=1e-14)
    assert held.reprice(MARKETS).priced == ()  # nothing moved


def test_one_deals_quote_moves_and_the_others_stand_still(held, monkeypatch):
    """The notes at z + 40 bp, solved by nobody else: what "as quoted" lost since the opening is a loss of spread."""
    monkeypatch.setattr(held_book, "distribute", lambda *a, **k: pytest.fail("a waterfall ran"))
    name, market = "beignet-2025", MARKETS["beignet-2025"]
    note = held.deals[name].flows.tranches[0]
    z = held.deals[name].spreads[note] + 0.0040
    moved = Market(market.curve, {**market.quotes, note: z}, currency=market.currency, otherwise=market.otherwise)
    later = held.reprice({name: moved})
    assert later.priced == (name,) and later.ran == ()
    assert all(later.deals[other] is held.deals[other] for other in FLOATING)
    flows, before, after = later.deals[name].flows, held.deals[name].prices, later.deals[name].prices
    np.testing.assert_array_equal(after.npv[:, 0], before.npv[:, 0])
    np.testing.assert_allclose(after.npv[0, 1], price(flows, moved).npv[0, 0], rtol=1e-12)
    losses = later.losses()[name]
    assert not losses["rates"][0].any()
    fallen = before.npv[0, 0] - price(flows, moved).npv[0, 0]
    np.testing.assert_allclose(losses.tranche["spread"][0, 1], fallen, rtol=1e-12, atol=1e-5)
    identity = losses.tranche["credit"] + losses.tranche["rates"] + losses.tranche["spread"]
    np.testing.assert_allclose(identity, losses.tranche["total"], atol=1e-6)


def test_a_fixing_moves_and_the_coupon_that_it_fixes_follows():
    """A hundred basis points on what fixed on 30 June: 1 % x the floating balance x 31 / 360 more falls due in July."""
    curve, on = flat(dt.date(2026, 7, 15), 0.04), dt.date(2026, 6, 30)

    def fixed(rate):
        return Market(curve, currency="USD", otherwise=0.02, projections={"SOFR": curve}, fixings={"SOFR": {on: rate}})

    book = Book("one", as_of=on, positions=[Position(name) for name in ("coreweave-ddtl-4", "beignet-2025")])
    held = hold(book, SCENARIOS, fixed(0.043))
    later = held.reprice(fixed(0.053))
    assert later.ran == ("coreweave-ddtl-4",) and later.priced == ("coreweave-ddtl-4", "beignet-2025")
    was, now = (each.deals["coreweave-ddtl-4"].flows for each in (held, later))
    assert (was.dates[0] - on).days == 31
    more = 0.01 * was.plan.opening["balance", "floating"] * 31 / 360
    np.testing.assert_allclose((now.accrued["floating"] - was.accrued["floating"])[:, 0], more, rtol=1e-9)
    np.testing.assert_array_equal(now.accrued["fixed"][:, 0], was.accrued["fixed"][:, 0])


def test_threads_change_no_bit_and_progress_counts_deals(held):
    after, seen = {name: market.shifted(-20.0) for name, market in MARKETS.items()}, []
    one = held.reprice(after)
    two = held.reprice(after, workers=2, progress=lambda done, total: seen.append((done, total)))
    assert list(two.deals) == list(NAMES) and seen[-1] == (3, 3) and seen == sorted(seen)
    for name in NAMES:
        np.testing.assert_array_equal(one.deals[name].prices.npv, two.deals[name].prices.npv)
    assert one.frame().equals(two.frame())
    back = two.reprice(MARKETS)  # there and back: the opening's values, and nothing lost
    for name in NAMES:
        np.testing.assert_array_equal(back.deals[name].prices.npv, held.deals[name].prices.npv)
    assert not any(lost.any() for lost in back.by_class("rates").values())


def test_a_frame_sums_to_what_all_tranches_lost(held):
    later = held.reprice({name: market.shifted(50.0) for name, market in MARKETS.items()})
    frame = later.frame()
    assert list(frame.columns) == [
        "scenario", "shock", "investor_class", "credit_loss", "rates_loss", "spread_loss", "total_loss",
    ]  # fmt: skip
    one = frame.query("scenario == 'base' and shock == '+100 bp'")["total_loss"].sum()
    held_at, now = (
        sum(0.5 * each.deals[name].prices.npv[0, k].sum() for name in NAMES) for each, k in ((held, 0), (later, 2))
    )
    assert one == pytest.approx(held_at - now, rel=1e-10)


def test_what_cannot_be_held_is_refused(held):
    with pytest.raises(InvalidTerms, match="none is given for 'coreweave-ddtl-4', 'tpu-lease-2026'"):
        hold(BOOK, SCENARIOS, {"beignet-2025": MARKETS["beignet-2025"]})
    with pytest.raises(UnknownName, match=r"Did you mean 'beignet-2025'"):
        held.reprice({"beignet-2026": MARKETS["beignet-2025"]})
    with pytest.raises(InvalidTerms, match="markets: must be a Market"):
        held.reprice(0.04)
    with pytest.raises(UnknownName, match="component of loss"):
        held.by_class("market")
    late = MARKETS["beignet-2025"].settled(MARKETS["beignet-2025"].valuation + dt.timedelta(1))
    with pytest.raises(CannotPrice, match="hold the book anew") as caught:
        held.reprice({"beignet-2025": late})
    assert caught.value.__notes__ == ["deal 'beignet-2025' of the book"]
