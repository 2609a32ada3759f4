"""The second round of losses: institutions that lost must sell, and their sales lower prices for all who hold the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from pricing.bearers.institutions import Institution, Institutions
from pricing.bearers.who_bears import Losses
from pricing.contagion.clearing import Clearing, clearing
from pricing.contagion.financial_system import revalued, system_of, with_classes
from pricing.contagion.fire_sales import Impact, Rounds, equilibrium, leverage_targeting, thresholds
from pricing.contagion.initial_losses import shock_by, shock_of
from pricing.tables.named_arrays import Matrix, labelled, nested, unique
from waterfalls.arguments import cell, instance, many, named, takes, text, whole
from waterfalls.errors import InvalidTerms, refuse, strangers

if TYPE_CHECKING:
    import pandas as pd

Mode = Literal["linear", "thresholds", "equilibrium"]


@dataclasses.dataclass(frozen=True, eq=False)
class Contagion:
    """Losses (S, N) by institution in currency units, positive a loss: of the first shock and of every round after it.

        total = direct + forced_sale + others_sales + clearing      amplification = total / direct

    `direct` is the loss of value of the first shock; `recorded` (S, N) what of the total reached capital: all of it for
    holders at fair value, credit losses and what was sold for holders at amortised cost. `rounds` keeps every round.
    In equilibrium this is the fixed point with the fewest sales and `most` the one with the most; `settled` (S,).
    """

    mode: Mode
    scenarios: Sequence[Any]
    institutions: tuple[str, ...]
    assets: tuple[str, ...]
    capital: np.ndarray
    direct: np.ndarray
    reached: np.ndarray
    clearing: np.ndarray
    rounds: Rounds
    settled: np.ndarray
    cleared: Clearing | None = None
    most: Contagion | None = None

    @property
    def forced_sale(self) -> np.ndarray:
        """What their own sales cost institutions (S, N)."""
        return self.rounds.forced.sum(axis=0)

    @property
    def others_sales(self) -> np.ndarray:
        """What the sales of others cost them (S, N)."""
        return self.rounds.others.sum(axis=0)

    @property
    def total(self) -> np.ndarray:
        """Every loss (S, N)."""
        return self.direct + self.forced_sale + self.others_sales + self.clearing

    @property
    def recorded(self) -> np.ndarray:
        """What of it reached capital (S, N)."""
        return self.reached + self.rounds.recorded.sum(axis=0) + self.clearing

    @property
    def beyond_capital(self) -> np.ndarray:
        """What of the recorded loss exceeds capital and so falls on creditors (S, N)."""
        return np.maximum(self.recorded - self.capital, 0.0)

    @property
    def amplification(self) -> np.ndarray:
        """Total over direct loss of all institutions (S,); NaN where there was no loss to begin with."""
        return ratio(self.total.sum(axis=1), self.direct.sum(axis=1))

    @property
    def aggregate_vulnerability(self) -> np.ndarray:
        """Loss of the rounds after the first / capital of all whose capital is known (S,)."""
        return ratio((self.total - self.direct).sum(axis=1), known_sum(self.capital))

    @property
    def systemicness(self) -> np.ndarray:
        """The part of aggregate vulnerability that an institution's sales cause (S, N)."""
        return ratio(self.rounds.caused, known_sum(self.capital))

    @property
    def indirect_vulnerability(self) -> np.ndarray:
        """An institution's loss after the first round / its capital (S, N)."""
        return ratio(self.total - self.direct, self.capital)

    @property
    def direct_vulnerability(self) -> np.ndarray:
        """An institution's loss in the first round / its capital (S, N)."""
        return ratio(self.direct, self.capital)

    @property
    def differs(self) -> np.ndarray:
        """Whether the least and the greatest fixed point differ (S,)."""
        if self.most is None:
            return np.zeros(len(self.direct), dtype=bool)
        gap = np.abs(self.total - self.most.total).max(axis=1)
        return gap > 1e-9 * np.maximum(np.abs(self.direct).sum(axis=1), 1.0)

    def frame(self) -> pd.DataFrame:
        """One row a scenario and institution: losses in currency units, by round of the chain, and in per cent of capital."""
        known = np.where(np.isfinite(self.capital), self.capital, np.nan)
        return labelled(
            {
                "capital": known,
                "direct_loss": self.direct,
                "forced_sale_loss": self.forced_sale,
                "others_sales_loss": self.others_sales,
                "clearing_loss": self.clearing,
                "total_loss": self.total,
                "recorded_loss": self.recorded,
                "beyond_capital": self.beyond_capital,
                "per_cent_of_capital": 100.0 * ratio(self.recorded, known),
                "systemicness": self.systemicness,
                "indirect_vulnerability": self.indirect_vulnerability,
            },
            [("scenario", self.scenarios), ("institution", self.institutions)],
        )

    def sales(self) -> pd.DataFrame:
        """One row a round, scenario and asset: value sold in currency units, and the price after it (1 at the reference)."""
        made = self.rounds
        return labelled(
            {
                "sold": made.sold,
                "price": made.prices[1:],
                "truncated": np.broadcast_to(made.truncated, made.sold.shape),
            },
            [("round", range(1, len(made.sold) + 1)), ("scenario", self.scenarios), ("asset", self.assets)],
        )

    def falls(self) -> pd.DataFrame:
        """One row a scenario and asset: value before any sale and after all, fall in per cent.

        A value is a share of what the same asset is worth at the reference, notes and equity alike: 1 is no loss, not par.
        """
        before, after = self.rounds.prices[0], self.rounds.prices[-1]
        return labelled(
            {"before": before, "after": after, "fall_per_cent": 100.0 * (1.0 - ratio(after, before))},
            [("scenario", self.scenarios), ("asset", self.assets)],
        )


@takes(
    institutions=many(Institutions, Institution),
    prices=named,
    other_assets=named,
    depth=named,
    mode=text,
    cell=cell,
    rounds=whole(1, 10_000),
    impact=text,
    caps=instance(bool),
    liabilities=named,
)
def contagion(
    losses: Losses | Sequence[Losses] | Mapping[str, Any],
    *,
    institutions: Institutions | Sequence[Institution],
    prices: Mapping[str, Any] | None = None,
    other_assets: Matrix | None = None,
    depth: Mapping[str, Any] | None = None,
    mode: Mode = "thresholds",
    cell: tuple[Any, str] | None = None,
    rounds: int | None = None,
    impact: Impact = "exponential",
    caps: bool = False,
    liabilities: Matrix | None = None,
) -> Contagion:
    """What forced sales add to losses, in one of three modes.

    linear        leverage targeting, one round unless said: Greenwood, Landier and Thesmar (2015)
    thresholds    sales in rounds (20) by those below a threshold, and redemptions: Cont and Schaanning (2017)
    equilibrium   prices and sales that hold each other, both extremes: Cifuentes, Ferrucci and Shin (2005)

    `losses` are those of one deal or several, or loss by institution (number or (S,)); `cell` names one (scenario, shock),
    every pair that was priced unless said. The first shock is the total loss for holders at fair value and the credit loss for those at
    amortised cost. `prices` are relative prices of other assets after it, 1 where not said. `other_assets` by institution
    stands for what the institutions say of them. `depth` by asset, or sold asset and moved asset: the amount sold
    that takes the price down by all of it were impact linear (10bn that move it 10 bp: 1e13), 0 what cannot be sold,
    infinite what has no impact. `impact` is exponential, 1 - exp(-sold / depth), or linear and held at a price of 0 (and
    flagged); linear mode is always linear. `liabilities[debtor][creditor]` are cleared at the end, debtors paying out of what
    capital the rounds left them (see `clearing`).
    """
    refuse([
        *strangers("", "mode of contagion", [mode], get_args(Mode)),
        *strangers("", "impact of sales", [impact], get_args(Impact)),
    ])  # fmt: skip
    listed = tuple(institutions.institutions) if isinstance(institutions, Institutions) else tuple(institutions)
    if depth is None:
        depth = institutions.depth if isinstance(institutions, Institutions) else {}
    shock = shock_of(losses, cell)
    if isinstance(institutions, Institutions) and shock.currency not in ("", institutions.currency):
        raise InvalidTerms(
            f"losses are in {shock.currency}, institutions in {institutions.currency}: "
            f"institutions.converted({shock.currency!r}, rate)"
        )
    listed = with_classes(listed, shock)
    names = unique([one.name for one in listed], "institutions")
    system, assets = system_of(shock, listed, names, prices, other_assets, depth)
    most, settled = None, np.ones(len(system.direct), dtype=bool)
    if mode == "linear":
        made = leverage_targeting(system, 1 if rounds is None else rounds, caps=caps)
    elif mode == "thresholds":
        made = thresholds(system, 20 if rounds is None else rounds, impact)
    else:
        made, most, settled = equilibrium(system, impact)

    def result(found: Rounds, most: Contagion | None) -> Contagion:
        reached = system.direct + found.recorded.sum(axis=0)
        cleared, lost = clear(liabilities, names, system.capital - reached, shock.scenarios)
        return Contagion(
            mode=mode, scenarios=shock.scenarios, institutions=names, assets=assets, capital=system.capital,
            direct=shock_by(shock, names)[0] + revalued(system, prices, assets), reached=system.direct, clearing=lost,
            rounds=found, settled=settled, cleared=cleared, most=most,
        )  # fmt: skip

    return result(made, None if most is None else result(most, None))


def ratio(top: np.ndarray, bottom: Any) -> np.ndarray:
    """A ratio, NaN where the bottom is 0 or not known."""
    bottom = np.broadcast_to(np.asarray(bottom, dtype=np.float64), np.broadcast_shapes(top.shape, np.shape(bottom)))
    known = np.isfinite(bottom) & (bottom != 0.0)
    with np.errstate(over="ignore"):  # a direct loss of next to nothing makes the amplification infinite
        return np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=known)


def known_sum(capital: np.ndarray) -> float:
    """The capital of all whose capital is known."""
    return float(capital[np.isfinite(capital)].sum())


def clear(
    liabilities: Matrix | None, names: tuple[str, ...], capital: np.ndarray, scenarios: Sequence[Any]
) -> tuple[Clearing | None, np.ndarray]:
    """Debts between institutions cleared, and what creditors lose (S, N): debtors have their capital and what they owe."""
    nothing = np.zeros(capital.shape)
    if liabilities is None or not len(liabilities):
        return None, nothing
    debts = nested(liabilities)
    parties = unique(
        [name for name in names if name in debts or any(name in row for row in debts.values())], "liabilities"
    )
    said = (*debts, *(creditor for row in debts.values() for creditor in row))
    refuse(strangers("liabilities", "institution", said, names))
    table = {name: debts.get(name, {}) for name in parties}
    owed = np.array([sum(table[name].values()) for name in parties])
    due = np.array([sum(row.get(name, 0.0) for row in table.values()) for name in parties])
    at = [names.index(name) for name in parties]
    own = np.maximum(np.where(np.isfinite(capital[:, at]), capital[:, at], 1e300) + owed - due, 0.0)
    done = clearing(table, {name: own[:, i] for i, name in enumerate(parties)}, scenarios=scenarios)
    nothing[:, at] = done.shortfall.sum(axis=1)
    return done, nothing
