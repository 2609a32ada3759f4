"""Defined terms: numbers that the documents give a name, such as an adjusted collateral principal amount."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waterfalls.language import Need, Node, Number, named, word

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
        return state.defined(self.name)

    def emit(self, code: Code) -> Value:
        return code.defined(self.name)

    def words(self) -> str:
        return f"the {self.name}"

    def __str__(self) -> str:
        return f"defined({self.name!r})"


@word
def defined(name: str) -> Number:
    """A number by the name that the deal's definitions give it: `defined('adjusted pool balance')`."""
    return Defined(named("definition", name))


def levels(root: Node, inside: Mapping[str, int]) -> int:
    """How many nodes stand one inside another, at most; `inside` says so of each definition that is read."""
    deepest, depth, level = 0, 0, {id(root): root}
    while level:
        depth += 1
        read = [inside.get(node.name, 0) for node in level.values() if isinstance(node, Defined)]
        deepest = max(deepest, depth + max(read, default=0))
        level = {id(part): part for node in level.values() for part in node.parts()}
    return deepest
