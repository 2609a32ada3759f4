"""Triggers: state that a test switches on, and consecutive passes switch off."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated

from pydantic import Field

from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Machine
from waterfalls.terms.term import term


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

    def settle(self, m: Machine) -> None:
        """Tests the trigger at determination."""
        failed = m.label(self.test.settle(m), "test", self.test)
        on, passes = m["trigger", self.name], m["passes", self.name]
        counted = m.curve(m.plan.schedule.flags_from_index(m.plan.histories[self.name]))
        better = passes + 1.0
        if self.cured_by is not None:
            better = m.select(self.cured_by.settle(m), better, 0.0)
        more = m.select(counted, better, passes)
        if not self.latch:
            cured = m.both(counted, m.ge(more, float(self.cure)))
            on = m.select(cured, 0.0, on)
        m["trigger", self.name] = m.select(failed, 1.0, on)
        m["passes", self.name] = m.select(failed, 0.0, more)
