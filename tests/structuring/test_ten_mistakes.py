"""A deal file with ten mistakes tells all ten at once: the line, the path, what is allowed, the nearest valid name."""

import json

import pytest
import yaml

from structuring import load_deal
from structuring.deals.deal_files import library
from structuring.documents.plain_data import Loader
from waterfalls.errors import InvalidTerms

TEXT = library()["vantage-jersey"].read_text(encoding="utf-8")
MISTAKES = [  # what stands in the file, what is written instead, the place that is told, and what is said of it
    ("first_payment: 2024-08-20", "first_payment: 2024-18-20", "first_payment", "must be a date such as 2026-11-30"),
    ("frequency: quarterly", "frequency: quaterly", "frequency", "Did you mean 'quarterly'?"),
    ("calendar: UK", "calender: UK", "", "there is no field 'calender'. Did you mean 'calendar'?"),
    ("renewal: 0.8, down", "renewl: 0.8, down", "collateral.lease_portfolio.tenants[1]", "Did you mean 'renewal'?"),
    ("{fixed: {rate: 0.06172}}", "{fixd: {rate: 0.06172}}", "tranches[1].note.coupon", "Did you mean 'fixed'?"),
    ("notional: 54.0e6", "notional: -54.0e6", "tranches[2].note.notional", "must be greater than 0, got -54000000.0"),
    ("0.06338 * balance('B')", "0.06338 * balance('C')", "accounts[0].target", "there is no tranche or facility 'C'"),
    ("test: dscr() < 1.40", "test: dsrc() < 1.40", "triggers[0].test", "Did you mean 'dscr'?"),
    ("sharing='pro rata by due')", "sharing='pro rata')", "waterfall['before enforcement'][3]", "pro rata by due"),
    ("residual('equity'))\nreg", "residual('equty'))\nreg", "waterfall['after enforcement'][11]", "mean 'equity'?"),
    ("after enforcement: event", "after enforcment: event", "regimes", "Did you mean 'after enforcement'?"),
    ("B: {insurers: 0.30,", "B: {insurers: 0.40,", "holdings.shares['B']", "must sum to 1, got 1.1"),
]


def spoiled(text=TEXT):
    for old, new, _, _ in MISTAKES:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def told(path):
    with pytest.raises(InvalidTerms) as caught:
        load_deal(path)
    return caught.value


def test_all_are_told_at_once_each_with_its_line_and_place(tmp_path):
    text, file = spoiled(), tmp_path / "deal.yaml"
    file.write_text(text, encoding="utf-8")
    error = told(file)
    for _, new, place, what in MISTAKES:
        line = 1 + text[: text.index(new)].count("\n")
        assert [fault for fault in error.faults if (fault.line, fault.place) == (line, place) and what in fault.what], (
            f"line {line}, {place}: {what}\n{error}"
        )
    # one thing more follows from a mistake: nothing says when the regime that is misspelt begins
    assert len(error.faults) == len(MISTAKES) + 1
    assert f"{len(error.faults)} faults" in str(error).splitlines()[0]
    assert [fault.line for fault in error.faults] == sorted(fault.line for fault in error.faults)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[1])
def test_each_is_told_by_itself_and_nothing_else_is(tmp_path, mistake):
    old, new, place, what = mistake
    text, file = TEXT.replace(old, new, 1), tmp_path / "deal.yaml"
    file.write_text(text, encoding="utf-8")
    faults = told(file).faults
    assert (faults[0].place, what in faults[0].what) in {(place, True), ("regimes", False)}, faults
    assert len(faults) == (2 if place == "regimes" else 1), faults


def test_an_event_that_nothing_raises_is_told_where_it_is_read(tmp_path):
    file = tmp_path / "deal.yaml"
    file.write_text(TEXT.replace("events: [refinancing freeze]", "events: [refinancing freez]"), encoding="utf-8")
    faults = told(file).faults
    assert {fault.place for fault in faults} == {
        "waterfall['before enforcement'][1]",
        "waterfall['before enforcement'][7]",
    }
    assert all("there is no event 'refinancing freeze'. Did you mean 'refinancing freez'?" in str(f) for f in faults)


def test_a_key_said_twice_hides_nothing(tmp_path):
    file = tmp_path / "deal.yaml"
    file.write_text(TEXT.replace("currency: GBP", "currency: GBP\ncurrency: USD\nfrequncy: 1", 1), encoding="utf-8")
    said = str(told(file))
    assert "line 6: the key 'currency' stands twice" in said
    assert "line 7: there is no field 'frequncy'. Did you mean 'frequency'?" in said


def test_json_is_told_the_same_with_its_lines(tmp_path):
    file = tmp_path / "deal.json"
    file.write_text(json.dumps(yaml.load(spoiled(), Loader), indent=1), encoding="utf-8")
    faults = told(file).faults
    assert {(fault.place, fault.what) for fault in faults} >= {(place, f.what) for _, _, place, w in MISTAKES for f in faults if f.place == place and w in f.what}  # fmt: skip
    assert len(faults) == len(MISTAKES) + 1
    lines = file.read_text(encoding="utf-8").splitlines()
    assert all(fault.line for fault in faults)
    (fixed,) = (fault for fault in faults if "'fixd'" in fault.what)
    assert '"fixd"' in lines[fixed.line - 1]


@pytest.mark.parametrize("name", library())
def test_the_events_that_collateral_says_it_raises_are_those_it_does(name):
    from structuring import load_scenarios
    from structuring.deals.deal import assets
    from structuring.runs.run import project

    deal = load_deal(name)
    said = {event for asset in assets(deal) for event in asset.raises()} | set(deal.events)
    assert set(project(deal, load_scenarios(name)[:1]).events) == said
