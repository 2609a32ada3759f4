"""Hedges: swaps and caps, settled net at every payment date."""

from __future__ import annotations

import bisect
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any

from pydantic import Field

from waterfalls.clock.conventions import DayCount
from waterfalls.errors import Fault
from waterfalls.language.amounts import Amount
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.coupons import Fixed, Floating, Rate
from waterfalls.terms.term import term


@term
class Swap:
    """The deal pays one leg and receives the other on `notional`, which is read after the previous payment (below 0 it is 0).

    net = notional x fraction x (pay - receive). A positive net is owed to the counterparty and paid by `hedge(name)`
    in the waterfall; a negative one is received with the collections of the date. A leg left out is 0.
    """

    name: str
    _: KW_ONLY
    notional: Amount
    pay: Fixed | Floating | None = None
    receive: Fixed | Floating | None = None
    day_count: DayCount | None = None
    arrears: NotNegative = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "hedge", self.name): self.arrears}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("accrued", "hedge", self.name), ("paid", "hedge", self.name), ("received", self.name))

    def settle(self, m: Machine) -> None:
        """Nets the two legs of the period."""
        paid, received = (leg.settle(m) if leg is not None else 0.0 for leg in (self.pay, self.receive))
        base = m.max_(self.notional.settle(m), 0.0) * m.curve(m.plan.accruals[self.name])
        net = base * (paid - received)
        out, in_ = m.max_(net, 0.0), m.max_(0.0 - net, 0.0)
        m["accrued", "hedge", self.name] = out
        m["owed", "hedge", self.name] += out
        m["received", self.name] = in_
        m[("cash",)] += in_


@term
class Cap:
    """The provider pays the deal, with the collections of each date, what an index is above the strike:

        received = notional x fraction x max(index - strike, 0)

    on `notional`, which is read after the previous payment (below 0 it is 0), in the accrual periods that begin on or after `begins` and
    before `ends`. It owes nothing: its premium, where the deal pays one, is a fee.
    """

    name: str
    _: KW_ONLY
    notional: Amount
    index: str
    strike: Rate
    begins: datetime.date | None = None
    ends: datetime.date | None = None
    reset_lag: Annotated[int, Field(ge=0)] = 0
    day_count: DayCount | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        begins, ends = fields.get("begins"), fields.get("ends")
        if begins is not None and ends is not None and ends <= begins:
            yield Fault("ends", f"{ends} must come after begins {begins}")

    @property
    def pay(self) -> None:
        """The leg that the deal pays: none."""

    @property
    def receive(self) -> Floating:
        """The leg that the deal receives."""
        return Floating(self.index, -self.strike, floor=0.0, reset_lag=self.reset_lag)

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "hedge", self.name): 0.0}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("accrued", "hedge", self.name), ("paid", "hedge", self.name), ("received", self.name))

    def settle(self, m: Machine) -> None:
        """What the provider pays for the period."""
        base = m.max_(self.notional.settle(m), 0.0) * m.curve(m.plan.accruals[self.name])
        received = base * self.receive.settle(m)
        starts = m.plan.schedule.unadjusted[:-1]
        if self.begins is not None:
            received = received * m.curve(m.plan.schedule.flags_from_index(bisect.bisect_left(starts, self.begins)))
        if self.ends is not None:
            received = received * (
                1.0 - m.curve(m.plan.schedule.flags_from_index(bisect.bisect_left(starts, self.ends)))
            )
        m["accrued", "hedge", self.name] = 0.0
        m["received", self.name] = received
        m[("cash",)] += received
