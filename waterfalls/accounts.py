"""Accounts: reserves and traps, with what they should hold."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

import waterfalls.words  # noqa: F401  (texts are read with its words)
from waterfalls.language import Number
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State


@term
class Account:
    """Cash set aside: `target` is what it should hold (none: a trap), `rate` the income it earns a year (actual/360).

    Income is credited to the account at each payment date, on what it held since the last.
    """

    name: str
    _: KW_ONLY
    target: Number | None = None
    balance: Annotated[float, Field(ge=0.0)] = 0.0
    rate: float = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("account", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("deposited", self.name), ("withdrawn", self.name), ("income", self.name))

    def settle(self, state: State) -> None:
        """Credits the income of the period."""
        if self.rate != 0.0:
            earned = state["account", self.name] * state.curve(state.plan.accruals[self.name]) * self.rate
            state["income", self.name] = earned
            state["account", self.name] += earned

    def emit(self, code: Code) -> None:
        """The same, as instructions."""
        if self.rate != 0.0:
            earned = code["account", self.name] * code.curve(code.plan.accruals[self.name]) * code.constant(self.rate)
            code["income", self.name] = earned
            code["account", self.name] = code["account", self.name] + earned
