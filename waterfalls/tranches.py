"""Tranches: notes and equity, and what falls due on them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from waterfalls.amortisation import EqualInstalments, Instalments, LevelPayments, Sculpted, asked_of, emit_asked
from waterfalls.conventions import FLOATING_DAY_COUNTS, odd_day_count
from waterfalls.coupons import Fixed, Floating, emit_interest_rate, interest_rate
from waterfalls.errors import Fault
from waterfalls.language import Condition, Number
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State

Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


@term
class Note:
    """A tranche of debt.

    Interest that is not `deferrable` and stays unpaid on more than `grace` payment dates in a row is an event of
    default. `notional` is what was issued or committed, `balance` what is outstanding (all of it unless said), `arrears` unpaid
    interest; `interest_on_arrears` lets arrears bear interest at the coupon. Interest accrues on the balance, or on
    `interest_on` (an IO); while `capitalises` holds it is added to the balance instead of falling due (PIK, zero-coupon,
    accrual until release). Without `amortisation` nothing is scheduled before legal final (`maturity`, or the deal's);
    how principal paid beside the schedule shortens it is the schedule's `prepaid`. A note with `available_until` may be
    drawn until then; if `revolving`, what is repaid may be drawn again. From its anticipated repayment date on, a note
    with `additional_rate` owes `additional_interest` too, which defers without default.
    """

    name: str
    notional: Positive
    _: KW_ONLY
    coupon: Fixed | Floating
    balance: NotNegative | None = None
    arrears: NotNegative = 0.0
    day_count: str | None = None
    deferrable: bool = False
    grace: Annotated[int, Field(ge=0)] = 0
    interest_on_arrears: bool = False
    interest_on: Number | None = None
    capitalises: Condition | None = None
    amortisation: LevelPayments | EqualInstalments | Instalments | Sculpted | None = None
    anticipated_repayment: datetime.date | None = None
    additional_rate: NotNegative = 0.0
    maturity: datetime.date | None = None
    available_until: datetime.date | None = None
    revolving: bool = False
    rating: str | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from odd_day_count(fields)
        balance, notional = (fields.get(name) for name in ("balance", "notional"))
        if balance is not None and notional is not None and balance > notional:
            yield Fault("balance", f"must not exceed the notional {notional:,.2f}, got {balance:,.2f}")
        if fields.get("revolving") and fields.get("available_until") is None:
            yield Fault("revolving", "needs available_until, the last date on which the note may be drawn")
        if fields.get("additional_rate") and fields.get("anticipated_repayment") is None:
            yield Fault("additional_rate", "needs anticipated_repayment, the date from which it accrues")

    @property
    def outstanding(self) -> float:
        """The balance at the start."""
        return self.notional if self.balance is None else self.balance

    def day_count_in(self, currency: str) -> str:
        """The day count said, or the market's: fixed 30/360, floating actual/360 (GBP actual/365F)."""
        usual = "30/360" if isinstance(self.coupon, Fixed) else FLOATING_DAY_COUNTS.get(currency, "actual/360")
        return self.day_count or usual

    def opening(self) -> dict[tuple[str, ...], float]:
        """The symbols of the note at the start."""
        undrawn = self.notional - self.outstanding if self.available_until is not None else 0.0
        symbols = {
            ("balance", self.name): self.outstanding,
            ("undrawn", self.name): undrawn,
            ("lost", self.name): 0.0,
            ("owed", "interest", self.name): self.arrears,
            ("owed", "scheduled", self.name): 0.0,
        }
        symbols |= {("unpaid dates", self.name): 0.0} if self.grace and not self.deferrable else {}
        return symbols | ({("owed", "additional", self.name): 0.0} if self.additional_rate else {})

    def flows(self) -> tuple[tuple[str, ...], ...]:
        """The symbols that start every date at 0."""
        kinds = ("interest", "scheduled", *(("additional",) if self.additional_rate else ()))
        debts = tuple((law, kind, self.name) for law in ("accrued", "paid") for kind in kinds)
        changes = ("principal", "drawn", "capitalised", "written down", "written up")
        return (*debts, *((change, self.name) for change in changes))

    def settle(self, state: State) -> None:
        """What falls due at this date: interest since the last, scheduled principal, the balance at legal final."""
        plan, name = state.plan, self.name
        fraction = state.curve(plan.accruals[name])
        owed, balance = state["owed", "interest", name], state["balance", name]
        base = balance if self.interest_on is None else self.interest_on.settle(state)
        base = base + owed if self.interest_on_arrears else base
        accrued = base * interest_rate(self.coupon, state) * fraction
        state["accrued", "interest", name] = accrued
        if self.capitalises is not None and self.capitalises.settle(state):
            state["capitalised", name] = accrued
            state["balance", name] = balance = balance + accrued
        else:
            state["owed", "interest", name] = owed + accrued
        if self.additional_rate:
            unpaid = state["owed", "additional", name]
            base = balance + unpaid if self.interest_on_arrears else balance
            more = base * self.additional_rate * fraction * state.curve(plan.anticipated[name])
            state["accrued", "additional", name] = more
            state["owed", "additional", name] = unpaid + more

        missed = min(state["owed", "scheduled", name], balance)  # a write-down may have taken what was missed
        asked = asked_of(self, state, balance, missed)
        state["accrued", "scheduled", name] = asked
        final = state.curve(plan.finals[name]) > 0.0
        state["owed", "scheduled", name] = balance if final else missed + asked

    def open(self, state: State) -> None:
        """What may be drawn at this date, before anything falls due: fees are charged on it."""
        if self.available_until is not None and state.curve(state.plan.available[self.name]) == 0.0:
            state["undrawn", self.name] = 0.0
        elif self.revolving:
            used = state["balance", self.name] + state["lost", self.name]  # what was written down is not repaid
            state["undrawn", self.name] = max(self.notional - used, 0.0)

    def emit_open(self, code: Code) -> None:
        """`open` as instructions."""
        name, none = self.name, code.constant(0.0)
        if self.revolving:
            used = code["balance", name] + code["lost", name]
            code["undrawn", name] = code.maximum(code.constant(self.notional) - used, none)
        if self.available_until is not None:
            code["undrawn", name] = code.select(code.curve(code.plan.available[name]), code["undrawn", name], none)

    def emit(self, code: Code) -> None:
        """`settle` as instructions."""
        plan, name, none = code.plan, self.name, code.constant(0.0)
        fraction = code.curve(plan.accruals[name])
        owed, balance = code["owed", "interest", name], code["balance", name]
        base = balance if self.interest_on is None else self.interest_on.emit(code)
        base = base + owed if self.interest_on_arrears else base
        accrued = base * emit_interest_rate(self.coupon, code) * fraction
        code["accrued", "interest", name] = accrued
        code["owed", "interest", name] = owed + accrued
        if self.capitalises is not None:
            added = self.capitalises.emit(code)
            code["owed", "interest", name] = code.select(added, owed, owed + accrued)
            code["capitalised", name] = code.select(added, accrued, none)
            balance = code.select(added, balance + accrued, balance)
            code["balance", name] = balance
        if self.additional_rate:
            unpaid = code["owed", "additional", name]
            base = balance + unpaid if self.interest_on_arrears else balance
            more = base * code.constant(self.additional_rate) * fraction * code.curve(plan.anticipated[name])
            code["accrued", "additional", name] = more
            code["owed", "additional", name] = unpaid + more

        missed = code.minimum(code["owed", "scheduled", name], balance)
        asked = emit_asked(self, code, balance, missed)
        code["accrued", "scheduled", name] = asked
        final = code.curve(plan.finals[name])
        code["owed", "scheduled", name] = code.select(final, balance, missed + asked)


@term
class Equity:
    """What takes the first loss and the remainder; `commitment` is what its owner has still promised to pay in."""

    name: str
    notional: NotNegative = 0.0
    _: KW_ONLY
    commitment: NotNegative = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {
            ("balance", self.name): self.notional,
            ("undrawn", self.name): self.commitment,
            ("lost", self.name): 0.0,
        }

    def flows(self) -> tuple[tuple[str, ...], ...]:
        changes = ("residual", "principal", "drawn", "written down", "written up")
        return tuple((change, self.name) for change in changes)

    def settle(self, state: State) -> None:
        """Nothing falls due on equity."""

    def emit(self, code: Code) -> None:
        """Nothing falls due on equity."""
