"""The plan: a deal's terms on its payment dates, with every curve worked out, ready to be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from waterfalls.checks import DEFAULT_REGIME, expenses_paid, faults_between
from waterfalls.clauses.call import Call, Premium
from waterfalls.clauses.pay import Pay
from waterfalls.clauses.waterfall import Said, Waterfall
from waterfalls.clock.conventions import usual_day_count
from waterfalls.clock.schedule import Schedule, years_from
from waterfalls.errors import Fault, InvalidTerms, UnknownName, refuse
from waterfalls.fields import EXPENSES, UNKNOWN
from waterfalls.language.conditions import AtOnce, Event
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.forward import CashAhead, ValueAhead
from waterfalls.language.machine import Key
from waterfalls.language.memory import Average, Cumulative, Kept
from waterfalls.language.numbers import Receipt
from waterfalls.language.ratios import Ratio
from waterfalls.language.vocabulary import Node, nodes_in
from waterfalls.receipts import Receipts
from waterfalls.terms.accounts import Account
from waterfalls.terms.coupons import Fixed, Floating
from waterfalls.terms.facilities import Facility
from waterfalls.terms.fees import Fee
from waterfalls.terms.hedges import Cap, Swap
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.replacements import Replacement
from waterfalls.terms.too_early import accrual_is_read
from waterfalls.terms.tranches import Equity, Note
from waterfalls.terms.triggers import Trigger

MOST_TIMES = 1e6  # of what the tranches come to: cash of a date beyond it leaves the laws no room but rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """The liabilities of a deal on its dates; every curve in it is (T,)."""

    name: str
    currency: str
    schedule: Schedule
    tranches: dict[str, Note | Equity]
    fees: dict[str, Fee]
    accounts: dict[str, Account]
    triggers: dict[str, Trigger]
    facilities: dict[str, Facility]
    hedges: dict[str, Swap | Cap]
    ledgers: dict[str, Ledger]
    replacements: dict[str, Replacement]
    definitions: dict[str, Number]
    waterfalls: dict[str, Waterfall]
    regimes: dict[str, Condition]

    @property
    def notional(self) -> float:
        """What the tranches come to, by which the size of all amounts is judged."""
        return sum(tranche.notional for tranche in self.tranches.values()) or 1.0

    @cached_property
    def notes_by_name(self) -> dict[str, Note]:
        return {name: tranche for name, tranche in self.tranches.items() if isinstance(tranche, Note)}

    @cached_property
    def parts(self) -> tuple[Replacement | Account | Swap | Cap | Note | Equity | Facility | Fee | Ledger, ...]:
        """Everything with symbols, in the order in which it settles: cash first, then what falls due.

        Fees before tranches, because sculpted principal counts what is left of the cash after senior fees.
        """
        return (
            *self.replacements.values(),
            *self.accounts.values(),
            *self.hedges.values(),
            *self.fees.values(),
            *self.tranches.values(),
            *self.facilities.values(),
            *self.ledgers.values(),
        )

    @cached_property
    def accrue_first(self) -> dict[str, Note]:
        """The notes whose interest accrues before fees and other notes fall due, because these read it."""
        notes = self.notes_by_name
        return notes if accrual_is_read(self.fees.values(), notes.values(), self.within) else {}

    @cached_property
    def lapsing(self) -> tuple[Key, ...]:
        """The debts that lapse where a date leaves them unpaid."""
        return tuple(key for key in self.opening if ("lapsed", *key[1:]) in self.flows)

    @cached_property
    def ladders(self) -> dict[int, np.ndarray]:
        """The fixed parts of coupons, filled by `coupons.ladder`."""
        return {}

    @cached_property
    def expenses(self) -> tuple[str, ...]:
        return expenses_paid(self.waterfalls)

    @cached_property
    def day_counts(self) -> dict[str, str]:
        """How each note, fee, facility, hedge, replacement and account counts days."""
        counts = {name: note.day_count_in(self.currency) for name, note in self.notes_by_name.items()}
        others = self.fees | self.facilities | self.hedges | self.replacements | self.accounts
        return counts | {name: self.counted_by(term) for name, term in others.items()}

    def counted_by(self, term: Fee | Facility | Swap | Cap | Replacement | Account) -> str:
        """The day count a term says, or what is usual: assets at a fixed rate count 30/360, all else as money does."""
        fixed = isinstance(term, Replacement) and isinstance(term.coupon, Fixed)
        return term.day_count or usual_day_count(self.currency, fixed=fixed)

    @cached_property
    def accruals(self) -> dict[str, np.ndarray]:
        """The fraction of a year each date accrues for, by note, fee and account."""
        ends = {name: note.maturity for name, note in self.notes_by_name.items()}
        counts = {name: (count, ends.get(name)) for name, count in self.day_counts.items()}
        by_count = {count: self.schedule.accruals(*count) for count in set(counts.values())}
        return {name: by_count[count] for name, count in counts.items()}

    @cached_property
    def instalments(self) -> dict[str, np.ndarray]:
        """What the schedule of each note's principal goes by."""
        return {name: note.instalments(self.schedule) for name, note in self.notes_by_name.items()}

    @cached_property
    def finals(self) -> dict[str, np.ndarray]:
        """1.0 from each note's legal final on; the last date is every note's."""
        schedule, last = self.schedule, self.schedule.periods - 1
        return {
            name: schedule.flags_from_index(last if note.maturity is None else min(schedule.at(note.maturity), last))
            for name, note in self.notes_by_name.items()
        }

    @cached_property
    def anticipated(self) -> dict[str, np.ndarray]:
        """1.0 for accrual periods that begin on or after a note's anticipated repayment date."""
        begins = self.schedule.unadjusted[:-1]
        return {
            name: np.array([float(day >= note.anticipated_repayment) for day in begins])
            for name, note in self.notes_by_name.items()
            if note.anticipated_repayment is not None
        }

    @cached_property
    def available(self) -> dict[str, np.ndarray]:
        """1.0 while a note may be drawn: on payment dates up to `available_until`."""
        return {
            name: np.array([float(day <= note.available_until) for day in self.schedule.unadjusted[1:]])
            for name, note in self.notes_by_name.items()
            if note.available_until is not None
        }

    @cached_property
    def senior_fees(self) -> tuple[str, ...]:
        """The fees that the first regime's waterfall pays before the first interest."""
        found: list[str] = []
        for clause in next(iter(self.waterfalls.values())).clauses:
            if isinstance(clause, Pay):
                fees, interest = clause.fees_first()
                found += fees
                if interest:
                    break
        return tuple(dict.fromkeys(found))

    def down_to(self, name: str) -> tuple[str, ...]:
        """The notes from the most senior down to and including `name`."""
        names = list(self.notes_by_name)
        return tuple(names[: names.index(name) + 1])

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every clause and expression of the plan, once."""
        roots: list[Node] = [clause for waterfall in self.waterfalls.values() for clause in waterfall.clauses]
        roots += [test for trigger in self.triggers.values() for test in trigger.tests] + list(self.regimes.values())
        roots += [*self.definitions.values(), *(node for part in self.parts for _, node in nodes_in(part))]
        return tuple(dict.fromkeys(node for root in roots for node in root.walk()))

    def within(self, root: Node) -> Iterator[Node]:
        """Every node of an expression or a clause, and of the definitions it reads, each of which is read once."""
        roots, read = [root], set[str]()
        while roots:
            for node in roots.pop().walk():
                yield node
                if isinstance(node, Defined) and node.name not in read:
                    read.add(node.name)
                    roots.append(self.definitions[node.name])

    @cached_property
    def histories(self) -> dict[str, int]:
        """How many earlier periods each trigger looks back at: before that no date counts as a cure."""
        return {
            name: max(getattr(node, "trailing", 1) for test in trigger.tests for node in self.within(test)) - 1
            for name, trigger in self.triggers.items()
        }

    @cached_property
    def reads_start(self) -> bool:
        """Whether anything reads the state as of determination."""
        return any(node.reads_start for node in self.nodes)

    @cached_property
    def immediate(self) -> dict[str, Condition]:
        """The regimes that begin at the date at which their condition holds."""
        return {name: condition for name, condition in self.regimes.items() if isinstance(condition, AtOnce)}

    def later(self, regime: str) -> list[str]:
        """The regimes declared after one, which win over it."""
        names = list(self.waterfalls)
        return names[names.index(regime) + 1 :]

    @cached_property
    def sells(self) -> bool:
        """Whether a clause may sell the collateral."""
        return any(isinstance(node, Call) for node in self.nodes)

    @cached_property
    def counted(self) -> dict[str, tuple[Key, ...]]:
        """The symbols of replacement collateral that count towards each receipt."""
        found: dict[str, tuple[Key, ...]] = {}
        for name in self.replacements:
            for field, key in Replacement.counted(name).items():
                found[field] = (*found.get(field, ()), key)
        return found

    @cached_property
    def remembered(self) -> tuple[tuple[str, str, int, Number], ...]:
        """What trailing ratios and averages remember: (text, side, periods, number)."""
        found: dict[tuple[str, str], tuple[int, Number]] = {}
        for node in self.nodes:
            if isinstance(node, (Ratio, Average)) and node.trailing > 1:
                for side, part in node.remembers(self):
                    found[str(node), side] = (node.trailing, part)
        return tuple((text, side, *value) for (text, side), value in found.items())

    @cached_property
    def ahead(self) -> tuple[CashAhead | ValueAhead, ...]:
        """What forward ratios read of the contracts."""
        sides = (side for node in self.nodes if isinstance(node, Ratio) for side in node.terms(self))
        return tuple(side for side in sides if isinstance(side, (CashAhead, ValueAhead)))

    @cached_property
    def coupons(self) -> tuple[tuple[Fixed | Floating | float | None, str], ...]:
        """Every coupon with its day count: of notes and their arrears, legs of hedges, accounts, facilities and replacement collateral."""
        legs = [(leg, self.counted_by(hedge)) for hedge in self.hedges.values() for leg in (hedge.pay, hedge.receive)]
        others = (*self.facilities.values(), *self.replacements.values())
        notes = self.notes_by_name.values()
        return (
            *((note.coupon, note.day_count_in(self.currency)) for note in notes),
            *((note.interest_on_arrears, note.day_count_in(self.currency)) for note in notes),
            *legs,
            *((account.rate, self.counted_by(account)) for account in self.accounts.values()),
            *((term.coupon, self.counted_by(term)) for term in others),
        )

    @cached_property
    def reads(self) -> dict[tuple[str, str], Node]:
        """The events and receipts that the terms read: by kind and name, what reads them."""
        found: dict[tuple[str, str], Node] = {}
        for node in self.nodes:
            if isinstance(node, Event):
                found.setdefault(("event", node.name), node)
            sides = node.terms(self) if isinstance(node, Ratio) else ()
            for part in (node, *(part for side in sides for part in side.walk())):
                if isinstance(part, (Receipt, Cumulative)):
                    found.setdefault(("receipt", part.name), node)
        return found

    @cached_property
    def years(self) -> np.ndarray:
        """Years (T,) from the last payment date before the run to each of its dates, Actual/365F."""
        return np.asarray(years_from(self.schedule.payment[0], self.schedule.dates), np.float64)

    @cached_property
    def kept(self) -> tuple[Kept, ...]:
        """The numbers that carry a memory of their own from date to date."""
        return tuple(node for node in self.nodes if isinstance(node, Kept))

    @cached_property
    def opening(self) -> dict[Key, float]:
        """Every symbol that lives on from date to date, with its value at the start."""
        symbols: dict[Key, float] = {("cash",): 0.0, ("event of default",): 0.0}
        for part in self.parts:
            symbols |= part.opening()
        symbols |= {("called",): 0.0, ("live",): 1.0} if self.sells else {}
        symbols |= {("owed", "expense", name): 0.0 for name in self.expenses}
        for name, trigger in self.triggers.items():
            symbols |= {("trigger", name): float(trigger.on), ("passes", name): 0.0}
        symbols |= {(of, name): float(i == 0) for of in ("regime", "chosen") for i, name in enumerate(self.waterfalls)}
        for text, side, depth, _ in self.remembered:
            symbols |= {("past", text, side, str(lag)): 0.0 for lag in range(1, depth)}
        return symbols | {node.key: node.first(self) for node in self.kept}

    @cached_property
    def flows(self) -> tuple[Key, ...]:
        """Every symbol that starts each date at 0."""
        keys: list[Key] = []
        for part in self.parts:
            keys += part.flows()
        keys += [(law, "expense", name) for name in self.expenses for law in ("accrued", "paid")]
        keys += [("proceeds",)] if self.sells else []
        keys += dict.fromkeys(("premium", node.name) for node in self.nodes if isinstance(node, Premium))
        return tuple(keys)

    @cached_property
    def outputs(self) -> tuple[Key, ...]:
        """The symbols that are kept for every scenario and date."""
        hidden = ("chosen", "passes", "past", "kept", "unpaid dates")
        kept = (key for key in self.opening if key[0] not in hidden)
        return (*kept, *self.flows)


def resolve(
    name: str,
    currency: str,
    schedule: Schedule,
    *,
    tranches: Sequence[Note | Equity],
    fees: Sequence[Fee] = (),
    accounts: Sequence[Account] = (),
    triggers: Sequence[Trigger] = (),
    facilities: Sequence[Facility] = (),
    hedges: Sequence[Swap | Cap] = (),
    ledgers: Sequence[Ledger] = (),
    replacements: Sequence[Replacement] = (),
    definitions: Mapping[str, Number] | None = None,
    waterfall: Said | Mapping[str, Said],
    regimes: Mapping[str, Condition] | None = None,
) -> Plan:
    """The plan of liabilities on a schedule; refuses what can be known to be wrong."""
    said_by = waterfall if isinstance(waterfall, Mapping) else {DEFAULT_REGIME: waterfall}
    waterfalls = {regime: Waterfall.of(each) for regime, each in said_by.items()}
    parts = {"tranches": tranches, "fees": fees, "accounts": accounts, "triggers": triggers}
    parts |= {"facilities": facilities, "hedges": hedges, "ledgers": ledgers, "replacements": replacements}
    said = {"definitions": dict(definitions or {}), "regimes": dict(regimes or {})}
    found = list(faults_between({**parts, **said, "waterfall": waterfalls}))
    refuse(found)
    named = {kind: {term.name: term for term in terms} for kind, terms in parts.items()}  # type: ignore[attr-defined]
    return Plan(name, currency, schedule, **named, **said, waterfalls=waterfalls)  # type: ignore[arg-type]


def is_reported(name: str, plan: Plan, receipts: Receipts) -> bool:
    """Whether a receipt can be read: cash, costs and defaults that are not reported are none, a balance is not known.

    Replacement collateral has a balance of its own; its par alone is no value of the collateral.
    """
    return name in receipts.fields or name not in UNKNOWN or (name in plan.counted and name != "value")


def inputs_of(plan: Plan, receipts: Receipts, rates: Mapping[str, np.ndarray]) -> dict[Key, np.ndarray]:
    """What arrives from outside, by symbol: arrays (S, T), or (1, T) where every scenario is alike.

    Costs that nothing pays and claims that nothing reports are refused, and so is an event that nothing brings.
    """
    if len(receipts.dates) != plan.schedule.periods:
        raise InvalidTerms(f"Receipts have {len(receipts.dates)} periods, the schedule {plan.schedule.periods}")
    if receipts.dates != plan.schedule.ends:
        for given, end in ((a, b) for a, b in zip(receipts.dates, plan.schedule.ends, strict=True) if a != b):
            raise InvalidTerms(f"Receipts.dates has {given} where a collection period ends on {end}: they go by date")
    for expense in plan.expenses:
        if EXPENSES[expense] not in receipts.fields:
            said = f"pays expense({expense!r}) but the collateral reports no {EXPENSES[expense]}: its revenue is net already, "
            raise InvalidTerms(Fault("waterfall", f"{said}so the cost would count twice"))
    for expense, field in EXPENSES.items():
        if expense not in plan.expenses and field in receipts.fields and receipts[field].any():
            said = f"the collateral reports {field} but nothing pays it: add pay(expense({expense!r}))"
            raise InvalidTerms(Fault("waterfall", said))
    for (kind, name), node in plan.reads.items():
        if kind == "event" and name not in receipts.events:
            raise UnknownName("event", name, receipts.events)
        if kind == "receipt" and not is_reported(name, plan, receipts):
            raise InvalidTerms(f"'{node}' reads {name}, which the collateral does not report, or not all of it")
    inputs: dict[Key, np.ndarray] = {("receipt", name): array for name, array in receipts.fields.items()}
    inputs |= {("event", name): array for name, array in receipts.events.items()}
    inputs |= {("rate", name): array for name, array in rates.items()}
    for number in plan.ahead:
        if "contracted" not in receipts.fields:
            raise InvalidTerms("forward coverage reads contracted cash, which the collateral does not report")
        inputs[number.key()] = number.input(plan, receipts.fields["contracted"])
    inputs["receipt", "cash"] = receipts.cash
    refuse_other_units(plan, receipts)
    return inputs


def refuse_other_units(plan: Plan, receipts: Receipts) -> None:
    """Refuses collateral that pays far more than the tranches come to, so much that what they are paid is rounding."""
    cash, notional = receipts.cash, plan.notional
    if cash.max(initial=0.0) > MOST_TIMES * notional:
        s, t = np.unravel_index(np.argmax(cash), cash.shape)
        raise InvalidTerms(
            f"the collateral of {plan.name!r} pays {cash[s, t]:,.0f} on {receipts.dates[t]} in scenario "
            f"{receipts.scenarios[s]!r}, and all tranches come to {notional:,.0f}: one of them is in other units"
        )
