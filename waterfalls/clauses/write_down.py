"""write_down and write_up: the clauses that allocate losses to balances, and give them back."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language.amounts import as_amount
from waterfalls.language.expressions import Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import listed, named, quoted, word


@dataclasses.dataclass(frozen=True, kw_only=True)
class WriteDown(Clause):
    """Reduces balances by min(cap, amount) in all, each tranche in turn as far as it goes, and moves no cash.

    `direction` down takes from the balance, up gives back what was written down before.
    """

    needs_what: ClassVar[str] = "tranche"
    names: tuple[str, ...]
    amount: Number
    direction: str

    def settle(self, m: Machine, limit: Value | None) -> None:
        left = self.at_most(m, m.max_(self.amount.settle(m), 0.0), limit)
        for name in self.names:
            if self.direction == "down":
                taken = m.min_(left, m["balance", name])
                m["balance", name] -= taken
                m["lost", name] += taken
                m["written down", name] += taken
                if name in m.plan.notes_by_name:  # of what is lost nothing is still asked for
                    asked = m["owed", "scheduled", name]
                    m["owed", "scheduled", name] = m.min_(asked, m["balance", name])
            else:
                taken = m.min_(left, m["lost", name])
                m["balance", name] += taken
                m["lost", name] -= taken
                m["written up", name] += taken
            left = left - taken

    def words(self) -> str:
        return self.modified_words(
            f"to write {self.direction} {listed(list(self.names))}, in this order, by {self.amount.words()}"
        )

    def __str__(self) -> str:
        return self.modified(f"write_{self.direction}({quoted(*self.names)}, amount={self.amount})")


@word
def write_down(*names: Any, amount: Number | float) -> WriteDown:
    """Writes balances down by an amount, in the order named: `write_down('E', 'B', 'A', amount=...)`."""
    return WriteDown(names=tranches(names), amount=as_amount(amount), direction="down")


@word
def write_up(*names: Any, amount: Number | float) -> WriteDown:
    """Gives back what was written down before, in the order named."""
    return WriteDown(names=tranches(names), amount=as_amount(amount), direction="up")


def tranches(names: tuple[Any, ...]) -> tuple[str, ...]:
    if not names:
        raise InvalidTerms("write what down? Name tranches, the first to lose first: write_down('B', 'A', amount=...)")
    return tuple(named("tranche", name) for name in names)
