"""Sculpting: the instalments by which debt service follows cash, in closed form."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pricing.overview.deal_tables import signed
from pricing.structure.fixed_point import NotSettled
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.language.ratios import cash_for_debt_service, debt_of
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from pricing.structure.terms.structure_terms import Schedule
    from waterfalls.cashflows import Cashflows
    from waterfalls.plan import Plan


def sculpted(flows: Cashflows, name: str, terms: Schedule) -> np.ndarray:
    """The principal by date (T,) of a note that holds debt service in proportion to cash / ratio, from a run's first scenario.

        a(t)      = cash(t) / ratio(t) - debt service(t) of the notes senior to it, from `first` to `last`
        capacity  = sum a(t) d(t),  d(t) = prod over k from first to t of 1 / (1 + c(k) f(k))
        principal = share a(t) - c(t) f(t) B(t-1),  share = B / capacity, B the balance before `first`

    c is the note's rate, f its accrual fraction. Where that would lend more, principal is 0 and `share` is found so that
    the rest repays B; the formula then holds for what is left. Refused where cash carries nothing.
    Source: Yescombe, Principles of Project Finance, 2nd edition, 12.3 (annuity, and debt service in proportion to cash).
    """
    plan, schedule = flows.plan, flows.plan.schedule
    note = plan.notes_by_name[name]
    first = schedule.at(terms.first)
    last = schedule.at(terms.last) if terms.last else int(np.argmax(plan.finals[name]))
    if first > min(last, flows.periods - 1):
        raise InvalidTerms(Fault(f"schedules[{name!r}].first", f"{terms.first} leaves no payment date"))
    cash = signed(flows, cash_for_debt_service(plan), 0)
    for account in terms.income_of:
        cash = cash + flows["income", account][0]
    senior = plan.down_to(name)[:-1]
    served = signed(flows, debt_of(plan, senior), 0)
    part = slice(first, min(last, flows.periods - 1) + 1)
    available = (cash / ratios(terms.ratio, plan) - served)[part]
    growth = 1.0 + rates_of(note, flows)[part] * plan.accruals[name][part]
    balance = plan.opening["balance", name] if first == 0 else float(flows.balance[name][0, first - 1])
    capacity = float((available / np.cumprod(growth)).sum())
    if not capacity > 0.0:
        raise NotSettled(f"schedules[{name!r}]: cash from {terms.first} on carries no debt at the ratio")
    principal = np.zeros(flows.periods)
    principal[part] = repaid(balance, balance / capacity * available, growth)
    if (principal < 0.0).any():
        principal[part] = clipped(balance, available, growth)
    return principal


def repaid(balance: float, service: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """Principal in each debt service: what it exceeds interest by, negative where it does not reach it."""
    found = np.empty(len(service))
    for t in range(len(service)):
        found[t] = service[t] - balance * (growth[t] - 1.0)
        balance -= found[t]
    return found


def clipped(balance: float, available: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """Principal that is never negative and repays the balance: the share of `available` is found by halving."""

    def principal(share: float) -> np.ndarray:
        left, found = balance, np.zeros(len(available))
        for t in range(len(available)):
            found[t] = min(max(share * available[t] - left * (growth[t] - 1.0), 0.0), left)
            left -= found[t]
        return found

    low, high = 0.0, 1.0
    while principal(high).sum() < balance * (1.0 - 1e-14) and high < 1e12:
        high *= 2.0
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (low, middle) if principal(middle).sum() >= balance * (1.0 - 1e-14) else (middle, high)
    return principal(high)


def ratios(ratio: float | Mapping[datetime.date, float], plan: Plan) -> np.ndarray:
    """The ratio by payment date (T,): each value holds from its date on, the first before it."""
    if not isinstance(ratio, Mapping):
        return np.full(plan.schedule.periods, ratio)
    found = np.full(plan.schedule.periods, ratio[min(ratio)])
    for date in sorted(ratio):
        found[plan.schedule.at(date) :] = ratio[date]
    return found


def rates_of(note: Note, flows: Cashflows) -> np.ndarray:
    """The rate that a note bears in each period of the first scenario (T,)."""
    coupon, fixed = note.coupon, note.coupon.ladder(flows.plan)
    if coupon.step_up_while:
        raise InvalidTerms(
            f"a schedule of {note.name!r} cannot be solved: its coupon goes by conditions (step_up_while)"
        )
    if isinstance(coupon, Fixed):
        return fixed
    index = flows.rates[coupon.source]
    rate = coupon.multiple * index[0] + fixed
    rate = rate if coupon.floor is None else np.maximum(rate, coupon.floor)
    rate = rate if coupon.cap is None else np.minimum(rate, coupon.cap)
    return np.maximum(rate, 0.0)


def instalments(note: Note, plan: Plan, principal: np.ndarray) -> dict[datetime.date, float]:
    """Instalments by scheduled date, as the note's terms take them: of its commitment, or of its balance at the start.

    A schedule repays a fraction of the balance at each date, so that a balance that is drawn or capitalised before the
    first keeps the shape.
    """
    start = note.notional if note.available_until is not None else note.outstanding
    whole = float(principal.sum())
    scale = start / whole if whole > 0.0 else 0.0
    days = plan.schedule.unadjusted[1:]
    return {day: float(amount) * scale for day, amount in zip(days, principal, strict=True) if amount > 0.0}
