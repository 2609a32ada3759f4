"""The text writer: lines that a reader can follow, and that say what the engines compute."""

import math
import re

import numpy as np
from deals import SEEDS, plans, random_rates, random_receipts
from hypothesis import given
from standard import RATES, pool, standard

from waterfalls import distribute
from waterfalls.distribute import fixings
from waterfalls.engines.floats import execute
from waterfalls.engines.text_writer import Said, text_of
from waterfalls.plan import inputs_of

WORDS = {
    "min": min,
    "max": max,
    "above": lambda a, b: float(a > b),
    "at_least": lambda a, b: float(a >= b),
    "both": lambda a, b: a * b,
    "either": max,
    "not_": lambda a: 1.0 - a,
    "select": lambda mask, yes, no: yes if mask > 0.0 else no,
    "ratio": lambda top, bottom, zero: top / bottom if bottom != 0.0 else zero,
    "inf": math.inf,
}


def followed(plan, inputs, s):
    """Every output (T, K), by a reader who knows arithmetic and nothing of the language."""
    page, results = text_of(plan, inputs), []
    lines = [
        compile(re.sub(r"\[([^\]]*)\]", lambda label: f"v[{label[1]!r}]", line), line, "exec")
        for line in page.lines
        if line.startswith("[")
    ]
    ends = {
        key: f"v[{value.text[1:-1]!r}]" if isinstance(value, Said) else repr(value)
        for key, value in page.symbols.items()
    }
    last = plan.opening
    for t in range(plan.schedule.periods):
        v = {" ".join(key): array[s if len(array) > 1 else 0, t] for key, array in inputs.items()}
        v |= {f"by date {i}": curve[t] for i, curve in enumerate(page.curves.values(), 1)}
        v |= {f"{' '.join(key)} before": last[key] for key in plan.opening}
        for line in lines:
            exec(line, WORDS, {"v": v})
        last = {key: eval(end, WORDS, {"v": v}) for key, end in ends.items()}
        results.append([last[key] for key in plan.outputs])
    return np.array(results)


def test_whoever_follows_the_lines_has_the_flows_to_the_bit():
    plan = standard(periods=40)
    inputs = inputs_of(plan, pool(plan, 3), fixings(plan, RATES, 3))
    flows = execute(plan, inputs, 3)
    for s in range(3):
        np.testing.assert_array_equal(followed(plan, inputs, s), flows[s])


@given(plan=plans(), seed=SEEDS)
def test_the_lines_of_random_deals_are_their_flows(plan, seed):
    receipts, rates = random_receipts(plan, seed, 1), random_rates(plan, seed, 1)
    flows = distribute(plan, receipts, rates=rates, engine="reference")
    lines = followed(plan, inputs_of(plan, receipts, fixings(plan, rates, 1)), 0)
    for k, key in enumerate(plan.outputs):
        np.testing.assert_array_equal(lines[:, k], flows[key][0], err_msg=" ".join(key))


def test_what_a_claim_was_due_and_paid_is_found_by_its_label():
    plan = standard(periods=2)
    lines = text_of(plan, inputs_of(plan, pool(plan, 1), fixings(plan, RATES, 1))).lines
    assert "[owed interest A-1] = [owed interest A-1 before] + [accrued interest A-1]" in lines
    first = lines.index("[due, interest on A-1] = [owed interest A-1]")
    paid = next(i for i, line in enumerate(lines) if line.startswith("[paid, interest on A-1] = "))
    left = lines.index("[owed interest A-1 (2)] = [owed interest A-1] - [paid, interest on A-1]")
    assert first < paid < left
    assert any(line.endswith(". to release from the reserve what exceeds its target") for line in lines)
    assigned = [line.partition(" = ")[0] for line in lines if line.startswith("[")]
    assert len(set(assigned)) == len(assigned)
