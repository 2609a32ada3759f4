"""The whole market in one book: sums conserve, no stress is no loss, more is worse, and every number says where it is from."""

import dataclasses
import functools
import re
from pathlib import Path

import numpy as np
import pytest
from market import closed

from pricing.bearers.institutions import load_institutions
from pricing.bearers.who_bears import who_bears
from pricing.contagion.closed_loop.market_page import page_of
from pricing.contagion.market_story import MarketStory, Supply
from pricing.contagion.market_stress import market_stress
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.market.market_of_deal import by_paper
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock, Stress
from structuring.deals.deal_files import LIBRARY, load_deal, load_scenarios
from structuring.deals.exposures import debt
from structuring.documents.plain_data import load
from structuring.generators.named_stresses import load_stress
from structuring.runs.book_files import load_book, save_book
from structuring.runs.run import run
from structuring.scenarios.scenario import Scenario
from waterfalls.errors import InvalidTerms, UnknownName

HOME = LIBRARY / "ai-debt-market"
STRESSES = ("AI demand shortfall", "technology superseded", "moves of 2026")
made = functools.cache(market_stress)


def stressed(stress="AI demand shortfall", scale=1.0):
    return made("ai-debt-market", stress, scale)


def debts(book):
    return {name: debt(deal) * book.scales[name] for name, deal in book.deals.items()}


# sizes


def test_the_book_is_sized_to_the_public_totals():
    owed = debts(load_book(HOME / "book.yaml"))
    issuers = ("amazon", "oracle", "meta", "google", "microsoft")
    quarter, third = 194e9 / 4, (121e9 - 15e9 - 18e9) / 3
    by_hand = (15e9 + quarter, 18e9 + quarter, third + quarter, third + quarter, third)
    assert [owed[f"{name}-bonds"] for name in issuers] == pytest.approx(by_hand, rel=1e-9)
    assert sum(owed[f"{name}-bonds"] for name in issuers) == pytest.approx(121e9 + 194e9, rel=1e-9)
    vehicles = 27.294e9 + 12.547e9 + 35e9 + 2.837e9 + 3.6e9 + 3.5e9  # what of the private credit is named
    credit = 0.40 * 800e9 - vehicles
    pool = 47 * sum(bond.notional for bond in load_deal("ai-credit-clo").collateral.bonds)
    assert owed["private-credit-ai"] == pytest.approx(0.9 * credit, rel=2e-3)
    assert pool == pytest.approx(0.1 * credit, rel=2e-3)


def test_spreads_that_pass_the_first_deal_by_are_lost_by_those_who_hold_the_others():
    """Paper of BBB and below widens, and the first deal is AA: by class nothing was told of it, 9bn of 27bn."""
    supply = dataclasses.replace(stressed().story.supply, per_doubling=0.0)
    told = dataclasses.replace(load_stress("AI demand shortfall"), spread={"BBB": 200.0, "below": 400.0})
    found = market_stress("ai-debt-market", told, story=dataclasses.replace(stressed().story, supply=supply))
    lost = found.tranches["total_loss"].sum()
    assert (found.tranches["deal"] == "amazon-bonds").iloc[0] and found.tranches["market_loss"].iloc[0] == 0.0
    assert found.classes["total_loss"].sum() == pytest.approx(lost, rel=1e-12)
    assert found.second["thresholds"].direct.sum() == pytest.approx(lost, rel=1e-12)


def test_leverage_is_of_all_that_is_drawn_or_promised_on_either_side():
    """By hand. Of CoreWeave's 1,015m of equity, 315m paid in, 700m counted, against the third of its debt that is drawn."""
    debt_of = 27_293.849 + 35_000 + 8_500 + 3_600 + 1.32 * 954 + 2_070 + 47 * 445
    equity = 2_450 + 2_000 + 315.2 + 700 + 2_000 + 1.32 * 616 + 1_130 + 47 * 55
    assert stressed().leverage["vehicles"] == pytest.approx(debt_of / equity, rel=1e-9)


def test_quotes_by_class_of_paper_bring_the_curves_they_are_over():
    """A g-spread by class of paper is priced over the government curve of the same file."""
    quotes = dataclasses.replace(load_market(HOME / "market.yaml"), government=0.04)
    deal = load_book(HOME / "book.yaml").deals["amazon-bonds"]
    quotes = dataclasses.replace(quotes, quotes={**quotes.quotes, "AA": {"g": 0.01}})
    market = by_paper(quotes, deal)
    prices = price(run(deal, Scenario("base"), rates=market.rates(deal)), market)
    assert market.government == quotes.government and prices["g_spread"][0, 0, 0] == pytest.approx(0.01, abs=1e-12)


@pytest.mark.parametrize("file", sorted((HOME / "deals").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_note_of_an_own_deal_receives_all_that_its_bonds_pay(file):
    deal = load_deal(file)
    flows = run(deal, [Scenario("base")])
    flows.check()
    note = deal.tranches[0].name
    assert flows.balance[note][0, -1] < 1.0 and flows.shortfall[note].max() < 1.0
    assert price(flows, load_market(HOME / "market.yaml").curve).npv[0, 0, 1] == pytest.approx(0.0, abs=10.0)
    owed = sum(bond.notional for bond in deal.collateral.bonds)
    first = sum(bond.notional * bond.coupon for bond in deal.collateral.bonds)
    assert deal.tranches[0].notional == pytest.approx(owed)
    assert deal.tranches[0].coupon.rate * owed == pytest.approx(first, rel=1e-9)


# sums


@pytest.mark.parametrize("stress", STRESSES)
def test_losses_by_class_by_deal_and_by_tranche_are_one_sum(stress):
    found = stressed(stress)
    for part in ("credit_loss", "market_loss", "total_loss", "value_before"):
        total = found.tranches[part].sum()
        assert found.classes[part].sum() == pytest.approx(total, rel=1e-9)
        assert found.by_deal()[part].sum() == pytest.approx(total, rel=1e-9)
    parts = found.classes["credit_loss"] + found.classes["market_loss"]
    assert parts.to_numpy() == pytest.approx(found.classes["total_loss"].to_numpy(), rel=1e-9, abs=1.0)
    amounts = {
        deal: dict(zip(rows["tranche"], rows["total_loss"] / found.book.scales[deal], strict=True))
        for deal, rows in found.tranches.groupby("deal")
    }
    again = found.book.by_class(amounts)
    told = found.classes.set_index("investor_class")["total_loss"]
    assert {name: float(lost) for name, lost in again.items()} == pytest.approx(told.to_dict(), rel=1e-9)


@pytest.mark.parametrize("stress", STRESSES)
def test_both_rounds_end_with_bearers_in_full(stress):
    found = stressed(stress)
    second = found.second["thresholds"]
    assert found.bearers["first_round"].sum() == pytest.approx(found.classes["total_loss"].sum(), rel=1e-9)
    assert found.bearers["second_round"].sum() == pytest.approx((second.total - second.direct).sum(), rel=1e-9)
    assert found.rounds["first_round"].sum() == pytest.approx(found.classes["total_loss"].sum(), rel=1e-9)


@pytest.mark.parametrize("stress", STRESSES)
def test_the_second_round_takes_nothing_back(stress):
    for contagion in stressed(stress).second.values():
        assert (contagion.total >= contagion.direct - 1e-3).all()


# scales


@pytest.mark.parametrize("stress", STRESSES)
def test_no_stress_is_no_loss_and_more_is_worse(stress):
    ladder = [stressed(stress, scale) for scale in (0.0, 0.5, 1.0, 1.5)]
    assert (ladder[0].tranches["total_loss"].abs() < 1e-3).all()
    assert all((each.total - each.direct == 0.0).all() for each in ladder[0].second.values())
    assert "Nothing is lost" in " ".join(ladder[0].sentences())
    totals = [each.classes["total_loss"].sum() for each in ladder]
    both = [float(each.second["linear"].total.sum()) for each in ladder]
    assert np.diff(totals).min() > 1e9 and np.diff(both).min() > 1e9


def test_supply_widens_by_doublings_and_can_be_left_out():
    supply = Supply(121e9, 28e9, per_doubling=11.5)
    assert supply.widening() == pytest.approx(11.5 * np.log2(121 / 28))
    assert supply.widening() == pytest.approx((48 + 15 + 10) / 3, abs=0.1)  # what it is calibrated to
    assert supply.widening(2.0) == 2.0 * supply.widening() and supply.widening(0.0) == 0.0
    assert Supply(14e9, 28e9, per_doubling=11.5).widening() == 0.0
    tale = MarketStory(dataclasses.replace(supply, per_doubling=0.0), failures={"oracle-bonds": 0.25})
    without = market_stress(stress="autumn 2025", story=tale)
    with_it = stressed("autumn 2025")
    assert without.widening == 0.0
    assert without.classes["total_loss"].sum() < with_it.classes["total_loss"].sum()


def test_rates_that_a_stress_moves_are_lost_too():
    still = dataclasses.replace(load_stress("moves of 2026"), rates=0.0)
    moved, without = (
        stressed("moves of 2026"),
        made("ai-debt-market", still, 1.0) if False else market_stress(stress=still),
    )
    assert moved.classes["market_loss"].sum() > without.classes["market_loss"].sum() + 5e9


# sources


def numbers_of(data, place=""):
    """The places of all numbers and dates in plain data, but for those that say their own reason beside them."""
    if isinstance(data, dict):
        if data.get("reason"):
            return
        for key, value in data.items():
            name = key if re.fullmatch(r"[\w-]+", str(key)) else repr(key)
            yield from numbers_of(value, f"{place}.{name}".lstrip("."))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from numbers_of(value, f"{place}[{i}]")
    elif (isinstance(data, (int, float)) and not isinstance(data, bool)) or re.match(r"\d{4}-\d\d-\d\d", str(data)):
        yield place


@pytest.mark.parametrize(
    "file", [*sorted(HOME.rglob("*.yaml")), *sorted((LIBRARY / "structured-finance-2006").rglob("*.yaml"))],
    ids=lambda file: f"{file.parts[-2]}/{file.name}",
)  # fmt: skip
def test_every_number_says_where_it_is_from(file: Path):
    data = load(file)
    sources = data.pop("sources", {})
    data = {key: value for key, value in data.items() if not key.startswith("firstloss") and key != "name"}
    places = [place.removesuffix(".") for place in numbers_of(data)]
    bare = [place for place in places if not any(place.startswith(known) for known in sources)]
    assert bare == [] and (places or "reason:" in file.read_text("utf-8"))
    for source in sources.values():
        assert source.get("assumption") or (source["tier"] in "PRBAD" and source["source"])
        assert source.get("tier") != "A"  # what only an aggregator says ships as an assumption


def test_assumptions_name_what_the_answer_rests_on():
    said = "\n".join(stressed().assumptions)
    for word in (
        "supply.per_doubling",
        "failures",
        "size of private-credit-ai",
        "0.40",
        "1.32",
        "institutions['foreigners']",
    ):
        assert word in said


def test_what_ends_with_nobody_named_is_told_by_class_and_deal():
    found = stressed()
    ends = found.bearers.set_index("bearer")["first_round"]
    assert found.unidentified["loss"].sum() == pytest.approx(ends["unidentified"], rel=1e-9)
    by_form_pf = found.unidentified.groupby("through")["loss"].sum()["private-credit funds"]
    held = found.classes.set_index("investor_class").loc["private-credit funds", "total_loss"]
    assert by_form_pf == pytest.approx(0.37 * held, rel=1e-9)  # 1 - 0.31 - 0.14 - 0.09 - 0.09
    assert found.unidentified["known"].str.len().min() > 0


def test_per_cents_are_of_what_is_held_and_promised_and_empty_ones_are_explained():
    found = stressed()
    row = found.classes.set_index("investor_class").loc["banks"]
    assert row["to_be_drawn"] > 0.0
    assert row["per_cent_of_holding"] == pytest.approx(
        100.0 * row["total_loss"] / (row["value_before"] + row["to_be_drawn"])
    )
    deals = found.by_deal().set_index("deal")
    assert deals.loc["coreweave-ddtl-4", "to_be_drawn"] == pytest.approx(8_500e6 + 700e6 - 2_837e6, rel=1e-3)
    empty = found.classes.loc[found.classes["per_cent_of_capital"].isna(), "investor_class"]
    assert len(empty) and all(name in found.no_capital for name in empty)
    assert found.no_capital in " ".join(found.sentences())


# words and bad input


def test_the_page_answers_the_question():
    page = page_of(stressed(), closed())
    for word in ("pension funds", "insurers", "mutual funds", "banks", "foreigners", "sponsor", "641.0bn", "Herfindahl",
                 "per cent of capital", "second linear", "Leverage", "Assumptions"):  # fmt: skip
        assert word in page
    assert not re.search(r"\b(nan|inf)\b", page, re.IGNORECASE)


def test_the_2008_row_holds_the_public_numbers():
    row = stressed().beside.set_index("paper").loc["SF ABS CDOs 1999-2007"]
    assert (row["issued"], row["realised_loss"], row["realised_per_cent"]) == (641e9, 420e9, 65.0)


def test_the_deals_that_ship_lose_what_they_lose_alone():
    deal, market, base = load_deal("beignet-2025"), load_market("beignet-2025"), load_scenarios("beignet-2025")[0]
    stress, found = load_stress("AI demand shortfall"), stressed()
    scenario = stress.scenario(deal, on=base)
    moves = {name: bp + (found.widening if name == "notes" else 0.0) for name, bp in stress.spreads(deal).items()}
    flows = run(deal, [base, scenario], rates=projected(market, deal))
    pair = Stress(scenario.name, SpreadShock.by_tranche(bp=moves))
    alone = who_bears(price(flows, market, pairs=[pair], reference=base.name), deal.holdings).tranche["total"][1, 1]
    rows = found.tranches[found.tranches["deal"] == "beignet-2025"]
    assert rows["total_loss"].to_numpy() == pytest.approx(alone, rel=1e-9)


def test_names_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="ai-debt-market"):
        market_stress("ai-dept-market")
    with pytest.raises(UnknownName, match="AI demand shortfall"):
        market_stress(stress="AI demand shortfal")
    with pytest.raises(InvalidTerms, match="orakle"):
        market_stress(story=MarketStory(Supply(1.0, 1.0, per_doubling=0.0), failures={"orakle-bonds": 1.0}))
    with pytest.raises(InvalidTerms, match="foreigners"):
        market_stress(institutions=load_institutions())
    book = load_book(HOME / "book.yaml")
    save_book(book, tmp_path / "book.yaml")
    assert load_book(tmp_path / "book.yaml") == book
