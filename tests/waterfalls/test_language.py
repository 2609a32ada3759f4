"""The language: text = Python = str(x), modifiers commute, `==` is structural, and what it refuses, in which words."""

import datetime

import numpy as np
import pytest
from deals import CLOSING, WORLD, amounts, clauses, clock, conditions, paid, plan_of, ratios, waterfalls, year
from hypothesis import given
from hypothesis import strategies as st

from waterfalls import Account, Equity, Facility, Fee, Fixed, Floating, Note, Receipts, Trigger, Waterfall, distribute
from waterfalls.clauses.waterfall import Clause
from waterfalls.clock.schedule import schedule
from waterfalls.errors import FirstLossError, InvalidTerms, UnknownName
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.parsing import parse
from waterfalls.terms.term import plain, read
from waterfalls.words import (
    balance,
    cash,
    deposit,
    draw,
    dscr,
    event,
    expense,
    expense_due,
    fee,
    interest,
    max_,
    min_,
    oc_ratio,
    on_or_after,
    pay,
    principal,
    ratio,
    release,
    residual,
    scheduled_principal,
    top_up,
    trigger,
)

# Text is Python is str(x) -------------------------------------------------------------------------------------------


@given(clause=clauses(WORLD))
def test_a_clause_reads_back_from_its_own_text(clause):
    assert parse(str(clause), Clause) == clause
    assert clause.words()


@given(condition=conditions(WORLD))
def test_a_condition_reads_back_from_its_own_text(condition):
    assert parse(str(condition), Condition) == condition
    assert condition.words() and condition.words_not()


@given(number=amounts(WORLD) | ratios(WORLD))
def test_a_number_reads_back_from_its_own_text(number):
    assert parse(str(number), Number) == (number if isinstance(number, Number) else parse(repr(number), Number))


@given(waterfall=waterfalls(WORLD))
def test_a_waterfall_reads_back_from_a_document(waterfall):
    found = []
    document = plain(waterfall)
    assert all(isinstance(line, str) for line in document)
    assert read(Waterfall, document, "waterfall", found) == waterfall
    assert not found


@given(name=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12))
def test_any_name_can_be_quoted(name):
    assert parse(str(balance(name) + 1.0), Number) == balance(name) + 1.0


def test_a_sentence_may_run_over_lines():
    text = """pay(interest('A'))
                  .when(oc_ratio('A') < 1.25)"""
    assert parse(text, Clause) == pay(interest("A")).when(oc_ratio("A") < 1.25)


# Modifiers ----------------------------------------------------------------------------------------------------------


@given(
    a=conditions(WORLD), b=conditions(WORLD), low=amounts(WORLD), high=amounts(WORLD), order=st.permutations(range(6))
)
def test_modifiers_commute(a, b, low, high, order):
    steps = [
        lambda clause: clause.when(a),
        lambda clause: clause.when(b),
        lambda clause: clause.capped(low),
        lambda clause: clause.capped(high),
        lambda clause: clause.supported_by("liquidity reserve"),
        lambda clause: clause.from_("trap"),
    ]
    straight = mixed = pay(interest("A-1"))
    for step in steps:
        straight = step(straight)
    for i in order:
        mixed = steps[i](mixed)
    assert mixed == straight and str(mixed) == str(straight)


def test_when_twice_is_and_and_capped_twice_is_the_least():
    twice = pay(principal("A")).when(event("x")).when(event("y")).capped(7.0).capped(5.0)
    note, flags = Note("A", 100.0, coupon=Fixed(0.0)), {"x": [0, 1, 0, 1], "y": [0, 0, 1, 1]}
    flows = paid(plan_of(twice >> pay(residual("E")), note, Equity("E")), revenue=9.0, events=flags)
    assert flows.principal["A"].tolist() == [[0.0, 0.0, 0.0, 5.0]]


def test_equality_is_of_what_is_said():
    assert (oc_ratio("A") < 1.25) == (oc_ratio("A") < 1.25)
    assert (oc_ratio("A") < 1.25) != (oc_ratio("A") < 1.3)
    assert balance("A", "B") != balance("B", "A")
    assert len({pay(interest("A")), pay(interest("A")), pay(principal("A"))}) == 2


# What has no truth yet ----------------------------------------------------------------------------------------------

A, B = oc_ratio("A"), oc_ratio("B")


@pytest.mark.parametrize(
    "said",
    [
        lambda: bool(A < 1.25),
        lambda: bool(A),
        lambda: 1.0 < A < 1.25,
        lambda: (A < 1.25) and (B < 1.25),
        lambda: not (A < 1.25),
        lambda: pay(interest("A")) if trigger("x") else None,
    ],
)
def test_an_expression_has_no_truth_before_a_deal_runs(said):
    with pytest.raises(TypeError, match=r"write & \| ~ for and, or, not"):
        said()


@pytest.mark.parametrize(
    "said",
    [
        lambda: 1.25 & (B < 1.0) > A,
        lambda: A < 1.25 & B,
        lambda: (A < 1.25) & B,
        lambda: (A < 1.25) & True,
        lambda: True | (A < 1.25),
        lambda: pay(interest("A")).when(A == 1.25),
        lambda: parse("oc_ratio('A') < 1.25 & trigger('x')", Condition),
        lambda: parse("oc_ratio('A') < 1.25 and trigger('x')", Condition),
        lambda: parse("not trigger('x')", Condition),
    ],
)
def test_conditions_are_joined_each_in_parentheses(said):
    with pytest.raises(InvalidTerms, match=r"\(x < 1.25\) & \(y > 0\)"):
        said()


@pytest.mark.parametrize(
    ("text", "wanted", "message"),
    [
        ("1 < oc_ratio('A') < 2", Condition, r"write \(a < b\) & \(b < c\)"),
        ("oc_ration('A') < 1.25", Condition, "there is no word 'oc_ration'. Did you mean 'oc_ratio'"),
        ("pay(intrest('A'))", Clause, "Did you mean 'interest'"),
        ("pay(interest('A')).wen(trigger('x'))", Clause, "there is no modifier 'wen'. Did you mean 'when'"),
        ("pay(interest(A))", Clause, "Names of the deal stand in quotes"),
        ("pay(interest('A'))", Condition, "is not a condition"),
        ("pay(interest('A')", Clause, "is not a sentence of the language"),
        ("__import__('os').system('true')", Clause, "there is no modifier 'system'"),
        ("balance.__class__", Number, "is not part of the language"),
        ("[1][0]", Number, "is not part of the language"),
        ("balance('A') ** 2", Number, "is not part of the language"),
        ("balance('A') / balance('B')", Number, r"can divide by zero: say what it is then, ratio\("),
        ("1 / balance('B')", Number, "can divide by zero"),
        ("balance('A') / 0", Number, "can divide by zero"),
        ("1 / 0", Number, "division by zero"),
        ("ratio(1, 2, zero='much')", Number, "a number or an expression is wanted, got 'much'"),
        (
            "balance('A').when(trigger('x'))",
            Clause,
            r"when belongs to a clause, such as pay\(...\).when\(...\), and balance\('A'\) is none",
        ),
        ("min_()", Number, "the least or greatest of what"),
        ("1e999", Number, "inf is not a number that terms can hold"),
        ("dscr(trailing=0)", Number, "trailing must be a whole number of periods, from 1 to 1200, got 0"),
        (
            "on_or_after('2026-13-01')",
            Condition,
            "a date from 1901 to 2199 such as '2026-11-30' is wanted, got '2026-13-01'",
        ),
        ("receipt('intrest')", Number, "there is no receipt 'intrest'. Did you mean 'interest'"),
        ("release('r').from_('s')", Clause, "from_ does not apply to release"),
    ],
)
def test_a_text_that_says_nothing_is_refused_with_advice(text, wanted, message):
    with pytest.raises(InvalidTerms, match=message) as caught:
        parse(text, wanted)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (lambda: pay(interest("A", "B")), "several claims share: say sharing= one of 'sequential'"),
        (lambda: pay(interest("A", "B"), sharing="pro rata"), "there is no sharing 'pro rata'. Did you mean"),
        (lambda: pay(fee("x"), interest("A"), sharing="pro rata by balance"), "only claims on notes have a balance"),
        (lambda: pay(expense("operating"), interest("A"), sharing="pro rata by balance"), "only claims on notes"),
        (lambda: pay(deposit("t"), residual("E"), sharing="pro rata by due"), "takes whatever there is"),
        (lambda: pay(interest("A", "B"), shares={"A": 1.0}), "shares must give 'B' a positive weight"),
        (lambda: pay(interest("A", "B"), shares={"A": 1.0, "B": 1.0, "C": 1.0}), "there is no claim 'C'"),
        (lambda: pay(interest("A", "B"), shares={"A": 1.0, "B": float("inf")}), "must give 'B' a positive weight"),
        (lambda: pay(interest("A", "A"), sharing="sequential"), r"one clause pays interest\('A'\) once"),
        (
            lambda: pay(scheduled_principal("A"), principal("A"), sharing="sequential"),
            r"one clause pays scheduled_principal\('A'\) once",
        ),
        (lambda: pay(interest("A")).from_("r").supported_by("r"), "takes cash out of 'r' once, not twice"),
        (lambda: pay(interest("A")).supported_by("r", "r"), "takes cash out of 'r' once, not twice"),
        (
            lambda: pay(top_up("r"), interest("A"), sharing="sequential").supported_by("r"),
            r"top_up\('r'\) would be paid out of 'r' itself: give it a clause of its own",
        ),
        (lambda: pay(deposit("r")).from_("r"), r"deposit\('r'\) would be paid out of 'r' itself"),
        (lambda: pay(principal("LC")).supported_by("LC"), r"principal\('LC'\) would be paid out of 'LC' itself"),
        (lambda: pay(interest("A")).supported_by("r").supported_by("s"), "name all supports in one supported_by"),
        (lambda: pay(interest("A")).from_("r").from_("s"), "is paid from 'r' already"),
        (lambda: draw("A", "A", amount=1.0), "draw on each name once"),
        (lambda: pay(), "pay what"),
        (lambda: pay("A"), r"pay takes claims such as interest\('A'\), got 'A'"),
        (lambda: interest(), "at least one note must be named"),
        (lambda: pay(interest("A")).capped(float("nan")), "nan is not a number that terms can hold"),
        (lambda: ratio(1.0, balance("A"), zero=float("nan")), "nan is not a number that terms can hold"),
        (lambda: balance("A") / cash(), "can divide by zero"),
        (lambda: max_(), "the least or greatest of what"),
        (lambda: min_("A"), "a number or an expression is wanted, got 'A'"),
        (lambda: pay(interest("A")) >> 5, "a waterfall is made of clauses"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_said(said, message):
    with pytest.raises(InvalidTerms, match=message):
        said()


# Deals that make no sense -------------------------------------------------------------------------------------------

REST = pay(residual("E"))
NOTE, EQUITY = Note("A", 100.0, coupon=Fixed(0.05)), Equity("E")


def test_floating_point_terms_hold_no_nan():
    for make in (
        lambda: Note("A", float("nan"), coupon=Fixed(0.05)),
        lambda: Fixed(float("inf")),
        lambda: Account("r", balance=float("nan")),
        lambda: Fee("f", annual=float("nan")),
        lambda: Equity("E", float("nan")),
    ):
        with pytest.raises(InvalidTerms, match="must be a finite number"):
            make()


@pytest.mark.parametrize(
    ("waterfall", "terms", "message"),
    [
        (pay(interest("B")) >> REST, [], "there is no note or facility 'B'|there is no note 'B'"),
        (
            pay(fee("trustees")) >> REST,
            [Fee("trustee", annual=1.0)],
            "there is no fee 'trustees'. Did you mean 'trustee'",
        ),
        (pay(interest("A")).supported_by("reserv") >> REST, [Account("reserve")], "'reserv'. Did you mean 'reserve'"),
        (
            pay(interest("A")).from_("reserv") >> REST,
            [Account("reserve")],
            "no account 'reserv'. Did you mean 'reserve'",
        ),
        (pay(interest("A")).when(trigger("DSRC")) >> REST, [Trigger("DSCR", test=dscr() < 1.1)], "Did you mean 'DSCR'"),
        (pay(residual("A")), [], "there is no equity 'A'"),
        (Waterfall((pay(interest("A")),)), [], r"can strand cash: its last clause must be pay\(residual\(...\)\)"),
        (Waterfall((REST.capped(5.0),)), [], "can strand cash"),
        (Waterfall((REST.when(event("x")),)), [], "can strand cash"),
        (pay(top_up("r")) >> release("r") >> REST, [Account("r")], r"'top_up\('r'\)' needs target, which 'r' lacks"),
        (pay(deposit("r")).when(event("x")) >> REST, [Account("r")], "nothing takes cash out of 'r'"),
        (pay(expense("operations")) >> REST, [], "there is no expense 'operations'. Did you mean 'operating'"),
        (
            draw("F", amount=expense_due("construction")) >> REST,
            [Facility("F", 9.0)],
            r"no clause pays expense\('construction'\)",
        ),
        (pay(residual("E")).supported_by("LC") >> REST, [Facility("LC", 500.0)], "would draw all of 'LC'"),
        (pay(deposit("t")).supported_by("LC") >> release("t") >> REST, [Facility("LC", 5.0), Account("t")], "draw all"),
        (pay(fee("A")) >> REST, [Fee("A", annual=1.0)], "the name 'A' is borne by"),
        (
            pay(interest("A")) >> REST,
            [Trigger("x", test=trigger("y")), Trigger("y", test=event("z"))],
            "reads the trigger 'y', which is tested later: declare it first",
        ),
        (pay(interest("A")) >> REST, [Account("r", target=balance("B"))], r"accounts\[0\].target: there is no .* 'B'"),
    ],
)
def test_a_deal_that_makes_no_sense_is_refused_before_it_runs(waterfall, terms, message):
    with pytest.raises(InvalidTerms, match=message):
        plan_of(waterfall, NOTE, EQUITY, *terms)


def test_every_fault_is_told_at_once():
    with pytest.raises(InvalidTerms) as caught:
        plan_of(pay(interest("B")) >> pay(fee("x")) >> pay(interest("A")), NOTE, EQUITY)
    assert len(caught.value.faults) == 3


PLAN = plan_of(pay(interest("A")).when(~event("breach")) >> pay(expense("operating")) >> REST, NOTE, EQUITY)
QUIET = {"events": {"breach": 0.0}, "operating_cost": 1.0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"revenue": [1.0, float("nan"), 1.0, 1.0]}, "Receipts.revenue: scenario 0, period 1 is nan"),
        ({"revenue": [1.0, 2.0]}, r"Receipts.revenue: must be numbers of shape \(1, 4\)"),
        ({"revenue": np.ones((3, 4)), "interest": np.ones((2, 4))}, r"must be numbers of shape \(3, 4\)"),
        ({"events": {}}, "there is no event 'breach'"),
        ({"operating_cost": None}, "its revenue is net already, so the cost would count twice"),
        ({"construction": 5.0}, r"reports construction but nothing pays it: add pay\(expense\('construction'\)\)"),
    ],
)
def test_receipts_that_do_not_fit_the_deal_are_refused(fields, message):
    with pytest.raises(FirstLossError, match=message):
        distribute(PLAN, Receipts(PLAN.schedule.ends, **{**QUIET, "revenue": 1.0, **fields}))


def test_receipts_go_by_date():
    with pytest.raises(InvalidTerms, match="Receipts have 3 periods, the schedule 4"):
        distribute(PLAN, Receipts(PLAN.schedule.ends[:3], **QUIET))
    shifted = [day + datetime.timedelta(days=1) for day in PLAN.schedule.ends]
    with pytest.raises(
        InvalidTerms, match=r"Receipts.dates has 2027-01-16 where a collection period ends on 2027-01-15"
    ):
        distribute(PLAN, Receipts(shifted, **QUIET))


def test_a_rate_that_nobody_gives_is_refused():
    plan = plan_of(pay(interest("A")) >> REST, Note("A", 100.0, coupon=Floating("SOFR", 0.01)), EQUITY)
    receipts = Receipts(plan.schedule.ends, revenue=1.0)
    with pytest.raises(UnknownName, match=r"there is no rate for the index 'SOFR'. Did you mean 'SOFR 3M'"):
        distribute(plan, receipts, rates={"SOFR 3M": 0.04})
    for bad, said in (
        (float("nan"), r"rates\['SOFR'\]: must be finite numbers, got nan"),
        ([0.01, 0.02], r"rates\['SOFR'\] must be"),
        (np.zeros((3, 4)), r"rates\['SOFR'\] must be"),
    ):
        with pytest.raises(InvalidTerms, match=said):
            distribute(plan, receipts, rates={"SOFR": bad})


def test_a_flag_that_is_not_one_is_still_raised():
    plan = plan_of(pay(principal("A")).when(~event("x")) >> REST, NOTE, EQUITY, periods=2)
    assert paid(plan, revenue=10.0, events={"x": [0.5, 0.0]}).principal["A"].tolist() == [[0.0, 10.0]]


def test_a_first_payment_after_maturity_is_refused():
    with pytest.raises(InvalidTerms, match="first_payment 2028-01-15 is after maturity 2027-01-15"):
        schedule(closing=CLOSING, first_payment=year(2), maturity=year(1), frequency="annual", calendar="none")


@given(date=st.dates(datetime.date(2026, 1, 16), datetime.date(2033, 1, 1)))
def test_on_or_after_means_the_scheduled_date(date):
    dates = clock(4)
    plan = plan_of(pay(principal("A")).when(on_or_after(date)) >> REST, NOTE, EQUITY, dates=dates)
    flows = paid(plan, revenue=5.0, pool_balance=0.0)
    assert flows.principal["A"][0].tolist() == [5.0 if day >= date else 0.0 for day in dates.unadjusted[1:]]
