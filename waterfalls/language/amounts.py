"""Amounts, shares and rates that are written out: what is none is refused where it is said."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any

from pydantic import AfterValidator

from waterfalls.errors import InvalidTerms
from waterfalls.language.expressions import Constant, Number, bounded, finite


def as_amount(value: Number | float, most: float = math.inf) -> Number:
    """A `Number` that is an amount: never infinite, and not below 0 (or above `most`) where it is written out."""
    said = bounded(value)
    if fault := outside(said, 0.0, most):
        raise InvalidTerms(fault)
    return said


Amount = Annotated[Number, AfterValidator(as_amount)]  # a field of a term that takes one
Portion = Annotated[Number, AfterValidator(functools.partial(as_amount, most=1.0))]


def outside(said: Number, least: float, most: float = math.inf) -> str:
    """What is wrong with a number of which a value is written out below `least` or above `most`; empty if nothing is."""
    for value in said.written:
        if not least <= value <= most:
            allowed = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
            return f"must be {allowed}, got {value:g}" + ("" if isinstance(said, Constant) else f" in '{said}'")
    return ""


def rate_a_year(value: Any) -> float:
    """A rate a year that is written out, by which amounts may be discounted or grow."""
    rate = finite(value)
    if not -1.0 < rate <= 1.0:
        raise InvalidTerms(f"a rate is a decimal above -1 (0.04 is 4 %), got {rate:g}")
    return rate
