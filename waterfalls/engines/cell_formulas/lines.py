"""The lines of a payment date: each a label and a formula of the lines above it, as a modeller would write them.

A cell is written where it is read, until several read it, it grows long or somebody gives it a label: then it is on a
line of its own, and what reads it from then on reads that line.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from waterfalls.engines.cell_formulas.cells import TRUTHS, Amount, Cell, plain
from waterfalls.engines.writing import SIGNS
from waterfalls.language.machine import Key

LONGEST = 96  # characters of a formula, about; a longer one is told in several lines
WIDEST = 110  # characters of the label of such a line; what would be longer is told in fewer words
PART = 48  # characters in which a part of it is told; a longer one is called by its kind
SHORT = 12  # characters of what is told again rather than in a line of its own
ENDLESS = "1E+99"  # a ratio where nothing is owed: a workbook has no infinity
COMPARED = {"ge": ">=", "gt": ">"}
CONTRARY = {"ge": "<", "gt": "<="}
TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
HELPERS = {
    "add": "sum", "sub": "difference", "mul": "product", "div": "quotient", "ratio": "ratio", "min": "lesser of two",
    "max": "greater of two", "select": "choice", "ge": "test", "gt": "test", "both": "both", "either": "either",
    "not": "not so",
}  # fmt: skip

JOINED = {
    "add": " + ", "sub": " - ", "mul": " x ", "div": " / ", "ratio": " / ", "min": " and ", "max": " and ", "both": " and ",
    "ge": " at least ", "gt": " above ",
}  # fmt: skip

FLAT = frozenset({"mul", "min", "max", "both", "either"})  # told as one list where they stand in each other

Part: TypeAlias = Any  # of a formula: text, or the line or leaf whose place is known when the lines are laid out


@dataclasses.dataclass(eq=False)
class Line:
    """A labelled line and the cell it holds; its formula is told in parts whose places are known once all is laid out."""

    label: str
    what: str  # due, available, paid ... symbol, result or helper
    cell: Amount
    unit: str = "money"
    parts: tuple[Part, ...] = ()
    sign: str = ""  # + adds to the cash, - takes from it
    key: Key | None = None  # the symbol it holds


@dataclasses.dataclass(frozen=True, eq=False)
class Heading:
    """What the lines below it belong to: a term, a trigger, a clause, or what belongs to none."""

    title: str
    part: object
    level: int
    short: str = ""  # what its lines begin with, so that no two clauses have lines of one name


def told_in_lines(items: list[Heading | Line], leaf: Callable[[Cell], str]) -> list[Heading | Line]:
    """The lines with their formulas; what several read, or what would be too long, is told in a line before.

    `leaf` says what a term, an input or a carried symbol is called in the label of such a line.
    """
    writer = Writer(items, leaf)
    for item in items:
        if isinstance(item, Heading):
            writer.begin(item)
        else:
            writer.add(item)
    return [item for item, after in zip(writer.told, [*writer.told[1:], None], strict=True) if not idle(item, after)]


def idle(item: Heading | Line, after: Heading | Line | None) -> bool:
    """Whether a heading has nothing under it."""
    return isinstance(item, Heading) and (after is None or (isinstance(after, Heading) and after.level <= item.level))


class Writer:
    """Writes formulas from first to last; `lines` says on which line each cell is read now."""

    def __init__(self, items: list[Heading | Line], leaf: Callable[[Cell], str] = str) -> None:
        self.leaf = leaf
        self.short: dict[int, str] = {}  # what labels call a line that only helps
        self.before = ""  # what lines under this heading begin with
        self.told: list[Heading | Line] = []
        self.lines: dict[int, Line] = {}
        self.names: dict[int, str] = {}  # what cells are called that get a line of their own later
        self.uses: dict[int, int] = {}
        self.block: set[int] = set()  # the cells with a line under this heading
        self.count: dict[str, int] = {}
        self.sums = {id(item.cell) for item in items if isinstance(item, Line) and item.what == "sum"}
        seen: set[int] = set()
        for item in items:
            if isinstance(item, Line) and isinstance(item.cell, Cell):
                self.names.setdefault(id(item.cell), item.label)
                self.counted(item.cell, seen)
        for item in items:  # what only changes a symbol is called after it
            cell = item.cell if isinstance(item, Line) and item.what == "symbol" else None
            if isinstance(cell, Cell) and cell.op in ("add", "sub") and isinstance(cell.args[1], Cell):
                way = "to" if cell.op == "add" else "from"
                self.names.setdefault(id(cell.args[1]), f"{way} {item.label}")  # type: ignore[union-attr]

    def counted(self, cell: Cell, seen: set[int]) -> None:
        """How many cells read each."""
        stack = [cell]
        while stack:
            top = stack.pop()
            if id(top) not in seen:
                seen.add(id(top))
                for arg in top.operands:
                    self.uses[id(arg)] = self.uses.get(id(arg), 0) + 1
                    stack.append(arg)

    def begin(self, heading: Heading) -> None:
        self.told.append(heading)
        self.block, self.count = set(), {}
        self.before = f"{heading.short} " if heading.short else ""

    def add(self, line: Line) -> None:
        """One line, and before it what it needs; a symbol that a line of the block holds already needs none.

        A sum over several clauses is told with the results, or where something reads it.
        """
        cell = line.cell
        if line.what == "sum" or (line.what == "symbol" and id(cell) in self.block):
            return
        if isinstance(cell, Cell):
            if id(cell) not in self.lines:
                self.prepare(cell)
            self.mark(line)
            line.parts = tuple(self.formula(cell))
            self.lines[id(cell)] = line
            self.block.add(id(cell))
        else:
            line.parts = (number_text(cell),)
        line.label = self.before + line.label
        if line.what != "result":
            line.label = self.numbered(line.label)
        self.told.append(line)

    def prepare(self, cell: Cell) -> None:
        """Lines for what the cell reads, where several read it or it would be too long."""
        for arg in cell.operands:
            if not self.placed(arg):
                self.prepare(arg)
        for arg in cell.operands:
            if not self.placed(arg) and self.uses[id(arg)] > 1 and self.width(arg) > SHORT:
                self.help(arg)
        open_ = sorted((arg for arg in cell.operands if not self.placed(arg)), key=self.width, reverse=True)
        for arg in open_:
            if self.width(cell) > LONGEST:
                self.help(arg)

    def help(self, cell: Cell) -> None:
        """A line for a part of a formula: called after the symbol it changes, else by what it is and what it is made of."""
        known = self.names.get(id(cell))
        so_far = ", so far" if id(cell) in self.sums else ""
        label = self.numbered(f"{self.before}{known or HELPERS[cell.op]}{so_far}")
        said = label if known else f"{label}: {self.made_of(cell, WIDEST - len(label))}"
        self.short[id(cell)] = label
        line = Line(said, "helper", cell, cell.unit)
        line.parts = tuple(self.formula(cell))
        self.lines[id(cell)] = line
        self.block.add(id(cell))
        self.told.append(line)

    def numbered(self, label: str) -> str:
        """A label that no other line under the heading has."""
        number = self.count[label] = self.count.get(label, 0) + 1
        return f"{label} ({number})" if number > 1 else label

    def made_of(self, cell: Cell, most: int) -> str:
        """What a formula is made of: in full, else long parts by their kind, else the first and how many more."""
        said = self.worded(cell)
        if len(said) <= most:
            return said
        words = [(sign, self.part(item)) for sign, item in self.pieces(cell) if not plain(item, 0.0)]
        kept = len(words)
        while kept > 1 and sum(len(sign) + len(word) for sign, word in words[:kept]) > most:
            kept -= 1
        said = "".join(sign + word for sign, word in words[:kept]).removeprefix(words[0][0])
        return said + (f" and {len(words) - kept} more" if kept < len(words) else "")

    def pieces(self, cell: Cell) -> list[tuple[str, Amount]]:
        """What a label tells of an operation, each with what joins it to the one before."""
        sign = JOINED.get(cell.op, " or ")
        if cell.op not in ("add", "sub"):
            return [(sign, item) for item in (self.flat(cell) if cell.op in FLAT else told_args(cell))]
        left, right = cell.args
        deeper = isinstance(left, Cell) and not self.placed(left) and left.op in ("add", "sub")
        return [*(self.pieces(left) if deeper else [(" + ", left)]), (sign, right)]

    def part(self, value: Amount) -> str:
        """A part of a formula in few words."""
        said = self.worded(value)
        if len(said) <= PART or not isinstance(value, Cell) or self.placed(value):
            return said
        kind = "test" if value.op in TRUTHS else HELPERS[value.op].removesuffix(" of two")
        return f"the {kind}" if value.op in ("min", "max") else f"a {kind}"

    def worded(self, value: Amount) -> str:
        """What a formula is made of, by the labels of the lines it reads."""
        if not isinstance(value, Cell):
            return number_text(value)
        if id(value) in self.short:
            return self.short[id(value)].removeprefix(self.before)
        if value.leaf:
            return self.leaf(value)
        if id(value) in self.lines:
            return self.lines[id(value)].label.removeprefix(self.before)
        args = told_args(value)
        words = [
            f"({self.worded(arg)})" if value.op in ("mul", "div", "ratio") and self.bare_sum(arg) else self.worded(arg)
            for arg in args
            if not plain(arg, 0.0) or value.op in ("ge", "gt")
        ]
        return JOINED.get(value.op, " or ").join(words)

    def bare_sum(self, value: Amount) -> bool:
        """Whether it is a sum or a difference that is written where it is read."""
        return isinstance(value, Cell) and not self.placed(value) and value.op in ("add", "sub")

    def mark(self, line: Line) -> None:
        """The sign of what the cash grows or shrinks by."""
        cell = line.cell
        while line.key == ("cash",) and isinstance(cell, Cell) and cell.op in ("add", "sub"):
            base, amount = cell.args
            if isinstance(amount, Cell) and id(amount) in self.lines:
                self.lines[id(amount)].sign = "+" if cell.op == "add" else "-"
            if isinstance(base, Cell) and id(base) in self.lines:
                return
            cell = base

    def placed(self, cell: Cell) -> bool:
        """Whether it is read from a place of its own."""
        return cell.leaf or id(cell) in self.lines

    def width(self, value: Amount) -> int:
        """About how many characters it takes where it is read."""
        if not isinstance(value, Cell):
            return len(number_text(value))
        if id(value) in self.lines or value.op == "before":
            return 6
        if value.leaf:
            return len(value.args[0]) if value.op == "term" else 16
        if value.op in ("add", "sub"):
            return sum(1 + self.width(arg) for arg in value.args)
        return 6 + sum(2 + self.width(arg) for arg in value.args)

    # formulas

    def formula(self, cell: Cell) -> Iterator[Part]:
        """The parts of what a cell's own line says."""
        yield from self.place(cell) if self.placed(cell) else self.opened(cell, 0)

    def place(self, cell: Cell) -> Iterator[Part]:
        yield self.lines.get(id(cell), cell)

    def written(self, value: Amount, strength: int) -> Iterator[Part]:
        """A value as it stands inside another, in brackets where they are needed."""
        if not isinstance(value, Cell):
            text = number_text(value)
            yield f"({text})" if text[0] == "-" and strength > 1 else text
        elif self.placed(value):
            yield from self.place(value)
        else:
            yield from self.opened(value, strength)

    def signs(self, left: Amount, sign: str, right: Amount, own: int, strength: int) -> Iterator[Part]:
        yield from ("(",) if own < strength else ()
        yield from self.written(left, own)
        yield sign
        yield from self.written(right, own + 1)
        yield from (")",) if own < strength else ()

    def opened(self, cell: Cell, strength: int) -> Iterator[Part]:
        """An operation as a formula says it."""
        op, args = cell.op, cell.args
        truths = any(isinstance(arg, Cell) and not self.placed(arg) and arg.op in TRUTHS for arg in args)
        if op in SIGNS:
            yield from self.signs(args[0], SIGNS[op][0], args[1], SIGNS[op][1], strength)
        elif op in ("min", "max") or (op == "either" and not truths):
            name = "MIN" if op == "min" else "MAX"
            yield from called(name, *(self.written(arg, 0) for arg in self.flat(cell)))
        elif op == "select":
            yes = self.divided(args[1]) if self.sound(args[0], args[1]) else self.written(args[1], 0)
            yield from called("IF", self.condition(args[0]), yes, self.written(args[2], 0))
        elif op == "ratio":
            test = (*self.written(args[1], 1), "=0")
            yield from called("IF", test, self.written(args[2], 0), self.divided(cell))
        elif op == "both" and not truths:
            yield from self.signs(args[0], "*", args[1], 2, strength)
        elif op == "not" and not truths:
            yield from self.signs(1.0, "-", args[0], 1, strength)
        else:
            yield from called("IF", self.condition(cell), ("1",), ("0",))

    def divided(self, cell: Cell) -> Iterator[Part]:
        yield from (*self.written(cell.args[0], 2), "/", *self.written(cell.args[1], 3))

    def sound(self, mask: Amount, value: Amount) -> bool:
        """Whether a condition says already that what a ratio divides by is above 0."""
        if not isinstance(value, Cell) or value.op != "ratio" or self.placed(value) or not isinstance(mask, Cell):
            return False
        if mask.op == "both":
            return any(self.sound(arg, value) for arg in mask.args)
        return mask.op == "gt" and mask.args[0] is value.args[1] and plain(mask.args[1], 0.0)

    def flat(self, cell: Cell) -> Iterator[Amount]:
        """The operands of the least of the least, and the like, as one list."""
        for arg in cell.args:
            if isinstance(arg, Cell) and not self.placed(arg) and arg.op == cell.op:
                yield from self.flat(arg)
            else:
                yield arg

    def condition(self, value: Amount) -> Iterator[Part]:
        """A truth as IF asks it."""
        if not isinstance(value, Cell):
            yield "TRUE" if value else "FALSE"
        elif self.placed(value) or value.op not in TRUTHS:
            yield from (*self.written(value, 1), "=1")
        elif value.op in COMPARED:
            yield from self.compared(value, COMPARED[value.op])
        elif value.op == "not":
            inner = value.args[0]
            if isinstance(inner, Cell) and not self.placed(inner) and inner.op in TRUTHS:
                if inner.op in COMPARED:
                    yield from self.compared(inner, CONTRARY[inner.op])
                else:
                    yield from called("NOT", self.condition(inner))
            else:
                yield from (*self.written(inner, 1), "=0")
        else:
            name = "AND" if value.op == "both" else "OR"
            yield from called(name, *(self.condition(arg) for arg in self.flat(value)))

    def compared(self, cell: Cell, sign: str) -> Iterator[Part]:
        """A comparison, what is tested first and the level after it."""
        left, right = cell.args
        if not isinstance(left, Cell) or (left.op == "term" and isinstance(right, Cell)):
            left, right, sign = right, left, TURNED[sign]
        yield from (*self.written(left, 1), sign, *self.written(right, 1))


def told_args(cell: Cell) -> list[Amount]:
    """The operands that a label tells: of a choice not its condition, of a ratio what is divided."""
    return list(cell.args[1:] if cell.op == "select" else cell.args[:2] if cell.op == "ratio" else cell.args)


def called(name: str, *args: Iterable[Part]) -> Iterator[Part]:
    """A function of a workbook."""
    yield f"{name}("
    for i, arg in enumerate(args):
        yield from (",",) if i else ()
        yield from arg
    yield ")"


def number_text(value: float) -> str:
    """A number in a formula."""
    if math.isinf(value):
        return ENDLESS if value > 0.0 else f"-{ENDLESS}"
    return repr(float(value)).removesuffix(".0").upper()
