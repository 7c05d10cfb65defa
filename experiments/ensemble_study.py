"""The ensemble and its members on every labelled set: F1 at the default threshold, PR-AUC, ROC-AUC, false positives.

    python experiments/ensemble_study.py [SET …] [--seeds 3] [--members a,b,c] [--quantile 0.995] [key=value …]

``key=value`` are settings of the ensemble. Thresholds come from normal validation scores alone. Sets that do not
depend on a seed are measured once if no member does. ``--kept DIR`` keeps what is mined from lines.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import logradar.detectors.ensemble as ensembles
from ensemble_sets import SETS, VARIED, Part, part_of
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.config import load_config
from logradar.core.progress import quiet as silence
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, Incremental
from logradar.detectors.ensemble import Ensemble, EnsembleSettings
from logradar.evaluation.metrics import measure

ROOT = Path(__file__).resolve().parents[1]
WITH_VALUES = ("hdfs-2pct", "shop")  # sets that come from lines
KEYS = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc")
Row = dict[str, Any]


def rows_of(part: Part, ensemble: Ensemble, quantile: float) -> tuple[dict[str, Row], dict[str, np.ndarray]]:
    """Figures of the ensemble and of each member, and the alerts of each."""
    began = time.perf_counter()
    ensemble.fit(TrainingSet.of_tables(part.train, part.valid))
    seconds = time.perf_counter() - began
    found, alerts = {}, {}
    every: dict[str, Detector] = {"ENSEMBLE": ensemble, **ensemble.members}
    for name, detector in every.items():
        scores = detector.score(part.test)["score"].to_numpy()
        limit = fit_threshold(detector.validation_scores, ThresholdSettings(quantile=quantile)).value
        found[name] = {**measure(part.labels, scores, limit, weights=part.weights), "seconds": seconds}
        alerts[name] = scores > limit
    return found, alerts


def told(name: str, rows: list[Row]) -> str:
    """One line of the table: the mean over seeds, and the range of F1."""
    mean = {key: float(np.mean([row[key] or 0.0 for row in rows])) for key in KEYS}
    f1 = [row["f1"] or 0.0 for row in rows]
    spread = f" ({min(f1):.3f}-{max(f1):.3f})" if max(f1) - min(f1) >= 0.0005 else ""
    figures = " ".join(f"{mean[key]:>7.3%}" if key == "fpr" else f"{mean[key]:>9.3f}" for key in KEYS[1:])
    return f"  {name:14} {mean['f1']:.3f}{spread:15} {figures}"


def kinds_of(part: Part, alerts: dict[str, np.ndarray]) -> list[str]:
    """Recall by fault and alerts by service, of the ensemble."""
    lines = []
    if part.kinds is not None and (part.kinds != "").any():
        for kind in sorted(set(part.kinds[part.labels].tolist())):
            rows = part.labels & (part.kinds == kind)
            lines.append(f"    {kind}: {int(rows.sum())} sessions, recall {alerts['ENSEMBLE'][rows].mean():.3f}")
        quiet = part.kinds == "quiet"
        if quiet.any():
            lines.append(f"    fault-free day: {alerts['ENSEMBLE'][quiet].mean():.3%} of {int(quiet.sum()):,} alerted")
    services = np.array([str(name) for name in part.test["service"].to_pylist()])
    if len(set(services.tolist())) > 1:
        for service in sorted(set(services.tolist())):
            rows = (services == service) & (True if part.kinds is None else part.kinds != "quiet")
            figures = measure(part.labels[rows], alerts["ENSEMBLE"][rows].astype(float), 0.5)
            f1, precision = (figures[key] or 0.0 for key in ("f1", "precision"))
            lines.append(f"    service {service}: F1 {f1:.3f}, precision {precision:.3f}")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", help="names of sets, and settings of the ensemble as key=value")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--kept", type=Path, help="folder for sessions mined from lines")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", help="names with commas; the default ensemble otherwise")
    parser.add_argument("--only-validation", action="store_true", help="no session is left out of training in turn")
    parser.add_argument("--quantile", type=float, default=ThresholdSettings().quantile)
    given = parser.parse_intermixed_args()
    silence()
    if given.only_validation:
        ensembles._LEFT_OUT = 0
    overrides = [word for word in given.what if "=" in word]
    settings = load_config(EnsembleSettings, overrides=overrides)
    if given.members:
        settings = settings.model_copy(update={"members": tuple(given.members.split(","))})
    for name in [word for word in given.what if "=" not in word] or SETS:
        if "values" in settings.members and name not in WITH_VALUES:
            continue
        found: dict[str, list[Row]] = {}
        lines: list[str] = []
        for seed in range(given.seeds):
            part = part_of(name, Path(given.data_dir), seed, given.kept)
            ensemble = Ensemble(settings, seed)
            rows, alerts = rows_of(part, ensemble, given.quantile)
            for member, row in rows.items():
                found.setdefault(member, []).append(row)
            lines += kinds_of(part, alerts)
            if name not in VARIED and all(isinstance(member, Incremental) for member in ensemble.members.values()):
                break
        seconds = max(row["seconds"] for row in found["ENSEMBLE"])
        print(f"{name}: {len(part.train):,} train, {len(part.valid):,} validate, {len(part.test):,} test,", end=" ")
        print(f"{int(part.labels.sum()):,} anomalous; fitted in {seconds:.1f} s", flush=True)
        print(f"  {'':14} {'F1':20} {'precision':>9} {'recall':>9} {'FPR':>7} {'PR-AUC':>9} {'ROC-AUC':>9}")
        for member, measured in found.items():
            print(told(member, measured))
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
