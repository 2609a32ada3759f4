"""Scenarios of a whole book as each of its deals reads them: by its own names, drivers and dates."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from structuring.deals.deal import Deal, clock, drivers_of, named_in
from structuring.deals.exposures import names_of
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.paths import Paths, each
from structuring.scenarios.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np

    from structuring.simulation.random_numbers import Draws
    from waterfalls.clock.schedule import Schedule


ALONE = ("parent_bankruptcy", "sale")  # a deal has one sponsor, and is sold as one by its own name


@dataclasses.dataclass(frozen=True)
class View:
    """How one deal sees scenarios of the whole book: by its own drivers, names and clock.

    `local` gives the deal's own name of an ultimate obligor; of a driver by name it sees what bears its names, and of
    one that it does not read nothing at all. A sponsor's failure by name is the deal's `parent_bankruptcy` where the
    sponsor is its own, and a `sale` by the name of the deal is its sale. Values of paths by period or month are by
    30/360 month from `as_of` in a book, and years of dated drivers count from there.
    """

    deal: Deal
    as_of: datetime.date
    local: Mapping[str, tuple[str, ...]]

    def of(self, scenarios: Sequence[Scenario] | Paths) -> Sequence[Scenario] | Paths:
        """The scenarios as the deal reads them, as many and with the same names."""
        if isinstance(scenarios, Paths):
            return Paths(len(scenarios), draw=Seen(self, scenarios))
        return [Scenario.of(given.name, self.chosen(given.given())) for given in scenarios]

    def chosen(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Of drivers, those that the deal reads, under its own names."""
        read, failing, named = drivers_of(self.deal), names_of(self.deal), named_in(self.deal)
        found = {}
        for driver, value in given.items():
            if driver not in read:
                continue
            if not (isinstance(value, Mapping) and any(isinstance(key, str) for key in value)):
                found[driver] = value
                continue
            seen = {own: value[name] for name in value for own in self.local.get(name, (name,))}
            whole = failing.get(driver, ()) if driver in ALONE else ()
            known = {*failing.get(driver, ()), *(named[driver][1] if driver in named else ())}
            if any(own in whole for own in seen):
                found[driver] = next(date for own, date in seen.items() if own in whole)
            elif mine := {own: date for own, date in seen.items() if own in known}:
                found[driver] = mine
        return found


@dataclasses.dataclass(frozen=True)
class Seen:
    """A draw of paths as one deal sees those of the book."""

    view: View
    paths: Paths

    def __call__(self, draws: Draws) -> dict[str, Any]:
        given = self.paths.rows(slice(draws.first, draws.first + draws.count)).arrays
        schedule = clock(self.view.deal)
        return {
            driver: each(value, lambda rows, driver=driver: self.moved(driver, rows, schedule))
            for driver, value in self.view.chosen(given).items()
        }

    def moved(self, driver: str, rows: np.ndarray, schedule: Schedule) -> np.ndarray:
        """Years and months from the book's date as those from the start of the deal's schedule."""
        import numpy as np

        from structuring.scenarios.period_clock import Clock

        own, shape = Clock(schedule), DRIVERS[driver].shape
        late = own.at(self.view.as_of) - own.start  # days by which the book's date comes after the deal's
        if shape == "date":
            return np.maximum(rows + late / 360.0, 0.0)
        if rows.shape[1] == 1:
            return rows
        ends = (
            own.hi if shape == "period" else own.start + 30.0 * np.arange(1.0, len(own.hi) * 12 / schedule.per_year + 1)
        )
        month = np.ceil((ends - own.start - late) / 30.0).astype(int) - 1
        return np.ascontiguousarray(rows[:, np.clip(month, 0, rows.shape[1] - 1)])
