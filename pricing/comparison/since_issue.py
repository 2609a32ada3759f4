"""Price changes since issue, day by day, split into what passing time, rates and spreads did."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.market.market import Market
from pricing.tables.named_arrays import labelled
from pricing.valuation.price import cells_at, fixed, prices_of, reference_spreads
from pricing.valuation.prices import Prices
from pricing.valuation.remaining_cash import row_of
from pricing.valuation.spread_shocks import UNCHANGED
from structuring.deals.holdings import Holdings
from waterfalls.arguments import each, instance, key, mapping, takes
from waterfalls.cashflows import Cashflows
from waterfalls.errors import InvalidTerms, shown

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class SinceIssue:
    """Clean prices per 100 and spreads of N tranches on M days, the first of them that of issue.

        passing[m] = P(curve of the day before, rolled on; its spread) - P[m-1]      time alone: pull to par and roll
        rates[m]   = P(curve of the day; spread of the day before) - the above       coupons that float follow it
        spread[m]  = P[m] - the above                                                P[m] - P[m-1] = the three together

    All (M, N), 0 on the first day; positive is a gain. `tightening` is the spread at issue less the spread now.
    """

    days: tuple[str, ...]
    tranches: tuple[str, ...]
    clean: np.ndarray
    yields: np.ndarray
    z_spread: np.ndarray
    passing: np.ndarray
    rates: np.ndarray
    spread: np.ndarray
    face: np.ndarray

    @property
    def tightening(self) -> np.ndarray:
        """Spread at issue less spread on each day (M, N), a decimal: positive is tighter."""
        return self.z_spread[0] - self.z_spread

    @property
    def gain(self) -> np.ndarray:
        """Clean price on each day less that at issue (M, N), per 100."""
        return self.clean - self.clean[0]

    def frame(self) -> pd.DataFrame:
        """One row a day and tranche."""
        names = ("clean", "yields", "z_spread", "tightening", "passing", "rates", "spread", "gain")
        axes = [("day", self.days), ("tranche", self.tranches)]
        return labelled({name: getattr(self, name) for name in names}, axes)

    def gains(self, holdings: Holdings) -> pd.DataFrame:
        """One row a tranche and class that says what it paid: its gain on the last day since its own purchase.

        gain = (clean price - purchase price) / 100 x what it holds of the face, drawn and undrawn; interest received is not in it. It
        stands beside losses against a reference (`who_bears`) and is never added to them.
        """
        import pandas as pd

        rows = []
        for name, paid in holdings.purchase_prices.items():
            n = self.tranches.index(name)
            for who, cost in paid.items():
                held = holdings.shares[name].get(who, 0.0) * self.face[-1, n]
                gain = (self.clean[-1, n] - cost) / 100.0 * held
                rows.append((name, who, held, cost, self.clean[-1, n], gain))
        return pd.DataFrame(rows, columns=["tranche", "investor_class", "holding", "purchase_price", "clean", "gain"])


def markets_by_day(name: str, given: Any) -> Mapping[str, Market]:
    """Markets by the name of their day."""
    return each(instance(Market))(name, mapping(name, given))


@takes(flows=instance(Cashflows, Mapping), days=markets_by_day, scenario=key)
def since_issue(
    flows: Cashflows | Mapping[str, Cashflows], days: Mapping[str, Market], *, scenario: str | None = None
) -> SinceIssue:
    """What became of every tranche from issue, the first of `days`, to the last, in one scenario ("base", else the first).

    A day is a name and the market of that day with its quotes. `flows` are those of all days, or one run a day where
    coupons float. A market rolled on keeps its zero rates by tenor.
    """
    markets = list(days.items())
    if len(markets) < 2:
        raise InvalidTerms(f"days: need the day of issue and a later one, got {len(markets)}")
    for (a, before), (b, after) in itertools.pairwise(markets):
        if after.valuation < before.valuation:
            raise InvalidTerms(
                f"days: must be in order, got {b!r} on {after.valuation} after {a!r} on {before.valuation}"
            )
    runs = {}
    for name, _ in markets:
        runs[name] = flows if isinstance(flows, Cashflows) else flows.get(name)
        if not isinstance(runs[name], Cashflows):
            raise InvalidTerms(f"flows: need those of {name!r}, got {shown(runs[name])}")
    spreads = [reference_spreads(runs[name], market, scenario) for name, market in markets]
    s = row_of(runs[markets[0][0]], scenario)

    def at(run: Cashflows, market: Market, z: Mapping[str, float]) -> Prices:
        cells = cells_at(run, market, z, (UNCHANGED,))
        return prices_of(run, cells, cells, (UNCHANGED,))

    made = [at(runs[name], market, z) for (name, market), z in zip(markets, spreads, strict=True)]
    clean = np.stack([prices["clean"][s, 0] for prices in made])
    passing, rates, spread = (np.zeros(clean.shape) for _ in range(3))
    for m, ((earlier, before), (name, after)) in enumerate(itertools.pairwise(markets), start=1):
        rolled = before.with_curves(lambda curve, date=after.valuation: curve.rolled(date))
        still = at(runs[earlier], rolled, spreads[m - 1])["clean"][s, 0]
        moved = at(runs[name], after, spreads[m - 1])["clean"][s, 0]
        passing[m], rates[m], spread[m] = still - clean[m - 1], moved - still, clean[m] - moved
    return SinceIssue(
        tuple(days), made[0].tranches, fixed(clean),
        fixed(np.stack([prices["yield_to_maturity"][s, 0] for prices in made])),
        fixed(np.array([[z[name] for name in made[0].tranches] for z in spreads])),
        fixed(passing), fixed(rates), fixed(spread),
        fixed(np.stack([prices.memo["face"][s] for prices in made])),
    )  # fmt: skip
