"""A real uvicorn server on loopback with the routes of ingest, and a sink that keeps arrivals in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.routes import ingest_router


class MemorySink:
    """Keeps what arrives; ``refusal`` is raised instead where it is set."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.refusal: Exception | None = None
        self.appended = 0  # calls

    async def append(self, arrivals: list[Arrival]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.appended += 1
        self.arrivals += arrivals


class IngestServer:
    """The server's ``url``, its ``sink`` and the ``counts`` of its requests."""

    def __init__(self, sink: MemorySink, counts: list[tuple[str, int, int, int]], port: int) -> None:
        self.sink, self.counts, self.port = sink, counts, port
        self.url = f"http://127.0.0.1:{port}"

    def wait(self, count: int, seconds: float = 30.0) -> list[Arrival]:
        """The arrivals, as soon as there are ``count`` of them, in the order of their texts; fails after a while."""
        until = time.monotonic() + seconds
        while len(self.sink.arrivals) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.sink.arrivals) == count, [arrival.body for arrival in self.sink.arrivals]
        return sorted(self.sink.arrivals, key=lambda arrival: arrival.body)


@contextmanager
def serving(
    limits: Limits | None = None, authorize: Callable[..., Any] | None = None, page: Any = None
) -> Iterator[IngestServer]:
    """A server for as long as the context lasts."""
    sink = MemorySink()
    counts: list[tuple[str, int, int, int]] = []
    app = FastAPI()
    count = lambda *row: counts.append(row)  # noqa: E731
    app.include_router(ingest_router(sink, limits or Limits(), authorize=authorize, on_counts=count, page=page))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield IngestServer(sink, counts, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
