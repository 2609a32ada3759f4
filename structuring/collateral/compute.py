"""ComputeContract: a fleet of accelerators under a take-or-pay contract, and in the market afterwards."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

from structuring.collateral.asset import Asset
from waterfalls.errors import Fault, repeated
from waterfalls.terms.bounded_numbers import Growth, Multiple, NotNegative, Positive, Share
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.scenarios.period_clock import Clock
    from structuring.scenarios.scenario import Drivers
    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts

READS = frozenset(
    {"gpu_price", "utilisation", "residual_value", "value", "sale", "operating_cost", "delay_months", "overrun"}
    | {"rent", "renewal", "renewal_rent", "contract_breach", "tenant_default", "parent_bankruptcy"}
)
BY_GENERATION = ("gpu_price", "utilisation", "residual_value")
BY_CUSTOMER = ("rent", "renewal", "renewal_rent", "contract_breach", "tenant_default", "sale")
HOURS = 8760.0  # a year


@term
class Generation:
    """Units of one kind: how many are delivered when, what each costs, draws, earns in the market and fetches used.

    `cost` is capital expenditure a unit, due at delivery. `resale` is the value of a unit by its age in years, as a
    share of its cost: linear between whole years, the last value held. `market_price` is a unit-hour's as of the
    fleet's date, stepping by `price_growth` a year; `power` is in kilowatts a unit, cooling included.
    """

    name: str
    deliveries: Mapping[datetime.date, NotNegative]
    _: KW_ONLY
    cost: NotNegative = 0.0
    resale: Listed[Multiple] = items(0.0)
    market_price: NotNegative = 0.0
    price_growth: Growth = 0.0
    power: NotNegative = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for name in ("deliveries", "resale"):
            if name in fields and not fields[name]:
                yield Fault(name, "must hold at least one value")


@term
class TakeOrPay:
    """A customer pays for every delivered unit, used or not, until `ends` or for `months` from each delivery.

    The price is `price` a unit-hour, or `monthly` for the whole fleet, of which each delivery earns its share of units.
    At the end of the term the share `renewal` of the units is renewed at `renewal_rent` times that price, and runs on;
    the rest goes to the market. Nothing of a contract that broke is renewed.
    """

    counterparty: str
    _: KW_ONLY
    ends: datetime.date | None = None
    months: Positive | None = None
    price: NotNegative | None = None
    monthly: NotNegative | None = None
    renewal: Share = 0.0
    renewal_rent: Multiple = 1.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for one, other in (("ends", "months"), ("price", "monthly")):
            if one in fields and other in fields and (fields[one] is None) == (fields[other] is None):
                yield Fault(one, f"give {one} or {other}, one of the two")


@term
class ComputeContract(Asset):
    """A fleet of accelerators: contracted hours first, market hours after the contract or its breach.

    contracted   = units x price x rent(t) x hours (take-or-pay), from delivery to the end of the contract or its breach
    renewed      = units x renewal x price x renewal_rent x rent(t) x hours, from that end on, both as of that end
    market       = units x market price x gpu_price(t) x utilisation(t) x hours, for delivered units out of contract
    cost(t)      = (units x unit_cost x growth + power x power_price x hours run) x cost scale(t); reported gross
    construction = units x cost x (1 + overrun), at delivery
    value(t)     = sum of units x cost x resale(age) x residual_value(t), at the end of the period; not cash

    Hours are 8,760 a year by 30/360, contracted units run all of them. `delay_months` moves deliveries not yet made. A
    breach by the customer, or its default (`tenant_default`), ends the contract and raises the event "contract breach";
    the parent's bankruptcy is an event alone. Only a fleet that the scenario sells pays its value, at the end of that
    collection period (the first, where the day lies before it), and earns nothing afterwards; a `sale` by the customer's name sells this fleet alone.
    `contracted` of the receipts is revenue in the base case.
    """

    valued_any_day: ClassVar[bool] = True
    fleet: Listed[Generation]
    contract: TakeOrPay | None = None
    _: KW_ONLY
    as_of: datetime.date
    utilisation: Share = 1.0
    unit_cost: NotNegative = 0.0
    cost_growth: Growth = 0.0
    power_price: NotNegative = 0.0

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        names = [generation.name for generation in fields.get("fleet", ())]
        if "fleet" in fields and not names:
            yield Fault("fleet", "at least one generation is needed")
        for name, times in repeated(names).items():
            yield Fault("fleet", f"names must differ, {name!r} stands {times} times")
        contract, as_of = fields.get("contract"), fields.get("as_of")
        ends = contract.ends if contract is not None else None
        if ends is not None and as_of is not None and ends < as_of:
            yield Fault("contract.ends", f"{ends} lies before as_of {as_of}: leave the contract out")

    def drivers(self) -> frozenset[str]:
        """What the fleet reads from a scenario."""
        return READS

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        fleet = ("generation", [generation.name for generation in self.fleet])
        party = ("counterparty", [self.contract.counterparty] if self.contract else [])
        return {**dict.fromkeys(BY_GENERATION, fleet), **dict.fromkeys(BY_CUSTOMER, party)}

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        return ("contract breach", "tenant default", "parent bankruptcy")

    def obligors(self) -> dict[str, dict[str, float]]:
        """Who owes the fleet, by role: what the customer pays a year once everything is delivered."""
        if self.contract is None:
            return {}
        units = sum(sum(generation.deliveries.values()) for generation in self.fleet)
        return {"customer": {self.contract.counterparty: units * self.earned(units)}}

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What the contract says of a driver by customer, and the fleet by generation."""
        if driver == "utilisation":
            return {generation.name: self.utilisation for generation in self.fleet}
        if driver not in ("rent", "renewal", "renewal_rent"):
            return Asset.own(self, driver)
        if self.contract is None:
            return {}
        return {self.contract.counterparty: 1.0 if driver == "rent" else getattr(self.contract, driver)}

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the fleet earns, costs and is worth, (S, T) in currency units; see the class for the formulas."""
        from structuring.scenarios.period_clock import Clock
        from structuring.scenarios.scenario import Drivers, Scenario
        from waterfalls.receipts import Receipts

        clock = Clock(schedule)
        base = self.operate(clock, schedule, Drivers.of(Scenario("base")))
        fleet = self.operate(clock, schedule, scenarios)
        when = scenarios.when("sale", schedule, name=self.customer)
        sold = clock.begins(when)
        kept = 1.0 - clock.since(when) + sold  # the period of the sale still earns
        fetched = fleet["value"] * kept
        return Receipts(
            schedule.ends,
            revenue=fleet["revenue"] * kept,
            operating_cost=fleet["cost"] * kept,
            construction=fleet["construction"] * kept,
            resale=fetched * sold,
            value=fetched * (1.0 - sold) * scenarios.read("value", schedule, 1.0),
            contracted=base["revenue"],
            events={
                "contract breach": clock.since(self.breach(schedule, scenarios)),
                "tenant default": clock.since(self.default(schedule, scenarios)),
                "parent bankruptcy": clock.since(scenarios.when("parent_bankruptcy", schedule)),
            },
            scenarios=scenarios.names,
        )

    @property
    def customer(self) -> str | None:
        """Who the contract is with."""
        return self.contract.counterparty if self.contract else None

    def default(self, schedule: Schedule, scenarios: Drivers) -> np.ndarray:
        """When the customer defaults, (S or 1, 1)."""
        return scenarios.when("tenant_default", schedule, name=self.customer)

    def breach(self, schedule: Schedule, scenarios: Drivers) -> np.ndarray:
        """When the customer stops paying, by breach or default, (S or 1, 1)."""
        import numpy as np

        breach = scenarios.when("contract_breach", schedule, name=self.customer)
        return np.minimum(breach, self.default(schedule, scenarios))

    def operate(self, clock: Clock, schedule: Schedule, scenarios: Drivers) -> dict[str, np.ndarray]:
        """revenue, cost, construction and value, (S or 1, T), delivery by delivery, as if nothing were sold."""
        import numpy as np

        stated, never = clock.at(self.as_of), np.full((1, 1), np.inf)
        delay = 30.0 * scenarios.once("delay_months", 0.0)
        overrun = 1.0 + scenarios.once("overrun", 0.0)
        breach = self.breach(schedule, scenarios)
        terms = (0.0, 1.0) if self.contract is None else (self.contract.renewal, self.contract.renewal_rent)
        renewal = scenarios.read("renewal", schedule, terms[0], name=self.customer)
        renewal_rent = scenarios.read("renewal_rent", schedule, terms[1], name=self.customer)
        rent = scenarios.read("rent", schedule, 1.0, name=self.customer)
        units_in_all = sum(sum(generation.deliveries.values()) for generation in self.fleet)
        revenue = cost = construction = value = np.zeros((1, 1))
        for generation in self.fleet:
            price = scenarios.read("gpu_price", schedule, 1.0, name=generation.name)
            used = scenarios.read("utilisation", schedule, self.utilisation, name=generation.name)
            residual = scenarios.read("residual_value", schedule, 1.0, name=generation.name)
            power = generation.power * self.power_price * HOURS
            ages = np.arange(len(generation.resale), dtype=np.float64)
            for date, units in generation.deliveries.items():
                planned = clock.at(date)
                delivered = planned + delay * (planned > clock.start)  # what has arrived cannot be late
                ends = self.ends(clock, delivered)
                leaves = np.minimum(ends, breach)
                # shares of the units by when they leave the contract, and at which multiple they pay until then
                renewed = clock.pick(renewal, ends) * (leaves == ends) * (self.contract is not None)
                run = contracted = clock.overlap(delivered, leaves)
                out = [(1.0 - renewed, np.maximum(delivered, leaves))]
                if renewed.any():
                    broken = np.maximum(delivered, breach)
                    on = renewed * clock.overlap(np.maximum(delivered, ends), broken)
                    run, contracted = run + on, contracted + clock.pick(renewal_rent, ends) * on
                    out += [(renewed, np.maximum(np.maximum(delivered, ends), broken))]
                revenue = revenue + units * self.earned(units_in_all) * contracted * rent
                for share, since in out:
                    priced = clock.grown(since, never, generation.price_growth, stated, stated)
                    revenue = revenue + units * generation.market_price * HOURS * price * used * (share * priced)
                    run = run + share * clock.overlap(since, never) * used
                care = clock.grown(delivered, never, self.cost_growth, stated, stated)
                cost = cost + units * (self.unit_cost * care + power * run)
                construction = construction + units * generation.cost * overrun * clock.hit(delivered)
                age = (clock.hi - delivered) / 360.0
                worth = np.interp(age, ages, generation.resale) * (age >= 0.0)
                value = value + units * generation.cost * residual * worth
        cost = cost * scenarios.read("operating_cost", schedule, 1.0)
        return {"revenue": revenue, "cost": cost, "construction": construction, "value": value}

    def ends(self, clock: Clock, delivered: np.ndarray) -> np.ndarray | float:
        """When the term ends of units delivered at an instant; at once where there is no contract."""
        if self.contract is None:
            return delivered
        if self.contract.months is not None:
            return delivered + 30.0 * self.contract.months
        assert self.contract.ends is not None
        return clock.at(self.contract.ends)

    def earned(self, units_in_all: float) -> float:
        """What one unit under contract earns a year."""
        if self.contract is None:
            return 0.0
        if self.contract.monthly is not None:
            return 12.0 * self.contract.monthly / units_in_all if units_in_all > 0.0 else 0.0
        assert self.contract.price is not None
        return self.contract.price * HOURS
