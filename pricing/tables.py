"""Tables a committee reads: the capital structure, prices by shock, losses by class. Each is a frame with named units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from waterfalls.claims import Debt
from waterfalls.clauses.pay import Pay
from waterfalls.coupons import Fixed
from waterfalls.language import Comparison, Constant
from waterfalls.ratios import Coverage, Dscr, Signed, cash_for_debt_service, service_of
from waterfalls.tranches import Equity, Note

if TYPE_CHECKING:
    import pandas as pd

    from pricing.attribution import Losses
    from pricing.prices import Prices
    from waterfalls.cashflows import Cashflows
    from waterfalls.plan import Plan


def capital_structure(flows: Cashflows, prices: Prices, scenario: Any = None) -> pd.DataFrame:
    """One row a tranche, in one scenario (the reference of the prices unless said), under no shock.

    size, undrawn     outstanding on the valuation date, and what may still be drawn (currency units)
    attachment        share of the capital structure that must be lost before the tranche loses anything
    detachment        share at which it is gone; pari passu tranches share both
    enhancement       the attachment, which is what stands below the tranche
    ltv               balance of this and all senior tranches / collateral value, first date
    dscr              cash for debt service / debt service of this and all senior notes, median over dates with debt service
    wal, spread, clean                 years, z-spread in bp, price per 100
    headroom_to_trap, _to_default      share of that cash that may be lost before the first coverage trigger trips,
                                       before interest on this and all senior notes is no longer covered
    """
    import pandas as pd

    plan = flows.plan
    s = prices.at(prices.reference if scenario is None else scenario, "unchanged")[0]
    names = list(plan.tranches)
    balance = dict(zip(names, prices.memo["balance"][s], strict=True))
    undrawn = prices.memo["committed"][s] - prices.memo["balance"][s]
    rank, total, level = ranks(plan), sum(balance.values()), trap_level(plan)
    value = flows.receipts["value"][s, 0]
    rows = []
    for i, name in enumerate(names):
        above = [other for other in names if rank[other] <= rank[name]]
        owed = sum(balance[other] for other in above)
        senior = sum(balance[other] for other in names if rank[other] < rank[name])
        row: dict[str, Any] = {
            "tranche": name,
            "size": balance[name],
            "undrawn": undrawn[i],
            "coupon": coupon_words(plan.tranches[name]),
            "attachment": (total - owed) / total,
            "detachment": (total - senior) / total,
            "enhancement": (total - owed) / total,
            "wal": prices["wal"][s, 0, i],
            "spread": 1e4 * prices["z_spread"][s, 0, i],
            "clean": prices["clean"][s, 0, i],
        }
        if name in plan.notes_by_name:
            cover, interest_cover = coverages(flows, s, tuple(other for other in above if other in plan.notes_by_name))
            row["ltv"] = owed / value if value > 0.0 else np.nan
            row["dscr"] = cover
            row["headroom_to_trap"] = np.nan if level is None else 1.0 - level / cover
            row["headroom_to_default"] = 1.0 - 1.0 / interest_cover
        rows.append(row)
    columns = ["tranche", "size", "undrawn", "coupon", "attachment", "detachment", "enhancement", "ltv", "dscr", "wal"]
    return pd.DataFrame(rows, columns=[*columns, "spread", "clean", "headroom_to_trap", "headroom_to_default"])


def coupon_words(tranche: Note | Equity) -> str:
    """A coupon as a term sheet writes it."""
    if isinstance(tranche, Equity):
        return "residual"
    coupon = tranche.coupon
    if isinstance(coupon, Fixed):
        return f"{100 * coupon.rate:.3f} %"
    return f"{coupon.index} + {100 * coupon.margin:.2f} %"


def ranks(plan: Plan) -> dict[str, int]:
    """The rank of each tranche, 0 most senior: those whose interest one clause pays pro rata rank alike."""
    together: list[set[str]] = []
    for clause in next(iter(plan.waterfalls.values())).clauses:
        if isinstance(clause, Pay) and clause.sharing != "sequential":
            together.append(
                {claim.name for claim in clause.claims if isinstance(claim, Debt) and claim.kind == "interest"}
            )
    found: dict[str, int] = {}
    for name in plan.tranches:
        alike = next((found[other] for group in together if name in group for other in group if other in found), None)
        found[name] = alike if alike is not None else max(found.values(), default=-1) + 1
    return found


def coverages(flows: Cashflows, s: int, notes: tuple[str, ...]) -> tuple[float, float]:
    """Medians over payment dates of cash / debt service and of cash / interest, infinite where nothing is due."""
    cash = signed(flows, cash_for_debt_service(flows.plan), s)
    service = signed(flows, service_of(flows.plan, notes), s)
    interest = sum((flows.accrued[name][s] for name in notes), np.zeros(flows.periods))
    found = []
    for due in (service, interest):
        owed = due > 0.0
        found.append(float(np.median(cash[owed] / due[owed])) if owed.any() else np.inf)
    return found[0], found[1]


def signed(flows: Cashflows, items: Signed, s: int) -> np.ndarray:
    """A signed sum of flows and receipts of one scenario (T,)."""
    total = np.zeros(flows.periods)
    for sign, key in items:
        total = total + sign * (flows.receipts[key[1]][s] if key[0] == "receipt" else flows[key][s])
    return total


def trap_level(plan: Plan) -> float | None:
    """The highest level at which a trigger tests debt service coverage: the first that falling cash meets."""
    tests = [node for trigger in plan.triggers.values() for node in trigger.test.walk() if isinstance(node, Comparison)]
    levels = [
        test.right.value
        for test in tests
        if isinstance(test.right, Constant)
        and isinstance(test.left, Dscr | Coverage)
        and str(test.left)[:4] in ("dscr", "ic_r")
    ]
    return max(levels, default=None)


def prices_by_shock(prices: Prices, scenario: Any = None) -> pd.DataFrame:
    """Clean price per 100 by tranche and shock, in one scenario (the reference unless said)."""
    import pandas as pd

    s = prices.at(prices.reference if scenario is None else scenario, "unchanged")[0]
    frame = pd.DataFrame(prices["clean"][s].T, index=list(prices.tranches), columns=list(prices.shocks))
    return frame.rename_axis(index="tranche", columns="shock")


AMOUNTS = ("credit", "rates", "spread", "total")


def losses_by_class(losses: Losses, scenario: Any, shock: str = "unchanged") -> pd.DataFrame:
    """One row a tranche and class that holds it, the first to lose first: commitment, credit, rates, spread, total loss.

    `committed` is what the class holds of the balance and of what may still be drawn, at the reference; `per_cent` the
    total loss as a share of it. Holdings of nothing are left out.
    """
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    committed = commitments(losses)
    rows = []
    for n in reversed(range(len(losses.prices.tranches))):
        for c in np.flatnonzero(committed[n]):
            row: dict[str, Any] = {
                "tranche": losses.prices.tranches[n],
                "class": losses.classes[c],
                "committed": committed[n, c],
            }
            rows.append(row | {name: losses.tranche[name][s, k, n] * losses.shares[n, c] for name in AMOUNTS})
    return with_share(pd.DataFrame(rows))


def losses_in_total(losses: Losses, scenario: Any, shock: str = "unchanged") -> pd.DataFrame:
    """One row a class over all it holds, and a last row for all: commitment, credit, rates, spread, total loss, per cent."""
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    frame = pd.DataFrame({"class": losses.classes, "committed": commitments(losses).sum(axis=0)})
    for name in AMOUNTS:
        frame[name] = losses.tranche[name][s, k] @ losses.shares
    total = frame.drop(columns="class").sum()
    return with_share(pd.concat([frame, pd.DataFrame([{"class": "all", **total}])], ignore_index=True))


def commitments(losses: Losses) -> np.ndarray:
    """What each class holds of each tranche, drawn and undrawn, at the reference (N, C)."""
    s0 = losses.prices.at(*losses.reference)[0]
    return losses.prices.memo["committed"][s0][:, None] * losses.shares


def with_share(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its total loss in per cent of the commitment."""
    held, total = frame["committed"].to_numpy(), frame["total"].to_numpy()
    return frame.assign(per_cent=np.divide(100.0 * total, held, out=np.full(len(held), np.nan), where=held > 0.0))


def text(frame: pd.DataFrame, *, millions: tuple[str, ...] = ()) -> str:
    """A frame as aligned text: `millions` are shown in millions, ratios to three places; what is unknown is blank."""

    def shown(column: str) -> Any:
        decimals = {"attachment": 1, "detachment": 1, "enhancement": 1, "headroom_to_trap": 1, "headroom_to_default": 1}

        def one(value: Any) -> str:
            if isinstance(value, str):
                return value
            if value is None or not np.isfinite(value):
                return ""
            if column in millions:
                return f"{value / 1e6:,.1f}"
            if column in decimals or column == "ltv":
                return f"{100 * value:.1f} %"
            return f"{value:,.2f}"

        return one

    formatters = {column: shown(str(column)) for column in frame.columns}
    headings = [str(column).replace("_", " ") for column in frame.columns]
    return frame.rename(columns=dict(zip(frame.columns, headings, strict=True))).to_string(
        index=frame.index.name is not None, formatters=dict(zip(headings, formatters.values(), strict=True)), na_rep=""
    )
