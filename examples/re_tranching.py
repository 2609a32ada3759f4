"""Re-tranching: where to attach class A. The same leases and the same debt, cut at other places between A-2 and B."""

import dataclasses

from pricing import load_market, price, projected
from structuring import load_deal, load_scenarios, run

deal, market = load_deal("vantage-jersey"), load_market("vantage-jersey")
base, *_, stress = load_scenarios("vantage-jersey")
debt = 854.0e6


def shown(price: float, wal: float) -> str:
    return f"{price:8.2f} {wal:5.1f}" if wal > 0.0 else f"{price:8.2f} never"


print(f"Clean price per 100 and WAL in years: at first in {base.name!r}, then in {stress.name!r}\n")
print("     B    A attaches at           A-2: base       stress         B: base       stress")
for size in (25.0e6, 54.0e6, 75.0e6, 100.0e6, 150.0e6, 250.0e6):
    drawn, *notes, equity = deal.tranches
    notes = [dataclasses.replace(note, notional=par) for note, par in zip(notes, (debt - size, size), strict=True)]
    cut = dataclasses.replace(deal, tranches=(drawn, *notes, equity))
    prices = price(run(cut, [base, stress], rates=projected(market, cut)), market)
    attaches = (size + equity.notional) / (debt + equity.notional)
    cells = [shown(prices["clean"][s, 0, n], prices["wal"][s, 0, n]) for n in (1, 2) for s in (0, 1)]
    print(f"{size / 1e6:4.0f} m {attaches:16.1%}  {''.join(cells)}")
