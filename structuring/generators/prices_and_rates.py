"""Random processes on paths: prices that revert and jump, and Hull-White short rates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from waterfalls.errors import InvalidTerms
from waterfalls.terms.bounded_numbers import NotNegative, Positive, Share
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.deals.deal import Deal
    from structuring.simulation.random_numbers import Draws

MOST = 5.0  # 500 % a year: above it, per cent were most likely meant
Volatility = Annotated[float, Field(ge=0.0, le=MOST)]
Loading = Annotated[float, Field(ge=-1.0, le=1.0)]


@term
class PriceProcess:
    """A price as a multiple of its base case: log-normal around it, reverting, with jumps, moved by a factor.

    log m(t) = x(t) + y(t). x is Ornstein-Uhlenbeck from 0: its standard deviation at t is
    s(t) = volatility sqrt((1 - exp(-2 k t)) / 2k), and factor_loading of it is the factor's:

        x(t) = s(t) (factor_loading F + sqrt(1 - factor_loading^2) u(t)),   u the process with a loading of 0, over s(t)

    so that log m has the correlation factor_loading with F on every date (without jumps), and the median of m is 1. y
    reverts too and jumps `jump_rate` times a year by normals (jump_mean, jump_sd): E[y(t)] = jump_rate jump_mean times
    the sum of step x exp(-k (t - step's end)). k is `mean_reversion` a year. A factor_loading is between a price and
    the factor; the correlation of two prices is the product of their loadings.
    """

    volatility: Volatility
    _: KW_ONLY
    mean_reversion: NotNegative = 0.0
    factor_loading: Loading = 0.0
    jump_rate: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    jump_mean: Annotated[float, Field(ge=-MOST, le=MOST)] = 0.0
    jump_sd: Volatility = 0.0

    def deviation(self, years: Any) -> np.ndarray:
        """s(t), the standard deviation of x at times in years."""
        import numpy as np

        t, k = np.asarray(years, dtype=np.float64), self.mean_reversion
        return self.volatility * np.sqrt(t if k == 0.0 else -np.expm1(-2.0 * k * t) / (2.0 * k))

    def multiples(self, draws: Draws, years: Sequence[float], factor: np.ndarray, *, stream: int) -> np.ndarray:
        """Multiples (S, N) at rising times (N,) in years, given the factor (S,) of each path."""
        import numpy as np

        from structuring.simulation.normal_distribution import inverse_normal

        times = rising(years)
        steps = np.diff(times, prepend=0.0)
        u = draws.uniform(3 * len(times), stream=stream)  # of each time: diffusion, number of jumps, their size
        noise = inverse_normal(u[:, 0::3])
        deviation, level = self.deviation(times), np.zeros(len(noise))
        own, jumped = np.zeros(noise.shape), np.zeros(noise.shape)
        jumps = np.zeros(len(noise))
        for n, step in enumerate(steps):
            decay = math.exp(-self.mean_reversion * step)
            level = level * decay + float(self.deviation(step)) * noise[:, n]
            own[:, n] = level
            if self.jump_rate > 0.0:
                count = poisson(u[:, 3 * n + 1], self.jump_rate * step)
                size = self.jump_mean * count + self.jump_sd * np.sqrt(count) * inverse_normal(u[:, 3 * n + 2])
                jumps = jumps * decay + size
                jumped[:, n] = jumps
        shared = deviation * np.asarray(factor, dtype=np.float64).reshape(-1, 1)
        return np.exp(self.factor_loading * shared + math.sqrt(1.0 - self.factor_loading**2) * own + jumped)


def poisson(u: np.ndarray, mean: float) -> np.ndarray:
    """Poisson counts by inversion of uniforms."""
    import numpy as np

    count, below, chance, k = np.zeros(u.shape), math.exp(-mean), math.exp(-mean), 0
    while (more := u > below).any() and k < 1000:
        count, k = count + more, k + 1
        chance *= mean / k
        below += chance
    return count


def rising(years: Sequence[float]) -> np.ndarray:
    """Times as an array, refused where they do not rise from above 0."""
    import numpy as np

    times = np.asarray(years, dtype=np.float64)
    if times.ndim != 1 or not len(times) or not (np.diff(times, prepend=0.0) > 0.0).all():
        raise InvalidTerms(f"years: must rise from above 0, got {np.asarray(years).tolist()!s:.60}")
    return times


@term
class HullWhite:
    """The one-factor Hull-White model on a curve: r(t) = x(t) + alpha(t), dx = -a x dt + sigma dW, x(0) = 0.

    `mean_reversion` a and `volatility` sigma are a year. alpha fits the curve: with D(t) the discount factors,
    P(t, T) = D(T) / D(t) exp(-B(T - t) x(t) + (V(T - t) - V(T) + V(t)) / 2), B(u) = (1 - exp(-a u)) / a and V(u) the
    variance of the integral of x over u. Source: Hull and White (1990); Brigo and Mercurio, section 4.2 with one factor.
    """

    mean_reversion: Positive
    volatility: Share

    def b(self, years: Any) -> np.ndarray:
        """B(u) = (1 - exp(-a u)) / a."""
        import numpy as np

        return -np.expm1(-self.mean_reversion * np.asarray(years, dtype=np.float64)) / self.mean_reversion

    def variance(self, years: Any) -> np.ndarray:
        """V(u) = sigma^2 / a^2 (u - 2 B(u) + (1 - exp(-2 a u)) / 2a): of the integral of x over u years from 0."""
        import numpy as np

        u, a = np.asarray(years, dtype=np.float64), self.mean_reversion
        return (self.volatility / a) ** 2 * (u - 2.0 * self.b(u) - np.expm1(-2.0 * a * u) / (2.0 * a))

    def paths(self, draws: Draws, years: Sequence[float], discounts: Sequence[float], *, stream: int = 2) -> RatePaths:
        """x and discount factors along paths at rising times (N,) in years, given the curve's discount factors there.

        (x, integral of x) is drawn exactly, two normals a step: Var x = sigma^2 (1 - exp(-2 a h)) / 2a, Var of the
        integral = V(h), Cov = sigma^2 B(h)^2 / 2. The mean of `discounts` over paths is the curve's, whatever the steps.
        """
        import numpy as np

        times, factors = rising(years), np.asarray(discounts, dtype=np.float64)
        if factors.shape != times.shape or not (factors > 0.0).all():
            raise InvalidTerms(
                f"discounts: must be {len(times)} factors above 0, one a time, got shape {factors.shape}"
            )
        z = draws.normal(2 * len(times), stream=stream)
        x, total = np.zeros(len(z)), np.zeros(len(z))
        states, paid = np.zeros((len(z), len(times))), np.zeros((len(z), len(times)))
        for n, h in enumerate(np.diff(times, prepend=0.0).tolist()):
            decay, b = math.exp(-self.mean_reversion * h), float(self.b(h))
            var_x = self.volatility**2 * -math.expm1(-2.0 * self.mean_reversion * h) / (2.0 * self.mean_reversion)
            shared = self.volatility**2 * b * b / 2.0 / math.sqrt(var_x) if var_x > 0.0 else 0.0
            rest = math.sqrt(max(float(self.variance(h)) - shared * shared, 0.0))
            total = total + b * x + shared * z[:, 2 * n] + rest * z[:, 2 * n + 1]
            x = x * decay + math.sqrt(var_x) * z[:, 2 * n]
            states[:, n], paid[:, n] = x, total
        return RatePaths(self, times, factors, states, factors * np.exp(-paid - 0.5 * self.variance(times)))


@dataclasses.dataclass(frozen=True, eq=False)
class RatePaths:
    """Short rates on S paths at times (N,) in years: `states` x (S, N), and `discounts` along each path (S, N)."""

    model: HullWhite
    years: np.ndarray
    curve: np.ndarray
    states: np.ndarray
    discounts: np.ndarray

    def bond(self, n: int, m: int) -> np.ndarray:
        """P(t_n, t_m) on every path (S,): the price at time n of one unit at the later time m."""
        import numpy as np

        model, (t, end) = self.model, (self.years[n], self.years[m])
        spread = 0.5 * (model.variance(end - t) - model.variance(end) + model.variance(t))
        return self.curve[m] / self.curve[n] * np.exp(-model.b(end - t) * self.states[:, n] + spread)

    def forwards(self, fractions: Sequence[float], first: float) -> np.ndarray:
        """Simple rates (S, N): (1 / P(t_n-1, t_n) - 1) / fraction, known at the start of each period; `first` is now's."""
        import numpy as np

        known = [np.full(len(self.states), first)]
        known += [(1.0 / self.bond(n - 1, n) - 1.0) / fractions[n] for n in range(1, len(self.years))]
        return np.stack(known, axis=1)


def index_rates(
    deal: Deal, curve: Any, model: HullWhite, count: int, *, seed: int = 0, day_count: str = "actual/360"
) -> np.ndarray:
    """Rates of a floating index by accrual period of a deal, (count, T): `run(deal, paths, rates={"SOFR": these})`.

    `curve` is anything with `discount(date)`, such as a QuantLib term structure. Path p is keyed by `seed`, so rows
    belong to the paths of the same number. Time runs from the start of the deal's schedule, Actual/365F.
    """
    import numpy as np

    from structuring.deals.deal import clock
    from structuring.simulation.random_numbers import Draws
    from waterfalls.clock.schedule import years_from
    from waterfalls.distribute import forwards

    schedule = clock(deal)
    simple, fractions = forwards(curve, schedule, day_count), schedule_fractions(schedule, day_count)
    factors = np.cumprod(1.0 / (1.0 + simple * fractions))
    years = years_from(schedule.payment[0], schedule.dates)
    paths = model.paths(Draws(seed, 0, count), years.tolist(), factors.tolist())
    return paths.forwards(fractions.tolist(), float(simple[0]))


def schedule_fractions(schedule: Any, day_count: str) -> np.ndarray:
    """The fraction of a year of each accrual period on payment dates, (T,)."""
    import itertools

    import numpy as np

    from waterfalls.clock.schedule import year_fraction

    pairs = itertools.pairwise(schedule.payment)
    return np.array([year_fraction(day_count, a, b, roll=schedule.roll) for a, b in pairs])
