"""What a deal refuses when it is built, with the place, what was said and what to say instead."""

import datetime
import re

import pytest
from deals import clock
from tiny import flows_from, plan_from

from waterfalls import Account, Equity, Facility, Fee, Fixed, LevelPayments, Note, Swap
from waterfalls.cashflows import Cashflows
from waterfalls.clauses.waterfall import Clause, Waterfall
from waterfalls.clock.conventions import DAY_COUNTS
from waterfalls.errors import FirstLossError, InvalidTerms, UnknownName, nearest
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.parsing import parse
from waterfalls.plan import resolve
from waterfalls.terms.coupons import Floating
from waterfalls.terms.ledgers import Ledger
from waterfalls.terms.replacements import Replacement
from waterfalls.words import by_date, cash, count, dscr, event_of_default, pay, release, residual, stepped, taxable

A = "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}, available_until: 2027-01-15}}]\n"
TERMS = (
    "accounts: [{name: reserve, target: 5}, {name: trap}]\nfacilities: [{name: LC, limit: 10, expires: 2027-01-15}]\n"
)
CLAUSES = {
    "strands cash": (["pay(interest('A'))"], "waterfall: can strand cash: its last clause must be pay(residual(...))"),
    "strands cash under a condition": (
        ["pay(residual('E')).when(event('x'))"],
        "waterfall: can strand cash: its last clause must be pay(residual(...)) without when, capped or from_",
    ),
    "an account that nothing empties": (
        ["pay(deposit('trap')).capped(5)", "pay(residual('E'))"],
        "accounts[1]: nothing takes cash out of 'trap': release it, pay from it, draw on it, or say stays: true",
    ),
    "an empty name": (["pay(interest(''))"], "the name of a note is wanted, got ''"),
    "an empty account": (["pay(interest('A')).from_('')"], "the name of an account is wanted, got ''"),
    "a dangling name, with the nearest": (
        ["pay(interest('a'))", "pay(residual('E'))"],
        "waterfall[0]: there is no note or facility 'a'. Did you mean 'A'? Known: 'A', 'LC'.",
    ),
    "a trigger that nothing tests": (
        ["pay(interest('A')).when(trigger('DSCR'))", "pay(residual('E'))"],
        "waterfall[0]: there is no trigger 'DSCR'. None is declared.",
    ),
    "a top-up without a target": (
        ["pay(top_up('trap'))", "release('trap')", "pay(residual('E'))"],
        "waterfall[0]: 'top_up('trap')' needs target, which 'trap' lacks: give it one, or deposit",
    ),
    "a clause after all cash is gone": (
        ["pay(residual('E'))", "pay(interest('A'))", "pay(residual('E'))"],
        "waterfall[1]: can never pay: 'pay(residual('E'))' before it takes all the cash",
    ),
    "a clause before what it needs": (
        ["pay(principal('A')).capped(drawn('A'))", "draw('A', amount=5)", "pay(residual('E'))"],
        "waterfall[0]: reads 'drawn('A')' before the clause that draws on 'A': put it after the draw",
    ),
    "a make-whole amount after the principal": (
        ["pay(principal('A'))", "pay(premium('A')).capped(make_whole('A', rate=0.03))", "pay(residual('E'))"],
        "waterfall[1]: reads 'make_whole('A', rate=0.03)' after principal('A') is paid, when it is 0: put it before",
    ),
    "a premium of any size": (
        ["pay(premium('A'))", "pay(residual('E'))"],
        "waterfall[0]: pays a premium of any size: say how much, .capped(make_whole('A', rate=0.04))",
    ),
    "a draw after the commitment has ended": (
        ["draw('A', amount=5).when(on_or_after('2028-01-15'))", "pay(residual('E'))"],
        "waterfall[0]: draws on 'A' from 2028-01-15 on, which ends on 2027-01-15",
    ),
    "support after its expiry": (
        ["pay(interest('A')).supported_by('LC').when(on_or_after('2028-01-15'))", "pay(residual('E'))"],
        "waterfall[0]: draws on 'LC' from 2028-01-15 on, which ends on 2027-01-15",
    ),
    "called() where nothing is called": (
        ["pay(principal('A')).when(called())", "pay(residual('E'))"],
        "waterfall: reads called(), but no clause calls the deal: add call(price=...)",
    ),
}  # fmt: skip
SENTENCES = {
    "division by what can reach zero": (
        Number, "cash() / balance('A')", "can divide by zero: say what it is then, ratio(cash(), balance('A'), zero=...)",
    ),
    "infinity times zero": (
        Number, "dscr() * cash()", "'dscr()' is infinite when nothing is owed, so 'dscr() * cash()' may be no number",
    ),
    "infinity less infinity": (Number, "oc_ratio('A') - ltv('A')", "bound it, min_(oc_ratio('A'), 10)"),
    "an infinite amount": (Number, "ratio(dscr(), 2, zero=0)", "'dscr()' is infinite when nothing is owed"),
    "a chained comparison": (Condition, "1 < cash() < 2", "write (a < b) & (b < c)"),
    "and for &": (Condition, "cash() > 1 and cash() < 2", "write & | ~ for and, or, not"),
    "a word that nobody knows": (Number, "balanse('A')", "there is no word 'balanse'. Did you mean 'balance'?"),
    "a cure of what is no coverage": (Number, "cure(ltv('A'), 0.6)", "cure takes oc_ratio(...) or ic_ratio(...)"),
    "a cure at a text": (Number, "cure(oc_ratio('A'), '1.2')", "a number or an expression is wanted, got '1.2'"),
    "a coverage that counts a ratio": (Number, "oc_ratio('A', of=dscr())", "'dscr()' is infinite when nothing is owed"),
    "a cure at level 0": (Number, "cure(oc_ratio('A'), 0)", "the level of a cure must be above 0, got 0"),
    "a cap below 0": (Clause, "pay(interest('A')).capped(-5)", "a cap must be at least 0, got -5: it would pay nothing, ever"),
    "a cap that is stepped below 0": (
        Clause, "pay(interest('A')).capped(stepped(5, {'2028-01-15': -1}))", "a cap must be at least 0, got -1 in 'stepped(",
    ),
    "a draw below 0": (Clause, "draw('A', amount=-5)", "must be at least 0, got -5"),
    "a price below 0": (Clause, "call(price=-5)", "must be at least 0, got -5"),
    "a write-down below 0": (Clause, "write_down('A', amount=-5)", "must be at least 0, got -5"),
    "a write-up below 0": (Clause, "write_up('A', amount=-5)", "must be at least 0, got -5"),
    "a debit below 0": (Clause, "debit('A', amount=-5)", "must be at least 0, got -5"),
    "steps without one": (Number, "stepped(1.35, {})", "stepped takes numbers by date, {'2028-05-30': 1.45}, got {}"),
    "a minus before what is read": (Number, "-cash()", "a minus stands before a number written out: 0 - (cash())"),
    "too much in parentheses": (Number, "cash(1)", "cash takes nothing in its parentheses. "),
    "what is not asked for": (Number, "average(cash(), periods=4)", "average takes inner, dates in its parentheses. "),
    "dates that are no count": (Number, "average(cash(), dates=1.5)", "dates must be a whole number of periods, from 1 to 1200, got 1.5"),
    "claims compared": (Condition, "interest('A') < 5", "a number or an expression is wanted, got interest('A')"),
    "a condition in the place of a name": (Number, "cumulative(on_or_after('2029-01-15'))", "there is no receipt on_or_after('2029-01-15')"),
    "a claim that is modified": (Clause, "interest('A').when(always())", "when belongs to a clause, such as pay(...).when(...), and interest('A') is none"),
    "a rate in per cent": (Number, "llcr('A', rate=5)", "a rate is a decimal above -1 (0.04 is 4 %), got 5"),
    "a rate that loses everything": (Number, "make_whole('A', rate=-1)", "a rate is a decimal above -1"),
    "a hurdle in per cent": (Number, "hurdle('E', irr=12)", "a rate is a decimal above -1 (0.04 is 4 %), got 12"),
    "an infinite average": (Number, "0 * average(dscr(), 2)", "'average(dscr(), 2)' is infinite when nothing is owed"),
    "a definition by no name": (Number, "defined('')", "the name of a definition is wanted, got ''"),
}  # fmt: skip


@pytest.mark.parametrize(("clauses", "message"), CLAUSES.values(), ids=CLAUSES)
def test_a_waterfall_that_makes_no_sense_is_refused(clauses, message):
    text = A + TERMS + "waterfall:\n" + "\n".join(f"  - {clause}" for clause in clauses)
    with pytest.raises((InvalidTerms, AssertionError), match=re.escape(message)):
        plan_from(text)


@pytest.mark.parametrize(("kind", "text", "message"), SENTENCES.values(), ids=SENTENCES)
def test_a_sentence_that_makes_no_sense_is_refused(kind, text, message):
    with pytest.raises(InvalidTerms, match=re.escape(message)):
        parse(text, kind)


def test_a_definition_reads_only_those_before_it():
    text = "definitions: {x: defined('y'), y: cash()}\nwaterfall: [pay(residual('E'))]"
    with pytest.raises(InvalidTerms, match=re.escape("definitions['x']: there is no definition 'y'")):
        plan_from(text)


def test_a_number_that_cannot_look_ahead_says_why():
    text = A.replace("available_until: 2027-01-15", "amortisation: {sculpted: {dscr: 1.2, first: 2027-01-15}}")
    text += "triggers: [{name: T, test: \"forward_dscr('A', periods=2) < 1\"}]\nwaterfall: [pay(residual('E'))]"
    with pytest.raises(InvalidTerms, match="whose debt service is not known ahead: it is sculpted or an IO"):
        plan_from(text)


@pytest.mark.parametrize(
    ("arrives", "error", "message"),
    [
        ({"interest": [1.0, float("nan"), 1.0]}, InvalidTerms, "Receipts.interest: scenario 0, period 1 is nan"),
        ({"interest": [1.0, 1.0]}, InvalidTerms, "scenarios by periods, got shape (2,)"),
        (
            {"revenue": [9.0, -2.5, 9.0]}, InvalidTerms,
            "Receipts.revenue: must not be negative, got -2.50 on 2028-01-15 in scenario 'given': report gross revenue, "
            "and operating_cost beside it for expense('operating')",
        ),
        ({"interest": [1.0] * 3, "rates": {"SOFR": float("nan")}}, InvalidTerms, "rates['SOFR']: must be finite"),
        ({"interest": [1.0] * 3}, InvalidTerms, "the deal reads 'SOFR', and no rate is given"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_a_run_is_refused(arrives, error, message):
    text = A.replace("{fixed: {rate: 0.05}}", "{floating: {index: SOFR, margin: 0.02}}")
    with pytest.raises(error, match=re.escape(message)) as raised:
        flows_from(plan_from(text + "waterfall: [pay(interest('A')), pay(residual('E'))]"), **arrives)
    assert isinstance(raised.value, FirstLossError)


def test_an_event_that_nothing_brings_is_refused():
    with pytest.raises(UnknownName, match="there is no event 'breach'"):
        flows_from(
            plan_from("waterfall: [pay(residual('E')).when(event('breach')), pay(residual('E'))]"), interest=[1, 1, 1]
        )


def test_what_does_not_add_up_names_law_date_and_scenario_and_tells_the_date_clause_by_clause(monkeypatch):
    flows = flows_from(plan_from(A + "waterfall: [pay(interest('A')), pay(residual('E'))]"), interest=[9, 9, 9])
    read = Cashflows.__getitem__

    def short(self, key):
        return read(self, key) - ([[0.0, 1.0, 0.0]] if key == ("paid", "interest", "A") else 0.0)

    monkeypatch.setattr(Cashflows, "__getitem__", short)
    with pytest.raises(FirstLossError, match="2028-01-15, scenario 'given'") as raised:
        flows.check()
    assert "(1) to pay interest on A" in raised.value.__notes__[0]


def test_of_two_names_equally_near_the_first_is_told():
    assert nearest("act/365", DAY_COUNTS) == "actual/365F"
    assert nearest("zzz", DAY_COUNTS) is None


def test_a_cap_below_the_floor_is_refused():
    with pytest.raises(InvalidTerms, match=r"^Floating.cap: must not be below the floor 0.05, got 0.02"):
        Floating("SOFR", 0.01, cap=0.02, floor=0.05)
    assert Floating("SOFR", 0.01, cap=0.05, floor=0.05).cap == 0.05


JANUARY, BELOW = datetime.date(2028, 1, 15), Fixed(-0.02)
ODD_TERMS = {
    "a coupon below 0": (lambda: Note("A", 100.0, coupon=BELOW), "Note 'A'.coupon: must not be below 0, got -0.02: no lender pays"),
    "a coupon stepped below 0": (
        lambda: Note("A", 100.0, coupon=Fixed(0.05, step_up={JANUARY: -0.03, JANUARY.replace(2029): -0.03})),
        "Note 'A'.coupon: must not be below 0, got -0.01",
    ),
    "a facility's coupon": (lambda: Facility("LC", 10.0, coupon=BELOW), "Facility 'LC'.coupon: must not be below 0"),
    "a replacement's coupon": (lambda: Replacement("R", coupon=BELOW, repays=0.1), "Replacement 'R'.coupon: must not be below 0"),
    "a target below 0": (lambda: Account("R", target=-5), "Account 'R'.target: must be at least 0, got -5"),
    "a coupon below 0 while a condition holds": (
        lambda: Note("A", 100.0, coupon=Fixed(0.02, step_up_while={event_of_default(): -0.03})),
        "Note 'A'.coupon: must not be below 0, got -0.01",
    ),
    "compounding of nothing": (
        lambda: Floating("SOFR", 0.01, compounded=True), "Floating.compounded: goes with resets, how often the index is read",
    ),
    "an unknown reset": (lambda: Floating("SOFR", 0.01, resets="daily"), "Floating.resets: there is no choice 'daily'"),
    "arrears of what lapses": (
        lambda: Note("A", 100.0, coupon=Fixed(0.05), lapses=True, interest_on_arrears=True),
        "Note 'A'.interest_on_arrears: goes with interest that stays owed, and this lapses",
    ),
    "grace of what lapses": (
        lambda: Note("A", 100.0, coupon=Fixed(0.05), lapses=True, grace=1), "Note 'A'.grace: goes with interest that stays owed",
    ),
    "arrears that bear less than nothing": (
        lambda: Note("A", 100.0, coupon=Fixed(0.05), interest_on_arrears=BELOW), "Note 'A'.interest_on_arrears",
    ),
    "income on something at no rate": (
        lambda: Account("R", income_on=5), "Account 'R'.income_on: goes with rate, what it earns a year",
    ),
    "a count of nothing": (lambda: count(), "count what? Name conditions"),
    "a count of a number": (lambda: count(dscr()), "& | ~ join conditions, got"),
    "a table without dates": (lambda: by_date({}), "by_date takes numbers by date, {'2028-05-30': 1.45}, got {}"),
    "steps that are none": (lambda: stepped(1.0, 5.0), "stepped takes numbers by date, {'2028-05-30': 1.45}, got 5.0"),
    "a table of texts": (lambda: by_date({"2028-01-15": "5"}), "'5'"),
    "losses carried below 0": (lambda: taxable(cash(), carried=-5.0), "carried must be at least 0, got -5"),
    "losses that offset more than all": (lambda: taxable(cash(), limit=80.0), "limit must be between 0 and 1, got 80"),
    "a tax on what may be infinite": (lambda: taxable(dscr()), "is infinite when nothing is owed"),
    "a level below 0 to which an account is released": (lambda: release("R", to=-5), "must be at least 0, got -5"),
    "an infinite target": (lambda: Account("R", target=dscr()), "Account 'R'.target: 'dscr()' is infinite when nothing is owed"),
    "income that empties an account": (lambda: Account("R", rate=-2.0), "Account 'R'.rate: must be greater than or equal to -0.5"),
    "a fee below 0": (lambda: Fee("T", amount=-5), "Fee 'T'.amount: must be at least 0, got -5"),
    "a fee on less than nothing": (lambda: Fee("T", rate=0.01, on=-5), "Fee 'T'.on: must be at least 0, got -5"),
    "an infinite fee": (lambda: Fee("T", amount=dscr()), "Fee 'T'.amount: 'dscr()' is infinite"),
    "a limit below 0": (lambda: Ledger("L", account="R", limit=-5), "Ledger 'L'.limit: must be at least 0, got -5"),
    "a notional below 0": (lambda: Swap("S", notional=-5), "Swap 'S'.notional: must be at least 0, got -5"),
    "interest on less than nothing": (
        lambda: Note("A", 100.0, coupon=Fixed(0.05), interest_on=-5), "Note 'A'.interest_on: must be at least 0, got -5",
    ),
    "a share in per cent": (lambda: Replacement("R", coupon=Fixed(0.05), repays=5), "Replacement 'R'.repays: must be between 0 and 1, got 5"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ('fees: [{name: x, amount: 1, when: "dscr() < 1.2"}]', "fees[0].when: 'dscr()' reads what falls due on notes, which is not"),
        ("fees: [{name: x, amount: \"0.01 * debt_service('A')\"}]", "fees[0].amount: 'debt_service('A')' reads what falls due"),
        (
            "definitions: {cover: \"ic_ratio('A')\"}\nfees: [{name: x, amount: 1, when: \"defined('cover') < 1\"}]",
            "fees[0].when: 'ic_ratio('A')' reads what falls due on notes, which is not known yet: test it by a trigger",
        ),
        (
            "facilities: [{name: LC, limit: 5, coupon: {fixed: {rate: 0.05, step_up_while: {dscr() < 1.2: 0.01}}}}]",
            "facilities[0].coupon: 'dscr()' reads what falls due",
        ),
        (
            "facilities: [{name: LC, limit: 5, coupon: {fixed: {rate: 0.05, step_up_while: {\"trigger('T')\": 0.01}}}}]",
            "facilities[0].coupon: there is no trigger 'T'. None is declared.",
        ),
    ],
)  # fmt: skip
def test_what_falls_due_on_notes_is_not_read_before_it_is_known(parts, message):
    with pytest.raises(InvalidTerms, match=re.escape(message)):
        plan_from(A + parts + "\nwaterfall: [pay(interest('A')), pay(residual('E'))]")


@pytest.mark.parametrize(("make", "message"), ODD_TERMS.values(), ids=ODD_TERMS)
def test_a_term_refuses_an_amount_that_is_none(make, message):
    with pytest.raises(InvalidTerms, match=re.escape(message)):
        make()


def test_a_leg_of_a_swap_may_be_below_0():
    assert Swap("S", notional=5.0, pay=BELOW).pay == BELOW  # as euro swaps were quoted in 2020


@pytest.mark.parametrize("part", ["interest_on: \"balance('A') - 200\"", "fee"])
def test_what_is_charged_on_less_than_nothing_is_nothing(part):
    fees = "fees: [{name: T, rate: 0.1, on: \"balance('A') - 200\"}]\n" if part == "fee" else ""
    text = A.replace("available_until: 2027-01-15", part if part != "fee" else "grace: 0") + fees
    flows = flows_from(
        plan_from(
            text + "waterfall: [pay(residual('E'))]"
            if part != "fee"
            else text + "waterfall: [pay(fee('T')), pay(residual('E'))]"
        ),
        interest=[9, 9, 9],
    )
    charged = flows.fees["T"] if part == "fee" else flows.accrued["A"]
    assert charged.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("rate", [4.0, [[0.04, 4.0, 0.04]], -1.5])
def test_a_rate_in_per_cent_is_refused(rate):
    text = A.replace("{fixed: {rate: 0.05}}", "{floating: {index: SONIA, margin: 0.02}}")
    with pytest.raises(InvalidTerms, match=r"rates\['SONIA'\]: a rate is a decimal \(0.04 is 4 %\), got"):
        flows_from(plan_from(text + "waterfall: [pay(residual('E'))]"), interest=[1, 1, 1], rates={"SONIA": rate})


def test_a_clause_alone_is_a_waterfall():
    alone = resolve("tiny", "USD", clock(3, "annual"), tranches=[Equity("E")], waterfall=pay(residual("E")))
    listed = resolve(
        "tiny", "USD", clock(3, "annual"), tranches=[Equity("E")], waterfall={"only": [pay(residual("E"))]}
    )
    assert alone.waterfalls["waterfall"] == listed.waterfalls["only"] == Waterfall((pay(residual("E")),))
    with pytest.raises(InvalidTerms, match="a waterfall is made of clauses such as"):
        resolve("tiny", "USD", clock(3, "annual"), tranches=[Equity("E")], waterfall=3)


def test_level_payments_of_a_floating_note_say_their_rate():
    first = datetime.date(2026, 4, 15)
    with pytest.raises(InvalidTerms, match=r"Note 'A'.amortisation: level payments of a floating note need a rate"):
        Note("A", 100.0, coupon=Floating("SOFR", 0.02), amortisation=LevelPayments(first, 12))
    assert Note(
        "A", 100.0, coupon=Floating("SOFR", 0.02), amortisation=LevelPayments(first, 12, rate=0.05)
    ).amortisation
    assert Note("A", 100.0, coupon=Fixed(0.05), amortisation=LevelPayments(first, 12)).amortisation


def test_income_takes_no_more_than_an_account_holds():
    text = (
        "accounts: [{name: r, balance: 10, rate: -0.4, income_on: interest_collections(), day_count: 30/360, stays: true}]\n"
        "waterfall: [pay(residual('E'))]"
    )
    flows = flows_from(plan_from(text), interest=[20, 100, 100])  # 8 and then the 2 that are left, not 40
    assert flows.accounts["r"][0].tolist() == [2.0, 0.0, 0.0]
    flows.check()
