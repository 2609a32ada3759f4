"""Every command as its own help tells it: the examples run, the tables are the frames, a terminal is told, a pipe is not."""

import importlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from pricing.bearers.who_bears import who_bears
from pricing.cli import app, main
from pricing.commands import paths as paths_command
from pricing.commands import price as price_command
from pricing.commands.shared.output import fitted
from pricing.commands.shared.progress import line, progress
from pricing.market.market import projected
from pricing.market.market_files import load_market
from pricing.valuation.price import price
from pricing.valuation.spread_shocks import SpreadShock
from structuring import load_deal, load_scenarios, run
from structuring.deals.deal_files import library
from structuring.documents.whole_files import unshield
from structuring.generators.named_stresses import load_stress

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def invoke(*arguments, code=0):
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def help_of(name, width=200):
    return CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": str(width)}).output


def examples(name):
    return re.findall(r"^ +(firstloss .*)$", help_of(name).partition("Examples:")[2].partition("Tables:")[0], re.M)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a new deal, a result of it, and a report that ties out, as the examples expect."""
    folder, before = tmp_path_factory.mktemp("user"), Path.cwd()
    os.chdir(folder)
    invoke("new", "my-deal")
    yield folder
    os.chdir(before)


# Help ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_of_a_help_runs(name, place, monkeypatch):
    monkeypatch.setattr("uvicorn.Server.run", lambda *given, **more: None)  # a live page goes on until it is stopped
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    told = examples(name)
    assert told, f"firstloss {name} --help shows no example"
    for example in told:
        words = shlex.split(example.partition(" > ")[0])[1:]
        if words[:2] == ["new", "my-deal"]:
            continue  # the fixture made it, and nothing is overwritten
        if words[:2] == ["tieout", "vantage-jersey"] and words[2] == "report.csv":
            filled_in(place / "report.csv")
        assert invoke(*words).output.strip(), example


def filled_in(report):
    """The servicer agrees with the model to the cent."""
    frame = pd.read_csv(report)
    known = frame[frame["ours"].abs() < float("inf")]
    known.assign(theirs=known["ours"].round(2)).to_csv(report, index=False)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_the_terminal_and_breaks_no_example(name, width):
    told = help_of(name, width)
    assert max(map(len, told.splitlines())) <= width
    assert all(example in told for example in examples(name))
    summary = re.search(rf"^  {name} +(.*)$", CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output, re.M)
    assert summary and "..." not in summary[1]


# The forms: text, JSON, CSV, Parquet --------------------------------------------------------------------------------

TABLED = {  # what prints tables, and which they are
    ("run", "vantage-jersey", "--shock", "100"): ["prices", "losses", "flows", "dates", "structure", "events"],
    ("price", "vantage-jersey", "--shock", "100"): ["prices"],
    ("stress", "vantage-jersey", "--scenario", "moves of 2026"): [
        "classes",
        "rounds",
        "bearers",
        "bridge",
        "unidentified",
    ],
    ("explain", "vantage-jersey", "--date", "2029-05-20"): ["clauses"],
    ("paths", "vantage-jersey", "--draw", "rent=0.2", "--count", "150"): ["tranches", "classes", "paths"],
    ("compare", "my-deal", "--set", "definitions['reserve months']=12"): ["terms", "prices", "losses", "events"],
    ("validate", "my-deal"): ["findings"],
    ("library",): ["deals", "stresses"],
    ("library", "show", "beignet-2025"): ["clauses"],
}


@pytest.mark.parametrize(("command", "tables"), TABLED.items(), ids=lambda given: given[0])
def test_json_csv_and_parquet_hold_the_same_tables(command, tables, place, tmp_path):
    folder = tmp_path / "tables"
    document = json.loads(invoke(*command, "--json", "--parquet", str(folder)).stdout)
    assert sorted(file.stem for file in folder.iterdir()) == sorted(tables)
    for name in tables:
        csv = pd.read_csv(io.StringIO(invoke(*command, "--csv", "--table", name).stdout), keep_default_na=False)
        parquet = pd.read_parquet(folder / f"{name}.parquet")
        csv.columns = [re.sub(r"\W", "_", name) for name in csv.columns]  # names that every reader of Parquet takes
        assert list(csv.columns) == list(parquet.columns)
        assert len(csv) == len(parquet)
        for column in parquet.columns:
            if parquet[column].dtype.kind == "f":  # to the last bit
                read = csv[column].map(lambda cell: float(cell or "nan") if isinstance(cell, str) else float(cell))
                pd.testing.assert_series_equal(
                    read, parquet[column], check_names=False, check_exact=True, check_dtype=False
                )
        if name in document["tables"] and command[0] != "run":
            assert len(document["tables"][name]) == len(parquet)
    first = invoke(*command, "--csv").stdout
    assert first == invoke(*command, "--csv", "--table", tables[0]).stdout
    one = tmp_path / "one.parquet"
    invoke(*command, "--parquet", str(one))
    assert len(pd.read_parquet(one)) == len(pd.read_parquet(folder / f"{tables[0]}.parquet"))


def test_the_tables_are_the_frames():
    deal, scenarios, market = (
        load_deal("vantage-jersey"),
        load_scenarios("vantage-jersey"),
        load_market("vantage-jersey"),
    )
    prices = price(run(deal, scenarios, rates=projected(market, deal)), market, [SpreadShock.parallel(bp=100)])
    losses = who_bears(prices, deal.holdings)
    for name, frame in (("prices", prices.frame()), ("losses", losses.frame())):
        told = invoke("run", "vantage-jersey", "--shock", "100", "--csv", "--table", name).stdout
        read = pd.read_csv(io.StringIO(told)).astype(dict.fromkeys(frame.select_dtypes("category"), str))
        for column in read.select_dtypes(exclude="number"):
            read[column] = read[column].map(unshield)  # '+100 bp' has an apostrophe before it in CSV
        pd.testing.assert_frame_equal(
            read, frame.astype(dict.fromkeys(frame.select_dtypes("category"), str)), check_exact=True, check_dtype=False
        )
    rows = json.loads(invoke("run", "vantage-jersey", "--shock", "100", "--json").stdout)["prices"]
    assert [row["npv"] for row in rows] == prices.frame()["npv"].tolist()


def test_an_unknown_table_and_two_forms_at_once_are_refused(place):
    told = CliRunner().invoke(app, ["run", "my-deal", "--csv", "--table", "loses"])
    assert "there is no table 'loses'. Did you mean 'losses'?" in str(told.exception)
    assert "say one of them" in str(CliRunner().invoke(app, ["library", "--table", "deals"]).exception)
    assert "one of the two" in str(CliRunner().invoke(app, ["library", "--csv", "--json"]).exception)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("paths my-deal --draw rent=0.1 --draw rent=0.9", "--draw: 'rent' is given twice"),
        ("paths my-deal --draw rent=-1", "--draw rent: a volatility is a decimal from 0 to 5, got -1"),
        ("stress my-deal --scenario base", "'base' is the first scenario, against which the others are held"),
        ("stress ai-debt-market --market my-deal", "'ai-debt-market' is a book, which has its own"),
        ("run ai-debt-market", "'ai-debt-market' is a book of deals: firstloss stress ai-debt-market runs it"),
        ("library vantage-jersey", "library show NAME shows a deal; got 'vantage-jersey'"),
        ("tieout my-deal my-deal --date 2027-03-15", "--date says which dates --write-template writes"),
        ("tieout my-deal --write-template my-deal/deal.yaml", "there is a my-deal/deal.yaml already"),
        ("compare results --set name=x", "--set changes the terms of a deal, and 'results' is a result"),
        ("compare results results --shock 100", "both are results: they stand as they are"),
    ],
)
def test_what_would_be_passed_over_in_silence_is_refused(command, said, place):
    if command.startswith("compare"):
        invoke("run", "my-deal", "--out", "results")
    assert said in str(CliRunner().invoke(app, command.split()).exception)


@pytest.mark.parametrize("option", ["--tolerance", "--ratio-tolerance"])
def test_a_tolerance_is_not_negative(option, place):
    assert "greater than or equal to 0" in invoke("tieout", "my-deal", "report.csv", option, "-1", code=2).output


def test_a_file_that_cannot_be_written_is_one_message(place, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["firstloss", "price", "my-deal", "--parquet", "my-deal/deal.yaml/tables"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == (
        "firstloss: the folder 'my-deal/deal.yaml/tables' cannot be made: Not a directory"
    )


def test_a_deal_without_scenarios_says_that_its_base_case_is_run(tmp_path):
    for name in ("deal.yaml", "market.yaml"):
        (tmp_path / name).write_bytes((library()["beignet-2025"].parent / name).read_bytes())
    said = f"there is no scenarios.yaml beside {tmp_path / 'deal.yaml'}: the base case alone is run\n"
    assert invoke("price", str(tmp_path)).stderr == said
    assert "scenarios.yaml" not in invoke("price", "beignet-2025").stderr


def test_folders_are_made_for_what_is_written(place, tmp_path):
    page, book, template = (tmp_path / "new" / name for name in ("r/x.html", "w/x.xlsx", "t/x.csv"))
    invoke("run", "my-deal", "--report", str(page), "--xlsx", str(book))
    invoke("tieout", "my-deal", "--write-template", str(template), "--date", "2027-03-15")
    assert page.is_file() and book.is_file() and template.is_file()


def test_faults_are_a_table_too(tmp_path):
    (tmp_path / "deal.yaml").write_text("firstloss: 1\nname: x\ncalender: US\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["validate", str(tmp_path), "--json"])
    document = json.loads(told.stdout)
    assert told.exit_code == 1 and document["sound"] is False
    (row,) = (row for row in document["tables"]["findings"] if row["line"] == 3)
    assert row["kind"] == "fault" and "Did you mean 'calendar'?" in row["what"]


def test_validate_finds_what_only_a_run_would_and_what_is_quoted_wrong(place, tmp_path):
    for file, old, new in (
        ("deal.yaml", "", ""),
        ("market.yaml", "B: 0.0310", "BB: 0.0310"),
        ("scenarios.yaml", "    rent: {2028", "    gpu_price: {2028"),
    ):
        text = (place / "my-deal" / file).read_text(encoding="utf-8")
        (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    told = str(CliRunner().invoke(app, ["validate", str(tmp_path)]).exception)
    (line,) = (n for n, said in enumerate(text.splitlines(), 1) if said.startswith("    rent: {2028"))
    assert f"line {line}, scenarios['rents fall 45 %'].gpu_price: there is no" in told
    assert "quotes['BB']: there is no tranche 'BB'. Did you mean 'B'?" in told


def test_what_is_no_document_is_told_by_its_line(tmp_path):
    file = tmp_path / "deal.yaml"
    file.write_text("firstloss: 1\ntranches: [\n  - note: {name: A}\n", encoding="utf-8")
    assert "line 3, column 3: expected the node content, but found '-'" in str(
        CliRunner().invoke(app, ["validate", str(file)]).exception
    )
    file.write_text("firstloss: 1\n\tname: x\n", encoding="utf-8")
    assert "line 2, column 1: found character '\\t'" in str(CliRunner().invoke(app, ["run", str(file)]).exception)


# What the commands mean ---------------------------------------------------------------------------------------------


def test_a_named_stress_moves_rates():
    """The classes' losses are those of the same flows valued on a curve that is 92 bp higher, spreads as the stress has them."""
    told = json.loads(invoke("stress", "vantage-jersey", "--scenario", "moves of 2026", "--json").stdout)
    assert told["rates_bp"] == 92.0
    deal, base, market = load_deal("vantage-jersey"), load_scenarios("vantage-jersey")[0], load_market("vantage-jersey")
    moves = load_stress("moves of 2026").spreads(deal)
    start, there = run(deal, base, rates=projected(market, deal)), market.shifted(92.0)
    flows = run(deal, base, rates=projected(there, deal))
    prices = price(flows, there, SpreadShock.by_tranche(bp=moves, name="moved"), before=(start, market))
    lost = who_bears(prices, deal.holdings).by_class("total")[0, 1]
    classes = {row["investor_class"]: row["total_loss"] for row in told["tables"]["classes"]}
    wanted = dict(zip(deal.holdings.classes, lost.tolist(), strict=True))
    assert classes == pytest.approx({name: wanted[name] for name in classes})
    half = json.loads(
        invoke("stress", "vantage-jersey", "--scenario", "moves of 2026", "--scale", "0.5", "--json").stdout
    )
    assert half["rates_bp"] == 46.0


def test_a_new_deal_is_never_overwritten(place, tmp_path):
    said = (place / "my-deal/deal.yaml").read_text(encoding="utf-8")
    told = CliRunner().invoke(app, ["new", "my-deal"])
    assert "nothing is overwritten" in str(told.exception)
    assert (place / "my-deal/deal.yaml").read_text(encoding="utf-8") == said
    for name in ("a deal", "2027-1", "yes", "my-deal3"):
        invoke("new", str(tmp_path / name))
        assert load_deal(tmp_path / name).name == name
        invoke("validate", str(tmp_path / name))


def test_the_template_teaches_what_it_says(place):
    """Its deal is sound, its stress hurts the junior before the senior, each of its assumptions is marked."""
    told = invoke("validate", "my-deal").output
    assert "is sound" in told and "doubtful" not in told
    losses = pd.read_csv(io.StringIO(invoke("run", "my-deal", "--csv", "--table", "losses").stdout))
    worst = losses[losses["scenario"] == "rents fall 45 %"].groupby("tranche")[["total_loss", "holding"]].sum()
    share = worst["total_loss"] / worst["holding"]
    assert share["equity"] > share["B"] > 0.1 > share["A"] > 0.0
    deal = load_deal("my-deal")
    assert all("assumption" in source for source in deal.sources.values())


def test_the_refinancing_of_the_template_repays_its_notes_three_years_before_the_sale(place):
    file = place / "my-deal/deal.yaml"
    text = file.read_text(encoding="utf-8")
    said = (
        re.search(r"# facilities:\n(?:#.*\n)+", text)[0]
        .replace("# ", "", 1)
        .replace("\n# ", "\n")
        .splitlines(keepends=True)
    )
    terms, clauses = (
        [line for line in said if "take-out'" not in line],
        [f"  {line}" for line in said if "('take-out'" in line],
    )
    text = text.replace("  before default:\n", f"  before default:\n{clauses[0]}")
    text = text.replace("    - pay(residual", f"{''.join(clauses[1:])}    - pay(residual", 1)
    file.write_text(text.replace("\nregimes:", f"\n{''.join(terms[:3])}regimes:"), encoding="utf-8")
    assert "doubtful" not in invoke("validate", "my-deal").output
    flows = run(load_deal("my-deal"), load_scenarios("my-deal")[0])
    repaid = [
        day.isoformat() for day, left in zip(flows.dates, flows.balance["A"][0].tolist(), strict=True) if left < 1.0
    ]
    assert repaid[0] == "2033-12-15" and flows["balance", "take-out"][0].max() > 3e8


def test_paths_that_do_not_differ_are_said_not_to():
    """The fleet is under contract until its loans are due, so that the market's price of an hour moves no cash."""
    words = ("paths", "iren-hardware-3", "--count", "8", "--draw")
    assert "No path differs from another" in invoke(*words, "gpu_price=0.3").stdout
    assert "No path differs from another" not in invoke(*words, "rent=0.3").stdout


# A terminal and a pipe ----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_told_on_a_terminal_and_wiped():
    terminal = Terminal()
    with progress("running paths", stream=terminal, after=0.0) as told:
        told(1, 4)
        time.sleep(0.6)
    said = terminal.getvalue().split("\r")
    assert re.match(r"running paths: 1 of 4, \d+ s so far, about \d+ s left", said[2])
    assert said[-2].strip() == said[-1] == ""


def test_progress_is_quiet_in_a_pipe_and_for_what_is_short():
    pipe, terminal = io.StringIO(), Terminal()
    with progress("x", stream=pipe, after=0.0) as told:
        told(1, 2)
        time.sleep(0.3)
    with progress("x", stream=terminal) as told:
        told(1, 2)
    assert pipe.getvalue() == terminal.getvalue() == ""


def test_the_estimate_is_by_proportion():
    assert line("paths", 2_500, 10_000, 5.0) == "paths: 2,500 of 10,000, 5 s so far, about 15 s left"
    assert line("compiling", 0, 0, 3.0) == "compiling: 3 s so far"


def test_a_line_of_progress_fits_the_terminal():
    """A line that the terminal breaks in two would not be wiped."""
    told = line("following 'AI demand shortfall' through ai-debt-market", 13, 16, 20.0, 60)
    assert told == "following 'AI dema...: 13 of 16, 20 s so far, about 5 s left"
    assert len(told) == 60
    assert len(line("x", 1, 2, 1.0, 10)) == 10


SENTENCE = "- The collateral brings 2,072.0m less than in 'base', costs saved taken off."


def test_sentences_are_broken_at_words_and_tables_are_not():
    table = "tranche   size  undrawn   coupon    attachment\n      A  350.0      0.0  5.500 %        52.7 %"
    broken = "- The collateral brings 2,072.0m less\n  than in 'base', costs saved taken off."
    assert fitted(f"{SENTENCE}\n{table}", 40) == f"{broken}\n{table}"
    assert fitted(SENTENCE, 200) == SENTENCE
    assert max(map(len, fitted(f"    {SENTENCE}", 30).split("\n"))) <= 30


@pytest.mark.parametrize("arguments", [["stress", "ai-debt-market"], ["stress", "vantage-jersey"]])
def test_a_story_fits_the_terminal(arguments, monkeypatch):
    for module in ("shared.output", "stress"):
        monkeypatch.setattr(importlib.import_module(f"pricing.commands.{module}"), "columns", lambda: 100)
    assert max(map(len, invoke(*arguments).output.splitlines())) <= 100


def test_a_file_is_shown_as_it_stands(monkeypatch):
    monkeypatch.setattr(importlib.import_module("pricing.commands.shared.output"), "columns", lambda: 60)
    assert (
        library()["vantage-jersey"].read_text(encoding="utf-8").rstrip()
        in invoke(*["library", "show", "vantage-jersey"]).output
    )


def test_a_pipe_gets_the_answer_and_nothing_else():
    done = subprocess.run(
        [sys.executable, "-m", "pricing.cli", "price", "vantage-jersey", "--csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("deal,currency,scenario,")


# Ctrl-C -------------------------------------------------------------------------------------------------------------


def stopping_after(count):
    """A progress whose user presses Ctrl-C once so many paths are done."""
    import contextlib

    @contextlib.contextmanager
    def made(what):
        def told(done, total):
            if done >= count:
                raise KeyboardInterrupt

        yield told

    return made


def test_paths_that_were_finished_are_told(monkeypatch):
    monkeypatch.setattr(paths_command, "progress", stopping_after(256), raising=True)
    command = ["paths", "vantage-jersey", "--draw", "rent=0.2", "--count", "600", "--workers", "1", "--json"]
    result = invoke(*command, code=130)
    document = json.loads(result.stdout)
    assert document["paths"] == 256
    assert document["stopped"].startswith("256 of 600 paths are finished") and document["stopped"] in result.stderr
    monkeypatch.undo()
    whole = invoke("paths", "vantage-jersey", "--draw", "rent=0.2", "--count", "256", "--json")
    assert json.loads(whole.stdout)["tables"] == document["tables"]  # what was finished is what they would have been


def test_breakevens_that_were_found_are_told(monkeypatch):
    monkeypatch.setattr(price_command, "progress", stopping_after(1), raising=True)
    result = invoke("price", "vantage-jersey", "--breakeven", code=130)
    assert "Breakevens: every rent" in result.stdout
    assert re.search(r"stopped: 1 of \d+ drivers are searched", result.stderr)


def test_a_command_that_has_nothing_yet_says_so(monkeypatch):
    def interrupted(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("pricing.valuation.run_and_price"), "price", interrupted)
    result = invoke("run", "vantage-jersey", code=130)
    assert result.stdout == "" and "stopped: nothing was finished" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal and its Ctrl-C as POSIX has them")
def test_ctrl_c_at_a_terminal_keeps_what_is_finished():
    """Progress is told on the terminal; then the signal, and the answer of the paths that were finished by then."""
    import pty
    import select

    ours, theirs = pty.openpty()
    # a shell in the background ignores the signal, and so would what it starts
    command = [
        sys.executable,
        "-c",
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from pricing.cli import main; main()",
        "paths",
        "vantage-jersey",
        "--draw",
        "rent=0.2",
        "--count",
        "3000000",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        try:
            os.close(theirs)
            seen = ""
            while not re.search(r"running paths: [\d,]+ of 3,000,000, \d+ s so far, about [\d,]+ s left", seen):
                assert select.select([ours], [], [], 120.0)[0], f"no progress was told: {seen}"
                seen += os.read(ours, 4096).decode()
            process.send_signal(signal.SIGINT)
            out = process.communicate(timeout=120)[0]
            while select.select([ours], [], [], 1.0)[0]:
                try:
                    more = os.read(ours, 4096).decode()
                except OSError:  # the other side is closed
                    break
                if not more:
                    break
                seen += more
            os.close(ours)
        finally:
            process.kill()
    assert process.returncode == 130, seen
    assert re.search(r"stopped: [\d,]+ of 3,000,000 paths are finished", seen) and "Traceback" not in seen
    assert re.search(r"vantage-jersey: [\d,]+ paths around 'base'", out)


def test_typer_keeps_the_options_that_are_added():
    command = typer.main.get_command(app)
    assert {"json", "csv", "table", "parquet"} <= {parameter.name for parameter in command.commands["run"].params}


def test_tables_fold_to_the_columns_that_are_said_where_there_is_no_terminal(monkeypatch):
    wide = CliRunner().invoke(app, ["run", "vantage-jersey", "--shock", "100"]).stdout
    assert max(map(len, wide.splitlines())) > 130
    monkeypatch.setenv("COLUMNS", "100")
    folded = CliRunner().invoke(app, ["run", "vantage-jersey", "--shock", "100"]).stdout
    assert max(map(len, folded.splitlines())) <= 100
    assert set(re.findall(r"\d[\d.]+", wide)) == set(re.findall(r"\d[\d.]+", folded))  # nothing is lost
