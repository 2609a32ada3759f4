"""The losses of one deal or several, by investor class and tranche, with which contagion begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pricing.bearers.who_bears import Losses
from pricing.tables.named_arrays import sized, unique, vector
from waterfalls.errors import InvalidTerms


@dataclasses.dataclass(frozen=True, eq=False)
class Shock:
    """Total and credit loss by class (S, C), value held of each tranche at the reference (C, N), and the prices of
    tranches after the shock relative to it (S, N). Tranches of several deals are called "deal: tranche".
    """

    scenarios: Sequence[Any]
    classes: tuple[str, ...]
    tranches: tuple[str, ...]
    total: np.ndarray
    credit: np.ndarray
    held: np.ndarray
    start: np.ndarray
    currency: str = ""


def shock_of(losses: Losses | Sequence[Losses] | Mapping[str, Any], cell: tuple[Any, str] | None) -> Shock:
    """The shock of losses: of one cell (scenario, shock), or of every pair that was priced, labelled "scenario, shock".

    A mapping is loss by institution (number or (S,)), taken as credit and total loss alike.
    """
    if isinstance(losses, Mapping):
        classes = unique(losses, "losses")
        lost = sized(vector(losses, classes, "losses"))
        none = np.zeros((len(classes), 0))
        return Shock(range(len(lost)), classes, (), lost, lost, none, np.ones((len(lost), 0)))
    parts = [losses] if isinstance(losses, Losses) else list(losses) if isinstance(losses, list | tuple) else []
    if not parts or not all(isinstance(part, Losses) for part in parts):
        raise InvalidTerms("losses: must be Losses of who_bears(...), several of them, or a loss by institution")
    shocks = [of_deal(part, cell, len(parts) > 1) for part in parts]
    return shocks[0] if len(shocks) == 1 else together(shocks)


def of_deal(losses: Losses, cell: tuple[Any, str] | None, several: bool) -> Shock:
    """The shock of one deal's losses."""
    prices = losses.prices
    if cell is None:
        s, k = np.nonzero(prices.wanted)
    else:
        s, k = (np.array([i]) for i in prices.at(*cell))
    lost = {name: losses.tranche[name][s, k] for name in ("credit", "total")}  # (cells, N)
    before = np.maximum(
        prices.npv[s[0], k[0]] + lost["total"][0], 0.0
    )  # value at the reference: the same for every cell
    after = before - lost["total"]
    start = np.divide(np.maximum(after, 0.0), before, out=np.ones(after.shape), where=before > 0.0)
    names = prices.tranches
    labels = tuple(cell_name(prices.scenarios[i], prices.shocks[j]) for i, j in zip(s, k, strict=True))
    return Shock(
        scenarios=labels,
        classes=losses.classes,
        tranches=tuple(f"{prices.deal}: {name}" for name in names) if several else names,
        total=lost["total"] @ losses.shares,
        credit=lost["credit"] @ losses.shares,
        held=(before[:, None] * losses.shares).T,
        start=start,
        currency=prices.currency,
    )


def cell_name(scenario: Any, shock: str) -> str:
    """How a cell is called: by scenario and shock, or by scenario alone where nothing was shocked."""
    return f"{scenario}" if shock == "unchanged" else f"{scenario}, {shock}"


def together(shocks: Sequence[Shock]) -> Shock:
    """The sum of deals by class; their cells must bear the same names."""
    labels, currency = shocks[0].scenarios, shocks[0].currency
    for shock in shocks[1:]:
        if shock.currency != currency:
            raise InvalidTerms(f"losses: deals differ in currency, {currency} and {shock.currency}")
        if tuple(shock.scenarios) != tuple(labels):
            raise InvalidTerms(f"losses: deals differ in scenarios: {list(labels)[:5]} and {list(shock.scenarios)[:5]}")
    classes = tuple(dict.fromkeys(name for shock in shocks for name in shock.classes))
    tranches = unique([name for shock in shocks for name in shock.tranches], "tranches")
    total, credit = (np.zeros((len(labels), len(classes))) for _ in range(2))
    held = np.zeros((len(classes), len(tranches)))
    column = 0
    for shock in shocks:
        at = [classes.index(name) for name in shock.classes]
        total[:, at] += shock.total
        credit[:, at] += shock.credit
        held[at, column : column + len(shock.tranches)] = shock.held
        column += len(shock.tranches)
    return Shock(labels, classes, tranches, total, credit, held, np.hstack([shock.start for shock in shocks]), currency)


def shock_by(shock: Shock, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total loss, credit loss (S, N), and holdings of tranches (N, tranches), by institution."""
    at = [names.index(name) for name in shock.classes]
    total, credit = (np.zeros((len(shock.scenarios), len(names))) for _ in range(2))
    held = np.zeros((len(names), len(shock.tranches)))
    total[:, at], credit[:, at], held[at] = shock.total, shock.credit, shock.held
    return total, credit, held
