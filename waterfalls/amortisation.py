"""Schedules of principal: what a note should repay at each date, and how principal paid beside it shortens them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Literal

import lazy_loader
from pydantic import Field

from waterfalls.ratios import Flow, cash_for_debt_service
from waterfalls.terms import term

if TYPE_CHECKING:
    import numpy as np

    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State
    from waterfalls.tranches import Note
else:
    np = lazy_loader.load("numpy")

Prepaid = Literal["pro rata", "in order", "inverse order"]


@term
class LevelPayments:
    """`count` equal payments of interest and principal from `first` on, at `rate` (the fixed coupon unless said).

    payment = B i / (1 - (1 + i)^-n), i = rate / payments a year, B the balance outstanding before the first.
    """

    first: datetime.date
    count: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    rate: float | None = None
    prepaid: Prepaid = "pro rata"


@term
class EqualInstalments:
    """`count` equal instalments of principal from `first` on, `share` of the notional in all."""

    first: datetime.date
    count: Annotated[int, Field(gt=0)]
    _: KW_ONLY
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    prepaid: Prepaid = "pro rata"


@term
class Instalments:
    """Amounts of principal by scheduled payment date."""

    amounts: Mapping[datetime.date, Annotated[float, Field(ge=0.0)]]
    _: KW_ONLY
    prepaid: Prepaid = "pro rata"


@term
class Sculpted:
    """Principal such that cash for debt service covers interest and principal `dscr` times, from `first` on.

    asked = max(0, cash / dscr - interest of the period), at most the balance; it leaves no fixed schedule to shorten.
    """

    dscr: Annotated[float, Field(gt=0.0)]
    first: datetime.date


Amortisation = LevelPayments | EqualInstalments | Instalments | Sculpted


def asked_of(note: Note, state: State, balance: float, missed: float) -> float:
    """Scheduled principal falling due on what of the balance is not already missed, by the note's `prepaid`.

    The curve holds: pro rata, a fraction of the balance; in order, the balance that should remain; in inverse order,
    an amount; sculpted, whether the schedule has begun.
    """
    terms = note.amortisation
    if terms is None:
        return 0.0
    curve = state.curve(state.plan.instalments[note.name])
    if isinstance(terms, Sculpted):
        cash = Flow(cash_for_debt_service(state.plan)).settle(state)
        wanted = cash / terms.dscr - state["accrued", "interest", note.name]
        return min(max(wanted, 0.0), balance - missed) * curve
    if terms.prepaid == "pro rata":
        return (balance - missed) * curve
    if terms.prepaid == "in order":
        return max(balance - missed - curve, 0.0)
    return min(curve, balance - missed)


def emit_asked(note: Note, code: Code, balance: Value, missed: Value) -> Value:
    """`asked_of` as instructions."""
    terms, none = note.amortisation, code.constant(0.0)
    if terms is None:
        return none
    curve = code.curve(code.plan.instalments[note.name])
    if isinstance(terms, Sculpted):
        cash = Flow(cash_for_debt_service(code.plan)).emit(code)
        wanted = cash / code.constant(terms.dscr) - code["accrued", "interest", note.name]
        return code.minimum(code.maximum(wanted, none), balance - missed) * curve
    if terms.prepaid == "pro rata":
        return (balance - missed) * curve
    if terms.prepaid == "in order":
        return code.maximum(balance - missed - curve, none)
    return code.minimum(curve, balance - missed)


def instalments_of(note: Note, plan: Plan) -> np.ndarray:
    """The curve that `asked_of` reads (T,). Everything goes by date: a seasoned deal pays what is still ahead."""
    terms, schedule = note.amortisation, plan.schedule
    if terms is None:
        return np.zeros(schedule.periods)
    if isinstance(terms, Sculpted):
        return schedule.flags_from(terms.first)
    start = note.notional if note.available_until is not None else note.outstanding
    amounts = amounts_of(note, terms, start, plan)
    if terms.prepaid == "inverse order":
        return amounts
    remaining = start - np.cumsum(amounts)
    remaining[np.abs(remaining) < 1e-12 * start] = 0.0
    if terms.prepaid == "in order":
        return remaining
    before = np.concatenate([[start], remaining[:-1]])
    return np.divide(amounts, before, out=np.zeros_like(amounts), where=before > 0.0).clip(max=1.0)


def amounts_of(
    note: Note, terms: LevelPayments | EqualInstalments | Instalments, start: float, plan: Plan
) -> np.ndarray:
    """Principal by payment date (T,) when nothing is paid beside the schedule; at most `start` in all."""
    schedule = plan.schedule
    amounts = np.zeros(schedule.periods)
    if isinstance(terms, Instalments):
        for date, amount in terms.amounts.items():
            if date > schedule.unadjusted[0] and schedule.at(date) < schedule.periods:
                amounts[schedule.at(date)] += amount
        return np.diff(np.minimum(np.cumsum(amounts), start), prepend=0.0)
    elapsed = (schedule.unadjusted[1] - terms.first).days + 3  # month ends differ by up to three days
    left = max(terms.count - max(0, int(elapsed * schedule.per_year / 365.25)), 0)
    first, rest = schedule.at(terms.first), start
    for k in range(min(left, schedule.periods - first)):
        if isinstance(terms, LevelPayments):
            rate = terms.rate if terms.rate is not None else getattr(note.coupon, "rate", 0.0)
            i, n = rate / schedule.per_year, left - k
            amounts[first + k] = rest / n if i == 0.0 else rest * i / ((1.0 + i) ** n - 1.0)
        else:
            amounts[first + k] = min(note.notional * terms.share / terms.count, rest)
        rest -= amounts[first + k]
    return amounts
