"""The live page's server as it runs: on a port of its own, in a thread, asked over HTTP by the standard library."""

import contextlib
import http.client
import json
import threading
import time
from typing import NamedTuple

import uvicorn

from pricing.explore import serving
from pricing.explore.server import application

KEY = "k" * 40


class Reply(NamedTuple):
    status: int
    text: str
    headers: http.client.HTTPMessage

    def json(self):
        return json.loads(self.text)


@contextlib.contextmanager
def served(deal, port=0):
    """The port at which a deal's page is served meanwhile."""
    with serving.listening("127.0.0.1", port) as taken:
        config = uvicorn.Config(application(serving.deals_of(deal), KEY, ["127.0.0.1"]), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield taken.getsockname()[1]
        server.should_exit = True
        thread.join(timeout=20)


def asked(port, method, path, content="", key=KEY, host=None):
    """What the server replies."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"X-Firstloss-Token": key, **({"Host": host} if host else {})}
        connection.request(method, path, body=content.encode(), headers=headers)
        reply = connection.getresponse()
        return Reply(reply.status, reply.read().decode(), reply.headers)
    finally:
        connection.close()


def told(port, name, code=200, **given):
    """The JSON that it replies to JSON."""
    reply = asked(port, "POST", f"/{name}", json.dumps(given))
    assert reply.status == code, reply.text
    return reply.json()
