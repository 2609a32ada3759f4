"""The kernel: one Numba interpreter that runs every deal's program over blocks of 128 scenarios.

Instructions are read once a date and applied to 128 lanes at a time, so reading them costs little and the arithmetic
vectorises; the register file `[register, lane]` stays in cache. Only + - * / min max, comparisons and selects occur, in
the order the reference engine does them, hence the same bits on any chunking.
"""

from __future__ import annotations

import numba
import numpy as np

LANES = 128


@numba.njit(nogil=True, cache=True, error_model="numpy")
def execute(instructions, initial, curves, inputs, outputs):
    """Runs a program: inputs (B, T, F, 128) and curves (C, T) in, outputs (B, T, K, 128) filled."""
    registers = np.empty((initial.shape[0], LANES))
    for block in range(outputs.shape[0]):
        for r in range(initial.shape[0]):
            for j in range(LANES):
                registers[r, j] = initial[r]
        for t in range(outputs.shape[1]):
            for p in range(instructions.shape[0]):
                op, d = instructions[p, 0], instructions[p, 1]
                a, b, c = instructions[p, 2], instructions[p, 3], instructions[p, 4]
                if op == 1:
                    for j in range(LANES):
                        registers[d, j] = registers[a, j] + registers[b, j]
                elif op == 2:
                    for j in range(LANES):
                        registers[d, j] = registers[a, j] - registers[b, j]
                elif op == 3:
                    for j in range(LANES):
                        registers[d, j] = registers[a, j] * registers[b, j]
                elif op == 4:
                    for j in range(LANES):
                        registers[d, j] = registers[a, j] / registers[b, j]
                elif op == 5:
                    for j in range(LANES):
                        x, y = registers[a, j], registers[b, j]
                        registers[d, j] = x if x <= y else y
                elif op == 6:
                    for j in range(LANES):
                        x, y = registers[a, j], registers[b, j]
                        registers[d, j] = x if x >= y else y
                elif op == 7:
                    for j in range(LANES):
                        registers[d, j] = 1.0 if registers[a, j] >= registers[b, j] else 0.0
                elif op == 8:
                    for j in range(LANES):
                        registers[d, j] = 1.0 if registers[a, j] > registers[b, j] else 0.0
                elif op == 9:
                    for j in range(LANES):
                        x, y = registers[b, j], registers[c, j]
                        registers[d, j] = x if registers[a, j] > 0.0 else y
                elif op == 10:
                    for j in range(LANES):
                        registers[d, j] = inputs[block, t, a, j]
                elif op == 11:
                    x = curves[a, t]
                    for j in range(LANES):
                        registers[d, j] = x
                elif op == 12:
                    for j in range(LANES):
                        outputs[block, t, d, j] = registers[a, j]
                else:
                    for j in range(LANES):
                        registers[d, j] = registers[a, j]
