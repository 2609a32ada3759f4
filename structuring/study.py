"""study: a deal under many scenarios, streamed in chunks, keeping what a measure says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from structuring.deal import Deal, plan
from structuring.run import Scenarios, project
from structuring.scenario import Paths, Scenario
from waterfalls.cashflows import Cashflows
from waterfalls.distribute import SMALL, Engine, distribute
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd

Part = TypeVar("Part")
Result = TypeVar("Result", covariant=True)
CHUNK = 1024  # scenarios a task: eight blocks of the kernel, and about a tenth of a second


class Measure(Protocol[Part, Result]):
    """What a study keeps: `of` a chunk of flows a part, and `join` the parts, in order, to the result."""

    def of(self, block: Cashflows) -> Part: ...

    def join(self, parts: Sequence[Part]) -> Result: ...


def study(
    deal: Deal,
    scenarios: Scenarios,
    *,
    measure: Measure[Part, Result],
    rates: Mapping[str, Any] | None = None,
    engine: Engine = "auto",
    chunk: int = CHUNK,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Runs a deal chunk by chunk and joins what `measure` keeps of each.

    The numbers are the same to the bit for any chunk size and any number of workers. The engine is chosen once, by
    the number of all scenarios. `workers` threads share the chunks; any `concurrent.futures.Executor` may take their
    place. `progress(done, total)` is called in this thread after each chunk, in order.
    """
    if chunk < 1 or workers < 1:
        raise InvalidTerms(f"chunk and workers must be at least 1, got {chunk} and {workers}")
    listed: Sequence[Scenario] | Paths = (scenarios,) if isinstance(scenarios, Scenario) else scenarios
    total = len(listed)
    chosen: Engine = engine
    if engine == "auto":
        chosen = "reference" if total <= SMALL else "fast"
    slices = [slice(start, min(start + chunk, total)) for start in range(0, total, chunk)]
    tasks: list[tuple[Any, ...]] = [
        (deal, part_of(listed, part), rates_of(rates, part, total), chosen, measure) for part in slices
    ]
    if executor is not None:
        return measure.join(gathered(executor, tasks, progress, total, chunk))
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            return measure.join(gathered(pool, tasks, progress, total, chunk))
    parts = []
    for number, task in enumerate(tasks, 1):
        parts.append(one_chunk(*task))
        if progress:
            progress(min(number * chunk, total), total)
    return measure.join(parts)


def one_chunk(deal: Deal, scenarios: Scenarios, rates: Mapping[str, Any] | None, engine: Engine, measure: Any) -> Any:
    """What a measure keeps of one chunk."""
    resolved = plan(deal)
    return measure.of(distribute(resolved, project(deal, scenarios, resolved.schedule), rates=rates, engine=engine))


def gathered(
    pool: Executor,
    tasks: Sequence[tuple[Any, ...]],
    progress: Callable[[int, int], None] | None,
    total: int,
    chunk: int,
) -> list[Any]:
    """The parts of every task, in order."""
    futures = [pool.submit(one_chunk, *task) for task in tasks]
    parts = []
    for number, future in enumerate(futures, 1):
        parts.append(future.result())
        if progress:
            progress(min(number * chunk, total), total)
    return parts


def part_of(scenarios: Sequence[Scenario] | Paths, part: slice) -> Scenarios:
    """The scenarios of a slice."""
    return scenarios.rows(part) if isinstance(scenarios, Paths) else tuple(scenarios)[part]


def rates_of(rates: Mapping[str, Any] | None, part: slice, total: int) -> dict[str, Any]:
    """The rates of a slice: arrays with a row per scenario are cut, all else is shared."""
    return {
        index: given[part] if isinstance(given, np.ndarray) and given.ndim == 2 and given.shape[0] == total else given
        for index, given in (rates or {}).items()
    }


# The measure that most studies want --------------------------------------------------------------------------------

TOTALS = ("interest", "principal", "draws", "written_down", "shortfall", "unpaid", "loss")


@dataclasses.dataclass(frozen=True, eq=False)
class Summary(Generic[Part]):
    """Totals over the life of the deal, by scenario and tranche: arrays (S, N) by name, and `wal` in years (S, N)."""

    deal: str
    tranches: tuple[str, ...]
    totals: Mapping[str, np.ndarray]

    def frame(self, quantiles: Sequence[float] = (0.01, 0.05, 0.5, 0.95, 0.99)) -> pd.DataFrame:
        """One row per total and tranche: mean, standard deviation, standard error of the mean, exact quantiles."""
        import pandas as pd

        rows = []
        for name, array in self.totals.items():
            for i, tranche in enumerate(self.tranches):
                values = array[:, i]
                known = values[~np.isnan(values)]
                spread = known.std(ddof=1) if len(known) > 1 else 0.0
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


@dataclasses.dataclass(frozen=True)
class Totals:
    """Quantiles are exact because every scenario's totals are kept."""

    def of(self, block: Cashflows) -> Summary[Any]:
        """`unpaid` is the balance at the last date; wal = sum(principal x years) / sum(principal), Actual/365F.

        loss = written down (net of written up) + balance and interest still owed at the last date: cash terms, not value.
        """
        from waterfalls.schedule import years_from

        years = years_from(block.plan.schedule.payment[0], block.dates)
        columns: dict[str, list[np.ndarray]] = {name: [] for name in (*TOTALS, "wal")}
        for tranche in block.tranches:
            principal = block.principal[tranche]
            for name in ("interest", "principal", "draws", "written_down"):
                columns[name].append(getattr(block, name)[tranche].sum(axis=1))
            note = tranche in block.shortfall
            columns["shortfall"].append(block.shortfall[tranche].sum(axis=1) if note else np.zeros(len(principal)))
            columns["unpaid"].append(block.balance[tranche][:, -1] if note else np.zeros(len(principal)))
            owed = columns["unpaid"][-1] + (block.arrears[tranche][:, -1] if note else 0.0)
            columns["loss"].append(columns["written_down"][-1] + owed)
            repaid = principal.sum(axis=1)
            weighted = (principal * years).sum(axis=1)
            columns["wal"].append(np.divide(weighted, repaid, out=np.full(len(repaid), np.nan), where=repaid > 0.0))
        return Summary(block.deal, block.tranches, {name: np.stack(parts, axis=1) for name, parts in columns.items()})

    def join(self, parts: Sequence[Summary[Any]]) -> Summary[Any]:
        """The scenarios of every part, in order."""
        first = parts[0]
        totals = {name: np.concatenate([part.totals[name] for part in parts]) for name in first.totals}
        return Summary(first.deal, first.tranches, totals)
