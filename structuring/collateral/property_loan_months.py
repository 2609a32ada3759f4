"""A loan on properties month by month: interest, releases, maturities, and what follows a default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from structuring.collateral.pool_cash_flows import fractions
from structuring.scenarios.months import month_after
from waterfalls.terms.coupons import Floating

if TYPE_CHECKING:
    from structuring.scenarios.month_grid import MonthGrid
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule

CASH = ("interest", "principal", "prepayments", "recoveries", "revenue", "defaults", "losses", "contracted")
STATES = ("pool_balance", "defaulted_balance", "value")
NEVER = 10**9
Terms = Any  # a PropertyLoan, which imports this


class World:
    """What a scenario says of the loan, by month: each (S or 1, M)."""

    def __init__(self, loan: Terms, grid: MonthGrid, schedule: Schedule, scenarios: Drivers) -> None:
        def by_month(driver: str, base: float, name: str | None = None) -> np.ndarray:
            rows = scenarios.read(driver, schedule, base, name=name)
            return np.broadcast_to(rows, (len(rows), schedule.periods))[:, grid.period]

        names = [each.name for each in loan.properties]
        self.years = fractions(grid.days, 1, loan.day_count)
        self.income = [by_month("rent", 1.0, each.name) * each.income / 12.0 for each in loan.properties]
        self.value = [by_month("value", 1.0, each.name) * each.value for each in loan.properties]
        self.fetched = [by_month("residual_value", 1.0, name) for name in names]
        self.refinancing = by_month("refinancing_ltv", loan.refinancing_ltv)
        self.sold = [scenarios.when("sale", schedule, name=name) for name in names]
        self.struck = scenarios.when("obligor_default", schedule, name=loan.borrower)
        self.lag = scenarios.once("recovery_lag", float(loan.recovery_lag))
        self.index = np.zeros((1, grid.months))
        if isinstance(loan.coupon, Floating):
            (resets,) = loan.resets(schedule)
            self.index = scenarios.index(resets)
        every: list[Any] = [*self.income, *self.value, *self.fetched, self.refinancing, *self.sold, self.struck]
        self.count = max(len(rows) for rows in (*every, self.lag, self.index))


def rate_of(loan: Terms, index: np.ndarray, step: np.ndarray, margin: float) -> np.ndarray:
    """The coupon a year where an index stands so high (S,), with the steps of the extensions taken so far."""
    if not isinstance(loan.coupon, Floating):
        return loan.coupon + step
    coupon = loan.coupon
    rate = np.maximum(coupon.multiple * index + margin + step, 0.0 if coupon.floor is None else coupon.floor)
    return np.maximum(rate if coupon.cap is None else np.minimum(rate, coupon.cap), 0.0)


def margins(loan: Terms, grid: MonthGrid) -> list[float]:
    """The margin by month, with the steps of its dates."""
    if not isinstance(loan.coupon, Floating):
        return [0.0] * grid.months
    steps = loan.coupon.step_up.items()
    return [loan.coupon.margin + sum(step for day, step in steps if begins >= day) for begins in grid.days[:-1]]


def lived(
    loan: Terms, grid: MonthGrid, schedule: Schedule, scenarios: Drivers
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The fields of the receipts by month (S, M), and the flags of the events; see `PropertyLoan` for the formulas."""
    world, M = World(loan, grid, schedule, scenarios), grid.months
    S, margin = world.count, margins(loan, grid)
    out = {name: np.zeros((S, M)) for name in (*CASH, *STATES)}
    events = {name: np.zeros((S, M)) for name in loan.raises()}
    fell_due = [loan.maturity]
    for each in loan.extensions:
        fell_due.append(month_after(fell_due[-1], each.months))
    found = [grid.month_of(day) for day in fell_due]
    due_in = np.array([NEVER if month is None else month for month in found])
    strikes = np.array([np.inf if s is None else s for s in (loan.strike, *(each.strike for each in loan.extensions))])
    steps = np.cumsum([0.0, *(each.step for each in loan.extensions)])

    owed, support = np.full(S, loan.balance), np.full(S, loan.support)
    held = [np.ones(S) for _ in loan.properties]  # 1 until the property is released
    extended = np.zeros(S, dtype=int)
    failed_in, advanced, missed = np.full(S, NEVER), np.zeros(S), np.zeros(S)
    for m in range(M):
        income = sum(here * rows[:, m] for here, rows in zip(held, world.income, strict=True))
        value = sum(here * rows[:, m] for here, rows in zip(held, world.value, strict=True))
        fetched = sum(
            here * rows[:, m] * used[:, m] * (1.0 - loan.sale_cost)
            for here, rows, used in zip(held, world.value, world.fetched, strict=True)
        )
        index, step = np.broadcast_to(world.index[:, m], S), steps[extended]
        due = owed * rate_of(loan, index, step, margin[m]) * world.years[m]
        borne = owed * rate_of(loan, np.minimum(index, strikes[extended]), step, margin[m]) * world.years[m]
        covered = income + (due - borne)  # by the properties, and by the provider of the cap
        out["contracted"][:, m] = due

        # The borrower pays, or defaults
        paying = (owed > 0.0) & (failed_in == NEVER)
        support = support - np.where(paying, np.maximum(due - covered, 0.0), 0.0)
        fails = paying & ((support < -1e-9 * loan.balance) | (world.struck[:, 0] <= grid.edges[m + 1]))
        failed_in = np.where(fails, m, failed_in)
        paying &= ~fails
        out["interest"][:, m] = np.where(paying, due, 0.0)

        # Properties are sold and released
        for k, each in enumerate(loan.properties):
            sold = paying & (held[k] > 0.0) & (world.sold[k][:, 0] <= grid.edges[m + 1])
            last = sum(held) <= 1.0
            price = np.where(last, owed, np.minimum(loan.release_price * each.allocated, owed)) * sold
            out["prepayments"][:, m] += price
            owed, held[k] = owed - price, np.where(sold, 0.0, held[k])
            value, income = value - sold * world.value[k][:, m], income - sold * world.income[k][:, m]
            fetched = fetched - sold * world.value[k][:, m] * world.fetched[k][:, m] * (1.0 - loan.sale_cost)

        # The loan falls due
        due_now = paying & (owed > 0.0) & (due_in[extended] == m)
        if due_now.any():
            repays = owed <= world.refinancing[:, m] * value
            extends = np.zeros(S, dtype=bool)
            for k, each in enumerate(loan.extensions):
                ahead = index if m + 1 >= M else np.broadcast_to(world.index[:, m + 1], S)
                known = np.minimum(ahead, strikes[k + 1])
                burden = owed * rate_of(loan, known, np.full(S, steps[k + 1]), margin[min(m + 1, M - 1)])
                met = np.ones(S, dtype=bool)
                met &= each.debt_yield is None or 12.0 * income >= (each.debt_yield or 0.0) * owed
                met &= each.dscr is None or 12.0 * income >= (each.dscr or 0.0) * burden
                met &= each.ltv is None or owed <= (each.ltv or 0.0) * value
                extends |= (extended == k) & met
            extends &= due_now & ((loan.extends == "when it may") | ~repays)
            fees = np.array([*(each.fee for each in loan.extensions), 0.0])[extended]
            out["revenue"][:, m] += np.where(extends, fees * owed, 0.0)
            paid = np.where(due_now & ~extends & repays, owed, 0.0)
            out["principal"][:, m] += paid
            out["contracted"][:, m] += np.where(due_now & ~extends, owed, 0.0)
            failed_in = np.where(due_now & ~extends & ~repays, m, failed_in)
            owed, extended = owed - paid, extended + extends

        # In default: income, advances, and the sale
        failed = failed_in <= m
        new, wasfailing = failed_in == m, failed & (failed_in < m)
        out["defaults"][:, m] = np.where(new, owed, 0.0)
        reduction = np.maximum(owed + advanced - loan.appraisal_share * value, 0.0)
        reduction = np.where(failed & (m - failed_in >= loan.appraisal_after), np.minimum(reduction, owed), 0.0)
        short = np.where(fails | wasfailing, due - np.minimum(covered, due), 0.0)
        share = 1.0 - np.divide(reduction, owed, out=np.zeros(S), where=owed > 0.0)
        paid_ahead = np.minimum(short * share, np.maximum(fetched - advanced, 0.0)) if loan.advances else np.zeros(S)
        out["interest"][:, m] += np.where(fails | wasfailing, np.minimum(covered, due) + paid_ahead, 0.0)
        missed = missed + short - paid_ahead
        advanced = advanced * (1.0 + loan.advance_rate * world.years[m]) + paid_ahead
        sale = failed & (m - failed_in >= world.lag[:, 0]) & (owed > 0.0)
        proceeds = np.minimum(np.maximum(fetched - advanced, 0.0), owed)
        out["recoveries"][:, m] = np.where(sale, proceeds, 0.0)
        out["losses"][:, m] = np.where(sale, owed - proceeds, 0.0)
        out["interest"][:, m] += np.where(sale, np.minimum(np.maximum(fetched - advanced - owed, 0.0), missed), 0.0)
        owed, advanced = np.where(sale, 0.0, owed), np.where(sale, 0.0, advanced)
        held = [np.where(sale | (owed <= 0.0), 0.0, here) for here in held]

        out["pool_balance"][:, m] = np.where(failed, 0.0, owed)
        out["defaulted_balance"][:, m] = np.where(failed, owed, 0.0)
        out["value"][:, m] = np.where(owed > 0.0, value, 0.0)
        for k in range(len(loan.extensions)):
            events[f"extension {k + 1} of {loan.borrower}"][:, m] = extended > k
        events[f"default of {loan.borrower}"][:, m] = failed
        events[f"appraisal reduction of {loan.borrower}"][:, m] = (reduction > 0.0) & (owed > 0.0)
    return out, events
