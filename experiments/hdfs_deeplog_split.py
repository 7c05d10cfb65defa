"""The ensemble and a neural detector on DeepLog's published HDFS split, compared with rules that cost nothing.

Trains on the first 85 % of ``hdfs_train`` (4,855 normal sessions), fits thresholds on its last
15 %, tests on 3,366 further normal and all 16,838 abnormal sessions. Every normal test session
counts 553,366 / 3,366 times, so that figures hold at the natural prevalence of HDFS (2.95 %).

    python experiments/hdfs_deeplog_split.py [--detector deeplog] [--seeds 3] [--speed] [--json] [key=value …]

``key=value`` are settings of the detector, such as ``ends=false`` or ``training.learning_rate=0.001``.
``--speed`` also measures how long 575,061 sessions of 26,814 distinct sequences take, as many as
HDFS has: all that are available, and others made of them by swapping neighbours.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.config import Config, load_config
from logradar.core.sequences import Sequences
from logradar.core.tables import FIRST_TEMPLATE, SESSIONS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors
from logradar.model.settings import SIMPLE

NORMAL, ABNORMAL = 553_366, 16_838  # sessions of HDFS_v1
SESSIONS_OF_HDFS, DISTINCT = 575_061, 26_814  # sessions and distinct sequences of HDFS_v1, normal and abnormal
QUANTILES = (0.98, 0.99, 0.995, 0.998)
RULES = ("ensemble", *SIMPLE)
Row = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]


def read(file: Path) -> Sequences:
    """One session per line, event numbers from 1."""
    with gzip.open(file, "rt") as lines:
        return Sequences.from_lists([[int(number) - 1 + FIRST_TEMPLATE for number in line.split()] for line in lines])


def sessions(sequences: Sequences) -> pa.Table:
    """SESSIONS without times."""
    count, values = len(sequences), pa.array(sequences.values)
    offsets = pa.array(sequences.offsets.astype(np.int32))
    columns = {
        "session_id": pa.array([str(number) for number in range(count)]),
        "record_ids": pa.ListArray.from_arrays(offsets, pa.array(np.arange(len(sequences.values)))),
        "template_ids": pa.ListArray.from_arrays(offsets, values),
        "gaps": pa.ListArray.from_arrays(offsets, pa.array(np.zeros(len(sequences.values), np.float32))),
    }
    empty = {field.name: pa.nulls(count, field.type) for field in SESSIONS if field.name not in columns}
    return pa.table([{**columns, **empty}[name] for name in SESSIONS.names], schema=SESSIONS)


class Split:
    """The test sessions of both classes, and three ways to count them."""

    def __init__(self, folder: Path) -> None:
        self.train = read(folder / "hdfs_train.txt.gz")
        self.normal = read(folder / "hdfs_test_normal_3366.txt.gz")
        self.abnormal = read(folder / "hdfs_test_abnormal.txt.gz")
        cut = int(len(self.train) * 0.85)
        self.learn = self.train.take(np.arange(cut))
        self.watch = self.train.take(np.arange(cut, len(self.train)))
        known = self.train.fingerprints()
        self.views = {"all": (self._all(self.normal), self._all(self.abnormal), NORMAL / ABNORMAL)}
        once = [_once(part) for part in (self.normal, self.abnormal)]
        distinct_abnormal = len(once[1])
        self.views["distinct"] = (*once, (DISTINCT - distinct_abnormal) / distinct_abnormal)
        new = [np.flatnonzero(~np.isin(part.fingerprints(), known)) for part in (self.normal, self.abnormal)]
        ratio = NORMAL / len(self.normal) * len(new[0]) / len(new[1])
        self.views["unseen"] = (*new, ratio)

    def _all(self, part: Sequences) -> np.ndarray:
        return np.arange(len(part))

    def measure(self, normal: np.ndarray, abnormal: np.ndarray) -> dict[str, Any]:
        """Recall, false-positive rate, precision and F1 of two arrays of alerts, in every view."""
        out = {}
        for name, (rows, odd, ratio) in self.views.items():
            recall, fpr = float(abnormal[odd].mean()), float(normal[rows].mean())
            precision = recall / (recall + fpr * ratio) if recall else 0.0
            f1 = 2 * precision * recall / (precision + recall) if recall else 0.0
            out[name] = {"precision": precision, "recall": recall, "fpr": fpr, "f1": f1}
        return out


def _once(part: Sequences) -> np.ndarray:
    return np.unique(part.fingerprints(), return_index=True)[1]


def rules(split: Split) -> Iterator[tuple[str, Row]]:
    """What simple sets achieve, learnt from all 4,855 training sessions."""
    known = np.unique(split.train.values)
    low, high = split.train.lengths.min(), split.train.lengths.max()
    width = int(max(part.values.max() for part in (split.train, split.normal, split.abnormal))) + 1
    vectors = set(_vectors(split.train, width))

    def new_event(part: Sequences) -> np.ndarray:
        return part.maxima(~np.isin(part.values, known)) > 0

    def length(part: Sequences) -> np.ndarray:
        return (part.lengths < low) | (part.lengths > high)

    def count_vector(part: Sequences) -> np.ndarray:
        return np.array([vector not in vectors for vector in _vectors(part, width)])

    for name, rule in {"new event": new_event, "length": length, "new count vector": count_vector}.items():
        yield name, split.measure(rule(split.normal), rule(split.abnormal))


def _vectors(part: Sequences, width: int) -> list[bytes]:
    counts = np.bincount(part.rows * width + part.values, minlength=len(part) * width).reshape(len(part), width)
    return [row.tobytes() for row in counts]


def scores_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Session scores from event scores: the detector's own, and others to compare with."""
    events = table["event_scores"].combine_chunks()
    part = Sequences.of(np.zeros(len(events.values), np.int32), events.offsets.to_numpy().astype(np.int64))
    values = events.values.to_numpy().astype(np.float64)
    order = np.lexsort((-values, part.rows))
    third = np.where(part.positions < 3, values[order], 0.0)
    return {
        "own": table["score"].to_numpy(),
        "largest": part.maxima(values),
        "mean of top 3": part.sums(third) / np.minimum(part.lengths, 3),
        "sum": part.sums(values),
        "mean": part.sums(values) / part.lengths,
    }


def at_default(split: Split, name: str, seed: int) -> Row:
    """Any detector with its default settings and threshold."""
    detector = detectors.load(name)(None, seed)
    detector.fit(TrainingSet.of_tables(sessions(split.learn), sessions(split.watch)))
    limit = fit_threshold(detector.validation_scores, ThresholdSettings()).value
    scores = (detector.score(sessions(part))["score"].to_numpy() for part in (split.normal, split.abnormal))
    return split.measure(*(rows > limit for rows in scores))


def rows_of(split: Split, name: str, settings: Config, seed: int, speed: bool = False) -> Iterator[tuple[str, Row]]:
    """Train once and yield a row for every rule and threshold."""
    detector = detectors.load(name)(settings, seed)
    began = time.monotonic()
    detector.fit(TrainingSet.of_tables(sessions(split.learn), sessions(split.watch)))
    seconds = time.monotonic() - began
    ends = getattr(settings, "ends", None)
    title = name if ends is None else f"{name} {'with' if ends else 'without'} ends"
    loss = min(epoch["eval_loss"] for epoch in detector.history)
    yield f"{title}: training", {"seconds": seconds, "validation_loss": loss, "epochs": len(detector.history)}
    if speed:
        yield f"{title}: speed", scoring(split, detector)
    yield f"{title}: made-up anomalies", made_up(split, detector)
    parts = [sessions(part) for part in (split.watch, split.normal, split.abnormal)]
    watch, normal, abnormal = (scores_of(detector.score(part)) for part in parts)
    if getattr(settings, "updates", 0):  # it has learnt them: only the scores from before that are honest
        watch = {"own": detector.validation_scores}
    for kind in watch:
        for quantile in QUANTILES if kind in ("own", "largest") else (0.995, 0.998):
            threshold = float(np.quantile(watch[kind], quantile, method="inverted_cdf"))
            result = split.measure(normal[kind] > threshold, abnormal[kind] > threshold)
            yield f"{title}: {kind}, quantile {quantile}", result | {"threshold": threshold}
    detector.settings = settings.model_copy(update={"score": "rank"})
    ranked = [detector.score(part) for part in parts[1:]]
    worst = [part["score"].to_numpy() for part in ranked]
    for k in (5, 7, 9, 11):
        yield f"{title}: top-{k}", split.measure(*(part > k for part in worst))
    if name == "deeplog" and not ends:
        window = detector.settings.window
        late = [_late(part, window) > 9 for part in ranked]
        short = [part.lengths <= window for part in (split.normal, split.abnormal)]
        yield f"{title}: top-9, full windows only", split.measure(*late)
        padded = [worst | brief for worst, brief in zip(late, short, strict=True)]
        yield f"{title}: the same, and every short session", split.measure(*padded)


def made_up(split: Split, detector: Detector) -> Row:
    """Of validation sessions cut short, and of those with one event taken out, the share above the threshold.

    Needs no label: what training also had is left out, and the threshold is the 99.5 % quantile of validation.
    """
    rng, known = np.random.default_rng(0), split.train.fingerprints()
    threshold = np.quantile(detector.validation_scores, 0.995, method="inverted_cdf")
    place = (rng.random(len(split.watch)) * (split.watch.lengths - 1)).astype(np.int64) + 1
    position, at = split.watch.positions, np.repeat(place, split.watch.lengths)
    found = {}
    for name, kept in {"cut short": position < at, "one event out": position != at}.items():
        offsets = np.append(0, np.cumsum(split.watch.sums(kept).astype(np.int64)))
        part = Sequences.of(split.watch.values[kept], offsets)
        part = part.take(np.flatnonzero(~np.isin(part.fingerprints(), known)))
        found[name] = float((detector.score(sessions(part))["score"].to_numpy() > threshold).mean())
    return found


def scoring(split: Split, detector: Detector) -> Row:
    """Seconds to score as many sessions as HDFS has, with as many distinct sequences."""
    table = many(split)
    began, cpu = time.monotonic(), time.process_time()
    detector.score(table)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    events = int(Sequences.from_arrow(table["template_ids"]).distinct().lengths.sum())
    return {"seconds": seconds, "cpu_seconds": cpu, "distinct_events": events}


def many(split: Split) -> pa.Table:
    """SESSIONS as many as HDFS has, with as many distinct sequences."""
    known = split.train.concat(split.normal, split.abnormal).distinct()
    rng = np.random.default_rng(0)
    while len(known) < DISTINCT:
        more = known.take(rng.integers(0, len(known), DISTINCT))
        place = more.offsets[:-1] + rng.integers(0, np.maximum(more.lengths - 1, 1))
        place = place[more.lengths > 1]
        more.values[place], more.values[place + 1] = more.values[place + 1], more.values[place]
        known = known.concat(more).distinct()
    every = np.concatenate([np.arange(DISTINCT), rng.integers(0, DISTINCT, SESSIONS_OF_HDFS - DISTINCT)])
    return sessions(known.take(rng.permutation(every)))


def _late(table: pa.Table, window: int) -> np.ndarray:
    """The worst rank of events that have a whole window before them: the paper's windows.

    Published code pads sessions that are shorter with a key of its own, which no prediction ever
    contains: all of them are alerts, whatever stands in them.
    """
    events = table["event_scores"].combine_chunks()
    part = Sequences.of(np.zeros(len(events.values), np.int32), events.offsets.to_numpy().astype(np.int64))
    return part.maxima(np.where(part.positions >= window, events.values.to_numpy(), 0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--detector", default="deeplog", help="name of a neural detector; ensemble: none")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--speed", action="store_true", help="measure scoring as many sessions as HDFS has too")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("settings", nargs="*", help="settings of the detector, key=value")
    given = parser.parse_args()
    split = Split(Path(given.data_dir) / "hdfs")
    table: dict[str, list[Row]] = {name: [row] for name, row in rules(split)}
    table |= {f"{name}, default": [at_default(split, name, seed) for seed in range(given.seeds)] for name in RULES}
    both = given.detector == "deeplog" and not given.settings
    variants = [["ends=true"], ["ends=false"]] if both else [given.settings]
    for overrides in variants if given.detector not in RULES else []:
        settings = load_config(detectors.load(given.detector).Settings, overrides=overrides)
        for seed in range(given.seeds):
            for name, row in rows_of(split, given.detector, settings, seed, given.speed):
                table.setdefault(name, []).append(row)
    if given.json:
        json.dump(table, sys.stdout, indent=1)
        return
    print(f"{'':58} {'F1 all':>19} {'distinct':>8} {'unseen':>8} {'recall':>8} {'FPR':>9}")
    for name, found in table.items():
        if "cut short" in found[0]:
            print(f"{name:58}", "; ".join(f"{kind} {np.mean([row[kind] for row in found]):.3f}" for kind in found[0]))
            continue
        if "distinct_events" in found[0]:
            told = (f"{row['seconds']:.1f} s ({row['cpu_seconds']:.1f} of CPU)" for row in found)
            print(f"{name:58} {SESSIONS_OF_HDFS:,} sessions, {found[0]['distinct_events']:,} distinct events:", *told)
            continue
        if "seconds" in found[0]:
            told = (f"{row['validation_loss']:.4f} in {row['epochs']} epochs, {row['seconds']:.0f} s" for row in found)
            print(f"{name:58} {'; '.join(told)}")
            continue
        f1 = [row["all"]["f1"] for row in found]
        mean = {view: np.mean([row[view]["f1"] for row in found]) for view in ("distinct", "unseen")}
        recall, fpr = (np.mean([row["all"][key] for row in found]) for key in ("recall", "fpr"))
        spread = f"{np.mean(f1):.3f} ({min(f1):.3f}-{max(f1):.3f})" if len(f1) > 1 else f"{f1[0]:.3f}"
        print(f"{name:58} {spread:>19} {mean['distinct']:8.3f} {mean['unseen']:8.3f} {recall:8.4f} {fpr:9.4%}")


if __name__ == "__main__":
    main()
