"""Training without labels: what the rules leave out, what the ensemble then finds, and what answers in a review add.

    python experiments/unlabelled.py [SET …] [--mixed 0,0.01,0.05] [--draws 3] [--answers 0,3,5,10] [--kept DIR]

Anomalies are mixed into training and validation part, or left in where the set has them, as in ``contamination.py``
(``hdfs-2pct`` with 0.05: all 171 of the earlier half, 4 %). Nobody says which. ``learnt`` is the ensemble that learns
everything (``split.trim=0``), the next column the one that leaves out what is suspect, the others after so many answers
of `logradar review`, given from the labels: a kind is an anomaly where most of its sessions are. F1 at the default
threshold; mean over draws, and least to most.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from contaminated_sets import CONTAMINATED, MINED, Mixed, clean
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.progress import quiet
from logradar.core.sequences import Sequences
from logradar.core.training_set import TrainingSet
from logradar.detectors.ensemble import Ensemble
from logradar.detectors.fusion.suspects import suspects
from logradar.evaluation.metrics import measure
from logradar.model.training_sessions import TrainingSessions
from logradar.pipeline.review import kinds_of, learnt_rows
from logradar.pipeline.training_data.examples import training_sessions

ROOT = Path(__file__).resolve().parents[1]


def found(mixed: Mixed, stay: np.ndarray) -> dict[str, float]:
    """F1, PR-AUC and false-positive rate of an ensemble that learnt what stays."""
    early, ensemble = len(mixed.part.train), Ensemble()
    ensemble.fit(
        TrainingSet.of_tables(
            mixed.part.train.filter(pa.array(stay[:early])), mixed.part.valid.filter(pa.array(stay[early:]))
        )
    )
    scores = ensemble.score(mixed.part.test)["score"].to_numpy()
    limit = fit_threshold(ensemble.validation_scores, ThresholdSettings()).value
    return measure(mixed.part.labels, scores, limit, weights=mixed.part.weights)


def reviewed(sessions: TrainingSessions, odd: np.ndarray, answers: list[int]) -> dict[int, np.ndarray]:
    """Which sessions stay after so many answers."""
    kind = sessions.kinds[1][sessions.row_of]
    kinds, said, stay = kinds_of(sessions), {}, {}
    normal = np.bincount(kind[odd], minlength=len(kinds)) <= np.bincount(kind, minlength=len(kinds)) / 2
    for number in range(max(answers) + 1):
        if number in answers:
            stay[number] = learnt_rows(sessions, kinds, said)[sessions.row_of]
        order = kinds.order(said)
        if len(order):
            said[int(order[0])] = bool(normal[order[0]])
    return stay


def study(name: str, data: Path, given: argparse.Namespace) -> None:
    """All shares of one set, a line each."""
    whole = clean(name, data, given.kept)
    for share in given.mixed:
        rows: dict[str, list[dict[str, float]]] = {}
        caught, right, out = [], [], []
        for draw in range(given.draws if share else 1):
            mixed = whole.mix(name, share, draw)
            every = pa.concat_tables([mixed.part.train, mixed.part.valid]).unify_dictionaries().combine_chunks()
            sequences = Sequences.from_arrow(every["template_ids"])
            judged = suspects(sequences, timed=name in MINED)
            sessions = training_sessions(every, len(mixed.part.train), judged)
            assert sessions is not None
            out.append(judged.mask.mean())
            right.append(mixed.odd[judged.mask].mean() if judged.mask.any() else np.nan)
            caught.append(judged.mask[mixed.odd].mean() if mixed.odd.any() else np.nan)
            rows.setdefault("learnt", []).append(found(mixed, np.ones(len(sequences), bool)))
            for number, stay in reviewed(sessions, mixed.odd, given.answers).items():
                rows.setdefault(f"after {number}", []).append(found(mixed, stay))
        cells = []
        for way, measured in rows.items():
            f1 = [one["f1"] or 0.0 for one in measured]
            spread = f" ({min(f1):.3f}-{max(f1):.3f})" if max(f1) - min(f1) >= 0.0005 else ""
            cells.append(f"{way} {np.mean(f1):.3f}{spread}")
        last = rows["after 0"]
        print(
            f"{name}, {share:.0%} mixed in ({mixed.mixed:,} of {len(sequences):,}), rules {', '.join(judged.rules)}: "
            f"{np.mean(out):.2%} left out, {np.mean(right):.0%} of them right, {np.mean(caught):.0%} of all | "
            f"F1 {'; '.join(cells)} | unaided PR-AUC {np.mean([one['pr_auc'] for one in last]):.3f}, "
            f"FPR {np.mean([one['fpr'] for one in last]):.2%}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", help="names of sets")
    parser.add_argument("--mixed", type=lambda text: [float(word) for word in text.split(",")], default=[0, 0.01, 0.05])
    parser.add_argument("--answers", type=lambda text: [int(word) for word in text.split(",")], default=[0, 3, 5, 10])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--kept", type=Path, help="folder for sessions mined from lines")
    given = parser.parse_args()
    quiet()
    for name in given.sets or CONTAMINATED:
        study(name, Path(given.data_dir), given)


if __name__ == "__main__":
    main()
