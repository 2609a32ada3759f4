"""The arrays on which contagion is computed: institutions, their holdings and rules, and the depth of markets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pricing.bearers.institutions import Institution
from pricing.contagion.fire_sales import System
from pricing.contagion.initial_losses import Shock, shock_by
from pricing.tables.named_arrays import Matrix, nested, sized, vector
from structuring.deals.holdings import UNIDENTIFIED
from waterfalls.errors import Fault, InvalidTerms, refuse, shown, strangers, unknown

REST_OF_DEAL = "deal"  # the depth of a deal's own tranches, where a tranche has none of its own


def with_classes(listed: tuple[Institution, ...], shock: Shock) -> tuple[Institution, ...]:
    """Institutions, `unidentified` added where something is held by it; any other class that is none is refused."""
    known = [one.name for one in listed]
    if UNIDENTIFIED in shock.classes and UNIDENTIFIED not in known:
        listed = (*listed, Institution(UNIDENTIFIED))
    others = [name for name in shock.classes if name != UNIDENTIFIED]
    refuse(strangers("institutions", "institution", others, known))
    return listed


def system_of(
    shock: Shock,
    listed: tuple[Institution, ...],
    names: tuple[str, ...],
    prices: Mapping[str, Any] | None,
    other_assets: Matrix | None,
    depth: Mapping[str, Any],
) -> tuple[System, tuple[str, ...]]:
    """The arrays of a system, and the names of its assets: tranches, then the others."""
    total, credit, held = shock_by(shock, names)
    given = {one.name: dict(one.other) for one in listed} if other_assets is None else nested(other_assets)
    others = tuple(dict.fromkeys(asset for row in given.values() for asset in row))
    both = [Fault("other_assets", f"{name!r} is a tranche") for name in others if name in shock.tranches]
    refuse([*strangers("other_assets", "institution", given, names), *both])
    assets = (*shock.tranches, *others)
    values = np.hstack(
        [held, np.array([[given.get(n, {}).get(a, 0.0) for a in others] for n in names]).reshape(len(names), -1)]
    )
    if (values < 0.0).any():
        n, k = np.argwhere(values < 0.0)[0]
        place = f"other_assets[{names[n]!r}][{assets[k]!r}]"
        raise InvalidTerms(Fault(place, f"must not be negative, got {values[n, k]:,.2f}"))
    sellable, matrix_ = markets(depth, assets, shock.tranches)
    whole, capital, weights, rest, minimum, target = rules(listed, assets, values)
    marked = np.array([one.marked for one in listed])
    moved = sized(vector({} if prices is None else prices, others, "prices", otherwise=1.0))
    if (moved < 0.0).any():
        raise InvalidTerms(Fault("prices", f"must not be negative, got {moved.min():g}"))
    count = max(len(total), len(moved))
    if len(moved) not in (1, count) or len(total) not in (1, count):
        raise InvalidTerms(Fault("prices", f"is of {len(moved)} scenarios, the losses of {len(total)}"))
    start = np.hstack([sized(shock.start, count), sized(moved, count)])
    direct, hidden = reached(values, sellable, marked, start, total, credit, len(shock.tranches))
    return System(
        values=values, sellable=sellable, impact=matrix_, capital=capital, assets=whole, weights=weights, rest=rest,
        minimum=minimum, target=target, flow=np.array([one.redemptions for one in listed]), marked=marked, start=start,
        direct=direct, hidden=hidden,
    ), assets  # fmt: skip


def struck_by(system: System, shock: Shock, names: tuple[str, ...]) -> System:
    """A system whose other assets have not moved under another first shock on the same holdings."""
    total, credit, _ = shock_by(shock, names)
    tranches = len(shock.tranches)
    others = np.ones((len(total), system.values.shape[1] - tranches))
    start = np.hstack([shock.start, others])
    direct, hidden = reached(system.values, system.sellable, system.marked, start, total, credit, tranches)
    return dataclasses.replace(system, start=start, direct=direct, hidden=hidden)


def reached(
    values: np.ndarray, sellable: np.ndarray, marked: np.ndarray, start: np.ndarray, total: np.ndarray, credit: np.ndarray, tranches: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What of a first shock reaches capital, and what of it stays hidden until a sale (S, N)."""
    revalued = (1.0 - start[:, tranches:]) @ values[:, tranches:].T
    direct = marked * (total + revalued) + (1.0 - marked) * credit
    on_sellable = np.maximum((1.0 - start) @ (values * sellable).T, 0.0)
    return direct, (1.0 - marked) * np.clip(total + revalued - credit, 0.0, on_sellable)


def revalued(system: System, prices: Mapping[str, Any] | None, assets: tuple[str, ...]) -> np.ndarray:
    """Loss of value of other assets in the first shock (S, N)."""
    named = np.array([prices is not None and asset in prices for asset in assets], dtype=bool)
    return (1.0 - system.start[:, named]) @ system.values[:, named].T


def markets(
    depth: Mapping[str, Any], assets: tuple[str, ...], tranches: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Which assets can be sold (K,), and the fall of the second asset per unit of the first that is sold (K, K)."""
    count = len(assets)
    sellable, impact = np.ones(count, dtype=bool), np.zeros((count, count))
    found = []
    for k, asset in enumerate(assets):
        row = depth.get(asset, depth.get(REST_OF_DEAL) if asset in tranches else None)
        if row is None:
            found.append(Fault("depth", f"says nothing of {asset!r}; infinite is no impact, 0 what cannot be sold"))
            continue
        for moved, amount in (row if isinstance(row, Mapping) else {asset: row}).items():
            if moved not in assets:
                found.append(Fault(f"depth[{asset!r}]", unknown("asset", moved, assets)))
            elif not isinstance(amount, (int, float, np.integer, np.floating)) or not amount >= 0.0:
                found.append(Fault(f"depth[{asset!r}]", f"must be a number from 0 on, got {shown(amount)}"))
            elif amount == 0.0 and moved == asset:
                sellable[k] = False
            elif amount == 0.0:
                found.append(
                    Fault(f"depth[{asset!r}][{moved!r}]", "must be above 0: leave it out where sales move nothing")
                )
            else:
                impact[k, assets.index(moved)] = 1.0 / amount
    refuse(found)
    return sellable, impact


def rules(listed: tuple[Institution, ...], assets: tuple[str, ...], values: np.ndarray) -> tuple[np.ndarray, ...]:
    """assets, capital (N,), weights (N, K), weight of what is not modelled, minimum and target (N,)."""
    modelled = values.sum(axis=1)
    whole = np.array([held if one.assets is None else one.assets for one, held in zip(listed, modelled, strict=True)])
    for one, all_, held in zip(listed, whole, modelled, strict=True):
        if held > all_ * (1.0 + 1e-9):
            what = f"holds {held:,.0f}, more than its assets {all_:,.0f}"
            raise InvalidTerms(Fault(f"institutions[{one.name!r}]", what))
    capital = np.array([np.inf if one.capital is None else one.capital for one in listed])
    weights, rest = np.ones(values.shape), np.zeros(len(listed))
    minimum, target = np.zeros(len(listed)), np.ones(len(listed))
    for n, one in enumerate(listed):
        rule = one.threshold
        if rule is not None:
            weights[n] = [rule.weights.get(asset, rule.otherwise) for asset in assets]
            rest[n] = rule.otherwise * (whole[n] - modelled[n])
            minimum[n], target[n] = rule.minimum, rule.minimum if rule.target is None else rule.target
    return whole, capital, weights, rest, minimum, target
