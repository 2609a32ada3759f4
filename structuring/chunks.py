"""Chunks of scenarios on threads or on any executor: results in order, lost workers survived, finished work kept."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from typing import Any

from waterfalls.errors import FirstLossError

Chunk = tuple[int, int]  # the first scenario, and the one after the last
Task = Callable[[Chunk], tuple[Callable[..., Any], tuple[Any, ...]]]  # what to call for a chunk, and with what
MOST_LOST = 8  # chunks after which a pool that breaks is given up


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
    pool: Executor, workers: int | None, chunks: Sequence[Chunk], task: Task, told: Callable[[Chunk, Any], None]
) -> dict[Chunk, Any]:
    """Runs chunks on an executor, a few more at a time than it has workers, so that memory stays small.

    Where a process pool breaks, each chunk that was under way runs once more, alone in a fresh pool: what breaks that
    too is lost, and everything else goes on.
    """
    waiting, suspects, lost = list(reversed(chunks)), list[Chunk](), list[Chunk]()
    window = 2 * (workers or getattr(pool, "_max_workers", None) or os.cpu_count() or 1)
    running: dict[Future[Any], Chunk] = {}
    done: dict[Chunk, Any] = {}
    made: list[Executor] = []
    try:
        while waiting or suspects or running:
            queue, most = (suspects, 1) if suspects else (waiting, window)
            alone = bool(suspects)
            broken: BrokenExecutor | None = None
            try:
                while queue and len(running) < most:
                    function, arguments = task(queue[-1])
                    running[pool.submit(function, *arguments)] = queue[-1]
                    queue.pop()
            except BrokenExecutor as error:
                broken = error
            ready = wait(running, return_when=FIRST_COMPLETED).done
            while ready:
                chunk = running.pop(future := ready.pop())
                try:
                    done[chunk] = future.result()
                except BrokenExecutor as error:
                    broken = error
                    (lost if alone else suspects).append(chunk)
                    ready = set(running)  # they fail with the pool, unless they were done before it did
                else:
                    told(chunk, done[chunk])
            if broken is not None:
                if len(lost) > MOST_LOST:
                    raise Stopped(reason(broken)) from broken
                pool = fresh(pool, broken)
                made.append(pool)
    except (KeyboardInterrupt, Stopped) as error:
        raise Stopped(reason(error), done | finished(running)) from error
    finally:
        for future in running:
            future.cancel()
        for own in made:
            own.shutdown(wait=False, cancel_futures=True)
    if lost:
        raise Stopped("a worker was killed, and killed again when its chunk ran alone", done)
    return done


def fresh(pool: Executor, error: BrokenExecutor) -> Executor:
    """A pool like the one that broke."""
    if not isinstance(pool, ProcessPoolExecutor):
        raise Stopped(reason(error)) from error
    terms = {name: getattr(pool, f"_{name}", None) for name in ("max_workers", "mp_context", "initializer", "initargs")}
    given: dict[str, Any] = {name: term for name, term in terms.items() if term is not None}
    return ProcessPoolExecutor(**given)


def finished(running: dict[Future[Any], Chunk]) -> dict[Chunk, Any]:
    """What is done already, and what a thread or a worker is in the middle of, of the work that was handed out."""
    waiting = [future for future in running if not future.cancel()]
    return {running[future]: future.result() for future in wait(waiting).done if future.exception() is None}


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
