"""Whole deals that read like their documents, with the cash that their documents promise, worked out by hand."""

import pytest
from tiny import flows_from, plan_from, row, same_cash

CLO = """
tranches:
  - note: {name: A, notional: 60.0, coupon: {fixed: {rate: 0.04}}}
  - note: {name: B, notional: 20.0, coupon: {fixed: {rate: 0.08}}, deferrable: true, interest_on_arrears: true}
  - equity: {name: subordinated notes, notional: 20.0}
fees:
  - {name: trustee, annual: 0.2}
  - {name: senior management, rate: 0.001, on: pool_balance()}
  - {name: subordinated management, rate: 0.004, on: pool_balance()}
accounts:
  - {name: principal proceeds}
replacements:
  - {name: substitute loans, coupon: {fixed: {rate: 0.08}}, repays: 0.0}
definitions:
  collateral principal amount: pool_balance() + held('principal proceeds')
  adjusted collateral principal amount: >-
    defined('collateral principal amount') + min_(receipt('defaulted_value'), receipt('defaulted_recovery'))
waterfall:
  reinvestment period:
    - pay(deposit('principal proceeds')).capped(principal_collections())
    - pay(fee('trustee')).capped(0.25)
    - pay(fee('senior management'))
    - pay(interest('A')).supported_by('principal proceeds')
    - pay(principal('A')).capped(cure(oc_ratio('A', of=defined('adjusted collateral principal amount')), 1.4))
    - pay(interest('B'))
    - >-
      pay(principal('A', 'B'), sharing='sequential')
      .capped(cure(oc_ratio('B', of=defined('adjusted collateral principal amount')), 1.2))
    - pay(purchase('substitute loans')).from_('principal proceeds')
    - pay(fee('trustee'))
    - pay(fee('subordinated management'))
    - pay(residual('subordinated notes'))
  amortisation:
    - pay(deposit('principal proceeds')).capped(principal_collections())
    - pay(fee('trustee')).capped(0.25)
    - pay(fee('senior management'))
    - pay(interest('A')).supported_by('principal proceeds')
    - pay(interest('B'))
    - pay(principal('A', 'B'), sharing='sequential').from_('principal proceeds')
    - release('principal proceeds')
    - pay(fee('trustee', 'subordinated management'), sharing='sequential')
    - pay(residual('subordinated notes'))
regimes:
  amortisation: on_or_after('2028-01-15')
"""


def test_clo_diverts_interest_until_the_overcollateralisation_is_cured_and_reinvests_principal():
    flows = flows_from(
        plan_from(CLO),
        interest=[7.6, 6.8, 6.8],
        principal=[10, 0, 85],
        pool_balance=[90, 85, 0],
        defaulted_value=[0, 1, 1],
        defaulted_recovery=[0, 2, 2],
    )
    # 2027: fees 0.2 and 0.09; A 2.4; OC of B (90 + 10) / 80 = 1.25 holds; B 1.6; 10 reinvested; 0.36; the rest 2.95
    # 2028: the pool is 95 with what was bought, which pays 0.8: fees 0.2 and 0.095, A 2.4, B 1.6;
    #       OC of B is 96 / 80 = 1.2 and holds; 0.38; the rest 2.925
    # 2029: amortisation; 10 of substitute loans stay; principal 85 pays A 60, B 20
    assert row(flows, "symbol assets substitute loans") == pytest.approx([10, 10, 10])
    same_cash(flows, {
        "interest A": [2.4, 2.4, 2.4], "interest B": [1.6, 1.6, 1.6], "principal A": [0, 0, 60],
        "principal B": [0, 0, 20], "residual subordinated notes": [2.95, 2.925, 6.8 + 0.8 - 0.2 - 0.01 - 4 + 5 - 0.04],
    })  # fmt: skip


def test_clo_failing_test_repays_the_senior_from_interest():
    flows = flows_from(plan_from(CLO), interest=[7.6, 7.6, 7.6], principal=[0, 0, 85], pool_balance=[93, 93, 0])
    # 93 / 80 = 1.1625: 80 - 93 / 1.2 = 2.5 of A from interest; 7.6 - 0.2 - 0.093 - 2.4 - 1.6 - 2.5 - 0.372 = 0.435
    same_cash(flows, {"principal A": [2.5, 0, 57.5], "residual subordinated notes": [
        0.435, 7.6 - 0.2 - 0.093 - 2.3 - 1.6 - 0.372, 7.6 + 85 - 0.2 - 2.3 - 1.6 - 57.5 - 20]})  # fmt: skip


AUTO = """
tranches:
  - note: {name: A, notional: 80.0, coupon: {fixed: {rate: 0.04}}}
  - note: {name: B, notional: 10.0, coupon: {fixed: {rate: 0.06}}}
  - equity: {name: certificates}
fees:
  - {name: servicer, rate: 0.01, on: pool_balance()}
accounts:
  - {name: reserve, target: "min_(1, balance('A', 'B'))", balance: 1.0}
definitions:
  target overcollateralisation: >-
    max_(stepped(0.15, {'2028-01-15': 0.10}) * pool_balance(), 0.015 * 100)
triggers:
  - {name: cumulative net loss, test: "cumulative('losses') / 100 > stepped(0.03, {'2028-01-15': 0.06})"}
waterfall:
  - pay(fee('servicer'))
  - pay(interest('A')).supported_by('reserve')
  - pay(principal('A')).capped(balance('A') - pool_balance())
  - pay(interest('B')).supported_by('reserve')
  - pay(principal('A', 'B'), sharing='sequential').capped(balance('A', 'B') - pool_balance())
  - pay(top_up('reserve'))
  - >-
    pay(principal('A', 'B'), sharing='sequential')
    .capped(balance('A', 'B') - (pool_balance() - defined('target overcollateralisation')))
  - pay(principal('A', 'B'), sharing='sequential').when(trigger('cumulative net loss'))
  - release('reserve')
  - pay(residual('certificates'))
"""


def test_auto_abs_turbo_builds_overcollateralisation_then_steps_down_to_its_floor():
    flows = flows_from(plan_from(AUTO), interest=[10, 8, 1], principal=[28, 40, 30], pool_balance=[70, 30, 0],
                       losses=[2, 0, 0])  # fmt: skip
    # 2027: 38 - 0.7 - 3.2 - 0.6 = 33.5; 90 to 70: 20; to 70 - 15 %: 10.5; the rest 3
    # 2028: 48 - 0.3 - 1.98 - 0.6 = 45.12; 59.5 to 30: 29.5; to 30 - 10 %: 3; the rest 12.62
    # 2029: 31 - 0.68 - 0.6 - 27 of principal = 2.72, and the reserve of 1
    same_cash(flows, {
        "principal A": [30.5, 32.5, 17], "principal B": [0, 0, 10], "account reserve": [1, 1, 0],
        "residual certificates": [3, 12.62, 3.72],
    })  # fmt: skip


def test_auto_abs_cumulative_loss_trigger_turns_the_turbo_into_full_turbo():
    flows = flows_from(plan_from(AUTO), interest=[10, 8, 1], principal=[28, 40, 30], pool_balance=[70, 30, 0],
                       losses=[4, 0, 0])  # fmt: skip
    # all 33.5 in 2027; 48 - 0.3 - 1.86 - 0.6 = 45.24 in 2028, of which 56.5 - 27 = 29.5
    same_cash(flows, {"trigger cumulative net loss": [1, 0, 0], "principal A": [33.5, 29.5, 17],
                      "residual certificates": [0, 15.74, 3.72]})  # fmt: skip


TRUST = """
tranches:
  - note: {name: A-1, notional: 20.0, balance: 0.0, coupon: {fixed: {rate: 0.05}}, available_until: 2028-01-15, revolving: true}
  - note: {name: 2024-1, notional: 50.0, coupon: {fixed: {rate: 0.04}}, anticipated_repayment: 2028-01-15, additional_rate: 0.01}
  - note: {name: 2025-1, notional: 30.0, coupon: {fixed: {rate: 0.05}}, anticipated_repayment: 2029-01-15, additional_rate: 0.01}
fees:
  - {name: manager, rate: 0.1, on: receipt('revenue')}
accounts:
  - {name: cash trap}
triggers:
  - {name: cash trap, test: dscr() < 3, cure: 2}
  - {name: early amortisation, test: dscr() < 2, cure: 2}
waterfall:
  - release('cash trap').when(~trigger('cash trap') | trigger('early amortisation'))
  - pay(expense('operating'))
  - pay(fee('manager'))
  - pay(interest('A-1', '2024-1', '2025-1'), sharing='pro rata by due').supported_by('cash trap')
  - pay(principal('A-1', '2024-1', '2025-1'), sharing='pro rata by balance').when(trigger('early amortisation'))
  - pay(principal('2024-1')).when(on_or_after('2028-01-15'))
  - pay(principal('2025-1')).when(on_or_after('2029-01-15'))
  - pay(additional_interest('2024-1', '2025-1'), sharing='pro rata by due')
  - pay(deposit('cash trap')).when(trigger('cash trap')).capped(0.5 * cash())
  - pay(residual('E'))
"""


def test_master_trust_traps_half_then_sweeps_to_a_series_past_its_anticipated_date():
    flows = flows_from(plan_from(TRUST, periods=4), revenue=[15, 20, 20, 90], operating_cost=[4, 4, 4, 4])
    # debt service 3.5: coverage (15 - 4 - 1.5) / 3.5 = 2.71 traps half of 6; (20 - 4 - 2) / 3.5 = 4, one pass of two;
    # from January 2028 on 2024-1 takes everything: 10.5, then 0.39 and its 1.58, 1.5 less; the trap opens in 2029
    traps = row(flows, "account cash trap")
    assert row(flows, "trigger cash trap") == [1, 1, 0, 0]
    assert traps[:2] == pytest.approx([3, 3]) and traps[2:] == [0, 0]
    same_cash(flows, {"principal 2024-1": [0, 10.5, 13.92, 25.58], "residual E": [3, 0, 0, 90 - 9 - 4 - 1.0232 - 1.5 - 25.58
                      - 30 - 0.395 - 0.2558 - 0.3]})  # fmt: skip


def test_master_trust_amortises_early_pari_passu():
    flows = flows_from(plan_from(TRUST, periods=4), revenue=[10, 12, 12, 90], operating_cost=[4, 4, 4, 4])
    # (10 - 4 - 1) / 3.5 = 1.43: the 1.5 left repays 50 and 30 in proportion
    # 6.8 / 3.434 = 1.98 fails again; then it passes, and is cured by the second pass in a row
    assert row(flows, "trigger early amortisation") == [1, 1, 1, 0]
    assert row(flows, "principal 2024-1")[0] == pytest.approx(1.5 * 50 / 80)
    assert row(flows, "principal 2025-1")[0] == pytest.approx(1.5 * 30 / 80)


PROJECT = """
tranches:
  - note:
      name: term loan
      notional: 100.0
      coupon: {floating: {index: SOFR, margin: 0.02}}
      day_count: 30/360
      amortisation: {sculpted: {dscr: 1.3, first: 2027-01-15}}
  - equity: {name: sponsor, notional: 40.0}
hedges:
  - swap: {name: swap, notional: 0.75 * balance('term loan'), pay: {fixed: {rate: 0.04}}, receive: {floating: {index: SOFR, margin: 0.0}}, day_count: 30/360}
fees:
  - {name: agency, annual: 0.5}
accounts:
  - {name: debt service reserve, target: "min_(0.5 * debt_service('term loan'), balance('term loan'))", balance: 15.0}
triggers:
  - {name: lock-up, test: dscr() < 1.15}
waterfall:
  - pay(expense('operating'))
  - pay(fee('agency'))
  - pay(hedge('swap')).supported_by('debt service reserve')
  - pay(interest('term loan')).supported_by('debt service reserve')
  - pay(scheduled_principal('term loan')).supported_by('debt service reserve')
  - release('debt service reserve')
  - pay(top_up('debt service reserve'))
  - pay(principal('term loan')).capped(0.5 * cash())
  - pay(residual('sponsor')).when(~trigger('lock-up'))
  - pay(principal('term loan'))
  - pay(residual('sponsor'))
"""


def test_project_loan_is_sculpted_swept_and_keeps_its_reserve():
    flows = flows_from(plan_from(PROJECT), revenue=[50, 50, 90], operating_cost=[10.5, 10.5, 10.5],
                       rates={"SOFR": 0.04})  # fmt: skip
    # 39 / 1.3 = 30: interest 6, principal 24; reserve 15; half of the remaining 9 sweeps 4.5
    # balance 71.5: interest 4.29, principal 25.71; again 9 left, 4.5 swept; 41.29 at the end with 2.4774 of interest,
    # when the reserve is released
    same_cash(flows, {"interest term loan": [6, 4.29, 2.4774], "principal term loan": [28.5, 30.21, 41.29],
                      "account debt service reserve": [15, 15, 0],
                      "residual sponsor": [4.5, 4.5, 90 - 11 - 2.4774 - 41.29 + 15]})  # fmt: skip


@pytest.mark.parametrize("text", [CLO, AUTO, TRUST, PROJECT], ids=["CLO", "auto ABS", "master trust", "project loan"])
def test_a_deal_prints_as_its_priority_of_payments(text):
    plan = plan_from(text, periods=4)
    for waterfall in plan.waterfalls.values():
        lines = waterfall.words().splitlines()
        assert len(lines) == len(waterfall.clauses)
        assert all(line.startswith(f"({number}) to ") for number, line in enumerate(lines, 1))
