"""LoanPool: loans as representative lines or a tape, under prepayment, default, severity and a lag to recovery."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from structuring.collateral.asset import Asset
from structuring.collateral.loan_tape import COLUMNS, LoanLine, Months, Share, Tape
from structuring.scenarios.scenario import Drivers, Rate, Scenario
from structuring.scenarios.speed import Speed, rate_a_year
from waterfalls.errors import Fault
from waterfalls.terms.field_types import Listed, Takes, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

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
    then prepayments of what is left, then pays the survivors' levelled instalment. Loans that share d and v form a group
    and the result is exact; speeds that follow age (PSA, SDA, ABS) make one group an age. `recovery_lag` months after a
    default, 1 - severity of it is recovered and the rest lost: at once, or the shares of `recovery_timing` month by month
    from then on. With `advances` the servicer goes on paying the
    scheduled principal of defaulted loans and keeps it out of the proceeds: recovery = max(balance amortised until then
    - loss, 0). `servicing` is a rate a year taken out of interest. Amounts are by calendar month from the start of the
    schedule, the last of which in each collection period ends with it (see `MonthGrid`); with `first_payment` the first
    ends there, and each belongs to the collection period in which it ends.
    `contracted` is scheduled interest and principal. Source: SIFMA, Uniform Practices, chapter SF.
    """

    lines: Takes[Sequence[LoanLine] | Tape, tuple[LoanLine, ...] | Tape]
    _: KW_ONLY
    prepayment: Rate = None
    default: Rate = None
    severity: Share | tuple[Share, ...] = 1.0
    recovery_lag: Months = 0
    recovery_timing: Listed[Share] = items()
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
            yield Fault("recovery_timing", f"must sum to 1, got {sum(timing):g}")
        if timing and fields.get("advances"):
            yield Fault("recovery_timing", "does not go with advances, which come out of the proceeds at once")
        if fields.get("severity") == ():
            yield Fault("severity", "must hold at least one value")

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
        frequency.
        `ignore` names columns to leave aside; any other is refused. `sheet` is needed where a workbook has several.
        Rows that are alike are taken together. The rest is as of the pool: LoanPool.from_tape(tape, prepayment=...).
        """
        return cls(Tape.read(tape, sheet=sheet, ignore=ignore), **pool)

    def drivers(self) -> frozenset[str]:
        """What the pool reads from a scenario."""
        return frozenset({"prepayment", "default", "severity", "recovery_lag"})

    def own(self, driver: str) -> float:
        """What the pool's own terms say of a driver."""
        match driver:
            case "prepayment" | "default":
                return rate_a_year(self.prepayment if driver == "prepayment" else self.default)
            case "severity":
                return self.severity[-1] if isinstance(self.severity, tuple) else self.severity
            case _:
                return float(self.recovery_lag)

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """A first payment that was made before the deal collects."""
        if self.first_payment is not None and self.first_payment <= start:
            why = f"{self.first_payment} is not after {start}, from when the deal collects: say the first that it gets"
            yield Fault("first_payment", why)

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the pool pays and owes, (S, T) in currency units; see the class for the formulas."""

        from structuring.collateral.pool_cash_flows import compounded, curves, month_grid
        from waterfalls.receipts import Receipts

        grid = month_grid(schedule, self.first_payment)
        by_age = any(self.follows_age(scenarios, driver) for driver in ("prepayment", "default"))
        severity = scenarios.along("severity", grid.ends, self.severity)
        lag = scenarios.once("recovery_lag", self.recovery_lag)

        apart = ("every", "age") if by_age else ("every",)
        if self.advances:  # the balance amortised since default is that of its own line
            apart = (*apart, *COLUMNS)
        total: dict[str, np.ndarray] = {}
        start = 0.0
        for age, every, balance, interest in curves(self.lines, grid.months, self.servicing, apart):
            prepaid = scenarios.along("prepayment", grid.ends, self.prepayment or 0.0, age=age if by_age else 0)
            default = scenarios.along("default", grid.ends, self.default or 0.0, age=age if by_age else 0)
            prepaid, default = (compounded(rates, every, grid.months) for rates in (prepaid, default))
            for field, amounts in self.flows(balance, interest, prepaid, default, severity, lag).items():
                total[field] = total[field] + amounts if field in total else amounts
            start += float(balance[0])
        fields: dict[str, Any] = grid.fields(total, start)
        return Receipts(schedule.ends, **fields, scenarios=scenarios.names)

    def follows_age(self, scenarios: Drivers, driver: str) -> bool:
        """Whether a driver is a speed that follows the age of loans, in the base case or in a scenario."""
        rows = [getattr(self, driver)] + [row.get(driver) for row in scenarios.rows or ()]
        return any(isinstance(rate, Speed) and rate.by_age for rate in rows)

    def flows(
        self,
        balance: np.ndarray,
        interest: np.ndarray,
        prepaid: np.ndarray,
        default: np.ndarray,
        severity: np.ndarray,
        lag: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """The fields of the receipts by month, (S or 1, M), of a group with scheduled `balance` (M + 1) and `interest` (M)."""
        import numpy as np

        from structuring.collateral.pool_cash_flows import MANY_PATHS, kernel, later, spread, writable

        opening, closing, months = balance[:-1], balance[1:], len(interest)
        contracted = (interest + opening - closing)[None, :]
        paths = max(len(rates) for rates in (prepaid, default, severity, lag))
        if paths >= MANY_PATHS and not (self.advances or self.recovery_timing) and (fast := kernel()):
            out = np.zeros((len(fast.FIELDS), paths, months))
            fast.fill(self.order == "sifma", *map(writable, (balance, interest, prepaid, default, severity, lag)), out)
            out.setflags(write=False)  # so that receipts take it as it is
            return {**dict(zip(fast.FIELDS, out, strict=True)), "contracted": contracted}
        if self.order == "sifma":
            prepaid = np.minimum(prepaid, 1.0 - default)  # no more than there is
            kept, paying, prepayable = 1.0 - default - prepaid, 1.0 - default, prepaid * closing
        else:
            kept = paying = (1.0 - default) * (1.0 - prepaid)
            prepayable = (1.0 - default) * prepaid * opening
        after = np.cumprod(np.broadcast_to(kept, (kept.shape[0], months)), axis=1)
        alive = np.concatenate([np.ones((len(after), 1)), after[:, :-1]], axis=1)
        defaults = alive * default * opening
        late = partial(spread, lag=lag, timing=self.recovery_timing)
        lost = late(defaults * severity)
        if self.advances:
            amortised = later(alive * default, lag) * opening
            recoveries = np.maximum(amortised - lost, 0.0)
        else:
            recoveries = late(defaults * (1.0 - severity))
        return {
            "interest": alive * paying * interest,
            "principal": alive * paying * (opening - closing),
            "prepayments": alive * prepayable,
            "recoveries": recoveries,
            "pool_balance": after * closing,
            "defaulted_balance": np.cumsum(defaults, axis=1) - late(np.cumsum(defaults, axis=1)),
            "defaults": defaults,
            "losses": lost,
            "contracted": contracted,
        }
