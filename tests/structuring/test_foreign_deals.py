"""Deals of AbsBox and of ORE: read, run and held to what these tools printed; what means something else is refused by name."""

import copy
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from deals import golden, same

from structuring import run
from structuring.foreign_deals.absbox import deal_from_absbox
from structuring.foreign_deals.ore import deal_from_ore
from waterfalls.errors import InvalidTerms

HERE = Path(__file__).parent
ABSBOX = HERE / "foreign" / "absbox.json"  # what AbsBox 0.52.8 sends of a deal that is told in the how-to


# ORE

SCHEDULE = """<ScheduleData><Rules><StartDate>{start}</StartDate><EndDate>{end}</EndDate><Tenor>3M</Tenor>
<Calendar>NullCalendar</Calendar><Convention>U</Convention><TermConvention>U</TermConvention><Rule>Forward</Rule></Rules></ScheduleData>"""


def cbo(case, **changes):
    """The trade of the golden case, in ORE's XML."""
    given = case["inputs"]
    tranches = "\n".join(
        f"<Tranche><Name>{t['name']}</Name><ICRatio>{t['ICRatio']}</ICRatio><OCRatio>{t['OCRatio']}</OCRatio>"
        f"<Notional>{t['notional']}</Notional><FixedLegData><Rates><Rate>{t['rate']}</Rate></Rates></FixedLegData></Tranche>"
        for t in given["tranches"]
    )
    bonds = "\n".join(
        f"<BondData><IssuerId>ISSUER_{k}</IssuerId><CreditCurveId>C{k}</CreditCurveId><SecurityId>BOND_{k}</SecurityId>"
        f"<LegData><LegType>Fixed</LegType><Payer>false</Payer><Currency>USD</Currency>"
        f"<Notionals><Notional>{given['face']}</Notional></Notionals><DayCounter>30/360</DayCounter>"
        f"<FixedLegData><Rates><Rate>{given['cpn']}</Rate></Rates></FixedLegData>"
        f"{SCHEDULE.format(start='2024-10-15', end='2029-10-15')}</LegData></BondData>"
        for k in range(given["nb"])
    )
    text = f"""<Portfolio><Trade id="CBO_1"><TradeType>CBO</TradeType><CBOData>
<CBOInvestment><TrancheName>A</TrancheName><Notional>1</Notional><StructureId>Example</StructureId></CBOInvestment>
<CBOStructure><DayCounter>30/360</DayCounter><PaymentConvention>U</PaymentConvention><Currency>USD</Currency>
<ReinvestmentEndDate>{changes.get("until", "2025-01-15")}</ReinvestmentEndDate>
<SeniorFee>{given["senfee"]}</SeniorFee><FeeDayCounter>30/360</FeeDayCounter>
<SubordinatedFee>{given["subfee"]}</SubordinatedFee><EquityKicker>{given["kicker"]}</EquityKicker>
<BondBasketData>{bonds}</BondBasketData><CBOTranches>{tranches}</CBOTranches>
{SCHEDULE.format(start="2025-01-15", end="2030-01-15")}</CBOStructure></CBOData></Trade></Portfolio>"""
    for old, new in changes.get("replace", ()):
        text = text.replace(old, new, 1)
    return text


def written(path, text):
    path.write_text(text, "utf-8")
    return path


def test_a_cbo_of_ore_is_worth_what_ore_says(tmp_path):
    case = golden("ore_cbo_deterministic")
    deal = deal_from_ore(written(tmp_path / "cbo.xml", cbo(case)), recovery=case["inputs"]["rr"])
    flows = run(deal, engine="reference")
    same(flows, run(deal, engine="fast"))
    years = np.array([(day - deal.closing).days / 365.0 for day in flows.dates])
    factors = np.exp(-case["inputs"]["zero"] * years)
    expected, close = case["expected"], case["tolerance"]["relative"]
    for name, npv in expected["npv"].items():
        assert float(flows.cash(name)[0] @ factors) == pytest.approx(npv, rel=close), name
    senior = float((flows.fees["senior"][0] + flows.cash("kicker")[0]) @ factors)
    assert senior == pytest.approx(expected["senior_fee_pv"], rel=close)
    assert float(flows.fees["subordinated"][0] @ factors) == pytest.approx(expected["sub_fee_pv"], rel=close)
    collected = flows.receipt("interest")[0] + flows.receipt("principal")[0]
    assert float(collected @ factors) == pytest.approx(expected["collateral_pv"], rel=close)
    # on 15 October 2029 the pool is gone: A fails its test, the interest left repays it, and B misses its last 225,000,
    # which ORE forgives and which stays owed here
    assert flows.arrears["B"][0, -2:].tolist() == pytest.approx([225_000.0, 225_000.0])
    assert len(deal.collateral.bonds) == case["inputs"]["nb"]
    assert deal.collateral.bonds[0].severity == pytest.approx(1.0 - case["inputs"]["rr"])


@pytest.mark.parametrize(
    ("replace", "says"),
    [
        (("<LegType>Fixed<", "<LegType>Floating<"), "a leg of type 'Floating' is not read"),
        (("<Tenor>3M<", "<Tenor>2M<"), "there is no tenor '2M'"),
        (("<Convention>U<", "<Convention>MF<"), "days of a bond that move to business days"),
        (("<FeeDayCounter>30/360<", "<FeeDayCounter>1/1<"), "there is no day count '1/1'"),
        (("<SeniorFee>0.001<", "<SeniorFee>much<"), "must be a number, got 'much'"),
        (("<EquityKicker>0.1</EquityKicker>", ""), "EquityKicker is needed and missing"),
        (("<Rate>0.0<", "<Rate>0.01<"), "the last tranche takes what is left"),
        (("<CBOStructure>", "<Structure>"), "not XML|no CBO of ORE"),
        (("<EndDate>2029-10-15<", "<EndDate>2024-10-15<"), "2024-10-15"),
    ],
)  # fmt: skip
def test_what_a_cbo_says_otherwise_is_refused_with_its_line(tmp_path, replace, says):
    file = written(tmp_path / "cbo.xml", cbo(golden("ore_cbo_deterministic"), replace=[replace]))
    with pytest.raises(InvalidTerms, match=says):
        run(deal_from_ore(file, recovery=0.4))


def test_a_cbo_without_a_kicker_leaves_all_to_its_equity_and_tests_its_ratios_as_they_are(tmp_path):
    replace = [("<EquityKicker>0.1<", "<EquityKicker>0<"), ("<OCRatio>1.0<", "<OCRatio>1.2345678<")]
    deal = deal_from_ore(
        written(tmp_path / "cbo.xml", cbo(golden("ore_cbo_deterministic"), replace=replace)), recovery=0.4
    )
    last = deal.tranches[-1].name
    assert str(deal.waterfalls["waterfall"].clauses[-1]) == f"pay(residual({last!r}))"
    assert run(deal).interest[last][0].sum() > 0.0
    assert "< 1.2345678)" in str(deal.waterfall)


def test_a_calendar_that_is_not_known_is_refused(tmp_path):
    text = "<Calendar>Mars<".join(cbo(golden("ore_cbo_deterministic")).rsplit("<Calendar>NullCalendar<", 1))
    with pytest.raises(InvalidTerms, match="there is no calendar 'Mars'"):
        deal_from_ore(written(tmp_path / "cbo.xml", text), recovery=0.4)


def test_reinvestment_is_refused_with_its_line(tmp_path):
    file = written(tmp_path / "cbo.xml", cbo(golden("ore_cbo_deterministic"), until="2027-01-15"))
    with pytest.raises(
        InvalidTerms, match=r"line 4, .*<ReinvestmentEndDate>: reinvestment until 2027-01-15 is not read"
    ):
        deal_from_ore(file, recovery=0.4)
    with pytest.raises(InvalidTerms, match="recovery"):
        deal_from_ore(file, recovery=40.0)


# AbsBox


def test_a_deal_of_absbox_pays_what_its_mortgage_does():
    case = golden("absbox_01_level_mortgage_schedule")
    deal = deal_from_absbox(ABSBOX)
    flows = run(deal)
    rows = case["unrounded_reference"][1:]
    paid = flows.receipt("principal")[0], flows.receipt("interest")[0]
    for t, (_, _, principal, interest) in enumerate(
        rows[:20], 1
    ):  # of 1 January, collected by its end, paid on 20 February
        assert paid[0][t] == pytest.approx(principal, abs=1e-6)
        assert paid[1][t] == pytest.approx(interest, abs=1e-6)
    assert [day.isoformat() for day in flows.dates[:3]] == ["2022-01-26", "2022-02-20", "2022-03-20"]
    # by hand: nothing is collected by 26 January; on 20 February the fee of 30, interest of 67 days on 8,000, the rest to A1
    due = 8000.0 * 0.07 * (dt.date(2022, 2, 20) - deal.closing).days / 365.0
    assert flows.fees["trusteeFee"][0, 1] == 30.0
    assert flows.interest["A1"][0, 1] == pytest.approx(due, rel=1e-12)
    assert flows.principal["A1"][0, 1] == pytest.approx(rows[0][2] + rows[0][3] - 30.0 - due, abs=1e-6)
    collected = sum(row[2] + row[3] for row in rows[:20])
    given = flows.cash("A1")[0].sum() + flows.cash("B")[0].sum() + 30.0
    assert given == pytest.approx(collected, rel=1e-8)


@pytest.mark.parametrize("name", ["run_deal A", "run_deal B"])
def test_a_published_deal_of_absbox_that_collects_to_the_first_pays_its_table(tmp_path, name):
    case, data = golden("absbox_deals_off_the_cycle"), json.loads(ABSBOX.read_text("utf-8"))
    given, pool, inside = case["inputs"]["deals"][name], case["inputs"]["pool"], data["contents"]
    days = {"CutoffDate": "2021-03-01", "ClosingDate": given["closing"], "FirstPayDate": given["first_payment"]}
    for field, day in days.items():
        inside["dates"]["contents"][field]["contents"] = day
    inside["dates"]["contents"]["CollectionDates"] = {"tag": "MonthFirst"}
    loan = inside["pool"]["contents"]["PoolConsol"]["assets"][0]["contents"]
    loan[0]["originTerm"], loan[1:4] = given["term"], [pool["balance"], pool["rate"], given["term"]]
    inside["bonds"]["A1"] |= {"bndBalance": given["note"], "bndRate": given["coupon"]}
    inside["bonds"]["A1"]["bndOriginInfo"]["originBalance"] = 1000.0
    inside["fees"], inside["waterfall"][STAGE] = {}, inside["waterfall"][STAGE][1:]
    flows = run(deal_from_absbox(written(tmp_path / "deal.json", json.dumps(data))))
    for t, (date, *printed) in enumerate(case["expected"][name]):
        found = [table["A1"][0, t] for table in (flows.balance, flows.interest, flows.principal, flows.arrears)]
        assert str(flows.dates[t]) == date
        assert found == pytest.approx(printed, abs=case["tolerance"])


def changed(tmp_path, *path, to):
    data = json.loads(ABSBOX.read_text("utf-8"))
    held = copy.deepcopy(data)
    place = held["contents"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return written(tmp_path / "deal.json", json.dumps(held, indent=1))


STAGE = "DistributionDay Amortizing"
ASSET = ("pool", "contents", "PoolConsol", "assets", 0, "contents")


@pytest.mark.parametrize(
    ("path", "to", "says"),
    [
        (("triggers",), {"a": 1}, "triggers have no counterpart"),
        (("rateSwap",), {"a": 1}, "rateSwap have no counterpart"),
        (("bonds", "A1", "bndType"), {"tag": "PAC"}, "bonds of type 'PAC' are not read"),
        (("bonds", "A1", "bndInterestInfo"), {"tag": "Floater", "contents": []}, "interest 'Floater' is not read"),
        (("bonds", "A1", "bndStepUp"), {"tag": "x"}, "a step-up is not read"),
        (("fees", "trusteeFee", "feeType"), {"tag": "TargetBalanceFee", "contents": 1}, "the fee 'TargetBalanceFee' is not read"),
        (("waterfall", STAGE, 0, "contents", 0), {"tag": "DuePct"}, "a limit, condition or support of 'PayFee'"),
        (("waterfall", STAGE, 0, "tag"), "LiquidatePool", "'LiquidatePool' to"),
        (("waterfall", "EndOfPoolCollection"), [], "one waterfall is read"),
        (("accounts", "acc01", "accBalance"), 5, "an account with a balance"),
        (("accounts", "other"), {}, "one account is read"),
        (("collects",), [], "CollectedInterest goes into no account"),
        ((*ASSET, 0, "originRate", "tag"), "Floater", "a rate that changes is not read"),
        ((*ASSET, 0, "prinType", "tag"), "Balloon", "there is no kind of payment 'Balloon'"),
        ((*ASSET, 5, "tag"), "Defaulted", "a mortgage that is 'Defaulted' is not read"),
        (("dates", "contents", "DistributionDates"), {"tag": "Weekday"}, "payments on 'Weekday' are not read"),
        (("dates", "contents", "DistributionDates"), {"tag": "DayOfMonth", "contents": 30}, "payments on day 30 are not read where"),
        (("dates", "contents", "CollectionDates"), {"tag": "Weekday"}, "must be MonthEnd"),
        (("bonds", "A1", "bndBalance"), 9000, "must not exceed the notional"),
        (("dates",), {}, "line 4, contents.dates: is not as AbsBox 0.52 writes it"),
    ],
)  # fmt: skip
def test_what_absbox_says_otherwise_is_refused_by_name(tmp_path, path, to, says):
    with pytest.raises(InvalidTerms, match=says):
        deal_from_absbox(changed(tmp_path, *path, to=to))


def test_faults_of_absbox_are_told_together_with_their_lines(tmp_path):
    text = ABSBOX.read_text("utf-8").replace('"Sequential"', '"PAC"').replace('"FixFee"', '"Other"')
    with pytest.raises(InvalidTerms) as told:
        deal_from_absbox(written(tmp_path / "deal.json", text))
    lines = text.splitlines()
    for place in ('"bndType"', '"feeType"'):
        assert f"line {next(k for k, line in enumerate(lines, 1) if place in line)}," in str(told.value)
    with pytest.raises(InvalidTerms, match="is no deal of AbsBox"):
        deal_from_absbox(written(tmp_path / "other.json", "{}"))


def test_a_rate_a_year_on_the_pool_is_a_fee_too(tmp_path):
    base, rate = {"tag": "CurrentPoolBalance", "contents": None}, {"tag": "Constant", "contents": 0.02}
    fee = {"tag": "AnnualRateFee", "contents": [base, rate]}
    (made,) = deal_from_absbox(changed(tmp_path, "fees", "trusteeFee", "feeType", to=fee)).fees
    assert made.rate == 0.02 and made.day_count == "actual/365F"
