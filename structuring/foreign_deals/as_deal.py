"""A deal out of plain data, with every fault at the place of the file that it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from structuring.deals.deal import Deal
from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.term import read_term


def as_deal(data: Mapping[str, Any], found: Sequence[Fault], title: str, line: Callable[[Fault], int | None]) -> Deal:
    """The deal, or all that was found wrong on the way and in what came of it."""
    wrong = list(found)
    made: Any = None if wrong else read_term(Deal, dict(data), "", wrong)
    if wrong:
        told = [fault if fault.line else Fault(fault.place.lstrip("."), fault.what, line(fault)) for fault in wrong]
        raise InvalidTerms(sorted(told, key=lambda fault: fault.line or 0), title=title)
    return made
