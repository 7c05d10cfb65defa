"""Feeds: changes as they come, for pages that are open (Server-Sent Events, WHATWG HTML section 9.2).

One task looks into the store for all who listen. A browser that was away says by `Last-Event-ID` what it saw last, and
gets what came since, or `reset` where that is not kept any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import anyio.to_thread
import orjson

from logradar.core.errors import LogRadarError
from logradar.serving.store.store import Store

LISTENERS: Final = 64  # at once
POLL: Final = 0.5  # seconds between two looks into the store
HEARTBEAT: Final = 15.0  # seconds without a change after which a comment keeps the connection open
_TOGETHER: Final = 200
_ENDS: Final = {  # letters that JSON may hold as they are, and that some readers take for ends of lines
    letter.encode(): f"\\u{ord(letter):04x}".encode() for letter in "\u0085\u2028\u2029"
}


class Feeds:
    """All streams of one application. ``close`` ends them, so that a server can stop."""

    def __init__(self, store: Callable[[], Store], *, heartbeat: float = HEARTBEAT, most: int = LISTENERS) -> None:
        self._store, self._heartbeat, self._most = store, heartbeat, most
        self._newest = 0
        self._listeners: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._ending = False

    @property
    def full(self) -> bool:
        """Whether nobody else can listen now."""
        return self._ending or len(self._listeners) >= self._most

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def close(self) -> None:
        """End all streams; call it in the event loop of the application."""
        self._ending = True
        for one in self._listeners:
            one.set()

    async def stream(self, after: int | None, still: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
        """Events after the one with this id, or with None those that come from now on, until `close`.

        ``still`` says now and then whether the listener may go on.
        """
        if self.full:  # others came between the question and the answer; a browser asks again
            return
        awake = asyncio.Event()
        self._listeners.add(awake)
        try:
            oldest, newest = await anyio.to_thread.run_sync(self._store().feed_range)
            yield b"retry: 3000\n\n"
            if after is not None and (after < oldest - 1 or after > newest):
                yield _event("reset", newest, {"newest": newest})
                after = newest
            place = newest if after is None else after
            self._newest = max(self._newest, newest)
            self._look()
            said = time.monotonic()
            while not self._ending:
                awake.clear()
                if place < (target := self._newest):
                    rows = await anyio.to_thread.run_sync(self._store().feed, place, _TOGETHER)
                    for row in rows:
                        yield _event(row["kind"], row["id"], row)
                        place, said = row["id"], time.monotonic()
                    if len(rows) < _TOGETHER:  # the rest up to there is of bundles that score beside
                        place = max(place, target)
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(awake.wait(), max(0.01, said + self._heartbeat - time.monotonic()))
                if time.monotonic() - said >= self._heartbeat:
                    if not await still():
                        return
                    yield b": all is quiet\n\n"
                    said = time.monotonic()
        finally:
            self._listeners.discard(awake)

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._listeners and not self._ending:
            try:
                _, newest = await anyio.to_thread.run_sync(self._store().feed_range)
            except LogRadarError:  # it may come back, and others say that it is away
                newest = self._newest
            if newest > self._newest:
                self._newest = newest
                for one in self._listeners:
                    one.set()
            await asyncio.sleep(POLL)


def _event(kind: str, number: int, document: Any) -> bytes:
    data = orjson.dumps(document)
    for letter, escape in _ENDS.items():
        data = data.replace(letter, escape)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), data)
