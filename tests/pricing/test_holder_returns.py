"""The return and the multiple of a holder by purchase date and price, by hand and against scipy's root of the same sum."""

import datetime
import math
import re

import numpy as np
import pytest
from deals import clock, paid, plan_of
from scipy.optimize import brentq

from pricing import Market, price
from pricing.valuation.holder_returns import holder_returns
from structuring import Deal, LoanLine, LoanPool, Scenario, cdr, cpr, run
from waterfalls import Equity, Fixed, Note
from waterfalls.errors import FirstLossError, InvalidTerms
from waterfalls.words import draw, hurdle, interest, pay, principal, residual

D = datetime.date
START = D(2026, 1, 15)


@pytest.fixture(scope="module")
def flows():
    """100 at 10 %, paid 10 on 15 January 2027 and 2028, and 110 in 2029; what is left goes to an equity without face."""
    note = Note("A", 100.0, coupon=Fixed(0.1))
    clauses = pay(interest("A")) >> pay(principal("A")).capped(0) >> pay(residual("E"))
    plan = plan_of(clauses, note, Equity("E"), dates=clock(3))
    assert plan.schedule.dates == (D(2027, 1, 15), D(2028, 1, 15), D(2029, 1, 15))
    return paid(plan, revenue=20.0)


def root(amounts, days):
    years = [(day - days[0]).days / 365 for day in days]
    return brentq(lambda r: sum(a * (1 + r) ** -t for a, t in zip(amounts, years, strict=True)), -0.9, 9.0, xtol=1e-14)


def row(*args, **options):
    return holder_returns(*args, **options).iloc[0]


def test_a_note_bought_at_the_start_below_par_and_never_repaid(flows):
    found = row(flows, tranche="A", price=95.0)
    assert (found.paid_in, found.received) == (95.0, 30.0)
    assert found.multiple == 30 / 95
    assert found.irr == pytest.approx(root([-95, 10, 10, 10], [START, *flows.dates]), abs=1e-12)


def test_bought_between_dates_accrued_interest_is_paid_and_sold_between_dates_it_is_received(flows):
    # half a year of 10 % at the purchase on 15 July 2026, and at the sale on 15 July 2028: 30/360
    found = row(flows, tranche="A", price=90.0, bought=D(2026, 7, 15), sold=D(2028, 7, 15), sale_price=101.0)
    assert found.paid_in == pytest.approx(95.0) and found.received == pytest.approx(20.0 + 106.0)
    days = [D(2026, 7, 15), D(2027, 1, 15), D(2028, 1, 15), D(2028, 7, 15)]
    assert found.irr == pytest.approx(root([-95, 10, 10, 106], days), abs=1e-12)


def test_an_equity_without_face_is_bought_for_an_amount(flows):
    found = row(flows, tranche="E", paid=20.0)
    assert found.multiple == pytest.approx(1.5)  # 10 on each of three dates
    assert found.irr == pytest.approx(root([-20, 10, 10, 10], [START, *flows.dates]), abs=1e-12)


def test_what_is_drawn_is_paid_in(flows):
    note = Note("A", 100.0, balance=40.0, coupon=Fixed(0.1), available_until=D(2027, 1, 15))
    clauses = draw("A", amount=60.0) >> pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
    run = paid(plan_of(clauses, note, Equity("E"), dates=clock(3)), revenue=70.0)
    # on the first date 60 are drawn and 100 repaid with 4 of interest, out of 130
    found = row(run, tranche="A", price=100.0)
    assert (found.paid_in, found.received) == (pytest.approx(100.0), pytest.approx(104.0))
    assert found.irr == pytest.approx(0.1)


def test_no_return_solves_it_where_nothing_comes_back(flows):
    assert np.isnan(row(flows, tranche="A", price=95.0, bought=D(2026, 2, 1), sold=D(2026, 3, 1), sale_price=0.0).irr)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tranche": "a", "price": 95.0}, "there is no tranche 'a'. Did you mean 'A'"),
        ({"tranche": "A"}, "say price=, clean per 100, or paid=, an amount: one of the two"),
        ({"tranche": "A", "price": 95.0, "paid": 95.0}, "one of the two"),
        ({"tranche": "A", "price": "95"}, "price: must be a number, got '95'"),
        ({"tranche": "A", "price": -1.0}, "price: must be from 0 to 1e+06, got -1.0"),
        ({"tranche": "A", "price": 95.0, "bought": "soon"}, "bought: must be a date"),
        ({"tranche": "A", "price": 95.0, "bought": D(2025, 1, 1)}, "bought must be from 2026-01-15 to before the last"),
        (
            {"tranche": "A", "price": 95.0, "bought": D(2029, 1, 15)},
            "bought must be from 2026-01-15 to before the last",
        ),
        ({"tranche": "A", "price": 95.0, "sold": D(2028, 1, 1)}, "sold and sale_price go together"),
        ({"tranche": "A", "price": 9.0, "sold": START, "sale_price": 9.0}, "sold must come after 2026-01-15"),
        ({"tranche": "E", "price": 95.0}, "'E' has no balance on 2026-01-15: say paid=, an amount, instead of a price"),
    ],
)
def test_what_makes_no_sense_is_refused(flows, options, message):
    with pytest.raises((InvalidTerms, FirstLossError), match=re.escape(message)):
        holder_returns(flows, **options)


def test_returns_and_values_of_published_tables(golden):
    """Equity that gets what a note leaves: bought at half of it, stopped at a hurdle, and priced on a flat curve."""
    case = golden("absbox_returns")
    given, expected, close = case["inputs"], case["expected"], case["tolerance"]
    closing, cutoff, first, loans = (
        D.fromisoformat(given[name]) for name in ("closing", "cutoff", "first_payment", "loans_pay_from")
    )
    days = [D(2021 + (1 + k) // 12, (1 + k) % 12 + 1, 1) for k in range(24)]
    line = LoanLine(given["pool"]["balance"], given["pool"]["rate"], remaining_term=given["pool"]["term"])

    def deal(last, *more):
        return Deal(
            "returns", closing=closing, cutoff=cutoff, first_payment=first, maturity=D(2023, 3, 20), payment_lag=19,
            frequency="monthly", calendar="none",
            collateral=LoanPool((line,), order="sequential", first_payment=loans),
            tranches=(Note("A1", given["note"], coupon=Fixed(given["coupon"]), day_count="actual/365F"),
                      Equity("B", given["equity"]), *more),
            waterfall=pay(interest("A1")) >> pay(principal("A1")) >> pay(principal("B")) >> last,
        )  # fmt: skip

    bad = given["stressed"]
    stressed = Scenario(
        "stressed", default=cdr([bad["cdr"][0], *[bad["cdr"][1]] * 30], dates=days), prepayment=cpr(bad["cpr"], dates=days),
        severity=1.0 - bad["recovery"], recovery_lag=bad["lag"],
    )  # fmt: skip
    flows = run(deal(pay(residual("B"))), stressed)
    (rate,) = holder_returns(flows, tranche="B", paid=given["equity"], bought=closing)["irr"]
    assert rate == pytest.approx(expected["irr"], abs=close["irr"])
    for day, cash in expected["half_of_the_cash"].items():
        found = flows.cash("B")[0, flows.dates.index(D.fromisoformat(day))] / 2.0
        assert found == pytest.approx(cash, abs=close["cash"]), day

    capped = pay(residual("B")).capped(hurdle("B", irr=given["hurdle"])) >> pay(residual("manager"))
    flows = run(deal(capped, Equity("manager")), stressed)
    (rate,) = holder_returns(flows, tranche="B", paid=given["equity"], bought=closing)["irr"]
    assert rate == pytest.approx(expected["irr_at_the_hurdle"], abs=close["irr_at_the_hurdle"])
    assert str(flows.dates[np.flatnonzero(flows.cash("manager")[0])[0]]) == expected["hurdle_reached"]

    on = given["priced"]
    market = Market(math.log1p(on["rate"]), valuation=D.fromisoformat(on["valuation"]), otherwise=0.0)
    values = price(run(deal(pay(residual("B"))), Scenario("priced", default=cdr(on["cdr"], dates=days))), market)
    for name, npv in expected["npv"].items():
        assert values.npv[0, 0, values.tranches.index(name)] == pytest.approx(npv, abs=close["npv"])
