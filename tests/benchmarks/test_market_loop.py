"""The closed loop of the whole market: at most 10 seconds, and a thousand draws of all assumptions at most three minutes."""

import time

import pytest

from pricing.contagion.closed_loop.assumptions import load_loop
from pricing.contagion.closed_loop.market_loop import market_loop
from pricing.contagion.closed_loop.sensitivity import sensitivity
from pricing.contagion.market_stress import market_stress
from structuring.deals.deal_files import LIBRARY

LOOP, DRAWS = 10.0, 180.0  # seconds of one core


@pytest.mark.benchmark(timer=time.process_time)
def test_the_loop_is_closed_in_seconds_and_drawn_in_minutes(benchmark):
    terms = load_loop(LIBRARY / "ai-debt-market" / "loop.yaml")
    made = benchmark.pedantic(lambda: market_loop(market_stress(), terms), rounds=1, warmup_rounds=1)
    assert made.loop.settled and benchmark.stats["median"] <= LOOP
    began = time.process_time()
    sensitivity(made, 50, questions=())
    took = time.process_time() - began
    looks = 2 * len(terms.assumptions) + 50 + 3 * 50
    whole = took / looks * (2 * len(terms.assumptions) + 1_000 + 3 * 100)
    benchmark.extra_info |= {"seconds_of_a_thousand_draws": whole}
    assert whole <= DRAWS
