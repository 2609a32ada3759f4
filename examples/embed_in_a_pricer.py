"""Inside a larger pricing system: its own QuantLib curve, a quote that moves, two threads, a book of deals."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import QuantLib as ql

from pricing import Market, SpreadShock, price, projected
from structuring import Deal, Scenario, load_deal, run

today, desk = dt.date(2026, 9, 30), Lock()
swap_rate, spread = ql.SimpleQuote(0.042), ql.SimpleQuote(0.0225)
sofr = ql.RelinkableYieldTermStructureHandle()
sofr.linkTo(ql.FlatForward(ql.Date(30, 9, 2026), ql.QuoteHandle(swap_rate), ql.Actual365Fixed()))


def market() -> Market:
    """What everything is worth now, as plain numbers: QuantLib is read here, once, and by one thread at a time."""
    with desk:
        return Market(
            sofr,
            currency="USD",
            otherwise=spread,
            projections={"SOFR": sofr},
            fixings={"SOFR": {dt.date(2026, month, 1) - dt.timedelta(days=1): 0.043 for month in (7, 8, 9)}},
        )


book = [load_deal(name) for name in ("beignet-2025", "coreweave-ddtl-4")]
shocks = [SpreadShock.parallel(bp=bp) for bp in (50, 100)]


def values(deal: Deal, now: Market) -> np.ndarray:
    """What all tranches of a deal are worth together, unchanged and under each shock."""
    flows = run(deal, Scenario("base"), rates=projected(now, deal))
    return price(flows, now, shocks).npv[0].sum(axis=1)


def worth(now: Market) -> np.ndarray:
    """What the book is worth: two deals at a time."""
    with ThreadPoolExecutor(2) as threads:
        return np.sum(list(threads.map(lambda deal: values(deal, now), book)), axis=0) / 1e6


evaluation_date = ql.Settings.instance().evaluationDate
morning = market()
opened = worth(morning)
with desk:
    swap_rate.setValue(0.0425)  # the desk's quotes move, and what hangs on them
    spread.setValue(0.0235)
for name, value, change in zip(("now", "+50 bp", "+100 bp"), worth(market()), worth(market()) - opened, strict=True):
    print(f"{name:>8} {value:10,.0f} m {change:+8,.0f} m since the morning")
assert (worth(morning) == opened).all()  # a market is a value: the morning's has not moved
assert ql.Settings.instance().evaluationDate == evaluation_date
