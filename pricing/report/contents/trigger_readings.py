"""What each trigger compares on each date: the ratio that was read, and the level it is tested against."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from pricing.overview.deal_tables import first_on
from waterfalls.explain import determinations
from waterfalls.language.expressions import Comparison, Number
from waterfalls.language.ratios import Ratio, dscr

if TYPE_CHECKING:
    import pandas as pd

    from pricing.report.contents.stress_result import StressResult
    from waterfalls.cashflows import Cashflows


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """A number that a trigger compares, and the level it compares it with (T,); NaN where nothing is due or tested."""

    trigger: str
    number: Number
    sign: str
    value: np.ndarray
    level: np.ndarray
    on: np.ndarray

    @property
    def ratio(self) -> bool:
        return isinstance(self.number, Ratio)


def readings(flows: Cashflows, s: int) -> list[Reading]:
    """The numbers of one scenario, as of determination on every date; of a deal without any, its debt service coverage."""
    plan = flows.plan
    tests = [
        (name, node, plan.histories[name])
        for name, trigger in plan.triggers.items()
        for node in trigger.test.walk()
        if isinstance(node, Comparison)
    ]
    wanted: list[tuple[str, Number, Number | None, str, int]] = [
        (name, node.left, node.right, node.sign, wait) for name, node, wait in tests
    ]
    if not any(isinstance(number, Ratio) for _, number, _, _, _ in wanted):
        wanted.append(("", dscr(), None, "", 0))
    values = np.full((len(wanted), 2, flows.periods), np.nan)
    for state in determinations(flows, flows.receipts.scenarios[s]):
        for i, (_name, left, right, _sign, wait) in enumerate(wanted):
            if state.t >= wait:
                values[i, 0, state.t] = left.settle(state)
                values[i, 1, state.t] = np.nan if right is None else right.settle(state)
    values[~np.isfinite(values)] = np.nan
    idle = np.zeros(flows.periods)
    return [
        Reading(name, left, sign, values[i, 0], values[i, 1], flows.triggers[name][s] if name else idle)
        for i, (name, left, _, sign, _) in enumerate(wanted)
    ]


def trigger_frame(case: StressResult) -> pd.DataFrame:
    """One row a trigger: its test, when it first trips in each scenario shown, and on how many dates it is on."""
    import pandas as pd

    flows, rows = case.flows, []
    for name, trigger in flows.plan.triggers.items():
        row: dict[str, object] = {"trigger": name, "test": str(trigger.test)}
        for s in case.rows:
            flags = flows.triggers[name][s]
            row[f"first on, {case.named(s)}"] = first_on(flags, flows.dates)
            row[f"dates on, {case.named(s)}"] = int((flags > 0.0).sum())
        rows.append(row)
    return pd.DataFrame(rows)
