"""A solution: a solved deal with its shadow prices and its frontier, as tables."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pricing.structure.economics import lines, tranches
from pricing.structure.frontier import Point
from pricing.structure.shadow_prices import ShadowPrice
from pricing.structure.solve import Structured
from structuring.deals.sources_and_uses import statement

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """A solved deal, what a step less of each binding test buys, and the curves it lies on, where they were asked for."""

    answer: Structured
    shadows: tuple[ShadowPrice, ...] = ()
    points: tuple[Point, ...] = ()

    def tranches(self) -> pd.DataFrame:
        """One row a tranche: size, share, coupon, life, loan to value, coverage, the tests that bind."""
        return tranches(self.answer)

    def figures(self) -> pd.DataFrame:
        """The figures of the whole, one a row; what is no one number is told as text."""
        import pandas as pd

        rows = [
            {
                "item": line.item,
                "value": None if line.kind == "text" else line.value,
                "said": shown(line.value, line.kind),
            }
            for line in lines(self.answer)
        ]
        return pd.DataFrame(rows)

    def numbers(self) -> pd.DataFrame:
        """Numbers of the deal that were looked for or set besides sizes, by their path: the value, and the tests that bind."""
        import pandas as pd

        answer, terms = self.answer, self.answer.terms
        bound = {found.path: found for found in answer.bounds}
        rows = [
            {
                "number": path,
                "value": answer.solved[path],
                "binding_test": "; ".join(str(reading.test) for reading in bound[path].binding)
                if path in bound
                else str(terms.amounts[path]),
            }
            for path in [*terms.numbers, *terms.amounts]
        ]
        return pd.DataFrame(rows, columns=["number", "value", "binding_test"])

    def funding(self) -> pd.DataFrame:
        """Sources and uses, a line a row."""
        import pandas as pd

        rows = [{"side": line.side, "item": line.name, "amount": line.amount} for line in statement(self.answer.deal)]
        return pd.DataFrame(rows, columns=["side", "item", "amount"])

    def tests(self) -> pd.DataFrame:
        """What every test reads where it is nearest to failing."""
        import pandas as pd

        return pd.DataFrame([
            {
                "test": str(reading.test), "scenario": reading.scenario, "date": reading.date and reading.date.isoformat(),
                "value": reading.value, "level": reading.level, "margin": reading.margin,
            }
            for reading in self.answer.readings
        ])  # fmt: skip

    def shadow_prices(self) -> pd.DataFrame:
        """A row a binding test and what is solved for, a tranche or a number by its path: by how much a step moves it."""
        import pandas as pd

        rows = [
            {"test": str(shadow.test), "step": shadow.step, "solved": name, "change": change}
            for shadow in self.shadows
            for name, change in {**shadow.moves, **shadow.numbers}.items()
        ]
        return pd.DataFrame(rows, columns=["test", "step", "solved", "change"])

    def frontier(self) -> pd.DataFrame:
        """A row a structure of a curve, the chosen ones marked."""
        import pandas as pd

        names = [tranche.name for tranche in self.answer.deal.tranches]
        return pd.DataFrame([
            {"curve": p.curve, "at": p.at, "chosen": p.chosen, "cost_of_funds": p.cost_of_funds, "equity_irr": p.equity_irr}
            | {f"size_{name}": p.sizes.get(name) for name in names}
            for p in self.points
        ])  # fmt: skip


def shown(value: Any, kind: str) -> str:
    """A figure as a reader sees it."""
    if kind == "text":
        return str(value)
    if value != value:
        return "none, or several"
    return {"share": f"{100.0 * value:.2f} %", "money": f"{value / 1e6:,.1f} million", "times": f"{value:.2f}x"}[kind]
