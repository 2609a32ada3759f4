"""call: the clause that sells the collateral, and what depends on it having been sold."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.claims import Claim, claims
from waterfalls.clauses.waterfall import Clause
from waterfalls.language.amounts import as_amount
from waterfalls.language.conditions import Flag
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call(Clause):
    """Sells all collateral once for min(cap, price), which joins the cash of this date; nothing arrives afterwards.

    The receipts of the date itself still stand, as of determination; from the next date on every receipt is 0.
    """

    brings_cash: ClassVar[bool] = True
    price: Number

    def settle(self, m: Machine, limit: Value | None) -> None:
        got = self.at_most(m, m.max_(self.price.settle(m), 0.0), limit) * (1.0 - m[("called",)])
        m[("proceeds",)] += got
        m[("cash",)] += got
        m[("called",)] = 1.0
        for name in m.plan.replacements:
            m["sold", name] += m["assets", name]
            m["assets", name] = 0.0

    def words(self) -> str:
        return self.modified_words(f"to sell the collateral for {self.price.words()}")

    def __str__(self) -> str:
        return self.modified(f"call(price={self.price})")


@dataclasses.dataclass(frozen=True)
class Premium(Claim):
    """All the cash that the clause may use, to the holders of a note beyond what it owes: say the amount as a cap."""

    takes_all: ClassVar[bool] = True
    text: ClassVar[str] = "premium"
    said: ClassVar[str] = "a premium on {}"

    def receive(self, m: Machine, amount: Value) -> None:
        m["premium", self.name] += amount


CALLED = Flag(("called",), "called()", "the collateral has been sold", "the collateral has not been sold")


@word
def call(*, price: Number | float) -> Call:
    """Sells the collateral at a price: `call(price=pool_balance()).when(pool_balance() < 10e6)`."""
    return Call(price=as_amount(price))


@word
def called() -> Condition:
    """Whether the collateral has been sold, at this date or before."""
    return CALLED


@word
def premium(*notes: Any) -> Any:
    """A premium to the holders of notes, such as make-whole; the clause's cap says how much."""
    return claims("note", notes, Premium)
