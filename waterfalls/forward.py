"""What lies ahead, as far as it can be known without foresight: scheduled debt service, contracted cash, what is saved.

At a payment date the future is what the terms and the contracts say: notes repay by their schedules and bear today's
index, costs and fees stay at this period's, and the collateral delivers its `contracted` cash. A forward coverage and a
make-whole stand at this date, what is due at it taken to be paid; a loan life ratio stands at the last payment date.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import lazy_loader

from waterfalls.amortisation import Sculpted
from waterfalls.coupons import Fixed, emit_interest_rate, interest_rate, ladder
from waterfalls.language import Need, Number, as_date, finite, listed, named, quoted, word
from waterfalls.numbers import some
from waterfalls.ratios import Flow, Ratio, cash_for_debt_service
from waterfalls.ratios import periods as at_least_1

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State
    from waterfalls.tranches import Note
else:
    np = lazy_loader.load("numpy")


def moved(curve: np.ndarray, k: int) -> np.ndarray:
    """A curve read k periods ahead (T,), 0 after the last."""
    return np.concatenate([curve[k:], np.zeros(min(k, len(curve)))])


def costs_of(plan: Plan) -> Flow:
    """Operating cost and senior fees of the period, as a negative flow."""
    return Flow(tuple((sign, key) for sign, key in cash_for_debt_service(plan) if sign < 0))


@dataclasses.dataclass(frozen=True)
class CashAhead(Number):
    """Contracted cash of the next `count` periods, less this period's costs as often."""

    count: int

    def key(self) -> tuple[str, ...]:
        return ("ahead", "contracted", str(self.count))

    def input(self, plan: Plan, contracted: np.ndarray) -> np.ndarray:
        """The sum of contracted cash over the next periods (S, T)."""
        total = np.zeros_like(contracted)
        for k in range(1, min(self.count, contracted.shape[1] - 1) + 1):
            total[:, :-k] += contracted[:, k:]
        return total

    def often(self, plan: Plan) -> np.ndarray:
        return np.minimum(self.count, plan.schedule.periods - 1 - np.arange(plan.schedule.periods)).astype(float)

    def settle(self, state: State) -> float:
        costs = costs_of(state.plan).settle(state)
        return state.input(*self.key()) + costs * state.curve(self.often(state.plan))

    def emit(self, code: Code) -> Value:
        costs = costs_of(code.plan).emit(code)
        return code.input(*self.key()) + costs * code.curve(self.often(code.plan))


@dataclasses.dataclass(frozen=True)
class ServiceAhead(Number):
    """Interest and scheduled principal of notes over the next `count` periods, at today's index, balloons apart."""

    names: tuple[str, ...]
    count: int

    def settle(self, state: State) -> float:
        total = 0.0
        for name in self.names:
            note = state.plan.notes_by_name[name]
            left = state["balance", name] - state["owed", "scheduled", name]
            rate = interest_rate(note.coupon, state)
            for k in range(1, self.count + 1):
                fixed = isinstance(note.coupon, Fixed)
                at = state.curve(moved(ladder(note.coupon, state.plan), k)) if fixed else rate
                due = left * at * state.curve(moved(state.plan.accruals[name], k))
                asked = self.asked(note, state, left, k)
                left = left - asked
                total = total + due + asked
        return total

    def asked(self, note: Note, state: State, left: float, k: int) -> float:
        if note.amortisation is None:
            return 0.0
        curve = state.curve(moved(state.plan.instalments[note.name], k))
        there = state.curve(moved(np.ones(state.plan.schedule.periods), k))
        prepaid = note.amortisation.prepaid  # type: ignore[union-attr]
        if prepaid == "pro rata":
            return left * curve
        return (max(left - curve, 0.0) if prepaid == "in order" else min(curve, left)) * there

    def emit(self, code: Code) -> Value:
        total = code.constant(0.0)
        for name in self.names:
            note = code.plan.notes_by_name[name]
            left = code["balance", name] - code["owed", "scheduled", name]
            rate = emit_interest_rate(note.coupon, code)
            for k in range(1, self.count + 1):
                fixed = isinstance(note.coupon, Fixed)
                at = code.curve(moved(ladder(note.coupon, code.plan), k)) if fixed else rate
                due = left * at * code.curve(moved(code.plan.accruals[name], k))
                asked = self.emit_asked(note, code, left, k)
                left = left - asked
                total = total + due + asked
        return total

    def emit_asked(self, note: Note, code: Code, left: Value, k: int) -> Value:
        none = code.constant(0.0)
        if note.amortisation is None:
            return none
        curve = code.curve(moved(code.plan.instalments[note.name], k))
        there = code.curve(moved(np.ones(code.plan.schedule.periods), k))
        prepaid = note.amortisation.prepaid  # type: ignore[union-attr]
        if prepaid == "pro rata":
            return left * curve
        return (code.maximum(left - curve, none) if prepaid == "in order" else code.minimum(curve, left)) * there


@dataclasses.dataclass(frozen=True)
class ForwardDscr(Ratio):
    """Contracted cash of the next periods, net of costs, over the debt service scheduled in them."""

    names: tuple[str, ...]
    count: int
    trailing: int = 1

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need("note", name) for name in self.names)

    def terms(self, plan: Plan) -> tuple[Number, Number]:
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


def growth_of(plan: Plan, name: str, rate: float | None) -> np.ndarray:
    """1 + rate x fraction (T,): what one grows to over each accrual period of a note, at its own coupon unless said."""
    coupon = plan.notes_by_name[name].coupon
    return 1.0 + (ladder(coupon, plan) if rate is None else rate) * plan.accruals[name]


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

    def growth(self, plan: Plan) -> np.ndarray:
        return growth_of(plan, self.names[0], self.rate)

    def last(self, plan: Plan) -> int:
        return max(int(np.argmax(plan.finals[name])) for name in self.names)

    def input(self, plan: Plan, contracted: np.ndarray) -> np.ndarray:
        """V of the contracted cash after each date (S, T)."""
        growth, value = self.growth(plan), np.zeros_like(contracted)
        for t in range(self.last(plan) - 1, -1, -1):
            value[:, t] = (value[:, t + 1] + contracted[:, t + 1]) / growth[t + 1]
        return value

    def annuity(self, plan: Plan) -> np.ndarray:
        return self.input(plan, np.ones((1, plan.schedule.periods)))[0]

    def discount(self, plan: Plan) -> np.ndarray:
        """From each date to the one before, 0 after legal final (T,)."""
        return np.where(np.arange(plan.schedule.periods) <= self.last(plan), 1.0 / self.growth(plan), 0.0)

    def settle(self, state: State) -> float:
        plan = state.plan
        later = state.input(*self.key()) + costs_of(plan).settle(state) * state.curve(self.annuity(plan))
        return (Flow(cash_for_debt_service(plan)).settle(state) + later) * state.curve(self.discount(plan))

    def emit(self, code: Code) -> Value:
        plan = code.plan
        later = code.input(*self.key()) + costs_of(plan).emit(code) * code.curve(self.annuity(plan))
        return (Flow(cash_for_debt_service(plan)).emit(code) + later) * code.curve(self.discount(plan))


@dataclasses.dataclass(frozen=True)
class DebtBefore(Number):
    """What notes owed after the last payment date: their balance at determination, less what this date capitalised."""

    names: tuple[str, ...]

    def settle(self, state: State) -> float:
        with state.at_start():
            total = 0.0
            for name in self.names:
                total = total + (state["balance", name] - state["capitalised", name])
        return total

    def emit(self, code: Code) -> Value:
        with code.at_start():
            total = code.constant(0.0)
            for name in self.names:
                total = total + (code["balance", name] - code["capitalised", name])
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

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need("note", name) for name in self.names)

    def terms(self, plan: Plan) -> tuple[Number, Number]:
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
    return LoanLife(some("note", names), None if rate is None else finite(rate))


@dataclasses.dataclass(frozen=True)
class MakeWhole(Number):
    """max(0, value at `rate` of what a note would still pay - balance), paid by its schedule, and in full by `until`.

    Both are as of this date, once what is due at it is paid. Per unit of balance after t:
    v(t) = (coupon x fraction(t+1) + instalment(t+1) + (1 - instalment(t+1)) v(t+1)) / (1 + rate x fraction(t+1)),
    so that `rate` compounds at every payment date by the note's day count, as its coupon does: at the coupon it is 0.
    """

    name: str
    rate: float
    until: str | None = None

    def needs(self) -> tuple[Need, ...]:
        return (Need("note", self.name),)

    def excess(self, plan: Plan) -> np.ndarray:
        """The value of a unit of balance after each date, less 1 and at least 0 (T,)."""
        note, T = plan.notes_by_name[self.name], plan.schedule.periods
        final = int(np.argmax(plan.finals[self.name]))
        if self.until is not None:
            final = min(final, plan.schedule.at(as_date(self.until)))
        growth = growth_of(plan, self.name, self.rate)
        coupons = ladder(note.coupon, plan) * plan.accruals[self.name]
        value = np.zeros(T)
        for t in range(final - 1, -1, -1):
            repaid = 1.0 if t + 1 == final else plan.instalments[self.name][t + 1]
            value[t] = (coupons[t + 1] + repaid + (1.0 - repaid) * value[t + 1]) / growth[t + 1]
        return np.where(np.arange(T) < final, np.maximum(value - 1.0, 0.0), 0.0)

    def settle(self, state: State) -> float:
        left = state["balance", self.name] - state["owed", "scheduled", self.name]
        return left * state.curve(self.excess(state.plan))

    def emit(self, code: Code) -> Value:
        left = code["balance", self.name] - code["owed", "scheduled", self.name]
        return left * code.curve(self.excess(code.plan))

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
    return MakeWhole(named("note", name), finite(rate), None if until is None else as_date(until).isoformat())


def cannot_look_ahead(node: Any, notes: dict[str, Any]) -> str:
    """Why a number cannot look ahead on its notes; empty where it can."""
    if isinstance(node, LoanLife) and node.rate is None:
        return no_common_coupon(node, [notes[name] for name in node.names if name in notes])
    if not isinstance(node, (ForwardDscr, MakeWhole)):
        return ""
    names = node.names if isinstance(node, ForwardDscr) else (node.name,)
    for note in (notes[name] for name in names or notes if name in notes):
        if isinstance(note.amortisation, Sculpted) or note.interest_on is not None:
            return (
                f"'{node}' looks ahead on {note.name!r}, whose debt service is not known ahead: it is sculpted or an IO"
            )
        if isinstance(node, MakeWhole):
            prepaid = getattr(note.amortisation, "prepaid", "pro rata")
            if not isinstance(note.coupon, Fixed) or prepaid != "pro rata":
                return f"'{node}' needs a fixed coupon and a schedule shortened pro rata: say the amount as a number"
    return ""


def no_common_coupon(node: LoanLife, notes: list[Note]) -> str:
    """Why notes have no coupon of their own to be discounted at; empty where they have one."""
    coupons = {repr(note.coupon) for note in notes}
    counts = {note.day_count for note in notes}
    if all(isinstance(note.coupon, Fixed) for note in notes) and len(coupons) == len(counts) == 1:
        return ""
    return (
        f"'{node}' discounts at one fixed coupon, and {listed([note.name for note in notes])} bear none: say rate=0.06"
    )
