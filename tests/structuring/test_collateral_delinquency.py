"""Loans that pay late, defaults by a total and a shape, and balloons that are not repaid: by hand and by their laws."""

import datetime

import numpy as np
import pytest
from deals import clock

from structuring import BondPortfolio, Deal, LoanLine, LoanPool, Paths, Scenario, cdr, cpr, run
from structuring.collateral.bonds import Bond
from structuring.collateral.delinquency import DefaultCurve, Delinquency
from structuring.scenarios.scenario import Drivers
from waterfalls import (
    Equity,
    Fixed,
    Note,
    Trigger,
    Waterfall,
    interest,
    pay,
    principal,
    principal_collections,
    residual,
    trigger,
)
from waterfalls.errors import InvalidTerms
from waterfalls.terms.term import plain, read

D = datetime.date
FLOWS = (
    "interest",
    "principal",
    "prepayments",
    "recoveries",
    "losses",
    "defaults",
    "pool_balance",
    "defaulted_balance",
)


def deliver(pool, count=12, scenario=None):
    return pool.deliver(clock(count, "monthly", D(2026, 1, 1)), Drivers.of(scenario or Scenario("base")))


BULLET = (LoanLine(1000.0, 0.12, remaining_term=12, interest_only=12),)


def test_three_months_of_late_loans_by_hand():
    """1000 at 1 % a month, interest only; 10 % of paying loans miss a payment, half of the late roll, 20 % cure.

    Month 1: 100 miss. 900 pay 9.00. Late: 100 at 30 days, which owe 1.00 of interest.
    Month 2: 90 of the 900 miss. Of the 100, 50 roll to 60 days, 20 cure and pay two months' interest, 0.40, and 30
    stay. Interest 8.10 + 0.40. Late: 30 + 90 at 30 days, 50 at 60. Paying: 810 + 20.
    Month 3: 83 miss; of 120 at 30 days 60 roll, 24 cure, 36 stay; of 50 at 60 days 25 roll, 10 cure, 15 stay. The 24 owe
    3 months (of the 30) or 2 (of the 90): 0.2 x (30 x 3 + 90 x 2) % = 0.54, the 10 owe 3 months, 0.30.
    Interest 0.9 x 830 x 1 % + 0.84 = 8.31. Late: 36 + 83 at 30 days, 60 + 15 at 60, 25 at 90.
    """
    pool = LoanPool(BULLET, delinquency=Delinquency(0.1, roll=(0.5, 0.5, 0.5), cure=(0.2, 0.2, 0.2)))
    receipts = deliver(pool)
    assert receipts["interest"][0, :3] == pytest.approx([9.0, 8.5, 8.31])
    assert receipts["delinquent_30"][0, :3] == pytest.approx([100.0, 170.0, 219.0])
    assert receipts["delinquent_60"][0, :3] == pytest.approx([0.0, 50.0, 100.0])
    assert receipts["delinquent_90"][0, :3] == pytest.approx([0.0, 0.0, 25.0])
    assert receipts["defaults"][0, :4] == pytest.approx([0.0, 0.0, 0.0, 12.5])
    assert receipts["pool_balance"][0, :4] == pytest.approx([1000.0, 1000.0, 1000.0, 987.5])


def test_the_shares_are_those_of_the_chain_of_states():
    """Of loans that owe interest alone, the balances are a power of the matrix of monthly rates (Markov)."""
    states = Delinquency(0.03, roll=(0.4, 0.6, 0.3), cure=(0.35, 0.2, 0.1), at_start=(0.02, 0.01, 0.005))
    receipts = deliver(LoanPool((LoanLine(1.0, 0.06, remaining_term=60, interest_only=60),), delinquency=states), 48)
    step = np.zeros((5, 5))  # paying, 30, 60, 90, defaulted
    step[0] = [0.97, 0.03, 0, 0, 0]
    step[1] = [0.35, 0.25, 0.4, 0, 0]
    step[2] = [0.2, 0, 0.2, 0.6, 0]
    step[3] = [0.1, 0, 0, 0.6, 0.3]
    step[4, 4] = 1.0
    state = np.array([0.965, 0.02, 0.01, 0.005, 0.0])
    for m in range(48):
        state = state @ step
        assert receipts["delinquent_30"][0, m] == pytest.approx(state[1:4].sum(), abs=1e-14)
        assert receipts["delinquent_90"][0, m] == pytest.approx(state[3], abs=1e-14)
        assert receipts["defaults"][0, : m + 1].sum() == pytest.approx(state[4], abs=1e-14)


@pytest.mark.parametrize("order", ["sifma", "sequential"])
@pytest.mark.parametrize("late", [0.0, 0.07])
def test_every_unit_is_repaid_defaulted_or_outstanding(order, late):
    lines = (LoanLine(500.0, 0.07, remaining_term=36), LoanLine(300.0, 0.05, remaining_term=24, amortisation_term=240))
    states = Delinquency(late, roll=(0.5, 0.4, 0.3), cure=(0.3, 0.3, 0.1))
    pool = LoanPool(
        lines, prepayment=cpr(0.1), default=cdr(0.05), severity=0.4, recovery_lag=2, order=order, delinquency=states,
        balloon_default=0.25,
    )  # fmt: skip
    receipts = deliver(pool, 72)
    left = np.concatenate([[800.0], receipts["pool_balance"][0]])
    gone = sum(receipts[name][0] for name in ("principal", "prepayments", "defaults"))
    assert left[:-1] - left[1:] == pytest.approx(gone, abs=1e-10)
    assert receipts["defaults"].sum() == pytest.approx(
        receipts["recoveries"].sum() + receipts["losses"].sum() + receipts["defaulted_balance"][0, -1]
    )
    if not late:  # then it is the pool without late loans, to rounding
        plainly = deliver(LoanPool(**{**fields_of(pool), "delinquency": None}), 72)
        for name in FLOWS:
            assert receipts[name] == pytest.approx(plainly[name], abs=1e-11), name


def fields_of(pool):
    return {name: getattr(pool, name) for name in pool.__dataclass_fields__}


def test_a_total_and_a_shape_are_what_defaults():
    """10 % of 1000 in two years, 60 % of it in the first: 5 a month, then 3.33; under prepayment as well."""
    curve = DefaultCurve(0.1, (0.6, 0.4))
    lines = (LoanLine(1000.0, 0.06, remaining_term=120),)
    for prepayment in (None, cpr(0.2)):
        receipts = deliver(LoanPool(lines, default_curve=curve, prepayment=prepayment, severity=0.4), 60)
        assert receipts["defaults"][0] == pytest.approx([*[5.0] * 12, *[10.0 / 3.0] * 12, *[0.0] * 36])
        assert receipts["losses"].sum() == pytest.approx(40.0)


def test_a_total_of_losses_is_what_is_lost_and_scenarios_and_paths_move_it():
    pool = LoanPool(
        (LoanLine(700.0, 0.06, remaining_term=60), LoanLine(300.0, 0.09, remaining_term=48, frequency="quarterly")),
        default_curve=DefaultCurve(0.05, (0.2, 0.5, 0.3), of="losses"), severity=0.5,
    )  # fmt: skip
    assert deliver(pool, 48)["losses"].sum() == pytest.approx(50.0)
    assert deliver(pool, 48, Scenario("twice", default_total=0.1))["losses"].sum() == pytest.approx(100.0)
    drawn = deliver(pool, 48, Paths(default_total=[0.0, 0.02, 0.08], severity=[0.5, 0.25, 1.0]))
    assert drawn["losses"].sum(axis=1) == pytest.approx([0.0, 20.0, 80.0])
    assert drawn["defaults"].sum(axis=1) == pytest.approx([0.0, 80.0, 80.0])


def test_more_than_is_left_cannot_default():
    pool = LoanPool((LoanLine(100.0, 0.0, remaining_term=12),), default_curve=DefaultCurve(1.0, (1.0,)))
    receipts = deliver(pool)
    assert receipts["pool_balance"][0, -1] == pytest.approx(0.0)
    assert receipts["defaults"].sum() + receipts["principal"].sum() == pytest.approx(100.0)


def test_a_balloon_defaults_apart_from_defaults_along_the_way():
    """Level over 30 years, due after 10: of what is left then 30 % is not repaid, and recovered at 60 % six months on."""
    line = LoanLine(100.0, 0.06, remaining_term=120, amortisation_term=360)
    pool = LoanPool((line,), balloon_default=0.3, severity=0.4, recovery_lag=6)
    receipts = deliver(pool, 132)
    growth = 1.005**120
    left = 100.0 * growth - 100.0 * 0.005 / (1.0 - 1.005**-360) * (growth - 1.0) / 0.005
    assert receipts["defaults"][0].nonzero()[0].tolist() == [119]
    assert receipts["defaults"].sum() == pytest.approx(0.3 * left)
    assert receipts["recoveries"][0, 125] == pytest.approx(0.18 * left)
    assert receipts["principal"].sum() == pytest.approx(100.0 - 0.3 * left)
    hit = deliver(pool, 132, Scenario("wall", balloon_default={D(2035, 6, 1): 1.0}))
    assert hit["defaults"].sum() == pytest.approx(left)
    assert (
        deliver(LoanPool((LoanLine(100.0, 0.06, remaining_term=60),), balloon_default=1.0), 60)["defaults"].sum() < 1e-9
    )


def test_a_bond_that_is_not_refinanced_defaults_at_its_maturity_and_no_other():
    """Of X, 100 due after 6 months, 40 % is not repaid, and half of that recovered after three; Y is repaid."""
    bonds = tuple(Bond(name, 100.0, coupon=0.06, maturity=D(2026, 7, 1), severity=0.5) for name in "XY")
    receipts = deliver(BondPortfolio(bonds, recovery_lag=3), 12, Scenario("wall", balloon_default={"X": 0.4}))
    assert receipts["principal"][0, 5] == pytest.approx(160.0)
    assert receipts["defaults"][0].nonzero()[0].tolist() == [5] and receipts["defaults"].sum() == pytest.approx(40.0)
    assert receipts["recoveries"][0, 8] == pytest.approx(20.0)


def test_many_paths_of_late_loans_are_those_of_each():
    pool = LoanPool((LoanLine(100.0, 0.06, remaining_term=24),), delinquency=Delinquency(0.01, roll=(0.5,) * 3, cure=(0.2,) * 3), default_curve=DefaultCurve(0.0, (1.0,)))  # fmt: skip
    many = deliver(pool, 24, Paths(late=np.linspace(0.0, 0.2, 100), default_total=np.linspace(0.0, 0.3, 100)))
    one = deliver(pool, 24, Scenario("x", late=float(np.linspace(0.0, 0.2, 100)[70]), default_total=float(np.linspace(0.0, 0.3, 100)[70])))  # fmt: skip
    for name in one.fields:
        assert np.array_equal(one[name][0], many[name][min(70, len(many[name]) - 1)]), name


def test_a_trigger_reads_the_share_that_is_late():
    """More than 5 % sixty days late, on the average of three months, turns the equity's cash to the note."""
    pool = LoanPool(
        (LoanLine(100.0, 0.12, remaining_term=36),), delinquency=Delinquency(0.02, roll=(0.9,) * 3, cure=(0.0,) * 3)
    )
    deal = Deal(
        "late", closing=D(2026, 1, 1), first_payment=D(2026, 2, 1), maturity=D(2029, 1, 1), frequency="monthly",
        calendar="none", collateral=pool, tranches=(Note("A", 80.0, coupon=Fixed(0.05)), Equity("E")),
        triggers=(Trigger("late", test="average(ratio(receipt('delinquent_60'), pool_balance(), zero=0), 3) > 0.02"),),
        waterfall=Waterfall([
            pay(interest("A")), pay(principal("A")).capped(principal_collections()),
            pay(principal("A")).when(trigger("late")), pay(residual("E")),
        ]),
    )  # fmt: skip
    flows = run(deal, [Scenario("base"), Scenario("calm", late=0.0)])
    late, owed = flows.receipts["delinquent_60"][0], flows.receipts["pool_balance"][0]
    shares = late / owed
    averages = [np.mean(shares[max(t - 2, 0) : t + 1]) for t in range(36)]
    first = next(t for t, share in enumerate(averages) if share > 0.02)
    assert 2 <= first < 12 and flows.triggers["late"][0].nonzero()[0][0] == first
    assert not flows.triggers["late"][1].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Delinquency(0.1, roll=(0.8, 0.5, 0.5), cure=(0.3, 0.1, 0.1)), "cure: and roll of loans 30 days late must not exceed 1 together, got 1.1"),
        (lambda: Delinquency(0.1, roll=(0.5,) * 3, cure=(0.1,) * 3, at_start=(0.5, 0.5, 0.5)), "at_start: must not exceed 1 together"),
        (lambda: DefaultCurve(0.1, (0.5, 0.4)), "shares: must sum to 1, got 0.9"),
        (lambda: DefaultCurve(0.1, (1.0,), of="loss"), "there is no choice 'loss'. Did you mean 'losses'?"),
        (lambda: LoanPool(BULLET, default="2% CDR", default_curve=DefaultCurve(0.1, (1.0,))), "default: does not go with default_curve, which has a total of its own"),
        (lambda: LoanPool(BULLET, advances=True, default_curve=DefaultCurve(0.1, (1.0,))), "default_curve: does not go with advances"),
        (lambda: LoanPool((LoanLine(1.0, 0.1, remaining_term=12, frequency="quarterly"),), delinquency=Delinquency(roll=(0.5,) * 3, cure=(0.1,) * 3)), "all loans must pay monthly"),
        (lambda: deliver(LoanPool(BULLET, severity=0.0, default_curve=DefaultCurve(0.1, (1.0,), of="losses"))), "needs a severity above 0"),
        (lambda: Scenario("x", default_total=(0.1, 0.2)), "default_total: must be one number"),
    ],
)  # fmt: skip
def test_bad_terms_say_what_is_wrong(make, message):
    with pytest.raises(InvalidTerms) as caught:
        make()
    assert message in str(caught.value)


def test_the_terms_go_to_a_document_and_back():
    pool = LoanPool(BULLET, default_curve=DefaultCurve(0.1, (0.3, 0.7), of="losses"), delinquency=Delinquency(0.01, roll=(0.5,) * 3, cure=(0.2,) * 3))  # fmt: skip
    assert read(LoanPool, plain(pool), "", found := []) == pool and not found
