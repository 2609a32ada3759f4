"""How numbers are shown: one table of kinds, which the console, the page and the workbook read."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, NamedTuple

NARROW = "\u00a0"  # a space that no line breaks at


class Kind(NamedTuple):
    """A kind of number: what it is multiplied by to be shown, decimals, what follows it, its unit, its Excel format."""

    times: float
    decimals: int
    suffix: str
    unit: str
    excel: str


KINDS: dict[str, Kind] = {
    "share": Kind(100.0, 1, NARROW + "%", "", "0.0%"),  # of 1
    "per_cent": Kind(1.0, 1, NARROW + "%", "", '0.0" %"'),
    "bp": Kind(1.0, 0, "", "bp", "#,##0"),
    "price": Kind(1.0, 2, "", "per 100", "#,##0.00"),
    "quote": Kind(1.0, 2, "", "", "#,##0.00"),  # a price where the title says its unit
    "years": Kind(1.0, 2, "", "years", "0.00"),
    "ratio": Kind(1.0, 2, "x", "", '0.00"x"'),
    "number": Kind(1.0, 4, "", "", "#,##0.0000"),
    "level": Kind(1.0, 3, "", "", "0.000"),  # of an assumption
    "count": Kind(1.0, 0, "", "", "#,##0"),
}
TEXTS = ("text", "date")
LARGE = {  # by what amounts are divided: the unit in full and in short, decimals, the Excel format
    1.0: ("", "", 2, "#,##0.00"),
    1e6: ("million", "m", 1, "#,##0.0,,"),
    1e9: ("billion", "bn", 1, "#,##0.0,,,"),
}


@dataclasses.dataclass(frozen=True)
class Unit:
    """The unit of amounts: the currency, in millions where a deal is that large, in billions where it is a market."""

    currency: str
    divisor: float

    @property
    def words(self) -> str:
        return f"{self.currency} {LARGE[self.divisor][0]}".strip()

    @property
    def short(self) -> str:
        return f"{self.currency} {LARGE[self.divisor][1]}".strip()

    @property
    def kind(self) -> Kind:
        """Amounts are kept in currency units; a workbook divides by its format alone."""
        _, _, decimals, excel = LARGE[self.divisor]
        return Kind(1.0 / self.divisor, decimals, "", self.short, excel)


def unit_of(currency: str, largest: float) -> Unit:
    """Millions from a million up."""
    return Unit(currency, 1e6 if largest >= 1e6 else 1.0)


def kind_of(name: str, unit: Unit) -> Kind:
    return unit.kind if name == "money" else KINDS[name]


def missing(value: Any) -> bool:
    """None, NaN or infinity: not known, or without a meaning here."""
    return value is None or (isinstance(value, float) and (value != value or abs(value) == float("inf")))


def shown(value: Any, name: str, unit: Unit) -> str:
    """A value as a reader sees it; what is not known is blank."""
    if missing(value):
        return ""
    if name in TEXTS:
        return value.isoformat()[:10] if isinstance(value, datetime.date) else str(value)
    kind = kind_of(name, unit)
    return unsigned_zero(f"{value * kind.times:,.{kind.decimals}f}") + kind.suffix


def unsigned_zero(number: str) -> str:
    """A number as text, without the sign where it is rounded to 0."""
    return number.removeprefix("-") if not number.strip("-0.") else number


def heading(column: str, name: str, unit: Unit) -> str:
    """A column's heading, with its unit where neither the cells nor the title carry it."""
    said = column.replace("_", " ")
    what = "" if name in (*TEXTS, "money") else kind_of(name, unit).unit
    return f"{said} ({what})" if what else said
