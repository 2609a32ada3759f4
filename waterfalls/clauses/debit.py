"""debit and credit: the clause that records a deficiency on ledgers, and the claim that makes it good."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.claims import Claim, claims
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language.amounts import as_amount
from waterfalls.language.expressions import Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.numbers import Held, some
from waterfalls.language.vocabulary import listed, named, quoted, word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Debit(Clause):
    """Records min(cap, amount) on ledgers, each in turn up to its limit, and moves no cash.

    What exceeds every limit is recorded nowhere: it is beyond what the ledgers' classes can lose.
    """

    needs_what: ClassVar[str] = "ledger"
    names: tuple[str, ...]
    amount: Number

    def settle(self, m: Machine, limit: Value | None) -> None:
        left = self.at_most(m, m.max_(self.amount.settle(m), 0.0), limit)
        for name in self.names:
            most, taken = m.plan.ledgers[name].limit, left
            if most is not None:
                taken = m.min_(left, m.max_(most.settle(m) - m["ledger", name], 0.0))
            m["ledger", name] += taken
            m["debited", name] += taken
            left = left - taken

    def words(self) -> str:
        return self.modified_words(f"to debit {listed(list(self.names))}, in this order, with {self.amount.words()}")

    def __str__(self) -> str:
        return self.modified(f"debit({quoted(*self.names)}, amount={self.amount})")


@dataclasses.dataclass(frozen=True)
class Credit(Claim):
    """What stands to the debit of a ledger; being paid reduces it and goes into the ledger's account."""

    needs_what: ClassVar[str] = "ledger"
    text: ClassVar[str] = "credit"
    said: ClassVar[str] = "what reduces the debit balance of {} to zero"

    def due(self, m: Machine) -> Value:
        return m["ledger", self.name]

    def receive(self, m: Machine, amount: Value) -> None:
        account = m.plan.ledgers[self.name].account
        m["ledger", self.name] -= amount
        m["credited", self.name] += amount
        m["account", account] += amount
        m["deposited", account] += amount


@word
def debit(*names: Any, amount: Number | float) -> Debit:
    """Records an amount on ledgers, each up to its limit, in the order named: `debit('B', 'A', amount=...)`."""
    if not names:
        raise InvalidTerms(
            "debit which ledger? Name the first to bear first: debit('B', 'A', amount=receipt('losses'))"
        )
    return Debit(names=tuple(named("ledger", name) for name in names), amount=as_amount(amount))


@word
def credit(*ledgers: Any) -> Any:
    """What stands to the debit of ledgers."""
    return claims("ledger", ledgers, Credit)


@word
def deficiency(*names: str) -> Number:
    """What stands to the debit of ledgers, in total."""
    return Held(("ledger",), some("ledger", names), "ledger", "deficiency", "the debit balance of")
