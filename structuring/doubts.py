"""Doubts: what makes sense by itself and is seldom meant, said as sentences and never as errors."""

from __future__ import annotations

from collections.abc import Iterator

from structuring.deal import Deal
from waterfalls.amortisation import EqualInstalments, Instalments, LevelPayments
from waterfalls.checks import regimes_of
from waterfalls.claims import Debt, Principal
from waterfalls.clauses.pay import Pay
from waterfalls.conventions import FREQUENCIES
from waterfalls.coupons import Fixed
from waterfalls.tranches import Note

HIGH = 0.5  # a coupon above 50 % is per cent or basis points by mistake


def doubts(deal: Deal) -> Iterator[str]:
    """What a second reader would ask about a deal."""
    claims = [
        claim
        for waterfall in regimes_of(deal.waterfall).values()
        for clause in waterfall.clauses
        if isinstance(clause, Pay)
        for claim in clause.each
    ]
    interest = {claim.name for claim in claims if isinstance(claim, Debt) and claim.kind == "interest"}
    principal = {claim.name for claim in claims if isinstance(claim, Principal)}
    for note in deal.tranches:
        if not isinstance(note, Note):
            continue
        rate = note.coupon.rate if isinstance(note.coupon, Fixed) else note.coupon.margin
        if abs(rate) > HIGH:
            yield f"{note.name} bears {100 * rate:,.4g} %: rates are decimals, 0.05 is 5 %"
        if note.name not in interest and rate and note.capitalises is None:
            yield f"no clause pays interest on {note.name}"
        if note.name not in principal and note.outstanding > 0.0:
            yield f"no clause repays {note.name}, so it is unpaid at legal final"
        yield from off_schedule(deal, note)


def off_schedule(deal: Deal, note: Note) -> Iterator[str]:
    """Dates of a note's amortisation that are no payment dates."""
    terms = note.amortisation
    months = 12 // FREQUENCIES[deal.frequency]
    days = list(terms.amounts) if isinstance(terms, Instalments) else []
    days += [terms.first] if isinstance(terms, LevelPayments | EqualInstalments) else []
    for day in days:
        apart = (day.year - deal.first_payment.year) * 12 + day.month - deal.first_payment.month
        aligned = abs(day.day - deal.first_payment.day) <= 3 or day.day >= 28 <= deal.first_payment.day
        if apart % months or not aligned:
            yield f"{note.name} amortises on {day}, which is no payment date: it counts on the next one"
