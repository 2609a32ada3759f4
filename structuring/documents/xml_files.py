"""XML within bounds: no document type, so no entities; elements by their local name, each with its line."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from waterfalls.errors import Fault, InvalidTerms, unknown

LARGEST = 1_000_000_000  # bytes: asset-level files of large pools, which are read element by element
MOST_KEPT = 1_000_000  # elements held at once
DEEPEST = 100
LONGEST = 1_000_000  # characters of one text
PIECE = 1 << 16
ENCODINGS = ("UTF-8", "UTF-16", "US-ASCII", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252")


@dataclasses.dataclass
class Node:
    """An element: its local name, line, attributes, text and what stands inside it."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = dataclasses.field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """Every element at the end of a path of names."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> Node | None:
        """The first element at the end of a path of names, or None."""
        return next(self.all(*path), None)

    def said(self, *path: str) -> str:
        """The text at the end of a path, without spaces around it; empty where there is none."""
        found = self.first(*path)
        return "" if found is None else found.text.strip()

    def leaves(self) -> Iterator[tuple[str, str]]:
        """The path and text of everything inside that holds nothing further, and of attributes."""
        for child in self.children:
            yield from ((f"{child.name}@{name}", value) for name, value in child.attributes.items())
            if child.children:
                yield from ((f"{child.name}.{path}", text) for path, text in child.leaves())
            else:
                yield child.name, child.text.strip()


def read_xml(path: Path | str, each: str | None = None, take: Callable[[Node], None] | None = None) -> Node:
    """The root of an XML file. Every element called `each` is given to `take` when it ends, and not kept.

    Refused, with the line: a document type (and with it every entity), more than 100 levels, a million elements kept, texts
    of a million characters, a gigabyte.
    """
    path = Path(path)
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    open_: list[Node] = []
    roots: list[Node] = []
    kept = 0

    def fail(why: str) -> InvalidTerms:
        return InvalidTerms([Fault(f"{path.name}, line {parser.CurrentLineNumber}", why)])

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.upper() not in ENCODINGS:
            raise fail(f"{unknown('encoding', encoding.upper(), ENCODINGS)} Save it as UTF-8")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal kept
        kept += 1
        if len(open_) >= DEEPEST:
            raise fail(f"is too deep: at most {DEEPEST} levels one inside another")
        if kept > MOST_KEPT:
            raise fail(f"holds more than {MOST_KEPT:,} elements")
        local = {key.rpartition("\n")[2]: value for key, value in attributes.items()}
        node = Node(name.rpartition("\n")[2], parser.CurrentLineNumber, local)
        (open_[-1].children if open_ else roots).append(node)
        open_.append(node)

    def end(_: str) -> None:
        nonlocal kept
        node = open_.pop()
        if node.name == each and take is not None and open_:
            open_[-1].children.pop()
            kept -= size(node)
            take(node)

    def text(data: str) -> None:
        if open_:
            open_[-1].text += data
            if len(open_[-1].text) > LONGEST:
                raise fail(f"holds a text of more than {LONGEST:,} characters")

    def doctype(*_: object) -> None:
        raise fail("a document type (<!DOCTYPE>) is not read: it may hold entities that expand without end")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler, parser.XmlDeclHandler = doctype, declared
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidTerms([Fault(path.name, f"is larger than {LARGEST / 1e6:g} MB")])
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
    except FileNotFoundError:
        raise InvalidTerms(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise InvalidTerms([Fault(path.name, f"cannot be read: {error.strerror}")]) from None
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        raise InvalidTerms([Fault(f"{path.name}, line {error.lineno}", f"is not XML: {why}")]) from None
    return roots[0]


def size(node: Node) -> int:
    """How many elements a node is."""
    return 1 + sum(map(size, node.children))


def number_of(text: str, place: str, found: list[Fault]) -> float | None:
    """The number that a text is; a fault where it is none, and None where there is none."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e18:  # not a number, neither
        found.append(Fault(place, f"must be a number, got {text[:40]!r}"))
        return None
    return value


DATES = ("%Y-%m-%d", "%m-%d-%Y", "%m/%d/%Y", "%m/%Y", "%d-%b-%Y", "%Y%m%d")  # of regulators; a month is its first day


def date_of(text: str, place: str, found: list[Fault]) -> datetime.date | None:
    """The date that a text is, in the ways that regulators write one; a fault where it is none."""
    if not text:
        return None
    for form in DATES:
        try:
            return datetime.datetime.strptime(text.split("+")[0].split("Z")[0].strip(), form).date()
        except ValueError:
            continue
    found.append(Fault(place, f"must be a date such as 2026-11-30 or 11-30-2026, got {text[:40]!r}"))
    return None
