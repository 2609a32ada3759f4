"""Tables of a market stress: by tranche, by class, by round, by end bearer, and beside 2008."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.bearers.abs_cdo import LOST_2008
from pricing.bearers.accounting import institution
from pricing.bearers.institutions import Institutions
from pricing.bearers.who_bears import Losses
from pricing.contagion.contagion import Contagion, Mode
from pricing.contagion.initial_losses import Shock
from pricing.tables.quotients import per_cent
from structuring.deals.deal_files import load_deal
from structuring.deals.exposures import debt
from structuring.deals.holdings import UNIDENTIFIED
from structuring.runs.book import Book
from waterfalls.terms.tranches import Equity, Note

if TYPE_CHECKING:
    import pandas as pd

    from structuring.deals.deal import Deal


def stressed_cell(losses: Losses) -> tuple[int, int]:
    """The row of the stress, and that of its spreads."""
    return len(losses.prices.scenarios) - 1, len(losses.prices.shocks) - 1


def values_before(losses: Losses) -> np.ndarray:
    """What each tranche was worth in the reference (N,), none below 0: what is still to be paid in is no holding."""
    s, k = stressed_cell(losses)
    return np.maximum(losses.prices.npv[s, k] + losses.tranche["total"][s, k], 0.0)


def to_be_drawn(losses: Losses) -> np.ndarray:
    """What may still be asked of the holders of each tranche at the reference (N,)."""
    s = losses.prices.at(*losses.reference)[0]
    return losses.prices.memo["committed"][s] - losses.prices.memo["balance"][s]


def rows_of(name: str, losses: Losses) -> pd.DataFrame:
    """One row a tranche."""
    import pandas as pd

    s, k = stressed_cell(losses)
    return pd.DataFrame({
        "deal": name,
        "tranche": losses.prices.tranches,
        "value_before": values_before(losses),
        "to_be_drawn": to_be_drawn(losses),
        "credit_loss": losses.tranche["credit"][s, k],
        "market_loss": losses.tranche["market"][s, k],
        "total_loss": losses.tranche["total"][s, k],
        "realised_loss": losses.memo["realised_loss"][s, k],
    })  # fmt: skip


def classes_of(first: Shock, losses: Mapping[str, Losses], known: Institutions) -> pd.DataFrame:
    """One row an investor class, over every deal of the book; per cent are of what it holds and has promised."""
    import pandas as pd

    promised = dict.fromkeys(first.classes, 0.0)
    for each in losses.values():
        for name, amount in zip(each.classes, to_be_drawn(each) @ each.shares, strict=True):
            promised[name] += float(amount)
    rows = []
    for c, name in enumerate(first.classes):
        one, total, credit, held = institution(known, name), first.total[0, c], first.credit[0, c], first.held[c].sum()
        rows.append({
            "investor_class": name,
            "value_before": held,
            "to_be_drawn": promised[name],
            "credit_loss": credit,
            "market_loss": total - credit,
            "total_loss": total,
            "not_reported": total - credit if one.basis == "amortised cost" else 0.0,
            "per_cent_of_holding": per_cent(total, held + promised[name]),
            "per_cent_of_capital": per_cent(total, one.capital),
        })  # fmt: skip
    table: Any = pd.DataFrame(rows)
    last = table["investor_class"] == UNIDENTIFIED
    return pd.concat([table[~last], table[last]], ignore_index=True)


def rounds_of(second: Mapping[Mode, Contagion]) -> pd.DataFrame:
    """One row an institution: the first round, then what each mode adds, and the total of it in per cent of capital."""
    import pandas as pd

    any_ = next(iter(second.values()))
    table: Any = pd.DataFrame({"institution": any_.institutions, "first_round": any_.direct[0]})
    for mode, made in second.items():
        table[f"second_{mode}"] = (made.total - made.direct)[0]
        capital = np.where(np.isfinite(made.capital), made.capital, 0.0)
        table[f"total_{mode}_per_cent_of_capital"] = per_cent(made.total[0], capital)
    return table[table.drop(columns="institution").abs().sum(axis=1) > 0.0].reset_index(drop=True)


def beside(book: Book, rows: pd.DataFrame) -> pd.DataFrame:
    """The book, then the paper of 2008: issued, realised loss and loss of value, in currency units, and in per cent of issued.

    Realised is principal of notes that is never repaid. The paper of 2008 has realised losses alone.
    """
    import pandas as pd

    notes = {(deal.name, each.name) for deal in book.deals.values() for each in deal.tranches if isinstance(each, Note)}
    kept: Any = rows[[key in notes for key in zip(rows["deal"], rows["tranche"], strict=True)]]
    owed = sum(debt(deal) * book.scales[name] for name, deal in book.deals.items())
    realised, marks = float(kept["realised_loss"].sum()), float(kept["total_loss"].sum())
    listed: list[dict[str, Any]] = [
        {"paper": book.name, "issued": owed, "realised_loss": realised, "value_loss": marks,
         "realised_per_cent": per_cent(realised, owed), "value_per_cent": per_cent(marks, owed)}
    ]  # fmt: skip
    for name, said in LOST_2008.items():
        listed.append({
            "paper": name,
            "issued": said.get("issued", np.nan),
            "realised_loss": said.get("written_down", np.nan),
            "value_loss": np.nan,
            "realised_per_cent": 100.0 * said["loss"],
            "value_per_cent": np.nan,
        })  # fmt: skip
    return pd.DataFrame(listed)


def leverage_of(book: Book, bonds: tuple[str, ...]) -> dict[str, float]:
    """Debt over equity, each drawn and promised, of the vehicles that have equity, and of the CDO of 2006; `recourse` is the
    share of what is owed now that companies owe."""

    def promised(deal: Deal, kind: type) -> float:
        opening = (each.opening() for each in deal.tranches if isinstance(each, kind))
        return sum(amount for state in opening for key, amount in state.items() if key[0] in ("balance", "undrawn"))

    with_equity = [(deal, book.scales[name]) for name, deal in book.deals.items() if promised(deal, Equity) > 0.0]
    beneath = sum(promised(deal, Equity) * scale for deal, scale in with_equity)
    owed = {name: debt(deal) * book.scales[name] for name, deal in book.deals.items()}
    then, everything = load_deal("mezz-abs-cdo-2006"), sum(owed.values())
    return {
        "vehicles": sum(promised(deal, Note) * scale for deal, scale in with_equity) / beneath if beneath else math.nan,
        "mezz-abs-cdo-2006": promised(then, Note) / promised(then, Equity),
        "recourse": sum(owed[name] for name in bonds) / everything if everything else math.nan,
    }
