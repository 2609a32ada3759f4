"""Sources and uses of cash over the life of a deal in one scenario, item by item; the two sides are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from waterfalls.fields import CASH
from waterfalls.language.machine import Key

if TYPE_CHECKING:
    import pandas as pd

    from pricing.report.contents.stress_result import StressResult
    from waterfalls.cashflows import Cashflows

DUST = 1e-9  # of all cash: less is not an item


class Item(NamedTuple):
    """An amount of cash: in or out, what kind of payment, from or to whom."""

    side: str
    kind: str
    name: str
    amount: float


def items(flows: Cashflows, s: int) -> list[Item]:
    """Every source and use of cash of one scenario, summed over its dates; the sources sum to the uses."""
    found = [item for item in (*sources(flows, s), *uses(flows, s), *reserves(flows, s)) if item.amount != 0.0]
    dust = DUST * sum(abs(item.amount) for item in found)
    return [item for item in found if abs(item.amount) > dust]


def total(flows: Cashflows, key: Key, s: int) -> float:
    """The sum over dates of an output, 0 where the deal has none of it."""
    return float(flows[key][s].sum()) if key in flows.plan.outputs else 0.0


def sources(flows: Cashflows, s: int) -> list[Item]:
    """What the collateral (with what replaced it), holders, facilities and hedges paid in."""
    plan = flows.plan
    found = [Item("in", "opening cash", "opening cash", plan.opening[("cash",)])]
    found += [Item("in", "collateral", WORDS.get(name, name), float(flows.receipt(name)[s].sum())) for name in CASH]
    found.append(Item("in", "collateral", "sale of the collateral", total(flows, ("proceeds",), s)))
    found += [Item("in", "drawn", f"{name} draws", float(flows.draws[name][s].sum())) for name in plan.tranches]
    found += [Item("in", "drawn", f"{name} facility", total(flows, ("lent", name), s)) for name in plan.facilities]
    return found + [Item("in", "hedge", name, total(flows, ("received", name), s)) for name in plan.hedges]


WORDS = {"resale": "sale of assets", "principal": "scheduled principal", "interest": "interest received"}
ORDER = (
    "expense",
    "fee",
    "hedge",
    "interest",
    "principal",
    "other",
    "purchases",
    "into accounts",
    "residual",
    "closing cash",
)


def uses(flows: Cashflows, s: int) -> list[Item]:
    """What costs, lenders, noteholders and equity were paid."""
    plan, found = flows.plan, []
    for key in plan.outputs:
        if key[0] == "paid" and key[1] != "scheduled":
            kind = {"additional": "interest"}.get(key[1], key[1])
            kind = kind if kind in ("interest", "fee", "expense", "hedge") else "other"
            found.append(Item("out", kind, key[2], total(flows, key, s)))
        elif key[0] in ("premium", "spent", "residual"):
            kind = {"premium": "interest", "spent": "purchases"}.get(key[0], key[0])
            found.append(Item("out", kind, key[1], total(flows, key, s)))
        elif key[0] == "principal":
            found.append(Item("out", "principal", key[1], total(flows, key, s)))
    return [*found, Item("out", "closing cash", "closing cash", float(flows[("cash",)][s, -1]))]


def reserves(flows: Cashflows, s: int) -> list[Item]:
    """What each account gave to the payments, or took from them, in all."""
    found = []
    for name in flows.plan.accounts:
        net = total(flows, ("withdrawn", name), s) - total(flows, ("deposited", name), s)
        side, kind = ("in", "from accounts") if net > 0.0 else ("out", "into accounts")
        found.append(Item(side, kind, name, abs(net)))
    return found


def cash_frame(case: StressResult) -> pd.DataFrame:
    """Sources and uses of cash in every scenario shown: one row an item, a column a scenario."""
    import pandas as pd

    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for s in case.rows:
        for item in items(case.flows, s):
            row = rows.setdefault((item.side, item.kind, item.name), {})
            row[case.named(s)] = row.get(case.named(s), 0.0) + item.amount
    names = [case.named(s) for s in case.rows]
    ordered = sorted(rows, key=lambda key: (1 + ORDER.index(key[1])) if key[0] == "out" else 0)  # sources first
    sides = {"in": "source", "out": "use"}
    lines: list[dict[str, Any]] = [
        {"item": item}
        | {name: rows[side, kind, item].get(name, 0.0) for name in names}
        | {"kind": kind, "side": sides[side]}
        for side, kind, item in ordered
    ]
    for side in sides.values():
        sums = {name: sum(line[name] for line in lines if line["side"] == side) for name in names}
        lines.append({"item": f"all {side}s"} | sums | {"kind": "total", "side": side})
    return pd.DataFrame(lines)
