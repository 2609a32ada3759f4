"""write_down and write_up: the clauses that allocate losses to balances, and give them back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from waterfalls.clauses.clause import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language import Need, Number, bounded, listed, named, quoted, word
from waterfalls.tranches import Note

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class WriteDown(Clause):
    """Reduces balances by min(cap, amount) in all, each tranche in turn as far as it goes, and moves no cash.

    `direction` down takes from the balance, up gives back what was written down before.
    """

    names: tuple[str, ...]
    amount: Number
    direction: str

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), *(Need("tranche", name) for name in self.names))

    def settle(self, state: State, limit: float | None) -> None:
        left = max(self.amount.settle(state), 0.0)
        if limit is not None:
            left = min(left, limit)
        for name in self.names:
            if self.direction == "down":
                taken = min(left, state["balance", name])
                state["balance", name] -= taken
                state["lost", name] += taken
                state["written down", name] += taken
                if isinstance(state.plan.tranches[name], Note):  # of what is lost nothing is still asked for
                    asked = state["owed", "scheduled", name]
                    state["owed", "scheduled", name] = min(asked, state["balance", name])
            else:
                taken = min(left, state["lost", name])
                state["balance", name] += taken
                state["lost", name] -= taken
                state["written up", name] += taken
            left = left - taken

    def emit(self, code: Code, limit: Value | None) -> None:
        left = code.maximum(self.amount.emit(code), code.constant(0.0))
        if limit is not None:
            left = code.minimum(left, limit)
        for name in self.names:
            if self.direction == "down":
                taken = code.minimum(left, code["balance", name])
                code["balance", name] = code["balance", name] - taken
                code["lost", name] = code["lost", name] + taken
                code["written down", name] = code["written down", name] + taken
                if isinstance(code.plan.tranches[name], Note):
                    asked = code["owed", "scheduled", name]
                    code["owed", "scheduled", name] = code.minimum(asked, code["balance", name])
            else:
                taken = code.minimum(left, code["lost", name])
                code["balance", name] = code["balance", name] + taken
                code["lost", name] = code["lost", name] - taken
                code["written up", name] = code["written up", name] + taken
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
    return WriteDown(names=tranches(names), amount=bounded(amount), direction="down")


@word
def write_up(*names: Any, amount: Number | float) -> WriteDown:
    """Gives back what was written down before, in the order named."""
    return WriteDown(names=tranches(names), amount=bounded(amount), direction="up")


def tranches(names: tuple[Any, ...]) -> tuple[str, ...]:
    if not names:
        raise InvalidTerms("write what down? Name tranches, the first to lose first: write_down('B', 'A', amount=...)")
    return tuple(named("tranche", name) for name in names)
