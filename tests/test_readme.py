"""The README says nothing that does not run."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pricing.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_the_script_runs_and_is_short(capsys):
    (script,) = blocks("python")
    assert len(script.splitlines()) <= 30
    exec(compile(script, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "(1) to release from the liquidity reserve" in printed
    assert "pension funds" in printed


@pytest.mark.parametrize("block", blocks("bash"), ids=["shipped", "own"])
def test_every_command_line_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in block.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "firstloss"
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0 and result.output, f"{line}\n{result.output}"


def test_the_make_targets_it_names_exist():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    named = re.findall(r"^make (\S+)", "\n".join(blocks("console")), re.M)
    assert named and set(named) <= set(targets)


def test_the_sentence_it_shows_is_one():
    from waterfalls.clauses.waterfall import Clause
    from waterfalls.language.parsing import parse

    (sentence,) = re.findall(r"^    (pay\(.*)$", README, re.M)
    assert str(parse(sentence, Clause)) == sentence.replace(
        "interest('A-1'), interest('A-2')", "interest('A-1', 'A-2')"
    )
