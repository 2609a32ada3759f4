"""Numbers that look ahead, as far as the contracts say what comes: scheduled debt service, contracted cash, what is saved.

At a payment date the future is what the terms and the contracts say: notes repay by their schedules and bear today's
index, costs and fees stay at this period's, and the collateral delivers its `contracted` cash. A forward coverage and a
make-whole stand at this date, what is due at it taken to be paid; a loan life ratio stands at the last payment date.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import lazy_loader

from waterfalls.clock.schedule import moved
from waterfalls.dates import as_date
from waterfalls.language.amounts import rate_a_year
from waterfalls.language.conditions import Always, OnOrAfter, Yearly
from waterfalls.language.expressions import Condition, Logic, Not, Number
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.numbers import reported, some
from waterfalls.language.ratios import Flow, Ratio, cash_for_debt_service
from waterfalls.language.ratios import periods as at_least_1
from waterfalls.language.vocabulary import listed, named, quoted, word

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy_loader.load("numpy")


def costs_of(plan: Contract) -> Flow:
    """Operating cost and senior fees of the period, as a negative flow."""
    return Flow(tuple((sign, key) for sign, key in cash_for_debt_service(plan) if sign < 0))


@dataclasses.dataclass(frozen=True)
class CashAhead(Number):
    """Contracted cash of the next `count` periods, less this period's costs as often."""

    count: int

    def key(self) -> tuple[str, ...]:
        return ("ahead", "contracted", str(self.count))

    def input(self, plan: Contract, contracted: np.ndarray) -> np.ndarray:
        """The sum of contracted cash over the next periods (S, T)."""
        total = np.zeros_like(contracted)
        for k in range(1, min(self.count, contracted.shape[1] - 1) + 1):
            total[:, :-k] += contracted[:, k:]
        return total

    def often(self, plan: Contract) -> np.ndarray:
        return np.minimum(self.count, plan.schedule.periods - 1 - np.arange(plan.schedule.periods)).astype(float)

    def settle(self, m: Machine) -> Value:
        costs = costs_of(m.plan).settle(m)
        return reported(m, *self.key()) + costs * m.curve(self.often(m.plan))


@dataclasses.dataclass(frozen=True)
class ServiceAhead(Number):
    """Interest and scheduled principal of notes over the next `count` periods, at today's index, balloons apart.

    Interest that is added to the balance is not due: by the dates where they alone say so, else while it is so today.
    """

    names: tuple[str, ...]
    count: int

    def settle(self, m: Machine) -> Value:
        total, there = 0.0, np.ones(m.plan.schedule.periods)
        for name in self.names:
            note = m.plan.notes_by_name[name]
            left = m["balance", name] - m["owed", "scheduled", name]
            adds = note.capitalises
            dated = None if adds is None or not said_by_dates(adds) else by_dates(adds, m.plan)
            today = None if adds is None or dated is not None else adds.settle(m)
            for k in range(1, min(self.count, len(there) - 1) + 1):  # after the last date nothing is due
                due = left * note.coupon.ahead(m, k) * m.curve(moved(m.plan.accruals[name], k))
                if adds is not None:
                    added = due * (today if dated is None else m.curve(moved(dated, k)))
                    left, due = left + added, due - added
                asked = 0.0
                if note.amortisation is not None:
                    curve = m.curve(moved(m.plan.instalments[name], k))
                    asked = note.amortisation.asked(m, name, curve, left) * m.curve(moved(there, k))
                left = left - asked
                total = total + due + asked
        return total


@dataclasses.dataclass(frozen=True)
class ForwardDscr(Ratio):
    """Contracted cash of the next periods, net of costs, over the debt service scheduled in them."""

    names: tuple[str, ...]
    count: int
    trailing: int = 1

    def terms(self, plan: Contract) -> tuple[Number, Number]:
        return CashAhead(self.count), ServiceAhead(self.names or tuple(plan.notes_by_name), self.count)

    def words(self) -> str:
        of = f" of {listed(list(self.names))}" if self.names else ""
        return f"the forward debt service coverage{of} over the next {self.count} periods"

    def __str__(self) -> str:
        names = f"{quoted(*self.names)}, " if self.names else ""
        return f"forward_dscr({names}periods={self.count})"


@word
def forward_dscr(*names: str, periods: int) -> Number:
    """Contracted cash over scheduled debt service of the named notes (all when none is named), over the next periods."""
    return ForwardDscr(tuple(named("note", name) for name in names), at_least_1(periods))


def growth_of(plan: Contract, name: str, rate: float | None) -> np.ndarray:
    """1 + rate x fraction (T,): what one grows to over each accrual period of a note, at its own coupon unless said."""
    coupon = plan.notes_by_name[name].coupon
    return 1.0 + (coupon.ladder(plan) if rate is None else rate) * plan.accruals[name]


@dataclasses.dataclass(frozen=True)
class ValueAhead(Number):
    """Value at the last payment date of cash from this one to the notes' legal final: this date's, then contracted.

    V(t-1) = (V(t) + cash(t)) / (1 + rate x fraction(t)), V = 0 at legal final; later cash is contracted cash less this
    period's costs. `rate` is the first note's coupon unless said, `fraction` is by its day count.
    """

    names: tuple[str, ...]
    rate: float | None

    def key(self) -> tuple[str, ...]:
        return ("ahead", "value", str(self.rate), *self.names)

    def growth(self, plan: Contract) -> np.ndarray:
        return growth_of(plan, self.names[0], self.rate)

    def last(self, plan: Contract) -> int:
        return max(int(np.argmax(plan.finals[name])) for name in self.names)

    def input(self, plan: Contract, contracted: np.ndarray) -> np.ndarray:
        """V of the contracted cash after each date (S, T)."""
        growth, value = self.growth(plan), np.zeros_like(contracted)
        for t in range(self.last(plan) - 1, -1, -1):
            value[:, t] = (value[:, t + 1] + contracted[:, t + 1]) / growth[t + 1]
        return value

    def annuity(self, plan: Contract) -> np.ndarray:
        return self.input(plan, np.ones((1, plan.schedule.periods)))[0]

    def discount(self, plan: Contract) -> np.ndarray:
        """From each date to the one before, 0 after legal final (T,)."""
        return np.where(np.arange(plan.schedule.periods) <= self.last(plan), 1.0 / self.growth(plan), 0.0)

    def settle(self, m: Machine) -> Value:
        later = reported(m, *self.key()) + costs_of(m.plan).settle(m) * m.curve(self.annuity(m.plan))
        return (Flow(cash_for_debt_service(m.plan)).settle(m) + later) * m.curve(self.discount(m.plan))


@dataclasses.dataclass(frozen=True)
class DebtBefore(Number):
    """What notes owed after the last payment date: their balance at determination, less what this date capitalised."""

    names: tuple[str, ...]

    def settle(self, m: Machine) -> Value:
        start, total = m.at_start(), 0.0
        for name in self.names:
            total = total + (start["balance", name] - start["capitalised", name])
        return total


@dataclasses.dataclass(frozen=True)
class LoanLife(Ratio):
    """LLCR = value of cash for debt service from this date to the notes' legal final / debt it is to repay.

    Both are as of the last payment date: V of `ValueAhead` with this date's cash in it, and the balance before anything
    is paid at this date. Debt sculpted to x thus has a ratio of x at every date, discounted at its own coupon.
    """

    reads_start: ClassVar[bool] = True
    names: tuple[str, ...]
    rate: float | None = None
    trailing: int = 1

    def terms(self, plan: Contract) -> tuple[Number, Number]:
        return ValueAhead(self.names, self.rate), DebtBefore(self.names)

    def words(self) -> str:
        at = "its coupon" if self.rate is None else f"{100 * self.rate:g} %"
        return f"the loan life coverage of {listed(list(self.names))} at {at}"

    def __str__(self) -> str:
        rate = "" if self.rate is None else f", rate={self.rate!r}"
        return f"llcr({quoted(*self.names)}{rate})"


@word
def llcr(*names: str, rate: float | None = None) -> Number:
    """Loan life coverage: cash from this date to legal final, discounted at a rate (the coupon's unless said), over debt."""
    return LoanLife(some("note", names), None if rate is None else rate_a_year(rate))


@dataclasses.dataclass(frozen=True)
class MakeWhole(Number):
    """max(0, value at `rate` of what a note would still pay - balance), paid by its schedule, and in full by `until`.

    Both are as of this date, once what is due at it is paid. Per unit of balance after t:
    v(t) = (coupon x fraction(t+1) + instalment(t+1) + (1 - instalment(t+1)) v(t+1)) / (1 + rate x fraction(t+1)),
    of interest that is added to the balance (1 + coupon x fraction(t+1)) (instalment(t+1) + ...) / (...) instead,
    so that `rate` compounds at every payment date by the note's day count, as its coupon does: at the coupon it is 0.
    """

    needs_what: ClassVar[str] = "note"
    name: str
    rate: float
    until: str | None = None

    def excess(self, plan: Contract) -> np.ndarray:
        """The value of a unit of balance after each date, less 1 and at least 0 (T,)."""
        note, T = plan.notes_by_name[self.name], plan.schedule.periods
        final = int(np.argmax(plan.finals[self.name]))
        if self.until is not None:
            final = min(final, plan.schedule.at(as_date(self.until)))
        growth = growth_of(plan, self.name, self.rate)
        coupons = note.coupon.ladder(plan) * plan.accruals[self.name]
        added = coupons * (0.0 if note.capitalises is None else by_dates(note.capitalises, plan))
        value = np.zeros(T)
        for t in range(final - 1, -1, -1):
            repaid = 1.0 if t + 1 == final else plan.instalments[self.name][t + 1]
            later = (1.0 + added[t + 1]) * (repaid + (1.0 - repaid) * value[t + 1])
            value[t] = (coupons[t + 1] - added[t + 1] + later) / growth[t + 1]
        return np.where(np.arange(T) < final, np.maximum(value - 1.0, 0.0), 0.0)

    def settle(self, m: Machine) -> Value:
        return (m["balance", self.name] - m["owed", "scheduled", self.name]) * m.curve(self.excess(m.plan))

    def words(self) -> str:
        end = as_date(self.until) if self.until else None
        until = f" to {end.day} {end:%B %Y}" if end else ""
        return f"the make-whole amount of {self.name} at {100 * self.rate:g} %{until}"

    def __str__(self) -> str:
        until = f", until={self.until!r}" if self.until else ""
        return f"make_whole({self.name!r}, rate={self.rate!r}{until})"


@word
def make_whole(name: str, *, rate: float, until: datetime.date | str | None = None) -> Number:
    """What a fixed-rate note loses when it is repaid now, at a rate: the cap of a `premium`, said before the principal."""
    return MakeWhole(named("note", name), rate_a_year(rate), None if until is None else as_date(until).isoformat())


def said_by_dates(condition: Condition) -> bool:
    """Whether dates alone say when a condition holds."""
    return all(isinstance(part, (Always, OnOrAfter, Yearly, Not, Logic)) for part in condition.walk())


def by_dates(condition: Condition, plan: Contract) -> np.ndarray:
    """Whether a condition that dates alone say holds on each payment date (T,), 1.0 or 0.0."""
    match condition:
        case OnOrAfter():
            return plan.schedule.flags_from(condition.date)
        case Yearly():
            return condition.curve(plan)
        case Not():
            return 1.0 - by_dates(condition.inner, plan)
        case Logic():
            both = by_dates(condition.left, plan), by_dates(condition.right, plan)
            return np.minimum(*both) if condition.sign == "&" else np.maximum(*both)
        case _:
            return np.ones(plan.schedule.periods)


def cannot_look_ahead(node: Any, notes: dict[str, Any]) -> str:
    """Why a number cannot look ahead on its notes; empty where it can."""
    if isinstance(node, LoanLife) and node.rate is None:
        return no_common_coupon(node, [notes[name] for name in node.names if name in notes])
    if not isinstance(node, (ForwardDscr, MakeWhole)):
        return ""
    names = node.names if isinstance(node, ForwardDscr) else (node.name,)
    for note in (notes[name] for name in names or notes if name in notes):
        known = note.amortisation is None or note.amortisation.known_ahead
        if not known or note.interest_on is not None:
            return (
                f"'{node}' looks ahead on {note.name!r}, whose debt service is not known ahead: it is sculpted or an IO"
            )
        if isinstance(node, MakeWhole):
            prepaid = getattr(note.amortisation, "prepaid", "pro rata")
            if not note.coupon.fixed or prepaid != "pro rata":
                return f"'{node}' needs a fixed coupon and a schedule shortened pro rata: say the amount as a number"
            if note.capitalises is not None and not said_by_dates(note.capitalises):
                return f"'{node}' needs to know ahead when {note.name!r} adds interest to its balance: say it by dates"
    return ""


def no_common_coupon(node: LoanLife, notes: list[Any]) -> str:
    """Why notes have no coupon of their own to be discounted at; empty where they have one."""
    coupons = {repr(note.coupon) for note in notes}
    counts = {note.day_count for note in notes}
    if all(note.coupon.fixed for note in notes) and len(coupons) == len(counts) == 1:
        return ""
    return (
        f"'{node}' discounts at one fixed coupon, and {listed([note.name for note in notes])} bear none: say rate=0.06"
    )
