"""What a cluster costs: a study on two workers of Dask beside the same in this process. The README here has the figures.

The efficiency at two workers is the CPU that the study needs in one process over what two cores had for the cluster,
scheduler and client on them: twice the wall, less what other processes took. On a quiet machine that is the usual one.
"""

import os
import statistics
import time
from pathlib import Path

import pytest
from standard import RATES, streamed

from structuring import study, summary
from waterfalls.engines import native

GOAL, FLOOR = 0.90, 0.6  # of the efficiency at two workers, and how much of it is asserted: the machines are noisy
TASKS, SECONDS = 24, 0.15  # chunks, and about what each takes in this process
# Dask has its workers give memory back at once, so that every array is mapped anew (a fifth more CPU for a study), and
# look at their own stacks a hundred times a second.
KEEP = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**25}
SETTINGS = {f"distributed.nanny.pre-spawn-environ.{name}": size for name, size in KEEP.items()}
SETTINGS["distributed.worker.profile.enabled"] = False

pytestmark = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="what others take is read where Linux tells it")


@pytest.fixture(scope="module")
def client():
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set(SETTINGS),
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", scheduler_kwargs={"dashboard": False}
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_efficiency_at_two_workers(benchmark, client):
    deal, paths = streamed(1024)
    engine = "native" if native.possible() else "fast"  # one for all: auto takes native code where a study is long
    terms = {"measure": summary(), "rates": RATES, "engine": engine}
    study(deal, paths, **terms, chunk=1024)  # the kernel is loaded
    took = []
    for _ in range(5):
        start = time.thread_time()
        study(deal, paths, **terms, chunk=1024)
        took.append(time.thread_time() - start)
    chunk = 128 * round(8 * SECONDS / min(took) + 0.5)
    deal, paths = streamed(TASKS * chunk)
    executor = client.get_executor()
    found = [study(deal, paths, **terms, chunk=chunk, executor=executor)]  # the workers have loaded it too
    rounds = []

    def own():
        """Seconds of the CPU that this process, scheduler included, and the workers have had."""
        return time.process_time() + sum(client.run(time.process_time).values())

    def round_():
        start, before = time.perf_counter(), time.thread_time()
        found[1:] = [study(deal, paths, **terms, chunk=chunk)]
        alone, needed = time.perf_counter() - start, time.thread_time() - before
        start, mine, every = time.perf_counter(), own(), busy()
        study(deal, paths, **terms, chunk=chunk, executor=executor)
        both, mine, every = time.perf_counter() - start, own() - mine, busy() - every
        others = max(every - mine - ((os.cpu_count() or 2) - 2) * both, 0.0)  # what they took of the two cores
        rounds.append((needed / (2.0 * both - others), alone / (2.0 * both), mine / needed - 1.0, needed / TASKS))

    benchmark.pedantic(round_, rounds=5)
    one, other = found
    assert all(array.tobytes() == other.totals[name].tobytes() for name, array in one.totals.items())
    efficiency, wall, more, task = map(statistics.median, zip(*rounds, strict=True))
    benchmark.extra_info |= {
        "efficiency": round(efficiency, 3), "goal": GOAL, "by the wall alone": round(wall, 3), "more CPU": round(more, 3),
        "scenarios a task": chunk, "seconds a task": round(task, 3), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(
        f"\ntwo workers, tasks of {task:.2f} s: efficiency {efficiency:.2f} (goal {GOAL}; {wall:.2f} by the wall alone), "
        f"{more:.0%} more CPU, load {os.getloadavg()[0]:.1f}"
    )
    assert task >= 0.1
    assert efficiency >= FLOOR * GOAL


def busy():
    """Seconds of CPU that the whole machine has spent."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
