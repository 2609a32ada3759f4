"""draw: the clause that draws on the commitment of notes, or calls money from the equity."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from waterfalls.clauses.clause import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language import Need, Number, listed, named, number, quoted, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draw(Clause):
    """Draws min(cap, amount), each note in proportion to what of its commitment is undrawn and never more than that.

    The cash joins the collection account; the note's balance rises by it and bears interest from this date.
    """

    names: tuple[str, ...]
    amount: Number

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), *(Need("tranche", name) for name in self.names))

    def settle(self, state: State, limit: float | None) -> None:
        wanted = max(self.amount.settle(state), 0.0)
        if limit is not None:
            wanted = min(wanted, limit)
        rooms = [state["undrawn", name] for name in self.names]
        for i, (name, room) in enumerate(zip(self.names, rooms, strict=True)):
            total = sum(reversed(rooms[i:]), start=0.0)
            drawn = min(wanted * (room / total if total != 0.0 else 0.0), room)
            wanted = wanted - drawn
            state["undrawn", name] -= drawn
            state["balance", name] += drawn
            state["drawn", name] += drawn
            state[("cash",)] += drawn

    def emit(self, code: Code, limit: Value | None) -> None:
        none = code.constant(0.0)
        wanted = code.maximum(self.amount.emit(code), none)
        if limit is not None:
            wanted = code.minimum(wanted, limit)
        rooms = [code["undrawn", name] for name in self.names]
        totals = [none + rooms[-1]]
        for room in reversed(rooms[:-1]):
            totals.insert(0, totals[0] + room)
        for name, room, total in zip(self.names, rooms, totals, strict=True):
            drawn = code.minimum(wanted * code.ratio(room, total, 0.0), room)
            wanted = wanted - drawn
            code["undrawn", name] = code["undrawn", name] - drawn
            code["balance", name] = code["balance", name] + drawn
            code["drawn", name] = code["drawn", name] + drawn
            code[("cash",)] = code[("cash",)] + drawn

    def words(self) -> str:
        return self.modified_words(f"to draw {self.amount.words()} on {listed(list(self.names))}")

    def __str__(self) -> str:
        return self.modified(f"draw({quoted(*self.names)}, amount={self.amount})")


@word
def draw(*names: Any, amount: Number | float) -> Draw:
    """Draws an amount on the undrawn commitment of notes, or on what the equity has promised, in proportion to it."""
    if not names:
        raise InvalidTerms("draw on what? Name a note: draw('A', amount=expense_due('construction'))")
    return Draw(names=tuple(named("tranche", name) for name in names), amount=number(amount))
