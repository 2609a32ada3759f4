"""The server of the live page: its answers are the command's numbers, bad input is told with its line, strangers are kept out."""

import json
import re
import runpy
import time

import numpy as np
import pytest
from served import KEY, asked, served, told
from typer.testing import CliRunner

from pricing.cli import app as command
from pricing.explore import serving
from pricing.explore.answer import answer, made, read
from pricing.explore.knobs import numbers_of
from pricing.explore.server import LARGEST
from pricing.explore.state import state_of
from pricing.structure.terms.place import value_at
from structuring import load_deal
from structuring.deals.deal_files import library
from waterfalls.distribute import warm
from waterfalls.errors import InvalidTerms, UnknownName


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A new deal of one's own."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command, ["new", "my-deal"]).exit_code == 0
    return tmp_path / "my-deal"


@pytest.fixture
def page(own):
    """The port at which the new deal is served."""
    with served("my-deal") as port:
        yield port


def table(found, name):
    return next(sheet for sheet in found["tables"] if sheet["name"] == name)


def command_says(*words):
    found = CliRunner().invoke(command, [*words, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.output)


@pytest.mark.parametrize("deal", ["vantage-jersey", "coreweave-ddtl-4"])
def test_its_losses_are_those_of_the_command(deal):
    warm()
    with served(deal) as port:
        name = told(port, "about")["scenarios"][-1]
        found = told(port, "answer", scenario=name, shock=100)
    rows = command_says("run", deal, "--shock", "100", "--scenario", name)["tables"]["losses_by_class"]
    ours = table(found, "losses_by_class")["rows"]
    lost = {row["cells"][0]: float(row["cells"][5].replace(",", "")) for row in ours}  # in the order of the holdings
    assert lost == pytest.approx({row["class"]: row["total"] / 1e6 for row in rows}, abs=0.051)


def test_a_state_is_run_as_python_runs_it(own, page):
    state = {
        "scenario": "rents fall 45 %", "drivers": {"rent": 0.9, "sale": "2035-12-15"}, "shock": 50, "spreads": {"BBB": 25},
        "rates": 40, "numbers": {"definitions['reserve months']": 12.0},
    }  # fmt: skip
    found = told(page, "answer", **state)
    script = asked(page, "POST", "/export", json.dumps({**state, "kind": "python"}))
    assert script.headers["content-disposition"] == 'attachment; filename="my-deal-python.py"'
    (own / "again.py").write_text(script.text, "utf-8")
    namespace = runpy.run_path(str(own / "again.py"))
    losses = namespace["losses"]
    (s, k) = losses.prices.at(namespace["scenario"].name, losses.prices.shocks[-1])
    totals = dict(zip(losses.classes, losses.by_class()[s, k], strict=True))
    for row in table(found, "losses_by_class")["rows"][:-1]:
        assert float(row["cells"][5].replace(",", "")) == pytest.approx(totals[row["cells"][0]] / 1e6, abs=0.051)
    assert "rents fall 45 %, moved" in found["stress"] and "olders lose USD million" in found["lead"]


def test_rates_move_coupons_and_values_against_what_stood_before(page):
    found = told(page, "answer", rates=100)
    row = table(found, "losses_by_class")["rows"][-1]["cells"]
    credit, rates, spread, total = (float(text.replace(",", "")) for text in row[2:6])
    assert rates == total > 0.0 and credit == spread == 0.0


def test_a_mistake_is_told_at_its_line(own, page):
    text = (own / "deal.yaml").read_text("utf-8")
    number = next(i for i, line in enumerate(text.splitlines(), 1) if "pay(interest('B'))" in line)
    found = told(page, "faults", text=text.replace("pay(interest('B'))", "pay(interest('C'))", 1))
    assert found["faults"][0]["line"] == number and "'C'" in found["faults"][0]["what"]
    assert told(page, "faults", text=text) == {"said": "", "faults": []}
    assert told(page, "answer", 422, text="firstloss: 1\nname: [")["faults"]


def test_unsaved_text_is_what_is_run(own, page):
    text = (own / "deal.yaml").read_text("utf-8")
    found = told(page, "about", text=text.replace("rate: 0.0725", "rate: 0.0750"))
    assert found["numbers"]["tranches['B'].coupon.rate"] == 0.0750
    assert "rate: 0.0725" in (own / "deal.yaml").read_text("utf-8")


def test_saving_is_whole_and_never_over_another_hand(own, page):
    opened = told(page, "file")
    changed = opened["text"].replace("name: my-deal", "name: mine")
    stamp = told(page, "save", text=changed, stamp=opened["stamp"])["stamp"]
    assert (own / "deal.yaml").read_text("utf-8") == changed and stamp != opened["stamp"]
    time.sleep(0.01)
    (own / "deal.yaml").write_text(opened["text"], "utf-8")
    assert told(page, "stamp")["stamp"] != stamp
    assert "changed on disk" in told(page, "save", 422, text=changed, stamp=stamp)["said"]
    assert told(page, "about")["deal"] == "my-deal"


def test_a_shipped_deal_is_not_written():
    with served("beignet-2025") as port:
        opened = told(port, "file")
        said = told(port, "save", 422, text="x", stamp=opened["stamp"])["said"]
    assert opened["shipped"] and "stays as it is" in said


def test_one_date_clause_by_clause(page):
    dates = told(page, "answer")["dates"]
    found = told(page, "explain", date=dates[3])
    said = command_says("explain", "my-deal", "--date", dates[3])
    assert found["date"] == dates[3] and len(found["steps"]) == len(
        {row["number"] for row in said["tables"]["clauses"]}
    )
    assert "error" not in found and "did you mean" not in json.dumps(found)
    assert "2001-01-01" in told(page, "explain", 422, date="2001-01-01")["said"]


def test_the_reserve_is_solved_so_that_b_survives(own, page):
    """As small as lets B be paid in full; run again it is, and one hundredth smaller it is not."""
    state = {"scenario": "anchor tenant leaves", "drivers": {"rent": 0.93}}
    wanted = {
        "number": "definitions['reserve months']", "best": "smallest", "between": [6, 60],
        "test": "loss('A') <= 0 in 'anchor tenant leaves, moved'",
    }  # fmt: skip
    found = told(page, "solve", **state, wanted=wanted)
    assert found["number"] == wanted["number"] and 6.0 <= found["value"] <= 60.0 and found["readings"]
    again = told(page, "answer", **state, numbers={found["number"]: found["value"]})
    assert table(again, "tranches")["rows"][0]["cells"][-1] == "0.0"


def test_b_survives_by_a_reserve_that_is_funded_and_the_gap_is_told(own, page):
    """B goes unpaid at rents of 0.56; a target alone pays nothing in, so the opening balance is solved, and equity closes the gap."""
    state = {"drivers": {"rent": 0.56}, "numbers": {"definitions['reserve months']": 24.0}}
    assert told(page, "answer", **state)["lead"].startswith("Not paid in full: B 14.4. Holders lose")
    wanted = {
        "number": "accounts['reserve'].balance", "best": "smallest", "between": [11.8e6, 118e6],
        "test": "loss('B') <= 0 in 'base, moved'",
    }  # fmt: skip
    found = told(page, "solve", **state, wanted=wanted)
    assert 20e6 < found["value"] < 23e6
    state["numbers"][found["number"]] = found["value"]
    answer = told(page, "answer", **state)
    assert answer["lead"].startswith("Holders lose")
    over = answer["funding"]
    assert over["path"] == "tranches['equity'].notional" and "uses exceed sources by" in over["said"]
    assert over["value"] == pytest.approx(330e6 + found["value"] - 11.8e6)
    state["numbers"][over["path"]] = over["value"]
    assert told(page, "answer", **state)["funding"] is None
    report = asked(page, "POST", "/export", json.dumps({"kind": "report", **state})).text
    assert "moved on the page" in report.lower() and "accounts[&#39;reserve&#39;].balance" in report


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "number"),
        ({"number": "tranches['Z'].notional", "best": "largest", "between": [0, 1], "test": "loss('A') <= 0"}, "'Z'"),
        ({"number": "", "best": "largest", "between": [0, 1], "test": "loss('A') <= 0"}, "''"),
        (
            {"number": "tranches['A'].grace", "best": "largest", "between": [0, 9], "test": "loss('A') <= 0"},
            "is a count",
        ),
        (
            {"number": "tranches['B'].notional", "best": "largest", "between": [0, 1], "test": "\ud800"},
            "test: '\\ud800'",
        ),
        ({"number": "tranches['B'].notional", "best": "best", "between": [0, 1], "test": "loss('A') <= 0"}, "best"),
        ({"number": "tranches['B'].notional", "best": "largest", "between": [2, 1], "test": "loss('A') <= 0"}, "lower"),
        ({"number": "tranches['B'].notional", "best": "largest", "between": [0, 1e8], "test": "loss('Q') <= 0"}, "'Q'"),
        (
            {"number": "tranches['B'].notional", "best": "largest", "between": [0, 1e8], "test": "__import__('os')"},
            "test",
        ),
    ],
)
def test_what_cannot_be_solved_is_told(page, wanted, said):
    assert said in told(page, "solve", 422, wanted=wanted)["said"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scenario": "bse"}, "'bse'. Did you mean 'base'"),
        ({"drivers": {"rnt": 1.0}}, "Did you mean 'rent'"),
        ({"drivers": {"gpu_price": 1.0}}, "gpu_price"),
        ({"drivers": {"rent": -1.0}}, "rent"),
        ({"drivers": {"sale": 3.0}}, "must be a date"),
        ({"shock": "wide"}, "shock"),
        ({"shock": 1e9}, "shock"),
        ({"numbers": {"tranches['A'].notionl": 1.0}}, "Did you mean 'notional'"),
        ({"numbers": {"tranches['A'].notional": -1.0}}, "notional"),
        ({"numbers": {str(n): 1.0 for n in range(200)}}, "at most 100"),
        ({"numbers": {"": 1.0}}, "''"),
        ({"numbers": {"triggers['cash trap'].test.left.trailing": 2.5}}, "must be a whole number, got 2.5"),
        ({"date": "tomorrow"}, "date"),
        ({"date": 5}, "date: must be a date, got 5"),
        ({"spreads": 5}, "spreads: must be a mapping, got 5"),
        ({"spreads": {"A": "x"}}, "spreads['A']: must be a number, got 'x'"),
        ({"what": 1}, "what"),
        ({"deal": "../../etc/passwd"}, "deal on this page"),
    ],
)
def test_a_bad_state_is_told(page, given, said):
    assert said in told(page, "answer", 422, **given)["said"]


def test_strangers_are_kept_out(page):
    for name in ("answer", "file", "save", "export", "breakevens"):
        assert asked(page, "POST", f"/{name}", "{}", key="wrong").status == 403
    assert asked(page, "GET", "/", key="").status == 403
    own = asked(page, "GET", f"/?token={KEY}", key="")
    assert own.status == 200
    assert asked(page, "GET", f"/?token={KEY}", host="evil.example").status == 400
    assert asked(page, "GET", "/answer").status == 405
    for path in ("/static/..%2f..%2fcli.py", "/static/server.py", "/../deal.yaml", "/static/../../deal.yaml"):
        assert asked(page, "GET", path).status == 404
    policy = own.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy and "script-src 'self';" in policy


@pytest.mark.parametrize("content", ["[1]", "{", "[" * 100_000, "x" * (LARGEST + 1), "\x00"])
def test_no_request_is_too_odd(page, content):
    reply = asked(page, "POST", "/answer", content)
    assert reply.status == 422 and reply.json()["said"]


def test_hostile_names_stay_text(own, page):
    name = "<script>alert(1)</script>"
    text = (own / "deal.yaml").read_text("utf-8").replace("name: my-deal", f'name: "{name}"')
    assert told(page, "about", text=text)["deal"] == name  # the page sets it as text
    reply = asked(page, "POST", "/export", json.dumps({"kind": "report", "text": text}))
    assert re.fullmatch(r'attachment; filename="[\w.-]+"', reply.headers["content-disposition"])
    assert name not in reply.text
    script = asked(page, "POST", "/export", json.dumps({"kind": "python", "text": text}))
    assert script.status == 422 and "not saved" in script.json()["said"]


def test_breakevens_come_as_they_are_found(page):
    found = [json.loads(line) for line in asked(page, "POST", "/breakevens", "{}").text.splitlines()]
    assert len(found) > 4 and all(line["lines"] for line in found)


@pytest.mark.parametrize("deal", sorted(library()))
def test_every_number_offered_can_be_read(deal):
    terms = load_deal(deal)
    offered = numbers_of(terms)
    assert {path: value_at(terms, path) for path in offered} == offered and len(offered) > 10


def test_a_taken_port_and_a_missing_market_are_told(own):
    with serving.listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidTerms, match=f"port {port} .* cannot be taken"):
            serving.listening("127.0.0.1", port)
    (own / "market.yaml").unlink()
    with pytest.raises(InvalidTerms, match="no market.yaml"):
        serving.deals_of("my-deal")
    with pytest.raises(UnknownName, match="vantage-jersey"):
        serving.deals_of("vantage-jersy")


def test_a_book_shows_its_deals():
    assert set(serving.deals_of("ai-debt-market")) >= {"beignet-2025", "vantage-jersey"}


def test_the_server_takes_forty_milliseconds_of_a_drag():
    """CPU of this thread, of one deal of each kind of collateral; load cannot slow it much. The engine is warm."""
    warm()
    for deal in ("vantage-jersey", "coreweave-ddtl-4", "ai-credit-clo", "beignet-2025"):
        (files,) = serving.deals_of(deal).values()
        took = []
        for bp in range(1, 8):
            start = time.thread_time()
            case = made(*read(files, files.stamp(), None), state_of({"shock": float(bp)}))
            json.dumps(answer(case), allow_nan=False)
            took.append(time.thread_time() - start)
        assert np.median(took) < 0.040, deal
