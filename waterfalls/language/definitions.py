"""Defined terms: numbers that the documents give a name, such as an adjusted collateral principal amount."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterator, Mapping
from typing import ClassVar

from waterfalls.language.expressions import Number, no_amount
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import Node, named, word


@dataclasses.dataclass(frozen=True)
class Defined(Number):
    """A number by the name that the deal's `definitions` give it; it reads whatever it says where it stands."""

    needs_what: ClassVar[str] = "definition"
    name: str

    def infinite(self, endless: Container[str] = ()) -> bool:
        return self.name in endless

    def settle(self, m: Machine) -> Value:
        told = m.told  # a definition read again inside another is settled once: an expression changes nothing
        if told is None:
            m.told = {}
            value = m.plan.definitions[self.name].settle(m)
            m.told = None
            return value
        if self.name not in told:
            told[self.name] = m.plan.definitions[self.name].settle(m)
        return told[self.name]

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


def endless(said: Mapping[str, Number]) -> frozenset[str]:
    """The definitions that may be infinite, each reading those before it."""
    found: set[str] = set()
    for name, number in said.items():
        if number.infinite(found):
            found.add(name)
    return frozenset(found)


def endless_amounts(root: Node, names: Container[str]) -> Iterator[str]:
    """Definitions that may be infinite, of those in `names`, read where an amount is wanted: what is wrong with each."""
    for node in root.walk():
        for part in node.parts():
            if (
                isinstance(part, Number)
                and part.infinite(names)
                and not part.infinite()
                and not node.takes_infinite(part)
            ):
                yield no_amount(part)
