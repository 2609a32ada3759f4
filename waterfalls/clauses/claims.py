"""Claims: what a clause may pay. Three kinds, each with its law.

debts        interest, fee, expense, scheduled_principal, hedge    opening arrears + accrued = paid + capitalised + closing
balances     principal                                             opening + draws + capitalised = paid + written down + closing
allocations  top_up, deposit, residual                             computed at the clause; what is not paid is not owed
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

from waterfalls.language.machine import Machine, Value
from waterfalls.language.numbers import some
from waterfalls.language.vocabulary import Need, Node, word


@dataclasses.dataclass(frozen=True)
class Claim(Node):
    """Something a clause may pay; `name` is whom or what."""

    name: str
    needs_what: ClassVar[str] = "note"
    takes_all: ClassVar[bool] = False  # whether all the cash that the clause may use is due to it
    text: ClassVar[str] = ""  # the word that says it, where one does
    said: ClassVar[str] = ""  # what a prospectus says, the name at {}

    def due(self, m: Machine) -> Value:
        """What the claim may take at this clause."""
        raise NotImplementedError

    def receive(self, m: Machine, amount: Value) -> None:
        """What being paid changes."""
        raise NotImplementedError

    def split(self, m: Machine, amount: Value) -> Iterator[tuple[Claim, Value]]:
        """Who is paid what of an amount: the claim itself all of it, a group's claims their shares."""
        yield self, amount

    def base(self, m: Machine) -> Value:
        """What its share by balance goes by."""
        return m["balance", self.name]

    def words(self) -> str:
        return self.said.format(self.name)

    def __str__(self) -> str:
        return f"{self.text}({self.name!r})"


@dataclasses.dataclass(frozen=True)
class Debt(Claim):
    """A debt of one kind: what is owed stays owed until it is paid."""

    kind: str = "interest"

    def needs(self) -> tuple[Need, ...]:
        if self.kind == "additional":
            return (Need("note", self.name, ("additional_rate",)),)
        return (Need("debt" if self.kind == "interest" else self.kind, self.name),)

    def due(self, m: Machine) -> Value:
        return m["owed", self.kind, self.name]

    def receive(self, m: Machine, amount: Value) -> None:
        m["owed", self.kind, self.name] -= amount
        m["paid", self.kind, self.name] += amount

    def words(self) -> str:
        said = {
            "interest": "interest on {}",
            "additional": "additional interest on {}",
            "fee": "the {} fee",
            "expense": "{} costs",
            "hedge": "the {} hedge",
        }
        return said[self.kind].format(self.name).replace("fee fee", "fee")

    def __str__(self) -> str:
        return f"{'additional_interest' if self.kind == 'additional' else self.kind}({self.name!r})"


@dataclasses.dataclass(frozen=True)
class Principal(Claim):
    """The balance of a note, a facility or an equity; being paid also settles what a note's schedule asked for."""

    needs_what: ClassVar[str] = "balance"
    text: ClassVar[str] = "principal"
    said: ClassVar[str] = "principal of {}"

    def due(self, m: Machine) -> Value:
        return m["balance", self.name]

    def receive(self, m: Machine, amount: Value) -> None:
        m["balance", self.name] -= amount
        m["principal", self.name] += amount
        if ("owed", "scheduled", self.name) not in m.plan.opening:
            return  # an equity has no schedule
        settled = m.min_(amount, m["owed", "scheduled", self.name])
        m["owed", "scheduled", self.name] -= settled
        m["paid", "scheduled", self.name] += settled


@dataclasses.dataclass(frozen=True)
class ScheduledPrincipal(Principal):
    """What a note's schedule asks for, and what of it was missed; the whole balance at legal final."""

    needs_what: ClassVar[str] = "note"
    text: ClassVar[str] = "scheduled_principal"
    said: ClassVar[str] = "scheduled principal of {}"

    def due(self, m: Machine) -> Value:
        return m["owed", "scheduled", self.name]


@dataclasses.dataclass(frozen=True)
class TopUp(Claim):
    """What an account lacks to its target."""

    needs_what: ClassVar[str] = "account"
    needs_one_of: ClassVar[tuple[str, ...]] = ("target",)
    text: ClassVar[str] = "top_up"
    said: ClassVar[str] = "into the {} up to its target"

    def due(self, m: Machine) -> Value:
        target = m.plan.accounts[self.name].target
        assert target is not None
        return m.max_(target.settle(m) - m["account", self.name], 0.0)

    def receive(self, m: Machine, amount: Value) -> None:
        m["account", self.name] += amount
        m["deposited", self.name] += amount


@dataclasses.dataclass(frozen=True)
class Deposit(TopUp):
    """All the cash that the clause may use, into an account: a trap."""

    needs_one_of: ClassVar[tuple[str, ...]] = ()
    takes_all: ClassVar[bool] = True
    text: ClassVar[str] = "deposit"
    said: ClassVar[str] = "into the {}"


@dataclasses.dataclass(frozen=True)
class Residual(Claim):
    """All the cash that the clause may use, to the equity."""

    needs_what: ClassVar[str] = "equity"
    takes_all: ClassVar[bool] = True
    text: ClassVar[str] = "residual"
    said: ClassVar[str] = "the remainder to {}"

    def receive(self, m: Machine, amount: Value) -> None:
        m["residual", self.name] += amount


def claims(what: str, names: tuple[Any, ...], make: Any) -> Any:
    """One claim a name: the claim itself for one name, a tuple of claims for several."""
    made = tuple(map(make, some(what, names)))
    return made[0] if len(made) == 1 else made


@word
def interest(*notes: Any) -> Any:
    """Interest on notes and facilities: what accrued, and arrears."""
    return claims("note", notes, lambda name: Debt(name, "interest"))


@word
def additional_interest(*notes: Any) -> Any:
    """Additional interest since the anticipated repayment date; unpaid, it defers without default."""
    return claims("note", notes, lambda name: Debt(name, "additional"))


@word
def fee(*fees: Any) -> Any:
    """Fees: what accrued, and arrears."""
    return claims("fee", fees, lambda name: Debt(name, "fee"))


@word
def expense(*names: str) -> Any:
    """Costs of the collateral, owed to vendors: 'operating' or 'construction'."""
    return claims("expense", names, lambda name: Debt(name, "expense"))


@word
def hedge(*names: Any) -> Any:
    """Net payments to hedge counterparties."""
    return claims("hedge", names, lambda name: Debt(name, "hedge"))


@word
def principal(*notes: Any) -> Any:
    """The outstanding balance of notes, facilities and equity."""
    return claims("note", notes, Principal)


@word
def scheduled_principal(*notes: Any) -> Any:
    """The scheduled principal of notes, and what of it was missed."""
    return claims("note", notes, ScheduledPrincipal)


@word
def top_up(*accounts: Any) -> Any:
    """What accounts lack to their targets."""
    return claims("account", accounts, TopUp)


@word
def deposit(*accounts: Any) -> Any:
    """All remaining cash into an account."""
    return claims("account", accounts, Deposit)


@word
def residual(*equity: Any) -> Any:
    """All remaining cash to the equity."""
    return claims("equity", equity, Residual)
