"""distribute: receipts in, cash flows out, by whichever engine is right for the size."""

from __future__ import annotations

import bisect
import datetime
import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from waterfalls.arguments import instance, mapping, numbers, one_date, takes, text
from waterfalls.bounds import odd_rate
from waterfalls.cashflows import Cashflows
from waterfalls.clock.schedule import Schedule, fraction_of, from_ql, to_ql
from waterfalls.engines import fast, floats
from waterfalls.engines.choice import Engine, chosen
from waterfalls.engines.outputs import Outputs
from waterfalls.errors import CannotPrice, InvalidTerms, TooLarge, UnknownName
from waterfalls.language.machine import Key
from waterfalls.plan import Plan, inputs_of
from waterfalls.receipts import Receipts
from waterfalls.terms.coupons import Floating

ROOM = 8e9  # bytes of results that a run may keep


@takes(plan=instance(Plan), receipts=instance(Receipts), rates=mapping, engine=text)
def distribute(
    plan: Plan, receipts: Receipts, *, rates: Mapping[str, Any] | None = None, engine: Engine = "auto"
) -> Cashflows:
    """Runs receipts through the priority of payments of a plan.

    `rates` gives each floating index: a float, an array (T,) or (S, T) of rates by accrual period, rates (numbers or
    (S,)) by the date from which they hold, or anything with `discount(date)`, whose simple forward over each accrual
    period is taken. The engines agree to the bit; "auto" takes the one that is done first, see `engines.choice`.
    """
    refuse_too_large(plan, len(receipts.scenarios))
    indices = fixings(plan, rates or {}, len(receipts.scenarios))
    return settle(plan, receipts, indices, engine=engine)


def settle(
    plan: Plan,
    receipts: Receipts,
    indices: Mapping[str, np.ndarray],
    *,
    engine: Engine = "auto",
    keep: Collection[Key] | None = None,
    sums: bool = False,
) -> Cashflows:
    """`distribute` with fixings already found, which may keep only the outputs `keep`, and with `sums` the totals.

    The laws are proved all the same. An output that was not kept is made by a second run when it is asked for. The
    reference engine keeps everything.
    """
    S = len(receipts.scenarios)
    inputs = inputs_of(plan, receipts, indices)
    engine = chosen(engine, plan, S)
    if engine == "reference":
        outputs = floats.execute(plan, inputs, S).transpose(1, 2, 0)[None]
        flows = Cashflows(plan, receipts, indices, outputs)
        flows.check()
        return flows
    ran = fast.execute(plan, inputs, S, keep, sums, compiled=engine == "native")
    made = ran.program
    outputs = Outputs(plan.outputs, S, ran.outputs, made.slots, made.fixed, ran.carried)
    outputs.more = functools.partial(again, plan, receipts, indices)
    flows = Cashflows(plan, receipts, indices, outputs)
    if ran.carried[fast.BROKEN].any():  # by the strict test of the kernel; now by the laws themselves
        Cashflows(plan, receipts, indices, outputs.whole()).check()
    return flows


def again(plan: Plan, receipts: Receipts, indices: Mapping[str, np.ndarray]) -> Outputs:
    """The same run of the fast engine, everything kept."""
    return settle(plan, receipts, indices, engine="fast").outputs


def warm() -> None:
    """Loads the kernel, compiling it where the cache has none: some seconds once, about half a second after."""
    from waterfalls.engines import kernel

    kernel.warm()


def refuse_too_large(plan: Plan, scenarios: int) -> None:
    """Refuses, before any memory is touched, a run whose results would not fit."""
    size = 8.0 * scenarios * plan.schedule.periods * len(plan.outputs)
    if size > ROOM:
        raise TooLarge(
            f"keeping every flow of {scenarios:,} scenarios needs about {size / 1e9:,.1f} GB: "
            "use study(...), which streams"
        )


def fixings(plan: Plan, rates: Mapping[str, Any], scenarios: int) -> dict[str, np.ndarray]:
    """The rate of every index that the plan reads, by accrual period: (1, T), or (S, T) where scenarios differ."""
    wanted: dict[str, tuple[Floating, str]] = {}
    for coupon, day_count in plan.coupons:
        if isinstance(coupon, Floating):
            wanted.setdefault(coupon.source, (coupon, day_count))
    found = {}
    for source, (coupon, day_count) in wanted.items():
        index = coupon.index
        given = rate_given(index, source, rates)
        found[source] = rate_array(index, given, plan.schedule, day_count, scenarios, coupon)
    return found


def rate_given(index: str, source: str, rates: Mapping[str, Any]) -> Any:
    """What is given for an index, by the name of its source or its own."""
    if source in rates:
        return rates[source]
    if index in rates:
        return rates[index]
    if not rates:
        raise InvalidTerms(
            f"rates: the deal reads {index!r}, and no rate is given: rates={{{index!r}: 0.04}}, or an array by "
            "period, or a curve"
        )
    raise UnknownName("rate for the index", index, rates)


def rate_array(
    index: str, given: Any, schedule: Schedule, day_count: str, scenarios: int, coupon: Floating | None = None
) -> np.ndarray:
    """Rates by accrual period from a float, an array, rates by date or a curve.

    Of a `coupon` that resets within a period an array may be by reset too; by accrual period it is averaged already.
    """
    coupon = coupon or Floating(index, 0.0)
    periods = coupon.periods(schedule) if coupon.resets or not isinstance(given, (int, float)) else []
    if hasattr(given, "discount"):
        given = forwards_between(given, periods, fraction_of(day_count, schedule.roll), f"rates[{index!r}]")
    elif isinstance(given, Mapping):
        given = stepped(index, given, [start for start, _ in periods])
    own = np.array(numbers(f"rates[{index!r}]", given), dtype=np.float64)  # a copy, which nobody else can change
    array = np.atleast_2d(own)
    if array.shape == (1, 1):
        array = np.full((1, len(periods) or schedule.periods), array[0, 0])
    if coupon.resets and array.shape in ((1, len(periods)), (scenarios, len(periods))):
        array = coupon.of_period(array, schedule, day_count)
    if array.shape not in ((1, schedule.periods), (scenarios, schedule.periods)):
        raise InvalidTerms(
            f"rates[{index!r}] must be a float, a curve or an array of shape ({schedule.periods},) or "
            f"({scenarios}, {schedule.periods}), got shape {np.shape(given)}"
        )
    for rate in (array.min(initial=0.0), array.max(initial=0.0)):
        if fault := odd_rate(rate):
            raise InvalidTerms(f"rates[{index!r}]: {fault}")
    array.setflags(write=False)
    return array


def stepped(index: str, given: Mapping[Any, Any], days: Sequence[datetime.date]) -> np.ndarray:
    """Rates (1, N) or (S, N) on days, from numbers or (S,) by the date from which they hold; the first also before."""
    if not given:
        raise InvalidTerms(f"rates[{index!r}]: must be by date, such as {{date(2026, 1, 1): 0.04}}, got {given!r}")
    by_date = {one_date(f"rates[{index!r}]", day): rate for day, rate in given.items()}
    known = sorted(by_date)
    columns = [np.atleast_1d(numbers(f"rates[{index!r}][{day}]", by_date[day])) for day in known]
    rows = max(map(len, columns))
    if any(column.ndim != 1 or len(column) not in (1, rows) for column in columns):
        raise InvalidTerms(f"rates[{index!r}]: each date must have one rate, or one a scenario")
    held = [columns[max(bisect.bisect_right(known, day) - 1, 0)] for day in days]
    return np.stack([np.broadcast_to(column, rows) for column in held], axis=1)


def forwards(curve: Any, schedule: Schedule, day_count: str, reset_lag: int = 0) -> np.ndarray:
    """Simple forwards (T,) of a curve over the accrual periods, both ends of which are read `reset_lag` days earlier."""
    days = [day - datetime.timedelta(days=reset_lag) for day in schedule.payment]
    return forwards_between(curve, itertools.pairwise(days), fraction_of(day_count, schedule.roll))


def forwards_between(
    curve: Any,
    periods: Iterable[tuple[datetime.date, datetime.date]],
    elapsed: Callable[[datetime.date, datetime.date, datetime.date], float],
    what: str = "rates",
) -> np.ndarray:
    """Simple forwards over periods: (D(start) / D(end) - 1) / fraction, from a curve's discount factors.

    A start before the curve's reference date is read at that date: the fixing of a running period is then its
    remaining forward, unless a rate is given as an array. A period that was over by then is refused: no curve knows it.
    """
    base = curve.referenceDate() if hasattr(curve, "referenceDate") else None

    def factor(day: datetime.date) -> tuple[Any, float]:
        at = to_ql(day) if base is not None else day
        at = base if base is not None and at < base else at
        return at, float(curve.discount(at))

    rates = []
    for start, end in periods:
        (a, da), (b, db) = factor(start), factor(end)
        a, b = (from_ql(day) if base is not None else day for day in (a, b))
        fraction = elapsed(a, b, b)
        if not fraction > 0.0:
            raise CannotPrice(
                f"{what}: the curve begins on {a}, when nothing was left of the period from {start} to {end}: give rates by "
                "date or by period, a market with fixings, or pick the deal up later by as_of"
            )
        rates.append((da / db - 1.0) / fraction)
    return np.array(rates)
