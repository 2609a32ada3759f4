"""Runs a deal under many scenarios in chunks, and keeps only what a measure asks for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from structuring.deals.deal import Deal, plan
from structuring.runs.chunks import Chunk, Stopped, Unfinished, cut, in_turn, on_executor
from structuring.runs.run import Scenarios, indices_of, project, scenario_list
from structuring.scenarios.index_paths import IndexPath
from structuring.scenarios.scenario import Paths, Scenario
from waterfalls.arguments import function, having, instance, items, mapping, number, takes, text, whole
from waterfalls.cashflows import Cashflows
from waterfalls.distribute import ROOM, fixings, settle
from waterfalls.engines.choice import Engine, chosen
from waterfalls.engines.totals import TOTALS
from waterfalls.errors import InvalidTerms, TooLarge
from waterfalls.fields import CASH
from waterfalls.language.machine import Key
from waterfalls.plan import Plan
from waterfalls.receipts import Receipts

if TYPE_CHECKING:
    import pandas as pd

Part = TypeVar("Part")
Result = TypeVar("Result", covariant=True)
CHUNK = 1024  # scenarios a task of an executor: eight blocks of the kernel, and about a tenth of a second
SMALL_CHUNK = 128  # scenarios a task of this process, where handing it out costs nothing and memory is shared


class Measure(Protocol[Part, Result]):
    """What a study keeps: `of` a chunk of flows a part, and `join` the parts, in order, to the result.

    Flows that `of` did not read in the first chunks are not kept in those that follow; where it reads them later, that
    chunk runs again in full. A measure with an attribute `sums` that is true reads totals only: no flow is kept at all.
    With a function `size(scenarios, tranches)`, the bytes of its result, a study that cannot fit is refused at once.
    """

    def of(self, block: Cashflows) -> Part: ...

    def join(self, parts: Sequence[Part]) -> Result: ...


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    """What all chunks of a study have in common."""

    deal: Deal
    engine: Engine
    measure: Any

    @functools.cached_property
    def plan(self) -> Plan:
        return plan(self.deal)

    @property
    def sums(self) -> bool:
        return bool(getattr(self.measure, "sums", False))

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process, which makes its own plan."""
        return {"deal": self.deal, "engine": self.engine, "measure": self.measure}


@takes(
    deal=instance(Deal),
    scenarios=scenario_list,
    measure=having("of", "join", said="a measure, with of(block) and join(parts), such as summary()"),
    rates=mapping,
    engine=text,
    chunk=whole(),
    workers=whole(),
    progress=function,
)
def study(
    deal: Deal,
    scenarios: Scenarios,
    *,
    measure: Measure[Part, Result],
    rates: Mapping[str, Any] | None = None,
    engine: Engine = "auto",
    chunk: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Runs a deal chunk by chunk and joins what `measure` keeps of each.

    The numbers are the same to the bit for any chunk size and any number of workers. The engine is chosen once, by
    the number of all scenarios. `workers` threads share the chunks; any `concurrent.futures.Executor` may take their
    place, `Client.get_executor()` of a Dask cluster among them. `progress(done, total)` is called in this thread after
    each chunk.

    A chunk whose worker died is run again. When that fails too, when it is interrupted, when `progress` raises or when
    the executor is gone, `Unfinished` is raised: it holds the result of what was finished and says which scenarios are
    missing.
    """
    if chunk is None:
        chunk = SMALL_CHUNK if executor is None else CHUNK
    if chunk < 1 or workers < 1:
        raise InvalidTerms(f"chunk and workers must be at least 1, got {chunk} and {workers}")
    if executor is not None and not isinstance(executor, Executor):
        raise InvalidTerms(
            "executor must be a concurrent.futures.Executor, such as ProcessPoolExecutor() or Dask's client.get_executor(), "
            f"got {type(executor).__name__}"
        )
    if executor is not None and workers > 1:
        raise InvalidTerms(
            f"an executor has workers of its own: leave workers={workers} out, they are this process's threads"
        )
    listed: Sequence[Scenario] | Paths | Receipts = (scenarios,) if isinstance(scenarios, Scenario) else scenarios
    if isinstance(deal.collateral, Receipts):  # cash given from outside: its rows are the scenarios
        listed = deal.collateral
        deal = dataclasses.replace(deal, collateral=listed.rows(slice(0, 1)))
    total = len(listed.scenarios if isinstance(listed, Receipts) else listed)
    if not total:
        raise InvalidTerms("scenarios: need one or more, got none")
    work = Work(deal, chosen(engine, plan(deal), total), measure)
    check_size(work, total, min(chunk, total))
    indices = fixings(work.plan, rates or {}, total)  # curves are read here: workers see arrays
    owned = indices_of(deal, rates, total)
    reads: set[Key] = set()
    count = 0

    def task(part: Chunk) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        rows = slice(*part)
        keep = frozenset(reads) if work.sums or count else None
        collateral = {source: path.rows(rows) for source, path in owned.items()}
        return one_chunk, (work, part_of(listed, rows), rates_of(indices, rows, total), keep, collateral)

    def told(part: Chunk, outcome: tuple[Any, frozenset[Key]]) -> None:
        nonlocal count
        reads.update(outcome[1])
        count += part[1] - part[0]
        if progress:
            try:
                progress(count, total)
            except Exception as error:
                raise Stopped(f"stopped by progress, which raised {type(error).__name__} ({error})") from error

    chunks = cut(total, chunk)
    stopped: Stopped | None = None
    try:
        if executor is not None:
            done = on_executor(executor, chunks, task, told)
        elif workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                done = on_executor(pool, chunks, task, told)
        else:
            done = in_turn(chunks, task, told)
    except Stopped as error:
        stopped, done = error, error.done
    parts = [done[part][0] for part in chunks if part in done]
    if stopped is None:
        return measure.join(parts)
    missing = [part for part in chunks if part not in done]
    result = measure.join(parts) if parts else None
    cause = stopped.__cause__
    raise Unfinished(stopped.why, result, list(done), missing) from (
        cause.__cause__ if isinstance(cause, Stopped) else cause
    )


def one_chunk(
    work: Work,
    scenarios: Scenarios | Receipts,
    rates: Mapping[str, Any],
    keep: frozenset[Key] | None,
    indices: Mapping[str, IndexPath],
) -> tuple[Any, frozenset[Key]]:
    """What a measure keeps of one chunk, and which outputs it read."""
    resolved = work.plan
    receipts = scenarios
    if not isinstance(receipts, Receipts):
        receipts = project(work.deal, receipts, resolved.schedule, indices=indices)
    engine = "fast" if work.engine == "native" and keep is None else work.engine  # what keeps all is not run for long
    flows = settle(resolved, receipts, rates, engine=engine, keep=keep, sums=work.sums)
    return work.measure.of(flows), frozenset(flows.outputs.asked)


def check_size(work: Work, total: int, chunk: int) -> None:
    """Refuses a result, or a chunk, that memory cannot hold."""
    resolved = work.plan
    size = getattr(work.measure, "size", None)
    result = 0.0 if size is None else float(size(total, len(resolved.tranches)))
    if result > ROOM:
        raise TooLarge(f"the result for {total:,} scenarios needs about {result / 1e9:,.1f} GB: take fewer")
    outputs = 0 if work.sums and work.engine != "reference" else len(resolved.outputs)
    chunked = 8.0 * chunk * resolved.schedule.periods * (outputs + 2 * len(CASH))
    if chunked > ROOM:
        raise TooLarge(f"a chunk of {chunk:,} scenarios needs about {chunked / 1e9:,.1f} GB: take a smaller chunk")


def part_of(scenarios: Sequence[Scenario] | Paths | Receipts, part: slice) -> Scenarios | Receipts:
    """The scenarios of a slice."""
    return scenarios.rows(part) if isinstance(scenarios, (Paths, Receipts)) else tuple(scenarios)[part]


def rates_of(rates: Mapping[str, np.ndarray], part: slice, total: int) -> dict[str, np.ndarray]:
    """The rates of a slice: arrays with a row per scenario are cut, all else is shared."""
    return {index: given[part] if len(given) == total > 1 else given for index, given in rates.items()}


# The measure that most studies want --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class Summary(Generic[Part]):
    """Totals over the life of the deal, by scenario and tranche: arrays (S, N) by name, and `wal` in years (S, N)."""

    deal: str
    tranches: tuple[str, ...]
    totals: Mapping[str, np.ndarray]

    @takes(quantiles=items(number(0.0, 1.0), "a list of shares, such as (0.05, 0.5, 0.95)"))
    def frame(self, quantiles: Sequence[float] = (0.01, 0.05, 0.5, 0.95, 0.99)) -> pd.DataFrame:
        """One row per total and tranche: mean, standard deviation, standard error of the mean, exact quantiles.

        Of a single scenario nobody knows the deviation: it is NaN.
        """
        import pandas as pd

        rows = []
        for name, array in self.totals.items():
            for i, tranche in enumerate(self.tranches):
                values = array[:, i]
                known = values[~np.isnan(values)]
                spread = known.std(ddof=1) if len(known) > 1 else np.nan
                row = {
                    "deal": self.deal,
                    "total": name,
                    "tranche": tranche,
                    "mean": known.mean() if len(known) else np.nan,
                }
                row |= {"sd": spread, "standard_error": spread / np.sqrt(max(len(known), 1))}
                row |= {f"q{100 * q:g}": np.quantile(known, q) if len(known) else np.nan for q in quantiles}
                rows.append(row)
        frame = pd.DataFrame(rows)
        frame["tranche"] = pd.Categorical(frame["tranche"], list(self.tranches), ordered=True)
        return frame


def summary() -> Totals:
    """The measure that keeps totals over life by scenario and tranche: `study(deal, paths, measure=summary())`."""
    return Totals()


class Joined(Mapping[str, np.ndarray]):
    """Arrays by name from parts, each put together when it is first read: the whole never stands in memory twice."""

    def __init__(self, parts: Sequence[Mapping[str, np.ndarray]]) -> None:
        self._arrays = {name: [part[name] for part in parts] for name in parts[0]}

    def __getitem__(self, name: str) -> np.ndarray:
        arrays = self._arrays[name]
        if len(arrays) > 1:
            arrays[:] = [np.concatenate(arrays)]
        return arrays[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


@dataclasses.dataclass(frozen=True)
class Totals:
    """Totals over life; quantiles are exact because every scenario's are kept."""

    sums: ClassVar[bool] = True

    def of(self, block: Cashflows) -> Summary[Any]:
        """The totals of a chunk: see `waterfalls.engines.totals`."""
        return Summary(block.deal, block.tranches, block.totals())

    def join(self, parts: Sequence[Summary[Any]]) -> Summary[Any]:
        """The scenarios of every part, in order."""
        first = parts[0]
        return Summary(first.deal, first.tranches, Joined([part.totals for part in parts]))

    def size(self, scenarios: int, tranches: int) -> float:
        """Bytes of the whole."""
        return 8.0 * scenarios * tranches * (len(TOTALS) + 1)
