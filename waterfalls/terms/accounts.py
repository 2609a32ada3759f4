"""Accounts: reserves and traps, with what they should hold."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated

from pydantic import Field

from waterfalls.language.amounts import Amount
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import term


@term
class Account:
    """Cash set aside: `target` is what it should hold (none: a trap), `rate` the income it earns a year (actual/360).

    Income is credited to the account at each payment date, on what it held since the last.
    """

    name: str
    _: KW_ONLY
    target: Amount | None = None
    balance: NotNegative = 0.0
    rate: Annotated[float, Field(ge=-0.5, le=1.0)] = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("account", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("deposited", self.name), ("withdrawn", self.name), ("income", self.name))

    def settle(self, m: Machine) -> None:
        """Credits the income of the period."""
        if self.rate != 0.0:
            earned = m["account", self.name] * m.curve(m.plan.accruals[self.name]) * self.rate
            m["income", self.name] = earned
            m["account", self.name] += earned
