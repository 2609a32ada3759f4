"""Coupons: the rate a note, a facility or a leg of a swap bears in a period."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Annotated, Any

import lazy_loader
from pydantic import Field

from waterfalls.errors import Fault
from waterfalls.terms import term

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State
else:
    np = lazy_loader.load("numpy")


@term
class Fixed:
    """A fixed coupon, per annum as a decimal; `step_up` is added for periods that begin on or after each date."""

    rate: float
    _: KW_ONLY
    step_up: Mapping[datetime.date, float] = field(default_factory=dict)


@term
class Floating:
    """multiple x index + margin, within floor and cap, per annum; the index is read at the start of each accrual period.

    Read off a curve, it is fixed `reset_lag` days before that start. `step_up` is added to the margin for periods that
    begin on or after each date. A `multiple` below 0 makes an inverse floater: Floating("SOFR", 0.285, multiple=-3.0).
    """

    index: str
    margin: float
    _: KW_ONLY
    multiple: float = 1.0
    cap: float | None = None
    floor: float | None = None
    reset_lag: Annotated[int, Field(ge=0)] = 0
    step_up: Mapping[datetime.date, float] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        cap, floor = fields.get("cap"), fields.get("floor")
        if cap is not None and floor is not None and cap < floor:
            yield Fault("cap", f"must not be below the floor {floor:g}, got {cap:g}")

    @property
    def source(self) -> str:
        """What its rates are called: the index, and how long before each period it is fixed."""
        return self.index if self.reset_lag == 0 else f"{self.index}, {self.reset_lag} days before"


def coupon_rate(coupon: Fixed | Floating | None, state: State) -> float:
    """The rate of the period, per annum: min(cap, max(floor, multiple x index + margin)), or the fixed rate."""
    if coupon is None:
        return 0.0
    if isinstance(coupon, Fixed):
        return state.curve(ladder(coupon, state.plan))
    index = state.input("rate", coupon.source)
    index = index if coupon.multiple == 1.0 else coupon.multiple * index
    rate = index + state.curve(ladder(coupon, state.plan))
    rate = rate if coupon.floor is None else max(rate, coupon.floor)
    return rate if coupon.cap is None else min(rate, coupon.cap)


def interest_rate(coupon: Fixed | Floating, state: State) -> float:
    """The rate that a lender earns: a floating one is never below 0, since no lender pays interest."""
    rate = coupon_rate(coupon, state)
    return rate if isinstance(coupon, Fixed) else max(rate, 0.0)


def emit_interest_rate(coupon: Fixed | Floating, code: Code) -> Value:
    """`interest_rate` as instructions."""
    rate = emit_coupon_rate(coupon, code)
    return rate if isinstance(coupon, Fixed) else code.maximum(rate, code.constant(0.0))


def emit_coupon_rate(coupon: Fixed | Floating | None, code: Code) -> Value:
    """`coupon_rate` as instructions."""
    if coupon is None:
        return code.constant(0.0)
    if isinstance(coupon, Fixed):
        return code.curve(ladder(coupon, code.plan))
    index = code.input("rate", coupon.source)
    index = index if coupon.multiple == 1.0 else code.constant(coupon.multiple) * index
    rate = index + code.curve(ladder(coupon, code.plan))
    rate = rate if coupon.floor is None else code.maximum(rate, code.constant(coupon.floor))
    return rate if coupon.cap is None else code.minimum(rate, code.constant(coupon.cap))


def ladder(coupon: Fixed | Floating, plan: Plan) -> np.ndarray:
    """The fixed part of a coupon by accrual period (T,): rate or margin, plus every step that has begun."""
    key = id(coupon)
    if key not in plan.ladders:
        base = coupon.rate if isinstance(coupon, Fixed) else coupon.margin
        curve = np.full(plan.schedule.periods, base)
        for date, step in coupon.step_up.items():
            curve += [step if begins >= date else 0.0 for begins in plan.schedule.unadjusted[:-1]]
        plan.ladders[key] = curve
    return plan.ladders[key]
