"""Text: sentences of the language, read from a closed list of words over Python's syntax and never evaluated."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from waterfalls.errors import InvalidTerms, UnknownName, unknown
from waterfalls.language import MODIFIERS, WORDS, Number, condition, number

BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.RShift: operator.rshift,
}  # fmt: skip
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


def parse(text: Any, wanted: type[Any] | tuple[type, ...]) -> Any:
    """What a text says, read from a closed list of words and never evaluated."""
    if not isinstance(text, str):
        text = repr(text) if isinstance(text, (int, float)) else text
    if not isinstance(text, str):
        raise InvalidTerms(f"a text is wanted, got {text!r}")
    try:
        tree = ast.parse(re.sub(r"\s*\n\s*", " ", text.strip()), mode="eval").body
    except SyntaxError as error:
        raise InvalidTerms(
            f"{text!r} is not a sentence of the language: {error.msg} at column {error.offset}"
        ) from None
    try:
        said = build(tree)
        said = number(said) if wanted is Number else said
    except (InvalidTerms, UnknownName) as error:
        raise InvalidTerms(f"in {text!r}: {error}") from None
    except (TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise InvalidTerms(f"in {text!r}: {error}") from None
    if not isinstance(said, wanted):
        kind = wanted.__name__.lower() if isinstance(wanted, type) else "clause"
        raise InvalidTerms(f"{text!r} is not a {kind}")
    return said


def build(tree: ast.AST) -> Any:
    """The value of a syntax tree over the closed list of words."""
    match tree:
        case ast.Constant(value=value) if isinstance(value, (str, int, float)) or value is None:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -build(inner)
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return ~condition(build(inner))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            a, b = build(left), build(right)
            if isinstance(sign, (ast.BitAnd, ast.BitOr)):
                a, b = condition(a), condition(b)
            return BINARY[type(sign)](a, b)
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARE:
            return COMPARE[type(sign)](build(left), build(right))
        case ast.Compare(comparators=compared) if any(isinstance(part, ast.BinOp) for part in compared):
            raise InvalidTerms("put each comparison in parentheses: (x < 1.25) & (y > 0)")
        case ast.Compare():
            raise InvalidTerms("one comparison at a time, with < <= > >=: write (a < b) & (b < c)")
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            raise InvalidTerms("write & | ~ for and, or, not, each comparison in parentheses: (x < 1.25) & (y > 0)")
        case ast.Dict(keys=keys, values=values):
            return {build(key): build(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if name not in WORDS:
                raise UnknownName("word", name, WORDS)
            return WORDS[name](*map(build, args), **{str(k.arg): build(k.value) for k in keywords})
        case ast.Call(func=ast.Attribute(value=subject, attr=name), args=args, keywords=keywords):
            if name not in MODIFIERS:
                raise UnknownName("modifier", name, sorted(MODIFIERS))
            return getattr(build(subject), name)(*map(build, args), **{str(k.arg): build(k.value) for k in keywords})
        case ast.Name(id=name) if name in WORDS:
            raise InvalidTerms(f"a word is said with parentheses: {name}(...)")
        case ast.Name(id=name):
            raise InvalidTerms(unknown("word", name, WORDS) + " Names of the deal stand in quotes.")
    raise InvalidTerms(f"{ast.unparse(tree)!r} is not part of the language")  # type: ignore[arg-type]
