"""Arguments of public functions: read at the door, once, and refused there in our words where they are of another kind."""

from __future__ import annotations

import functools
import inspect
import math
import numbers as kinds_of_number
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from waterfalls import dates
from waterfalls.errors import InvalidTerms, shown

P = ParamSpec("P")
R = TypeVar("R")
Reader = Callable[[str, Any], Any]


def takes(**readers: Reader) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function whose arguments named here are read by a reader before it sees them; defaults are taken as they are.

    A reader is given the argument's name and value. It returns the value to use, or raises `InvalidTerms`.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        kinds = [(name, read, signature.parameters[name].default) for name, read in readers.items()]

        @functools.wraps(function)
        def door(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            for name, read, default in kinds:
                if name in bound.arguments and bound.arguments[name] is not default:
                    bound.arguments[name] = read(name, bound.arguments[name])
            return function(*bound.args, **bound.kwargs)

        return door

    return decorate


def refused(name: str, wanted: str, given: Any) -> InvalidTerms:
    """The error for an argument of another kind."""
    return InvalidTerms(f"{name}: must be {wanted}, got {shown(given)}")


def instance(*kinds: type, said: str = "") -> Reader:
    """An object of one of some classes."""
    wanted = said or f"a {' or a '.join(kind.__name__ for kind in kinds)}"

    def read(name: str, given: Any) -> Any:
        if not isinstance(given, kinds):
            raise refused(name, wanted, given)
        return given

    return read


def many(*kinds: type, alone: bool = True) -> Reader:
    """A list of objects of some classes, or with `alone` one of them."""
    one = " or a ".join(kind.__name__ for kind in kinds)

    def read(name: str, given: Any) -> Any:
        if alone and isinstance(given, kinds):
            return given
        if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
            raise refused(name, f"a {one}{' or a list of them' if alone else ' in a list'}", given)
        listed = list(given)
        for i, item in enumerate(listed):
            if not isinstance(item, kinds):
                raise refused(f"{name}[{i}]", f"a {one}", item)
        return listed

    return read


def number(low: float = -math.inf, high: float = math.inf) -> Reader:
    """A finite number within bounds."""

    def read(name: str, given: Any) -> float:
        if not isinstance(given, kinds_of_number.Real) or isinstance(given, bool):
            raise refused(name, "a number", given)
        if not (math.isfinite(given) and low <= float(given) <= high):
            bounds = "finite" if low == -math.inf and high == math.inf else f"from {low:g} to {high:g}"
            raise refused(name, bounds, given)
        return float(given)

    return read


def whole(low: int = 1, high: int | None = None) -> Reader:
    """A whole number within bounds."""

    bounds = f"at least {low}" if high is None else f"from {low} to {high}"

    def read(name: str, given: Any) -> int:
        whole = isinstance(given, kinds_of_number.Integral) and not isinstance(given, bool)
        if not whole or int(given) < low or (high is not None and int(given) > high):
            raise refused(name, f"a whole number, {bounds}", given)
        return int(given)

    return read


def numbers(name: str, given: Any) -> Any:
    """A finite number, or an array or a list of them; shapes and ranges are for the function to judge."""
    import numpy as np

    try:
        array = np.asarray(given)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "iuf" or array.size == 0 or not np.isfinite(array).all():
        raise refused(name, "finite numbers", given)
    return given


def text(name: str, given: Any) -> str:
    """A text that says something."""
    if not isinstance(given, str) or not given:
        raise refused(name, "a text", given)
    return given


def texts(name: str, given: Any) -> Sequence[str]:
    """A list of texts."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise refused(name, "a list of texts", given)
    return [text(f"{name}[{i}]", item) for i, item in enumerate(given)]


def key(name: str, given: Any) -> Any:
    """What names a row of a result: a text, a number of paths, or an object with a name."""
    if isinstance(given, str | kinds_of_number.Integral) or isinstance(getattr(given, "name", None), str):
        return given
    raise refused(name, "a name, or what bears one", given)


def cell(name: str, given: Any) -> tuple[Any, Any]:
    """A scenario and a shock."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise refused(name, "a scenario and a shock, such as ('base', 'unchanged')", given)
    return key(f"{name}[0]", given[0]), key(f"{name}[1]", given[1])


def path(name: str, given: Any) -> Any:
    """A path of the file system."""
    if not isinstance(given, str | os.PathLike) or not str(given) or "\0" in str(given):
        raise refused(name, "a path", given)
    return given


def one_date(name: str, given: Any) -> Any:
    """A date, of datetime, pandas, NumPy or QuantLib."""
    day = None if isinstance(given, str) else dates.exact(given)
    if day is None:
        raise refused(name, "a date without a time of day or a zone", given)
    return dates.as_date(day)


def days(name: str, given: Any) -> list[Any]:
    """Dates."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise refused(name, "a list of dates", given)
    if isinstance(given, tuple) and dates.are_plain(given):  # a schedule's, a thousand times a study
        return list(given)
    return [one_date(f"{name}[{i}]", item) for i, item in enumerate(given)]


def named(name: str, given: Any) -> Any:
    """A mapping by name, or a Series or DataFrame of pandas."""
    if isinstance(given, type) or not hasattr(given, "items"):
        raise refused(name, "a mapping by name, a Series or a DataFrame", given)
    return given


def mapping(name: str, given: Any) -> Any:
    """A mapping."""
    if not isinstance(given, Mapping):
        raise refused(name, "a mapping", given)
    return given


def function(name: str, given: Any) -> Any:
    """Something to call."""
    if not callable(given) or isinstance(given, type):
        raise refused(name, "a function", given)
    return given


def having(*attributes: str, said: str) -> Reader:
    """An object with some attributes; a class is none."""

    def read(name: str, given: Any) -> Any:
        if isinstance(given, type) or not all(hasattr(given, attribute) for attribute in attributes):
            raise refused(name, said, given)
        return given

    return read


def each(reader: Reader, *, alone: bool = False) -> Reader:
    """A list or a mapping whose every item is read by a reader, or with `alone` one such item."""

    def read(name: str, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {title: reader(f"{name}[{title!r}]", item) for title, item in given.items()}
        if isinstance(given, list | tuple):
            return [reader(f"{name}[{i}]", item) for i, item in enumerate(given)]
        if alone:
            return reader(name, given)
        raise refused(name, "several, in a list or by name", given)

    return read
