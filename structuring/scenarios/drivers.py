"""The drivers that a scenario may set, such as rent or default, each with its meaning, unit and bounds."""

from __future__ import annotations

from typing import Literal, NamedTuple

INFINITY = float("inf")


class Driver(NamedTuple):
    """One row of the table.

    `shape` says what a vector means: a value per collection period, a value per month, or no vector (`once`); a `date`
    is a date in a named scenario and years from the start of the schedule in paths, where infinity is never. `most` is
    the highest that a named scenario may say, above which it is per cent by mistake; paths may draw what they like.
    """

    meaning: str
    unit: str
    shape: Literal["period", "month", "once", "date"]
    low: float = 0.0
    high: float = INFINITY
    most: float = INFINITY

    @property
    def whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.unit.startswith("whole")

    @property
    def multiple(self) -> bool:
        """Whether it multiplies what the collateral's terms say, 1 being as they say."""
        return self.unit.startswith("multiple")


DRIVERS: dict[str, Driver] = {
    # pools of loans and bonds
    "prepayment": Driver("principal prepaid beside the schedule", "share a month (SMM)", "month", high=1.0),
    "default": Driver("performing principal that defaults", "share a month (MDR)", "month", high=1.0),
    "default_total": Driver(
        "principal that defaults or is lost in all", "share of the starting balance", "once", high=1.0
    ),
    "late": Driver("paying principal that misses a payment", "share a month", "month", high=1.0),
    "balloon_default": Driver(
        "balance due at the end of a term that is not repaid", "share of what is due", "month", high=1.0
    ),
    "severity": Driver("loss on what defaults", "share of the defaulted balance", "month", high=1.0),
    "recovery_lag": Driver("from default to recovery and loss", "whole months", "once", most=360.0),
    "obligor_default": Driver("an obligor of bonds or loans fails", "date", "date"),
    "refinancing_ltv": Driver("up to which what falls due is refinanced", "loan to value", "period", most=10.0),
    # leases
    "tenant_default": Driver("a tenant or customer stops paying", "date", "date"),
    "renewal": Driver("space, lease or capacity that is renewed at the end of its term", "share", "period", high=1.0),
    "renewal_rent": Driver("rent of what is renewed", "multiple of the rent it would have paid", "period", most=10.0),
    "re_let_rent": Driver("rent of space let anew", "multiple of the rent it would have paid", "period", most=10.0),
    "downtime": Driver("space stands empty before it is let anew", "months", "period", most=120.0),
    "rent": Driver("every rent", "multiple", "period", most=10.0),
    # computing capacity
    "gpu_price": Driver("market price of a unit-hour", "multiple of the base price", "period", most=10.0),
    "utilisation": Driver("hours sold in the market", "share of all hours", "period", high=1.0),
    "contract_breach": Driver("the customer breaks its contract", "date", "date"),
    "parent_bankruptcy": Driver("the sponsor's parent fails", "date", "date"),
    # projects
    "delay_months": Driver("delivery and what follows from it come late", "months", "once", most=120.0),
    "overrun": Driver("construction costs more than its budget", "share of the budget", "once", low=-1.0, most=10.0),
    "guarantor_default": Driver("the giver of a guarantee fails", "date", "date"),
    # value and cost of any of them
    "residual_value": Driver("what used assets fetch when sold", "multiple of the base value", "period", most=10.0),
    "value": Driver("appraised value", "multiple", "period", most=10.0),
    "operating_cost": Driver("operating cost", "multiple", "period", most=10.0),
    "event": Driver("an event that the deal names strikes", "date", "date"),
    "sale": Driver("the assets, or the fleet of a customer, are sold at their value", "date", "date"),
}
