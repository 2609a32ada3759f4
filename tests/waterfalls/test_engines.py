"""The reference engine, the kernel and native code give the same bits, on any deal and on any split of the scenarios.

Native code is that of more than 32 scenarios; of fewer the kernel runs.
"""

import itertools
import textwrap

import numpy as np
import pytest
from deals import SEEDS, plans, random_rates, random_receipts, same
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import plan_from

from waterfalls import Receipts, distribute
from waterfalls.engines.program import FEW

DEALS = 5 * settings().max_examples  # ten thousand in the deep profile


pytestmark = pytest.mark.usefixtures("own_folder")


def agree(plan, seed, scenarios):
    receipts, rates = random_receipts(plan, seed, scenarios), random_rates(plan, seed, scenarios)
    slow = distribute(plan, receipts, rates=rates, engine="reference")
    for engine in ("fast", "native") if scenarios > FEW else ("fast",):
        same(slow, distribute(plan, receipts, rates=rates, engine=engine))


@pytest.mark.parametrize("scenarios", [1, 2, 3])
@settings(max_examples=DEALS * 3 // 10)
@given(plan=plans(), seed=SEEDS)
def test_engines_agree_to_the_bit(scenarios, plan, seed):
    agree(plan, seed, scenarios)


@settings(max_examples=DEALS // 10)
@given(plan=plans(), seed=SEEDS)
def test_engines_agree_to_the_bit_across_blocks(plan, seed):
    agree(plan, seed, 130)


@given(plan=plans(), seed=SEEDS, cuts=st.sets(st.integers(1, 299), max_size=3))
def test_any_split_into_chunks_gives_the_same_bits(plan, seed, cuts):
    receipts, rates = random_receipts(plan, seed, 300), random_rates(plan, seed, 300)
    whole = distribute(plan, receipts, rates=rates, engine="fast")
    edges = [0, *sorted(cuts), 300]
    for start, stop in itertools.pairwise(edges):
        part = slice(start, stop)
        chunk_rates = {"SOFR": rates["SOFR"][part], "SONIA": rates["SONIA"]}
        for engine in ("fast", "native"):
            chunk = distribute(plan, receipts.rows(part), rates=chunk_rates, engine=engine)
            for key in plan.outputs:
                np.testing.assert_array_equal(whole[key][part], chunk[key], err_msg=" ".join(key))


@given(plan=plans(), seed=SEEDS)
def test_blocks_are_the_whole_in_pieces(plan, seed):
    receipts, rates = random_receipts(plan, seed, 130), random_rates(plan, seed, 130)
    whole = distribute(plan, receipts, rates=rates, engine="fast")
    blocks = list(whole.blocks())
    assert [len(block.scenarios) for block in blocks] == [128, 2]
    for name in plan.tranches:
        np.testing.assert_array_equal(np.concatenate([block.cash(name) for block in blocks]), whole.cash(name))


def test_what_stood_at_the_start_is_of_this_date_wherever_it_is_read():
    """A fee of the balance at the start of the start: 80, 60, 40 before each payment of 20, in every engine."""
    text = """
        tranches: [note: {name: A, notional: 80, coupon: {fixed: {rate: 0}}}]
        fees: [{name: f, amount: at_start(at_start(balance('A')))}]
        waterfall: [pay(principal('A')).capped(20), pay(fee('f')), pay(residual('E'))]
    """
    plan = plan_from(textwrap.dedent(text))
    for engine in ("reference", "fast", "native"):
        flows = distribute(plan, Receipts(plan.schedule.ends, principal=[200.0] * 3), engine=engine)
        assert flows.fees["f"].tolist() == [[80.0, 60.0, 40.0]], engine
