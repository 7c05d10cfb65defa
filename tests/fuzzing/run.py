"""``make fuzz``: mutate fresh bundles of all detectors until the time is over, and say what came of it."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.fuzzing.bundles import DETECTORS, JOBS, train, write_log
from tests.fuzzing.mutations import files_of, mutated
from tests.fuzzing.worker import Worker

SEEDS: Final = Path(__file__).with_name("seeds.txt")


def kept(detector: str) -> list[tuple[str, int]]:
    """Mutations of a bundle of ``detector`` that once went wrong, as file and number."""
    rows = [line.split() for line in SEEDS.read_text().splitlines() if line and not line.startswith("#")]
    return [(file, int(number)) for name, file, number in rows if name == detector]


def logs(home: Path) -> Path:
    """Write the logs to learn from and to look at; returns the latter, which ends in an outage."""
    write_log(home / "normal.log", JOBS, seed=1)
    return write_log(home / "outage.log", 24, seed=2, outage=12, day=3)


def faults(
    bundle: Path, mutations: Iterable[tuple[str, int]], worker: Worker, counts: Counter[str] | None = None
) -> Iterator[str]:
    """A sentence for each of the ``mutations`` of ``bundle`` that goes wrong; ``counts`` is what came of all."""
    place = bundle.with_name(f"{bundle.name}-mutated")
    for file, number in mutations:
        what = mutated(bundle, file, number, place)
        outcome = worker.detect(place)
        if counts is not None:
            counts[outcome.kind if not outcome.fault or outcome.kind != "refused" else "no sentence"] += 1
        if outcome.fault:
            yield f"{bundle.name} {file} {number}: {what}: {outcome.kind}: {outcome.fault}"


def main() -> int:
    """The command; ends with 1 where a mutation went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="how long, in all")
    parser.add_argument("--count", type=int, help="mutations at most, in all")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation of every file")
    parser.add_argument("--home", type=Path, help="folder with bundles of an earlier run, or for those of this one")
    parser.add_argument("detectors", nargs="*", default=list(DETECTORS))
    given = parser.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="logradar-fuzz-"))
    home.mkdir(parents=True, exist_ok=True)
    log = logs(home)
    bundles = [home / name if (home / name).is_dir() else train(home, name) for name in given.detectors]
    worker, counts, bad = Worker(log), Counter[str](), 0
    for bundle in bundles:
        whole = worker.detect(bundle)
        assert whole.kind == "alerts", f"the fresh bundle of {bundle.name}: {whole}"
    end = time.monotonic() + given.seconds
    turns = {bundle: kept(bundle.name) for bundle in bundles}
    for number in itertools.count(given.first):
        for bundle in bundles:
            for one in (*turns.pop(bundle, ()), *((file, number) for file in files_of(bundle))):
                if counts.total() % 1000 == 999:
                    print(f"{counts.total() + 1:,} mutations so far", file=sys.stderr, flush=True)
                for sentence in faults(bundle, [one], worker, counts):
                    bad += 1
                    print(sentence, flush=True)
                if time.monotonic() > end or (given.count and counts.total() >= given.count):
                    worker.close()
                    figures = ", ".join(f"{kind} {count:,}" for kind, count in sorted(counts.items()))
                    print(f"{counts.total():,} mutations of {len(bundles)} bundles: {figures}; {bad:,} went wrong.")
                    return int(bad > 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
