"""Facilities: liquidity lines and letters of credit, whose draws become claims of the waterfall."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import Any

from waterfalls.clock.conventions import DayCount
from waterfalls.errors import Fault
from waterfalls.language.machine import Contract, Machine
from waterfalls.terms.bounded_numbers import NotNegative, Positive
from waterfalls.terms.coupons import Coupon, Fixed
from waterfalls.terms.term import term


@term
class Facility:
    """A promise to lend up to `limit` until `expires`: a clause draws on it by `supported_by(name)`.

    What is drawn bears interest at `coupon` and is owed: the waterfall pays `interest(name)` and `principal(name)`.
    If `revolving`, what is repaid may be drawn again from the next date on. `limit` holds at every moment.
    """

    name: str
    limit: Positive
    _: KW_ONLY
    coupon: Coupon = Fixed(0.0)
    balance: NotNegative = 0.0
    arrears: NotNegative = 0.0
    expires: datetime.date | None = None
    revolving: bool = True
    day_count: DayCount | None = None

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if fields.get("balance", 0.0) > fields.get("limit", float("inf")):
            yield Fault("balance", f"must not exceed the limit {fields['limit']:,.2f}, got {fields['balance']:,.2f}")

    def opening(self) -> dict[tuple[str, ...], float]:
        return {
            ("balance", self.name): self.balance,
            ("room", self.name): self.limit - self.balance,
            ("owed", "interest", self.name): self.arrears,
            ("owed", "scheduled", self.name): 0.0,
        }

    def flows(self) -> tuple[tuple[str, ...], ...]:
        debts = tuple((law, kind, self.name) for law in ("accrued", "paid") for kind in ("interest", "scheduled"))
        return (*debts, ("principal", self.name), ("lent", self.name))

    def open(self, plan: Contract) -> Any:
        """1.0 on payment dates up to expiry (T,)."""
        if self.expires is None:
            return plan.schedule.flags_from_index(0)
        return 1.0 - plan.schedule.flags_from(self.expires + datetime.timedelta(days=1))

    def settle(self, m: Machine) -> None:
        """Interest on what is drawn, and what may still be drawn at this date."""
        name = self.name
        balance = m["balance", name]
        accrued = balance * self.coupon.borne(m) * m.curve(m.plan.accruals[name])
        m["accrued", "interest", name] = accrued
        m["owed", "interest", name] += accrued
        room = self.limit - balance if self.revolving else m["room", name]
        m["room", name] = room * m.curve(self.open(m.plan))
