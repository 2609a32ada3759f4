"""The server of the page: small, stateless, for this machine alone unless told otherwise.

Every answer is worked out from the state that the page sends and the files as they stand, so two pages never mix and a
restart loses nothing. Whoever asks must know the token that stands in the page's address.
"""

from __future__ import annotations

import functools
import hmac
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pricing.explore import answer, exports, solving
from pricing.explore.answer import Files
from pricing.explore.state import state_of
from structuring.deals.deal_files import LIBRARY, read_deal
from structuring.documents.whole_files import write
from waterfalls.engines import compiled
from waterfalls.errors import FirstLossError, InvalidTerms, refuse_unknown

HERE = Path(__file__).parent
LARGEST = 2_000_000  # bytes of a request
MOST_A_SECOND = 200  # requests, of all readers together
ASSETS = {path.name: path for path in (HERE / "page.js", HERE / "page.css", HERE.parent / "report" / "figures.js")}
TYPES = {".css": "text/css", ".js": "text/javascript"}
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Asked = Callable[[Files, dict[str, Any]], Any]


def token() -> str:
    """The token of this user, the same after a restart, so that a page which stayed open goes on."""
    file = compiled.folder() / "explore-token"
    try:
        found = file.read_text("ascii").strip()
        if len(found) >= 32:
            return found
    except OSError:
        pass
    made = secrets.token_urlsafe(32)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(made)
    except OSError:
        pass  # nothing can be kept: the token lasts as long as the server
    return made


def application(deals: Mapping[str, Files], key: str, hosts: list[str]) -> Starlette:
    """The pages and answers for some deals by name, for those who know the key."""
    window: list[float] = [0.0, 0.0]  # when the second began, and how many were asked in it

    def refusal(status: int, said: str) -> JSONResponse:
        return JSONResponse({"said": said, "faults": [{"line": None, "place": "", "what": said}]}, status, headers=SAFE)

    def allowed(request: Request) -> JSONResponse | None:
        given = request.headers.get("x-firstloss-token") or request.query_params.get("token", "")
        if not hmac.compare_digest(given.encode(), key.encode()):
            return refusal(403, "the address lacks the token that the command printed: open that address")
        now = time.monotonic()
        if now - window[0] >= 1.0:
            window[:] = now, 0.0
        window[1] += 1.0
        if window[1] > MOST_A_SECOND:
            return refusal(429, f"more than {MOST_A_SECOND} requests a second: a moment")
        return None

    async def body(request: Request) -> dict[str, Any]:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > LARGEST:
                raise InvalidTerms(f"the request is larger than {LARGEST / 1e6:g} MB")
            parts.append(part)
        try:
            found = json.loads(b"".join(parts) or b"{}")
        except (ValueError, RecursionError) as error:
            raise InvalidTerms(f"the request is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise InvalidTerms("the request must be a JSON object")
        return found

    def files_of(given: dict[str, Any]) -> Files:
        name = str(given.pop("deal", next(iter(deals))))
        refuse_unknown("deal on this page", name, deals)
        return deals[name]

    def asked(function: Asked) -> Callable[[Request], Awaitable[Response]]:
        """A route that answers JSON with JSON, and bad input with its faults."""

        async def route(request: Request) -> Response:
            if (no := allowed(request)) is not None:
                return no
            try:
                given = await body(request)
                found = await run_in_threadpool(function, files_of(given), given)
            except FirstLossError as error:
                return JSONResponse(answer.told(error), 422, headers=SAFE)
            return found if isinstance(found, Response) else JSONResponse(found, headers=SAFE)

        return route

    async def page(request: Request) -> Response:
        if (no := allowed(request)) is not None:
            return PlainTextResponse(json.loads(bytes(no.body))["said"], no.status_code, headers=SAFE)
        names = json.dumps(list(deals)).replace("<", "\\u003c")
        text = (
            (HERE / "page.html")
            .read_text("utf-8")
            .replace("[[deals]]", names.replace("&", "&amp;").replace('"', "&quot;"))
        )
        return Response(text, media_type="text/html", headers=SAFE)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "plotly.js":
            return Response(plotly(), media_type="text/javascript", headers={**SAFE, "Cache-Control": "max-age=86400"})
        if name not in ASSETS:
            return PlainTextResponse("there is no such file", 404, headers=SAFE)
        return Response(ASSETS[name].read_bytes(), media_type=TYPES[ASSETS[name].suffix], headers=SAFE)

    async def breakevens(request: Request) -> Response:
        """Sentences as they are found, a line each; the search ends when nobody reads any more."""
        if (no := allowed(request)) is not None:
            return no
        try:
            given = await body(request)
            found = answer.searched(files_of(given), state_of(given))
        except FirstLossError as error:
            return JSONResponse(answer.told(error), 422, headers=SAFE)

        async def lines() -> AsyncIterator[str]:
            try:
                while not await request.is_disconnected():
                    one = await run_in_threadpool(next, found, None)
                    if one is None:
                        return
                    yield json.dumps(one) + "\n"
            except FirstLossError as error:
                yield json.dumps(answer.told(error)) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson", headers=SAFE)

    posts: dict[str, Asked] = {
        "about": lambda files, given: answer.about(files, state_of(given)),
        "answer": lambda files, given: answer.answer(answer.of(files, state_of(given))),
        "deeper": lambda files, given: answer.deeper(answer.of(files, state_of(given))),
        "explain": explain,
        "file": lambda files, given: opened(files),
        "stamp": lambda files, given: {"stamp": files.stamp()},
        "faults": faults,
        "save": save,
        "solve": solving.solve,
        "export": export,
    }
    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", asset),
            Route("/breakevens", breakevens, methods=["POST"]),
            *(Route(f"/{name}", asked(function), methods=["POST"]) for name, function in posts.items()),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


@functools.cache
def plotly() -> bytes:
    """The drawing library, as it came with its Python package: no network is needed."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().encode()


def opened(files: Files) -> dict[str, Any]:
    """The text of a deal file as it stands on disk, and whether it may be saved."""
    return {
        "text": files.deal.read_text("utf-8"),
        "stamp": files.stamp(),
        "file": files.deal.name,
        "shipped": files.deal.is_relative_to(LIBRARY),
    }


def explain(files: Files, given: dict[str, Any]) -> dict[str, Any]:
    """The payment date that the state names, the first unless it names one."""
    state = state_of(given)
    case = answer.of(files, state)
    return answer.explained(case, state.date or case.flows.dates[0])


def faults(files: Files, given: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with the text of a deal file, each fault with its line."""
    try:
        read_deal(files.deal, text(given))
    except FirstLossError as error:
        return answer.told(error)
    return {"said": "", "faults": []}


def text(given: dict[str, Any]) -> str:
    found = given.get("text")
    if not isinstance(found, str):
        raise InvalidTerms("text: must be the text of the deal file")
    return found


def save(files: Files, given: dict[str, Any]) -> dict[str, Any]:
    """Writes the deal file, whole or not at all, where nobody has written it since it was read."""
    if files.deal.is_relative_to(LIBRARY):
        raise InvalidTerms("a shipped deal stays as it is: firstloss new my-deal makes one of your own")
    if given.get("stamp") != files.stamp():
        raise InvalidTerms("the file has changed on disk since the page read it: load it anew first")
    write(files.deal, text(given))
    return {"stamp": files.stamp()}


def export(files: Files, given: dict[str, Any]) -> Response:
    """The report, the workbook, the live model, or the Python of a state, as a file to keep."""
    kind = str(given.pop("kind", ""))
    refuse_unknown("export", kind, exports.KINDS)
    name, media, content = exports.made(kind, files, state_of(given))
    headers = {**SAFE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media, headers=headers)
