"""release: the clause that returns what an account holds above its target to the collection account."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.waterfall import Clause
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import Need, named, word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release(Clause):
    """Moves min(cap, max(0, balance - target)) from an account to cash; without a target, all of it."""

    brings_cash: ClassVar[bool] = True
    account: str

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), Need("account", self.account))

    def settle(self, m: Machine, limit: Value | None) -> None:
        target = m.plan.accounts[self.account].target
        amount = m["account", self.account]
        if target is not None:
            amount = m.max_(amount - m.max_(target.settle(m), 0.0), 0.0)
        amount = self.at_most(m, amount, limit)
        m["account", self.account] -= amount
        m["withdrawn", self.account] += amount
        m[("cash",)] += amount

    def words(self) -> str:
        return self.modified_words(f"to release from the {self.account} what exceeds its target")

    def __str__(self) -> str:
        return self.modified(f"release({self.account!r})")


@word
def release(account: Any) -> Release:
    """Returns what an account holds above its target (all of it, without a target) to the collection account."""
    return Release(account=named("account", account))
