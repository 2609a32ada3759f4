"""A waterfall: clauses in the order they are paid."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from waterfalls.clauses.clause import Clause
from waterfalls.errors import InvalidTerms, shown
from waterfalls.parsing import parse
from waterfalls.terms import or_text


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
                raise InvalidTerms(f"a waterfall is made of clauses such as pay(interest('A')), got {clause!r}")

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

    def _repr_html_(self) -> str:
        from waterfalls.notebook import listed

        return listed("", {"": [clause.words() for clause in self.clauses]})

    def __str__(self) -> str:
        return "\n>> ".join(map(str, self.clauses))


Said = Clause | Waterfall | Sequence[Clause]  # what may stand for a waterfall
