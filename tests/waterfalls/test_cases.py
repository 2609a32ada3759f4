"""Whole deals whose cash was worked out by hand, or published; every case runs on both engines."""

import datetime

import numpy as np
import pytest
from deals import golden, paid, plan_of, year

from waterfalls import (
    Account,
    EqualInstalments,
    Equity,
    Facility,
    Fee,
    Fixed,
    Floating,
    Instalments,
    Note,
    Sculpted,
    Swap,
    Trigger,
)
from waterfalls.words import (
    at_start,
    balance,
    cash,
    defaulted_balance,
    deposit,
    draw,
    dscr,
    event,
    event_of_default,
    expense,
    expense_due,
    fee,
    ic_ratio,
    interest,
    max_,
    oc_ratio,
    pay,
    pool_balance,
    principal,
    principal_collections,
    ratio,
    receipt,
    release,
    residual,
    scheduled_principal,
    top_up,
    trigger,
    write_down,
)

REST = pay(residual("E"))
E = Equity("E")


def rows(table, name):
    return table[name][0].tolist()


# waterfall-py -------------------------------------------------------------------------------------------------------

PROJECT = golden("waterfall_py_cases")


def project(sweep):
    """A 1000 at 5 % in five equal instalments, B 200 at 10 % bullet; `sweep` takes half of what is left."""
    terms = [
        Note("A", 1000.0, coupon=Fixed(0.05), amortisation=EqualInstalments(year(1), 5)),
        Note("B", 200.0, coupon=Fixed(0.10)),
        Equity("E", 300.0),
    ]
    head = pay(interest("A", "B"), sharing="sequential") >> pay(scheduled_principal("A", "B"), sharing="sequential")
    half = pay(principal("A"), residual("E"), shares={"A": 0.5, "E": 0.5})
    return plan_of(head >> half >> REST if sweep else head >> REST, *terms, periods=5)


@pytest.mark.parametrize("case", ["no_sweep", "sweep_50pct"])
def test_waterfall_py_cases(case):
    flows = paid(project(case == "sweep_50pct"), revenue=[float(x) for x in PROJECT["inputs"]["cfads"]])
    found = {
        "A_int": flows.interest["A"],
        "A_prin": flows.principal["A"],
        "B_int": flows.interest["B"],
        "B_prin": flows.principal["B"],
        "equity": flows.interest["E"],
    }
    for row in PROJECT[case]:
        for name, array in found.items():
            assert array[0, row["t"]] == pytest.approx(row[name], abs=1e-9), (name, row["t"])


def test_waterfall_py_dscr():
    # the cases' coverage counts A and B, balloon of B excluded here as the design wants it: 550 / 230 in the last year
    plan = plan_of(
        pay(interest("A", "B"), sharing="sequential")
        >> pay(scheduled_principal("A", "B"), sharing="sequential")
        >> REST,
        *project(False).tranches.values(),
        Trigger("below 1.25", test=dscr("A", "B") < 1.25),
        periods=5,
    )
    flows = paid(plan, revenue=[300.0, 310.0, 320.0, 330.0, 550.0])
    # 300/270 = 1.11, 310/260 = 1.19, 320/250 = 1.28, 330/240 = 1.375, 550/230 = 2.39
    assert rows(flows.triggers, "below 1.25") == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_waterfall_py_unpaid_interest_is_owed_before_equity_is_paid():
    # S 1000 at 10 %, cash 0, 0, 5000: the neighbour pays equity 3900 and leaves 200 of interest unpaid
    plan = plan_of(
        pay(interest("S")) >> pay(principal("S")) >> REST, Note("S", 1000.0, coupon=Fixed(0.10)), E, periods=3
    )
    flows = paid(plan, revenue=[0.0, 0.0, 5000.0])
    assert rows(flows.shortfall, "S") == [100.0, 100.0, 0.0]
    assert rows(flows.arrears, "S") == [100.0, 200.0, 0.0]
    assert rows(flows.interest, "S") == [0.0, 0.0, 300.0]
    assert rows(flows.interest, "E") == [0.0, 0.0, 3700.0]


def test_waterfall_py_letter_of_credit_is_never_cash_for_equity():
    # cash 1200 and a letter of credit of 500: the neighbour pays 1700 out, and nobody reimburses the bank
    plan = plan_of(
        pay(interest("S")).supported_by("letter of credit")
        >> pay(interest("letter of credit"), principal("letter of credit"), sharing="sequential")
        >> REST,
        Note("S", 1000.0, coupon=Fixed(0.10)),
        Facility("letter of credit", 500.0),
        E,
        periods=3,
    )
    flows = paid(plan, revenue=[1200.0, 30.0, 100.0 + 70.0 + 5.0])
    assert rows(flows.interest, "E") == [1100.0, 0.0, 5.0]
    assert flows["lent", "letter of credit"].tolist() == [[0.0, 70.0, 0.0]]
    assert flows["principal", "letter of credit"].tolist() == [[0.0, 0.0, 70.0]]


def test_waterfall_py_unpaid_mezzanine_interest_is_not_forgiven():
    # S takes 50, M is owed 20 and gets 10; the year after it gets 20 + 10 before equity gets anything
    plan = plan_of(
        pay(interest("S")) >> pay(interest("M")) >> REST,
        Note("S", 1000.0, coupon=Fixed(0.05)),
        Note("M", 200.0, coupon=Fixed(0.10)),
        E,
        periods=2,
    )
    flows = paid(plan, revenue=[60.0, 85.0])
    assert rows(flows.interest, "M") == [10.0, 30.0]
    assert rows(flows.interest, "E") == [0.0, 5.0]


def test_waterfall_py_reserve_released_to_equity_is_reported():
    # sources 100 of revenue and a reserve of 2000: equity reports all 2100 of it (the neighbour 100)
    plan = plan_of(
        release("reserve") >> REST,
        Note("S", 1000.0, balance=0.0, coupon=Fixed(0.05)),
        Account("reserve", balance=2000.0),
        E,
        periods=1,
    )
    assert rows(paid(plan, revenue=100.0).interest, "E") == [2100.0]


# Arrears ---------------------------------------------------------------------------------------------------


@pytest.fixture
def three_tranches():
    """A 1000 at 2 %, B 100 at 5 %: 25 of interest a year before the equity."""
    terms = [Note("A", 1000.0, coupon=Fixed(0.02)), Note("B", 100.0, coupon=Fixed(0.05)), E]
    return plan_of(pay(interest("A")) >> pay(interest("B")) >> REST, *terms, periods=4)


def test_unpaid_interest_is_owed_until_paid(three_tranches):
    flows = paid(three_tranches, revenue=[20.0, 20.0, 40.0, 30.0])
    assert flows.shortfall["B"][0, :2].tolist() == [5.0, 5.0]
    assert flows.arrears["B"][0, 2] == 0.0 and flows.interest["E"][0, :2].sum() == 0.0
    assert rows(flows.interest, "B") == [0.0, 0.0, 15.0, 5.0]
    assert rows(flows.interest, "E") == [0.0, 0.0, 5.0, 5.0]


def test_interest_on_arrears():
    # 100 at 10 %: 10 unpaid, then 10 + 1 unpaid = 21, then 10 + 2.1 more = 33.1
    for bears, owed in ((True, [10.0, 21.0, 33.1]), (False, [10.0, 20.0, 30.0])):
        note = Note("A", 100.0, coupon=Fixed(0.10), interest_on_arrears=bears)
        flows = paid(plan_of(pay(interest("A")) >> REST, note, E, periods=3), revenue=0.0)
        assert rows(flows.arrears, "A") == pytest.approx(owed)


def test_a_clause_skipped_leaves_its_due_standing():
    plan = plan_of(
        pay(interest("A")).when(~event("breach")) >> pay(interest("B")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Note("B", 100.0, coupon=Fixed(0.10)),
        E,
        periods=2,
    )
    flows = paid(plan, revenue=[30.0, 35.0], events={"breach": [1.0, 0.0]})
    assert rows(flows.interest, "A") == [0.0, 20.0]
    assert rows(flows.interest, "E") == [20.0, 5.0]


def test_deferrable_interest_is_no_event_of_default():
    for deferrable in (True, False):
        plan = plan_of(
            {"normal": pay(interest("B")) >> REST, "enforcement": pay(principal("B")) >> pay(interest("B")) >> REST},
            Note("B", 100.0, coupon=Fixed(0.10), deferrable=deferrable),
            E,
            periods=3,
            regimes={"enforcement": event_of_default()},
        )
        flows = paid(plan, revenue=[4.0, 50.0, 0.0])
        # enforced in year 2: 50 of principal and 16 still owed; deferred: 16 of interest and 34 to the equity
        assert rows(flows.principal, "B")[1] == (0.0 if deferrable else 50.0)
        assert rows(flows.interest, "B")[:2] == ([4.0, 16.0] if deferrable else [4.0, 0.0])
        assert rows(flows.interest, "E")[1] == (34.0 if deferrable else 0.0)


def test_legal_final_unpaid_is_default_and_the_regime_changes_the_date_after():
    # A falls due in year 2: 60 of its 100 are paid, which is default at t; the other waterfall rules from t + 1 on
    plan = plan_of(
        {
            "normal": pay(scheduled_principal("A")) >> pay(residual("E")),
            "enforcement": pay(fee("receiver")) >> pay(principal("A")) >> pay(residual("E")),
        },
        Note("A", 100.0, coupon=Fixed(0.0), maturity=year(2)),
        Fee("receiver", annual=3.0),
        E,
        periods=4,
        regimes={"enforcement": event_of_default()},
    )
    flows = paid(plan, revenue=[25.0, 60.0, 30.0, 50.0])
    assert rows(flows.principal, "A") == [0.0, 60.0, 21.0, 19.0]
    assert rows(flows.fees, "receiver") == [0.0, 0.0, 9.0, 3.0]
    assert rows(flows.regime, "enforcement") == [0.0, 0.0, 1.0, 1.0]  # from the date after on
    assert rows(flows.interest, "E") == [25.0, 0.0, 0.0, 28.0]
    assert rows(flows.missed, "A") == [0.0, 40.0, 19.0, 0.0]


# Principal and its schedule --------------------------------------------------------------------------------


def test_scheduled_principal_missed_is_caught_up():
    note = Note("A", 100.0, coupon=Fixed(0.0), amortisation=EqualInstalments(year(1), 4))
    plan = plan_of(pay(scheduled_principal("A")) >> REST, note, E, periods=4)
    flows = paid(plan, revenue=[25.0, 5.0, 60.0, 40.0])
    # 25 each year: 20 missed in year 2 is paid with the 25 of year 3, the other 15 stay
    assert rows(flows.principal, "A") == [25.0, 5.0, 45.0, 25.0]
    assert rows(flows.missed, "A") == [0.0, 20.0, 0.0, 0.0]
    assert rows(flows.interest, "E") == [0.0, 0.0, 15.0, 15.0]


@pytest.mark.parametrize(
    ("prepaid", "expected"),
    [
        ("pro rata", [55.0, 15.0, 15.0, 15.0]),  # 30 of the 75 left go: each of the three is 15
        ("in order", [55.0, 0.0, 20.0, 25.0]),  # the next instalment goes, and 5 of the one after
        ("inverse order", [55.0, 25.0, 20.0, 0.0]),  # the last instalment goes, and 5 of the one before
    ],
)
def test_prepayment_shortens_the_schedule(prepaid, expected):
    terms = EqualInstalments(year(1), 4, prepaid=prepaid)
    note = Note("A", 100.0, coupon=Fixed(0.0), amortisation=terms)
    sweep = pay(principal("A")).when(event("sweep")).capped(30.0)
    plan = plan_of(pay(scheduled_principal("A")) >> sweep >> REST, note, E, periods=4)
    flows = paid(plan, revenue=60.0, events={"sweep": [1.0, 0.0, 0.0, 0.0]})
    assert rows(flows.principal, "A") == pytest.approx(expected)


def test_stated_instalments_fall_on_the_payment_on_or_after_their_date():
    amounts = {year(1): 10.0, datetime.date(2027, 6, 1): 30.0}
    note = Note("A", 100.0, coupon=Fixed(0.0), amortisation=Instalments(amounts))
    plan = plan_of(pay(scheduled_principal("A")) >> REST, note, E, periods=3)
    assert rows(paid(plan, revenue=100.0).principal, "A") == pytest.approx([10.0, 30.0, 60.0])


def test_sculpted_principal_keeps_the_coverage_after_senior_fees():
    # (130 - 10 of fees) / 1.2 = 100 of debt service, of which 50 is interest on 1000 at 5 %
    note = Note("A", 1000.0, coupon=Fixed(0.05), amortisation=Sculpted(1.2, year(1)))
    plan = plan_of(
        pay(fee("trustee")) >> pay(interest("A")) >> pay(scheduled_principal("A")) >> REST,
        note,
        Fee("trustee", annual=10.0),
        E,
        periods=3,
    )
    flows = paid(plan, revenue=130.0)
    assert flows.principal["A"][0, 0] == pytest.approx(50.0)
    assert flows.principal["A"][0, 1] == pytest.approx(100.0 - 0.05 * 950.0)


def test_what_is_written_down_is_not_asked_for():
    # 100 fall due at legal final; 60 of them are written down first, so 40 are paid and not 100
    plan = plan_of(
        write_down("A", amount=receipt("losses")) >> pay(scheduled_principal("A")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.0)),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=90.0, losses=60.0)
    assert rows(flows.principal, "A") == [40.0] and rows(flows.balance, "A") == [0.0]
    assert rows(flows.interest, "E") == [50.0]


# Accounts and support --------------------------------------------------------------------------------------


def test_support_from_a_reserve_and_its_refill():
    # interest 10 a year: 4 come, 6 are drawn; then 30 come: 10 are paid, 6 refill, 14 go to equity
    plan = plan_of(
        pay(interest("A")).supported_by("reserve") >> pay(top_up("reserve")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Account("reserve", target=8.0, balance=8.0),
        E,
        periods=3,
    )
    flows = paid(plan, revenue=[4.0, 30.0, 0.0])
    assert rows(flows.interest, "A") == [10.0, 10.0, 8.0]
    assert rows(flows.accounts, "reserve") == [2.0, 8.0, 0.0]
    assert rows(flows.interest, "E") == [0.0, 14.0, 0.0]


@pytest.mark.parametrize("group", [True, False])
def test_what_each_is_paid_is_known_before_cash_moves(group):
    # at the clause: A 30, a target of 30 with 3 in the account, interest of 3; 40 come: 30 repay, 10 go to the reserve,
    # though its target is then 0; in a group too
    said = pay(top_up("reserve"), interest("A"), sharing="sequential")
    clause = pay(principal("A"), *([said] if group else said.claims), sharing="sequential")
    plan = plan_of(
        clause >> REST,
        Note("A", 30.0, coupon=Fixed(0.10)),
        Account("reserve", target=balance("A"), balance=3.0, stays=True),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=40.0)
    assert rows(flows.balance, "A") == [0.0] and rows(flows.accounts, "reserve") == [13.0]
    assert rows(flows.arrears, "A") == [3.0]
    flows.check()


def test_a_cap_binds_support_too():
    # 10 due, 4 cash, 8 in reserve, at most 7 in all: 4 + 3
    plan = plan_of(
        pay(interest("A")).supported_by("reserve").capped(7.0) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Account("reserve", balance=8.0),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=4.0)
    assert rows(flows.interest, "A") == [7.0] and rows(flows.accounts, "reserve") == [5.0]
    assert rows(flows.arrears, "A") == [3.0]


def test_account_income_is_actual_360():
    plan = plan_of(
        release("trap") >> REST, Note("A", 1.0, coupon=Fixed(0.0)), Account("trap", balance=360.0, rate=0.02), E
    )
    assert flows_of_equity(plan)[0] == pytest.approx(360.0 + 0.02 * 365.0)


def flows_of_equity(plan):
    return rows(paid(plan, revenue=0.0).interest, "E")


def test_trap_latch_and_release():
    # 20 a year after interest; trapped while the trigger is on, released when it is cured after two passes
    waterfall = (
        pay(interest("A"))
        >> pay(deposit("trap")).when(trigger("breach"))
        >> release("trap").when(~trigger("breach"))
        >> REST
    )
    breach = {"breach": [1.0, 0.0, 0.0, 0.0, 1.0]}
    for latch, trapped, equity in (
        (False, [20.0, 40.0, 0.0, 0.0, 20.0], [0.0, 0.0, 60.0, 20.0, 0.0]),
        (True, [20.0, 40.0, 60.0, 80.0, 100.0], [0.0] * 5),
    ):
        plan = plan_of(
            waterfall,
            Note("A", 100.0, coupon=Fixed(0.10)),
            Account("trap"),
            Trigger("breach", test=event("breach"), cure=2, latch=latch),
            E,
            periods=5,
        )
        flows = paid(plan, revenue=30.0, events=breach)
        assert rows(flows.accounts, "trap") == trapped
        assert rows(flows.interest, "E") == equity


def test_a_cure_needs_consecutive_passes():
    plan = plan_of(REST, Note("A", 1.0, coupon=Fixed(0.0)), Trigger("x", test=event("breach"), cure=3), E, periods=8)
    flows = paid(plan, revenue=0.0, events={"breach": [1, 0, 0, 1, 0, 0, 0, 0]})
    assert rows(flows.triggers, "x") == [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]


# Coverage tests --------------------------------------------------------------------------------------------


def test_trailing_coverage_sums_both_sides_and_waits_for_its_history():
    # interest 10 a year; trailing over three years: not tested in years 1 and 2, whatever they bring
    plan = plan_of(
        pay(interest("A")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Trigger("trap", test=dscr(trailing=3) < 1.2),
        E,
        periods=6,
    )
    flows = paid(plan, revenue=[1.0, 1.0, 30.0, 4.0, 40.0, 0.0])
    # year 3: 32/30 fails; year 4: 35/30 fails; year 5: 74/30 passes; year 6: 44/30 passes
    assert rows(flows.triggers, "trap") == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_no_debt_service_passes():
    plan = plan_of(
        pay(principal("A")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Trigger("trap", test=dscr() < 1.2),
        E,
        periods=2,
    )
    # 100 repay A in year 1, after which nothing is owed and no cash is enough
    assert rows(paid(plan, revenue=[100.0, 0.0]).triggers, "trap") == [0.0, 0.0]


def test_debt_service_covered_by_a_hedge_passes():
    # the swap brings 5 where interest is 1: net debt service is -4, and no cash at all is enough
    plan = plan_of(
        pay(interest("A")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.01)),
        Swap("swap", notional=balance("A"), receive=Fixed(0.05), day_count="30/360"),
        Trigger("trap", test=dscr() < 1.2),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=0.0)
    assert rows(flows.triggers, "trap") == [0.0] and rows(flows.interest, "E") == [4.0]


@pytest.mark.parametrize(
    "payments",
    [
        pay(fee("trustee")) >> pay(interest("A")) >> pay(fee("manager")),
        pay(fee("trustee"), interest("A"), fee("manager"), sharing="sequential"),
        pay(
            pay(fee("trustee"), pay(interest("A"), fee("manager"), sharing="pro rata by due"), sharing="sequential"),
            principal("A"),
            sharing="sequential",
        ),
    ],
    ids=["clauses", "one clause in order", "groups"],
)
def test_coverage_counts_senior_fees_and_costs_but_no_reserves(payments):
    # (40 - 15 - 5) / 10 = 2.0: the junior fee of 7 and the 50 released do not count
    plan = plan_of(
        pay(expense("operating")) >> payments >> release("reserve") >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Fee("trustee", annual=5.0),
        Fee("manager", annual=7.0),
        Account("reserve", balance=50.0),
        Trigger("below 2", test=dscr() < 2.0),
        Trigger("at most 2", test=dscr() <= 2.0),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=40.0, operating_cost=15.0)
    assert (rows(flows.triggers, "below 2"), rows(flows.triggers, "at most 2")) == ([0.0], [1.0])


def test_oc_cure_pays_the_senior_until_the_ratio_holds():
    # pool 200, A 100, B 80: 200/180 < 1.25. Cure: reduce A and B to 200/1.25 = 160, so 20 of principal on A
    cure = max_(balance("A", "B") - pool_balance() / 1.25, 0.0)
    plan = plan_of(
        pay(interest("A")) >> pay(principal("A")).capped(cure).when(oc_ratio("B") < 1.25) >> pay(interest("B")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Note("B", 80.0, coupon=Fixed(0.10)),
        E,
        periods=3,
    )
    flows = paid(plan, interest=[25.0, 40.0, 40.0], pool_balance=200.0)
    # year 1: 10 + 15 diverted, B unpaid; year 2: 8.5 + 5 more, B 8 + 8 of arrears, 10.5 left; year 3: nothing to cure
    assert rows(flows.principal, "A") == pytest.approx([15.0, 5.0, 0.0])
    assert rows(flows.interest, "B") == pytest.approx([0.0, 16.0, 8.0])
    assert rows(flows.interest, "E") == pytest.approx([0.0, 10.5, 24.0])


def test_ic_test_diverts_what_the_junior_would_get():
    # interest 12 against 10 on A and 8 on B: 12/18 < 1.0 while 12/10 > 1.0, so 2 go to principal of A instead of B
    plan = plan_of(
        pay(interest("A")) >> pay(principal("A")).when(ic_ratio("B") < 1.0) >> pay(interest("B")) >> REST,
        Note("A", 100.0, coupon=Fixed(0.10)),
        Note("B", 80.0, coupon=Fixed(0.10)),
        E,
        periods=1,
    )
    flows = paid(plan, interest=12.0)
    assert rows(flows.principal, "A") == [2.0] and rows(flows.arrears, "B") == [8.0]


def test_a_ratio_inside_a_clause_runs_and_at_start_does_not():
    # 150/100 at determination; once A has had 50, the running ratio is 150/50
    for number, expected in ((oc_ratio("A"), 0.0), (at_start(oc_ratio("A")), 30.0)):
        plan = plan_of(
            pay(principal("A")).capped(50.0) >> pay(principal("A")).capped(30.0).when(number < 2.0) >> REST,
            Note("A", 100.0, coupon=Fixed(0.0)),
            E,
            periods=1,
        )
        assert rows(paid(plan, revenue=90.0, pool_balance=150.0).principal, "A") == [50.0 + expected]


CLO = golden("standards_clo_oc_examples")


@pytest.mark.parametrize("case", CLO["cases"], ids=lambda case: case["print"])
def test_clo_overcollateralisation(case):
    # performing par and the carrying value of what defaulted, over the senior notes; the test is the document's 1.30
    performing = CLO["inputs"]["par"] - case["defaulted"]
    number = ratio(pool_balance() + receipt("value"), balance("A"), zero=9.0)
    for level, on in ((CLO["inputs"]["trigger"], not case["passes"]), (case["ratio"] * (1 + 1e-12), True)):
        plan = plan_of(
            REST, Note("A", float(CLO["inputs"]["senior"]), coupon=Fixed(0.0)), Trigger("OC", test=number < level), E,
            periods=1,
        )  # fmt: skip
        flows = paid(plan, pool_balance=float(performing), value=float(case["carry"]))
        assert rows(flows.triggers, "OC") == [float(on)]
    below = plan_of(
        REST, Note("A", float(CLO["inputs"]["senior"]), coupon=Fixed(0.0)),
        Trigger("OC", test=number < case["ratio"] * (1 - 1e-12)), E, periods=1,
    )  # fmt: skip
    assert rows(paid(below, pool_balance=float(performing), value=float(case["carry"])).triggers, "OC") == [0.0]


def test_clo_haircuts_said_in_the_language():
    # excess CCC at market, defaulted at the lower of two, discount obligations at cost; the parts come as receipts:
    # performing par without CCC and discount obligations, CCC par, discount par, defaulted par
    given, expected = CLO["haircut_case"]["inputs"], CLO["haircut_case"]["expected"]
    ordinary, ccc, discount = receipt("pool_balance"), receipt("contracted"), receipt("value")
    whole = ordinary + ccc + discount + receipt("principal")
    excess = max_(ccc - whole * given["ccc_limit"], 0.0)
    carried = min(given["default_market_value"], given["default_rating_agency_recovery"])
    numerator = (
        whole
        - excess * (1.0 - given["ccc_market_value"])
        - discount * (1.0 - given["discount_purchase_price"])
        + defaulted_balance() * carried
    )
    number = ratio(numerator, balance("A"), zero=9.0)
    terms = [Note("A", given["class_A_B_outstanding"], coupon=Fixed(0.0)), E]
    tests = [
        Trigger("below", test=number < expected["oc_ratio"] * (1 - 1e-12)),
        Trigger("above", test=number < expected["oc_ratio"] * (1 + 1e-12)),
        Trigger("document", test=number < given["trigger"]),
    ]
    flows = paid(
        plan_of(REST, *terms, *tests, periods=1),
        pool_balance=float(given["performing_non_ccc_par"]),
        contracted=float(given["ccc_par"]),
        value=float(given["discount_obligation_par"]),
        principal=float(given["principal_cash"]),
        defaulted_balance=float(given["defaulted_par"]),
    )
    assert [flows.triggers[test.name][0, 0] for test in tests] == [0.0, 1.0, 0.0]
    assert expected["passes"]


# Draws -----------------------------------------------------------------------------------------------------


def test_a_delayed_draw_note_pays_for_construction_up_to_its_commitment():
    # costs 60, 60: 60 drawn, then the 40 that are left; the equity puts in the last 20; interest from the draw on
    plan = plan_of(
        draw("A", amount=expense_due("construction"))
        >> draw("E", amount=expense_due("construction") - cash())
        >> pay(expense("construction"))
        >> pay(interest("A"))
        >> REST,
        Note("A", 100.0, balance=0.0, coupon=Fixed(0.10), available_until=year(2)),
        Equity("E", commitment=50.0),
        periods=3,
    )
    flows = paid(plan, revenue=[0.0, 0.0, 20.0], construction=[60.0, 60.0, 0.0])
    assert rows(flows.draws, "A") == [60.0, 40.0, 0.0]
    assert rows(flows.draws, "E") == [0.0, 20.0, 0.0]
    assert rows(flows.expenses, "construction") == [60.0, 60.0, 0.0]
    assert rows(flows.interest, "A") == pytest.approx([0.0, 0.0, 16.0])
    assert rows(flows.interest, "E") == pytest.approx([0.0, 0.0, 4.0])


def test_nothing_is_drawn_after_the_availability_period():
    plan = plan_of(
        draw("A", amount=30.0) >> REST,
        Note("A", 100.0, balance=0.0, coupon=Fixed(0.0), available_until=year(2)),
        E,
        periods=4,
    )
    assert rows(paid(plan, revenue=0.0).draws, "A") == [30.0, 30.0, 0.0, 0.0]


def test_a_variable_funding_note_is_drawn_again_after_repayment():
    # 80 of 100 drawn; 50 repaid in year 1 may be drawn again in year 2, when the room is 70
    plan = plan_of(
        draw("A", amount=receipt("contracted")) >> pay(principal("A")).capped(principal_collections()) >> REST,
        Note("A", 100.0, balance=80.0, coupon=Fixed(0.0), available_until=year(3), revolving=True),
        E,
        periods=3,
    )
    flows = paid(plan, principal=[50.0, 0.0, 0.0], contracted=[0.0, 500.0, 500.0])
    assert rows(flows.draws, "A") == [0.0, 70.0, 0.0]
    assert rows(flows.balance, "A") == [30.0, 100.0, 100.0]


def test_draws_are_shared_by_what_is_undrawn():
    plan = plan_of(
        draw("A", "B", amount=50.0) >> REST,
        Note("A", 300.0, balance=0.0, coupon=Fixed(0.0), available_until=year(9)),
        Note("B", 100.0, balance=0.0, coupon=Fixed(0.0), available_until=year(9)),
        E,
        periods=1,
    )
    flows = paid(plan, revenue=0.0)
    assert (rows(flows.draws, "A"), rows(flows.draws, "B")) == ([37.5], [12.5])


# Trailing ratios, rates and instalments ----------------------------------------------------------------------


def test_an_event_trips_a_trigger_that_also_tests_a_trailing_ratio():
    """What has no history yet fails no test, and does not keep the rest of the test from being read."""
    trap = Trigger("trap", test=(dscr(trailing=3) < 1.2) | event("breach"), cure=2)
    plan = plan_of(pay(interest("A")) >> REST, Note("A", 100.0, coupon=Fixed(0.10)), trap, E)
    flows = paid(plan, revenue=[5.0, 20.0, 20.0, 20.0], events={"breach": [0.0, 1.0, 0.0, 0.0]})
    # year 1: 5 / 10 is no test yet; year 2: the event; years 3 and 4: 45/30 and 60/30 pass, twice
    assert rows(flows.triggers, "trap") == [0.0, 1.0, 1.0, 0.0]


def test_a_trailing_ratio_without_history_switches_no_clause():
    turbo = pay(principal("A")).when(dscr(trailing=3) < 1.2)
    plan = plan_of(pay(interest("A")) >> turbo >> REST, Note("A", 100.0, coupon=Fixed(0.10)), E)
    flows = paid(plan, revenue=[11.0, 11.0, 11.0, 11.0])
    assert rows(flows.principal, "A") == [0.0, 0.0, 1.0, pytest.approx(1.1)]  # 33/30 = 1.1 from year 3 on


def test_no_lender_pays_interest_when_rates_are_negative():
    note = Note("A", 100.0, coupon=Floating("SOFR", 0.005), day_count="30/360")
    flows = paid(
        plan_of(pay(interest("A")) >> REST, note, E, periods=2), {"SOFR": np.array([-0.01, 0.015])}, revenue=10.0
    )
    assert rows(flows.interest, "A") == [0.0, pytest.approx(2.0)]


def test_instalments_off_the_grid_are_counted_from_the_first_payment_after_them():
    note = Note("A", 100.0, coupon=Fixed(0.0), amortisation=EqualInstalments(datetime.date(2026, 1, 20), 4))
    plan = plan_of(pay(scheduled_principal("A")) >> REST, note, E, periods=5, frequency="quarterly")
    assert rows(paid(plan, revenue=30.0).principal, "A") == pytest.approx([25.0, 25.0, 25.0, 25.0, 0.0])
