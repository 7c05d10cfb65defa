"""A real HTTP server on loopback that gets webhooks, with a will of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Respond = Callable[[int], tuple[int, dict[str, str]]]  # number of the request -> status and headers


class Receiver:
    """What has arrived: ``requests`` are the headers and the body of each."""

    def __init__(self, respond: Respond) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    number = len(receiver.requests)
                    receiver.arrived.notify_all()
                status, headers = respond(number)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?key=abc"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def documents(self) -> list[dict]:
        return [json.loads(body) for _, body in self.requests]

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Until so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), len(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiver(respond: Respond = lambda number: (204, {})) -> Iterator[Receiver]:
    """A receiver that answers as ``respond`` says."""
    one = Receiver(respond)
    try:
        yield one
    finally:
        one.close()
