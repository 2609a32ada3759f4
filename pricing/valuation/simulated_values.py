"""Values over simulated paths of credit or rates: expected value, option-adjusted spread, duration and convexity."""

from __future__ import annotations

import bisect
import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pricing.market.market import Market, as_market
from pricing.tables.quotients import quotient
from pricing.valuation.price import cells_at, reference_spreads
from pricing.valuation.remaining_cash import Ahead, row_of
from pricing.valuation.root_finding import rates_for
from pricing.valuation.spread_shocks import UNCHANGED
from structuring.deals.deal import Deal, plan, resets_of
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from structuring.simulation.random_numbers import Draws
from waterfalls.arguments import instance, key, numbers, takes, text
from waterfalls.cashflows import Cashflows
from waterfalls.clock.schedule import years_from
from waterfalls.errors import CannotPrice, InvalidTerms
from waterfalls.terms.coupons import Floating

if TYPE_CHECKING:
    import pandas as pd

    from structuring.generators.prices_and_rates import HullWhite

Under = Literal["risk-neutral", "real"]


@dataclasses.dataclass(frozen=True, eq=False)
class Expected:
    """Values of N tranches over S paths, at spreads (N,) that make their mean the reference value.

        value = mean_s sum_j F_sj D_sj exp(-z t_j)      standard_error = deviation over paths / sqrt(S)

    `under` says of which measure the paths are: "risk-neutral", whose expected loss the market charges for, so that the
    spread is what is left for liquidity and options; or "real", so that it holds the price of credit risk as well.
    `paths` (S, N) are the values path by path; `promised` (N,) the spread over the promised flows, which counts credit
    that the paths already lose and is told for comparison alone.
    """

    tranches: tuple[str, ...]
    under: Under
    spread: np.ndarray
    value: np.ndarray
    standard_error: np.ndarray
    promised: np.ndarray
    paths: np.ndarray

    def frame(self) -> pd.DataFrame:
        """One row a tranche."""
        import pandas as pd

        names = ("value", "standard_error", "spread", "promised")
        return pd.DataFrame(
            {"tranche": self.tranches, "measure": self.under, **{name: getattr(self, name) for name in names}}
        )


@takes(flows=instance(Cashflows), promised=instance(Cashflows), under=text, discounts=numbers, reference=key)
def expected(
    flows: Cashflows, market: Any, *, promised: Cashflows, under: Under, discounts: np.ndarray | None = None, reference: Any = None
) -> Expected:  # fmt: skip
    """The value of tranches over paths of credit (or of rates), calibrated to what the market quotes.

    Quotes are read at the `promised` flows of the `reference` scenario, which gives each tranche its price; the spread is
    solved so that the mean over the paths of `flows` is that price. It is never the spread over promised flows, at which
    the losses of the paths would be charged twice. `discounts` (S, J) are discount factors along each path on the
    payment dates ahead, where rates are simulated too; the market's curve unless said.
    """
    if under not in ("risk-neutral", "real"):
        raise InvalidTerms(f"under: is the measure of the paths, 'risk-neutral' or 'real'; got {under!r}")
    there = as_market(market, promised)
    spreads = reference_spreads(promised, there, reference)
    values = cells_at(promised, there, spreads, (UNCHANGED,)).npv[:, row_of(promised, reference), 0]
    ahead, amounts = discounted(flows, there, discounts)
    mean = amounts.mean(axis=1)
    solved = rates_for(mean, ahead.times, np.where(mean.any(axis=1), values, np.nan)[:, None])[:, 0]
    lost = [
        name for name, z, owed in zip(flows.tranches, solved, mean.any(axis=1), strict=True) if owed and np.isnan(z)
    ]
    if lost:
        i = flows.tranches.index(lost[0])
        raise CannotPrice(
            f"no spread makes the mean of {lost[0]!r} over {len(flows.receipts.scenarios):,} paths its reference value "
            f"{values[i]:,.2f}: undiscounted it is {mean[i].sum():,.2f}"
        )
    return valued(ahead, amounts, solved, np.array([spreads[name] for name in flows.tranches]), under)


def discounted(flows: Cashflows, market: Market, discounts: np.ndarray | None) -> tuple[Ahead, np.ndarray]:
    """What lies ahead, and its cash discounted (N, S, J)."""
    ahead = Ahead.at(flows, market)
    factors = ahead.discounts(market.curve) if discounts is None else np.asarray(discounts, dtype=np.float64)
    allowed = (len(ahead.dates),), ahead.cash.shape[1:]
    if factors.shape not in allowed:
        raise InvalidTerms(f"discounts: must be (paths, payment dates ahead) = {allowed[1]}, got {factors.shape}")
    return ahead, ahead.cash * factors


def valued(ahead: Ahead, amounts: np.ndarray, spread: np.ndarray, promised: np.ndarray, under: Under) -> Expected:
    """The values of discounted cash (N, S, J) at spreads (N,); what pays nothing is worth nothing at any, also at NaN."""
    at = np.where(amounts.any(axis=(1, 2)), spread, 0.0)
    paths = np.stack([cash @ np.exp(-z * ahead.times) for cash, z in zip(amounts, at, strict=True)])
    count = paths.shape[1]
    error = paths.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(paths), np.nan)
    return Expected(ahead.names, under, spread, paths.mean(axis=1), error, promised, paths.T)


@dataclasses.dataclass(frozen=True, eq=False)
class OptionAdjusted:
    """Option-adjusted spreads (N,) over rates' paths, and the durations and convexities (N,) they leave."""

    base: Expected
    effective_duration: np.ndarray
    effective_convexity: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """The option-adjusted spread."""
        return self.base.spread


def option_adjusted(
    deal: Deal, scenario: Scenario, market: Market, model: HullWhite, *, count: int = 256, seed: int = 0, bp: float = 25.0
) -> OptionAdjusted:  # fmt: skip
    """Option-adjusted spread, effective duration and convexity of every tranche over Hull-White paths of rates.

        mean_s sum_j F_sj D_sj exp(-OAS t_j) = quoted value      D_sj = exp(-integral of the short rate along path s)
        effective duration  = (V(-h) - V(+h)) / (2 h (V + U))            U what is undrawn
        effective convexity = (V(-h) + V(+h) - 2 V) / (h^2 (V + U))

    The model is fitted to the market's curve; indices keep their margin over it. V(+-h) are values at the same spread,
    with the curve moved by `bp`, the paths drawn by the same numbers and the deal run anew. Risk-neutral by construction.
    Paths come in pairs, so the standard error is at most what `base` says. Source: Fabozzi, Handbook of Fixed Income
    Securities, on OAS by Monte Carlo.
    """
    promised = run(deal, scenario, rates=market.rates(deal))
    listed = [dataclasses.replace(scenario, name=f"{n}") for n in range(count)]

    def at(there: Market) -> tuple[Cashflows, np.ndarray]:
        rates, discounts = simulated(deal, there, model, count, seed)
        return run(deal, listed, rates=rates), discounts

    flows, discounts = at(market)
    base = expected(flows, market, promised=promised, under="risk-neutral", discounts=discounts)
    moved = []
    for move in (bp, -bp):
        there = market.shifted(move)
        ahead, amounts = discounted(*(made := at(there))[:1], there, made[1])
        moved.append(valued(ahead, amounts, base.spread, base.promised, "risk-neutral").value)
    (up, down), step, quoted = moved, bp * 1e-4, base.value + Ahead.at(promised, market).undrawn[:, 0]
    return OptionAdjusted(
        base, quotient((down - up) / (2.0 * step), quoted), quotient((up + down - 2.0 * base.value) / step**2, quoted)
    )


class Mirrored(Draws):
    """Draws of which the second half are those of the first with the opposite sign."""

    def normal(self, size: int, *, stream: int = 0) -> np.ndarray:
        half = Draws(self.seed, self.first, self.count // 2).normal(size, stream=stream)
        return np.concatenate([half, -half])


def simulated(
    deal: Deal, market: Market, model: HullWhite, count: int, seed: int = 0
) -> tuple[dict[str, Any], np.ndarray]:
    """Rates by index (count, T), of collateral by date (count,), of a deal on Hull-White paths from the valuation date, and discount factors (count, J).

    Paths come in pairs of opposite draws, so that what is linear in the draws has no sampling error. An index moves by
    its own day count: what a period adds to 1 / P is its rate x its fraction of a year.
    """
    resolved = plan(deal)
    schedule = resolved.schedule
    first = sum(day <= market.valuation for day in schedule.dates)
    dates = schedule.dates[first:]
    years, factors = years_from(market.valuation, dates), market.curve.discounts(dates)
    if count < 2 or count % 2:
        raise InvalidTerms(f"count: paths come in pairs of opposite draws, so an even number, at least 2; got {count}")
    paths = model.paths(Mirrored(seed, 0, count), years.tolist(), factors.tolist())
    steps = np.diff(years, prepend=0.0)
    simple = np.concatenate([[1.0], factors[:-1]]) / factors - 1.0
    drawn = paths.forwards(steps.tolist(), float(simple[0] / steps[0])) - simple / steps
    counts = {each.source: name for each, name in reversed(resolved.coupons) if isinstance(each, Floating)}
    made = {}
    for index, rate in market.rates(resolved).items():
        moved = drawn * (steps / schedule.accruals(counts[index])[first:])
        made[index] = np.concatenate([np.broadcast_to(rate[:first], (count, first)), rate[first:] + moved], axis=1)
    whole = np.concatenate([np.zeros((count, first)), drawn], axis=1)
    for each in resets_of(deal):  # what collateral reads moves as the deal's period does in which it is fixed
        path = dict(market.rates(deal)[each.source])
        at = {day: max(bisect.bisect_right(schedule.payment, day) - 1, 0) for day in path}
        made[each.source] = {day: rate + whole[:, min(at[day], schedule.periods - 1)] for day, rate in path.items()}
    return made, paths.discounts
