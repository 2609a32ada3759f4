"""release: the clause that returns what an account holds above its target to the collection account."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from waterfalls.clauses.clause import Clause
from waterfalls.language import Need, named, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release(Clause):
    """Moves min(cap, max(0, balance - target)) from an account to cash; without a target, all of it."""

    account: str

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), Need("account", self.account))

    def settle(self, state: State, limit: float | None) -> None:
        target = state.plan.accounts[self.account].target
        amount = state["account", self.account]
        if target is not None:
            amount = max(amount - max(target.settle(state), 0.0), 0.0)
        if limit is not None:
            amount = min(amount, limit)
        state["account", self.account] -= amount
        state["withdrawn", self.account] += amount
        state[("cash",)] += amount

    def emit(self, code: Code, limit: Value | None) -> None:
        target = code.plan.accounts[self.account].target
        amount = code["account", self.account]
        if target is not None:
            none = code.constant(0.0)
            amount = code.maximum(amount - code.maximum(target.emit(code), none), none)
        if limit is not None:
            amount = code.minimum(amount, limit)
        code["account", self.account] = code["account", self.account] - amount
        code["withdrawn", self.account] = code["withdrawn", self.account] + amount
        code[("cash",)] = code[("cash",)] + amount

    def words(self) -> str:
        return self.modified_words(f"to release from the {self.account} what exceeds its target")

    def __str__(self) -> str:
        return self.modified(f"release({self.account!r})")


@word
def release(account: Any) -> Release:
    """Returns what an account holds above its target (all of it, without a target) to the collection account."""
    return Release(account=named("account", account))
