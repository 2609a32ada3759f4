"""What pydantic finds wrong with the fields of a term, in our words and with its place."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic

from waterfalls.bounds import decimal_meant
from waterfalls.errors import Fault, number_meant, shown, unknown

MISSING = dataclasses.MISSING
SAID = {  # what pydantic calls a kind of value, and what a reader of deal files calls it
    "integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false", "tuple": "a list",
    "list": "a list", "dictionary": "a mapping", "date": "a date",
}  # fmt: skip


def faults_of(error: pydantic.ValidationError, names: Iterable[str], fields: Mapping[str, Any]) -> list[Fault]:
    """The faults in an error of pydantic, in our words: each with its place, what was given and what is allowed."""
    found: list[Fault] = []
    told: dict[str, Fault] = {}
    for item in error.errors(include_url=False):
        kind, given, context = item["type"], shown(item["input"]), item.get("ctx", {})
        place = place_of(item["loc"], fields)
        if kind == "value_error":  # of a text of the language, so that no other branch of a union was meant
            told[place] = Fault(place, str(context["error"]))
        elif kind in ("unexpected_keyword_argument", "extra_forbidden"):
            found.append(Fault("", unknown("field", item["loc"][-1], names)))
        elif kind == "literal_error":
            found.append(Fault(place, unknown("choice", item["input"], re.findall(r"'([^']*)'", context["expected"]))))
        elif kind.startswith("missing"):
            found.append(Fault(place, "is required and missing"))
        elif kind == "is_instance_of" or kind.startswith("dataclass"):
            wanted = context.get("class") or context["class_name"]
            found.append(Fault(place, f"must be a {wanted}, got {given}"))
        else:
            text = item["msg"].replace("Input should be", "must be")
            for theirs, ours in SAID.items():
                text = text.replace(f"a valid {theirs}", ours)
            if kind.startswith(("float", "int")):
                given += number_meant(item["input"])
            meant = decimal_meant(item["input"]) if context.get("le", context.get("lt")) == 1.0 else ""
            found.append(Fault(place, f"{text[:1].lower()}{text[1:]}, got {given}{meant}"))
    return [*told.values(), *merged([fault for fault in found if fault.place not in told])]


def merged(found: Sequence[Fault]) -> list[Fault]:
    """Faults with those of one place (the branches of a union) as one."""
    places: dict[str, list[str]] = {}
    for fault in found:
        places.setdefault(fault.place or fault.what, []).append(fault.what)
    result = []
    for fault in found:
        texts = places.pop(fault.place or fault.what, None)
        if texts:
            heads = [text.partition(", got ")[0] for text in texts]
            must = "must be " if heads[0].startswith("must be ") else ""
            said = " or ".join(dict.fromkeys(head.removeprefix("must be ") for head in heads))
            result.append(Fault(fault.place, f"{must}{said}{texts[-1].removeprefix(heads[-1])}"))
    return result


def place_of(steps: Sequence[int | str], fields: Mapping[str, Any]) -> str:
    """The place that pydantic's path leads to: steps that lead nowhere name the branch of a union."""
    place, within = str(steps[0]), fields.get(str(steps[0]))
    for step in steps[1:]:
        if isinstance(within, Mapping):
            key = next((key for key in within if step in (key, repr(key))), MISSING)
            if key is not MISSING:
                place += f"[{key if isinstance(key, int | float) else str(key)!r}]"
                within = within[key]
        elif isinstance(step, int):
            place += f"[{step}]"
            within = within[step] if isinstance(within, tuple | list) and step < len(within) else None
    return place
