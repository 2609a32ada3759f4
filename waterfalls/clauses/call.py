"""call: the clause that sells the collateral, and what depends on it having been sold."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from waterfalls.claims import Claim, claims
from waterfalls.clauses.clause import Clause
from waterfalls.language import Condition, Number, bounded, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call(Clause):
    """Sells all collateral once for min(cap, price), which joins the cash of this date; nothing arrives afterwards.

    The receipts of the date itself still stand, as of determination; from the next date on every receipt is 0.
    """

    price: Number

    def settle(self, state: State, limit: float | None) -> None:
        got = max(self.price.settle(state), 0.0)
        if limit is not None:
            got = min(got, limit)
        got = got * (1.0 - state[("called",)])
        state[("proceeds",)] += got
        state[("cash",)] += got
        state[("called",)] = 1.0
        for name in state.plan.replacements:
            state["sold", name] += state["assets", name]
            state["assets", name] = 0.0

    def emit(self, code: Code, limit: Value | None) -> None:
        none, one = code.constant(0.0), code.constant(1.0)
        got = code.maximum(self.price.emit(code), none)
        if limit is not None:
            got = code.minimum(got, limit)
        got = got * (one - code[("called",)])
        code[("proceeds",)] = code[("proceeds",)] + got
        code[("cash",)] = code[("cash",)] + got
        code[("called",)] = one
        for name in code.plan.replacements:
            code["sold", name] = code["sold", name] + code["assets", name]
            code["assets", name] = none

    def words(self) -> str:
        return self.modified_words(f"to sell the collateral for {self.price.words()}")

    def __str__(self) -> str:
        return self.modified(f"call(price={self.price})")


@dataclasses.dataclass(frozen=True)
class Called(Condition):
    """Whether the collateral has been sold, at this date or before."""

    def settle(self, state: State) -> bool:
        return state[("called",)] > 0.0

    def emit(self, code: Code) -> Value:
        return code[("called",)]

    def words(self) -> str:
        return "the collateral has been sold"

    def words_not(self) -> str:
        return "the collateral has not been sold"

    def __str__(self) -> str:
        return "called()"


@dataclasses.dataclass(frozen=True)
class Premium(Claim):
    """All the cash that the clause may use, to the holders of a note beyond what it owes: say the amount as a cap."""

    takes_all: ClassVar[bool] = True

    def due(self, state: State) -> float:
        return state.reach

    def receive(self, state: State, amount: float) -> None:
        state["premium", self.name] += amount

    def emit_due(self, code: Code) -> Value:
        return code.reach

    def emit_receive(self, code: Code, amount: Value) -> None:
        code["premium", self.name] = code["premium", self.name] + amount

    def words(self) -> str:
        return f"a premium on {self.name}"

    def __str__(self) -> str:
        return f"premium({self.name!r})"


@word
def call(*, price: Number | float) -> Call:
    """Sells the collateral at a price: `call(price=pool_balance()).when(pool_balance() < 10e6)`."""
    return Call(price=bounded(price))


@word
def called() -> Condition:
    """Whether the collateral has been sold, at this date or before."""
    return Called()


@word
def premium(*notes: Any) -> Any:
    """A premium to the holders of notes, such as make-whole; the clause's cap says how much."""
    return claims("note", notes, Premium)
