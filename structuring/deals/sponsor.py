"""Sponsor: the company behind an off-balance-sheet vehicle, and what it has promised the vehicle."""

from __future__ import annotations

from dataclasses import KW_ONLY

from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import term


@term
class Sponsor:
    """Who stands behind the vehicle without owning its debt.

    `maximum_exposure` is what its accounts disclose (not additive over its parts); `consolidated` whether the vehicle
    stands on its balance sheet.
    """

    name: str
    _: KW_ONLY
    consolidated: bool = False
    maximum_exposure: NotNegative | None = None
