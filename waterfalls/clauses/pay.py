"""pay: the clause that pays claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from waterfalls.claims import Claim, Principal, TopUp
from waterfalls.clauses.clause import Clause
from waterfalls.errors import InvalidTerms, unknown
from waterfalls.language import Need, listed, word

if TYPE_CHECKING:
    from waterfalls.code import Code, Value
    from waterfalls.plan import Plan
    from waterfalls.reference import State

SHARINGS = ("sequential", "pro rata by due", "pro rata by balance")


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

    def settle(self, state: State, limit: float | None) -> None:
        sources = self.sources(state.plan)
        pool = state[sources[0]]
        for source in sources[1:]:
            pool = pool + state[source]
        state.reach = pool if limit is None else min(pool, limit)
        dues = [claim.due(state) for claim in self.claims]
        for claim, amount in zip(self.claims, self.divide(state, state.reach, dues), strict=True):
            left = amount
            for source in sources:
                taken = min(left, state[source])
                left = left - taken
                state[source] -= taken
                if source[0] == "account":
                    state["withdrawn", source[1]] += taken
                elif source[0] == "room":
                    state["balance", source[1]] += taken
                    state["lent", source[1]] += taken
            claim.receive(state, amount)

    def divide(self, state: State, pool: float, dues: list[float]) -> list[float]:
        """What each claim is paid: in rounds, what those take that are not full, in proportion to their bases.

        At the end what is left goes by what is still due: to the last that is not full, or to those without a base.
        """
        if self.sharing == "sequential":
            amounts = []
            for due in dues:
                amounts.append(min(due, pool))
                pool = pool - amounts[-1]
            return amounts
        amounts = [0.0] * len(dues)
        weights = self.weights or dues
        if self.sharing == "pro rata by balance":
            weights = [claim.base(state) for claim in self.claims]
        for _ in range(self.rounds):
            bases = [base if due > paid else 0.0 for base, due, paid in zip(weights, dues, amounts, strict=True)]
            total, whole = sum_of(bases), pool
            for i, base in enumerate(bases):
                share = whole * (base / total if total != 0.0 else 0.0)
                amount = min(min(dues[i] - amounts[i], share), pool)
                amounts[i] = amounts[i] + amount
                pool = pool - amount
        rests = [due - paid for due, paid in zip(dues, amounts, strict=True)]
        for i, rest in enumerate(rests):
            total = sum_of(rests[i:])
            amount = min(rest, pool * (rest / total if total != 0.0 else 0.0))
            amounts[i] = amounts[i] + amount
            pool = pool - amount
        return amounts

    def emit(self, code: Code, limit: Value | None) -> None:
        sources = self.sources(code.plan)
        pool = code[sources[0]]
        for source in sources[1:]:
            pool = pool + code[source]
        code.reach = pool if limit is None else code.minimum(pool, limit)
        dues = [claim.emit_due(code) for claim in self.claims]
        for claim, amount in zip(self.claims, self.emit_divide(code, code.reach, dues), strict=True):
            left = amount
            for source in sources:
                taken = code.minimum(left, code[source])
                left = left - taken
                code[source] = code[source] - taken
                if source[0] == "account":
                    code["withdrawn", source[1]] = code["withdrawn", source[1]] + taken
                elif source[0] == "room":
                    code["balance", source[1]] = code["balance", source[1]] + taken
                    code["lent", source[1]] = code["lent", source[1]] + taken
            claim.emit_receive(code, amount)

    def emit_divide(self, code: Code, pool: Value, dues: list[Value]) -> list[Value]:
        """`divide` as instructions."""
        none = code.constant(0.0)
        if self.sharing == "sequential":
            amounts = []
            for due in dues:
                amounts.append(code.minimum(due, pool))
                pool = pool - amounts[-1]
            return amounts
        amounts = [none] * len(dues)
        weights = [code.constant(weight) for weight in self.weights] or dues
        if self.sharing == "pro rata by balance":
            weights = [claim.emit_base(code) for claim in self.claims]
        for _ in range(self.rounds):
            bases = [code.select(due > paid, w, none) for w, due, paid in zip(weights, dues, amounts, strict=True)]
            total, whole = self.emit_sums(code, bases)[0], pool
            for i, base in enumerate(bases):
                share = whole * code.ratio(base, total, 0.0)
                amount = code.minimum(dues[i] - amounts[i], share, pool)
                amounts[i] = amounts[i] + amount
                pool = pool - amount
        rests = [due - paid for due, paid in zip(dues, amounts, strict=True)]
        for i, (rest, total) in enumerate(zip(rests, self.emit_sums(code, rests), strict=True)):
            amount = code.minimum(rest, pool * code.ratio(rest, total, 0.0))
            amounts[i] = amounts[i] + amount
            pool = pool - amount
        return amounts

    def emit_sums(self, code: Code, values: list[Value]) -> list[Value]:
        """Each value with all after it, added from the last."""
        sums = [code.constant(0.0) + values[-1]]
        for value in reversed(values[:-1]):
            sums.insert(0, sums[0] + value)
        return sums

    def sources(self, plan: Plan) -> list[tuple[str, ...]]:
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

    def due(self, state: State) -> float:
        return sum_of([claim.due(state) for claim in self.inner.claims])

    def base(self, state: State) -> float:
        return sum_of([claim.base(state) for claim in self.inner.claims])

    def receive(self, state: State, amount: float) -> None:
        dues = [claim.due(state) for claim in self.inner.claims]
        for claim, part in zip(self.inner.claims, self.inner.divide(state, amount, dues), strict=True):
            claim.receive(state, part)

    def emit_due(self, code: Code) -> Value:
        return self.inner.emit_sums(code, [claim.emit_due(code) for claim in self.inner.claims])[0]

    def emit_base(self, code: Code) -> Value:
        return self.inner.emit_sums(code, [claim.emit_base(code) for claim in self.inner.claims])[0]

    def emit_receive(self, code: Code, amount: Value) -> None:
        dues = [claim.emit_due(code) for claim in self.inner.claims]
        for claim, part in zip(self.inner.claims, self.inner.emit_divide(code, amount, dues), strict=True):
            claim.emit_receive(code, part)

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


def sum_of(values: list[float]) -> float:
    """The sum, added from the last: in this order, and uncompensated (as `sum` is not from Python 3.12 on)."""
    total = 0.0
    for value in reversed(values):
        total = total + value
    return total


@word
def pay(*claims: Any, sharing: str | None = None, shares: Mapping[str, float] | None = None) -> Pay:
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
            raise InvalidTerms(f"pay takes claims such as interest('A'), got {claim!r}")
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
    if sharing not in SHARINGS:
        raise InvalidTerms(unknown("sharing", sharing, SHARINGS))
    borne_by = {need.what for claim in whole.each for need in claim.needs()}
    if sharing == "pro rata by balance" and not borne_by <= {"note", "debt"}:
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
    for name in shares:
        if name not in names:
            raise InvalidTerms(unknown("claim", name, names))
    for name in names:
        if not 0.0 < shares.get(name, 0.0) < float("inf"):
            raise InvalidTerms(f"shares must give {name!r} a positive weight, got {dict(shares)}")
    return tuple(float(shares[name]) for name in names)
