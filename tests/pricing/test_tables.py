"""The tables a committee reads, against sums by hand."""

import numpy as np
import pandas as pd
import pytest
from tiny import flows_from, plan_from

from pricing.overview.deal_tables import by_date, signed, what_happens
from pricing.tables.aligned_text import text
from waterfalls.language.ratios import cash_for_debt_service

NOTE = "tranches: [{note: {name: A, notional: 100.0, coupon: {fixed: {rate: 0.05}}}}]\n"


def test_nothing_is_collected_after_the_sale():
    text = (
        f"{NOTE}waterfall: [\"call(price=90).when(event('call'))\", \"pay(interest('A'))\", "
        "\"pay(principal('A')).when(called())\", \"pay(residual('E'))\"]"
    )
    flows = flows_from(plan_from(text), interest=[9, 9, 9], value=[90, 90, 90], events={"call": [[0, 1, 1]]})
    table = by_date(flows)
    assert table["collections"].tolist() == [9.0, 9.0 + 90.0, 0.0]
    assert table["cash_for_debt_service"].tolist() == [9.0, 9.0, 0.0]
    assert table["value"].tolist() == [90.0, 90.0, 0.0]


def test_what_is_unpaid_is_told_with_its_interest():
    text = f"{NOTE}waterfall: [\"pay(interest('A'))\", \"pay(residual('E'))\"]".replace("100.0", "100.0e6")
    flows = flows_from(plan_from(text), interest=[[2.0e6, 0.0, 0.0]])
    told = what_happens(flows).iloc[0]
    balance, arrears = flows.balance["A"][0, -1] / 1e6, flows.arrears["A"][0, -1] / 1e6
    assert arrears > 1.0
    assert told["unpaid"] == f"A {balance + arrears:,.1f} (interest {arrears:,.1f})"


def test_replacement_collateral_counts_as_the_waterfall_counts_it():
    text = (
        f"{NOTE}replacements: [{{name: new, coupon: {{fixed: {{rate: 0.1}}}}, repays: '0.5', balance: 40.0}}]\n"
        "waterfall: [\"pay(interest('A'))\", \"pay(residual('E'))\"]"
    )
    flows = flows_from(plan_from(text), interest=[6, 6, 6])
    earned = np.array([4.0, 2.0, 1.0])  # 10 % of 40, 20, 10, half of which is repaid at each date
    np.testing.assert_allclose(signed(flows, cash_for_debt_service(flows.plan), 0), 6.0 + earned)
    assert by_date(flows)["collections"].to_numpy() == pytest.approx(6.0 + earned + [20.0, 10.0, 5.0])


def test_a_table_that_is_too_wide_is_folded_and_keeps_its_first_columns():
    frame = pd.DataFrame(
        {"deal": ["x", "x"], "tranche": ["A-2", "B"], **{f"measure_{n}": [1.5 * n, -n] for n in range(12)}}
    )
    whole, folded = text(frame), text(frame, width=60)
    assert max(map(len, whole.splitlines())) > 60 >= max(map(len, folded.splitlines()))
    parts = folded.split("\n\n")
    assert len(parts) > 1
    for part in parts:
        assert [line.split()[:2] for line in part.splitlines()] == [["deal", "tranche"], ["x", "A-2"], ["x", "B"]]
    cells = [cell for part in parts for cell in part.splitlines()[1].split()[2:]]
    assert cells == whole.splitlines()[1].split()[2:]
    assert text(frame, width=400) == whole
    long = text(frame.assign(deal=["a longer name", "x"]), width=60).split("\n\n")[0].splitlines()
    assert {line.index(key) for line, key in zip(long, ("tranche", "A-2", "B"), strict=True)} == {
        len("a longer name") + 2
    }
    words = pd.DataFrame({"scenario": ["base"], "trap": ["never"], "unpaid": ["nothing " * 5]})
    assert text(words, width=30).count("base") == 2


def test_what_is_rounded_to_nothing_has_no_sign():
    frame = pd.DataFrame({"name": ["x", "y"], "loss": [-1e3, -5e7], "ratio": [-0.001, -0.01]})
    assert [line.split() for line in text(frame, millions=("loss",)).splitlines()[1:]] == [
        ["x", "0.0", "0.00"],
        ["y", "-50.0", "-0.01"],
    ]
