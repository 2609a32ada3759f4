"""The emitter: one payment date written once as straight-line instructions over registers.

Clauses write values and symbols (`code["paid", "interest", "A"] = ...`). Every value is computed once: equal instructions
share a register, unused ones vanish, and a linear scan reuses registers. What happens only under a condition is written
inside `with code.when(mask)`; on leaving it each symbol that changed becomes a select between new and old, exactly
where the reference engine would have skipped the statement.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from waterfalls.plan import Plan

Key = tuple[str, ...]

OPCODES = ("copy", "add", "sub", "mul", "div", "min", "max", "ge", "gt", "select", "input", "curve", "store")
OP = {name: number for number, name in enumerate(OPCODES)}


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Value:
    """A number or a truth (1.0, 0.0) that the program computes; operators write instructions."""

    code: Code
    id: int

    def __add__(self, other: Value) -> Value:
        return self.code.write("add", self, other)

    def __sub__(self, other: Value) -> Value:
        return self.code.write("sub", self, other)

    def __mul__(self, other: Value) -> Value:
        return self.code.write("mul", self, other)

    def __truediv__(self, other: Value) -> Value:
        return self.code.write("div", self, other)

    def __ge__(self, other: Value) -> Value:
        return self.code.write("ge", self, other)

    def __gt__(self, other: Value) -> Value:
        return self.code.write("gt", self, other)

    def __le__(self, other: Value) -> Value:
        return self.code.write("ge", other, self)

    def __lt__(self, other: Value) -> Value:
        return self.code.write("gt", other, self)

    def __and__(self, other: Value) -> Value:
        return self.code.write("mul", self, other)  # truths are 1.0 and 0.0

    def __or__(self, other: Value) -> Value:
        return self.code.write("max", self, other)

    def __invert__(self) -> Value:
        return self.code.write("sub", self.code.constant(1.0), self)


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """What the kernel runs at every date: instructions [op, destination, a, b, c], and what the registers hold first."""

    instructions: np.ndarray  # int32 (P, 5)
    initial: np.ndarray  # float64 (R,)
    curves: np.ndarray  # float64 (C, T)
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]


class Code:
    """The program of one plan while it is being written."""

    def __init__(self, plan: Plan, inputs: Mapping[Key, np.ndarray], opening: Mapping[Key, float]) -> None:
        self.plan = plan
        self.given = inputs
        self.opening = opening
        self.nodes: list[tuple[str, tuple[int, ...], float]] = []  # (op, operands, immediate), in the order written
        self.known: dict[Hashable, Value] = {}
        self.curves: list[np.ndarray] = []
        self.inputs: list[Key] = []
        self.symbols: dict[Key, Value] = {key: self.node("home", (), i) for i, key in enumerate(opening)}
        self.start: dict[Key, Value] = {}
        self.reach: Value = self.constant(0.0)  # what the clause being written may use in all

    # values

    def node(self, op: str, operands: tuple[int, ...] = (), immediate: float = 0.0) -> Value:
        key = (op, operands, immediate)
        if key not in self.known:
            self.nodes.append(key)
            self.known[key] = Value(self, len(self.nodes) - 1)
        return self.known[key]

    def write(self, op: str, *operands: Value) -> Value:
        return self.node(op, tuple(value.id for value in operands))

    def constant(self, number: float) -> Value:
        return self.node("constant", (), number)

    def minimum(self, first: Value, *others: Value) -> Value:
        for other in others:
            first = self.write("min", first, other)
        return first

    def maximum(self, first: Value, *others: Value) -> Value:
        for other in others:
            first = self.write("max", first, other)
        return first

    def select(self, mask: Value, yes: Value, no: Value) -> Value:
        return yes if yes.id == no.id else self.write("select", mask, yes, no)

    def ratio(self, top: Value, bottom: Value, zero: float) -> Value:
        """top / bottom, and `zero` where bottom is 0."""
        none = self.constant(0.0)
        there = (bottom > none) | (none > bottom)
        return self.select(there, top / bottom, self.constant(zero))

    def curve(self, values: np.ndarray) -> Value:
        """A number that depends on the period only (T,)."""
        if np.all(values == values[0]):
            return self.constant(float(values[0]))
        for i, known in enumerate(self.curves):
            if np.array_equal(known, values):
                return self.node("curve", (), i)
        self.curves.append(np.asarray(values, np.float64))
        return self.node("curve", (), len(self.curves) - 1)

    def input(self, *key: str) -> Value:
        """A number that depends on scenario and period: a receipt, an event, a rate; absent ones are 0.

        Receipts end once the collateral is sold, and count what replacement collateral delivers.
        """
        value = self.outside(*key)
        if key[0] in ("receipt", "ahead"):
            value = value * self[("live",)] if self.plan.sells else value
            for symbol in self.plan.counted.get(key[1], ()):
                value = value + self[symbol]
        return value

    def outside(self, *key: str) -> Value:
        """What arrives from outside."""
        if key not in self.given:
            return self.constant(0.0)
        if self.given[key].shape[0] == 1:
            return self.curve(self.given[key][0])
        if key not in self.inputs:
            self.inputs.append(key)
        return self.node("input", (), self.inputs.index(key))

    # symbols

    def __getitem__(self, key: Key) -> Value:
        return self.symbols[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        self.symbols[key] = value

    @contextlib.contextmanager
    def when(self, mask: Value) -> Iterator[None]:
        """What is written inside holds only where `mask` does."""
        before = dict(self.symbols)
        yield
        for key, new in self.symbols.items():
            self.symbols[key] = self.select(mask, new, before.get(key, new))

    def determine(self) -> None:
        """Remembers the symbols as of determination."""
        self.start = dict(self.symbols)

    @contextlib.contextmanager
    def at_start(self) -> Iterator[None]:
        """What is read inside is read as of determination."""
        running, self.symbols = self.symbols, self.start
        yield
        self.symbols = running

    # the program

    def finish(self, outputs: tuple[Key, ...]) -> Program:
        """The program: dead values dropped, registers assigned, symbols stored and carried to the next date."""
        homes = {self.known["home", (), i].id: i for i in range(len(self.opening))}
        carried = [(i, self.symbols[key].id) for i, key in enumerate(self.opening)]
        stored = [(k, self.symbols[key].id) for k, key in enumerate(outputs)]
        live = {value for _, value in carried} | {value for _, value in stored}
        for id in range(len(self.nodes) - 1, -1, -1):
            if id in live:
                live.update(self.nodes[id][1])
        last = {operand: id for id in sorted(live) for operand in self.nodes[id][1]}
        last |= {value: len(self.nodes) for value in (*dict(carried).values(), *dict(stored).values())}

        register, initial = dict(homes), list(self.opening.values())
        for id in sorted(live):
            if self.nodes[id][0] == "constant":
                register[id] = len(initial)
                initial.append(self.nodes[id][2])
        lines: list[tuple[int, int, int, int, int]] = []
        free: list[int] = []

        def take() -> int:
            if not free:
                initial.append(0.0)
                free.append(len(initial) - 1)
            return free.pop()

        for id in sorted(live - register.keys()):
            op, operands, immediate = self.nodes[id]
            register[id] = take()  # before the operands are freed: a destination never aliases a source
            a, b, c = (*(register[operand] for operand in operands), 0, 0, 0)[:3]
            lines.append((OP[op], register[id], int(immediate) if op in ("input", "curve") else a, b, c))
            for operand in set(operands):
                if last[operand] == id and self.nodes[operand][0] not in ("home", "constant"):
                    free.append(register[operand])
        lines += [(OP["store"], k, register[value], 0, 0) for k, value in stored]
        crossing = {value for home, value in carried if value in homes and homes[value] != home}
        for value in crossing:  # a home read by another home's move must survive being overwritten
            copy = take()
            lines.append((OP["copy"], copy, register[value], 0, 0))
            register[value] = copy
        lines += [(OP["copy"], i, register[v], 0, 0) for i, v in carried if register[v] != i]
        T = self.plan.schedule.periods
        curves = np.array(self.curves).reshape(len(self.curves), T)
        return Program(np.array(lines, np.int32), np.array(initial), curves, tuple(self.inputs), outputs)
