"""Rules without a network, on sets whose training part is drawn at random, and on DeepLog's split of HDFS.

    python experiments/bare_rules.py [SET …] [--seeds 3] [--json]

The simple detectors as bare rules (every session with something new is an anomaly, no threshold), on splits that
`logradar evaluate` cannot draw: OpenStack Kalaki with 450 more training sequences drawn from the normal test part, a
random half of the normal Hadoop containers. On DeepLog's split, weighted to the natural prevalence of HDFS, also rules
that others published and one that combines cheap ones. ``hdfs-random`` is no rule: it is the share of the test
anomalies of random 80/20 splits whose exact sequence is in training.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ensemble_sets import SETS, VARIED, Part
from hdfs_deeplog_split import Split
from labelled_sets import new
from logradar.core.sequences import Sequences
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import detectors
from logradar.evaluation.metrics import measure
from logradar.model.settings import SIMPLE

ROOT = Path(__file__).resolve().parents[1]
FIFTH, PUBLISHED_DISTANCE = 0.2, 0.14
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Figures = dict[str, float | None]


def detector(name: str, part: Part) -> Bools:
    """Which test sessions have something that a simple detector has not seen in training and validation sessions."""
    made = detectors.load(name)(detectors.load(name).Settings(), 0)
    made.fit(TrainingSet.of_tables(part.train, part.valid))
    return new(made.score(part.test)["score"].to_numpy())


def combined(part: Part) -> Bools:
    """New event, or length outside the normal range, or counts farther from all normal sessions than the limit.

    The distance of two count vectors is their L1 distance over the longer session's length. Usual are the first four
    fifths of the training sessions; the limit is the largest distance of the last fifth to the nearest normal session.
    """
    learn, test = _learnt(part), _sequences(part.test)
    cut = round(len(learn) * (1 - FIFTH))
    usual, late = learn.take(np.arange(cut)), learn.take(np.arange(cut, len(learn)))
    limit = float(_distance(usual, late, _over_longer).max())
    return _unknown(usual, test) | _outside(usual, test) | (_distance(usual, test, _over_longer) > limit)


def count_vector_clustering(part: Part) -> Bools:
    """New event, or shares of events that lie 0.14 or more from those of all training sessions.

    Landauer et al., IEEE Big Data 2022: the sum of differences over the sum of the larger ones; they chose 0.14 on
    test data.
    """
    learn, test = _learnt(part), _sequences(part.test)
    return _unknown(learn, test) | (_distance(learn, test, _of_shares) >= PUBLISHED_DISTANCE)


def two_in_a_row(part: Part) -> Bools:
    """Two events that never followed each other in training; start and end, unlike in `ngram`, are no events."""
    learn, test = _learnt(part), _sequences(part.test)
    known = np.unique(_pairs(learn)[0])
    pairs, rows = _pairs(test)
    return np.bincount(rows[~np.isin(pairs, known)], minlength=len(test)) > 0


def stide(windows: int) -> Callable[[Part], Bools]:
    """A new run of events, start and end among them, or shorter than any training session (ait-aecid/stide)."""

    def alerts(part: Part) -> Bools:
        learn, test = _learnt(part), _sequences(part.test)
        found = _unknown(learn, test) if windows == 1 else detector("ngram", part)
        return found | (test.lengths < learn.lengths.min())

    return alerts


PUBLISHED: dict[str, Callable[[Part], Bools]] = {
    "new event, length or distance": combined,
    "count vector clustering": count_vector_clustering,
    "stide, windows of 1": stide(1),
    "stide, windows of 2": stide(2),
}


def rules(name: str, data: Path, seeds: int) -> dict[str, Figures]:
    """Figures of every rule on a set: the mean over seeds, least and most F1."""
    found: dict[str, list[Figures]] = {}
    for seed in range(seeds if name in VARIED else 1):
        part = SETS[name](data, seed)
        alerts = {rule: detector(rule, part) for rule in SIMPLE}
        alerts["ngram without ends"] = two_in_a_row(part)
        if name == "hdfs-deeplog":
            alerts |= {rule: alarm(part) for rule, alarm in PUBLISHED.items()}
        for rule, said in alerts.items():
            found.setdefault(rule, []).append(measure(part.labels, said.astype(float), 0.5, weights=part.weights))
    return {rule: _mean(figures) for rule, figures in found.items()}


def overlap(data: Path, seeds: int) -> dict[str, Figures]:
    """Share of the anomalies in a fifth of HDFS, drawn at random, whose sequence is in the other four fifths.

    All 16,838 anomalies of HDFS are there, and 8,221 normal sessions of 558,223: sequences of anomalies hardly ever
    come in normal sessions (17 of 16,838, Landauer et al.), so the missing ones change nothing.
    """
    split = Split(data / "hdfs")
    prints = split.train.concat(split.normal, split.abnormal).fingerprints()
    odd = np.arange(len(prints)) >= len(prints) - len(split.abnormal)
    shares = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(prints))
        cut = round(len(order) * (1 - FIFTH))
        train, test = order[:cut], order[cut:]
        shares.append(float(np.isin(prints[test[odd[test]]], prints[train]).mean()))
    return {"overlap": {"share": float(np.mean(shares)), "least": min(shares), "most": max(shares)}}


def _mean(figures: list[Figures]) -> Figures:
    f1 = [one["f1"] or 0.0 for one in figures]
    mean = {key: float(np.mean([one[key] or 0.0 for one in figures])) for key in ("precision", "recall", "fpr")}
    return {"f1": float(np.mean(f1)), "least": min(f1), "most": max(f1), **mean}


def _sequences(table: pa.Table) -> Sequences:
    return Sequences.from_arrow(table["template_ids"])


def _learnt(part: Part) -> Sequences:
    return _sequences(part.train).concat(_sequences(part.valid))


def _pairs(part: Sequences) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All pairs of neighbours, each as one number, and the session of each."""
    inside = part.rows[:-1] == part.rows[1:]
    pairs = (part.values[:-1].astype(np.int64) << 32) | part.values[1:]
    return pairs[inside], part.rows[1:][inside]


def _unknown(learn: Sequences, test: Sequences) -> Bools:
    """Which sessions have an event that training did not have."""
    return np.asarray(test.maxima(~np.isin(test.values, learn.values)) > 0)


def _outside(learn: Sequences, test: Sequences) -> Bools:
    return np.asarray((test.lengths < learn.lengths.min()) | (test.lengths > learn.lengths.max()))


def _distance(learn: Sequences, test: Sequences, between: Callable[[Floats, Floats], Floats]) -> Floats:
    """From each session's counts to the nearest ones of training, worked out once for equal counts."""
    width = int(max(learn.values.max(), test.values.max())) + 1
    known = np.unique(_counts(learn, width), axis=0)
    vectors, inverse = np.unique(_counts(test, width), axis=0, return_inverse=True)
    nearest = np.array([between(known, vector).min() for vector in vectors])
    return np.asarray(nearest[inverse.ravel()])


def _counts(part: Sequences, width: int) -> Floats:
    cells = np.bincount(part.rows * width + part.values, minlength=len(part) * width)
    return cells.reshape(len(part), width).astype(float)


def _over_longer(known: Floats, vector: Floats) -> Floats:
    return np.asarray(np.abs(known - vector).sum(axis=1) / np.maximum(known.sum(axis=1), vector.sum()))


def _of_shares(known: Floats, vector: Floats) -> Floats:
    usual, share = known / known.sum(axis=1, keepdims=True), vector / vector.sum()
    return np.asarray(np.abs(usual - share).sum(axis=1) / np.maximum(usual, share).sum(axis=1))


def main() -> None:
    """Measure and print."""
    sets = [*(name for name in SETS if name not in ("hdfs-2pct", "shop")), "hdfs-random"]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"default: all of {', '.join(sets)}")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--seeds", type=int, default=3, help="random splits; the mean is printed")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args()
    if strange := sorted({*given.sets} - {*sets}):
        parser.error(f"no set is called {', '.join(strange)}; there are {', '.join(sets)}")
    if given.seeds < 1:
        parser.error("--seeds must be 1 or more")
    data = Path(given.data_dir)
    found = {
        name: overlap(data, given.seeds) if name == "hdfs-random" else rules(name, data, given.seeds)
        for name in given.sets or sets
    }
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, rows in found.items():
        for rule, figures in rows.items():
            told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
            print(f"{name:13} {rule:30} {told}")


if __name__ == "__main__":
    main()
