"""The compiler alone: random programs straight on `Code`, in every kernel and as native code, against plain evaluation."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterfalls import Equity, Fixed, Note, Receipts, distribute, interest, pay, principal, residual
from waterfalls.cashflows import Cashflows
from waterfalls.clock.schedule import schedule
from waterfalls.distribute import settle
from waterfalls.engines import native
from waterfalls.engines.fast import BROKEN, execute, program, write
from waterfalls.engines.program import FEW
from waterfalls.engines.program_writer import Code
from waterfalls.errors import Unbalanced
from waterfalls.plan import inputs_of, resolve

PERIODS, LANES = 11, 128
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "min": lambda a, b: np.where(b < a, b, a),
    "max": lambda a, b: np.where(b > a, b, a),
    "ge": lambda a, b: np.where(a >= b, 1.0, 0.0),
    "gt": lambda a, b: np.where(a > b, 1.0, 0.0),
}


pytestmark = pytest.mark.usefixtures("own_folder")


class Dates:
    """All that `Code` asks of a plan here."""

    class schedule:
        periods = PERIODS


@st.composite
def programs(draw):
    """Steps on three symbols that live on: (op, target, operands); some stand under a condition."""
    values = st.integers(0, 7)  # symbols 0-2, inputs 3-4, a curve 5, constants 6-7
    op = st.sampled_from([*BINARY, "select", "ratio", "adjust", "when"])
    return draw(st.lists(st.tuples(op, st.integers(0, 2), values, values, values), min_size=1, max_size=25))


def written(code, steps, curve):
    """A program as instructions."""

    def value(i):
        leaf = (code.input("rate", "x"), code.input("rate", "y"), code.curve(curve), code.zero, code.constant(1.5))
        return code[(str(i),)] if i < 3 else leaf[i - 3]

    for op, target, a, b, c in steps:
        key = (str(target),)
        if op == "when":
            for _ in code.when(code.gt(value(a), 0.0)):
                code[key] = code[key] + value(b)
                code[key] = code[key] - value(c)
        elif op == "select":
            code[key] = code.select(value(a), value(b), value(c))
        elif op == "ratio":
            code[key] = code.ratio(value(a), value(b), 0.25)
        elif op == "adjust":
            code[key] = code[key] + value(b) * value(c)
        else:
            code[key] = code.made(op, value(a), value(b))


def evaluated(steps, curve, inputs):
    """The same in plain arithmetic: the three symbols (3, T, S) after every date."""
    symbols = [np.full(inputs.shape[1], start) for start in (0.0, 1.0, -2.0)]
    history = []
    for t in range(PERIODS):
        for op, target, *operands in steps:
            leaf = [*symbols, *inputs[:, :, t], np.full(inputs.shape[1], curve[t])]
            leaf += [np.zeros(inputs.shape[1]), np.full(inputs.shape[1], 1.5)]
            a, b, c = (leaf[i] for i in operands)
            old = symbols[target]
            with np.errstate(all="ignore"):
                if op == "when":
                    # the second step reads what the first one wrote
                    new = old + b
                    seen = new if operands[2] == target else c
                    new = np.where(a > 0.0, new - seen, old)
                elif op == "select":
                    new = np.where(a > 0.0, b, c)
                elif op == "ratio":
                    new = np.where(b != 0.0, a / b, 0.25)
                elif op == "adjust":
                    new = old + b * c
                else:
                    new = BINARY[op](a, b)
            symbols[target] = new
        history.append(list(symbols))
    return np.array(history).transpose(1, 0, 2)


@given(steps=programs(), seed=st.integers(0, 2**32 - 1))
def test_random_programs_are_their_plain_evaluation(steps, seed):
    from waterfalls.engines import kernel

    rng = np.random.default_rng(seed)
    inputs = np.round(rng.uniform(-1.0, 1.0, (2, LANES + 3, PERIODS)), 1)  # coarse, so that ties and zeros occur
    curve = np.round(rng.uniform(-1.0, 1.0, PERIODS), 1)
    given_ = {("rate", "x"): inputs[0], ("rate", "y"): inputs[1]}
    code = Code(Dates(), dict.fromkeys(given_), {("0",): 0.0, ("1",): 1.0, ("2",): -2.0})
    written(code, steps, curve)
    keys = [("0",), ("1",), ("2",)]
    made = code.finish(keys, keys)
    wanted = evaluated(steps, curve, inputs)
    for count in (1, FEW - 1, LANES + 3):
        run, lanes = kernel.of(count)
        fields = np.array([given_[key][:count] for key in made.inputs]).reshape(len(made.inputs), count, PERIODS)
        outputs = np.empty((-(-count // lanes), PERIODS, made.width, lanes))
        ends = np.empty((3, count))
        run(made.instructions, made.initial, made.curves, fields, 0.0, outputs, made.finals, ends)
        as_evaluated(made, outputs, ends, wanted)
        if code := native.code_of(made):
            as_evaluated(made, *native.execute(code, made, list(fields), count, 0.0), wanted)


def as_evaluated(made, outputs, ends, wanted):
    """Asserts that a run stored what a program evaluates to, at every date and at the last."""
    count, keys = ends.shape[1], [("0",), ("1",), ("2",)]
    for i, key in enumerate(keys):
        if key in made.fixed:
            np.testing.assert_array_equal(wanted[i][:, :count], made.fixed[key])
        else:
            stored = outputs[:, :, made.slots[key], :].transpose(1, 0, 2).reshape(PERIODS, -1)[:, :count]
            np.testing.assert_array_equal(stored, wanted[i][:, :count])
        np.testing.assert_array_equal(ends[i], wanted[i][-1, :count])


# A deal small enough to break by hand


def small(periods=8):
    dates = schedule(
        closing=dt.date(2026, 1, 15),
        first_payment=dt.date(2026, 4, 15),
        maturity=dt.date(2026 + periods // 4, 1, 15),
        frequency="quarterly",
        calendar="none",
    )
    clauses = pay(interest("A")) >> pay(principal("A")) >> pay(residual("E"))
    return resolve(
        "small", "USD", dates, tranches=[Note("A", 90.0, coupon=Fixed(0.05)), Equity("E")], waterfall=clauses
    )


def received(plan, scenarios, seed=3):
    paid = np.random.default_rng(seed).uniform(0.0, 20.0, (scenarios, plan.schedule.periods))
    return Receipts(plan.schedule.ends, interest=paid, scenarios=range(scenarios))


def test_what_was_not_kept_is_run_again_when_asked_for():
    plan = small()
    receipts = received(plan, 200)
    whole = distribute(plan, receipts, engine="fast")
    part = settle(plan, receipts, {}, engine="fast", keep=[("principal", "A")])
    assert part.outputs.blocks.shape[2] == 1
    for name in ("principal", "balance", "interest"):
        np.testing.assert_array_equal(getattr(part, name)["A"], getattr(whole, name)["A"])
    assert [len(block.scenarios) for block in part.blocks()] == [128, 72]


def test_a_law_that_does_not_hold_is_counted_and_named(monkeypatch):
    from waterfalls.clauses.claims import Debt

    def lose(self, m, amount):  # pays, and takes too little off what is owed
        m["owed", self.kind, self.name] -= amount * 0.5
        m["paid", self.kind, self.name] += amount

    monkeypatch.setattr(Debt, "receive", lose)
    plan = small()
    with pytest.raises(Unbalanced, match="interest A of 'small' on "):
        distribute(plan, received(plan, 40), engine="fast")


@pytest.mark.parametrize("scenarios", [1, 40])
@pytest.mark.parametrize("keep", [None, ()])
def test_the_program_proves_the_laws_whatever_is_kept(monkeypatch, keep, scenarios):
    from waterfalls.engines import totals

    plan = small()
    inputs = inputs_of(plan, received(plan, scenarios), {})
    assert not execute(plan, inputs, scenarios, keep, sums=True).carried[BROKEN].any()
    before = totals.settle

    def negative(m, plan):
        before(m, plan)
        m["total", "draws", "A"] = -1.0

    monkeypatch.setattr(totals, "settle", negative)  # what the laws do not speak of breaks none
    plan = small()
    ran = execute(plan, inputs, scenarios, keep, sums=True)
    assert (ran.carried["total", "draws", "A"] == -1.0).all() and not ran.carried[BROKEN].any()


def test_what_is_left_of_an_amount_is_known_not_to_be_negative():
    plan = small()
    code = Code(plan, {}, plan.opening | {BROKEN: 0.0})
    balance, cash = code["balance", "A"], code[("cash",)]
    left, lower, masked = balance - code.min_(cash, balance), balance - cash, code.select(cash, balance, code.zero)
    sure = code.positive([("balance", "A"), ("cash",)])
    assert sure[left.id] and sure[(masked).id] and not sure[lower.id]
    assert not code.positive([("cash",)])[left.id]  # of a balance that nothing tests, nothing follows


def test_a_program_is_remembered_until_its_inputs_change_shape():
    plan = small()
    inputs = inputs_of(plan, received(plan, 40), {})
    first = program(plan, inputs, 40, None, False)
    assert program(plan, inputs_of(plan, received(plan, 200, seed=9), {}), 200, None, False) is first
    assert program(plan, inputs, 40, (), False) is not first
    alike = {key: array[:1] for key, array in inputs.items()}
    assert program(plan, alike, 40, None, False) is not first


def test_one_program_serves_every_run_of_few_scenarios():
    plan = small()
    inputs = inputs_of(plan, received(plan, 3), {})
    alike = {key: array[:1] * 0.5 for key, array in inputs.items()}
    first = program(plan, inputs, 3, None, False)
    assert program(plan, alike, 3, None, False) is first and program(plan, alike, 1, None, False) is first


def test_outputs_that_never_change_are_not_stored():
    plan = small()
    made = write(plan, dict.fromkeys(inputs_of(plan, received(plan, 40), {})))
    assert made.fixed["drawn", "A"] == 0.0 and made.fixed["undrawn", "A"] == 0.0 and made.fixed["balance", "E"] == 0.0
    assert made.fixed.keys() | made.slots.keys() == set(plan.outputs) and not made.fixed.keys() & made.slots.keys()
    assert made.width <= len(made.slots)


def test_flows_given_from_outside_keep_every_output_in_its_place():
    plan = small()
    outputs = np.arange(2.0 * plan.schedule.periods * len(plan.outputs)).reshape(1, -1, len(plan.outputs), 2)
    flows = Cashflows(plan, received(plan, 2), {}, outputs)
    for k, key in enumerate(plan.outputs):
        np.testing.assert_array_equal(flows[key], outputs[0, :, k, :].T)
