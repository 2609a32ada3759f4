"""purchase: the claim that spends cash on replacement collateral."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from waterfalls.claims import Claim, claims
from waterfalls.language import word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.reference import State


@dataclasses.dataclass(frozen=True)
class Purchase(Claim):
    """All the cash that the clause may use, spent on assets: par bought = cash / price; it pays from the next date on."""

    needs_what: ClassVar[str] = "replacement"
    takes_all: ClassVar[bool] = True

    def due(self, state: State) -> float:
        return state.reach

    def receive(self, state: State, amount: float) -> None:
        par = amount / state.plan.replacements[self.name].price
        state["assets", self.name] += par
        state["bought", self.name] += par
        state["spent", self.name] += amount

    def emit_due(self, code: Code) -> Value:
        return code.reach

    def emit_receive(self, code: Code, amount: Value) -> None:
        par = amount / code.constant(code.plan.replacements[self.name].price)
        code["assets", self.name] = code["assets", self.name] + par
        code["bought", self.name] = code["bought", self.name] + par
        code["spent", self.name] = code["spent", self.name] + amount

    def words(self) -> str:
        return f"for the purchase of {self.name}"

    def __str__(self) -> str:
        return f"purchase({self.name!r})"


@word
def purchase(*assets: Any) -> Any:
    """Replacement collateral, with all the cash that the clause may use: cap it at principal_collections()."""
    return claims("asset", assets, Purchase)
