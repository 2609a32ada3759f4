"""Observed speeds against SIFMA's examples, and as the inverse of what a pool pays at given speeds."""

import datetime

import numpy as np
import pandas as pd
import pytest
from deals import golden

from structuring import LoanLine, LoanPool, Scenario, abs_speed, cdr, cpr, psa
from structuring.scenarios.scenario import Drivers
from waterfalls import Floating
from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms

D = datetime.date
SIFMA = golden("standards_sifma_observed_speeds")


def test_one_month_of_factors_is_sifmas_example():
    """A pool of age 15, whose loans are in their 17th month; factors of 1 June and 1 July 1989."""
    given, tolerance = SIFMA["inputs"]["one_month"], SIFMA["tolerance"]
    pool = LoanPool.level_pay(
        balance=1.0, rate=given["rate"], remaining_term=given["original_term"] - given["age_of_pool"],
        age=given["month_of_loans"] - 1,
    )  # fmt: skip
    (row,) = pool.observed(pd.DataFrame({"factor": given["factors"]})).to_dict("records")
    for name, value in SIFMA["expected"]["one_month"].items():
        assert row[name] == pytest.approx(value, abs=tolerance[name]), name
    assert np.isnan(row["cdr"]) and np.isnan(row["severity"])


def test_an_average_over_pools_and_months_is_sifmas_example():
    given, tolerance = SIFMA["inputs"]["two_pools"], SIFMA["tolerance"]
    lines = tuple(
        LoanLine(
            p["face"] * p["factors"][0], p["rate"], remaining_term=p["original_term"] - p["age"], age=p["age"]
        )
        for p in given["pools"]
    )  # fmt: skip
    ends = [sum(p["face"] * p["factors"][k] for p in given["pools"]) for k in (0, 1)]
    (row,) = LoanPool(lines).observed(pd.DataFrame({"month": [0, given["months"]], "balance": ends})).to_dict("records")
    for name, value in SIFMA["expected"]["two_pools"].items():
        assert row[name] == pytest.approx(value, abs=tolerance[name]), name


def reported(pool, scenario, months):
    """What a servicer would report of a pool, from the model."""
    years, month = divmod(months, 12)
    periods = schedule(
        closing=D(2026, 1, 1), first_payment=D(2026, 2, 1), maturity=D(2026 + years, month + 1, 1), frequency="monthly",
        calendar="none",
    )  # fmt: skip
    receipts = pool.deliver(periods, Drivers.of(scenario))
    start = sum(line.balance for line in pool.lines)
    columns = {
        name: [0.0, *receipts[name][0]] for name in ("principal", "prepayments", "defaults", "recoveries", "losses")
    }
    return pd.DataFrame({"month": range(months + 1), "balance": [start, *receipts["pool_balance"][0]], **columns})


@pytest.mark.parametrize("order", ["sifma", "sequential"])
def test_reports_of_a_pool_give_back_the_speeds_it_was_run_at(order):
    pool = LoanPool.level_pay(balance=1e6, rate=0.06, remaining_term=340, age=20, order=order, severity=0.35, recovery_lag=4)  # fmt: skip
    report = reported(pool, Scenario("x", prepayment=psa(1.65), default=cdr(0.03)), 48)
    speeds = pool.observed(report)
    assert speeds["psa"].to_numpy() == pytest.approx(np.full(48, 1.65), abs=1e-9)
    assert speeds["cdr"].to_numpy() == pytest.approx(np.full(48, 0.03), abs=1e-12)
    assert speeds["severity"].to_numpy()[4:] == pytest.approx(np.full(44, 0.35))
    assert speeds["age"].tolist() == list(range(21, 69))


def test_principal_as_reported_stands_for_the_schedule_of_a_pool_that_floats():
    line = LoanLine(1e6, Floating("SOFR", 0.05), remaining_term=60)
    pool = LoanPool((line,))
    fixed = LoanPool.level_pay(balance=1e6, rate=0.08, remaining_term=60, severity=0.5)
    report = reported(fixed, Scenario("x", prepayment=cpr(0.12), default=cdr(0.05)), 36)
    speeds = pool.observed(report)
    assert speeds["cpr"].to_numpy() == pytest.approx(np.full(36, 0.12), abs=1e-12)
    with pytest.raises(InvalidTerms, match="needs the column principal"):
        pool.observed(report[["month", "balance"]])


def test_factors_of_car_loans_give_back_their_absolute_speed():
    """Of loans of one age and term; 2 ABS in month 11 is an SMM of 2.5 % (SIFMA, SF-14)."""
    pool = LoanPool.level_pay(balance=100.0, rate=0.08, remaining_term=26, age=10)
    report = reported(pool, Scenario("x", prepayment=abs_speed(0.02)), 20)[["month", "balance"]]
    speeds = pool.observed(report)
    assert speeds["smm"].iloc[0] == pytest.approx(SIFMA["expected"]["abs"]["smm"], abs=1e-12)
    assert speeds["abs"].to_numpy() == pytest.approx(np.full(20, 0.02), abs=1e-12)


def test_quarterly_factors_average_the_months_between_and_a_file_is_read(tmp_path):
    pool = LoanPool.level_pay(balance=1.0, rate=0.07, remaining_term=360)
    report = reported(pool, Scenario("x", prepayment=psa(2.0)), 24)[["month", "balance"]].rename(columns={"balance": "factor"})  # fmt: skip
    report.iloc[::3].to_csv(tmp_path / "factors.csv", index=False)
    speeds = pool.observed(tmp_path / "factors.csv")
    assert speeds["month"].tolist() == list(range(3, 25, 3))
    assert speeds["psa"].to_numpy() == pytest.approx(np.full(8, 2.0), abs=1e-9)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"month": [0, 1]}, "needs a column factor or a column balance"),
        ({"factor": [1.0]}, "month: must be two or more whole months that rise"),
        ({"month": [0, 0], "factor": [1.0, 0.9]}, "must be two or more whole months that rise"),
        ({"factor": [1.0, -0.9]}, "row 2, factor: must be at least 0, got -0.9"),
        ({"factor": [1.0, "x"]}, "factor: must be numbers"),
        ({"factor": [1.0, 0.9], "prepayment": [0.0, 0.1]}, "Did you mean 'prepayments'?"),
        ({"month": [0, 3], "balance": [1.0, 0.9], "prepayments": [0.0, 0.1]}, "are of one month a row"),
    ],
)
def test_bad_reports_say_what_is_wrong(report, message):
    pool = LoanPool.level_pay(balance=1.0, rate=0.07, remaining_term=36)
    with pytest.raises(InvalidTerms) as caught:
        pool.observed(pd.DataFrame(report))
    assert message in str(caught.value)
