"""Headroom to a cash trap: how much cash for debt service may go before a trigger that tests coverage trips."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from waterfalls.engines.floats import Floats
from waterfalls.explain import determinations
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Comparison, Condition, Number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.ratios import Coverage, Dscr, Flow
from waterfalls.language.vocabulary import Node
from waterfalls.plan import Plan

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows

BESIDE = 1e-9  # how far on either side of a crossing a test is asked


@dataclasses.dataclass(frozen=True)
class Scaled(Number):
    """A coverage as it is when a share of its cash is gone."""

    inner: Number
    left: float

    def settle(self, m: Machine) -> Value:
        return self.left * self.inner.settle(m)


def headroom_to_trap(flows: Cashflows, s: int) -> float:
    """The least h at which some trigger's test, read with every coverage times 1 - h, comes to hold on some date.

    Coverage is what divides flows by flows, such as dscr and ic_ratio; ratios of balances do not fall with the cash. All
    else that a test reads stands as it is in scenario s, so that a level which asks for a trap that is on counts only
    where it is on. Negative where a test holds already, NaN where none reads a coverage.
    """
    plan = flows.plan
    tests = [trigger.test for trigger in plan.triggers.values()]
    tests = [test for test in tests if any(covers(node, plan) for node in plan.within(test))]
    if not tests:
        return math.nan
    found = (
        cut
        for state in determinations(flows, flows.receipts.scenarios[s])
        for test in tests
        for cut in crossings(test, state)
    )
    return min(found, default=math.nan)


def crossings(test: Condition, state: Floats) -> Iterator[float]:
    """The cuts of coverage at which a test comes to hold at one determination."""

    def holds(cut: float) -> bool:
        return scaled(test, state.plan, 1.0 - cut).settle(state) > 0.0

    for node in state.plan.within(test):
        if not isinstance(node, Comparison):
            continue
        for ratio, level in ((node.left, node.right), (node.right, node.left)):
            while isinstance(ratio, Defined):
                ratio = state.plan.definitions[ratio.name]
            value = ratio.settle(state) if covers(ratio, state.plan) else math.inf
            if not math.isfinite(value):
                continue
            if value <= 0.0:
                yield from [-math.inf] if holds(0.0) else []
                continue
            cut = 1.0 - level.settle(state) / value
            if cut < 1.0 and holds(cut + BESIDE) and not holds(cut - BESIDE):
                yield cut


def covers(node: Node, plan: Plan) -> bool:
    """Whether a node is a coverage: flows over flows."""
    return isinstance(node, Dscr | Coverage) and all(isinstance(side, Flow) for side in node.terms(plan))


def scaled(node: Any, plan: Plan, left: float) -> Any:
    """An expression with every coverage in it, and in its definitions, times `left`."""
    if isinstance(node, tuple):
        return tuple(scaled(part, plan, left) for part in node)
    if isinstance(node, Defined):
        return scaled(plan.definitions[node.name], plan, left)
    if not isinstance(node, Node):
        return node
    if covers(node, plan):
        return Scaled(node, left)  # type: ignore[arg-type]
    fields = [field.name for field in dataclasses.fields(node)]  # type: ignore[arg-type]
    return dataclasses.replace(node, **{name: scaled(getattr(node, name), plan, left) for name in fields})  # type: ignore[type-var]
