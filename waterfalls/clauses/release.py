"""release: the clause that returns what an account holds above its target to the collection account."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.waterfall import Clause
from waterfalls.language.amounts import as_amount
from waterfalls.language.expressions import Constant, Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import Need, named, word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release(Clause):
    """Moves min(cap, max(0, balance - target)) from an account to cash, the target being `to` where that is said.

    Without either, all of it.
    """

    brings_cash: ClassVar[bool] = True
    account: str
    to: Number | None = None  # what stays, instead of the target

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), Need("account", self.account))

    def settle(self, m: Machine, limit: Value | None) -> None:
        target = m.plan.accounts[self.account].target if self.to is None else self.to
        amount = m["account", self.account]
        if target is not None:
            amount = m.max_(amount - m.max_(target.settle(m), 0.0), 0.0)
        amount = self.at_most(m, amount, limit)
        m["account", self.account] -= amount
        m["withdrawn", self.account] += amount
        m[("cash",)] += amount

    def words(self) -> str:
        if self.to == Constant(0.0):
            return self.modified_words(f"to release all of the {self.account}")
        above = "its target" if self.to is None else self.to.words()
        return self.modified_words(f"to release from the {self.account} what exceeds {above}")

    def __str__(self) -> str:
        to = "" if self.to is None else f", to={self.to}"
        return self.modified(f"release({self.account!r}{to})")


@word
def release(account: Any, *, to: Number | float | None = None) -> Release:
    """Returns what an account holds above its target (all of it, without a target) to the collection account.

    `to` is what stays instead: `release('reserve', to=0).when(pool_balance() <= 0)` empties it when the pool is gone.
    """
    return Release(account=named("account", account), to=None if to is None else as_amount(to))
