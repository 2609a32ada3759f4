"""Every word of the language said of every thing that a deal may declare: it is refused at reading, or the deal runs."""

import ast
import re

import numpy as np
import pytest
from tiny import flows_from, plan_from

from waterfalls import words  # noqa: F401  (every word is known)
from waterfalls.clauses.claims import Claim
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms, UnknownName
from waterfalls.language.expressions import Condition
from waterfalls.language.parsing import build
from waterfalls.language.vocabulary import WORDS

DECLARED = """
tranches:
- note: {name: plain, notional: 100.0, coupon: {fixed: {rate: 0.05}}}
- note: {name: floats, notional: 100.0, coupon: {floating: {index: SOFR, margin: 0.02}}}
- note: {name: level, notional: 100.0, coupon: {fixed: {rate: 0.05}}, amortisation: {level_payments: {first: 2027-01-15, count: 3}}}
- note: {name: sculpted, notional: 100.0, coupon: {fixed: {rate: 0.05}}, amortisation: {sculpted: {dscr: 1.2, first: 2027-01-15}}}
- note: {name: drawable, notional: 100.0, balance: 10.0, coupon: {fixed: {rate: 0.05}}, available_until: 2029-01-15}
- note: {name: anticipated, notional: 100.0, coupon: {fixed: {rate: 0.05}}, anticipated_repayment: 2027-01-15, additional_rate: 0.01}
- note: {name: IO, notional: 100.0, balance: 0.0, coupon: {fixed: {rate: 0.05}}, interest_on: "balance('plain')"}
- equity: {name: E}
- equity: {name: sponsor, commitment: 10.0, notional: 5.0}
accounts: [{name: reserve, target: 5}, {name: trap}]
facilities: [{name: LC, limit: 10.0}]
fees: [{name: trustee, annual: 1.0}]
hedges: [{swap: {name: swap, notional: 5, pay: {fixed: {rate: 0.01}}}}]
ledgers: [{name: PDL, account: reserve}]
replacements: [{name: bought, coupon: {fixed: {rate: 0.05}}, repays: 0.1}]
triggers: [{name: trip, test: "cash() > 5"}]
definitions: {adjusted: cash()}
"""
NAMES = (
    *("plain", "floats", "level", "sculpted", "drawable", "anticipated", "IO", "E", "sponsor", "reserve", "trap", "LC"),
    *("trustee", "swap", "PDL", "bought", "trip", "adjusted", "operating", "construction", "flag", "losses", "nobody"),
)
REST = (
    "pay(interest('LC', 'plain', 'floats', 'level', 'sculpted', 'drawable', 'anticipated', 'IO'), sharing='sequential')",
    "pay(expense('operating'))", "pay(top_up('reserve'))", "release('trap')", "release('reserve')", "pay(residual('E'))",
)  # fmt: skip
SAID = {  # the words that take more than a name
    "cure": "cure(oc_ratio({}), 1.2)", "llcr": "llcr({}, rate=0.05)", "make_whole": "make_whole({}, rate=0.03)",
    "forward_dscr": "forward_dscr({}, periods=2)", "hurdle": "hurdle({}, irr=0.1)", "draw": "draw({}, amount=5)",
    "write_down": "write_down({}, amount=5)", "write_up": "write_up({}, amount=5)", "debit": "debit({}, amount=5)",
}  # fmt: skip
NAMELESS = {
    *("pay", "call", "called", "min_", "max_", "at_start", "average", "ratio", "stepped", "always", "at_once", "cash"),
    *(
        "event_of_default",
        "on_or_after",
        "count",
        "by_date",
        "taxable",
        "yearly",
        "pool_balance",
        "defaulted_balance",
        "interest_collections",
    ),
    "principal_collections",
}


def clause_of(said):
    """A clause that says a word."""
    if isinstance(said, Clause):
        return str(said)
    if isinstance(said, Claim):
        return f"pay({said}).capped(50)"
    if isinstance(said, Condition):
        return f"pay(interest('plain')).when({said})"
    return f"pay(interest('plain')).capped(min_({said}, 9))"


def plan_saying(clause):
    return plan_from(DECLARED + "waterfall:\n" + "\n".join(f"  - {said}" for said in (clause, *REST)))


@pytest.mark.parametrize("word", sorted(set(WORDS) - NAMELESS))
def test_a_word_is_refused_at_reading_or_runs(word):
    ran = []
    for name in NAMES:
        text = SAID.get(word, word + "({})").format(repr(name))
        try:
            plan = plan_saying(clause_of(build(ast.parse(text, mode="eval").body)))
        except (InvalidTerms, UnknownName):
            continue
        if word == "event" and name != "flag":
            with pytest.raises(UnknownName, match="there is no event"):  # what the collateral raises comes with it
                flows_from(plan, rates={"SOFR": 0.03}, interest=[1.0] * 3, operating_cost=[0.0] * 3)
            continue
        arrives = {name: [50.0] * 3 for name in ("interest", "contracted", "value", "pool_balance", "losses")}
        flags = {"flag": np.ones((1, 3))}
        flows_from(
            plan, rates={"SOFR": 0.03}, events=flags, operating_cost=[1] * 3, construction=[0] * 3, **arrives
        ).check()
        ran.append(name)
    assert ran, "no deal can say it"


@pytest.mark.parametrize(
    ("clause", "message"),
    {
        "pay(additional_interest('plain'))": "'additional_interest('plain')' needs additional_rate, which 'plain' lacks: give it the rate",
        "pay(additional_interest('plain', 'anticipated'), sharing='sequential')": "needs additional_rate, which 'plain' lacks",
        "pay(additional_interest('LC'))": "there is no note 'LC'",
        "pay(top_up('trap'))": "'top_up('trap')' needs target, which 'trap' lacks: give it one, or deposit",
        "draw('plain', amount=5)": "needs available_until, which 'plain' lacks: the last date on which it may be drawn",
        "draw('E', amount=5)": "needs commitment, which 'E' lacks",
        "pay(interest('plain')).capped(undrawn('plain'))": "'undrawn('plain')' needs available_until, which 'plain' lacks",
        "pay(interest('plain')).capped(drawn('E'))": "'drawn('E')' needs commitment, which 'E' lacks",
        "pay(residual('E')).capped(hurdle('E', irr=0.1))": "needs notional or commitment, which 'E' lacks",
        "pay(interest('plain')).capped(expense_due('construction'))": "'expense_due('construction')' is read, but no clause pays expense('construction')",
    }.items(),
)
def test_a_word_needs_a_term_of_what_it_names(clause, message):
    with pytest.raises((InvalidTerms, UnknownName), match=re.escape(message)) as raised:
        plan_saying(clause)
    assert str(raised.value).startswith("waterfall[0]: ")


@pytest.mark.parametrize("clause", ["pay(principal('plain')).capped(ltv('plain'))", "pay(interest('plain')).when(oc_ratio('plain') < 1.2)",
                                    "pay(interest('plain')).capped(receipt('pool_balance'))", "pay(interest('plain')).capped(min_(receipt('value'), 5))",
                                    "pay(principal('plain')).when(receipt('delinquent_60') > 5)", "pay(interest('plain')).capped(receipt('contracted'))"])  # fmt: skip
def test_a_number_reads_what_the_collateral_reports(clause):
    plan = plan_from("tranches: [{note: {name: plain, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}]\nwaterfall:\n"
                     f"  - {clause}\n  - pay(residual('E'))")  # fmt: skip
    with pytest.raises(
        InvalidTerms, match=r"reads (value|pool_balance|delinquent_60|contracted), which the collateral does not report"
    ):
        flows_from(plan, interest=[1.0] * 3)
