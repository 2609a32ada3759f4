"""The master trust of examples/deals: one payment date by hand, and what its tests let happen."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from pricing import load_market, projected
from structuring import load_deal, load_scenarios, run
from structuring.deals.deal import clock
from structuring.deals.unusual_terms import left_unpaid, off_schedule
from waterfalls import Note
from waterfalls.errors import CannotPrice

FOLDER = Path(__file__).parents[2] / "examples" / "deals" / "master_trust"
DATE = datetime.date(2027, 2, 22)  # 20 February 2027 is a Saturday


@pytest.fixture(scope="module")
def flows():
    deal = load_deal(FOLDER / "deal.yaml")
    return run(deal, load_scenarios(FOLDER / "scenarios.yaml"), rates={"SONIA": 0.0375})


def test_the_date_on_which_the_series_is_issued_by_hand(flows):
    """Three months of collections to 31 January; interest from 20 November, 94 days, or 90 of 360."""
    t = flows.dates.index(DATE)
    days = 94 / 365
    rent, cost = 106.0 / 4, 20.0 / 4
    # 15 were drawn in August and 15 in November beside the 20 of closing; SONIA is fixed anew on 20 December and 20 January
    compounded = (1 + 0.0375 * 30 / 365) * (1 + 0.0375 * 31 / 365) * (1 + 0.0375 * 33 / 365) - 1
    interest_a1 = 50.0 * (compounded + 0.0175 * days)
    interest_a2, interest_b = 800.0 * 0.06172 / 4, 54.0 * 0.06338 / 4
    fees = 1.5 / 4 + 0.2 + 0.007 * (100.0 - 50.0) * days  # trustee; audit, as January is past; commitment
    target = 0.25 * (0.06172 * 800.0 + 0.06338 * 54.0)
    income = target * 0.03 * days  # of the reserve, which it releases
    before_issue = rent - cost - fees - interest_a1 - interest_a2 - interest_b + income
    # 10 drawn for fitting out, then 120 of the series: 60 of it repays the variable note; the reserve asks for more
    more_reserve = 0.25 * 0.0555 * 120.0
    residual = before_issue + 120.0 - 60.0 - more_reserve - 2.0 / 4  # the asset manager's fee comes last

    def paid(table, name):
        return table[name][0, t] / 1e6

    assert paid(flows.interest, "A-1") == pytest.approx(interest_a1, rel=1e-12)
    assert paid(flows.interest, "A-2") == pytest.approx(interest_a2, rel=1e-12)
    assert paid(flows.interest, "B") == pytest.approx(interest_b, rel=1e-12)
    assert paid(flows.draws, "A-1") == pytest.approx(10.0)
    assert paid(flows.draws, "2027-1") == pytest.approx(120.0)
    assert paid(flows.principal, "A-1") == pytest.approx(60.0)
    assert paid(flows.accounts, "liquidity reserve") == pytest.approx(target + more_reserve, rel=1e-12)
    assert paid(flows.interest, "equity") == pytest.approx(residual, rel=1e-12)
    told = str(flows.explain("base", DATE))
    assert "to draw the undrawn commitment of 2027-1 on 2027-1" in told and "120,000,000.00" in told


def test_rates_compounded_month_by_month_are_those_of_the_whole_period_on_a_curve():
    """(D0 / D1) (D1 / D2) (D2 / D3) = D0 / D3, so that compounding the months of one curve is the forward of the period."""
    deal, market = load_deal(FOLDER / "deal.yaml"), load_market(FOLDER / "market.yaml")
    (rates,) = projected(market, deal).values()
    factors = market.projections["SONIA"].discounts(clock(deal).payment)
    assert rates * clock(deal).accruals("actual/365F") == pytest.approx(factors[:-1] / factors[1:] - 1, rel=1e-10)
    averaged = dataclasses.replace(deal.tranches[0].coupon, compounded=False)
    plain = dataclasses.replace(
        deal, tranches=(dataclasses.replace(deal.tranches[0], coupon=averaged), *deal.tranches[1:])
    )
    (lower,) = projected(market, plain).values()
    assert (lower < rates).all() and lower == pytest.approx(rates, rel=5e-3)
    late = dataclasses.replace(market, valuation=datetime.date(2027, 1, 2))
    with pytest.raises(CannotPrice, match="no fixing on 2026-03-10, 2026-04-10, 2026-05-10, 2026-05-26"):
        projected(late, deal)


def test_its_dates_are_off_the_cycle_and_its_collections_end_with_months(flows):
    schedule = flows.plan.schedule
    assert schedule.unadjusted[:3] == (
        datetime.date(2026, 3, 10),
        datetime.date(2026, 5, 26),
        datetime.date(2026, 8, 20),
    )
    assert all((day + datetime.timedelta(days=1)).day == 1 for day in schedule.ends)


def test_the_series_is_not_issued_where_its_tests_fail_and_class_b_bears_first(flows):
    at = list(flows.scenarios).index("rents down 20 % in 2026")
    assert not flows.draws["2027-1"][at].any()
    assert flows.triggers["early amortisation"][at].any() and not flows.triggers["early amortisation"][0].any()
    loss = flows.totals()["loss"][list(flows.scenarios).index("the hyperscaler leaves")]
    of = dict(zip(flows.tranches, loss, strict=True))
    assert of["A-1"] == 0.0 < of["B"] and not flows.totals()["loss"][0].any()
    bear = {name: of[name] / note.notional for name, note in flows.plan.notes_by_name.items()}
    assert max(bear, key=lambda name: bear[name]) == "B"


def test_nothing_in_it_is_doubted(flows):
    assert list(left_unpaid(flows)) == []
    deal = load_deal(FOLDER / "deal.yaml")
    notes = [tranche for tranche in deal.tranches if isinstance(tranche, Note)]
    assert [fault for note in notes for fault in off_schedule(deal, note, "")] == []
