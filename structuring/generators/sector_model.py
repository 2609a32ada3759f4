"""SectorModel: one random factor for the AI sector that moves tenants, prices, values and defaults together."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Mapping
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from structuring.deals.deal import Deal, assets, clock, drivers_of
from structuring.deals.exposures import names_of
from structuring.generators.prices_and_rates import PriceProcess, Volatility
from structuring.runs.book import Book
from structuring.scenarios.paths import Paths
from structuring.simulation.copula import Copula
from waterfalls.arguments import instance, takes, whole
from waterfalls.errors import refuse_unknown
from waterfalls.terms.bounded_numbers import Intensity, NotNegative, Share
from waterfalls.terms.term import term

if TYPE_CHECKING:
    import numpy as np

    from structuring.simulation.copula import Factors
    from structuring.simulation.random_numbers import Draws

Hazard = Intensity | Mapping[float, Intensity]
SECTOR = "AI"
GPU = PriceProcess(0.35, mean_reversion=0.6, factor_loading=0.6, jump_rate=0.15, jump_mean=-0.35, jump_sd=0.2)


@term
class Response:
    """A multiple, one a path, that answers the sector: exp(volatility (factor_loading F + sqrt(1 - loading^2) E))."""

    volatility: Volatility
    factor_loading: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.5

    def multiples(self, draws: Draws, factor: np.ndarray, *, stream: int) -> np.ndarray:
        """Multiples (S, 1), whose median is 1."""
        import numpy as np

        own = draws.normal(1, stream=stream)
        mixed = self.factor_loading * factor[:, None] + math.sqrt(1.0 - self.factor_loading**2) * own
        return np.exp(self.volatility * mixed)


@term
class SectorModel:
    """What drives the paths of a deal or a book. A low factor is a bad one; every default here is an assumption.

    Everyone a deal depends on by name (tenant, customer, borrower, guarantor, sponsor) has one latent variable of
    `copula`, in every role and every deal, and fails once, by `hazards` (a year, constant or by year; `hazard` where a
    name has none; `hazard_of_spread` gives one from a credit spread). `sectors` gives names a sector other than "AI".
    A customer may also break its contract, at the hazard `breach`. Then

        gpu_price       the process `gpu_price`, which also moves residual_value = gpu_price^resale_elasticity
        residual_value  the response `residual_value`, of collateral that is no fleet
        re_let_rent     the response `re_let_rent`, times each tenant's own
        renewal         a project's tenant leaves at an option with the probability `non_renewal`, through the copula,
                        unless it is a customer of a fleet too, or space is let beside: then as their terms say
        sale            a fleet is sold `sale_lag` months after its customer has failed or broken its contract

    With `sobol` the factors are Sobol points: less noise in means; all else stays random.
    """

    _: KW_ONLY
    copula: Copula = field(default_factory=lambda: Copula(0.35))
    hazard: Hazard = 0.02
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)
    breach: Intensity = 0.01
    gpu_price: PriceProcess = GPU
    resale_elasticity: NotNegative = 1.0
    residual_value: Response = field(default_factory=lambda: Response(0.25, 0.5))
    re_let_rent: Response = field(default_factory=lambda: Response(0.15, 0.5))
    non_renewal: Share = 0.1
    sale_lag: NotNegative = 12.0
    sobol: bool = False

    @takes(target=instance(Deal, Book), count=whole(), seed=whole(0))
    def paths(self, target: Deal | Book, count: int, *, seed: int = 0) -> Paths:
        """`count` paths of every driver that the deal's or the book's collateral reads and the model knows.

        Path p has the same numbers in any chunk, and a name the same fate in every deal that is drawn with this seed.
        """
        world = World.of(target)
        known = sorted({name for names in world.names.values() for name in names})
        for name in (*self.hazards, *self.sectors):
            refuse_unknown("obligor", name, known)
        return Paths(count, seed=seed, draw=Drawn(self, world))


@dataclasses.dataclass(frozen=True)
class World:
    """What of a deal or a book can go wrong: `names` by driver, base values by name, and times in years."""

    names: Mapping[str, tuple[str, ...]]
    reads: frozenset[str]
    times: tuple[float, ...]
    re_let: Mapping[str, float]
    projects: tuple[str, ...]
    customers: tuple[str, ...]  # of fleets
    single: bool

    @classmethod
    def of(cls, target: Deal | Book) -> World:
        """Read once, so that drawing needs no terms."""
        from structuring.scenarios.period_clock import Clock

        names: dict[str, dict[str, None]] = {}
        re_let: dict[str, float] = {}
        projects: dict[str, None] = {}
        customers: dict[str, None] = {}
        reads: frozenset[str] = frozenset()
        if isinstance(target, Book):
            deals = [
                (view.deal, {own: name for name, owns in view.local.items() for own in owns})
                for view in target.views().values()
            ]
            last = max(deal.maturity for deal, _ in deals)
            months = (last.year - target.as_of.year) * 12 + last.month - target.as_of.month + 1
            times = tuple((n + 1) / 12.0 for n in range(months))
        else:
            deals, dates = [(target, {})], Clock(clock(target))
            times = tuple(((dates.hi - dates.start) / 360.0).tolist())
        for deal, known in deals:
            read = drivers_of(deal)
            reads |= read
            for driver, own in names_of(deal).items():
                if driver in read and driver != "sale":
                    names.setdefault(driver, {}).update({known.get(name, name): None for name in sorted(own)})
            for asset in assets(deal):
                owes = asset.obligors()
                if "re_let_rent" in asset.drivers() and isinstance(bases := asset.own("re_let_rent"), Mapping):
                    re_let.update({known.get(name, name): base for name, base in bases.items()})
                elif "renewal" in asset.drivers():
                    projects |= {known.get(name, name): None for name in owes.get("tenant", ())}
                customers |= {known.get(name, name): None for name in owes.get("customer", ())}
        return cls(
            {driver: tuple(found) for driver, found in names.items()}, reads, times, re_let,
            tuple(name for name in projects if name not in customers), tuple(customers),
            not isinstance(target, Book),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Drawn:
    """The draw of a model's paths: a value that other processes can be sent."""

    model: SectorModel
    world: World

    def __call__(self, draws: Draws) -> dict[str, Any]:
        import numpy as np

        model, world = self.model, self.world
        labels = list(dict.fromkeys([SECTOR, *model.sectors.values()]))
        factors = model.copula.factors(draws, len(labels), sobol=model.sobol)
        factor, found, fates = factors.factor(0), dict[str, Any](), dict[str, np.ndarray]()

        def fate(name: str, hazard: Hazard, of: str) -> np.ndarray:
            if name not in fates:
                sector = labels.index(model.sectors.get(of, SECTOR))
                fates[name] = years_to(factors, draws, hazard, sector, stream_of(f"fate of {name}"))
            return fates[name]

        def fails(name: str) -> np.ndarray:
            return fate(name, model.hazards.get(name, model.hazard), name)

        def breaks(name: str) -> np.ndarray:
            return fate(f"contract of {name}", model.breach, name)

        for driver, names in world.names.items():
            strike = breaks if driver == "contract_breach" else fails
            found[driver] = {name: strike(name) for name in names}
        if world.single and "parent_bankruptcy" in found:
            (found["parent_bankruptcy"],) = found["parent_bankruptcy"].values()
        if "gpu_price" in world.reads:
            found["gpu_price"] = model.gpu_price.multiples(draws, world.times, factor, stream=stream_of("gpu_price"))
            found["residual_value"] = found["gpu_price"] ** model.resale_elasticity
        elif "residual_value" in world.reads:
            found["residual_value"] = model.residual_value.multiples(draws, factor, stream=stream_of("residual_value"))
        if world.re_let:
            rents = model.re_let_rent.multiples(draws, factor, stream=stream_of("re_let_rent"))
            found["re_let_rent"] = {name: base * rents for name, base in world.re_let.items()}
        if world.projects and not world.re_let:
            found["renewal"] = {name: self.stays(draws, factors, name) for name in world.projects}
        if world.customers:
            lag = model.sale_lag / 12.0
            found["sale"] = {name: np.minimum(fails(name), breaks(name)) + lag for name in world.customers}
        return found

    def stays(self, draws: Draws, factors: Factors, name: str) -> np.ndarray:
        """1.0 or 0.0 by date (S, N): whether a project's tenant renews, were that date its option's."""
        import numpy as np

        copula = self.model.copula
        own = draws.normal(len(self.world.times), stream=stream_of(f"renewal of {name}"))
        latent = factors.common[:, :1] + math.sqrt(1.0 - copula.asset_correlation) * own
        return (latent / factors.scale[:, None] > copula.quantile(np.array(self.model.non_renewal))).astype(np.float64)


def years_to(factors: Factors, draws: Draws, hazard: Hazard, sector: int, stream: int) -> np.ndarray:
    """Years to an event of this hazard (S,), through the copula; infinity where it never strikes."""
    import numpy as np

    from structuring.simulation.credit_losses import Obligor
    from structuring.simulation.default_times import curves_of, years_at

    own = math.sqrt(1.0 - factors.copula.asset_correlation) * draws.normal(1, stream=stream)[:, 0]
    latent = (factors.common[:, sector] + own) / factors.scale
    with np.errstate(divide="ignore"):
        cumulative = -np.log1p(-factors.copula.cdf(latent))
    return years_at(cumulative, np.zeros(len(latent), dtype=int), *curves_of([Obligor("", 0.0, hazard=hazard)]))


def stream_of(text: str) -> int:
    """A stream of draws for a name, the same in every run: its CRC-32."""
    return zlib.crc32(text.encode())
