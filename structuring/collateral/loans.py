"""LoanPool: loans as representative lines or a tape, under prepayment, default, severity and a lag to recovery."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from structuring.collateral.asset import Asset
from structuring.collateral.delinquency import DefaultCurve, Delinquency, month_by_month
from structuring.collateral.loan_tape import LoanLine, Months, Share, Tape
from structuring.collateral.tape_rows import COLUMNS
from structuring.scenarios.index_paths import Accrual, Resets
from structuring.scenarios.scenario import Drivers, Rate, Scenario
from structuring.scenarios.speed import Speed, rate_a_year
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.field_types import Listed, Takes, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from structuring.collateral.pool_cash_flows import Curves, Part
    from structuring.scenarios.month_grid import MonthGrid
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


@term
class LoanPool(Asset):
    """A pool of loans. With monthly default d and prepayment v, survival Q and the scheduled balance B of the group,

        order "sifma"        defaults = Q d B(m-1)     prepayments = Q v B(m)
                             interest = Q (1-d) I(m)   principal = Q (1-d) (B(m-1) - B(m))     Q' = Q (1 - d - v)
        order "sequential"   defaults = Q d B(m-1)     prepayments = Q (1-d) v B(m-1)
                             interest, principal = Q (1-d) (1-v) times the scheduled           Q' = Q (1-d) (1-v)

    so "sifma" prepays out of the scheduled balance without taking defaults out first, and "sequential" takes defaults,
    then prepayments of what is left, then pays the survivors' levelled instalment. `balloon_default` is the share of a
    balloon that is not repaid when it falls due, apart from the default along the way. With `default_curve` a total
    defaults (at most what is left), when its shape says, in place of the rates of `default`; with
    `delinquency`, loans pay late before they cure or default (see `month_by_month`). Loans that share d and v form a group
    and the result is exact; speeds that follow age (PSA, SDA, ABS) make one group an age. `recovery_lag` months after a
    default, 1 - severity of it is recovered and the rest lost: at once, or the shares of `recovery_timing` month by month
    from then on. With `advances` the servicer goes on paying the
    scheduled principal of defaulted loans and keeps it out of the proceeds: recovery = max(balance amortised until then
    - loss, 0). `servicing` is a rate a year taken out of interest.
    `prepayment_penalty` are shares of what is prepaid in the first year, the second and so on, which receipts report as
    revenue. Amounts are by calendar month from the start of the
    schedule, the last of which in each collection period ends with it (see `MonthGrid`); with `first_payment` all loans
    first pay then, interest of a whole period of theirs, and each month belongs to the collection period in which it ends.
    `contracted` is scheduled interest and principal. Source: SIFMA, Uniform Practices, chapter SF.
    """

    lines: Takes[Sequence[LoanLine] | Tape, tuple[LoanLine, ...] | Tape]
    _: KW_ONLY
    prepayment: Rate = None
    default: Rate = None
    severity: Share | tuple[Share, ...] = 1.0
    default_curve: DefaultCurve | None = None
    delinquency: Delinquency | None = None
    balloon_default: Share | tuple[Share, ...] = 0.0
    recovery_lag: Months = 0
    recovery_timing: Listed[Share] = items()
    prepayment_penalty: Listed[Share] = items()
    order: Literal["sifma", "sequential"] = "sifma"
    advances: bool = False
    servicing: Share = 0.0
    first_payment: datetime.date | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(fields.get("lines"), tuple) and not fields["lines"]:
            yield Fault("lines", "at least one is needed")
        for driver in ("prepayment", "default"):
            rates = fields.get(driver)
            if rates is not None:
                yield from Scenario.faults({driver: rates})
        timing = fields.get("recovery_timing")
        if timing and abs(sum(timing) - 1.0) > 1e-9:
            yield Fault("recovery_timing", f"must sum to 1, got {sum(timing):.10g}")
        if timing and fields.get("advances"):
            yield Fault("recovery_timing", "does not go with advances, which come out of the proceeds at once")
        curve, late = fields.get("default_curve"), fields.get("delinquency")
        for name, given in (("default_curve", curve), ("delinquency", late)):
            if given is not None and fields.get("advances"):
                yield Fault(name, "does not go with advances")
        lines = fields.get("lines")
        if late is not None and lines is not None and pays_otherwise_than_monthly(lines):
            yield Fault("delinquency", "is by the month: all loans must pay monthly")
        if curve is not None and fields.get("default") is not None:
            yield Fault("default", "does not go with default_curve, which has a total of its own")
        for name in ("severity", "balloon_default"):
            if fields.get(name) == ():
                yield Fault(name, "must hold at least one value")

    @classmethod
    def level_pay(cls, *, balance: float, rate: float, remaining_term: int, age: int = 0, **pool: Any) -> LoanPool:
        """A pool of one line that pays the same amount every month, to nothing at the end; the rest as of the pool.

        Loans that pay otherwise are lines: LoanPool((LoanLine(...), ...)).
        """
        return cls((LoanLine(balance, rate, remaining_term=remaining_term, age=age),), **pool)

    @classmethod
    def from_tape(
        cls, tape: pd.DataFrame | Path | str, *, sheet: str | None = None, ignore: Sequence[str] = (), **pool: Any
    ) -> LoanPool:
        """A pool from a row a loan: a DataFrame, or a CSV, Parquet or Excel file; every bad row is listed with its reasons.

        Columns: balance, rate, remaining_term, and if wanted loan, age, interest_only, payment, amortisation_term,
        frequency, day_count; of floating loans index, margin, floor, cap, reset, first_reset, periodic_cap, and
        `rate` until the first reset.
        `ignore` names columns to leave aside; any other is refused. `sheet` is needed where a workbook has several.
        Rows that are alike are taken together. The rest is as of the pool: LoanPool.from_tape(tape, prepayment=...).
        """
        return cls(Tape.read(tape, sheet=sheet, ignore=ignore), **pool)

    def observed(self, report: pd.DataFrame | Path | str, *, sheet: str | None = None) -> pd.DataFrame:
        """What a pool's factors, or a servicer's monthly reports, say of its speeds: smm, cpr, psa, abs, mdr, cdr, severity.

        A row of the report is a `month` (0 is the day of the pool's own terms, the first row its start), with `factor` or
        `balance` at its end, and if wanted the month's `principal`, `prepayments`, `defaults`, `recoveries`, `losses`.
        """
        import numpy as np

        from structuring.collateral.pool_cash_flows import groups
        from structuring.scenarios.observed_speeds import observed, read_report

        frame = read_report(report, sheet)
        ((group, parts),) = groups(self.lines, (), int(frame["month"].iloc[-1]), 0.0)
        curves = [part.curves.balance[0] for part in parts if part.curves is not None]
        if len(curves) < len(parts) and "principal" not in frame.columns:
            why = "of a pool that floats needs the column principal: what was scheduled depends on its rates"
            raise InvalidTerms([Fault("report", why)])
        scheduled = np.sum(curves, axis=0) if len(curves) == len(parts) else None
        age = float(group.balance @ group.age) / (float(group.balance.sum()) or 1.0)
        return observed(frame, scheduled, age, sifma=self.order == "sifma")

    def drivers(self) -> frozenset[str]:
        """What the pool reads from a scenario."""
        late = {"late"} if self.delinquency else set[str]()
        default = "default_total" if self.default_curve else "default"
        return frozenset({"prepayment", default, "balloon_default", "severity", "recovery_lag", *late})

    def own(self, driver: str) -> float:
        """What the pool's own terms say of a driver."""
        match driver:
            case "prepayment" | "default":
                return rate_a_year(self.prepayment if driver == "prepayment" else self.default)
            case "default_total":
                return self.default_curve.total if self.default_curve else 0.0
            case "late":
                return self.delinquency.late if self.delinquency else 0.0
            case "severity" | "balloon_default":
                given = getattr(self, driver)
                return given[-1] if isinstance(given, tuple) else given
            case _:
                return float(self.recovery_lag)

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """A first payment that was made before the deal collects."""
        if self.first_payment is not None and self.first_payment <= start:
            why = f"{self.first_payment} is not after {start}, from when the deal collects: say the first that it gets"
            yield Fault("first_payment", why)

    def resets(self, schedule: Schedule) -> list[Resets]:
        """The floating coupons of its loans, with the days on which each reads its index."""
        lines = self.lines
        pairs = (
            lines.floating if isinstance(lines, Tape) else dict.fromkeys((line.accrual, line.every) for line in lines)
        )
        return [self.fixings(accrual, every, schedule)[0] for accrual, every in pairs if accrual.coupon is not None]

    def fixings(self, accrual: Accrual, every: int, schedule: Schedule) -> tuple[Resets, list[datetime.date]]:
        """The days on which an index is read, and for each interest period the day that fixed it."""
        from structuring.collateral.pool_cash_flows import fixed_on

        assert accrual.coupon is not None
        grid = self.grid(schedule, every)
        days = [grid.days[m] for m in fixed_on(accrual, every, grid.months)]
        read = tuple(dict.fromkeys(day for day in days if day >= grid.days[min(accrual.first, grid.months)]))
        return Resets(accrual.coupon, accrual.reset, accrual.day_count, read or (grid.days[0],)), days

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the pool pays and owes, (S, T) in currency units; see the class for the formulas."""
        from waterfalls.receipts import Receipts

        total: dict[MonthGrid, dict[str, np.ndarray]] = {}
        start: dict[MonthGrid, float] = {}
        for group, parts in self.groups(schedule, scenarios):
            grid = self.grid(schedule, int(group.every[0]))
            whole = self.curves(parts, grid, schedule, scenarios)
            added(total.setdefault(grid, {}), self.flows(group, whole, whole, grid, scenarios))
            start[grid] = start.get(grid, 0.0) + float(group.balance.sum())
        fields: dict[str, Any] = {}
        for grid, amounts in total.items():
            added(fields, grid.fields(amounts, start[grid]))
        return Receipts(schedule.ends, **fields, scenarios=scenarios.names)

    def grid(self, schedule: Schedule, every: int = 1) -> MonthGrid:
        """The months of loans that pay every so many of them."""
        from structuring.scenarios.month_grid import month_grid

        return month_grid(schedule, self.first_payment, every=every if self.first_payment else 1)

    def groups(self, schedule: Schedule, scenarios: Drivers) -> tuple[tuple[Tape, tuple[Part, ...]], ...]:
        """The loans by what happens to them, with their curves where these are known."""
        from structuring.collateral.pool_cash_flows import groups

        months, ahead = self.grid(schedule).months, self.first_payment is not None
        return groups(self.lines, self.apart(scenarios), months, self.servicing, ahead=ahead)

    def apart(self, scenarios: Drivers) -> tuple[str, ...]:
        """The columns by which loans differ in what happens to them."""
        if self.advances:  # the balance amortised since default is that of its own line
            return COLUMNS
        by_age = any(self.follows_age(scenarios, driver) for driver in ("prepayment", "default"))
        return ("every", "age") if by_age else ("every",)

    def curves(self, parts: Sequence[Part], grid: MonthGrid, schedule: Schedule, scenarios: Drivers) -> Curves:
        """What a group does when nothing goes wrong, at the rates of each scenario."""
        from structuring.collateral.pool_cash_flows import resetting, together

        return together([
            part.curves
            or resetting(part.lines, grid.days, self.rates(part, schedule, scenarios), self.servicing)
            for part in parts
        ])  # fmt: skip

    def rates(self, part: Part, schedule: Schedule, scenarios: Drivers) -> np.ndarray:
        """The rate of each interest period of loans of one accrual, (S or 1, P), a year; none where it is fixed."""
        import numpy as np

        from structuring.collateral.pool_cash_flows import fixed_on, limited

        accrual, every = part.lines.accruals[int(part.lines.accrual[0])], int(part.lines.every[0])
        if accrual.coupon is None:
            return np.zeros((1, 1))
        grid = self.grid(schedule, every)
        fixed, begins = fixed_on(accrual, every, grid.months), grid.days[: grid.months // every * every : every]
        return limited(accrual, scenarios.borne(*self.fixings(accrual, every, schedule), begins), fixed, every)

    def loans(self, schedule: Schedule, scenarios: Drivers) -> tuple[Sequence[str], dict[str, np.ndarray]]:
        """What each loan paid in one scenario, by field (N, T); the sums are the pool's receipts."""
        import numpy as np

        from structuring.collateral.pool_cash_flows import Curves, of_each, resetting

        tape = self.lines if isinstance(self.lines, Tape) else Tape.of(self.lines)
        found: dict[str, np.ndarray] = {}
        apart = tape.alike(self.apart(scenarios))
        for chosen, (group, parts) in zip(apart, self.groups(schedule, scenarios), strict=True):
            grid = self.grid(schedule, int(group.every[0]))
            rows = Curves(*(np.zeros((len(group), grid.months + more)) for more in (1, 0, 0)))
            for part in parts:
                rates = self.rates(part, schedule, scenarios)
                own = (
                    of_each(part.lines, grid.months, self.servicing)
                    if part.curves is not None
                    else resetting(part.lines, grid.days, rates, self.servicing, each=True)
                )
                for array, of_part in zip(rows, own, strict=True):
                    array[part.chosen] = of_part
            months = self.flows(group, rows, self.curves(parts, grid, schedule, scenarios), grid, scenarios)
            for field, amounts in grid.fields(months, group.balance[:, None]).items():
                found.setdefault(field, np.zeros((len(tape), schedule.periods)))[chosen] = amounts
        if tape.line is None or tape.share is None:
            return [f"lines[{k}]" for k in range(len(tape))], found
        names = tape.loans or [f"row {k + 1}" for k in range(len(tape.line))]
        return names, {field: amounts[tape.line] * tape.share[:, None] for field, amounts in found.items()}

    def flows(
        self, group: Tape, rows: Curves, whole: Curves, grid: MonthGrid, scenarios: Drivers
    ) -> dict[str, np.ndarray]:
        """The fields of the receipts by month, (S or 1, M), of loans that are alike in how they fail and prepay.

        `whole` are the curves of the group and `rows` the same, or in one scenario a row a line.
        """
        import numpy as np

        from structuring.collateral.pool_losses import Speeds, compounded, flows

        every = int(group.every[0])
        age = int(group.age[0])
        prepaid, default = (
            compounded(scenarios.along(driver, grid.ends, base or 0.0, age=age), every, grid.months)
            for driver, base in (("prepayment", self.prepayment), ("default", self.default))
        )
        speeds = Speeds(
            prepaid,
            default,
            scenarios.along("balloon_default", grid.ends, self.balloon_default),
            scenarios.along("severity", grid.ends, self.severity),
            scenarios.once("recovery_lag", self.recovery_lag),
        )
        sifma, start = self.order == "sifma", float(group.balance.sum())
        if self.default_curve is None and self.delinquency is None:
            months = flows(rows, speeds, sifma=sifma, advances=self.advances, timing=self.recovery_timing)
        else:
            months = month_by_month(
                rows,
                speeds,
                sifma=sifma,
                timing=self.recovery_timing,
                wanted=self.wanted(scenarios, speeds.severity, start, grid, every),
                late=scenarios.along("late", grid.ends, self.delinquency.late) if self.delinquency else None,
                states=self.delinquency,
                pooled=whole,
            )
        if not self.prepayment_penalty:
            return months
        shares = np.repeat([*self.prepayment_penalty, 0.0], 12)
        return months | {"revenue": months["prepayments"] * shares[np.minimum(np.arange(grid.months), len(shares) - 1)]}

    def wanted(
        self, scenarios: Drivers, severity: np.ndarray, start: float, grid: MonthGrid, every: int
    ) -> np.ndarray | None:
        """Balance that defaults by month, (S or 1, M), where a total and a shape are given."""
        if self.default_curve is None:
            return None
        total = scenarios.once("default_total", self.default_curve.total)
        return self.default_curve.amounts(total, start, severity, grid.months, every)

    def follows_age(self, scenarios: Drivers, driver: str) -> bool:
        """Whether a driver is a speed that follows the age of loans, in the base case or in a scenario."""
        rows = [getattr(self, driver)] + [row.get(driver) for row in scenarios.rows or ()]
        return any(isinstance(rate, Speed) and rate.by_age for rate in rows)


def added(total: dict[str, np.ndarray], more: Mapping[str, np.ndarray]) -> None:
    """Adds amounts to a total, field by field."""
    for field, amounts in more.items():
        total[field] = total[field] + amounts if field in total else amounts


def pays_otherwise_than_monthly(lines: tuple[LoanLine, ...] | Tape) -> bool:
    """Whether some loan does not pay every month."""
    if isinstance(lines, Tape):
        return bool((lines.every != 1.0).any())
    return any(line.every != 1 for line in lines)
