"""Contagion over 1,000 scenarios, 50 institutions, 20 assets and 20 rounds, against the same loop in plain Python."""

import time

import numpy as np
import pytest
from plain_contagion import plain_thresholds

from pricing.contagion.fire_sales import System, thresholds

S, N, K, ROUNDS = 1_000, 50, 20, 20
LOOPED = 4  # scenarios of the plain loop; it takes as long for each
GOAL = 200.0


def case():
    draw = np.random.default_rng(7)
    values = draw.uniform(0.5, 5.0, (N, K))
    assets = values.sum(axis=1)
    capital = assets * draw.uniform(0.05, 0.08, N)
    funds = np.arange(N) % 5 == 0
    capital[funds] = assets[funds]
    return System(
        values=values,
        sellable=np.ones(K, dtype=bool),
        impact=np.diag(np.full(K, 1.0 / 4e3)),
        capital=capital,
        assets=assets,
        weights=np.ones((N, K)),
        rest=np.zeros(N),
        minimum=np.where(funds, 0.0, 0.045),
        target=np.where(funds, 0.0, 0.05),
        flow=np.where(funds, 0.5, 0.0),
        marked=draw.uniform(0.3, 1.0, N),
        start=np.ones((S, K)),
        direct=assets * draw.uniform(0.01, 0.05, (S, N)),
        hidden=np.zeros((S, N)),
    )


@pytest.mark.benchmark(timer=time.process_time)
def test_contagion_is_fast(benchmark):
    system = case()
    made = benchmark(thresholds, system, ROUNDS)
    assert (made.sold[-1] > 0.0).any()  # the last round still sells: none was skipped
    fixed = [system.values, 1.0 / np.diag(system.impact), system.capital, system.minimum, system.target, system.flow]
    plain = [array.tolist() for array in (*fixed, system.marked)]
    direct = system.direct[:LOOPED].tolist()
    began = time.process_time()
    looped = [plain_thresholds(*plain, lost, ROUNDS) for lost in direct]
    took = (time.process_time() - began) / LOOPED * S
    for s, (losses, owns, caused, prices) in enumerate(looped):
        np.testing.assert_allclose(made.prices[-1, s], prices, rtol=1e-10)
        np.testing.assert_allclose(made.recorded[:, s], losses, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(made.forced[:, s], owns, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(made.caused[s], caused, rtol=1e-8, atol=1e-10)
    ratio = took / benchmark.stats["median"]
    benchmark.extra_info |= {"plain_seconds": took, "ratio": ratio}
    assert ratio >= 0.6 * GOAL
