"""Train: from an input to a bundle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from logradar.alerting.threshold import Threshold, fit_threshold
from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector
from logradar.evaluation.audit import identities
from logradar.evaluation.splits import Parts, chronological
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.corpus import Corpus, reading
from logradar.pipeline.fitted import Fitted, Seen
from logradar.pipeline.settings import RunSettings
from logradar.pipeline.tabulate import Grouping, days_covered, group, match, mine


@dataclass
class Trained:
    """The outcome of a training: what the bundle holds, and figures for people."""

    fitted: Fitted
    bundle: Path
    figures: dict[str, Any]


def train(spec: str, bundle: Path, settings: RunSettings, resume: bool = False) -> Trained:
    """Learn what is normal in INPUT ``spec`` and write it to ``bundle``.

    Sessions are cut in order of time before anything is learnt: templates are mined on the
    training part only. With labels, only normal sessions train. Neural detectors keep
    checkpoints in ``BUNDLE.training`` until the bundle is written; ``resume`` goes on from there.
    """
    began = time.monotonic()
    with reading(spec, settings.input) as corpus:
        settings = _resolved(settings, corpus)
        grouping = group(corpus, settings.sessions)
        parts = chronological((grouping.start, grouping.first), settings.split)
        learn, watch = (
            _normal(part, grouping, name) for part, name in ((parts.train, "train"), (parts.valid, "valid"))
        )
        miner = TemplateMiner(settings.parsing)
        mine(corpus, miner, grouping, learn)
        sessions = match(corpus, miner, grouping, settings.sessions)
    if not watch.size:
        say("There is no validation session: the threshold is 0, so whatever is new is an alert.")
    fitted = fit(settings, miner, sessions, learn, watch, runs)
    before = np.concatenate([parts.train, parts.valid])
    fitted.seen = Seen(
        identities(sessions.take(pa.array(before))),
        np.unique(Sequences.from_arrow(sessions["template_ids"]).take(np.concatenate([learn, watch])).fingerprints()),
    )
    fitted.facts |= _facts(spec, corpus, grouping, parts, learn, watch, sessions, time.monotonic() - began)
    fitted.save(bundle)
    return Trained(fitted, bundle, {**fitted.facts, "thresholds": {n: t.value for n, t in fitted.thresholds.items()}})


def fit(
    settings: RunSettings,
    miner: TemplateMiner,
    sessions: pa.Table,
    learn: np.ndarray,
    watch: np.ndarray,
    runs: Path | None = None,
) -> Fitted:
    """Fit the main detector and those beside it on rows ``learn``, thresholds on rows ``watch``."""
    train_part, valid_part = sessions.take(pa.array(learn)), sessions.take(pa.array(watch))
    days = days_covered(valid_part)
    rate = valid_part.num_rows / days if days else None
    detectors: dict[str, Detector] = {}
    for name in dict.fromkeys((settings.detector, *settings.beside)):
        if name in detectors:
            continue
        detector = settings.make(name)
        detector.fit(train_part, valid_part, runs / name if runs else None)
        detectors |= {name: detector, **{n: m for n, m in detector.members.items() if n not in detectors}}
    thresholds: dict[str, Threshold] = {
        name: fit_threshold(detector.validation_scores, settings.threshold, rate)
        for name, detector in detectors.items()
    }
    validation = {name: detector.validation_scores for name, detector in detectors.items()}
    history = {name: detector.history for name, detector in detectors.items() if detector.history}
    nothing = Seen(np.empty(0, np.uint64), np.empty(0, np.uint64))
    facts = {"sessions_per_day": rate}
    return Fitted(settings, miner, detectors, thresholds, validation, history, nothing, facts)


def _resolved(settings: RunSettings, corpus: Corpus) -> RunSettings:
    """Settings with what was found out about the input, so that a bundle repeats it."""
    update: dict[str, Any] = {"input": corpus.input}
    if corpus.test is not None and "test" not in settings.split.model_fields_set:
        update["split"] = settings.split.model_copy(update={"test": corpus.test})
        say(
            f"The protocol of this data set holds back the latest {corpus.test:.0%} of its sessions for "
            "`logradar evaluate`; split.test=0 trains on everything."
        )
    return settings.model_copy(update=update)


def _normal(part: np.ndarray, grouping: Grouping, name: str) -> np.ndarray:
    """The sessions of a part that are not labelled anomalous."""
    kept = part[~grouping.anomalous[part]]
    if not len(kept) and name == "train":
        raise DataError(
            f"All {len(part)} sessions of the training part are labelled anomalous; give normal data to learn from."
        )
    return kept


def _facts(
    spec: str,
    corpus: Corpus,
    grouping: Grouping,
    parts: Parts,
    learn: np.ndarray,
    watch: np.ndarray,
    sessions: pa.Table,
    seconds: float,
) -> dict[str, Any]:
    split = parts.facts(sessions) | {
        "learnt_from": len(learn),
        "threshold_from": len(watch),
        "anomalies_left_out": int(grouping.anomalous[parts.train].sum() + grouping.anomalous[parts.valid].sum()),
    }
    return {
        "input": Path(spec).name if spec != "-" else "stdin",
        "source": corpus.source,
        "records": corpus.records,
        "sessions": sessions.num_rows,
        "quarantined": corpus.quarantined,
        "split": split,
        "seconds": round(seconds, 2),
    }
