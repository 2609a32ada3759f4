"""The fast engine: a plan emitted once as a short program, which one kernel runs over blocks of scenarios.

The program proves the laws of every date as it goes, and counts where they do not hold.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import weakref
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from waterfalls.engines import totals
from waterfalls.engines.laws import laws, never_negative, tolerance
from waterfalls.engines.one_date import settle_date
from waterfalls.engines.program import FEW, Program
from waterfalls.engines.program_writer import Code
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

BROKEN: Key = ("broken",)  # how often a law did not hold in a scenario
STRICT = 1e-3  # of the tolerance: what is stored is tested by it, so that what follows from it keeps the whole
MOST_PROGRAMS = 8  # programs that are remembered of a plan

programs: weakref.WeakKeyDictionary[Plan, dict[object, Program]] = weakref.WeakKeyDictionary()


def write(
    plan: Plan, inputs: Mapping[Key, np.ndarray | None], keep: Collection[Key] | None = None, sums: bool = False
) -> Program:
    """The program of one payment date, which proves its laws; of an input that is written into it the row (T,) is given.

    It stores the outputs in `keep` (all when None), and with `sums` carries the totals over the deal's life.
    """
    opening = plan.opening | {BROKEN: 0.0} | (totals.opening(plan) if sums else {})
    code = Code(plan, inputs, opening)
    settle_date(code, plan)
    prove(code, plan)
    if sums:
        totals.settle(code, plan)
    carried = (BROKEN, *(totals.carried(plan) if sums else ()))
    return code.finish(plan.outputs if keep is None else keep, carried)


def prove(code: Code, plan: Plan) -> None:
    """The laws of the date, and that nothing is negative: whatever does not hold is counted."""
    broken = code[BROKEN]
    for law in laws(plan):
        left = [*(code.before[key] for key in law.opening), *(code[key] for key in law.came)]
        for key, share in law.collected:
            given = code.input(*key)
            left.append(given if share is None else given * code[share])
        broken = code.made("equal", broken, added(left), added(code[key] for key in law.went))
    keys = list(never_negative(plan))
    positive = code.positive(keys)
    tested = list(dict.fromkeys(code[key].id for key in keys if not positive[code[key].id]))
    tested += tested[-1:] * (len(tested) % 2)
    for first, second in zip(tested[::2], tested[1::2], strict=True):
        broken = code.node("least", (broken.id, first, second))
    code[BROKEN] = broken


def first(pair: tuple[Key, object]) -> Key:
    """The key of an item."""
    return pair[0]


def added(values: Iterable[Any]) -> Any:
    """Their sum, from the first on."""
    return functools.reduce(operator.add, values, 0.0)


def program(
    plan: Plan, inputs: Mapping[Key, np.ndarray], scenarios: int, keep: Collection[Key] | None, sums: bool
) -> Program:
    """The program of a plan, remembered.

    What is alike in every scenario is written into the program of many scenarios, and that program serves these values
    only. For few it is read like anything else: one program serves every run of the plan.
    """
    rows = {key: array[0] if len(array) == 1 and scenarios > FEW else None for key, array in inputs.items()}
    shared = tuple((key, None if row is None else row.tobytes()) for key, row in sorted(rows.items(), key=first))
    key = (shared, keep if keep is None else frozenset(keep), sums)
    made = programs.setdefault(plan, {})
    if key not in made:
        while len(made) >= MOST_PROGRAMS:
            made.pop(next(iter(made)), None)
        made[key] = write(plan, rows, keep, sums)
    return made[key]


@dataclasses.dataclass(frozen=True, eq=False)
class Ran:
    """What a run left: outputs (B, T, K, W) of the program's slots, and the last values (M, S) of carried symbols."""

    program: Program
    outputs: np.ndarray
    carried: dict[Key, np.ndarray]


def execute(
    plan: Plan,
    inputs: Mapping[Key, np.ndarray],
    scenarios: int,
    keep: Collection[Key] | None = None,
    sums: bool = False,
    compiled: bool = False,
) -> Ran:
    """Runs a plan, as native code where it is `compiled`; the lanes after the last scenario repeat it."""
    from waterfalls.engines import kernel, native

    made = program(plan, inputs, scenarios, keep, sums)
    periods, most = plan.schedule.periods, STRICT * tolerance(plan)
    if compiled and scenarios > FEW and (code := native.code_of(made)):
        outputs, ends = native.execute(code, made, [inputs[key] for key in made.inputs], scenarios, most)
    else:
        fields = np.empty((len(made.inputs), scenarios, periods))
        for f, key in enumerate(made.inputs):
            fields[f] = inputs[key]
        run, lanes = kernel.of(scenarios)
        outputs = np.empty((-(-scenarios // lanes), periods, made.width, lanes))
        ends = np.empty((len(made.finals), scenarios))
        run(made.instructions, made.initial, made.curves, fields, most, outputs, made.finals, ends)
    return Ran(made, outputs, dict(zip(made.carried, ends, strict=True)))
