"""Time and memory where a log is not like its training: `detect` of what is new, `train` on a million messages.

    python benchmarks/bench_hostile.py [--full] [--events 50000,100000] [--templates 100000] [--json]

A bundle is trained on 40,000 usual lines with the default detector; then `logradar detect` reads logs of growing size:

- ``new``: sessions of eight messages, all of them unknown;
- ``one``: the same in a single session;
- ``distinct``: known messages, in an order that no other session has.

The slope is that of CPU seconds over events on a log-log line, by least squares: 1 is proportional. What starting takes
(the seconds of a usual log of 1,000 lines) is taken off first. ``messages`` trains on messages that all differ.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import string
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench_memory import LOGRADAR, watch

STEPS = ("accepted", "checked", "loaded", "priced", "packed", "sent", "paid", "closed")


def word(random_: random.Random) -> str:
    return "".join(random_.choices(string.ascii_lowercase, k=7))


def usual(count: int, random_: random.Random) -> Iterator[tuple[str, str]]:
    for _ in range(count // 8):
        key = f"{random_.getrandbits(64):016x}"
        yield from ((key, f"order was {step}") for step in STEPS)


def new(count: int, random_: random.Random) -> Iterator[tuple[str, str]]:
    for key, _ in usual(count, random_):
        yield key, f"release brought {word(random_)} and {word(random_)} to all"


def one(count: int, random_: random.Random) -> Iterator[tuple[str, str]]:
    for _, message in new(count, random_):
        yield "0123456789abcdef", message


def distinct(count: int, random_: random.Random) -> Iterator[tuple[str, str]]:
    for _ in range(count // 8):
        key = f"{random_.getrandbits(64):016x}"
        yield from ((key, f"order was {random_.choice(STEPS)}") for _ in range(8))


def messages(count: int, random_: random.Random) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield f"{number // 8:016x}", " ".join(word(random_) for _ in range(5))


Kind = Callable[[int, random.Random], Iterator[tuple[str, str]]]
KINDS: dict[str, Kind] = {"new": new, "one": one, "distinct": distinct}


def write(path: Path, kind: Kind, count: int, day: int) -> Path:
    """A log of ``count`` lines, forty a second."""
    with path.open("w") as file:
        for number, (key, message) in enumerate(kind(count, random.Random(count))):
            at = number // 40
            stamp = f"2026-03-{day + at // 86400:02} {at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}"
            file.write(f"{stamp} INFO shop.orders [trace={key}] {message}\n")
    return path


def measured(*words: object) -> dict[str, Any]:
    """CPU seconds and memory of a call of the command line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = watch([*LOGRADAR, *map(str, words), "--quiet", "--json"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(seconds, 2), "peak_mb": found["peak_tree_mb"]}


def slope(rows: list[dict[str, Any]], start: float) -> float:
    """The exponent by which CPU seconds grow with events."""
    events = np.log([row["events"] for row in rows])
    seconds = np.log([max(row["cpu_s"] - start, 0.01) for row in rows])
    return round(float(np.polyfit(events, seconds, 1)[0]), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="50,000 to 800,000 events, a million messages")
    parser.add_argument("--events", help="sizes of the logs, with commas between")
    parser.add_argument("--templates", type=int, help="messages that are all different")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    options = parser.parse_args()
    sizes = options.events or ("50000,100000,200000,400000,800000" if options.full else "25000,50000,100000")
    results: list[dict[str, Any]] = []

    def add(row: dict[str, Any]) -> None:
        results.append(row)
        print(json.dumps(row), flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-hostile-") as folder:
        home = Path(folder)
        bundle = home / "bundle"
        measured("train", write(home / "app.log", usual, 40_000, 1), "-o", bundle)
        small = write(home / "small.log", usual, 1_000, 2)
        measured("detect", bundle, small)  # compiles what is compiled on a first call
        start = measured("detect", bundle, small)["cpu_s"]
        for name, kind in KINDS.items():
            rows = []
            for events in map(int, sizes.split(",")):
                log = write(home / "new.log", kind, events, 2)
                rows.append({"kind": name, "events": events, **measured("detect", bundle, log)})
                add(rows[-1])
                log.unlink()
            add({"kind": name, "slope": slope(rows, start)})
        count = options.templates or (1_000_000 if options.full else 100_000)
        log = write(home / "messages.log", messages, count, 1)
        add({"kind": "messages", "events": count, **measured("train", log, "-o", home / "of-messages")})
    if options.json:
        print(json.dumps({"start_s": start, "results": results}))


if __name__ == "__main__":
    main()
