"""LeasePortfolio: space leased to tenants, the rent it earns and its value."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from structuring.collateral.asset import Asset, Lease
from waterfalls.errors import Fault, InvalidTerms, repeated
from waterfalls.terms.bounded_numbers import Growth, Multiple, NotNegative, Positive, Share
from waterfalls.terms.field_types import Listed
from waterfalls.terms.term import term

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from structuring.scenarios.period_clock import Clock
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts

BY_TENANT = frozenset({"tenant_default", "renewal", "renewal_rent", "re_let_rent", "downtime", "rent"})

MOST_LEASES = 50_000  # of one tenant's space, some seconds

LeaseDays = Literal["30/360", "actual/365F", "actual/360"]


@term
class Tenant:
    """A tenant: `rent` a year as the portfolio states it, until `ends`, the day to which rent is paid.

    Rent steps by `escalator` on every anniversary of `begins` (of the portfolio's date where it is not given). At the
    end of the term the share `renewal` of the space is renewed at `renewal_rent` times the rent it would have paid; the
    rest stands empty for `downtime` months and is let anew at `re_let_rent` times that rent. New leases run
    `new_term` years, or on, and end in the same way. `cost_share` is the part of the portfolio's operating cost that
    the tenant pays back.
    """

    name: str
    rent: NotNegative
    _: KW_ONLY
    ends: datetime.date
    begins: datetime.date | None = None
    escalator: Growth = 0.0
    renewal: Share = 0.0
    renewal_rent: Multiple = 1.0
    downtime: NotNegative = 12.0
    re_let_rent: Multiple = 1.0
    new_term: Positive | None = None
    cost_share: Share = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        begins, ends = fields.get("begins"), fields.get("ends")
        if begins is not None and ends is not None and ends <= begins:
            yield Fault("ends", f"{ends} must come after begins {begins}")


class Letting(NamedTuple):
    """What one tenant's space earns: arrays (S or 1, T)."""

    rent: np.ndarray  # over the period
    let: np.ndarray  # years of the period for which it is let, by share of space
    annual: np.ndarray  # a year, at the end of the period, empty space counted as let anew
    default: np.ndarray  # 1.0 from the period in which the tenant defaults


@term
class LeasePortfolio(Asset):
    """Leased property, such as data centres: rents, reimbursed costs, operating cost and appraised value.

    revenue(t)   = rent scale(t) x sum of rents + reimbursements, both x (1 - vacancy)
    cost(t)      = operating_cost x growth x cost scale(t), whether the space is let or not; reported gross
    value(t)     = value scale(t) x max(stabilised net operating income, 0) / cap_rate, at the end of the period
    contracted   = revenue in the portfolio's own base case

    Stabilised means a year at the rents of that day, empty space counted as let anew. Rents and `operating_cost` are a
    year, as of `as_of`, and accrue by `day_count`: 30/360, or actual days over 365 or 360. `vacancy` is the share of income
    never collected beyond what the leases say. A tenant that defaults stops paying at that date, and its space is let
    anew. Property that is sold pays its value at the end of that collection period (the first, where the day lies before it)
    and nothing afterwards.
    """

    valued_any_day: ClassVar[bool] = True
    tenants: Listed[Tenant]
    _: KW_ONLY
    as_of: datetime.date
    operating_cost: NotNegative = 0.0
    cost_growth: Growth = 0.0
    vacancy: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    cap_rate: Annotated[float, Field(gt=0.0, le=1.0)]
    day_count: LeaseDays = "30/360"

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        tenants = fields.get("tenants", ())
        names = [tenant.name for tenant in tenants]
        if "tenants" in fields and not tenants:
            yield Fault("tenants", "at least one is needed")
        for name, times in repeated(names).items():
            yield Fault("tenants", f"names must differ, {name!r} stands {times} times")
        shared = sum(tenant.cost_share for tenant in tenants)
        if shared > 1.0 + 1e-9:
            yield Fault("tenants", f"the cost_share of all must not exceed 1, got {shared:g}")
        as_of = fields.get("as_of")
        for i, tenant in enumerate(tenants if as_of is not None else ()):
            if tenant.ends < as_of:
                why = f"{tenant.name}: {tenant.ends} lies before as_of {as_of}, when its rent is stated: leave the lease out"
                yield Fault(f"tenants[{i}].ends", why)

    @classmethod
    def from_tape(
        cls,
        tape: pd.DataFrame | Path | str | Iterable[Mapping[str, Any]],
        *,
        sheet: str | None = None,
        ignore: Iterable[str] = (),
        as_of: datetime.date,
        operating_cost: float = 0.0,
        cost_growth: float = 0.0,
        vacancy: float = 0.0,
        cap_rate: float,
        day_count: LeaseDays = "30/360",
    ) -> LeasePortfolio:
        """A portfolio from a rent roll, a row a tenant: a DataFrame, or a CSV, Parquet or Excel file.

        Columns are the fields of `Tenant`; `ignore` names others to leave aside. The rest is as of the portfolio.
        """
        from structuring.documents.tables import terms_of

        return cls(
            terms_of(Tenant, tape, sheet=sheet, ignore=ignore),
            as_of=as_of,
            operating_cost=operating_cost,
            cost_growth=cost_growth,
            vacancy=vacancy,
            cap_rate=cap_rate,
            day_count=day_count,
        )

    def drivers(self) -> frozenset[str]:
        """What the portfolio reads from a scenario."""
        return BY_TENANT | {"value", "operating_cost", "sale"}

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        return dict.fromkeys(BY_TENANT, ("tenant", [tenant.name for tenant in self.tenants]))

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        return ("tenant default",)

    def obligors(self) -> dict[str, dict[str, float]]:
        """Who owes the portfolio, by role: the rent a year of each tenant."""
        return {"tenant": {tenant.name: tenant.rent for tenant in self.tenants}}

    def leases(self) -> tuple[Lease, ...]:
        """Each tenant's own lease from `as_of` on, its rent by 30/360, and when it ends."""
        from structuring.scenarios.period_clock import instant, stepped_years

        stated, found = instant(self.as_of), []
        for tenant in self.tenants:
            since = stated if tenant.begins is None else instant(tenant.begins)
            years = stepped_years(max(since, stated), instant(tenant.ends), tenant.escalator, since, stated)
            found.append(Lease(tenant.name, tenant.rent * years, (tenant.ends,)))
        return tuple(found)

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What the tenants' own terms say of a driver, by tenant."""
        if driver == "rent":
            return {tenant.name: 1.0 for tenant in self.tenants}
        if driver in BY_TENANT and driver != "tenant_default":
            return {tenant.name: getattr(tenant, driver) for tenant in self.tenants}
        return Asset.own(self, driver)

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the portfolio pays, costs and is worth, (S, T) in currency units; see the class for the formulas."""
        from structuring.scenarios.period_clock import Clock
        from structuring.scenarios.scenario import Drivers, Scenario
        from waterfalls.receipts import Receipts

        clock = Clock(schedule, self.day_count)
        base = self.income(clock, schedule, Drivers.of(Scenario("base")))
        income = self.income(clock, schedule, scenarios)
        when = scenarios.when("sale", schedule)
        sold = clock.begins(when)
        kept = 1.0 - clock.since(when) + sold  # the period of the sale still earns
        value = income["value"] * kept
        return Receipts(
            schedule.ends,
            revenue=income["revenue"] * kept,
            operating_cost=income["cost"] * kept,
            value=value * (1.0 - sold),
            resale=value * sold,
            contracted=base["revenue"],
            events={"tenant default": income["default"]},
            scenarios=scenarios.names,
        )

    def income(self, clock: Clock, schedule: Schedule, scenarios: Drivers) -> dict[str, np.ndarray]:
        """revenue, cost, value and the flag of a tenant's default, (S or 1, T), as if nothing were sold."""
        import numpy as np

        stated = clock.at(self.as_of)
        never = np.full((1, 1), np.inf)
        scale = scenarios.read("operating_cost", schedule, 1.0)
        cost = self.operating_cost * scale * clock.grown(-np.inf, never, self.cost_growth, stated, stated)
        a_year = self.operating_cost * scale * clock.level(clock.hi, self.cost_growth, stated, stated)
        revenue, stabilised, default = np.zeros((1, 1)), -a_year, np.zeros((1, 1))
        for tenant in self.tenants:
            space = letting(tenant, clock, schedule, scenarios, stated)
            rents = scenarios.read("rent", schedule, 1.0, name=tenant.name)
            revenue = revenue + rents * space.rent + cost * tenant.cost_share * (space.let / clock.years)
            stabilised = stabilised + (rents * space.annual + a_year * tenant.cost_share) * (1.0 - self.vacancy)
            default = np.maximum(default, space.default)
        value = scenarios.read("value", schedule, 1.0) * np.maximum(stabilised, 0.0) / self.cap_rate
        return {"revenue": revenue * (1.0 - self.vacancy), "cost": cost, "value": value, "default": default}


class Term(NamedTuple):
    """A term of a lease of a share of a tenant's space: from and to instants (S or 1, 1), at a multiple of the tenant's own rent."""

    begins: np.ndarray
    ends: np.ndarray
    share: np.ndarray
    multiple: np.ndarray
    own: bool  # still the tenant's, so that its default ends it


def letting(tenant: Tenant, clock: Clock, schedule: Schedule, scenarios: Drivers, stated: float) -> Letting:
    """Follows a tenant's space lease by lease: each that ends is renewed in part and let anew in part, to the horizon."""

    import numpy as np

    def read(driver: str, default: float) -> np.ndarray:
        return scenarios.read(driver, schedule, default, name=tenant.name)

    renewal, renewal_rent = read("renewal", tenant.renewal), read("renewal_rent", tenant.renewal_rent)
    downtime, re_let_rent = read("downtime", tenant.downtime), read("re_let_rent", tenant.re_let_rent)
    default = scenarios.when("tenant_default", schedule, name=tenant.name)
    one, since = np.ones((1, 1)), stated if tenant.begins is None else clock.at(tenant.begins)
    new_term = np.inf if tenant.new_term is None else 360.0 * tenant.new_term
    level = clock.level(clock.hi, tenant.escalator, since, stated)

    first = Term(one * (-np.inf if tenant.begins is None else since), one * clock.at(tenant.ends), one, one, own=True)
    leases, rent, let = [first], np.zeros((1, 1)), np.zeros((1, 1))
    annual, empty = np.zeros((1, 1)), np.ones((1, 1))
    count = 0
    while leases:
        lease, count = leases.pop(), count + 1
        if count > MOST_LEASES:  # each that is renewed in part makes two
            raise InvalidTerms(
                f"tenant {tenant.name!r}: leases of new_term={tenant.new_term:g} years, renewed in part, are more than "
                f"{MOST_LEASES:,} until {schedule.ends[-1]}: say a longer new_term"
            )
        ends = np.minimum(lease.ends, np.maximum(default, lease.begins)) if lease.own else lease.ends
        grown = clock.grown(lease.begins, ends, tenant.escalator, since, stated)
        rent = rent + tenant.rent * lease.share * lease.multiple * grown
        let = let + lease.share * clock.overlap(lease.begins, ends)
        # space that waits for its first lease counts as let to it
        standing = lease.share * (clock.hi < ends) * ((lease.begins <= clock.hi) | (lease is first))
        annual, empty = annual + standing * lease.multiple, empty - standing

        renewed = clock.pick(renewal, ends) * (ends == lease.ends) * lease.share  # nothing of a lease that broke
        others = (
            Term(ends, ends + new_term, renewed, clock.pick(renewal_rent, ends), own=lease.own),
            Term(
                begins := ends + 30.0 * clock.pick(downtime, ends),
                begins + new_term,
                lease.share - renewed,
                clock.pick(re_let_rent, ends),
                own=False,
            ),
        )
        leases += [new for new in others if ((new.begins < clock.hi[-1]) & (new.share > 0.0)).any()]
    annual = tenant.rent * level * (annual + empty * re_let_rent)
    return Letting(rent, let, annual, clock.since(default))
