"""pay: the clause that pays claims."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, get_args

from waterfalls.clauses.claims import Claim, Debt, Principal, TopUp
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms, refuse, shown, strangers
from waterfalls.language.machine import Contract, Machine, Value
from waterfalls.language.vocabulary import Need, listed, word

Sharing = Literal["sequential", "pro rata by due", "pro rata by balance"]
SHARINGS: tuple[str, ...] = get_args(Sharing)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pay(Clause):
    """Pays what each claim is due, in the order or proportion `sharing` says, out of one account and its supports.

    In all: paid = min(cash + support, cap, sum of dues). Sequential: each in turn. Pro rata: each its share of what is
    paid, by due, by balance or by stated shares; what a claim cannot take goes to the others by their shares. What a
    debt is not paid stays in its arrears; a balance or an allocation leaves nothing owed.
    """

    claims: tuple[Claim, ...]
    sharing: str = "sequential"
    weights: tuple[float, ...] = ()
    modifiers: ClassVar[frozenset[str]] = frozenset({"when", "capped", "supported_by", "from_"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for claim in self.each:
            if isinstance(claim, (TopUp, Principal)) and claim.name in (self.source, *self.supports):
                raise InvalidTerms(f"{claim} would be paid out of {claim.name!r} itself: give it a clause of its own")

    def settle(self, m: Machine, limit: Value | None) -> None:
        sources = self.sources(m.plan)
        pool = m[sources[0]]
        for source in sources[1:]:
            pool = pool + m[source]
        reach = m.label(pool if limit is None else m.min_(pool, limit), "available", self)
        dues = [reach if claim.takes_all else m.label(claim.due(m), "due", claim) for claim in self.claims]
        shares = zip(self.claims, self.divide(m, reach, dues), strict=True)
        # what each is paid is known before cash moves: an account's target may read what moves
        parts = [part for whole, share in shares for part in whole.split(m, share)]
        for claim, amount in parts:
            amount = left = m.label(amount, "paid", claim)
            for source in sources:
                taken = m.min_(left, m[source])
                left = left - taken
                m[source] -= taken
                if source[0] == "account":
                    m["withdrawn", source[1]] += taken
                elif source[0] == "room":
                    m["balance", source[1]] += taken
                    m["lent", source[1]] += taken
            claim.receive(m, amount)

    def divide(self, m: Machine, pool: Value, dues: list[Value]) -> list[Value]:
        """What each claim is paid: in rounds, what those take that are not full, in proportion to their bases.

        At the end what is left goes by what is still due: to the last that is not full, or to those without a base.
        """
        if self.sharing == "sequential":
            amounts = []
            for due in dues:
                amounts.append(m.min_(due, pool))
                pool = pool - amounts[-1]
            return amounts
        amounts: list[Value] = [0.0] * len(dues)
        weights: list[Value] = list(self.weights) or dues
        if self.sharing == "pro rata by balance":
            weights = [claim.base(m) for claim in self.claims]
        for _ in range(self.rounds):
            bases = [m.select(m.gt(due, paid), w, 0.0) for w, due, paid in zip(weights, dues, amounts, strict=True)]
            total, whole = running(bases)[0], pool
            for i, base in enumerate(bases):
                share = whole * m.ratio(base, total, 0.0)
                amount = m.min_(m.min_(dues[i] - amounts[i], share), pool)
                amounts[i] = amounts[i] + amount
                pool = pool - amount
        rests = [due - paid for due, paid in zip(dues, amounts, strict=True)]
        for i, (rest, total) in enumerate(zip(rests, running(rests), strict=True)):
            amount = m.min_(rest, pool * m.ratio(rest, total, 0.0))
            amounts[i] = amounts[i] + amount
            pool = pool - amount
        return amounts

    def sources(self, plan: Contract) -> list[tuple[str, ...]]:
        """The symbols cash is taken from, in this order: an account's balance, a facility's room."""
        first = ("account", self.source) if self.source else ("cash",)
        return [first, *(("room" if name in plan.facilities else "account", name) for name in self.supports)]

    @property
    def rounds(self) -> int:
        """How often what one claim cannot take is offered to the others: by due, nobody is full before all are."""
        return 0 if self.sharing == "pro rata by due" else len(self.claims) - 1

    @property
    def each(self) -> tuple[Claim, ...]:
        """Every claim, those inside groups included."""
        return tuple(part for claim in self.claims for part in (claim.each if isinstance(claim, Group) else (claim,)))

    def abreast(self) -> Iterator[list[str]]:
        """The notes whose interest it pays alike, itself or in a group that stands in it."""
        for claim in self.claims:
            if isinstance(claim, Group):
                yield from claim.inner.abreast()
        if self.sharing != "sequential":
            yield [name for claim in self.claims for name in first_paid(claim)]

    def fees_first(self) -> tuple[list[str], bool]:
        """The fees that it pays before any interest, and whether it pays some; abreast of interest none comes before."""
        owed = [claim for claim in self.each if isinstance(claim, Debt)]
        if self.sharing != "sequential" and any(claim.kind == "interest" for claim in owed):
            return [], True
        found: list[str] = []
        for claim in self.claims:
            fees, interest = claim.inner.fees_first() if isinstance(claim, Group) else ([], False)
            if isinstance(claim, Debt):
                fees, interest = [claim.name] if claim.kind == "fee" else [], claim.kind == "interest"
            found += fees
            if interest:
                return found, True
        return found, False

    def words(self) -> str:
        return self.modified_words(f"to pay {listed([claim.words() for claim in self.claims])}{self.sharing_words()}")

    def sharing_words(self) -> str:
        if len(self.claims) == 1:
            return ""
        if self.weights:
            return f", in the proportions {listed([f'{weight:g}' for weight in self.weights])}"
        said = {"sequential": "in this order", "pro rata by due": "pro rata to what is due"}
        return ", " + said.get(self.sharing, "pro rata to their balances")

    def __str__(self) -> str:
        # interest('A'), interest('B') are said as interest('A', 'B')
        words: list[tuple[str, list[str]]] = []
        for claim in self.claims:
            said, _, name = str(claim).partition("(")
            if not words or words[-1][0] != said or isinstance(claim, Group):
                words.append((said, []))
            words[-1][1].append(name[:-1])
        inside = [f"{said}({', '.join(names)})" for said, names in words]
        if self.weights:
            shares = zip((claim.name for claim in self.claims), self.weights, strict=True)
            inside.append(f"shares={dict(shares)}")
        elif len(self.claims) > 1:
            inside.append(f"sharing={self.sharing!r}")
        return self.modified(f"pay({', '.join(inside)})")


@dataclasses.dataclass(frozen=True)
class Group(Claim):
    """Claims that stand as one in a clause and share what it is paid in their own way: notes that rank pari passu."""

    inner: Pay

    @property
    def each(self) -> tuple[Claim, ...]:
        return self.inner.each

    def needs(self) -> tuple[Need, ...]:
        return ()  # its claims speak for themselves

    def due(self, m: Machine) -> Value:
        return running([claim.due(m) for claim in self.inner.claims])[0]

    def base(self, m: Machine) -> Value:
        return running([claim.base(m) for claim in self.inner.claims])[0]

    def split(self, m: Machine, amount: Value) -> Iterator[tuple[Claim, Value]]:
        dues = [claim.due(m) for claim in self.inner.claims]
        for claim, part in zip(self.inner.claims, self.inner.divide(m, amount, dues), strict=True):
            yield from claim.split(m, part)

    def words(self) -> str:
        return self.inner.words().removeprefix("to pay ")

    def __str__(self) -> str:
        return str(self.inner)


def group(inner: Pay) -> Group:
    """A pay that stands as a claim in another."""
    if inner.conditions or inner.caps or inner.supports or inner.source:
        raise InvalidTerms(
            f"a pay inside a pay says how its claims share and no more: put the modifiers outside {inner}"
        )
    if any(claim.takes_all for claim in inner.each):
        raise InvalidTerms(f"a claim that takes whatever there is stands alone, not in the group {inner}")
    return Group(", ".join(claim.name for claim in inner.each), inner)


def first_paid(claim: Claim) -> Iterator[str]:
    """The notes to whose interest the first cash of a claim goes: of a group in order, those of its first claim."""
    if isinstance(claim, Group):
        claims = claim.inner.claims
        for inner in claims[:1] if claim.inner.sharing == "sequential" else claims:
            yield from first_paid(inner)
    elif isinstance(claim, Debt) and claim.kind == "interest":
        yield claim.name


def running(values: list[Value]) -> list[Value]:
    """Each value with all after it, added from the last."""
    return list(itertools.accumulate(reversed(values)))[::-1]


@word
def pay(*claims: Any, sharing: Sharing | None = None, shares: Mapping[str, float] | None = None) -> Pay:
    """Pays claims; how several share must be said: `sharing=` one of three, or `shares={name: weight}`.

    A pay inside a pay is a group that shares in its own way: `pay(pay(principal('A-1', 'A-2'), sharing='pro rata by
    balance'), principal('B'), sharing='sequential')`.
    """
    flat: list[Claim] = []
    for claim in claims:
        flat += claim if isinstance(claim, tuple) else [group(claim) if isinstance(claim, Pay) else claim]
    if not flat:
        raise InvalidTerms("pay what? Name a claim: pay(interest('A'))")
    for claim in flat:
        if not isinstance(claim, Claim):
            raise InvalidTerms(f"pay takes claims such as interest('A'), got {shown(claim)}")
    whole = Pay(claims=tuple(flat))
    stocks = [(family(claim), getattr(claim, "kind", ""), claim.name) for claim in whole.each]
    for claim, stock in zip(whole.each, stocks, strict=True):
        if stocks.count(stock) > 1:
            raise InvalidTerms(f"one clause pays {claim} once: what the others leave of it is known only at the next")
    if len(flat) == 1:
        return whole
    if (sharing is None) == (shares is None):
        raise InvalidTerms(
            f"several claims share: say sharing= one of {', '.join(map(repr, SHARINGS))}, or shares={{name: weight}}"
        )
    if shares is not None:
        return Pay(claims=tuple(flat), sharing="shares", weights=weights_of(flat, shares))
    refuse(strangers("", "sharing", [sharing], SHARINGS))
    borne_by = {need.what for claim in whole.each for need in claim.needs()}
    if sharing == "pro rata by balance" and not borne_by <= {"note", "balance", "debt"}:
        raise InvalidTerms("only claims on notes have a balance to share by")
    if sharing == "pro rata by due" and any(claim.takes_all for claim in flat):
        raise InvalidTerms("a claim that takes whatever there is has no due to share by: use shares=")
    return Pay(claims=tuple(flat), sharing=str(sharing))


def family(claim: Claim) -> type:
    """The kind of claim: two of one kind and name are paid out of the same due."""
    return next((kind for kind in (Principal, TopUp) if isinstance(claim, kind)), type(claim))


def weights_of(claims: list[Claim], shares: Mapping[str, float]) -> tuple[float, ...]:
    """The stated shares in the order of the claims; each claim must have one, and they are positive."""
    names = [claim.name for claim in claims]
    refuse(strangers("", "claim", shares, names))
    for name in names:
        if not 0.0 < shares.get(name, 0.0) < float("inf"):
            raise InvalidTerms(f"shares must give {name!r} a positive weight, got {dict(shares)}")
    return tuple(float(shares[name]) for name in names)
