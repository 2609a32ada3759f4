"""The machine: what the meaning of a clause is written against, so that it is written once.

A number, a condition, a claim, a clause or a term says what it does as `settle(m)`, and a machine interprets it: with
plain floats (`floats`), as a program for the kernel (`program_writer`) or as text that a reader can follow (`text_writer`). A machine
knows no clause and no term; a new clause needs no change to a machine, and a new machine none to a clause.

Values are opaque. `+ - * /` work between them and with numbers written out; everything else is asked of the machine,
since what a value will be is not known while a program or a text is written, so that Python's `if` cannot ask it. What
the terms say (`self.rate != 0.0`) is known, and asked with `if`. A truth is a value as well: 1.0 or 0.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np


Key: TypeAlias = tuple[str, ...]  # of a symbol, such as ("owed", "interest", "A")
Contract: TypeAlias = Any  # the terms on their dates: what `waterfalls.plan.Plan` holds, which is built of all meanings
Value: TypeAlias = Any  # a number or a truth: opaque, whatever the machine computes with


class Machine(Protocol):
    """What interprets a payment date. `m[key]` reads a symbol of the running state and `m[key] = value` writes it."""

    told: dict[str, Value] | None  # what definitions say, while one is being read

    @property
    def plan(self) -> Contract:
        """The deal's terms on their dates."""
        ...

    def __getitem__(self, key: Key, /) -> Value: ...

    def __setitem__(self, key: Key, value: Value, /) -> None: ...

    def input(self, *key: str) -> Value:
        """What arrives from outside in this scenario and period: a receipt, an event, a rate; 0 where there is none."""
        ...

    def curve(self, values: np.ndarray) -> Value:
        """A number that depends on the payment date only (T,)."""
        ...

    def ge(self, a: Value, b: Value, /) -> Value:
        """a >= b."""
        ...

    def gt(self, a: Value, b: Value, /) -> Value:
        """a > b."""
        ...

    def both(self, a: Value, b: Value, /) -> Value:
        """Whether two truths hold."""
        ...

    def either(self, a: Value, b: Value, /) -> Value:
        """Whether at least one of two truths holds."""
        ...

    def not_(self, a: Value, /) -> Value:
        """Whether a truth does not hold."""
        ...

    def min_(self, a: Value, b: Value, /) -> Value:
        """The lesser; of equal ones the first."""
        ...

    def max_(self, a: Value, b: Value, /) -> Value:
        """The greater; of equal ones the first."""
        ...

    def select(self, mask: Value, yes: Value, no: Value, /) -> Value:
        """`yes` where a truth holds, else `no`; both are computed."""
        ...

    def ratio(self, top: Value, bottom: Value, zero: float, /) -> Value:
        """top / bottom, and `zero` where bottom is 0."""
        ...

    def when(self, mask: Value, /) -> Iterable[object]:
        """`for _ in m.when(mask):` what stands inside happens only where the truth holds.

        A loop, because it may run no time at all: floats skip what does not apply, which a `with` cannot, and what is
        inside still reads and sets the names around it, which a function handed over would not.
        """
        ...

    def determine(self) -> None:
        """Remembers the symbols as they stand, as those of determination."""

    def at_start(self) -> Machine:
        """The machine as of determination, to read from."""
        ...

    def label(self, value: Value, what: str, part: object, /) -> Value:
        """The same value, findable by what it is ("due", "paid", "available" ...) and of which claim or clause."""
        ...

    def heading(self, part: object, /) -> None:
        """Says whose meaning follows: a term, a trigger, a clause, or a text for what belongs to none."""
