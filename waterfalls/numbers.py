"""Observables: the numbers and conditions that clauses, caps, targets and tests read.

Each reads the running state where it stands; `at_start(x)` reads it as of determination.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from typing import TYPE_CHECKING, Any

from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.fields import FIELDS
from waterfalls.language import Condition, Need, Number, as_date, listed, named, number, quoted, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True)
class Held(Number):
    """A symbol of the state, summed over names: balances, accounts, amounts owed."""

    symbol: tuple[str, ...]
    names: tuple[str, ...]
    what: str
    text: str
    said: str

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need(self.what, name) for name in self.names)

    def settle(self, state: State) -> float:
        total = state[*self.symbol, self.names[0]]
        for name in self.names[1:]:
            total = total + state[*self.symbol, name]
        return total

    def emit(self, code: Code) -> Value:
        total = code[*self.symbol, self.names[0]]
        for name in self.names[1:]:
            total = total + code[*self.symbol, name]
        return total

    def words(self) -> str:
        return f"{self.said} {listed(list(self.names))}"

    def __str__(self) -> str:
        return f"{self.text}({quoted(*self.names)})"


@word
def balance(*names: str) -> Number:
    """The outstanding balance of tranches and facilities, in total."""
    return Held(("balance",), some("tranche", names), "balance", "balance", "the balance of")


@word
def held(*names: str) -> Number:
    """What stands to the credit of accounts, in total."""
    return Held(("account",), some("account", names), "account", "held", "the amount in")


@word
def interest_due(*names: str) -> Number:
    """Interest on notes that is due and not yet paid, arrears included."""
    return Held(("owed", "interest"), some("note", names), "note", "interest_due", "the interest due on")


@word
def expense_due(name: str) -> Number:
    """What is owed to vendors and not yet paid: 'operating' or 'construction'."""
    return Held(("owed", "expense"), (named("expense", name),), "expense", "expense_due", "what is owed for")


@word
def undrawn(*names: str) -> Number:
    """The commitment of notes that may still be drawn, in total."""
    return Held(("undrawn",), some("note", names), "note", "undrawn", "the undrawn commitment of")


@dataclasses.dataclass(frozen=True)
class Receipt(Number):
    """What the collateral reports for the collection period."""

    name: str

    def settle(self, state: State) -> float:
        return state.input("receipt", self.name)

    def emit(self, code: Code) -> Value:
        return code.input("receipt", self.name)

    def words(self) -> str:
        return f"the collateral's {self.name.replace('_', ' ')} for the period"

    def __str__(self) -> str:
        return {"pool_balance": "pool_balance()", "defaulted_balance": "defaulted_balance()"}.get(
            self.name, f"receipt({self.name!r})"
        )


@word
def receipt(name: str) -> Number:
    """Any field that the collateral reports, for this collection period."""
    if name not in FIELDS:
        raise UnknownName("receipt", name, FIELDS)
    return Receipt(name)


@word
def pool_balance() -> Number:
    """The performing balance of the collateral at the end of the collection period."""
    return Receipt("pool_balance")


@word
def defaulted_balance() -> Number:
    """The defaulted balance that is not yet recovered or lost."""
    return Receipt("defaulted_balance")


@dataclasses.dataclass(frozen=True)
class Collections(Number):
    """The sum of some receipts of the period, in the order named."""

    word: str
    fields: tuple[str, ...]

    def settle(self, state: State) -> float:
        total = state.input("receipt", self.fields[0])
        for name in self.fields[1:]:
            total = total + state.input("receipt", name)
        return total

    def emit(self, code: Code) -> Value:
        total = code.input("receipt", self.fields[0])
        for name in self.fields[1:]:
            total = total + code.input("receipt", name)
        return total

    def words(self) -> str:
        return f"the {self.word.replace('_', ' ')} of the period"

    def __str__(self) -> str:
        return f"{self.word}()"


@word
def principal_collections() -> Number:
    """Scheduled and prepaid principal, recoveries and resale proceeds of the period."""
    return Collections("principal_collections", ("principal", "prepayments", "recoveries", "resale"))


@word
def interest_collections() -> Number:
    """Interest and revenue of the period."""
    return Collections("interest_collections", ("interest", "revenue"))


@dataclasses.dataclass(frozen=True)
class Cash(Number):
    """What is left in the collection account at this clause."""

    def settle(self, state: State) -> float:
        return state[("cash",)]

    def emit(self, code: Code) -> Value:
        return code[("cash",)]

    def words(self) -> str:
        return "the cash remaining"

    def __str__(self) -> str:
        return "cash()"


@word
def cash() -> Number:
    """What is left in the collection account at this clause."""
    return Cash()


class Ratio(Number):
    """top / bottom, over the last `trailing` periods in sum; infinite when nothing is owed, so that no debt passes.

    A trailing ratio is not tested before it has its periods: it counts neither as a failure nor as a cure.
    """

    trailing: int
    label: str

    def terms(self, plan: Plan) -> tuple[Number, Number]:
        """The two numbers divided."""
        raise NotImplementedError

    def settle(self, state: State) -> float:
        top, bottom = (side.settle(state) for side in self.terms(state.plan))
        for lag in range(1, self.trailing):
            top = top + state["past", str(self), "top", str(lag)]
            bottom = bottom + state["past", str(self), "bottom", str(lag)]
        return top / bottom if bottom != 0.0 else math.inf

    def emit(self, code: Code) -> Value:
        top, bottom = (side.emit(code) for side in self.terms(code.plan))
        for lag in range(1, self.trailing):
            top = top + code["past", str(self), "top", str(lag)]
            bottom = bottom + code["past", str(self), "bottom", str(lag)]
        return code.ratio(top, bottom, math.inf)

    def words_of(self, what: str) -> str:
        return what + (f" over the last {self.trailing} periods" if self.trailing > 1 else "")


@dataclasses.dataclass(frozen=True)
class Dscr(Ratio):
    """(revenue + interest - operating cost - senior fees) / (interest + scheduled principal due, net of hedges).

    Of the period: arrears, sweeps, the balloon at legal final and releases of reserves do not count. Senior fees are
    those that the waterfall pays before the first interest.
    """

    names: tuple[str, ...]
    trailing: int = 1

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need("note", name) for name in self.names)

    def terms(self, plan: Plan) -> tuple[Number, Number]:
        return Flow(cash_for_debt_service(plan)), Flow(debt_service(plan, self.names or plan.notes_by_name))

    def words(self) -> str:
        return self.words_of(
            f"the debt service coverage of {listed(list(self.names))}" if self.names else "the debt service coverage"
        )

    def __str__(self) -> str:
        return f"dscr({quoted(*self.names, trailing=self.trailing if self.trailing > 1 else None)})"


Signed = tuple[tuple[float, tuple[str, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Flow(Number):
    """A signed sum of symbols and inputs: the plumbing of ratios."""

    items: Signed

    def settle(self, state: State) -> float:
        total = 0.0
        for sign, key in self.items:
            value = state.input(*key) if key[0] == "receipt" else state[key]
            total = total + value if sign > 0 else total - value
        return total

    def emit(self, code: Code) -> Value:
        total = code.constant(0.0)
        for sign, key in self.items:
            value = code.input(*key) if key[0] == "receipt" else code[key]
            total = total + value if sign > 0 else total - value
        return total


def cash_for_debt_service(plan: Plan) -> Signed:
    """Revenue and interest less operating cost and senior fees, of the period."""
    cash_in = ((1.0, ("receipt", "revenue")), (1.0, ("receipt", "interest")), (-1.0, ("receipt", "operating_cost")))
    return cash_in + tuple((-1.0, ("accrued", "fee", fee)) for fee in plan.senior_fees)


def debt_service(plan: Plan, names: tuple[str, ...] | dict) -> Signed:
    """Interest and scheduled principal falling due on notes, and what hedges cost net, of the period."""
    debt = tuple((1.0, ("accrued", kind, name)) for name in names for kind in ("interest", "scheduled"))
    hedges = tuple(
        item for name in plan.hedges for item in ((1.0, ("accrued", "hedge", name)), (-1.0, ("received", name)))
    )
    return debt + hedges


@word
def dscr(*names: str, trailing: int = 1) -> Number:
    """Debt service coverage of the named notes (all notes when none is named), over the last `trailing` periods."""
    return Dscr(tuple(named("note", name) for name in names), periods(trailing))


@dataclasses.dataclass(frozen=True)
class Coverage(Ratio):
    """A stock or a flow of the collateral over what the notes down to and including the named one are owed."""

    word: str
    name: str
    trailing: int = 1

    def needs(self) -> tuple[Need, ...]:
        return (Need("note", self.name),)

    def terms(self, plan: Plan) -> tuple[Number, Number]:
        notes = plan.down_to(self.name)
        if self.word == "oc_ratio":
            return receipt("pool_balance"), balance(*notes)
        if self.word == "ltv":
            return balance(*notes), receipt("value")
        return Flow(cash_for_debt_service(plan)), Flow(tuple((1.0, ("accrued", "interest", note)) for note in notes))

    def words(self) -> str:
        said = {
            "oc_ratio": "the overcollateralisation",
            "ic_ratio": "the interest coverage",
            "ltv": "the loan to value",
        }
        return self.words_of(f"{said[self.word]} of {self.name}")

    def __str__(self) -> str:
        return f"{self.word}({quoted(self.name, trailing=self.trailing if self.trailing > 1 else None)})"


@word
def oc_ratio(name: str) -> Number:
    """Performing pool balance over the balance of the notes down to and including the named one."""
    return Coverage("oc_ratio", named("note", name))


@word
def ic_ratio(name: str, *, trailing: int = 1) -> Number:
    """Cash for debt service over the interest of the period on the notes down to and including the named one."""
    return Coverage("ic_ratio", named("note", name), periods(trailing))


@word
def ltv(name: str) -> Number:
    """Balance of the notes down to and including the named one over the collateral's value."""
    return Coverage("ltv", named("note", name))


@dataclasses.dataclass(frozen=True)
class Divided(Number):
    """top / bottom, and `zero` where bottom is 0."""

    top: Number
    bottom: Number
    zero: float

    def settle(self, state: State) -> float:
        top, bottom = self.top.settle(state), self.bottom.settle(state)
        return top / bottom if bottom != 0.0 else self.zero

    def emit(self, code: Code) -> Value:
        return code.ratio(self.top.emit(code), self.bottom.emit(code), self.zero)

    def words(self) -> str:
        return f"the ratio of {self.top.words()} to {self.bottom.words()}"

    def __str__(self) -> str:
        return f"ratio({self.top}, {self.bottom}, zero={number(self.zero)})"


@word
def ratio(top: Number | float, bottom: Number | float, *, zero: float) -> Number:
    """top / bottom, and `zero` where bottom is 0."""
    return Divided(number(top), number(bottom), float(zero))


@dataclasses.dataclass(frozen=True)
class Extreme(Number):
    """The least or the greatest of some numbers."""

    word: str
    items: tuple[Number, ...]

    def settle(self, state: State) -> float:
        values = [item.settle(state) for item in self.items]
        return min(values) if self.word == "min_" else max(values)

    def emit(self, code: Code) -> Value:
        values = [item.emit(code) for item in self.items]
        return code.minimum(*values) if self.word == "min_" else code.maximum(*values)

    def words(self) -> str:
        return (
            f"the {'least' if self.word == 'min_' else 'greatest'} of {listed([item.words() for item in self.items])}"
        )

    def __str__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.items))})"


@word
def min_(*items: Number | float) -> Number:
    """The least of some numbers."""
    return Extreme("min_", tuple(map(number, items)))


@word
def max_(*items: Number | float) -> Number:
    """The greatest of some numbers."""
    return Extreme("max_", tuple(map(number, items)))


@dataclasses.dataclass(frozen=True)
class AtStart(Number):
    """A number as of determination: before any clause of the date was paid."""

    inner: Number

    def settle(self, state: State) -> float:
        with state.at_start():
            return self.inner.settle(state)

    def emit(self, code: Code) -> Value:
        with code.at_start():
            return self.inner.emit(code)

    def words(self) -> str:
        return f"{self.inner.words()} as of determination"

    def __str__(self) -> str:
        return f"at_start({self.inner})"


@word
def at_start(inner: Number) -> Number:
    """A number as of determination: before any clause of the date was paid."""
    return AtStart(number(inner))


@dataclasses.dataclass(frozen=True)
class Tripped(Condition):
    """Whether a trigger is on: decided at determination and fixed for the date."""

    name: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("trigger", self.name),)

    def settle(self, state: State) -> bool:
        return state["trigger", self.name] > 0.0

    def emit(self, code: Code) -> Value:
        return code["trigger", self.name]

    def words(self) -> str:
        return f"the {self.name} trigger is on"

    def words_not(self) -> str:
        return f"the {self.name} trigger is off"

    def __str__(self) -> str:
        return f"trigger({self.name!r})"


@word
def trigger(name: str) -> Condition:
    """Whether a trigger is on."""
    return Tripped(named("trigger", name))


@dataclasses.dataclass(frozen=True)
class Event(Condition):
    """A flag of the scenario, such as a contract breach, in the collection period."""

    name: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("event", self.name),)

    def settle(self, state: State) -> bool:
        return state.input("event", self.name) > 0.0

    def emit(self, code: Code) -> Value:
        return code.input("event", self.name)

    def words(self) -> str:
        return f"a {self.name} has occurred"

    def words_not(self) -> str:
        return f"no {self.name} has occurred"

    def __str__(self) -> str:
        return f"event({self.name!r})"


@word
def event(name: str) -> Condition:
    """A flag that the collateral reports, such as a contract breach."""
    return Event(named("event", name))


@dataclasses.dataclass(frozen=True)
class Defaulted(Condition):
    """Whether an event of default has occurred: non-deferrable interest unpaid, or a balance at legal final."""

    def settle(self, state: State) -> bool:
        return state[("event of default",)] > 0.0

    def emit(self, code: Code) -> Value:
        return code[("event of default",)]

    def words(self) -> str:
        return "an event of default has occurred"

    def words_not(self) -> str:
        return "no event of default has occurred"

    def __str__(self) -> str:
        return "event_of_default()"


@word
def event_of_default() -> Condition:
    """Whether non-deferrable interest went unpaid or a balance stood at legal final, now or before."""
    return Defaulted()


@dataclasses.dataclass(frozen=True)
class OnOrAfter(Condition):
    """Whether the scheduled payment date is on or after a date."""

    date: datetime.date

    def settle(self, state: State) -> bool:
        return state.t >= state.plan.schedule.at(self.date)

    def emit(self, code: Code) -> Value:
        return code.curve(code.plan.schedule.flags_from(self.date))

    def words(self) -> str:
        return f"the payment date falls on or after {self.date.day} {self.date:%B %Y}"

    def words_not(self) -> str:
        return f"the payment date falls before {self.date.day} {self.date:%B %Y}"

    def __str__(self) -> str:
        return f"on_or_after({self.date.isoformat()!r})"


@word
def on_or_after(date: datetime.date | str) -> Condition:
    """Whether the scheduled (unadjusted) payment date is on or after a date."""
    return OnOrAfter(as_date(date))


@dataclasses.dataclass(frozen=True)
class Always(Condition):
    """Always true."""

    def settle(self, state: State) -> bool:
        return True

    def emit(self, code: Code) -> Value:
        return code.constant(1.0)

    def words(self) -> str:
        return "always"

    def __str__(self) -> str:
        return "always()"


@word
def always() -> Condition:
    """Always true."""
    return Always()


@dataclasses.dataclass(frozen=True)
class Stepped(Number):
    """A number that changes on scheduled payment dates: each value holds from its date on, `first` before them."""

    first: float
    steps: tuple[tuple[str, float], ...]

    def curve(self, plan: Plan) -> Any:
        """The values by payment date (T,)."""
        values = plan.schedule.flags_from_index(0) * self.first
        for date, value in self.steps:
            begun = plan.schedule.flags_from(as_date(date))
            values = values * (1.0 - begun) + value * begun
        return values

    def settle(self, state: State) -> float:
        return state.curve(self.curve(state.plan))

    def emit(self, code: Code) -> Value:
        return code.curve(self.curve(code.plan))

    def words(self) -> str:
        return f"{number(self.first).words()}, then {listed([f'{value:g} from {date}' for date, value in self.steps])}"

    def __str__(self) -> str:
        return f"stepped({number(self.first)}, {dict(self.steps)})"


@word
def stepped(first: float, steps: dict[str, float]) -> Number:
    """A number that changes on dates: `stepped(1.35, {'2028-05-30': 1.45})`."""
    ordered = sorted((as_date(date).isoformat(), float(value)) for date, value in steps.items())
    return Stepped(float(first), tuple(ordered))


class Kept(Number):
    """A number with a memory of its own, one symbol that is updated at the end of every date."""

    @property
    def key(self) -> tuple[str, ...]:
        return ("kept", str(self))

    def first(self, plan: Plan) -> float:
        """What is remembered before the first date."""
        raise NotImplementedError

    def keep(self, state: State) -> None:
        """Updates the memory at the end of a date."""
        state[self.key] = self.settle(state)

    def emit_keep(self, code: Code) -> None:
        """`keep` as instructions."""
        code[self.key] = self.emit(code)


@dataclasses.dataclass(frozen=True)
class Cumulative(Kept):
    """The sum of a receipt over all collection periods so far, this one included."""

    name: str

    def first(self, plan: Plan) -> float:
        return 0.0

    def settle(self, state: State) -> float:
        return state[self.key] + state.input("receipt", self.name)

    def emit(self, code: Code) -> Value:
        return code[self.key] + code.input("receipt", self.name)

    def words(self) -> str:
        return f"the cumulative {self.name.replace('_', ' ')}"

    def __str__(self) -> str:
        return f"cumulative({self.name!r})"


@word
def cumulative(name: str) -> Number:
    """The sum of a receipt over all collection periods so far: `cumulative('losses')`."""
    return Cumulative(receipt(name).name)  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True)
class Hurdle(Kept):
    """What an equity must still receive for its holders to have earned `irr` a year on what they paid in.

    H(0) = notional; H(t) = H(t-1) (1 + irr)^fraction + drawn - received, Actual/365F; what it reads is max(0, H).
    """

    name: str
    irr: float

    def needs(self) -> tuple[Need, ...]:
        return (Need("equity", self.name),)

    def growth(self, plan: Plan) -> Any:
        return (1.0 + self.irr) ** plan.schedule.accruals("actual/365F")

    def first(self, plan: Plan) -> float:
        return plan.tranches[self.name].notional

    def settle(self, state: State) -> float:
        return max(self.left(state), 0.0)

    def left(self, state: State) -> float:
        grown = state[self.key] * state.curve(self.growth(state.plan))
        return grown + state["drawn", self.name] - state["residual", self.name]

    def emit(self, code: Code) -> Value:
        return code.maximum(self.emit_left(code), code.constant(0.0))

    def emit_left(self, code: Code) -> Value:
        grown = code[self.key] * code.curve(self.growth(code.plan))
        return grown + code["drawn", self.name] - code["residual", self.name]

    def keep(self, state: State) -> None:
        state[self.key] = self.left(state)

    def emit_keep(self, code: Code) -> None:
        code[self.key] = self.emit_left(code)

    def words(self) -> str:
        return f"what {self.name} lacks to a return of {100 * self.irr:g} % a year"

    def __str__(self) -> str:
        return f"hurdle({self.name!r}, irr={self.irr!r})"


@word
def hurdle(name: str, *, irr: float) -> Number:
    """What an equity must still receive for its holders to have earned `irr` a year: `.capped(hurdle('E', irr=0.12))`."""
    return Hurdle(named("equity", name), float(irr))


def some(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """At least one name."""
    if not names:
        raise InvalidTerms(f"at least one {what} must be named")
    return tuple(named(what, name) for name in names)


def periods(count: int) -> int:
    """A whole number of periods, at least 1."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InvalidTerms(f"trailing must be a whole number of periods, at least 1, got {count!r}")
    return count
