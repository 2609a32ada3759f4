"""Floating indices as collateral reads them: on the first day of each of its own interest periods."""

from __future__ import annotations

import bisect
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from structuring.scenarios.months import month_after
from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.errors import Fault, unknown
from waterfalls.terms.coupons import Floating

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.clock.schedule import Schedule


class Resets(NamedTuple):
    """A floating coupon of collateral: each of `days` begins `months` over which the index is read, and then fixed."""

    coupon: Floating
    months: int
    day_count: str
    days: tuple[datetime.date, ...]

    @property
    def source(self) -> str:
        """What its rates are called: a rate given under this name stands before one given for the index."""
        months = "1 month" if self.months == 1 else f"{self.months} months"
        return f"{self.coupon.source} for {months}, {self.day_count}"

    def periods(self) -> list[tuple[datetime.date, datetime.date]]:
        """First and last day of the index's own periods, `reset_lag` days before those of the collateral."""
        lag = datetime.timedelta(days=self.coupon.reset_lag)
        return [(day - lag, month_after(day, self.months) - lag) for day in self.days]


@dataclass(frozen=True, eq=False)
class IndexPath:
    """Rates of an index, (S or 1, N), by the first day of the period for which each was fixed."""

    days: tuple[datetime.date, ...]
    rates: np.ndarray

    def on(self, days: Sequence[datetime.date]) -> np.ndarray:
        """The rates that hold on some days, (S or 1, N)."""
        return self.rates[:, [max(bisect.bisect_right(self.days, day) - 1, 0) for day in days]]

    def rows(self, part: slice) -> IndexPath:
        """The scenarios of a slice."""
        return self if len(self.rates) == 1 else IndexPath(self.days, self.rates[part])


def index_paths(
    resets: Iterable[Resets], rates: Mapping[str, Any], schedule: Schedule, scenarios: int
) -> dict[str, IndexPath]:
    """The rates that collateral reads, by source.

    A curve gives the simple forward over each reset's own months; rates by date are read on the day of the reset; of an
    array by period, the collection period in which the reset falls has the rate of the accrual period of that number.
    """
    import numpy as np

    from waterfalls.clock.schedule import fraction_of
    from waterfalls.distribute import forwards_between, rate_array, rate_given, stepped

    found: dict[str, Resets] = {}
    for each in resets:
        before = found[each.source].days if each.source in found else ()
        found[each.source] = each._replace(days=tuple(sorted({*before, *each.days})))
    paths = {}
    for source, each in found.items():
        index = each.coupon.index
        given: Any = rate_given(index, source, rates)
        if hasattr(given, "discount"):
            elapsed = fraction_of(each.day_count, schedule.roll)
            path = forwards_between(given, each.periods(), elapsed, f"rates[{index!r}]")[None, :]
        elif isinstance(given, Mapping):
            path = stepped(index, given, [start for start, _ in each.periods()])
        else:
            array = rate_array(index, given, schedule, each.day_count, scenarios)
            period = [max(bisect.bisect_right(schedule.collection, day) - 1, 0) for day in each.days]
            path = array[:, np.minimum(period, array.shape[1] - 1)]
        paths[source] = IndexPath(each.days, path)
    return paths


def borne(coupon: Floating, index: np.ndarray, starts: Sequence[datetime.date]) -> np.ndarray:
    """The rate a year of interest periods (S or 1, N): max(0, min(cap, max(floor, multiple x index + margin)))."""
    import numpy as np

    margin = np.full(len(starts), coupon.margin)
    for date, step in coupon.step_up.items():
        margin += [step if day >= date else 0.0 for day in starts]
    floor = 0.0 if coupon.floor is None else max(coupon.floor, 0.0)
    rate = np.maximum(coupon.multiple * index + margin, floor)
    return rate if coupon.cap is None else np.maximum(np.minimum(rate, coupon.cap), 0.0)


class Accrual(NamedTuple):
    """How interest is reckoned: fixed or floating, months from one reset to the next and to the first, and day count.

    `periodic` is the most by which a reset may move the rate, and `start` what it moves from at the first, if known.
    """

    coupon: Floating | None = None
    reset: int = 1
    first: int = 0
    day_count: str = "30/360"
    periodic: float | None = None
    start: float | None = None


def faults_of_resets(fields: Mapping[str, Any], coupon: Any) -> Iterator[Fault]:
    """A reset that no coupon period begins with, terms of a floating coupon where it is fixed, and what only notes say."""
    frequency, reset = fields.get("frequency", "monthly"), fields.get("reset")
    yield from of_notes_alone(coupon)
    if coupon is not None and not isinstance(coupon, Floating):
        for name in ("reset", "first_rate", "periodic_cap"):
            if fields.get(name) is not None:
                yield Fault(name, f"belongs to a floating coupon, and this one is fixed at {coupon:g}")
    elif reset is not None and reset not in FREQUENCIES:
        yield Fault("reset", unknown("frequency", reset, FREQUENCIES))
    elif reset is not None and frequency in FREQUENCIES and FREQUENCIES[frequency] % FREQUENCIES[reset]:
        yield Fault("reset", f"must not come more often than interest is paid, {frequency}, got {reset!r}")


def of_notes_alone(coupon: Any) -> Iterator[Fault]:
    """Terms of a floating coupon that collateral cannot read: resets within a period, and steps while a condition holds."""
    if isinstance(coupon, Floating):
        if coupon.resets is not None:
            yield Fault("", f"a coupon of collateral is fixed for whole periods: leave resets={coupon.resets!r} out")
        if coupon.step_up_while:
            yield Fault("", "a coupon of collateral knows no conditions of the deal: leave step_up_while out")
