"""Tables of a deal that was run: its capital structure, what happens in each scenario, and coverage by date."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.overview.appraisal import appraised
from pricing.overview.headroom import headroom_to_trap
from pricing.tables.quotients import quotient
from waterfalls.clauses.pay import Pay
from waterfalls.fields import CASH
from waterfalls.language.ratios import Signed, cash_for_debt_service, service_of
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Equity, Note

if TYPE_CHECKING:
    import pandas as pd

    from pricing.valuation.prices import Prices
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows
    from waterfalls.plan import Plan


def capital_structure(
    flows: Cashflows, prices: Prices, scenario: Any = None, *, deal: Deal | None = None
) -> pd.DataFrame:
    """One row a tranche, in one scenario (the reference of the prices unless said), under no shock.

    size, undrawn     outstanding on the valuation date, and what may still be drawn (currency units)
    attachment        share of the tranches' sum that must be lost before this one loses anything
    detachment        share at which it is gone; pari passu tranches share both
    enhancement       what stands below the tranche: its attachment
    ltv               balance of this and all senior tranches / collateral value, on the date of `appraised`, which asks `deal`
    dscr, dscr_low    cash for debt service / debt service of this and all senior notes: median and lowest over dates
                          since there is any such cash
    wal, spread, clean    years, z-spread in bp, price per 100 of par before any move of rates
    headroom_to_trap      share of cash for debt service that may go before the first coverage trigger trips, at the
                          date nearest to it: one figure for the deal (`pricing.overview.headroom`)
    headroom_to_default   share of all collections, the same at every date, that may go before this or a senior note
                          goes unpaid, the accounts being used (`headroom_to_default`)
    """
    import pandas as pd

    plan = flows.plan
    s = prices.at(prices.reference if scenario is None else scenario, "unchanged")[0]
    names = list(plan.tranches)
    balance = dict(zip(names, prices.memo["balance"][s], strict=True))
    undrawn = prices.memo["committed"][s] - prices.memo["balance"][s]
    rank, total, trap = ranks(plan), sum(balance.values()), headroom_to_trap(flows, s)
    _, value = appraised(flows, s, prices.valuation, deal)

    def share(part: float) -> float:
        return part / total if total > 0.0 else np.nan  # nothing is drawn yet, or left

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
            "attachment": share(total - owed),
            "detachment": share(total - senior),
            "enhancement": share(total - owed),
            **dict.fromkeys(("ltv", "dscr", "dscr_low"), np.nan),
            "wal": prices["wal"][s, 0, i],
            "spread": 1e4 * prices["z_spread"][s, 0, i],
            "clean": prices.clean_before[s, 0, i],
            **dict.fromkeys(("headroom_to_trap", "headroom_to_default"), np.nan),
        }
        notes = tuple(other for other in above if other in plan.notes_by_name)
        if name in plan.notes_by_name and owed > 0.0:
            cover = coverage(flows, s, notes)
            row["ltv"] = owed / value if value > 0.0 else np.nan
            row["dscr"], row["dscr_low"] = (np.median(cover), cover.min()) if len(cover) else (np.nan, np.nan)
            row["headroom_to_trap"], row["headroom_to_default"] = trap, headroom_to_default(flows, s, notes)
        rows.append(row)
    return pd.DataFrame(rows)


def coupon_words(tranche: Note | Equity) -> str:
    """A coupon as a term sheet writes it."""
    if isinstance(tranche, Equity):
        return "residual"
    coupon = tranche.coupon
    if isinstance(coupon, Fixed):
        return f"{100 * coupon.rate:.3f} %"
    if coupon.multiple != 1.0:
        return f"{100 * coupon.margin:.2f} % {coupon.multiple:+g} x {coupon.index}"
    return f"{coupon.index} + {100 * coupon.margin:.2f} %"


def ranks(plan: Plan) -> dict[str, int]:
    """The rank of each tranche, 0 most senior: those whose interest one clause pays pro rata rank alike."""
    clauses = next(iter(plan.waterfalls.values())).clauses
    together = [names for clause in clauses if isinstance(clause, Pay) for names in clause.abreast()]
    found: dict[str, int] = {}
    for name in plan.tranches:
        alike = next((found[other] for group in together if name in group for other in group if other in found), None)
        found[name] = alike if alike is not None else max(found.values(), default=-1) + 1
    return found


def coverage(flows: Cashflows, s: int, notes: tuple[str, ...]) -> np.ndarray:
    """Cash for debt service / debt service of notes at the dates at which they owe any, in one scenario.

    Dates before the first with any such cash are left out: a loan that builds pays its own interest until then.
    """
    cash, service = debt_service(flows, s, notes)
    asked = service > 0.0
    if (asked & (cash > 0.0)).any():
        asked &= np.cumsum(cash > 0.0) > 0
    return cash[asked] / service[asked]


def debt_service(flows: Cashflows, s: int, notes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cash for debt service, and the debt service of notes, at each date of one scenario (T,)."""
    return signed(flows, cash_for_debt_service(flows.plan), s), signed(flows, service_of(flows.plan, notes), s)


def headroom_to_default(flows: Cashflows, s: int, notes: tuple[str, ...]) -> float:
    """The largest cut h of all collections, the same at every date, at which notes and costs are still paid in full.

    r(t) = min(r(t-1) + (1 - h) collected(t) + drawn(t) - must(t), what the accounts held in this scenario) must stay at or
    above 0, r(0) what the accounts held at the start, drawn = draws of tranches beyond what construction costs, must =
    costs, senior fees and the debt service of the notes; found by halving to 1e-6 between -1, which may not be enough, and 1.
    Costs do not fall with the collections. It is a screen and no run: what is due and held is that of this scenario, though
    with less cash notes may be refinanced later, so that a run may go unpaid some points sooner, or, as it traps, later.
    """
    plan = flows.plan
    collected = collections(flows)[s]
    cash, due = debt_service(flows, s, notes)  # net of what hedges bring, which no cut of the collections takes
    must = due - (cash - flows.receipt("revenue")[s] - flows.receipt("interest")[s])
    drawn = sum((flows.draws[name][s] for name in plan.tranches), np.zeros(flows.periods))
    must = must - np.maximum(drawn - flows.receipt("construction")[s], 0.0)
    most = sum((flows.accounts[name][s] for name in plan.accounts), np.zeros(flows.periods))
    opening = sum(account.balance for account in plan.accounts.values())
    last, dust = int(np.flatnonzero(due > 0.0).max(initial=-1)), 1e-12 * plan.notional

    def survives(cut: float) -> bool:
        held = opening
        for t in range(last + 1):
            held = min(held + (1.0 - cut) * collected[t] - must[t], most[t])
            if held < -1e-9 * abs(must[t]) - dust:
                return False
        return True

    if last < 0:
        return np.nan
    low, high = -1.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        low, high = (middle, high) if survives(middle) else (low, middle)
    return low


def what_happens(flows: Cashflows) -> pd.DataFrame:
    """One row a scenario: when each trigger first trips, when a default occurs, and what is unpaid at the end.

    `unpaid` is principal and interest of notes still owed at the last date, of which interest apart; `written_down` net
    over life.
    """
    import pandas as pd

    plan, notes = flows.plan, flows.plan.notes_by_name
    rows = []
    for s, name in enumerate(flows.scenarios):
        row: dict[str, Any] = {"scenario": name}
        for trigger in plan.triggers:
            row[trigger] = first_date(flows, flows.triggers[trigger][s])
        row["event of default"] = first_date(flows, flows[("event of default",)][s])
        late = [flows.arrears[note][s, -1] for note in notes]
        owed = [flows.balance[note][s, -1] + arrears for note, arrears in zip(notes, late, strict=True)]
        lost = [flows.written_down[note][s].sum() for note in notes]
        for what, amounts, interest in (("unpaid", owed, late), ("written_down", lost, [0.0] * len(notes))):
            parts = [
                f"{note} {amount / 1e6:,.1f}" + (f" (interest {part / 1e6:,.1f})" if part > 1.0 else "")
                for note, amount, part in zip(notes, amounts, interest, strict=True)
                if amount > 1.0
            ]
            row[what] = ", ".join(parts) or "nothing"
        rows.append(row)
    return pd.DataFrame(rows)


def first_date(flows: Cashflows, flags: np.ndarray) -> str:
    """The first date at which a flag is up, as text; never where it is not."""
    day = first_on(flags, flows.dates)
    return "never" if day is None else day.isoformat()


def first_on(flags: np.ndarray, dates: tuple[datetime.date, ...]) -> datetime.date | None:
    """The first date at which a flag is up."""
    up = np.flatnonzero(flags > 0.0)
    return dates[up[0]] if len(up) else None


def by_date(flows: Cashflows) -> pd.DataFrame:
    """One row a scenario and date: what a servicer report tests. Cash for debt service, debt service, dscr, triggers, accounts."""
    import pandas as pd

    plan, frames = flows.plan, []
    for s, name in enumerate(flows.scenarios):
        columns = {"scenario": name, "date": list(flows.dates), "collections": collections(flows)[s], **cover(flows, s)}
        columns |= {f"trigger {trigger}": flows.triggers[trigger][s] for trigger in plan.triggers}
        columns |= {f"account {account}": flows.accounts[account][s] for account in plan.accounts}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def cover(flows: Cashflows, s: int) -> dict[str, np.ndarray]:
    """Cash and debt service of all notes, their balances, the collateral's value, and both ratios, by date (T,)."""
    notes = tuple(flows.plan.notes_by_name)
    cash, service = debt_service(flows, s, notes)
    debt, value = sum((flows.balance[note][s] for note in notes), np.zeros(flows.periods)), flows.receipt("value")[s]
    return {
        "cash_for_debt_service": cash, "debt_service": service, "dscr": quotient(cash, service),
        "notes": debt, "value": value, "ltv": quotient(debt, value),
    }  # fmt: skip


def collections(flows: Cashflows) -> np.ndarray:
    """Cash that came in (S, T): from the collateral, from what replaced it, and from its sale."""
    total = sum((flows.receipt(name) for name in CASH), flows.zeros())
    return total + flows[("proceeds",)] if flows.plan.sells else total


def signed(flows: Cashflows, items: Signed, s: int) -> np.ndarray:
    """A signed sum of flows and receipts of one scenario (T,), receipts as the waterfall reads them."""
    total = np.zeros(flows.periods)
    for sign, key in items:
        total = total + sign * (flows.receipt(key[1]) if key[0] == "receipt" else flows[key])[s]
    return total
