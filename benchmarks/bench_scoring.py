"""Scoring with ONNX Runtime, with torch, and in 8 bits: seconds for as many sessions as HDFS has, and scores.

Trains each detector on the normal sessions of DeepLog's split of HDFS, then scores 575,061 sessions of 26,814
distinct sequences three times: with its ONNX network in ONNX Runtime (what LogRadar does), with the same
batches in torch, and with the network in 8 bits. All three use the same batches on the same cores. F1 is at natural
prevalence with the threshold of each network's own validation scores (99.5 %).

    python benchmarks/bench_scoring.py [DETECTOR …] [--full] [--json]    # deeplog; with --full every network
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from logradar.core import progress
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors
from logradar.detectors.neural.body import NeuralDetector
from logradar.detectors.neural.quantized import quantized
from logradar.detectors.neural.scorer import CORES, Floats, Scorer

sys.path.append(str(Path(__file__).resolve().parents[1] / "experiments"))  # its HDFS sessions
from hdfs_deeplog_split import DISTINCT, ROOT, SESSIONS_OF_HDFS, Split, many, sessions

NAMES = ("deeplog", "loglstm", "logtcn", "logbert")
QUICK = "deeplog"


class TorchScorer(Scorer):
    """The batches of a `Scorer`, computed by torch."""

    def __init__(self, network: torch.nn.Module, onnx: bytes) -> None:
        super().__init__(onnx)
        self.module = network.eval()

    def _at_once(self, batches: Iterable[Mapping[str, Any]]) -> Iterator[Floats]:
        with torch.inference_mode():
            for batch in batches:
                yield self.module(**{name: torch.from_numpy(array) for name, array in batch.items()}).numpy()


def f1(split: Split, detector: NeuralDetector) -> float:
    """At natural prevalence, threshold from this network's own validation scores."""
    watch, normal, abnormal = (
        detector.score(sessions(part))["score"].to_numpy() for part in (split.watch, split.normal, split.abnormal)
    )
    threshold = np.quantile(watch, 0.995, method="inverted_cdf")
    return float(split.measure(normal > threshold, abnormal > threshold)["all"]["f1"])


def measured(split: Split, name: str) -> dict[str, dict[str, float]]:
    """Seconds and scores of one detector by each of the three."""
    detector: Any = detectors.load(name)()
    detector.fit(TrainingSet.of_tables(sessions(split.learn), sessions(split.watch)))
    table = many(split)
    onnx, network = detector.onnx, detector.network()
    ways = {
        "onnxruntime": Scorer(onnx),
        "torch": TorchScorer(network, onnx),
        "onnxruntime, int8": Scorer(quantized(onnx)),
    }
    found, first = {}, None
    for way, scorer in ways.items():
        detector._scorer = scorer
        began, cpu = time.perf_counter(), time.process_time()
        scores = detector.score(table)["score"].to_numpy()
        found[way] = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        first = scores if first is None else first
        difference = np.abs(scores - first)
        found[way] |= {"mean_difference": float(difference.mean()), "largest_difference": float(difference.max())}
        found[way] |= {"mean_score": float(scores.mean()), "f1": f1(split, detector)}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--full", action="store_true", help="the sizes of docs/performance.md; without it a quick run")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("detectors", nargs="*", help=f"{', '.join(NAMES)} with --full, else {QUICK}")
    given = parser.parse_args()
    progress.quiet()
    torch.set_num_threads(CORES)
    split = Split(Path(given.data_dir) / "hdfs")
    result = {name: measured(split, name) for name in given.detectors or (NAMES if given.full else [QUICK])}
    if given.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{SESSIONS_OF_HDFS:,} sessions, {DISTINCT:,} distinct, {CORES} cores")
    for name, ways in result.items():
        for way, row in ways.items():
            print(f"{name:8} {way:18}", ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in row.items()))


if __name__ == "__main__":
    main()
