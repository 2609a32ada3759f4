"""Places: a number of a deal by the path that a deal file's faults use, read and replaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from structuring.deals.deal import Deal
from structuring.documents.yaml_and_json import STEP
from waterfalls.errors import Fault, InvalidTerms, refuse, strangers, unknown
from waterfalls.language.expressions import Constant
from waterfalls.terms.term import kind_of, unproved


def steps_of(path: str) -> list[str]:
    """tranches['A'].coupon.rate as its steps; of a path without any, one that nothing bears."""
    return [next(filter(None, match.groups()), "") for match in STEP.finditer(path)] or [""]


def value_at(deal: Deal, path: str) -> float:
    """The number at a path; refused where there is none."""
    return float(number_at(deal, path))


def number_at(deal: Deal, path: str) -> int | float:
    """The same as the deal holds it: a count is a whole number."""
    found: Any = deal
    for step in steps_of(path):
        found = found if is_kind(found, step) else inside(found, step, path)
    found = found.value if isinstance(found, Constant) else found
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise InvalidTerms(Fault(path, f"is no number to solve for, but {str(found)!r:.60}"))
    return found


def with_values(deal: Deal, values: Mapping[str, Any]) -> Deal:
    """The deal with other values at some paths. Each term that changes is proved; that they fit together is not: the caller
    proves the deal that is kept."""
    fields: dict[str, Any] = {}
    for path, value in values.items():
        field, *steps = steps_of(path)
        key = key_of(deal, field, path)
        fields[key] = replaced(fields.get(key, getattr(deal, key)), steps, value, path)
    return unproved(deal, fields)


def inside(item: Any, step: str, path: str) -> Any:
    """What a step leads to."""
    key = key_of(item, step, path)
    return getattr(item, key) if dataclasses.is_dataclass(item) else item[key]


def replaced(item: Any, steps: Sequence[str], value: Any, path: str) -> Any:
    """An item with another value at the end of some steps."""
    if not steps:
        return Constant(value) if isinstance(item, Constant) else whole(value, path) if isinstance(item, int) else value
    if is_kind(item, steps[0]):
        return replaced(item, steps[1:], value, path)
    key = key_of(item, steps[0], path)
    part = getattr(item, key) if dataclasses.is_dataclass(item) else item[key]
    made = replaced(part, steps[1:], value, path)
    if hasattr(part, "__text__") and not hasattr(item, "__text__"):
        made = part.__text__(str(made))  # as its text would be read, so that it is proved
    if dataclasses.is_dataclass(item):
        return dataclasses.replace(item, **{key: made})  # type: ignore[type-var]
    if isinstance(item, Mapping):
        return {**item, key: made}
    return (*item[:key], made, *item[key + 1 :])


def whole(value: Any, path: str) -> Any:
    """A value in the place of a whole number."""
    if isinstance(value, float) and not value.is_integer():
        raise InvalidTerms(Fault(path, f"must be a whole number, got {value:g}"))
    return int(value) if isinstance(value, float) else value


def is_kind(item: Any, step: str) -> bool:
    """Whether a step is the outer key of a term, as in tranches['A'].note.notional, which a path may leave out."""
    return dataclasses.is_dataclass(item) and not hasattr(item, step) and kind_of(type(item)) == step


def key_of(item: Any, step: str, path: str) -> Any:
    """The field, the position or the key that a step means."""
    if dataclasses.is_dataclass(item):
        fields = [field.name for field in dataclasses.fields(item)]
        refuse(strangers(path, "field", [step], fields))
        return step
    if isinstance(item, Mapping):
        keys = {str(key): key for key in item}
        refuse(strangers(path, "entry", [step], keys))
        return keys[step]
    if not isinstance(item, tuple):
        raise InvalidTerms(Fault(path, f"{step!r} leads nowhere: {str(item)!r:.40} has no parts"))
    names = [getattr(part, "name", "") for part in item]
    if step in names:
        return names.index(step)
    if step.isdigit() and int(step) < len(item):
        return int(step)
    raise InvalidTerms(Fault(path, unknown("item", step, [name for name in names if name])))
