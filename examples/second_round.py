"""A book of four deals with one weakness: who loses when AI demand falls short, and who loses again when others must sell."""

import datetime as dt

from pricing import Losses, contagion, load_institutions, load_market, price, projected, stressed, who_bears
from structuring import Book, load_scenarios, run
from structuring.runs.book import Position

names = ("beignet-2025", "tpu-lease-2026", "coreweave-ddtl-4", "iren-hardware-3")
book = Book("four vehicles", as_of=dt.date(2026, 11, 20), positions=[Position(name) for name in names])
print(book.concentration().query("part == 'payer'")[["obligor", "share", "deals"]].round(3).to_string(index=False))

losses: list[Losses] = []  # each deal in the same story, its spreads wider with it
for name, deal in book.deals.items():
    market, base = load_market(name), load_scenarios(name)[0]
    scenario, pair = stressed("AI demand shortfall", deal, on=base)
    flows = run(deal, [base, scenario], rates=projected(market, deal))
    prices = price(flows, market, pairs=[pair], reference=base.name)
    losses.append(who_bears(prices, deal.holders, reference=(base.name, "unchanged")))

known = load_institutions()
rounds = {
    "Those sell who must": contagion(losses, institutions=known, mode="thresholds"),
    "All sell to keep their leverage": contagion(losses, institutions=known, mode="linear"),
}
for who, second in rounds.items():
    table = second.frame().set_index("institution").query("total_loss > 1e7").sort_values("total_loss", ascending=False)
    table = table[["direct_loss", "forced_sale_loss", "others_sales_loss", "total_loss"]] / 1e9
    print(f"\n{who}, USD billion: {second.amplification[-1]:.2f} times the first round in all")
    print(table.round(2).to_string())
    sold = second.falls().query("fall_per_cent > 0.005").nlargest(5, "fall_per_cent")
    print("What falls with the sales, per cent:", dict(zip(sold["asset"], sold["fall_per_cent"].round(2), strict=True)))
