"""Words of another package: a clause that skims an account, a number that says how full it is, and a claim on revenue."""

import dataclasses
from typing import Any, ClassVar

from waterfalls import Clause, Need, Number, word
from waterfalls.clauses.claims import Claim, claims


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skim(Clause):
    """Moves min(cap, share x balance) of an account to the collection account."""

    brings_cash: ClassVar[bool] = True
    account: str
    share: float

    def needs(self) -> tuple[Need, ...]:
        return (*super().needs(), Need("account", self.account))

    def settle(self, m: Any, limit: Any) -> None:
        amount = self.at_most(m, self.share * m["account", self.account], limit)
        m["account", self.account] -= amount
        m["withdrawn", self.account] += amount
        m[("cash",)] += amount

    def words(self) -> str:
        return self.modified_words(f"to take {self.share:.0%} of the {self.account}")

    def __str__(self) -> str:
        return self.modified(f"skim({self.account!r}, share={self.share:g})")


@word
def skim(account: str, share: float = 0.5) -> Skim:
    """Returns a share of what an account holds to the collection account: `skim('reserve', share=0.5)`."""
    return Skim(account=account, share=share)


@dataclasses.dataclass(frozen=True)
class Filled(Number):
    """What an account holds over its target; 1 where it has none."""

    account: str

    def needs(self) -> tuple[Need, ...]:
        return (Need("account", self.account),)

    def settle(self, m: Any) -> Any:
        target = m.plan.accounts[self.account].target
        return 1.0 if target is None else m.ratio(m["account", self.account], target.settle(m), 1.0)

    def words(self) -> str:
        return f"the share of its target that the {self.account} holds"

    def __str__(self) -> str:
        return f"filled({self.account!r})"


@word
def filled(account: str) -> Number:
    """What an account holds, as a share of its target: `filled('reserve') < 0.9`."""
    return Filled(account)


@dataclasses.dataclass(frozen=True)
class Harvest(Claim):
    """A hundredth of the revenue of the period, to the equity; what is not paid is not owed later."""

    needs_what: ClassVar[str] = "equity"
    text: ClassVar[str] = "harvest"
    said: ClassVar[str] = "a hundredth of the period's revenue to {}"

    def due(self, m: Any) -> Any:
        return 0.01 * m.input("receipt", "revenue")

    def receive(self, m: Any, amount: Any) -> None:
        m["residual", self.name] += amount


@word
def harvest(*equity: Any) -> Any:
    """A hundredth of the period's revenue to the equity: `pay(interest('A'), harvest('E'), sharing='sequential')`."""
    return claims("equity", equity, Harvest)
