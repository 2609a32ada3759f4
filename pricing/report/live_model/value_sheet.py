"""The sheet of values: discount factors from the curve's nodes, each tranche's cash and price, and who loses."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pricing.report.live_model.grid import FIRST, OPENING, Grid
from pricing.report.live_model.waterfall_sheet import Places
from pricing.valuation.remaining_cash import Ahead
from waterfalls.doors import need

if TYPE_CHECKING:
    from pricing.bearers.who_bears import Losses
    from pricing.market.market import Market

MOST_NODES = 400  # a curve with more is read at the payment dates
STEPS = 10  # of Newton's method to the yield


@dataclasses.dataclass(eq=False)
class Valued:
    """Where the results of a tranche stand on Value: the row of each by what it is."""

    rows: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    classes: dict[str, int] = dataclasses.field(default_factory=dict)
    checks: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def write_curve(grid: Grid, market: Market, ahead: Ahead) -> tuple[int, int]:
    """The nodes of the discount curve on Inputs: date and logarithm of the discount factor, and the spreads."""
    curve = market.curve
    days, logs = curve.ordinals, curve.logs
    if len(days) > MOST_NODES:
        days = np.array([curve.ordinals[0], *(d.toordinal() for d in ahead.dates if d <= curve.end)])
        logs = np.interp(days, curve.ordinals, curve.logs)
    grid.heading("Discount curve: date of each node, and the logarithm of its discount factor", 1)
    begin = grid.row
    for day, log in zip(days.tolist(), logs.tolist(), strict=True):
        row = grid.label("node: its date, and beside it the logarithm")
        grid.put(row, OPENING, datetime.date.fromordinal(int(day)), "date")
        grid.put(row, FIRST, float(log), "factor")
    return begin, grid.row - 1


def write_value(grid: Grid, inputs: Grid, losses: Losses, market: Market, places: Places) -> Valued:
    """Values, prices, lives and yields by tranche, and the losses of each class against the reference."""
    prices = losses.prices
    assert prices.cells is not None
    ahead = prices.cells.ahead
    found = Valued()
    low, high = write_curve(inputs, market, ahead)
    dates, logs = (f"Inputs!${c}${low}:${c}${high}" for c in "DE")
    inputs.heading("Spreads and values at the reference", 1)
    s0, k0 = prices.at(*losses.reference)
    for i, name in enumerate(ahead.names):
        inputs.one(f"{name}: z-spread, solved from its quote at the reference", "rate",
                   float(prices.cells.spreads[i, 0, 0]), name=f"z_spread_{i + 1}")  # fmt: skip
    for i, name in enumerate(ahead.names):
        inputs.one(f"{name}: value in the reference scenario {losses.reference[0]!r}, rates and spreads unchanged", "money",
                   float(prices.before[s0, k0, i]), name=f"reference_value_{i + 1}")  # fmt: skip
    inputs.heading("Years from the valuation date", 1)
    counts = [float(t >= ahead.first) for t in range(grid.periods)]
    pad = [0.0] * ahead.first
    count = inputs.by_date("paid after the valuation date", "flag", counts)
    coupon = count
    if ahead.ex:
        coupon = inputs.by_date("interest paid after it is the holder's", "flag",
                                [float(t > ahead.first) for t in range(grid.periods)])  # fmt: skip
    years = inputs.by_date("years, actual/365F", "years", [*pad, *ahead.times.tolist()])

    grid.heading("Discount factors: log-linear between the nodes on Inputs, with the parallel move of rates", 1)
    n = high - low + 1
    k = grid.by_date("node before", "count", f"=MIN(MATCH(MAX({{c}}$4,INDEX({dates},1)),{dates},1),{n - 1})")
    part = grid.by_date(
        "part of the way to the next", "factor",
        f"=(MAX({{c}}$4,INDEX({dates},1))-INDEX({dates},{{c}}{k}))/(INDEX({dates},{{c}}{k}+1)-INDEX({dates},{{c}}{k}))",
    )  # fmt: skip
    log = grid.by_date("logarithm of the factor", "factor",
                       f"=INDEX({logs},{{c}}{k})*(1-{{c}}{part})+INDEX({logs},{{c}}{k}+1)*{{c}}{part}")  # fmt: skip
    factor = grid.by_date("discount factor", "factor",
                          f"=EXP({{c}}{log}-Rates_move_bp/10000*Inputs!{{c}}{years})*Inputs!{{c}}{count}", bold=True)  # fmt: skip
    first, last = grid.letters[0], grid.letters[-1]
    for i, name in enumerate(ahead.names):
        found.rows[name] = write_tranche(grid, inputs, ahead, i, places, (count, coupon, years, factor), (first, last))
    write_losses(grid, inputs, losses, found)
    return found


def write_tranche(grid: Grid, inputs: Grid, ahead: Ahead, i: int, places: Places, rows: tuple[int, int, int, int],
                  span: tuple[str, str]) -> dict[str, int]:  # fmt: skip
    """One tranche: its cash after the valuation date, what it is worth, price, life and yield."""
    name, results, (count, coupon, years, factor), (first, last) = ahead.names[i], places.results, rows, span
    note = ahead.notes[i] is not None
    grid.heading(name, 1)

    def added(*keys: tuple[str, ...]) -> str:
        return "+".join(f"Waterfall!{{c}}{results[key]}" for key in keys if key in results) or "0"

    interest = (
        added(("paid", "interest", name), ("paid", "additional", name), ("premium", name))
        if note
        else added(("residual", name))
    )
    paid = grid.by_date("interest and premium" if note else "remainder", "money",
                        f"=({interest})*Inputs!{{c}}{coupon if note else count}", sign="+")  # fmt: skip
    principal = grid.by_date("principal", "money", f"=({added(('principal', name))})*Inputs!{{c}}{count}", sign="+")
    drawn = grid.by_date("paid in by holders", "money", f"=({added(('drawn', name))})*Inputs!{{c}}{count}", sign="-")
    cash = grid.by_date("cash of the holders", "money", f"={{c}}{paid}+{{c}}{principal}-{{c}}{drawn}", bold=True)
    before = grid.by_date("value without the shock", "money",
                          f"={{c}}{cash}*{{c}}${factor}*EXP(-z_spread_{i + 1}*Inputs!{{c}}{years})")  # fmt: skip
    after = grid.by_date("value with the shock", "money",
                         f"={{c}}{before}*EXP(-Spread_shock_bp/10000*Inputs!{{c}}{years})")  # fmt: skip
    found = {"cash": cash}

    def one(what: str, unit: str, formula: str) -> str:
        found[what] = grid.one(what, unit, formula)
        return f"$D${found[what]}"

    def span_of(row: int, sheet: str = "") -> str:
        return f"{sheet}${first}{row}:${last}{row}"

    t = span_of(years, "Inputs!")
    one("value before the shock", "money", f"=SUM({span_of(before)})")
    value = one("value", "money", f"=SUM({span_of(after)})")
    column = grid.letters[ahead.first - 1] if ahead.first else "D"
    balance = one("balance at the valuation date", "money", f"=Waterfall!{column}{results['balance', name]}")
    undrawn = one("undrawn at the valuation date", "money",
                  f"=Waterfall!{column}{results['undrawn', name]}" if note and ("undrawn", name) in results else "=0")  # fmt: skip
    run, whole = 0.0, 1.0
    if note and ahead.first < grid.periods:
        run, whole = ahead.elapsed(i), float(ahead.flows.plan.accruals[name][ahead.first])
    share = run / whole - ahead.ex if run > 0.0 and whole > 0.0 else 0.0
    accrued = "=0"
    if note and ahead.first < grid.periods and ("accrued", "interest", name) in results:
        ran = inputs.one(f"{name}: part of the running coupon period that is accrued", "share", share)
        accrued = f"=Waterfall!{grid.letters[ahead.first]}{results['accrued', 'interest', name]}*Inputs!$D${ran}"
    accrued = one("accrued interest", "money", accrued)
    dirty = one(
        "dirty price, per 100",
        "price",
        f'=IF({balance}+{undrawn}>0,100*({value}+{undrawn})/({balance}+{undrawn}),"n/a")',
    )
    one(
        "clean price, per 100", "price", f'=IF({balance}+{undrawn}>0,{dirty}-100*{accrued}/({balance}+{undrawn}),"n/a")'
    )
    one(
        "average life",
        "years",
        f'=IF(SUM({span_of(principal)})>0,SUMPRODUCT({span_of(principal)},{t})/SUM({span_of(principal)}),"n/a")',
    )
    flat = f"IFERROR(z_spread_{i + 1}+Spread_shock_bp/10000-LN({last}{factor})/Inputs!{last}{years},0.05)"
    write_yield(grid, inputs, ahead, i, (cash, value, flat), found, span_of)
    return found


def write_yield(
    grid: Grid,
    inputs: Grid,
    ahead: Ahead,
    i: int,
    given: tuple[int, str, str],
    found: dict[str, int],
    span_of: Callable[..., str],
) -> None:
    """The yield by Newton's method from the flat rate given: no circle, no goal seek.

    On the logarithm of the value, which is nearly straight, or on the value itself where holders still pay in, so that it
    may be near 0 or change its sign.
    """
    cash, value, flat = given
    row = inputs.by_date(
        f"{ahead.names[i]}: years of yield", "years", [*[0.0] * ahead.first, *ahead.yield_times[i].tolist()]
    )
    often, t, flows = float(ahead.per_year[i]), span_of(row, "Inputs!"), span_of(cash)
    letter = need("openpyxl.utils").get_column_letter
    columns = [letter(OPENING + step) for step in range(STEPS + 1)]
    x, worth, slope = (
        grid.label(text, unit)
        for text, unit in (
            ("continuous yield: across run the steps of Newton's method, not dates", "rate"),
            ("value of the cash at it", "money"),
            ("slope of that value", "money"),
        )
    )
    for step, (c, p) in enumerate(zip(columns, ["", *columns], strict=False)):
        missed = f"IF(MIN({flows})<0,{p}{worth}-{value},LN({p}{worth}/{value})*{p}{worth})"
        grid.put(x, OPENING + step, f'=IFERROR({p}{x}+{missed}/{p}{slope},"n/a")' if p else f"={flat}", "rate")
        at = f"EXP(-{c}{x}*{t})"
        grid.put(worth, OPENING + step, f'=IFERROR(SUMPRODUCT({flows},{at}),"n/a")', "money")
        if step < STEPS:
            grid.put(slope, OPENING + step, f'=IFERROR(SUMPRODUCT({flows},{t},{at}),"n/a")', "money")
    last = f"${columns[-1]}${x}"
    met = f"ABS(${columns[-1]}${worth}-{value})<=1E-6*MAX({flows})"  # where holders still pay in there may be no yield
    owed = f"AND(MIN({flows})<0,SUM({flows})>{value},{met})"
    found["yield"] = grid.one(f"yield, compounded {often:g} times a year", "rate",
                              f'=IFERROR(IF(OR({value}>0,{owed}),{often:g}*(EXP({last}/{often:g})-1),"n/a"),"n/a")')  # fmt: skip


def write_losses(grid: Grid, inputs: Grid, losses: Losses, found: Valued) -> None:
    """What each tranche and each class loses against the reference: credit and rates, spreads, in total."""
    names = losses.prices.tranches
    grid.heading("Loss by tranche against the reference; positive is a loss", 1)
    for i, name in enumerate(names):
        rows = found.rows[name]
        grid.one(
            f"{name}: cash flows and rates", "money", f"=reference_value_{i + 1}-$D${rows['value before the shock']}"
        )
        grid.one(f"{name}: spreads", "money", f"=$D${rows['value before the shock']}-$D${rows['value']}")
        rows["loss"] = grid.one(f"{name}: total loss", "money", f"=$D${grid.row - 2}+$D${grid.row - 1}")
    inputs.heading("Holders' shares of each tranche", 1)
    shares: dict[tuple[int, int], int] = {}
    for n, name in enumerate(names):
        begin = inputs.row
        for c, who in enumerate(losses.classes):
            if losses.shares[n, c] > 0.0:
                shares[n, c] = inputs.one(f"{name}: {who}", "share", float(losses.shares[n, c]))
        found.checks.append(
            (f"shares of {name} sum to 1", f"=IF(ABS(SUM(Inputs!$D${begin}:$D${inputs.row - 1})-1)<=0.000000001,1,0)")
        )
    grid.heading("Loss by investor class", 1)
    begin = grid.row
    parts: dict[int, list[int]] = {}
    for (n, c), row in shares.items():
        at = grid.one(
            f"{losses.classes[c]}: of {names[n]}", "money", f"=Inputs!$D${row}*$D${found.rows[names[n]]['loss']}"
        )
        parts.setdefault(c, []).append(at)
    end = grid.row - 1
    grid.heading("Loss by investor class, all tranches", 1)
    for c, rows in parts.items():
        found.classes[losses.classes[c]] = grid.one(
            losses.classes[c], "money", "=" + "+".join(f"$D${row}" for row in rows)
        )
    everybody = grid.one("everybody", "money", f"=SUM($D${begin}:$D${end})")
    total = "+".join(f"Value!$D${found.rows[name]['loss']}" for name in names)
    found.checks.append(
        ("losses of the holders are those of the tranches", f"=IF(ABS(Value!$D${everybody}-({total}))<=Tolerance,1,0)")
    )
