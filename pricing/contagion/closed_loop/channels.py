"""The loop's channels: what the losses and prices of one round do to the next, one function each.

Each takes what a round found and gives a part of the next round's state. Each is monotone: more loss and lower prices never
mean fewer sales, less spread or less of the story.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from pricing.contagion.closed_loop.round import Economy, Round
from pricing.contagion.closed_loop.state import State

CHANNELS = ("ratings", "redemptions", "margin and lines", "spreads", "refinancing", "funding")
ABOVE_JUNK = {"AA": 7, "A": 4, "BBB": 1}  # notches from the class's last rating to the first of junk
NOTCHES = 3.0  # ratings in a class, over which its paper is spread evenly


def ratings(y: Economy, found: Round, state: State) -> State:
    """Falls to junk, and what mandates sell of them.

    notches = credit loss / value before / notch; the part of a tranche's class that falls to junk is
    min(max(notches - (its distance - 1), 0) / 3, 1), its ratings being spread evenly; sold = mandate x that part.
    """
    v = y.vehicles
    notches = found.credit_share / y.said["notch"]
    distance = np.array([ABOVE_JUNK.get(paper, np.inf) for paper in v.paper])
    fallen = np.clip((notches - (distance - 1.0)) / NOTCHES, 0.0, 1.0)
    sold = np.zeros(y.values.shape)
    sold[:, : len(fallen)] = y.by_class("mandates")[:, None] * fallen
    return with_sales(y, state, "ratings", sold)


def redemptions(y: Economy, found: Round, state: State) -> State:
    """Semi-liquid funds: of the part that may leave, min(leaving x loss / net assets, gate) leaves, and all is sold alike."""
    lost = np.divide(
        found.total, y.capital, out=np.zeros_like(found.total), where=np.isfinite(y.capital) & (y.capital > 0.0)
    )
    leaves = y.by_class("semi_liquid") * np.minimum(y.said["leaving"] * np.maximum(lost, 0.0), y.said["gate"])
    amount = np.where(leaves > 0.0, leaves * np.where(np.isfinite(y.capital), y.capital, 0.0), 0.0)
    made = with_sales(y, state, "redemptions", evenly(y, amount))
    return dataclasses.replace(made, paid=np.minimum(amount, y.can_sell))


def margin_and_lines(y: Economy, found: Round, state: State) -> State:
    """Haircuts rise with falls of price, and lines are cut with losses.

    margin: sold = margined x min(haircut x fall of the asset, 1). lines: min(advance x loss / value held, 1) of the
    line, `lines` x assets, is called, and met by selling all alike.
    """
    fall = np.clip(1.0 - found.price, 0.0, 1.0)
    sold = y.by_class("margined")[:, None] * np.minimum(y.said["haircut"] * fall, 1.0)
    held = y.values.sum(axis=1)
    lost = np.divide(np.maximum(found.total, 0.0), held, out=np.zeros_like(held), where=held > 0.0)
    called = y.by_class("lines") * y.assets * np.minimum(y.said["advance"] * lost, 1.0)
    return with_sales(y, state, "margin and lines", 1.0 - (1.0 - sold * y.sellable) * (1.0 - evenly(y, called)))


def spreads(y: Economy, found: Round, state: State) -> State:
    """Marks: a tranche falls by `spillover` x the fall, by sales, of the other paper of its class in the book."""
    peers, worth = y.vehicles.peers, y.worth
    fell = np.clip(found.fell[: len(worth)], 0.0, 1.0)
    whole = peers @ worth
    marked = y.said["spillover"] * np.divide(peers @ (worth * fell), whole, out=np.zeros_like(whole), where=whole > 0.0)
    return dataclasses.replace(state, marked=marked)


def wider(y: Economy, found: Round) -> np.ndarray:
    """How much wider each tranche stands than in the base, in decimals (K,): story, supply, and falls by sales and marks.

    A fall f of price is -ln(1 - f) / spread duration.
    """
    v = y.vehicles
    fell = np.clip(found.fell_in_all[: len(v.tranches)], 0.0, 0.99)
    known = np.isfinite(v.duration) & (v.duration > 0.05)
    more = np.divide(-np.log1p(-fell), v.duration, out=np.zeros_like(fell), where=known)
    return 1e-4 * v.widening * y.spread + more


def refinancing(y: Economy, found: Round, state: State) -> State:
    """The part of a deal's debt that its coverage, at the new yield, does not refinance.

    coverage' = coverage x cash / cash in the base x old yield / new yield;  part = min(max((needed - coverage') / dispersion + 1/2, 0), 1)
    and no more than the part at the base's own yield and cash is the loop's doing.
    """
    v, said = y.vehicles, y.said
    more = by_deal(v.of, v.notes, wider(y, found), len(v.deals))
    old = np.where(np.isfinite(v.old_yield) & (v.old_yield > 0.0), v.old_yield, 1.0)
    paid = np.minimum(v.paid(y.multiples(state.more), np.zeros(len(v.deals))), 1.0)
    there = said["coverage"] * paid * old / (old + np.maximum(more, 0.0))

    def refused(coverage: np.ndarray) -> np.ndarray:
        return np.clip((said["needed"] - coverage) / said["dispersion"] + 0.5, 0.0, 1.0)

    already = refused(np.full(len(v.deals), said["coverage"]))
    part = np.divide(refused(there) - already, 1.0 - already, out=np.zeros(len(already)), where=already < 1.0)
    return dataclasses.replace(state, shut=np.maximum(part, 0.0))


def funding(y: Economy, found: Round, state: State) -> State:
    """The next build: issuance that no longer clears cuts capital expenditure, and more of the story strikes.

    cut = debt funded x (1 - (1 - issuance)^(widening / 100 bp));  multiple = 1 + demand x cut
    """
    said, v = y.said, y.vehicles
    whole = float(v.notes.sum())
    more = float(v.notes @ wider(y, found)) / whole if whole > 0.0 else 0.0
    cut = said["debt_funded"] * (1.0 - (1.0 - min(said["issuance"], 1.0)) ** (1e2 * max(more, 0.0)))
    return dataclasses.replace(state, more=1.0 + said["demand"] * cut)


STEPS: Mapping[str, Callable[[Economy, Round, State], State]] = dict(
    zip(CHANNELS, (ratings, redemptions, margin_and_lines, spreads, refinancing, funding), strict=True)
)


def with_sales(y: Economy, state: State, channel: str, part: np.ndarray) -> State:
    """The state with what a channel makes sell, of what can be sold."""
    return dataclasses.replace(state, sold={**state.sold, channel: np.clip(part, 0.0, 1.0) * y.sellable})


def evenly(y: Economy, amount: np.ndarray) -> np.ndarray:
    """An amount (N,) as a part of everything that an institution can sell (N, K), all of it at most."""
    part = np.divide(amount, y.can_sell, out=np.zeros_like(amount), where=y.can_sell > 0.0)
    return np.minimum(part, 1.0)[:, None] * np.ones(y.values.shape[1])


def by_deal(of: np.ndarray, weights: np.ndarray, x: np.ndarray, count: int) -> np.ndarray:
    """Averages by deal (D,), weighted; 0 where nothing weighs."""
    whole = np.bincount(of, weights, count)
    return np.divide(np.bincount(of, weights * x, count), whole, out=np.zeros(count), where=whole > 0.0)
