"""Thirty simulated days with faults: the ensemble by service and by fault, and fault-free days of another seed.

    python experiments/ensemble_month.py [--lines 60000] [--days 30] [--home DIR]

Five fault-free days train. The ensemble is measured as it is by default and with `values` as a member.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from logradar.core.progress import quiet as silence
from logradar.evaluation.metrics import measure
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate


def told(title: str, found: Evaluated) -> None:
    """Figures of the ensemble: all sessions, each service, each fault."""
    document, scores = found.document, found.scores
    limit = document["threshold"]
    labels, score = scores["label"].to_numpy().astype(bool), scores["score:ensemble"].to_numpy()
    if not labels.any():
        print(f"{title}: {(score > limit).mean():.4%} of {len(score):,} sessions alerted", flush=True)
        return
    for name, figures in document["detectors"].items():
        print(f"{title} {name}:", *(f"{key} {figures[key] or 0:.4f}" for key in ("f1", "precision", "recall", "fpr")))
    services = np.array(scores["service"].to_pylist())
    for service in sorted(set(services.tolist())):
        rows = services == service
        figures = measure(labels[rows], score[rows], limit)
        print(f"{title} {service}:", *(f"{key} {figures[key] or 0:.4f}" for key in ("f1", "precision", "recall")))
    for kind, fault in document["faults"].items():
        print(f"{title} {kind}: {fault['sessions']:,} sessions, recall {fault['recall']['ensemble']:.4f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=60_000, help="a day")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--home", type=Path, help="folder for what is simulated")
    given = parser.parse_args()
    silence()
    with tempfile.TemporaryDirectory(dir=given.home) as folder:
        home = Path(folder)
        simulate(home / "normal", days=5, lines_per_day=given.lines, faults="none", seed=201)
        simulate(home / "faulty", days=given.days, lines_per_day=given.lines, seed=202, start="2026-03-09")
        simulate(home / "quiet", days=7, lines_per_day=given.lines, faults="none", seed=203, start="2026-03-09")
        for title, members in (("default", SIMPLE), ("with values", (*SIMPLE, "values"))):
            settings = run_settings(given={"seed": 1, "beside": (), "detectors.ensemble.members": members})
            train(str(home / "normal"), home / "bundle", settings)
            told(title, evaluate(home / "bundle", str(home / "faulty")))
            told(title, evaluate(home / "bundle", str(home / "quiet")))


if __name__ == "__main__":
    main()
