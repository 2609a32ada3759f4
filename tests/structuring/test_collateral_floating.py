"""Floating bonds and loans against QuantLib's floating coupons with floor and cap, and by hand."""

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql

from pricing import hold
from pricing.market.market import Market
from pricing.valuation.price import price
from pricing.valuation.reprice import Bump, reprice
from pricing.valuation.simulated_values import simulated
from structuring.collateral.bonds import Bond, BondPortfolio
from structuring.collateral.loan_tape import LoanLine
from structuring.collateral.loans import LoanPool
from structuring.deals.deal import Deal
from structuring.generators.prices_and_rates import HullWhite
from structuring.runs.book import Book, Position
from structuring.runs.run import indices_of, project, run
from structuring.runs.study import study, summary
from structuring.scenarios.index_paths import index_paths
from structuring.scenarios.monthly_rates import cdr
from structuring.scenarios.scenario import Drivers, Paths, Scenario
from waterfalls import Waterfall, interest, pay, principal, principal_collections, residual
from waterfalls.clock.schedule import schedule
from waterfalls.errors import CannotPrice, InvalidTerms, UnknownName
from waterfalls.terms.coupons import Floating
from waterfalls.terms.term import plain, read
from waterfalls.terms.tranches import Equity, Note

D = datetime.date
START = D(2026, 1, 15)
YEARS = (START, D(2027, 1, 15), D(2028, 1, 15), D(2029, 1, 15), D(2031, 1, 15), D(2036, 1, 15))


def quarters(count, frequency="quarterly", closing=START):
    first = ql.Date.from_date(closing) + ql.Period(12 // {"quarterly": 4, "monthly": 12}[frequency], ql.Months)
    last = first + ql.Period((count - 1) * 12 // {"quarterly": 4, "monthly": 12}[frequency], ql.Months)
    return schedule(closing=closing, first_payment=first.to_date(), maturity=last.to_date(), frequency=frequency, calendar="none")  # fmt: skip


def curve():
    """Forwards from below 1 % to above 6 %, so that a floor binds at the start and a cap at the end."""
    factors = [1.0, 0.993, 0.97, 0.93, 0.82, 0.60]
    ql.Settings.instance().evaluationDate = ql.Date.from_date(START)
    made = ql.DiscountCurve([ql.Date.from_date(day) for day in YEARS], factors, ql.Actual365Fixed())
    made.enableExtrapolation()
    return made


def deliver(owned, periods, rates, scenario=None, count=1):
    indices = index_paths(owned.resets(periods), rates, periods, count)
    return owned.deliver(periods, Drivers.of(scenario or Scenario("base"), indices))


@pytest.mark.parametrize("pool", ["bond", "loans"])
def test_a_margin_steps_with_the_interest_periods_and_not_with_the_next_reset(pool):
    coupon = Floating("SOFR", 0.01, step_up={D(2026, 2, 15): 0.01})
    owned = (
        BondPortfolio(
            (Bond("x", 1200.0, coupon=coupon, maturity=D(2026, 7, 15), frequency="monthly", reset="quarterly"),)
        )
        if pool == "bond"
        else LoanPool((LoanLine(1200.0, coupon, remaining_term=6, interest_only=6, reset="quarterly"),))
    )
    interest_ = deliver(owned, quarters(6, "monthly"), {"SOFR": 0.04})["interest"][0]
    assert interest_.tolist() == pytest.approx([5.0, *[6.0] * 5])


def quantlib_coupons(frequency, years, spread, floor, cap, day_counter):
    """The coupons of a QuantLib leg of 100, without volatility, so that floor and cap have no time value."""
    handle = ql.YieldTermStructureHandle(curve())
    months = {"quarterly": 3, "monthly": 1}[frequency]
    tenor, none = ql.Period(months, ql.Months), ql.NullCalendar()
    index = ql.IborIndex("SOFR", tenor, 0, ql.USDCurrency(), none, ql.Unadjusted, False, ql.Actual360(), handle)
    start, end = ql.Date.from_date(START), ql.Date.from_date(START) + ql.Period(years, ql.Years)
    dates = ql.Schedule(start, end, tenor, none, ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False)
    leg = ql.IborLeg(
        [100.0], dates, index, day_counter, ql.Unadjusted, [0], [1.0], [spread],
        [] if cap is None else [cap], [] if floor is None else [floor],
    )  # fmt: skip
    volatility = ql.ConstantOptionletVolatility(0, none, ql.Unadjusted, 1e-9, ql.Actual365Fixed())
    ql.setCouponPricer(leg, ql.BlackIborCouponPricer(ql.OptionletVolatilityStructureHandle(volatility)))
    return [coupon.amount() for coupon in leg]


@pytest.mark.parametrize(("floor", "cap"), [(None, None), (0.062, None), (0.062, 0.105)])
@pytest.mark.parametrize("frequency", ["quarterly", "monthly"])
def test_bonds_and_loans_pay_the_coupons_of_quantlib(frequency, floor, cap):
    """The day count of the index is that of the coupon, as QuantLib has them here."""
    wanted = quantlib_coupons(frequency, 6, 0.055, floor, cap, ql.Actual360())
    coupon = Floating("SOFR", 0.055, floor=floor, cap=cap)
    maturity = D(START.year + 6, START.month, START.day)
    periods = quarters(24 if frequency == "quarterly" else 72, frequency)
    bond = Bond("X", 100.0, coupon=coupon, maturity=maturity, frequency=frequency, day_count="actual/360")
    line = LoanLine(100.0, coupon, remaining_term=72, interest_only=72, frequency=frequency, day_count="actual/360")
    for owned in (BondPortfolio((bond,)), LoanPool((line,))):
        receipts = deliver(owned, periods, {"SOFR": curve()})
        assert receipts["interest"][0] == pytest.approx(wanted, abs=1e-9)
        assert receipts["principal"][0] == pytest.approx([*[0.0] * (len(wanted) - 1), 100.0])
    assert len(set(np.round(wanted, 6))) > 10 and (floor is None or wanted[0] == pytest.approx(floor * 100 * (days(0, frequency) / 360)))  # fmt: skip


def days(k, frequency):
    first = ql.Date.from_date(START) + ql.Period(3 if frequency == "quarterly" else 1, ql.Months)
    return first.serialNumber() - ql.Date.from_date(START).serialNumber()


def test_a_level_payment_is_worked_out_anew_at_each_reset_by_hand():
    """An adjustable loan: 5 % for a year, then index + 2 % each year, over 3 years, 30/360.

    Year 1: 120 at 5 %, 36 payments of 120 x i / (1 - (1 + i)^-36), i = 0.05 / 12. After 12, what is owed is paid over 24
    at 6 % (index 4 %), and after 24 over 12 at 7.5 % (index 5.5 %).
    """
    line = LoanLine(
        120.0, Floating("T", 0.02), remaining_term=36, reset="annual", first_rate=0.05, first_reset=12
    )  # fmt: skip
    periods = quarters(36, "monthly")
    index = {START: 0.09, D(2027, 1, 15): 0.04, D(2028, 1, 15): 0.055}
    receipts = deliver(LoanPool((line,)), periods, {"T": index})
    owed, interest, repaid = 120.0, [], []
    for rate, left in ((0.05, 36), (0.06, 24), (0.075, 12)):
        i = rate / 12.0
        payment = owed * i / (1.0 - (1.0 + i) ** -left)
        for _ in range(12):
            interest.append(owed * i)
            repaid.append(payment - owed * i)
            owed -= repaid[-1]
    assert receipts["interest"][0] == pytest.approx(interest, abs=1e-11)
    assert receipts["principal"][0] == pytest.approx(repaid, abs=1e-11)
    assert receipts["pool_balance"][0, -1] == pytest.approx(0.0, abs=1e-9)


def test_a_fixed_rate_by_the_days_pays_a_level_amount_until_the_last():
    """QuantLib has the interest: actual/360 between the days; payments are those of 30/360, the rest falls due at the end."""
    line = LoanLine(100.0, 0.06, remaining_term=24, amortisation_term=360, day_count="actual/360")
    receipts = deliver(LoanPool((line,)), quarters(24, "monthly"), {})
    payment = 100.0 * 0.005 / (1.0 - 1.005**-360)
    total = receipts["interest"][0] + receipts["principal"][0]
    assert total[:-1] == pytest.approx([payment] * 23, abs=1e-12)
    assert receipts["interest"][0, 0] == pytest.approx(100.0 * 0.06 * 31 / 360)
    assert receipts["principal"][0].sum() == pytest.approx(100.0)


def test_the_basis_between_monthly_assets_and_a_quarterly_note_shows_by_hand():
    """The index rises by 1 % in the middle of the quarter: assets reset after a month, the note after three.

    100 of loans at index, 30/360: 100 x (4 % + 5 % + 5 %) / 12 = 1.1667. A note of 100 at index for the quarter from its
    first day: 100 x 4 % / 4 = 1.0. The vehicle keeps 0.1667; and loses as much when the index falls back.
    """
    index = {START: 0.04, D(2026, 2, 1): 0.05, D(2026, 4, 20): 0.04}
    deal = floating_deal(LoanPool((LoanLine(100.0, Floating("SOFR", 0.0), remaining_term=12, interest_only=12),)))
    flows = run(deal, rates={"SOFR": index})
    assert flows.receipts["interest"][0, :2] == pytest.approx([1.4 / 1.2, (5 + 4 + 4) / 12])
    assert flows.interest["A"][0, :2] == pytest.approx([1.0, (5 + 4 + 4) / 12])
    assert flows.shortfall["A"][0, :2] == pytest.approx([0.0, 1.25 - 13 / 12])
    assert flows.interest["E"][0, 0] == pytest.approx(1 / 6)


def floating_deal(owned, margin=0.0):
    return Deal(
        "floats", closing=START, first_payment=D(2026, 4, 15), maturity=D(2027, 1, 15), frequency="quarterly",
        calendar="none", collateral=owned,
        tranches=(Note("A", 100.0, coupon=Floating("SOFR", margin), day_count="30/360"), Equity("E")),
        waterfall=Waterfall([pay(interest("A")), pay(principal("A")).capped(principal_collections()), pay(residual("E"))]),
    )  # fmt: skip


def test_an_array_by_period_is_read_by_the_collection_period_and_rows_are_scenarios():
    """A month of a quarter has the quarter's rate; of two rows each scenario has its own."""
    owned = LoanPool((LoanLine(120.0, Floating("SOFR", 0.01), remaining_term=12, interest_only=12),))
    rates = np.array([[0.01, 0.02, 0.03, 0.04], [0.05, 0.05, 0.05, -0.05]])
    receipts = deliver(owned, quarters(4), {"SOFR": rates}, Paths(severity=[0.1, 0.2]), count=2)
    assert receipts["interest"] == pytest.approx(np.maximum(rates + 0.01, 0.0) * 30.0)


def test_a_reset_longer_than_the_payment_and_one_that_runs_at_the_start():
    """Paid each month, reset each quarter, back from maturity; the rate that runs is given, as its fixing is past."""
    coupon = Floating("SOFR", 0.02)
    bond = Bond(
        "X", 1200.0, coupon=coupon, maturity=D(2026, 11, 15), frequency="monthly", reset="quarterly", first_rate=0.07
    )  # fmt: skip
    index = {D(2026, 2, 15): 0.03, D(2026, 3, 15): 0.99, D(2026, 5, 15): 0.04, D(2026, 8, 15): 0.05}
    receipts = deliver(BondPortfolio((bond,)), quarters(12, "monthly"), {"SOFR": index})
    assert receipts["interest"][0] == pytest.approx([7.0, 5, 5, 5, 6, 6, 6, 7, 7, 7, 0, 0])


def test_a_tape_says_what_its_lines_say(tmp_path):
    file = tmp_path / "tape.csv"
    file.write_text(
        "loan,balance,rate,remaining_term,interest_only,index,margin,floor,cap,reset,first_reset,day_count,frequency\n"
        "a,100,,24,24,SOFR,0.055,0.065,,,,actual/360,quarterly\n"
        "b,50,,24,24,SOFR,0.055,0.065,,,,actual/360,quarterly\n"
        "c,80,0.07,36,0,SOFR,0.03,,0.09,quarterly,6,,monthly\n"
        "d,70,0.06,36,0,,,,,,,,\n",
        "utf-8",
    )
    lines = (
        LoanLine(
            150.0, Floating("SOFR", 0.055, floor=0.065), remaining_term=24, interest_only=24, day_count="actual/360",
            frequency="quarterly",
        ),
        LoanLine(
            80.0, Floating("SOFR", 0.03, cap=0.09), remaining_term=36, reset="quarterly", first_rate=0.07, first_reset=6
        ),
        LoanLine(70.0, 0.06, remaining_term=36),
    )  # fmt: skip
    pools = LoanPool.from_tape(file, default=cdr(0.02)), LoanPool(lines, default=cdr(0.02))
    tape, listed = (deliver(pool, quarters(12), {"SOFR": curve()}) for pool in pools)
    for name in listed.fields:
        assert tape[name] == pytest.approx(listed[name], abs=1e-10), name
    assert (tape["pool_balance"][0, -1], tape["interest"][0, 0]) == pytest.approx((0.0, listed["interest"][0, 0]))
    again = read(LoanPool, plain(pools[1]), "", found := [])
    assert again == pools[1] and not found


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("margin", None, "row 1, margin: must be a number"),
        ("margin", 5.5, "row 1, margin: must be a decimal such as 0.055"),
        ("reset", "weekly", "row 1, reset: must be one of monthly, quarterly, semiannual, annual"),
        ("reset", "monthly", "row 1, reset: must not come more often than interest is paid"),
        ("floor", "low", "row 1, floor: must be a number"),
        ("cap", 0.01, "row 1, cap: must not be below the floor"),
        ("first_reset", 3.0, "row 1, rate: must be what it bears until its reset"),
        ("day_count", "act/360", "row 1, day_count: must be one of 30/360"),
        ("index", None, "row 1, margin: belongs to a loan with an index"),
    ],
)  # fmt: skip
def test_bad_tapes_say_what_is_wrong(column, value, message):
    row = {"balance": 1.0, "rate": None, "remaining_term": 12, "index": "SOFR", "margin": 0.05, "floor": 0.06, "frequency": "quarterly"}  # fmt: skip
    with pytest.raises(InvalidTerms) as caught:
        LoanPool.from_tape(pd.DataFrame([{**row, column: value}]))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LoanLine(1.0, 0.05, remaining_term=12, reset="annual"), "reset: belongs to a floating coupon"),
        (lambda: LoanLine(1.0, Floating("S", 0.01), remaining_term=12, first_reset=3), "first_rate: and first_reset go together"),
        (lambda: LoanLine(1.0, Floating("S", 0.01), remaining_term=12, frequency="quarterly", reset="monthly"), "reset: must not come more often"),
        (lambda: LoanLine(1.0, Floating("S", 0.01, resets="monthly"), remaining_term=12), "is fixed for whole periods: leave resets='monthly' out"),
        (lambda: Bond("X", 1.0, coupon=0.05, maturity=D(2030, 1, 1), first_rate=0.05), "first_rate: belongs to a floating coupon"),
        (lambda: Bond("X", 1.0, coupon=Floating("S", 0.01), maturity=D(2030, 1, 1), reset="weekly"), "there is no frequency 'weekly'"),
        (lambda: run(floating_deal(LoanPool((LoanLine(1.0, Floating("LIBOR", 0.01), remaining_term=12),))), rates={"SOFR": 0.04}), "LIBOR"),
        (lambda: run(floating_deal(LoanPool((LoanLine(1.0, Floating("SOFR", 0.01), remaining_term=12),)))), "no rate is given"),
        (lambda: run(floating_deal(LoanPool((LoanLine(1.0, 0.01, remaining_term=12),))), rates={"SOFR": {"2026": 0.04}}), "must be a date"),
    ],
)  # fmt: skip
def test_bad_coupons_and_rates_say_what_is_wrong(make, message):
    with pytest.raises((InvalidTerms, UnknownName)) as caught:
        make()
    assert message in str(caught.value)


def test_many_paths_of_rates_are_the_same_in_any_chunk_and_follow_their_own_row():
    owned = LoanPool(
        (LoanLine(100.0, Floating("SOFR", 0.02, floor=0.05), remaining_term=12), LoanLine(20.0, 0.05, remaining_term=9)),
        default=cdr(0.03), severity=0.4,
    )  # fmt: skip
    deal, count = floating_deal(owned), 150
    rates = {"SOFR": np.random.default_rng(7).uniform(0.0, 0.1, (count, 4))}
    paths = Paths(severity=np.linspace(0.0, 1.0, count))
    whole = study(deal, paths, measure=summary(), rates=rates)
    parts = study(deal, paths, measure=summary(), rates=rates, chunk=7)
    for name in whole.totals:
        assert np.array_equal(whole.totals[name], parts.totals[name], equal_nan=True), name
    one = project(deal, Scenario("x", severity=float(np.linspace(0.0, 1.0, count)[77])), rates={"SOFR": rates["SOFR"][77]})  # fmt: skip
    all_ = project(deal, paths, rates=rates)
    for name in one.fields:
        assert one[name][0] == pytest.approx(all_[name][77], rel=1e-13, abs=1e-12), name
    assert indices_of(deal, rates, count).keys() == {"SOFR for 1 month, 30/360"}


def test_a_market_projects_the_collateral_over_its_own_months_and_reprice_moves_both():
    """Forwards of a month are those of the curve; when rates move, loans and note move, so that the equity's cash hardly does."""
    deal = floating_deal(LoanPool((LoanLine(100.0, Floating("SOFR", 0.0), remaining_term=12, interest_only=12),)))
    market = Market(0.04, {"A": 0.0}, valuation=START, otherwise={"yield": 0.1}, projections={"SOFR": 0.04})
    rates, months = market.rates(deal), "SOFR for 1 month, 30/360"
    assert len(rates[months]) == 12 and rates[months][START] == pytest.approx(12 * (np.exp(0.04 * 31 / 365) - 1))
    assert rates["SOFR"][0] == pytest.approx(4 * (np.exp(0.04 * 90 / 365) - 1))
    moved = reprice(deal, Scenario("base"), market, [Bump.rates(bp=100.0)])
    there = market.shifted(100.0)
    flows = run(deal, rates=there.rates(deal))
    assert flows.receipts["interest"][0].sum() > run(deal, rates=rates).receipts["interest"][0].sum() + 0.9
    assert moved.npv[0, 0] == pytest.approx(price(flows, there).npv[0, 0], rel=1e-9)


def test_a_past_reset_needs_its_fixing_or_the_rate_that_runs():
    bond = Bond("X", 100.0, coupon=Floating("SOFR", 0.02), maturity=D(2026, 12, 1), frequency="quarterly")
    market = Market(0.04, {"A": 0.0}, valuation=START, otherwise={"yield": 0.1}, projections={"SOFR": 0.04})
    with pytest.raises(CannotPrice, match="'SOFR' has no fixing on 2025-12-01"):
        market.rates(floating_deal(BondPortfolio((bond,))))
    fixed = dataclasses.replace(market, fixings={"SOFR": {D(2025, 12, 1): 0.03}})
    deal = floating_deal(BondPortfolio((bond,)))
    assert run(deal, rates=fixed.rates(deal)).receipts["interest"][0, 0] == pytest.approx(1.25)
    known = floating_deal(BondPortfolio((dataclasses.replace(bond, first_rate=0.05),)))
    assert run(known, rates=market.rates(known)).receipts["interest"][0, 0] == pytest.approx(1.25)


def test_a_held_book_and_simulated_rates_move_the_collateral():
    """A basis point on the curve moves the loans' interest as well as the note's; on paths of rates both follow the path."""
    deal = floating_deal(LoanPool((LoanLine(100.0, Floating("SOFR", 0.0), remaining_term=12, interest_only=12),)))
    market = Market(0.04, {"A": 0.0}, valuation=START, otherwise={"yield": 0.1}, projections={"SOFR": 0.04})
    book = Book("b", as_of=START, positions=(Position(deal),))
    held = hold(book, Scenario("base"), market)
    moved = held.reprice(market.shifted(100.0))
    before, after = (each.deals["floats"].flows.receipts["interest"][0].sum() for each in (held, moved))
    assert after - before == pytest.approx(100.0 * 365 / 360 * 0.01, rel=0.05)
    assert moved.deals["floats"].flows.interest["A"][0].sum() > held.deals["floats"].flows.interest["A"][0].sum() + 0.9
    rates, _ = simulated(deal, market, HullWhite(0.1, 0.01), 4)
    flows = run(deal, [Scenario(f"{k}") for k in range(4)], rates=rates)
    index = flows.receipts["interest"] / 25.0
    assert np.ptp(index[:, -1]) > 0.001 and np.abs(index - rates["SOFR"])[:, 1:].max() < 0.003


def test_a_periodic_cap_limits_what_a_reset_moves_by_hand(tmp_path):
    """5 % for a year, then index + 2 % each year, by 2 % at most, within 10 %: the index runs 8, 8, 1, 1 %.

    The rates are 5, 7, 9 and 7 %: 10 and 10 are out of reach, and so is 3 after 9.
    """
    index = {START: 0.08, D(2029, 1, 1): 0.01}
    line = LoanLine(
        1200.0, Floating("T", 0.02, cap=0.10), remaining_term=48, interest_only=48, reset="annual", first_rate=0.05,
        first_reset=12, periodic_cap=0.02,
    )  # fmt: skip
    receipts = deliver(LoanPool((line,)), quarters(48, "monthly"), {"T": index})
    assert receipts["interest"][0] == pytest.approx([*[5.0] * 12, *[7.0] * 12, *[9.0] * 12, *[7.0] * 12])
    row = {"balance": 1200.0, "rate": 0.05, "remaining_term": 48, "interest_only": 48, "index": "T", "margin": 0.02, "cap": 0.1, "reset": "annual", "first_reset": 12, "periodic_cap": 0.02}  # fmt: skip
    tape = deliver(LoanPool.from_tape(pd.DataFrame([row])), quarters(48, "monthly"), {"T": index})
    assert np.array_equal(tape["interest"], receipts["interest"])
    free = dataclasses.replace(line, first_rate=None, first_reset=0)  # nothing is known to move from at the first reset
    assert deliver(LoanPool((free,)), quarters(48, "monthly"), {"T": index})["interest"][0, ::12] == pytest.approx([10.0, 10.0, 10.0, 8.0])  # fmt: skip


def test_a_prepayment_penalty_is_a_share_of_what_is_prepaid_in_each_year():
    """3 % in the first year and 1 % in the second of 1 % a month of what is left, interest only."""
    pool = LoanPool((LoanLine(100.0, 0.06, remaining_term=36, interest_only=36),), prepayment=0.01, prepayment_penalty=(0.03, 0.01))  # fmt: skip
    receipts = deliver(pool, quarters(36, "monthly"), {})
    prepaid = 100.0 * 0.01 * 0.99 ** np.arange(35)
    shares = np.repeat([0.03, 0.01, 0.0], 12)[:35]
    assert receipts["prepayments"][0, :35] == pytest.approx(prepaid)
    assert receipts["revenue"][0, :35] == pytest.approx(prepaid * shares)
