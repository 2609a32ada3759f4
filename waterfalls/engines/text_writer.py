"""The text writer: a machine that writes one payment date as labelled assignments, which a reader can follow.

    [due, interest on A] = [owed interest A]
    [paid, interest on A] = min([due, interest on A], [available, step 9])
    [cash (2)] = [cash] - [paid, interest on A]

Whoever reads the lines from first to last, with the inputs of a date, has the date: `[cash before]` is what the last
date left, `[by date 1]` a number of `curves`. A label that is assigned again is numbered, so that each is assigned once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

import numpy as np

from waterfalls.engines.one_date import settle_date
from waterfalls.engines.writing import SIGNS, Writer, Written
from waterfalls.language.machine import Key
from waterfalls.plan import Plan

LABEL = re.compile(r"\[[^\]]*\]")
FUNCTIONS = {"ge": "at_least", "gt": "above", "not": "not_"}
LONGEST = 64  # characters of an expression that stands inside another; a longer one is assigned first


@dataclasses.dataclass(eq=False, slots=True)
class Said(Written):
    """An expression, and how tightly its outermost sign binds."""

    machine: Page
    text: str
    strength: int = 3


Amount: TypeAlias = Said | float


class Page(Writer):
    """The lines of one plan's payment date while they are being written: a `Machine`."""

    def __init__(self, plan: Plan, inputs: Collection[Key]) -> None:
        super().__init__(plan)
        self.inputs = inputs
        self.lines: list[str] = []
        self.curves: dict[bytes, np.ndarray] = {}
        self.used: dict[str, int] = {}  # how often each label was assigned
        self.part: object = None  # whose meaning is being written, and which step of the date that is
        self.steps = 0
        self.symbols = {key: Said(self, f"[{' '.join(key)} before]") for key in plan.opening}
        self.changed: dict[Key, Amount] = {}  # what symbols were before the condition that is being written

    def assigned(self, label: str, value: Said) -> Said:
        """A value under a label of its own, on a line; an expression is called by its label from then on."""
        count = self.used[label] = self.used.get(label, 0) + 1
        name = f"[{label}]" if count == 1 else f"[{label} ({count})]"
        self.lines.append(f"{name} = {value.text}")
        if not LABEL.fullmatch(value.text):
            value.text, value.strength = name, 3
        return Said(self, name)

    def made(self, op: str, *given: Amount) -> Amount:
        """An operation as a sign between two expressions or as a function; what changes nothing is left out."""
        if op not in SIGNS:
            return Said(self, f"{FUNCTIONS.get(op, op)}({', '.join(self.inside(value, 0) for value in given)})")
        left, right = given
        if right == 0.0 and op in ("add", "sub"):
            return left
        if left == 0.0 and op == "add":
            return right
        sign, strength = SIGNS[op]
        return Said(self, f"{self.inside(left, strength)} {sign} {self.inside(right, strength + 1)}", strength)

    def inside(self, value: Amount, strength: int) -> str:
        """An expression as it stands inside another: in brackets where they are needed, a long one by its label."""
        if not isinstance(value, Said):
            return repr(float(value))
        if len(value.text) > LONGEST:
            self.assigned("amount", value)
        return value.text if value.strength >= strength else f"({value.text})"

    def __setitem__(self, key: Key, value: Amount) -> None:
        if key in self.symbols:
            self.changed.setdefault(key, self.symbols[key])
        self.symbols[key] = self.assigned(" ".join(key), value) if isinstance(value, Said) else value

    def input(self, *key: str) -> Amount:
        return Said(self, f"[{' '.join(key)}]") if key in self.inputs else 0.0

    def curve(self, values: np.ndarray) -> Amount:
        if (values == values[0]).all():
            return float(values[0])
        self.curves.setdefault(values.tobytes(), values)
        return Said(self, f"[by date {list(self.curves).index(values.tobytes()) + 1}]")

    def both(self, a: Amount, b: Amount) -> Amount:
        return self.made("both", a, b) if isinstance(a, Said) else b if a else 0.0

    def select(self, mask: Amount, yes: Amount, no: Amount) -> Amount:
        return self.made("select", mask, yes, no) if isinstance(mask, Said) else yes if mask else no

    def when(self, mask: Amount) -> Iterator[None]:
        if not isinstance(mask, Said):
            yield from (None,) if mask else ()
            return
        applies = self.label(mask, "applies", self.part)
        outer, self.changed = self.changed, {}
        yield
        changed, self.changed = self.changed, outer
        for key, old in changed.items():
            self.changed.setdefault(key, old)
            self[key] = self.select(applies, self.symbols[key], old)

    def label(self, value: Amount, what: str, part: Any) -> Amount:
        said = f"step {self.steps}" if part is self.part else part.words()
        return self.assigned(f"{what}, {said}", value) if isinstance(value, Said) else value

    def heading(self, part: Any) -> None:
        self.part, self.steps = part, self.steps + 1
        title = part.words() if hasattr(part, "words") else getattr(part, "name", part)
        self.lines += ["", f"# {self.steps}. {title}"]


def text_of(plan: Plan, inputs: Collection[Key]) -> Page:
    """One payment date of a plan in lines; `inputs` are the keys of what arrives, the others being 0."""
    page = Page(plan, inputs)
    settle_date(page, plan)
    return page
