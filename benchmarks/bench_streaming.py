"""Training from disk: does memory stay flat, and how fast do samples come?

For each number of events a separate process counts that many events in random sessions of 22
(all distinct: the worst case), cuts DeepLog's windows, fits the simple detectors, and reads every
window once as a training would. Printed are seconds and peak RSS of each part.

    python benchmarks/bench_streaming.py [--full] [--events 5000000 20000000] [--memory 64] [--json]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from logradar.core import progress
from logradar.core.distinct import count_distinct
from logradar.core.sequences import Sequences
from logradar.detectors.base import detectors
from logradar.detectors.deeplog import DeepLog
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.training.streaming_rows import BlockReader, StoredOrder, StoredRows

LENGTH, IDS, PIECE = 22, 500, 20_000


def sessions(events: int) -> Iterator[Sequences]:
    """Random sessions, so many at a time."""
    for seed in range(events // (LENGTH * PIECE)):
        values = np.random.default_rng(seed).integers(3, 3 + IDS, LENGTH * PIECE).astype(np.int32)
        yield Sequences.of(values, np.arange(PIECE + 1, dtype=np.int64) * LENGTH)


def peak() -> float:
    """Largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(events: int, memory: int) -> dict[str, float]:
    """Seconds and peaks of one corpus."""
    progress.quiet()
    found: dict[str, float] = {"events": events}
    with tempfile.TemporaryDirectory() as folder:
        clock = time.perf_counter()
        with count_distinct(sessions(events), Path(folder), memory) as train:
            found |= {"count_s": time.perf_counter() - clock, "count_mb": peak()}
            detector, clock = DeepLog(), time.perf_counter()
            detector.vocabulary = Vocabulary.of(np.arange(3, 3 + IDS, dtype=np.int32))
            with train.derived(lambda part: detector._pieces(detector._tokens(part))) as pieces:
                found |= {"windows": len(pieces), "windows_s": time.perf_counter() - clock, "windows_mb": peak()}
                clock = time.perf_counter()
                rows = StoredRows(pieces, detector._rows, 100_000, 256)
                found |= {"look_s": time.perf_counter() - clock}
                reader, clock, read = BlockReader(rows, 0), time.perf_counter(), 0
                for place in StoredOrder(rows, 256, 1, 0):
                    read += len(reader(place)["weights"])
                seconds = time.perf_counter() - clock
                found |= {"epoch_s": seconds, "rows_per_s": read / seconds, "epoch_mb": peak()}
            clock = time.perf_counter()
            for member in detectors.load("ensemble")().members.values():
                member._fit(train, Sequences.from_lists([]), None)
            found |= {"ensemble_s": time.perf_counter() - clock, "ensemble_mb": peak()}
    return found


def main() -> None:
    """Measure each size in a process of its own and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--events", type=int, nargs="+", help="5 and 20 million with --full, else 1 and 4 million")
    parser.add_argument("--memory", type=int, default=64, help="MB of distinct sequences that are held")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args()
    given.events = given.events or ([5_000_000, 20_000_000] if given.full else [1_000_000, 4_000_000])
    if len(given.events) == 1:
        print(json.dumps(measure(given.events[0], given.memory << 20)))
        return
    again = [sys.executable, __file__, "--memory", str(given.memory), "--events"]
    rows = [
        json.loads(subprocess.run([*again, str(n)], check=True, capture_output=True, text=True).stdout)
        for n in given.events
    ]
    if given.json:
        print(json.dumps(rows, indent=1))
        return
    for name in rows[0]:
        print(f"{name:12}", *(f"{row[name]:>14,.1f}" for row in rows))


if __name__ == "__main__":
    main()
