"""A process that writes numbered lines and rotates its log: `python log_writer.py FILE HOW LINES EVERY PAUSE`.

HOW is rename, copytruncate or none; every EVERY lines it rotates and waits PAUSE seconds, as a slow log does.
"""

from __future__ import annotations

import shutil
import sys
import time
from itertools import pairwise
from pathlib import Path

KEPT = 30  # files, so that none is deleted before a slow machine has read it


def rotate(path: Path, how: str) -> None:
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1))]
    for old, new in reversed(list(pairwise(names[1:]))):
        if old.exists():
            old.rename(new)
    if how == "rename":
        path.rename(names[1])
    else:
        shutil.copyfile(path, names[1])
        with path.open("r+b") as file:
            file.truncate(0)


def main() -> None:
    path, how, lines, every, pause = Path(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:])
    file = path.open("ab", buffering=0)
    for number in range(int(lines)):
        file.write(b"line %d %b\n" % (number, b"x" * (number % 90)))
        if number % 10 == 9:
            file.write(b"half ")
            time.sleep(pause / 50)
            file.write(b"a line %d\n" % number)
        if how != "none" and number % int(every) == int(every) - 1:
            rotate(path, how)
            if how == "rename":
                file.close()
                file = path.open("ab", buffering=0)
            time.sleep(pause)
    file.close()


if __name__ == "__main__":
    main()
