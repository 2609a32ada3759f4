"""unidentified: what is known of the loss that ends with nobody named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.accounting import ends_of
from pricing.bearers.institutions import Institutions
from pricing.bearers.who_bears import Losses
from structuring.deals.holdings import UNIDENTIFIED
from structuring.generators.named_stresses import paper

if TYPE_CHECKING:
    import pandas as pd

    from structuring.deals.deal import Deal


def unidentified(
    losses: Mapping[str, Losses], deals: Mapping[str, Deal], known: Institutions, cells: Mapping[str, tuple[int, int]]
) -> pd.DataFrame:
    """One row a class, deal and tranche whose loss ends, all or in part, with nobody named; the largest first.

    `through` is the class that holds the tranche: `unidentified` where no holder of it is known, else the one some of
    whose owners are not. Losses are of the first round, in currency units, and sum to those of the bearer
    `unidentified`; `known` is what the files say of the holders, with its tier.
    """
    import pandas as pd

    total: dict[str, np.ndarray] = {}
    for name, each in losses.items():
        at = cells[name]
        for c, who in enumerate(each.classes):
            lost = float(each.tranche["total"][at] @ each.shares[:, c])
            total[who] = total.get(who, np.zeros(1)) + lost
    flow, classes, bearers = ends_of(total, known)
    if UNIDENTIFIED not in bearers:
        return pd.DataFrame(columns=["through", "deal", "tranche", "paper", "loss", "share", "known"])
    to = flow[0, :, bearers.index(UNIDENTIFIED)]
    part = {who: float(to[i] / total[who][0]) if total[who][0] else 0.0 for i, who in enumerate(classes)}
    rows: list[dict[str, Any]] = []
    for name, each in losses.items():
        deal = deals[name]
        for c, who in enumerate(each.classes):
            amounts = each.tranche["total"][cells[name]] * each.shares[:, c] * part[who]
            rows += [
                {"through": who, "deal": name, "tranche": tranche.name, "paper": paper(tranche), "loss": amount,
                 "known": said_of(who, deal, tranche.name, known)}
                for tranche, amount in zip(deal.tranches, amounts, strict=True) if amount
            ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["through", "deal", "tranche", "paper", "loss", "known"])
    table.insert(5, "share", table["loss"] / table["loss"].sum() if len(table) else table["loss"])
    return table.sort_values("loss", ascending=False, kind="stable").reset_index(drop=True)


def said_of(who: str, deal: Deal, tranche: str, known: Institutions) -> str:
    """What the files say of a tranche's holders, or of a vehicle's owners, with its tier."""
    places = (
        (deal.sources, (f"holdings.shares.{tranche}", "holdings"))
        if who == UNIDENTIFIED
        else (known.sources, (f"owners[{who!r}]",))
    )
    sources, names = places
    for name in names:
        if name in sources:
            found = sources[name]
            return (
                f"assumption: {found['assumption']}" if "assumption" in found else f"{found['tier']}: {found['source']}"
            )
    return "nothing is on record"


def unidentified_words(table: pd.DataFrame, spell: Any) -> str:
    """The sentence about them; empty where every loss ends with somebody. `spell` writes amounts by name."""
    if not len(table):
        return ""
    rows: Any = table
    several = rows["deal"].nunique() > 1
    through = rows.groupby("through", sort=False)["loss"].sum().sort_values(ascending=False)
    said = []
    for who, amount in through.items():
        own = rows[rows["through"] == who]
        by = own.groupby("deal", sort=False)["loss"].sum().sort_values(ascending=False).head(4)
        whose = (
            "holders of tranches whom no file names" if who == UNIDENTIFIED else f"owners of {who} whom no file names"
        )
        said.append(spell({whose: amount}) + (f" ({spell(by)})" if several else ""))
    return (
        f"Of what ends with nobody named: {'; '.join(said)}. They bear it, and sell nothing and pass nothing on: "
        "what they would add to the second round is not counted."
    )
