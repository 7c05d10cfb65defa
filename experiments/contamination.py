"""What anomalies in the training data cost, and what leaving out the most unusual sessions (`split.trim`) recovers.

    python experiments/contamination.py [SET …] [--mixed 0,0.01,0.05] [--trim 0,0.01,0.02,0.05] [--seeds 3]
    python experiments/contamination.py hdfs-deeplog --detector deeplog --trim 0,true --second-pass
    python experiments/contamination.py --rankings

Anomalies are mixed into training and validation part: those of the time of training if there are any (``hdfs-2pct``:
its own, 171, at their own time; ``shop``: of two other days, at the same time of day), otherwise drawn by
seed from the test, which loses them. ``true`` as a trim is the share that was mixed in. Thresholds are the default, a
quantile of 99.5 % of what was kept of validation. F1 is the mean over seeds, with least and most; twins
are test anomalies whose exact sequence was mixed in. ``--rankings`` shows how many of the mixed-in sessions are among
as many most unusual ones, by several measures of unusual. ``--kept DIR`` keeps what is mined from lines.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contaminated_sets import CONTAMINATED, Clean, Mixed, clean
from logradar.alerting.threshold import ThresholdSettings, fit_threshold
from logradar.core.progress import quiet
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector, detectors
from logradar.detectors.fusion import outlier_trimming as trimming
from logradar.detectors.fusion.combine import fuse
from logradar.detectors.fusion.cross_conformal import learnt, left_out, with_counts
from logradar.detectors.fusion.p_values import EmpiricalPValues
from logradar.evaluation.metrics import measure
from logradar.model.settings import SIMPLE

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, Any]


def members() -> list[Any]:
    """New simple detectors."""
    return [detectors.load(name)() for name in SIMPLE]


def sequences(mixed: Mixed) -> Sequences:
    """The sessions that are learnt from, and those of validation."""
    tables = [mixed.part.train.select(["template_ids"]), mixed.part.valid.select(["template_ids"])]
    return Sequences.from_arrow(pa.concat_tables(tables).combine_chunks()["template_ids"])


def fitted(name: str, mixed: Mixed, stay: np.ndarray) -> Detector:
    """A detector that learnt what stays."""
    early = len(mixed.part.train)
    detector = detectors.load(name)()
    detector.fit(
        TrainingSet.of_tables(
            mixed.part.train.filter(pa.array(stay[:early])), mixed.part.valid.filter(pa.array(stay[early:]))
        )
    )
    return detector


def rows_of(mixed: Mixed, trim: float, names: list[str], second_pass: bool) -> dict[str, Row]:
    """Figures of every detector; with ``second_pass`` what a first fit of it finds oddest is left out instead."""
    found: dict[str, Row] = {}
    stay = ~trimming.most_unusual(sequences(mixed), trim, members())
    for name in names:
        began = time.perf_counter()
        if second_pass and trim:
            every = pa.concat_tables([mixed.part.train, mixed.part.valid]).unify_dictionaries().combine_chunks()
            first = fitted(name, mixed, np.ones(len(every), bool)).score(every)["score"].to_numpy()
            stay = np.ones(len(every), bool)
            stay[np.argsort(-first, kind="stable")[: int(trim * len(every))]] = False
        detector = fitted(name, mixed, stay)
        for who, one in {name: detector, **detector.members}.items():
            scores = one.score(mixed.part.test)["score"].to_numpy()
            limit = fit_threshold(one.validation_scores, ThresholdSettings()).value
            alerts = scores > limit
            found[who] = {
                **measure(mixed.part.labels, scores, limit, weights=mixed.part.weights),
                "twins": float(alerts[mixed.twins].mean()) if mixed.twins.any() else None,
                "others": float(alerts[mixed.part.labels & ~mixed.twins].mean()),
                "out": int((~stay).sum()),
                "caught": float((~stay)[mixed.odd].mean()) if mixed.mixed else None,
                "seconds": time.perf_counter() - began,
            }
    return found


def told(name: str, rows: list[Row]) -> str:
    """One line of the table."""

    def mean(key: str) -> str:
        values = [row[key] for row in rows if row[key] is not None]
        return f"{np.mean(values):.3f}" if values else "–"

    f1 = [row["f1"] or 0.0 for row in rows]
    spread = f"{np.mean(f1):.3f} ({min(f1):.3f}-{max(f1):.3f})"
    fpr = np.mean([row["fpr"] for row in rows])
    rest = " ".join(f"{mean(key):>7}" for key in ("recall", "twins", "others"))
    return f"    {name:13} {spread:20} {rest} {fpr:>8.2%} {mean('pr_auc'):>7}"


def study(name: str, found: Clean, given: argparse.Namespace) -> None:
    """All shares mixed in, and all trims."""
    print(f"{name}: {len(found.part.train) + len(found.part.valid):,} normal sessions, ", end="")
    print(f"{int(found.part.labels.sum()):,} of {len(found.part.test):,} test sessions anomalous")
    print(f"    {'':13} {'F1':20} {'recall':>7} {'twins':>7} {'others':>7} {'FPR':>8} {'PR-AUC':>7}")
    names = [given.detector] if given.detector else ["ensemble"]
    for share in given.mixed:
        every = [found.mix(name, share, seed) for seed in range(given.seeds if share else 1)]
        for trim in given.trim:
            rows: dict[str, list[Row]] = {}
            for mixed in every:
                exact = mixed.mixed / len(mixed.odd) + 1e-9
                for who, row in rows_of(mixed, exact if trim is None else trim, names, given.second_pass).items():
                    rows.setdefault(who, []).append(row)
            first = rows[names[0]]
            caught = [row["caught"] for row in first if row["caught"] is not None]
            print(f"  {every[0].mixed:,} mixed in ({share:.0%}), trim {'true' if trim is None else trim}: ", end="")
            print(f"{np.mean([row['out'] for row in first]):,.0f} left out", end="")
            print(f", {np.mean(caught):.0%} of those mixed in among them" if caught else "", flush=True)
            for who, measured in rows.items():
                print(told(who, measured), flush=True)


Ranking = Callable[[Sequences], list[np.ndarray]]


def rankings(share: float) -> Iterator[tuple[str, Ranking]]:
    """Ways to say how odd normal sessions are: surprises, to be fused."""
    yield "left out one at a time", lambda rows: _scales([left_out(one, rows) for one in members()], rows)
    yield (
        "left out with their twins",
        lambda rows: _scales([left_out(one, rows, trimming.kinds_of(rows)) for one in members()], rows),
    )
    yield "rarest template, run, vector", lambda rows: trimming.rarities(rows, trimming.kinds_of(rows))
    yield "unlike what is common", lambda rows: _unlike(rows, share)
    yield "both (split.trim)", lambda rows: [*trimming.rarities(rows, trimming.kinds_of(rows)), *_unlike(rows, share)]


def _scales(scores: list[np.ndarray], rows: Sequences) -> list[np.ndarray]:
    return [EmpiricalPValues.of(one, rows.counts).surprise(one) for one in scores]


def _unlike(rows: Sequences, share: float) -> list[np.ndarray]:
    kinds, total = trimming.kinds_of(rows), int(rows.counts.sum())
    usual = trimming.without(rows, trimming.rarities(rows, kinds), min(4 * int(share * total), total // 2))
    common = with_counts(rows, np.flatnonzero(usual))
    scales = [EmpiricalPValues.of(left_out(one, common, kinds[usual]), common.counts) for one in members()]
    return [
        scale.surprise(learnt(one, common)._score(SessionView(rows)).rows)
        for scale, one in zip(scales, members(), strict=True)
    ]


def compare_rankings(name: str, found: Clean, given: argparse.Namespace) -> None:
    """How many of the sessions mixed in are among the oddest as many."""
    for share in [share for share in given.mixed if share]:
        caught: dict[str, list[float]] = {}
        for seed in range(given.seeds):
            mixed = found.mix(name, share, seed)
            rows = sequences(mixed).distinct()
            odd = np.bincount(rows.inverse, mixed.odd, len(rows))
            for way, ranking in rankings(mixed.odd.mean()):
                surprises = ranking(rows)
                order = np.argsort(-fuse(np.array(surprises), np.full(len(surprises), 1 / len(surprises))))
                within = order[np.cumsum(rows.counts[order]) <= mixed.mixed]
                caught.setdefault(way, []).append(odd[within].sum() / mixed.mixed)
        print(f"{name}, {share:.0%}:", "; ".join(f"{way} {np.mean(parts):.0%}" for way, parts in caught.items()))


def _numbers(text: str) -> list[float | None]:
    return [None if word == "true" else float(word) for word in text.split(",")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", help="names of sets")
    parser.add_argument("--mixed", type=_numbers, default=[0.0, 0.01, 0.05])
    parser.add_argument("--trim", type=_numbers, default=[0.0, 0.01, 0.02, 0.05])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--detector", help="another one than the ensemble and its members")
    parser.add_argument("--second-pass", action="store_true", help="leave out what a first fit finds oddest")
    parser.add_argument("--rankings", action="store_true")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("LOGRADAR_DATA") or ROOT / "../shared/data")
    parser.add_argument("--kept", type=Path, help="folder for sessions mined from lines")
    given = parser.parse_args()
    quiet()
    for name in given.sets or CONTAMINATED:
        found = clean(name, Path(given.data_dir), given.kept)
        (compare_rankings if given.rankings else study)(name, found, given)


if __name__ == "__main__":
    main()
