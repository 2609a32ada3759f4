"""Looking through vehicles: the published identity, conservation, and owners that cannot be."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.bearers.look_through import look_through
from waterfalls.errors import InvalidTerms


def table(rows, columns, cells):
    return {row: dict(zip(columns, line, strict=True)) for row, line in zip(rows, cells, strict=True)}


def test_the_golden_look_through(golden):
    case = golden("contagion_lookthrough_identity")
    given, expected = case["inputs"], case["expected"]
    holders, ends = given["holders"], given["end_bearers"]
    tranches = ["senior", "mezzanine", "junior", "equity"]
    # the case states C owner by vehicle and Q holder by end; here one table says who owns each vehicle
    owners = table(
        holders, [*holders, *ends], np.hstack([np.array(given["C_owner_by_vehicle"]).T, given["Q_holder_by_end"]])
    )
    seen = look_through(
        dict(zip(tranches, given["tranche_losses"], strict=True)),
        owners,
        ends=ends,
        shares=table(tranches, holders, given["H_tranche_by_holder"]),
    )
    for found, name in ((seen.direct, "direct"), (seen.holders, "with_lookthrough"), (seen.ends, "end_bearers")):
        np.testing.assert_allclose(found[0], expected[name], rtol=0.0, atol=case["tolerance"])
    assert seen.ends.sum() == pytest.approx(expected["total"], abs=case["tolerance"])
    assert seen.frame()["loss"].sum() == pytest.approx(55.0, abs=1e-10)
    assert seen.levels().set_index("holder").loc["DB_pension", "indirect_loss"] == pytest.approx(10.375)


NAMES = [f"vehicle {i}" for i in range(6)]
ENDS = ["savers", "taxpayers"]


@st.composite
def webs(draw):
    """Owners at random, every vehicle partly in the hands of an end."""
    weights = st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8)
    rows = np.array([draw(weights) for _ in NAMES]) + np.array([0.0] * 7 + [0.05])
    return table(NAMES, [*NAMES, *ENDS], rows / rows.sum(axis=1, keepdims=True))


@given(webs(), st.lists(st.floats(-1e9, 1e9), min_size=6, max_size=6), st.permutations(NAMES))
def test_what_is_lost_is_borne_and_the_order_of_names_is_nothing(owners, losses, order):
    seen = look_through(dict(zip(NAMES, losses, strict=True)), owners, ends=ENDS)
    again = look_through(
        {name: losses[NAMES.index(name)] for name in order}, {name: owners[name] for name in order}, ends=ENDS
    )
    size = np.abs(losses).sum()
    assert seen.ends.sum() == pytest.approx(sum(losses), abs=1e-9 * size)
    np.testing.assert_allclose(seen.ends, again.ends, atol=1e-9 * size)


@given(
    webs(), st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6), st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6)
)
def test_a_larger_loss_leaves_nobody_better_off(owners, losses, more):
    small = look_through(dict(zip(NAMES, losses, strict=True)), owners, ends=ENDS)
    large = look_through({n: a + b for n, a, b in zip(NAMES, losses, more, strict=True)}, owners, ends=ENDS)
    assert (large.ends - small.ends >= -1e-6).all()
    assert (large.holders - small.holders >= -1e-6).all()


def test_scenarios_are_seen_at_once_and_frames_are_joined_by_name():
    owners = pd.DataFrame({"savers": [1.0, 0.4], "fund": [0.0, 0.6]}, index=["fund", "feeder"])
    seen = look_through({"feeder": np.array([10.0, 20.0])}, owners, ends=["savers"], scenarios=("bad", "worse"))
    assert seen.ends.tolist() == [[10.0], [20.0]]
    assert seen.holders[:, seen.names.index("fund")].tolist() == [6.0, 12.0]
    assert list(seen.frame()["scenario"]) == ["bad", "worse"]


REFUSED = {
    "full cycle": (
        {"fund": {"feeder": 1.0}, "feeder": {"fund": 1.0}, "bank": {"savers": 1.0}},
        "owners: 'fund', 'feeder' own each other in full",
    ),
    "itself": ({"fund": {"fund": 1.0}}, "'fund' own each other in full"),
    "sum": ({"fund": {"savers": 0.9}}, "owners['fund']: must sum to 1, got 0.9 (savers 0.9)"),
    "negative": ({"fund": {"savers": 1.5, "feeder": -0.5}, "feeder": {"savers": 1.0}}, "shares must not be negative"),
    "unknown": ({"fund": {"saver": 1.0}}, "there is no name 'saver'. Did you mean 'savers'?"),
    "both": ({"savers": {"savers": 1.0}}, "'savers' is a vehicle"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_owners_that_cannot_be_are_refused(case):
    owners, message = REFUSED[case]
    with pytest.raises(InvalidTerms) as caught:
        look_through({"fund": 1.0}, owners, ends=["savers"])
    assert message in str(caught.value)


def test_a_loss_of_an_unknown_holder_is_refused():
    with pytest.raises(InvalidTerms, match=r"losses: there is no name 'fnd'\. Did you mean 'fund'\?"):
        look_through({"fnd": 1.0}, {"fund": {"savers": 1.0}}, ends=["savers"])
    with pytest.raises(InvalidTerms, match=r"losses\['fund'\]: must be a number, got nan"):
        look_through({"fund": float("nan")}, {"fund": {"savers": 1.0}}, ends=["savers"])
