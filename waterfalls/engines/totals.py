"""Totals over the life of a deal, by scenario and tranche: what a study's summary keeps of every path.

The fast engine sums them date by date as it runs, and keeps no flow for them; from flows that were kept they are summed
in the same order, hence the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waterfalls.language.machine import Key, Machine, Value

if TYPE_CHECKING:
    from waterfalls.plan import Plan

TOTALS = ("interest", "principal", "draws", "written_down", "shortfall", "unpaid", "loss")
SUMMED = ("interest", "principal", "draws", "written_down", "shortfall", "weighted")


def opening(plan: Plan) -> dict[Key, float]:
    """The sums that `settle` carries from date to date, at the start."""
    return {("total", name, tranche): 0.0 for tranche in plan.tranches for name in SUMMED}


def carried(plan: Plan) -> tuple[Key, ...]:
    """The symbols whose last values are the totals: the sums, and the balances of notes."""
    last = [key for name in plan.notes_by_name for key in (("balance", name), ("owed", "interest", name))]
    return (*opening(plan), *last)


def settle(m: Machine, plan: Plan) -> None:
    """Adds the date's flows to the sums."""
    after = m.curve(plan.years)
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
