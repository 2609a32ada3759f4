"""purchase: the claim that spends cash on replacement collateral."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from waterfalls.clauses.claims import Claim, claims
from waterfalls.language.machine import Machine, Value
from waterfalls.language.vocabulary import word


@dataclasses.dataclass(frozen=True)
class Purchase(Claim):
    """All the cash that the clause may use, spent on assets: par bought = cash / price; it pays from the next date on."""

    needs_what: ClassVar[str] = "replacement"
    takes_all: ClassVar[bool] = True
    text: ClassVar[str] = "purchase"
    said: ClassVar[str] = "for the purchase of {}"

    def receive(self, m: Machine, amount: Value) -> None:
        par = amount / m.plan.replacements[self.name].price
        m["assets", self.name] += par
        m["bought", self.name] += par
        m["spent", self.name] += amount


@word
def purchase(*assets: Any) -> Any:
    """Replacement collateral, with all the cash that the clause may use: cap it at principal_collections()."""
    return claims("asset", assets, Purchase)
