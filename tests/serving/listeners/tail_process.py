"""A process that tails files into one file, which its parent kills: `python tail_process.py OUT POSITIONS PATTERN…`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from logradar.serving.arrivals import Arrival
from logradar.serving.listeners.tailing import Tailer


class OnDisk:
    """Appends bodies as lines and returns when they are on disk."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def append(self, arrivals: list[Arrival]) -> None:
        data = "".join(f"{arrival.body}\n" for arrival in arrivals).encode()
        os.write(self._file, b"%d\n" % len(arrivals) + data)  # one call: whole or not at all
        os.fdatasync(self._file)


def main() -> None:
    out, positions, *patterns = sys.argv[1:]
    tailer = Tailer(OnDisk(out), patterns, positions=Path(positions), look=0.01)
    print("following", flush=True)
    asyncio.run(tailer.run())


if __name__ == "__main__":
    main()
