"""Published deals whose dates are off the cycle: 26 July, then the 20th, of loans collected to month end or to the first."""

import datetime

import numpy as np
import pytest
from deals import golden

from structuring import Deal, LoanLine, LoanPool, Scenario, cdr, run
from waterfalls import Account, Equity, Fee, Fixed, Instalments, Note, Trigger
from waterfalls.words import (
    balance,
    by_date,
    cumulative,
    fee,
    interest,
    interest_collections,
    pay,
    pool_balance,
    principal,
    principal_collections,
    release,
    residual,
    scheduled_principal,
    top_up,
)

D = datetime.date
CASE = golden("absbox_deals_off_the_cycle")
GIVEN, EXPECTED = CASE["inputs"]["deals"], CASE["expected"]
COLLECTION = {
    "month end": {"collection_ends": "month end"},
    "month first": {"payment_lag": 19},
}  # of payments on the 20th
TIME = {"closing", "cutoff", "first_payment", "second_payment"}


def published(name, waterfall, *, accounts=(), amortisation=None, triggers=()):
    """One mortgage, a note A1 that accrues by actual/365F, and equity; the fee, where there is one, falls due once."""
    given, pool = GIVEN[name], CASE["inputs"]["pool"]
    once = by_date({D.fromisoformat(given["first_payment"]): given.get("fee", 0.0)})
    line = LoanLine(given.get("balance", pool["balance"]), pool["rate"], remaining_term=given["term"])
    note = Note(
        "A1", given["note"], coupon=Fixed(given["coupon"]), day_count="actual/365F", amortisation=amortisation,
        interest_on_arrears=Fixed(given["on_arrears"]) if "on_arrears" in given else False,
    )  # fmt: skip
    return Deal(
        name, **{field: D.fromisoformat(day) for field, day in given.items() if field in TIME},
        **COLLECTION[given["collection"]], maturity=D(2023, 12, 20), frequency="monthly", calendar="none",
        collateral=LoanPool((line,), order="sequential", first_payment=D.fromisoformat(given["loans_pay_from"])),
        tranches=(note, Equity("B")), fees=(Fee("trustee", amount=once),) if "fee" in given else (),
        accounts=accounts, triggers=triggers, waterfall=waterfall >> pay(residual("B")),
    )  # fmt: skip


def agrees(flows, name):
    """Every printed cell of A1."""
    tables = (flows.balance, flows.interest, flows.principal, flows.arrears)
    for date, *printed in EXPECTED[name]:
        found = [table["A1"][0, flows.dates.index(D.fromisoformat(date))] for table in tables]
        kept = [k for k, cell in enumerate(printed) if cell is not None]
        np.testing.assert_allclose(
            np.array(found)[kept], [printed[k] for k in kept], rtol=0.0, atol=CASE["tolerance"], err_msg=date
        )


@pytest.mark.parametrize("name", ["run_deal A", "run_deal B"])
def test_a_long_first_period_and_loans_collected_to_the_first(name):
    agrees(run(published(name, pay(interest("A1")) >> pay(principal("A1")))), name)


@pytest.mark.parametrize("name", ["interest due", "interest over interest"])
def test_interest_that_collections_of_interest_do_not_cover(name):
    waterfall = pay(interest("A1")).capped(interest_collections())
    agrees(run(published(name, waterfall >> pay(principal("A1")).capped(principal_collections()))), name)


def test_a_schedule_of_balances_whose_shortfall_stays_due():
    given = GIVEN["schedule"]
    dates = [D(2021, 7 + k, 20) for k in range(len(given["balances"]))]
    amounts = -np.diff([given["note"], *given["balances"]])
    plan = Instalments(dict(zip(dates, amounts.tolist(), strict=True)))
    waterfall = pay(fee("trustee")) >> pay(interest("A1")) >> pay(scheduled_principal("A1"))
    agrees(run(published("schedule", waterfall, amortisation=plan)), "schedule")


@pytest.mark.parametrize("name", ["reserve", "reserve of the pool"])
def test_a_reserve_that_pays_before_the_first_collection(name):
    given = GIVEN[name]
    target = given["reserve_of_pool"] * pool_balance() if "reserve_of_pool" in given else given["reserve"]
    waterfall = (
        release("reserve")
        >> pay(fee("trustee")).supported_by("reserve")
        >> pay(interest("A1")).supported_by("reserve")
        >> release("reserve", to=0.0).when(balance("A1") <= 0.0)
        >> pay(top_up("reserve")).when(balance("A1") > 0.0)
        >> pay(principal("A1"))
    )
    deal = published(name, waterfall, accounts=(Account("reserve", target=target, balance=given["reserve"]),))
    flows = run(deal)
    assert [str(day) for day in flows.dates[:3]] == ["2021-07-26", "2021-08-20", "2021-09-20"]
    agrees(flows, name)
    for date, held in EXPECTED["reserve_held"][name].items():
        found = flows.accounts["reserve"][0, flows.dates.index(D.fromisoformat(date))]
        assert found == pytest.approx(held, abs=CASE["tolerance"]), date
    for date, paid in EXPECTED["released_to_equity"].items() if name == "reserve" else ():
        found = flows.interest["B"][0, flows.dates.index(D.fromisoformat(date))]
        assert found == pytest.approx(paid, abs=CASE["tolerance"])


def test_a_trigger_on_defaults_is_read_on_the_dates_of_payment():
    given = GIVEN["trigger"]
    size, days = given["balance"], [D(2021 + (k + 1) // 12, (k + 1) % 12 + 1, 1) for k in range(40)]
    test = Trigger("too many", test=cumulative("defaults") / size >= given["trigger"])
    deal = published("trigger", pay(fee("trustee")) >> pay(interest("A1")) >> pay(principal("A1")), triggers=(test,))
    flows = run(deal, Scenario("2 %", default=cdr(given["cdr"], dates=days)))
    share = np.cumsum(flows.receipt("defaults")[0]) / size
    for t, (date, printed) in enumerate(EXPECTED["share_defaulted"].items()):
        assert str(flows.dates[t]) == date
        assert share[t] == pytest.approx(printed, abs=5e-5), date  # 0.05 of 1,100
        assert flows.triggers["too many"][0, t] == float(printed >= given["trigger"]), date
