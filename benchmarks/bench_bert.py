"""Training LogBERT: ours and a plain loop over every session, padded to 512, in fp32; and the masked-LM loss.

Both train the same network with the same loss on the sessions of ``hdfs_train`` (its first 85 %). The figure
is sessions trained on per second: the plain loop takes each session by itself; ours takes
each distinct sequence with its count (a frequent one several times, so that no row outweighs its
batch), and an epoch of it counts for all the sessions that these rows represent. Rows per second
are given too: they show what batches of similar length alone are worth.

    python benchmarks/bench_bert.py [--full] [--threads 1] [--epochs 3] [--loss] [--json] [key=value …]

``key=value`` are settings of ``logbert``. ``--loss`` also trains to the end and measures the loss of
masked events (15 %, 80/10/10, ten draws) of training and validation sessions.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from logradar.core import progress
from logradar.core.config import load_config
from logradar.core.sequences import Sequences
from logradar.core.training_set import TrainingSet
from logradar.detectors.logbert import LogBERT, LogBERTSettings
from logradar.detectors.neural.event_masking import question
from logradar.detectors.neural.vocabulary import Vocabulary
from logradar.training.counter_rng import draws
from logradar.training.loop import fit_network
from logradar.training.ragged import RaggedRows, padded
from logradar.training.rows import Rows

sys.path.append(str(Path(__file__).resolve().parents[1] / "experiments"))  # its HDFS sessions
from hdfs_deeplog_split import ROOT, read, sessions

Row = dict[str, float]


def plain(detector: LogBERT, learn: Sequences, steps: int) -> Row:
    """A hand-written loop: every session, 32 at a time, each padded to 512."""
    pieces, network = detector._pieces(detector._tokens(learn)), detector._network().train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    order, seconds = np.random.default_rng(0).permutation(len(pieces)), 0.0
    for step in range(steps + 1):
        began = time.perf_counter()
        index = order[32 * step : 32 * step + 32]
        batch = {
            "tokens": torch.from_numpy(padded(pieces.values, pieces.offsets, index, 512)),
            "weights": torch.ones(len(index)),
            "draws": torch.from_numpy(draws(index, 0, 0)),
        }
        losses, weights = detector._loss(network, batch)
        optimiser.zero_grad()
        ((losses * weights).sum() / weights.sum()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        seconds += (time.perf_counter() - began) * (step > 0)  # the first step warms up
    rows = 32 * steps / seconds
    return {"seconds": seconds, "sessions_per_second": rows, "rows_per_second": rows}


def ours(detector: LogBERT, learn: Sequences, epochs: int) -> Row:
    """`fit_network` as ``logbert`` calls it, checkpoints and all, for a few epochs of one pass each."""
    training = detector.settings.training.model_copy(update={"epochs": epochs, "epoch_steps": 1, "patience": 0})
    rows = detector._rows(detector._pieces(detector._tokens(learn.distinct())).distinct())
    first = RaggedRows(rows.sequences.part(0, 1)) if isinstance(rows, RaggedRows) else Rows({}, [])
    fit_network(detector._network(), detector._loss, rows, first, training.model_copy(update={"epochs": 1}))
    began = time.perf_counter()
    fit_network(detector._network(), detector._loss, rows, first, training)
    seconds, every = time.perf_counter() - began, len(rows.even())
    return {
        "seconds": seconds,
        "sessions_per_second": epochs * len(learn) / seconds,
        "rows_per_second": epochs * every / seconds,
        "rows": every,
        "sessions": len(learn),
    }


def masked_loss(detector: LogBERT, part: Sequences) -> float:
    """Mean loss of masked events over ten draws of the masks."""
    network, rows, sums = detector.network(), detector._rows(detector._pieces(detector._tokens(part))), np.zeros(2)
    for turn in range(10):
        for index in rows.batches(512):
            batch = rows.batch(index)
            q = question(
                torch.from_numpy(batch["tokens"]),
                torch.from_numpy(draws(index, 0, turn)),
                detector.settings.mask,
                0.0,
                len(detector.vocabulary) - 3,
            )
            with torch.no_grad():
                told, _ = network(q.tokens, q.asks, q.places)
            losses = -told.gather(2, q.classes[:, :, None])[:, :, 0]
            weights = torch.from_numpy(batch["weights"])[:, None] * q.valid
            sums += float((losses * weights).sum()), float(weights.sum())
    return float(sums[0] / sums[1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="epochs of ours")
    parser.add_argument("--steps", type=int, help="steps of the plain loop: 3 with --full, else 1")
    parser.add_argument("--loss", action="store_true", help="train to the end and measure the masked-LM loss")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("settings", nargs="*", help="settings of logbert, key=value")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    progress.quiet()
    train = read(Path(given.data_dir) / "hdfs" / "hdfs_train.txt.gz")
    cut, detector = int(len(train) * 0.85), LogBERT(load_config(LogBERTSettings, overrides=given.settings))
    learn, watch = train.take(np.arange(cut)), train.take(np.arange(cut, len(train)))
    detector.vocabulary = Vocabulary.of(learn.values)
    found: dict[str, Any] = {
        "plain, every session padded to 512": plain(detector, learn, given.steps or (3 if given.full else 1)),
        "logbert": ours(detector, learn, given.epochs),
    }
    rates = [row["sessions_per_second"] for row in found.values()]
    found["times as many sessions/s"] = rates[1] / rates[0]
    if given.loss:
        clock = time.perf_counter(), time.process_time()
        detector.fit(TrainingSet.of_tables(sessions(learn), sessions(watch)))
        found["training"] = {
            "seconds": time.perf_counter() - clock[0],
            "cpu_seconds": time.process_time() - clock[1],
            "epochs": len(detector.history),
            "masked_lm_loss_training": masked_loss(detector, learn),
            "masked_lm_loss_validation": masked_loss(detector, watch),
        }
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, row in found.items():
        told = row if isinstance(row, dict) else {"ratio": row}
        print(f"{name:36}", ", ".join(f"{key} {value:,.4g}" for key, value in told.items()))


if __name__ == "__main__":
    main()
