"""Scheduled balances and interest of many loans at once, at fixed rates and at rates that are reset."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from structuring.collateral.loan_tape import Tape
from structuring.scenarios.index_paths import Accrual
from waterfalls.clock.schedule import Roll, fraction_of

if TYPE_CHECKING:
    from structuring.collateral.loan_tape import LoanLine

CELLS = 4_000_000  # lines x months held at a time
MANY, BLOCK = 1_000, 8_192  # lines from which on one month follows from the last, and how many at a time


class Curves(NamedTuple):
    """What a group of loans does when nothing goes wrong: `balance` (S or 1, M + 1), and by month (S or 1, M) `interest`
    and `balloon`, the part of the principal that falls due at the end of a term and not as an instalment."""

    balance: np.ndarray
    interest: np.ndarray
    balloon: np.ndarray


class Part(NamedTuple):
    """The lines of a group that share an accrual: `chosen` (L,) of the group's, and their curves where rates are known."""

    chosen: np.ndarray
    lines: Tape
    curves: Curves | None


@functools.lru_cache(maxsize=16)
def groups(
    lines: tuple[LoanLine, ...] | Tape, apart: tuple[str, ...], months: int, servicing: float, ahead: bool = False
) -> tuple[tuple[Tape, tuple[Part, ...]], ...]:
    """The lines in groups, kept apart by columns, each in parts by accrual; worked out once.

    Curves are of `months`, and with `ahead` of those before them in which the first interest of each loan accrues.
    """
    found = []
    for group in (lines if isinstance(lines, Tape) else Tape.of(lines)).split(apart):
        parts, count = [], months + (int(group.every[0]) - 1 if ahead else 0)
        for chosen in group.alike(("accrual",)):
            part = group if chosen.all() else group.some(chosen)
            known = part.accruals[int(part.accrual[0])] == Accrual()
            curves = [curve[None, :] for curve in scheduled(part, count, servicing)] if known else []
            parts.append(Part(chosen, part, Curves(*curves) if known else None))
        found.append((group, tuple(parts)))
    return tuple(found)


def together(parts: Sequence[Curves]) -> Curves:
    """The curves of several parts as one."""
    if len(parts) == 1:
        return parts[0]
    return Curves(*(functools.reduce(np.add, curves) for curves in zip(*parts, strict=True)))


def scheduled(tape: Tape, months: int, servicing: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scheduled balance (M + 1,), net interest (M,) and balloons (M,) of lines without prepayment or default.

    S(m) = (1 - (1 + i)^-(a - j)) / (1 - (1 + i)^-a) for level payments, a of them, (a - j) / a for equal principal,
    j = the payments gone by, i = rate x months between them / 12; 0 from the end of the term on. Interest is on the
    balance before, in the months in which loans pay. A balloon is what S leaves at the end of the term.
    """
    month = np.arange(months + 1.0)[None, :]
    balance, interest, balloon = np.zeros(months + 1), np.zeros(months), np.zeros(months)
    if len(tape) >= MANY:
        plain = (tape.level > 0.0) & (tape.interest_only == 0.0) & (tape.over * np.log1p(tape.rate / 12.0) > 0.01)
        plain &= tape.every == 1.0
        plain[list(tape.fixed)] = False
        level_pay(tape.some(plain), servicing, balance, interest, balloon)
        tape = tape.some(~plain)
    rows = max(1, CELLS // (months + 1))
    for start in range(0, len(tape), rows):
        part = tape.rows(slice(start, start + rows))
        every = part.every[:, None] if (part.every != 1.0).any() else np.ones((1, 1))
        paid = month - month % every  # the month of the last payment
        over, rate = part.over[:, None] / every, part.rate[:, None] / 12.0 * every
        left = over - np.clip((paid - part.interest_only[:, None]) / every, 0.0, over)
        level = (part.level[:, None] > 0.0) & (rate > 0.0)
        growth = np.log1p(rate)
        factor = np.where(level, np.expm1(-left * growth) / np.where(level, np.expm1(-over * growth), 1.0), left / over)
        whole = part.balance[:, None] * factor
        amounts = whole * (paid < part.remaining_term[:, None])
        for k, fixed in part.fixed.items():
            due = np.concatenate([[0.0], np.cumsum(fixed)])
            gone = (month[0] // part.every[k]).astype(int)
            remaining = part.balance[k] - due[np.minimum(gone, len(due) - 1)]
            whole[k] = np.maximum(remaining, 0.0)
            amounts[k] = whole[k] * (gone * part.every[k] < part.remaining_term[k])
        balance += amounts.sum(axis=0)
        balloon += (whole * (month == part.remaining_term[:, None])).sum(axis=0)[1:]
        pays = np.where(month[:, 1:] % every == 0.0, every, 0.0)
        interest += ((part.rate[:, None] - servicing) / 12.0 * pays * amounts[:, :-1]).sum(axis=0)
    for curve in (balance, interest, balloon):
        curve.setflags(write=False)
    return balance, interest, balloon


def level_pay(tape: Tape, servicing: float, balance: np.ndarray, interest: np.ndarray, balloon: np.ndarray) -> None:
    """Adds the curves of many lines that pay level from the first month on, by one product a line and month.

    B(m) = c - w(m), c = B(0) / (1 - (1 + i)^-a), w(0) = c (1 + i)^-a, w(m) = (1 + i) w(m - 1): the closed form to 1e-13.
    Lines of the longest term stand first, so that those still alive are a prefix.
    """
    order = np.argsort(-tape.remaining_term, kind="stable")
    start, rate, over, term = (x[order] for x in (tape.balance, tape.rate / 12.0, tape.over, tape.remaining_term))
    paid = np.exp(-over * np.log1p(rate))
    c, net, grow = start / -np.expm1(-over * np.log1p(rate)), rate - servicing / 12.0, 1.0 + rate
    for first in range(0, len(term), BLOCK):
        part = slice(first, first + BLOCK)
        whole, left = c[part], c[part] * paid[part]
        alive = np.searchsorted(-term[part], -np.arange(len(balance)), side="left")  # with a term above the month
        amounts = np.empty(len(whole))
        before = len(whole)
        for month, n in enumerate(alive.tolist()):
            if n < before:
                balloon[month - 1] += (whole[n:before] - left[n:before]).sum()
                before = n
            if n == 0:
                break
            np.subtract(whole[:n], left[:n], out=amounts[:n])
            balance[month] += amounts[:n].sum()
            if month < len(interest):
                interest[month] += net[part][:n] @ amounts[:n]
            left[:n] *= grow[part][:n]


def fractions(days: Sequence[datetime.date], every: int, day_count: str) -> np.ndarray:
    """The fraction of a year of each interest period, (P,), from one payment to the next."""
    ends = days[::every]
    if day_count == "30/360":
        return np.full(len(ends) - 1, every / 12.0)
    elapsed = fraction_of(day_count, Roll(12 // every, days[-1]))
    return np.array([elapsed(a, b, b) for a, b in itertools.pairwise(ends)])


def fixed_on(accrual: Accrual, every: int, months: int) -> list[int]:
    """The month at whose end the rate of each interest period was fixed, (P,); below the first reset, 0."""
    opens = range(0, months // every * every, every)
    return [
        m if m < accrual.first else accrual.first + (m - accrual.first) // accrual.reset * accrual.reset for m in opens
    ]


def of_each(tape: Tape, months: int, servicing: float) -> Curves:
    """The curves of each line at fixed rates, a row a line."""
    lines = [scheduled(tape.rows(slice(k, k + 1)), months, servicing) for k in range(len(tape))]
    return Curves(*(np.stack(curves) for curves in zip(*lines, strict=True)))


def limited(accrual: Accrual, rates: np.ndarray, fixed: Sequence[int], every: int) -> np.ndarray:
    """Rates (S, P) of which no reset moves further than the periodic cap from the rate before."""
    if accrual.periodic is None:
        return rates
    held = np.array(rates)
    before = None if accrual.start is None else np.full(len(rates), accrual.start)
    for p, month in enumerate(fixed):
        if p and month == fixed[p - 1]:
            held[:, p] = held[:, p - 1]
        elif p * every >= accrual.first and before is not None:
            held[:, p] = np.clip(held[:, p], before - accrual.periodic, before + accrual.periodic)
        before = held[:, p] if p * every >= accrual.first else before
    return held


def resetting(
    tape: Tape, days: Sequence[datetime.date], rates: np.ndarray, servicing: float, *, each: bool = False
) -> Curves:
    """The curves of lines of one accrual whose interest follows `rates` (S or 1, P) or the days of each period.

    Interest = balance x rate x fraction of a year, by the day count. A level payment is balance x i / (1 - (1 + i)^-n),
    i = rate x months between payments / 12, n = the payments left, worked out anew at each reset; what interest leaves
    of it is principal, at least 0. What is left at the end of the term falls due then. With `each`, of one scenario, a row is a line.
    """
    accrual, every, months = tape.accruals[int(tape.accrual[0])], int(tape.every[0]), len(days) - 1
    years, fixed = fractions(days, every, accrual.day_count), fixed_on(accrual, every, months)
    if accrual.coupon is not None and accrual.first == 0 and not each:
        flat = (tape.level == 0.0) | (tape.interest_only >= tape.remaining_term)  # whose principal no rate moves
        if flat.all():
            balance, _, balloon = scheduled(tape, months)
            pays, interest = slice(every - 1, len(years) * every, every), np.zeros((len(rates), months))
            interest[:, pays] = balance[: len(years) * every : every] * (rates - servicing) * years
            return Curves(balance[None, :], interest, balloon[None, :])
    S = len(rates)
    kept = len(tape) if each else S
    balance, interest, balloon = (np.zeros((kept, count)) for count in (months + 1, months, months))
    rows = len(tape) if each else max(1, CELLS // (S * 8))

    def rowed(amounts: np.ndarray) -> np.ndarray:
        return amounts[0] if each else amounts.sum(axis=1)

    for start in range(0, len(tape), rows):
        part = tape.rows(slice(start, start + rows))
        owed, payment = np.repeat(part.balance[None, :], S, axis=0), np.zeros((S, len(part)))
        balance[:, 0] += rowed(owed)
        over, level = part.over / every, part.level > 0.0
        for p, m in enumerate(range(0, len(years) * every, every)):
            known = accrual.coupon is None or m < accrual.first
            rate = part.rate[None, :] if known else rates[:, p : p + 1]
            due = owed * rate * years[p]
            interest[:, m + every - 1] += rowed(due - owed * servicing * years[p])
            left = np.maximum(over - np.maximum(m - part.interest_only, 0.0) / every, 1.0)
            step = np.broadcast_to(rate * every / 12.0, owed.shape)
            moves = accrual.coupon is not None and (m == accrual.first or fixed[p] != fixed[p - 1])
            anew = (p == 0 or moves) | (part.interest_only == m)
            level_payment = np.where(
                step > 0.0, owed * step / -np.expm1(-left * np.log1p(np.maximum(step, 1e-300))), owed / left
            )
            payment = np.where(anew, level_payment, payment)
            repaid = np.where(level, payment - due, part.balance / over) * (part.interest_only <= m)
            for k, amounts in part.fixed.items():
                repaid[:, k] = amounts[p] if p < len(amounts) else 0.0
            repaid = np.clip(repaid, 0.0, owed)
            ended = part.remaining_term == m + every
            balloon[:, m + every - 1] += rowed((owed - repaid) * ended)
            balance[:, m + 1 : m + every] += rowed(owed)[:, None]
            owed = np.where(ended, 0.0, owed - repaid)
            balance[:, m + every] += rowed(owed)
        balance[:, len(years) * every + 1 :] += rowed(owed)[:, None]
    return Curves(balance, interest, balloon)
