"""What terms read while things fall due: of what falls due at the same date, only what has fallen due before them.

Cash and costs of the collateral come first, then replacement collateral, income of accounts, hedges, interest where other
terms read it, fees, the rest of each note, facilities. Clauses, targets, limits, triggers and regimes read later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from waterfalls.errors import Fault
from waterfalls.language.conditions import AtOnce
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Condition
from waterfalls.language.formulas import AtStart
from waterfalls.language.forward import ForwardDscr, LoanLife, MakeWhole
from waterfalls.language.memory import Average
from waterfalls.language.numbers import Held
from waterfalls.language.ratios import Coverage, DebtService, Dscr
from waterfalls.language.vocabulary import Node, nodes_in

AT_CLAUSES = ("target", "limit")  # the fields of terms that are read where a clause stands


def interest_read(node: Node) -> bool:
    """Whether a node reads the interest that falls due on notes for the period."""
    return isinstance(node, Held) and node.symbol == ("accrued", "interest")


def accrual_is_read(fees: Iterable[Any], notes: Iterable[Any], within: Any) -> bool:
    """Whether interest has to accrue on all notes before fees and the rest of notes: other terms read it, or the
    balances that it may be added to. `within` gives the nodes of an expression and of the definitions it reads."""
    of_notes = [(field, root) for note in notes for field, root in nodes_in(note)]
    added = [root for field, root in of_notes if field == "capitalises"]
    reading = [*added, *(root for fee in fees for _, root in nodes_in(fee))]
    return len(of_notes) > len(added) > 0 or any(interest_read(node) for root in reading for node in within(root))


def nodes_read(root: Node, definitions: Mapping[str, Any], start: bool = False) -> Iterator[tuple[Node, bool]]:
    """Every node of an expression and of the definitions it reads, and whether it is read as of the start."""
    left, told = [(root, start)], set[tuple[str, bool]]()
    while left:
        node, start = left.pop()
        yield node, start
        below = start or isinstance(node, (AtStart, Average))
        left += [(part, below) for part in node.parts()]
        if isinstance(node, Defined) and node.name in definitions and (node.name, start) not in told:
            told.add((node.name, start))
            left.append((definitions[node.name], start))


def read_too_early(
    read: Iterable[tuple[str, Node]], tests: Iterable[tuple[str, Node]], definitions: Mapping[str, Any], fees: list[str]
) -> Iterator[Fault]:
    """Numbers that read what is not known yet where they stand: in terms (`read`), and in what is tested at
    determination (`tests`); `fees` are named in the order in which they fall due."""
    fallen_due = {f"fees[{i}]": fees[:i] for i in range(len(fees))}
    for place, root in read:
        kind, field = place.split("[")[0], place.rpartition(".")[2]
        if field in AT_CLAUSES:
            continue
        known = fallen_due.get(place.partition(".")[0], fees if field == "capitalises" else [])
        interest = kind == "fees" or field == "capitalises"
        for node, start in nodes_read(root, definitions):
            if said := unknown_yet(node, start, known, interest, kind == "tranches", isinstance(root, Condition)):
                yield Fault(place, f"'{node}' {said}")
                break
    for place, root in tests:
        if not place.startswith("regimes") or isinstance(root, AtOnce):
            for node, _ in nodes_read(root, definitions):
                if said := not_drawn(node):
                    yield Fault(place, f"'{node}' {said}")
                    break


def unknown_yet(node: Node, start: bool, fees: list[str], interest: bool, after_fees: bool, tested: bool) -> str:
    """What is wrong with a number read in a term; empty where it is known. `fees` have fallen due, and `interest` has
    accrued; what is read as of the `start` of the date is how the last one left it, when nothing of this one was due."""
    if isinstance(node, Held) and node.text in ("interest_due", "fee_due") and not start:
        if node.text == "fee_due" and set(node.names) <= set(fees):
            return ""
        accrued = interest and node.text == "interest_due"
        period = f", {str(node).replace('due', 'accrued')} for the period" if accrued else ""
        return f"reads what has not fallen due yet at this date: say at_start({node}) for the arrears{period}"
    if interest_read(node) and interest and not start:
        return ""
    covers = isinstance(node, Coverage) and node.word == "ic_ratio"
    senior = isinstance(node, LoanLife) and not after_fees  # its cash is net of fees
    if interest_read(node) or covers or senior or isinstance(node, (Dscr, DebtService, ForwardDscr, MakeWhole)):
        how = "test it by a trigger, and read trigger('...')" if tested else "say it in a clause, as an amount or a cap"
        return f"reads what falls due on notes, which is not known yet: {how}"
    return not_drawn(node)


def not_drawn(node: Node) -> str:
    """What is wrong with a number of what is drawn at a date that is read before the clauses draw it."""
    if not (isinstance(node, Held) and node.text == "drawn"):
        return ""
    return "is 0 here, before any clause of the date has drawn: read it in a clause after the draw"
