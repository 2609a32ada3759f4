"""BondPortfolio: bonds and loans of named obligors, such as hyperscalers and private-credit borrowers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Any

from structuring.collateral.asset import Asset
from structuring.scenarios.months import month_after
from structuring.scenarios.scenario import Drivers, Rate, Scenario
from structuring.scenarios.speed import rate_a_year
from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.errors import Fault, unknown
from waterfalls.terms.bounded_numbers import Months, NotNegative, Share
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.collateral.pool_cash_flows import MonthGrid
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


@term
class Bond:
    """A bond or loan: `notional` outstanding at the start, at a fixed `coupon` a year, 30/360, repaid at `maturity`.

    Coupons count back from maturity by `frequency`. `instalments` are amounts of principal still to be repaid before
    maturity, by date. `severity` is the share lost when the obligor defaults.
    """

    obligor: str
    notional: NotNegative
    _: KW_ONLY
    coupon: Share
    maturity: datetime.date
    frequency: str = "semiannual"
    instalments: Mapping[datetime.date, NotNegative] = field(default_factory=dict)
    severity: Share = 0.6

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        frequency, maturity, notional = (fields.get(name) for name in ("frequency", "maturity", "notional"))
        if frequency is not None and frequency not in FREQUENCIES:
            yield Fault("frequency", unknown("frequency", frequency, FREQUENCIES))
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

    def scheduled(self, grid: MonthGrid) -> tuple[np.ndarray, np.ndarray]:
        """The balance (M + 1,) and the interest (M,) by month when nothing goes wrong, in currency units."""
        import numpy as np

        repaid, interest = np.zeros(grid.months), np.zeros(grid.months)
        ends = {**self.instalments, self.maturity: self.notional - sum(self.instalments.values())}
        for date, amount in ends.items():
            if (month := grid.month_of(date)) is not None:
                repaid[month] += amount
        balance = self.notional - np.concatenate([[0.0], np.cumsum(repaid)])
        balance[np.abs(balance) < 1e-12 * self.notional] = 0.0
        step, k = 12 // FREQUENCIES[self.frequency], 0
        while (date := month_after(self.maturity, -step * k)) > grid.dates[0]:
            if (month := grid.month_of(date)) is not None:
                interest[month] += balance[month] * self.coupon * step / 12.0
            k += 1
        return balance, interest


@term
class BondPortfolio(Asset):
    """Bonds and loans by obligor. With A(m) the share of a bond that has not defaulted by the end of month m,

        interest = A(m) I(m)   principal = A(m) (B(m-1) - B(m))   defaults = (A(m-1) - A(m)) B(m-1)   value = A(m) B(m)
        A(m) = product of (1 - default rate of each month), and 0 from the month of the obligor's default on

    `recovery_lag` months after a default, 1 - severity of it is recovered and the rest lost; no coupon is paid for the
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
        return frozenset({"obligor_default", "default", "severity", "recovery_lag"})

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        return dict.fromkeys(("obligor_default", "severity"), ("obligor", [bond.obligor for bond in self.bonds]))

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        return tuple(f"default of {name}" for name in dict.fromkeys(bond.obligor for bond in self.bonds))

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
        import numpy as np

        from structuring.collateral.pool_cash_flows import later, month_grid
        from structuring.scenarios.period_clock import Clock
        from waterfalls.receipts import Receipts

        obligors = list(dict.fromkeys(bond.obligor for bond in self.bonds))
        clock = Clock(schedule)
        grid = month_grid(schedule, least=1)
        lag = scenarios.once("recovery_lag", self.recovery_lag)
        rate = scenarios.along("default", grid.ends, self.default or 0.0)
        survival = np.cumprod(np.broadcast_to(1.0 - rate, (len(rate), grid.months)), axis=1)
        total: dict[str, Any] = {}
        for bond in self.bonds:
            balance, interest = bond.scheduled(grid)
            severity = scenarios.along("severity", grid.ends, bond.severity, name=bond.obligor)
            struck = scenarios.when("obligor_default", schedule, name=bond.obligor)
            alive = survival * (struck > grid.edges[1:])
            before = np.concatenate([np.ones((len(alive), 1)), alive[:, :-1]], axis=1)
            defaults, repaid = (before - alive) * balance[:-1], balance[:-1] - balance[1:]
            waiting = np.cumsum(defaults, axis=1)
            for field_, amounts in {
                "interest": alive * interest,
                "principal": alive * repaid,
                "recoveries": later(defaults * (1.0 - severity), lag),
                "losses": later(defaults * severity, lag),
                "defaults": defaults,
                "pool_balance": alive * balance[1:],
                "defaulted_balance": waiting - later(waiting, lag),
                "contracted": (interest + repaid)[None, :],
            }.items():
                total[field_] = total[field_] + amounts if field_ in total else amounts
        start = sum(bond.notional for bond in self.bonds)
        total = grid.fields(total, start)
        strikes = {name: scenarios.when("obligor_default", schedule, name=name) for name in obligors}
        events = {f"default of {name}": clock.since(struck) for name, struck in strikes.items()}
        return Receipts(schedule.ends, **total, value=total["pool_balance"], events=events, scenarios=scenarios.names)
