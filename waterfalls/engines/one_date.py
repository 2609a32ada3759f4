"""One payment date, from the cash that is posted to the regime of the next: what every machine is led through."""

from __future__ import annotations

from waterfalls.fields import EXPENSES
from waterfalls.language.machine import Machine
from waterfalls.language.numbers import reported
from waterfalls.plan import Plan

DUST = 1e-9  # of a note's notional: less than this unpaid is rounding, not default


def settle_date(m: Machine, plan: Plan) -> None:
    """The order of the clock: cash posted, what falls due, triggers, waterfall, default, regime, memory."""
    fall_due(m, plan)
    m.determine()
    for trigger in plan.triggers.values():
        m.heading(trigger)
        trigger.settle(m)
    m.determine()
    several = len(plan.waterfalls) > 1
    m.heading("the regime in force")
    for name in plan.waterfalls if several else ():
        m["regime", name] = m["chosen", name]
    for regime, condition in plan.immediate.items():
        holds = condition.settle(m)
        for name in plan.later(regime):
            holds = m.both(holds, m.not_(m["regime", name]))
        for name in plan.waterfalls:
            m["regime", name] = m.select(holds, 1.0 if name == regime else 0.0, m["regime", name])
    regimes = {regime: m["regime", regime] if several else 1.0 for regime in plan.waterfalls}
    for regime, waterfall in plan.waterfalls.items():
        for _ in m.when(regimes[regime]):
            for clause in waterfall.clauses:
                clause.run(m)
    m.heading("after the waterfall")
    for key in plan.lapsing:
        m["lapsed", *key[1:]] = m[key]
        m[key] = 0.0
    for name in plan.notes_by_name:
        default(m, plan, name)
    choose_regime(m, plan)
    remember(m, plan)


def fall_due(m: Machine, plan: Plan) -> None:
    """Cash is posted, costs of the collateral fall due as reported, and everything with symbols says what else does."""
    m.heading("what was collected")
    for key in plan.flows:
        m[key] = 0.0
    if plan.sells:
        m[("live",)] = 1.0 - m[("called",)]
    m[("cash",)] += reported(m, "receipt", "cash")
    m.determine()  # what falls due may itself be a number at_start
    for note in plan.notes_by_name.values():
        note.open(m)
    if plan.expenses:
        m.heading("costs of the collateral")
    for name in plan.expenses:
        cost = reported(m, "receipt", EXPENSES[name])
        m["accrued", "expense", name] = cost
        m["owed", "expense", name] += cost
    first = next(iter((*plan.fees.values(), *plan.tranches.values())), None)
    for part in plan.parts:
        if plan.accrue_first and part is first:
            m.heading("interest of the period, which other terms read")
            for note in plan.accrue_first.values():
                note.accrue(m)
        m.heading(part)
        part.settle(m)


def default(m: Machine, plan: Plan, name: str) -> None:
    """An event of default: unpaid interest that may not be deferred beyond its grace, or a balance at legal final."""
    note = plan.notes_by_name[name]
    dust = note.notional * DUST
    failed = m.both(m.curve(plan.finals[name]), m.gt(m["balance", name], dust))
    if not note.deferrable:
        unpaid = m.gt(m["owed", "interest", name], dust)
        if note.grace:
            count = m.select(unpaid, m["unpaid dates", name] + 1.0, 0.0)
            m["unpaid dates", name] = count
            unpaid = m.gt(count, float(note.grace))
        failed = m.either(failed, unpaid)
    m[("event of default",)] = m.select(failed, 1.0, m[("event of default",)])


def choose_regime(m: Machine, plan: Plan) -> None:
    """The regime of the next date: the last whose condition holds, or the first; those that begin at once ask then."""
    chosen = {regime: float(i == 0) for i, regime in enumerate(plan.waterfalls)}
    for regime, condition in plan.regimes.items():
        if regime in plan.immediate:
            continue
        holds = condition.settle(m)
        chosen = {name: m.select(holds, float(name == regime), flag) for name, flag in chosen.items()}
    for regime, flag in chosen.items():
        m["chosen", regime] = flag


def remember(m: Machine, plan: Plan) -> None:
    """What trailing ratios, averages and other numbers with a memory keep of the date."""
    for text, side, depth, number in plan.remembered:
        for lag in range(depth - 1, 1, -1):
            m["past", text, side, str(lag)] = m["past", text, side, str(lag - 1)]
        m["past", text, side, "1"] = number.settle(m)
    for node in plan.kept:
        node.keep(m)
