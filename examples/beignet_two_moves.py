"""Beignet 2025: what moved the price, spread first and rates later, and what each did to the holders."""

import datetime as dt

from pricing import Market, SpreadShock, price, who_bears
from structuring import Scenario, load_deal, run

deal = load_deal("beignet-2025")
flows = run(deal, Scenario("base"))
equity = {"z": 0.08}


def market(day: dt.date, rate: float, quote: dict[str, float]) -> Market:
    """A market of one day: a flat benchmark and the notes' quote."""
    return Market(rate, {"notes": quote, "equity": equity}, valuation=day)


issue = market(dt.date(2025, 10, 16), 0.0428, {"price": 100.0})
tightened = market(dt.date(2025, 10, 22), 0.0428, {"yield": 0.0568})
later = market(dt.date(2026, 9, 29), 0.0518, {"yield": 0.0755})

spreads: list[float] = []
for name, day in (("issue", issue), ("22 October 2025", tightened), ("29 September 2026", later)):
    prices = price(flows, day)
    clean, spread, ytm = (prices[m][0, 0, 0] for m in ("clean", "z_spread", "yield_to_maturity"))
    spreads.append(1e4 * spread)
    print(
        f"{name:<20} clean {clean:7.2f}   yield {100 * ytm:5.2f} %   spread over the benchmark {1e4 * spread:4.0f} bp"
    )

# On 29 September 2026: as if nothing had moved since issue, then with the benchmark, then with the spread too.
unmoved = market(dt.date(2026, 9, 29), 0.0428, {"z": spreads[0] / 1e4})
widening = SpreadShock.by_tranche(bp={"notes": spreads[2] - spreads[0]}, name="spread since issue")
losses = who_bears(price(flows, later, [widening], before=(flows, unmoved)), deal.holders)
moved = losses.frame().query("shock == 'spread since issue' and tranche == 'notes'")
print(
    moved.set_index("investor_class")[["holding", "credit_loss", "rates_loss", "spread_loss", "total_loss"]]
    .div(1e6)
    .round(0)
)
