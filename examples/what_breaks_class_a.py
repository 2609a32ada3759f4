"""Reverse stress: how little must go wrong before class A of a data-centre securitisation loses, and who holds it."""

import dataclasses
import datetime as dt

from pricing import SpreadShock, breakeven, load_market, price, projected, reverse_stress, who_bears
from structuring import load_deal, load_scenarios, run

deal, market = load_deal("vantage-jersey"), load_market("vantage-jersey")
base, freeze, *_ = load_scenarios("vantage-jersey")
rates = projected(market, deal)

print("\n".join(breakeven(deal, base, driver="rent", market=market).sentences()))  # each note, in words


def never_repaid(sold_in: int, rent: float) -> float:
    """Per cent of A-2 that is never repaid when nobody refinances and the property is sold in May of a year."""
    sold = dataclasses.replace(freeze, sale=dt.date(sold_in, 5, 20), rent=rent)
    return 100.0 * run(deal, sold, rates=rates).balance["A-2"][0, -1] / 800e6


print("\nRents may fall by this before A-2 is not repaid in full, if the property is sold in")
for year in (2030, 2033, 2036):
    found = reverse_stress(lambda cut, year=year: never_repaid(year, 1.0 - cut), target=0.01, high=0.9)
    print(f"{year}: {found.shock:.1%}")

flows = run(deal, base, rates=rates)


def insurers_lose(bp: float) -> float:
    """Per cent of what insurers hold that a wider spread takes from its value."""
    losses = who_bears(price(flows, market, [SpreadShock.parallel(bp=bp, name="wider")]), deal.holders)
    insurers = losses.classes.index("insurers")
    return 100.0 * losses.by_class()[0, -1, insurers] / losses.held[:, insurers].sum()


found = reverse_stress(insurers_lose, target=10.0, high=2000.0, tolerance=0.5)
print(f"\nWithout any default, a spread {found.shock:.0f} bp wider takes a tenth of what insurers hold.")
