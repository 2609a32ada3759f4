"""The fast engine: a plan emitted once as a short program, which one kernel runs over blocks of 128 scenarios."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from waterfalls.code import Code, Program
from waterfalls.fields import EXPENSES
from waterfalls.plan import Key, Plan
from waterfalls.reference import DUST

LANES = 128


def emit(plan: Plan, inputs: Mapping[Key, np.ndarray]) -> Program:
    """The program of one payment date, in the same order as `reference.settle_date`."""
    code = Code(plan, inputs, plan.opening)
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
    return code.finish(plan.outputs)


def execute(plan: Plan, inputs: Mapping[Key, np.ndarray], scenarios: int) -> np.ndarray:
    """Every output (B, T, K, 128) of a plan; the lanes after the last scenario repeat it."""
    from waterfalls import kernel

    program = emit(plan, inputs)
    blocks = -(-scenarios // LANES)
    periods = plan.schedule.periods
    fields = np.empty((blocks, periods, len(program.inputs), LANES))
    for f, key in enumerate(program.inputs):
        array = inputs[key]
        padded = np.concatenate([array, np.repeat(array[-1:], blocks * LANES - scenarios, axis=0)])
        fields[:, :, f, :] = padded.reshape(blocks, LANES, periods).transpose(0, 2, 1)
    outputs = np.empty((blocks, periods, len(program.outputs), LANES))
    kernel.execute(program.instructions, program.initial, program.curves, fields, outputs)
    return outputs
