"""Wrappers: the order in which those behind an institution bear, and that they bear all of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.bearers.institutions import Institutions, load_institutions
from pricing.bearers.wrappers import (
    Bank,
    Company,
    LeveragedFund,
    LifeInsurer,
    MutualFund,
    PassThrough,
    PensionPlan,
    SavingsPlan,
    unwrap,
)
from waterfalls.errors import InvalidTerms, UnknownName

AMOUNT, SHARE = st.floats(0.0, 1e3), st.floats(0.0, 1.0)
ANY = st.one_of(
    st.builds(Bank, AMOUNT, at1=AMOUNT, bail_in=AMOUNT),
    st.builds(LifeInsurer, AMOUNT, unit_linked=SHARE, participation=SHARE, bonus_reserve=AMOUNT),
    st.builds(MutualFund, AMOUNT, leaving=SHARE, stale=SHARE, swing=SHARE),
    st.builds(PensionPlan, AMOUNT, st.floats(1.0, 1e3), employer=SHARE, floor=SHARE, sponsor_fails=SHARE),
    st.builds(LeveragedFund, AMOUNT),
    st.builds(Company, AMOUNT),
    st.just(SavingsPlan()),
    st.just(PassThrough({"savers": 0.25, "taxpayers": 0.75})),
)


@given(ANY, st.lists(st.floats(-100.0, 5e3), min_size=1, max_size=4))
def test_what_is_lost_is_borne(wrapper, loss):
    borne = wrapper(np.array(loss))
    np.testing.assert_allclose(sum(borne.values()), loss, atol=1e-9 * 5e3)


@given(ANY, st.floats(0.0, 5e3), st.floats(0.0, 5e3))
def test_a_larger_loss_leaves_no_bearer_better_off(wrapper, loss, more):
    small, large = wrapper(loss), wrapper(loss + more)
    assert set(small) == set(large)
    for name in small:
        assert large[name] >= small[name] - 1e-9


def numbers(borne):
    return {name: pytest.approx(float(amount)) for name, amount in borne.items()}


def test_a_bank_loses_its_equity_before_anyone_else():
    bank = Bank(100.0, at1=10.0, bail_in=50.0)
    first, last = "bank shareholders", "deposit insurer and taxpayers"
    assert numbers(bank(30.0)) == {first: 30.0, "AT1 holders": 0.0, "bail-in creditors": 0.0, last: 0.0}
    assert numbers(bank(200.0)) == {first: 100.0, "AT1 holders": 10.0, "bail-in creditors": 50.0, last: 40.0}
    assert numbers(bank(-5.0))[first] == -5.0


def test_policyholders_bear_what_is_theirs_and_a_part_of_the_general_account():
    borne = LifeInsurer(60.0, unit_linked=0.25, participation=0.5, bonus_reserve=20.0)(100.0)
    assert numbers(borne) == {"policyholders": 45.0, "insurer shareholders": 55.0, "guaranty schemes": 0.0}


def test_those_who_leave_a_fund_first_leave_their_loss_behind():
    borne = numbers(MutualFund(1000.0, leaving=0.2, stale=0.5)(100.0))
    assert borne == {"fund investors who leave": 10.0, "fund investors who stay": 90.0, "lenders to funds": 0.0}
    swung = numbers(MutualFund(1000.0, leaving=0.2, stale=0.5, swing=1.0)(100.0))
    assert swung["fund investors who leave"] == 20.0


def test_a_pension_plan_loses_surplus_then_the_employer_and_members_share():
    plan = PensionPlan(110.0, 100.0, employer=0.7, floor=0.8, sponsor_fails=0.5)
    borne = numbers(plan(40.0))  # 10 surplus, 20 down to the floor, 10 below it, half of it insured
    assert borne == {"plan surplus": 10.0, "plan sponsors": 17.5, "pensioners": 7.5, "pension insurers": 5.0}


def test_a_wider_spread_shrinks_what_a_plan_promises_on_paper():
    plan = PensionPlan(90.0, 100.0, duration=10.0, spread_share=1.0)
    assert plan.funded_ratio() == pytest.approx(0.9)
    assert plan.funded_ratio(5.0) == pytest.approx(0.85)
    assert plan.funded_ratio(5.0, spread_bp=100.0) == pytest.approx(0.85 * np.exp(0.1))


def test_liability_is_limited_and_lenders_bear_the_rest():
    assert numbers(LeveragedFund(30.0)(50.0)) == {"fund investors": 30.0, "margin lenders": 20.0}
    assert numbers(Company(30.0)(50.0)) == {"shareholders": 30.0, "corporate creditors": 20.0}
    assert numbers(SavingsPlan()(7.0)) == {"savers": 7.0}


def test_a_class_without_a_wrapper_is_refused():
    with pytest.raises(InvalidTerms, match="'family offices' has none, so nobody knows who bears its loss"):
        unwrap({"banks": 1.0, "family offices": 2.0}, {"banks": Bank(10.0)})
    assert numbers(unwrap({"a": 1.0, "b": 2.0}, {"a": Company(10.0), "b": Company(10.0)}))["shareholders"] == 3.0


def test_wrappers_that_cannot_be_are_refused():
    with pytest.raises(InvalidTerms, match=r"shares: must sum to 1, got 0.9 \(savers 0.9\)"):
        PassThrough({"savers": 0.9})
    with pytest.raises(InvalidTerms, match="equity: .*greater than or equal to 0, got -1"):
        Bank(-1.0)


# The file that ships


def test_the_institutions_that_ship_are_sound_and_every_number_has_its_source():
    known = load_institutions()
    assert {"banks", "insurers", "pension funds", "mutual funds", "private-credit funds", "sponsor"} <= {
        one.name for one in known.institutions
    }
    said = tuple(known.sources)
    places = [f"institutions[{i}]" for i in range(len(known.institutions))]
    places += [f"owners[{name!r}]" for name in known.owners] + [f"depth[{name!r}]" for name in known.depth]
    assert [place for place in places if place not in said] == []
    for i, one in enumerate(known.institutions):
        for asset, amount in one.other.items():
            place = f"institutions[{i}].other[{asset!r}]"
            assert place in said or "assumption" in known.sources[f"institutions[{i}]"], (place, amount)
    for place, source in known.sources.items():
        assert set(source) in ({"tier", "source"}, {"assumption"}), place
    with pytest.raises(UnknownName, match="there is no institution 'bank'. Did you mean 'banks'?"):
        known["bank"]


def test_institutions_that_cannot_be_together_are_refused():
    first = load_institutions().institutions[0]
    with pytest.raises(InvalidTerms, match="'banks' stands more than once"):
        Institutions((first, first))
    with pytest.raises(InvalidTerms, match=r"owners: there is no institution 'bnks'\. Did you mean 'banks'\?"):
        Institutions((first,), owners={"bnks": {"savers": 1.0}}, ends=("savers",))
    with pytest.raises(InvalidTerms, match=r"must not sum to more than 1, got 1.5"):
        Institutions((first,), owners={"banks": {"savers": 0.75, "taxpayers": 0.75}}, ends=("savers", "taxpayers"))


def test_institutions_are_converted_amount_by_amount():
    pounds = load_institutions().converted("GBP", 0.75)
    assert pounds.currency == "GBP" and pounds["banks"].assets == pytest.approx(18.0e12)
    assert pounds["banks"].threshold == load_institutions()["banks"].threshold
    assert pounds["banks"].wrapper == Bank(1.575e12, at1=0.15e12, bail_in=1.125e12)
    assert pounds.depth["deal"] == pytest.approx(3.75e11)
