"""Hedges: swaps and caps, settled net at every payment date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

import waterfalls.words  # noqa: F401  (texts are read with its words)
from waterfalls.conventions import odd_day_count
from waterfalls.coupons import Fixed, Floating, coupon_rate, emit_coupon_rate
from waterfalls.errors import Fault
from waterfalls.language import Number
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State


@term
class Swap:
    """The deal pays one leg and receives the other on `notional`, which is read after the previous payment.

    net = notional x fraction x (pay - receive). A positive net is owed to the counterparty and paid by `hedge(name)`
    in the waterfall; a negative one is received with the collections of the date. A leg left out is 0: a cap receives
    Floating(index, -strike, floor=0.0) and pays nothing, its premium being a fee.
    """

    name: str
    _: KW_ONLY
    notional: Number
    pay: Fixed | Floating | None = None
    receive: Fixed | Floating | None = None
    day_count: str = "actual/360"
    arrears: Annotated[float, Field(ge=0.0)] = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from odd_day_count(fields)

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("owed", "hedge", self.name): self.arrears}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("accrued", "hedge", self.name), ("paid", "hedge", self.name), ("received", self.name))

    def settle(self, state: State) -> None:
        """Nets the two legs of the period."""
        paid, received = coupon_rate(self.pay, state), coupon_rate(self.receive, state)
        base = self.notional.settle(state) * state.curve(state.plan.accruals[self.name])
        net = base * (paid - received)
        state["accrued", "hedge", self.name] = max(net, 0.0)
        state["owed", "hedge", self.name] += max(net, 0.0)
        state["received", self.name] = max(0.0 - net, 0.0)
        state[("cash",)] += max(0.0 - net, 0.0)

    def emit(self, code: Code) -> None:
        """The same, as instructions."""
        none = code.constant(0.0)
        paid, received = emit_coupon_rate(self.pay, code), emit_coupon_rate(self.receive, code)
        base = self.notional.emit(code) * code.curve(code.plan.accruals[self.name])
        net = base * (paid - received)
        out, in_ = code.maximum(net, none), code.maximum(none - net, none)
        code["accrued", "hedge", self.name] = out
        code["owed", "hedge", self.name] = code["owed", "hedge", self.name] + out
        code["received", self.name] = in_
        code[("cash",)] = code[("cash",)] + in_
