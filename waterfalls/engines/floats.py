"""The reference engine: a machine of plain floats, one scenario and one date after another.

It runs small cases and `explain`, and is what the kernel is held against to the bit. The symbols are the machine's own
items, values are Python's floats, and a comparison or a least is Python's own function, which is what makes it quick.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping

import numpy as np

from waterfalls.engines.one_date import settle_date
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

ONCE, NEVER = (None,), ()


class Floats(dict[Key, float]):
    """The symbols of one scenario at the date with index `t`: a `Machine`."""

    def __init__(self, plan: Plan, inputs: Mapping[Key, np.ndarray], s: int) -> None:
        super().__init__(plan.opening)
        self.plan = plan
        self.s = s
        self.t = 0
        self.rows = {key: array[s if len(array) > 1 else 0].tolist() for key, array in inputs.items()}
        self.told: dict[str, float] | None = None
        self.start = self  # as of determination, where anything reads it so

    def copy(self) -> Floats:
        """The machine as it stands."""
        made = Floats.__new__(Floats)
        made.update(self)
        made.__dict__ |= self.__dict__
        return made

    def input(self, *key: str) -> float:
        row = self.rows.get(key)
        return 0.0 if row is None else row[self.t]

    def curve(self, values: np.ndarray) -> float:
        return values.item(self.t)

    ge = staticmethod(operator.ge)
    gt = staticmethod(operator.gt)
    not_ = staticmethod(operator.not_)
    min_ = staticmethod(min)
    max_ = staticmethod(max)

    @staticmethod
    def both(a: float, b: float) -> float:
        return a and b

    @staticmethod
    def either(a: float, b: float) -> float:
        return a or b

    @staticmethod
    def select(mask: float, yes: float, no: float) -> float:
        return yes if mask else no

    @staticmethod
    def ratio(top: float, bottom: float, zero: float) -> float:
        return top / bottom if bottom != 0.0 else zero

    @staticmethod
    def when(mask: float) -> Iterable[None]:
        return ONCE if mask else NEVER

    def determine(self) -> None:
        if self.plan.reads_start:
            self.start = self.copy()
            self.start.start = self.start  # as of determination, determination is now

    def at_start(self) -> Floats:
        return self.start

    @staticmethod
    def label(value: float, what: str, part: object) -> float:
        return value

    def heading(self, part: object) -> None:
        """Floats need none."""


def execute(plan: Plan, inputs: Mapping[Key, np.ndarray], scenarios: int) -> np.ndarray:
    """Every output (S, T, K) of a plan, one scenario and one date after another."""
    results = np.empty((scenarios, plan.schedule.periods, len(plan.outputs)))
    read = operator.itemgetter(*plan.outputs)
    for s in range(scenarios):
        m = Floats(plan, inputs, s)
        for t in range(plan.schedule.periods):
            m.t = t
            settle_date(m, plan)
            results[s, t] = read(m)
    return results
