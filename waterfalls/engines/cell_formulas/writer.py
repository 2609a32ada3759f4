"""The formula writer: a machine that writes one payment date as lines of formulas, the same at every date.

    due, interest on A          = interest owed, A
    available                   = IF(applies=1, cash left, 0)
    paid, interest on A         = MIN(due, available)

What happens only under a condition is masked where it is paid, so that what follows is the plain sum again. A column of
a workbook is one date: it reads its own column, and of the column before it what symbols carry over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Iterator
from typing import Any

import numpy as np

from waterfalls.engines.cell_formulas.cells import Amount, Cell, Cells, grown
from waterfalls.engines.cell_formulas.lines import Heading, Line, Writer, told_in_lines
from waterfalls.engines.cell_formulas.named_terms import with_terms
from waterfalls.engines.cell_formulas.units_by_use import tell_units
from waterfalls.engines.cell_formulas.words import grouped, names_of_curves, told, unit_of
from waterfalls.engines.one_date import settle_date
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

FALLS_DUE = "What falls due, and what is tested"
AFTER = "after the waterfall"  # the step of the clock that follows the clauses
MASKED = ("available", "amount", "paid")  # labels whose value is 0 while the clause does not apply


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """What the lines read from outside at each date: an input by its key, or numbers that the clock gives."""

    label: str
    unit: str
    key: Key | None = None
    values: np.ndarray | None = None


class FormulaWriter(Cells):
    """The lines of one plan's payment date while they are being written: a `Machine`."""

    def __init__(self, plan: Plan, inputs: Collection[Key]) -> None:
        super().__init__(plan)
        self.plan = with_terms(plan, self.term)
        self.inputs = inputs
        self.items: list[Heading | Line] = []
        self.rows: dict[Hashable, Row] = {}
        self.names = names_of_curves(self.plan)
        self.part: object = None
        self.clause = False  # whether it is a clause whose meaning is being written
        self.due: dict[str, tuple[Amount, str]] = {}  # cells of the block by what they are due to; what is left of them
        self.mask: Cell | None = None
        self.opening = self.plan.opening
        self.before = {key: self.cell("before", (key,), unit_of(key)) for key in self.opening}
        self.symbols = dict(self.before)

    # lines

    def line(self, cell: Amount, label: str, what: str, key: Key | None = None) -> None:
        """A cell on a line of its own; what reads it from now on reads that line."""
        self.items.append(Line(label, what, cell, cell.unit if isinstance(cell, Cell) else "number", key=key))

    def label(self, value: Amount, what: str, part: Any) -> Amount:
        value = self.of(value)
        if not isinstance(value, Cell):
            return value
        if self.mask is not None and what in MASKED:
            value = self.masked(value, 0.0)
        said = "" if part is self.part else part.words()
        balance = self.balance_of(value) if what == "due" else ""
        told_as = f"balance before this payment, {balance}" if balance else f"{what}, {said}" if said else what
        self.line(value, told_as, what)
        if what == "due":
            self.due[said] = value, f"balance after this payment, {balance}" if balance else f"left unpaid, {said}"
        elif what == "paid" and said in self.due:
            due, after = self.due[said]
            self.line(due - value, after, "unpaid")
        return value

    def balance_of(self, value: Amount) -> str:
        """The tranche whose whole balance a claim is, which a payment leaves as it is: principal is due when it is paid."""
        return next((key[1] for key, held in self.symbols.items() if key[0] == "balance" and held is value), "")

    def heading(self, part: object) -> None:
        self.part, self.due = part, {}
        short = ""
        title = part.words() if hasattr(part, "words") else str(getattr(part, "name", part))  # type: ignore[attr-defined]
        for i, (regime, waterfall) in enumerate(self.plan.waterfalls.items()):
            numbers = [n for n, clause in enumerate(waterfall.clauses, 1) if clause is part]
            if numbers:
                short = f"{regime} ({numbers[0]})" if i else f"({numbers[0]})"
                title = f"{regime}, ({numbers[0]}) {title}" if i else f"({numbers[0]}) {title}"
                if numbers[0] == 1 and len(self.plan.waterfalls) == 1:
                    self.payments(regime)
        self.clause = bool(short)
        level = 1 if part == AFTER else 2
        self.items.append(Heading(title, part, level, short))

    def payments(self, regime: str) -> None:
        """The heading over a regime's clauses, and over the line that says whether it is in force where there are several."""
        self.items.append(Heading(f"Priority of payments: {regime}", regime, 1))

    # symbols

    def __setitem__(self, key: Key, value: Amount) -> None:
        old = self.symbols.get(key, 0.0)
        value = self.of(value)
        if self.mask is not None:
            value = self.masked(value, old)
        if isinstance(value, Cell) and not value.leaf:
            said = told(key) if key != ("cash",) or self.clause else f"{told(key)}, after {self.title}"
            self.line(value, said, "sum" if self.summed(key, value, old) else "symbol", key)
        self.symbols[key] = value

    def summed(self, key: Key, value: Cell, old: Amount) -> bool:
        """Whether a clause adds to what earlier clauses of the date have brought: the sum belongs to the results."""
        return self.clause and value.op == "add" and isinstance(old, Cell) and key in self.plan.flows

    def masked(self, value: Amount, old: Amount) -> Amount:
        """A value where the condition that is being written holds, else the old one; of what is added, the addend."""
        mask = self.mask
        assert mask is not None
        if value is old or value == old:
            return value
        if isinstance(value, Cell) and value.op in ("add", "sub"):
            base, addend = value.args
            if base is old or (isinstance(base, Cell) and grown(base, old)):
                return self.made(value.op, self.masked(base, old), self.masked(addend, 0.0))
        if isinstance(old, float) and old == 0.0 and isinstance(value, Cell) and id(mask) in value.masks:
            return value
        return self.made("select", mask, value, old)

    # what a machine is asked for

    def input(self, *key: str) -> Amount:
        if key not in self.inputs:
            return 0.0
        self.rows.setdefault(key, Row(told(key), unit_of(key), key=key))
        return self.cell("row", (key,), unit_of(key))

    def curve(self, values: np.ndarray) -> Amount:
        values = np.asarray(values, np.float64)
        name = values.tobytes()
        if (values == values[0]).all() and (values[0] in (0.0, 1.0) or not np.isfinite(values[0])):
            return float(values[0])
        if name not in self.rows:
            label, unit = self.names.get(name) or (f"{self.title} by date", "number")
            self.rows[name] = Row(label, unit, values=values)
        return self.cell("row", (name,), self.rows[name].unit)

    @property
    def title(self) -> str:
        """Whose meaning is being written, in a few words."""
        return str(getattr(self.part, "name", self.part))[:60]

    def when(self, mask: Amount) -> Iterator[None]:
        mask = self.of(mask)
        if not isinstance(mask, Cell):
            yield from (None,) if mask else ()
            return
        outer = self.mask
        both = mask if outer is None else self.both(outer, mask)
        assert isinstance(both, Cell)
        regime = next((key for key, value in self.symbols.items() if key[0] == "regime" and value is mask), None)
        if regime is not None:
            self.payments(regime[1])
        self.line(both, "applies" if regime is None else told(regime), "applies")
        self.mask = both
        yield
        self.mask = outer

    def leaf_words(self, cell: Cell) -> str:
        """What a term, an input or a carried symbol is called in a label."""
        (key,) = cell.args
        if cell.op == "before":
            return f"opening {told(key)}"
        return self.terms[key].label if cell.op == "term" else self.rows[key].label.partition(": ")[0]

    def names_read(self) -> Iterator[str]:
        """The names of terms that a line or an opening position reads; what no formula reads is no input."""
        parts = [part for item in self.items if isinstance(item, Line) for part in item.parts]
        for value in map(self.of, self.opening.values()):
            parts += Writer([]).formula(value) if isinstance(value, Cell) else ()
        yield from (part.args[0] for part in parts if isinstance(part, Cell) and part.op == "term")

    # what is left at the end of the date

    def results(self) -> None:
        """A line for the last value of every symbol: the results of the date, and what the next begins with."""
        for title, keys in grouped(self.plan, self.symbols):
            values = {key: self.of(self.symbols[key]) for key in keys}
            kept = [key for key in keys if key in self.opening or isinstance(values[key], Cell) or values[key] != 0.0]
            if kept:
                self.items.append(Heading(title, None, 2))
            for key in kept:
                self.line(self.of(self.symbols[key]), told(key), "result", key)
                self.items[-1].unit = unit_of(key)  # type: ignore[union-attr]


def formula_lines(plan: Plan, inputs: Collection[Key]) -> FormulaWriter:
    """One payment date of a plan in lines; `inputs` are the keys of what arrives, the others being 0."""
    page = FormulaWriter(plan, inputs)
    page.items.append(Heading(FALLS_DUE, None, 1))
    settle_date(page, page.plan)
    page.items.append(Heading("Results of the date, which the next begins with", None, 1))
    page.results()
    lines = [item for item in page.items if isinstance(item, Line)]
    tell_units(page.terms, [*(line.cell for line in lines), *map(page.of, page.opening.values())])
    for line in lines:
        if line.what != "result" and isinstance(line.cell, Cell):
            line.unit = line.cell.unit
    page.items = told_in_lines(page.items, page.leaf_words)
    read = set(page.names_read())
    page.terms = {name: term for name, term in page.terms.items() if name in read}
    return page
