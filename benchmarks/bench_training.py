"""Training DeepLog: the one training loop, a plain torch loop, and a plain loop over all windows.

Part 1 trains the same network on the same rows with the same batches for a few epochs, once by a
hand-written loop and once by `fit_network` (the `Trainer` underneath): the difference is the cost
of checkpoints and monitoring. Part 2 trains to the validation loss that ``deeplog`` ends at: by ``deeplog``
itself, on distinct windows with counts, and plainly, on every window with a constant rate.

    python benchmarks/bench_training.py [--full] [--threads 1] [--minutes 10] [--json]

Wall and CPU seconds are given; with one thread the CPU seconds hold on a busy machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from logradar.core import progress
from logradar.detectors.deeplog import DeepLog
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.training.device import seeded
from logradar.training.loop import fit_network
from logradar.training.rows import Rows
from logradar.training.settings import TrainingSettings

sys.path.append(str(Path(__file__).resolve().parents[1] / "experiments"))  # its HDFS sessions
from hdfs_deeplog_split import ROOT, read


def plain(detector: DeepLog, network: torch.nn.Module, rows: Rows, rate: float) -> Iterator[int]:
    """A hand-written loop over shuffled batches of 256; yields the number of rows after every epoch."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, fused=True)
    arrays = {name: torch.from_numpy(array) for name, array in rows.batch(np.arange(len(rows))).items()}
    scale, done = rows.weight / -(-len(rows) // 256), 0
    while True:
        network.train()
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), 256):
            index = order[start : start + 256]
            losses, weights = detector._loss(network, {name: array[index] for name, array in arrays.items()})
            optimiser.zero_grad()
            ((losses * weights).sum() / scale).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        done += len(rows)
        yield done


def loss_of(detector: DeepLog, network: torch.nn.Module, rows: Rows) -> float:
    """The weighted validation loss."""
    network.eval()
    with torch.no_grad():
        arrays = {name: torch.from_numpy(array) for name, array in rows.batch(np.arange(len(rows))).items()}
        losses, weights = detector._loss(network, arrays)
    return float((losses * weights).sum() / weights.sum())


class Clock:
    """Wall and CPU seconds since its making, pauses left out."""

    def __init__(self) -> None:
        self.wall, self.cpu = -time.perf_counter(), -time.process_time()

    def read(self) -> dict[str, float]:
        """Seconds so far."""
        return {"seconds": self.wall + time.perf_counter(), "cpu_seconds": self.cpu + time.process_time()}


def overhead(detector: DeepLog, learn: Rows, watch: Rows, epochs: int) -> dict[str, Any]:
    """Rows per second of both loops on the same rows."""
    even, found = learn.even(), {}
    for _turn in range(2):  # the first turn warms up
        network = detector._network()
        clock, loop = Clock(), plain(detector, network, even, 1e-3)
        for _ in range(epochs):
            rows = next(loop)
            loss_of(detector, network, watch)
        found["plain loop"] = clock.read() | {"rows": rows}
        settings = TrainingSettings(epochs=epochs, epoch_steps=1, patience=0, device="cpu")
        network, clock = detector._network(), Clock()
        done = fit_network(network, detector._loss, learn, watch, settings)
        found["fit_network"] = clock.read() | {"rows": len(even) * len(done.epochs)}
    for row in found.values():
        row["rows_per_cpu_second"] = row["rows"] / row["cpu_seconds"]
    return found


def equal_loss(detector: DeepLog, learn: Rows, watch: Rows, budget: float) -> dict[str, Any]:
    """Seconds until the validation loss at which ``deeplog`` ends is reached."""
    with seeded(0):
        network = detector._network()
    clock = Clock()
    done = fit_network(network, detector._loss, learn, watch, detector.settings.training, None, 0)
    target = done.best["eval_loss"] if done.best else 0.0
    found = {"deeplog": clock.read() | {"validation_loss": target, "steps": done.steps}}
    every = Rows(
        {name: np.repeat(array, learn.weights.astype(int), axis=0) for name, array in learn.arrays.items()},
        np.ones(int(learn.weight)),
    )
    torch.manual_seed(0)
    network, clock, best = detector._network(), Clock(), float("inf")
    for _rows in plain(detector, network, every, 1e-3):
        best = min(best, loss_of(detector, network, watch))
        if best <= target or clock.read()["cpu_seconds"] > budget:
            break
    found["every window, plain loop"] = clock.read() | {"validation_loss": best, "steps": _rows // 256}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, help="CPU minutes that the plain loop may take: 10 with --full, else 1"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    progress.quiet()
    train = read(Path(given.data_dir) / "hdfs" / "hdfs_train.txt.gz")
    cut, detector = int(len(train) * 0.85), DeepLog()
    parts = train.take(np.arange(cut)), train.take(np.arange(cut, len(train)))
    detector.vocabulary = Vocabulary.of(parts[0].values)
    learn, watch = (detector._rows(detector._pieces(detector._tokens(part.distinct())).distinct()) for part in parts)
    result = {
        "windows": {"all": int(learn.weight), "distinct": len(learn), "even": len(learn.even())},
        "same rows": overhead(detector, learn, watch, epochs=8),
        "equal loss": equal_loss(detector, learn, watch, 60 * (given.minutes or (10.0 if given.full else 1.0))),
    }
    if given.json:
        print(json.dumps(result, indent=1))
        return
    print("windows:", ", ".join(f"{count:,} {name}" for name, count in result["windows"].items()))
    for part in ("same rows", "equal loss"):
        print(f"\n{part}")
        for name, row in result[part].items():
            print(f"  {name:28}", ", ".join(f"{key} {value:,.4g}" for key, value in row.items()))


if __name__ == "__main__":
    main()
