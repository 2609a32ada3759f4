"""Asset: what a deal asks of whatever it owns, built in or from another package."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from structuring.scenarios.drivers import DRIVERS, Driver
from waterfalls.errors import Fault, InvalidTerms

if TYPE_CHECKING:
    import numpy as np

    from structuring.scenarios.index_paths import Resets
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


class Lease(NamedTuple):
    """Who rents, what rent is promised in all until the first day on which the lease may end, and when it may."""

    tenant: str
    promised: float
    ends: tuple[datetime.date, ...]


class Asset:
    """A class of asset: derive from it, make it a `@term`, and say at least what it delivers.

    Everything else has an answer that holds for most: it reads no driver, has no names, raises no event. Fields of the
    term are fields of the deal file; `meanings` says of each, by term, what it means, with its unit before a bar:
    `{"SolarFarm": {"megawatts": "megawatts | peak power"}}`.
    """

    __slots__ = ()
    brings: ClassVar[Mapping[str, Driver]] = {}
    """Drivers of its own, which a scenario says under `others`: {"sunshine": Driver("hours of sun", "multiple", "period")}."""
    meanings: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    valued_any_day: ClassVar[bool] = False
    """Whether its terms say what it is worth on any day, also before the first collection period ends."""

    def __init_subclass__(cls) -> None:
        for name, driver in cls.brings.items():
            if DRIVERS.setdefault(name, driver) != driver:
                raise InvalidTerms(
                    f"{cls.__name__} brings the driver {name!r}, which is another already: give it another name"
                )

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """Cash, costs, balances and value by scenario and collection period, (S, T) in currency units.

        Each amount belongs to the collection period that holds its day. `contracted` is what would come in had nothing
        gone wrong; `value` is the appraised value at the end of a period; what a `sale` fetches is `resale`.
        """
        raise NotImplementedError(f"{type(self).__name__}.deliver")

    def drivers(self) -> frozenset[str]:
        """What it reads from a scenario; any other driver is refused."""
        return frozenset()

    def resets(self, schedule: Schedule) -> Sequence[Resets]:
        """The floating coupons it bears, each with the days on which it reads its index; see `Drivers.borne`."""
        return ()

    def loans(self, schedule: Schedule, scenarios: Drivers) -> tuple[Sequence[str], Mapping[str, np.ndarray]]:
        """What each of its loans paid in one scenario: their names, and amounts by field of the receipts, (N, T)."""
        return (), {}

    def named(self) -> Mapping[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name (a tenant, an obligor), and the names."""
        return {}

    def raises(self) -> tuple[str, ...]:
        """The events that its receipts may raise, which a condition reads as event(name)."""
        return ()

    def obligors(self) -> Mapping[str, Mapping[str, float]]:
        """Who owes what, by role (tenant, customer, borrower, guarantor) and name: a year of rent, or an amount."""
        return {}

    def leases(self) -> tuple[Lease, ...]:
        """The leases by which it is let."""
        return ()

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What its own terms say of a driver where a scenario says nothing: one number, or one a name; rates a year."""
        return 1.0 if DRIVERS[driver].multiple else 0.0

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """What was over on the day from which the deal collects, so that it cannot be meant; it is refused."""
        yield from ()
