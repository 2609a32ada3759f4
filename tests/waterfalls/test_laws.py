"""The laws of cash and of claims, computed anew from the public tables of `Cashflows` and never from its own proof."""

import numpy as np
import pytest
from deals import SEEDS, paid, plan_of, plans, random_rates, random_receipts, year
from hypothesis import given
from hypothesis import strategies as st

from waterfalls import (
    Equity,
    Fee,
    Fixed,
    Note,
    distribute,
    fee,
    interest,
    pay,
    principal,
    residual,
    scheduled_principal,
)
from waterfalls.fields import CASH, EXPENSES
from waterfalls.tranches import EqualInstalments, Floating


def drawn(plan, seed, scenarios=3):
    rates = random_rates(plan, seed, scenarios)
    return distribute(plan, random_receipts(plan, seed, scenarios), rates=rates, engine="reference"), rates


def before(closing, opening):
    """A stock (S, T) at the start of each period."""
    return np.hstack([np.full((closing.shape[0], 1), opening), closing[:, :-1]])


def close(left, right, plan):
    scale = sum(tranche.notional for tranche in plan.tranches.values())
    np.testing.assert_allclose(left, right, rtol=0.0, atol=1e-9 * scale)


def rate_of(note, rates):
    """The coupon by period, from its terms and the rates given."""
    if isinstance(note.coupon, Fixed):
        return note.coupon.rate
    assert isinstance(note.coupon, Floating)
    rate = rates[note.coupon.index] + note.coupon.margin
    rate = np.clip(rate, -np.inf if note.coupon.floor is None else note.coupon.floor, None)
    return np.clip(rate, None, np.inf if note.coupon.cap is None else note.coupon.cap)


def every_run_proves_itself(plan, flows, rates):
    flows.check()


def cash_in_is_cash_out_plus_what_accounts_keep(plan, flows, rates):
    came = sum(flows.receipts[name] for name in CASH) + sum(flows.draws[name] for name in plan.tranches)
    for name, account in plan.accounts.items():
        opening = before(flows.accounts[name], account.balance)
        came = came + opening + opening * account.rate * plan.schedule.accruals("actual/360")
    tables = (flows.interest, flows.principal, flows.fees, flows.expenses, flows.accounts)
    close(came, sum(table[name] for table in tables for name in table), plan)


def interest_accrues_on_the_balance_and_what_is_unpaid_stays_owed(plan, flows, rates):
    for name, note in plan.notes_by_name.items():
        owed = before(flows.arrears[name], note.arrears)
        base = before(flows.balance[name], note.outstanding) + (owed if note.interest_on_arrears else 0.0)
        accrued = base * rate_of(note, rates) * plan.schedule.accruals(note.day_count_in(plan.currency))
        close(flows.accrued[name], accrued, plan)
        close(owed + accrued, flows.interest[name] + flows.arrears[name], plan)


def balances_move_by_draws_and_principal_alone(plan, flows, rates):
    for name, note in plan.notes_by_name.items():
        opening = before(flows.balance[name], note.outstanding)
        moved = flows.draws[name] - flows.principal[name] - flows.written_down[name]
        close(opening + moved, flows.balance[name], plan)
        most = note.notional if note.revolving else note.outstanding + undrawn_at_start(note)
        assert (flows.balance[name] <= most * (1 + 1e-12)).all()
        if note.available_until is None:
            assert not flows.draws[name].any()
        if not note.revolving:
            assert (flows.draws[name].cumsum(axis=1) <= undrawn_at_start(note) + 1e-9).all()


def undrawn_at_start(note):
    return note.notional - note.outstanding if note.available_until is not None else 0.0


def fees_and_costs_are_paid_once(plan, flows, rates):
    for name, terms in plan.fees.items():
        if terms.annual is not None:
            due = terms.annual * plan.schedule.accruals(terms.day_count)
            assert (flows.fees[name].cumsum(axis=1) <= terms.arrears + due.cumsum() + 1e-9).all()
    for name in plan.expenses:
        due = flows.receipts[EXPENSES[name]].cumsum(axis=1)
        assert (flows.expenses[name].cumsum(axis=1) <= due * (1 + 1e-12) + 1e-9).all()


def nothing_is_negative(plan, flows, rates):
    least = -1e-9 * sum(tranche.notional for tranche in plan.tranches.values())
    tables = (
        flows.interest, flows.principal, flows.balance, flows.draws, flows.accrued, flows.arrears, flows.shortfall,
        flows.missed, flows.written_down, flows.fees, flows.expenses, flows.accounts,
    )  # fmt: skip
    for table in tables:
        for name in table:
            assert np.isfinite(table[name]).all()
            assert (table[name] >= least).all(), name


def missed_principal_never_exceeds_the_balance(plan, flows, rates):
    for name in plan.notes_by_name:
        assert (flows.missed[name] <= flows.balance[name] + 1e-9).all()


LAWS = (
    every_run_proves_itself,
    cash_in_is_cash_out_plus_what_accounts_keep,
    interest_accrues_on_the_balance_and_what_is_unpaid_stays_owed,
    balances_move_by_draws_and_principal_alone,
    fees_and_costs_are_paid_once,
    nothing_is_negative,
    missed_principal_never_exceeds_the_balance,
)


@given(plan=plans(), seed=SEEDS)
def test_the_laws_hold_on_any_deal(plan, seed):
    flows, rates = drawn(plan, seed)
    for law in LAWS:
        law(plan, flows, rates)


# Sequential deals ---------------------------------------------------------------------------------------------------


@st.composite
def sequential(draw, prepaid=None, coupon=None):
    """A fee, interest on A to D in this order, then their principal in this order, and the rest to equity."""
    names = "ABCD"[: draw(st.integers(1, 4))]
    rates = st.sampled_from([0.0, 0.03, 0.05, 0.12]) if coupon is None else st.just(coupon)
    notes = [
        Note(
            name,
            draw(st.sampled_from([100.0, 400.0])),
            coupon=Fixed(draw(rates)),
            deferrable=draw(st.booleans()),
            interest_on_arrears=draw(st.booleans()),
            amortisation=EqualInstalments(year(1), 4, prepaid=prepaid) if prepaid else None,
        )
        for name in names
    ]
    sharing = "sequential" if len(names) > 1 else None
    word = scheduled_principal if prepaid else principal
    waterfall = (
        pay(fee("trustee"))
        >> pay(*(interest(name) for name in names), sharing=sharing)
        >> pay(*(word(name) for name in names), sharing=sharing)
        >> pay(residual("E"))
    )
    return plan_of(waterfall, *notes, Equity("E"), Fee("trustee", annual=3.0), periods=6)


@given(plan=sequential() | sequential(prepaid="in order"), seed=SEEDS)
def test_no_junior_interest_is_paid_while_a_senior_is_in_arrears(plan, seed):
    flows, _ = drawn(plan, seed, 20)
    names = list(plan.notes_by_name)
    for i, senior in enumerate(names):
        late = flows.arrears[senior] > 1e-9
        for junior in names[i + 1 :]:
            assert not flows.interest[junior][late].any()
        # nor is any principal paid, nor anything left for the equity
        assert not any(flows.principal[name][late].any() for name in names)
        assert not flows.interest["E"][late].any()


@given(plan=sequential(), seed=SEEDS, cut=st.floats(0.0, 1.0))
def test_smaller_receipts_never_raise_the_principal_the_senior_has_had(plan, seed, cut):
    full = random_receipts(plan, seed, 20)
    less = full_less(full, seed, cut)
    rich, poor = (distribute(plan, receipts, engine="reference") for receipts in (full, less))
    senior = plan.tranches["A"]
    more, fewer = (flows.principal["A"].cumsum(axis=1) for flows in (rich, poor))
    assert (fewer <= more + 1e-9 * senior.notional).all()
    # what the senior is still owed in all, balance and interest, is never less
    owed = [flows.balance["A"] + flows.arrears["A"] for flows in (rich, poor)]
    assert (owed[1] >= owed[0] - 1e-9 * senior.notional).all()


@given(
    plan=sequential(coupon=0.0) | sequential(prepaid="in order", coupon=0.0),
    seed=SEEDS,
    cut=st.floats(0.0, 1.0),
)
def test_smaller_receipts_never_raise_the_cash_of_a_senior_without_interest(plan, seed, cut):
    full = random_receipts(plan, seed, 20)
    rich, poor = (
        distribute(plan, receipts, engine="reference") for receipts in (full, full_less(full, seed, cut))
    )
    had = [flows.cash("A").cumsum(axis=1) for flows in (rich, poor)]
    assert (had[1] <= had[0] + 1e-9).all()


def full_less(receipts, seed, cut):
    """The same receipts, each less by a random part of itself, some to nothing."""
    rng = np.random.default_rng(seed + 2)
    fields = {
        name: array * np.minimum(rng.uniform(cut, 1.3, array.shape), 1.0) * (rng.random(array.shape) > 0.1)
        for name, array in receipts.fields.items()
        if name in CASH
    }
    return type(receipts)(receipts.dates, **fields, scenarios=receipts.scenarios)


def test_later_repayment_earns_more_interest_so_smaller_receipts_can_raise_cumulative_cash():
    # why the law above speaks of principal: 100 at 10 %, repaid by 110 in year 1, or by 11 then and 109.89 in year 2
    plan = plan_of(
        pay(interest("A")) >> pay(principal("A")) >> pay(residual("E")),
        Note("A", 100.0, coupon=Fixed(0.10)),
        Equity("E"),
        periods=2,
    )
    flows = paid(plan, revenue=[[110.0, 200.0], [11.0, 199.0]])
    assert flows.cash("A").sum(axis=1) == pytest.approx([110.0, 11.0 + 9.9 + 99.0])
