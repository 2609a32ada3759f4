"""Funding: where the money of closing comes from and what it is for; the two must be equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple

from pydantic import Field

import waterfalls.words  # noqa: F401  (texts are read with its words)
from waterfalls.bounds import DEAREST
from waterfalls.checks import known_names, names_in
from waterfalls.errors import Fault, strangers
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Arithmetic, Constant, Number
from waterfalls.language.formulas import Divided, Extreme
from waterfalls.language.numbers import Held
from waterfalls.language.vocabulary import Node
from waterfalls.terms.term import is_broken, term

ENOUGH = 1e-9  # of all sources: a gap below it is rounding
KNOWN = (Held, Constant, Arithmetic, Divided, Extreme, Defined)  # what reads nothing but balances at the start
PARTS = ("tranches", "facilities", "accounts", "definitions")


@term
class Funding:
    """Sources and uses when the deal begins: what each tranche and facility pays in, and what it is spent on.

        sum of opening balance x issue price / 100 + sum of further sources = sum of uses + sum of costs

    Tranches and facilities are sources by themselves, each by its balance at the start; `sources` names what comes beside them, such as
    equity that is still to be paid in. `uses` are what stays in the deal (a price, a budget, a reserve), `costs` what does
    not. `issue_prices`, per 100, are 100 unless said. Amounts are numbers of the language, read when the deal begins. A deal file in
    which the two sides differ is refused; a deal whose sizes are changed afterwards may differ, and is told so.
    """

    uses: Mapping[str, Number]
    _: KW_ONLY
    costs: Mapping[str, Number] = field(default_factory=dict)
    sources: Mapping[str, Number] = field(default_factory=dict)
    issue_prices: Mapping[str, Annotated[float, Field(gt=1.0, le=DEAREST)]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        for side in ("uses", "costs", "sources"):
            for name, amount in (fields.get(side) or {}).items():
                for node in amount.walk() if isinstance(amount, Node) else ():
                    if not isinstance(node, KNOWN):
                        yield Fault(
                            f"{side}[{name!r}]",
                            f"'{node}' is not known when the deal begins: read balance, undrawn, held or defined",
                        )


class Line(NamedTuple):
    """An amount of the statement: its side (source or use), what kind it is, its name."""

    side: str
    kind: str
    name: str
    amount: float


def lines(fields: Mapping[str, Any]) -> list[Line]:
    """Sources and uses from the fields of a deal."""
    state, funding = start(fields), fields["funding"]
    found = [
        Line(
            "source", kind, part.name, state["balance", part.name] * funding.issue_prices.get(part.name, 100.0) / 100.0
        )
        for kind, parts in (("tranche", "tranches"), ("facility", "facilities"))
        for part in fields.get(parts) or ()
    ]
    for side, kind, amounts in (
        ("source", "further", funding.sources),
        ("use", "use", funding.uses),
        ("use", "cost", funding.costs),
    ):
        found += [Line(side, kind, name, amount.settle(state)) for name, amount in amounts.items()]
    return [line for line in found if line.amount != 0.0]


def start(fields: Mapping[str, Any]) -> Any:
    """The state in which a deal begins, as a number of the language reads it: balances, accounts, definitions."""
    from waterfalls.engines.floats import Floats

    symbols: dict[tuple[str, ...], float] = {}
    for kind in ("tranches", "facilities", "accounts"):
        for part in fields.get(kind) or ():
            symbols |= part.opening()
    plan: Any = SimpleNamespace(opening=symbols, definitions=fields.get("definitions") or {})
    return Floats(plan, {}, 0)


def gap(found: list[Line]) -> float:
    """Sources less uses."""
    return sum(line.amount if line.side == "source" else -line.amount for line in found)


def faults_of_funding(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Names in a funding that nothing bears; nothing while other fields are unsound."""
    funding = fields.get("funding")
    if funding is None or any(name not in fields or is_broken(fields[name]) for name in PARTS):
        return
    known = known_names({name: fields[name] for name in PARTS})
    tranches = [part.name for part in fields["tranches"]]
    found = [
        fault
        for side in ("uses", "costs", "sources")
        for name, amount in getattr(funding, side).items()
        for node in amount.walk()
        for fault in names_in(f"funding.{side}[{name!r}]", node, known)
    ]
    found += strangers("funding.issue_prices", "tranche", funding.issue_prices, tranches, keyed=True)
    yield from dict.fromkeys(found)


def faults_of_gap(both: list[Line]) -> Iterator[Fault]:
    """Sources that are not the uses, with the amount between them."""
    raised = sum(line.amount for line in both if line.side == "source")
    spent = raised - gap(both)
    if abs(raised - spent) > ENOUGH * max(raised, spent):
        more, less = ("sources", "uses") if raised > spent else ("uses", "sources")
        yield Fault(
            "funding",
            f"{more} exceed {less} by {abs(raised - spent):,.2f}: sources are {raised:,.2f} "
            f"({told(both, 'source')}), uses {spent:,.2f} ({told(both, 'use')})",
        )


def told(found: list[Line], side: str) -> str:
    """The lines of a side in one sentence."""
    return ", ".join(f"{line.name} {line.amount:,.2f}" for line in found if line.side == side) or "none"
