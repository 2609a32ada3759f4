"""explain: one payment date of one scenario, clause by clause. It is the reference run with a journal."""

from __future__ import annotations

import copy
import dataclasses
import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from waterfalls.claims import Debt, Principal
from waterfalls.clauses.clause import Clause
from waterfalls.clauses.debit import Credit
from waterfalls.clauses.pay import Pay
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.fields import CASH
from waterfalls.language import Comparison, Condition
from waterfalls.plan import Key, inputs_of
from waterfalls.ratios import Ratio
from waterfalls.reference import State, settle_date

if TYPE_CHECKING:
    import pandas as pd

    from waterfalls.cashflows import Cashflows


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


def explain(flows: Cashflows, scenario: Any, date: datetime.date) -> Explanation:
    """How one payment date was settled in one scenario, by running the reference engine up to it with a journal.

    The date may be the payment date or the day of the schedule from which a holiday moved it.
    """
    last = payment_on(flows, date)
    state = state_of(flows, scenario)
    for state.t in range(last):
        settle_date(state)
    return explained(flows, state, last)


def every(flows: Cashflows, scenario: Any) -> Iterator[Explanation]:
    """Every payment date of one scenario, explained in one run."""
    state = state_of(flows, scenario)
    for t in range(flows.periods):
        yield explained(flows, state, t)


def payment_on(flows: Cashflows, date: datetime.date) -> int:
    """The index of a payment date, or of the day of the schedule that a holiday moved."""
    if date in flows.dates:
        return flows.dates.index(date)
    planned = flows.plan.schedule.unadjusted[1:]
    if date in planned:
        return planned.index(date)
    near = min(flows.dates, key=lambda day: abs(day - date))
    told = f"there is no payment date {date}. The nearest is {near}"
    raise InvalidTerms(f"{told}; they run from {flows.dates[0]} to {flows.dates[-1]}")


def state_of(flows: Cashflows, scenario: Any) -> State:
    """The reference engine before the first date of a scenario."""
    names = list(flows.scenarios)
    if scenario not in names:
        raise UnknownName("scenario", scenario, names)
    return State(flows.plan, inputs_of(flows.plan, flows.receipts, flows.rates), names.index(scenario))


def explained(flows: Cashflows, state: State, t: int) -> Explanation:
    """One date settled with a journal, the state standing after the date before it."""
    plan = flows.plan
    state.t = t
    steps: list[Step] = []
    tests: list[str] = []
    regimes: list[str] = []
    ratios: dict[str, float] = {}

    def journal(clause: Clause, before: dict[Key, float], after: dict[Key, float]) -> None:
        probe = copy.copy(state)
        probe.symbols, probe.told = before, {}
        if not steps:  # nothing is paid yet: what the triggers read still stands
            regimes.extend(name for name in plan.waterfalls if before["regime", name] > 0.0)
            ratios.update({str(node): node.settle(probe) for node in plan.nodes if isinstance(node, Ratio)})
            for name, trigger in plan.triggers.items():
                stands = "on" if before["trigger", name] > 0.0 else "off"
                told = reading(trigger.test, probe) if t >= plan.histories[name] else f"{trigger.test}: not tested yet"
                told += "" if trigger.cured_by is None else f"; cured by {reading(trigger.cured_by, probe)}"
                tests.append(f"{name} is {stands}; {told}")
        steps.append(step_of(clause, probe, before, after))

    settle_date(state, journal)
    names = dict.fromkeys((*flows.receipts.fields, *plan.counted))
    fields = {name: state.input("receipt", name) for name in names}
    cash = {name: fields[name] for name in CASH if name in fields}
    told = {name: amount for name, amount in fields.items() if name not in cash}
    scenario = flows.receipts.scenarios[state.s]
    return Explanation(plan.name, scenario, flows.dates[t], regimes[0], cash, told, ratios, tuple(tests), tuple(steps))


def step_of(clause: Clause, probe: State, before: dict[Key, float], after: dict[Key, float]) -> Step:
    """What a clause changed between two states, and what its conditions and caps read before it."""
    readings = [reading(condition, probe) for condition in clause.conditions]
    readings += [f"{cap} = {cap.settle(probe):,.2f}" for cap in clause.caps]
    applied = all(condition.settle(probe) for condition in clause.conditions)
    owed = None
    if isinstance(clause, Pay) and all(isinstance(claim, (Debt, Principal, Credit)) for claim in clause.each):
        owed = sum(claim.due(probe) for claim in clause.each)
    changes = {key: after[key] - before[key] for key in after if after[key] != before.get(key, 0.0)}
    seen = {key: change for key, change in changes.items() if key[0] in MOVED and key[:2] != ("paid", "scheduled")}
    moved = {MOVED[key[0]].format(*key): change for key, change in seen.items()}
    sources = {SOURCES[key[0]].format(*key): change for key, change in changes.items() if key[0] in SOURCES}
    return Step(str(clause), clause.words(), applied, tuple(readings), owed, moved, sources, after[("cash",)])


def reading(condition: Condition, state: State) -> str:
    """A condition with the numbers it compared: `dscr() < 1.35: 1.412, so no`."""
    values = [node.left.settle(state) for node in condition.walk() if isinstance(node, Comparison)]
    shown = ", ".join(f"{value:,.4g}" for value in values)
    return f"{condition}: {shown + ', so ' if shown else ''}{'yes' if condition.settle(state) else 'no'}"
