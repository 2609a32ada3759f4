"""Speed: a rate of prepayment or default in the words of the market, such as 150% PSA or 2% CDR."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from structuring.scenarios.months import a_year
from waterfalls.errors import InvalidTerms, unknown

UNITS = {"prepayment": ("SMM", "CPR", "PSA", "ABS"), "default": ("MDR", "CDR", "SDA")}
MOST = {"PSA": 1.0 / 0.06, "SDA": 50.0}  # 100 % CPR from month 30 on, 30 % CDR at the peak; more is per cent by mistake
BY_AGE = ("PSA", "ABS", "SDA")


@dataclass(frozen=True)
class Speed:
    """`value` of a unit: a decimal, so that 150% PSA is 1.5 and 2% CDR is 0.02."""

    unit: str
    value: float

    def __post_init__(self) -> None:
        units = [*UNITS["prepayment"], *UNITS["default"]]
        if self.unit not in units:
            raise InvalidTerms(unknown("speed", self.unit, units))
        if not 0.0 <= self.value <= self.most:
            share = f": {self.value / 100.0:g} is {self.value:g} % {self.unit}" if self.value > self.most else ""
            raise InvalidTerms(
                f"{self.unit}: must be a decimal, at least 0 and at most {self.most:.4g}, got {self.value:g}{share}"
            )

    @property
    def most(self) -> float:
        """The highest value that a speed of this unit may have."""
        return MOST.get(self.unit, 1.0)

    @property
    def by_age(self) -> bool:
        """Whether the rate follows the age of the loan and not the calendar."""
        return self.unit in BY_AGE

    def __str__(self) -> str:
        return f"{Decimal(repr(self.value)).scaleb(2).normalize():f}% {self.unit}"

    @staticmethod
    def __text__(text: object) -> Speed:
        found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?)\s*%\s*([A-Za-z]+)\s*", str(text))
        if found is None:
            raise InvalidTerms(f"must be a speed such as '150% PSA' or '2% CDR', got {text!r}")
        return Speed(found[2].upper(), float(Decimal(found[1]).scaleb(-2)))


def misplaced(driver: str, speed: Speed) -> str | None:
    """What is wrong with a speed of prepayment given for default, or the other way round."""
    if speed.unit in UNITS[driver]:
        return None
    return f"takes {', '.join(UNITS[driver])} or monthly rates, and {speed} is none of them"


def rate_a_year(rate: Speed | float | Sequence[float] | Mapping[datetime.date, float] | None) -> float:
    """What a pool says of prepayment or default as one rate a year: of PSA and SDA the peak, of ABS the first month's, of a
    vector the last."""
    if rate is None:
        return 0.0
    if isinstance(rate, Speed):
        peaks = {"CDR": 1.0, "CPR": 1.0, "SDA": 0.006, "PSA": 0.06}
        return peaks[rate.unit] * rate.value if rate.unit in peaks else a_year(rate.value)
    if isinstance(rate, Mapping):
        return a_year(rate[max(rate)])
    return a_year(rate[-1] if isinstance(rate, Sequence) else rate)
