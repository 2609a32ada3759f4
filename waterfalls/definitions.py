"""Defined terms: numbers that the documents give a name, such as an adjusted collateral principal amount."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from waterfalls.language import Need, Number, named, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True)
class Defined(Number):
    """A number by the name that the deal's `definitions` give it; it reads whatever it says where it stands."""

    name: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("definition", self.name),)

    def settle(self, state: State) -> float:
        return state.plan.definitions[self.name].settle(state)

    def emit(self, code: Code) -> Value:
        return code.plan.definitions[self.name].emit(code)

    def words(self) -> str:
        return f"the {self.name}"

    def __str__(self) -> str:
        return f"defined({self.name!r})"


@word
def defined(name: str) -> Number:
    """A number by the name that the deal's definitions give it: `defined('adjusted pool balance')`."""
    return Defined(named("definition", name))
