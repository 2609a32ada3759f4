"""The words that a text may use, and what everything said with them shares: names, parts, and the texts of both."""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from waterfalls.bounds import LARGEST
from waterfalls.errors import InvalidTerms, shown

F = TypeVar("F", bound=Callable[..., Any])
WORDS: dict[str, Callable[..., Any]] = {}
MODIFIERS: set[str] = set()
ALL_WORDS = "waterfalls.words"


def word(factory: F) -> F:
    """Adds a factory to the closed list of words that a text may use; one that stands there already is refused."""
    known = WORDS.setdefault(factory.__name__, factory)
    if known.__module__ != factory.__module__:
        raise InvalidTerms(f"{factory.__name__!r} is a word of {known.__module__} already: give yours another name")
    WORDS[factory.__name__] = factory
    return factory


def load_words() -> None:
    """Loads every word, by name because they are built on this: a word is known once its module is loaded."""
    importlib.import_module(ALL_WORDS)


@dataclasses.dataclass(frozen=True)
class Need:
    """A name that an expression or a clause speaks of, what must bear it (a note, an account, a trigger ...), and the
    terms of which that must have one."""

    what: str
    name: str
    terms: tuple[str, ...] = ()


class Node:
    """Anything the language says: it has parts, needs names, and prints as its own text."""

    reads_start: ClassVar[bool] = False  # whether it reads the state as of determination
    needs_what: ClassVar[str] = ""  # what must bear its `name` or `names`: a note, an account, a trigger ...
    needs_one_of: ClassVar[tuple[str, ...]] = ()  # the terms of which that must have one

    def parts(self) -> Iterator[Node]:
        """The nodes directly inside this one."""
        return (node for _, node in nodes_in(self))

    def takes_infinite(self, part: Node) -> bool:
        """Whether a number directly inside this node may be infinite."""
        return False

    def walk(self) -> Iterator[Node]:
        """This node and every node inside it."""
        yield self
        for part in self.parts():
            yield from part.walk()

    def needs(self) -> tuple[Need, ...]:
        """The names this node itself speaks of; `walk` finds those of its parts."""
        names = getattr(self, "names", (getattr(self, "name", ""),))
        return tuple(Need(self.needs_what, name, self.needs_one_of) for name in names if self.needs_what)

    def words(self) -> str:
        """What a prospectus would say."""
        raise NotImplementedError


def nodes_in(holder: Any) -> Iterator[tuple[str, Node]]:
    """The numbers, conditions and clauses in the fields of a term or a node, each with its field."""
    for field in dataclasses.fields(holder):
        value = getattr(holder, field.name)
        for item in value if isinstance(value, (tuple, Mapping)) else (value,):  # of a mapping its keys
            if isinstance(item, Node):
                yield field.name, item
            elif hasattr(item, "__pydantic_fields__"):  # a term within a term, such as a coupon
                yield from ((field.name, node) for _, node in nodes_in(item))


def amount(value: Any) -> Any:
    """What the signs of arithmetic take: a `Number`, or a number written out."""
    if hasattr(type(value), "infinite"):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidTerms(f"{value} is not a number that terms can hold")
        if abs(value) > LARGEST:
            raise InvalidTerms(f"a number is too large: at most {LARGEST:g} in size, got {shown(value)}")
        return value
    raise InvalidTerms(f"a number or an expression is wanted, got {shown(value)}")


def condition(value: Any) -> Any:
    """A `Condition`, or the advice what to write instead."""
    if hasattr(type(value), "words_not"):
        return value
    raise InvalidTerms(
        f"& | ~ join conditions, got {shown(value)}: put each comparison in parentheses, (x < 1.25) & (y > 0)"
    )


def named(what: str, given: Any) -> str:
    """The name of an object, or the name itself."""
    name = given if isinstance(given, str) else getattr(given, "name", None)
    if not isinstance(name, str) or not name:
        raise InvalidTerms(f"the name of {'an' if what[0] in 'aeiou' else 'a'} {what} is wanted, got {shown(given)}")
    return name


def quoted(*names: str, **options: Any) -> str:
    """Arguments as text: names in quotes, then the options that are set."""
    said = [repr(name) for name in names]
    return ", ".join(said + [f"{key}={value!r}" for key, value in options.items() if value not in (None, ())])


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
