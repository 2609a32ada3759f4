"""Cells: the values of a payment date as operations on each other, which a workbook can say.

Equal cells are one, and what changes nothing is left out: x + 0, 1 x, the least of a and of a itself. A number of the
terms is a cell that is called by its name.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable
from typing import Any, TypeAlias

from waterfalls.engines.cell_formulas.named_terms import Term
from waterfalls.engines.writing import Writer, Written, worked
from waterfalls.plan import Plan

TRUTHS = frozenset({"ge", "gt", "both", "either", "not"})
LEAVES = frozenset({"term", "row", "before"})


@dataclasses.dataclass(eq=False)
class Cell(Written):
    """A value of the date: an operation on `args`, or a leaf that names a term, a row of inputs or a carried symbol."""

    machine: Cells
    op: str
    args: tuple[Operand, ...]
    unit: str = "money"
    masks: frozenset[int] = frozenset()  # the conditions without which it is 0

    @property
    def leaf(self) -> bool:
        return self.op in LEAVES

    @property
    def operands(self) -> tuple[Cell, ...]:
        """The cells it is made of."""
        return () if self.leaf else tuple(arg for arg in self.args if isinstance(arg, Cell))


Amount: TypeAlias = Cell | float
Operand: TypeAlias = Any  # of a leaf its name or key, of an operation cells and numbers


@dataclasses.dataclass(frozen=True)
class Named:
    """A number of the terms, by the name that formulas call it by."""

    name: str
    label: str
    unit: str
    value: float
    within: str  # the expression of the deal file that it stands in, or nothing


class Cells(Writer):
    """The cells of one date, each once, and the terms that they call by name."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.known: dict[Hashable, Cell] = {}
        self.terms: dict[str, Named] = {}  # by name, in the order of the deal

    def term(self, value: float, name: str, label: str, field: str, within: str) -> Term:
        """A number of the deal's terms, which formulas call by its name."""
        found = Term(value)
        found.name = name
        unit = unit_of_field(field) if written_out(within) else "number"  # in an expression its use tells
        self.terms[name] = Named(name, label, unit, value, within)
        return found

    def cell(self, op: str, args: tuple[Operand, ...], unit: str = "", masks: frozenset[int] = frozenset()) -> Cell:
        key = (op, *(id(arg) if isinstance(arg, Cell) else arg for arg in args))
        if key not in self.known:
            self.known[key] = Cell(self, op, args, unit, masks=masks)
        return self.known[key]

    def of(self, value: Amount) -> Amount:
        """A value as an operand: of a term its cell, so that what it says is called by its name."""
        if isinstance(value, Cell):
            return value
        if not isinstance(value, Term):
            return float(value)
        if value.made is not None:
            return self.made(*value.made)
        return self.cell("term", (value.name,), self.terms[value.name].unit)

    def made(self, op: str, *given: Amount) -> Amount:
        """An operation on values: worked out where all are plain, and left out where it changes nothing."""
        args = tuple(self.of(value) for value in given)
        short = shortened(op, args)
        if short is not None:
            return short
        return self.cell(op, args, unit_made(op, args), masks_of(op, args))


def shortened(op: str, args: tuple[Amount, ...]) -> Amount | None:
    """What an operation comes to without being written; None where it has to be."""
    if not any(isinstance(arg, Cell) for arg in args):
        return float(worked(op, *args))
    a, b = args[0], args[-1]
    if op in ("add", "sub") and plain(b, 0.0):
        return a
    if op == "add" and plain(a, 0.0):
        return b
    if op in ("mul", "both", "div") and plain(b, 1.0):
        return a
    if op in ("mul", "both") and plain(a, 1.0):
        return b
    if op in ("mul", "both") and (plain(a, 0.0) or plain(b, 0.0)):
        return 0.0
    if op == "either" and (plain(a, 0.0) or plain(b, 0.0)):
        return b if plain(a, 0.0) else a
    if op in ("min", "max") and a is b:
        return a
    if op == "min" and isinstance(b, Cell) and within(a, b):
        return a
    if op == "min" and isinstance(a, Cell) and within(b, a):
        return b
    if op == "select":
        mask, yes, no = args[0], args[1], args[2]
        if not isinstance(mask, Cell):
            return yes if mask > 0.0 else no
        if yes is no or yes == no:
            return yes
        if plain(yes, 1.0) and plain(no, 0.0):
            return mask
    return None


def plain(value: Any, number: float) -> bool:
    return not isinstance(value, Cell) and value is not None and value == number


def within(part: Amount, whole: Cell) -> bool:
    """Whether one cell is another, the least of it and others, or one of these under a condition and else 0."""
    if not isinstance(part, Cell):
        return False
    if part.op == "min":
        return any(within(arg, whole) for arg in part.args)
    if part.op == "select" and plain(part.args[2], 0.0):
        return within(part.args[1], whole)
    if part.op == "sub" and whole.op == "sub" and part.args[1] is whole.args[1]:
        return isinstance(whole.args[0], Cell) and within(part.args[0], whole.args[0])
    return part is whole


def grown(value: Cell, old: Amount) -> bool:
    """Whether a cell is the old value with something added or taken away."""
    while isinstance(value, Cell) and value.op in ("add", "sub"):
        value = value.args[0]
        if value is old:
            return True
    return False


def masks_of(op: str, args: tuple[Amount, ...]) -> frozenset[int]:
    """The conditions without which an operation gives 0, where what it takes the least of is not negative."""
    sets = [arg.masks if isinstance(arg, Cell) else None for arg in args]
    found = [masks for masks in sets if masks is not None]
    if op == "select":
        own = {id(args[0])} if plain(args[2], 0.0) else set[int]()
        inner = sets[1] or frozenset[int]()
        return frozenset(own | inner) if plain(args[2], 0.0) else inner & (sets[2] or frozenset())
    if op in ("mul", "both", "min"):
        return functools.reduce(frozenset.union, found, frozenset())
    if op in ("add", "sub"):
        return functools.reduce(frozenset.intersection, found) if len(found) == len(args) else frozenset()
    return sets[0] or frozenset() if op in ("ratio", "div") and (op == "div" or plain(args[2], 0.0)) else frozenset()


FIELDS = {
    "rate": "rate",
    "margin": "rate",
    "cap": "rate",
    "floor": "rate",
    "step_up": "rate",
    "additional_rate": "rate",
    "defaults": "share",
    "severity": "share",
    "share": "share",
    "dscr": "ratio",
    "price": "multiple",
    "multiple": "multiple",
}
AMOUNTS = ("notional", "balance", "arrears", "limit", "annual", "commitment", "amount", "amounts")


def unit_of_field(field: str) -> str:
    """The unit of a number of the terms, by the field it stands in; "number" where the field does not tell."""
    return "money" if field in AMOUNTS else FIELDS.get(field, "number")


def written_out(within: str) -> bool:
    """Whether what stands in a field is one number, whose unit the field tells, and no expression."""
    try:
        float(within or 0.0)
    except ValueError:
        return False
    return True


def unit_made(op: str, args: tuple[Amount, ...]) -> str:
    """The unit of an operation's result, as far as the units of its operands tell."""
    if op in TRUTHS:
        return "flag"
    units = [arg.unit for arg in args if isinstance(arg, Cell)]
    if op == "select":
        units = [arg.unit for arg in args[1:] if isinstance(arg, Cell)] or ["flag"]
    if op in ("div", "ratio"):
        above = args[0].unit if isinstance(args[0], Cell) else "number"
        below = args[1].unit if isinstance(args[1], Cell) else "number"
        return "ratio" if above == below == "money" else above
    for unit in ("money", "rate", "ratio", "years", "number"):
        if unit in units:
            return unit
    return "flag" if op in ("min", "max", "mul", "select") and units else "number"
