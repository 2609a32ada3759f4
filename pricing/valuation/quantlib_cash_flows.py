"""Cash flows for QuantLib: a tranche as a `ql.Leg` or a `ql.Bond`."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import numpy as np
import QuantLib as ql

from pricing.valuation.prices import position
from pricing.valuation.remaining_cash import Ahead, row_of
from waterfalls.arguments import instance, key, one_date, takes, text
from waterfalls.cashflows import Cashflows
from waterfalls.clock.conventions import unadjusted
from waterfalls.clock.schedule import day_counter, to_ql
from waterfalls.errors import CannotPrice


@takes(flows=instance(Cashflows), tranche=text, scenario=key)
def to_quantlib_leg(flows: Cashflows, tranche: str, scenario: Any = None) -> list[ql.CashFlow]:
    """One tranche's flows in one scenario as a `ql.Leg`, which `ql.CashFlows` and `ql.Bond` take.

    Interest paid is a coupon on the balance before it, at the rate that gives the amount, over the note's own accrual
    period; principal and draws (negative) are simple cash flows. Interest on no balance is a simple cash flow. A day
    count that QuantLib lacks is exported as actual/365F, with the rate that gives the same amount.
    """
    s, plan = row_of(flows, scenario), flows.plan
    interest, principal, draws = (table[tranche][s] for table in (flows.interest, flows.principal, flows.draws))
    note = plan.notes_by_name.get(tranche)
    name = "actual/365F" if note is None else note.day_count_in(plan.currency)
    bounds = plan.schedule.unadjusted if unadjusted(name) else plan.schedule.payment
    count = day_counter(name)
    accruals = [count.yearFraction(to_ql(a), to_ql(b)) for a, b in itertools.pairwise(bounds)]
    before = np.concatenate([[plan.opening["balance", tranche]], flows.balance[tranche][s, :-1]])
    leg: list[ql.CashFlow] = []
    for t, date in enumerate(plan.schedule.dates):
        paid = to_ql(date)
        if note is not None and before[t] > 0.0 and accruals[t] > 0.0:
            rate = interest[t] / (before[t] * accruals[t])
            leg.append(ql.FixedRateCoupon(paid, before[t], rate, count, to_ql(bounds[t]), to_ql(bounds[t + 1])))
        elif interest[t] != 0.0:
            leg.append(ql.SimpleCashFlow(interest[t], paid))
        if principal[t] != 0.0:
            leg.append(ql.SimpleCashFlow(principal[t], paid))
        if draws[t] != 0.0:
            leg.append(ql.SimpleCashFlow(-draws[t], paid))
    return leg


@takes(flows=instance(Cashflows), tranche=text, scenario=key, valuation=one_date)
def to_quantlib_bond(
    flows: Cashflows, tranche: str, scenario: Any = None, *, valuation: datetime.date | None = None
) -> ql.Bond:
    """One tranche in one scenario as a `ql.Bond` without settlement lag, whose prices are per 100 of balance.

    The leg holds every repayment, so QuantLib is given the face amount and adds no redemption of its own. The balance
    is that of `valuation`, or of the start; pass the valuation date to the bond's methods too.
    """
    schedule = flows.plan.schedule
    i, at = position("tranche", tranche, flows.tranches), valuation or schedule.payment[0]
    face = Ahead(flows, at).balance[i, row_of(flows, scenario)]
    if not face > 0.0:
        raise CannotPrice(f"{tranche!r} has no balance on {at}, so a bond of it has no face amount")
    leg = to_quantlib_leg(flows, tranche, scenario)
    if not leg:
        raise CannotPrice(f"{tranche!r} has no cash flow in this scenario, so there is no bond of it")
    return ql.Bond(0, ql.NullCalendar(), float(face), leg[-1].date(), to_ql(schedule.payment[0]), leg)
