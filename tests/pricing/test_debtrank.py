"""DebtRank: by hand, in closed form, and against clearing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pricing.contagion.clearing import clearing
from pricing.contagion.debtrank import debtrank
from waterfalls.errors import InvalidTerms

# the balance sheets of neva (github.com/marcobardoscia/neva, data/): capital of 1 each, a ring of debts of 0.5
RING = {"0": {"2": 0.5}, "1": {"0": 0.5}, "2": {"1": 0.5}}
ONE = dict.fromkeys(RING, 1.0)


@pytest.mark.parametrize(
    ("shock", "spread", "recovery", "equity"),
    [
        # 0 fails: 2 loses 0.5, 1 loses half of 0.5, and 0 half of that again
        (1.2, "linear", 0.0, [-0.2 - 0.125, 0.75, 0.5]),
        (1.2, "once", 0.0, [-0.2 - 0.125, 0.75, 0.5]),
        (1.2, "on default", 0.0, [-0.2, 1.0, 0.5]),
        (1.2, "on default", 0.4, [-0.2, 1.0, 0.7]),
        (0.5, "on default", 0.0, [0.5, 1.0, 1.0]),
        (0.5, "once", 0.0, [0.5 - 0.0625, 1.0 - 0.125, 0.75]),
    ],
)
def test_a_ring_by_hand(shock, spread, recovery, equity):
    done = debtrank(RING, ONE, {"0": shock}, spread=spread, recovery=recovery)
    np.testing.assert_allclose(done.equity[0], equity, atol=1e-14)


def test_a_ring_in_closed_form():
    """h = (I - L)^-1 h0 while nobody fails: round the ring, 0.5 / (1 - 1/8) and its halves."""
    done = debtrank(RING, ONE, {"0": 0.5})
    h = 0.5 / (1.0 - 0.5**3)
    np.testing.assert_allclose(done.distress[0], [h, h / 4, h / 2], atol=1e-12)
    assert done.value[0] == pytest.approx((h - 0.5 + h / 4 + h / 2) / 3)
    frame = done.frame().set_index("institution")
    assert frame["first_distress"].tolist() == [0.5, 0.0, 0.0]


def test_what_spreads_to_those_who_lend_and_owe_nothing_counts():
    """Battiston et al. (2012): R = sum of v (h - h1), v a node's part of all that is lent: half of both lenders."""
    debts = {"debtor": {"lender": 0.5, "other": 2.0}, "lender": {}, "other": {}}
    done = debtrank(debts, {"debtor": 1.0, "lender": 1.0, "other": 4.0}, {"debtor": 1.0})
    np.testing.assert_allclose(done.distress[0], [1.0, 0.5, 0.5], atol=1e-14)
    assert done.value[0] == pytest.approx(0.2 * 0.5 + 0.8 * 0.5)


@st.composite
def networks(draw):
    count = draw(st.integers(2, 5))
    debts = draw(arrays(float, (count, count), elements=st.floats(0.0, 10.0)))
    np.fill_diagonal(debts, 0.0)
    return debts, draw(arrays(float, count, elements=st.floats(1.0, 20.0))), draw(st.floats(0.0, 1.0))


def named(debts):
    names = [f"bank {i}" for i in range(len(debts))]
    return names, {a: dict(zip(names, row, strict=True)) for a, row in zip(names, debts.tolist(), strict=True)}


@given(networks())
def test_linear_distress_solves_its_equation_and_bounds_the_others(network):
    debts, capital, part = network
    names, owed = named(debts)
    own = dict(zip(names, capital, strict=True))
    shock = dict(zip(names, part * capital, strict=True))
    done = debtrank(owed, own, shock)
    right = part * capital + done.distress[0] @ debts
    np.testing.assert_allclose(done.equity[0], capital - right, atol=1e-8 * (1.0 + right.max()))
    for spread in ("once", "on default"):
        assert (debtrank(owed, own, shock, spread=spread).equity >= done.equity - 1e-9).all(), spread


@given(networks(), st.floats(0.0, 3.0))
def test_clearing_never_loses_more_than_contagion_on_default(network, size):
    """Eisenberg and Noe pay what is there; on default without recovery nothing is paid."""
    debts, capital, part = network
    names, owed = named(debts)
    external = dict.fromkeys(names, 100.0)
    assets = capital + debts.sum(axis=1) + 100.0 - debts.sum(axis=0)
    shock = np.where(np.arange(len(names)) == 0, size * capital, part * capital)
    cleared = clearing(
        owed, dict(zip(names, np.maximum(assets - shock, 0.0), strict=True)), external=external, external_ranks="senior"
    )
    lost = debtrank(
        owed, dict(zip(names, capital, strict=True)), dict(zip(names, shock, strict=True)), spread="on default"
    )
    if (assets >= shock).all():
        unpaid = cleared.shortfall[0].sum(axis=0)
        assert (capital - shock - unpaid >= lost.equity[0] - 1e-7).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"capital": {"0": 1.0}}, "capital: says nothing of '1'"),
        ({"capital": {**ONE, "1": 0.0}}, "capital: must be above 0, got 0.00"),
        ({"losses": {"0": -1.0}}, "losses: must not be negative, got -1.00"),
        ({"recovery": 1.5}, "recovery: must be between 0 and 1, got 1.5"),
        (
            {"liabilities": {"0": {"1": 0.999999}, "1": {"0": 0.999999}, "2": {}}, "losses": {"0": 1e-9}},
            "liabilities: distress still spreads after 100,000 rounds",
        ),
        ({"spread": "linea"}, "there is no way to spread 'linea'. Did you mean 'linear'?"),
    ],
)
def test_what_cannot_be_is_refused(changed, message):
    with pytest.raises(InvalidTerms) as caught:
        debtrank(**{"liabilities": RING, "capital": ONE, "losses": {"0": 0.5}, **changed})
    assert message in str(caught.value)
