"""Clearing: published vectors, the two extremes, and what every clearing vector keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pricing.contagion.clearing import clearing
from waterfalls.errors import InvalidTerms


def named(given):
    count = len(given["external_assets"])
    names = [f"bank {i}" for i in range(count)]
    debts = {a: dict(zip(names, row, strict=True)) for a, row in zip(names, given["liabilities_i_owes_j"], strict=True)}
    external = given["external_liabilities"]
    return {
        "liabilities": debts,
        "assets": dict(zip(names, given["external_assets"], strict=True)),
        "external": None if external is None else dict(zip(names, external, strict=True)),
        "external_ranks": "senior" if given["external_senior"] else "pari passu",
        "alpha": given["alpha"],
        "beta": given["beta"],
    }


def cases(golden):
    return golden("contagion_clearing_en_rv")["cases"]


@pytest.mark.parametrize("number", range(11))
def test_the_golden_clearing_vectors(golden, number):
    case = cases(golden)[number]
    expected, tolerance = case["expected"], case["tolerance"]
    done = clearing(**named(case["inputs"]))
    np.testing.assert_allclose(done.payments[0], expected["computed_payments"], rtol=0.0, atol=tolerance)
    if "payments" in expected:
        np.testing.assert_allclose(done.payments[0], expected["payments"], rtol=0.0, atol=max(tolerance, 1e-8))
    assert np.flatnonzero(done.rounds[0]).tolist() == expected["default_set"]
    levels = [np.flatnonzero(done.rounds[0] == k).tolist() for k in range(1, done.rounds.max() + 1)]
    assert levels == expected["default_rounds"]
    # the case's equity is before what is not paid is taken off
    left = done.equity[0] + done.owed - done.payments[0]
    np.testing.assert_allclose(left, expected["equity_floor0"], rtol=0.0, atol=tolerance)
    if "neva_signed_equity" in expected:
        np.testing.assert_allclose(done.equity[0], expected["neva_signed_equity"], rtol=0.0, atol=tolerance)


def test_the_number_of_golden_cases(golden):
    assert len(cases(golden)) == 11


def test_default_costs_leave_room_for_two_answers(golden):
    done = clearing(**named(cases(golden)[1]["inputs"]))  # each owns 1 and owes the other 2.2
    assert done.payments[0].tolist() == [2.2, 2.2]
    assert done.least[0] == pytest.approx([1.0, 1.0])  # p = (1 + p) / 2, and 1 + 1 does not pay 2.2
    assert not done.unique[0]
    assert clearing(**named(cases(golden)[0]["inputs"])).unique[0]  # the first owes 2 only: 1 + 1 pays it


SIZES = st.integers(2, 6)


@st.composite
def networks(draw):
    count = draw(SIZES)
    amount = st.floats(0.0, 100.0)
    debts = draw(arrays(float, (count, count), elements=amount))
    np.fill_diagonal(debts, 0.0)
    own = draw(arrays(float, (3, count), elements=amount))
    external = draw(arrays(float, count, elements=amount))
    share = st.floats(0.0, 1.0)
    return debts, own, external, draw(share), draw(share), draw(st.sampled_from(["pari passu", "senior"]))


def solved(network, own=None):
    debts, given_own, external, alpha, beta, ranks = network
    names = [f"bank {i}" for i in range(len(debts))]
    own = given_own if own is None else own
    return clearing(
        {a: dict(zip(names, row, strict=True)) for a, row in zip(names, debts, strict=True)},
        dict(zip(names, own.T, strict=True)),
        external=dict(zip(names, external, strict=True)),
        external_ranks=ranks, alpha=alpha, beta=beta,
    )  # fmt: skip


@given(networks())
def test_every_vector_clears(network):
    debts, own, external, alpha, beta, ranks = network
    done = solved(network)
    first = external if ranks == "senior" else 0.0
    shares = np.divide(debts, done.owed[:, None], out=np.zeros_like(debts), where=done.owed[:, None] > 0.0)
    for p in (done.payments, done.least):
        received = p @ shares
        have = own + received - first
        kept = np.maximum(alpha * own + beta * received - first, 0.0)
        short = have < done.owed - 1e-9
        solvent = have > done.owed + 1e-9
        np.testing.assert_allclose(p[solvent], np.broadcast_to(done.owed, p.shape)[solvent], atol=1e-7)
        np.testing.assert_allclose(p[short], np.minimum(kept, done.owed)[short], atol=1e-7)
    assert (done.payments >= done.least - 1e-8).all()
    # cash: what is owned is what is kept, what is paid away and what default costs
    paid_out = done.payments * (1.0 - shares.sum(axis=1))
    outside = np.where(done.rounds > 0, np.minimum(first, alpha * own + beta * (done.payments @ shares)), first)
    kept = np.where(done.rounds > 0, 0.0, done.equity)
    np.testing.assert_allclose(own.sum(axis=1), (kept + paid_out + outside + done.cost).sum(axis=1), atol=1e-6)


@given(networks(), st.floats(0.0, 1.0))
def test_fewer_assets_never_raise_a_payment(network, left):
    more, fewer = solved(network), solved(network, network[1] * left)
    assert (fewer.payments <= more.payments + 1e-8).all()
    assert (fewer.least <= more.least + 1e-8).all()


def test_rich_debtors_pay_in_full():
    done = clearing({"a": {"b": 5.0}, "b": {"a": 7.0}}, {"a": 100.0, "b": 100.0})
    assert done.payments[0].tolist() == [5.0, 7.0] and not done.rounds.any() and not done.shortfall.any()
    assert done.unique.all()


def test_a_ring_without_cash_may_clear_in_full_or_not_at_all():
    done = clearing({"a": {"b": 5.0}, "b": {"a": 5.0}}, {"a": 0.0, "b": 0.0})
    assert done.payments[0].tolist() == [5.0, 5.0]
    assert done.least[0].tolist() == [0.0, 0.0]


def test_the_frame_says_who_fails_when_and_who_loses():
    done = clearing({"a": {"b": 10.0}, "b": {"c": 8.0}, "c": {}}, {"a": 4.0, "b": 1.0, "c": 0.0}, scenarios=("bad",))
    frame = done.frame().set_index("institution")
    assert frame["default_round"].tolist() == [1, 2, 0]
    assert frame["paid"].tolist() == pytest.approx([4.0, 5.0, 0.0])
    assert frame["credit_loss"].tolist() == pytest.approx([0.0, 6.0, 3.0])


REFUSED = {
    "itself": ({"a": {"a": 1.0}}, {"a": 1.0}, {}, "liabilities['a']: owes itself 1.00"),
    "negative": ({"a": {}}, {"a": -1.0}, {}, "assets['a']: must not be negative, got -1.00"),
    "unknown": ({"a": {"bb": 1.0}, "b": {}}, {"a": 1.0, "b": 0.0}, {}, "there is no name 'bb'. Did you mean 'b'?"),
    "missing": ({"a": {"b": 1.0}, "b": {}}, {"a": 1.0}, {}, "assets: says nothing of 'b'"),
    "rank": (
        {"a": {}},
        {"a": 1.0},
        {"external_ranks": "Senior"},
        "there is no rank of external debts 'Senior'. Did you mean 'senior'?",
    ),
    "share": ({"a": {}}, {"a": 1.0}, {"alpha": 1.5}, "alpha: must be from 0 to 1, got 1.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_networks_that_cannot_be_are_refused(case):
    debts, own, more, message = REFUSED[case]
    with pytest.raises(InvalidTerms) as caught:
        clearing(debts, own, **more)
    assert message in str(caught.value)
