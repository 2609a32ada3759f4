"""PropertyLoan: a mortgage loan on properties, with extension options, releases, and advances that an appraisal cuts."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from structuring.collateral.asset import Asset
from structuring.scenarios.index_paths import Resets, of_notes_alone
from structuring.scenarios.scenario import Drivers
from waterfalls.clock.conventions import DayCount
from waterfalls.errors import Fault, repeated
from waterfalls.terms.bounded_numbers import Months, Multiple, NotNegative, Positive, Share
from waterfalls.terms.coupons import Floating
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.clock.schedule import Schedule
    from waterfalls.receipts import Receipts


@term
class Property:
    """A property: the amount of the loan `allocated` to it, its net `income` a year, and its appraised `value`."""

    name: str
    _: KW_ONLY
    allocated: NotNegative
    income: NotNegative
    value: NotNegative


@term
class Extension:
    """An option to extend by `months`, where every test that is given is met on the day.

    Debt yield is income / balance, `dscr` income / interest of a year at the rate that follows, of which the index counts
    up to the strike of the new cap. `fee` is a share of the balance, paid then; `step` is added to the coupon for good;
    `strike` is that of the cap to be bought for the extension, without which the borrower bears the index itself.
    """

    months: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    debt_yield: Share | None = None
    dscr: Multiple | None = None
    ltv: Multiple | None = None
    fee: Share = 0.0
    step: Share = 0.0
    strike: Share | None = None


@term
class PropertyLoan(Asset):
    """A mortgage loan of one borrower, interest only, on `properties`, paid by calendar month.

    Interest = balance x coupon x fraction of a year. The borrower bears it up to the `strike` of the index, and the
    provider of the cap that it bought the rest. Income that does not reach is made up out of `support`; when that is
    spent, or the scenario strikes the borrower, the loan defaults.

    At maturity the borrower extends where the next of `extensions` allows it (of "when it must": only where it cannot
    repay), else repays where balance <= `refinancing_ltv` x value, else defaults. A `sale` of a property releases it
    for `release_price` x its allocated amount, of the last one for all that is owed.

    In default the income goes to interest. With `advances` the servicer pays the rest of it, times 1 - reduction / balance,
    where from `appraisal_after` months on

        appraisal reduction = max(balance + advances owed - appraisal_share x value, 0)

    and as long as a sale would repay it. `recovery_lag` months after default the properties are sold at value x
    residual_value x (1 - sale_cost): advances with interest at `advance_rate` come first, then principal, then interest
    that is still owed; the rest of principal is lost. Amounts are (S, T); receipts report extension fees as revenue.
    """

    borrower: str
    balance: Positive
    _: KW_ONLY
    coupon: Share | Floating
    maturity: datetime.date
    properties: Listed[Property]
    day_count: DayCount = "actual/360"
    strike: Share | None = None
    extensions: Listed[Extension] = items()
    extends: Literal["when it may", "when it must"] = "when it may"
    refinancing_ltv: Multiple = 0.65
    support: NotNegative = 0.0
    release_price: Annotated[float, Field(ge=1.0, le=10.0)] = 1.0
    recovery_lag: Months = 18
    sale_cost: Share = 0.1
    advances: bool = True
    advance_rate: Share = 0.08
    appraisal_share: Share = 0.9
    appraisal_after: Months = 4

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        properties, balance = fields.get("properties"), fields.get("balance")
        if properties is not None:
            names = [each.name for each in properties]
            if not names:
                yield Fault("properties", "at least one is needed")
            yield from (Fault("properties", f"{name!r} stands more than once") for name in repeated(names))
            allocated = sum(each.allocated for each in properties)
            if balance is not None and names and abs(allocated - balance) > 1e-9 * balance:
                yield Fault(
                    "properties", f"must have the balance {balance:,.2f} allocated to them, got {allocated:,.2f}"
                )
        coupon = fields.get("coupon")
        yield from of_notes_alone(coupon)
        strikes = [("strike", fields.get("strike"))]
        strikes += [(f"extensions[{i}].strike", each.strike) for i, each in enumerate(fields.get("extensions", ()))]
        for place, strike in strikes:
            if strike is not None and coupon is not None and not isinstance(coupon, Floating):
                yield Fault(place, f"belongs to a floating coupon, and this one is fixed at {coupon:g}")

    def drivers(self) -> frozenset[str]:
        """What the loan reads from a scenario."""
        return frozenset(
            {"rent", "value", "residual_value", "refinancing_ltv", "obligor_default", "recovery_lag", "sale"}
        )

    def named(self) -> dict[str, tuple[str, list[str]]]:
        """The drivers that it takes by name: what bears a name, and the names."""
        properties = ("property", [each.name for each in self.properties])
        return {
            "obligor_default": ("borrower", [self.borrower]),
            **dict.fromkeys(("sale", "rent", "value", "residual_value"), properties),
        }

    def raises(self) -> tuple[str, ...]:
        """The events it may raise, which a condition reads as event(name)."""
        extended = (f"extension {k + 1} of {self.borrower}" for k in range(len(self.extensions)))
        return (*extended, f"default of {self.borrower}", f"appraisal reduction of {self.borrower}")

    def obligors(self) -> dict[str, dict[str, float]]:
        """Who owes: the borrower, the balance."""
        return {"borrower": {self.borrower: self.balance}}

    def own(self, driver: str) -> float | Mapping[str, float]:
        """What the loan's own terms say of a driver."""
        if driver in ("refinancing_ltv", "recovery_lag"):
            return float(getattr(self, driver))
        return Asset.own(self, driver)

    def over(self, start: datetime.date) -> Iterator[Fault]:
        """A loan that was due before the deal collects."""
        if self.maturity <= start:
            yield Fault("maturity", f"{self.maturity} is not after {start}, from when the deal collects")

    def resets(self, schedule: Schedule) -> list[Resets]:
        """The floating coupon, read on the first day of each month of interest."""
        from structuring.scenarios.month_grid import month_grid

        if not isinstance(self.coupon, Floating):
            return []
        return [Resets(self.coupon, 1, self.day_count, tuple(month_grid(schedule).days[:-1]))]

    def deliver(self, schedule: Schedule, scenarios: Drivers) -> Receipts:
        """What the loan pays and owes, (S, T) in currency units; see the class for the formulas."""
        from structuring.collateral.property_loan_months import lived
        from structuring.scenarios.month_grid import month_grid
        from waterfalls.receipts import Receipts

        grid = month_grid(schedule)
        months, events = lived(self, grid, schedule, scenarios)
        fields: dict[str, Any] = grid.fields(months, self.balance)
        marks = {name: grid.at_end(flags, 0.0) for name, flags in events.items()}
        return Receipts(schedule.ends, **fields, events=marks, scenarios=scenarios.names)

    def loans(self, schedule: Schedule, scenarios: Drivers) -> tuple[list[str], Mapping[str, np.ndarray]]:
        """What the loan paid in one scenario, by field (1, T)."""
        return [self.borrower], self.deliver(schedule, scenarios).fields
