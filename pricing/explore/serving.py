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

PORT, NEXT = 8747, 20  # the usual port, and how many are tried
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


def listening(host: str, port: int | None) -> socket.socket:
    """A socket at a port; without one said, the usual port or one of the next that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tried = list(range(PORT, PORT + NEXT)) if port is None else [port]
    why: str | None = ""
    for wanted in tried:
        try:
            return socket.create_server((host, wanted), family=family)
        except OSError as error:
            why = error.strerror
    ports = f"port {port}" if port is not None else f"ports {tried[0]} to {tried[-1]}"
    instead = "say another, --port 9000" if port is None else "leave --port out, and a free one is found"
    raise InvalidTerms(f"{ports} of {host} cannot be taken ({why}): {instead}")


def serve(deal: str, *, host: str, port: int | None, browser: bool, say: Callable[[str], None]) -> None:
    """Serves the page of a deal until it is stopped."""
    need("starlette", extra="explore")
    uvicorn = need("uvicorn", extra="explore")
    from pricing.explore.server import application, plotly, token

    deals, key = deals_of(deal), token()
    with listening(host, port) as taken:
        hosts = [*LOOPBACK, "[::1]"] if host in LOOPBACK else ["*"]
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{taken.getsockname()[1]}/?token={key}"
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
        uvicorn.Server(config).run(sockets=[taken])
