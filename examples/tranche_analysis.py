"""A shipped deal, priced under spread shocks, and who bears the losses of a stress."""

from pricing import SpreadShock, load_market, price, projected, who_bears
from structuring import load_deal, load_scenarios, run

deal = load_deal("vantage-jersey")
market = load_market("vantage-jersey")
scenarios = load_scenarios("vantage-jersey")

flows = run(deal, scenarios, rates=projected(market, deal))
prices = price(flows, market, [SpreadShock.parallel(bp=100), SpreadShock.parallel(bp=300)])
losses = who_bears(prices, deal.holdings, reference=("base", "unchanged"))

print(deal.waterfall["before enforcement"].words())
print(prices.frame().pivot(index="tranche", columns=["scenario", "shock"], values="clean").round(2)["base"])

stress = losses.frame().query("scenario == 'rent cut 40 %' and shock == '+300 bp'")
columns = ["holding", "credit_loss", "rates_loss", "spread_loss", "total_loss"]
print(stress.groupby("investor_class", observed=True)[columns].sum().div(1e6).round(1))
