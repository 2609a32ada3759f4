"""Ratios: what the collateral brings over what the notes are owed, of the period or trailing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Container, Iterable
from typing import ClassVar

from waterfalls.errors import InvalidTerms, shown
from waterfalls.language.expressions import Number, bounded
from waterfalls.language.formulas import at_start
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.numbers import balance, receipt, reported, some
from waterfalls.language.vocabulary import listed, named, quoted, word

MOST_PERIODS = 1_200
Signed = tuple[tuple[float, tuple[str, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Flow(Number):
    """A signed sum of symbols and inputs: the plumbing of ratios."""

    items: Signed

    def settle(self, m: Machine) -> Value:
        total = 0.0
        for sign, key in self.items:
            value = reported(m, *key) if key[0] == "receipt" else m[key]
            total = total + value if sign > 0 else total - value
        return total


def cash_for_debt_service(plan: Contract) -> Signed:
    """Revenue and interest less operating cost and senior fees, of the period."""
    cash_in = ((1.0, ("receipt", "revenue")), (1.0, ("receipt", "interest")), (-1.0, ("receipt", "operating_cost")))
    return cash_in + tuple((-1.0, ("accrued", "fee", fee)) for fee in plan.senior_fees)


def interest_of(plan: Contract, names: Iterable[str]) -> Signed:
    """Interest of the period that falls due on notes: what is added to a balance does not."""
    found: list[tuple[float, tuple[str, ...]]] = []
    for name in names:
        found.append((1.0, ("accrued", "interest", name)))
        if plan.notes_by_name[name].capitalises is not None:
            found.append((-1.0, ("capitalised", name)))
    return tuple(found)


def debt_of(plan: Contract, names: Iterable[str]) -> Signed:
    """Interest and scheduled principal falling due on notes, note by note, of the period."""
    return tuple(item for name in names for item in (*interest_of(plan, [name]), (1.0, ("accrued", "scheduled", name))))


def service_of(plan: Contract, names: Iterable[str]) -> Signed:
    """Interest and scheduled principal falling due on notes, and what hedges cost net, of the period."""
    hedges = tuple(
        item for name in plan.hedges for item in ((1.0, ("accrued", "hedge", name)), (-1.0, ("received", name)))
    )
    return debt_of(plan, names) + hedges


@dataclasses.dataclass(frozen=True)
class DebtService(Number):
    """Interest and scheduled principal of the period: the sum of a note's two accruals, note by note."""

    needs_what: ClassVar[str] = "note"
    names: tuple[str, ...]

    def settle(self, m: Machine) -> Value:
        return Flow(debt_of(m.plan, self.names)).settle(m)

    def words(self) -> str:
        return f"the debt service of the period on {listed(list(self.names))}"

    def __str__(self) -> str:
        return f"debt_service({quoted(*self.names)})"


@word
def debt_service(*names: str) -> Number:
    """Interest and scheduled principal of the period on notes, arrears apart."""
    return DebtService(some("note", names))


class Ratio(Number):
    """top / bottom, over the last `trailing` periods in sum; infinite when nothing is owed, so that no debt passes.

    A trailing ratio is not tested before it has its periods: until then it is infinite too, so that it fails no test,
    and a trigger that reads it counts no date as a cure.
    """

    needs_what: ClassVar[str] = "note"
    trailing: int

    def infinite(self, endless: Container[str] = ()) -> bool:
        return True

    def terms(self, plan: Contract) -> tuple[Number, Number]:
        """The two numbers divided."""
        raise NotImplementedError

    def remembers(self, plan: Contract) -> tuple[tuple[str, Number], ...]:
        """What is kept from date to date."""
        return tuple(zip(("top", "bottom"), self.terms(plan), strict=True))

    def settle(self, m: Machine) -> Value:
        top, bottom = (side.settle(m) for side in self.terms(m.plan))
        for lag in range(1, self.trailing):
            top = top + m["past", str(self), "top", str(lag)]
            bottom = bottom + m["past", str(self), "bottom", str(lag)]
        tested = m.gt(bottom, 0.0)
        if self.trailing > 1:
            tested = m.both(tested, m.curve(m.plan.schedule.flags_from_index(self.trailing - 1)))
        return m.label(m.select(tested, m.ratio(top, bottom, math.inf), math.inf), "ratio", self)

    def words_of(self, what: str) -> str:
        return what + (f" over the last {self.trailing} periods" if self.trailing > 1 else "")


@dataclasses.dataclass(frozen=True)
class Dscr(Ratio):
    """(revenue + interest - operating cost - senior fees) / (interest + scheduled principal due, net of hedges).

    Of the period: arrears, sweeps, the balloon at legal final and releases of reserves do not count. Senior fees are
    those that the waterfall pays before the first interest.
    """

    names: tuple[str, ...]
    trailing: int = 1

    def terms(self, plan: Contract) -> tuple[Number, Number]:
        return Flow(cash_for_debt_service(plan)), Flow(service_of(plan, self.names or plan.notes_by_name))

    def words(self) -> str:
        return self.words_of(
            f"the debt service coverage of {listed(list(self.names))}" if self.names else "the debt service coverage"
        )

    def __str__(self) -> str:
        return f"dscr({quoted(*self.names, trailing=self.trailing if self.trailing > 1 else None)})"


@word
def dscr(*names: str, trailing: int = 1) -> Number:
    """Debt service coverage of the named notes (all notes when none is named), over the last `trailing` periods."""
    return Dscr(tuple(named("note", name) for name in names), periods(trailing))


@dataclasses.dataclass(frozen=True)
class Coverage(Ratio):
    """A stock or a flow of the collateral over what the notes down to and including the named one are owed."""

    word: str
    name: str
    trailing: int = 1
    of: Number | None = None  # what stands over the notes instead of the performing balance, or the cash

    def terms(self, plan: Contract) -> tuple[Number, Number]:
        notes = plan.down_to(self.name)
        if self.word == "oc_ratio":
            return receipt("pool_balance") if self.of is None else self.of, balance(*notes)
        if self.word == "ltv":
            return balance(*notes), receipt("value")
        cash = Flow(cash_for_debt_service(plan)) if self.of is None else self.of
        return cash, Flow(interest_of(plan, notes))

    @property
    def reads_start(self) -> bool:  # type: ignore[override]
        return self.of is not None and self.trailing > 1

    def remembers(self, plan: Contract) -> tuple[tuple[str, Number], ...]:
        """What is kept from date to date: `of` as of determination, when it was tested; clauses may change it later."""
        top, bottom = self.terms(plan)
        return (("top", top if self.of is None else at_start(top)), ("bottom", bottom))

    def words(self) -> str:
        said = {
            "oc_ratio": "the overcollateralisation",
            "ic_ratio": "the interest coverage",
            "ltv": "the loan to value",
        }
        over = f", counting {self.of.words()}" if self.of is not None else ""
        return self.words_of(f"{said[self.word]} of {self.name}{over}")

    def __str__(self) -> str:
        over = f", of={self.of}" if self.of is not None else ""
        return f"{self.word}({quoted(self.name, trailing=self.trailing if self.trailing > 1 else None)}{over})"


@word
def oc_ratio(name: str, *, of: Number | None = None) -> Number:
    """Performing pool balance, or `of`, over the balance of the notes down to and including the named one."""
    return Coverage("oc_ratio", named("note", name), of=None if of is None else bounded(of))


@word
def ic_ratio(name: str, *, trailing: int = 1, of: Number | None = None) -> Number:
    """Cash for debt service, or `of`, over the interest of the period on the notes down to and including the named one.

    That cash is net of operating cost and senior fees; where the documents count it before fees: `of=interest_collections()`.
    """
    return Coverage("ic_ratio", named("note", name), periods(trailing), None if of is None else bounded(of))


@word
def ltv(name: str) -> Number:
    """Balance of the notes down to and including the named one over the collateral's value."""
    return Coverage("ltv", named("note", name))


def periods(count: int, what: str = "trailing") -> int:
    """A whole number of periods: at least 1, at most a hundred years of months."""
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_PERIODS:
        raise InvalidTerms(f"{what} must be a whole number of periods, from 1 to {MOST_PERIODS}, got {shown(count)}")
    return count
