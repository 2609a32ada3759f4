"""Starts the server of the page: finds the deals, takes a port, tells the address, opens the browser."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable

from pricing.explore.answer import Files
from structuring.deals.deal_files import find_deal, library
from structuring.runs.book_files import books, load_book
from waterfalls.distribute import warm
from waterfalls.doors import need
from waterfalls.errors import InvalidTerms

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def files_of(deal: str) -> Files:
    """The files of a deal; a market must stand beside it, scenarios may."""
    file = find_deal(deal)
    if not file.is_file():
        raise InvalidTerms(f"there is no file {str(file)!r}")
    scenarios, market = file.with_name("scenarios.yaml"), file.with_name("market.yaml")
    if not market.is_file():
        raise InvalidTerms(f"there is no market.yaml beside {file}: write one, so that the deal can be priced")
    return Files(file.resolve(), scenarios.resolve() if scenarios.is_file() else None, market.resolve())


def deals_of(name: str) -> dict[str, Files]:
    """The deals that a page shows: the one named, or those of a book that have a market of their own."""
    if name not in books():
        files = files_of(name)
        return {files.deal.parent.name if files.deal.name == "deal.yaml" else files.deal.stem: files}
    named = list(load_book(name).views())
    return {deal: files_of(deal) for deal in named if deal in library()}


def serve(deal: str, *, host: str, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serves the page of a deal until it is stopped."""
    need("starlette", extra="explore")
    uvicorn = need("uvicorn", extra="explore")
    from pricing.explore.server import application, plotly, token

    deals, key = deals_of(deal), token()
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InvalidTerms(
            f"port {port} of {host} cannot be taken ({error.strerror}): say another, --port 0 for any"
        ) from None
    with listening:
        taken = listening.getsockname()[1]
        hosts = [*LOOPBACK, "[::1]"] if host in LOOPBACK else ["*"]
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{taken}/?token={key}"
        say(f"{', '.join(deals)}: {address}")
        if host not in LOOPBACK:
            say("others on the network can reach this page: the token in its address is all that keeps them out")
        say("Ctrl-C ends it")
        for prepare in (warm, plotly):
            threading.Thread(target=prepare, daemon=True).start()
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        config = uvicorn.Config(
            application(deals, key, hosts), log_level="warning", access_log=False, server_header=False
        )
        uvicorn.Server(config).run(sockets=[listening])
