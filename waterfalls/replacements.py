"""Replacement collateral: what a revolving deal buys with its collections, and what that pays later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

import waterfalls.words  # noqa: F401  (texts are read with its words)
from waterfalls.conventions import odd_day_count
from waterfalls.coupons import Fixed, Floating, emit_interest_rate, interest_rate
from waterfalls.errors import Fault
from waterfalls.language import Constant, Number
from waterfalls.terms import term

if TYPE_CHECKING:
    from waterfalls.code import Code
    from waterfalls.reference import State

NONE = Constant(0.0)


@term
class Replacement:
    """Assets that `purchase(name)` buys at `price` a unit of par, all alike.

    Each period, of the par held when it began: a share `defaults` defaults, of which `severity` is lost and the rest
    recovered at once; the rest bears `coupon` and repays the share `repays`. What they pay counts as the collateral's
    interest, principal and recoveries, and their par as pool balance. Shares are held between 0 and 1.

        opening + bought = repaid + defaulted + sold + closing
    """

    name: str
    _: KW_ONLY
    coupon: Fixed | Floating
    repays: Number
    price: Annotated[float, Field(gt=0.0)] = 1.0
    defaults: Number = NONE
    severity: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    balance: Annotated[float, Field(ge=0.0)] = 0.0
    day_count: str = "30/360"

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        yield from odd_day_count(fields)

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
        }

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("assets", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        kinds = ("earned", "repaid", "recovered", "defaulted", "wasted", "bought", "spent", "sold")
        return tuple((kind, self.name) for kind in kinds)

    def settle(self, state: State) -> None:
        """What the assets pay for the period."""
        name, held = self.name, state["assets", self.name]
        lost = held * min(max(self.defaults.settle(state), 0.0), 1.0)
        sound = held - lost
        earned = sound * interest_rate(self.coupon, state) * state.curve(state.plan.accruals[name])
        repaid = sound * min(max(self.repays.settle(state), 0.0), 1.0)
        recovered = lost * (1.0 - self.severity)
        state["assets", name] = sound - repaid
        state["earned", name], state["repaid", name], state["recovered", name] = earned, repaid, recovered
        state["defaulted", name], state["wasted", name] = lost, lost - recovered
        state[("cash",)] += earned + repaid + recovered

    def emit(self, code: Code) -> None:
        """The same, as instructions."""
        none, one = code.constant(0.0), code.constant(1.0)
        name, held = self.name, code["assets", self.name]
        lost = held * code.minimum(code.maximum(self.defaults.emit(code), none), one)
        sound = held - lost
        earned = sound * emit_interest_rate(self.coupon, code) * code.curve(code.plan.accruals[name])
        repaid = sound * code.minimum(code.maximum(self.repays.emit(code), none), one)
        recovered = lost * code.constant(1.0 - self.severity)
        code["assets", name] = sound - repaid
        code["earned", name], code["repaid", name], code["recovered", name] = earned, repaid, recovered
        code["defaulted", name], code["wasted", name] = lost, lost - recovered
        code[("cash",)] = code[("cash",)] + (earned + repaid + recovered)
