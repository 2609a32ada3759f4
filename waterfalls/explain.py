"""explain: one payment date of one scenario, clause by clause. It is a run of floats with a journal."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from waterfalls.arguments import one_date, takes
from waterfalls.clauses.claims import Debt, Principal
from waterfalls.clauses.debit import Credit
from waterfalls.clauses.pay import Pay
from waterfalls.clauses.waterfall import Clause
from waterfalls.engines.floats import Floats
from waterfalls.engines.one_date import settle_date
from waterfalls.errors import InvalidTerms, refuse_unknown
from waterfalls.fields import CASH
from waterfalls.language.expressions import Comparison, Condition
from waterfalls.language.machine import Key
from waterfalls.language.numbers import reported
from waterfalls.language.ratios import Ratio
from waterfalls.plan import Plan, inputs_of, is_reported
from waterfalls.receipts import Receipts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Step:
    """One clause as it was settled: whether it applied and why, what was owed, paid and drawn, and what cash it left."""

    clause: str
    words: str
    applied: bool
    readings: tuple[str, ...]
    owed: float | None  # of debts and balances; an allocation is owed nothing
    moved: dict[str, float]
    sources: dict[str, float]
    cash: float


@dataclasses.dataclass(frozen=True)
class Explanation:
    """A payment date: what was collected, how each trigger stood and what it read, then every clause.

    `collected` is cash by receipt; `reported` is what the collateral tells beside it: costs that fall due, balances, value.
    `ratios` are those that the deal's documents name, at determination.
    """

    deal: str
    scenario: Any
    date: datetime.date
    regime: str
    collected: dict[str, float]
    reported: dict[str, float]
    ratios: dict[str, float]
    triggers: tuple[str, ...]
    steps: tuple[Step, ...]
    lapsed: Mapping[str, float] = dataclasses.field(default_factory=dict)  # unpaid, and owed by nobody now

    def frame(self) -> pd.DataFrame:
        """One row per clause and payment: clause, applied, owed, item, amount, cash left."""
        import pandas as pd

        rows = []
        for number, step in enumerate(self.steps, 1):
            for item, amount in (step.moved or {"": 0.0}).items():
                row = {"number": number, "clause": step.clause, "applied": step.applied, "owed": step.owed}
                rows.append(row | {"item": item, "amount": amount, "cash_left": step.cash})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        lines = [f"{self.deal}, {self.date.day} {self.date:%B %Y}, scenario {self.scenario!r}, regime {self.regime!r}"]
        for what, fields in (("collected", self.collected), ("reported", self.reported)):
            lines += [f"  {what:<11}{name.replace('_', ' '):<24}{amount:>20,.2f}" for name, amount in fields.items()]
        lines += [f"  trigger    {text}" for text in self.triggers]
        for number, step in enumerate(self.steps, 1):
            lines.append(f"({number}) {step.words}" + ("" if step.applied else "   [does not apply]"))
            lines += [f"      reads      {reading}" for reading in step.readings]
            if step.applied and step.owed:
                lines.append(f"      owed       {step.owed:>20,.2f}")
            lines += [f"      {item:<34}{amount:>16,.2f}" for item, amount in step.moved.items() if amount]
            lines += [f"      drawn on {name:<25}{amount:>16,.2f}" for name, amount in step.sources.items() if amount]
            lines.append(f"      cash left  {step.cash:>20,.2f}")
        lines += [f"  lapsed     {item:<24}{amount:>20,.2f}" for item, amount in self.lapsed.items() if amount]
        return "\n".join(lines)


MOVED = {  # symbols whose change a reader wants to see, and how it is said
    "paid": "{1} of {2}",
    "principal": "principal of {1}",
    "residual": "remainder to {1}",
    "premium": "premium on {1}",
    "spent": "purchase of {1}",
    "proceeds": "proceeds of the collateral",
    "debited": "to the debit of {1}",
    "credited": "to the credit of {1}",
    "deposited": "into {1}",
    "drawn": "drawn on {1}",
    "written down": "written down {1}",
    "written up": "written up {1}",
}
SOURCES = {"withdrawn": "{1}", "lent": "{1}"}


class Journal(Floats):
    """A machine of floats that writes down how it stood before each clause of the date, and after the last."""

    def __init__(self, plan: Plan, inputs: Mapping[Key, np.ndarray], s: int) -> None:
        super().__init__(plan, inputs, s)
        self.stood: list[tuple[Clause | None, Floats]] = []
        self.open = True

    def heading(self, part: object) -> None:
        if self.open and (isinstance(part, Clause) or self.stood):
            self.stood.append((part if isinstance(part, Clause) else None, self.copy()))

    def settle(self, t: int, open: bool = True) -> Journal:
        """One date settled, the dates before it having been; written down if it is `open`."""
        self.t, self.open = t, open
        self.stood.clear()
        settle_date(self, self.plan)
        return self

    @property
    def determination(self) -> Floats:
        """How the machine stood when the triggers had been tested and nothing was paid."""
        return self.stood[0][1]


class Run(Protocol):
    """What can be explained: a plan, what arrived and the rates, as `Cashflows` hold them."""

    plan: Plan
    receipts: Receipts
    rates: Mapping[str, np.ndarray]


@takes(date=one_date)
def explain(flows: Run, scenario: Any, date: datetime.date) -> Explanation:
    """How one payment date was settled in one scenario, by running floats up to it with a journal.

    The date may be the payment date or the day of the schedule from which a holiday moved it.
    """
    last, journal = payment_on(flows.plan, date), journal_of(flows, scenario)
    for t in range(last):
        journal.settle(t, open=False)
    return explained(flows, journal.settle(last))


def every(flows: Run, scenario: Any) -> Iterator[Explanation]:
    """Every payment date of one scenario, explained in one run."""
    journal = journal_of(flows, scenario)
    return (explained(flows, journal.settle(t)) for t in range(flows.plan.schedule.periods))


def determinations(flows: Run, scenario: Any) -> Iterator[Floats]:
    """The state of one scenario at each determination: what the triggers read."""
    journal = journal_of(flows, scenario)
    return (journal.settle(t).determination for t in range(flows.plan.schedule.periods))


def journal_of(flows: Run, scenario: Any) -> Journal:
    """A journal before the first date of a scenario."""
    names = list(flows.receipts.scenarios)
    refuse_unknown("scenario", scenario, names)
    return Journal(flows.plan, inputs_of(flows.plan, flows.receipts, flows.rates), names.index(scenario))


def payment_on(plan: Plan, date: datetime.date) -> int:
    """The index of a payment date, or of the day of the schedule that a holiday moved."""
    dates, planned = plan.schedule.dates, plan.schedule.unadjusted[1:]
    for days in (dates, planned):
        if date in days:
            return days.index(date)
    near = min(dates, key=lambda day: abs(day - date))
    told = f"there is no payment date {date}. The nearest is {near}"
    raise InvalidTerms(f"{told}; they run from {dates[0]} to {dates[-1]}")


def explained(flows: Run, journal: Journal) -> Explanation:
    """What a journal of one date says."""
    plan, m, t = flows.plan, journal.determination, journal.t
    tests = []
    lapsed = {f"{key[1]} of {key[2]}": journal["lapsed", *key[1:]] for key in plan.lapsing}
    for name, trigger in plan.triggers.items():
        told = reading(trigger.test, m) if t >= plan.histories[name] else f"{trigger.test}: not tested yet"
        told += "" if trigger.cured_by is None else f"; cured by {reading(trigger.cured_by, m)}"
        tests.append(f"{name} is {'on' if m['trigger', name] > 0.0 else 'off'}; {told}")
    ratios = {str(node): node.settle(m) for node in plan.nodes if isinstance(node, Ratio)}
    steps = [
        step_of(clause, before, after)
        for (clause, before), (_, after) in itertools.pairwise(journal.stood)
        if clause is not None
    ]
    names = [
        name
        for name in dict.fromkeys((*flows.receipts.fields, *plan.counted))
        if is_reported(name, plan, flows.receipts)
    ]
    fields = {name: reported(journal, "receipt", name) for name in names}
    cash = {name: fields[name] for name in CASH if name in fields}
    told = {name: amount for name, amount in fields.items() if name not in cash}
    regime = next(name for name in plan.waterfalls if m["regime", name] > 0.0)
    scenario, date = flows.receipts.scenarios[journal.s], plan.schedule.dates[t]
    return Explanation(plan.name, scenario, date, regime, cash, told, ratios, tuple(tests), tuple(steps), lapsed)


def step_of(clause: Clause, before: Floats, after: Floats) -> Step:
    """What a clause changed between two states, and what its conditions and caps read before it."""
    readings = [reading(condition, before) for condition in clause.conditions]
    readings += [f"{cap} = {cap.settle(before):,.2f}" for cap in clause.caps]
    applied = all(condition.settle(before) for condition in clause.conditions)
    owed = None
    if isinstance(clause, Pay) and all(isinstance(claim, (Debt, Principal, Credit)) for claim in clause.each):
        owed = sum(claim.due(before) for claim in clause.each)
    changes = {key: value - before[key] for key, value in after.items() if value != before.get(key, 0.0)}
    seen = {key: change for key, change in changes.items() if key[0] in MOVED and key[:2] != ("paid", "scheduled")}
    moved = {MOVED[key[0]].format(*key): change for key, change in seen.items()}
    sources = {SOURCES[key[0]].format(*key): change for key, change in changes.items() if key[0] in SOURCES}
    return Step(str(clause), clause.words(), applied, tuple(readings), owed, moved, sources, after[("cash",)])


def reading(condition: Condition, m: Floats) -> str:
    """A condition with the numbers it compared: `dscr() < 1.35: 1.412, so no`."""
    values = [node.left.settle(m) for node in condition.walk() if isinstance(node, Comparison)]
    shown = ", ".join(f"{value:,.4g}" for value in values)
    return f"{condition}: {shown + ', so ' if shown else ''}{'yes' if condition.settle(m) else 'no'}"
