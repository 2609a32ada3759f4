"""The command as a user meets it: what it prints, what it writes, how it refuses."""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pricing.cli import app, main
from pricing.overview.deal_tables import headroom_to_default
from structuring import Scenario, load_deal, load_scenarios, run
from structuring.deals.deal_files import library
from structuring.documents.plain_data import load

TOY = Path(__file__).parent / "structuring/toy.yaml"


def output(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("deal", library())
def test_run_prints_structure_prices_and_losses(deal):
    printed = output("run", deal, "--shock", "0", "--shock", "100")
    for heading in ("Capital structure", "Clean price per 100 by spread shock", "Losses by investor class", "+100 bp"):
        assert heading in printed
    assert "assumptions" in printed and not re.search(r"\bnan\b", printed.lower())
    assert "What happens" in printed and re.search(r"^ *base +(never|\d{4}).* nothing +nothing", printed, re.M)


def test_run_writes_every_number(tmp_path):
    printed = output("run", "vantage-jersey", "--shock", "100", "--scenario", "rent cut 40 %", "--out", str(tmp_path))
    for name in ("flows", "dates", "prices", "losses"):
        assert f"wrote {tmp_path / name}.csv" in printed
    losses = pd.read_csv(tmp_path / "losses.csv")
    cell = losses.query("scenario == 'rent cut 40 %' and shock == 'unchanged'").groupby("tranche")["credit_loss"].sum()
    holding = losses.query("scenario == 'base' and shock == 'unchanged'").groupby("tranche")["holding"].sum()
    share = cell / holding
    assert share["equity"] > 0.5 and share["B"] > 0.5 and share["A-2"] < 0.05  # the junior is hit before the senior


def test_a_mistake_in_a_tenant_is_one_message(tmp_path):
    text = (
        library()["vantage-jersey"]
        .read_text(encoding="utf-8")
        .replace("escalator: 0.02, renewal: 1.0", "escalatr: 0.02")
    )
    (tmp_path / "deal.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["validate", str(tmp_path / "deal.yaml")])
    assert "tenants[0]: there is no field 'escalatr'. Did you mean 'escalator'?" in str(result.exception)


def test_validate_asks_what_a_second_reader_would(tmp_path):
    text = TOY.read_text(encoding="utf-8").replace("rate: 0.05", "rate: 0.625").replace("  - pay(interest('B'))\n", "")
    (tmp_path / "deal.yaml").write_text(text, encoding="utf-8")
    told = output("validate", str(tmp_path / "deal.yaml"))
    where = "line 14, tranches[0].note.coupon.fixed"
    assert f"doubtful: {where}.rate: 0.625 is 62.5 % a year: rates are decimals, 0.05 is 5 %" in told
    assert "doubtful: line 15, tranches[1].note: no clause pays interest on B" in told


def test_headroom_is_what_a_cut_may_reach():
    """vantage-jersey: with collections cut by the headroom the notes are paid, by more they are not."""
    deal = load_deal("vantage-jersey")
    flows = run(deal, load_scenarios("vantage-jersey")[0], rates={"SONIA": 0.039})
    room = headroom_to_default(flows, 0, ("A-1", "A-2", "B"))
    assert room == pytest.approx(0.35, abs=0.005)
    frozen = {"sale": dt.date(2029, 5, 20), "event": {"refinancing freeze": dt.date(2027, 1, 1)}}
    for cut, defaults in ((room - 0.01, False), (room + 0.01, True)):
        cut_flows = run(deal, Scenario("cut", rent=1.0 - cut, **frozen), rates={"SONIA": 0.039})
        unpaid = cut_flows.shortfall["B"][0, :9].sum() + cut_flows.shortfall["A-2"][0, :9].sum()
        assert (unpaid > 0.0) == defaults


def test_the_senior_price_falls_with_every_shock():
    printed = output("run", "vantage-jersey", "--shock", "0", "--shock", "100", "--shock", "300")
    shown = printed.split("Clean price per 100 by spread shock: base\n")[1].splitlines()
    row = next(line.split() for line in shown if line.split()[0] == "A-2")
    prices = [float(word) for word in row[1:]]
    assert len(prices) == 3 and prices == sorted(prices, reverse=True)


def test_without_scenarios_the_command_runs_the_base_case(tmp_path):
    for file in ("deal.yaml", "market.yaml"):
        shutil.copy(library()["vantage-jersey"].with_name(file), tmp_path)
    told = json.loads(CliRunner().invoke(app, ["run", str(tmp_path), "--json"]).stdout)
    assert {row["scenario"] for row in told["prices"]} == {"base"}
    explained = ("--date", "2029-05-21", "--scenario", "base")
    assert CliRunner().invoke(app, ["explain", str(tmp_path), *explained[:2]]).stdout.startswith("vantage-jersey")
    assert output("price", str(tmp_path)).count("base") == output("price", str(tmp_path), *explained[2:]).count("base")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["run", "vantage-jersy"],
            1,
            "there is no file, folder or shipped deal 'vantage-jersy'. Did you mean 'vantage-jersey'?",
        ),
        (["run", "vantage-jersey", "--scenario", "rent cut"], 1, "Did you mean 'rent cut 40 %'?"),
        (["run", "no-such.yaml"], 1, "no-such.yaml"),
        (["run", str(TOY)], 1, "there is no market.yaml beside"),
        (["validate", "no-such.yaml"], 1, "there is no file 'no-such.yaml'"),
        (["library", "show", "beignet"], 1, "Did you mean 'beignet-2025'?"),
        (["run", "vantage-jersey", "--shock", "wide"], 2, "Invalid value for '--shock'"),
        (
            ["stress", "vantage-jersey", "--scenario", "technology superseeded"],
            1,
            "Did you mean 'technology superseded'?",
        ),
        (["runn"], 2, "runn"),
    ],
)
def test_bad_input_is_one_message_without_a_traceback(arguments, code, said, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["firstloss", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == code
    assert said in capsys.readouterr().err


def test_validate_says_that_a_deal_is_sound_without_loading_what_it_does_not_need():
    assert "is sound: toy, 3 tranches" in output("validate", str(TOY))
    heavy = ["pandas", "numba", "scipy"]  # one run of the deal needs numpy and the calendars of QuantLib
    code = f"""
import sys
from pricing.cli import main
sys.argv = ["firstloss", "validate", {str(TOY)!r}]
try:
    main()
except SystemExit as stop:
    assert not stop.code
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_explain_tells_a_date_clause_by_clause():
    told = output("explain", "vantage-jersey", "--date", "2029-05-21", "--scenario", "refinancing freeze")
    assert "scenario 'refinancing freeze', regime 'before enforcement'" in told
    assert "cash trap is off; dscr() < 1.4: " in told
    assert "(2) to draw" in told and "[does not apply]" in told


def test_price_says_breakevens_in_sentences():
    told = output("price", "vantage-jersey", "--shock", "100", "--breakeven")
    assert "B begins to lose when every rent falls by" in told
    assert "held by private-credit funds 35%, insurers 30%" in told
    a, b = (
        float(re.search(rf"^{note} begins to lose when every rent falls by ([\d.]+)%", told, re.M)[1])
        for note in ("A-2", "B")
    )
    assert b < a  # the junior is hit before the senior
    assert "Breakevens" not in output("price", "vantage-jersey", "--shock", "100")


@pytest.mark.parametrize("scenario", ["technology superseded", "AI demand shortfall"])
def test_stress_follows_the_loss_to_the_household(scenario):
    told = output("stress", "coreweave-ddtl-4", "--scenario", scenario)
    assert "rates loss" not in told and "timing loss" in told and "0 throughout is left out" in told
    for part in (
        "The collateral brings",
        "By class:",
        "The second round",
        "End bearers",
        "policyholders",
        "Assumptions",
    ):
        assert part in told, part
    assert "institutions['insurers']: " in told


def test_stress_of_the_whole_market_answers_in_one_page():
    told = output("stress", "ai-debt-market")
    for part in (
        "in the first round, most of all",
        "First round, by class, per cent of what they hold",
        "Second round",
        "Size beside 2008",
        "Concentration by ultimate obligor",
        "Assumptions",
    ):
        assert part in told, part


@pytest.mark.parametrize("kind", ["deal", "structure"])
def test_schema_accepts_the_shipped_files_and_refuses_a_misspelling(kind):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(output("schema", kind))
    check = jsonschema.Draft202012Validator(schema)
    beside = [file.with_name("structure.yaml") for file in library().values()]
    files = [*library().values()] if kind == "deal" else [file for file in beside if file.is_file()]
    assert len(files) >= 3
    for file in files:
        document = json.loads(json.dumps(load(file), default=str))
        assert not list(check.iter_errors(document)), file
        assert list(check.iter_errors({**document, "tranchs": []}))
    mute = [
        f"{term}.{field}"
        for term, body in {"": schema, **schema["$defs"]}.items()
        for field, told in body["properties"].items()
        if not field.startswith("firstloss") and not told.get("description")
    ]
    assert not mute, "an editor has nothing to tell of these"


def test_library_lists_and_shows(capsys, monkeypatch):
    listed = output("library")
    assert all(name in listed for name in library())
    shown = output("library", "show", "coreweave-ddtl-4")
    assert "pay(interest('floating', 'fixed'), sharing='pro rata by due')" in shown
    assert "# (1) to draw" in shown
    monkeypatch.setattr(sys, "argv", ["firstloss", "library", "show"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "there is no shipped deal ''" in capsys.readouterr().err
