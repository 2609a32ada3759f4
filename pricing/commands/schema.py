"""The command `firstloss schema`: the JSON Schema of a deal file, or of a structure beside it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def schema(
    document: Annotated[
        Literal["deal", "structure"], typer.Argument(metavar="[deal|structure]", help="which kind of file")
    ] = "deal",
) -> None:
    """Print the JSON Schema of a deal file, for an editor.

    An editor that knows it completes and checks a deal file as you type, and tells what a field means: begin the file with
    the comment
    # yaml-language-server: $schema=deal.schema.json

    \b
    Examples:
      firstloss schema > deal.schema.json
      firstloss schema structure > structure.schema.json
    """
    import json

    from pricing.structure.terms import structure_terms
    from structuring.collateral.asset_classes import meanings
    from structuring.deals import deal_files
    from structuring.deals.deal import Deal
    from waterfalls.terms.schema import schema as schema_of

    kinds = {"deal": (Deal, deal_files.MARK), "structure": (structure_terms.Structure, structure_terms.MARK)}
    term, mark = kinds[document]
    typer.echo(json.dumps(schema_of(term, mark=mark, meanings=meanings()), indent=1))
