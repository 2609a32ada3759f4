"""Runs chunks of scenarios on threads, processes or a cluster, and keeps what is finished when workers are lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any

from waterfalls.errors import FirstLossError

Chunk = tuple[int, int]  # the first scenario, and the one after the last
Task = Callable[[Chunk], tuple[Callable[..., Any], tuple[Any, ...]]]  # what to call for a chunk, and with what
MOST_DEATHS = 8  # for each chunk handed out at once, with none finished between, after which an executor is given up
LOOK = 1.0  # seconds after which a cluster is asked again how many workers it has: each time costs it some milliseconds


class Unfinished(FirstLossError):
    """A study that was stopped, or that lost chunks: `result` is the measure of the scenarios in `finished`.

    `missing` are the ranges [first, one after the last] of scenarios that it does not cover. The cause is chained.
    """

    def __init__(self, why: str, result: Any, finished: Sequence[Chunk], missing: Sequence[Chunk]) -> None:
        self.result, self.finished, self.missing = result, ranges(finished), ranges(missing)
        kept = sum(stop - start for start, stop in finished)
        lost = ", ".join(f"{start:,} to {stop - 1:,}" for start, stop in self.missing)
        super().__init__(f"{why}: scenarios {lost} are missing; .result holds the {kept:,} that were finished")


class Stopped(Exception):
    """Work that ended early: why, and what was done by then."""

    def __init__(self, why: str, done: dict[Chunk, Any] | None = None) -> None:
        self.why, self.done = why, done or {}
        super().__init__(why)


def in_turn(chunks: Sequence[Chunk], task: Task, told: Callable[[Chunk, Any], None]) -> dict[Chunk, Any]:
    """Runs chunks one after another in this thread."""
    done: dict[Chunk, Any] = {}
    try:
        for chunk in chunks:
            function, arguments = task(chunk)
            done[chunk] = function(*arguments)
            told(chunk, done[chunk])
    except (KeyboardInterrupt, Stopped) as error:
        raise Stopped(reason(error), done) from error
    return done


def on_executor(
    pool: Executor, chunks: Sequence[Chunk], task: Task, told: Callable[[Chunk, Any], None]
) -> dict[Chunk, Any]:
    """Runs chunks on an executor, a few more at a time than it has workers, so that memory stays small.

    A worker that dies takes with it all the chunks it held, whichever of them killed it. Each of these runs once more
    at the end, with nothing beside it: what then loses its worker again is lost.
    """
    waiting, suspects, lost = deque(chunks), deque[Chunk](), list[Chunk]()
    running: dict[Future[Any], tuple[Chunk, Executor, bool]] = {}
    done: dict[Chunk, Any] = {}
    made: list[Executor] = []
    workers, looked = 0, float("-inf")
    deaths, cause = [0, 0], None  # since a chunk was finished: in company, and alone
    try:
        while waiting or suspects or running:
            alone, most = not waiting, 1
            try:
                if time.monotonic() - looked > LOOK:
                    workers, looked = width(pool), time.monotonic()
                queue, most = (suspects, 1) if alone else (waiting, 2 * workers)
                while queue and len(running) < most:
                    running[submitted(pool, *task(queue[0]))] = queue[0], pool, alone
                    queue.popleft()
            except BrokenExecutor as error:
                pool = fresh(pool, error, made)
            except (RuntimeError, OSError) as error:  # shut down, or its cluster is gone
                raise Stopped(reason(error)) from error
            for future in futures.wait(running, return_when=futures.FIRST_COMPLETED).done:
                chunk, origin, tried = running.pop(future)
                try:
                    done[chunk] = future.result()
                except died() as error:
                    cause = error
                    deaths[tried] += 1
                    (lost if tried else suspects).append(chunk)
                    if origin is pool and isinstance(error, BrokenExecutor):
                        pool = fresh(pool, error, made)
                else:
                    deaths = [0, 0]
                    told(chunk, done[chunk])
            if deaths[alone] >= MOST_DEATHS * most:
                raise Stopped(
                    f"given up: workers died over {deaths[alone]} chunks, with none finished between"
                ) from cause
        if lost:
            raise Stopped(
                "workers died twice over them (killed, crashed or out of memory), the second time doing nothing else"
            ) from cause
    except (KeyboardInterrupt, Stopped) as error:
        ends = finished({future: chunk for future, (chunk, *_) in running.items()})
        raise Stopped(reason(error), done | ends) from error
    finally:
        for future in running:
            future.cancel()
        for own in made:
            own.shutdown(cancel_futures=True)
    return done


def fresh(pool: Executor, error: BrokenExecutor, made: list[Executor]) -> Executor:
    """A pool of processes like the one that broke, added to those `made`; nothing else that breaks can be replaced."""
    if not isinstance(pool, ProcessPoolExecutor):
        raise Stopped(reason(error)) from error
    names = ("max_workers", "mp_context", "initializer", "initargs", "max_tasks_per_child")
    terms: dict[str, Any] = {name: getattr(pool, f"_{name}", None) for name in names}
    made.append(ProcessPoolExecutor(**{name: term for name, term in terms.items() if term is not None}))
    return made[-1]


# Dask: its executor is one of the standard library's, but for these five -----------------------------------------------


def client_of(pool: Executor) -> Any:
    """The client of Dask that an executor belongs to, None for any other; who made one has imported it already."""
    dask = sys.modules.get("distributed.cfexecutor")
    return getattr(pool, "_client", None) if dask and isinstance(pool, dask.ClientExecutor) else None


def width(pool: Executor) -> int:
    """How many chunks an executor works on at once; of a cluster that may grow and shrink, now."""
    client = client_of(pool)
    if client is None:
        return getattr(pool, "_max_workers", None) or os.cpu_count() or 1
    with connected(client):
        return sum(client.nthreads().values()) or os.cpu_count() or 1


@contextlib.contextmanager
def connected(client: Any) -> Iterator[None]:
    """What is asked of a cluster: of one whose scheduler is gone for good, Dask says so in several ways or in none."""
    try:
        yield
    except Exception as error:
        if client.scheduler is not None and client.status not in ("closing", "closed"):
            raise
        raise ConnectionError("the cluster's scheduler is gone") from error


def submitted(pool: Executor, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
    """A chunk handed out.

    Dask's own executor never answers for a chunk that was finished, lost with its worker before it was fetched, and
    failed when computed anew. So its client is asked; as an impure call, since a second try has to be a new one.
    """
    client = client_of(pool)
    if client is None:
        return pool.submit(function, *arguments)
    with connected(client):
        sent = client.submit(function, *arguments, **{**getattr(pool, "_kwargs", {}), "pure": False})

    async def answer() -> Any:
        return await sent

    return asyncio.run_coroutine_threadsafe(answer(), client.loop.asyncio_loop)


def died() -> tuple[type[BaseException], ...]:
    """The errors of a chunk that say nothing of the chunk: its worker died, or a cluster was lost with its workers."""
    dask = sys.modules.get("distributed")
    return BrokenExecutor, futures.CancelledError, *(() if dask is None else (dask.KilledWorker,))


def finished(running: dict[Future[Any], Chunk]) -> dict[Chunk, Any]:
    """What is done already, and what a thread or a worker is in the middle of, of the work that was handed out."""
    waiting = [future for future in running if not future.cancel()]
    return {running[future]: future.result() for future in futures.wait(waiting).done if future.exception() is None}


def reason(error: BaseException) -> str:
    """What stopped the work."""
    if isinstance(error, Stopped):
        return error.why
    said = str(error)
    return f"stopped by {type(error).__name__}" + (f" ({said})" if said else "")


def cut(total: int, size: int) -> list[Chunk]:
    """Chunks of at most `size` scenarios."""
    return [(start, min(start + size, total)) for start in range(0, total, size)]


def ranges(chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
    """Chunks in order, those that touch joined."""
    return tuple(joined(sorted(chunks)))


def joined(chunks: Sequence[Chunk]) -> Iterator[Chunk]:
    """Sorted chunks, those that touch joined."""
    edges = [0, *(i for i, (a, b) in enumerate(itertools.pairwise(chunks), 1) if a[1] != b[0]), len(chunks)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            yield chunks[start][0], chunks[stop - 1][1]
