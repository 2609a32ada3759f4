"""The smallest joint move: distances known by hand, brute force on the market, and the same measures as everywhere."""

import numpy as np
import pytest
from market import closed, moved

from pricing.contagion.closed_loop.assumptions import Assumed
from pricing.contagion.closed_loop.closed_loop import economy_of
from pricing.contagion.closed_loop.sensitivity import MEASURES, in_words, measured
from pricing.contagion.closed_loop.smallest_move import nearest, smallest_move, value_at


def found_for(measure, level, gains):
    return nearest(lambda u: float(measure(u)), level, gains, float(measure(np.zeros(len(gains)))))


def test_a_plane_is_as_far_as_geometry_says():
    a = np.array([3.0, -4.0, 0.0])
    u, reached = found_for(lambda u: a @ u, 2.5, [1.0, -1.0, 0.0])  # a first direction that is not the slope
    assert np.linalg.norm(u) == pytest.approx(2.5 / 5.0, rel=2e-3)  # level / |a|
    assert u == pytest.approx(a * 2.5 / 25.0, abs=2e-3) and reached >= 2.5


def test_a_circle_around_another_point_is_as_far_as_its_nearest_point():
    centre = np.array([0.9, 0.6])  # the boundary is a circle of radius 0.5 around it
    u, _ = found_for(lambda u: -np.linalg.norm(u - centre), -0.5, [1.0, 0.4])
    assert np.linalg.norm(u) == pytest.approx(np.linalg.norm(centre) - 0.5, rel=5e-3)


def test_where_the_box_ends_the_others_go_on():
    u, _ = found_for(lambda u: 10.0 * min(u[0], 1.0) + u[1], 10.5, [10.0, 1.0])
    assert u == pytest.approx([1.0, 0.5], abs=0.02)


def test_what_is_not_within_the_box_is_not_found_and_what_holds_needs_no_move():
    u, reached = found_for(lambda u: u.sum(), 5.0, [1.0, 1.0])
    assert list(u) == [1.0, 1.0] and reached == 2.0
    u, reached = found_for(lambda u: 1.0 + u.sum(), 0.5, [1.0, 1.0])
    assert not u.any() and reached == 1.0


def test_parts_are_of_the_way_to_each_end():
    one = Assumed(1.0, low=0.5, high=3.0, reason="")
    assert [value_at(one, part) for part in (-1.0, -0.5, 0.0, 0.5, 1.0)] == [0.5, 0.75, 1.0, 2.0, 3.0]
    terms = {"a": one, "b": Assumed(2.0, low=1.0, high=2.0, reason=""), "idle": one}

    def measure(said):
        return said["a"] - 4.0 * said["b"]

    ends = {"a": (-7.5, -5.0), "b": (-3.0, -7.0), "idle": (-7.0, -7.0)}
    move = smallest_move("it", -5.0, measure, terms, -7.0, ends)
    assert move.found and set(move.parts) == {"a", "b"}  # slopes 2 and 4 a unit of the way: 2 / sqrt(20)
    assert move.distance == pytest.approx(2.0 / np.sqrt(20.0), rel=2e-3) and move.reached == pytest.approx(
        -5.0, abs=5e-3
    )
    assert move.parts["b"] == pytest.approx(-0.4, abs=5e-3) and move.values["b"] == pytest.approx(1.6, abs=5e-3)
    assert "b 1.6 (40 % of the way to its low)" in in_words(move)
    assert "nothing within the ranges is enough" in in_words(smallest_move("it", 9.0, measure, terms, -7.0, ends))


def test_the_market_reaches_the_level_there_and_no_nearer_in_any_direction_tried():
    loop, sure = closed(), moved()
    ratio, capital, never = sure.moves
    for move, m in ((ratio, 1), (capital, 2)):
        there = measured(loop, dict(move.values))[0][m]
        assert there == pytest.approx(move.level, rel=5e-3)
        names = list(move.parts)
        short = {name: value_at(loop.terms.assumptions[name], 0.95 * part) for name, part in move.parts.items()}
        assert measured(loop, short)[0][m] < move.level
        rng = np.random.default_rng(5)
        for _ in range(15):  # no farther, in random directions around the one found
            u = np.array(list(move.parts.values())) + 0.3 * move.distance * rng.standard_normal(len(names))
            u = np.clip(u * 0.97 * move.distance / np.linalg.norm(u), -1.0, 1.0)
            said = {name: value_at(loop.terms.assumptions[name], x) for name, x in zip(names, u.tolist(), strict=True)}
            assert measured(loop, said)[0][m] < move.level
    assert ratio.distance < capital.distance and not never.found and never.reached < 0.65


def test_as_taken_nothing_repaid_is_what_the_stress_says_without_the_loop():
    loop, sure = closed(), moved()
    made = loop.stress.beside.loc[0]
    y = economy_of(loop.stress, loop.vehicles, loop.terms)
    assert 100.0 * y.never_repaid(y.nothing) == pytest.approx(
        made["realised_per_cent"], rel=0.02
    )  # issued counts what may be drawn
    assert y.vehicles.unpaid(np.ones(16), np.zeros(16)).sum() == pytest.approx(made["realised_loss"], rel=1e-9)
    assert len(sure.taken) == len(MEASURES) and sure.taken[3] >= y.never_repaid(y.nothing)
