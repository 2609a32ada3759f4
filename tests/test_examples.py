"""The example scripts: ten or more, each short, each runs and prints what it is there to show."""

import ast
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
SHOWS = {  # what a reader would look for in its output
    "beignet_two_moves": ("spread over the benchmark", "insurers"),
    "beside_2008": ("SF ABS CDOs 1999-2007", "65.0", "senior of a CDO of BBB pieces"),
    "correlated_paths": ("10,000 of 10,000 paths", "one AI factor"),
    "deal_files": ("Did you mean 'maturity'?", "Did you mean 'B'?"),
    "embed_in_a_pricer": ("since the morning",),
    "holdings_from_excel": ("4 faults", "row 2, share", "How much of it is known", "needs no network"),
    "intraday": ("the curve moved", "   9 run   12 priced", "   0 run   12 priced", "   0 run    0 priced"),
    "own_deal": ("to pay", "rents fall by a third"),
    "own_measure": ("misses a payment on",),
    "re_tranching": ("attaches at", "never"),
    "second_round": ("times the first round", "What falls with the sales"),
    "what_breaks_class_a": ("begins to lose when every rent falls by", "takes a tenth of what insurers hold"),
}
ARGUMENTS = {"intraday": ["12"]}  # deals; 500 unless said


def test_there_are_ten_and_each_says_what_it_is_for():
    assert len(EXAMPLES) >= 10 and [script.stem for script in EXAMPLES] == sorted(SHOWS)
    for script in EXAMPLES:
        assert ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))), script.name


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(script, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what it writes is its reader's
    monkeypatch.setattr(sys, "argv", [str(script), *ARGUMENTS.get(script.stem, [])])
    source = script.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    exec(compile(source, str(script), "exec"), {"__name__": "__main__", "__file__": str(script)})
    printed = capsys.readouterr().out
    for said in SHOWS[script.stem]:
        assert said in printed
