"""Amounts, shares and rates that are written out: what is none is refused where it is said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from waterfalls.errors import Fault, InvalidTerms
from waterfalls.language.expressions import Constant, Number, bounded, finite


def as_amount(value: Number | float) -> Number:
    """A `Number` that is an amount: never infinite, and not below 0 where it is written out."""
    said = bounded(value)
    if fault := outside(said, 0.0):
        raise InvalidTerms(fault)
    return said


def outside(said: Number, least: float, most: float = math.inf) -> str:
    """What is wrong with a number of which a value is written out below `least` or above `most`; empty if nothing is."""
    for value in said.written:
        if not least <= value <= most:
            allowed = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
            return f"must be {allowed}, got {value:g}" + ("" if isinstance(said, Constant) else f" in '{said}'")
    return ""


def odd_amounts(fields: Mapping[str, Any], *names: str, most: float = math.inf) -> Iterator[Fault]:
    """Fields of a term that take an amount (or a share, at most `most`), and are given what is none."""
    for name in names:
        said = fields.get(name)
        if isinstance(said, Number):
            if said.infinite:
                yield Fault(
                    name, f"'{said}' is infinite when nothing is owed, so it is no amount: bound it, min_({said}, 10)"
                )
            elif fault := outside(said, 0.0, most):
                yield Fault(name, fault)


def rate_a_year(value: Any) -> float:
    """A rate a year that is written out, by which amounts may be discounted or grow."""
    rate = finite(value)
    if not -1.0 < rate <= 1.0:
        raise InvalidTerms(f"a rate is a decimal above -1 (0.04 is 4 %), got {rate:g}")
    return rate
