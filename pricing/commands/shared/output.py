"""Prints and writes what a command found: text for a reader, or JSON, CSV or Parquet for a machine.

    --json           one document on standard output: {"firstloss-price": 1, ..., "tables": {name: [row, ...]}}
    --csv            one table on standard output: the first, or that of --table NAME
    --parquet PATH   every table as PATH/name.parquet; that one table where PATH ends in .parquet

In CSV a text that a spreadsheet would take for a formula, such as a deal called `=1+1`, has an apostrophe before it.
Numbers are exact and in the units of the frames: amounts in currency units, rates and spreads decimals, prices per 100.
Where standard output is for a machine, messages go to standard error. Exit codes: 0 done, 1 refused or out of tolerance,
2 bad usage, 130 stopped by Ctrl-C; what was finished by then is printed all the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterfalls.errors import FirstLossError, InvalidTerms, refuse_unknown

if TYPE_CHECKING:
    import pandas as pd

INTERRUPTED = 130
VERSION = 1
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command found: tables, made when they are asked for, the first the one that matters most, and lines to read.

    `about` stands in the JSON document beside the tables, unless `document` gives the whole of it. `then` writes other
    files. `refused` is raised after the tables, `stopped` says what is missing because of Ctrl-C, `code` is the exit code.
    `verbatim` lines are a file's, and never broken to fit a terminal.
    """

    tables: Mapping[str, Callable[[], pd.DataFrame]]
    lines: Iterable[str]
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    document: Callable[[], str] | None = None
    then: Callable[[Say], None] | None = None
    refused: FirstLossError | None = None
    stopped: str = ""
    code: int = 0
    verbatim: bool = False


MACHINE: dict[str, Any] = {
    "json": Annotated[bool, typer.Option("--json", help="print one JSON document")],
    "csv": Annotated[bool, typer.Option("--csv", help="print one table as CSV")],
    "table": Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="the table of --csv; the first unless said")
    ],
    "parquet": Annotated[
        Path | None, typer.Option("--parquet", metavar="PATH", help="write the tables: a folder, or one .parquet file")
    ],
}


def answers(command: Callable[..., Answer]) -> Callable[..., None]:
    """A command that prints its answer in the form wanted: adds --json, --csv, --table and --parquet."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    defaults = {"json": False, "csv": False, "table": None, "parquet": None}
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter(name, keyword, annotation=MACHINE[name], default=default)
        for name, default in defaults.items()
    ]

    @functools.wraps(command)
    def run(json: bool, csv: bool, table: str | None, parquet: Path | None, **given: Any) -> None:
        if json and csv:
            raise InvalidTerms("--json or --csv, one of the two: each has standard output for itself")
        if table and not csv and (parquet is None or parquet.suffix != ".parquet"):
            raise InvalidTerms(
                "--table says which table --csv prints, or --parquet writes to one file: say one of them"
            )
        with stoppable():
            print_answer(command.__name__, command(**given), json=json, csv=csv, table=table, parquet=parquet)

    made: Any = run
    made.__signature__ = inspect.Signature([*(p.replace(kind=keyword) for p in own), *more])
    made.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *more)}
    return made


def print_answer(
    name: str, answer: Answer, *, json: bool = False, csv: bool = False, table: str | None = None, parquet: Any = None
) -> None:
    """Prints and writes an answer in the form wanted, and ends with its exit code."""
    from structuring.documents.whole_files import csv_of

    chosen = table or next(iter(answer.tables))
    refuse_unknown("table", chosen, answer.tables)
    if json:
        say(answer.document() if answer.document else document_of(name, answer))
    elif csv:
        typer.echo(csv_of(answer.tables[chosen]()), nl=False)
    elif answer.refused is None:
        width = None if answer.verbatim else columns()
        for line in answer.lines:
            say(line if width is None else fitted(line, width))
    if parquet is not None:
        for file in write_tables(parquet, answer.tables, chosen):
            say(f"wrote {file}", err=json or csv)
    if answer.then is not None:
        answer.then(lambda line: say(line, err=json or csv))
    if answer.refused is not None:
        raise answer.refused
    if answer.stopped:
        say(f"firstloss: stopped: {answer.stopped}", err=True)
        raise typer.Exit(INTERRUPTED)
    if answer.code:
        raise typer.Exit(answer.code)


def document_of(name: str, answer: Answer) -> str:
    """The answer as one JSON document; what is not known is null."""
    import json

    from pricing.report.json_and_parquet import plain, records

    about = {key: plain(value) for key, value in answer.about.items()}
    whole = {} if not answer.stopped else {"stopped": answer.stopped}
    tables = {title: records(make()) for title, make in answer.tables.items()}
    return json.dumps({f"firstloss-{name}": VERSION, **about, **whole, "tables": tables}, indent=1, allow_nan=False)


def write_tables(path: Path, tables: Mapping[str, Callable[[], pd.DataFrame]], chosen: str) -> list[Path]:
    """Writes every table into a folder, or the chosen one to a file."""
    from pricing.report.json_and_parquet import write_parquet

    if path.suffix == ".parquet":
        (file,) = write_parquet(path.parent, {path.stem: tables[chosen]()})
        return [file]
    return write_parquet(path, {name: make() for name, make in tables.items()})


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Ctrl-C as one message and its exit code."""
    try:
        yield
    except KeyboardInterrupt:
        say("firstloss: stopped: nothing was finished", err=True)
        raise typer.Exit(INTERRUPTED) from None


def as_far(parts: Iterable[Any]) -> tuple[list[Any], bool]:
    """What was finished of a generator, and whether that is all of it: Ctrl-C keeps what came before."""
    done: list[Any] = []
    try:
        for part in parts:
            done.append(part)
    except KeyboardInterrupt:
        return done, False
    return done, True


def say(line: str, *, err: bool = False) -> None:
    typer.echo(line, err=err)


def fitted(text: str, width: int) -> str:
    """A text whose sentences are broken between words to fit a width; lines of tables, with blanks side by side, stay."""
    lines = []
    for line in text.split("\n"):
        if len(line) > width and "  " not in line.strip():
            start = len(line) - len(line.lstrip("- "))
            line = textwrap.fill(
                line, width, subsequent_indent=" " * start, break_long_words=False, break_on_hyphens=False
            )
        lines.append(line)
    return "\n".join(lines)


def columns() -> int | None:
    """How wide the terminal is that the answer is printed on, or what COLUMNS says; None where there is neither."""
    wide = sys.stdout.isatty() or os.environ.get("COLUMNS")
    return shutil.get_terminal_size().columns if wide else None
