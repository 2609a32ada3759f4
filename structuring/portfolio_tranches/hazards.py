"""Hazards out of the spreads that the market quotes by maturity."""

from __future__ import annotations

from collections.abc import Mapping

from structuring.portfolio_tranches.legs import legs_of_name
from structuring.portfolio_tranches.premium_periods import Discount, Periods, yearly
from structuring.simulation.credit_losses import Obligor
from waterfalls.arguments import mapping, number, takes, whole
from waterfalls.errors import CannotPrice, InvalidTerms

MOST = 50.0  # a hazard a year, beyond which nothing survives a month


@takes(spreads=mapping, recovery=number(0.0, 1.0), per_year=whole(), steps=whole(1, 10_000))
def bootstrapped(
    spreads: Mapping[float, float] | Mapping[int, float] | Mapping[Periods, float],
    *,
    recovery: float,
    discount: Discount,
    per_year: int = 4,
    steps: int = 1,
    accrued: bool = True,
) -> dict[float, float]:
    """The piecewise constant hazard, by the year from which it holds, at which swaps of each maturity are fair.

    `spreads` are decimals by maturity in years, or by `Periods` of one's own such as `standard(trade, maturity)`. Solved by
    bisection, the nearest maturity first; each hazard holds to its maturity and the last beyond. An `Obligor` takes what is
    returned as its hazard. A spread that no hazard of at least 0 pays for, because a nearer one is too high, is refused.
    """
    if not spreads:
        raise InvalidTerms("spreads: at least one maturity is needed")
    if recovery == 1.0:
        raise InvalidTerms(f"recovery: must be at least 0 and below 1, got {recovery:g}")
    quotes = [
        (given if isinstance(given, Periods) else yearly(given, per_year), number(0.0, 1.0)(f"spreads[{given!r}]", s))
        for given, s in spreads.items()
    ]
    found: dict[float, float] = {}
    begin = 0.0
    for periods, spread in sorted(quotes, key=lambda quote: quote[0].end[-1]):
        end = float(periods.end[-1])
        if end <= begin:
            raise InvalidTerms(f"spreads: two are to {end:.2f} years")

        def excess(hazard: float, periods: Periods = periods, spread: float = spread, begin: float = begin) -> float:
            name = Obligor("", 1.0, hazard={**found, begin: hazard}, recovery=recovery)
            return legs_of_name(name, periods, discount, steps=steps, accrued=accrued).upfront(spread)

        low, high = 0.0, max(4.0 * spread / (1.0 - recovery), 1e-6)
        while excess(high) < 0.0 and high < MOST:
            high *= 2.0
        if excess(low) > 1e-14 or excess(high) < 0.0:
            raise CannotPrice(
                f"no hazard from year {begin:.2f} on pays for a spread of {1e4 * spread:.1f} bp to {end:.2f} years: "
                "those to nearer maturities are too far from it"
            )
        for _ in range(100):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
            if high - low <= 1e-15 * max(high, 1e-3):
                break
        found[begin] = 0.5 * (low + high)
        begin = end
    return found
