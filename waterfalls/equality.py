"""Values as keys: what makes two terms, or two sets of receipts, equal and their hashes equal; read-only after a pickle too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any


def key(value: Any) -> Any:
    """A value in a form that can be hashed: a mapping as its items in no order, an array by shape and bytes."""
    if isinstance(value, Mapping):
        return frozenset((name, key(item)) for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return tuple(map(key, value))
    if hasattr(value, "tobytes"):
        plain = value.astype("float64") + 0.0  # so that -0.0 is 0.0
        return plain.shape, plain.tobytes()
    return value


def key_of_fields(value: Any) -> tuple[Any, ...]:
    """The fields of a dataclass in a form that can be hashed."""
    return tuple(key(getattr(value, field.name)) for field in dataclasses.fields(value))


def hash_of_fields(self: Any) -> int:
    """The hash of a dataclass: equal fields hash equal."""
    return hash((type(self).__name__, key_of_fields(self)))


def equal_fields(value: Any, other: Any) -> Any:
    """Whether two dataclasses of one class have equal fields, arrays among them."""
    if type(value) is not type(other):
        return NotImplemented
    return value is other or key_of_fields(value) == key_of_fields(other)


def restored(self: Any, state: dict[str, Any]) -> None:
    """The `__setstate__` of a value that is read-only: its arrays, which pickle makes writable, are so again."""
    for array in arrays_in(state):
        array.setflags(write=False)
    self.__dict__.update(state)


def arrays_in(value: Any) -> Iterator[Any]:
    """The arrays in a value, and in the plain mappings and lists in it: what is computed when read stays uncomputed."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from arrays_in(item)
    elif hasattr(value, "setflags"):
        yield value
