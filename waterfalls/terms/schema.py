"""The JSON Schema of a document: what an editor needs to complete and check a deal file while it is written."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing
from collections.abc import Mapping
from typing import Any, Literal

from waterfalls.terms.term import field_types, is_a, is_family, is_term, is_union, kind_of

PLAIN: dict[Any, dict[str, Any]] = {
    float: {"type": "number"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    datetime.date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
}


TABLE: dict[str, Any] = {
    "description": "A table in a CSV, Parquet or Excel file of its own, relative to the document.",
    "type": "object",
    "properties": {
        "file": {"type": "string", "description": "the name of the file; its suffix says which kind it is"},
        "sheet": {"type": "string", "description": "the sheet of a workbook that has several"},
        "ignore": {"type": "array", "items": {"type": "string"}, "description": "columns that are not read"},
    },
    "additionalProperties": False,
    "required": ["file"],
}


def schema(cls: type, *, mark: str, meanings: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, Any]:
    """The schema of a document that holds a term, with its version mark on top.

    `meanings` say what fields mean, by term and field, each with its unit before a bar where it has one.
    """
    definitions: dict[str, Any] = {}
    describe(cls, definitions)
    for term, fields in (meanings or {}).items():
        properties = definitions.get(term, {}).get("properties", {})
        for field in properties.keys() & fields.keys():
            unit, _, meaning = fields[field].rpartition(" | ")
            said = re.sub(r"\[(.*?)\]\(.*?\)|`", r"\1", meaning) + (f" ({unit})" if unit else "")
            properties[field] = {**properties[field], "description": said}
    top = dict(definitions.pop(cls.__name__))
    top["properties"] = {mark: {"const": 1}, **top["properties"]}
    top["required"] = [mark, *top.get("required", [])]
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": cls.__name__}
    return {**draft, **top, "$defs": dict(sorted(definitions.items()))}


def describe(wanted: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one annotation; terms are described once, in `definitions`."""
    inner = typing.get_args(wanted)
    if is_union(wanted):
        branches = [branch for branch in inner if branch is not type(None)]
        if is_family(wanted):
            terms = [branch for branch in branches if is_term(branch)]
            others = [describe(branch, definitions) for branch in branches if not is_term(branch)]
            return {"oneOf": [*(tagged(branch, definitions) for branch in terms), *others]}
        found = [describe(branch, definitions) for branch in branches]
        return found[0] if len(found) == 1 else {"anyOf": found}
    if hasattr(wanted, "__table__") and not is_term(wanted):
        return in_a_file(definitions)
    if hasattr(wanted, "__text__"):
        said = f"{in_words(wanted)}, as text of the language"
        return {"type": ["string", "number"] if hasattr(wanted, "__said__") else "string", "description": said}
    if hasattr(wanted, "__items__"):
        return {"type": "array", "items": describe(wanted.__items__, definitions)}
    if is_term(wanted):
        if wanted.__name__ not in definitions:
            definitions[wanted.__name__] = {}
            definitions[wanted.__name__] = of_term(wanted, definitions)
        reference = {"$ref": f"#/$defs/{wanted.__name__}"}
        return {"anyOf": [reference, in_a_file(definitions)]} if hasattr(wanted, "__table__") else reference
    if typing.get_origin(wanted) is Literal:
        return {"enum": list(inner)}
    if is_a(wanted, tuple):
        listed = {"type": "array", "items": describe(inner[0], definitions)}
        return {"anyOf": [listed, in_a_file(definitions)]} if is_term(inner[0]) else listed
    if is_a(wanted, Mapping):
        return {"type": "object", "additionalProperties": describe(inner[1], definitions)}
    return PLAIN.get(wanted, {})


def in_words(cls: type) -> str:
    """A class by its name, as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()


def in_a_file(definitions: dict[str, Any]) -> dict[str, Any]:
    """What may stand for holdings and for a list of like things."""
    definitions["Table"] = TABLE
    return {"$ref": "#/$defs/Table"}


def tagged(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """One of several terms, under the outer key that says which."""
    kind = kind_of(cls)
    body = describe(cls, definitions)
    return {"type": "object", "properties": {kind: body}, "required": [kind], "additionalProperties": False}


def of_term(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a term: its fields, which are required, and the first paragraph of its docstring."""
    hints, fields = field_types(cls), dataclasses.fields(cls)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {
        "description": " ".join((cls.__doc__ or "").split("\n\n")[0].split()),
        "type": "object",
        "properties": {field.name: describe(hints[field.name], definitions) for field in fields},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
