"""The loss bridge: what the collateral paid less than in the reference, and who received less for it; the two are equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.who_bears import Losses
from pricing.valuation.prices import position
from structuring.deals.holdings import Holdings
from waterfalls.arguments import instance, key, takes
from waterfalls.cashflows import Cashflows
from waterfalls.doors import drawn
from waterfalls.equality import restored
from waterfalls.errors import InvalidTerms, Unbalanced, refuse_unknown
from waterfalls.fields import CASH, EXPENSES
from waterfalls.notebook import tabled

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects

BALANCED = 1e-9  # of the deal's notional
VALUE = ("timing", "rates", "spread", "total")
ADDED = {  # a cost that did not fall due is negative; where it is positive it fell due beyond the reference's
    "expense not incurred": "additional expense",
    "fee not incurred": "additional fee",
    "purchase not made": "additional purchase",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """One line of the bridge: cash (S,) in currency units, undiscounted, against the reference.

    `side` is "shortfall" for what did not come in or was not needed (the latter negative), "bearer" for who received
    less or paid more. A gain is negative.
    """

    side: str
    kind: str
    name: str
    cash: np.ndarray

    def said(self, s: int) -> str:
        """Its kind in one scenario: "additional fee" where one was incurred, "fee not incurred" where one was not."""
        return ADDED.get(self.kind, self.kind) if self.cash[s] > 0.0 else self.kind


@dataclasses.dataclass(frozen=True, eq=False)
class Bridge:
    """Cash lost by the collateral = cash lost by bearers, in every scenario, over all payment dates.

        shortfall  receipts by kind (guarantees apart), what replacement collateral paid among them, the sale of the
                   collateral and income of accounts: the reference's less the scenario's; costs and fees that did not
                   fall due, and purchases of collateral that were not made, are taken off, additional ones added
        bearers    what was left in the vehicle, unpaid vendors and fee recipients, hedge counterparties, lenders under
                   facilities, guarantors, then tranches, the first to lose first

    `value` (tranche -> component -> (S,)) adds to the cash of each tranche what time, rates and spreads did:
    cash + timing + rates + spread = total, timing being credit loss less cash.
    """

    deal: str
    currency: str
    scenarios: Any
    reference: Any
    notional: float
    lines: tuple[Line, ...]
    holdings: Holdings | None
    value: dict[str, dict[str, np.ndarray]]

    __setstate__ = restored

    def of(self, side: str) -> np.ndarray:
        """The sum of a side (S,)."""
        return sum((line.cash for line in self.lines if line.side == side), np.zeros(len(self.scenarios)))

    @property
    def gap(self) -> np.ndarray:
        """Shortfall less what bearers lost (S,): zero but for rounding."""
        return self.of("shortfall") - self.of("bearer")

    def check(self) -> None:
        """Proves that the bridge sums to zero, to 1e-9 of the deal's notional."""
        gap = np.abs(self.gap)
        if not (gap <= BALANCED * self.notional).all():
            s = int(np.argmax(gap))
            raise Unbalanced(
                f"the loss bridge of {self.deal!r}, scenario {self.scenarios[s]!r}: the collateral brought "
                f"{self.of('shortfall')[s]:,.6f} less, bearers received {self.of('bearer')[s]:,.6f} less"
            )

    def _repr_html_(self) -> str:
        last = self.scenarios[-1]
        title = f"{self.deal}: the loss bridge in {self.currency}, {last!r} against {self.reference!r}"
        return tabled(title, self.frame(last))

    def plot(self, scenario: Any = None) -> plotly.graph_objects.Figure:
        """What did not come in, and who received less, in one scenario, the last unless said; empty if all is as before.

        Needs the extra `report`. Amounts are in the unit that the title names.
        """
        return drawn("bridge", self, scenario)

    def frame(self, scenario: Any) -> pd.DataFrame:
        """One scenario: a row a line, tranches split by investor class where holdings were given; amounts in currency units.

        side, kind, name, investor_class, cash_loss, and for tranches timing, rates_loss, spread_loss, total_loss (value).
        """
        import pandas as pd

        s = position("scenario", scenario, list(self.scenarios))
        return pd.DataFrame(list(self.rows(s)))

    def rows(self, s: int) -> Iterator[dict[str, Any]]:
        for line in self.lines:
            shares = {"": 1.0}
            if line.kind == "tranche" and self.holdings is not None:
                shares = {name: share for name, share in self.holdings.shares[line.name].items() if share > 0.0}
            value = self.value.get(line.name, {}) if line.kind == "tranche" else {}
            for holder, share in shares.items():
                row = {"side": line.side, "kind": line.said(s), "name": line.name, "investor_class": holder}
                row |= {"cash_loss": share * line.cash[s]}
                row |= {f"{name}_loss": share * value[name][s] if value else np.nan for name in VALUE}
                yield row


@takes(flows=instance(Cashflows), losses=instance(Losses), reference=key, shock=key)
def bridge(
    flows: Cashflows, losses: Losses | None = None, *, reference: Any = "base", shock: str = "unchanged"
) -> Bridge:
    """The loss bridge of a deal's flows against the scenario `reference`, in cash, and in value where `losses` are given.

        sum receipts + sale + draws + lent + hedge receipts + account income + opening cash and accounts
            = sum interest + principal + residual + fees + expenses + hedge payments + purchases
              + closing cash and accounts

    holds in every scenario, so the difference of two scenarios sums to zero line by line. `losses` (of the same
    scenarios, at the shock named) split tranches by holder and add value. Source: the cash law of `Cashflows.check`.
    """
    names = list(flows.scenarios)
    refuse_unknown("scenario", reference, names)
    r = names.index(reference)

    def less(key: Any) -> np.ndarray:
        """What an output comes to over all dates in the reference, less in each scenario (S,)."""
        array = flows[key] if isinstance(key, tuple) else key
        total = array.sum(axis=1)
        return total[r] - total

    def closing(key: tuple[str, ...]) -> np.ndarray:
        last = flows[key][:, -1]
        return last[r] - last

    plan = flows.plan
    lines = [
        Line("shortfall", "collateral", field, less(flows.receipt(field))) for field in CASH if field != "guarantee"
    ]
    if plan.sells:
        lines.append(Line("shortfall", "collateral", "sale of the collateral", less(("proceeds",))))
    lines += [Line("shortfall", "purchase not made", name, -less(("spent", name))) for name in plan.replacements]
    lines += [Line("shortfall", "income of accounts", name, less(("income", name))) for name in plan.accounts]
    debts = [("expense", name, EXPENSES[name], "vendors") for name in plan.expenses]
    debts += [("fee", name, name, "fee recipients") for name in plan.fees]
    unpaid: list[Line] = []
    for kind, name, said, who in debts:
        accrued, paid = less(("accrued", kind, name)), less(("paid", kind, name))
        lines.append(Line("shortfall", f"{kind} not incurred", said, -accrued))
        unpaid.append(Line("bearer", who, said, paid - accrued))
    lines += [Line("bearer", "left in the vehicle", name, closing(("account", name))) for name in plan.accounts]
    lines.append(Line("bearer", "left in the vehicle", "cash", closing(("cash",))))
    lines += unpaid
    lines += [
        Line("bearer", "hedge counterparty", name, less(("paid", "hedge", name)) - less(("received", name)))
        for name in plan.hedges
    ]
    lines += [
        Line(
            "bearer",
            "facility lender",
            name,
            less(("paid", "interest", name)) + less(("principal", name)) - less(("lent", name)),
        )
        for name in plan.facilities
    ]
    lines.append(Line("bearer", "guarantor", "guarantee", -less(flows.receipt("guarantee"))))
    lines += [Line("bearer", "tranche", name, less(flows.cash(name))) for name in reversed(flows.tranches)]
    if losses is not None and tuple(losses.prices.scenarios) != tuple(names):
        raise InvalidTerms("losses: must be of the same scenarios as the flows")
    made = Bridge(
        deal=flows.deal,
        currency=plan.currency,
        scenarios=names,
        reference=reference,
        notional=sum(tranche.notional for tranche in plan.tranches.values()) or 1.0,
        lines=tuple(line for line in lines if line.kind == "tranche" or np.abs(line.cash).max(initial=0.0) > 0.0),
        holdings=None if losses is None else holdings_of(losses),
        value={} if losses is None else valued(losses, shock, lines),
    )
    made.check()
    return made


def valued(losses: Losses, shock: str, lines: list[Line]) -> dict[str, dict[str, np.ndarray]]:
    """Timing, rates, spread and total loss by tranche (S,)."""
    k = position("shock", shock, losses.prices.shocks)
    found = {}
    for line in lines:
        if line.kind == "tranche":
            n = losses.prices.tranches.index(line.name)
            part = {name: losses.tranche[name][:, k, n] for name in ("credit", "rates", "spread", "total")}
            found[line.name] = {"timing": part["credit"] - line.cash, **{name: part[name] for name in VALUE[1:]}}
    return found


def holdings_of(losses: Losses) -> Holdings:
    """The shares that losses were attributed with."""
    tranches = losses.prices.tranches
    return Holdings({
        name: {who: float(share) for who, share in zip(losses.classes, losses.shares[n], strict=True) if share > 0.0}
        for n, name in enumerate(tranches)
    })  # fmt: skip
