"""Beside 2008: what a mezzanine ABS CDO lost then, and what vehicles of today lose when AI demand falls short."""

import pandas as pd

from pricing import load_market, price, projected, stressed, who_bears
from pricing.bearers.abs_cdo import beside_2008, retranched, what_differs
from structuring import load_deal, load_scenarios, run

papers: list[pd.DataFrame] = []
for name in ("mezz-abs-cdo-2006", "vantage-jersey", "tpu-lease-2026", "coreweave-ddtl-4"):
    deal, market, (base, *_, worst) = load_deal(name), load_market(name), load_scenarios(name)
    if name != "mezz-abs-cdo-2006":  # what its own market went through; for the others, the story told of them all
        worst, _ = stressed("AI demand shortfall", deal, on=base)
    flows = run(deal, [base, worst], rates=projected(market, deal))
    losses = who_bears(price(flows, market), deal.holders, reference=(base.name, "unchanged"))
    papers.append(beside_2008(losses, worst.name))

table = pd.concat(papers).drop_duplicates("paper").set_index("paper")
print("Per cent of par: principal never repaid, and value lost with the cash that came late or never")
print(table[["realised_per_cent", "credit_per_cent"]].round(1).add(0.0).to_string(na_rep=""))

# Why: the pool loses a little, its BBB piece all of itself, and so does the senior of a CDO made of BBB pieces.
pool = {"equity": 0.05, "BBB": 0.05, "AAA": 0.90}
print("\npool loses   its BBB   its AAA   senior of a CDO of BBB pieces")
for loss in (0.05, 0.07, 0.10):
    first, again = retranched(loss, pool, "BBB", {"junior": 0.25, "senior": 0.75})
    print(f"{loss:10.0%} {first['BBB']:9.0%} {first['AAA']:9.0%} {again['senior']:20.0%}")

print()
print("\n".join(what_differs()))
