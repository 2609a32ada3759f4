"""The reference engine: plain Python that reads like the contract. The oracle of every test, and the engine of small runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from waterfalls.fields import EXPENSES
from waterfalls.plan import Key, Plan

DUST = 1e-9  # of a note's notional: less than this unpaid is rounding, not default


class State:
    """The running state of one scenario at one date: symbols, the period `t`, and what arrives from outside."""

    def __init__(self, plan: Plan, inputs: Mapping[Key, np.ndarray], s: int) -> None:
        self.plan = plan
        self.inputs = inputs
        self.s = s
        self.t = 0
        self.symbols: dict[Key, float] = dict(plan.opening)
        self.start: dict[Key, float] = {}
        self.told: dict[str, float] = {}  # what definitions say now, and said as of determination
        self.told_at_start: dict[str, float] = {}
        self.reach = 0.0  # what the clause being settled may use in all

    def __getitem__(self, key: Key) -> float:
        return self.symbols[key]

    def __setitem__(self, key: Key, value: float) -> None:
        self.symbols[key] = value
        self.told.clear()

    def defined(self, name: str) -> float:
        """What a definition says, settled once for all who read it before anything changes."""
        if name not in self.told:
            self.told[name] = self.plan.definitions[name].settle(self)
        return self.told[name]

    def input(self, *key: str) -> float:
        """A receipt, an event or a rate of this scenario and period; absent ones are 0.

        Receipts end once the collateral is sold, and count what replacement collateral delivers.
        """
        array = self.inputs.get(key)
        value = 0.0 if array is None else array.item(self.s if array.shape[0] > 1 else 0, self.t)
        if key[0] in ("receipt", "ahead"):
            value = value * self[("live",)] if self.plan.sells else value
            for symbol in self.plan.counted.get(key[1], ()):
                value = value + self[symbol]
        return value

    def curve(self, values: np.ndarray) -> float:
        """A number that depends on the period only."""
        return values.item(self.t)

    def determine(self) -> None:
        """Remembers the symbols as of determination, where anything reads them so."""
        if self.plan.reads_start:
            self.start = dict(self.symbols)
            self.told_at_start = {}

    @contextlib.contextmanager
    def at_start(self) -> Iterator[None]:
        """What is read inside is read as of determination."""
        running = self.symbols, self.told
        self.symbols, self.told = self.start, self.told_at_start
        yield
        self.symbols, self.told = running


def settle_date(state: State, journal: Callable[[Any, dict[Key, float], dict[Key, float]], None] | None = None) -> None:
    """One payment date, in the order of the clock: cash posted, what falls due, triggers, waterfall, default, regime."""
    plan = state.plan
    for key in plan.flows:
        state[key] = 0.0
    if plan.sells:
        state[("live",)] = 1.0 - state[("called",)]
    state[("cash",)] += state.input("receipt", "cash")
    state.determine()  # what falls due may itself be a number at_start
    for note in plan.notes_by_name.values():
        note.open(state)
    for part in plan.parts:
        part.settle(state)
    for name in plan.expenses:
        settle_expense(state, name)

    state.determine()
    for trigger in plan.triggers.values():
        trigger.settle(state)
    state.determine()

    for regime, condition in plan.immediate.items():
        later = plan.later(regime)
        if condition.settle(state) and not any(state["regime", name] > 0.0 for name in later):
            for name in plan.waterfalls:
                state["regime", name] = 1.0 if name == regime else 0.0

    for regime, waterfall in plan.waterfalls.items():
        if state["regime", regime] > 0.0:
            for clause in waterfall.clauses:
                before = dict(state.symbols) if journal else {}
                clause.run(state)
                if journal:
                    journal(clause, before, state.symbols)
            break

    for note in plan.notes_by_name.values():
        dust = note.notional * DUST
        final = state.curve(plan.finals[note.name]) > 0.0
        unpaid = not note.deferrable and state["owed", "interest", note.name] > dust
        if note.grace and not note.deferrable:
            state["unpaid dates", note.name] = state["unpaid dates", note.name] + 1.0 if unpaid else 0.0
            unpaid = state["unpaid dates", note.name] > note.grace
        if unpaid or (final and state["balance", note.name] > dust):
            state[("event of default",)] = 1.0
    next_regime = next(iter(plan.waterfalls))
    for regime, condition in plan.regimes.items():
        if condition.settle(state):
            next_regime = regime
    for regime in plan.waterfalls:
        state["regime", regime] = 1.0 if regime == next_regime else 0.0
    for text, side, depth, number in plan.remembered:
        for lag in range(depth - 1, 1, -1):
            state["past", text, side, str(lag)] = state["past", text, side, str(lag - 1)]
        state["past", text, side, "1"] = number.settle(state)
    for node in plan.kept:
        node.keep(state)


def settle_expense(state: State, name: str) -> None:
    """A cost of the collateral falls due as it is reported."""
    cost = state.input("receipt", EXPENSES[name])
    state["accrued", "expense", name] = cost
    state["owed", "expense", name] += cost


def execute(plan: Plan, inputs: Mapping[Key, np.ndarray], scenarios: int) -> np.ndarray:
    """Every output (S, T, K) of a plan, one scenario and one date after another."""
    results = np.empty((scenarios, plan.schedule.periods, len(plan.outputs)))
    for s in range(scenarios):
        state = State(plan, inputs, s)
        for t in range(plan.schedule.periods):
            state.t = t
            settle_date(state)
            results[s, t] = [state.symbols[key] for key in plan.outputs]
    return results
