"""Terms: what a document says, as frozen values that refuse what makes no sense.

`@term` makes a class a term, `read` makes one from a document, `plain` gives the document back, `schema` describes it.
In a document a field that takes one of several terms says which by an outer key: `coupon: {floating: {margin: 0.0225}}`.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, dataclass_transform

import pydantic

from waterfalls.bounds import odd, odd_count, odd_size
from waterfalls.dates import dated
from waterfalls.equality import hash_of_fields
from waterfalls.errors import Fault, InvalidTerms, nearest, shown, unknown
from waterfalls.terms.type_errors import faults_of

T = TypeVar("T")
CONFIG = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
MISSING = dataclasses.MISSING


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, pydantic.Field))
def term(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen, slotted, strictly typed dataclass whose only error is `InvalidTerms`.

    A static method `faults(fields)` may say what is wrong between fields. It is given those that are sound by
    themselves (all of them, unless a document is being read that has other faults too) and yields texts or `Fault`s.
    """
    made: Any = pydantic.dataclasses.dataclass(config=CONFIG, frozen=True, slots=True)(cls)
    construct = made.__init__
    names = [field.name for field in dataclasses.fields(made)]
    positional = [field.name for field in dataclasses.fields(made) if not field.kw_only]

    @functools.wraps(construct)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > len(positional):
            allowed = ", ".join(positional)
            raise InvalidTerms(
                f"{made.__name__} takes {allowed} by position and the rest by name, got {len(args)} values"
            )
        given = {**dict(zip(positional, args, strict=False)), **kwargs}
        found = construct_fields(self, given)
        found = found or between(made, {name: getattr(self, name) for name in names})
        if found:
            raise InvalidTerms([Fault(f"{head(made, given)}{dot(fault.place)}", fault.what) for fault in found])

    def construct_fields(self: Any, given: Mapping[str, Any]) -> list[Fault]:
        given, found = dated(given)
        found += [fault for name, value in given.items() for fault in odd(name, value)]
        found += [Fault(name, wrong) for name in counts(made) if (wrong := odd_count(given.get(name)))]
        if found:
            return found
        try:
            construct(self, **{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})
        except pydantic.ValidationError as error:
            return faults_of(error, names, given)
        return [fault for name in names for fault in odd_size(name, getattr(self, name))]

    made.__fields__ = staticmethod(construct_fields)
    made.__init__ = __init__
    made.__hash__ = hash_of_fields
    return made


def unproved(item: T, changed: Mapping[str, Any]) -> T:
    """A term with some fields changed and nothing proved of it: a trial value, which is proved where it is kept."""
    made = object.__new__(type(item))
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        object.__setattr__(made, field.name, changed.get(field.name, getattr(item, field.name)))
    return made


def head(cls: type, fields: Mapping[str, Any]) -> str:
    """How a message names a term: by its class and its own name."""
    return f"{cls.__name__} {fields['name']!r}" if isinstance(fields.get("name"), str) else cls.__name__


def between(cls: Any, fields: Mapping[str, Any]) -> list[Fault]:
    """What a term says is wrong between its fields."""
    if not hasattr(cls, "faults"):
        return []
    return [fault if isinstance(fault, Fault) else Fault("", fault) for fault in cls.faults(fields)]


def dot(place: str) -> str:
    return f".{place}" if place else ""


# Documents ----------------------------------------------------------------------------------------------------------


def kind_of(cls: type) -> str:
    """The outer key of a term in a document: `LeasePortfolio` is `lease_portfolio`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


@functools.cache
def field_types(cls: type) -> dict[str, Any]:
    """The types of a term's fields."""
    return typing.get_type_hints(cls, include_extras=False)


@functools.cache
def counts(cls: type) -> tuple[str, ...]:
    """The fields of a term that are whole numbers: of months, days, dates or years."""
    leaves = {name: typing.get_args(hint) if is_union(hint) else (hint,) for name, hint in field_types(cls).items()}
    return tuple(name for name, kinds in leaves.items() if int in kinds and float not in kinds)


@dataclasses.dataclass(frozen=True)
class Unsound:
    """What stands for an item of a document that has faults: its name, so that others may still speak of it."""

    name: str | None

    @classmethod
    def of(cls, data: Any) -> Unsound:
        while isinstance(data, Mapping) and len(data) == 1 and "name" not in data:
            data = next(iter(data.values()))
        name = data.get("name") if isinstance(data, Mapping) else None
        return cls(name if isinstance(name, str) else None)


class Broken(tuple[Any, ...]):
    """A list of a document of which some items are `Unsound`."""


class BrokenMapping(dict[Any, Any]):
    """A mapping of a document of which some values are `Unsound` or `Broken`."""


def is_broken(value: Any) -> bool:
    """Whether something of a list or a mapping of a document is unsound."""
    return isinstance(value, Broken | BrokenMapping)


def read(wanted: Any, data: Any, place: str, found: list[Fault]) -> Any:
    """What `data` of a document says a `wanted` is; `MISSING` where it is unsound, with the faults added to `found`."""
    if hasattr(data, "__read__"):  # data that stands elsewhere, such as a table in a file of its own
        return data.__read__(wanted, place, found)
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if is_union(wanted):
        return read_union([branch for branch in inner if branch is not type(None)], data, place, found)
    if hasattr(wanted, "__text__"):
        return read_text(wanted, data, place, found)
    if hasattr(wanted, "__items__"):
        items = read(tuple[wanted.__items__, ...], data, place, found)
        if items is not MISSING and not isinstance(items, tuple):
            found.append(Fault(place, f"must be a list, got {shown(data)}"))
            return MISSING
        return wanted(items) if isinstance(items, tuple) and not isinstance(items, Broken) else items
    if is_term(wanted):
        return read_term(wanted, data, place, found)
    if origin is tuple and isinstance(data, list):
        items = [inner[0]] * len(data) if inner[-1] is Ellipsis else list(inner)
        parts = [
            read(item, part, f"{place}[{i}]", found) for i, (item, part) in enumerate(zip(items, data, strict=False))
        ]
        if any(part is MISSING for part in parts):
            return Broken(Unsound.of(raw) if part is MISSING else part for part, raw in zip(parts, data, strict=False))
        return tuple(parts)
    if is_a(wanted, Mapping) and isinstance(data, Mapping):
        entries = {
            read(inner[0], key_of(inner[0], k), place, found): read(inner[1], v, f"{place}[{k!r}]", found)
            for k, v in data.items()
        }
        if any(key is MISSING or value is MISSING or is_broken(value) for key, value in entries.items()):
            sound = {key: Unsound(None) if value is MISSING else value for key, value in entries.items()}
            return BrokenMapping({key: value for key, value in sound.items() if key is not MISSING})
        return entries
    if wanted is datetime.date and isinstance(data, str):
        try:
            return datetime.date.fromisoformat(data)
        except ValueError:
            found.append(Fault(place, f"must be a date such as 2026-11-30, got {shown(data)}"))
            return MISSING
    return data  # the constructor judges it


def key_of(wanted: Any, key: Any) -> Any:
    """A key as a mapping wants it: JSON knows only texts, so `"4"` is the number 4 where numbers are wanted."""
    numeric = wanted in (int, float) and isinstance(key, str) and re.fullmatch(r"-?\d+(\.\d+)?", key)
    return wanted(key) if numeric else key


def read_union(branches: Sequence[Any], data: Any, place: str, found: list[Fault]) -> Any:
    """One of several: a term by its outer key, else the first type the data has the shape of."""
    if data is None:
        return None
    terms = {kind_of(b): b for b in branches if is_term(b)}
    if len(branches) == 1:
        return read(branches[0], data, place, found)
    if terms and isinstance(data, Mapping) and not (len(terms) == 1 and set(data) <= set(field_types(*terms.values()))):
        kind = next(iter(data), None)
        if len(data) == 1 and kind in terms:
            return read(terms[kind], data[kind], f"{place}.{kind}", found)
        wanted = (
            unknown("kind", kind, terms)
            if len(data) == 1
            else f"must be one of {', '.join(f'{{{k}: ...}}' for k in terms)}"
        )
        found.append(Fault(place, wanted if len(data) == 1 else f"{wanted}, got {shown(data)}"))
        return MISSING
    for branch in branches:
        if fits(branch, data):
            return read(branch, data, place, found)
    if terms and len(terms) == len(branches):
        found.append(Fault(place, f"must be one of {', '.join(f'{{{k}: ...}}' for k in terms)}, got {shown(data)}"))
        return MISSING
    return data


def fits(wanted: Any, data: Any) -> bool:
    """Whether a document's value has the shape of a type."""
    origin = typing.get_origin(wanted) or wanted
    if hasattr(wanted, "__text__"):
        return isinstance(data, str)
    if hasattr(wanted, "__items__"):
        return isinstance(data, list)
    if wanted is datetime.date:
        return isinstance(data, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", data))
    if origin is tuple:
        return isinstance(data, list)
    if isinstance(origin, type) and (issubclass(origin, Mapping) or is_term(origin)):
        return isinstance(data, Mapping)
    return isinstance(origin, type) and isinstance(data, (int, float) if origin is float else origin)


def read_text(wanted: Any, data: Any, place: str, found: list[Fault]) -> Any:
    """An expression or a clause from its text."""
    try:
        return wanted.__text__(data)
    except (InvalidTerms, KeyError) as error:
        found.append(Fault(place, str(error)))
        return MISSING


def read_term(cls: Any, data: Any, place: str, found: list[Fault]) -> Any:
    """A term from a mapping of its fields; every fault is found, also between the fields that are sound."""
    if not isinstance(data, Mapping):
        found.append(Fault(place, f"must be a mapping of the fields of {cls.__name__}, got {shown(data)}"))
        return MISSING
    hints, fields = field_types(cls), [field.name for field in dataclasses.fields(cls)]
    faulty = len(found)
    salvages = getattr(cls, "salvages", False)  # whether its faults() understand what is broken or not there
    found += [Fault(place, unknown("field", key, fields)) for key in data if key not in fields]
    values = {key: read(hints[key], value, f"{place}{dot(key)}", found) for key, value in data.items() if key in fields}
    sound = {key: value for key, value in values.items() if value is not MISSING and not is_broken(value)}
    if len(found) == faulty and len(sound) == len(values):
        try:
            return cls(**sound)
        except InvalidTerms as error:
            whole = [
                Fault(f"{place}{fault.place.removeprefix(head(cls, sound))}", fault.what) for fault in error.faults
            ]
        if not salvages or not cls.__fields__(object.__new__(cls), sound):
            found += whole
            return MISSING
    # something is unsound: tell what else is, in the fields and between those that are sound
    told = {dot(key) for key in values if key not in sound}
    more = [Fault(dot(fault.place), fault.what) for fault in cls.__fields__(object.__new__(cls), sound)]
    told |= {dot(str(nearest(key, fields))) for key in data if key not in fields}  # misspelt, so not missing
    more = [fault for fault in more if fault.place not in told]
    blamed = {fault.place.split("[")[0] for fault in more}
    others = defaults_of(cls, data) | {key: value for key, value in values.items() if value is not MISSING}
    others = {
        key: value for key, value in others.items() if dot(key) not in blamed and (salvages or not is_broken(value))
    }
    more += [Fault(dot(fault.place), fault.what) for fault in between(cls, others)]
    found += [Fault(f"{place}{fault.place}", fault.what) for fault in more]
    return MISSING


def taken(cls: type[T], data: Any) -> T:
    """A term from plain data, or every fault of it."""
    found: list[Fault] = []
    made = read_term(cls, data, "", found)
    if found:
        raise InvalidTerms([fault._replace(place=fault.place.lstrip(".")) for fault in found])
    return made


def defaults_of(cls: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the fields that a document leaves out."""
    found = {}
    for field in dataclasses.fields(cls):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if field.name not in data and default is not MISSING:
            found[field.name] = default
    return found


def plain(value: Any, wanted: Any = None, *, whole: bool = False) -> Any:
    """A term as a document holds it: mappings, lists, numbers and texts; what equals its default is left out.

    With `whole` it is told as well.
    """
    if hasattr(value, "__text__"):
        return str(value)
    if hasattr(value, "__items__"):
        return [str(item) for item in value.clauses]
    if dataclasses.is_dataclass(value):
        hints, document = field_types(type(value)), {}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            if whole or item != default:
                document[field.name] = plain(item, hints[field.name], whole=whole)
        return {kind_of(type(value)): document} if is_family(wanted) else document
    branches = typing.get_args(wanted) if is_union(wanted) else (wanted,)
    kinds = {part: typing.get_args(b) for b in branches for part in (tuple, Mapping) if is_a(b, part)}
    if isinstance(value, Mapping):
        return {
            plain(key): plain(item, kinds.get(Mapping, (None, None))[1], whole=whole) for key, item in value.items()
        }
    if isinstance(value, tuple):
        return [plain(item, kinds.get(tuple, (None,))[0], whole=whole) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def is_term(wanted: Any) -> bool:
    """Whether a type was made by `@term`."""
    return hasattr(wanted, "__pydantic_fields__")


def is_union(wanted: Any) -> bool:
    return typing.get_origin(wanted) in (typing.Union, types.UnionType)


def is_a(wanted: Any, part: type) -> bool:
    origin = typing.get_origin(wanted)
    return isinstance(origin, type) and issubclass(origin, part)


def is_family(wanted: Any) -> bool:
    """Whether a field takes one of several terms, so that its document must say which."""
    return is_union(wanted) and sum(map(is_term, typing.get_args(wanted))) > 1
