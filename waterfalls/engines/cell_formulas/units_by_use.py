"""Units of the numbers that stand in expressions, which no field tells: by what each is added to, compared with or multiplies.

In `0.95 * balance('floating')` the number is a multiple, in `min_(616e6, balance('notes'))` an amount, in `dscr() < 1.15` a
ratio.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from waterfalls.engines.cell_formulas.cells import Amount, Cell, Named, unit_made

ALIKE = frozenset({"add", "sub", "min", "max", "ge", "gt", "select"})  # operations on numbers of one unit
TOLD = frozenset({"money", "rate", "ratio", "years", "share"})
AMOUNT = 1_000.0  # from here on a number that multiplies no amount is itself one


def tell_units(terms: dict[str, Named], values: Iterable[Amount]) -> None:
    """Gives terms of no known unit the one that their use in `values` asks for, and what is made of them theirs.

    A number that nothing tells is an amount where it is large, else a multiple.
    """
    order = list(deepest_first(values))
    unknown = {name for name, term in terms.items() if term.unit == "number"}

    def tell(cell: Cell, unit: str) -> None:
        if cell.op == "term" and cell.args[0] in unknown:
            cell.unit = unit
            unknown.discard(cell.args[0])
            terms[cell.args[0]] = dataclasses.replace(terms[cell.args[0]], unit=unit)

    for turn in range(3):  # what is told of one number tells of those it meets
        for cell in order:
            for arg, unit in meant(cell):
                tell(arg, unit)
            if turn and cell.op == "term" and abs(terms[cell.args[0]].value) >= AMOUNT:
                tell(cell, "money")
            if not cell.leaf and cell.unit == "number":
                cell.unit = unit_made(cell.op, cell.args)
    for name in unknown:
        terms[name] = dataclasses.replace(terms[name], unit="multiple")


def meant(cell: Cell) -> Iterator[tuple[Cell, str]]:
    """The units that an operation asks of its operands."""
    args = [arg for arg in (cell.args[1:] if cell.op == "select" else cell.args) if isinstance(arg, Cell)]
    if cell.leaf:
        return
    units = [arg.unit for arg in args]
    if cell.op in ALIKE:
        told = next((unit for unit in units if unit in TOLD), None)
        yield from ((arg, told) for arg in args if told is not None and arg.unit == "number")
    elif cell.op == "mul" and any(unit in TOLD for unit in units):
        yield from ((arg, "multiple") for arg in args if arg.unit == "number")


def deepest_first(values: Iterable[Amount]) -> Iterator[Cell]:
    """Every cell once, after those it is made of."""
    done: set[int] = set()
    stack = [(value, False) for value in values if isinstance(value, Cell)][::-1]
    while stack:
        cell, opened = stack.pop()
        if opened:
            yield cell
        elif id(cell) not in done:
            done.add(id(cell))
            stack.append((cell, True))
            stack += [(arg, False) for arg in cell.operands]
