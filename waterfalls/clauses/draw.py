"""draw: the clause that draws on the commitment of notes, or calls money from the equity."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from waterfalls.clauses.clause import Clause
from waterfalls.clauses.pay import sum_of
from waterfalls.errors import InvalidTerms
from waterfalls.language import Need, Number, bounded, listed, named, quoted, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draw(Clause):
    """Draws min(cap, amount), on each name in proportion to what may still be drawn and never more than that.

    Names are notes with a commitment, equity that has promised more, and facilities. The cash joins the collection
    account; the balance rises by it and bears interest from this date.
    """

    names: tuple[str, ...]
    amount: Number

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), *(Need("balance", name) for name in self.names))

    def settle(self, state: State, limit: float | None) -> None:
        wanted = max(self.amount.settle(state), 0.0)
        if limit is not None:
            wanted = min(wanted, limit)
        symbols = [self.symbols(name, state.plan) for name in self.names]
        rooms = [state[room] for room, _ in symbols]
        for i, (name, room) in enumerate(zip(self.names, rooms, strict=True)):
            total = sum_of(rooms[i:])
            drawn = min(wanted * (room / total if total != 0.0 else 0.0), room)
            wanted = wanted - drawn
            state[symbols[i][0]] -= drawn
            state["balance", name] += drawn
            state[symbols[i][1]] += drawn
            state[("cash",)] += drawn

    def emit(self, code: Code, limit: Value | None) -> None:
        none = code.constant(0.0)
        wanted = code.maximum(self.amount.emit(code), none)
        if limit is not None:
            wanted = code.minimum(wanted, limit)
        symbols = [self.symbols(name, code.plan) for name in self.names]
        rooms = [code[room] for room, _ in symbols]
        totals = [none + rooms[-1]]
        for room in reversed(rooms[:-1]):
            totals.insert(0, totals[0] + room)
        for name, room, total, (left, flow) in zip(self.names, rooms, totals, symbols, strict=True):
            drawn = code.minimum(wanted * code.ratio(room, total, 0.0), room)
            wanted = wanted - drawn
            code[left] = code[left] - drawn
            code["balance", name] = code["balance", name] + drawn
            code[flow] = code[flow] + drawn
            code[("cash",)] = code[("cash",)] + drawn

    def symbols(self, name: str, plan: Plan) -> tuple[tuple[str, str], tuple[str, str]]:
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
    return Draw(names=said, amount=bounded(amount))
