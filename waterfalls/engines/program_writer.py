"""The program writer: a machine that writes one payment date as the instructions of a program.

Clauses write values and symbols (`code["paid", "interest", "A"] = ...`). Equal values are computed once, and what depends
on the period only is computed here and now. What happens only under a condition is written inside `with
code.when(mask)`; on leaving it each symbol that changed becomes a choice between new and old, exactly where the reference
engine would have skipped the statement. A value is that of the reference engine to the bit, but for the sign of a zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from waterfalls.engines.program import Key, Node, Program, program_of
from waterfalls.engines.writing import Writer, Written, worked

if TYPE_CHECKING:
    from waterfalls.plan import Plan

ALIKE = frozenset({"add", "mul"})  # a op b = b op a, to the bit


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Value(Written):
    """A number or a truth (1.0, 0.0) that the program computes; operators write instructions."""

    machine: Code
    id: int


class Code(Writer):
    """The values of one plan's payment date while they are being written: a `Machine`."""

    def __init__(self, plan: Plan, inputs: Mapping[Key, np.ndarray | None], opening: Mapping[Key, float]) -> None:
        """`inputs` are those that there are, and of one that is alike in every scenario its row (T,)."""
        super().__init__(plan)
        self.given = inputs
        self.opening = opening
        self.nodes: list[Node] = []  # in the order written
        self.known: dict[Hashable, Value] = {}
        self.curves: dict[bytes, np.ndarray] = {}  # each once
        self.scalars: dict[int, Any] = {}  # constants and curves, by node
        self.inputs: list[Key] = []
        self.symbols = {key: self.node("home", (), i) for i, key in enumerate(opening)}
        self.before = dict(self.symbols)
        self.changed: dict[Key, Value | None] = {}  # what symbols were before the condition that is being written
        self.zero, self.one = self.constant(0.0), self.constant(1.0)

    # values

    def node(self, op: str, operands: tuple[int, ...] = (), immediate: float = 0.0) -> Value:
        key = (op, operands[::-1] if op in ALIKE and operands[0] > operands[1] else operands, immediate)
        value = self.known.get(key)
        if value is None:
            value = self.known[key] = Value(self, len(self.nodes))
            self.nodes.append((op, operands, immediate))
        return value

    def value(self, given: Value | float) -> Value:
        """A value, also of a number written out."""
        return given if isinstance(given, Value) else self.constant(float(given))

    def made(self, op: str, *given: Value | float) -> Value:
        """An operation on values, computed here where the operands are known."""
        operands = [self.value(operand) for operand in given]
        ids = tuple([value.id for value in operands])
        if ids[0] in self.scalars and all(id in self.scalars for id in ids):
            return self.scalar(worked(op, *(self.scalars[id] for id in ids)))
        zero, one = self.zero.id, self.one.id
        if op in ("add", "sub") and ids[1] == zero:
            return operands[0]
        if op == "add" and ids[0] == zero:
            return operands[1]
        if op == "mul" and one in ids:
            return operands[1] if ids[0] == one else operands[0]
        return self.node(op, ids)

    def constant(self, number: float) -> Value:
        value = self.node("constant", (), number)
        self.scalars[value.id] = number
        return value

    def both(self, a: Value | float, b: Value | float) -> Value:
        return self.made("mul", a, b)  # truths are 1.0 and 0.0

    def either(self, a: Value | float, b: Value | float) -> Value:
        return self.made("max", a, b)

    def not_(self, a: Value | float) -> Value:
        return self.made("sub", 1.0, a)

    def select(self, mask: Value | float, yes: Value | float, no: Value | float) -> Value:
        """`yes` where the mask holds, else `no`.

        What only adds to `no` or takes from it is masked at the amount, so that all that one payment changes shares
        one choice: where the mask does not hold, no + 0 and no - 0 are `no`.
        """
        mask, yes, no = self.value(mask), self.value(yes), self.value(no)
        if yes.id == no.id:
            return yes
        fixed = self.scalars.get(mask.id)
        if isinstance(fixed, float):
            return yes if fixed > 0.0 else no
        steps: list[tuple[str, int]] = []
        base = yes.id
        while base != no.id and self.nodes[base][0] in ("add", "sub"):
            op, (base, amount), _ = self.nodes[base]
            steps.append((op, amount))
        if base != no.id or no.id == self.zero.id:
            return self.made("select", mask, yes, no)
        for op, amount in reversed(steps):
            no = self.made(op, no, self.made("select", mask, Value(self, amount), self.zero))
        return no

    def curve(self, values: np.ndarray) -> Value:
        """A number that depends on the period only (T,)."""
        values = np.asarray(values, np.float64)
        if (values == values[0]).all():
            return self.constant(float(values[0]))
        text = values.tobytes()
        number = list(self.curves).index(text) if text in self.curves else len(self.curves)
        value = self.node("curve", (), number)
        self.scalars[value.id] = self.curves.setdefault(text, values)
        return value

    def scalar(self, values: Any) -> Value:
        """A constant, or a number that depends on the period only."""
        return self.curve(values) if np.ndim(values) else self.constant(float(values))

    def input(self, *key: str) -> Value:
        if key not in self.given:
            return self.zero
        if (row := self.given[key]) is not None:
            return self.curve(row)
        if key not in self.inputs:
            self.inputs.append(key)
        return self.node("input", (), self.inputs.index(key))

    # symbols

    def __setitem__(self, key: Key, value: Value | float) -> None:
        self.changed.setdefault(key, self.symbols.get(key))
        self.symbols[key] = self.value(value)

    def when(self, mask: Value | float) -> Iterator[None]:
        outer, self.changed = self.changed, {}
        yield
        changed, self.changed = self.changed, outer
        for key, old in changed.items():
            outer.setdefault(key, old)
            if old is not None:
                self.symbols[key] = self.select(mask, self.symbols[key], old)

    # the program

    def positive(self, symbols: Collection[Key]) -> list[bool]:
        """Which nodes cannot be negative where no symbol given was before the date.

        Of differences these are what is left of an amount once at most all of it was taken: a - min(a, b).
        """
        sure: list[bool] = []  # by node
        tested = {self.before[key].id for key in symbols if key in self.before}
        for id, (op, operands, _) in enumerate(self.nodes):
            if id in self.scalars:
                sure.append(bool(np.min(self.scalars[id]) >= 0.0))
            elif op in ("home", "input"):
                sure.append(id in tested)
            elif op in ("ge", "gt"):
                sure.append(True)
            elif op == "sub":
                sure.append(sure[operands[0]] and self.within(operands[1], operands[0]))
            elif op == "max":
                sure.append(sure[operands[0]] or sure[operands[1]])
            else:  # of a choice, what is chosen
                sure.append(all(sure[operand] for operand in operands[op == "select" :]))
        return sure

    def within(self, part: int, whole: int) -> bool:
        """Whether a node is another, the least of it and others, or one of these where a mask holds and else 0."""
        op, operands, _ = self.nodes[part]
        if op == "min":
            return any(self.within(operand, whole) for operand in operands)
        if op == "select" and operands[2] == self.zero.id:
            return self.within(operands[1], whole)
        return part == whole

    def finish(self, outputs: Collection[Key], carried: Collection[Key]) -> Program:
        """The program that stores `outputs` at every date and has the `carried` symbols ready after the last."""
        homes = [(self.before[key].id, self.symbols[key].id, first) for key, first in self.opening.items()]
        numbers = {key: i for i, key in enumerate(self.opening)}
        curves = np.array([*self.curves.values()]).reshape(len(self.curves), self.plan.schedule.periods)
        stored = {key: self.symbols[key].id for key in outputs}
        wanted = {key: numbers[key] for key in carried}
        return program_of(self.nodes, homes, stored, wanted, tuple(self.inputs), curves)
