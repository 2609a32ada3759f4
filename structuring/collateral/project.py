"""Project: a data centre that a joint venture builds and leases to its sponsor, with a residual value guarantee."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from structuring.collateral.asset import Asset, Lease
from structuring.scenarios.months import month_after
from waterfalls.errors import Fault
from waterfalls.terms.bounded_numbers import Growth, NotNegative, Share
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.scenarios.period_clock import Clock
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts

READS = frozenset(
    {"rent", "renewal", "tenant_default", "guarantor_default", "delay_months", "overrun", "residual_value", "value"}
)

ByYear = Mapping[int, NotNegative]  # amounts by year of operation: linear between, held outside


@term
class LeaseWithOptions:
    """A lease of the whole project: `rent` a year from `begins`, stepping by `escalator` on its anniversaries.

    It runs `initial` years and may be renewed for `option` years at a time, until `maximum` years have passed; at each
    of these ends the share `renewal` stays (a scenario may say otherwise, by the date of the option).
    """

    tenant: str
    rent: NotNegative
    _: KW_ONLY
    begins: datetime.date
    initial: Annotated[int, Field(gt=0, le=200)]
    option: Annotated[int, Field(gt=0, le=200)]
    maximum: Annotated[int, Field(gt=0, le=200)]
    escalator: Growth = 0.0
    renewal: Share = 1.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        initial, option, maximum = (fields.get(name) for name in ("initial", "option", "maximum"))
        if initial is None or option is None or maximum is None:
            return
        if maximum < initial or (maximum - initial) % option:
            yield Fault(
                "maximum", f"must be initial plus whole options ({initial} + n x {option} years), got {maximum}"
            )

    @property
    def terms(self) -> tuple[int, ...]:
        """The years of operation at which the lease may end."""
        return tuple(range(self.initial, self.maximum + 1, self.option))


@term
class ValueGuarantee:
    """Pays once, on non-renewal, what the project realises less than was guaranteed, up to a cap.

    payment = min(cap(y), max(0, guaranteed(y) - realised(y))), y the year of operation in which the lease ends

    Both are amounts by year of operation. It holds for the first `years` of operation, pays `lag` months after the
    lease ends, and pays nothing where the guarantor has failed by then or the lease ended by the tenant's default.
    """

    guarantor: str
    guaranteed: ByYear
    _: KW_ONLY
    cap: ByYear | None = None
    years: Annotated[int, Field(gt=0, le=200)]
    lag: NotNegative = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for name in ("guaranteed", "cap"):
            if fields.get(name) is not None and not fields[name]:
                yield Fault(name, "must hold at least one year")


@term
class Escrow:
    """Money set aside for construction, and what it earns a year on the balance at the start of each period."""

    balance: NotNegative
    rate: Share = 0.0


@term
class Project(Asset):
    """A data centre that is built, let as a whole with options to renew, and sold once the tenant has left.

    revenue(t)   = rent x share still let x rent scale(t), plus escrow income; gross if `operating_cost` is given
    construction = `budget` x (1 + overrun), delayed with the lease, less what the escrow pays
    guarantee(t) = share that left x min(cap, max(0, guaranteed - realised)), `guarantee.lag` months after it left
    resale(t)    = share that left x realised, `sale_lag` months after it left
    realised     = residual at that year of operation x residual_value of the scenario
    value(t)     = value scale(t) x (spent and in escrow, before operation; the residual of what is unsold, after)

    `budget` are amounts by date, `residual` amounts by year of operation. `share` is the vehicle's part of a joint
    venture and scales every amount but those of the escrow. A tenant's default ends the lease like a non-renewal,
    without the guarantee. `delay_months` moves the lease and what is not yet spent. Operating cost is borne until the
    sale. `contracted` of the receipts is revenue in the base case.
    """

    valued_any_day: ClassVar[bool] = True
    lease: LeaseWithOptions
    _: KW_ONLY
    residual: ByYear
    guarantee: ValueGuarantee | None = None
    budget: Mapping[datetime.date, NotNegative] = field(default_factory=dict)
    escrow: Escrow | None = None
    operating_cost: NotNegative | None = None
    cost_growth: Growth = 0.0
    sale_lag: NotNegative = 12.0
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if "residual" in fields and not fields["residual"]:
            yield Fault("residual", "must hold at least one year")
        escrow, budget, share = fields.get("escrow"), fields.get("budget"), fields.get("share")
        if escrow is not None and budget is not None and share is not None:
            total = share * sum(budget.values())
            if escrow.balance > total * (1.0 + 1e-9):
                yield Fault(
                    "escrow.balance", f"must not exceed the budget it pays, {total:,.2f}, got {escrow.balance:,.2f}"
                )

    def drivers(self) -> frozenset[str]:
        """What the project reads from a scenario."""
        return READS if self.operating_cost is None else READS | {"operating_cost"}

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        guarantor = ("guarantor", [self.guarantee.guarantor] if self.guarantee else [])
        tenant = ("tenant", [self.lease.tenant])
        return {**dict.fromkeys(("rent", "renewal", "tenant_default"), tenant), "guarantor_default": guarantor}

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        return ("tenant default", "guarantor default", "non-renewal")

    def obligors(self) -> dict[str, dict[str, float]]:
        """Who owes the project, by role: the tenant's rent a year, and the most that the guarantor may have to pay."""
        owed = {"tenant": {self.lease.tenant: self.share * self.lease.rent}}
        if self.guarantee is not None:
            most = max((self.guarantee.cap or self.guarantee.guaranteed).values())
            owed["guarantor"] = {self.guarantee.guarantor: self.share * most}
        return owed

    def leases(self) -> tuple[Lease, ...]:
        """The one lease, for its initial term, and the dates at which it may end before the last."""
        lease = self.lease
        ends = tuple(month_after(lease.begins, 12 * years) for years in lease.terms[:-1])
        years = sum((1.0 + lease.escalator) ** year for year in range(lease.initial))
        return (Lease(lease.tenant, self.share * lease.rent * years, ends),)

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What the lease says of a driver, by its tenant."""
        if driver in ("rent", "renewal"):
            return {self.lease.tenant: 1.0 if driver == "rent" else self.lease.renewal}
        return Asset.own(self, driver)

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the project earns, costs and is worth, (S, T) in currency units; see the class for the formulas."""
        from structuring.scenarios.period_clock import Clock
        from structuring.scenarios.scenario import Drivers, Scenario
        from waterfalls.receipts import Receipts

        clock = Clock(schedule)
        tenant = self.lease.tenant
        guarantor = self.guarantee.guarantor if self.guarantee else None
        base = self.operate(clock, schedule, Drivers.of(Scenario("base")))
        done = self.operate(clock, schedule, scenarios)
        return Receipts(
            schedule.ends,
            revenue=done["revenue"],
            guarantee=done["guarantee"],
            resale=done["resale"],
            operating_cost=done.get("operating_cost"),
            construction=done["construction"],
            value=done["value"],
            contracted=base["revenue"],
            events={
                "tenant default": clock.since(scenarios.when("tenant_default", schedule, name=tenant)),
                "guarantor default": clock.since(scenarios.when("guarantor_default", schedule, name=guarantor)),
                "non-renewal": done["left"],
            },
            scenarios=scenarios.names,
        )

    def operate(self, clock: Clock, schedule: Schedule, scenarios: Drivers) -> dict[str, np.ndarray]:
        """The fields of the receipts, (S or 1, T)."""
        import numpy as np

        lease, stated = self.lease, clock.at(self.lease.begins)
        delay = 30.0 * scenarios.once("delay_months", 0.0)
        begins = stated + delay * (stated > clock.start)
        renewal = scenarios.read("renewal", schedule, lease.renewal, name=lease.tenant)
        default = np.maximum(scenarios.when("tenant_default", schedule, name=lease.tenant), begins)
        rents = self.share * lease.rent * scenarios.read("rent", schedule, 1.0, name=lease.tenant)
        used = scenarios.read("residual_value", schedule, 1.0)
        cost = self.share * (self.operating_cost or 0.0) * scenarios.read("operating_cost", schedule, 1.0)

        revenue = left = guaranteed = resale = spent = np.zeros((1, 1))
        unsold = stays = np.ones((1, 1))
        start = 0
        for end in lease.terms:
            since, until = begins + 360.0 * start, begins + 360.0 * end
            stop = np.minimum(until, default)
            running = stays * clock.grown(since, stop, lease.escalator, begins, begins)
            revenue = revenue + rents * running
            spent = spent + cost * stays * clock.grown(since, stop, self.cost_growth, begins, begins)

            broke = default <= until
            leaving = stays * (1.0 - (clock.pick(renewal, until) if end < lease.maximum else 0.0))
            leaving = np.where(broke, stays, leaving)
            at = np.where(broke, default, until)
            sold = at + 30.0 * self.sale_lag
            realised = self.curve(at - begins, self.residual) * clock.pick(used, at)
            resale = resale + leaving * realised * clock.hit(sold)
            unsold = unsold - leaving * clock.since(sold)
            spent = spent + cost * leaving * clock.grown(stop, sold, self.cost_growth, begins, begins)
            left = np.maximum(left, np.where(leaving > 0.0, clock.since(at), 0.0))
            if (terms := self.guarantee) is not None:
                due = at + 30.0 * terms.lag
                failed = broke | (scenarios.when("guarantor_default", schedule, name=terms.guarantor) <= due)
                promised = np.where(failed, 0.0, leaving) * self.promise(terms, at - begins, realised)
                guaranteed = guaranteed + promised * clock.hit(due)
            stays, start = stays - leaving, end
        built = self.built(clock, delay, scenarios)
        residual = self.curve(clock.hi - begins, self.residual) * used
        worth = np.where(clock.hi < begins, built["spent"] + built["escrow"], residual * np.maximum(unsold, 0.0))
        result = {
            "revenue": revenue + built["income"],
            "guarantee": guaranteed,
            "resale": resale,
            "construction": built["construction"],
            "value": worth * scenarios.read("value", schedule, 1.0),
            "left": left,
        }
        return result if self.operating_cost is None else {**result, "operating_cost": spent}

    def curve(self, days: np.ndarray, points: ByYear) -> np.ndarray:
        """An amount by year of operation, times the vehicle's share."""
        import numpy as np

        years = sorted(points)
        return self.share * np.interp(days / 360.0, years, [points[year] for year in years])

    def promise(self, terms: ValueGuarantee, age: np.ndarray, realised: np.ndarray) -> np.ndarray:
        """What the guarantee pays for the whole project when the lease ends after so many days, (S or 1, 1)."""
        import numpy as np

        paid = np.maximum(self.curve(age, terms.guaranteed) - realised, 0.0)
        if terms.cap is not None:
            paid = np.minimum(paid, self.curve(age, terms.cap))
        return np.where(age > 360.0 * terms.years, 0.0, paid)

    def built(self, clock: Clock, delay: np.ndarray, scenarios: Drivers) -> dict[str, np.ndarray]:
        """Construction that the deal must pay, what the escrow earns, and all that has been spent, (S or 1, T)."""
        import numpy as np

        overrun = 1.0 + scenarios.once("overrun", 0.0)
        cost, before = np.zeros((1, len(clock.hi))), np.zeros((1, 1))
        for date, amount in self.budget.items():
            planned = clock.at(date)
            if planned <= clock.start:
                before = before + self.share * amount
            else:
                cost = cost + self.share * amount * overrun * clock.hit(planned + delay)
        spent = before + np.cumsum(cost, axis=1)
        if self.escrow is None:
            nothing = np.zeros((1, 1))
            return {"construction": cost, "income": nothing, "spent": spent, "escrow": nothing}
        paid = np.minimum(np.cumsum(cost, axis=1), self.escrow.balance)  # by the escrow, in all
        opening = self.escrow.balance - np.concatenate([np.zeros((len(paid), 1)), paid[:, :-1]], axis=1)
        called = np.diff(paid, axis=1, prepend=0.0)
        income = opening * self.escrow.rate * clock.years
        return {"construction": cost - called, "income": income, "spent": spent, "escrow": self.escrow.balance - paid}
