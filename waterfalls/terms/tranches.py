"""Tranches: notes and equity, and what falls due on them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

import lazy_loader
from pydantic import Field

from waterfalls.clock.conventions import DayCount, usual_day_count
from waterfalls.clock.schedule import Schedule
from waterfalls.errors import Fault
from waterfalls.language.amounts import Amount
from waterfalls.language.expressions import Condition
from waterfalls.language.machine import Machine
from waterfalls.terms.amortisation import EqualInstalments, Instalments, LevelPayments, Sculpted
from waterfalls.terms.bounded_numbers import NotNegative, Positive, Share
from waterfalls.terms.coupons import Coupon, Fixed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy_loader.load("numpy")


@term
class Note:
    """A tranche of debt.

    Interest that is not `deferrable` and stays unpaid on more than `grace` payment dates in a row is an event of
    default. `notional` is what was issued or committed, `balance` what is outstanding (all of it unless said), `arrears` unpaid
    interest; `interest_on_arrears` lets arrears bear interest at the coupon, or at a coupon of its own. Unpaid interest
    that `lapses` is owed no more after the date, and is no default. Interest accrues on the balance, or on `interest_on`
    (an IO); while `capitalises` holds it is added to the balance instead of falling due (PIK, zero-coupon,
    accrual until release). Without `amortisation` nothing is scheduled before legal final (`maturity`, or the deal's);
    how principal paid beside the schedule shortens it is the schedule's `prepaid`. A note with `available_until` may be
    drawn until then; if `revolving`, what is repaid may be drawn again. From its anticipated repayment date on, a note
    with `additional_rate` owes `additional_interest` too, which defers without default.
    """

    name: str
    notional: Positive
    _: KW_ONLY
    coupon: Coupon
    balance: NotNegative | None = None
    arrears: NotNegative = 0.0
    day_count: DayCount | None = None
    deferrable: bool = False
    grace: Annotated[int, Field(ge=0)] = 0
    interest_on_arrears: bool | Coupon = False
    lapses: bool = False
    interest_on: Amount | None = None
    capitalises: Condition | None = None
    amortisation: LevelPayments | EqualInstalments | Instalments | Sculpted | None = None
    anticipated_repayment: datetime.date | None = None
    additional_rate: Share = 0.0
    maturity: datetime.date | None = None
    available_until: datetime.date | None = None
    revolving: bool = False
    rating: str | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        balance, notional = (fields.get(name) for name in ("balance", "notional"))
        if balance is not None and notional is not None and balance > notional:
            yield Fault("balance", f"must not exceed the notional {notional:,.2f}, got {balance:,.2f}")
        if fields.get("revolving") and fields.get("available_until") is None:
            yield Fault("revolving", "needs available_until, the last date on which the note may be drawn")
        if fields.get("additional_rate") and fields.get("anticipated_repayment") is None:
            yield Fault("additional_rate", "needs anticipated_repayment, the date from which it accrues")
        if fields.get("lapses"):
            for name in ("interest_on_arrears", "grace"):
                if fields.get(name):
                    yield Fault(name, "goes with interest that stays owed, and this lapses")
        level, coupon = fields.get("amortisation"), fields.get("coupon")
        if (
            isinstance(level, LevelPayments)
            and level.rate is None
            and coupon is not None
            and not isinstance(coupon, Fixed)
        ):
            yield Fault(
                "amortisation", "level payments of a floating note need a rate of their own: LevelPayments(rate=)"
            )

    @property
    def outstanding(self) -> float:
        """The balance at the start."""
        return self.notional if self.balance is None else self.balance

    def day_count_in(self, currency: str) -> str:
        """The day count said, or the market's: fixed 30/360, floating as its currency's index does (USD and EUR actual/360, GBP and JPY actual/365F)."""
        return self.day_count or usual_day_count(currency, fixed=isinstance(self.coupon, Fixed))

    def instalments(self, schedule: Schedule) -> np.ndarray:
        """What the schedule of principal goes by (T,)."""
        if self.amortisation is None:
            return np.zeros(schedule.periods)
        start = self.notional if self.available_until is not None else self.outstanding
        return self.amortisation.curve(schedule, start, self.notional, getattr(self.coupon, "rate", 0.0))

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
        debts += tuple(("lapsed", kind, self.name) for kind in kinds if self.lapses and kind != "scheduled")
        changes = ("principal", "drawn", "capitalised", "written down", "written up")
        return (*debts, *((change, self.name) for change in changes))

    def settle(self, m: Machine) -> None:
        """What falls due at this date: interest since the last, scheduled principal, the balance at legal final."""
        plan, name = m.plan, self.name
        fraction = m.curve(plan.accruals[name])
        owed, balance = m["owed", "interest", name], m["balance", name]
        if name not in plan.accrue_first:
            self.accrue(m)
        accrued = m["accrued", "interest", name]
        m["owed", "interest", name] = owed + accrued
        if self.capitalises is not None:
            added = self.capitalises.settle(m)
            m["owed", "interest", name] = m.select(added, owed, owed + accrued)
            m["capitalised", name] = m.select(added, accrued, 0.0)
            balance = m.select(added, balance + accrued, balance)
            m["balance", name] = balance
        if self.additional_rate:
            unpaid, arrears = m["owed", "additional", name], self.interest_on_arrears
            base = balance + unpaid if arrears is True else balance
            more = base * self.additional_rate * fraction * m.curve(plan.anticipated[name])
            more = more if isinstance(arrears, bool) else more + unpaid * arrears.borne(m) * fraction
            m["accrued", "additional", name] = more
            m["owed", "additional", name] = unpaid + more

        missed = m.min_(m["owed", "scheduled", name], balance)  # a write-down may have taken what was missed
        terms, left = self.amortisation, balance - missed
        asked = 0.0 if terms is None else terms.asked(m, name, m.curve(plan.instalments[name]), left)
        m["accrued", "scheduled", name] = asked
        final = m.curve(plan.finals[name])
        m["owed", "scheduled", name] = m.select(final, balance, missed + asked)

    def accrue(self, m: Machine) -> None:
        """The interest of the period."""
        owed, arrears = m["owed", "interest", self.name], self.interest_on_arrears
        fraction = m.curve(m.plan.accruals[self.name])
        base = m["balance", self.name] if self.interest_on is None else m.max_(self.interest_on.settle(m), 0.0)
        base = base + owed if arrears is True else base
        accrued = base * self.coupon.borne(m) * fraction
        accrued = accrued if isinstance(arrears, bool) else accrued + owed * arrears.borne(m) * fraction
        m["accrued", "interest", self.name] = accrued

    def open(self, m: Machine) -> None:
        """What may be drawn at this date, before anything falls due: fees are charged on it."""
        name = self.name
        if self.revolving:
            used = m["balance", name] + m["lost", name]  # what was written down is not repaid
            m["undrawn", name] = m.max_(self.notional - used, 0.0)
        if self.available_until is not None:
            m["undrawn", name] = m.select(m.curve(m.plan.available[name]), m["undrawn", name], 0.0)


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

    def settle(self, m: Machine) -> None:
        """Nothing falls due on equity."""
