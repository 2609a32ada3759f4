"""Scenario: one named future of a deal's drivers; and `Drivers`, as which collateral reads scenarios and paths."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from structuring.scenarios.drivers import DRIVERS, Driver
from structuring.scenarios.index_paths import IndexPath, Resets, borne
from structuring.scenarios.paths import Paths
from structuring.scenarios.speed import Speed, misplaced
from waterfalls.errors import Fault, InvalidTerms, UnknownName, refuse, repeated, strangers, unknown
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.clock.schedule import Schedule

__all__ = ["Drivers", "Paths", "Scenario"]


def plain_vector(given: Any) -> Any:
    """Lists and arrays as tuples, so that a scenario can be compared and written to a file; speeds as what they are."""
    if isinstance(getattr(given, "speed", None), Speed):
        return given.speed
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, Mapping):
        return {key: plain_vector(value) for key, value in given.items()}
    return tuple(given) if isinstance(given, list) else given


def one_fault(text: str, read: Callable[[str], Any] | None = None) -> WrapValidator:
    """A validator that says once what is allowed, not once for every branch of the union; texts are read where they may be."""

    def validate(given: Any, handler: Callable[[Any], Any]) -> Any:
        if read is not None and isinstance(given, str):
            return read(given)
        try:
            return handler(plain_vector(given))
        except ValidationError:
            raise PydanticCustomError("path", "must be {text}", {"text": text}) from None

    return WrapValidator(validate)


Path = float | tuple[float, ...] | Mapping[datetime.date, float]
Number = Annotated[
    float | tuple[float, ...] | Mapping[datetime.date | str, Path] | None,
    one_fault("finite numbers: one, a vector, by date or by name"),
]
Rate = Annotated[
    Speed | float | tuple[float, ...] | Mapping[datetime.date, float] | None,
    one_fault("a speed such as psa(1.5) or monthly rates: one, a vector, or by date", Speed.__text__),
]
Dated = Annotated[datetime.date | Mapping[str, datetime.date] | None, one_fault("a date, or dates by name")]


@term
class Scenario:
    """One named path; what it does not say is as the collateral's own base case has it.

    A driver takes a number; a vector by period or month, the last value of which holds on; values by the date from which
    they hold; or any of these by name (`renewal={"Acme": 0.5}`). What each driver means, and its unit, is in `DRIVERS`.
    `others` are the drivers that asset classes of other packages bring (`others={"sunshine": 0.8}`).
    """

    name: str
    _: KW_ONLY
    prepayment: Rate = None
    default: Rate = None
    default_total: Number = None
    late: Number = None
    balloon_default: Number = None
    severity: Number = None
    recovery_lag: Number = None
    obligor_default: Dated = None
    refinancing_ltv: Number = None
    tenant_default: Dated = None
    renewal: Number = None
    renewal_rent: Number = None
    re_let_rent: Number = None
    downtime: Number = None
    rent: Number = None
    gpu_price: Number = None
    utilisation: Number = None
    contract_breach: Dated = None
    parent_bankruptcy: Dated = None
    delay_months: Number = None
    overrun: Number = None
    guarantor_default: Dated = None
    residual_value: Number = None
    value: Number = None
    operating_cost: Number = None
    sale: Dated = None
    event: Dated = None
    others: Mapping[str, Number | Dated] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        others = fields.get("others", {})
        yield from strangers("others", "driver of another package", others, DRIVERS.keys() - OWN)
        for driver, row in DRIVERS.items():
            given = fields.get(driver, others.get(driver))
            if given is None or row.shape == "date":
                continue
            if isinstance(given, Speed):
                yield from (Fault(driver, what) for what in [misplaced(driver, given)] if what)
                continue
            if isinstance(given, Mapping) and len({type(key) for key in given}) > 1:
                yield Fault(driver, "is by date or by name, not both at once")
                continue
            for place, path in by_name(driver, given):
                yield from faults_of_path(place, path, row)

    def given(self) -> dict[str, Any]:
        """The drivers that the scenario sets."""
        said = {**{name: getattr(self, name) for name in OWN}, **self.others}
        return {driver: value for driver, value in said.items() if value is not None}

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any]) -> Scenario:
        """A scenario from its drivers, those of other packages among them."""
        own = {driver: value for driver, value in given.items() if driver in OWN}
        return cls(name, **own, others={driver: value for driver, value in given.items() if driver not in OWN})


OWN = tuple(each.name for each in fields(Scenario) if each.name not in ("name", "others"))  # drivers of this project


def by_name(driver: str, given: Any) -> Iterator[tuple[str, Any]]:
    """The paths of a driver, each with its place: one, or one a name."""
    if isinstance(given, Mapping) and any(isinstance(key, str) for key in given):
        yield from ((f"{driver}[{name!r}]", path) for name, path in given.items())
    else:
        yield driver, given


def faults_of_path(place: str, path: Any, row: Driver) -> Iterator[Fault]:
    """Numbers out of bounds, empty vectors, and vectors of what happens once."""
    if row.shape == "once" and not isinstance(path, float | int):
        yield Fault(place, f"must be one number ({row.unit})")
    elif isinstance(path, float | int):
        high = min(row.high, row.most)
        if not row.low <= path <= high:
            share = "; 0.67 is 67 %" if path > row.most == 10.0 else ""
            yield Fault(place, f"must be between {row.low:g} and {high:g} ({row.unit}{share}), got {path:g}")
        elif row.whole and path != int(path):
            yield Fault(place, f"must be {row.unit}, got {path:g}")
    elif not path:
        yield Fault(place, "must hold at least one value")
    else:
        for key, value in path.items() if isinstance(path, Mapping) else enumerate(path):
            yield from faults_of_path(f"{place}[{key}]", value, row)


@dataclass(frozen=True, eq=False)
class Drivers:
    """Scenarios as collateral reads them: S rows, whatever they were given as.

    `names` are the scenarios' names, or the numbers of paths. `rows` are the drivers each scenario sets; for paths they
    are None and `paths` holds the arrays. `indices` are the rates that floating collateral reads, by source.
    """

    names: tuple[str, ...] | range
    rows: tuple[Mapping[str, Any], ...] | None
    paths: Paths | None = None
    indices: Mapping[str, IndexPath] = field(default_factory=dict)

    @classmethod
    def of(
        cls, scenarios: Scenario | Sequence[Scenario] | Paths, indices: Mapping[str, IndexPath] | None = None
    ) -> Drivers:
        """The normal form of one scenario, of several with different names, or of paths."""
        if isinstance(scenarios, Paths):
            return cls(scenarios.names, None, scenarios, indices or {})
        listed = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
        found = [
            Fault(f"scenarios[{i}]", f"must be a Scenario, got {type(given).__name__}")
            for i, given in enumerate(listed)
            if not isinstance(given, Scenario)
        ]
        if found or not listed:
            raise InvalidTerms(found or "scenarios: at least one is needed")
        names = tuple(scenario.name for scenario in listed)
        if twice := repeated(names):
            raise InvalidTerms(f"scenarios: names must differ, {', '.join(map(repr, twice))} stands more than once")
        return cls(names, tuple(scenario.given() for scenario in listed), None, indices or {})

    def borne(
        self, resets: Resets, fixed_on: Sequence[datetime.date], begins: Sequence[datetime.date] | None = None
    ) -> np.ndarray:
        """The rates a year that a floating coupon bears, (S or 1, N), each fixed on the day of a reset.

        Its margin steps with the periods, which begin on the days `begins`, those of the resets unless said.
        """
        return borne(resets.coupon, self.index(resets, fixed_on), fixed_on if begins is None else begins)

    def index(self, resets: Resets, starts: Sequence[datetime.date] | None = None) -> np.ndarray:
        """The index of a floating coupon alone, (S or 1, N): on the days of its resets, or where they hold."""
        if resets.source not in self.indices:
            raise InvalidTerms(
                f"rates: the collateral reads {resets.coupon.index!r}, and no rate is given: "
                f"rates={{{resets.coupon.index!r}: 0.04}}, or an array by period, or a curve"
            )
        return self.indices[resets.source].on(resets.days if starts is None else starts)

    @property
    def count(self) -> int:
        """S."""
        return len(self.names)

    @property
    def set_drivers(self) -> frozenset[str]:
        """The drivers that some scenario sets."""
        given = self.rows if self.paths is None else [self.paths.arrays]
        return frozenset(driver for row in given or () for driver in row)

    def read(self, driver: str, schedule: Schedule, default: Any, *, name: str | None = None) -> np.ndarray:
        """A driver by collection period, (S, T); an axis along which nothing differs may have length 1.

        A value by date holds from the collection period of that date on. `default` (a number or (T,)) stands where a
        scenario says nothing; `name` asks for the value of one tenant, obligor or generation.
        """
        return self.along(driver, schedule.ends, default, name=name)

    def along(
        self, driver: str, ends: Sequence[datetime.date], default: Any, *, name: str | None = None, age: int = 0
    ) -> np.ndarray:
        """`read` on any periods with these last days; speeds are those of loans `age` months old at the start."""
        import numpy as np

        base = np.asarray(expanded(default, ends, None, age), dtype=np.float64)[None, :]
        if self.paths is not None:
            return base if (row := named(self.paths.arrays.get(driver), name)) is None else held(row, len(ends))
        given = [named(row.get(driver), name) for row in self.rows or ()]
        if all(path is None for path in given):
            return base
        if base.shape[1] == 1 and all(path is None or isinstance(path, float | int) for path in given):
            return np.array([[base[0, 0] if path is None else float(path)] for path in given])
        full = np.broadcast_to(held(base, len(ends))[0], len(ends))
        rows = [full if path is None else expanded(path, ends, full, age) for path in given]
        return np.array([np.broadcast_to(row, len(ends)) for row in rows])

    def once(self, driver: str, default: float, *, name: str | None = None) -> np.ndarray:
        """A driver that has one value a scenario, (S, 1) or (1, 1)."""
        return self.along(driver, (), default, name=name)[:, :1]

    def when(self, driver: str, schedule: Schedule, *, name: str | None = None) -> np.ndarray:
        """When an event strikes, (S, 1) or (1, 1): an instant of `Clock(schedule)`, infinity where it never does."""
        import numpy as np

        from structuring.scenarios.period_clock import Clock

        clock = Clock(schedule)
        if self.paths is not None:
            row = named(self.paths.arrays.get(driver), name)
            return np.full((1, 1), math.inf) if row is None else clock.start + 360.0 * row
        given = [named(row.get(driver), name) for row in self.rows or ()]
        if all(date is None for date in given):
            return np.full((1, 1), math.inf)
        return np.array([[math.inf if date is None else clock.at(date)] for date in given])

    @property
    def placed(self) -> list[tuple[str, Mapping[str, Any]]]:
        """What each scenario sets, with the place that a message names; all paths as one."""
        if self.paths is not None:
            return [("Paths", self.paths.arrays)]
        return [(f"scenarios[{name!r}]", row) for name, row in zip(self.names, self.rows or (), strict=True)]

    def refuse_unread(self, read: Collection[str], named: Mapping[str, tuple[str, Sequence[str]]]) -> None:
        """Refuses drivers that are not among those `read`, and every name that is not among those of its driver.

        `named` says of the drivers that may be given by name what bears one, and the names.
        """
        found: list[Fault] = []
        unread: list[UnknownName] = []
        for place, row in self.placed:
            for driver, given in row.items():
                if driver not in read:
                    what = "collateral of this deal that reads the driver"
                    unread.append(UnknownName(what, driver, sorted(read), f"{place}.{driver}"))
                    found.append(unread[-1].fault)
                    continue
                what, known = named.get(driver, ("", ()))
                names = [name for name in given if isinstance(name, str)] if isinstance(given, Mapping) else []
                for name in [name for name in names if name not in known]:
                    said = unknown(what, name, known) if what else f"takes no names in this deal, got {name!r}"
                    found.append(Fault(f"{place}.{driver}", said))
        if unread and len(found) == 1:
            raise unread[0]
        refuse(found)


def named(given: Any, name: str | None) -> Any:
    """What a driver says for a name: its own value, or the one for all."""
    if isinstance(given, Mapping) and any(isinstance(key, str) for key in given):
        return given.get(name)
    return given


def held(rows: np.ndarray, length: int) -> np.ndarray:
    """Vectors cut to a length, or with their last value held until then; a single value stays single."""
    import numpy as np

    if rows.shape[1] in (1, length):
        return rows
    if rows.shape[1] > length:
        return np.ascontiguousarray(rows[:, : max(length, 1)])
    return np.concatenate([rows, np.repeat(rows[:, -1:], length - rows.shape[1], axis=1)], axis=1)


def expanded(path: Any, ends: Sequence[datetime.date], base: np.ndarray | None, age: int) -> np.ndarray:
    """One path by period (T,), from a number, a vector, a speed, or values by the date from which they hold over `base`.

    A number, or a vector of one, stays (1,).
    """
    import numpy as np

    count = len(ends)
    if isinstance(path, Speed):
        from structuring.scenarios.monthly_rates import rates_of

        return rates_of(path, np.arange(age + 1.0, age + count + 1.0))
    if not isinstance(path, Mapping):
        return held(np.atleast_2d(np.asarray(path, dtype=np.float64)), count)[0]
    first = path[min(path)]  # where there is no base, the first value also holds before its date
    values = np.full(count, first) if base is None else np.array(base)
    for date in sorted(path):
        values[sum(end < date for end in ends) :] = path[date]
    return values
