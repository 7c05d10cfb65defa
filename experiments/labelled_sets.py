"""The simple detectors on the labelled sets, each in its own split, as described in `docs/sets`.

Trains and measures as ``logradar train NAME -o b --detector new_template; logradar evaluate b NAME`` do, and prints a
table for each set. The last column is the F1 of the rule behind a detector: every session with something new is an
anomaly, without a threshold.

    python experiments/labelled_sets.py [NAME …] [key=value …]

Without names: all sets that are available (3 minutes). ``key=value`` are settings, such as ``input.window=20``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from logradar.core.progress import quiet
from logradar.model.settings import SIMPLE, run_settings
from logradar.pipeline.evaluate import Evaluated, evaluate
from logradar.pipeline.train import train
from logradar.sources.base import sources
from logradar.sources.opening.files import find_dataset

COLUMNS = ("precision", "recall", "f1", "fpr", "pr_auc", "roc_auc")


def measured(name: str, overrides: list[str]) -> Evaluated:
    """One set, its own split."""
    with tempfile.TemporaryDirectory(prefix="logradar-") as folder:
        bundle = Path(folder) / "bundle"
        train(name, bundle, run_settings(overrides=overrides, given={"detector": "new_template"}))
        return evaluate(bundle, name)


def new(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """The bare rule: every session with something new, a score above 0, is an anomaly."""
    return scores > 0


def rule(found: Evaluated, detector: str) -> float:
    """F1 of the bare rule."""
    truth, said = found.scores["label"].to_numpy(), new(found.scores[f"score:{detector}"].to_numpy())
    return 2 * float((truth & said).sum()) / max(int(said.sum()) + int(truth.sum()), 1)


def table(name: str, overrides: list[str], found: Evaluated) -> str:
    """The figures of one set as Markdown."""
    document, split = found.document, found.document["split"]
    lines = [
        f"### {' '.join([name, *overrides])}\n",
        f"{split['train']:,} training, {split['valid']:,} validation sessions; {document['sessions']:,} are measured "
        f"on, {document['anomalies']:,} of them anomalous. {document['audit']['contradictions']['anomalies']:,} of "
        "these have the sequence of a normal one.\n",
        "| detector | precision | recall | F1 | FPR | PR-AUC | ROC-AUC | F1 of the bare rule |\n" + "|---" * 8 + "|",
    ]
    for detector in SIMPLE:
        figures = [document["detectors"][detector][column] for column in COLUMNS]
        told = ["–" if value is None else f"{value:.3f}" for value in (*figures, rule(found, detector))]
        lines.append(f"| `{detector}` | {' | '.join(told)} |")
    if document["faults"]:
        lines.append("\n| fault | sessions | " + " | ".join(f"`{name}`" for name in SIMPLE) + " |\n" + "|---" * 6 + "|")
        for kind, one in document["faults"].items():
            recall = " | ".join(f"{one['recall'][detector]:.3f}" for detector in SIMPLE)
            lines.append(f"| {kind} | {one['sessions']:,} | {recall} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    quiet(True)
    overrides = [argument for argument in arguments if "=" in argument]
    names = [argument for argument in arguments if "=" not in argument]
    for name in names or [name for name in sources.names() if find_dataset(name)]:
        print(table(name, overrides, measured(name, overrides)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
