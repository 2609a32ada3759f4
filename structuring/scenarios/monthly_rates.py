"""Monthly rates of prepayment and default from the market's speeds: CPR, PSA, ABS, CDR, SDA.

A year's rate x is 1 - (1 - x)^(1/12) a month. PSA and SDA follow the age of the loan by the standard curves, ABS counts
loans originated; all three are given from the first month of life, and a pool shifts them by the age of its loans.
Source: SIFMA, Uniform Practices, chapter SF, Standard Formulas for the Analysis of Mortgage-Backed Securities.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from structuring.scenarios.months import a_month
from structuring.scenarios.speed import Speed
from waterfalls.arguments import days, numbers, takes, whole
from waterfalls.errors import InvalidTerms

MONTHS = 360


class Rates(np.ndarray):
    """Monthly rates that remember the speed they came from, until they are changed."""

    speed: Speed | None

    def __array_finalize__(self, made_from: Any) -> None:
        self.speed = None


def psa_curve(multiple: float, ages: np.ndarray) -> np.ndarray:
    """CPR = multiple x 0.2 % x min(age, 30), at most 100 %, as a monthly rate."""
    return a_month(np.minimum(multiple * 0.002 * np.minimum(ages, 30.0), 1.0))


def sda_curve(multiple: float, ages: np.ndarray) -> np.ndarray:
    """CDR = multiple x: 0.02 % x age to month 30, 0.6 % to 60, less 0.0095 % a month to 120, 0.03 % after; monthly."""
    falling = 0.006 - 0.000095 * (np.asarray(ages, dtype=np.float64) - 60.0)
    curve = np.where(ages <= 30, 0.0002 * ages, np.where(ages <= 60, 0.006, np.where(ages <= 120, falling, 0.0003)))
    return a_month(np.minimum(multiple * curve, 1.0))


def abs_curve(speed: float, ages: np.ndarray) -> np.ndarray:
    """SMM = speed / (1 - speed x (age - 1)): each month the same share of the loans originated; all, once that is more."""
    left = 1.0 - speed * (np.asarray(ages, dtype=np.float64) - 1.0)
    return np.divide(speed, left, out=np.ones_like(left), where=left > speed)


FORMULAS: dict[str, Callable[[float, np.ndarray], np.ndarray]] = {
    "SMM": lambda rate, ages: np.full(np.shape(ages), rate),
    "MDR": lambda rate, ages: np.full(np.shape(ages), rate),
    "CPR": lambda rate, ages: np.full(np.shape(ages), a_month(rate)),
    "CDR": lambda rate, ages: np.full(np.shape(ages), a_month(rate)),
    "PSA": psa_curve,
    "SDA": sda_curve,
    "ABS": abs_curve,
}


def rates_of(speed: Speed, ages: np.ndarray) -> np.ndarray:
    """Monthly rates of loans in the given months of their life, the first of which is 1."""
    return FORMULAS[speed.unit](speed.value, ages)


def vector(unit: str, given: Any, months: int) -> np.ndarray:
    """Monthly rates (months,) of one speed; of several, given by month, one rate each."""
    if np.ndim(given) == 0:
        speed = Speed(unit, float(given))
        rates = rates_of(speed, np.arange(1.0, months + 1.0)).view(Rates)
        rates.speed = speed
    else:
        if np.ndim(given) != 1 or len(given) == 0:
            raise InvalidTerms(f"{unit}: must be a rate or a vector of rates by month, got shape {np.shape(given)}")
        ages = np.arange(1.0, len(given) + 1.0)
        rates = np.array([rates_of(Speed(unit, float(x)), ages[k : k + 1])[0] for k, x in enumerate(given)])
    rates.setflags(write=False)
    return rates


def smm(rate: Any, months: int = MONTHS) -> np.ndarray:
    """Single monthly mortality: prepayment a month, as given."""
    return vector("SMM", rate, months)


def by_days(unit: str, given: Any, dates: Sequence[datetime.date]) -> np.ndarray:
    """1 - (1 - annual)^(days / 365) from each date to the next: one yearly rate, or one a period, the last of which holds."""
    days = np.diff([day.toordinal() for day in dates])
    if len(days) == 0 or not (days > 0).all():
        raise InvalidTerms(f"{unit}: dates must be two or more that rise, got {', '.join(map(str, dates))}")
    annual = [Speed(unit, float(rate)).value for rate in np.atleast_1d(given)]
    annual = [*annual, *[annual[-1]] * len(days)][: len(days)]
    rates = 1.0 - np.power(1.0 - np.array(annual), days / 365.0)
    rates.setflags(write=False)
    return rates


@takes(rate=numbers, months=whole(1, 1200), dates=days)
def cpr(rate: Any, months: int = MONTHS, *, dates: Sequence[datetime.date] | None = None) -> np.ndarray:
    """Conditional prepayment rate, a year, as monthly rates; a vector gives each month its own.

    With `dates` the rates are those of the actual days between them, over 365.
    """
    return vector("CPR", rate, months) if dates is None else by_days("CPR", rate, dates)


@takes(multiple=numbers, months=whole(1, 1200))
def psa(multiple: Any, months: int = MONTHS) -> np.ndarray:
    """Prepayment by the PSA curve: 1.0 is 100 % PSA, which rises by 0.2 % CPR a month of age to 6 % at month 30."""
    return vector("PSA", multiple, months)


@takes(speed=numbers, months=whole(1, 1200))
def abs_speed(speed: Any, months: int = MONTHS) -> np.ndarray:
    """Prepayment as a share of the loans originated, a month (0.015 is 1.5 ABS), as a rate of those that survive."""
    return vector("ABS", speed, months)


def mdr(rate: Any, months: int = MONTHS) -> np.ndarray:
    """Monthly default rate, as given."""
    return vector("MDR", rate, months)


@takes(rate=numbers, months=whole(1, 1200), dates=days)
def cdr(rate: Any, months: int = MONTHS, *, dates: Sequence[datetime.date] | None = None) -> np.ndarray:
    """Conditional default rate, a year, as monthly rates; a vector gives each month its own.

    With `dates` the rates are those of the actual days between them, over 365.
    """
    return vector("CDR", rate, months) if dates is None else by_days("CDR", rate, dates)


@takes(multiple=numbers, months=whole(1, 1200))
def sda(multiple: Any, months: int = MONTHS) -> np.ndarray:
    """Default by the SDA curve: 1.0 is 100 % SDA, which peaks at 0.6 % CDR between months 30 and 60 of age."""
    return vector("SDA", multiple, months)
