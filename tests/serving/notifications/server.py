"""A real HTTP server on loopback that gets notifications and answers as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]
Respond = Callable[[int, bytes], Answer]  # number and body of the request


class Server:
    """What has arrived: ``requests`` are the headers and the body of each."""

    def __init__(self, respond: Respond) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self._arrived = threading.Condition()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with server._arrived:
                    server.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    number = len(server.requests)
                    server._arrived.notify_all()
                status, headers = respond(number, body)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Until so many requests have come."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, seconds), len(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def server_of(respond: Respond = lambda number, body: (204, {})) -> Iterator[Server]:
    """A server that answers as ``respond`` says."""
    one = Server(respond)
    try:
        yield one
    finally:
        one.close()
