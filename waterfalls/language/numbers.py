"""Amounts that clauses, caps, targets and tests read: balances, accounts, what is due, what was collected.

Each reads the running state where it stands; `at_start(x)` reads it as of determination.
"""

from __future__ import annotations

import dataclasses
import functools
import operator

from waterfalls.errors import InvalidTerms, refuse_unknown
from waterfalls.fields import FIELDS, STATE
from waterfalls.language.expressions import Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import Need, listed, named, quoted, word


def reported(m: Machine, *key: str) -> Value:
    """What the collateral reports: nothing once it is sold, and with what replacement collateral adds."""
    value = m.input(*key)
    value = value * m[("live",)] if m.plan.sells else value
    return functools.reduce(operator.add, (m[symbol] for symbol in m.plan.counted.get(key[1], ())), value)


DRAWABLE = ("available_until", "commitment", "limit")  # the terms by which a note, equity or facility may be drawn on


@dataclasses.dataclass(frozen=True)
class Held(Number):
    """A symbol of the state, summed over names: balances, accounts, amounts owed."""

    symbol: tuple[str, ...]
    names: tuple[str, ...]
    what: str
    text: str
    said: str
    of: tuple[str, ...] = ()  # the terms of which what is named must have one

    def needs(self) -> tuple[Need, ...]:
        return tuple(Need(self.what, name, self.of) for name in self.names)

    def settle(self, m: Machine) -> Value:
        return functools.reduce(operator.add, (m[*self.symbol, name] for name in self.names))

    def words(self) -> str:
        return f"{self.said} {listed(list(self.names))}"

    def __str__(self) -> str:
        return f"{self.text}({quoted(*self.names)})"


@word
def balance(*names: str) -> Number:
    """The outstanding balance of tranches and facilities, in total."""
    return Held(("balance",), some("tranche", names), "balance", "balance", "the balance of")


@word
def held(*names: str) -> Number:
    """What stands to the credit of accounts, in total."""
    return Held(("account",), some("account", names), "account", "held", "the amount in the")


@word
def interest_due(*names: str) -> Number:
    """Interest on notes that is due and not yet paid, arrears included."""
    return Held(("owed", "interest"), some("note", names), "note", "interest_due", "the interest due on")


@word
def interest_accrued(*names: str) -> Number:
    """Interest on notes that accrues for the period, also where it is added to the balance, arrears apart: what a tax deducts."""
    return Held(
        ("accrued", "interest"), some("note", names), "note", "interest_accrued", "the interest of the period on"
    )


@word
def fee_due(*names: str) -> Number:
    """Fees that are due and not yet paid, arrears included."""
    return Held(("owed", "fee"), some("fee", names), "fee", "fee_due", "the fees due to")


@word
def expense_due(name: str) -> Number:
    """What is owed to vendors and not yet paid: 'operating' or 'construction'."""
    return Held(("owed", "expense"), (named("expense", name),), "expense", "expense_due", "what is owed to vendors for")


@word
def undrawn(*names: str) -> Number:
    """What may still be drawn of the commitments of notes and equity, in total."""
    return Held(("undrawn",), some("tranche", names), "tranche", "undrawn", "the undrawn commitment of", DRAWABLE)


@word
def drawn(*names: str) -> Number:
    """What was drawn at this date on notes and equity, in total."""
    return Held(("drawn",), some("tranche", names), "tranche", "drawn", "what was drawn on", DRAWABLE)


@dataclasses.dataclass(frozen=True)
class Receipt(Number):
    """What the collateral reports for the collection period."""

    name: str

    def settle(self, m: Machine) -> Value:
        return reported(m, "receipt", self.name)

    def words(self) -> str:
        period = "" if self.name in STATE else " for the period"
        return f"the collateral's {self.name.replace('_', ' ')}{period}"

    def __str__(self) -> str:
        return {"pool_balance": "pool_balance()", "defaulted_balance": "defaulted_balance()"}.get(
            self.name, f"receipt({self.name!r})"
        )


@word
def receipt(name: str) -> Number:
    """Any field that the collateral reports, for this collection period."""
    refuse_unknown("receipt", name, FIELDS)
    return Receipt(name)


@word
def pool_balance() -> Number:
    """The performing balance of the collateral at the end of the collection period."""
    return Receipt("pool_balance")


@word
def defaulted_balance() -> Number:
    """The defaulted balance that is not yet recovered or lost."""
    return Receipt("defaulted_balance")


@dataclasses.dataclass(frozen=True)
class Collections(Number):
    """The sum of some receipts of the period, in the order named."""

    word: str
    fields: tuple[str, ...]

    def settle(self, m: Machine) -> Value:
        return functools.reduce(operator.add, (reported(m, "receipt", name) for name in self.fields))

    def words(self) -> str:
        return f"the {self.word.replace('_', ' ')} of the period"

    def __str__(self) -> str:
        return f"{self.word}()"


@word
def principal_collections() -> Number:
    """Scheduled and prepaid principal, recoveries and resale proceeds of the period."""
    return Collections("principal_collections", ("principal", "prepayments", "recoveries", "resale"))


@word
def interest_collections() -> Number:
    """Interest and revenue of the period."""
    return Collections("interest_collections", ("interest", "revenue"))


@dataclasses.dataclass(frozen=True)
class Cash(Number):
    """What is left in the collection account at this clause."""

    def settle(self, m: Machine) -> Value:
        return m[("cash",)]

    def words(self) -> str:
        return "the cash remaining"

    def __str__(self) -> str:
        return "cash()"


@word
def cash() -> Number:
    """What is left in the collection account at this clause."""
    return Cash()


def some(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """At least one name."""
    if not names:
        raise InvalidTerms(f"at least one {what} must be named")
    return tuple(named(what, name) for name in names)
