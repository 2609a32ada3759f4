"""The obligors behind a deal, by name and role, and how much of its debt rests on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structuring.deals.deal import Deal, assets, clock, resets_of
from waterfalls.terms.tranches import Note

PAYERS = ("tenant", "customer", "borrower")  # those whose payments carry the debt
UNNAMED = "unnamed"  # the market, a pool's many borrowers: whoever pays beyond those named

# The driver by which one who bears a role fails; a sponsor's only where the collateral reads it.
FAILS = {
    "tenant": ("tenant_default",),
    "customer": ("tenant_default", "contract_breach"),
    "borrower": ("obligor_default",),
    "guarantor": ("guarantor_default",),
    "sponsor": ("parent_bankruptcy",),
}


def obligors(deal: Deal) -> dict[str, dict[str, float]]:
    """Amounts by role and name as the collateral states them: a year of rent or contract, notional, guaranteed amount."""
    found: dict[str, dict[str, float]] = {}
    for asset in assets(deal):
        for role, owed in asset.obligors().items():
            row = found.setdefault(role, {})
            for name, amount in owed.items():
                row[name] = row.get(name, 0.0) + amount
    return found


def debt(deal: Deal) -> float:
    """What the deal owes its notes now: their balances."""
    return sum(note.outstanding for note in deal.tranches if isinstance(note, Note))


def carried(deal: Deal) -> dict[str, float]:
    """The share of the collateral's base case that each payer by name is to pay; what nobody named pays is `UNNAMED`.

    Collateral weighs by what it would collect over its life (`contracted` of its receipts, else its cash), and within
    it names weigh by the amounts of `obligors`. A collateral that names nobody is unnamed as a whole.
    """
    weights = weights_of(deal)
    shares: dict[str, float] = {}
    for asset, weight in zip(assets(deal), weights, strict=True):
        owed = asset.obligors()
        amounts = {name: amount for role in PAYERS for name, amount in owed.get(role, {}).items()}
        total = sum(amounts.values())
        for name, amount in amounts.items() if total > 0.0 else [(UNNAMED, 1.0)]:
            shares[name] = shares.get(name, 0.0) + weight * (amount / total if total > 0.0 else 1.0)
    return shares


def weights_of(deal: Deal) -> list[float]:
    """The share of each collateral in what all of it collects in its base case; what floats, with its indices at 0."""
    owned = assets(deal)
    if len(owned) == 1:
        return [1.0]
    from structuring.scenarios.index_paths import index_paths
    from structuring.scenarios.scenario import Drivers, Scenario

    schedule, resets = clock(deal), resets_of(deal)
    flat = index_paths(resets, dict.fromkeys((each.coupon.index for each in resets), 0.0), schedule, 1)
    base = Drivers.of(Scenario("base"), flat)
    amounts = []
    for asset in owned:
        receipts = asset.deliver(schedule, base)
        amounts.append(float((receipts["contracted"] if "contracted" in receipts.fields else receipts.cash).sum()))
    total = sum(amounts)
    return [amount / total if total > 0.0 else 1.0 / len(owned) for amount in amounts]


def exposures(deal: Deal) -> list[tuple[str, str, float]]:
    """(role, name, amount) of everyone behind a deal's debt, in currency units.

    Payers share the debt by what they are to pay of it, so that their amounts sum to it. A guarantor stands for the
    smaller of the debt and what it guarantees, and the sponsor for all of the debt: amounts of different roles are views
    of the same debt and never added up.
    """
    owed, shares = debt(deal), carried(deal)
    by_role = obligors(deal)
    role_of = {name: role for role in PAYERS for name in by_role.get(role, {})}
    rows = [(role_of.get(name, UNNAMED), name, owed * share) for name, share in shares.items()]
    rows += [("guarantor", name, min(amount, owed)) for name, amount in by_role.get("guarantor", {}).items()]
    if deal.sponsor is not None:
        rows.append(("sponsor", deal.sponsor.name, owed))
    return rows


def herfindahl(amounts: Mapping[str, float]) -> float:
    """sum of squared shares: 1 when all is one name's, 1/n when n names have the same; NaN of nothing."""
    total = sum(amounts.values())
    return sum((amount / total) ** 2 for amount in amounts.values()) if total > 0.0 else float("nan")


def names_of(deal: Deal) -> dict[str, set[str]]:
    """By driver, the names for which a scenario may give it in this deal."""
    by_role: dict[str, Any] = obligors(deal)
    if deal.sponsor is not None:
        by_role = {**by_role, "sponsor": {deal.sponsor.name: 0.0}}
    found: dict[str, set[str]] = {"sale": {deal.name}}
    for role, owed in by_role.items():
        for driver in FAILS[role]:
            found.setdefault(driver, set()).update(owed)
    return found
