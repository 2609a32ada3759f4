"""Fees: what the deal pays its servants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

import waterfalls.numbers  # noqa: F401  (the text of `on` is read with its words)
from waterfalls.errors import Fault
from waterfalls.language import Number
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State

@term
class Fee:
    """An amount a year, or a rate a year on a number; it accrues by the fraction of a year between payment dates.

    `on` is read at determination: the collateral as of then, notes and accounts after the previous payment.
    """

    name: str
    _: KW_ONLY
    annual: Annotated[float, Field(ge=0.0)] | None = None
    rate: Annotated[float, Field(ge=0.0)] | None = None
    on: Number | None = None
    day_count: str = "30/360"
    arrears: Annotated[float, Field(ge=0.0)] = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        annual, rate, on = (fields.get(name) for name in ("annual", "rate", "on"))
        if (annual is None) == (rate is None):
            yield Fault("", "say either annual= (an amount a year) or rate= with on= (what it is a rate of)")
        elif (rate is None) != (on is None):
            yield Fault("on", "goes with rate: on=pool_balance(), on=balance('A')")

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "fee", self.name): self.arrears}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("accrued", "fee", self.name), ("paid", "fee", self.name))

    def settle(self, state: State) -> None:
        """What falls due at this date."""
        base = self.on.settle(state) * self.rate if self.on is not None and self.rate is not None else self.annual
        accrued = base * state.curve(state.plan.accruals[self.name])
        state["accrued", "fee", self.name] = accrued
        state["owed", "fee", self.name] += accrued

    def emit(self, code: Code) -> None:
        """The same, as instructions."""
        if self.on is not None and self.rate is not None:
            base = self.on.emit(code) * code.constant(self.rate)
        else:
            base = code.constant(self.annual or 0.0)
        accrued = base * code.curve(code.plan.accruals[self.name])
        code["accrued", "fee", self.name] = accrued
        code["owed", "fee", self.name] = code["owed", "fee", self.name] + accrued
