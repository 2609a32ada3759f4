"""The fast engine: a plan emitted once as a short program, which one kernel runs over blocks of 128 scenarios.

The program proves the laws of every date as it goes, and counts where they do not hold.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Collection, Mapping

import numpy as np

from waterfalls import totals
from waterfalls.code import Code
from waterfalls.fields import EXPENSES
from waterfalls.laws import laws, never_negative, tolerance
from waterfalls.plan import Key, Plan
from waterfalls.program import Program
from waterfalls.reference import DUST

LANES = 128
BROKEN: Key = ("broken",)  # how often a law did not hold in a scenario
STRICT = 1e-3  # of the tolerance: what is stored is tested by it, so that what follows from it keeps the whole
MOST_PROGRAMS = 8  # programs that are remembered of a plan

programs: weakref.WeakKeyDictionary[Plan, dict[object, Program]] = weakref.WeakKeyDictionary()


def emit(
    plan: Plan, inputs: Mapping[Key, np.ndarray], keep: Collection[Key] | None = None, sums: bool = False
) -> Program:
    """The program of one payment date, in the same order as `reference.settle_date`.

    It stores the outputs in `keep` (all when None), and with `sums` carries the totals over the deal's life.
    """
    opening = plan.opening | {BROKEN: 0.0} | (totals.opening(plan) if sums else {})
    code = Code(plan, inputs, opening)
    none, one = code.constant(0.0), code.constant(1.0)
    for key in plan.flows:
        code[key] = none
    if plan.sells:
        code[("live",)] = one - code[("called",)]
    code[("cash",)] = code[("cash",)] + code.input("receipt", "cash")
    code.determine()
    for note in plan.notes_by_name.values():
        note.emit_open(code)
    for part in plan.parts:
        part.emit(code)
    for name in plan.expenses:
        cost = code.input("receipt", EXPENSES[name])
        code["accrued", "expense", name] = cost
        code["owed", "expense", name] = code["owed", "expense", name] + cost

    code.determine()
    for trigger in plan.triggers.values():
        trigger.emit(code)
    code.determine()

    for regime, condition in plan.immediate.items():
        holds = condition.emit(code)
        for name in plan.later(regime):
            holds = holds & ~code["regime", name]
        for name in plan.waterfalls:
            code["regime", name] = code.select(holds, one if name == regime else none, code["regime", name])
    regimes = {regime: code["regime", regime] for regime in plan.waterfalls}
    for regime, waterfall in plan.waterfalls.items():
        with code.when(regimes[regime]):
            for clause in waterfall.clauses:
                clause.write(code)

    for note in plan.notes_by_name.values():
        dust = code.constant(note.notional * DUST)
        default = code.curve(plan.finals[note.name]) & (code["balance", note.name] > dust)
        if not note.deferrable:
            unpaid = code["owed", "interest", note.name] > dust
            if note.grace:
                count = code.select(unpaid, code["unpaid dates", note.name] + one, none)
                code["unpaid dates", note.name] = count
                unpaid = count > code.constant(float(note.grace))
            default = default | unpaid
        code[("event of default",)] = code.select(default, one, code[("event of default",)])
    chosen = {regime: one if i == 0 else none for i, regime in enumerate(plan.waterfalls)}
    for regime, condition in plan.regimes.items():
        holds = condition.emit(code)
        chosen = {name: code.select(holds, one if name == regime else none, flag) for name, flag in chosen.items()}
    for regime, flag in chosen.items():
        code["regime", regime] = flag
    for text, side, depth, number in plan.remembered:
        for lag in range(depth - 1, 1, -1):
            code["past", text, side, str(lag)] = code["past", text, side, str(lag - 1)]
        code["past", text, side, "1"] = number.emit(code)
    for node in plan.kept:
        node.emit_keep(code)
    prove(code)
    if sums:
        totals.emit(code)
    carried = (BROKEN, *(totals.carried(plan) if sums else ()))
    return code.finish(plan.outputs if keep is None else keep, carried)


def prove(code: Code) -> None:
    """The laws of the date, and that nothing is negative: whatever does not hold is counted."""
    broken = code[BROKEN]
    for law in laws(code.plan):
        left = [*(code.before[key] for key in law.opening), *(code[key] for key in law.came)]
        for key, share in law.collected:
            given = code.outside(*key)
            left.append(given if share is None else given * code[share])
        broken = code.write("equal", broken, code.total(left), code.total([code[key] for key in law.went]))
    keys = list(never_negative(code.plan))
    positive = code.positive(keys)
    tested = list(dict.fromkeys(code[key].id for key in keys if not positive[code[key].id]))
    tested += tested[-1:] * (len(tested) % 2)
    for first, second in zip(tested[::2], tested[1::2], strict=True):
        broken = code.node("least", (broken.id, first, second))
    code[BROKEN] = broken


def program(plan: Plan, inputs: Mapping[Key, np.ndarray], keep: Collection[Key] | None, sums: bool) -> Program:
    """The program of a plan, remembered: it depends on which inputs there are and on those alike in every scenario."""
    shared = tuple((key, array.tobytes() if len(array) == 1 else b"") for key, array in sorted(inputs.items()))
    key = (shared, keep if keep is None else frozenset(keep), sums)
    made = programs.setdefault(plan, {})
    if key not in made:
        while len(made) >= MOST_PROGRAMS:
            made.pop(next(iter(made)), None)
        made[key] = emit(plan, inputs, keep, sums)
    return made[key]


@dataclasses.dataclass(frozen=True, eq=False)
class Ran:
    """What a run left: outputs (B, T, K, 128) of the program's slots, and the last values (M, S) of carried symbols."""

    program: Program
    outputs: np.ndarray
    carried: dict[Key, np.ndarray]


def execute(
    plan: Plan,
    inputs: Mapping[Key, np.ndarray],
    scenarios: int,
    keep: Collection[Key] | None = None,
    sums: bool = False,
) -> Ran:
    """Runs a plan; the lanes after the last scenario repeat it."""
    from waterfalls import kernel

    made = program(plan, inputs, keep, sums)
    periods, lanes = plan.schedule.periods, 1 if scenarios == 1 else LANES
    fields = np.empty((len(made.inputs), scenarios, periods))
    for f, key in enumerate(made.inputs):
        fields[f] = inputs[key]
    outputs = np.empty((-(-scenarios // lanes), periods, made.width, lanes))
    ends = np.empty((len(made.finals), scenarios))
    run = kernel.narrow if scenarios == 1 else kernel.execute
    run(made.instructions, made.initial, made.curves, fields, STRICT * tolerance(plan), outputs, made.finals, ends)
    return Ran(made, outputs, dict(zip(made.carried, ends, strict=True)))
