"""The cash that each tranche still pays after the valuation date, with its dates, balance and accrued interest."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.market.curves import Curve
from pricing.tables.quotients import quotient
from waterfalls.cashflows import Cashflows
from waterfalls.clock.conventions import unadjusted
from waterfalls.clock.schedule import Roll, year_fraction, years_from
from waterfalls.errors import CannotPrice, refuse_unknown
from waterfalls.terms.coupons import Floating
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from pricing.market.market import Market


@dataclasses.dataclass(frozen=True, eq=False)
class Ahead:
    """The flows of N tranches in S scenarios on the J payment dates strictly after `valuation`.

    Amounts in currency units; `cash` (N, S, J) is interest + principal - draws; `times` (J,) are Actual/365F years. With
    `today` what is paid on the valuation date counts too. Within `ex_coupon` days of a payment its interest is the
    seller's: it is out of the cash of notes, and accrued interest is negative, that of what is left of the period.
    """

    flows: Cashflows
    valuation: datetime.date
    today: bool = False
    ex_coupon: int = 0

    @classmethod
    def at(cls, flows: Cashflows, market: Market) -> Ahead:
        """What lies ahead by a market's date and its rules."""
        made = cls(flows, market.valuation, market.today, market.ex_coupon)
        if not made.dates:
            raise CannotPrice(
                f"{flows.deal!r} makes its last payment on {flows.dates[-1]}, and the valuation date is {market.valuation}: "
                "nothing is left to value"
            )
        return made

    @cached_property
    def first(self) -> int:
        """The index of the first payment after the valuation date, or on it where that counts."""
        return sum(date < self.valuation if self.today else date <= self.valuation for date in self.flows.dates)

    @cached_property
    def ex(self) -> bool:
        """Whether the next interest is the seller's."""
        return bool(self.dates) and 0 < self.ex_coupon >= (self.dates[0] - self.valuation).days

    @cached_property
    def dates(self) -> tuple[datetime.date, ...]:
        return self.flows.dates[self.first :]

    @cached_property
    def times(self) -> np.ndarray:
        return years_from(self.valuation, self.dates)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return self.flows.tranches

    @cached_property
    def notes(self) -> tuple[Note | None, ...]:
        """The note of each tranche; none for equity."""
        return tuple(self.flows.plan.notes_by_name.get(name) for name in self.names)

    @cached_property
    def cash(self) -> np.ndarray:
        found = np.stack([self.flows.cash(name)[:, self.first :] for name in self.names])
        for i, note in enumerate(self.notes):
            if self.ex and note is not None:
                found[i, :, 0] -= self.flows.interest[note.name][:, self.first]
        return found

    @cached_property
    def wiped_out(self) -> np.ndarray:
        """Whether a tranche receives and pays nothing any more (N, S)."""
        return np.logical_not(np.any(self.cash, axis=2))

    def discounts(self, curve: Curve) -> np.ndarray:
        """Discount factors (J,) of a curve, which must reach the last cash; 0 after it, where there is none."""
        paying = [(name, np.flatnonzero(cash.any(axis=0))) for name, cash in zip(self.names, self.cash, strict=True)]
        name, last = max(
            ((name, at[-1]) for name, at in paying if len(at)), key=lambda found: found[1], default=("", -1)
        )
        if last >= 0 and self.dates[last] > curve.end:
            raise CannotPrice(
                f"the curve ends on {curve.end}, and {name!r} of {self.flows.deal!r} is paid until {self.dates[last]}"
            )
        factors = np.zeros(len(self.dates))
        factors[: last + 1] = curve.discounts(self.dates[: last + 1])
        return factors

    # What prices are per 100 of ---------------------------------------------------------------------------------------

    @cached_property
    def balance(self) -> np.ndarray:
        """What is outstanding before the first payment that counts (N, S)."""
        return np.stack([self.before("balance", name) for name in self.names])

    @cached_property
    def undrawn(self) -> np.ndarray:
        """What may still be drawn of each note (N, S); of equity 0, which is not quoted on its commitment."""
        return np.stack([
            np.zeros(self.cash.shape[1]) if note is None else self.before("undrawn", name)
            for name, note in zip(self.names, self.notes, strict=True)
        ])  # fmt: skip

    @cached_property
    def committed(self) -> np.ndarray:
        """Outstanding plus what holders have promised and may still be asked for, equity's included (N, S)."""
        return self.balance + np.stack([self.before("undrawn", name) for name in self.names])

    def before(self, symbol: str, name: str) -> np.ndarray:
        """A symbol of a tranche's state before the first payment that counts (S,)."""
        if self.first:
            return self.flows[symbol, name][:, self.first - 1].copy()
        return np.full(len(self.flows.receipts.scenarios), self.flows.plan.opening[symbol, name])

    @cached_property
    def face(self) -> np.ndarray:
        """Drawn plus undrawn (N, S), NaN where it is 0."""
        face = self.balance + self.undrawn
        return np.where(face > 0.0, face, np.nan)

    @cached_property
    def accrued(self) -> np.ndarray:
        """Interest accrued and not yet due (N, S): the period's interest x the part of it that has run, by the day count."""
        found = np.zeros(self.cash.shape[:2])
        for i, note in enumerate(self.notes):
            if note is not None and self.first < self.flows.periods:
                run, whole = self.elapsed(i), self.flows.plan.accruals[note.name][self.first]
                if run > 0.0 and whole > 0.0:
                    found[i] = self.flows.accrued[note.name][:, self.first] * (run / whole - self.ex)
        return np.where(self.wiped_out, 0.0, found)

    def elapsed(self, i: int) -> float:
        """The fraction of a year of the running accrual period that lies behind, by the note's day count."""
        start = self.accrual_starts(i)[0]
        if start >= self.valuation:
            return 0.0
        until = self.bounds(i)[self.first + 1]
        return year_fraction(self.day_count(i), start, self.valuation, roll=self.roll(i), until=until)

    # Yield ------------------------------------------------------------------------------------------------------------

    def day_count(self, i: int) -> str:
        note = self.notes[i]
        return "actual/365F" if note is None else note.day_count_in(self.flows.plan.currency)

    def roll(self, i: int) -> Roll:
        """The coupon periods of a tranche."""
        roll, note = self.flows.plan.schedule.roll, self.notes[i]
        return roll if note is None or note.maturity is None else roll.until(note.maturity)

    def accrual_starts(self, i: int) -> tuple[datetime.date, ...]:
        """Where each of the J accrual periods begins."""
        return self.bounds(i)[self.first : -1]

    def bounds(self, i: int) -> tuple[datetime.date, ...]:
        """The dates between which a tranche accrues (T + 1): 30/360 and ICMA unadjusted ones, Actual adjusted ones."""
        schedule = self.flows.plan.schedule
        return schedule.unadjusted if unadjusted(self.day_count(i)) else schedule.payment

    @cached_property
    def per_year(self) -> np.ndarray:
        """How often a year yields compound (N,): at the payment frequency, equity's once."""
        often = float(self.flows.plan.schedule.per_year)
        return np.array([1.0 if note is None else often for note in self.notes])

    @cached_property
    def yield_times(self) -> np.ndarray:
        """Years of yield to each date (N, J), by each note's day count, step by step."""
        return np.stack([
            stepwise(self.day_count(i), self.roll(i), self.valuation, self.dates, self.accrual_starts(i))
            for i in range(len(self.names))
        ])  # fmt: skip

    # Floating-rate notes ----------------------------------------------------------------------------------------------

    def index_rates(self, i: int) -> np.ndarray | None:
        """The projected index of a floating-rate note, (1, J) or (S, J); None for any other tranche."""
        note = self.notes[i]
        if note is None or not isinstance(note.coupon, Floating):
            return None
        return self.flows.rates[note.coupon.source][:, self.first :]

    def fractions(self, i: int) -> np.ndarray:
        """Accrual fractions (J,) of a note, of the running period what is left of it."""
        note = self.notes[i]
        assert note is not None
        fractions = self.flows.plan.accruals[note.name][self.first :].copy()
        if len(fractions):
            fractions[0] -= self.elapsed(i)
        return fractions

    @cached_property
    def following(self) -> np.ndarray:
        """How interest follows rates (N, S, J): G_j such that dF_j = G_j x (move of r_j t_j - r_j-1 t_j-1), r zero rates.

        G_j = B_j-1 c (1 + L_j a_j), c the coupon's multiple of the index: the simple forward over a_j moves by
        (1 + L a) / a of the log discount factor's. For periods of a floating-rate note that begin on or after the
        valuation date, pay their interest in full, and are at neither cap nor floor nor 0; 0 for all else.
        """
        found = np.zeros(self.cash.shape)
        plan, first = self.flows.plan, self.first
        for i, note in enumerate(self.notes):
            index = self.index_rates(i)
            if note is None or index is None or not isinstance(note.coupon, Floating):
                continue
            rates = note.coupon.multiple * index + note.coupon.ladder(plan)[first:]
            low, high = max(note.coupon.floor or 0.0, 0.0), np.inf if note.coupon.cap is None else note.coupon.cap
            free = (rates > low) & (rates < high)
            paid = self.flows.shortfall[note.name][:, first:] <= 1e-9 * note.notional
            ahead = np.array([begins >= self.valuation for begins in plan.schedule.payment[first:-1]])
            balance = np.concatenate([self.balance[i][:, None], self.flows.balance[note.name][:, first:-1]], axis=1)
            moves = note.coupon.multiple * (1.0 + index * plan.accruals[note.name][first:])
            found[i] = balance * moves * (free & paid & ahead)
        return found

    # Told beside prices, never added to them ----------------------------------------------------------------------------

    @cached_property
    def wal(self) -> np.ndarray:
        """sum(principal x years) / sum(principal) (N, S), Actual/365F; NaN where no principal is paid."""
        principal = np.stack([self.flows.principal[name][:, self.first :] for name in self.names])
        return quotient((principal * self.times).sum(axis=2), principal.sum(axis=2))

    @cached_property
    def realised_loss(self) -> np.ndarray:
        """Written down after the valuation date, net + of notes the balance unpaid after the last date (N, S)."""
        lost = np.stack([self.flows.written_down[name][:, self.first :].sum(axis=1) for name in self.names])
        owed = [
            self.flows.balance[name][:, -1] * (note is not None)
            for name, note in zip(self.names, self.notes, strict=True)
        ]
        return lost + np.stack(owed)


def row_of(flows: Cashflows, scenario: Any) -> int:
    """The row of a scenario by name, number or itself; where none is said, that of "base", else the first."""
    names: Sequence[Any] = flows.receipts.scenarios
    if scenario is None:
        return list(names).index("base") if "base" in names else 0
    name = getattr(scenario, "name", scenario)
    refuse_unknown("scenario", name, names)
    return names.index(name)


@functools.lru_cache(maxsize=256)
def stepwise(
    day_count: str,
    roll: Roll,
    start: datetime.date,
    dates: tuple[datetime.date, ...],
    accrual_starts: tuple[datetime.date, ...],
) -> np.ndarray:
    """Years from `start` to each date (J,), summed period by period as `ql.CashFlows` does for coupons.

    Each step runs from the date before to this one; where that is not where the coupon's accrual began, it is what
    accrues to this date less what had accrued before: day counts such as 30/360 do not add up otherwise.
    """
    steps, before = [], start
    for date, begins in zip(dates, accrual_starts, strict=True):
        step = year_fraction(day_count, begins, date, roll=roll)
        if before != begins:
            step -= year_fraction(day_count, begins, before, roll=roll, until=date)
        steps.append(step)
        before = date
    times = np.cumsum(np.array(steps))
    times.setflags(write=False)
    return times
