"""The formula writer: lines that a spreadsheet evaluates to what the engines compute."""

import numpy as np
from deals import SEEDS, plans, random_rates, random_receipts
from formulas import evaluated, lines_of, said
from hypothesis import Phase, given, settings
from standard import RATES, pool, standard
from tiny import plan_from

from waterfalls import Receipts, distribute
from waterfalls.distribute import fixings
from waterfalls.engines.cell_formulas.lines import Line
from waterfalls.engines.cell_formulas.writer import formula_lines
from waterfalls.engines.floats import execute
from waterfalls.engines.laws import tolerance
from waterfalls.plan import inputs_of


def test_the_lines_of_a_whole_deal_evaluate_to_its_flows():
    plan = standard(periods=40)
    inputs = inputs_of(plan, pool(plan, 3), fixings(plan, RATES, 3))
    flows, page = execute(plan, inputs, 3), formula_lines(plan, inputs)
    for s in range(3):
        np.testing.assert_allclose(evaluated(page, plan, inputs, s), flows[s], rtol=1e-12, atol=tolerance(plan))


@settings(phases=[Phase.explicit, Phase.generate])  # a deal as it was drawn: smaller ones take minutes to find
@given(plan=plans(), seed=SEEDS)
def test_the_lines_of_any_deal_evaluate_to_its_flows(plan, seed):
    flows = distribute(
        plan, random_receipts(plan, seed, 2), rates=random_rates(plan, seed, 2), engine="reference"
    )  # proves the laws
    inputs = inputs_of(plan, flows.receipts, flows.rates)
    page = formula_lines(plan, inputs)
    for s in range(2):
        expected = np.stack([flows[key][s] for key in plan.outputs], axis=1)
        np.testing.assert_allclose(evaluated(page, plan, inputs, s), expected, rtol=1e-9, atol=tolerance(plan))


SMALL = """
tranches:
  - note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.04}}}
  - note: {name: B, notional: 50.0, coupon: {fixed: {rate: 0.08}}, deferrable: true}
accounts:
  - {name: reserve, target: 0.05 * balance('A'), balance: 4.0}
triggers:
  - {name: trap, test: dscr() < 1.10}
waterfall:
  - pay(interest('A')).supported_by('reserve')
  - pay(interest('B')).when(~trigger('trap'))
  - pay(top_up('reserve'))
  - pay(principal('A', 'B'), sharing='sequential')
  - pay(residual('E'))
"""


def told(page):
    """The lines as a reader sees them: [line above], <term or input>."""

    def seen(part):
        if isinstance(part, str):
            return part
        if isinstance(part, Line):
            return f"[{part.label}]"
        return f"<{part.args[0] if isinstance(part.args[0], (str, bytes)) else ' '.join(part.args[0])}>"

    lines = [line for line in lines_of(page) if line.what != "result"]
    return {line.label: "".join(map(seen, line.parts)) for line in reversed(lines)}


def page_of(text):
    plan = plan_from(text)
    receipts = Receipts(plan.schedule.ends, interest=np.zeros(plan.schedule.periods))
    return plan, formula_lines(plan, inputs_of(plan, receipts, {}))


def test_a_payment_reads_as_a_modeller_would_write_it():
    _, page = page_of(SMALL)
    lines = told(page)
    assert lines["interest falling due, A"] == "<balance A>*<A_rate>"
    assert lines["(1) paid, interest on A"] == "MIN([(1) due, interest on A],[(1) available])"
    assert lines["(2) applies"] == "1-[trigger on, trap]"
    assert lines["(1) available"] == "[cash left, after what was collected]+<account reserve>"
    assert lines["(2) left unpaid, interest on B"] == "[(2) due, interest on B]-[(2) paid, interest on B]"
    assert (
        lines["(4) balance after this payment, A"] == "[(4) balance before this payment, A]-[(4) paid, principal of A]"
    )
    assert lines["test, the debt service coverage is below 1.1"].endswith("<trap_test>,1,0)")


def test_every_number_of_the_terms_is_called_by_a_name_once():
    _, page = page_of(SMALL)
    assert {term.value for term in page.terms.values()} == {100.0, 50.0, 0.04, 0.08, 0.05, 4.0, 1.1, 0.0}
    names = [name.lower() for name in page.terms]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() and name.isascii() and not name[0].isdigit() for name in names)


def test_a_number_in_an_expression_has_the_unit_that_its_use_asks_for():
    _, page = page_of(SMALL.replace("0.05 * balance('A')", "\"max_(3.0, 0.05 * balance('A'))\""))
    units = {term.value: term.unit for term in page.terms.values()}
    assert units == {100.0: "money", 50.0: "money", 0.04: "rate", 0.08: "rate", 3.0: "money", 0.05: "multiple",
                     4.0: "money", 0.0: "money", 1.1: "ratio"}  # fmt: skip


TWO_REGIMES = (
    SMALL.replace("waterfall:", "waterfall:\n  usual:").replace("  - pay", "    - pay")
    + """
  enforced:
    - pay(principal('A', 'B'), sharing='pro rata by balance')
    - pay(residual('E'))
regimes: {enforced: trigger('trap')}
"""
)


def test_what_several_clauses_paid_is_summed_with_the_results_and_no_clause_has_a_line_named_as_another():
    _, page = page_of(TWO_REGIMES)
    heads = [item.title for item in page.items if not isinstance(item, Line)]
    result = next(line for line in lines_of(page) if line.what == "result" and line.label == "principal paid, A")
    assert "".join(part if isinstance(part, str) else part.label for part in result.parts) == (
        "(4) paid, principal of A+enforced (1) paid, principal of A"
    )
    assert heads.index("A after the date") > heads.index("Results of the date, which the next begins with")
    labels = [line.label for line in lines_of(page) if line.label.startswith(("(", "enforced ("))]
    assert len(labels) == len(set(labels))


def test_no_formula_reads_a_line_below_it():
    _, page = page_of(SMALL)
    seen = set()
    for line in lines_of(page):
        assert all(id(part) in seen for part in line.parts if isinstance(part, Line))
        seen.add(id(line))
        assert "None" not in said(line.parts)
