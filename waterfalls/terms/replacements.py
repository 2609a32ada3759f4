"""Replacement collateral: what a revolving deal buys with its collections, and what that pays later."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated

from pydantic import Field

from waterfalls.clock.conventions import DayCount
from waterfalls.language.amounts import Portion
from waterfalls.language.expressions import Constant
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative, Share
from waterfalls.terms.coupons import Coupon
from waterfalls.terms.term import term

NONE = Constant(0.0)


@term
class Replacement:
    """Assets that `purchase(name)` buys at `price` a unit of par, all alike.

    Each period, of the par held when it began: a share `defaults` defaults, of which `severity` is lost and the rest
    recovered at once; the rest bears `coupon` and repays the share `repays`. What they pay counts as the collateral's
    interest, principal and recoveries, and their par as pool balance and in its value, where it has one. Shares are held
    between 0 and 1; what they read of the collateral counts the par that is held, and payments of replacement collateral
    declared before.

        opening + bought = repaid + defaulted + sold + closing
    """

    name: str
    _: KW_ONLY
    coupon: Coupon
    repays: Portion
    price: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0
    defaults: Portion = NONE
    severity: Share = 1.0
    balance: NotNegative = 0.0
    day_count: DayCount | None = None

    @staticmethod
    def counted(name: str) -> dict[str, tuple[str, str]]:
        """Which symbol counts towards which receipt."""
        return {
            "interest": ("earned", name),
            "principal": ("repaid", name),
            "recoveries": ("recovered", name),
            "defaults": ("defaulted", name),
            "losses": ("wasted", name),
            "pool_balance": ("assets", name),
            "value": ("assets", name),  # where the collateral has one
        }

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("assets", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        kinds = ("earned", "repaid", "recovered", "defaulted", "wasted", "bought", "spent", "sold")
        return tuple((kind, self.name) for kind in kinds)

    def settle(self, m: Machine) -> None:
        """What the assets pay for the period."""
        name, held = self.name, m["assets", self.name]
        lost = held * m.min_(m.max_(self.defaults.settle(m), 0.0), 1.0)
        sound = held - lost
        earned = sound * self.coupon.borne(m) * m.curve(m.plan.accruals[name])
        repaid = sound * m.min_(m.max_(self.repays.settle(m), 0.0), 1.0)
        recovered = lost * (1.0 - self.severity)
        m["assets", name] = sound - repaid
        m["earned", name], m["repaid", name], m["recovered", name] = earned, repaid, recovered
        m["defaulted", name], m["wasted", name] = lost, lost - recovered
        m[("cash",)] += earned + repaid + recovered
