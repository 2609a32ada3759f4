"""Terms whose numbers know their names, for a writer that calls each number of a deal by what it is."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from waterfalls.language.expressions import Node
from waterfalls.plan import Plan

ODD = re.compile(r"[^A-Za-z0-9]+")
LONGEST = 28  # characters that a name keeps of a term's own
KINDS = ("tranches", "fees", "accounts", "triggers", "facilities", "hedges", "ledgers", "replacements")

Calls = Callable[
    [float, str, str, str, str], float
]  # value, name, label, field, expression -> the number that knows them


def said(op: str, does: Callable[[float, float], float], turned: bool = False) -> Callable[[Term, Any], Any]:
    """An operation that gives a number which knows how it was made, where the other side is a plain number."""

    def method(self: Term, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        a, b = (other, self) if turned else (self, other)
        found = Term(does(float(a), float(b)))
        found.made = (op, a, b)
        return found

    return method


class Term(float):
    """A number of the terms: a float to whatever computes, and to a writer a name, or how it was `made` of others."""

    name: str = ""
    made: tuple[str, float, float] | None = None
    __add__, __radd__ = said("add", operator.add), said("add", operator.add, turned=True)
    __sub__, __rsub__ = said("sub", operator.sub), said("sub", operator.sub, turned=True)
    __mul__, __rmul__ = said("mul", operator.mul), said("mul", operator.mul, turned=True)
    __truediv__, __rtruediv__ = said("div", operator.truediv), said("div", operator.truediv, turned=True)


def with_terms(plan: Plan, call: Calls) -> Plan:
    """A plan whose terms hold what `call` makes of each of their numbers; numbers of the clock stay as they are."""
    names = Names(call)
    parts: dict[str, Any] = {
        kind: {name: names.named(term, name, name) for name, term in getattr(plan, kind).items()} for kind in KINDS
    }
    parts["definitions"] = {name: names.named(said, name, name) for name, said in plan.definitions.items()}
    parts["regimes"] = {name: names.named(said, name, name) for name, said in plan.regimes.items()}
    parts["waterfalls"] = {}
    for regime, waterfall in plan.waterfalls.items():
        before = f"{regime} " if len(plan.waterfalls) > 1 else ""
        clauses = [
            names.named(clause, f"{before}clause {i}", f"{before}clause {i}")
            for i, clause in enumerate(waterfall.clauses, 1)
        ]
        parts["waterfalls"][regime] = dataclasses.replace(waterfall, clauses=tuple(clauses))
    return dataclasses.replace(plan, **parts)


class Names:
    """Names that a workbook takes, each once."""

    def __init__(self, call: Calls) -> None:
        self.call = call
        self.used: set[str] = set()
        self.within = ""  # the expression whose numbers are being named

    def named(self, value: Any, name: str, label: str, field: str = "") -> Any:
        """A term or an expression with its numbers named, the term itself where it has none."""
        if type(value) is float:
            said = f"{label}: {field.replace('_', ' ')}" if field and field != "value" else label
            found, count = self.new(name, field)
            return self.call(value, found, f"{said} ({count})" if count > 1 else said, field, self.within)
        if isinstance(value, tuple):
            made = tuple(self.named(item, name, label, field) for item in value)
            return value if all(a is b for a, b in zip(made, value, strict=True)) else made
        if isinstance(value, Mapping):
            return {key: self.named(item, name, f"{label}, {key}", field) for key, item in value.items()}
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return value
        outermost = isinstance(value, Node) and not self.within
        if outermost:
            self.within = str(value)
        changed = {}
        for part in dataclasses.fields(value):
            old = getattr(value, part.name)
            expression = isinstance(value, Node)
            inner = field if expression and part.name in ("left", "right", "items", "inner", "value") else part.name
            if expression and type(old) is float and old in (0.0, 1.0):
                continue  # a limit of a word, no figure of the deal
            new = self.named(old, name, label, inner)
            if new is not old:
                changed[part.name] = new
        if outermost:
            self.within = ""
        if not changed:
            return value
        made = object.__new__(type(value))  # no second validation, which would make plain numbers of them
        for part in dataclasses.fields(value):
            object.__setattr__(made, part.name, changed.get(part.name, getattr(value, part.name)))
        return made

    def new(self, name: str, field: str) -> tuple[str, int]:
        """A name of letters, digits and _, which no cell has, and no other number; and how many would be called so."""
        stem = ODD.sub("_", name).strip("_")[:LONGEST].strip("_") or "term"
        end = ODD.sub("_", field).strip("_")[:LONGEST] or "number"
        base = found = f"{stem}_{end}" if stem[0].isalpha() else f"n_{stem}_{end}"
        count = 1
        while found.lower() in self.used:
            count += 1
            found = f"{base}_{count}"
        self.used.add(found.lower())
        return found, count
