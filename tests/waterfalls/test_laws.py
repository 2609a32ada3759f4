"""The laws of cash and of claims, computed anew from the tables of `Cashflows` and never from its own proof."""

import numpy as np
import pytest
from deals import SEEDS, paid, plan_of, plans, random_rates, random_receipts, year
from hypothesis import given
from hypothesis import strategies as st

from waterfalls import EqualInstalments, Equity, Fee, Fixed, Floating, Note, distribute
from waterfalls.fields import CASH, EXPENSES
from waterfalls.words import fee, interest, pay, principal, residual, scheduled_principal


def drawn(plan, seed, scenarios=3):
    rates = random_rates(plan, seed, scenarios)
    return distribute(plan, random_receipts(plan, seed, scenarios), rates=rates, engine="reference"), rates


def before(closing, opening):
    """A stock (S, T) at the start of each period."""
    return np.hstack([np.full((closing.shape[0], 1), opening), closing[:, :-1]])


def close(left, right, plan):
    scale = sum(tranche.notional for tranche in plan.tranches.values())
    np.testing.assert_allclose(left, right, rtol=0.0, atol=1e-9 * scale)


def rate_of(coupon, plan, rates, flows):
    """A coupon by period, from its terms, the rates given and the event that steps it up."""
    begins = plan.schedule.unadjusted[:-1]
    steps = [sum(step for date, step in coupon.step_up.items() if begin >= date) for begin in begins]
    for condition, step in coupon.step_up_while.items():
        steps = steps + step * flows.receipts.events[condition.name]
    if isinstance(coupon, Fixed):
        return coupon.rate + np.array(steps)
    assert isinstance(coupon, Floating)
    rate = coupon.multiple * rates[coupon.index] + coupon.margin + np.array(steps)
    rate = np.clip(rate, -np.inf if coupon.floor is None else coupon.floor, None)
    return np.clip(rate, None, np.inf if coupon.cap is None else coupon.cap)


def every_run_proves_itself(plan, flows, rates):
    flows.check()


def cash_in_is_cash_out_plus_what_accounts_keep(plan, flows, rates):
    live = flows[("live",)] if plan.sells else 1.0
    came = sum(flows.receipts[name] for name in CASH) * live + sum(flows.draws[name] for name in plan.tranches)
    came = came + (flows[("proceeds",)] if plan.sells else 0.0)
    for name in plan.replacements:
        came = came + flows["earned", name] + flows["repaid", name] + flows["recovered", name] - flows["spent", name]
    for name, account in plan.accounts.items():
        opening = before(flows.accounts[name], account.balance)
        known = {"None": opening, "interest_collections()": flows.receipt("interest") + flows.receipt("revenue")}
        if (on := known.get(str(account.income_on))) is not None:
            close(flows["income", name], on * account.rate * plan.schedule.accruals(account.day_count), plan)
        came = came + opening + flows["income", name]
    tables = (flows.interest, flows.principal, flows.fees, flows.expenses, flows.accounts)
    went = sum(table[name] for table in tables for name in table)
    for name in plan.facilities:
        came = came + flows["lent", name]
        went = went + flows["paid", "interest", name] + flows["principal", name]
    for name in plan.hedges:
        came, went = came + flows["received", name], went + flows["paid", "hedge", name]
    close(came, went, plan)


def interest_accrues_on_the_balance_and_what_is_unpaid_stays_owed(plan, flows, rates):
    for name, note in plan.notes_by_name.items():
        owed = before(flows.arrears[name], note.arrears)
        base = before(flows.balance[name], note.outstanding)
        if str(note.interest_on) == "balance('class A')":
            base = before(flows.balance["class A"], plan.notes_by_name["class A"].outstanding)
        elif note.interest_on is not None:
            assert str(note.interest_on) == "pool_balance()"
            base = flows.receipts["pool_balance"] * (flows[("live",)] if plan.sells else 1.0)
            for asset, terms in plan.replacements.items():  # as they stand before any is bought or sold
                gone = flows["repaid", asset] + flows["defaulted", asset]
                base = base + before(flows["assets", asset], terms.balance) - gone
        base = base + (owed if note.interest_on_arrears is True else 0.0)
        fractions = plan.schedule.accruals(note.day_count_in(plan.currency))
        rate = rate_of(note.coupon, plan, rates, flows)
        rate = rate if isinstance(note.coupon, Fixed) else np.maximum(rate, 0.0)  # no lender pays interest
        on_arrears = 0.0 if isinstance(note.interest_on_arrears, bool) else note.interest_on_arrears.rate
        close(flows.accrued[name], (base * rate + owed * on_arrears) * fractions, plan)
        additional = flows["paid", "additional", name] if note.additional_rate else 0.0
        if ("premium", name) in plan.flows:
            additional = additional + flows["premium", name]
        due = owed + flows.accrued[name] - flows.capitalised[name]
        due = due - (flows["lapsed", "interest", name] if note.lapses else 0.0)
        close(due, flows.interest[name] - additional + flows.arrears[name], plan)


def balances_move_by_draws_and_principal_alone(plan, flows, rates):
    for name, note in plan.notes_by_name.items():
        opening = before(flows.balance[name], note.outstanding)
        moved = flows.draws[name] + flows.capitalised[name] - flows.principal[name] - flows.written_down[name]
        close(opening + moved, flows.balance[name], plan)
        most = note.notional if note.revolving else note.outstanding + undrawn_at_start(note)
        added = flows.capitalised[name].cumsum(axis=1)
        assert (flows.balance[name] <= (most + added) * (1 + 1e-12)).all()
        if note.available_until is None:
            assert not flows.draws[name].any()
        if not note.revolving:
            assert (flows.draws[name].cumsum(axis=1) <= undrawn_at_start(note) + 1e-9).all()


def facilities_lend_up_to_their_limit_until_they_expire(plan, flows, rates):
    for name, facility in plan.facilities.items():
        opening = before(flows["balance", name], facility.balance)
        close(opening + flows["lent", name] - flows["principal", name], flows["balance", name], plan)
        assert (flows["balance", name] <= facility.limit * (1 + 1e-12)).all()
        assert (flows["lent", name] <= facility.limit - opening + 1e-9).all()  # repaid today is lent again tomorrow
        if facility.expires is not None:
            over = [day > facility.expires for day in plan.schedule.unadjusted[1:]]
            assert not flows["lent", name][:, over].any()
        if not facility.revolving:
            assert (flows["lent", name].sum(axis=1) <= facility.limit - facility.balance + 1e-9).all()


def hedges_settle_net(plan, flows, rates):
    for name, swap in plan.hedges.items():
        assert not (flows["accrued", "hedge", name] * flows["received", name]).any()
        legs = [0.0 if leg is None else rate_of(leg, plan, rates, flows) for leg in (swap.pay, swap.receive)]
        net = flows["accrued", "hedge", name] - flows["received", name]
        assert (net * (legs[0] - legs[1]) >= -1e-9).all()


def losses_are_written_up_no_further_than_they_were_written_down(plan, flows, rates):
    for name in plan.tranches:
        assert (flows.written_down[name].cumsum(axis=1) >= -1e-9).all()


def undrawn_at_start(note):
    return note.notional - note.outstanding if note.available_until is not None else 0.0


def fees_and_costs_are_paid_once(plan, flows, rates):
    for name, terms in plan.fees.items():
        if terms.annual is not None and terms.when is None:
            due = terms.annual * plan.schedule.accruals(terms.day_count)
            assert (flows.fees[name].cumsum(axis=1) <= terms.arrears + due.cumsum() + 1e-9).all()
    for name in plan.expenses:
        due = flows.receipts[EXPENSES[name]].cumsum(axis=1)
        assert (flows.expenses[name].cumsum(axis=1) <= due * (1 + 1e-12) + 1e-9).all()


def nothing_is_negative(plan, flows, rates):
    least = -1e-9 * sum(tranche.notional for tranche in plan.tranches.values())
    tables = (
        *(flows.interest, flows.principal, flows.balance, flows.draws, flows.accrued, flows.arrears),
        *(flows.shortfall, flows.missed, flows.capitalised, flows.fees, flows.expenses, flows.accounts),
    )
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
    facilities_lend_up_to_their_limit_until_they_expire,
    hedges_settle_net,
    losses_are_written_up_no_further_than_they_were_written_down,
    fees_and_costs_are_paid_once,
    nothing_is_negative,
    missed_principal_never_exceeds_the_balance,
)


@given(plan=plans(), seed=SEEDS)
def test_the_laws_hold_on_any_deal(plan, seed):
    flows, rates = drawn(plan, seed)
    for law in LAWS:
        law(plan, flows, rates)


# Sequential deals ------------------------------------------------------------------------------------------


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
    rich, poor = (distribute(plan, receipts, engine="reference") for receipts in (full, full_less(full, seed, cut)))
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
    # why the law above speaks of principal: 100 at 10 %, repaid by 110 in year 1, or by 11 then and 108.9 in year 2
    plan = plan_of(
        pay(interest("A")) >> pay(principal("A")) >> pay(residual("E")),
        Note("A", 100.0, coupon=Fixed(0.10)),
        Equity("E"),
        periods=2,
    )
    flows = paid(plan, revenue=[[110.0, 200.0], [11.0, 199.0]])
    assert flows.cash("A").sum(axis=1) == pytest.approx([110.0, 11.0 + 9.9 + 99.0])
