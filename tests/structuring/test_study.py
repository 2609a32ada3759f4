"""Studies: the same numbers however they are cut and whoever runs them; what is lost, stopped or too large is said."""

import datetime as dt
import functools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from structuring import Deal, LoanPool, Paths, Scenario, SectorModel, load_deal, run, study, summary
from structuring.runs.chunks import MOST_DEATHS, Unfinished, cut, ranges
from waterfalls import Equity, Fixed, Floating, Note, Receipts, interest, pay, principal, residual
from waterfalls.errors import Fault, InvalidTerms, TooLarge, UnknownName

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


class Wrong:
    def of(self, block):
        raise ZeroDivisionError("mine")

    def join(self, parts):
        return parts


class Deadly:
    """A summary whose worker dies over the chunk of one scenario: as often as a file has bytes, without one every time."""

    sums = True

    def __init__(self, scenario, lives=None):
        self.scenario, self.lives = scenario, lives

    def of(self, block):
        left = None if self.lives is None else Path(self.lives).stat().st_size
        if self.scenario in block.scenarios and left != 0:
            if left is not None:
                os.truncate(self.lives, left - 1)
            os.kill(os.getpid(), signal.SIGKILL)
        return summary().of(block)

    def join(self, parts):
        return summary().join(parts)


def loses_only_its_chunk(whole, executor):
    """Whoever runs it: the chunk of scenario 120 is named, with the reason and its cause, and all else is there."""
    with pytest.raises(
        Unfinished, match=r"workers died twice .* scenarios 100 to 149 are missing; .* the 250"
    ) as caught:
        study(deal(), PATHS, measure=Deadly(120), rates=RATES, chunk=50, executor=executor)
    assert caught.value.missing == ((100, 150),) and caught.value.finished == ((0, 100), (150, 300))
    kept = np.r_[0:100, 150:300]
    for name, array in caught.value.result.totals.items():
        assert array.tobytes() == whole.totals[name][kept].tobytes()
    return caught.value.__cause__


def test_a_worker_that_is_killed_once_loses_nothing(whole, tmp_path):
    lives = tmp_path / "lives"
    lives.write_bytes(b"1")
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        equal(whole, study(deal(), PATHS, measure=Deadly(120, str(lives)), rates=RATES, chunk=50, executor=pool))
    assert not lives.read_bytes() and not multiprocessing.active_children()


def test_a_worker_that_is_killed_twice_loses_only_its_chunk(whole):
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        assert isinstance(loses_only_its_chunk(whole, pool), BrokenExecutor)
    assert not multiprocessing.active_children()  # neither the pool that broke nor those that took its place


class Fake(Executor):
    """An executor that answers in the caller's thread as `answer` says; without one it runs what it is given."""

    _max_workers = 2

    def __init__(self, answer=None):
        self.answer, self.calls = answer, []

    def submit(self, function, *arguments):
        self.calls.append((function, arguments))
        future = Future()
        try:
            if self.answer is not None:
                function, arguments = self.answer(function, arguments)
            future.set_result(function(*arguments))
        except (BrokenExecutor, CancelledError) as error:
            future.set_exception(error)
        return future


def test_an_executor_whose_workers_all_die_is_given_up():
    def die(function, arguments):
        raise CancelledError("its cluster was lost")

    pool = Fake(die)
    with pytest.raises(
        Unfinished, match=r"given up: workers died over 32 chunks.*scenarios 0 to 299 are mis"
    ) as caught:
        study(deal(), PATHS, measure=summary(), rates=RATES, chunk=1, executor=pool)
    assert len(pool.calls) == 32 == MOST_DEATHS * 4 and isinstance(caught.value.__cause__, CancelledError)
    assert caught.value.result is None


def test_an_executor_that_was_shut_down_keeps_what_it_finished(whole):
    with ThreadPoolExecutor(2) as pool:

        def shut(done, total):
            pool.shutdown(wait=False)

        with pytest.raises(Unfinished, match="cannot schedule new futures after shutdown") as caught:
            study(deal(), PATHS, measure=summary(), rates=RATES, chunk=10, executor=pool, progress=shut)
    kept = np.concatenate([np.arange(*part) for part in caught.value.finished])
    assert caught.value.result.totals["wal"].tobytes() == whole.totals["wal"][kept].tobytes()


@pytest.mark.parametrize(("terms", "said"), [
    ({"executor": "a cluster"}, r"executor must be a concurrent.futures.Executor.*client.get_executor\(\), got str"),
    ({"executor": Fake(), "workers": 2}, "an executor has workers of its own: leave workers=2 out"),
    ({"workers": 0}, "at least 1"),
])  # fmt: skip
def test_who_runs_a_study_is_said_once(terms, said):
    with pytest.raises(InvalidTerms, match=said):
        study(deal(), PATHS, measure=summary(), rates=RATES, **terms)


# What is sent to a worker


@pytest.mark.parametrize("name", ["coreweave-ddtl-4", "stack-master-trust"])
def test_a_task_is_small_and_holds_no_code(name):
    from distributed.protocol.pickle import dumps

    tasks = []

    def told(function, arguments):
        tasks.extend((pickle.dumps((function, arguments)), dumps((function, arguments))))  # plain, and as Dask does it
        return function, arguments

    given = load_deal(name)
    paths = SectorModel().paths(given, 200, seed=3)
    study(given, paths, measure=summary(), rates=RATES, chunk=100, executor=Fake(told))
    assert len(tasks) == 4
    for task in tasks:
        assert len(task) < 20_000
        assert b"structuring.runs.study" in task and b"one_chunk" in task  # a name, to be imported
        assert not any(code in task for code in (b"numba", b"kernel", b"_make_function", b"CodeType"))


def frozen(function, arguments):
    """What a scheduler without copies hands to a worker: every array read-only, over memory of somebody else's."""
    buffers = []
    task = pickle.dumps(
        (function, arguments), protocol=5, buffer_callback=lambda part: buffers.append(bytes(part.raw()))
    )
    assert buffers
    return pickle.loads(task, buffers=buffers)


def defaulting(sectors, draws):
    from structuring.simulation.copula import Copula
    from structuring.simulation.credit_losses import Obligor
    from structuring.simulation.default_times import default_years

    obligors = [Obligor(str(k), 1.0, hazard=0.05) for k in range(len(sectors))]
    years = default_years(draws, obligors, Copula(0.3).factors(draws), horizon=2.0, sectors=sectors)
    return {"default": np.isfinite(years).mean(axis=1)[:, None] * 0.03}


def test_read_only_arrays_give_the_same_bits_and_compile_no_kernel_twice():
    from structuring.collateral import pool_cash_flows_kernel
    from structuring.simulation import default_times_kernel
    from waterfalls.engines import kernel

    draws, periods = np.random.default_rng(2), 24
    tape = pd.DataFrame(
        {"balance": draws.uniform(1.0, 9.0, 50), "rate": 0.06, "remaining_term": draws.integers(6, 24, 50)}
    )
    given = deal(LoanPool.from_tape(tape))
    rates = {"SOFR": draws.uniform(0.0, 0.05, (300, periods))}
    for paths in (
        Paths(default=draws.uniform(0.0, 0.03, (300, periods)), prepayment=draws.uniform(0.0, 0.02, 300)),
        Paths(300, seed=4, draw=functools.partial(defaulting, np.zeros(40, dtype=np.int64))),
    ):
        terms = {"measure": summary(), "rates": rates, "chunk": 100}
        expected = study(given, paths, **terms)
        kernels = (pool_cash_flows_kernel.fill, default_times_kernel.fill, kernel.execute)
        before = [len(kernel.signatures) for kernel in kernels]
        equal(expected, study(given, paths, **terms, executor=Fake(frozen)))
        assert [len(kernel.signatures) for kernel in kernels] == before
    cash = deal(run(given, paths, rates=rates).receipts)
    equal(study(cash, (), **terms), study(cash, (), **terms, executor=Fake(frozen)))


# A cluster


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process of one thread; a task that loses two workers is given up by the scheduler."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", scheduler_kwargs={"dashboard": False}
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
        pids = client.run(os.getpid).values()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids) and not multiprocessing.active_children()


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits(whole, client):
    local = Paths(300, seed=11, draw=lambda draws: drawn(draws))  # what stands in no module is sent with the task
    for paths in (PATHS, local):
        equal(whole, study(deal(), paths, measure=summary(), rates=RATES, chunk=50, executor=client.get_executor()))


class Threads:
    """Who runs a chunk: the process, its thread, and all the threads that Python has there."""

    def of(self, block):
        block.interest["A"].sum()
        return os.getpid(), threading.current_thread().name, [thread.name for thread in threading.enumerate()]

    def join(self, parts):
        return parts


@pytest.mark.slow
def test_a_worker_of_a_cluster_runs_a_chunk_in_the_one_thread_it_was_given(client):
    from structuring.collateral import pool_cash_flows_kernel
    from structuring.simulation import default_times_kernel
    from waterfalls.engines import kernel

    parts = study(deal(), PATHS, measure=Threads(), rates=RATES, chunk=25, executor=client.get_executor())
    assert {pid for pid, *_ in parts} == set(client.run(os.getpid).values())
    for _, mine, every in parts:
        assert [name for name in every if "Dask-Default-Threads" in name] == [mine]
        assert not any(name.startswith("ThreadPoolExecutor") for name in every)
    for function in (pool_cash_flows_kernel.fill, default_times_kernel.fill, kernel.execute, kernel.narrow):
        assert not function.targetoptions.get("parallel")  # Numba starts no threads either


class Slow:
    """A summary that takes a tenth of a second."""

    sums = True

    def of(self, block):
        time.sleep(0.1)
        return summary().of(block)

    def join(self, parts):
        return summary().join(parts)


@pytest.mark.slow
def test_a_worker_of_a_cluster_killed_from_outside_loses_nothing(whole, client):
    victim, told = min(client.run(os.getpid).values()), []

    def progress(done, total):
        told.append(done)
        if len(told) == 4:
            os.kill(victim, signal.SIGKILL)

    equal(
        whole,
        study(deal(), PATHS, measure=Slow(), rates=RATES, chunk=20, executor=client.get_executor(), progress=progress),
    )
    assert told == list(range(20, 301, 20))


@pytest.mark.slow
def test_a_chunk_that_kills_some_workers_of_a_cluster_is_finished(whole, client, tmp_path):
    left = tmp_path / "lives"
    left.write_bytes(
        b"111"
    )  # the scheduler tries again and gives up; the study tries again, and the scheduler once more
    measure = Deadly(120, str(left))
    equal(whole, study(deal(), PATHS, measure=measure, rates=RATES, chunk=50, executor=client.get_executor()))
    assert not left.read_bytes()


class Bomb:
    """A part that kills its worker when it is first fetched."""

    def __init__(self, fuse):
        self.fuse = fuse

    def __reduce__(self):
        Path(self.fuse).unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class Fetched(Wrong):
    """A measure whose part is lost with its worker before it is fetched, and which fails when computed anew."""

    def __init__(self, fuse):
        self.fuse = fuse

    def of(self, block):
        return Bomb(self.fuse) if Path(self.fuse).exists() else super().of(block)


@pytest.mark.slow
def test_a_part_that_is_lost_before_it_is_fetched_and_fails_the_second_time_is_an_error_and_no_endless_wait(
    client, tmp_path
):
    fuse = tmp_path / "fuse"
    fuse.touch()
    with pytest.raises(ZeroDivisionError, match="mine"):
        study(deal(), PATHS, measure=Fetched(str(fuse)), rates=RATES, executor=client.get_executor())
    assert not fuse.exists()


@pytest.mark.slow
def test_a_chunk_that_kills_every_worker_of_a_cluster_is_lost_alone(whole, client):
    from distributed import KilledWorker

    assert isinstance(loses_only_its_chunk(whole, client.get_executor()), KilledWorker)


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


@pytest.mark.parametrize("error", [UnknownName("driver", "rnt", ("rent", "sale"), "scenarios['x']"), InvalidTerms([Fault("a", "b", 3)], title="t")])  # fmt: skip
def test_an_error_is_the_same_after_the_way_from_a_worker(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.slow
def test_of_one_scenario_nobody_knows_the_deviation():
    row = study(deal(), Scenario("base"), measure=summary(), rates=RATES).frame().iloc[0]
    assert np.isfinite(row["mean"]) and np.isnan(row["sd"]) and np.isnan(row["standard_error"])


def test_a_scheduler_killed_part_way_leaves_what_was_finished(whole, tmp_path):
    from distributed import Client

    file, told = tmp_path / "scheduler.json", []
    said = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    part = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*part, "--scheduler-file", str(file)], **said)
    part = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        "--nthreads",
        "1",
        "--no-nanny",
        "--death-timeout",
        "5",
    ]
    worker = subprocess.Popen([*part, "--scheduler-file", str(file), "--no-dashboard"], **said)

    def progress(done, total):
        told.append(done)
        if done == 100:
            scheduler.kill()

    try:
        while not (file.exists() and file.stat().st_size):
            assert scheduler.poll() is None
            time.sleep(0.1)
        with Client(scheduler_file=str(file), timeout="3s") as client:
            client.wait_for_workers(1)
            terms = {"measure": Slow(), "rates": RATES, "chunk": 25, "progress": progress}
            with pytest.raises(Unfinished) as stopped:
                study(deal(), PATHS, **terms, executor=client.get_executor())
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    assert "the cluster's scheduler is gone: scenarios" in str(stopped.value).replace(")", "")
    kept = sum(b - a for a, b in stopped.value.finished)
    assert kept >= 100 and len(stopped.value.result.totals["loss"]) == kept
    (first, last), *_ = stopped.value.finished
    assert (stopped.value.result.totals["loss"][: last - first] == whole.totals["loss"][first:last]).all()
