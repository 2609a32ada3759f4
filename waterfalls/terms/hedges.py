"""Hedges: swaps and caps, settled net at every payment date."""

from __future__ import annotations

from dataclasses import KW_ONLY

from waterfalls.clock.conventions import DayCount
from waterfalls.language.amounts import Amount
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.coupons import Fixed, Floating
from waterfalls.terms.term import term


@term
class Swap:
    """The deal pays one leg and receives the other on `notional`, which is read after the previous payment.

    net = notional x fraction x (pay - receive). A positive net is owed to the counterparty and paid by `hedge(name)`
    in the waterfall; a negative one is received with the collections of the date. A leg left out is 0: a cap receives
    Floating(index, -strike, floor=0.0) and pays nothing, its premium being a fee.
    """

    name: str
    _: KW_ONLY
    notional: Amount
    pay: Fixed | Floating | None = None
    receive: Fixed | Floating | None = None
    day_count: DayCount = "actual/360"
    arrears: NotNegative = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "hedge", self.name): self.arrears}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("accrued", "hedge", self.name), ("paid", "hedge", self.name), ("received", self.name))

    def settle(self, m: Machine) -> None:
        """Nets the two legs of the period."""
        paid, received = (leg.settle(m) if leg is not None else 0.0 for leg in (self.pay, self.receive))
        base = self.notional.settle(m) * m.curve(m.plan.accruals[self.name])
        net = base * (paid - received)
        out, in_ = m.max_(net, 0.0), m.max_(0.0 - net, 0.0)
        m["accrued", "hedge", self.name] = out
        m["owed", "hedge", self.name] += out
        m["received", self.name] = in_
        m[("cash",)] += in_
