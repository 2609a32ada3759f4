"""Sentences and definitions of any size: read, or refused in one line; never Python's own error, never without end."""

import datetime
import re
import signal
from contextlib import contextmanager

import pytest

from structuring import Deal, Scenario, run
from waterfalls import Account, Equity, Fixed, Note, Receipts, interest, pay, principal, residual
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language.definitions import defined
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.parsing import parse
from waterfalls.words import deposit, release


@contextmanager
def within(seconds):
    """Fails what is still at work after so many seconds, which no test of this file needs a hundredth of."""

    def late(signum, frame):
        raise AssertionError(f"still at work after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+".join(["1"] * 3_000), "deep"),
        ("+".join(["cash()"] * 1_200), "deep"),
        ("-" * 5_000 + "1", "deep"),
        ("(" * 3_000 + "1" + ")" * 3_000, "not a sentence"),
        ("~" * 5_000 + "trigger('x')", "deep"),
        ("min_(" * 199 + "1" + ", 2)" * 199, "deep"),
        ("min_(" * 300 + "1" + ", 2)" * 300, "too many nested"),
        ("pay(interest('A'))" + ".when(cash() > 1)" * 500, "deep"),
        ("pay(interest('A'))" + ".when(cash() > 1)" * 3_000, "characters"),
        ("1" * 5_000, "digits"),
        ("cash() + " + "1" * 400, "large"),
        ("9" * 300 + "*" + "9" * 300 + "* cash()", "large"),
        ("'a' * 99999999999", "number"),
        ("balance('a' * 99999999999)", "number"),
        ("balance('A' + 'B')", "number"),
        ("5 >> 2", "clause"),
        ("balance('\0A')", "sentence"),
        ("balance('\\d')", "sentence"),
        ("1if cash() > 1 else 2", "sentence"),
        ("pay(interest('A', 'B'), shares={'A': 0.5, 'A': 0.5})", "twice"),
        ("pay(interest('A', 'B'), shares={**{'A': 0.5}})", "not part"),
        ("ratio(cash(), cash(), zero=1, zero=2)", "twice"),
        ("average(cash(), 1000000000)", "from 1 to 1200"),
        ("on_or_after('9999-12-31')", "1901"),
        ("", "sentence"),
        ("cash(*'A')", "not part"),
        ("cash(**'A')", "not part"),
    ],
    ids=lambda part: part[:24],
)
def test_a_sentence_too_large_or_odd_is_refused_in_one_line(text, said):
    with within(20), pytest.raises(InvalidTerms, match=said) as refused:
        parse(text, (Number, Condition, Clause))
    assert len(str(refused.value)) < 500


def test_a_long_sum_is_read():
    """A deal of sixty classes may well say so."""
    text = " + ".join(f"balance('{k}')" for k in range(60))
    assert str(parse(text, Number)) == text
    clause = "pay(interest('A'))" + "".join(f".capped(cash() * {k})" for k in range(1, 21))
    assert parse(str(parse(clause, Clause)), Clause) == parse(clause, Clause)


def deal(definitions, first="pay(interest('A'))", **terms):
    last = list(definitions)[-1]
    return Deal(
        "definitions", closing=datetime.date(2026, 1, 15), first_payment=datetime.date(2026, 4, 15),
        maturity=datetime.date(2026, 10, 15), frequency="quarterly", calendar="none", definitions=definitions,
        collateral=Receipts(
            [datetime.date(2026, 4, 15), datetime.date(2026, 7, 15), datetime.date(2026, 10, 15)],
            interest=[[5.0, 4.0, 3.0]], principal=[[10.0, 20.0, 70.0]],
        ),
        tranches=(Note("A", 80.0, coupon=Fixed(0.05)), Equity("E", 20.0)),
        waterfall=parse(first, Clause) >> pay(principal("A")).capped(defined(last)) >> pay(residual("E")), **terms,
    )  # fmt: skip


@pytest.mark.parametrize("engine", ["reference", "fast"])
@pytest.mark.parametrize("around", ["{}", "at_start({})"])
def test_definitions_that_each_read_the_one_before_twice_are_evaluated_once(engine, around):
    """d0 = cash / 2^59, d(k+1) = d(k) + d(k): the last of sixty is the cash, after 2^59 readings of the first or sixty."""
    before = around.format("defined('d{0}')")
    said = {"d0": f"cash() / {2**59}"} | {f"d{k + 1}": f"{before} + {before}".format(k) for k in range(59)}
    with within(60):
        flows = run(deal(said), [Scenario("base")], engine=engine)
    assert flows.principal["A"][0, 0] == 5.0 + 10.0 - 1.0  # all of the cash after interest


def test_definitions_that_read_each_other_too_deep_are_refused():
    said = {"d0": "cash()"} | {f"d{k + 1}": f"defined('d{k}') + 1" for k in range(1_000)}
    with within(20), pytest.raises(InvalidTerms, match="deep"):
        deal(said)


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_cash_far_beyond_the_notional_adds_up_but_for_rounding(engine):
    """1e-9 of a notional of 1e-6 is less than the rounding of a third of a billion in an account: that is no lost cash."""
    dates = [datetime.date(2026, 4, 15), datetime.date(2026, 7, 15), datetime.date(2026, 10, 15)]
    small = Deal(
        "small", closing=datetime.date(2026, 1, 15), first_payment=dates[0], maturity=dates[-1], frequency="quarterly",
        calendar="none", collateral=Receipts(dates, interest=[[1 / 3, 1 / 7, 1 / 11]]),
        tranches=(Note("A", 3e-6, coupon=Fixed(0.05)), Note("B", 1e-6, coupon=Fixed(0.07)), Equity("E", 0.0)),
        accounts=(Account("reserve", balance=1e9 / 3, rate=0.03),),
        waterfall=release("reserve") >> pay(interest("A")) >> pay(interest("B")) >> pay(principal("A")).capped(1e-6)
        >> pay(deposit("reserve")).capped(1e9 / 7) >> pay(residual("E")),
    )  # fmt: skip
    flows = run(small, [Scenario("base")], engine=engine)
    flows.check()
    assert flows.principal["A"][0].tolist() == [1e-6, 1e-6, pytest.approx(1e-6)]


COVER = "ic_ratio('A')"  # infinite once nothing is owed


@pytest.mark.parametrize(
    ("definitions", "where", "said"),
    [
        ({"x": COVER}, "waterfall[0]", "pay(interest('A')).when(cash() > defined('x') * cash())"),
        ({"x": COVER}, "waterfall[0]", "pay(interest('A')).capped(ratio(defined('x'), balance('A'), zero=0))"),
        ({"x": COVER, "y": "defined('x') * 2"}, "waterfall[0]", "pay(interest('A')).capped(balance('A') * defined('y'))"),
        ({"x": COVER, "y": "max_(cash(), defined('x')) - cash()"}, "definitions['y']", "pay(interest('A'))"),
        ({"x": COVER, "y": "at_start(defined('x')) * cash()"}, "definitions['y']", "pay(interest('A'))"),
    ],
)  # fmt: skip
def test_an_infinite_amount_is_refused_under_a_name_as_it_is_without(definitions, where, said):
    with pytest.raises(InvalidTerms, match="is infinite when nothing is owed") as refused:
        deal(definitions, said)
    assert where in str(refused.value)
    written = [said, *definitions.values()]
    for name, number in reversed(definitions.items()):
        written = [text.replace(f"defined('{name}')", f"({number})") for text in written]
    with pytest.raises(InvalidTerms, match="is infinite when nothing is owed"):  # written out in place of its name
        [parse(text, (Clause, Number)) for text in written]


def test_an_infinite_amount_that_a_term_reads_under_a_name_is_refused():
    with pytest.raises(InvalidTerms, match=re.escape("accounts[0].target: 'defined('x')' is infinite")):
        deal({"x": COVER}, "pay(interest('A'))", accounts=(Account("R", target=defined("x")),))


@pytest.mark.parametrize(
    "said",
    [
        "pay(interest('A')).when(defined('x') > 1.2)",
        "pay(interest('A')).when(defined('x') * 2 + 1 > 1.2)",
        "pay(interest('A')).capped(defined('x'))",  # caps nothing
        "pay(interest('A')).capped(min_(defined('x'), 10) * cash())",
    ],
)
def test_a_ratio_under_a_name_is_compared_and_bounded_as_without(said):
    assert deal({"x": COVER}, said).definitions
