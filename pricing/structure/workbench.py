"""The workbench: candidates of a structure, each with its circles closed, run as often as it takes and counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pricing.overview.deal_tables import signed
from pricing.paths_and_books.losses_over_paths import drawn_paths
from pricing.structure.fixed_point import MEMORY, Memory, NotSettled, fixed_point
from pricing.structure.par import coupon_of, limits, with_new_quotes, worth_par
from pricing.structure.readings import Reading, Seen, at_start, loss, read
from pricing.structure.sculpt import instalments, sculpted
from pricing.structure.terms.place import value_at, with_values
from pricing.valuation.measures import MEASURES
from pricing.valuation.reprice import Bump
from structuring.deals.deal import clock, plan
from structuring.deals.funding import Funding
from structuring.deals.sources_and_uses import statement, unbalanced
from structuring.generators.prices_and_rates import PriceProcess
from structuring.runs.run import project
from structuring.scenarios.scenario import Scenario
from waterfalls.distribute import fixings, settle
from waterfalls.errors import Fault, InvalidTerms, refuse_unknown
from waterfalls.language.ratios import debt_of, interest_of
from waterfalls.terms.amortisation import Instalments
from waterfalls.terms.coupons import Fixed
from waterfalls.terms.tranches import Note

if TYPE_CHECKING:
    from pricing.market.market import Market
    from pricing.structure.terms.amount import Amount
    from pricing.structure.terms.sizing_test import SizingTest
    from pricing.structure.terms.structure_terms import Structure
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows
    from waterfalls.receipts import Receipts

CLOSED = 1e-12  # of the deal: within this an amount of a circle is at rest; what is promised is 1e-9
RATE = 1e-13  # the same of a coupon
ENOUGH = 1e3  # times these: 1e-9 of the deal, where a circle comes no nearer
NOISY, FAR = (
    1e-3,
    3.0,
)  # of the step over which it is known how circles follow a size: shorter ones say less, longer ones go too far
SMALLEST = 1e-6  # of the deal: no tranche is looked for below it


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A deal with sizes and numbers set and its circles closed, run in the first scenario; residuals by what they are of."""

    deal: Deal
    flows: Cashflows
    residuals: Mapping[str, float]


class Workbench:
    """What candidates are made of and run in. `runs` counts scenarios run, `candidates` structures tried."""

    def __init__(self, deal: Deal, terms: Structure, scenarios: Sequence[Scenario], market: Market) -> None:
        self.deal, self.terms, self.market = deal, terms, market
        self.scenarios = {scenario.name: scenario for scenario in scenarios}
        self.base = next(iter(self.scenarios))
        self.funding: Funding | None = deal.funding
        self.whole = whole(deal)
        self.schedule = clock(deal)
        self.worth: dict[Any, float] = {}
        self.valued = any(test.word in MEASURES for test in terms.tests)
        self.rest = next((name for name, tests in terms.sizes.items() if tests == "rest"), None)
        self.runs = self.candidates = 0
        self.received: dict[Any, Receipts] = {}
        self.known: dict[str, np.ndarray] = {}  # where circles came to rest last, of which sizes, how they follow each
        self.sizes: dict[str, float] = {}
        self.follows: dict[str, tuple[float, dict[str, np.ndarray]]] = {}
        self.memory: Memory = []

    # Runs ------------------------------------------------------------------------------------------------------------

    def run(self, deal: Deal, names: Sequence[str], broken: tuple[str, float] | None = None) -> Cashflows:
        """A deal run in some scenarios, or on its paths; `broken` multiplies a driver. Collateral is projected once."""
        resolved = plan(deal)
        key, shared = (tuple(names), broken), deal.collateral is self.deal.collateral
        receipts = self.received.get(key) if shared else None
        if receipts is None:
            given: Any = self.paths() if "paths" in names else [self.scenarios[name] for name in names]
            given = given if broken is None else Bump.times(*broken).scenarios(given, deal)
            receipts = project(deal, given, resolved.schedule, rates=self.market.rates(deal))
        if shared:
            self.received[key] = receipts
        rows = len(receipts.scenarios)
        self.runs += rows
        return settle(resolved, receipts, fixings(resolved, self.market.rates(resolved), rows))

    def paths(self) -> Any:
        """The paths that the terms draw."""
        drawn = self.terms.paths
        assert drawn is not None
        around = self.scenarios[drawn.around or self.base]
        loading = drawn.correlation**0.5
        processes = {driver: PriceProcess(each, factor_loading=loading) for driver, each in drawn.draw.items()}
        return drawn_paths(self.deal, around, processes, drawn.count, seed=drawn.seed)

    def readings(self, candidate: Candidate, tests: Sequence[SizingTest]) -> list[Reading]:
        """What tests read of a candidate, each in its scenario."""
        asked = {test: test.scenario or self.base for test in tests}
        others = [name for name in dict.fromkeys(asked.values()) if name not in (self.base, "paths")]
        drawn = any(name == "paths" for name in asked.values())
        runs: dict[str, tuple[Cashflows, Sequence[int]]] = {self.base: (candidate.flows, [0])}
        if others:
            flows = self.run(candidate.deal, others)
            runs |= {name: (flows, [s]) for s, name in enumerate(others)}
        if drawn:
            flows = self.run(candidate.deal, ("paths",))
            runs["paths"] = flows, range(len(flows.receipts.scenarios))
        found = []
        for test, name in asked.items():
            flows, rows = runs[name]
            seen = self.seen(candidate.deal, flows, candidate.flows)
            broken = self.broken(candidate, test, name) if test.word == "breakeven" else None
            found.append(read(test, seen, rows, broken))
        return found

    def broken(self, candidate: Candidate, test: SizingTest, name: str) -> Callable[[float], float]:
        """The loss of a note where the driver of a `breakeven` stands at a multiple."""
        note, driver = test.args

        def lost(multiple: float) -> float:
            flows = self.run(candidate.deal, (name,), (driver, multiple))
            return loss(self.seen(candidate.deal, flows, candidate.flows), note, 0)

        return lost

    def seen(self, deal: Deal, flows: Cashflows, base: Cashflows) -> Seen:
        """A run as tests read it; what the collateral is worth at the start is asked once."""
        market = self.quoted(base) if self.valued else self.market
        return Seen(deal, flows, market, base, self.worth if deal.collateral is self.deal.collateral else {})

    def quoted(self, base: Cashflows) -> Market:
        """The market in which what is issued is quoted as it is sold."""
        return with_new_quotes(self.market, base, self.terms.coupons, self.terms.spreads)

    # Circles ---------------------------------------------------------------------------------------------------------

    def closed(self, sizes: Mapping[str, float], loose: float = 1.0) -> Candidate:
        """The candidate of some sizes and numbers, by path, with every circle closed, `loose` times as widely as promised."""
        self.candidates += 1
        given = {path_of(name): size for name, size in self.terms.given.items()}
        deal = with_values(self.deal, {**given, **sizes, "funding": None})
        first = self.started(deal)
        units = {name: loose * (RATE if name.startswith("coupon of ") else CLOSED * self.whole) for name in first}
        ends = np.cumsum([len(value) for value in first.values()])
        parts = {name: slice(end - len(first[name]), end) for name, end in zip(first, ends, strict=True)}
        ran: dict[str, Any] = {}

        def joined(values: Mapping[str, np.ndarray]) -> np.ndarray:
            return np.concatenate([values[name] / units[name] for name in first] or [np.zeros(0)])

        def answer(x: np.ndarray) -> np.ndarray:
            made = self.applied(deal, {name: x[part] * units[name] for name, part in parts.items()})
            flows = self.run(made, (self.base,))
            ran["deal"], ran["flows"] = made, flows
            return joined(self.asked(made, flows))

        def told(r: np.ndarray) -> str:
            off = {name: np.nan_to_num(np.abs(r[part]), nan=np.inf).max(initial=0.0) for name, part in parts.items()}
            worst = max(off, key=lambda name: off[name])
            return f"{worst} asks for {off[worst] * units[worst]:,.6g} more than it is given"

        def settled(start: Mapping[str, np.ndarray], memory: Memory, depth: int) -> tuple[np.ndarray, np.ndarray]:
            x, r = fixed_point(answer, joined(start), told, memory, enough=max(ENOUGH / loose, 1.0), depth=depth)
            self.refuse_odd_coupons(ran["flows"], {name: x[part] * units[name] for name, part in parts.items()})
            return x, r

        try:
            x, r = settled(self.moved(first, sizes), self.memory, MEMORY)
        except (
            NotSettled
        ):  # a long step can end where a note goes unpaid, of which no coupon leads back: short ones, from rest
            self.memory.clear()
            x, r = settled(first, [], 0)
        self.remember(sizes, {name: x[part] * units[name] for name, part in parts.items()})
        residuals = {name: float(np.abs(r[part]).max(initial=0.0)) * units[name] for name, part in parts.items()}
        return Candidate(ran["deal"], ran["flows"], residuals)

    def refuse_odd_coupons(self, flows: Cashflows, known: Mapping[str, np.ndarray]) -> None:
        """Refuses a coupon that came to rest outside the limits: the last one inside does not give the price."""
        for name, price in self.terms.coupons.items():
            note = flows.plan.notes_by_name[name]
            low, high = limits(note)
            if not low <= float(known[f"coupon of {name}"][0]) <= high:
                wanted = 100.0 if isinstance(price, str) else price
                over = worth_par(flows, name, self.market, wanted, self.terms.spreads)[1]
                raise NotSettled(
                    f"no coupon from {low:.0%} to {high:.0%} gives {name!r} a price of {wanted:g}: "
                    f"at {coupon_of(note):.0%} it is worth {wanted + over:.2f}"
                )

    def remember(self, sizes: Mapping[str, float], known: dict[str, np.ndarray]) -> None:
        """Keeps where circles came to rest, and how that follows a size where nothing else moved since."""
        moved = [path for path, size in sizes.items() if self.sizes.get(path) != size]
        if len(moved) == 1 and self.known and moved[0] in self.sizes:
            path, by = moved[0], sizes[moved[0]] - self.sizes[moved[0]]
            if path not in self.follows or abs(by) > NOISY * abs(self.follows[path][0]):
                self.follows[path] = by, {name: (known[name] - self.known[name]) / by for name in known}
        self.known, self.sizes = known, dict(sizes)

    def left_over(self, candidate: Candidate) -> float:
        """What the uses leave for the rest beyond the least it may be, as a share of the deal: below 0 others bring too much."""
        assert self.rest is not None and self.funding is not None
        size = value_at(candidate.deal, path_of(self.rest))
        price = self.funding.issue_prices.get(self.rest, 100.0) / 100.0
        wanted = size - unbalanced(candidate.deal, self.funding) / price
        return (wanted - self.floor(self.rest)) / self.whole

    def begin_at(self, deal: Deal) -> None:
        """Begins circles where a solved deal has them."""
        self.known = {
            **{f"coupon of {name}": np.array([coupon_of(note_of(deal, name))]) for name in self.terms.coupons},
            **{path: np.array([value_at(deal, path)]) for path in self.terms.amounts},
        }
        days = self.schedule.unadjusted[1:]
        for name in self.terms.schedules:
            terms = note_of(deal, name).amortisation
            amounts = terms.amounts if isinstance(terms, Instalments) else {}
            self.known[f"schedule of {name}"] = np.array([amounts.get(day, 0.0) for day in days])
        if self.rest:
            self.known[f"size of {self.rest}"] = np.array([value_at(deal, path_of(self.rest))])

    def started(self, deal: Deal) -> dict[str, np.ndarray]:
        """Where circles begin: where they came to rest before, else what the deal file says."""
        periods = self.schedule.periods
        found: dict[str, np.ndarray] = {}
        for name in self.terms.coupons:
            found[f"coupon of {name}"] = np.array([coupon_of(note_of(deal, name))])
        for name in self.terms.schedules:
            found[f"schedule of {name}"] = np.zeros(periods)
        for path in self.terms.amounts:
            found[path] = np.array([value_at(deal, path)])
        if self.rest:
            found[f"size of {self.rest}"] = np.array([value_at(deal, path_of(self.rest))])
        return {name: self.known.get(name, value) for name, value in found.items()}

    def moved(self, found: dict[str, np.ndarray], sizes: Mapping[str, float]) -> dict[str, np.ndarray]:
        """The same, moved as circles follow sizes."""
        for path, (known_over, follow) in self.follows.items():
            by = sizes[path] - self.sizes[path]
            if abs(by) <= FAR * abs(known_over):
                found = {name: value + by * follow[name] for name, value in found.items()}
        return found

    def applied(self, deal: Deal, given: Mapping[str, np.ndarray]) -> Deal:
        """A deal with coupons, schedules, amounts and the rest set."""
        values: dict[str, Any] = {path: max(float(given[path][0]), 0.0) for path in self.terms.amounts}
        for name in self.terms.coupons:
            field = "rate" if isinstance(note_of(deal, name).coupon, Fixed) else "margin"
            low, high = limits(note_of(deal, name))
            rate = min(max(float(given[f"coupon of {name}"][0]), low), high)
            values[f"tranches[{name!r}].coupon.{field}"] = rate
        for name in self.terms.schedules:
            if (shape := given[f"schedule of {name}"]).any():
                days = self.schedule.unadjusted[1:]
                amounts = {day: float(amount) for day, amount in zip(days, shape, strict=True) if amount > 0.0}
                values[f"tranches[{name!r}].amortisation"] = Instalments(amounts)
        if self.rest:
            values[path_of(self.rest)] = max(float(given[f"size of {self.rest}"][0]), self.floor(self.rest))
        return with_values(deal, values)

    def floor(self, name: str) -> float:
        """The least a tranche may be while others are solved: a note must be above 0."""
        return SMALLEST * self.whole if isinstance(tranche_of(self.deal, name), Note) else 0.0

    def asked(self, deal: Deal, flows: Cashflows) -> dict[str, np.ndarray]:
        """What coupons, schedules, amounts and the rest would have to be, as a run of the first scenario shows."""
        found: dict[str, np.ndarray] = {}
        for name, price in self.terms.coupons.items():
            wanted = 100.0 if isinstance(price, str) else price
            found[f"coupon of {name}"] = np.array([worth_par(flows, name, self.market, wanted, self.terms.spreads)[0]])
        days = flows.plan.schedule.unadjusted[1:]
        for name, terms in self.terms.schedules.items():
            note = flows.plan.notes_by_name[name]
            by_day = instalments(note, flows.plan, sculpted(flows, name, terms))
            found[f"schedule of {name}"] = np.array([by_day.get(day, 0.0) for day in days])
        seen = self.seen(deal, flows, flows)
        for path, said in self.terms.amounts.items():
            found[path] = np.array([amount_in(said, seen)])
        if self.rest:
            assert self.funding is not None
            price = self.funding.issue_prices.get(self.rest, 100.0) / 100.0
            size = value_at(deal, path_of(self.rest))
            found[f"size of {self.rest}"] = np.array([size - unbalanced(deal, self.funding) / price])
        return found


def whole(deal: Deal) -> float:
    """What tolerances are a share of: the sum of tranches, the uses of the funding or the collateral's value, the largest."""
    uses = sum(line.amount for line in statement(deal) if line.side == "use")
    return max(sum(tranche.notional for tranche in deal.tranches), uses)


def amount_in(said: Amount, seen: Seen) -> float:
    """What an amount is, in the first scenario."""
    if said.of is not None:
        return at_start(said.of, seen, 0)
    flows, left, total = seen.flows, said.months / 12.0, 0.0
    for name in said.notes:
        refuse_unknown("note", name, flows.plan.notes_by_name)
    due = debt_of if said.word == "months_of_debt_service" else interest_of
    service = signed(flows, due(flows.plan, said.notes), 0)
    for t in range(flows.periods):
        share = min(max(left * flows.plan.schedule.per_year - t, 0.0), 1.0)
        total += share * float(service[t])
    return total


def path_of(name: str) -> str:
    return f"tranches[{name!r}].notional"


def tranche_of(deal: Deal, name: str) -> Any:
    """A tranche by its name."""
    found = {tranche.name: tranche for tranche in deal.tranches}
    refuse_unknown("tranche", name, found)
    return found[name]


def note_of(deal: Deal, name: str) -> Note:
    """A note by its name."""
    found = tranche_of(deal, name)
    if not isinstance(found, Note):
        raise InvalidTerms(Fault(f"tranches[{name!r}]", "is equity, which has no coupon and no schedule"))
    return found
