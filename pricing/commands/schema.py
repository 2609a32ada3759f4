"""firstloss schema."""

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

    from structuring.deals.deal import Deal
    from structuring.deals.deal_files import MARK
    from structuring.documents.plain_data import load
    from structuring.documents.yaml_and_json import MEANINGS
    from waterfalls.schema import schema as schema_of

    typer.echo(json.dumps(schema_of(Deal, mark=MARK, meanings=load(MEANINGS)), indent=1))
