"""Studies: the same numbers however they are cut and whoever runs them; what is lost, stopped or too large is said."""

import datetime as dt
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from structuring import Deal, LoanPool, Paths, Scenario, run, study, summary
from structuring.chunks import Unfinished, cut, ranges
from waterfalls import Equity, Fixed, Floating, Note, Receipts, interest, pay, principal, residual
from waterfalls.errors import InvalidTerms, TooLarge

SPAWN = multiprocessing.get_context("spawn")
RATES = {"SOFR": 0.03}


def drawn(draws):
    return {"prepayment": 0.02 * draws.uniform(1), "default": 0.03 * draws.uniform(1, stream=1)}


PATHS = Paths(300, seed=11, draw=drawn)


def deal(collateral=None):
    return Deal(
        "two notes",
        closing=dt.date(2026, 1, 1),
        first_payment=dt.date(2026, 2, 1),
        maturity=dt.date(2028, 1, 1),
        frequency="monthly",
        calendar="none",
        collateral=collateral or LoanPool.level_pay(balance=1000.0, rate=0.07, remaining_term=24),
        tranches=(
            Note("A", 800.0, coupon=Fixed(0.05)),
            Note("B", 150.0, coupon=Floating("SOFR", 0.04)),
            Equity("E", 50.0),
        ),
        waterfall=pay(interest("A"))
        >> pay(interest("B"))
        >> pay(principal("A", "B"), sharing="sequential")
        >> pay(residual("E")),
    )


def equal(one, other):
    assert one.totals.keys() == other.totals.keys()
    for name, array in one.totals.items():
        assert array.tobytes() == other.totals[name].tobytes(), name


@pytest.fixture(scope="module")
def whole():
    return study(deal(), PATHS, measure=summary(), rates=RATES)


@pytest.mark.parametrize(("chunk", "workers"), [(1, 2), (7, 1), (127, 2), (128, 3), (129, 1), (1000, 2)])
def test_any_chunks_and_threads_give_the_same_bits(whole, chunk, workers):
    equal(whole, study(deal(), PATHS, measure=summary(), rates=RATES, chunk=chunk, workers=workers))


def test_processes_give_the_same_bits(whole):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        equal(whole, study(deal(), PATHS, measure=summary(), rates=RATES, chunk=100, executor=pool))


def test_the_engines_sum_in_the_same_order(whole):
    equal(whole, study(deal(), PATHS, measure=summary(), rates=RATES, engine="reference", chunk=77))


def test_totals_are_those_of_the_flows(whole):
    flows = run(deal(), PATHS, rates=RATES)
    for i, name in enumerate(flows.tranches):
        np.testing.assert_allclose(whole.totals["interest"][:, i], flows.interest[name].sum(axis=1), rtol=1e-13)
        np.testing.assert_allclose(whole.totals["principal"][:, i], flows.principal[name].sum(axis=1), rtol=1e-13)
    np.testing.assert_array_equal(whole.totals["unpaid"][:, 0], flows.balance["A"][:, -1])
    assert (whole.totals["loss"][:, 2] == 0.0).all()  # nothing writes the equity down
    assert whole.totals["loss"][:, 1].max() > 0.0


def test_cash_given_from_outside_is_cut_too():
    dates = run(deal(), Scenario("base"), rates=RATES).receipts.dates
    paid = np.random.default_rng(5).uniform(0.0, 80.0, (300, len(dates)))
    given = deal(Receipts(dates, interest=paid, scenarios=range(300)))
    every = np.random.default_rng(6).uniform(0.0, 0.05, (300, len(dates)))
    parts = [
        study(given, PATHS, measure=summary(), rates={"SOFR": every}, chunk=chunk, workers=2) for chunk in (300, 41)
    ]
    equal(*parts)
    assert len(parts[0].totals["interest"]) == 300


# The user's own measure


class Arrears:
    """The highest arrears of B; of late chunks also the principal of A, which earlier ones never asked for."""

    def of(self, block):
        late = block.scenarios[0] >= 200
        return block.arrears["B"].max(axis=1), block.principal["A"].sum() if late else block.outputs.blocks.shape[2]

    def join(self, parts):
        return np.concatenate([part[0] for part in parts]), [part[1] for part in parts]


def test_what_a_measure_does_not_read_is_not_kept_and_what_it_does_is_right():
    flows = run(deal(), PATHS, rates=RATES)
    arrears, others = study(deal(), PATHS, measure=Arrears(), rates=RATES, chunk=100)
    np.testing.assert_array_equal(arrears, flows.arrears["B"].max(axis=1))
    assert others[1] == 1 < others[0]
    assert others[2] == flows.principal["A"][200:].sum()


# Stopped, lost, too large


def test_progress_counts_scenarios():
    told = []
    study(deal(), PATHS, measure=summary(), rates=RATES, chunk=128, progress=lambda *done: told.append(done))
    assert told == [(128, 300), (256, 300), (300, 300)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [ValueError("enough"), KeyboardInterrupt()])
def test_a_study_that_is_stopped_keeps_what_it_finished(whole, error, workers):
    def stop(done, total):
        if done >= 100:
            raise error

    with pytest.raises(Unfinished, match=r"stopped by .*scenarios .* to 299 are missing; .result holds the ") as caught:
        study(deal(), PATHS, measure=summary(), rates=RATES, chunk=50, workers=workers, progress=stop)
    unfinished = caught.value
    assert unfinished.__cause__ is error
    kept = np.concatenate([np.arange(*part) for part in unfinished.finished])
    assert 100 <= len(kept) < 300
    assert sorted([*kept, *(s for part in unfinished.missing for s in range(*part))]) == list(range(300))
    for name, array in unfinished.result.totals.items():
        assert array.tobytes() == whole.totals[name][kept].tobytes()


class Deadly:
    """A summary whose worker dies over the chunk of one scenario: every time, or where `once` is a file only then."""

    sums = True

    def __init__(self, scenario, once=None):
        self.scenario, self.once = scenario, once

    def of(self, block):
        if self.scenario in block.scenarios and (self.once is None or Path(self.once).exists()):
            if self.once is not None:
                Path(self.once).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return summary().of(block)

    def join(self, parts):
        return summary().join(parts)


def test_a_worker_that_is_killed_once_loses_nothing(whole, tmp_path):
    once = tmp_path / "once"
    once.touch()
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        equal(whole, study(deal(), PATHS, measure=Deadly(120, str(once)), rates=RATES, chunk=50, executor=pool))
    assert not once.exists()


def test_a_worker_that_is_killed_twice_loses_only_its_chunk(whole):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool, pytest.raises(Unfinished, match="100 to 149") as caught:
        study(deal(), PATHS, measure=Deadly(120), rates=RATES, chunk=50, executor=pool)
    assert caught.value.missing == ((100, 150),) and caught.value.finished == ((0, 100), (150, 300))
    kept = np.r_[0:100, 150:300]
    assert caught.value.result.totals["wal"].tobytes() == whole.totals["wal"][kept].tobytes()


class Wrong:
    def of(self, block):
        raise ZeroDivisionError("mine")

    def join(self, parts):
        return parts


@pytest.mark.parametrize("pooled", [False, True])
def test_an_error_of_the_measure_is_its_own(pooled):
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError, match="mine"):
        study(deal(), PATHS, measure=Wrong(), rates=RATES, chunk=100, executor=pool if pooled else None)


def test_what_cannot_fit_is_refused_before_any_memory_is_touched():
    endless = Paths(10**10, seed=1, draw=drawn)
    with pytest.raises(TooLarge, match=r"10,000,000,000 scenarios needs about .* GB"):
        study(deal(), endless, measure=summary(), rates=RATES)
    with pytest.raises(TooLarge, match="a chunk of 300,000,000 scenarios .* smaller chunk"):
        study(deal(), endless, measure=Arrears(), rates=RATES, chunk=300_000_000)
    with pytest.raises(InvalidTerms, match="at least 1"):
        study(deal(), PATHS, measure=summary(), chunk=0)


def test_ranges_join_what_touches():
    assert ranges([(5, 9), (0, 5), (12, 20)]) == ((0, 9), (12, 20)) and ranges([]) == ()
    assert cut(10, 4) == [(0, 4), (4, 8), (8, 10)]
