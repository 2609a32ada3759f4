"""draw: the clause that draws on the commitment of notes, or calls money from the equity."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.pay import running
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language.amounts import as_amount
from waterfalls.language.expressions import Number
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.numbers import DRAWABLE
from waterfalls.language.vocabulary import listed, named, quoted, word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draw(Clause):
    """Draws min(cap, amount), on each name in proportion to what may still be drawn and never more than that.

    Names are notes with a commitment, equity that has promised more, and facilities. The cash joins the collection
    account; the balance rises by it and bears interest from this date.
    """

    brings_cash: ClassVar[bool] = True
    needs_what: ClassVar[str] = "balance"
    needs_one_of: ClassVar[tuple[str, ...]] = DRAWABLE
    names: tuple[str, ...]
    amount: Number

    def settle(self, m: Machine, limit: Value | None) -> None:
        wanted = self.at_most(m, m.max_(self.amount.settle(m), 0.0), limit)
        symbols = [self.symbols(name, m.plan) for name in self.names]
        rooms = [m[room] for room, _ in symbols]
        for name, room, total, (left, flow) in zip(self.names, rooms, running(rooms), symbols, strict=True):
            drawn = m.min_(wanted * m.ratio(room, total, 0.0), room)
            wanted = wanted - drawn
            m[left] -= drawn
            m["balance", name] += drawn
            m[flow] += drawn
            m[("cash",)] += drawn

    def symbols(self, name: str, plan: Contract) -> tuple[tuple[str, str], tuple[str, str]]:
        """What may still be drawn on a name, and what was drawn at this date."""
        return (("room", name), ("lent", name)) if name in plan.facilities else (("undrawn", name), ("drawn", name))

    def words(self) -> str:
        return self.modified_words(f"to draw {self.amount.words()} on {listed(list(self.names))}")

    def __str__(self) -> str:
        return self.modified(f"draw({quoted(*self.names)}, amount={self.amount})")


@word
def draw(*names: Any, amount: Number | float) -> Draw:
    """Draws an amount on notes, equity and facilities, in proportion to what each may still be asked for."""
    if not names:
        raise InvalidTerms("draw on what? Name a note: draw('A', amount=expense_due('construction'))")
    said = tuple(named("tranche", name) for name in names)
    if len(set(said)) < len(said):
        raise InvalidTerms(f"draw on each name once, got {', '.join(map(repr, said))}")
    return Draw(names=said, amount=as_amount(amount))
