"""Checks of the order of clauses: a clause that can never pay, or that reads an amount before it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from waterfalls.clauses.call import CALLED, Call, Premium
from waterfalls.clauses.claims import Principal, Residual
from waterfalls.clauses.draw import Draw
from waterfalls.clauses.pay import Pay
from waterfalls.clauses.waterfall import Clause, Waterfall
from waterfalls.errors import Fault
from waterfalls.language.conditions import OnOrAfter
from waterfalls.language.forward import MakeWhole
from waterfalls.language.numbers import Held
from waterfalls.language.vocabulary import Node


def faults_of_order(place: str, waterfall: Waterfall, ends: Mapping[str, Any]) -> Iterator[Fault]:
    """Clauses that come before what they need, after all cash is gone, or after what they draw on has ended."""
    emptied: Clause | None = None
    paid: set[str] = set()
    for i, clause in enumerate(waterfall.clauses):
        here, before, after = f"{place}[{i}]", waterfall.clauses[:i], waterfall.clauses[i + 1 :]
        if clause.brings_cash:
            emptied = None
        if (
            emptied is not None
            and isinstance(clause, Pay)
            and not clause.source
            and not clause.supports
            and wants(clause)
        ):
            yield Fault(here, f"can never pay: '{emptied}' before it takes all the cash")
        if takes_everything(clause):
            emptied = clause
        for node in clause.walk():
            if isinstance(node, Held) and node.text == "drawn":
                for name in node.names:
                    if draws(after, name) and not draws(before, name):
                        yield Fault(
                            here, f"reads '{node}' before the clause that draws on {name!r}: put it after the draw"
                        )
            if isinstance(node, MakeWhole) and node.name in paid:
                yield Fault(here, f"reads '{node}' after principal({node.name!r}) is paid, when it is 0: put it before")
        if isinstance(clause, Pay):
            paid |= {claim.name for claim in clause.each if isinstance(claim, Principal)}
            if any(isinstance(claim, Premium) for claim in clause.each) and not clause.caps:
                yield Fault(here, "pays a premium of any size: say how much, .capped(make_whole('A', rate=0.04))")
        yield from ended(here, clause, ends)


def takes_everything(clause: Clause) -> bool:
    """Whether nothing of the collection account is left after a clause, whatever happens."""
    if not isinstance(clause, Pay) or clause.conditions or clause.caps or clause.source:
        return False
    return any(isinstance(claim, Residual) for claim in clause.claims)


def wants(clause: Pay) -> bool:
    """Whether a clause pays anything but remainders: of nothing, nothing remains."""
    return not all(isinstance(claim, Residual) for claim in clause.claims)


def draws(clauses: Sequence[Clause], name: str) -> bool:
    return any(isinstance(clause, Draw) and name in clause.names for clause in clauses)


def ended(here: str, clause: Clause, ends: Mapping[str, Any]) -> Iterator[Fault]:
    """Draws on what can no longer be drawn on when the clause begins to apply."""
    begins = [condition.date for condition in clause.conditions if isinstance(condition, OnOrAfter)]
    names = (*clause.supports, *(clause.names if isinstance(clause, Draw) else ()))
    for name in names:
        if begins and ends.get(name) is not None and max(begins) > ends[name]:
            yield Fault(here, f"draws on {name!r} from {max(begins)} on, which ends on {ends[name]}")


def faults_of_sale(nodes: Sequence[Node]) -> Iterator[Fault]:
    """`called()` where nothing is ever called."""
    if CALLED in nodes and not any(isinstance(node, Call) for node in nodes):
        yield Fault("waterfall", "reads called(), but no clause calls the deal: add call(price=...)")
