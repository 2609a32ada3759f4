"""The kernel: one Numba interpreter that runs every deal's program over blocks of scenarios, of 128 or, of few, of 8.

Instructions are read once a date and applied to all lanes of a block, so reading them costs little and the arithmetic
vectorises; the register file `[register, lane]` stays in cache. Only + - * / min max, comparisons and selects occur, in
the order the reference engine does them, hence the same bits on any chunking. `narrow` is the same for one scenario.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from waterfalls.engines.compiled import compiled
from waterfalls.engines.program import FEW

WIDE, SLIM = 128, 8  # lanes


def interpreter(lanes: int) -> Any:
    """The kernel of so many lanes."""

    def execute(instructions, initial, curves, inputs, tolerance, outputs, finals, ends):
        """Runs a program (2, P, 5): inputs (F, S, T) and curves (C, T) in, outputs (B, T, K, lanes) and ends (M, S) out.

        `finals` are the registers that `ends` keeps. The lanes after the last scenario repeat it.
        """
        registers = np.empty((initial.shape[0], lanes))
        for block in range(outputs.shape[0]):
            first = block * lanes
            width = min(lanes, ends.shape[1] - first)
            for r in range(initial.shape[0]):
                for j in range(lanes):
                    registers[r, j] = initial[r]
            for t in range(outputs.shape[1]):
                parity = t % 2
                for p in range(instructions.shape[1]):
                    op, d = instructions[parity, p, 0], instructions[parity, p, 1]
                    a, b, c = instructions[parity, p, 2], instructions[parity, p, 3], instructions[parity, p, 4]
                    if op == 1:
                        for j in range(lanes):
                            registers[d, j] = registers[a, j] + registers[b, j]
                    elif op == 2:
                        for j in range(lanes):
                            registers[d, j] = registers[a, j] - registers[b, j]
                    elif op == 3:
                        for j in range(lanes):
                            registers[d, j] = registers[a, j] * registers[b, j]
                    elif op == 4:
                        for j in range(lanes):
                            registers[d, j] = registers[a, j] / registers[b, j]
                    elif op == 5:
                        for j in range(lanes):
                            x, y = registers[a, j], registers[b, j]
                            registers[d, j] = y if y < x else x
                    elif op == 6:
                        for j in range(lanes):
                            x, y = registers[a, j], registers[b, j]
                            registers[d, j] = y if y > x else x
                    elif op == 7:
                        for j in range(lanes):
                            registers[d, j] = 1.0 if registers[a, j] >= registers[b, j] else 0.0
                    elif op == 8:
                        for j in range(lanes):
                            registers[d, j] = 1.0 if registers[a, j] > registers[b, j] else 0.0
                    elif op == 9:
                        for j in range(lanes):
                            x, y = registers[b, j], registers[c, j]
                            registers[d, j] = x if registers[a, j] > 0.0 else y
                    elif op == 10:
                        for j in range(lanes):
                            x, y, z = registers[a, j], registers[b, j], registers[c, j]
                            registers[d, j] = x / y if y != 0.0 else z
                    elif op == 11:  # counts where b = c does not hold; NaN counts
                        for j in range(lanes):
                            x, gap = registers[a, j], abs(registers[b, j] - registers[c, j])
                            registers[d, j] = x if gap <= tolerance else x + 1.0
                    elif op == 12:  # counts where b or c is negative
                        for j in range(lanes):
                            x, y, z = registers[a, j], registers[b, j], registers[c, j]
                            y = x if y >= -tolerance else x + 1.0
                            registers[d, j] = y if z >= -tolerance else y + 1.0
                    elif op == 13:
                        for j in range(width):
                            registers[d, j] = inputs[a, first + j, t]
                        for j in range(width, lanes):
                            registers[d, j] = registers[d, width - 1]
                    elif op == 14:
                        x = curves[a, t]
                        for j in range(lanes):
                            registers[d, j] = x
                    elif op == 15:
                        for j in range(lanes):
                            outputs[block, t, d, j] = registers[a, j]
                    else:
                        for j in range(lanes):
                            registers[d, j] = registers[a, j]
            for m in range(finals.shape[0]):
                for j in range(width):
                    ends[m, first + j] = registers[finals[m], j]

    return compiled(execute)


execute, slim = interpreter(WIDE), interpreter(SLIM)


@compiled
def narrow(instructions, initial, curves, inputs, tolerance, outputs, finals, ends):
    """`execute` for one scenario: outputs (1, T, K, 1)."""
    registers = initial.copy()
    for t in range(outputs.shape[1]):
        for p in range(instructions.shape[1]):
            op, d = instructions[t % 2, p, 0], instructions[t % 2, p, 1]
            a, b, c = instructions[t % 2, p, 2], instructions[t % 2, p, 3], instructions[t % 2, p, 4]
            if op == 13:
                registers[d] = inputs[a, 0, t]
                continue
            if op == 14:
                registers[d] = curves[a, t]
                continue
            x = registers[a]
            if op == 15:
                outputs[0, t, d, 0] = x
                continue
            y, z = registers[b], registers[c]
            if op == 1:
                x = x + y
            elif op == 2:
                x = x - y
            elif op == 3:
                x = x * y
            elif op == 4:
                x = x / y
            elif op == 5:
                x = y if y < x else x
            elif op == 6:
                x = y if y > x else x
            elif op == 7:
                x = 1.0 if x >= y else 0.0
            elif op == 8:
                x = 1.0 if x > y else 0.0
            elif op == 9:
                x = y if x > 0.0 else z
            elif op == 10:
                x = x / y if y != 0.0 else z
            elif op == 11:
                x = x if abs(y - z) <= tolerance else x + 1.0
            elif op == 12:
                x = x if y >= -tolerance else x + 1.0
                x = x if z >= -tolerance else x + 1.0
            registers[d] = x
    for m in range(finals.shape[0]):
        ends[m, 0] = registers[finals[m]]


def of(scenarios: int) -> tuple[Any, int]:
    """The kernel for so many scenarios, and its lanes."""
    if scenarios == 1:
        return narrow, 1
    return (slim, SLIM) if scenarios <= FEW else (execute, WIDE)


def warm() -> None:
    """Compiles the kernels for the one kind of arrays they take, or loads them from the cache."""
    for scenarios in (1, FEW, FEW + 1):
        run, lanes = of(scenarios)
        blocks = -(-scenarios // lanes)
        run(
            np.zeros((2, 0, 5), np.int32), np.zeros(1), np.zeros((0, 1)), np.zeros((0, scenarios, 1)), 0.0,
            np.zeros((blocks, 1, 0, lanes)), np.zeros(0, np.int32), np.zeros((0, scenarios)),
        )  # fmt: skip
