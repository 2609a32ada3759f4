"""Numbers and conditions, and how signs combine them: `dscr() < 1.25`, `balance('A') * 0.02`.

A `Number` is an amount, a rate or a ratio; a `Condition` is true or false. Both are values: `==` compares what they say,
`str(x)` is the text that `parse` reads back, `settle(m)` is the meaning and `words()` what a prospectus would say.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from waterfalls.errors import InvalidTerms
from waterfalls.language.machine import Machine, Value
from waterfalls.language.parsing import or_text, parse
from waterfalls.language.vocabulary import Node, amount, condition

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class Expression(Node):
    """A node with a value."""

    strength: ClassVar[int] = 9  # how tightly the text binds, for parentheses

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"'{self}' is known only when a deal runs, so it has no truth now: write & | ~ for and, or, not, "
            "put each comparison in parentheses, and split a < b < c into (a < b) & (b < c)"
        )


class Number(Expression):
    """An amount, a rate or a ratio that is known at a clause of a payment date."""

    written: tuple[float, ...] = ()  # the values it takes, where they are written out

    @staticmethod
    def __said__(value: Any) -> Number:
        return number(value)

    @staticmethod
    def __text__(text: Any) -> Number:
        return parse(text, Number)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        # a field of a term that takes a number takes a plain one too, as `capped` and `draw` do
        return or_text(cls, cls.__text__, lambda value: number(value) if type(value) in (int, float) else value)

    def infinite(self, endless: Container[str] = ()) -> bool:
        """Whether it may be, where the definitions named in `endless` may be."""
        return False

    def settle(self, m: Machine) -> Value:
        """The value, in plain floats."""
        raise NotImplementedError

    def __add__(self, other: Number | float) -> Number:
        return Arithmetic("+", self, number(other))

    def __radd__(self, other: float) -> Number:
        return Arithmetic("+", number(other), self)

    def __sub__(self, other: Number | float) -> Number:
        return Arithmetic("-", self, number(other))

    def __rsub__(self, other: float) -> Number:
        return Arithmetic("-", number(other), self)

    def __mul__(self, other: Number | float) -> Number:
        return Arithmetic("*", self, number(other))

    def __rmul__(self, other: float) -> Number:
        return Arithmetic("*", number(other), self)

    def __truediv__(self, other: Number | float) -> Number:
        return Arithmetic("/", self, number(other))

    def __rtruediv__(self, other: float) -> NoReturn:
        raise InvalidTerms(f"'{other} / ({self})' can divide by zero: say what it is then, ratio(a, b, zero=...)")

    def __lt__(self, other: Number | float) -> Condition:
        return Comparison("<", self, number(other))

    def __le__(self, other: Number | float) -> Condition:
        return Comparison("<=", self, number(other))

    def __gt__(self, other: Number | float) -> Condition:
        return Comparison(">", self, number(other))

    def __ge__(self, other: Number | float) -> Condition:
        return Comparison(">=", self, number(other))

    def __and__(self, other: object) -> NoReturn:
        raise InvalidTerms(
            f"& joins conditions, and '{self}' is a number: put each comparison in parentheses, (x < 1.25) & (y > 0)"
        )

    __rand__ = __or__ = __ror__ = __and__


class Condition(Expression):
    """Something that is true or false at a clause of a payment date."""

    @staticmethod
    def __text__(text: Any) -> Condition:
        return parse(text, Condition)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return or_text(cls, cls.__text__)

    def settle(self, m: Machine) -> Value:
        """The truth, in plain Python."""
        raise NotImplementedError

    def words_not(self) -> str:
        """What a prospectus would say of its contrary."""
        return f"it is not the case that {self.words()}"

    def __and__(self, other: Condition) -> Condition:
        return Logic("&", self, condition(other))

    def __or__(self, other: Condition) -> Condition:
        return Logic("|", self, condition(other))

    def __rand__(self, other: object) -> NoReturn:
        condition(other)  # says what to write instead
        raise TypeError

    __ror__ = __rand__

    def __invert__(self) -> Condition:
        return self.inner if isinstance(self, Not) else Not(self)


@dataclasses.dataclass(frozen=True)
class Constant(Number):
    """A number that is written out."""

    value: float

    @property
    def written(self) -> tuple[float, ...]:  # type: ignore[override]
        return (self.value,)

    def settle(self, m: Machine) -> Value:
        return self.value

    def words(self) -> str:
        return f"{self.value:,.6g}" if abs(self.value) < 1000 else f"{self.value:,.2f}".removesuffix(".00")

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")


@dataclasses.dataclass(frozen=True)
class Arithmetic(Number):
    """left + right, left - right, left * right, or left / right where right is a number written out."""

    sign: str
    left: Number
    right: Number

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            if side.infinite() and not self.takes_infinite(side):
                raise InvalidTerms(
                    f"'{side}' is infinite when nothing is owed, so '{self}' may be no number: bound it, min_({side}, 10)"
                )
        if self.sign == "/" and not (isinstance(self.right, Constant) and self.right.value != 0.0):
            raise InvalidTerms(
                f"'{self}' can divide by zero: say what it is then, ratio({self.left}, {self.right}, zero=...)"
            )

    @property
    def strength(self) -> int:  # type: ignore[override]
        return 6 if self.sign in "*/" else 5

    def infinite(self, endless: Container[str] = ()) -> bool:
        return self.left.infinite(endless) or self.right.infinite(endless)

    def takes_infinite(self, part: Node) -> bool:
        other = self.right if part is self.left else self.left
        return isinstance(other, Constant) and (other.value != 0.0 or self.sign in "+-")

    def settle(self, m: Machine) -> Value:
        return ARITHMETIC[self.sign](self.left.settle(m), self.right.settle(m))

    def words(self) -> str:
        said = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
        return f"{self.left.words()} {said[self.sign]} {self.right.words()}"

    def __str__(self) -> str:
        return f"{bracket(self.left, self.strength)} {self.sign} {bracket(self.right, self.strength + 1)}"


@dataclasses.dataclass(frozen=True)
class Comparison(Condition):
    """left < right, and the like."""

    strength: ClassVar[int] = 4
    sign: str
    left: Number
    right: Number

    def takes_infinite(self, part: Node) -> bool:
        return True

    def settle(self, m: Machine) -> Value:
        return COMPARISON[self.sign](m, self.left.settle(m), self.right.settle(m))

    def words(self) -> str:
        said = {"<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}
        return f"{self.left.words()} {said[self.sign]} {self.right.words()}"

    def __str__(self) -> str:
        return f"{bracket(self.left, 5)} {self.sign} {bracket(self.right, 5)}"


@dataclasses.dataclass(frozen=True)
class Logic(Condition):
    """left & right, or left | right."""

    sign: str
    left: Condition
    right: Condition

    @property
    def strength(self) -> int:  # type: ignore[override]
        return 3 if self.sign == "&" else 2

    def settle(self, m: Machine) -> Value:
        left, right = self.left.settle(m), self.right.settle(m)
        return m.both(left, right) if self.sign == "&" else m.either(left, right)

    def words(self) -> str:
        return f"{self.left.words()} {'and' if self.sign == '&' else 'or'} {self.right.words()}"

    def __str__(self) -> str:
        # comparisons bind less tightly than & in Python, hence always in brackets
        sides = [
            f"({s})" if isinstance(s, Comparison) else bracket(s, self.strength + i)
            for i, s in enumerate((self.left, self.right))
        ]
        return f"{sides[0]} {self.sign} {sides[1]}"


@dataclasses.dataclass(frozen=True)
class Not(Condition):
    """~inner."""

    inner: Condition

    def settle(self, m: Machine) -> Value:
        return m.not_(self.inner.settle(m))

    def words(self) -> str:
        return self.inner.words_not()

    def __str__(self) -> str:
        return f"~{bracket(self.inner, 8)}"


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
COMPARISON: dict[str, Callable[[Machine, Value, Value], Value]] = {
    "<": lambda m, a, b: m.gt(b, a),
    "<=": lambda m, a, b: m.ge(b, a),
    ">": lambda m, a, b: m.gt(a, b),
    ">=": lambda m, a, b: m.ge(a, b),
}


def bracket(node: Expression, at_least: int) -> str:
    return str(node) if node.strength >= at_least else f"({node})"


def number(value: Number | float) -> Number:
    """A `Number` from a number or an expression."""
    return value if isinstance(value, Number) else Constant(float(amount(value)))


def bounded(value: Number | float) -> Number:
    """A `Number` that is never infinite."""
    said = number(value)
    if said.infinite():
        raise InvalidTerms(no_amount(said))
    return said


def no_amount(said: Number) -> str:
    """What is wrong with a number that may be infinite where an amount is wanted."""
    return f"'{said}' is infinite when nothing is owed, so it is no amount: bound it, min_({said}, 10)"


def finite(value: Any) -> float:
    """A number that is written out."""
    said = number(value)
    if not isinstance(said, Constant):
        raise InvalidTerms(f"a number written out is wanted, got '{said}'")
    return said.value
