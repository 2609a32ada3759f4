"""Readings: what a test measures in a run, how far that is from its level, and where it is nearest."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pricing.overview.appraisal import appraised
from pricing.overview.deal_tables import headroom_to_default, signed
from pricing.overview.headroom import headroom_to_trap
from pricing.tables.quotients import quotient
from pricing.valuation.internal_rate import irr
from pricing.valuation.measures import MEASURES, Cells
from pricing.valuation.price import cells_at, reference_spreads
from pricing.valuation.remaining_cash import Ahead
from pricing.valuation.spread_shocks import UNCHANGED
from waterfalls.engines.floats import Floats
from waterfalls.errors import refuse_unknown
from waterfalls.explain import determinations, payment_on
from waterfalls.language.definitions import Defined
from waterfalls.language.expressions import Constant, Number
from waterfalls.language.numbers import Held, Receipt
from waterfalls.language.ratios import Flow, Ratio
from waterfalls.plan import inputs_of

if TYPE_CHECKING:
    from pricing.market.market import Market
    from pricing.structure.terms.sizing_test import SizingTest
    from structuring.deals.deal import Deal
    from waterfalls.cashflows import Cashflows

DUST = 1e-9  # of a balance: less unpaid is rounding
NEVER = datetime.date.max.toordinal()


class Reading(NamedTuple):
    """What a test reads: the value nearest to failing, its level, where, and by how much it passes.

    margin = (value - level) / max(1, |level|), of the other sign for `<=`, dates in years; below 0 the test fails.
    """

    test: SizingTest
    value: float
    level: float
    margin: float
    scenario: str
    date: datetime.date | None

    @property
    def slack(self) -> float:
        """The margin as far as it tells how near a failure is: where nothing is lost it does not."""
        idle = self.test.word in ("loss", "expected_loss") and self.value == 0.0
        return math.inf if self.margin >= 0.0 and (idle or self.test.word in ("breakeven", "paid")) else self.margin

    @property
    def words(self) -> str:
        """What was read, where, beside what was asked."""
        where = f" on {self.date}" if self.date else ""
        sign = "at least" if self.test.sign == ">=" else "at most"
        value, level = (shown(self.test, number) for number in (self.value, self.level))
        if value == level and self.margin < 0.0:
            value = f"{self.value:.12g}"  # so near that only more digits tell
        return f"{self.test.measure} is {value}{where} in {self.scenario!r}, and must be {sign} {level}"


def shown(test: SizingTest, value: float) -> str:
    """A value in the unit of what is measured."""
    if test.word == "paid":
        return "never" if value >= NEVER else datetime.date.fromordinal(int(value)).isoformat()
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """A run that tests read: the deal, its flows in some scenarios, and the market that measures of value need."""

    deal: Deal
    flows: Cashflows
    market: Market
    priced_in: Cashflows  # the run of the first scenario, in which quotes are solved
    known: dict[Any, float] = dataclasses.field(
        default_factory=dict
    )  # values at the start, filled as they are asked for

    @property
    def start(self) -> datetime.date:
        return self.deal.as_of or self.deal.closing

    def worth(self, s: int) -> float:
        """The collateral's value when the deal begins."""
        name = self.flows.receipts.scenarios[s]
        if name not in self.known:
            self.known[name] = appraised(self.flows, s, self.start, self.deal)[1]
        return self.known[name]

    def cells(self) -> Cells:
        """What measures are computed from."""
        return cells_at(self.flows, self.market, reference_spreads(self.priced_in, self.market), (UNCHANGED,))


def read(test: SizingTest, seen: Seen, rows: Sequence[int], broken: Callable[[float], float] | None = None) -> Reading:
    """What a test reads over some rows of a run, at the one nearest to failing. `broken` gives the loss of a note when
    the driver of a `breakeven` stands at a multiple."""
    if test.word == "expected_loss":
        found = [(float(np.mean([loss(seen, test.args[0], s) for s in rows])), None)]
        return nearest(test, seen, found, rows[:1], None)
    if broken is not None:  # at its level: no loss there, no breakeven before it
        level = test.level.value  # type: ignore[union-attr]
        lost = broken(level)
        scenario = test.scenario or str(list(seen.flows.scenarios)[rows[0]])
        return Reading(test, level, level, -lost, scenario, None)
    return min((nearest(test, seen, measured(test, seen, s), [s], s) for s in rows), key=lambda reading: reading.margin)


def nearest(
    test: SizingTest, seen: Seen, found: Sequence[tuple[float, Any]], rows: Sequence[int], s: int | None
) -> Reading:
    """The reading nearest to failing of some values, each with the index of its date, or none."""
    levels = levels_of(test, seen, s, found)
    best: Reading | None = None
    name = test.scenario or str(list(seen.flows.scenarios)[rows[0]])
    for (value, t), level in zip(found, levels, strict=True):
        gap = value - level if test.sign == ">=" else level - value
        margin = gap / 365.0 if test.word == "paid" else gap / max(1.0, abs(level))
        margin = -math.inf if math.isnan(margin) else margin
        if best is None or margin < best.margin:
            date = None if t is None else seen.start if t < 0 else seen.flows.dates[t]
            best = Reading(test, value, level, margin, name, date)
    assert best is not None
    return best


def levels_of(test: SizingTest, seen: Seen, s: int | None, found: Sequence[tuple[float, Any]]) -> list[float]:
    """The level beside each value."""
    if isinstance(test.level, datetime.date):
        return [float(test.level.toordinal())] * len(found)
    if isinstance(test.level, Constant) or s is None:
        return [test.level.value] * len(found)  # type: ignore[union-attr]
    if test.word == "at_closing":
        return [at_start(test.level, seen, s)]
    series = over_dates(test.level, seen.flows, s)
    return [float(series[t]) for _, t in found]


def measured(test: SizingTest, seen: Seen, s: int) -> list[tuple[float, int | None]]:
    """The values that a test reads in a row, each with the index of its date; -1 is the start."""
    if test.word == "loss":
        return [(loss(seen, test.args[0], s), lost_from(seen, test.args[0], s))]
    if test.of is None:
        return [(LIFE.get(test.word, measure)(seen, test, s), None)]
    if test.word == "at_closing":
        return [(at_start(test.of, seen, s), -1)]
    series = over_dates(test.of, seen.flows, s)
    if test.word == "on":
        t = payment_on(seen.flows.plan, datetime.date.fromisoformat(test.args[0]))
        return [(float(series[t]), t)]
    if test.word == "mean":
        known = series[np.isfinite(series)]
        return [(float(known.mean()) if len(known) else math.inf, None)]
    pick = {"lowest": np.argmin, "highest": np.argmax}.get(test.word)
    places = range(len(series)) if pick is None else [int(pick(series))]
    return [(float(series[t]), t) for t in places]


# Numbers of the language --------------------------------------------------------------------------------------------


def over_dates(number: Number, flows: Cashflows, s: int) -> np.ndarray:
    """A number at each determination of a scenario (T,): as arrays where it is made of flows and balances."""
    found = in_arrays(number, flows, s)
    if found is None:
        states = determinations(flows, list(flows.scenarios)[s])
        found = np.array([number.settle(state) for state in states])
    return np.broadcast_to(found, (flows.periods,))


def in_arrays(number: Number, flows: Cashflows, s: int) -> np.ndarray | None:
    """The same from the arrays of a run; None where only a run date by date can tell."""
    plan = flows.plan
    if isinstance(number, Constant):
        return np.array(number.value)
    if isinstance(number, Defined):
        return in_arrays(plan.definitions[number.name], flows, s)
    if isinstance(number, Flow):
        return signed(flows, number.items, s)
    if isinstance(number, Receipt):
        return flows.receipt(number.name)[s]
    if isinstance(number, Held) and number.symbol == ("balance",):
        if any(getattr(plan.tranches.get(name), "capitalises", None) is not None for name in number.names):
            return None
        return sum((opening(flows, ("balance", name), s) for name in number.names), np.zeros(flows.periods))
    if isinstance(number, Ratio):
        over, under = (in_arrays(side, flows, s) for side in number.terms(plan))
        if over is None or under is None:
            return None
        top, bottom = (trailing(np.broadcast_to(side, (flows.periods,)), number.trailing) for side in (over, under))
        tested = (bottom > 0.0) & (np.arange(flows.periods) >= number.trailing - 1)
        return np.divide(top, bottom, out=np.full(flows.periods, np.inf), where=tested)
    return None


def opening(flows: Cashflows, key: tuple[str, str], s: int) -> np.ndarray:
    """A symbol of state as each date begins (T,)."""
    return np.concatenate([[flows.plan.opening[key]], flows[key][s, :-1]])


def trailing(values: np.ndarray, count: int) -> np.ndarray:
    """Sums over the last `count` periods (T,)."""
    found = values.copy()
    for lag in range(1, count):
        found[lag:] += values[:-lag]
    return found


def at_start(number: Number, seen: Seen, s: int) -> float:
    """A number when the deal begins: balances as issued, the collateral's value of that day, receipts of the first period."""
    flows = seen.flows
    state = Floats(flows.plan, inputs_of(flows.plan, flows.receipts, flows.rates), s)
    state.update(dict.fromkeys(flows.plan.flows, 0.0))
    state.rows["receipt", "value"] = [seen.worth(s)]
    return float(number.settle(state))


# Words over a life --------------------------------------------------------------------------------------------------


def loss(seen: Seen, name: str, s: int) -> float:
    """Written down, and principal and interest never paid, over the balance at the start and what is drawn after it; 0 within 1e-9."""
    flows = seen.flows
    note(seen, name)
    lost = float(flows.written_down[name][s].sum() + flows.balance[name][s, -1] + flows.arrears[name][s, -1])
    put_in = max(flows.plan.opening["balance", name] + float(flows.draws[name][s].sum()), DUST)
    return max(lost / put_in - DUST, 0.0)


def lost_from(seen: Seen, name: str, s: int) -> int | None:
    """The first date of what is lost: a write-down, interest that stays in arrears to the end, or the end with a balance."""
    flows = seen.flows
    if not loss(seen, name, s) > 0.0:
        return None
    gone = np.flatnonzero(flows.written_down[name][s] > 0.0)
    met = np.flatnonzero(flows.arrears[name][s] <= DUST)
    owed = int(met[-1]) + 1 if len(met) else 0
    return min(int(gone[0]) if len(gone) else flows.periods - 1, owed, flows.periods - 1)


def paid(seen: Seen, name: str, s: int) -> float:
    """The day, as an ordinal, of the first payment date from which nothing is owed."""
    flows = seen.flows
    owed = flows.balance[name][s] + flows.arrears[note(seen, name)][s]
    t = int(np.flatnonzero(owed > DUST * max(flows.plan.opening["balance", name], 1.0)).max(initial=-1)) + 1
    return float(NEVER) if t >= flows.periods else float(flows.dates[t].toordinal())


def returns(seen: Seen, name: str, s: int) -> tuple[np.ndarray, np.ndarray]:
    """What a tranche pays in and receives from the start (1 + T,), at its issue price, and the years of it."""
    ahead = Ahead(seen.flows, seen.start)
    i = tranche(seen, name)
    funding = seen.deal.funding
    price = 100.0 if funding is None else funding.issue_prices.get(name, 100.0)
    return np.concatenate([[-ahead.balance[i, s] * price / 100.0], ahead.cash[i, s]]), np.concatenate(
        [[0.0], ahead.times]
    )


def multiple(seen: Seen, name: str, s: int) -> float:
    """What comes back over what is paid in, at the start and by draws; NaN where nothing is."""
    cash, _ = returns(seen, name, s)
    drawn = float(seen.flows.draws[name][s].sum())
    return quotient(cash[1:].sum() + drawn, drawn - cash[0])


def measure(seen: Seen, test: SizingTest, s: int) -> float:
    """A measure of the table of measures, on the market's valuation date."""
    cells, i = seen.cells(), tranche(seen, test.args[0])
    return float(np.broadcast_to(MEASURES[test.word].function(cells), cells.npv.shape)[i, s, 0])


def tranche(seen: Seen, name: str) -> int:
    """The position of a tranche."""
    refuse_unknown("tranche", name, seen.flows.tranches)
    return seen.flows.tranches.index(name)


def note(seen: Seen, name: str) -> str:
    """The name of a note."""
    refuse_unknown("note", name, seen.flows.plan.notes_by_name)
    return name


LIFE: dict[str, Callable[[Seen, SizingTest, int], float]] = {
    "paid": lambda seen, test, s: paid(seen, test.args[0], s),
    "multiple": lambda seen, test, s: multiple(seen, test.args[0], s),
    "equity_irr": lambda seen, test, s: irr(*returns(seen, test.args[0], s)),
    "headroom": lambda seen, test, s: headroom_to_default(
        seen.flows, s, seen.flows.plan.down_to(note(seen, test.args[0]))
    ),
    "headroom_to_trap": lambda seen, test, s: headroom_to_trap(seen.flows, s),
}
