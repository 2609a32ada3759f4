"""The shipped deals: each is held to what can be worked out by hand from the figures in its file, and tells its story."""

import dataclasses
import datetime as dt
import functools
import itertools

import numpy as np
import pytest

from pricing import SpreadShock, load_market, price
from pricing.market.market import projected
from pricing.overview.deal_tables import capital_structure, ranks
from structuring import Scenario, load_deal, load_scenarios, run
from structuring.deals.deal_files import library
from structuring.deals.unusual_terms import left_over
from waterfalls import Waterfall
from waterfalls.words import balance as balance_of
from waterfalls.words import release

LAST_RELEASE = release("liquidity reserve").when(balance_of("A-1", "A-2", "B") <= 0)
NEW = (
    "tpu-lease-2026", "iren-hardware-3", "stack-master-trust", "ai-credit-clo", "mezz-abs-cdo-2006",
    "wulf-compute-2025", "flash-compute-2025", "river-bend-2026", "vantage-germany-2025",
    "vantage-oracle-2025", "valor-compute-2026", "polaris-forge-2025", "data-centre-srt",
)  # fmt: skip


@functools.cache
def shipped(name: str):
    deal, market = load_deal(name), load_market(name)
    return deal, market, run(deal, load_scenarios(name), rates=projected(market, deal), engine="reference")


def flows_of(name: str):
    return shipped(name)[2]


def row(flows, scenario: str) -> int:
    return list(flows.scenarios).index(scenario)


def at(flows, day: dt.date) -> int:
    """The index of the first payment on or after a day."""
    return next(t for t, paid in enumerate(flows.dates) if paid >= day)


def under(name: str, scenario: Scenario):
    deal, market, _ = shipped(name)
    return run(deal, [scenario], rates=projected(market, deal))


def unpaid(flows, name: str) -> np.ndarray:
    """The share of what a note was or could be owed that is lost: still owed at the end, or written down (S,)."""
    lent = flows.plan.opening["balance", name] + flows.draws[name].sum(axis=1)
    lost = flows.balance[name][:, -1] + flows.written_down[name].sum(axis=1)
    return np.divide(lost, lent, out=np.zeros_like(lost), where=lent > 0.0)


def level(balance: float, rate: float, count: int) -> float:
    return balance * rate / (1.0 - (1.0 + rate) ** -count)


def words_of(name: str) -> str:
    return library()[name].with_name("story.md").read_text(encoding="utf-8")


# what holds of every shipped deal


@pytest.mark.parametrize("name", library())
def test_the_base_case_pays_everything_due_and_keeps_nothing(name):
    flows = flows_of(name)
    flows.check()
    assert flows.scenarios[0] == "base"
    assert not flows["event of default",][0].any()
    for note in flows.plan.notes_by_name:
        assert flows.shortfall[note][0].max() < 1.0 and flows.missed[note][0].max() < 1.0
        assert flows.balance[note][0, -1] < 1.0 and flows.written_down[note][0].sum() == 0.0
    assert all(account[:, -1].max() < 1.0 for account in flows.accounts.values())  # in no scenario


def test_cash_left_in_an_account_is_said():
    deal, market, _ = shipped("vantage-jersey")
    clauses = deal.waterfall["before enforcement"].clauses
    kept = Waterfall(tuple(each for each in clauses if str(each) != str(LAST_RELEASE)))
    assert len(kept.clauses) == len(clauses) - 1
    lost = dataclasses.replace(deal, waterfall={**deal.waterfall, "before enforcement": kept})
    flows = run(lost, load_scenarios("vantage-jersey"), rates=projected(market, deal))
    ((_, said, _),) = left_over(flows)
    assert "still holds 3,898,775.97 after the last date in 'refinancing freeze': release it" in said
    assert not list(left_over(flows_of("vantage-jersey")))


@pytest.mark.parametrize("name", library())
def test_both_engines_agree_to_the_bit(name):
    deal, market, slow = shipped(name)
    fast = run(deal, load_scenarios(name), rates=projected(market, deal), engine="fast")
    fast.check()
    assert all(np.array_equal(slow[key], fast[key]) for key in slow.plan.outputs)


@pytest.mark.parametrize("name", library())
def test_stresses_hit_the_junior_before_the_senior(name):
    flows = flows_of(name)
    rank, notes = ranks(flows.plan), list(flows.plan.notes_by_name)
    assert len(flows.scenarios) >= 3
    for senior in notes:
        hurt = unpaid(flows, senior) > 1e-9
        for junior in (other for other in notes if rank[other] > rank[senior]):
            assert (unpaid(flows, junior) >= unpaid(flows, senior) - 1e-9).all(), (senior, junior)
        for equity in set(flows.tranches) - set(notes):
            got = flows.interest[equity].sum(axis=1)
            assert (got[hurt] < got[0]).all()
    assert any(unpaid(flows, note).max() > 0.0 for note in notes), "no stress breaks any note"


@pytest.mark.parametrize("name", library())
def test_prices_are_sensible_and_fall_with_the_shock(name):
    _, market, flows = shipped(name)
    prices = price(flows, market, [SpreadShock.parallel(bp=100)], reference="base")
    for i, tranche in enumerate(flows.tranches):
        calm, shocked = prices["clean"][0, :, i]
        if tranche in flows.plan.notes_by_name and np.isfinite(calm):
            assert 85.0 < calm < 115.0
            assert shocked < calm or not flows.accrued[tranche].any()
            assert name not in NEW or abs(calm - 100.0) < 4.0


@pytest.mark.parametrize("name", library())
def test_the_story_names_every_tranche_and_fits_a_page(name):
    deal, story = load_deal(name), words_of(name)
    lines = story.splitlines()
    assert lines[0].startswith("# ") and len(lines) <= 75 and max(map(len, lines)) <= 120
    for heading in ("## Structure", "## Priority of payments", "## What breaks it", "## Who holds it", "## Assumed"):
        assert heading in lines, heading
    for named in (*deal.tranches, *deal.facilities, *deal.accounts, *deal.triggers):
        assert named.name in " ".join(story.split()), named.name
    assert all(scenario.name in " ".join(story.split()) for scenario in load_scenarios(name))
    assert "Nothing here is investment advice" in story
    assert "Nothing here is investment advice" in library()[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NEW)
def test_what_is_not_known_of_the_holders_is_said(name):
    deal = load_deal(name)
    for note in (tranche.name for tranche in deal.tranches[:-1]):
        held = deal.holdings.shares[note]
        assert held.get("unidentified", 0.0) > 0.0 or held == {
            "banks": 1.0
        }  # what a bank keeps of its own book is known


def test_invented_deals_claim_no_source():
    for name in ("ai-credit-clo", "mezz-abs-cdo-2006"):
        assert all(set(source) == {"assumption"} for source in load_deal(name).sources.values())


@pytest.mark.parametrize(
    ("name", "note", "column", "expected", "within"),
    [
        ("coreweave-ddtl-4", "fixed", "dscr", 1.26, 0.01),  # the sponsor's case
        ("beignet-2025", "notes", "dscr", 1.12, 0.005),
        ("vantage-jersey", "A-2", "ltv", 800 / 1470, 0.015),
        ("vantage-jersey", "B", "ltv", 854 / 1470, 0.015),
        ("tpu-lease-2026", "B", "dscr", 1.06, 0.01),
        ("tpu-lease-2026", "A2", "enhancement", 6 / 37, 1e-9),  # B of 4bn and equity of 2bn below, of 37bn
        ("tpu-lease-2026", "B", "enhancement", 2 / 37, 1e-9),
        ("stack-master-trust", "2026-1", "ltv", 2070 / 3200, 0.001),
        ("wulf-compute-2025", "notes", "dscr", (300.76 - 45.32) / (118.19 + 90.0), 0.01),  # April 2028, by hand
        ("vantage-germany-2025", "A-2", "ltv", 590 / 928, 0.001),
        ("vantage-germany-2025", "B", "ltv", 640 / 928, 0.001),
        ("vantage-oracle-2025", "loan", "dscr", 1.25, 0.01),
        ("valor-compute-2026", "loan", "dscr", 1.284 * 120e3 * 8760 / 4 / level(3.5e9, 0.0225, 20), 0.005),
        ("ai-credit-clo", "AAA", "enhancement", 0.42, 1e-9),
        ("mezz-abs-cdo-2006", "A-1", "enhancement", 0.38, 1e-9),
    ],
)
def test_ratios_stand_near_the_facts(name, note, column, expected, within):
    _, market, flows = shipped(name)
    table = capital_structure(flows, price(flows, market, [], reference="base")).set_index("tranche")
    assert table.loc[note, column] == pytest.approx(expected, abs=within)


# the accelerator lease


def test_level_payments_of_the_lease():
    flows = flows_of("tpu-lease-2026")
    for note, balance, rate in (("A2", 20e9, 0.05625), ("B", 4e9, 0.085)):
        paid = flows.interest[note][0] + flows.principal[note][0]
        assert paid == pytest.approx(np.full(20, level(balance, rate / 4, 20)), rel=1e-9)


def test_the_vendor_pays_after_the_resale_and_only_the_seniors():
    flows = flows_of("tpu-lease-2026")
    s = row(flows, "lessee fails early, chips superseded")
    lent, sold = flows["lent", "vendor support"][s], at(flows, dt.date(2028, 3, 31))
    assert np.flatnonzero(lent).tolist() == [sold] and flows.receipts["resale"][s, sold] > 0.0
    assert flows.balance["A1"][s, sold] + flows.balance["A2"][s, sold] < 1.0
    assert flows.principal["B"][s, sold:].sum() == 0.0
    # value at 21 months of age: 36.4bn x (0.75 + 0.75 (0.55 - 0.75)) x 0.3
    assert flows.receipts["resale"][s, sold] == pytest.approx(36.4e9 * (0.75 - 0.75 * 0.2) * 0.3)
    assert not flows["lent", "vendor support"][row(flows, "lessee and vendor fail together")].any()


def test_the_vendor_never_pays_more_than_its_limit():
    assert flows_of("tpu-lease-2026")["balance", "vendor support"].max() <= 29e9
    worst = Scenario(
        "at once, worth nothing",
        tenant_default={"Anthropic": dt.date(2026, 7, 1)}, gpu_price=0.0, residual_value=0.0, sale=dt.date(2026, 12, 31),
    )  # fmt: skip
    flows = under("tpu-lease-2026", worst)
    assert flows["lent", "vendor support"].sum() == pytest.approx(29e9)
    left = flows.balance["A1"][0, -1] + flows.balance["A2"][0, -1]  # but for a day's rent and the reserve
    assert left <= 31e9 - 29e9 and left == pytest.approx(31e9 - 29e9, rel=0.02)
    assert not flows.principal["B"].any()


def test_the_chips_lose_value_faster_than_level_payments_repay():
    flows = flows_of("valor-compute-2026")
    owed, worth = flows.balance["loan"][0], flows.receipts["value"][0]
    annual = [at(flows, dt.date(year, 1, 7)) for year in (2027, 2028, 2029, 2030)]
    resale = 5.4e9 * np.array([0.7, 0.5, 0.35, 0.22])
    assert worth[annual] == pytest.approx(resale)
    left = [3.5e9 * (1.0 - (1.0225 ** (4 * n) - 1.0) / (1.0225**20 - 1.0)) for n in (1, 2, 3, 4)]
    assert owed[annual] == pytest.approx(left)
    ratio = [3.5 / 5.4, *(owed[annual] / resale)]
    assert ratio == pytest.approx([0.648, 0.772, 0.846, 0.841, 0.698], abs=0.001)
    s = row(flows, "lessee fails, chips superseded")
    assert flows.interest["equity"][s, : annual[1]].sum() > 0.8e9 and unpaid(flows, "loan")[s] > 0.3


# hardware under one contract


def test_loan_and_notes_amortise_side_by_side():
    flows = flows_of("iren-hardware-3")
    paid = (flows.interest["notes"][0] + flows.principal["notes"][0])[2:]
    assert paid == pytest.approx(np.full(18, level(2.1e9, 0.0596 / 4, 18)), rel=1e-9)
    drawn = flows.draws["delayed draw"][0].sum()
    cost = flows.receipts["construction"][0].sum()
    assert drawn == pytest.approx(1.5e9) and cost == pytest.approx(5.6e9)  # 3.6 / 5.6 = 64.3 % of cost
    assert flows.draws["equity"][0].sum() == pytest.approx(cost - 3.6e9)


def test_what_exceeds_65_per_cent_of_cost_is_prepaid():
    flows = flows_of("iren-hardware-3")
    s, t = row(flows, "hardware 20 % cheaper"), at(flows, dt.date(2026, 11, 15))
    debt = flows.balance["delayed draw"][s, t] + flows.balance["notes"][s, t]
    assert debt == pytest.approx(0.65 * 0.8 * 5.6e9)
    assert flows.principal["notes"][s, t] + flows.principal["delayed draw"][s, t] == pytest.approx(3.3e9 - 2.912e9)
    assert not flows.principal["notes"][0, t]  # at full cost nothing is prepaid


def test_cures_bring_coverage_to_the_minimum_until_they_are_used_up():
    flows = flows_of("iren-hardware-3")
    s = row(flows, "operating cost four times as high")
    cures, cash = flows["lent", "equity cures"][s], flows.receipts["revenue"][s] - flows.receipts["operating_cost"][s]
    service = sum(
        flows["accrued", kind, note][s] for kind in ("interest", "scheduled") for note in ("delayed draw", "notes")
    )
    cured = np.flatnonzero(cures)
    assert cures.sum() == pytest.approx(150e6)
    assert cash[cured[:-1]] + cures[cured[:-1]] == pytest.approx(1.05 * service[cured[:-1]])
    assert flows.triggers["cures used up"][s, cured[-1] :].any()
    assert not flows.interest["equity"][s, cured].any()  # what a cure leaves over is locked up


def test_the_fleet_is_resold_before_the_parent_pays():
    flows = flows_of("iren-hardware-3")
    s = row(flows, "contract terminated early, GPUs superseded")
    lent = flows["lent", "parent guarantee"][s]
    assert lent.sum() == pytest.approx(400e6)
    assert np.flatnonzero(lent)[0] == np.flatnonzero(flows.receipts["resale"][s])[0]
    loan, notes = unpaid(flows, "delayed draw")[s], unpaid(flows, "notes")[s]
    assert loan == pytest.approx(notes, rel=2e-3) and loan > 0.2  # pari passu


# the master trust


ARDS = {
    "2023-1": dt.date(2028, 3, 25),
    "2023-2": dt.date(2028, 7, 25),
    "2023-3": dt.date(2028, 10, 25),
    "2024-1": dt.date(2029, 3, 25),
    "2025-1": dt.date(2030, 5, 25),
    "2026-1": dt.date(2031, 3, 25),
}


@pytest.mark.parametrize("series", ARDS)
def test_each_series_is_repaid_at_its_own_date(series):
    flows = flows_of("stack-master-trust")
    note, day = flows.plan.notes_by_name[series], ARDS[series]
    repaid = np.flatnonzero(flows.principal[series][0])
    assert repaid.tolist() == [at(flows, day)]
    months = 12 * (day.year - 2026) + day.month - 10
    assert flows.interest[series][0].sum() == pytest.approx(note.notional * note.coupon.rate * months / 12)


def test_without_refinancing_extra_interest_accrues_and_cash_sweeps():
    flows = flows_of("stack-master-trust")
    s, t = row(flows, "refinancing freeze"), at(flows, dt.date(2028, 4, 25))
    assert flows["accrued", "additional", "2023-1"][s, t] == pytest.approx(250e6 * 0.017 / 12)
    assert flows["accrued", "additional", "2023-2"][s, t] == 0.0
    paid = {name: flows.principal[name][s, t] for name in ARDS}
    assert paid["2026-1"] / paid["2023-1"] == pytest.approx(695 / 250)  # every series, pro rata
    assert flows.interest["equity"][s, t] == 0.0


def test_new_series_stay_within_70_per_cent_of_value():
    flows = flows_of("stack-master-trust")
    for s in range(len(flows.scenarios)):
        debt = sum(flows.balance[name][s] for name in ARDS) + flows["balance", "new series"][s]
        issued = flows["lent", "new series"][s] > 0.0
        assert (debt[issued] <= 0.70 * flows.receipts["value"][s][issued] + 1.0).all()
    assert flows["lent", "new series"][row(flows, "values fall by a third")].sum() < 2070e6


# a low yield


def test_half_a_point_of_property_yield_stops_the_refinancing():
    flows = flows_of("vantage-germany-2025")
    t = at(flows, dt.date(2030, 6, 20))
    assert flows["lent", "take-out"][0, t] == pytest.approx(640e6)
    needed = 640e6 / 0.70 / flows.receipts["value"][0, t]
    assert 0.0471 / needed - 0.0471 == pytest.approx(0.0055, abs=0.0005)
    for multiple, lent in ((needed + 0.001, 640e6), (needed - 0.001, 0.0)):
        moved = under("vantage-germany-2025", Scenario("moved", value={dt.date(2030, 1, 1): multiple}))
        assert moved["lent", "take-out"][0, t] == pytest.approx(lent)
    late = row(flows, "yields 150 bp higher")
    (paid,) = np.flatnonzero(flows["lent", "take-out"][late])
    assert flows.dates[paid] == dt.date(2033, 6, 20) and flows.balance["A-2"][late, paid - 1] > 500e6


# a loan that builds, and its options


def test_a_loan_that_builds_is_drawn_for_its_own_interest_and_pays_from_the_first_rent():
    flows = flows_of("vantage-oracle-2025")
    first = at(flows, dt.date(2028, 1, 31))
    drawn = flows.draws["loan"][0] + flows.draws["equity"][0]
    spent = flows.receipts["construction"][0] + flows.interest["loan"][0]
    fees = drawn[:first].sum() - spent[:first].sum()
    assert 0.0 < fees < 8 * (0.0013 * 19.7e9 + 1.3e6)
    assert flows.draws["equity"][0] / drawn.clip(1.0) == pytest.approx((drawn > 0.0) * 2.55 / 22.25)  # side by side
    assert (
        not flows["paid", "scheduled", "loan"][0, :first].any() and flows["paid", "scheduled", "loan"][0, first] > 0.0
    )


def test_an_option_buys_a_year_if_its_test_is_met_and_makes_the_loan_due_if_not():
    flows = flows_of("vantage-oracle-2025")
    used, late = row(flows, "refinancing freeze, both options used"), row(flows, "eighteen months late, a tenth dearer")
    dates = [at(flows, dt.date(year, 10, 28)) for year in (2029, 2030)]
    for t in dates:
        owed = flows.balance["loan"][used, t - 1]
        assert flows["paid", "fee", "extension"][used, t] == pytest.approx(0.0025 * owed)
        accrued, before = flows["accrued", "interest", "loan"][used, [t + 1, t]]
        assert accrued / flows.balance["loan"][used, t] > before / owed  # the margin steps up after each
    assert flows["event of default",][used].argmax() == at(flows, dt.date(2031, 10, 28))
    assert flows.triggers["option test failed"][late].argmax() == dates[0]
    assert not flows.interest["equity"][late, dates[0] :].any()


# a promise behind the tenant


def test_the_backstop_repays_the_notes_of_a_failed_tenant_and_leaves_the_halls_to_their_owner():
    flows = flows_of("wulf-compute-2025")
    s, t = row(flows, "tenant fails, Google pays"), at(flows, dt.date(2028, 10, 15))
    fee = flows["lent", "Google termination fee"][s]
    assert np.flatnonzero(fee).tolist() == [t] and fee[t] == pytest.approx(2900e6)
    owed = 3200e6 - 2 * 75e6 - 90e6  # three instalments were paid before
    assert flows.principal["notes"][s, t] == pytest.approx(owed) and flows.balance["notes"][s, t] < 1.0
    resale = flows.receipts["resale"][s]
    assert resale.sum() == pytest.approx(2200e6 - 500e6 * 2 / 5)  # two years old; between 2,200m new and 1,700m at five
    assert flows.interest["equity"][s, resale > 0.0].sum() > 0.9 * resale.sum()


def test_no_instalment_is_due_before_the_halls_are_complete():
    flows = flows_of("wulf-compute-2025")
    late = row(flows, "a year late, sponsor fails, no backstop")
    gone = at(flows, dt.date(2027, 10, 15))
    assert flows["accrued", "scheduled", "notes"][late, :gone].sum() == pytest.approx(75e6)
    assert not flows.principal["notes"][late, :gone].any()
    assert not flows["lent", "Google termination fee"][late].any()  # in force only once rent runs


def test_the_path_of_net_operating_income_is_the_offering_s():
    flows = flows_of("flash-compute-2025")
    net = (flows.receipts["revenue"] - flows.receipts["operating_cost"])[0]
    year = np.array([day.year for day in flows.dates])
    assert net[1] == pytest.approx(55e6, rel=0.01)
    assert net[year == 2031].sum() == pytest.approx(251e6, rel=0.01)
    rent = 263.5e6 * sum(1.03**n for n in range(25))
    assert rent == pytest.approx(9.5e9, rel=0.02)


def test_half_of_the_excess_keeps_the_debt_below_the_fee():
    flows = flows_of("flash-compute-2025")
    table = {2026: 1300, 2027: 1190, 2028: 1080, 2029: 970}  # from the end of the year on
    swept, kept = row(flows, "base"), row(flows, "offers declined, tenant fails")
    for year, fee in table.items():
        t = at(flows, dt.date(year, 12, 28))
        assert flows.balance["notes"][swept, t] < fee * 1e6
    t = at(flows, dt.date(2029, 12, 28))
    assert flows.balance["notes"][kept, t] > 970e6 > flows.balance["notes"][swept, t] + 90e6
    sweep = flows.principal["notes"][0, t] - flows["paid", "scheduled", "notes"][0, t]
    assert sweep > 20e6 and sweep == pytest.approx(flows.interest["equity"][0, t])  # half each


def test_the_bond_is_repaid_within_the_lease_and_its_promise_pays_rent_as_it_falls_due():
    flows = flows_of("river-bend-2026")
    last = at(flows, dt.date(2042, 11, 15))
    assert flows.principal["notes"][0, last] == pytest.approx(205.6e6) and flows.balance["notes"][0, last] < 1.0
    cash = flows.receipts["revenue"][0] - flows.receipts["operating_cost"][0] - 0.5e6  # and the trustee
    service = flows.interest["notes"][0] + flows.principal["notes"][0]
    built = slice(at(flows, dt.date(2028, 5, 15)), last + 1)
    assert cash[built] / service[built] == pytest.approx(np.full(30, 1.32), abs=0.002)
    s = row(flows, "tenant stops paying, Google pays the rent")
    rent = 376.4e6 * sum(1.03**n for n in range(15))
    paid = flows.receipts["revenue"][s, built].sum() + flows["lent", "Google backstop"][s].sum()
    assert rent == pytest.approx(7.0e9, rel=0.001) and paid == pytest.approx(rent, rel=1e-6)


def test_nobody_behind_the_tenant_costs_more_than_two_points_of_yield():
    yields = {}
    for name in ("wulf-compute-2025", "flash-compute-2025", "polaris-forge-2025"):
        _, market, flows = shipped(name)
        yields[name] = price(flows, market, [], reference="base")["yield_to_maturity"][0, 0, 0]
    assert yields["polaris-forge-2025"] == pytest.approx(0.1003, abs=0.0005)  # 9.25 % at 97
    assert 0.0225 < yields["polaris-forge-2025"] - yields["wulf-compute-2025"] < 0.0285
    flows = flows_of("polaris-forge-2025")
    s = row(flows, "tenant fails")
    resale = 600e6 - 120e6 * 2.5 / 5 + 950e6 - 190e6 * 2 / 5  # two and a half and two years old
    assert flows.receipts["resale"][s].sum() == pytest.approx(resale)
    rent = sum(376e6 * 1.03**n for n in range(15))
    assert rent == pytest.approx(7e9, rel=0.001)


# the two pools


def test_coverage_pays_the_senior_before_the_junior_gets_interest():
    flows = flows_of("ai-credit-clo")
    par = flows.receipts["pool_balance"] + 0.45 * flows.receipts["defaulted_balance"]
    notes, levels = ["AAA", "AA", "A", "BBB", "BB", "equity"], {"AA": 1.33, "A": 1.20, "BBB": 1.13, "BB": 1.07}
    calm = flows["regime", "payment dates"] > 0.0
    for senior, oc in levels.items():
        down_to = notes[: notes.index(senior) + 1]
        owed = sum(flows.balance[name] for name in down_to)
        for junior in notes[notes.index(senior) + 1 :]:
            paid = calm & (flows.interest[junior] > 1.0)
            assert (par[paid] >= oc * owed[paid] - 1.0).all(), (senior, junior)
    s, t = row(flows, "three neoclouds fail"), at(flows, dt.date(2028, 7, 15))
    assert flows.interest["BB"][s, t] == 0.0 and flows.arrears["BB"][s, t] > 0.0 and not flows.interest["equity"][s, t]
    collected = sum(flows.receipts[name][s, t] for name in ("principal", "prepayments", "recoveries"))
    assert flows.principal["AAA"][s, t] > collected + 2e6


def test_more_that_fails_together_reaches_further_up():
    flows = flows_of("ai-credit-clo")
    lost = {name: unpaid(flows, name) for name in flows.plan.notes_by_name}
    reached = [[name for name in lost if lost[name][s] > 1e-9] for s in range(len(flows.scenarios))]
    assert reached == [[], [], ["A", "BBB", "BB"], ["AAA", "AA", "A", "BBB", "BB"]]
    assert lost["AAA"][3] < 0.25


def test_the_cdo_writes_down_about_the_public_65_per_cent():
    flows = flows_of("mezz-abs-cdo-2006")
    notes = list(flows.plan.notes_by_name)
    down = sum(flows.written_down[name].sum(axis=1) for name in notes) / 960e6
    assert down[0] == 0.0 and down[row(flows, "ordinary recession")] == 0.0
    assert down[row(flows, "mortgage market of 2007 to 2009")] == pytest.approx(0.65, abs=0.01)
    s = row(flows, "mortgage market of 2007 to 2009")
    for name in notes[1:]:  # everything below the super senior is gone, though it was rated AAA to BBB
        assert unpaid(flows, name)[s] == pytest.approx(1.0)
    for senior, junior in itertools.pairwise(notes):  # from the bottom up
        started = np.flatnonzero(flows.written_down[senior][s])
        assert not started.size or (flows.balance[junior][s, started] < 1.0).all()
    assert unpaid(flows, "A-1")[row(flows, "a quarter of the collateral lost")] == 0.0


# data-centre-srt: a reference portfolio whose cash stays with the bank


def layers(loss: float) -> list[float]:
    """What first loss, junior, mezzanine and senior bear of a loss, by hand."""
    borne = []
    for size in (40e6, 220e6, 240e6, 3500e6):
        borne.append(min(loss, size))
        loss -= borne[-1]
    return borne


def test_the_sellers_of_protection_bear_the_loss_before_the_bank_does():
    flows = flows_of("data-centre-srt")
    for name in ("two neoclouds fail", "neoclouds and a developer fail", "one factor, campuses too"):
        s = row(flows, name)
        lost = flows.receipt("losses")[s].sum()
        found = [flows.written_down[each][s].sum() for each in ("first loss", "junior", "mezzanine", "senior")]
        # what was redeemed before the loss was determined bears none of it, so that the bank's senior bears more
        by_hand = layers(lost)
        assert found[0] == pytest.approx(by_hand[0], abs=1.0)
        assert sum(found) == pytest.approx(lost, abs=1.0)
        assert found[1] <= by_hand[1] + 1.0 and found[3] >= by_hand[3] - 1.0
    two = row(flows, "two neoclouds fail")
    assert flows.written_down["junior"][two].sum() == pytest.approx(
        flows.receipt("losses")[two].sum() - 40e6, abs=1.0
    )  # 150 and 170 of them outstanding, 55 % lost, and the ordinary losses
    beyond = row(flows, "neoclouds and a developer fail")
    assert flows.written_down["junior"][beyond].sum() + flows.written_down["mezzanine"][beyond].sum() == 460e6


def test_tranches_are_the_reference_portfolio_and_the_account_is_the_notes():
    flows = flows_of("data-centre-srt")
    left = sum(flows.balance[each] for each in ("senior", "mezzanine", "junior", "first loss"))
    there = flows.receipt("pool_balance") + flows.receipt("defaulted_balance")
    redeemed = np.cumsum(flows.interest["first loss"], axis=1)  # whose principal comes as its residual
    uncalled = [s for s, name in enumerate(flows.scenarios) if name != "time call"]
    np.testing.assert_allclose((left - redeemed)[uncalled], there[uncalled], atol=1.0)
    notes = flows.balance["mezzanine"] + flows.balance["junior"]
    np.testing.assert_allclose(flows.accounts["collateral account"], notes, atol=1e-3)


def test_the_cash_of_the_loans_reaches_no_seller_of_protection():
    """Loans that pay no interest leave every payment on the notes as it was, to the bit."""
    deal, market, flows = shipped("data-centre-srt")
    pool = deal.collateral
    poor = dataclasses.replace(
        deal,
        collateral=dataclasses.replace(pool, bonds=tuple(dataclasses.replace(b, coupon=0.0) for b in pool.bonds)),
        replacements=tuple(
            dataclasses.replace(r, coupon=dataclasses.replace(r.coupon, rate=0.0)) for r in deal.replacements
        ),
    )
    other = run(poor, load_scenarios("data-centre-srt"), rates=projected(market, deal), engine="reference")
    for note in ("mezzanine", "junior"):
        np.testing.assert_allclose(other.interest[note], flows.interest[note], rtol=1e-13)
        np.testing.assert_allclose(other.principal[note], flows.principal[note], rtol=1e-13, atol=1e-6)
    assert other.interest["income of the book"].sum() < 0.2 * flows.interest["income of the book"].sum()


def test_the_premium_is_paid_on_what_is_left_of_each_class():
    """The first quarter by hand: actual/360, SOFR of the curve and the margin."""
    deal, market, flows = shipped("data-centre-srt")
    days = (flows.dates[0] - deal.closing).days
    rate = float(np.ravel(projected(market, deal)["SOFR"])[0])
    assert flows.interest["junior"][0, 0] == pytest.approx(220e6 * (rate + 0.095) * days / 360, rel=1e-9)
    assert flows["received", "premium on junior"][0, 0] == pytest.approx(flows.interest["junior"][0, 0], rel=1e-12)
    gone = row(flows, "neoclouds and a developer fail")
    assert flows["received", "premium on junior"][gone, -1] == 0.0


def test_a_time_call_ends_the_protection():
    flows = flows_of("data-centre-srt")
    called = row(flows, "time call")
    t = at(flows, dt.date(2030, 12, 15))
    assert flows.balance["junior"][called, t - 1] > 0.0
    assert flows.balance["junior"][called, t] + flows.balance["mezzanine"][called, t] < 1e-6
    assert flows.balance["junior"][0, t] > 0.0
