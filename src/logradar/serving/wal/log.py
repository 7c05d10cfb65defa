"""Log: takes arrivals from all senders, writes them in one order, and says when they are on disk.

One thread writes. What came while it was writing goes into one frame and one wait for the disk (group commit), so many
small senders cost as little as a large one. Ticks go in while there is something that may wait for time to pass: every
half second, or as fast as detection comes after.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from logradar.serving.arrivals import Arrival, arrivals_table
from logradar.serving.ingest.sink import Refused
from logradar.serving.wal.frames import CONTROL, LINES, TICK, Frame, encode, payload_of
from logradar.serving.wal.landing import Landing
from logradar.serving.wal.segments import Segments

TICK_SECONDS: Final = 0.5
_LONGEST: Final = 5.0  # seconds between two ticks, where detection has not come as far as the last one
_TOGETHER: Final = 20_000  # arrivals in one frame, at most about so many
_CHECKED: Final = 1.0  # seconds between two looks at the free space


@dataclass(frozen=True)
class Pressure:
    """When senders are asked to wait: bytes that wait for the disk, bytes that wait for detection, free disk space."""

    pending_bytes: int = 64 << 20
    backlog_bytes: int = 1 << 30
    reserve_bytes: int = 64 << 20


@dataclass
class _Waiting:
    arrivals: Sequence[Arrival]
    size: int
    done: Future[None]


class Log:
    """The write-ahead log in ``folder``; a context manager that runs the writing thread.

    ``landing`` is where complete segments are copied to. ``quiet_ticks`` is how many ticks follow the last arrival.
    ``now`` gives seconds since 1970. It is a `logradar.serving.ingest.sink.Sink`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pressure: Pressure = Pressure(),
        quiet_ticks: int = 20,
        now: Callable[[], float] = time.time,
        landing: Landing | None = None,
    ) -> None:
        self.segments = Segments(folder, landing=landing)
        self._pressure, self._quiet, self._now = pressure, quiet_ticks, now
        self._waiting: deque[_Waiting] = deque()
        self._controls: deque[tuple[bytes, Future[None]]] = deque()
        self._pending = 0
        self._read = self.segments.end  # the position up to which detection has come
        self._ticked = 0  # the position behind the last tick
        self._changed = threading.Condition()
        self._ending = False
        self._full = ""  # why nothing can be written
        self._checked = 0.0
        self.refused = self.accepted = 0
        self._thread = threading.Thread(target=self._work, name="write-ahead log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join()
        self.segments.close()

    @property
    def end(self) -> int:
        """The position after all that is on disk."""
        return self.segments.end

    @property
    def backlog(self) -> int:
        """Bytes that detection has not read."""
        return max(0, self.segments.end - self._read)

    @property
    def problem(self) -> str:
        """Why nothing is accepted now; empty where all is well."""
        return self._full

    async def append(self, arrivals: list[Arrival]) -> None:
        """Return once these are on disk. Raises `Refused` under pressure or with a full disk; then none is kept."""
        if arrivals:
            await asyncio.wrap_future(self.put(arrivals))

    def put(self, arrivals: Sequence[Arrival]) -> Future[None]:
        """The same for threads: the result comes once they are on disk, or is `Refused`."""
        done: Future[None] = Future()
        size = sum(len(one.body) for one in arrivals) + 64 * len(arrivals)
        with self._changed:
            why = self._why_refused(size)
            if why is None:
                self._waiting.append(_Waiting(arrivals, size, done))
                self._pending += size
                self._changed.notify_all()
                return done
            self.refused += len(arrivals)
        done.set_exception(why)
        return done

    def control(self, document: dict[str, Any]) -> Future[None]:
        """Write a control frame behind all that came before."""
        done: Future[None] = Future()
        with self._changed:
            self._controls.append((orjson.dumps(document), done))
            self._changed.notify_all()
        return done

    def read(self, position: int, most: int, wait: float) -> tuple[list[Frame], int]:
        """Frames from ``position`` on and the position after them; waits ``wait`` seconds where there are none."""
        with self._changed:
            if self._read < self._ticked <= position:  # the next tick need not wait any longer
                self._changed.notify_all()
            self._read = position
            if self.segments.end <= position and not self._ending:
                self._changed.wait(wait)
        return self.segments.read(position, most)

    def wake(self) -> None:
        """Let a waiting `read` return."""
        with self._changed:
            self._changed.notify_all()

    def _why_refused(self, size: int) -> Refused | None:
        if self._ending:
            return Refused(503, 5, "The service is stopping.")
        if self._full:
            return Refused(503, 5, self._full)
        if self._pending and self._pending + size > self._pressure.pending_bytes:
            return Refused(429, 1, "More arrives than the disk takes.")
        if self.backlog > self._pressure.backlog_bytes:
            return Refused(429, 2, "More arrives than detection reads.")
        return None

    def _work(self) -> None:
        last_tick = time.monotonic()
        ticks = self._quiet if self.segments.end > self.segments.start else 0  # a crash may have left arrivals
        while True:
            with self._changed:
                while not self._waiting and not self._controls and not self._ending:
                    left = self._until_tick(last_tick) if ticks > 0 else _CHECKED
                    if left <= 0 or (not self._changed.wait(left) and not ticks):
                        break
                batch, size = self._taken()
                controls = [one for one in self._controls if one[1].set_running_or_notify_cancel()]
                self._controls.clear()
                ending = self._ending
            tick = ticks > 0 and self._until_tick(last_tick) <= 0
            if (batch or controls or tick) and self._write(batch, controls, tick):
                ticks = self._quiet if batch or controls else ticks - tick
            if size or batch or controls or tick:
                with self._changed:
                    self._pending -= size
                    self._changed.notify_all()
            if tick or not ticks:
                last_tick = time.monotonic()
            self._look_at_disk()
            if ending and not batch and not controls:
                return

    def _until_tick(self, last: float) -> float:
        """Seconds until the next tick."""
        passed = time.monotonic() - last
        return (TICK_SECONDS if self._read >= self._ticked else _LONGEST) - passed

    def _taken(self) -> tuple[list[_Waiting], int]:
        batch: list[_Waiting] = []
        count = size = 0
        while self._waiting and count < _TOGETHER:
            one = self._waiting.popleft()
            size += one.size
            if one.done.set_running_or_notify_cancel():  # else nobody waits for it any more, so it is not kept
                batch.append(one)
                count += len(one.arrivals)
        return batch, size

    def _write(self, batch: list[_Waiting], controls: list[tuple[bytes, Future[None]]], tick: bool) -> bool:
        """Write frames; False where the disk refused. Whoever waits gets to know."""
        now = round(self._now() * 1e6)
        waiting = [*(one.done for one in batch), *(done for _, done in controls)]
        try:
            data = encode(TICK, now) if tick else b""
            if batch:
                data += encode(LINES, now, payload_of(arrivals_table([a for one in batch for a in one.arrivals])))
            data += b"".join(encode(CONTROL, now, document) for document, _ in controls)
            end = self.segments.write(data)
            self._ticked = end if tick else self._ticked
        except OSError as error:
            self._full = f"Nothing can be written to the write-ahead log ({error.strerror or error}); free some space."
            self._checked = time.monotonic()
            self.refused += sum(len(one.arrivals) for one in batch)
            for done in waiting:
                done.set_exception(Refused(503, 5, self._full))
            return False
        except Exception as error:  # whoever waits must not wait for ever
            for done in waiting:
                done.set_exception(error)
            return True
        self.accepted += sum(len(one.arrivals) for one in batch)
        for done in waiting:
            done.set_result(None)
        return True

    def _look_at_disk(self) -> None:
        """Refuse while the disk is nearly full; accept again by itself."""
        if time.monotonic() - self._checked < _CHECKED:
            return
        self._checked = time.monotonic()
        try:
            free = shutil.disk_usage(self.segments.folder).free
        except OSError as error:
            self._full = f"The folder of the write-ahead log cannot be read ({error})."
            return
        if free < self._pressure.reserve_bytes:
            self._full = f"The disk has {free >> 20:,} MB free and keeps {self._pressure.reserve_bytes >> 20:,} MB."
        else:
            self._full = ""
