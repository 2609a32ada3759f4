"""Arguments of public functions: read at the door, once, and refused there in our words where they are of another kind."""

from __future__ import annotations

import functools
import inspect
import math
import numbers as kinds_of_number
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from waterfalls import dates
from waterfalls.bounds import is_finite
from waterfalls.errors import InvalidTerms, shown

if TYPE_CHECKING:
    import numpy as np

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


def fitting(fits: Callable[[Any], object], wanted: str) -> Reader:
    """What fits, as it is given."""

    def read(name: str, given: Any) -> Any:
        if not fits(given):
            raise refused(name, wanted, given)
        return given

    return read


def items(reader: Reader, wanted: str) -> Reader:
    """A list of what a reader reads; a text and a mapping are none."""

    def read(name: str, given: Any) -> list[Any]:
        if not is_list(given):
            raise refused(name, wanted, given)
        return [reader(f"{name}[{i}]", item) for i, item in enumerate(given)]

    return read


def is_list(given: Any) -> bool:
    """Whether its items can be taken one by one, as of a list; an array without dimensions has none."""
    return (
        isinstance(given, Iterable)
        and not isinstance(given, str | bytes | Mapping)
        and getattr(given, "shape", (1,)) != ()
    )


def instance(*kinds: type, said: str = "") -> Reader:
    """An object of one of some classes."""
    return fitting(
        lambda given: isinstance(given, kinds), said or f"a {' or a '.join(kind.__name__ for kind in kinds)}"
    )


def many(*kinds: type, alone: bool = True, such_as: str = "") -> Reader:
    """A list of objects of some classes, or with `alone` one of them; `such_as` shows how one is written."""
    one, shown = " or a ".join(kind.__name__ for kind in kinds), f", such as {such_as}" if such_as else ""
    single = instance(*kinds, said=f"a {one}{shown}")
    listed = items(single, f"a {one}{' or a list of them' if alone else ' in a list'}{shown}")
    return lambda name, given: given if alone and isinstance(given, kinds) else listed(name, given)


def number(low: float = -math.inf, high: float = math.inf) -> Reader:
    """A finite number within bounds."""

    def read(name: str, given: Any) -> float:
        if not isinstance(given, kinds_of_number.Real) or isinstance(given, bool):
            raise refused(name, "a number", given)
        if not (is_finite(given) and low <= float(given) <= high):
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


def floats(given: Any) -> np.ndarray | None:
    """What is given as an array of floats; None where something in it is no real number, or none that a float holds."""
    import numpy as np

    try:
        return None if np.iscomplexobj(given) else np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def is_function(given: Any) -> bool:
    """Whether it may be called as a function; a class is none."""
    return callable(given) and not isinstance(given, type)


text = fitting(lambda given: isinstance(given, str) and given, "a text")
texts = items(text, "a list of texts")
path = fitting(lambda given: isinstance(given, str | os.PathLike) and str(given) and "\0" not in str(given), "a path")
mapping = fitting(lambda given: isinstance(given, Mapping), "a mapping")
named = fitting(
    lambda given: hasattr(given, "items") and not isinstance(given, type), "a mapping by name, a Series or a DataFrame"
)
function = fitting(is_function, "a function")
key = fitting(  # of a row of a result
    lambda given: isinstance(given, str | kinds_of_number.Integral) or isinstance(getattr(given, "name", None), str),
    "a name, or what bears one",
)


def cell(name: str, given: Any) -> tuple[Any, Any]:
    """A scenario and a shock."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise refused(name, "a scenario and a shock, such as ('base', 'unchanged')", given)
    return key(f"{name}[0]", given[0]), key(f"{name}[1]", given[1])


def one_date(name: str, given: Any) -> Any:
    """A date, of datetime, pandas, NumPy or QuantLib."""
    day = None if isinstance(given, str) else dates.exact(given)
    if day is None:
        raise refused(name, "a date without a time of day or a zone", given)
    return dates.as_date(day)


def days(name: str, given: Any) -> list[Any]:
    """Dates."""
    if isinstance(given, tuple) and dates.are_plain(given):  # a schedule's, a thousand times a study
        return list(given)
    return items(one_date, "a list of dates")(name, given)


def having(*attributes: str, said: str) -> Reader:
    """An object with some attributes; a class is none."""
    return fitting(lambda given: not isinstance(given, type) and all(hasattr(given, one) for one in attributes), said)


def by_number(reader: Reader, such_as: str) -> Reader:
    """A number, or numbers by number: a move of a curve, the same everywhere or by years."""

    def read(name: str, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return reader(name, given)
        if not given:
            raise refused(name, f"a number, or numbers by years such as {such_as}", given)
        return {
            number()(f"{name}, its years", years): reader(f"{name}[{shown(years)}]", move)
            for years, move in given.items()
        }

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
