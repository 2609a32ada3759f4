"""Holdings as a desk keeps them, in Excel, put behind a shipped deal; then the losses, and one page to send on."""

import dataclasses
from pathlib import Path

from pricing import SpreadShock, chain, load_institutions, load_market, price, projected, who_bears, write_report
from structuring import Holdings, load_deal, load_scenarios, run
from waterfalls.errors import InvalidTerms

name, workbook = "coreweave-ddtl-4", Path(__file__).parent / "holders.xlsx"  # its figures are invented
try:
    Holdings.from_table(workbook, sheet="31 March", ignore=["comment"])  # as it came first
except InvalidTerms as error:
    print(f"Sent back: {error}\n")

held = Holdings.from_table(workbook, sheet="30 June", ignore=["comment"])
deal = dataclasses.replace(load_deal(name), holdings=held)
print("How much of it is known, per cent of balance")
print(held.coverage({tranche.name: tranche.notional for tranche in deal.tranches}).round(1).to_string(index=False))

market, (base, stress, *_) = load_market(name), load_scenarios(name)
flows = run(deal, [base, stress], rates=projected(market, deal))
prices = price(flows, market, [SpreadShock.parallel(bp=300)])
losses = who_bears(prices, held, reference=(base.name, "unchanged"))
lost = losses.frame().query("scenario == @stress.name and shock == '+300 bp'")
lost = lost.groupby("investor_class", observed=True)[["credit_loss", "spread_loss", "total_loss"]].sum().div(1e6)
print(f"\nLost when {stress.name!r} and spreads are 300 bp wider, USD million\n{lost.round(0)}")

told = chain(deal, flows, losses, load_institutions(), stress.name, "+300 bp")
page = write_report("holders.html", deal, flows, prices, losses, market, chain=told)
print(f"\n{page}, {page.stat().st_size / 1e6:.1f} MB, opens in any browser and needs no network")
