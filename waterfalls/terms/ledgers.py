"""Ledgers: records of a shortfall that later cash makes good, such as a principal deficiency ledger."""

from __future__ import annotations

from dataclasses import KW_ONLY

from waterfalls.language.amounts import Amount
from waterfalls.language.machine import Machine
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import term


@term
class Ledger:
    """A record of a deficiency: `debit` adds to it, up to `limit`; what `credit` is paid goes into `account`.

    A principal deficiency ledger of a class is debited with losses up to the class's balance, and income credited to
    it is available as principal. opening + debited = credited + closing.
    """

    name: str
    _: KW_ONLY
    account: str
    limit: Amount | None = None
    balance: NotNegative = 0.0

    def opening(self) -> dict[tuple[str, ...], float]:
        return {("ledger", self.name): self.balance}

    def flows(self) -> tuple[tuple[str, ...], ...]:
        return (("debited", self.name), ("credited", self.name))

    def settle(self, m: Machine) -> None:
        """Nothing falls due on a ledger."""
