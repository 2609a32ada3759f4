"""A desk's day: 500 deals held ready, then a curve, a spread and the shocks move; what each class has lost since the morning."""

import dataclasses
import datetime as dt
import itertools
import sys
import time

import QuantLib as ql

from pricing import HeldBook, Market, SpreadShock, hold
from structuring import Book, Scenario, load_deal
from structuring.runs.book import Position

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 500
SHIPPED = [load_deal(name) for name in ("coreweave-ddtl-4", "tpu-lease-2026", "beignet-2025", "iren-hardware-3")]
rate, spread = ql.SimpleQuote(0.042), ql.SimpleQuote(0.0225)
sofr = ql.YieldTermStructureHandle(ql.FlatForward(ql.Date(30, 6, 2026), ql.QuoteHandle(rate), ql.Actual365Fixed()))


def market() -> Market:
    """What the desk's quotes say now, as plain numbers."""
    fixings = {"SOFR": {dt.date(2026, 5, 15): 0.043}}
    return Market(sofr, currency="USD", otherwise=spread, projections={"SOFR": sofr}, fixings=fixings)


def clocks() -> tuple[float, float]:
    """Seconds on the wall and of the processors."""
    return time.perf_counter(), time.process_time()


def timed(what: str, began: tuple[float, float], book: HeldBook) -> None:
    """What a move cost in time, and the classes that have lost most since the morning as spreads are quoted now."""
    lost = {who: row[0, 1] / 1e6 for who, row in book.by_class().items()}
    told = ", ".join(f"{who} {lost[who]:,.0f} m" for who in sorted(lost, key=lambda who: -lost[who])[:3])
    wall, cpu = (now - then for now, then in zip(clocks(), began, strict=True))
    print(f"{what:<16}{wall:6.1f} s ({cpu:.1f} of CPU) {len(book.ran):>4} run {len(book.priced):>4} priced  {told}")


began = clocks()
deals = [dataclasses.replace(deal, name=f"{deal.name} {n}") for n, deal in zip(range(COUNT), itertools.cycle(SHIPPED))]
book = Book("desk", as_of=dt.date(2026, 6, 30), positions=[Position(deal, weight=1 / COUNT) for deal in deals])
shocks = [SpreadShock.parallel(bp=10 * n) for n in range(1, 51)]
scenarios = [Scenario("base"), Scenario("machines at half price", gpu_price=0.5)]
morning = hold(book, scenarios, market(), shocks, workers=2)
timed("held", began, morning)

began = clocks()
rate.setValue(0.0435)
noon = morning.reprice(market(), workers=2)
timed("the curve moved", began, noon)

began = clocks()
spread.setValue(0.0240)
evening = noon.reprice(market(), workers=2)
timed("spreads moved", began, evening)

began = clocks()
timed("nothing moved", began, evening.reprice(market()))
