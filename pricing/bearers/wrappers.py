"""How a loss inside an institution, such as a bank or a pension plan, is shared by the people behind it.

Each is a term that holds the book and is called with a loss, (S,) or a number: `Bank(...)(loss)` is {bearer: amount} in
the order in which they bear, and the amounts sum to the loss. What stays with the institution falls on its own owners;
the rest is passed on. Gains (negative losses) go to those who bear the first of a loss. Where no public source gives a
split, the number in the book is an assumption and its file says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from waterfalls.errors import Fault, InvalidTerms
from waterfalls.terms.bounded_numbers import NotNegative, Positive, Share
from waterfalls.terms.term import term

Borne = dict[str, np.ndarray]


def layers(loss: Any, sizes: Sequence[tuple[str, float | np.ndarray]], last: str) -> Borne:
    """A loss through layers in order: each bears min(what is left, its size), `last` what is left after all.

    b_i = min(max(loss - sum_{j<i} size_j, 0), size_i); a gain is the first's. Bearers named twice are added.
    """
    left = np.asarray(loss, dtype=np.float64)
    borne: Borne = {}
    for i, (name, size) in enumerate(sizes):
        part = np.minimum(left, size) if i == 0 else np.clip(left, 0.0, size)
        borne[name] = borne.get(name, 0.0) + part
        left = left - part
    borne[last] = borne.get(last, 0.0) + left
    return borne


def added(*parts: Borne) -> Borne:
    """Bearers of several losses, those alike together."""
    borne: Borne = {}
    for part in parts:
        for name, amount in part.items():
            borne[name] = borne.get(name, 0.0) + amount
    return borne


@term
class Bank:
    """A bank: shareholders, then AT1 holders, then bail-in creditors, then the deposit insurer.

    Losses beyond `equity` write down `at1`, then `bail_in`; the rest falls on the deposit insurer, whose levies stand on
    other banks and behind them taxpayers. Source of the order: BRRD articles 48 and 108; 12 CFR 360.
    """

    equity: NotNegative
    _: KW_ONLY
    at1: NotNegative = 0.0
    bail_in: NotNegative = 0.0

    def __call__(self, loss: Any) -> Borne:
        steps = [("bank shareholders", self.equity), ("AT1 holders", self.at1), ("bail-in creditors", self.bail_in)]
        return layers(loss, steps, "deposit insurer and taxpayers")


@term
class LifeInsurer:
    """A life insurer: a part `unit_linked` of its assets belongs to policyholders outright, the rest is its general account.

    Of a loss in the general account policyholders bear `participation` through lower bonuses, until `bonus_reserve` is
    used; then own funds, then the guaranty scheme and behind it policyholders' claims.
    """

    own_funds: NotNegative
    _: KW_ONLY
    unit_linked: Share = 0.0
    participation: Share = 0.0
    bonus_reserve: NotNegative = 0.0

    def __call__(self, loss: Any) -> Borne:
        lost = np.asarray(loss, dtype=np.float64)
        general = (1.0 - self.unit_linked) * lost
        shared = np.minimum(self.participation * general, self.bonus_reserve)
        rest = layers(general - shared, [("insurer shareholders", self.own_funds)], "guaranty schemes")
        return added({"policyholders": self.unit_linked * lost + shared}, rest)


@term
class MutualFund:
    """An open fund or ETF of net asset value `nav`, which passes everything on.

    A share `leaving` of investors redeems at a price that has not fallen by a part `stale` of the loss; what they were
    paid too much, leaving x stale x loss x (1 - swing), is taken from those who stay: the first-mover advantage. `swing`
    is the part of it that a swing price, or an ETF's market price, gives back. Losses stop at `nav`; lenders bear more.
    Source of the mechanism: Chen, Goldstein and Jiang (2010); Jin, Kacperczyk, Kahraman and Suntheim (2022) on swing prices.
    """

    nav: NotNegative
    _: KW_ONLY
    leaving: Share = 0.0
    stale: Share = 0.0
    swing: Share = 0.0
    investors: str = "fund investors"

    def __call__(self, loss: Any) -> Borne:
        borne = layers(loss, [(self.investors, self.nav)], "lenders to funds")
        own = borne.pop(self.investors)
        transfer = self.leaving * self.stale * (1.0 - self.swing) * own
        left = self.leaving * own - transfer
        if self.leaving == 0.0:
            return {self.investors: own, **borne}
        return {f"{self.investors} who leave": left, f"{self.investors} who stay": own - left, **borne}


@term
class PensionPlan:
    """A defined-benefit plan: `assets` against `liabilities`, the present value of what it promises.

    The employer tops up what is below full funding over time: it bears `employer` of a loss and members the rest, by
    lower indexation and higher contributions; a surplus takes losses first, and nobody behind it notices. Below a funded
    ratio of `floor` an insolvent employer's plan goes to the insurer of pensions: it bears the share `sponsor_fails`.
    """

    assets: NotNegative
    liabilities: Positive
    _: KW_ONLY
    employer: Share = 1.0
    floor: Share = 0.0
    sponsor_fails: Share = 0.0
    duration: NotNegative = 12.0
    spread_share: Share = 1.0

    def __call__(self, loss: Any) -> Borne:
        surplus = max(self.assets - self.liabilities, 0.0)
        free = max(self.assets - surplus - self.floor * self.liabilities, 0.0)
        borne = layers(loss, [("plan surplus", surplus), ("shared", free)], "below the floor")
        shared, below = borne["shared"], borne["below the floor"]
        insured = self.sponsor_fails * below
        rest = shared + below - insured
        return {
            "plan surplus": borne["plan surplus"],
            "plan sponsors": self.employer * rest,
            "pensioners": (1.0 - self.employer) * rest,
            "pension insurers": insured,
        }

    def funded_ratio(self, loss: Any = 0.0, *, spread_bp: Any = 0.0) -> np.ndarray:
        """Assets / liabilities after a loss, and after a move of credit spreads, of which `spread_share` enters the discount rate.

        liabilities' = liabilities x exp(-duration x spread_share x spread). A wider spread shrinks what is promised on
        paper: under accounting rules that discount at corporate yields the ratio may rise while assets fall.
        """
        moved = np.exp(-self.duration * self.spread_share * np.asarray(spread_bp, dtype=np.float64) * 1e-4)
        return (self.assets - np.asarray(loss, dtype=np.float64)) / (self.liabilities * moved)


@term
class SavingsPlan:
    """A defined-contribution plan: members bear everything."""

    def __call__(self, loss: Any) -> Borne:
        return {"savers": np.asarray(loss, dtype=np.float64)}


@term
class LeveragedFund:
    """A hedge fund or private-credit vehicle with limited liability: investors up to `equity`, then those who lent to it."""

    equity: NotNegative
    _: KW_ONLY
    investors: str = "fund investors"
    lenders: str = "margin lenders"

    def __call__(self, loss: Any) -> Borne:
        return layers(loss, [(self.investors, self.equity)], self.lenders)


@term
class Company:
    """A company, such as a sponsor or a property and casualty insurer: shareholders up to `equity`, then its creditors."""

    equity: NotNegative
    _: KW_ONLY
    shareholders: str = "shareholders"
    creditors: str = "corporate creditors"

    def __call__(self, loss: Any) -> Borne:
        return layers(loss, [(self.shareholders, self.equity)], self.creditors)


@term
class PassThrough:
    """Those behind it bear in proportion: `shares` by bearer, which sum to 1."""

    shares: Mapping[str, Share] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        shares = fields.get("shares", {})
        if abs(sum(shares.values()) - 1.0) > 1e-9:
            listed = ", ".join(f"{name} {share:g}" for name, share in shares.items()) or "nobody"
            yield Fault("shares", f"must sum to 1, got {sum(shares.values()):g} ({listed})")

    def __call__(self, loss: Any) -> Borne:
        return {name: share * np.asarray(loss, dtype=np.float64) for name, share in self.shares.items()}


Wrapper = Bank | LifeInsurer | MutualFund | PensionPlan | SavingsPlan | LeveragedFund | Company | PassThrough


def unwrap(losses: Mapping[str, Any], wrappers: Mapping[str, Wrapper | None]) -> Borne:
    """The end bearers of losses by institution; one without a wrapper is refused, so that no loss ends with nobody."""
    missing = [name for name in losses if wrappers.get(name) is None]
    if missing:
        raise InvalidTerms([
            Fault("wrappers", f"{name!r} has none, so nobody knows who bears its loss: give one, or PassThrough")
            for name in missing
        ])  # fmt: skip
    return added(*({} if (wrapper := wrappers[name]) is None else wrapper(loss) for name, loss in losses.items()))
