"""What differs between two deals, and what it does: the paths, the numbers of both sides, terms that are set."""

import copy
import dataclasses
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pricing.cli import app
from pricing.commands.compare import prices_told
from pricing.comparison.comparison import changed, differences, read_result, side_by_side
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from structuring import load_deal, load_scenarios, run, save_deal
from structuring.deals.deal_files import library
from waterfalls import Fixed, Note
from waterfalls.doors import MissingExtra
from waterfalls.errors import FirstLossError
from waterfalls.terms.term import plain


def told(a, b):
    return [(each.place, each.a, each.b) for each in differences(a, b)]


def test_equal_documents_do_not_differ():
    for name in library():
        document = plain(load_deal(name))
        assert told(document, copy.deepcopy(document)) == []


def test_things_in_lists_go_by_name_and_clauses_by_what_is_nearest():
    a = {
        "frequency": "quarterly",
        "tranches": [{"note": {"name": "A", "coupon": {"fixed": {"rate": 0.05}}}}, {"note": {"name": "B", "notional": 1.0}}],
        "fees": [{"name": "trustee", "annual": 1.0}, {"name": "servicer", "annual": 2.0}],
        "waterfall": {"before default": ["pay(fee('trustee'))", "pay(interest('A'))", "pay(residual('E'))"]},
        "prices": [1.0, 0.9],
    }  # fmt: skip
    b = {
        "tranches": [{"note": {"name": "A", "coupon": {"fixed": {"rate": 0.06}}}}, {"note": {"name": "C-2", "notional": 1.0}}],
        "fees": [{"name": "servicer", "annual": 2.0}],
        "waterfall": {
            "before default": ["pay(interest('A')).when(trigger('T'))", "pay(residual('E'))", "release('reserve')"]
        },
        "prices": [1.0, 0.8],
        "maturity": "2031-01-15",
    }  # fmt: skip
    assert told(a, b) == [
        ("frequency", "quarterly", None),
        ("tranches['A'].coupon.fixed.rate", 0.05, 0.06),
        ("tranches['B']", {"note": {"name": "B", "notional": 1.0}}, None),
        ("tranches['C-2']", None, {"note": {"name": "C-2", "notional": 1.0}}),
        ("fees['trustee']", {"name": "trustee", "annual": 1.0}, None),
        ("waterfall['before default'][0]", "pay(fee('trustee'))", None),
        ("waterfall['before default'][1]", "pay(interest('A'))", "pay(interest('A')).when(trigger('T'))"),
        ("waterfall['before default'][2]", None, "release('reserve')"),
        ("prices", [1.0, 0.9], [1.0, 0.8]),
        ("maturity", None, "2031-01-15"),
    ]


def test_side_by_side_holds_both_numbers_and_the_change():
    a = pd.DataFrame({"tranche": ["A", "B"], "clean": [100.0, 90.0], "wal": [2.0, np.nan]})
    b = pd.DataFrame({"tranche": ["C", "A"], "clean": [50.0, 101.0], "wal": [1.0, 3.0]})
    found = side_by_side(a, b, ["tranche"], ["clean", "wal"])
    assert found["tranche"].tolist() == ["A", "A", "B", "B", "C", "C"]
    assert found["a"].fillna(-1).tolist() == [100.0, 2.0, 90.0, -1.0, -1.0, -1.0]
    assert found["b"].fillna(-1).tolist() == [101.0, 3.0, -1.0, -1.0, 50.0, 1.0]
    assert found["change"].tolist()[:2] == [1.0, 1.0] and found["change"][2:].isna().all()


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("maturity=2040-05-20", lambda deal: str(deal.maturity), "2040-05-20"),
        ("tranches['A-2'].coupon.rate=0.07", lambda deal: deal.tranches[1].coupon, Fixed(0.07)),
        ("tranches[1].note.coupon.fixed.rate=0.07", lambda deal: deal.tranches[1].coupon, Fixed(0.07)),
        ("tranches[1].coupon={fixed: {rate: 0.01}}", lambda deal: deal.tranches[1].coupon, Fixed(0.01)),
        ("tranches.B.deferrable=false", lambda deal: deal.tranches[2].deferrable, False),
        ("triggers[0].cure=3", lambda deal: deal.triggers[0].cure, 3),
        ("accounts['cash trap'].balance=1e6", lambda deal: deal.accounts[1].balance, 1e6),
        ("collateral.tenants['largest tenant'].rent=1e6", lambda deal: deal.collateral.tenants[0].rent, 1e6),
        ("holdings.shares.B={banks: 1.0}", lambda deal: deal.holdings.shares["B"], {"banks": 1.0}),
        (
            "waterfall['before enforcement'][4]=pay(interest('A-1'))",
            lambda deal: str(deal.waterfall["before enforcement"].clauses[4]),
            "pay(interest('A-1'))",
        ),
    ],
)
def test_any_term_is_set_by_its_path(change, field, value):
    deal = load_deal("vantage-jersey")
    made = changed(deal, [change])
    assert field(made) == value != field(deal)
    (only,) = {each.place.split(".")[0].split("[")[0] for each in differences(plain(deal), plain(made))}
    assert only == change.split("=")[0].split(".")[0].split("[")[0]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("maturty=2040-05-20", "Did you mean 'maturity'?"),
        ("accounts.liquidity=1", "Did you mean 'liquidity reserve'?"),
        ("tranches['A-2'].coupon.rat=0.1", "Did you mean 'rate'?"),
        ("tranches['A-2'].coupon.rate=high", "tranches[1].note.coupon.fixed.rate: must be a number, got 'high'"),
        ("waterfall['before enforcment'][0]=x", "Did you mean 'before enforcement'?"),
        ("maturity", "--set takes path=value"),
        ("name.first=x", "'vantage-jersey' has no parts"),
        ("tranches.B.amortisation.count=3", "says nothing at 'amortisation'"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_nearest_name(change, what):
    with pytest.raises(FirstLossError) as caught:
        changed(load_deal("vantage-jersey"), [change])
    assert what in str(caught.value)


def output(*arguments):
    result = CliRunner().invoke(app, ["compare", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_what_a_larger_reserve_does(tmp_path):
    """The numbers of both sides are those of the deals run by themselves, whichever way the second is given."""
    name, change = "vantage-jersey", "accounts['liquidity reserve'].target"
    target = "0.5 * (0.06172 * balance('A-2') + 0.06338 * balance('B'))"
    first, market, scenarios = load_deal(name), load_market(name), load_scenarios(name)
    second = changed(first, [f"{change}={target}"])
    document = json.loads(output(name, "--set", f"{change}={target}", "--json"))
    (term,) = document["tables"]["terms"]
    assert (term["place"], term["b"]) == (change, target)
    for deal, side in ((first, "a"), (second, "b")):
        prices = price(run(deal, scenarios, rates=projected(market, deal)), market)
        for measure in ("clean", "wal", "z_spread", "yield_to_maturity"):
            rows = [row for row in document["tables"]["prices"] if row["measure"] == measure]
            wanted = [None if np.isnan(value) else value for value in prices[measure][:, 0].ravel()]
            assert [row[side] for row in rows] == wanted

    folder = library()[name].parent
    for file in ("market.yaml", "scenarios.yaml"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    save_deal(first, tmp_path / "deal.yaml")
    save_deal(second, tmp_path / "twelve.yaml")
    versions = json.loads(output(str(tmp_path), str(tmp_path / "twelve.yaml"), "--json"))
    assert versions["tables"] == document["tables"]

    for side, out in ((tmp_path, "one"), (tmp_path / "twelve.yaml", "two")):
        CliRunner().invoke(
            app, ["run", str(side), "--out", str(tmp_path / out), "--parquet", str(tmp_path / f"{out}-pq")]
        )
    for suffix in ("", "-pq"):
        results = json.loads(output(str(tmp_path / f"one{suffix}"), str(tmp_path / f"two{suffix}"), "--json"))
        assert set(results["tables"]) == {"prices", "losses"}
        assert results["tables"]["prices"] == document["tables"]["prices"]
    (tmp_path / "empty").mkdir()
    refused = CliRunner().invoke(app, ["compare", str(tmp_path / "one"), str(tmp_path / "empty")])
    assert "holds neither a deal.yaml nor a result" in str(refused.exception)


def test_losses_of_the_classes_sum_to_those_of_the_tranches():
    told = pd.read_csv(
        io.StringIO(output("vantage-jersey", "--set", "tranches.B.notional=80e6", "--csv", "--table", "losses"))
    )
    total = told[(told["measure"] == "total_loss") & (told["scenario"] == "rent cut 40 %")]
    deal, market, scenarios = (
        load_deal("vantage-jersey"),
        load_market("vantage-jersey"),
        load_scenarios("vantage-jersey"),
    )
    larger = dataclasses.replace(
        deal, tranches=tuple(dataclasses.replace(n, notional=80e6) if isinstance(n, Note) and n.name == "B" else n for n in deal.tranches)
    )  # fmt: skip
    for each, side in ((deal, "a"), (larger, "b")):
        npv = price(run(each, scenarios, rates=projected(market, each)), market).npv[:, 0].sum(axis=1)
        assert total[side].sum() == pytest.approx(npv[0] - npv[-1])


def test_two_deals_are_told_apart_in_words():
    told = output("vantage-jersey", "stack-master-trust")
    assert "A pays GBP and B USD: amounts stand side by side and are not converted." in told
    assert "Only vantage-jersey has the scenarios " in told
    assert "tenants['largest tenant']\n    A  {'name': 'largest tenant'" in told and "\n    B  (nothing)\n" in told
    assert "Terms that differ" in told and "\n  currency\n    A  GBP\n    B  USD" in told
    same = output("vantage-jersey", "vantage-jersey")
    assert "No term differs." in same and "Events that differ" not in same
    later = CliRunner().invoke(app, ["compare", "vantage-jersey", "--set", "maturity=2070-05-20"])
    assert str(later.exception).startswith("B, vantage-jersey: the curve covers 2026-11-20 to 2046-11-20")
    assert "give a second deal" in str(CliRunner().invoke(app, ["compare", "vantage-jersey"]).exception)


def test_prices_stand_side_by_side_as_far_as_the_terminal_is_wide():
    frame = pd.read_csv(
        io.StringIO(output("vantage-jersey", "--set", "tranches.B.notional=80e6", "--csv", "--table", "prices"))
    )
    for width, parts in ((None, 1), (90, 2), (60, 4)):
        _, told = prices_told(frame, width)
        assert len(told.split("\n\n")) == parts
        assert width is None or max(map(len, told.splitlines())) <= width
        assert told.count("98.46") == 2  # class B in the base, before and after


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_result_is_read_as_it_was_written(tmp_path, suffix):
    """Names that look like numbers, or like nothing, stay names."""
    names = {"deal": "1", "currency": "USD", "scenario": ["NA", "1.0"], "shock": "unchanged", "tranche": "01"}
    frame = pd.DataFrame({**names, "clean": [99.5, np.nan], "status": "priced"})
    {"csv": frame.to_csv, "parquet": frame.to_parquet}[suffix](tmp_path / f"prices.{suffix}", index=False)
    pd.testing.assert_frame_equal(read_result(tmp_path, "prices"), frame)


def test_a_result_in_parquet_names_the_extra_that_it_needs(tmp_path, monkeypatch):
    pd.DataFrame({"scenario": ["base"]}).to_parquet(tmp_path / "prices.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"needs the package 'pyarrow'.*firstloss\[report\]"):
        read_result(tmp_path, "prices")
