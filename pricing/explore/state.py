"""A state of the page: the scenario chosen and what is moved in it; all else is as the deal's files say."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import Annotated, Any

from pydantic import Field

from structuring.scenarios.drivers import DRIVERS
from waterfalls.errors import Fault, strangers
from waterfalls.terms.term import taken, term

BasisPoints = Annotated[float, Field(ge=-2_000.0, le=10_000.0)]
MOST_NUMBERS = 100


@term
class State:
    """What is asked: `drivers` as knobs move them, spreads of all paper and by class of it, rates, numbers of the deal.

    `shock`, `spreads` and `rates` are in basis points. `numbers` are by their path in the deal file. `text` is the deal
    file as it stands on the page where that is not what is saved; `date` the payment date looked at.
    """

    scenario: str | None = None
    _: KW_ONLY
    drivers: Mapping[str, float | datetime.date] = field(default_factory=dict)
    shock: BasisPoints = 0.0
    spreads: Mapping[str, BasisPoints] = field(default_factory=dict)
    rates: BasisPoints = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    text: str | None = None
    date: datetime.date | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        drivers, numbers = fields.get("drivers", {}), fields.get("numbers", {})
        yield from strangers("drivers", "driver", drivers, DRIVERS)
        for driver, value in drivers.items():
            if driver in DRIVERS and (DRIVERS[driver].shape == "date") != isinstance(value, datetime.date):
                yield Fault(f"drivers[{driver!r}]", f"must be a {DRIVERS[driver].unit}, got {value}")
        if len(numbers) > MOST_NUMBERS:
            yield Fault("numbers", f"are {len(numbers):,}; at most {MOST_NUMBERS}")


def state_of(data: Any) -> State:
    """A state from what the page sent; every fault is told at once."""
    return taken(State, data)
