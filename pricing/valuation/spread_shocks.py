"""Spread shocks: parallel, by tranche, by rating, by tenor and others; a `Stress` pairs one with a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from waterfalls.arguments import instance
from waterfalls.bounds import DEAREST
from waterfalls.errors import Fault, InvalidTerms, refuse_unknown
from waterfalls.terms.bounded_numbers import Positive
from waterfalls.terms.field_types import Listed, items
from waterfalls.terms.term import term

if TYPE_CHECKING:
    from pricing.valuation.remaining_cash import Ahead

BP = 1e-4


@term
class Parallel:
    """Every spread moves by `bp`."""

    bp: float

    def words(self) -> str:
        return f"{self.bp:+g} bp"

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        return spreads + self.bp * BP


@term
class ByTranche:
    """The spreads of the tranches named move, each by its own `bp`."""

    bp: Mapping[str, float]

    def words(self) -> str:
        return ", ".join(f"{name} {bp:+g} bp" for name, bp in self.bp.items())

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        check(self.bp, ahead.names, "tranche")
        return spreads + np.array([[self.bp.get(name, 0.0) * BP] for name in ahead.names])


@term
class ByRating:
    """The spreads of notes of the ratings named move, each rating by its own `bp`."""

    bp: Mapping[str, float]

    def words(self) -> str:
        return ", ".join(f"rated {rating} {bp:+g} bp" for rating, bp in self.bp.items())

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        ratings = [None if note is None else note.rating for note in ahead.notes]
        check(self.bp, [rating for rating in dict.fromkeys(ratings) if rating is not None], "rating")
        return spreads + np.array([[self.bp.get(rating or "", 0.0) * BP] for rating in ratings])


@term
class BySeniority:
    """The most senior spread moves by `bp`, every next one by `beta` times the move of the one above it."""

    bp: float
    beta: Positive

    def words(self) -> str:
        return f"{self.bp:+g} bp senior, times {self.beta:g} each step down"

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        return spreads + self.bp * BP * self.beta ** np.arange(len(ahead.names))[:, None]


@term
class Relative:
    """Every spread widens by `factor` of itself: 0.5 is half as wide again."""

    factor: float

    def words(self) -> str:
        return f"spreads {100 * self.factor:+g} %"

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        return spreads * (1.0 + self.factor)


@term
class Override:
    """The spreads of the tranches named become `bp`."""

    bp: Mapping[str, float]

    def words(self) -> str:
        return ", ".join(f"{name} at {bp:g} bp" for name, bp in self.bp.items())

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        check(self.bp, ahead.names, "tranche")
        named = np.array([[name in self.bp] for name in ahead.names])
        return np.where(named, np.array([[self.bp.get(name, 0.0) * BP] for name in ahead.names]), spreads)


@term
class Twist:
    """Every spread moves by tenor: `bp` by years, linear between them and level outside."""

    bp: Mapping[float, float]

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        if len(fields.get("bp", (1, 2))) < 2:
            yield Fault("bp", f"a twist needs two tenors or more, got {dict(fields['bp'])}")

    def words(self) -> str:
        return "twist " + ", ".join(f"{years:g}y {bp:+g} bp" for years, bp in sorted(self.bp.items()))

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        years, moves = zip(*sorted(self.bp.items()), strict=True)
        return spreads + np.interp(ahead.times, years, moves) * BP


@term
class ToPrice:
    """The spreads of the tranches named become those at which they cost `price`, clean per 100, in the reference scenario.

    `price` and `priced` solve them there, at the curve before any move of rates, and put an `Override` in its place.
    """

    price: Mapping[str, Annotated[float, Field(gt=0.0, le=DEAREST)]]

    def words(self) -> str:
        return ", ".join(f"{name} to {price:g}" for name, price in self.price.items())

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        raise InvalidTerms(f"shock {self.words()!r}: a price is reached by price(...) or priced(..., reference=flows)")


Move = Parallel | ByTranche | ByRating | BySeniority | Relative | Override | Twist | ToPrice


@term
class SpreadShock:
    """Spreads moved, by one step after another; the name is given or made from the steps.

    The contract of every step: spreads (N, 1), or (N, J) by date, in; moved ones out. An unknown name is refused.
    """

    moves: Listed[Move] = items()
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", ", then ".join(move.words() for move in self.moves) or "unchanged")

    @classmethod
    def parallel(cls, *, bp: float, name: str = "") -> SpreadShock:
        """Every spread wider by `bp`."""
        return cls((Parallel(bp),), name)

    @classmethod
    def by_tranche(cls, *, bp: Mapping[str, float], name: str = "") -> SpreadShock:
        """Each tranche named wider by its own `bp`."""
        return cls((ByTranche(bp),), name)

    @classmethod
    def by_rating(cls, *, bp: Mapping[str, float], name: str = "") -> SpreadShock:
        """Each rating named wider by its own `bp`."""
        return cls((ByRating(bp),), name)

    @classmethod
    def by_seniority(cls, *, bp: float, beta: float, name: str = "") -> SpreadShock:
        """The senior wider by `bp`, every tranche below by `beta` times the one above."""
        return cls((BySeniority(bp, beta),), name)

    @classmethod
    def relative(cls, factor: float, *, name: str = "") -> SpreadShock:
        """Every spread wider by `factor` of itself."""
        return cls((Relative(factor),), name)

    @classmethod
    def override(cls, *, bp: Mapping[str, float], name: str = "") -> SpreadShock:
        """The spread of each tranche named becomes `bp`."""
        return cls((Override(bp),), name)

    @classmethod
    def to_price(cls, *, price: Mapping[str, float], name: str = "") -> SpreadShock:
        """The spread of each tranche named becomes that of a clean price per 100 in the reference scenario."""
        return cls((ToPrice(price),), name)

    @classmethod
    def twist(cls, *, bp: Mapping[float, float], name: str = "") -> SpreadShock:
        """Every spread wider by `bp` by tenor in years, linear between and level outside."""
        return cls((Twist(bp),), name)

    def __add__(self, other: SpreadShock) -> SpreadShock:
        """One shock after the other."""
        return SpreadShock((*self.moves, *instance(SpreadShock)("what is added to a shock", other).moves))

    def moved(self, spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
        """Spreads (N, 1) or (N, J) after every step."""
        for move in self.moves:
            spreads = move.moved(spreads, ahead)
        return spreads


UNCHANGED = SpreadShock()
SHOWN = "SpreadShock.parallel(bp=100)"  # how one is written, where something else was given


def name_of(given: Any) -> Any:
    return getattr(given, "name", given)


@term
class Stress:
    """A scenario, by name or itself, under a spread shock."""

    scenario: Annotated[str, BeforeValidator(name_of)]
    shock: SpreadShock = UNCHANGED

    @property
    def name(self) -> str:
        return self.scenario if self.shock == UNCHANGED else f"{self.scenario}, {self.shock.name}"


def listed(shocks: SpreadShock | Sequence[SpreadShock]) -> tuple[SpreadShock, ...]:
    """The shocks of a run, `UNCHANGED` first; two of one name that differ are refused."""
    given = (shocks,) if isinstance(shocks, SpreadShock) else tuple(shocks)
    found: dict[str, SpreadShock] = {UNCHANGED.name: UNCHANGED}
    for shock in given:
        if not isinstance(shock, SpreadShock):
            raise InvalidTerms(f"shocks: must be SpreadShocks, such as {SHOWN}; got {shock!r}")
        first = found.setdefault(shock.name, shock)
        if first is not shock and first != shock:
            raise InvalidTerms(f"shocks: two shocks are named {shock.name!r} and differ: give one another name")
    return tuple(found.values())


def spreads_under(shocks: Sequence[SpreadShock], spreads: np.ndarray, ahead: Ahead) -> np.ndarray:
    """Spreads under every shock: (N, 1, K), or (N, J, K) where some shock moves by tenor, from spreads (N,)."""
    moved = [shock.moved(spreads[:, None], ahead) for shock in shocks]
    if any(array.shape[1] > 1 for array in moved):
        moved = [np.broadcast_to(array, (len(spreads), len(ahead.times))) for array in moved]
    return np.ascontiguousarray(np.moveaxis(np.array(moved), 0, 2))


def check(given: Mapping[str, float], known: Sequence[str], what: str) -> None:
    """Refuses a name that nothing bears."""
    for name in given:
        refuse_unknown(what, name, known)
