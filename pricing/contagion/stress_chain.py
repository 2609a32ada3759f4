"""Follows one stress of a deal from the collateral through investor classes and forced sales to the end bearers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.accounting import ends_of, flow_rows, no_capital, reported
from pricing.bearers.institutions import Institutions
from pricing.bearers.loss_bridge import ADDED, Bridge, bridge
from pricing.bearers.unidentified import unidentified, unidentified_words
from pricing.bearers.who_bears import Losses
from pricing.contagion.amounts_in_words import listed, money
from pricing.contagion.contagion import Contagion, Mode, contagion
from structuring.deals.deal import Deal
from waterfalls.arguments import instance, key, takes, text
from waterfalls.cashflows import Cashflows

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
    unidentified  by class and tranche: the first round that ends with nobody named, and what is known of them
    no_capital    the classes of which no capital is on record, in a sentence
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
    unidentified: pd.DataFrame
    no_capital: str
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
        if self.no_capital:
            said.append(self.no_capital)
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
        if words := unidentified_words(self.unidentified, listed):
            said.append(words)
        return tuple(said)


@takes(
    deal=instance(Deal),
    flows=instance(Cashflows),
    losses=instance(Losses),
    institutions=instance(Institutions),
    scenario=key,
    shock=key,
    mode=text,
)
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
    holdings = deal.holders
    made = bridge(flows, losses, reference=losses.reference[0], shock=shock)
    second = contagion(losses, institutions=institutions, mode=mode, cell=(scenario, shock), **more)
    by_class = dict(zip(second.institutions, second.direct[0], strict=True))
    first = {name: lost for name, lost in by_class.items() if name in losses.classes}
    late = dict(zip(second.institutions, (second.total - second.direct)[0], strict=True))
    bearers, ends = bearers_of(first, late, institutions)
    bearers["total"] = bearers["first_round"] + bearers["second_round"]
    bearers["per_cent_of_first"] = 100.0 * bearers["first_round"] / (bearers["first_round"].sum() or np.nan)
    balance = losses.held.sum(axis=1)
    classes_hurt = reported(losses, institutions, scenario, shock, holdings=holdings)
    at = losses.prices.at(scenario, shock)
    return Chain(
        deal=deal.name,
        currency=losses.prices.currency,
        scenario=scenario,
        shock=shock,
        bridge=made.frame(scenario),
        classes=classes_hurt,
        rounds=second.frame(),
        markets=second.falls(),
        bearers=bearers,
        flows=ends,
        coverage=holdings.coverage(dict(zip(losses.prices.tranches, balance, strict=True))),
        unidentified=unidentified({deal.name: losses}, {deal.name: deal}, institutions, {deal.name: at}),
        no_capital=no_capital(classes_hurt["investor_class"], institutions),
        assumptions=assumptions(deal, institutions),
        made=made,
        second_round=second,
    )


def bearers_of(
    first: Mapping[str, float], second: Mapping[str, float], known: Institutions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row an end bearer: what the losses of each round by institution cost it; and whose loss of the first ends with whom.

    Of the second it is what both together cost it less the first: capital that the first has taken bears no more.
    """
    import pandas as pd

    whole = {who: first.get(who, 0.0) + second.get(who, 0.0) for who in (*first, *second)}
    both = [ends_of({who: np.array([lost]) for who, lost in losses.items()}, known) for losses in (first, whole)]
    one, all_ = (dict(zip(ends, flow[0].sum(axis=0).tolist(), strict=True)) for flow, _, ends in both)
    rows = [(who, one.get(who, 0.0), all_.get(who, 0.0) - one.get(who, 0.0)) for who in dict.fromkeys([*one, *all_])]
    kept = [row for row in rows if any(row[1:])]
    return pd.DataFrame(kept, columns=["bearer", "first_round", "second_round"]), flow_rows(*both[0])


def assumptions(deal: Deal, institutions: Institutions) -> tuple[str, ...]:
    """What of a deal's holders and of institutions rests on no public source, one sentence each, with its place."""
    of = {named_place(place, institutions): source for place, source in institutions.sources.items()}
    said = assumed([*deal.sources.items(), *of.items()])
    said.append(
        "vehicles pass losses on to their owners in proportion; limited liability is that of the wrapper at the end"
    )
    return tuple(said)


def assumed(sources: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """The figures that rest on an assumption, each with its place."""
    return [f"{place}: {source['assumption']}" for place, source in sources if "assumption" in source]


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
