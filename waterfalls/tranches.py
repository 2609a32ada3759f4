"""Tranches: notes and equity, their coupons, their schedules of principal, and what falls due on them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from waterfalls.conventions import DAY_COUNTS, FLOATING_DAY_COUNTS
from waterfalls.errors import Fault, unknown
from waterfalls.terms import term

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State

Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Applied = Literal["pro rata", "in order", "inverse order"]


@term
class Fixed:
    """A fixed coupon, per annum as a decimal."""

    rate: float


@term
class Floating:
    """index + margin, within floor and cap, per annum; the index is read at the start of each accrual period."""

    index: str
    margin: float
    _: KW_ONLY
    cap: float | None = None
    floor: float | None = None


@term
class LevelPayments:
    """`count` equal payments of interest and principal from `first` on, at a rate of coupon / payments a year.

    payment = B i / (1 - (1 + i)^-n), i = rate / frequency, B the balance outstanding before the first.
    """

    first: datetime.date
    count: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    rate: float | None = None
    prepaid: Applied = "pro rata"


@term
class EqualInstalments:
    """`count` equal instalments of principal from `first` on, `share` of the notional in all."""

    first: datetime.date
    count: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    prepaid: Applied = "pro rata"


@term
class Instalments:
    """Amounts of principal by scheduled payment date."""

    amounts: Mapping[datetime.date, NotNegative]
    _: KW_ONLY
    prepaid: Applied = "pro rata"


@term
class Note:
    """A tranche of debt.

    `notional` is what was issued or committed, `balance` what is outstanding (all of it unless said), `arrears` unpaid
    interest. Without `amortisation` nothing is scheduled before legal final (`maturity`, or the deal's). A note with
    `available_until` may be drawn until then; if `revolving`, what is repaid may be drawn again. How principal paid
    beside the schedule shortens it is `prepaid` of the amortisation: pro rata, in order, or in inverse order.
    `interest_on_arrears` lets unpaid interest bear interest at the coupon.
    """

    name: str
    notional: Positive
    _: KW_ONLY
    coupon: Fixed | Floating
    balance: NotNegative | None = None
    arrears: NotNegative = 0.0
    day_count: str | None = None
    deferrable: bool = False
    interest_on_arrears: bool = False
    amortisation: LevelPayments | EqualInstalments | Instalments | None = None
    maturity: datetime.date | None = None
    available_until: datetime.date | None = None
    revolving: bool = False
    rating: str | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        day_count, balance, notional = (fields.get(name) for name in ("day_count", "balance", "notional"))
        if day_count is not None and day_count not in DAY_COUNTS:
            yield Fault("day_count", unknown("day count", day_count, DAY_COUNTS))
        if balance is not None and notional is not None and balance > notional:
            yield Fault("balance", f"must not exceed the notional {notional:,.2f}, got {balance:,.2f}")
        if fields.get("revolving") and fields.get("available_until") is None:
            yield Fault("revolving", "needs available_until, the last date on which the note may be drawn")

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
        return {
            ("balance", self.name): self.outstanding,
            ("undrawn", self.name): undrawn,
            ("owed", "interest", self.name): self.arrears,
            ("owed", "scheduled", self.name): 0.0,
        }

    def flows(self) -> tuple[tuple[str, ...], ...]:
        """The symbols that start every date at 0."""
        debts = tuple((law, kind, self.name) for law in ("accrued", "paid") for kind in ("interest", "scheduled"))
        return (*debts, ("principal", self.name), ("drawn", self.name), ("written down", self.name))

    def settle(self, state: State) -> None:
        """What falls due at this date: interest accrued since the last, scheduled principal, the balance at legal final."""
        plan = state.plan
        owed, balance = state["owed", "interest", self.name], state["balance", self.name]
        base = balance + owed if self.interest_on_arrears else balance
        accrued = base * self.rate(state) * state.curve(plan.accruals[self.name])
        state["accrued", "interest", self.name] = accrued
        state["owed", "interest", self.name] = owed + accrued

        missed = state["owed", "scheduled", self.name]
        asked = scheduled_by(self, state.curve(plan.instalments[self.name]), balance, missed)
        state["accrued", "scheduled", self.name] = asked
        final = state.curve(plan.finals[self.name]) > 0.0
        state["owed", "scheduled", self.name] = balance if final else missed + asked
        if self.available_until is not None and state.curve(plan.available[self.name]) == 0.0:
            state["undrawn", self.name] = 0.0
        elif self.revolving:
            state["undrawn", self.name] = max(self.notional - balance, 0.0)

    def rate(self, state: State) -> float:
        """The coupon of the period, per annum."""
        coupon = self.coupon
        if isinstance(coupon, Fixed):
            return coupon.rate
        rate = state.input("rate", coupon.index) + coupon.margin
        rate = rate if coupon.floor is None else max(rate, coupon.floor)
        return rate if coupon.cap is None else min(rate, coupon.cap)

    def emit(self, code: Code) -> None:
        """`settle` as instructions."""
        plan, none = code.plan, code.constant(0.0)
        owed, balance = code["owed", "interest", self.name], code["balance", self.name]
        base = balance + owed if self.interest_on_arrears else balance
        accrued = base * self.emit_rate(code) * code.curve(plan.accruals[self.name])
        code["accrued", "interest", self.name] = accrued
        code["owed", "interest", self.name] = owed + accrued

        missed, instalment = code["owed", "scheduled", self.name], code.curve(plan.instalments[self.name])
        if self.amortisation is None:
            asked = none
        elif self.amortisation.prepaid == "pro rata":
            asked = (balance - missed) * instalment
        elif self.amortisation.prepaid == "in order":
            asked = code.maximum(balance - missed - instalment, none)
        else:
            asked = code.minimum(instalment, balance - missed)
        code["accrued", "scheduled", self.name] = asked
        final = code.curve(plan.finals[self.name])
        code["owed", "scheduled", self.name] = code.select(final, balance, missed + asked)
        if self.revolving:
            code["undrawn", self.name] = code.maximum(code.constant(self.notional) - balance, none)
        if self.available_until is not None:
            open_ = code.curve(plan.available[self.name])
            code["undrawn", self.name] = code.select(open_, code["undrawn", self.name], none)

    def emit_rate(self, code: Code) -> Value:
        """`rate` as instructions."""
        coupon = self.coupon
        if isinstance(coupon, Fixed):
            return code.constant(coupon.rate)
        rate = code.input("rate", coupon.index) + code.constant(coupon.margin)
        rate = rate if coupon.floor is None else code.maximum(rate, code.constant(coupon.floor))
        return rate if coupon.cap is None else code.minimum(rate, code.constant(coupon.cap))


@term
class Equity:
    """What takes the first loss and the remainder; `commitment` is what its owner has still promised to pay in."""

    name: str
    notional: NotNegative = 0.0
    _: KW_ONLY
    commitment: NotNegative = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("balance", self.name): self.notional, ("undrawn", self.name): self.commitment}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("residual", self.name), ("drawn", self.name))


def scheduled_by(note: Note, instalment: float, balance: float, missed: float) -> float:
    """Scheduled principal falling due: what the schedule says of the balance that is not already missed.

    `instalment` is, by the note's rule for principal paid beside the schedule: pro rata, a fraction of the balance;
    in order, the balance that should remain; in inverse order, an amount.
    """
    if note.amortisation is None:
        return 0.0
    if note.amortisation.prepaid == "pro rata":
        return (balance - missed) * instalment
    if note.amortisation.prepaid == "in order":
        return max(balance - missed - instalment, 0.0)
    return min(instalment, balance - missed)


def instalments_of(note: Note, plan: Plan) -> np.ndarray:
    """What `scheduled_by` reads at each payment (T,): fractions, target balances or amounts, by the note's rule."""
    import numpy as np

    terms, schedule = note.amortisation, plan.schedule
    amounts = np.zeros(schedule.periods)
    if terms is None:
        return amounts
    start = rest = note.notional if note.available_until is not None else note.outstanding
    if isinstance(terms, Instalments):
        for date, amount in terms.amounts.items():
            if date > schedule.unadjusted[0] and schedule.at(date) < schedule.periods:
                amounts[schedule.at(date)] += amount
        if amounts.sum() > start * (1 + 1e-12):
            amounts *= start / amounts.sum()
    else:
        # a seasoned deal has some instalments behind it: they are counted by date, not paid again
        next_ = schedule.unadjusted[1]
        months = (next_.year - terms.first.year) * 12 + next_.month - terms.first.month
        left = max(terms.count - max(0, months * schedule.per_year // 12), 0)
        first = schedule.at(terms.first)
        for k in range(min(left, schedule.periods - first)):
            if isinstance(terms, LevelPayments):
                rate = terms.rate if terms.rate is not None else getattr(note.coupon, "rate", 0.0)
                i, n = rate / schedule.per_year, left - k
                amounts[first + k] = rest / n if i == 0.0 else rest * i / ((1.0 + i) ** n - 1.0)
            else:
                amounts[first + k] = min(note.notional * terms.share / terms.count, rest)
            rest -= amounts[first + k]
    if terms.prepaid == "inverse order":
        return amounts
    remaining = start - np.cumsum(amounts)
    remaining[np.abs(remaining) < 1e-12 * start] = 0.0
    if terms.prepaid == "in order":
        return remaining
    before = np.concatenate([[start], remaining[:-1]])
    return np.divide(amounts, before, out=np.zeros_like(amounts), where=before > 0.0).clip(max=1.0)
