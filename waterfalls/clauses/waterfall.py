"""A clause, the modifiers that every clause has, and a waterfall: clauses in the order they are paid.

Modifiers are held in a normal form, so that the order of saying them does not matter.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from waterfalls.doors import drawn
from waterfalls.errors import InvalidTerms, shown
from waterfalls.language.amounts import outside
from waterfalls.language.expressions import Condition, Number, number
from waterfalls.language.machine import Machine, Value
from waterfalls.language.parsing import or_text, parse
from waterfalls.language.vocabulary import MODIFIERS, Need, Node, condition, listed, named

if TYPE_CHECKING:
    import plotly.graph_objects

MODIFIERS |= {"when", "capped", "supported_by", "from_"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clause(Node):
    """One step of a waterfall. `when` twice is and; `capped` twice is the least; a cap binds support too."""

    conditions: tuple[Condition, ...] = ()
    caps: tuple[Number, ...] = ()
    supports: tuple[str, ...] = ()
    source: str | None = None
    modifiers: ClassVar[frozenset[str]] = frozenset({"when", "capped"})
    brings_cash: ClassVar[bool] = False  # whether there may be cash after it where there was none before

    def __post_init__(self) -> None:
        accounts = (*self.supports, *((self.source,) if self.source else ()))
        for name in accounts:
            if accounts.count(name) > 1:
                raise InvalidTerms(f"a clause takes cash out of {name!r} once, not twice")

    def takes_infinite(self, part: Node) -> bool:
        return any(part is cap for cap in self.caps)  # which then caps nothing

    @staticmethod
    def __text__(text: Any) -> Clause:
        return parse(text, Clause)

    def when(self, *conditions: Condition) -> Self:
        """Only where every condition holds; a claim that is skipped stays due."""
        both = {*self.conditions, *map(condition, conditions)}
        return dataclasses.replace(self, conditions=tuple(sorted(both, key=str)))

    def capped(self, *caps: Number | float) -> Self:
        """At most so much in all, support included; a cap that is below 0 when the deal runs is 0."""
        for cap in caps:
            if fault := outside(number(cap), 0.0):
                raise InvalidTerms(f"a cap {fault}: it would pay nothing, ever")
        both = {*self.caps, *map(number, caps)}
        return dataclasses.replace(self, caps=tuple(sorted(both, key=str)))

    def supported_by(self, *accounts: Any) -> Self:
        """Where cash does not suffice, drawing on accounts and facilities in this order."""
        self._allow("supported_by")
        if self.supports:
            raise InvalidTerms("name all supports in one supported_by, in the order they are drawn on")
        return dataclasses.replace(self, supports=tuple(named("account", account) for account in accounts))

    def from_(self, account: Any) -> Self:
        """Out of an account instead of the collection account."""
        self._allow("from_")
        if self.source:
            raise InvalidTerms(f"the clause is paid from {self.source!r} already")
        return dataclasses.replace(self, source=named("account", account))

    def _allow(self, modifier: str) -> None:
        if modifier not in self.modifiers:
            raise InvalidTerms(f"{modifier} does not apply to {self}")

    def __rshift__(self, other: Clause | Waterfall) -> Waterfall:
        return Waterfall((self,)) >> other

    def needs(self) -> tuple[Need, ...]:
        source = (Need("account", self.source),) if self.source else ()
        return (*source, *(Need("support", name) for name in self.supports), *super().needs())

    # meaning, once around every clause

    def run(self, m: Machine) -> None:
        """Settles the clause where its conditions hold, up to the least of its caps."""
        m.heading(self)
        applies = functools.reduce(m.both, (condition.settle(m) for condition in self.conditions), 1.0)
        for _ in m.when(applies):
            caps = [m.label(cap.settle(m), "cap", cap) for cap in self.caps]
            self.settle(m, m.max_(0.0, functools.reduce(m.min_, caps)) if caps else None)

    def settle(self, m: Machine, limit: Value | None) -> None:
        """What the clause does, with at most `limit` in all."""
        raise NotImplementedError

    def at_most(self, m: Machine, amount: Value, limit: Value | None) -> Value:
        """An amount within what the caps allow."""
        return m.label(amount if limit is None else m.min_(amount, limit), "amount", self)

    # text

    def modified(self, text: str) -> str:
        """The text of a clause with its modifiers."""
        if self.source:
            text += f".from_({self.source!r})"
        if self.supports:
            text += f".supported_by({', '.join(map(repr, self.supports))})"
        for cap in self.caps:
            text += f".capped({cap})"
        for condition_ in self.conditions:
            text += f".when({condition_})"
        return text

    def modified_words(self, text: str) -> str:
        """The words of a clause with its modifiers."""
        if self.source:
            text += f", out of the {self.source}"
        if self.supports:
            text += f", drawing where cash does not suffice on the {listed(list(self.supports))}"
        if self.caps:
            text += f", up to {listed([cap.words() for cap in self.caps])}"
        if self.conditions:
            text += f", if {listed([condition.words() for condition in self.conditions])}"
        return text


@dataclasses.dataclass(frozen=True)
class Waterfall:
    """Clauses joined by `>>`, run from first to last at every payment date."""

    clauses: tuple[Clause, ...]
    __items__: ClassVar[type] = Clause

    def __post_init__(self) -> None:
        if not isinstance(self.clauses, tuple | list):
            raise InvalidTerms(f"Waterfall.clauses: must be a list of clauses, got {shown(self.clauses)}")
        object.__setattr__(self, "clauses", tuple(self.clauses))
        for clause in self.clauses:
            if not isinstance(clause, Clause):
                raise InvalidTerms(f"a waterfall is made of clauses such as pay(interest('A')), got {shown(clause)}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # a field of a term takes a clause alone and a list of clauses too
        def of(value: Any) -> Any:
            clauses = value if isinstance(value, (tuple, list)) else (value,)
            return cls.of(clauses) if all(isinstance(clause, Clause) for clause in clauses) else value

        return or_text(cls, lambda text: cls.of(parse(text, (Clause, Waterfall))), of)

    @classmethod
    def of(cls, said: Said) -> Waterfall:
        """A waterfall from what is said for one: a clause alone, or a list of clauses."""
        if isinstance(said, Waterfall):
            return said
        return cls(tuple(said) if isinstance(said, (tuple, list)) else (said,))  # type: ignore[arg-type]

    def __rshift__(self, other: Any) -> Waterfall:
        if isinstance(other, Waterfall):
            return Waterfall(self.clauses + other.clauses)
        return Waterfall((*self.clauses, other))

    def words(self) -> str:
        """The priority of payments as a prospectus numbers it."""
        return "\n".join(f"({number}) {clause.words()}" for number, clause in enumerate(self.clauses, 1))

    def plot(self) -> plotly.graph_objects.Figure:
        """The priority of payments drawn from the first clause down. Needs the extra `report`."""
        return drawn("waterfall", self)

    def _repr_html_(self) -> str:
        from waterfalls.notebook import listed

        return listed("", {"": [clause.words() for clause in self.clauses]})

    def __str__(self) -> str:
        return "\n>> ".join(map(str, self.clauses))


Said = Clause | Waterfall | Sequence[Clause]  # what may stand for a waterfall
