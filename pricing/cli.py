"""The command `firstloss`. Heavy packages are loaded by the commands that need them, so that help answers at once."""

from __future__ import annotations

import os
import sys

import typer

from pricing.commands.compare import compare
from pricing.commands.explain import explain
from pricing.commands.explore import explore
from pricing.commands.library import library
from pricing.commands.new import new
from pricing.commands.paths import paths
from pricing.commands.price import price
from pricing.commands.run import run
from pricing.commands.schema import schema
from pricing.commands.stress import stress
from pricing.commands.structure import structure
from pricing.commands.tieout import tieout
from pricing.commands.validate import validate
from pricing.commands.warm import warm
from waterfalls.errors import FirstLossError

WIDEST = 120  # columns of a help text

app = typer.Typer(
    name="firstloss",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDEST},
)
for command in (
    new,
    run,
    price,
    structure,
    stress,
    paths,
    explain,
    explore,
    compare,
    tieout,
    validate,
    library,
    schema,
    warm,
):
    app.command(context_settings={"max_content_width": WIDEST})(command)


@app.callback()
def firstloss() -> None:
    """Who takes the first loss when AI-infrastructure debt goes wrong, and who takes the next.

    \b
    Begin with
      firstloss library                     the deals that ship
      firstloss run vantage-jersey          run one: prices and losses by class
      firstloss new my-deal                 a commented deal of your own to edit
      firstloss run my-deal                 run it

    Every command that prints tables also prints them for machines: --json one document, --csv one table (--table NAME
    says which), --parquet a folder or one file. Progress is told on a terminal only. Ctrl-C keeps what is finished.
    Exit codes: 0 done, 1 refused or out of tolerance, 2 bad usage, 130 stopped.
    """


def main() -> None:
    """Runs the command: 0 done, 1 bad input or a file that cannot be used (one message, no traceback), 2 bad usage."""
    try:
        app()
    except FirstLossError as error:
        typer.echo(f"firstloss: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # what is printed has nowhere to go: a full disk
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that nothing is tried again at the end
        typer.echo(f"firstloss: {error.filename or 'standard output'}: {error.strerror or error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
