"""Amounts: what a number of a deal is set to, read when the deal begins or from the debt service that lies ahead."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

from pydantic_core import CoreSchema

from waterfalls.errors import InvalidTerms
from waterfalls.language.expressions import Number
from waterfalls.language.parsing import or_text, parse, tree_of
from waterfalls.language.vocabulary import quoted

AHEAD = ("months_of_debt_service", "months_of_interest")


@dataclasses.dataclass(frozen=True)
class Amount:
    """A number of the language read when the deal begins, or debt service ahead: `months_of_debt_service(6, 'A', 'B')`.

    The second is interest, and principal unless it is `months_of_interest`, that falls due on notes in the base case on the
    payment dates of the first `months`: of a date only partly inside, the part of its period.
    """

    of: Number | None
    word: str = ""
    months: float = 0.0
    notes: tuple[str, ...] = ()

    @staticmethod
    def __text__(text: Any) -> Amount:
        return amount(text)

    @staticmethod
    def __said__(value: Any) -> Amount:
        """What a document says without quotes: a plain number too."""
        return amount(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return or_text(cls, amount)

    def __str__(self) -> str:
        return str(self.of) if self.of is not None else f"{self.word}({self.months:g}, {quoted(*self.notes)})"


def amount(text: Any) -> Amount:
    """An amount from its text."""
    said = repr(text) if isinstance(text, int | float) else text
    if not isinstance(said, str) or not any(word in said for word in AHEAD):
        return Amount(parse(said, Number))

    def call(tree: Any) -> Any:
        return tree.value if isinstance(tree, ast.Constant) else None

    tree = tree_of(said)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in AHEAD and len(tree.args) > 1:
        months, *notes = map(call, tree.args)
        if isinstance(months, int | float) and months > 0 and all(isinstance(note, str) for note in notes):
            return Amount(None, tree.func.id, float(months), tuple(notes))
    raise InvalidTerms(f"{said!r}: write {AHEAD[0]}(6, 'A', 'B') alone: a number of months, then notes")
