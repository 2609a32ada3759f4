"""Checks of a deal's terms against each other: unknown names, names borne twice, cash that would reach nobody."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from waterfalls.clauses.claims import Debt, Deposit, Residual, TopUp
from waterfalls.clauses.order import faults_of_order, faults_of_sale
from waterfalls.clauses.pay import Pay
from waterfalls.clauses.waterfall import Clause, Waterfall
from waterfalls.errors import Fault, unknown
from waterfalls.fields import EXPENSES
from waterfalls.language.definitions import Defined, endless, endless_amounts, levels
from waterfalls.language.expressions import Comparison, Condition, Number, no_amount
from waterfalls.language.formulas import ByDate, Divided, Stepped
from waterfalls.language.forward import cannot_look_ahead
from waterfalls.language.numbers import Held
from waterfalls.language.parsing import DEEPEST
from waterfalls.language.ratios import Ratio
from waterfalls.language.vocabulary import Need, Node, nodes_in
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.term import Unsound, is_broken
from waterfalls.terms.too_early import nodes_read, read_too_early
from waterfalls.terms.tranches import Equity, Note
from waterfalls.terms.triggers import Trigger

DEFAULT_REGIME = "waterfall"
Known = Mapping[str, Mapping[str, Any] | None]  # what bears a name of each kind; None where that is not known
BORNE_BY = {"debt": "note or facility", "balance": "tranche or facility", "support": "account or facility"}


def regimes_of(waterfall: Waterfall | Mapping[str, Waterfall]) -> dict[str, Waterfall]:
    """The waterfalls by regime; a single one is the only regime."""
    return dict(waterfall) if isinstance(waterfall, Mapping) else {DEFAULT_REGIME: waterfall}


def place_in(regime: str) -> str:
    """Where the waterfall of a regime stands in a deal file."""
    return "waterfall" if regime == DEFAULT_REGIME else f"waterfall[{regime!r}]"


def terms_in(fields: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The terms of a deal by kind, of those that bear names; none where the field is not known."""
    for kind in ("tranches", "fees", "accounts", "triggers", "hedges", "facilities", "ledgers", "replacements"):
        yield list(fields.get(kind) or ())


def waterfalls_in(fields: Mapping[str, Any]) -> tuple[dict[str, Waterfall], bool]:
    """The waterfalls by regime, and whether all of them is known: clauses that could not be read may matter."""
    waterfalls = regimes_of(fields["waterfall"]) if "waterfall" in fields else {}
    return waterfalls, bool(waterfalls) and not is_broken(fields["waterfall"])


def known_names(fields: Mapping[str, Any]) -> dict[str, Mapping[str, Any] | None]:
    """What a number or a clause may name, by kind, each with the term that bears the name; None where it is not known."""
    tranches, fees, accounts, triggers, hedges, facilities, ledgers, replacements = terms_in(fields)
    notes = [tranche for tranche in tranches if not isinstance(tranche, Equity)]
    kinds: dict[str, list[Any]] = {
        "note": notes,
        "equity": [tranche for tranche in tranches if not isinstance(tranche, Note)],
        "tranche": tranches,
        "fee": fees,
        "account": accounts,
        "trigger": triggers,
        "hedge": hedges,
        "debt": [*notes, *facilities],
        "balance": [*tranches, *facilities],
        "support": [*accounts, *facilities],
        "ledger": ledgers,
        "replacement": replacements,
    }
    waterfalls, whole = waterfalls_in(fields)
    events = fields.get("raised")  # None where it is not known before the deal runs
    known: dict[str, Mapping[str, Any] | None] = {
        **{kind: {part.name: part for part in parts} for kind, parts in kinds.items()},
        "expense": dict.fromkeys(EXPENSES),
        "paid": dict.fromkeys(expenses_paid(waterfalls)) if whole else None,
        "definition": fields.get("definitions") or {},
        "event": None if events is None else dict.fromkeys(events),
    }
    absent = {
        "tranches": ("note", "equity", "tranche", "debt", "balance"),
        "facilities": ("debt", "balance", "support"),
        "accounts": ("account", "support"),
        "fees": ("fee",),
        "triggers": ("trigger",),
        "hedges": ("hedge",),
        "ledgers": ("ledger",),
        "replacements": ("replacement",),
        "definitions": ("definition",),
    }
    for field, kinds in absent.items():
        if field not in fields:  # its own faults are told elsewhere
            known |= dict.fromkeys(kinds)
    return known


def faults_between(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Names that nothing bears, names borne twice, waterfalls that strand cash; over those fields that are given."""
    tranches, fees, accounts, triggers, _, facilities, ledgers, _ = terms_in(fields)
    definitions: Mapping[str, Number] = fields.get("definitions") or {}
    waterfalls, whole = waterfalls_in(fields)
    known = known_names(fields)
    named = ("tranches", "facilities", "accounts", "hedges", "fees", "ledgers", "replacements")
    everything = {f"{kind}[{i}]": part.name for kind in named for i, part in enumerate(fields.get(kind) or ())}
    yield from twice(everything, "tranches, facilities, accounts, hedges, fees, ledgers and replacement collateral")
    yield from twice({f"triggers[{i}]": trigger.name for i, trigger in enumerate(triggers)}, "triggers")

    read = [
        (f"{kind}[{i}].{field}", node)
        for kind in ("fees", "accounts", "hedges", "facilities", "ledgers", "replacements", "tranches")
        for i, part in enumerate(fields.get(kind) or ())
        for field, node in nodes_in(part)
    ]
    for place, node in read:
        yield from names_in(place, node, known)
    for i, ledger in enumerate(ledgers):
        if isinstance(ledger, Ledger) and known["account"] is not None and ledger.account not in known["account"]:
            yield Fault(f"ledgers[{i}].account", unknown("account", ledger.account, known["account"]))
    yield from faults_of_definitions(definitions, known)
    yield from faults_of_triggers(triggers, known)

    ends = {note.name: note.available_until for note in tranches if isinstance(note, Note)}
    ends |= {facility.name: getattr(facility, "expires", None) for facility in facilities}
    roots = [(f"waterfall[{i}]", clause) for each in waterfalls.values() for i, clause in sound_clauses(each)]
    roots += [root for i, made in enumerate(triggers) if not isinstance(made, Unsound) for root in tests_of(i, made)]
    roots += [(f"definitions[{name!r}]", number) for name, number in sound(definitions)]
    roots += [(f"regimes[{name!r}]", condition) for name, condition in sound(fields.get("regimes") or {})]
    by_note = {note.name: note for note in tranches if isinstance(note, Note)}
    every = [(place, node) for place, root in roots for node in root.walk()]
    tests = [root for root in roots if root[0].startswith(("triggers", "regimes"))]
    yield from read_too_early(read, tests, dict(sound(definitions)), [fee.name for fee in fees])
    yield from dated_levels(read, roots, dict(sound(definitions)))
    yield from infinite_amounts(endless(dict(sound(definitions))), read, roots)
    if whole:
        yield from faults_of_sale([node for _, node in every])
    yield from (Fault(place, reason) for place, node in every if (reason := cannot_look_ahead(node, by_note)))
    for regime, waterfall in waterfalls.items():
        place = place_in(regime)
        yield from faults_in(place, waterfall, known)
        if whole:
            yield from faults_of_order(place, waterfall, ends)
    yield from faults_of_regimes(fields, waterfalls, known)
    if whole and accounts:
        yield from stranded(accounts, waterfalls)


def faults_of_definitions(definitions: Mapping[str, Number], known: Known) -> Iterator[Fault]:
    """Names in definitions that nothing bears or that are defined later, and definitions too deep in each other."""
    inside: dict[str, int] = {}
    for i, (name, number) in enumerate(definitions.items()):
        inside[name] = 0 if isinstance(number, Unsound) else levels(number, inside)
        earlier = {**known, "definition": dict(list(definitions.items())[:i])}
        if not isinstance(number, Unsound):
            yield from names_in(f"definitions[{name!r}]", number, earlier)
    deep = next((name for name, count in inside.items() if count > DEEPEST), None)
    if deep is not None:
        yield Fault(
            f"definitions[{deep!r}]", f"reads definitions too deep: at most {DEEPEST} levels one inside another"
        )


def faults_of_triggers(triggers: Sequence[Any], known: Known) -> Iterator[Fault]:
    """Names in tests that nothing bears, and triggers that are tested later."""
    for i, trigger in enumerate(triggers):
        if isinstance(trigger, Unsound):
            continue
        earlier = [other.name for other in triggers[:i]]
        for place, test in tests_of(i, trigger):
            for need in (need for node in test.walk() for need in node.needs()):
                if need.what == "trigger" and need.name not in earlier and need.name in (known["trigger"] or ()):
                    yield Fault(place, f"reads the trigger {need.name!r}, which is tested later: declare it first")
            yield from names_in(place, test, known)


def faults_of_regimes(fields: Mapping[str, Any], waterfalls: Mapping[str, Waterfall], known: Known) -> Iterator[Fault]:
    """Regimes without a waterfall, and those of which nothing says when they begin."""
    regimes: Mapping[str, Condition] = fields.get("regimes") or {}
    for regime, condition in regimes.items():
        if waterfalls and regime not in waterfalls:
            yield Fault("regimes", unknown("regime", regime, waterfalls))
        if not isinstance(condition, Unsound):
            yield from names_in(f"regimes[{regime!r}]", condition, known)
    for regime in list(waterfalls)[1:]:
        if regime not in regimes and "regimes" in fields:
            yield Fault(
                "regimes",
                f"nothing says when the regime {regime!r} begins; the first, {next(iter(waterfalls))!r}, needs nothing",
            )


LEVELS = ("target", "limit", "notional", "interest_on")  # the fields of terms that hold between dates too


def dated_levels(
    read: Iterable[tuple[str, Node]], roots: Iterable[tuple[str, Node]], definitions: Mapping[str, Number]
) -> Iterator[Fault]:
    """Amounts by date where a level is wanted, which holds on every date: beside a ratio, or as what an account holds."""

    def reads(side: Node, *kinds: type) -> list[Node]:
        return [node for node, _ in nodes_read(side, definitions) if isinstance(node, kinds)]

    for place, root in (*read, *roots):
        level = place.rpartition(".")[2] in LEVELS and isinstance(root, (ByDate, Defined))
        found = reads(root, ByDate) if level else []
        for test in (node for node in root.walk() if isinstance(node, Comparison)):
            for side, other in ((test.left, test.right), (test.right, test.left)):
                if reads(other, Ratio, Divided) and not reads(side, Ratio, Divided):
                    found += reads(side, ByDate)
        for node in found[:1]:
            said = f"is 0 on every date that it does not name, so it is no level: say {stepped_as(node)}"
            yield Fault(place, f"'{node}' {said}")


def stepped_as(node: Any) -> str:
    """What would say that each of some amounts by date holds from its date on."""
    (_, first), *steps = node.amounts
    return str(Stepped(first, tuple(steps)))


def infinite_amounts(
    names: Container[str], read: Iterable[tuple[str, Node]], roots: Iterable[tuple[str, Node]]
) -> Iterator[Fault]:
    """Definitions that may be infinite (`names`), read in a term's own number, or inside any, where an amount is wanted."""
    for place, said in read:
        if isinstance(said, Number) and said.infinite(names):
            yield Fault(place, no_amount(said))
    for place, root in (*read, *roots):
        yield from (Fault(place, reason) for reason in endless_amounts(root, names))


def sound_clauses(waterfall: Any) -> list[tuple[int, Clause]]:
    """The clauses of a waterfall, of which a document may hold some that cannot be read, with their positions."""
    clauses = waterfall.clauses if isinstance(waterfall, Waterfall) else waterfall if is_broken(waterfall) else ()
    return [(i, clause) for i, clause in enumerate(clauses) if not isinstance(clause, Unsound)]


def sound(named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The entries of a mapping that could be read."""
    return [(name, value) for name, value in named.items() if not isinstance(value, Unsound)]


def faults_in(place: str, waterfall: Waterfall, known: Known) -> Iterator[Fault]:
    """Faults of one waterfall: unknown names, terms that what is named lacks, cash that reaches nobody."""
    accounts = known["account"]
    for i, clause in sound_clauses(waterfall):
        yield from names_in(f"{place}[{i}]", clause, known)
        if isinstance(clause, Pay):
            lends = [name for name in clause.supports if accounts is not None and name not in accounts]
            if lends and any(isinstance(claim, (Residual, Deposit)) for claim in clause.each):
                yield Fault(
                    f"{place}[{i}]", f"would draw all of {lends[0]!r}: whatever there is, is no need to borrow for"
                )
    if not isinstance(waterfall, Waterfall):
        return  # the clause that could not be read may be the last
    last = waterfall.clauses[-1] if waterfall.clauses else None
    ends = isinstance(last, Pay) and any(isinstance(claim, Residual) for claim in last.each)
    if not ends or last is None or last.conditions or last.caps or last.source:
        yield Fault(place, "can strand cash: its last clause must be pay(residual(...)) without when, capped or from_")


def stranded(accounts: Iterable[Any], waterfalls: Mapping[str, Waterfall]) -> Iterator[Fault]:
    """Accounts that cash enters and nothing ever takes it out of."""
    clauses = [clause for waterfall in waterfalls.values() for clause in waterfall.clauses]
    for i, account in enumerate(accounts):
        used = any(account.name in (*clause.supports, clause.source) for clause in clauses)
        used = used or any(
            Need("account", account.name) in clause.needs() for clause in clauses if not isinstance(clause, Pay)
        )
        filled = getattr(account, "balance", 0.0) > 0.0 or any(
            isinstance(claim, (TopUp, Deposit)) and claim.name == account.name
            for clause in clauses if isinstance(clause, Pay) for claim in clause.each
        )  # fmt: skip
        if filled and not used and not getattr(account, "stays", False):
            said = "release it, pay from it, draw on it, or say stays: true where its cash is to stay"
            yield Fault(f"accounts[{i}]", f"nothing takes cash out of {account.name!r}: {said}")


def tests_of(i: int, trigger: Trigger) -> list[tuple[str, Condition]]:
    """What a trigger reads, each with its place."""
    return [(f"triggers[{i}].{field}", test) for field, test in zip(("test", "cured_by"), trigger.tests, strict=False)]


def names_in(place: str, node: Node, known: Known) -> Iterator[Fault]:
    """Names in an expression or a clause that nothing bears, or that lack the terms it speaks of."""
    for part in node.walk():
        for need in part.needs():
            things, paid = known[need.what], known["paid"]
            if things is not None and need.name not in things:
                yield Fault(place, unknown(BORNE_BY.get(need.what, need.what), need.name, things))
            elif things is not None and (absent := lacking(need, things[need.name])):
                yield Fault(place, f"'{part}' needs {absent}")
            elif need.what == "expense" and isinstance(part, Held) and paid is not None and need.name not in paid:
                yield Fault(place, f"'{part}' is read, but no clause pays expense({need.name!r})")


ADVICE = {  # what a term that is lacking would say
    "additional_rate": "give it the rate that it bears from its anticipated repayment date on",
    "available_until": "the last date on which it may be drawn",
    "commitment": "what its owner has still promised to pay in",
    "target": "give it one, or deposit",
    "notional": "what it paid in, or what it still will",
}


def lacking(need: Need, thing: Any) -> str:
    """Which terms, of which it must have one, a thing lacks, with what they would say; empty where it has one."""
    terms = [term for term in need.terms if hasattr(thing, term)]
    if not terms or any(getattr(thing, term) not in (None, 0.0) for term in terms):
        return ""
    return f"{' or '.join(terms)}, which {need.name!r} lacks: {ADVICE[terms[0]]}"


def twice(names: Mapping[str, str], what: str) -> Iterator[Fault]:
    """Names, by where they stand, that are empty or borne more than once."""
    first: dict[str, str] = {}
    for place, name in names.items():
        if name is not None and not name.strip():
            yield Fault(place, f"a name among {what} is empty")
        if name in first and name is not None:
            yield Fault(place, f"the name {name!r} is borne by {first[name]} too: it stands once among {what}")
        first.setdefault(name, place)


def expenses_paid(waterfalls: Mapping[str, Waterfall]) -> tuple[str, ...]:
    """The costs that some clause pays, in the order first met."""
    found = [
        claim.name
        for waterfall in waterfalls.values() for clause in waterfall.clauses if isinstance(clause, Pay)
        for claim in clause.each if isinstance(claim, Debt) and claim.kind == "expense"
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))
