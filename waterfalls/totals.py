"""Totals over the life of a deal, by scenario and tranche: what a study's summary keeps of every path.

The fast engine sums them date by date as it runs, and keeps no flow for them; from flows that were kept they are summed
in the same order, hence the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from waterfalls.machine import Key, Machine, Value

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows
    from waterfalls.plan import Plan

TOTALS = ("interest", "principal", "draws", "written_down", "shortfall", "unpaid", "loss")
SUMMED = ("interest", "principal", "draws", "written_down", "shortfall", "weighted")


def years(plan: Plan) -> np.ndarray:
    """Years (T,) from the last payment date before the run to each of its dates, Actual/365F."""
    from waterfalls.schedule import years_from

    return np.asarray(years_from(plan.schedule.payment[0], plan.schedule.dates), np.float64)


def opening(plan: Plan) -> dict[Key, float]:
    """The sums that `settle` carries from date to date, at the start."""
    return {("total", name, tranche): 0.0 for tranche in plan.tranches for name in SUMMED}


def carried(plan: Plan) -> tuple[Key, ...]:
    """The symbols whose last values are the totals: the sums, and the balances of notes."""
    last = [key for name in plan.notes_by_name for key in (("balance", name), ("owed", "interest", name))]
    return (*opening(plan), *last)


def settle(m: Machine, plan: Plan) -> None:
    """Adds the date's flows to the sums."""
    after = m.curve(years(plan))
    for name in plan.tranches:
        principal = m["principal", name]
        parts: dict[str, Value] = {
            "principal": principal,
            "draws": m["drawn", name],
            "written_down": m["written down", name] - m["written up", name],
            "weighted": principal * after,
        }
        if name in plan.notes_by_name:
            paid = total = m["paid", "interest", name]
            for more in (("paid", "additional", name), ("premium", name)):
                total = total + m[more] if more in plan.outputs else total
            parts["interest"] = total
            parts["shortfall"] = m.max_(m["accrued", "interest", name] - paid - m["capitalised", name], 0.0)
        else:
            parts["interest"] = m["residual", name]
        for part, value in parts.items():
            m["total", part, name] += value


def totals(flows: Cashflows) -> dict[str, np.ndarray]:
    """Arrays (S, N) by name: the sums over all dates, `unpaid` the balance of notes at the last, and `wal`.

    wal = sum(principal x years) / sum(principal), NaN where nothing was repaid. loss = written down (net of written up)
    + balance and interest still owed at the last date: cash terms, not value.
    """
    S, notes = len(flows.receipts.scenarios), flows.plan.notes_by_name
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*TOTALS, "wal")}
    after = years(flows.plan)
    for tranche in flows.plan.tranches:
        if ("total", SUMMED[0], tranche) in flows.outputs.carried:
            sums = {name: flows.outputs.carried["total", name, tranche] for name in SUMMED}
            unpaid = flows.outputs.carried["balance", tranche] if tranche in notes else np.zeros(S)
            owed = flows.outputs.carried["owed", "interest", tranche] if tranche in notes else 0.0
        else:
            given = {name: getattr(flows, name)[tranche] for name in SUMMED[:4]}
            given["shortfall"] = flows.shortfall[tranche] if tranche in notes else np.zeros((S, len(after)))
            given["weighted"] = given["principal"] * after
            sums = {name: np.cumsum(array, axis=1)[:, -1] for name, array in given.items()}  # in the order of dates
            unpaid = flows.balance[tranche][:, -1] if tranche in notes else np.zeros(S)
            owed = flows.arrears[tranche][:, -1] if tranche in notes else 0.0
        weighted, repaid = sums.pop("weighted"), sums["principal"]
        wal = np.divide(weighted, repaid, out=np.full(S, np.nan), where=repaid > 0.0)
        loss = sums["written_down"] + (unpaid + owed)
        for name, array in {**sums, "unpaid": unpaid, "loss": loss, "wal": wal}.items():
            columns[name].append(array)
    return {name: np.stack(arrays, axis=1) for name, arrays in columns.items()}
