"""Losses as institutions report them, by accounting basis, and as they reach the people behind the institutions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.institutions import Institution, Institutions
from pricing.bearers.look_through import look_through
from pricing.bearers.who_bears import Losses, par_held
from pricing.bearers.wrappers import Borne, unwrap
from pricing.tables.named_arrays import unique
from pricing.tables.quotients import per_cent
from structuring.deals.holdings import UNIDENTIFIED, Holdings
from waterfalls.errors import Fault, InvalidTerms, refuse, strangers

if TYPE_CHECKING:
    import pandas as pd


def reported(
    losses: Losses,
    institutions: Institutions,
    scenario: Any,
    shock: str = "unchanged",
    *,
    holdings: Holdings | None = None,
) -> pd.DataFrame:
    """One row a class that holds some of the deal: where its accounts show the loss, and how much it is of what.

        profit and loss              everything in profit and loss
        other comprehensive income   credit loss in profit and loss, rates and spread in OCI
        amortised cost               credit loss in profit and loss, rates and spread not reported

    total_loss = profit_and_loss + oci + not_reported, in currency units; per_cent_of_holding, _of_assets and _of_capital
    are of the total. `holding` is the balance with what may still be drawn, `to_be_drawn` the part that may: a loss on
    a commitment is one of what was promised, not of what is drawn by now. Equity that is worth more than was paid in can
    lose more than all of it. `holdings` with purchase prices add since_purchase: value now less what was paid, clean, which is
    apart from the loss. Positive is a loss, but since_purchase is a gain where positive. Source: IFRS 9 and ASC 320 in outline.
    """
    import pandas as pd

    s, k = losses.prices.at(scenario, shock)
    promised = par_held(losses).sum(axis=0)
    rows = []
    for c, name in enumerate(losses.classes):
        share = losses.shares[:, c]
        if not share.any():
            continue
        one = institution(institutions, name)
        credit, market, total = (float(losses.tranche[part][s, k] @ share) for part in ("credit", "market", "total"))
        held = float(promised[c])
        at_fair_value = one.basis == "profit and loss"
        row = {
            "investor_class": name,
            "basis": one.basis,
            "holding": held,
            "to_be_drawn": held - float(losses.held[:, c].sum()),
            "profit_and_loss": total if at_fair_value else credit,
            "oci": market if one.basis == "other comprehensive income" else 0.0,
            "not_reported": market if one.basis == "amortised cost" else 0.0,
            "total_loss": total,
            "per_cent_of_holding": per_cent(total, held),
            "per_cent_of_assets": per_cent(total, one.assets),
            "per_cent_of_capital": per_cent(total, one.capital),
        }
        if holdings is not None and holdings.purchase_prices:
            row["since_purchase"] = since_purchase(losses, holdings, name, s, k)
        rows.append(row)
    return pd.DataFrame(rows)


def since_purchase(losses: Losses, holdings: Holdings, name: str, s: int, k: int) -> float:
    """(clean price now - purchase price) / 100 x face held, over the tranches whose purchase price is known; else NaN."""
    found, c = [], losses.classes.index(name)
    face = losses.prices.memo["face"][losses.prices.at(*losses.reference)[0]]
    for n, tranche in enumerate(losses.prices.tranches):
        bought = holdings.purchase_prices.get(tranche, {}).get(name)
        if bought is not None:
            found.append((losses.prices["clean"][s, k, n] - bought) / 100.0 * face[n] * losses.shares[n, c])
    return float(sum(found)) if found else np.nan


def institution(institutions: Institutions, name: str) -> Institution:
    """An institution by name; `unidentified` needs none."""
    known = [one.name for one in institutions.institutions]
    if name == UNIDENTIFIED and name not in known:
        return Institution(name)
    return institutions[name]


def no_capital(classes: Iterable[str], institutions: Institutions) -> str:
    """The sentence that says why a per cent of capital is empty; empty itself where none is."""
    names = [name for name in classes if not institution(institutions, name).capital]
    return f"No capital is on record of {', '.join(names)}: their per cent of capital is empty." if names else ""


def flow_rows(flow: np.ndarray, classes: Sequence[str], bearers: Sequence[str]) -> pd.DataFrame:
    """One row a class and end bearer: what of the class's loss ends with whom, of `ends_of` in one scenario."""
    import pandas as pd

    rows = [(classes[c], bearers[b], float(flow[0, c, b])) for c, b in np.argwhere(flow[0] != 0.0)]
    return pd.DataFrame(rows, columns=["investor_class", "bearer", "loss"])


def ends_of(
    losses: dict[str, np.ndarray], institutions: Institutions
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Losses by class (S,) as flows (S, class, bearer) to those in whom they end; the names of both.

    Classes are looked through in proportion to who owns them (`owners`); what stays with an institution itself goes
    through its wrapper, and each class bears the part of that which is its own. Flows sum to the losses.
    """
    names = unique([one.name for one in institutions.institutions], "institutions")
    if UNIDENTIFIED in losses and UNIDENTIFIED not in names:
        raise InvalidTerms(
            Fault("institutions", f"give {UNIDENTIFIED!r} a wrapper, so that its loss ends with somebody")
        )
    refuse(strangers("losses", "institution", losses, names))
    own = {name: f"{name} itself" for name in names}
    table = {}
    for name in names:
        row = dict(institutions.owners.get(name, {}))
        table[name] = {**row, own[name]: max(1.0 - sum(row.values()), 0.0)}
    ends = (*own.values(), *institutions.ends)
    classes = tuple(losses)
    parts = np.stack(
        [look_through({name: lost}, table, ends=ends).ends for name, lost in losses.items()], axis=1
    )  # (S, C, ends)
    at_institution = {name: parts[:, :, i].sum(axis=1) for i, name in enumerate(names) if parts[:, :, i].any()}
    split: dict[str, Borne] = {
        name: unwrap({name: lost}, {name: institutions[name].wrapper}) for name, lost in at_institution.items()
    }
    bearers = tuple(dict.fromkeys([*(who for borne in split.values() for who in borne), *institutions.ends]))
    flows = np.zeros((parts.shape[0], len(classes), len(bearers)))
    for i, name in enumerate(names):
        for who, amount in split.get(name, {}).items():
            whole = at_institution[name]
            part = np.divide(amount, whole, out=np.zeros_like(whole), where=whole != 0.0)
            flows[:, :, bearers.index(who)] += parts[:, :, i] * part[:, None]
    for j, end in enumerate(institutions.ends):
        flows[:, :, bearers.index(end)] += parts[:, :, len(names) + j]
    return flows, classes, bearers
