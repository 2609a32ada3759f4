"""Tests of a structure, as sentences: `dscr('A') >= 1.40 in 'base'`, `loss('B') <= 0 in 'rents fall 45 %'`."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import re
from decimal import Decimal
from typing import Any

from pydantic_core import CoreSchema

from pricing.valuation.measures import MEASURES
from structuring.scenarios.drivers import DRIVERS
from waterfalls.dates import as_date
from waterfalls.errors import InvalidTerms, UnknownName, unknown
from waterfalls.language.expressions import Constant, Number, finite
from waterfalls.language.parsing import or_text, parse, tree_of
from waterfalls.language.vocabulary import quoted

OVER_DATES = {  # words over a number of the language: its value at each determination, as a trigger reads it
    "lowest": "the lowest over all dates",
    "highest": "the highest over all dates",
    "mean": "the mean over the dates at which it is finite",
    "at_closing": "when the deal begins: balances as issued, the collateral's value of that day",
    "on": "at one payment date: on(dscr('A'), '2029-06-15')",
}
OVER_LIFE = {  # words over the life of a tranche
    "loss": "principal written down and principal and interest never paid, as a share of the balance at the start and what is drawn after it",
    "expected_loss": "the mean of loss over paths",
    "paid": "the date at which nothing is owed any more: paid('A') <= '2033-12-15'",
    "headroom": "the share of all collections that may go before the note or a senior one goes unpaid",
    "headroom_to_trap": "the share of cash for debt service that may go before a coverage trigger trips",
    "breakeven": "the multiple of a driver at which the note first loses: breakeven('A', 'rent') <= 0.75",
    "multiple": "all cash to a tranche over all it pays in",
    **{name: f"the measure {name}: {measure.unit}" for name, measure in MEASURES.items()},
}
SIGNS = {ast.GtE: ">=", ast.LtE: "<="}
SAID = {">=": "at least", "<=": "at most"}
SUFFIX = re.compile(r"(?<=[<>]=)\s*(-?[\d.]+)\s*(x\b|%)")  # of a level: 1.40x, 60 %


@dataclasses.dataclass(frozen=True)
class SizingTest:
    """A measure, `>=` or `<=`, a level, and the scenario it holds in: the first unless said.

    `word` is empty where a number of the language stands alone: it holds at every date. `of` is that number, `args` what
    else stands in parentheses. The level is a number of the language too, or a date.
    """

    word: str
    of: Number | None
    args: tuple[str, ...]
    sign: str
    level: Number | datetime.date
    scenario: str | None = None

    @staticmethod
    def __text__(text: Any) -> SizingTest:
        return parsed(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return or_text(cls, parsed)

    @property
    def measure(self) -> str:
        """What is measured, as text."""
        if not self.word:
            return str(self.of)
        said = [] if self.of is None else [str(self.of)]
        return f"{self.word}({', '.join([*said, *([quoted(*self.args)] if self.args else [])])})"

    def __str__(self) -> str:
        level = repr(self.level.isoformat()) if isinstance(self.level, datetime.date) else str(self.level)
        return f"{self.measure} {self.sign} {level}" + (f" in {self.scenario!r}" if self.scenario else "")

    def words(self) -> str:
        """What a lawyer would say."""
        level = self.level.isoformat() if isinstance(self.level, datetime.date) else self.level.words()
        what = self.measure if self.of is None else self.of.words()
        how = f", {OVER_DATES[self.word].partition(':')[0]}," if self.word in OVER_DATES else ""
        return f"{what}{how} {SAID[self.sign]} {level}" + (f" in {self.scenario!r}" if self.scenario else "")


def parsed(text: Any) -> SizingTest:
    """A test from its text, read with Python's syntax and never evaluated."""
    if not isinstance(text, str):
        raise InvalidTerms(f"a test is a sentence such as dscr('A') >= 1.40 in 'base', got {text!r}")
    tree = tree_of(SUFFIX.sub(plain_level, text))
    match tree:
        case ast.Compare(left=left, ops=[sign], comparators=[level]):
            scenario = None
        case ast.Compare(left=left, ops=[sign, ast.In()], comparators=[level, ast.Constant(value=str(scenario))]):
            pass
        case _:
            raise InvalidTerms(f"{text!r} is not a test: write measure >= level in 'scenario', with >= or <=")
    if type(sign) not in SIGNS:
        raise InvalidTerms(f"{text!r}: a test says >= or <=, so that the level itself passes")
    try:
        word, of, args = measured(left)
        return SizingTest(word, of, args, SIGNS[type(sign)], level_of(word, level), scenario)
    except (InvalidTerms, UnknownName) as error:
        raise InvalidTerms(f"in {text!r}: {error}") from None


def plain_level(found: re.Match[str]) -> str:
    """A level as a number: 1.40x is 1.40, 60 % is 0.60."""
    try:
        return f" {Decimal(found[1]) / 100 if found[2] == '%' else found[1]} "
    except ArithmeticError:  # no number before it: Python's own error tells
        return found[0]


def measured(tree: ast.expr) -> tuple[str, Number | None, tuple[str, ...]]:
    """The word, the number and the arguments of what is measured."""
    name = tree.func.id if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) else ""
    args = tree.args if isinstance(tree, ast.Call) else []
    if name in OVER_DATES:
        wanted = 2 if name == "on" else 1
        if len(args) != wanted:
            raise InvalidTerms(f"{name} is {OVER_DATES[name]}: it takes {wanted} in parentheses, got {len(args)}")
        rest = tuple(as_date(literal(arg)).isoformat() for arg in args[1:])
        return name, parse(ast.unparse(args[0]), Number), rest
    if name in OVER_LIFE:
        said = tuple(str(literal(arg)) for arg in args)
        wanted = {"headroom_to_trap": 0, "breakeven": 2}.get(name, 1)
        if len(said) != wanted:
            raise InvalidTerms(f"{name} is {OVER_LIFE[name]}: it takes {wanted} names in parentheses, got {len(said)}")
        if name == "breakeven" and said[1] not in DRIVERS:
            raise InvalidTerms(unknown("driver", said[1], DRIVERS))
        return name, None, said
    try:
        return "", parse(ast.unparse(tree), Number), ()
    except (InvalidTerms, UnknownName) as error:
        if name and "there is no word" in str(error):
            from waterfalls.language.vocabulary import WORDS

            raise InvalidTerms(unknown("word", name, [*OVER_DATES, *OVER_LIFE, *WORDS])) from None
        raise


def literal(tree: ast.expr) -> Any:
    if not isinstance(tree, ast.Constant):
        raise InvalidTerms(f"a name in quotes is wanted, got {ast.unparse(tree)}")
    return tree.value


def level_of(word: str, tree: ast.expr) -> Number | datetime.date:
    """A level: a date for `paid`, a number for words over a life, any number of the language otherwise."""
    if word == "paid":
        return as_date(literal(tree))
    said = parse(ast.unparse(tree), Number)
    return Constant(finite(said)) if word in OVER_LIFE or word == "mean" else said
