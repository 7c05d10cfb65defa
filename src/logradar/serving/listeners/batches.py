"""Batches: arrivals of many senders on their way into a sink, which takes few large batches faster than many small."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from logradar.core.errors import LogRadarError
from logradar.serving.arrivals import Arrival
from logradar.serving.ingest.sink import Refused, Sink

_SHORTEST: Final = 0.05  # seconds between two tries, whatever the sink says
_LONGEST: Final = 30.0
_TAKEN: Final = 4 << 20  # letters in one batch


class Batches:
    """Collects arrivals and appends them in batches of ``most``, or of what came within ``seconds``.

    Where the sink refuses a batch it is tried again after the time that the sink asks for, so no batch overtakes
    another. `full` says that nothing should be added meanwhile: ``bound`` arrivals, or ``letters`` of text, wait;
    ``on_room`` is called when there is room again. ``appended`` and ``refusals`` count arrivals and refused tries;
    ``lost`` counts what could not be appended before `stop` gave up.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        most: int = 1_000,
        seconds: float = 0.05,
        bound: int = 20_000,
        letters: int = 16 << 20,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        self.appended = self.refusals = self.lost = 0
        self._sink, self._most, self._seconds = sink, most, seconds
        self._bound, self._letters, self.on_room = bound, letters, on_room
        self._waiting: deque[Arrival] = deque()
        self._size = 0  # letters that wait
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    @property
    def full(self) -> bool:
        """Whether so much waits that senders must wait too."""
        return len(self._waiting) >= self._bound or self._size >= self._letters

    @property
    def waiting(self) -> int:
        """How many arrivals are not appended yet."""
        return len(self._waiting)

    def add(self, arrivals: Iterable[Arrival]) -> None:
        """Take arrivals, also where it is `full`. Raises what ended the appending, unless that was a refusal."""
        if self._task.done() and not self._stopping:
            self._task.result()
            raise LogRadarError("Nothing is appended any more; start the listener again.")
        for arrival in arrivals:
            self._waiting.append(arrival)
            self._size += len(arrival.body)
        if self._waiting:
            self._some.set()
            if len(self._waiting) >= self._most or self._size >= _TAKEN:
                self._enough.set()

    async def stop(self, patience: float = 10.0) -> None:
        """Append what waits; give up after ``patience`` seconds, where the sink goes on refusing."""
        self._stopping = True
        self._some.set()
        self._enough.set()
        try:
            await asyncio.wait_for(asyncio.shield(self._task), patience)
        except TimeoutError:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.lost += len(self._waiting)
        self._waiting.clear()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            if not self._enough.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), self._seconds)
            while self._waiting:
                await self._append()
                if len(self._waiting) < self._most and not self._stopping:
                    break
            if self._stopping and not self._waiting:
                return
            self._enough.clear()
            if not self._waiting:
                self._some.clear()

    async def _append(self) -> None:
        """Append the next batch; it stays among those that wait until it is on disk."""
        batch: list[Arrival] = []
        size = 0
        for arrival in self._waiting:
            batch.append(arrival)
            size += len(arrival.body)
            if len(batch) >= self._most or size >= _TAKEN:
                break
        await append_patiently(self._sink, batch, self._refused)
        was_full = self.full
        for _ in batch:
            self._waiting.popleft()
        self._size -= size
        self.appended += len(batch)
        if was_full and not self.full:
            self.on_room()

    def _refused(self, refusal: Refused) -> None:
        self.refusals += 1


async def append_patiently(
    sink: Sink, arrivals: list[Arrival], on_refusal: Callable[[Refused], None], *, stop: asyncio.Event | None = None
) -> bool:
    """Append arrivals; where the sink refuses, again after the time that it asks for, as often as needed.

    False where ``stop`` is set and the sink still refuses: then none of them is kept.
    """
    while True:
        try:
            await sink.append(arrivals)
            return True
        except Refused as refusal:
            on_refusal(refusal)
            wait = min(max(refusal.retry_after, _SHORTEST), _LONGEST)
        if stop is None:
            await asyncio.sleep(wait)
            continue
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)
            return False
