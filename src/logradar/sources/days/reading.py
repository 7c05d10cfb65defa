"""A day file, plain or compressed, as tables of its sessions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.days.faults import Faults
from logradar.sources.days.scanner import BLOCK, LIMIT, Scanner
from logradar.sources.inputs.compression import kind_of, pieces

T = TypeVar("T")
_POLL: Final = 0.1  # seconds


def read_day(
    path: Path,
    quarantine: Quarantine | None = None,
    *,
    name: str | None = None,
    faults: Faults | None = None,
    advance: Callable[[int], object] = lambda count: None,
    block: int = BLOCK,
    limit: int = LIMIT,
) -> Iterator[pa.Table]:
    """DAY_SESSIONS of a day file, about one block of ``block`` bytes each; gz, xz and zst by content.

    What is damaged goes to ``quarantine`` with its place; ``faults`` (empty, to be filled) tells
    more. ``advance`` is told how many bytes of the file were used. Raises `OSError` where the
    file cannot be read at all.

    >>> tables = read_day(Path("preprocessed_logs_2024-05-01.json"), Quarantine("bad.jsonl"))  # doctest: +SKIP
    """
    name = name or str(path)
    if faults is None:
        faults = Faults()
    faults.source, faults.quarantine = name, quarantine
    scanner = Scanner(faults, block, limit)
    with path.open("rb", buffering=0) as file:
        if kind_of(file.read(8)):
            unpacked = pieces(path, name, quarantine or Quarantine(), advance)
            yield from scanner.tables(_Pieces(unpacked).readinto)
            return
        file.seek(0)

        def readinto(view: memoryview) -> int:
            count = file.readinto(view) or 0
            advance(count)
            return count

        yield from scanner.tables(readinto)


class _Pieces:
    """Pieces of bytes behind the face of a file."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source, self._piece = source, memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        while not self._piece:
            piece = next(self._source, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        count = min(len(view), len(self._piece))
        view[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count


def ahead(items: Iterator[T], depth: int = 1) -> Iterator[T]:
    """The same items, made by a thread of their own up to ``depth`` before they are asked for.

    Reading a day file needs one core and writing what it holds another; both let go of Python's lock.
    """
    made: queue.Queue[tuple[bool, T | BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(done: bool, item: T | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                made.put((done, item), timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(False, item):
                    return
            put(True, None)
        except BaseException as error:
            put(True, error)

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            done, item = made.get()
            if isinstance(item, BaseException):
                raise item
            if done:
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
