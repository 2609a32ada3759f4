"""The page of terms: every kind of term that a document may hold, and every field with type, unit, default and meaning."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from docstrings import markdown
from sphinx.util import logging
from tables import code, table

from pricing.market.market import KINDS
from pricing.market.market_files import MarketData
from pricing.structure.terms.structure_terms import Structure
from structuring.collateral.asset_classes import meanings
from structuring.deals.deal import Deal
from structuring.runs.book_files import BookFile
from waterfalls.terms.schema import in_words
from waterfalls.terms.term import is_a, is_family, is_term, is_union, kind_of, plain

LOG = logging.getLogger(__name__)
FIELDS = meanings()
DOCUMENTS = {"deal": Deal, "market": MarketData, "book": BookFile, "structure": Structure}
PLAIN = {float: "number", int: "whole number", bool: "true or false", str: "text", datetime.date: "date"}
BOUNDS = {"ge": "at least {:g}", "gt": "above {:g}", "le": "at most {:g}", "lt": "below {:g}"}


def hints(cls: Any) -> dict[str, Any]:
    """The annotations of a term's fields, with their bounds."""
    return typing.get_type_hints(cls, include_extras=True)


def terms(cls: Any) -> Iterator[Any]:
    """A term and every term inside it, each once, in the order in which fields name them."""
    found = [cls]
    for term in found:
        found += [inner for hint in hints(term).values() for inner in inside(hint) if inner not in found]
    yield from dict.fromkeys(found)


def inside(wanted: Any) -> Iterator[Any]:
    """The terms that an annotation speaks of."""
    if is_term(wanted):
        yield wanted
    for part in typing.get_args(wanted):
        yield from inside(part)


def takes(wanted: Any) -> str:
    """What may stand in a field, in words."""
    inner = typing.get_args(wanted)
    if hasattr(wanted, "__metadata__"):
        limits = [
            BOUNDS[name].format(getattr(item, name)) for item in bounds(wanted) for name in BOUNDS if has(item, name)
        ]
        return " ".join([takes(inner[0]), *([", ".join(limits)] if limits else [])])
    if is_union(wanted):
        branches = [part for part in inner if part is not type(None)]
        most, last = branches[:-1], branches[-1]
        if is_a(last, tuple) and set(typing.get_args(typing.get_args(last)[0])) == set(most):
            return f"{' or '.join(map(outer, most))}, or a list of these"
        family = is_family(wanted)
        return " or ".join(dict.fromkeys(outer(part) if family and is_term(part) else takes(part) for part in branches))
    if hasattr(wanted, "__items__"):
        return "list of clauses"
    if hasattr(wanted, "__text__"):
        return f"{in_words(wanted)}, as text"
    if is_term(wanted):
        return f"[{wanted.__name__}](#{wanted.__name__.lower()})"
    if typing.get_origin(wanted) is Literal:
        return " or ".join(code(item) for item in inner)
    if is_a(wanted, tuple):
        return f"list of {takes(inner[0])}"
    if is_a(wanted, Mapping):
        by = "date" if inner[0] is datetime.date else "year" if inner[0] in (int, float) else "name"
        return f"{takes(inner[1])} by {by}"
    return PLAIN[wanted]


def outer(cls: Any) -> str:
    """One of several terms, under the outer key that says which."""
    return f"`{kind_of(cls)}:` {takes(cls)}"


def bounds(wanted: Any) -> Iterator[Any]:
    """What an annotation says beyond its type, pydantic's own wrapping undone."""
    for item in wanted.__metadata__:
        yield from getattr(item, "metadata", [item])


def has(item: Any, name: str) -> bool:
    return getattr(item, name, None) is not None


def unless_said(field: dataclasses.Field[Any]) -> str:
    """What a field is when the document says nothing."""
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "required"
    value = plain(field.default) if field.default_factory is dataclasses.MISSING else None
    return code(json.dumps(value, ensure_ascii=False)) if value not in (None, [], {}, "") else ""


def of_term(cls: Any, level: str) -> str:
    """The section of one term: what it is, and its fields."""
    types = hints(cls)
    rows = []
    for field in dataclasses.fields(cls):
        told = FIELDS.get(cls.__name__, {}).get(field.name)
        if told is None:
            LOG.warning("terms: meanings.yaml says nothing of %s.%s", cls.__name__, field.name)
        unit, _, meaning = (told or "").rpartition(" | ")
        rows.append([code(field.name), meaning, takes(types[field.name]), unit, unless_said(field)])
    body = table(["field", "meaning", "takes", "unit", "unless said"], rows)
    return f"{level} {cls.__name__}\n\n{markdown(cls.__doc__)}\n\n{body}"


def page() -> str:
    """The whole reference, as Markdown."""
    parts, told = [], set()
    for document, top in DOCUMENTS.items():
        mark = "firstloss" if document == "deal" else f"firstloss-{document}"
        parts.append(f"## A {document} file\n\nIt begins with `{mark}: 1`.\n")
        parts += [of_term(term, "###") for term in terms(top) if term not in told]
        told |= set(terms(top))
        if document == "market":
            parts += ["### Kinds of quote\n", table(["kind", "meaning"], [[code(k), v] for k, v in KINDS.items()])]
    return "\n".join(parts)
