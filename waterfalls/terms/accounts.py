"""Accounts: reserves and traps, with what they should hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any

from pydantic import Field

from waterfalls.clock.conventions import DayCount
from waterfalls.errors import Fault
from waterfalls.language.amounts import Amount
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.coupons import Floating
from waterfalls.terms.term import term


@term
class Account:
    """Cash set aside: `target` is what it should hold (none: a trap), `rate` the income it earns a year by `day_count`,
    fixed or floating.

    Income is credited to the account at each payment date, on what it held since the last, or on `income_on`: what comes
    in evenly over a period is held for half of it, `held('collections') + 0.5 * interest_collections()`. With `stays`
    no clause has to take its cash out.
    """

    name: str
    _: KW_ONLY
    target: Amount | None = None
    balance: NotNegative = 0.0
    rate: Annotated[float, Field(ge=-0.5, le=1.0)] | Floating = 0.0
    day_count: DayCount | None = None
    income_on: Amount | None = None
    stays: bool = False

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if fields.get("income_on") is not None and not fields.get("rate"):
            yield Fault("income_on", "goes with rate, what it earns a year")

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("account", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("deposited", self.name), ("withdrawn", self.name), ("income", self.name))

    def settle(self, m: Machine) -> None:
        """Credits the income of the period."""
        if self.rate != 0.0:
            held = m["account", self.name] if self.income_on is None else m.max_(self.income_on.settle(m), 0.0)
            rate = self.rate.settle(m) if isinstance(self.rate, Floating) else self.rate
            earned = held * m.curve(m.plan.accruals[self.name]) * rate
            if self.income_on is not None or isinstance(self.rate, Floating):  # which may cost more than there is
                earned = m.max_(earned, 0.0 - m["account", self.name])
            m["income", self.name] = earned
            m["account", self.name] += earned
