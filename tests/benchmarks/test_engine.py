"""What the fast engine costs beside the reference, in memory and by size. The README here explains the figures."""

import datetime as dt
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from standard import RATES, TERMS, pool, standard

from structuring import Deal, study, summary
from waterfalls import Equity, Fixed, Note, interest, pay, principal, residual
from waterfalls.distribute import distribute, fixings, settle, warm
from waterfalls.engines import fast
from waterfalls.plan import inputs_of

FEW = 2  # scenarios of the reference in one round: its cost is the same for each
FLOOR = 0.6  # of each goal: the machines are noisy
GOALS = {
    "summary, 1,000 scenarios, one core": 450,
    "summary, 10,000 scenarios, one core": 450,
    "summary, 10,000 scenarios, two threads": 900,
    "every flow, 1,000 scenarios, one core": 400,
    "one scenario": 40,
}


@pytest.fixture(scope="module")
def plan():
    warm()
    return standard()


@pytest.fixture(scope="module")
def plain(plan):
    """One round of the reference: its seconds a scenario, laws proved."""
    receipts = pool(plan, FEW)

    def round_(clock):
        start = clock()
        distribute(plan, receipts, rates=RATES, engine="reference")
        return (clock() - start) / FEW

    return round_


def summarised(plan, receipts):
    return settle(
        plan, receipts, fixings(plan, RATES, len(receipts.scenarios)), engine="fast", keep=(), sums=True
    ).totals()


def cases(plan):
    """What runs by name: a function, its scenarios, and the clock: CPU seconds of this thread, or those of the wall."""
    small, large, one = pool(plan, 1000), pool(plan, 10_000), pool(plan, 1)
    terms = {**TERMS, "collateral": large}
    deal = Deal(
        "standard", closing=dt.date(2025, 12, 15), first_payment=dt.date(2026, 1, 15), maturity=dt.date(2055, 12, 15),
        frequency="monthly", calendar="none", **terms,
    )  # fmt: skip
    return {
        "summary, 1,000 scenarios, one core": (lambda: summarised(plan, small), 1000, time.thread_time),
        "summary, 10,000 scenarios, one core": (
            lambda: study(deal, (), measure=summary(), rates=RATES), 10_000, time.thread_time,
        ),
        "summary, 10,000 scenarios, two threads": (
            lambda: study(deal, (), measure=summary(), rates=RATES, workers=2), 10_000, time.perf_counter,
        ),
        "every flow, 1,000 scenarios, one core": (
            lambda: distribute(plan, small, rates=RATES, engine="fast"), 1000, time.thread_time,
        ),
        "one scenario": (lambda: distribute(plan, one, rates=RATES, engine="fast"), 1, time.thread_time),
    }  # fmt: skip


@pytest.mark.parametrize("name", GOALS)
def test_ratio_to_the_reference(benchmark, plan, plain, name):
    run, scenarios, clock = cases(plan)[name]
    run()
    slow, quick = [], []

    def round_():
        slow.append(plain(clock))
        start = clock()
        run()
        quick.append((clock() - start) / scenarios)

    benchmark.pedantic(round_, rounds=7)
    ratio = statistics.median(slow) / statistics.median(quick)
    benchmark.extra_info |= {
        "ratio": round(ratio),
        "goal": GOALS[name],
        "reference, ms a scenario": round(1e3 * statistics.median(slow), 2),
        "fast, us a scenario": round(1e6 * statistics.median(quick), 1),
    }
    print(f"\n{name}: {ratio:,.0f}x (goal {GOALS[name]}x), {1e6 * statistics.median(quick):,.1f} us a scenario")
    assert ratio >= FLOOR * GOALS[name]


def test_a_new_deal_is_compiled_in_milliseconds(benchmark, plan):
    receipts = pool(plan, 128)

    def first():
        return summarised(new, receipts)

    took = []

    def round_():
        nonlocal new
        new = standard()  # no program is remembered of it
        start = time.thread_time()
        inputs = inputs_of(new, receipts, fixings(new, RATES, 128))
        fast.program(new, inputs, 128, (), True)
        took.append(time.thread_time() - start)

    new = plan
    benchmark.pedantic(round_, rounds=7)
    benchmark.extra_info["ms"] = round(1e3 * statistics.median(took), 2)
    print(f"\nto a program: {1e3 * statistics.median(took):.1f} ms")
    assert first()["interest"].shape == (128, 6)
    assert statistics.median(took) <= 0.010 / FLOOR


def test_one_kernel_serves_every_deal(benchmark, plan):
    from waterfalls.engines import kernel

    def several():
        for other in (plan, standard(periods=24), ladder(2)):
            for scenarios in (1, 40, 200):
                settle(
                    other, pool(other, scenarios), fixings(other, RATES, scenarios), engine="fast", keep=(), sums=True
                )

    benchmark.pedantic(several, rounds=1)
    assert len(kernel.execute.signatures) == 1 and len(kernel.narrow.signatures) == 1


# Linear in scenarios, periods and clauses


def ladder(notes, periods=120):
    """A deal of so many notes, each with two clauses."""
    names = [f"N{i}" for i in range(notes)]
    steps = [clause for name in names for clause in (pay(interest(name)), pay(principal(name)).capped(10.0))]
    waterfall = steps[0]
    for step in steps[1:]:
        waterfall = waterfall >> step
    tranches = (*(Note(name, 900.0 / notes, coupon=Fixed(0.05)) for name in names), Equity("E", 100.0))
    return standard(
        periods, tranches=tranches, fees=(), accounts=(), triggers=(), waterfall=waterfall >> pay(residual("E"))
    )


@pytest.mark.parametrize("along", ["scenarios", "periods", "clauses"])
def test_cost_is_linear(benchmark, along):
    warm()
    sizes = {"scenarios": (1024, 2048, 4096), "periods": (90, 180, 360), "clauses": (8, 16, 32)}[along]
    runs = []
    for size in sizes:
        made = ladder(size) if along == "clauses" else standard(size if along == "periods" else 120)
        receipts = pool(made, size if along == "scenarios" else 1024)
        runs.append((made, receipts))
        summarised(made, receipts)
    took = [[] for _ in runs]

    def round_():
        for seconds, (made, receipts) in zip(took, runs, strict=True):
            start = time.thread_time()
            summarised(made, receipts)
            seconds.append(time.thread_time() - start)

    benchmark.pedantic(round_, rounds=7)
    medians = [min(seconds) for seconds in took]
    benchmark.extra_info |= {str(size): round(1e3 * m, 2) for size, m in zip(sizes, medians, strict=True)}
    longest = max(medians)
    print()
    for size, m in zip(sizes, medians, strict=True):
        print(f"{size:>6} {along:<10}{1e3 * m:8.1f} ms  {'#' * round(40 * m / longest)}")
    growth = np.array(medians[1:]) / np.array(medians[:-1])
    assert (growth < 2.0 / FLOOR).all(), growth


# Memory

MEMORY = """
import json, sys
sys.path.insert(0, {here!r})
from standard import RATES, streamed
from structuring import study, summary
deal, paths = streamed({paths})
found = study(deal, paths, measure=summary(), rates=RATES, workers=2)
assert found.totals["interest"].shape == ({paths}, 6)
with open("/proc/self/status") as status:  # not ru_maxrss, which counts what the parent held when it forked
    print(json.dumps(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read where Linux tells it")
def test_a_hundred_thousand_paths_fit_in_300_mib(benchmark):
    code = MEMORY.format(here=str(Path(__file__).parents[1]), paths=100_000)

    def run():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=900)

    mib = json.loads(benchmark.pedantic(run, rounds=1).stdout)
    benchmark.extra_info["MiB"] = round(mib)
    print(f"\n100,000 generated paths: {mib:.0f} MiB at most")
    assert mib < 300
