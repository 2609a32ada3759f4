"""Clears the debts between institutions: what each pays when some cannot pay in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from pricing.tables.named_arrays import Matrix, Vector, labelled, matrix, rows_of, sized, unique, vector
from waterfalls.arguments import named, number, takes, text
from waterfalls.errors import Fault, refuse, strangers

if TYPE_CHECKING:
    import pandas as pd

Ranks = Literal["pari passu", "senior"]
SLACK = 1e-12  # of what is owed: a debtor short by less is solvent
LEAK = 1e-13  # keeps closed rings of defaulted debtors from making the system singular


@dataclasses.dataclass(frozen=True, eq=False)
class Clearing:
    """Payments (S, N) in currency units: the greatest clearing vector, and the `least` one.

    `owed` (N,) in all, `rounds` (S, N) the round in which a debtor defaults (1 by itself, later because others did, 0
    never), `shortfall` (S, N, N) what each debtor (second axis) fails to pay each creditor (third), `outside` (S, N) what
    it fails to pay others, `equity` (S, N) assets and what is received, less what is owed, below 0 in default. `cost`
    (S, N) is lost in default to nobody's gain.
    """

    scenarios: Sequence[Any]
    names: tuple[str, ...]
    owed: np.ndarray
    payments: np.ndarray
    least: np.ndarray
    rounds: np.ndarray
    shortfall: np.ndarray
    outside: np.ndarray
    equity: np.ndarray
    cost: np.ndarray

    @property
    def unique(self) -> np.ndarray:
        """Whether the greatest and the least clearing vector are the same, (S,)."""
        return np.all(np.abs(self.payments - self.least) <= 1e-9 * np.maximum(self.owed, 1.0), axis=1)

    def frame(self) -> pd.DataFrame:
        """One row a scenario and institution, amounts in currency units."""
        return labelled(
            {
                "owed": np.broadcast_to(self.owed, self.payments.shape),
                "paid": self.payments,
                "paid_least": self.least,
                "default_round": self.rounds,
                "equity": self.equity,
                "credit_loss": self.shortfall.sum(axis=1),
                "default_cost": self.cost,
            },
            [("scenario", self.scenarios), ("institution", self.names)],
        )


@takes(
    liabilities=named, assets=named, external=named, external_ranks=text, alpha=number(0.0, 1.0), beta=number(0.0, 1.0)
)
def clearing(
    liabilities: Matrix,
    assets: Vector,
    *,
    external: Vector | None = None,
    external_ranks: Ranks = "pari passu",
    alpha: float = 1.0,
    beta: float = 1.0,
    scenarios: Sequence[Any] | None = None,
) -> Clearing:
    """The greatest and least clearing vectors of a network of debts.

        solvent     p_i = owed_i                                     where e_i + sum_j p_j P_ji >= owed_i
        in default  p_i = alpha e_i + beta sum_j p_j P_ji            P_ij = L_ij / owed_i

    `liabilities[i][j]` is what i owes j, `assets` e what each owns outside the network (number or (S,)), `external` what
    it owes others, pari passu with its debts in the network or before them. alpha and beta are the shares of its assets
    and of what others pay it that default leaves: 1 and 1 are Eisenberg and Noe (2001), less are Rogers and Veraart
    (2013), where payments jump at default and there may be several clearing vectors.

    The greatest starts from full payment and adds defaults round by round, each time solving the linear system of those
    in default exactly; the least starts from everyone in default. Errors: negative amounts, debts to oneself, unknown
    names, alpha or beta outside [0, 1].
    """
    refuse(strangers("", "rank of external debts", [external_ranks], get_args(Ranks)))
    names = unique(rows_of(liabilities), "liabilities")
    debts = matrix(liabilities, names, names, "liabilities")
    own = sized(vector(assets, names, "assets"))
    others = vector({} if external is None else external, names, "external", otherwise=0.0)
    check(names, debts, own, others, alpha, beta)
    senior = external_ranks == "senior"
    owed = debts.sum(axis=1) + (0.0 if senior else others)
    first = others if senior else np.zeros(len(names))
    shares = np.divide(debts, owed[:, None], out=np.zeros_like(debts), where=owed[:, None] > 0.0)
    network = Network(owed, shares, own, first, alpha, beta)
    payments, rounds = network.greatest()
    least = network.least()
    received = payments @ shares
    unpaid = owed - payments
    broken = rounds > 0
    available = own + received
    kept = alpha * own + beta * received
    return Clearing(
        scenarios=range(len(own)) if scenarios is None else scenarios,
        names=names,
        owed=owed,
        payments=payments,
        least=least,
        rounds=rounds,
        shortfall=unpaid[:, :, None] * shares,
        outside=unpaid * (1.0 - shares.sum(axis=1))
        if not senior
        else np.where(broken, np.maximum(first - kept, 0.0), 0.0),
        equity=available - owed - first,
        cost=np.where(broken, available - kept, 0.0),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """Debts as arrays: owed (N,), shares P (N, N), assets e (S, N), what is paid before (N,)."""

    owed: np.ndarray
    shares: np.ndarray
    assets: np.ndarray
    first: np.ndarray
    alpha: float
    beta: float

    def short(self, p: np.ndarray) -> np.ndarray:
        """Who cannot pay in full when payments are p, (S, N)."""
        have = self.assets + p @ self.shares - self.first
        return (have < self.owed - SLACK * (self.owed + self.first)) & (self.owed + self.first > 0.0)

    def greatest(self) -> tuple[np.ndarray, np.ndarray]:
        """Payments and the round of each default, both (S, N), from full payment down."""
        p = np.broadcast_to(self.owed, self.assets.shape)
        rounds = np.zeros(p.shape, dtype=np.int64)
        for level in range(1, len(self.owed) + 1):
            new = self.short(p) & (rounds == 0)
            if not new.any():
                break
            rounds = np.where(new, level, rounds)
            p = self.solve(rounds > 0)
        return p, rounds

    def least(self) -> np.ndarray:
        """Payments (S, N), from everyone in default up."""
        broken = np.broadcast_to(self.owed + self.first > 0.0, self.assets.shape)
        p = self.solve(broken)
        for _ in range(len(self.owed) + 1):
            still = broken & self.short(p)
            if (still == broken).all():
                break
            broken = still
            p = self.solve(broken)
        return p

    def solve(self, broken: np.ndarray) -> np.ndarray:
        """Payments when `broken` (S, N) are in default: p = alpha e + beta P'p - first, between 0 and what is owed.

        Newton's method on this piecewise linear system: each step solves it with the bounds that hold at the last.
        """
        count = len(self.owed)
        inflow = self.beta * (1.0 - LEAK) * self.shares.T
        own = self.alpha * self.assets - self.first
        between, p = broken, np.where(broken, 0.0, self.owed)
        for _ in range(3 * count + 3):
            system = np.eye(count) - np.where(between[:, :, None], inflow, 0.0)
            right = np.where(between, own, p)
            offered = own + np.clip(np.linalg.solve(system, right[:, :, None])[:, :, 0], 0.0, self.owed) @ inflow.T
            p = np.where(broken, np.clip(offered, 0.0, self.owed), self.owed)
            again = broken & (offered > 0.0) & (offered < self.owed)
            if (again == between).all():
                break
            between = again
        return p


def check(
    names: tuple[str, ...], debts: np.ndarray, own: np.ndarray, others: np.ndarray, alpha: float, beta: float
) -> None:
    """Refuses what no network of debts can be."""
    found = []
    for what, amounts in (("assets", own.min(axis=0)), ("external", others), ("liabilities", debts.min(axis=1))):
        found += [
            Fault(f"{what}[{name!r}]", f"must not be negative, got {amount:,.2f}")
            for name, amount in zip(names, amounts, strict=True)
            if amount < 0.0
        ]
    found += [
        Fault(f"liabilities[{name!r}]", f"owes itself {debts[i, i]:,.2f}")
        for i, name in enumerate(names)
        if debts[i, i] != 0.0
    ]
    found += [
        Fault(what, f"must be between 0 and 1, got {share:g}")
        for what, share in (("alpha", alpha), ("beta", beta))
        if not 0.0 <= share <= 1.0
    ]
    refuse(found)
