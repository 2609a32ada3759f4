"""What a holder earns who buys a tranche on a date at a price, and may sell it: the return a year, and the multiple."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from pricing.valuation.internal_rate import irr
from pricing.valuation.prices import position
from pricing.valuation.remaining_cash import Ahead
from pricing.valuation.spreads_at_prices import values
from waterfalls.arguments import instance, number, one_date, takes, text
from waterfalls.cashflows import Cashflows
from waterfalls.clock.schedule import years_from
from waterfalls.errors import InvalidTerms

if TYPE_CHECKING:
    import pandas as pd


@takes(
    flows=instance(Cashflows),
    tranche=text,
    price=number(0.0, 1e6),
    bought=one_date,
    paid=number(0.0),
    sold=one_date,
    sale_price=number(0.0, 1e6),
)
def holder_returns(
    flows: Cashflows,
    *,
    tranche: str,
    price: float | None = None,
    bought: datetime.date | None = None,
    paid: float | None = None,
    sold: datetime.date | None = None,
    sale_price: float | None = None,
) -> pd.DataFrame:
    """The return of a holder of a whole tranche, one row a scenario: paid_in, received, multiple and irr.

    On `bought` (where the run begins, unless said) the clean price plus accrued interest is paid, price / 100 (B + U) - U
    + accrued as in `z_spread`, or `paid` in currency units, as for equity, which has no face. What the tranche pays after
    that date is received, and what is drawn is paid in; on `sold` comes what is paid until then, and the clean
    `sale_price` plus accrued interest. multiple = received / paid_in; irr is a year, Actual/365F, NaN where no rate or
    several solve it.
    """
    i = position("tranche", tranche, flows.tranches)
    start = bought or flows.plan.schedule.payment[0]
    if (price is None) == (paid is None):
        raise InvalidTerms("say price=, clean per 100, or paid=, an amount: one of the two")
    if (sold is None) != (sale_price is None):
        raise InvalidTerms("sold and sale_price go together: when it is sold, and at what clean price")
    if not flows.plan.schedule.payment[0] <= start < flows.dates[-1]:
        first, last = flows.plan.schedule.payment[0], flows.dates[-1]
        raise InvalidTerms(f"bought must be from {first} to before the last payment on {last}, got {start}")
    if sold is not None and not start < sold < flows.dates[-1]:
        raise InvalidTerms(f"sold must come after {start} and before the last payment on {flows.dates[-1]}, got {sold}")
    dates = [date for date in flows.dates if start < date <= (sold or flows.dates[-1])]
    at = slice(flows.dates.index(dates[0]), flows.dates.index(dates[-1]) + 1) if dates else slice(0)
    outlay = np.full(len(flows.receipts.scenarios), paid) if price is None else worth(flows, i, start, price)
    got, drawn = (flows.interest[tranche] + flows.principal[tranche])[:, at], flows.draws[tranche][:, at]
    cash, days = got - drawn, [start, *dates]
    proceeds = np.zeros(len(outlay))
    if sold is not None and sale_price is not None:
        proceeds = worth(flows, i, sold, sale_price)
        cash, days = np.concatenate([cash, proceeds[:, None]], axis=1), [*days, sold]
    years = years_from(start, days)
    paid_in, received = outlay + drawn.sum(axis=1), got.sum(axis=1) + proceeds
    rates = [irr(np.concatenate([[-out], row]), years) for out, row in zip(outlay, cash, strict=True)]
    return framed(flows, tranche, paid_in, received, rates)


def worth(flows: Cashflows, i: int, day: datetime.date, price: float) -> np.ndarray:
    """What a clean price on a day makes a tranche cost (S,), accrued interest included."""
    found = values(Ahead(flows, day), i, price)[:, 0]
    if np.isnan(found).any():
        raise InvalidTerms(f"{flows.tranches[i]!r} has no balance on {day}: say paid=, an amount, instead of a price")
    return found


def framed(
    flows: Cashflows, tranche: str, paid_in: np.ndarray, received: np.ndarray, rates: list[float]
) -> pd.DataFrame:
    """The rows of a table."""
    import pandas as pd

    multiple = np.divide(received, paid_in, out=np.full(len(paid_in), np.nan), where=paid_in > 0.0)
    columns = {"paid_in": paid_in, "received": received, "multiple": multiple, "irr": rates}
    return pd.DataFrame({"scenario": flows.scenarios, "tranche": tranche, **columns})
