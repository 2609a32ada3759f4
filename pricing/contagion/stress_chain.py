"""chain: one stress of a deal followed from collateral to household, every link a table, every assumption named."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.contagion.contagion import Contagion, Mode, contagion
from pricing.losses.accounting import ends_of, reported
from pricing.losses.institutions import Institutions
from pricing.losses.loss_bridge import ADDED, Bridge, bridge
from pricing.losses.who_bears import Losses
from structuring.deals.deal import Deal
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """The links of one stress. Frames are in currency units and per cent, positive a loss.

    bridge     what the collateral failed to bring, and who received less for it
    classes    by investor class: credit, market and total loss, where accounts show it, per cent of holding and capital
    rounds     by institution: direct, forced sale, others' sales, total; per cent of capital
    markets    by asset: the price before and after the sales
    bearers    by end bearer: of the first round, of the second, total, per cent
    flows      from class to end bearer, first round
    coverage   how much of each tranche's holders is reported, estimated, assumed and unidentified
    assumptions  what rests on no public source, one sentence each
    """

    deal: str
    currency: str
    scenario: Any
    shock: str
    bridge: pd.DataFrame
    classes: pd.DataFrame
    rounds: pd.DataFrame
    markets: pd.DataFrame
    bearers: pd.DataFrame
    flows: pd.DataFrame
    coverage: pd.DataFrame
    assumptions: tuple[str, ...]
    made: Bridge
    second_round: Contagion

    def sentences(self) -> tuple[str, ...]:
        """The chain in words, amounts in millions."""
        made, s = self.made, list(self.made.scenarios).index(self.scenario)
        table: Any = self.bridge
        classes: Any = self.classes
        rounds: Any = self.rounds
        bearers: Any = self.bearers
        short = made.of("shortfall")[s]
        outside = table[(table["side"] == "bearer") & (table["kind"] != "tranche")]
        who = listed(outside.groupby("kind", sort=False)["cash_loss"].sum())
        falls = f"{money(outside['cash_loss'].sum())} of it falls on others than tranche holders ({who})"
        said = [
            f"The collateral brings {money(short)} less over the life of the deal than in {made.reference!r}"
            f"{costs(made, s)}; {'all of it falls on tranche holders' if who == 'nobody' else falls}."
        ]
        by_tranche = table[table["kind"] == "tranche"].groupby("name", sort=False)["total_loss"].sum()
        said.append(
            f"In value, spreads {self.shock.removeprefix('spreads ')}: {listed(by_tranche)}; in all {money(by_tranche.sum())}."
        )
        worst = classes.sort_values("total_loss", ascending=False).head(4)
        said.append(f"By class: {listed(worst.set_index('investor_class')['total_loss'])}.")
        hidden = classes["not_reported"].sum()
        if hidden > 0.0:
            said.append(f"{money(hidden)} of it shows in no accounts: it is held at amortised cost.")
        second = self.second_round
        more = float((second.total - second.direct).sum())
        if more > 0.0:
            said.append(
                f"The second round ({second.mode}) adds {money(more)}, {second.amplification[0]:.2f} times the first in "
                f"all: {listed(rounds.set_index('institution')[['forced_sale_loss', 'others_sales_loss']].sum(axis=1).nlargest(3))}."
            )
        else:
            said.append(
                f"The second round ({second.mode}): nobody falls below a threshold or is redeemed, and nobody sells."
            )
        last = bearers.sort_values("first_round", ascending=False).head(5)
        said.append(f"In the end the first round falls on {listed(last.set_index('bearer')['first_round'])}.")
        return tuple(said)


def chain(
    deal: Deal,
    flows: Cashflows,
    losses: Losses,
    institutions: Institutions,
    scenario: Any,
    shock: str = "unchanged",
    *,
    mode: Mode = "thresholds",
    **more: Any,
) -> Chain:
    """Follows one scenario and shock: bridge, classes, second round, end bearers.

    `losses` are those of the flows against their reference; `more` goes to `contagion` (rounds, depth, impact, ...). The
    end bearers of both rounds are found by looking through `institutions.owners`, then by wrappers; so they sum to
    the losses of each round, to 1e-9.
    """
    import pandas as pd

    holdings = deal.holdings
    if holdings is None:
        raise InvalidTerms(
            f"the deal {deal.name!r} has no holdings: say who holds each tranche, 'unidentified' if not known"
        )
    made = bridge(flows, losses, reference=losses.reference[0], shock=shock)
    second = contagion(losses, institutions=institutions, mode=mode, cell=(scenario, shock), **more)
    by_class = dict(zip(second.institutions, second.direct[0], strict=True))
    first = {name: np.array([lost]) for name, lost in by_class.items() if name in losses.classes}
    late = dict(zip(second.institutions, (second.total - second.direct)[0], strict=True))
    flow, classes, names = ends_of(first, institutions)
    again, _, others = ends_of({name: np.array([lost]) for name, lost in late.items()}, institutions)
    ends = dict.fromkeys([*names, *others], 0.0)
    one, two = dict(ends), dict(ends)
    one.update(zip(names, flow[0].sum(axis=0), strict=True))
    two.update(zip(others, again[0].sum(axis=0), strict=True))
    total = sum(one.values())
    bearers = pd.DataFrame([
        {"bearer": who, "first_round": one[who], "second_round": two[who], "total": one[who] + two[who],
         "per_cent_of_first": 100.0 * one[who] / total if total else np.nan}
        for who in ends if one[who] or two[who]
    ])  # fmt: skip
    rows = [
        {"investor_class": classes[c], "bearer": names[b], "loss": flow[0, c, b]}
        for c, b in np.argwhere(flow[0] != 0.0)
    ]
    balance = losses.held.sum(axis=1)
    return Chain(
        deal=deal.name,
        currency=losses.prices.currency,
        scenario=scenario,
        shock=shock,
        bridge=made.frame(scenario),
        classes=reported(losses, institutions, scenario, shock, holdings=holdings),
        rounds=second.frame(),
        markets=second.falls(),
        bearers=bearers,
        flows=pd.DataFrame(rows, columns=["investor_class", "bearer", "loss"]),
        coverage=holdings.coverage(dict(zip(losses.prices.tranches, balance, strict=True))),
        assumptions=assumptions(deal, institutions),
        made=made,
        second_round=second,
    )


def assumptions(deal: Deal, institutions: Institutions) -> tuple[str, ...]:
    """What of a deal's holders and of institutions rests on no public source, one sentence each, with its place."""
    said = [f"{place}: {source['assumption']}" for place, source in deal.sources.items() if "assumption" in source]
    for place, source in institutions.sources.items():
        if "assumption" in source:
            said.append(f"{named_place(place, institutions)}: {source['assumption']}")
    said.append(
        "vehicles pass losses on to their owners in proportion; limited liability is that of the wrapper at the end"
    )
    return tuple(said)


def named_place(place: str, institutions: Institutions) -> str:
    """`institutions[2].other` as a reader says it: by name."""
    for i, one in enumerate(institutions.institutions):
        place = place.replace(f"institutions[{i}]", f"institutions[{one.name!r}]")
    return place


def costs(made: Bridge, s: int) -> str:
    """What costs did to a scenario's shortfall, in words, where it shows."""
    amounts = [float(line.cash[s]) for line in made.lines if line.kind in ADDED]
    saved, added = any(amount <= -5e4 for amount in amounts), any(amount >= 5e4 for amount in amounts)
    said = [words for words, so in (("costs saved taken off", saved), ("additional costs added", added)) if so]
    return f", {' and '.join(said)}" if said else ""


def money(amount: float) -> str:
    return f"{amount / 1e6:,.1f}m"


def listed(amounts: Mapping[str, float] | Any) -> str:
    """`banks 1.0m, insurers 2.0m`, what is nothing left out."""
    return ", ".join(f"{name} {money(amount)}" for name, amount in amounts.items() if abs(amount) >= 5e4) or "nobody"
