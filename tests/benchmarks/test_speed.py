"""What many generated paths, a warm deal and a repricing cost, beside the way they took before. The README explains."""

import statistics
import time

import pytest
from standard import RATES, pool, standard, streamed

from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.reprice import Bump, reprice
from structuring import Scenario, load_deal, run, study, summary
from structuring.deals.deal_files import find_deal
from waterfalls.distribute import distribute, fixings, settle, warm
from waterfalls.engines import native

GAIN = 0.6  # of what a goal gains over the way before: the machines are noisy
SHIPPED = (
    "beignet-2025", "coreweave-ddtl-4", "iren-hardware-3", "mezz-abs-cdo-2006", "stack-master-trust", "tpu-lease-2026",
    "vantage-jersey",
)  # fmt: skip
EVERY = dict.fromkeys(("SOFR", "SONIA", "EURIBOR", "LIBOR"), 0.04)
PATHS = 12_800


def compared(benchmark, slow, quick, *, before, goal, rounds=7, unit=1e6):
    """Asserts by how much `quick` is quicker than `slow`, a round of each in turn, in this thread's CPU seconds."""
    spent = [], []

    def round_():
        for run_, seconds in zip((slow, quick), spent, strict=True):
            start = time.thread_time()
            run_()
            seconds.append(time.thread_time() - start)

    quick()
    benchmark.pedantic(round_, rounds=rounds)
    one, other = (statistics.median(seconds) for seconds in spent)
    ratio, floor = one / other, before + GAIN * (goal - before)
    benchmark.extra_info |= {"ratio": round(ratio, 1), "before": before, "goal": goal, "seconds": [one, other]}
    print(
        f"\n{ratio:,.1f}x (before {before:,.1f}x, goal {goal:,.1f}x, at least {floor:,.1f}x): {one:.4g} and {other:.4g} s"
    )
    assert ratio >= floor


def summarised(plan, receipts, engine):
    return settle(
        plan, receipts, fixings(plan, RATES, len(receipts.scenarios)), engine=engine, keep=(), sums=True
    ).totals()


@pytest.mark.skipif(not native.possible(), reason="native code is made on Linux on x86-64 only")
def test_native_code_against_the_kernel(benchmark):
    """The same program: 38 us a scenario in the kernel."""
    plan = standard()
    receipts = pool(plan, 1024)
    warm()
    compared(
        benchmark,
        lambda: summarised(plan, receipts, "fast"),
        lambda: summarised(plan, receipts, "native"),
        before=1.0,
        goal=2.5,
    )


@pytest.mark.skipif(not native.possible(), reason="native code is made on Linux on x86-64 only")
def test_generated_paths_with_their_pool(benchmark):
    """Against the reference's seconds for as many scenarios of given receipts: 75 us a path were 650 times as quick."""
    plan = standard()
    two = pool(plan, 2)
    deal, paths = streamed(PATHS)
    warm()
    compared(
        benchmark,
        lambda: [distribute(plan, two, rates=RATES, engine="reference") for _ in range(2)],
        lambda: study(deal, paths, measure=summary(), rates=RATES, engine="native"),
        before=650 * 4 / PATHS,
        goal=1600 * 4 / PATHS,
        rounds=5,
    )
    ratio = benchmark.extra_info["ratio"]
    one, other = benchmark.extra_info["seconds"]
    benchmark.extra_info |= {"ratio": round(ratio), "us a path": round(1e6 * other / PATHS, 1)}
    print(f"{one / 4 * PATHS / other:,.0f}x the reference, {1e6 * other / PATHS:.1f} us a path")


def test_warm_deals_of_four_scenarios(benchmark):
    """Seven shipped deals, again and again in one process: by the reference 115 ms a deal."""
    deals, scenarios = [load_deal(name) for name in SHIPPED], [Scenario(f"s{i}") for i in range(4)]
    warm()

    def all_of_them(engine):
        for deal in deals:
            run(deal, scenarios, rates=EVERY, engine=engine)

    compared(
        benchmark, lambda: all_of_them("reference"), lambda: all_of_them("auto"), before=1.0, goal=115 / 8, rounds=3
    )


def test_repricing_against_running_anew(benchmark):
    """A deal without floating coupons under twenty moves of rates: its collateral and its waterfall run once."""
    folder = find_deal("stack-master-trust").parent
    deal, market = load_deal("stack-master-trust"), load_market(folder / "market.yaml")
    base, bumps = Scenario("base"), [Bump.rates(bp=float(bp)) for bp in range(1, 6)]
    warm()

    def by_hand():
        price(run(deal, base, rates=market.rates(deal)), market)
        for bump in bumps:
            moved = bump.market(market)
            price(run(deal, base, rates=moved.rates(deal)), moved)

    compared(benchmark, by_hand, lambda: reprice(deal, base, market, bumps), before=1.0, goal=2.0, rounds=3)
