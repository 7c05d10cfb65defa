"""Train: from an input to a bundle."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
from logradar.pipeline.tabulate import anomalous, days_covered, fill, group, learn_templates

Rows = npt.NDArray[np.int64]


@dataclass
class Trained:
    """The outcome of a training: what the bundle holds, and figures for people."""

    fitted: Fitted
    bundle: Path
    figures: dict[str, Any]


def train(spec: str, bundle: Path, settings: RunSettings, resume: bool = False) -> Trained:
    """Learn what is normal in INPUT ``spec`` and write it to ``bundle``.

    Sessions are cut in order of time before anything is learnt; what is held back is not even
    mined for templates. With labels, only normal sessions train. Neural detectors keep
    checkpoints in ``BUNDLE.training`` until the bundle is written; ``resume`` goes on from there.
    """
    began = time.monotonic()
    with reading(spec, settings.input) as corpus:
        settings = _resolved(settings, corpus)
        grouped = group(corpus, settings.sessions)
        parts = chronological(grouped, settings.split)
        odd = anomalous(grouped)
        learn, watch = parts.train[~odd[parts.train]], parts.valid[~odd[parts.valid]]
        if not len(learn):
            raise DataError(
                f"All {len(parts.train)} sessions of the training part are labelled anomalous; give normal data."
            )
        miner = TemplateMiner(settings.parsing)
        learn_templates(corpus, miner, grouped, np.concatenate([learn, watch]))
        sessions = fill(corpus, miner, grouped)
    if miner.evicted:
        say(
            f"{miner.evicted:,} templates were given up for newer ones: the log holds much free text. Mask it "
            "(parsing.masking.extra) or raise parsing.drain.max_clusters."
        )
    if not len(watch):
        say("There is no validation session: the threshold is 0, so whatever is new is an alert.")
    checkpoints = bundle.with_name(bundle.name + ".training")
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    fitted = fit(settings, miner, sessions, learn, watch, checkpoints, resume)
    before = np.concatenate([parts.train, parts.valid])
    fitted.seen = Seen(
        identities(sessions.take(pa.array(before))),
        np.unique(Sequences.from_arrow(sessions["template_ids"]).take(np.concatenate([learn, watch])).fingerprints()),
    )
    fitted.facts |= _facts(spec, corpus, sessions, parts, odd)
    fitted.facts["seconds"] = round(time.monotonic() - began, 2)
    fitted.save(bundle)
    shutil.rmtree(checkpoints, ignore_errors=True)
    figures = {**fitted.facts, "thresholds": {name: t.value for name, t in fitted.thresholds.items()}}
    return Trained(fitted, bundle, {"bundle": str(bundle), "templates": miner.templates().num_rows, **figures})


def fit(
    settings: RunSettings,
    miner: TemplateMiner,
    sessions: pa.Table,
    learn: Rows,
    watch: Rows,
    checkpoints: Path,
    resume: bool = False,
) -> Fitted:
    """Fit the main detector and those beside it on rows ``learn``, thresholds on rows ``watch``."""
    train_part, valid_part = sessions.take(pa.array(learn)), sessions.take(pa.array(watch))
    days = days_covered(valid_part)
    rate = valid_part.num_rows / days if days else None
    detectors: dict[str, Detector] = {}
    for name in dict.fromkeys((settings.detector, *settings.beside)):
        if name not in detectors:
            detector = settings.make(name, resume)
            detector.fit(train_part, valid_part, checkpoints / name)
            detectors = {**detector.members, **detectors, name: detector}
    thresholds: dict[str, Threshold] = {
        name: fit_threshold(detector.validation_scores, settings.threshold, rate)
        for name, detector in detectors.items()
    }
    validation = {name: detector.validation_scores for name, detector in detectors.items()}
    history = {name: detector.history for name, detector in detectors.items() if detector.history}
    nothing = Seen(np.empty(0, np.uint64), np.empty(0, np.uint64))
    return Fitted(settings, miner, detectors, thresholds, validation, history, nothing, {"sessions_per_day": rate})


def _resolved(settings: RunSettings, corpus: Corpus) -> RunSettings:
    """Settings with what was found out about the input, so that a bundle repeats it; no paths of this machine."""
    update: dict[str, Any] = {"input": corpus.input.for_others()}
    if corpus.test is not None and "test" not in settings.split.model_fields_set:
        update["split"] = settings.split.model_copy(update={"test": corpus.test})
        say(
            f"The protocol of this data set holds back the latest {corpus.test:.0%} of its sessions for "
            "`logradar evaluate`; split.test=0 trains on everything."
        )
    return settings.model_copy(update=update)


def _facts(spec: str, corpus: Corpus, sessions: pa.Table, parts: Parts, odd: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """What the bundle was trained on, for its manifest."""
    before = np.concatenate([parts.train, parts.valid])
    return {
        "input": "stdin" if spec == "-" else Path(spec).name,
        "source": corpus.source,
        "records": corpus.records,
        "sessions": sessions.num_rows,
        "quarantined": corpus.quarantined,
        "split": parts.facts(sessions) | {"anomalies_left_out": int(odd[before].sum())},
    }
