"""The command `firstloss explore`: a live page of a deal, in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from pricing.commands.shared.options import DealName


def explore(
    deal: DealName,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="the port; 8747 or the next that is free unless said")
    ] = None,
    host: Annotated[str, typer.Option(help="the address to listen at: this machine alone unless said")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="open the page in the browser")] = True,
) -> None:
    """Open a live page of a deal: move a figure, see who loses.

    The deal's file, knobs for what its collateral reads, spreads, rates and numbers of the deal, and the answer redrawn as
    they move. It needs the extra: pip install 'firstloss[explore]'. Ctrl-C ends it.

    \b
    Examples:
      firstloss explore vantage-jersey
      firstloss explore my-deal --port 9000 --no-browser
    """
    from pricing.explore.serving import serve

    serve(deal, host=host, port=port, browser=browser, say=typer.echo)
