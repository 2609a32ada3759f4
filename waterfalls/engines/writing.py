"""What the machines that write have in common: operators and functions that become operations of what is written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from waterfalls.language.machine import Key
    from waterfalls.plan import Plan

SIGNS = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2)}  # and how tightly each binds
WORKED: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "min": lambda a, b: np.where(b < a, b, a),
    "max": lambda a, b: np.where(b > a, b, a),
    "ge": lambda a, b: np.where(a >= b, 1.0, 0.0),
    "gt": lambda a, b: np.where(a > b, 1.0, 0.0),
    "both": lambda a, b: a * b,  # truths are 1.0 and 0.0
    "either": lambda a, b: np.where(b > a, b, a),
    "not": lambda a: 1.0 - a,
    "select": lambda mask, yes, no: np.where(mask > 0.0, yes, no),
    "ratio": lambda a, b, zero: np.where(b != 0.0, a / b, zero),
}


def worked(op: str, *given: Any) -> Any:
    """An operation on numbers that are known."""
    with np.errstate(all="ignore"):
        return WORKED[op](*map(np.float64, given))


class Written:
    """A number or a truth that is known only when what was written runs: each operator has its `machine` write it."""

    __slots__ = ()
    machine: Any

    def __add__(self, other: Any) -> Any:
        return self.machine.made("add", self, other)

    def __radd__(self, other: float) -> Any:
        return self.machine.made("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.machine.made("sub", self, other)

    def __rsub__(self, other: float) -> Any:
        return self.machine.made("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.machine.made("mul", self, other)

    def __rmul__(self, other: float) -> Any:
        return self.machine.made("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.machine.made("div", self, other)

    def __rtruediv__(self, other: float) -> Any:
        return self.machine.made("div", other, self)


class Writer:
    """One payment date of a plan while it is being written: all of a `Machine` that writers do alike."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.symbols: dict[Key, Any] = {}
        self.start = self  # as of determination
        self.told: dict[str, Any] | None = None

    def made(self, op: str, *given: Any) -> Any:
        """An operation on values: add, sub, mul, div, min, max, ge, gt, both, either, not, select or ratio."""
        raise NotImplementedError

    def __getitem__(self, key: Key) -> Any:
        return self.symbols[key]

    def ge(self, a: Any, b: Any) -> Any:
        return self.made("ge", a, b)

    def gt(self, a: Any, b: Any) -> Any:
        return self.made("gt", a, b)

    def both(self, a: Any, b: Any) -> Any:
        return self.made("both", a, b)

    def either(self, a: Any, b: Any) -> Any:
        return self.made("either", a, b)

    def not_(self, a: Any) -> Any:
        return self.made("not", a)

    def min_(self, a: Any, b: Any) -> Any:
        return self.made("min", a, b)

    def max_(self, a: Any, b: Any) -> Any:
        return self.made("max", a, b)

    def select(self, mask: Any, yes: Any, no: Any) -> Any:
        return self.made("select", mask, yes, no)

    def ratio(self, top: Any, bottom: Any, zero: float) -> Any:
        return self.made("ratio", top, bottom, zero)

    def determine(self) -> None:
        self.start = copy.copy(self)
        self.start.symbols = dict(self.symbols)
        self.start.start = self.start  # as of determination, determination is now

    def at_start(self) -> Any:
        return self.start

    def label(self, value: Any, what: str, part: Any) -> Any:
        return value

    def heading(self, part: Any) -> None:
        """Said by those who have a use for it."""
