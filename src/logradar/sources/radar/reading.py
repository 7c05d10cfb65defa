"""A day file, plain or compressed, as tables of its sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.decoding.compression import kind_of, pieces
from logradar.sources.radar.faults import Faults
from logradar.sources.radar.scanner import BLOCK, LIMIT, Scanner


def read_day(
    path: Path,
    quarantine: Quarantine | None = None,
    *,
    name: str | None = None,
    faults: Faults | None = None,
    on_progress: Callable[[int], object] = lambda count: None,
    block: int = BLOCK,
    limit: int = LIMIT,
) -> Iterator[pa.Table]:
    """DAY_SESSIONS of a day file, about one block of ``block`` bytes each; gz, xz and zst by content.

    What is damaged goes to ``quarantine`` with its place; ``faults`` (empty, to be filled) tells
    more. ``on_progress`` is told how many bytes of the file were used. Raises `OSError` where the
    file cannot be read at all.

    >>> day = Path("preprocessed_logs_2024-05-01.json")
    >>> day.write_text('[{"session_id": 7, "event_sequence": [4, 5, 4]}]')
    48
    >>> [table["event_sequence"].to_pylist() for table in read_day(day)]
    [[[4, 5, 4]]]
    """
    name = name or str(path)
    if faults is None:
        faults = Faults()
    faults.source, faults.quarantine = name, quarantine
    scanner = Scanner(faults, block, limit)
    with path.open("rb", buffering=0) as file:
        if kind_of(file.read(8)):
            unpacked = pieces(path, name, quarantine or Quarantine(), on_progress)
            yield from scanner.tables(_Pieces(unpacked).readinto)
            return
        file.seek(0)

        def readinto(view: memoryview) -> int:
            count = file.readinto(view) or 0
            on_progress(count)
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
