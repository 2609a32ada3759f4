"""The command `firstloss schema`: the JSON Schema of a deal file."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of a deal file, for an editor.

    An editor that knows it completes and checks a deal file as you type, and tells what a field means: begin the file with
    the comment
    # yaml-language-server: $schema=deal.schema.json

    \b
    Examples:
      firstloss schema > deal.schema.json
    """
    import json

    import typer

    from structuring.collateral.asset_classes import meanings
    from structuring.deals.deal import Deal
    from structuring.deals.deal_files import MARK
    from waterfalls.terms.schema import schema as schema_of

    typer.echo(json.dumps(schema_of(Deal, mark=MARK, meanings=meanings()), indent=1))
