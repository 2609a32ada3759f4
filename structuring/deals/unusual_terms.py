"""Warnings about terms that are allowed and seldom meant, such as a rate of 60 % or a payment after legal final."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from structuring.collateral.asset_classes import meanings
from structuring.collateral.loan_tape import Tape
from structuring.deals.deal import Deal, assets, clock, place_of
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.scenario import Scenario, by_name
from waterfalls.checks import DEFAULT_REGIME, place_in
from waterfalls.clauses.claims import Claim, Debt, Principal
from waterfalls.clauses.pay import Pay
from waterfalls.clauses.waterfall import Clause, Waterfall
from waterfalls.clock.conventions import FREQUENCIES
from waterfalls.errors import Fault
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Comparison, Constant, Number
from waterfalls.language.formulas import Stepped
from waterfalls.language.ratios import Ratio
from waterfalls.language.vocabulary import Node, nodes_in
from waterfalls.terms.amortisation import EqualInstalments, Instalments
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.term import field_types, is_a, is_family, is_term, is_union, kind_of
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from waterfalls.cashflows import Cashflows

HIGH = 0.5  # a rate above 50 % a year is per cent or basis points by mistake
SMALL = 1e-5  # of the largest note: smaller than any class that is issued beside it
COVERED = 10.0  # a level of a ratio above 10 is per cent by mistake


def doubts(deal: Deal) -> Iterator[Fault]:
    """What a second reader would ask about a deal, each with its place in the deal file."""
    regimes = deal.waterfalls
    paid = [claim for waterfall in regimes.values() for claim in claims_of(waterfall)]
    owed = {(claim.kind, claim.name) for claim in paid if isinstance(claim, Debt)}
    principal = {claim.name for claim in paid if isinstance(claim, Principal)}
    first = next(iter(regimes))
    begins = {claim.name for claim in claims_of(regimes[first]) if isinstance(claim, Principal)}
    for i, note in enumerate(deal.tranches):
        if not isinstance(note, Note):
            continue
        place = f"tranches[{i}].note"
        rate = note.coupon.rate if isinstance(note.coupon, Fixed) else note.coupon.margin
        if ("interest", note.name) not in owed and rate and note.capitalises is None:
            yield Fault(place, f"no clause pays interest on {note.name}")
        if note.name not in principal and note.outstanding > 0.0:
            yield Fault(place, f"no clause repays {note.name}, so it is unpaid at legal final")
        elif note.name not in begins and note.amortisation is not None:
            regime = "" if first == DEFAULT_REGIME else f" of {first!r}, the first regime,"
            said = f"no clause{regime} pays the scheduled principal of {note.name}, so its instalments are missed"
            yield Fault(f"{place}.amortisation", said)
        yield from off_schedule(deal, note, place)
    for i, fee in enumerate(deal.fees):
        if ("fee", fee.name) not in owed:
            yield Fault(f"fees[{i}]", f"no clause pays fee({fee.name!r}), so it is never paid")
    for i, swap in enumerate(deal.hedges):
        if ("hedge", swap.name) not in owed and swap.pay is not None:
            said = f"no clause pays hedge({swap.name!r}), so the counterparty pays the deal and is never paid"
            yield Fault(f"hedges[{i}]", said)
    for i, asset in enumerate(assets(deal)):
        lines = getattr(asset, "lines", None)
        for said in lines.told if isinstance(lines, Tape) else ():
            yield Fault(f"{place_of(deal, i)}.lines", f"of the tape: {said}")
    yield from of_another_size(deal)
    yield from junior_first(deal)
    yield from high_rates(deal, "")
    yield from high_levels(deal)


def of_another_size(deal: Deal) -> Iterator[Fault]:
    """Notes so small beside the largest that one of them is said in millions."""
    notes = [(i, note) for i, note in enumerate(deal.tranches) if isinstance(note, Note)]
    largest = max((note for _, note in notes), key=lambda note: note.notional, default=None)
    for i, note in notes:
        if largest is not None and note.notional < SMALL * largest.notional:
            said = f"{note.notional:,.6g} beside {largest.notional:,.2f} of {largest.name}: amounts are in {deal.currency}, not in millions"
            yield Fault(f"tranches[{i}].note.notional", said)


def junior_first(deal: Deal) -> Iterator[Fault]:
    """Clauses that pay a note, on no condition and without a cap, before one that `tranches` names above it."""
    ranks = {note.name: i for i, note in enumerate(deal.tranches) if isinstance(note, Note)}
    for regime, waterfall in deal.waterfalls.items():
        paid: dict[str, dict[str, list[tuple[int, Clause]]]] = {"interest": {}, "principal": {}}
        for i, clause in enumerate(waterfall.clauses):
            for claim in clause.each if isinstance(clause, Pay) else ():
                kind = "principal" if isinstance(claim, Principal) else getattr(claim, "kind", "")
                if kind in paid and claim.name in ranks:
                    paid[kind].setdefault(claim.name, []).append((i, clause))
        apart = {name for name, clauses in paid["principal"].items() if all(clause.source for _, clause in clauses)}
        for kind, clauses in paid.items():
            # those that are apart are repaid by money of their own
            firsts = {name: found[0] for name, found in clauses.items() if name not in apart}
            for name, (i, clause) in firsts.items():
                above = [other for other, (k, _) in firsts.items() if ranks[other] < ranks[name] and k > i]
                if above and not (clause.conditions or clause.caps or clause.source):
                    of = "on" if kind == "interest" else "of"
                    said = f"pays {kind} {of} {name} before {kind} {of} {above[0]}, which `tranches` names above it"
                    yield Fault(f"{place_in(regime)}[{i}]", said)


def claims_of(waterfall: Waterfall) -> list[Claim]:
    """All that the clauses of a waterfall pay."""
    return [claim for clause in waterfall.clauses if isinstance(clause, Pay) for claim in clause.each]


def too_late(deal: Deal, scenarios: Sequence[Scenario]) -> Iterator[Fault]:
    """What scenarios let strike when the last collection period has ended, so that it does nothing."""
    last = clock(deal).collection[-1]
    for scenario in scenarios:
        for driver, given in scenario.given().items():
            for place, day in by_name(driver, given) if DRIVERS[driver].shape == "date" else ():
                if day > last:
                    said = f"strikes on {day}, after the last collections of {last}: never"
                    yield Fault(f"scenarios[{scenario.name!r}].{place}", said)


def left_unpaid(flows: Cashflows) -> Iterator[Fault]:
    """Notes that no scenario repays by the last date, and collateral that pays after it, where nothing is collected."""
    from waterfalls.engines.laws import tolerance

    for i, note in enumerate(flows.plan.tranches.values()):
        owed = flows.balance[note.name][:, -1].min() if isinstance(note, Note) else 0.0
        if owed > tolerance(flows.plan):
            said = (
                f"{owed:,.2f} of {note.name} is unpaid on {flows.dates[-1]} in every scenario: "
                "say what repays it (a sale, a call, a cap that is too low), or expect the loss"
            )
            yield Fault(f"tranches[{i}].note", said)
    owed = flows.receipt("pool_balance")[:, -1].min()
    if owed > tolerance(flows.plan):
        end = flows.plan.schedule.ends[-1]
        yield Fault(
            "collateral", f"{owed:,.2f} of it is still owed when the last collections end on {end}: it reaches nobody"
        )


def left_over(flows: Cashflows) -> Iterator[Fault]:
    """Cash that an account still holds after the last date, when there is nobody left to pay it to."""
    from waterfalls.engines.laws import tolerance

    for i, name in enumerate(flows.plan.accounts):
        held = flows["account", name][:, -1].tolist()
        worst = held.index(max(held))
        if held[worst] > 1e3 * tolerance(flows.plan):
            said = f"{name!r} still holds {held[worst]:,.2f} after the last date"
            where = f"in {list(flows.scenarios)[worst]!r}: release it before the residual"
            yield Fault(f"accounts[{i}]", f"{said} {where}")


def off_schedule(deal: Deal, note: Note, place: str) -> Iterator[Fault]:
    """Dates of a note's amortisation that are no payment dates, or lie past its legal final."""
    terms = note.amortisation
    if terms is None:
        return
    place, final = f"{place}.amortisation.{kind_of(type(terms))}", note.maturity or deal.maturity
    months = 12 // FREQUENCIES[deal.frequency]
    for day in list(terms.amounts) if isinstance(terms, Instalments) else [terms.first]:
        regular = deal.second_payment or deal.first_payment
        apart = (day.year - regular.year) * 12 + day.month - regular.month
        aligned = abs(day.day - regular.day) <= 3 or day.day >= 28 <= regular.day
        paid = day in (deal.first_payment, *deal.payment_dates) or not (
            deal.payment_dates or apart % months or not aligned
        )
        if day > final:
            yield Fault(place, f"{note.name} amortises on {day}, which is after its legal final {final}")
        elif day < deal.first_payment:
            said = f"before the first payment date {deal.first_payment}: what falls due until then is never asked for"
            yield Fault(place, f"{note.name} amortises from {day}, {said}")
        elif not paid:
            yield Fault(place, f"{note.name} amortises on {day}, which is no payment date: it counts on the next one")
    # level payments beyond legal final are a mortgage's balloon
    if isinstance(terms, EqualInstalments) and terms.first <= final:
        dates = dates_until(final, terms.first, months)
        if deal.payment_dates:
            dates = sum(terms.first <= day <= final for day in deal.payment_dates)
        if dates < terms.count:
            left = f"{terms.count} instalments of which {dates} fall due by its legal final {final}"
            yield Fault(place, f"{note.name} has {left}: what the others would repay is a balloon on that date")


def dates_until(final: datetime.date, first: datetime.date, months: int) -> int:
    """How many payment dates there are from the first to the last; month ends differ by up to three days."""
    apart = (final.year - first.year) * 12 + final.month - first.month
    return apart // months + (0 if apart % months == 0 and final.day + 3 < first.day else 1)


@functools.cache
def rates_a_year() -> dict[str, frozenset[str]]:
    """By term, the fields that are rates a year, by what the documents say of their unit."""
    return {
        name: frozenset(field for field, said in fields.items() if said.startswith("decimal a year |"))
        for name, fields in meanings().items()
    }


def high_rates(value: Any, place: str, wanted: Any = None, *, rate: bool = False) -> Iterator[Fault]:
    """Rates a year above `HIGH` anywhere in a term, each with its place; `rate` says that numbers here are such rates."""
    if isinstance(value, Tape):
        high = value.rate > HIGH
        if high.any():
            said = f"some loans bear up to {100 * float(value.rate.max()):,.4g} %: rates are decimals, 0.05 is 5 %"
            yield Fault(place, said)
    elif is_term(value) and not isinstance(value, Node):
        inside = f"{place}.{kind_of(type(value))}" if is_family(wanted) else place
        hints, rates = field_types(type(value)), rates_a_year().get(type(value).__name__, ())
        for name in (field.name for field in dataclasses.fields(value)):
            at = f"{inside}.{name}" if inside else name
            yield from high_rates(getattr(value, name), at, hints[name], rate=name in rates)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from high_rates(part, f"{place}[{key!r}]", rate=rate)
    elif isinstance(value, tuple):
        branches = [*typing.get_args(wanted), wanted] if is_union(wanted) else [wanted]
        inner = next((typing.get_args(branch)[0] for branch in branches if is_a(branch, tuple)), None)
        for i, part in enumerate(value):
            yield from high_rates(part, f"{place}[{i}]", inner, rate=rate)
    elif rate and isinstance(value, float) and abs(value) > HIGH:
        yield Fault(place, f"{value:g} is {100 * value:,.4g} % a year: rates are decimals, 0.05 is 5 %")


def high_levels(deal: Deal) -> Iterator[Fault]:
    """Ratios held against a level that none of them reaches."""
    for place, root in expressions(deal):
        for node in root.walk():
            for ratio, level in pairs(node, deal):
                said = f"{ratio} is held against {level:g}: ratios are decimals, {level / 100.0:g} is {level:g} %"
                yield Fault(place, said)


def pairs(node: Node, deal: Deal) -> Iterator[tuple[Number, float]]:
    """A ratio and each level above `COVERED` that a comparison holds it against."""
    if not isinstance(node, Comparison):
        return
    for side, other in ((node.left, node.right), (node.right, node.left)):
        said = deal.definitions[side.name] if isinstance(side, Defined) else side
        levels = [other.value] if isinstance(other, Constant) else []
        levels = [other.first, *(value for _, value in other.steps)] if isinstance(other, Stepped) else levels
        if isinstance(said, Ratio):
            yield from ((side, level) for level in levels if level > COVERED)


def expressions(deal: Deal) -> Iterator[tuple[str, Node]]:
    """Everything that a deal says in the language of payment, with its place."""
    for regime, waterfall in deal.waterfalls.items():
        yield from ((f"{place_in(regime)}[{i}]", clause) for i, clause in enumerate(waterfall.clauses))
    for field in ("regimes", "definitions"):
        yield from ((f"{field}[{name!r}]", said) for name, said in getattr(deal, field).items())
    for field in ("triggers", "tranches", "fees", "accounts", "hedges", "ledgers", "replacements"):
        for i, item in enumerate(getattr(deal, field)):
            yield from ((f"{field}[{i}].{name}", said) for name, said in nodes_in(item))
