"""F1 of every network trained in bf16 beside fp32, with the same seeds, on DeepLog's published HDFS split.

    python experiments/precision.py [--seeds 3] [--first-seed 0] [--detector NAME] [key=value …]

``key=value`` are settings of all detectors, such as ``training.epochs=8``. The threshold is the default one of LogRadar
on the validation sessions. The difference between two seeds of fp32 says how much of the rest is chance.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from hdfs_deeplog_split import ROOT, Split, sessions
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.config import load_config
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors

NETWORKS = ("deeplog", "loglstm", "logtcn", "logbert")


def f1_of(split: Split, name: str, precision: str, seed: int, overrides: list[str]) -> tuple[float, float, float]:
    """F1, validation loss and seconds of a training."""
    kind = detectors.load(name)
    detector = kind(load_config(kind.Settings, overrides=[*overrides, f"training.precision={precision}"]), seed)
    began = time.monotonic()
    detector.fit(TrainingSet.of_tables(sessions(split.learn), sessions(split.watch)))
    seconds = time.monotonic() - began
    limit = fit_threshold(detector.validation_scores, ThresholdSettings()).value
    normal, abnormal = (detector.score(sessions(part))["score"].to_numpy() for part in (split.normal, split.abnormal))
    f1 = split.measure(normal > limit, abnormal > limit)["all"]["f1"]
    return f1, min(epoch["eval_loss"] for epoch in detector.history), seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--detector", choices=NETWORKS, help="one of them; by default all")
    parser.add_argument("settings", nargs="*", help="settings of the detectors, key=value")
    given = parser.parse_args()
    split = Split(Path(given.data_dir) / "hdfs")
    print(f"{'':10}{'precision':>10}{'F1':>8}  of each seed{'loss':>20}{'seconds':>9}", flush=True)
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for name in [given.detector] if given.detector else NETWORKS:
        for precision in ("fp32", "bf16"):
            found = [f1_of(split, name, precision, seed, given.settings) for seed in seeds]
            f1, loss, seconds = np.array(found).T
            each = " ".join(f"{one:.3f}" for one in f1)
            print(
                f"{name:10}{precision:>10}{f1.mean():8.4f}  {each:24}{loss.mean():8.4f}{seconds.mean():9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
