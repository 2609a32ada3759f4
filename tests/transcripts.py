"""Pages that are run: their blocks in order, in a folder of their own, and what they print beside what the page says.

    ```console          `$ command` lines, each followed by what it prints; a line `...` stands for any lines
    ```python           run in one namespace a page; an `output` block after it is what it prints
    ```{code-block}     with `:caption: NAME` it is written to the file NAME; `NAME (continued)` adds to it
    ```shell            what is done once on a machine, such as a clone: not run

`python tests/transcripts.py PAGE ...` writes what is really printed into the pages.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

TERMINAL = {"COLUMNS": "100", "LINES": "40"}  # what the pages are printed on
FENCE = re.compile(r"^(?P<tick>```+)(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=tick)[ \t]*$", re.M | re.S)
CAPTION = re.compile(r":caption: (?P<name>[^\s(]+)(?P<more> \(continued\))?\n\n?")
SHOWN = {"toml", "text", "yaml", "shell", "{toctree}", "{include}", "{generated}", "{literalinclude}", "{note}"}


@dataclass(frozen=True)
class Block:
    """A block of a page: its kind, its text, and where the text stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Said:
    """What a page says is printed, where it says so, and what is printed."""

    what: str
    expected: str
    actual: str
    start: int
    end: int

    @property
    def holds(self) -> bool:
        """Whether every line is printed as it stands; `...` stands for any lines but a refusal."""
        expected, actual = lines(self.expected), lines(self.actual)
        if [line for line in actual if line.startswith("firstloss: ") and line not in expected]:
            return False
        pattern = "".join(".*" if line.strip() == "..." else re.escape(f"{line}\n") for line in expected)
        return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual), re.S) is not None


def lines(text: str) -> list[str]:
    """Lines without what stands invisibly at their ends, and without empty ones around."""
    return [line.rstrip() for line in text.strip("\n").split("\n")] if text.strip() else []


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    for found in FENCE.finditer(page):
        yield Block(found["kind"].strip(), found["body"], found.start("body"), found.end("body"))


def run_page(page: str) -> Iterator[Said]:
    """Runs a page in the current folder and yields, of all that it says is printed, what really is."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        kind = "{code-block}" if block.kind.startswith("{code-block}") else block.kind.split(" ")[0]
        if kind == "{code-block}" and (named := CAPTION.match(block.text)):
            file = Path(named["name"])
            assert not file.is_absolute() and ".." not in file.parts, (
                f"a page writes into its own folder, not to {file}"
            )
            with file.open("a" if named["more"] else "w", encoding="utf-8") as out:
                out.write(block.text[named.end() :])
        elif kind == "console":
            yield from transcript(block)
        elif kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block.text, "page", "exec"), namespace)
            printed = out.getvalue()
        elif kind == "output":
            yield Said("python", block.text, printed, block.start, block.end)
        else:
            assert kind in SHOWN, f"nobody knows what to do with a block of {block.kind!r}"


def transcript(block: Block) -> Iterator[Said]:
    """The commands of a console, each with what it prints."""
    assert block.text.startswith("$ "), f"a console begins with a command: {block.text[:60]!r}"
    for found in re.finditer(
        r"^\$ (?P<command>[^\n]*(?:\\\n[^\n]*)*)\n(?P<printed>(?:(?!\$ ).*\n)*)", block.text, re.M
    ):
        command = found["command"].replace("\\\n", " ")
        start, end = (block.start + found.start("printed"), block.start + found.end("printed"))
        yield Said(command, found["printed"], outcome(command), start, end)


def outcome(command: str) -> str:
    """What a command prints; a refusal by the toolkit is printed too, any other failure is an error."""
    if re.match(r"firstloss\b", command) and not re.search(r"[|<>&;]", re.sub(r"'[^']*'|\"[^\"]*\"", "", command)):
        return in_process(shlex.split(command))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **TERMINAL, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def in_process(arguments: list[str]) -> str:
    """What `firstloss` prints, run here."""
    from pricing.cli import main

    out = io.StringIO()
    with (
        mock.patch.object(sys, "argv", arguments), mock.patch.dict(os.environ, TERMINAL),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(out),
    ):  # fmt: skip
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
    if code not in (0, 1):  # 1 is a refusal, or a report out of tolerance
        raise AssertionError(f"{shlex.join(arguments)}\n{out.getvalue()}")
    return out.getvalue()


def rewritten(page: str) -> str:
    """A page with what is really printed where it says something else."""
    made = page
    for said in reversed(list(run_page(page))):
        if not said.holds:
            text = "".join(f"{line}\n" for line in lines(said.actual))
            made = made[: said.start] + text + made[said.end :]
    return made


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name).resolve()
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            file.write_text(rewritten(file.read_text(encoding="utf-8")), encoding="utf-8")
