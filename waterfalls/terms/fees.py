"""Fees of trustees, servicers and managers: an amount a year, a rate on a number, or an amount each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Any

from waterfalls.clock.conventions import DayCount
from waterfalls.errors import Fault
from waterfalls.language.amounts import Amount
from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative, Share
from waterfalls.terms.term import term


@term
class Fee:
    """An amount a year, a rate a year on a number, or an amount each time; rates accrue between payment dates.

    `on`, `amount` and `when` are read when fees fall due: the collateral as of determination, notes after the previous payment. `amount`, which may be a number such as `0.01 * receipt('recoveries')`, falls due at every date at which `when` holds (at every date without it); `when` also switches
    the other kinds: `yearly('01-01')` each January. If it `lapses`, what a date leaves unpaid is owed no more.
    """

    name: str
    _: KW_ONLY
    annual: NotNegative | None = None
    rate: Share | None = None
    on: Amount | None = None
    amount: Amount | None = None
    when: Condition | None = None
    day_count: DayCount = "30/360"
    arrears: NotNegative = 0.0
    lapses: bool = False

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        annual, rate, amount, on = (fields.get(name) for name in ("annual", "rate", "amount", "on"))
        if sum(given is not None for given in (annual, rate, amount)) != 1:
            yield Fault(
                "", "say one of annual= (an amount a year), rate= with on= (what it is a rate of), amount= (each time)"
            )
        elif (rate is None) != (on is None):
            yield Fault("on", "goes with rate: on=pool_balance(), on=balance('A')")

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "fee", self.name): self.arrears}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        laws = ("accrued", "paid", "lapsed") if self.lapses else ("accrued", "paid")
        return tuple((law, "fee", self.name) for law in laws)

    def settle(self, m: Machine) -> None:
        """What falls due at this date."""
        fraction = m.curve(m.plan.accruals[self.name])
        if self.amount is not None:
            accrued = m.max_(self.amount.settle(m), 0.0)
        elif self.on is not None and self.rate is not None:
            accrued = m.max_(self.on.settle(m), 0.0) * self.rate * fraction
        else:
            accrued = (self.annual or 0.0) * fraction
        if self.when is not None:
            accrued = m.select(self.when.settle(m), accrued, 0.0)
        m["accrued", "fee", self.name] = accrued
        m["owed", "fee", self.name] += accrued
