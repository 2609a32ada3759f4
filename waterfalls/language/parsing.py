"""Text: sentences of the language, read from a closed list of words over Python's syntax and never evaluated.

A sentence has at most `LONGEST` characters and `DEEPEST` levels: `a + b + c` has three, and every modifier adds two. What
definitions say one inside another has at most `DEEPEST` levels too. Nothing that is read then overflows Python's stack.
"""

from __future__ import annotations

import ast
import inspect
import operator
import re
import warnings
from collections.abc import Callable
from typing import Any

from pydantic_core import CoreSchema, core_schema

from waterfalls.errors import InvalidTerms, UnknownName, refuse_unknown, shown, unknown
from waterfalls.language.vocabulary import MODIFIERS, WORDS, amount, condition, load_words

BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.RShift: operator.rshift,
}  # fmt: skip
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
LONGEST = 20_000
DEEPEST = 200


def parse(text: Any, wanted: type[Any] | tuple[type, ...]) -> Any:
    """What a text says, read from a closed list of words and never evaluated."""
    if not isinstance(text, str):
        text = repr(text) if isinstance(text, (int, float)) else text
    if not isinstance(text, str):
        raise InvalidTerms(f"a text is wanted, got {text!r}")
    load_words()
    tree = tree_of(text)
    try:
        said = build(tree)
        said = getattr(wanted, "__said__", lambda value: value)(said)
    except (InvalidTerms, UnknownName) as error:
        raise InvalidTerms(f"in {quoted(text)}: {error}") from None
    except OverflowError:
        raise InvalidTerms(f"in {quoted(text)}: a number is too large") from None
    except (TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise InvalidTerms(f"in {quoted(text)}: {lacking(error)}") from None
    if not isinstance(said, wanted):
        kind = wanted.__name__.lower() if isinstance(wanted, type) else "clause"
        advice = f": a clause pays it, pay({text.strip()})" if kind == "clause" and hasattr(said, "receive") else ""
        raise InvalidTerms(f"{quoted(text)} is not a {kind}{advice}")
    return said


def lacking(error: Exception) -> str:
    """What an error says; of a word with too little or too much in its parentheses, what it takes, and what it means."""
    found = re.match(r"(\w+)\(\) (?:missing \d+ required [\w-]+ arguments?: (.*))?", str(error))
    if found is None or found[1] not in WORDS:
        return str(error)
    word = WORDS[found[1]]
    meaning = (word.__doc__ or "").strip().partition("\n")[0]
    takes = f"needs {found[2]}" if found[2] else f"takes {', '.join(inspect.signature(word).parameters) or 'nothing'}"
    return f"{found[1]} {takes} in its parentheses. {meaning}".strip()


def tree_of(text: str) -> ast.expr:
    """The syntax of a sentence; refused where it is none, or too long or too deep to be one."""
    if len(text) > LONGEST:
        raise InvalidTerms(f"{quoted(text)} has {len(text):,} characters; a sentence has at most {LONGEST:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # what Python only doubts is no sentence either
            warnings.simplefilter("error", DeprecationWarning)
            tree = ast.parse(re.sub(r"\s*\n\s*", " ", text.strip()), mode="eval").body
    except SyntaxError as error:
        at = f" at column {error.offset}" if error.offset else ""
        raise InvalidTerms(f"{quoted(text)} is not a sentence of the language: {error.msg}{at}") from None
    except ValueError as error:  # a zero byte
        raise InvalidTerms(f"{quoted(text)} is not a sentence of the language: {error}") from None
    except (RecursionError, MemoryError):
        raise InvalidTerms(too_deep(text)) from None
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise InvalidTerms(too_deep(text))


def too_deep(text: str) -> str:
    return f"{quoted(text)} is too deep: at most {DEEPEST} levels one inside another; give its parts names under definitions"


def quoted(text: str) -> str:
    """A sentence as a message quotes it, a long one by its beginning."""
    return repr(text if len(text) <= 200 else f"{text[:150]}...")


def build(tree: ast.AST) -> Any:
    """The value of a syntax tree over the closed list of words."""
    match tree:
        case ast.Constant(value=value) if isinstance(value, (str, int, float)) or value is None:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            value = amount(build(inner))
            if hasattr(value, "words"):
                raise InvalidTerms(f"a minus stands before a number written out: 0 - ({value})")
            return -value
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return ~condition(build(inner))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            a, b = build(left), build(right)
            if isinstance(sign, (ast.BitAnd, ast.BitOr)):
                a, b = condition(a), condition(b)
            elif not isinstance(sign, ast.RShift):
                a, b = amount(a), amount(b)
            elif isinstance(a, int) or isinstance(b, int):
                raise InvalidTerms("a clause stands on each side of >>")
            return BINARY[type(sign)](a, b)
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARE:
            return COMPARE[type(sign)](amount(build(left)), amount(build(right)))
        case ast.Compare(comparators=compared) if any(isinstance(part, ast.BinOp) for part in compared):
            raise InvalidTerms("put each comparison in parentheses: (x < 1.25) & (y > 0)")
        case ast.Compare():
            raise InvalidTerms("one comparison at a time, with < <= > >=: write (a < b) & (b < c)")
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            raise InvalidTerms("write & | ~ for and, or, not, each comparison in parentheses: (x < 1.25) & (y > 0)")
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return once([(build(key), build(value)) for key, value in zip(keys, values, strict=True) if key])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if all(k.arg for k in keywords):
            refuse_unknown("word", name, WORDS)
            return WORDS[name](*map(build, args), **once([(k.arg, build(k.value)) for k in keywords]))
        case ast.Call(func=ast.Attribute(value=subject, attr=name), args=args, keywords=keywords) if all(
            k.arg for k in keywords
        ):
            if name not in MODIFIERS:
                raise UnknownName("modifier", name, sorted(MODIFIERS))
            said = build(subject)
            if not hasattr(said, name):
                raise InvalidTerms(
                    f"{name} belongs to a clause, such as pay(...).{name}(...), and {shown(said)} is none"
                )
            return getattr(said, name)(*map(build, args), **once([(k.arg, build(k.value)) for k in keywords]))
        case ast.Name(id=name) if name in WORDS:
            raise InvalidTerms(f"a word is said with parentheses: {name}(...)")
        case ast.Name(id=name):
            raise InvalidTerms(unknown("word", name, WORDS) + " Names of the deal stand in quotes.")
    raise InvalidTerms(f"{ast.unparse(tree)!r} is not part of the language")  # type: ignore[arg-type]


def once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A mapping in which a name stands once."""
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidTerms(f"{name!r} stands twice")
        found[name] = value
    return found


def or_text(cls: type, read: Callable[[str], Any], plain: Callable[[Any], Any] = lambda value: value) -> CoreSchema:
    """How a field of a term takes a sentence of the language: itself, or its text as a deal file has it."""

    def said(value: Any) -> Any:
        return read(value) if isinstance(value, str) else plain(value)

    return core_schema.no_info_before_validator_function(said, core_schema.is_instance_schema(cls))
