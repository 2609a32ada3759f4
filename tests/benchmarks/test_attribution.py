"""Losses of 10,000 scenarios x 20 shocks x 10 tranches by 20 classes, as one product."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from pricing.bearers.who_bears import Losses

S, K, N, C = 10_000, 20, 10, 20
GOAL = 0.1  # seconds


@pytest.mark.benchmark(timer=time.process_time)
def test_attribution_is_a_product(benchmark):
    draw = np.random.default_rng(3)
    shares = draw.dirichlet(np.ones(C), N)
    lost = draw.normal(size=(S, K, N))
    losses = Losses(
        prices=SimpleNamespace(), reference=("base", "unchanged"), classes=tuple(f"class {c}" for c in range(C)),
        shares=shares, held=shares, tranche={"total": lost}, memo={},
    )  # fmt: skip
    found = benchmark(losses.by_class, "total")
    np.testing.assert_allclose(found.sum(axis=2), lost.sum(axis=2), atol=1e-9)
    np.testing.assert_allclose(found[:3], losses["total"][:3].sum(axis=2), atol=1e-12)
    assert benchmark.stats["median"] <= GOAL / 0.6
