"""Bodies of requests, read as they come: bounded in length and time, and in what all requests hold together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from starlette.requests import Request

from logradar.serving.ingest.bad_body import BadBody, too_large
from logradar.serving.ingest.limits import Limits
from logradar.serving.ingest.sink import Refused


class Share:
    """The bytes that one request holds of what all may hold."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    def add(self, count: int) -> None:
        """Holds so many bytes more; raises `Refused` (429) if all together would hold too much."""
        if self._budget.held + count > self._budget.most:
            raise Refused(429, 1, "More is arriving than can be held at once; send it again a little later.")
        self._budget.held += count
        self.held += count


class Budget:
    """Counts the bytes of all requests that are not answered yet; it is used by one event loop."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """The share of one request, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


async def read_body(request: Request, limits: Limits, share: Share) -> bytes:
    """The body as it was sent, still compressed.

    Raises `BadBody` (413 or 408), `Refused`, or Starlette's ``ClientDisconnect`` if the sender has gone.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limits.compressed_bytes:
        raise too_large("The body", limits.compressed_bytes, "bytes")
    pieces: list[bytes] = []
    length = 0
    try:
        with anyio.fail_after(limits.body_seconds):
            async for piece in request.stream():
                length += len(piece)
                if length > limits.compressed_bytes:
                    raise too_large("The body", limits.compressed_bytes, "bytes")
                share.add(len(piece))
                pieces.append(piece)
    except TimeoutError:
        raise BadBody(f"The body did not come within {limits.body_seconds:g} seconds; send it again.", 408) from None
    return b"".join(pieces)
