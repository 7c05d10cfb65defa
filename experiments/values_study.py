"""What `values` finds that no sequence shows: simulated wrong values and delays, and the HDFS 2 % sample.

    python experiments/values_study.py [--seeds 3] [--lines 300000] [--json]     # needs LOGRADAR_DATA for HDFS

For each seed one fault-free simulated day trains; another day with wrong values and delays only, and a third
without faults, are measured. Thresholds are the 99.5 % quantile of normal validation scores; "rare alarms" is the
threshold for ten alarms a day, fitted on the same scores.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.errors import InputError
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

FAULTS = ("wrong_value", "wrong_delay")
PAIR = {"detector": "ensemble", "detectors.ensemble.members": ("deeplog", "values")}
RARE = ThresholdSettings(alerts_per_day=10.0)


def shop(home: Path, seed: int, lines: int) -> dict[str, dict[str, float]]:
    """For each detector recall by fault, and false alarms."""
    given = {**PAIR, "seed": seed, "beside": ("new_template", "length", "count_vector", "ngram")}
    simulate(home / "normal", lines_per_day=lines, faults="none", seed=100 + seed)
    simulate(
        home / "faulty", lines_per_day=lines, faults=FAULTS, seed=200 + seed, start="2026-03-03", episodes_per_day=8
    )
    simulate(home / "quiet", lines_per_day=lines, faults="none", seed=300 + seed, start="2026-03-04")
    began = time.monotonic()
    train(str(home / "normal"), home / "bundle", run_settings(given=given))
    print(f"seed {seed}: trained in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    faulty, quiet = (evaluate(home / "bundle", str(home / name)) for name in ("faulty", "quiet"))
    found: dict[str, dict[str, float]] = {}
    for name, figures in faulty.document["detectors"].items():
        kinds = faulty.document["faults"]
        rare = fit_threshold(faulty.fitted.validation[name], RARE, faulty.fitted.facts["sessions_per_day"]).value
        found[name] = {
            **{kind: kinds[kind]["recall"][name] for kind in FAULTS},
            **{f"{kind}, rare alarms": _recall(faulty, home / "faulty", name, kind, rare) for kind in FAULTS},
            "fpr": figures["fpr"],
            "fpr, quiet day": quiet.document["detectors"][name]["fpr"],
            "false alarms, quiet day": quiet.document["detectors"][name]["false_alarms_per_day"],
            "false alarms, quiet day, rare alarms": float((_scores(quiet, name) > rare).sum()),
        }
        found[name] |= {f"{kind} sessions": kinds[kind]["sessions"] for kind in FAULTS}
    return found


def hdfs(home: Path) -> dict[str, dict[str, float]]:
    """The later half of the HDFS 2 % sample."""
    given = {"seed": 1, "detector": "ensemble", "detectors.ensemble.members": (*SIMPLE, "values")}
    train("hdfs", home / "hdfs", run_settings(given={**given, "beside": ()}))
    names = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc", "false_alarms_per_day")
    detectors = evaluate(home / "hdfs", "hdfs").document["detectors"]
    return {name: {key: figures[key] for key in names} for name, figures in detectors.items()}


def _scores(measured: Evaluated, name: str) -> np.ndarray:
    return measured.scores[f"score:{name}"].to_numpy()


def _recall(measured: Evaluated, folder: Path, name: str, kind: str, threshold: float) -> float:
    with (folder / "labels.csv").open() as file:
        kinds = {row["session_key"]: row["fault"] for row in csv.DictReader(file)}
    rows = np.array([kinds.get(key, "") == kind for key in measured.scores["session_id"].to_pylist()])
    return float((_scores(measured, name)[rows] > threshold).mean())


def table(runs: list[dict[str, dict[str, float]]]) -> str:
    """Detectors by rows, figures by columns: the mean, with least and most where they differ."""
    columns = list(next(iter(runs[0].values())))
    lines = ["| detector | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in runs[0]:
        cells = [spread([run[name][column] for run in runs]) for column in columns]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """The mean, with least and most where they differ."""
    digits = 4 if max(values) < 0.1 else 3 if max(values) < 10 else 0
    mean, low, high = (f"{number:.{digits}f}" for number in (sum(values) / len(values), min(values), max(values)))
    return mean if low == high else f"{mean} ({low} to {high})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    runs = []
    for seed in range(1, told.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(shop(Path(folder), seed, told.lines))
    found: dict[str, list[dict[str, dict[str, float]]]] = {"simulated services": runs}
    try:
        with tempfile.TemporaryDirectory() as folder:
            found["HDFS, 2 % sample, later half"] = [hdfs(Path(folder))]
    except InputError as error:
        print(f"HDFS is left out: {error}", file=sys.stderr)
    if told.json:
        print(json.dumps(found, indent=1))
        return
    for name, documents in found.items():
        print(f"\n{name}\n\n{table(documents)}")


if __name__ == "__main__":
    os.environ.setdefault("LOGRADAR_DATA", "../shared/data")
    main()
