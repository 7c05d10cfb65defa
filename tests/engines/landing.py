"""Logs as segments of a write-ahead log, as the service writes them, for a landing folder."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import orjson

from logradar.serving.arrivals import Arrival, arrivals_table
from logradar.serving.wal.frames import CONTROL, LINES, TICK, encode, payload_of
from logradar.serving.wal.segments import Segments

_HALF: int = 500_000  # microseconds between two ticks


def write_log(folder: Path, lines: list[str], *, size: int = 100_000, stream: str = "loki:{app=shop}") -> list[Path]:
    """Lines of one sender in frames of random size, the end of the input, and ticks; the segments in order."""
    segments, chance, place, now = Segments(folder, size=size), random.Random(3), 0, 1_800_000_000_000_000
    while place < len(lines):
        count = chance.choice([1, 7, 100, 400])
        arrivals = [Arrival(stream, line) for line in lines[place : place + count]]
        data = encode(LINES, now, payload_of(arrivals_table(arrivals)))
        place, now = place + count, now + _HALF
        segments.write(data + (encode(TICK, now) if chance.random() < 0.7 else b""))
    segments.write(encode(CONTROL, now, orjson.dumps({"do": "close"})))
    for _ in range(12):
        now += _HALF
        segments.write(encode(TICK, now))
    segments.close()
    return sorted(folder.glob("*.wal"))


def land(segments: list[Path], folder: Path) -> None:
    """Copy segments, so that each is whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in segments:
        draft = folder / f".{path.name}"
        shutil.copyfile(path, draft)
        draft.replace(folder / path.name)
