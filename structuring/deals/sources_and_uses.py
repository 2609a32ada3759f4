"""Sources and uses of a deal: the lines of its funding, and the gap that another funding would leave."""

from __future__ import annotations

from structuring.deals.deal import Deal
from structuring.deals.funding import PARTS, Funding, Line, gap, lines


def statement(deal: Deal) -> list[Line]:
    """Sources and uses of a deal, line by line; nothing where it has no `funding`."""
    return [] if deal.funding is None else lines({name: getattr(deal, name) for name in (*PARTS, "funding")})


def unbalanced(deal: Deal, funding: Funding) -> float:
    """Sources less uses of a deal under a funding that it may not have."""
    return gap(lines({**{name: getattr(deal, name) for name in PARTS}, "funding": funding}))
