"""Triggers: state that a test switches on, and consecutive passes switch off."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

import waterfalls.words  # noqa: F401  (texts are read with its words)
from waterfalls.language import Condition
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State


@term
class Trigger:
    """On when `test` holds at determination; off again after `cure` consecutive determinations at which it does not.

    Where the cure asks for more than that, `cured_by` has to hold at each of them: trapped below 1.20, cured at 1.25. `latch` keeps it on for good; `on` is its state when the deal is picked up. It is state only: what follows from it
    stands in the waterfall as `.when(trigger(...))`.
    """

    name: str
    _: KW_ONLY
    test: Condition
    cure: Annotated[int, Field(ge=1)] = 1
    cured_by: Condition | None = None
    latch: bool = False
    on: bool = False

    @property
    def tests(self) -> tuple[Condition, ...]:
        """What the trigger reads."""
        return (self.test,) if self.cured_by is None else (self.test, self.cured_by)

    def settle(self, state: State) -> None:
        """Tests the trigger at determination."""
        on, passes = state["trigger", self.name], state["passes", self.name]
        if self.test.settle(state):
            on, passes = 1.0, 0.0
        elif state.t >= state.plan.histories[self.name]:
            passes = passes + 1.0 if self.cured_by is None or self.cured_by.settle(state) else 0.0
            if not self.latch and passes >= self.cure:
                on = 0.0
        state["trigger", self.name], state["passes", self.name] = on, passes

    def emit(self, code: Code) -> None:
        """The same, as instructions."""
        one, none = code.constant(1.0), code.constant(0.0)
        failed, on, passes = self.test.emit(code), code["trigger", self.name], code["passes", self.name]
        counted = code.curve(code.plan.schedule.flags_from_index(code.plan.histories[self.name]))
        better = passes + one
        if self.cured_by is not None:
            better = code.select(self.cured_by.emit(code), better, none)
        more = code.select(counted, better, passes)
        if not self.latch:
            cured = counted & (more >= code.constant(float(self.cure)))
            on = code.select(cured, none, on)
        code["trigger", self.name] = code.select(failed, one, on)
        code["passes", self.name] = code.select(failed, none, more)
