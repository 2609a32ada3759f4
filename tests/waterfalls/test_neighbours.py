"""What the neighbours do wrong, each shown right here by name; numbers are worked out by hand."""

import datetime

import pytest
from tiny import flows_from, plan_from, row, same_cash

from waterfalls.clock.schedule import schedule
from waterfalls.errors import InvalidTerms

REST = "pay(residual('E'))"


def deal(*clauses, note="", **parts):
    lines = [f"tranches: [{{note: {{name: A, notional: 100.0, coupon: {{fixed: {{rate: 0.05}}}}{note}}}}}]"]
    return "\n".join([*lines, *(f"{k}: {v}" for k, v in parts.items()), "waterfall:", *(f"  - {c}" for c in clauses)])


def test_a_facility_limited_to_100_never_lends_480():
    text = deal("pay(interest('A')).supported_by('line')", REST, facilities="[{name: line, limit: 12}]")
    flows = flows_from(plan_from(text, periods=6), interest=[0.0] * 6)
    same_cash(flows, {"symbol balance line": [5, 10, 12, 12, 12, 12], "interest A": [5, 5, 2, 0, 0, 0],
                      "arrears A": [0, 0, 3, 8, 13, 18]})  # fmt: skip


def test_z_bonds_accrete():
    flows = flows_from(plan_from(deal("pay(principal('A'))", REST, note=", capitalises: always()")), interest=[0, 0, 0])
    same_cash(flows, {"balance A": [105, 110.25, 115.7625], "capitalised A": [5, 5.25, 5.5125]})


def test_interest_on_interest_is_counted_once():
    note = ", deferrable: true, interest_on_arrears: true"
    flows = flows_from(plan_from(deal("pay(interest('A'))", REST, note=note)), interest=[0, 0, 20])
    same_cash(flows, {"arrears A": [5, 10.25, 0], "interest A": [0, 0, 15.7625], "residual E": [0, 0, 4.2375]})


def test_interest_on_arrears_is_not_charged_unless_said():
    flows = flows_from(plan_from(deal("pay(interest('A'))", REST, note=", deferrable: true")), interest=[0, 0, 20])
    same_cash(flows, {"arrears A": [5, 10, 0], "interest A": [0, 0, 15]})


def test_money_is_not_floored_to_the_cent():
    # interest on 1bn at 5 % for 30 years of months: 1.5bn, of which flooring each month would lose up to 3.60
    text = deal("pay(interest('A'))", REST).replace("100.0", "1.0e9").replace("0.05", "0.0500001")
    flows = flows_from(plan_from(text, periods=360, frequency="monthly"), interest=[5e6] * 360)
    assert flows.interest["A"].sum() == pytest.approx(30 * 1e9 * 0.0500001, rel=1e-12)


@pytest.mark.parametrize("key", ["amortization: 3", "deferable: true", "defferable: true"])
def test_misspelt_optional_keys_are_refused_with_the_nearest(key):
    wanted = {"amortization": "amortisation", "deferable": "deferrable", "defferable": "deferrable"}[key.split(":")[0]]
    with pytest.raises(AssertionError, match=f"there is no field '{key.split(':')[0]}'. Did you mean '{wanted}'"):
        plan_from(deal(REST, note=f", {key}"))


def test_a_dangling_bond_name_is_refused_with_the_nearest():
    text = deal("pay(interest('class A'))", REST).replace("name: A", "name: Class A")
    with pytest.raises(InvalidTerms, match="there is no note or facility 'class A'. Did you mean 'Class A'"):
        plan_from(text)


def test_stranded_cash_is_refused():
    with pytest.raises(InvalidTerms, match="can strand cash"):
        plan_from(deal("pay(interest('A'))"))


def test_unpaid_interest_is_owed_before_equity_is_paid():
    flows = flows_from(plan_from(deal("pay(interest('A'))", REST)), interest=[0, 0, 500])
    same_cash(flows, {"interest A": [0, 0, 15], "residual E": [0, 0, 485], "arrears A": [5, 10, 0]})


def test_an_undrawn_letter_of_credit_is_never_cash_for_equity():
    text = deal("pay(interest('A')).supported_by('LC')", REST, facilities="[{name: LC, limit: 40}]")
    flows = flows_from(plan_from(text), interest=[9, 3, 9])
    same_cash(flows, {"residual E": [4, 0, 4], "symbol lent LC": [0, 2, 0]})
    with pytest.raises(InvalidTerms, match="LC"):
        plan_from(deal("pay(residual('E')).supported_by('LC')", REST, facilities="[{name: LC, limit: 40}]"))


def test_a_seasoned_step_up_goes_by_date_and_never_by_position():
    # stepped up since 2026, picked up in 2028: 6 % from the first remaining date on, 7 % from January 2029
    note = ""
    text = deal("pay(interest('A'))", REST, note=note).replace(
        "{rate: 0.05}", "{rate: 0.05, step_up: {2026-01-15: 0.01, 2029-01-15: 0.01}}"
    )
    day = datetime.date
    dates = schedule(closing=day(2025, 1, 15), first_payment=day(2026, 1, 15), maturity=day(2030, 1, 15),
                     frequency="annual", calendar="none", as_of=day(2028, 3, 1))  # fmt: skip
    flows = flows_from(plan_from(text, dates=dates), interest=[9, 9])
    assert flows.dates == (day(2029, 1, 15), day(2030, 1, 15))
    assert row(flows, "interest A") == pytest.approx([6, 7])
