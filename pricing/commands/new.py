"""The command `firstloss new`: the files of a new deal, to be edited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pricing.commands.shared.output import say, stoppable

FILES = ("deal.yaml", "market.yaml", "scenarios.yaml", "structure.yaml")
NAME = "my-deal"  # what the template calls itself


def new(
    folder: Annotated[Path, typer.Argument(metavar="NAME", help="the deal's name: the folder that is made")],
) -> None:
    """Begin a deal of your own: four commented files to edit.

    A small data-centre securitisation that validates and runs as it is, with every choice explained beside it and every
    figure marked as an assumption: change them one by one, your term sheet beside you. Nothing is ever overwritten.

    \b
    Examples:
      firstloss new my-deal
      firstloss validate my-deal
      firstloss run my-deal --shock 100
      firstloss structure my-deal
      firstloss explain my-deal --date 2028-03-15
    """
    from structuring.documents.whole_files import folder as make
    from structuring.documents.whole_files import write
    from waterfalls.errors import InvalidTerms

    there = [file for file in FILES if (folder / file).exists()]
    if folder.is_file() or there:
        what = f"{folder} holds {', '.join(there)}" if there else f"{folder} is a file"
        raise InvalidTerms(f"{what} already: nothing is overwritten, so give another name")
    with stoppable():
        make(folder)
        name = folder.resolve().name
        for file in FILES:
            text = (Path(__file__).parents[1] / "template" / file).read_text(encoding="utf-8")
            write(folder / file, renamed(text, name, str(folder)))
            say(f"wrote {folder / file}")
    said = f'"{folder}"' if " " in str(folder) else str(folder)
    say(f"\nEdit them, then: firstloss validate {said}, firstloss run {said}")


def renamed(text: str, name: str, folder: str) -> str:
    """The template under a name of its own: the deal by its name, commands by the folder."""
    import json
    import re

    plain = name.replace("-", "").replace(" ", "").replace("_", "").isalnum() and not name[:1].isdigit()
    quoted = f'"{folder}"' if " " in folder else folder
    said = {
        f"name: {NAME}\n": f"name: {name if plain else json.dumps(name)}\n",
        f"# {NAME}:": f"# {name}:",
        NAME: quoted,
    }
    # all at once: a name may hold the old one
    return re.sub("|".join(map(re.escape, said)), lambda found: said[found[0]], text)
