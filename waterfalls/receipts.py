"""Receipts, what arrives: the collateral's cash, claims and state, for every scenario and collection period."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from waterfalls.arguments import days, floats, mapping, texts
from waterfalls.bounds import LARGEST
from waterfalls.equality import equal_fields, hash_of_fields, restored
from waterfalls.errors import InvalidTerms, refuse_unknown, shown
from waterfalls.fields import CASH, COSTS, FIELDS

Array = Any  # anything numpy makes (S, T) of


@dataclasses.dataclass(frozen=True, eq=False)
class Receipts:
    """Amounts (S, T) in currency units, S scenarios by T collection periods; what is not reported is absent, not zero.

    `principal` is scheduled, `prepayments` are not; `recoveries` and `resale` come from defaulted assets and from sold
    ones; `guarantee` is what supporters outside the deal paid in. `revenue` is gross when `operating_cost` is reported
    and net when it is not. `value` is the collateral's appraised value and `contracted` what it would have paid had
    nothing gone wrong. Of the performing par, `ccc_balance` and `discount_balance` are worth `ccc_value` (market) and
    `discount_value` (cost); the defaulted par `defaulted_value` (market) and `defaulted_recovery` (agency). `delinquent_30`, `_60` and `_90` are
    the performing balance that is late by at least so many days. `events` are flags (0 or 1) that conditions read by name, such as a contract breach.
    """

    dates: tuple[datetime.date, ...]
    fields: Mapping[str, np.ndarray]
    events: Mapping[str, np.ndarray]
    scenarios: tuple[str, ...] | range

    def __init__(
        self,
        dates: Sequence[datetime.date],
        *,
        interest: Array = None,
        principal: Array = None,
        prepayments: Array = None,
        recoveries: Array = None,
        resale: Array = None,
        revenue: Array = None,
        guarantee: Array = None,
        operating_cost: Array = None,
        construction: Array = None,
        pool_balance: Array = None,
        defaulted_balance: Array = None,
        value: Array = None,
        delinquent_30: Array = None,
        delinquent_60: Array = None,
        delinquent_90: Array = None,
        ccc_balance: Array = None,
        ccc_value: Array = None,
        discount_balance: Array = None,
        discount_value: Array = None,
        defaulted_value: Array = None,
        defaulted_recovery: Array = None,
        defaults: Array = None,
        losses: Array = None,
        contracted: Array = None,
        events: Mapping[str, Array] | None = None,
        scenarios: Sequence[str] | range | None = None,
    ) -> None:
        dates = days("dates", dates)
        if not dates or any(b <= a for a, b in itertools.pairwise(dates)):
            raise InvalidTerms(
                f"Receipts.dates: must be at least one date, each after the one before, got {shown(dates)}"
            )
        scenarios = scenarios if scenarios is None or isinstance(scenarios, range) else texts("scenarios", scenarios)
        given = {name: value for name, value in locals().items() if name in FIELDS and value is not None}
        flags = dict(mapping("events", {} if events is None else events))
        sized = {name: as_numbers(name, value) for name, value in {**given, **flags}.items()}
        most = max((array.shape[0] for array in sized.values() if array.ndim == 2), default=1)
        count = len(scenarios) if scenarios is not None else most
        arrays = {name: as_field(name, v, count, len(dates)) for name, v in given.items()}
        marks = {name: as_field(f"events[{name!r}]", v, count, len(dates)) for name, v in flags.items()}
        names = scenarios if scenarios is not None else ("given",) if count == 1 else range(count)
        for attribute, value_ in (
            ("dates", tuple(dates)),
            ("fields", arrays),
            ("events", marks),
            ("scenarios", names if isinstance(names, range) else tuple(names)),
        ):
            object.__setattr__(self, attribute, value_)
        for name in (*CASH, *COSTS):
            if name in arrays:
                not_negative(self, name, arrays[name])

    __eq__ = equal_fields
    __hash__ = hash_of_fields
    __setstate__ = restored

    def __getitem__(self, name: str) -> np.ndarray:
        """A field (S, T), zeros where the collateral does not report it."""
        refuse_unknown("receipt", name, FIELDS)
        zeros = np.broadcast_to(np.zeros(1), (len(self.scenarios), len(self.dates)))
        return self.fields.get(name, zeros)

    @functools.cached_property
    def cash(self) -> np.ndarray:
        """All cash posted (S, T), read-only, summed in the order of `CASH` so that both engines get the same bits."""
        total = np.zeros((len(self.scenarios), len(self.dates)))
        for name in CASH:
            if name in self.fields:
                total += self.fields[name]
        total.setflags(write=False)
        return total

    def rows(self, part: slice) -> Receipts:
        """The scenarios of a slice."""
        cut = {name: array[part] for name, array in self.fields.items()}
        marks = {name: array[part] for name, array in self.events.items()}
        return Receipts(self.dates, **cut, events=marks, scenarios=self.scenarios[part])


def as_numbers(name: str, given: Array) -> np.ndarray:
    """An array of floats, or an error that names the field."""
    array = floats(given)
    if array is None:
        raise InvalidTerms(f"Receipts.{name}: must be numbers, got {shown(given)}")
    return array


def as_field(name: str, given: Array, count: int, periods: int) -> np.ndarray:
    """An array (S, T), read-only, from anything that broadcasts to it; NaN and infinity are refused."""
    numbers = as_numbers(name, given)
    try:
        shaped = np.broadcast_to(numbers, (count, periods))
    except ValueError:
        raise InvalidTerms(
            f"Receipts.{name}: must be numbers of shape ({count}, {periods}), scenarios by periods, got shape {np.shape(given)}"
        ) from None
    array = shaped if is_settled(numbers, shaped) else np.array(shaped, order="C")  # a copy, which nobody can change
    least, most = array.min(initial=0.0), array.max(initial=0.0)
    if least >= -LARGEST and most <= LARGEST:  # neither holds of NaN
        array.setflags(write=False)
        return array
    if not np.isfinite(array).all():
        s, t = np.argwhere(~np.isfinite(array))[0]
        raise InvalidTerms(f"Receipts.{name}: scenario {s}, period {t} is {array[s, t]}; every amount must be finite")
    s, t = np.unravel_index(np.argmax(np.abs(array)), array.shape)
    raise InvalidTerms(f"Receipts.{name}: scenario {s}, period {t} is {array[s, t]:g}; no amount is above {LARGEST:g}")


def is_settled(numbers: np.ndarray, shaped: np.ndarray) -> bool:
    """Whether an array has its shape already and nobody can change it: all the memory that it is part of is read-only."""
    part: Any = numbers
    while isinstance(part, np.ndarray) and not part.flags.writeable:
        part = part.base
    return part is None and numbers.shape == shaped.shape and numbers.flags.c_contiguous


def not_negative(receipts: Receipts, name: str, array: np.ndarray) -> None:
    """Refuses cash or a cost below 0 (but for rounding), which no clause could pay out."""
    least = array.min(initial=0.0)
    if least >= 0.0 or least >= -1e-9 * max(1.0, array.max(initial=0.0)):
        return
    s, t = np.unravel_index(np.argmin(array), array.shape)
    advice = {
        "revenue": "report gross revenue, and operating_cost beside it for expense('operating')",
        "interest": "servicing must not exceed the rate",
    }.get(name, "what leaves the collateral is a cost")
    raise InvalidTerms(
        f"Receipts.{name}: must not be negative, got {least:,.2f} on {receipts.dates[t]} in scenario "
        f"{receipts.scenarios[s]!r}: {advice}"
    )


def together(parts: Sequence[Receipts]) -> Receipts:
    """The receipts of several collaterals as one: amounts add, flags are raised when any is.

    A value is reported where all that report anything do: that of a part is not the collateral's.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    told = [part for part in parts if part.fields]
    names = {
        name for part in told for name in part.fields if name != "value" or all("value" in each.fields for each in told)
    }
    fields = {name: sum(part[name] for part in parts) for name in FIELDS if name in names}
    events: dict[str, np.ndarray] = {}
    for part in parts:
        for name, flag in part.events.items():
            events[name] = np.maximum(events[name], flag) if name in events else flag
    return Receipts(first.dates, **fields, events=events, scenarios=first.scenarios)
