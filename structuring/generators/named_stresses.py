"""Named stresses, such as a shortfall of AI demand: what each does to collateral and spreads, at any scale."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Any, Literal

from structuring.collateral.asset import Asset
from structuring.collateral.asset_classes import KINDS
from structuring.deals.deal import Deal, assets
from structuring.deals.exposures import FAILS
from structuring.documents.yaml_and_json import load_term
from structuring.scenarios.drivers import DRIVERS
from structuring.scenarios.months import a_month, month_after
from structuring.scenarios.scenario import Scenario
from structuring.scenarios.speed import UNITS
from waterfalls.arguments import path, takes
from waterfalls.bounds import YEARS
from waterfalls.errors import Fault, InvalidTerms, refuse_unknown, strangers, unknown
from waterfalls.terms.bounded_numbers import NotNegative
from waterfalls.terms.term import kind_of, term
from waterfalls.terms.tranches import Note

MARK = "firstloss-stress"
LIBRARY = Path(__file__).parents[1] / "library" / "stresses"
PAPER = ("AA", "A", "BBB", "below", "unrated", "equity")  # AA holds AAA too
NO_RATING = ("", "NR", "WR", "UNRATED", "NOT RATED")
WIDEST = 100_000.0  # basis points: a spread or a move of rates of 1,000 %


@term
class Effect:
    """What happens to one driver, `after` years from the start, when a stress stands at the scale k:

        times m    base x m^k          plus a    base + k a, in the driver's unit (`default` and `prepayment`: a year)
        neither    a date: it strikes after / k years from the start, and never at k = 0

    and the result stays within the bounds of the driver. The base is what the collateral's own terms say; of loans whose
    rate follows their age it is the peak. `who` limits what is by name to the deal's sponsor or to the
    largest obligor; otherwise everyone is struck.
    """

    driver: str
    _: KW_ONLY
    times: NotNegative | None = None
    plus: float | None = None
    after: NotNegative = 0.0
    who: Literal["everyone", "sponsor", "largest"] = "everyone"

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        driver, times, plus = fields.get("driver"), fields.get("times"), fields.get("plus")
        if driver is not None and driver not in DRIVERS:
            yield Fault("driver", unknown("driver", driver, DRIVERS))
        elif driver is not None:
            given = (times is not None) + (plus is not None)
            if given != (DRIVERS[driver].shape != "date"):
                yield Fault("", f"{driver} takes {'after alone' if given else 'times or plus, one of the two'}")


@term
class NamedStress:
    """A story as numbers: `effects` by kind of collateral, `spreads` in basis points by class of paper, `rates` in basis
    points of every curve. `events` are those of a deal that strike, by name, after so many years.

    `sources` says where each figure comes from, by its path; most are assumptions and say so.
    """

    name: str
    _: KW_ONLY
    story: str
    effects: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)
    events: Mapping[str, NotNegative] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    rates: float = 0.0
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @staticmethod
    def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
        kinds = [kind_of(kind) for kind in KINDS]
        yield from strangers("effects", "kind of collateral", fields.get("effects", {}), kinds)
        yield from strangers("spread", "class of paper", fields.get("spread", {}), PAPER)
        moves = {f"spread[{paper!r}]": bp for paper, bp in fields.get("spread", {}).items()}
        for place, bp in {**moves, "rates": fields.get("rates", 0.0)}.items():
            if abs(bp) > WIDEST:
                yield Fault(place, f"must be basis points, at most {WIDEST:,.0f}, got {bp:g}")

    def named(self, scale: float) -> str:
        """The stress's name at a scale: 'sponsor default', 'sponsor default x 0.5'."""
        if not 0.0 <= scale < math.inf:
            raise InvalidTerms(f"scale: must be a number from 0 on, got {scale:g}")
        return self.name if scale == 1.0 else f"{self.name} x {scale:g}"

    def scenario(
        self, deal: Deal, *, scale: float = 1.0, start: datetime.date | None = None, on: Scenario | None = None
    ) -> Scenario:
        """The asset side for a deal: drivers that its collateral reads, over those of the scenario `on`.

        `start` is the day from which years count, by default the deal's `as_of` or closing. At scale 0 it is `on` itself
        under another name. Where several kinds of collateral move one driver, the first in the deal's order does.
        """
        name = self.named(scale)
        given = {} if on is None else on.given()
        if scale > 0.0:
            begin = start or deal.as_of or deal.closing
            given = {**given, **self.moved(deal, scale, begin)}
            struck = {
                event: later(begin, years / scale) for event, years in self.events.items() if event in deal.events
            }
            if struck:
                given["event"] = {**(given.get("event") or {}), **struck}
        return Scenario.of(name, given)

    def moved(self, deal: Deal, scale: float, begin: datetime.date) -> dict[str, Any]:
        """Drivers at a scale above 0."""
        found: dict[str, Any] = {}
        for asset in assets(deal):
            told: dict[str, Any] = {}
            for effect in self.effects.get(kind_of(type(asset)), ()):
                if effect.driver in asset.drivers():
                    value = moved(effect, asset, deal, scale, begin)
                    if value is not None:
                        told[effect.driver] = value
            for driver, value in told.items():
                both = isinstance(value, Mapping) and isinstance(found.get(driver), Mapping)
                found[driver] = {**value, **found[driver]} if both else found.get(driver, value)
        return found

    def spreads(self, deal: Deal, *, scale: float = 1.0) -> dict[str, float]:
        """The market side: basis points by tranche, `scale` times those of its class of paper."""
        self.named(scale)
        return {tranche.name: scale * self.spread.get(paper(tranche), 0.0) for tranche in deal.tranches}


def paper(tranche: Any) -> str:
    """The class of paper of a tranche, by its rating: S&P's, Fitch's or Moody's words, of which NR and WR are none."""
    if not isinstance(tranche, Note):
        return "equity"
    letters = (tranche.rating or "").strip().upper().removesuffix("(SF)").rstrip("+-123 ()SFLOWHIG")
    classes = {"AAA": "AA", "AA": "AA", "A": "A", "BBB": "BBB", "BAA": "BBB"} | dict.fromkeys(NO_RATING, "unrated")
    return classes.get(letters, "below")


def later(start: datetime.date, years: float) -> datetime.date:
    """A date some years on, to the month; what is further off than any deal is on the last date that there is."""
    return min(month_after(start, round(12.0 * min(years, 500.0))), datetime.date(YEARS[1], 12, 31))


def moved(effect: Effect, asset: Asset, deal: Deal, scale: float, begin: datetime.date) -> Any:
    """A driver as a scenario takes it; None where it strikes nobody."""
    row, base = DRIVERS[effect.driver], asset.own(effect.driver)
    if row.shape == "date":
        return struck(effect, asset, deal, later(begin, effect.after / scale))

    def value(of: float) -> float:
        assert effect.times is not None or effect.plus is not None
        there = of * effect.times**scale if effect.times is not None else of + scale * (effect.plus or 0.0)
        there = min(max(there, row.low), row.high)
        return a_month(there) if effect.driver in UNITS else there

    def dated(number: float) -> Any:
        return number if row.shape == "once" else {later(begin, effect.after): number}

    if not isinstance(base, Mapping):
        return dated(value(base))
    chosen = {name: dated(value(of)) for name, of in base.items() if name in who(effect, asset, deal, base)}
    return chosen or None


def struck(effect: Effect, asset: Asset, deal: Deal, when: datetime.date) -> Any:
    """A date, by name where the driver is the failure of someone by name."""
    if effect.driver in ("sale", "parent_bankruptcy"):
        return when
    names = {
        name: amount
        for role, drivers in FAILS.items()
        if effect.driver in drivers
        for name, amount in asset.obligors().get(role, {}).items()
    }
    return dict.fromkeys(who(effect, asset, deal, names), when) or None


def who(effect: Effect, asset: Asset, deal: Deal, names: Mapping[str, Any]) -> list[str]:
    """The names that an effect strikes."""
    if effect.who == "sponsor":
        return [name for name in names if deal.sponsor is not None and name == deal.sponsor.name]
    if effect.who == "largest":
        amounts = {name: amount for owed in asset.obligors().values() for name, amount in owed.items() if name in names}
        return [max(amounts, key=lambda name: amounts[name])] if amounts else []
    return list(names)


@takes(path=path)
def load_stress(path: Path | str) -> NamedStress:
    """A stress from a file that begins with `firstloss-stress: 1`, or a shipped one by its name."""
    if Path(path).suffix in (".yaml", ".yml", ".json"):
        return load_term(path, NamedStress, mark=MARK)
    refuse_unknown("shipped stress", str(path), stresses())
    return stresses()[str(path)]


@functools.cache
def stresses() -> dict[str, NamedStress]:
    """The stresses that ship with the toolkit, by name."""
    read = [load_term(file, NamedStress, mark=MARK) for file in sorted(LIBRARY.glob("*.yaml"))]
    return {stress.name: stress for stress in read}
