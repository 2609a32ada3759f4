"""BondPortfolio: bonds and loans of named obligors, such as hyperscalers and private-credit borrowers."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Any

from structuring.collateral.asset import Asset
from structuring.scenarios.index_paths import Resets, faults_of_resets
from structuring.scenarios.months import month_after
from structuring.scenarios.scenario import Drivers, Rate, Scenario
from structuring.scenarios.speed import rate_a_year
from waterfalls.clock.conventions import FREQUENCIES, DayCount
from waterfalls.errors import Fault, unknown
from waterfalls.terms.bounded_numbers import Months, NotNegative, Share
from waterfalls.terms.coupons import Floating
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.scenarios.month_grid import MonthGrid
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


@term
class Bond:
    """A bond or loan: `notional` outstanding at the start, at a `coupon` a year, fixed or floating, repaid at `maturity`.

    Coupons count back from maturity by `frequency`. A floating coupon reads its index on the first day of each coupon
    period, or of every `reset` (such as "quarterly" of a coupon paid monthly); `first_rate` is what it bears until the
    first such day after the start. `instalments` are amounts of principal still to be repaid before maturity, by date.
    `severity` is the share lost when the obligor defaults.
    """

    obligor: str
    notional: NotNegative
    _: KW_ONLY
    coupon: Share | Floating
    maturity: datetime.date
    frequency: str = "semiannual"
    day_count: DayCount = "30/360"
    reset: str | None = None
    first_rate: Share | None = None
    instalments: Mapping[datetime.date, NotNegative] = field(default_factory=dict)
    severity: Share = 0.6

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        frequency, maturity, notional = (fields.get(name) for name in ("frequency", "maturity", "notional"))
        if frequency is not None and frequency not in FREQUENCIES:
            yield Fault("frequency", unknown("frequency", frequency, FREQUENCIES))
        yield from faults_of_resets(fields, fields.get("coupon"))
        instalments = fields.get("instalments") or {}
        if notional is not None and sum(instalments.values()) > notional * (1.0 + 1e-9):
            yield Fault(
                "instalments", f"must not exceed the notional {notional:,.2f}, got {sum(instalments.values()):,.2f}"
            )
        for date in instalments:
            if maturity is not None and date >= maturity:
                yield Fault("instalments", f"{date} must come before maturity {maturity}")

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """What was due by the day from which the deal collects, so that the notional cannot hold it any more."""
        if self.maturity <= start:
            why = f"{self.maturity} is not after {start}, from when the deal collects: leave out what has been repaid"
            yield Fault("maturity", why)
        for date in self.instalments:
            if date <= start:
                why = f"{date} is not after {start}, from when the deal collects: the notional is what is left since"
                yield Fault("instalments", why)

    def periods(self, start: datetime.date) -> list[tuple[datetime.date, datetime.date]]:
        """First and last day of each coupon period that ends after `start`, in order of time."""
        step = 12 // FREQUENCIES[self.frequency]
        dates = [self.maturity]
        while dates[-1] > start:
            dates.append(month_after(self.maturity, -step * len(dates)))
        return list(itertools.pairwise(reversed(dates)))

    def resets(self, schedule: Schedule) -> tuple[Resets, list[datetime.date]]:
        """The days on which a floating coupon is fixed, and for each coupon period the day that fixed it."""
        assert isinstance(self.coupon, Floating)
        months, start = 12 // FREQUENCIES[self.reset or self.frequency], schedule.collection[0]
        held, count = FREQUENCIES[self.frequency] * months // 12, len(self.periods(start))  # coupon periods a reset
        fixed_on = [month_after(self.maturity, -months * (k // held + 1)) for k in reversed(range(count))]
        days = (day for day in dict.fromkeys(fixed_on) if self.first_rate is None or day >= start)
        return Resets(self.coupon, months, self.day_count, tuple(days)), fixed_on

    def rates(self, schedule: Schedule, scenarios: Drivers) -> np.ndarray:
        """The coupon by coupon period, (S or 1, N), a year."""
        import numpy as np

        if not isinstance(self.coupon, Floating):
            return np.full((1, len(self.periods(schedule.collection[0]))), self.coupon)
        resets, fixed_on = self.resets(schedule)
        rates = scenarios.borne(resets, fixed_on, [begin for begin, _ in self.periods(schedule.collection[0])])
        if self.first_rate is None:
            return rates
        return np.where([day < schedule.collection[0] for day in fixed_on], self.first_rate, rates)

    def scheduled(self, grid: MonthGrid, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The balance (M + 1,) and the interest (S or 1, M) by month when nothing goes wrong, in currency units.

        Interest of a coupon period = rate x (balance at its start x fraction of a year - instalments within it x what is left of
        that fraction from their day on).
        """
        import numpy as np

        from waterfalls.clock.schedule import Roll, fraction_of

        repaid, interest = np.zeros(grid.months), np.zeros((len(rates), grid.months))
        ends = {**self.instalments, self.maturity: self.notional - sum(self.instalments.values())}
        for date, amount in ends.items():
            if (month := grid.month_of(date)) is not None:
                repaid[month] += amount
        balance = self.notional - np.concatenate([[0.0], np.cumsum(repaid)])
        balance[np.abs(balance) < 1e-12 * self.notional] = 0.0
        whole = 1.0 / FREQUENCIES[self.frequency]
        fraction = fraction_of(self.day_count, Roll(FREQUENCIES[self.frequency], self.maturity))
        for k, (start, end) in enumerate(self.periods(grid.dates[0])):
            if (month := grid.month_of(end)) is not None:
                years = whole if self.day_count == "30/360" else fraction(start, end, end)
                owed = self.notional * years
                for date, amount in self.instalments.items():
                    if date < end:
                        owed -= amount * (years - (fraction(start, date, end) if date > start else 0.0))
                interest[:, month] += max(owed, 0.0) * rates[:, k]
        return balance, interest


@term
class BondPortfolio(Asset):
    """Bonds and loans by obligor. With A(m) the share of a bond that has not defaulted by the end of month m,

        interest = A(m) I(m)   principal = A(m) (B(m-1) - B(m))   defaults = (A(m-1) - A(m)) B(m-1)   value = A(m) B(m)
        A(m) = product of (1 - default rate of each month), and 0 from the month of the obligor's default on

    The share `balloon_default` of what falls due at maturity is not repaid but defaults. `recovery_lag` months after a
    default, 1 - severity of it is recovered and the rest lost; no coupon is paid for the
    month of a default. A coupon date belongs to the collection period that holds it, and within it to the month; the
    months of a period are counted back from its end. `contracted` is scheduled interest and principal. Each obligor's
    default raises the event "default of <obligor>".
    """

    bonds: Listed[Bond]
    _: KW_ONLY
    default: Rate = None
    recovery_lag: Months = 12

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if "bonds" in fields and not fields["bonds"]:
            yield Fault("bonds", "at least one is needed")
        if fields.get("default") is not None:
            yield from Scenario.faults({"default": fields["default"]})

    def drivers(self) -> frozenset[str]:
        """What the portfolio reads from a scenario."""
        return frozenset({"obligor_default", "default", "balloon_default", "severity", "recovery_lag"})

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        return dict.fromkeys(
            ("obligor_default", "balloon_default", "severity"), ("obligor", [bond.obligor for bond in self.bonds])
        )

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        return tuple(f"default of {name}" for name in dict.fromkeys(bond.obligor for bond in self.bonds))

    def resets(self, schedule: Schedule) -> list[Resets]:
        """The floating coupons of its bonds, with the days on which each reads its index."""
        return [bond.resets(schedule)[0] for bond in self.bonds if isinstance(bond.coupon, Floating)]

    def obligors(self) -> dict[str, dict[str, float]]:
        """Who owes the portfolio, by role: the notional of each borrower."""
        owed: dict[str, float] = {}
        for bond in self.bonds:
            owed[bond.obligor] = owed.get(bond.obligor, 0.0) + bond.notional
        return {"borrower": owed}

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What the portfolio's own terms say of a driver, the severity by obligor."""
        match driver:
            case "default":
                return rate_a_year(self.default)
            case "severity":
                return {bond.obligor: bond.severity for bond in self.bonds}
            case "recovery_lag":
                return float(self.recovery_lag)
            case _:
                return Asset.own(self, driver)

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """What was over on the day from which the deal collects, each with its place in the portfolio."""
        for i, bond in enumerate(self.bonds):
            yield from (
                Fault(f"bonds[{i}].{fault.place}", f"{bond.obligor}: {fault.what}") for fault in bond.over(start)
            )

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the bonds pay and owe, (S, T) in currency units; see the class for the formulas."""
        from structuring.scenarios.month_grid import month_grid
        from structuring.scenarios.period_clock import Clock
        from waterfalls.receipts import Receipts

        clock, grid = Clock(schedule), month_grid(schedule, least=1)
        total: dict[str, Any] = {}
        for _, months in self.by_bond(grid, schedule, scenarios):
            for field_, amounts in months.items():
                total[field_] = total[field_] + amounts if field_ in total else amounts
        total = grid.fields(total, sum(bond.notional for bond in self.bonds))
        obligors = dict.fromkeys(bond.obligor for bond in self.bonds)
        strikes = {name: scenarios.when("obligor_default", schedule, name=name) for name in obligors}
        events = {f"default of {name}": clock.since(struck) for name, struck in strikes.items()}
        return Receipts(schedule.ends, **total, value=total["pool_balance"], events=events, scenarios=scenarios.names)

    def loans(self, schedule: Schedule, scenarios: Drivers) -> tuple[list[str], dict[str, np.ndarray]]:
        """What each bond paid in one scenario, by field (N, T); the sums are the portfolio's receipts."""
        import numpy as np

        from structuring.scenarios.month_grid import month_grid

        grid = month_grid(schedule, least=1)
        rows = [grid.fields(m, bond.notional) for bond, m in self.by_bond(grid, schedule, scenarios)]
        names = [f"{bond.obligor}, {bond.maturity}" for bond in self.bonds]
        return names, {field_: np.stack([row[field_][0] for row in rows]) for field_ in rows[0]}

    def by_bond(
        self, grid: MonthGrid, schedule: Schedule, scenarios: Drivers
    ) -> Iterator[tuple[Bond, dict[str, np.ndarray]]]:
        """The fields of the receipts of each bond by month, (S or 1, M)."""
        import numpy as np

        from structuring.collateral.pool_losses import later

        lag = scenarios.once("recovery_lag", self.recovery_lag)
        rate = scenarios.along("default", grid.ends, self.default or 0.0)
        survival = np.cumprod(np.broadcast_to(1.0 - rate, (len(rate), grid.months)), axis=1)
        for bond in self.bonds:
            balance, interest = bond.scheduled(grid, bond.rates(schedule, scenarios))
            severity = scenarios.along("severity", grid.ends, bond.severity, name=bond.obligor)
            struck = scenarios.when("obligor_default", schedule, name=bond.obligor)
            alive = survival * (struck > grid.edges[1:])
            before = np.concatenate([np.ones((len(alive), 1)), alive[:, :-1]], axis=1)
            defaults, repaid = (before - alive) * balance[:-1], balance[:-1] - balance[1:]
            paid = alive * repaid
            if (last := grid.month_of(bond.maturity)) is not None:
                at_maturity = bond.notional - sum(bond.instalments.values())
                failing = scenarios.along("balloon_default", grid.ends, 0.0, name=bond.obligor)
                failed = alive[:, last] * at_maturity * np.broadcast_to(failing, (len(failing), grid.months))[:, last]
                hit = np.where(np.arange(grid.months) == last, failed[:, None], 0.0)
                defaults, paid = defaults + hit, paid - hit
            waiting = np.cumsum(defaults, axis=1)
            yield (
                bond,
                {
                    "interest": alive * interest,
                    "principal": paid,
                    "recoveries": later(defaults * (1.0 - severity), lag),
                    "losses": later(defaults * severity, lag),
                    "defaults": defaults,
                    "pool_balance": alive * balance[1:],
                    "defaulted_balance": waiting - later(waiting, lag),
                    "contracted": interest + repaid,
                },
            )
