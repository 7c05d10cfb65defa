"""Train: from an input to a bundle."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from logradar.alerting.threshold import Threshold, fit_threshold
from logradar.core.distinct import sweep
from logradar.core.errors import ConfigError, DataError
from logradar.core.progress import say
from logradar.core.session_set import SessionSet
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.evaluation.splits import SplitSettings
from logradar.model.bundle import Bundle, Seen
from logradar.model.replay_buffer import ReplayBuffer, unseen
from logradar.model.settings import RunSettings
from logradar.model.validation_sample import sample
from logradar.parsing.template_source import TemplateSource
from logradar.pipeline import next_event_metrics as next_events
from logradar.pipeline.training_artifacts import save
from logradar.pipeline.training_data.day_files import from_days, gather
from logradar.pipeline.training_data.sessions import TrainingData, bounds, from_records
from logradar.sources.base import Dataset
from logradar.sources.opening.opening import InputSettings
from logradar.storage.records import collect, opening
from logradar.training.processes import first, leave, place, wait


@dataclass
class Trained:
    """The outcome of a training: what the bundle holds, and figures for people."""

    fitted: Bundle
    bundle: Path
    figures: dict[str, Any]


def train(spec: str, bundle: Path, settings: RunSettings, *, resume: bool = False) -> Trained:
    """Learn what is normal in INPUT ``spec`` and write it to ``bundle``.

    Sessions are cut in order of time before anything is learnt; what is held back is not even
    mined for templates. With labels, only normal sessions train. Neural detectors keep
    checkpoints in ``BUNDLE.training`` until the bundle is written; ``resume`` goes on from there.
    Started by ``torchrun`` or ``accelerate launch``, the processes train neural detectors together,
    do everything else each for itself, and the first one writes the bundle.
    """
    began = time.monotonic()
    if spec == "-" and place()[1] > 1:
        raise ConfigError("Several processes cannot all read stdin; write the log to a file first.")
    with opening(spec, settings.input) as (opened, home):
        if opened.has_sessions and settings.events == "given":
            require_no_values(settings)
            source, reasons = opened.source, (gathered := gather(opened, home, settings.split.by == "files")).reasons
            settings = resolved(settings, opened.settings, opened.dataset)
            material = from_days(gathered, settings)
        else:
            corpus = collect(opened, home)
            source, reasons = corpus.source, dict(corpus.reasons)
            settings = resolved(settings, corpus.input, opened.dataset).model_copy(update={"events": "mined"})
            material, sessions = from_records(corpus, settings, home)
            settings = settings.model_copy(update={"sessions": sessions})
        fitted = _learn(material, settings, bundle, resume)
    fitted.facts |= facts_of(spec, source, material, sum(reasons.values()), began)
    leave()  # no process needs the others any more
    if first():
        save(fitted, bundle, _checkpoints(bundle))
        if not fitted.keeps_checkpoints:
            shutil.rmtree(_checkpoints(bundle), ignore_errors=True)
    return Trained(fitted, bundle, figures_of(fitted, bundle))


def facts_of(spec: str, source: str, material: TrainingData, quarantined: int, began: float) -> dict[str, Any]:
    """What a bundle says of its training; no path of this machine."""
    return {
        "input": "stdin" if spec == "-" else Path(spec).name,
        "source": source,
        "records": material.records,
        "sessions": material.sessions,
        "quarantined": quarantined,
        "split": material.split,
        "seconds": round(time.monotonic() - began, 2),
    }


def figures_of(fitted: Bundle, bundle: Path) -> dict[str, Any]:
    """What a training tells people."""
    figures = {**fitted.facts, "thresholds": {name: t.value for name, t in fitted.thresholds.items()}}
    if fitted.next_events:
        figures["next_events"] = fitted.next_events
    return {"bundle": str(bundle), "templates": fitted.miner.templates().num_rows, **figures}


def require_no_values(settings: RunSettings) -> None:
    """`DataError` where a detector needs values: events that have ids of their own carry none."""
    if settings.inputs != TEMPLATE_IDS:
        names = [name for name in (settings.detector, *settings.beside) if settings.make(name).inputs != TEMPLATE_IDS]
        raise DataError(
            f"Detector '{names[0]}' looks at values in lines and at the time between them; the event ids of day files "
            "carry neither. Learn from their lines with events=mined, or leave it out."
        )


def _learn(material: TrainingData, settings: RunSettings, bundle: Path, resume: bool) -> Bundle:
    """Fit everything on the material."""
    if material.templates.evicted:
        say(
            f"{material.templates.evicted:,} templates were given up for newer ones: the log holds much free text. "
            "Mask it (parsing.masking.extra) or raise parsing.drain.max_clusters."
        )
    if not len(material.valid):
        say("There is no validation session: the threshold is 0, so whatever is new is an alert.")
    checkpoints = _checkpoints(bundle)
    if first() and resume:
        sweep(checkpoints)
    elif first():
        shutil.rmtree(checkpoints, ignore_errors=True)
    wait()
    fitted = fit(settings, material.templates, material.train, material.valid, checkpoints, resume, material.marked)
    fitted.seen, fitted.files = material.seen, material.files
    return fitted


def _checkpoints(bundle: Path) -> Path:
    return bundle.with_name(bundle.name + ".training")


def fit(
    settings: RunSettings,
    templates: TemplateSource,
    train: SessionSet,
    valid: SessionSet,
    checkpoints: Path,
    resume: bool = False,
    marked: pa.Table | None = None,
) -> Bundle:
    """Fit the main detector and those beside it on ``train``, thresholds on ``valid``.

    ``marked`` are sessions of the validation part that are labelled anomalous: nothing learns from them, but a
    threshold may be fitted to a precision with them.
    """
    if settings.threshold.precision is not None and (marked is None or not len(marked)):
        raise DataError(
            "threshold.precision needs sessions labelled anomalous in the validation part, and there are none; use "
            "threshold.alerts_per_day or threshold.quantile."
        )
    days = days_of(valid)
    rate = len(valid) / days if days else None
    detectors: dict[str, Detector] = {}
    dropped: dict[str, str] = {}  # members of an ensemble that could not be trained
    with TrainingSet(train, valid, checkpoints, settings.memory_mb << 20) as training:
        for name in dict.fromkeys((settings.detector, *settings.beside)):
            if name not in detectors and name not in dropped:
                detector = settings.make(name, resume)
                detector.fit(training.inside(name))
                detectors = {**detector.members, **detectors, name: detector}
                dropped |= getattr(detector, "dropped", {})
        memory = ReplayBuffer.of(chain(training.distinct.pieces(), valid.sequences()), settings.replay)
        unseen_valid = unseen(training.distinct.pieces(), valid.sequences())
    odd = {
        name: detector.score(marked)["score"].to_numpy() for name, detector in detectors.items() if marked is not None
    }
    thresholds: dict[str, Threshold] = {
        name: fit_threshold(detector.validation_scores, settings.threshold, rate, odd.get(name))
        for name, detector in detectors.items()
    }
    validation = {name: detector.validation_scores for name, detector in detectors.items()}
    history = {name: detector.history for name, detector in detectors.items() if detector.history}
    nothing = Seen(np.empty(0, np.uint64), np.empty(0, np.uint64))
    facts = {"sessions_per_day": rate, **({"dropped": dropped} if dropped else {})}
    fitted = Bundle(settings, templates, detectors, thresholds, validation, history, nothing, facts, marked=odd)
    fitted.memory, fitted.facts["valid_unseen"] = memory, unseen_valid
    fitted.next_events = next_events.when_trained(detectors, valid)
    fitted.sample = sample(valid) if fitted.next_events else None
    return fitted


def days_of(sessions: SessionSet) -> float | None:
    """Days from the first start to the last end of SESSIONS; None without times or for an instant."""
    first, last = bounds(sessions, "start")[0].as_py(), bounds(sessions, "end")[1].as_py()
    return (last - first).total_seconds() / 86_400 if first and last and last != first else None


def resolved(settings: RunSettings, found: InputSettings, dataset: Dataset | None) -> RunSettings:
    """Settings with what was found out about the input, so that a bundle repeats it; no paths of this machine."""
    update: dict[str, Any] = {"input": found.for_others()}
    if dataset is not None and not {"test", "first", "by"} & settings.split.model_fields_set:
        protocol: dict[str, Any] = {"test": dataset.test, "first": dataset.first}
        if "hold_anomalies" not in settings.split.model_fields_set:
            protocol["hold_anomalies"] = dataset.hold_anomalies
        update["split"] = settings.split.model_copy(update=protocol)
        say(_protocol(update["split"]))
    return settings.model_copy(update=update)


def _protocol(split: SplitSettings) -> str:
    """What the protocol of a data set holds back, for people."""
    which = "normal sessions" if split.hold_anomalies else "sessions"
    if split.first is not None:
        held = f"learns from its first {split.first:,} {which} and holds back the others"
    else:
        held = f"holds back the latest {split.test:.0%} of its {which}"
    odd = " and all anomalous ones" if split.hold_anomalies else ""
    return f"The protocol of this data set {held}{odd} for `logradar evaluate`; split.test=0 trains on everything."
