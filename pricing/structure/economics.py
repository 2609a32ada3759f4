"""What a structure costs and earns: advance rate, cost of funds, all-in cost, and what the equity makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pricing.overview.deal_tables import coupon_words, coverage, ranks
from pricing.structure.readings import Seen, multiple, returns
from pricing.structure.solve import Structured
from pricing.structure.workbench import path_of
from pricing.tables.quotients import quotient
from pricing.valuation.internal_rate import irr, said
from pricing.valuation.remaining_cash import Ahead
from structuring.deals.sources_and_uses import statement
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    import pandas as pd


class Line(NamedTuple):
    """A figure of the whole: what it is, its value, its kind (share, money, times, date or text)."""

    item: str
    value: Any
    kind: str


def seen(answer: Structured) -> Seen:
    """The solved deal as tests read it."""
    return Seen(answer.deal, answer.flows, answer.market, answer.flows)


def of_notes(answer: Structured) -> tuple[np.ndarray, np.ndarray]:
    """What all notes bring and are paid, from the start (1 + T,), in the first scenario, and the years of it."""
    view, flows = seen(answer), answer.flows
    cash, years = np.zeros(flows.periods + 1), np.concatenate([[0.0], Ahead(flows, view.start).times])
    for tranche in answer.deal.tranches:
        if isinstance(tranche, Note):
            cash = cash + returns(view, tranche.name, 0)[0]
    return cash, years


def cost_of_funds(answer: Structured) -> float:
    """The annual rate at which what notes bring is worth what they are paid, Actual/365F; NaN where there is none."""
    return irr(*of_notes(answer))


def all_in_cost(answer: Structured) -> float:
    """The same with the costs of closing taken from what notes bring, and every fee counted as paid to them."""
    cash, years = of_notes(answer)
    fees = sum((answer.flows.fees[name][0] for name in answer.flows.fees), np.zeros(answer.flows.periods))
    cost = sum(line.amount for line in statement(answer.deal) if line.kind == "cost")
    return irr(cash + np.concatenate([[cost], fees]), years)


def equity_return(answer: Structured) -> float:
    """The return of the most junior equity; NaN where there is none, or several rates."""
    equity = [tranche.name for tranche in answer.deal.tranches if not isinstance(tranche, Note)]
    return irr(*returns(seen(answer), equity[-1], 0)) if equity else float("nan")


def lines(answer: Structured) -> list[Line]:
    """Figures of the whole, in the first scenario, from the day the deal begins; rates are annual, Actual/365F.

    advance rate     what notes bring / the collateral's value that day
    """
    view, cash = seen(answer), of_notes(answer)[0]
    worth = view.worth(0)
    found = [
        Line("notes", -float(cash[0]), "money"),
        Line("advance rate", -float(cash[0]) / worth if worth > 0.0 else np.nan, "share"),
        Line("cost of funds", cost_of_funds(answer), "share"),
        Line("all-in cost with fees", all_in_cost(answer), "share"),
    ]
    for tranche in answer.deal.tranches:
        if isinstance(tranche, Note):
            continue
        paid, when = returns(view, tranche.name, 0)
        found += [
            Line(f"{tranche.name}: return (IRR)", said(paid, when), "text"),
            Line(f"{tranche.name}: multiple", multiple(view, tranche.name, 0), "times"),
            Line(f"{tranche.name}: paid back", paid_back(paid, answer), "text"),
        ]
    return found


def paid_back(cash: np.ndarray, answer: Structured) -> str:
    """The first date on which all that was ever paid in before has come back."""
    if not (cash < 0.0).any():
        return "nothing is paid in"
    total = np.cumsum(cash)
    back = np.flatnonzero((total >= 0.0) & (np.arange(len(cash)) > int(np.argmax(cash < 0.0))))
    return answer.flows.dates[back[0] - 1].isoformat() if len(back) else "never"


def tranches(answer: Structured) -> pd.DataFrame:
    """One row a tranche: size, drawn and promised, its share of all sizes, coupon, average life from the start, loan to value
    and coverage of this and all senior notes (those that rank alike share both), the tests that bind."""
    import pandas as pd

    view, deal, flows = seen(answer), answer.deal, answer.flows
    ahead = Ahead(flows, view.start)
    bound = {found.path: found for found in answer.bounds}
    sizes, drawn = ahead.committed[:, 0], ahead.balance[:, 0]
    shares, rows, rank, worth = quotient(sizes, sizes.sum()), [], ranks(flows.plan), view.worth(0)
    for i, tranche in enumerate(deal.tranches):
        note = isinstance(tranche, Note)
        above = [
            j
            for j, other in enumerate(deal.tranches)
            if isinstance(other, Note) and rank[other.name] <= rank[tranche.name]
        ]
        owed = float(drawn[above].sum())  # what is undrawn is not owed yet
        cover = coverage(flows, 0, tuple(deal.tranches[j].name for j in above)) if note else np.zeros(0)
        found = bound.get(path_of(tranche.name))
        held = [str(reading.test) for reading in found.binding] + (["the uses"] if found.rest else []) if found else []
        held = held or (["the rest of the uses"] if answer.terms.sizes.get(tranche.name) == "rest" else [])
        rows.append({
            "tranche": tranche.name,
            "size": sizes[i],
            "share": shares[i],
            "coupon": coupon_words(tranche),
            "wal": float(ahead.wal[i, 0]),
            "ltv": owed / worth if note and owed > 0.0 and worth > 0.0 else np.nan,
            "dscr_low": float(cover.min()) if len(cover) else np.nan,
            "dscr_mean": float(cover.mean()) if len(cover) else np.nan,
            "binding_test": "; ".join(held),
        })  # fmt: skip
    return pd.DataFrame(rows)
