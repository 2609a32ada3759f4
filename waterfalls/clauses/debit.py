"""debit and credit: the clause that records a deficiency on ledgers, and the claim that makes it good."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from waterfalls.claims import Claim, claims
from waterfalls.clauses.clause import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language import Need, Number, bounded, listed, named, quoted, word
from waterfalls.numbers import Held, some

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Debit(Clause):
    """Records min(cap, amount) on ledgers, each in turn up to its limit, and moves no cash.

    What exceeds every limit is recorded nowhere: it is beyond what the ledgers' classes can lose.
    """

    names: tuple[str, ...]
    amount: Number

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), *(Need("ledger", name) for name in self.names))

    def settle(self, state: State, limit: float | None) -> None:
        left = max(self.amount.settle(state), 0.0)
        if limit is not None:
            left = min(left, limit)
        for name in self.names:
            most, taken = state.plan.ledgers[name].limit, left
            if most is not None:
                taken = min(left, max(most.settle(state) - state["ledger", name], 0.0))
            state["ledger", name] += taken
            state["debited", name] += taken
            left = left - taken

    def emit(self, code: Code, limit: Value | None) -> None:
        none = code.constant(0.0)
        left = code.maximum(self.amount.emit(code), none)
        if limit is not None:
            left = code.minimum(left, limit)
        for name in self.names:
            most, taken = code.plan.ledgers[name].limit, left
            if most is not None:
                taken = code.minimum(left, code.maximum(most.emit(code) - code["ledger", name], none))
            code["ledger", name] = code["ledger", name] + taken
            code["debited", name] = code["debited", name] + taken
            left = left - taken

    def words(self) -> str:
        return self.modified_words(f"to debit {listed(list(self.names))}, in this order, with {self.amount.words()}")

    def __str__(self) -> str:
        return self.modified(f"debit({quoted(*self.names)}, amount={self.amount})")


@dataclasses.dataclass(frozen=True)
class Credit(Claim):
    """What stands to the debit of a ledger; being paid reduces it and goes into the ledger's account."""

    needs_what: ClassVar[str] = "ledger"

    def due(self, state: State) -> float:
        return state["ledger", self.name]

    def receive(self, state: State, amount: float) -> None:
        account = state.plan.ledgers[self.name].account
        state["ledger", self.name] -= amount
        state["credited", self.name] += amount
        state["account", account] += amount
        state["deposited", account] += amount

    def emit_due(self, code: Code) -> Value:
        return code["ledger", self.name]

    def emit_receive(self, code: Code, amount: Value) -> None:
        account = code.plan.ledgers[self.name].account
        code["ledger", self.name] = code["ledger", self.name] - amount
        code["credited", self.name] = code["credited", self.name] + amount
        code["account", account] = code["account", account] + amount
        code["deposited", account] = code["deposited", account] + amount

    def words(self) -> str:
        return f"what reduces the debit balance of {self.name} to zero"

    def __str__(self) -> str:
        return f"credit({self.name!r})"


@word
def debit(*names: Any, amount: Number | float) -> Debit:
    """Records an amount on ledgers, each up to its limit, in the order named: `debit('B', 'A', amount=...)`."""
    if not names:
        raise InvalidTerms(
            "debit which ledger? Name the first to bear first: debit('B', 'A', amount=receipt('losses'))"
        )
    return Debit(names=tuple(named("ledger", name) for name in names), amount=bounded(amount))


@word
def credit(*ledgers: Any) -> Any:
    """What stands to the debit of ledgers."""
    return claims("ledger", ledgers, Credit)


@word
def deficiency(*names: str) -> Number:
    """What stands to the debit of ledgers, in total."""
    return Held(("ledger",), some("ledger", names), "ledger", "deficiency", "the debit balance of")
