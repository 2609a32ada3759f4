"""The asset side against plain Python in the same run: pools by group, correlated defaults, Sobol points, tapes."""

import datetime as dt
import random
import time

import numpy as np
import pandas as pd
import pytest
from plain_assets import default_loop, default_matrices, keyed, loan_loop

from structuring.collateral.loan_tape import Tape
from structuring.collateral.loans import LoanPool
from structuring.scenarios.scenario import Drivers, Paths
from structuring.simulation.copula import OWN, Copula
from structuring.simulation.credit_losses import Obligor
from structuring.simulation.default_times import SimulatedLosses, default_years
from structuring.simulation.random_numbers import Draws
from waterfalls.clock.schedule import schedule

NOISE = 0.6  # of the goal is asserted: the machines are shared
MONTHS = 360
DATES = schedule(
    closing=dt.date(2026, 1, 1), first_payment=dt.date(2026, 2, 1), maturity=dt.date(2056, 1, 1), frequency="monthly",
    calendar="none",
)  # fmt: skip


def tape(loans, seed=1):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "loan": np.arange(loans),
            "balance": np.round(draw.uniform(5e4, 9e5, loans), 2),
            "rate": np.round(draw.uniform(0.02, 0.09, loans), 5),
            "remaining_term": draw.integers(MONTHS - 60, MONTHS + 1, loans),
            "age": draw.integers(0, 120, loans),
        }
    )


def took(function, *args):
    began = time.process_time()
    made = function(*args)
    return made, time.process_time() - began


@pytest.mark.benchmark(timer=time.process_time)
def test_a_pool_by_group_is_a_hundred_thousand_times_a_loop_over_its_loans(benchmark):
    loans, scenarios = tape(10_000), 1_024
    pool = LoanPool.from_tape(loans, ignore=["loan"])
    draw = np.random.default_rng(3)
    prepaid, defaulted = draw.uniform(0.0, 0.02, (scenarios, MONTHS)), draw.uniform(0.0, 0.004, (scenarios, MONTHS))
    drivers = Drivers.of(Paths(prepayment=prepaid, default=defaulted, severity=np.full(scenarios, 0.35)))
    made = benchmark(pool.deliver, DATES, drivers)
    few = loans.head(1_000)  # a tenth of the loans, for a loop takes as long for each
    columns = [few[name].tolist() for name in ("balance", "rate", "remaining_term")]
    looped, seconds = took(loan_loop, *columns, prepaid[7].tolist(), defaulted[7].tolist(), 0.35, MONTHS)
    small = LoanPool.from_tape(few, ignore=["loan"]).deliver(DATES, drivers)
    for name, expected in zip(
        ("interest", "principal", "prepayments", "recoveries", "pool_balance"), looped, strict=True
    ):
        assert np.abs(small[name][7] - expected).max() < 1e-12 * few["balance"].sum(), name
    ratio = 10.0 * seconds / (benchmark.stats["median"] / scenarios)
    benchmark.extra_info |= {"plain_seconds": 10.0 * seconds, "ratio": ratio}
    assert made["principal"].shape == (scenarios, MONTHS)
    assert ratio >= NOISE * 100_000


@pytest.mark.benchmark(timer=time.process_time)
def test_defaults_of_500_obligors(benchmark):
    paths, rho, horizon = 4_096, 0.3, 5.0
    hazards = np.linspace(0.005, 0.04, 500).tolist()
    obligors = [Obligor(f"{k}", 1.0, hazard=hazard) for k, hazard in enumerate(hazards)]
    draws = Draws(1, 0, paths)

    def ours():
        return default_years(draws, obligors, Copula(rho).factors(draws), horizon=horizon)

    ours()
    years = benchmark(ours)
    given = Copula(rho).factors(draws).factor()[:60].tolist()
    looped, plain = took(default_loop, hazards, rho, horizon, given, lambda path: keyed(1, path, OWN, 500))
    np.testing.assert_allclose(years[:60], looped, rtol=1e-7)  # the same draws, hence the same defaults
    source = random.Random(1)
    _, unkeyed = took(default_loop, hazards, rho, horizon, given, lambda path: (source.random() for _ in hazards))
    default_matrices(hazards, rho, horizon, 10, 1)
    matrices, scipy = took(default_matrices, hazards, rho, horizon, paths, 1)
    assert abs(np.isfinite(years).mean() - np.isfinite(matrices).mean()) < 0.02
    each = benchmark.stats["median"] / (paths * 500)
    ratios = {"plain": plain / (60 * 500) / each, "scipy": scipy / (paths * 500) / each}
    benchmark.extra_info |= {"nanoseconds": 1e9 * each, **ratios, "plain_unkeyed": unkeyed / (60 * 500) / each}
    assert ratios["plain"] >= NOISE * 200.0 and ratios["scipy"] >= NOISE * 20.0


@pytest.mark.benchmark(timer=time.process_time)
def test_sobol_points_leave_a_tenth_of_the_variance_at_equal_size(benchmark):
    obligors = [Obligor(f"{k}", 1.0, hazard=0.03) for k in range(500)]

    def estimate(seed, points):
        draws = Draws(seed, 0, 1_024)
        years = default_years(draws, obligors, Copula(0.3).factors(draws, sobol=points), horizon=5.0)
        return SimulatedLosses.of(years, obligors, horizon=5.0).tranche(0.03, 0.10)[0]

    benchmark(estimate, 0, True)
    apart, even = ([estimate(seed, points) for seed in range(32)] for points in (False, True))
    ratio = np.var(apart) / np.var(even)
    benchmark.extra_info |= {"ratio": ratio}
    assert ratio >= 10.0  # no matter of speed, hence no noise of machines


@pytest.mark.benchmark(timer=time.process_time, max_time=4.0, min_rounds=3)
def test_a_tape_of_a_million_rows_is_checked_and_grouped_within_ten_times_its_reading(benchmark, tmp_path):
    path = tmp_path / "tape.csv"
    tape(1_000_000).to_csv(path, index=False)
    pd.read_csv(path)
    _, reading = took(pd.read_csv, path)
    made = benchmark(Tape.read, path)
    curves = LoanPool(made)
    first, delivered = took(curves.deliver, DATES, Drivers.of(Paths(severity=[0.4])))
    multiple = benchmark.stats["median"] / reading
    benchmark.extra_info |= {"read_seconds": reading, "multiple": multiple, "first_deliver_seconds": delivered}
    assert first["pool_balance"][0, 0] > 0.0 and len(made) > 900_000
    assert multiple <= 10.0 / NOISE
