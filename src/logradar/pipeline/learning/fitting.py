"""Fitting: what `train` and `continue_training` share, from an opened input to the bundle that results."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from logradar.alerting.threshold import fit_threshold
from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.session_set import SessionSet
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.evaluation.splits import SplitSettings
from logradar.model.bundle import Bundle, Seen
from logradar.model.provenance import Invocation, files_of, portable, settings_given
from logradar.model.rates.profile import RateProfile
from logradar.model.replay_buffer import ReplayBuffer, unseen
from logradar.model.settings import RunSettings
from logradar.model.validation_sample import sample
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.learning.rates import rates_of_corpus, rates_of_sessions
from logradar.pipeline.measuring import next_event_metrics as next_events
from logradar.pipeline.training_data.day_files import from_days, gather
from logradar.pipeline.training_data.sessions import TrainingData, bounds, from_records
from logradar.sources.base import Dataset
from logradar.sources.opening.opening import InputSettings, Opened
from logradar.storage.records import Collect, collect, read_by_one_machine


@dataclass
class Trained:
    """The outcome of a training: what the bundle holds, and figures for people."""

    fitted: Bundle
    bundle: Path
    figures: dict[str, Any]

    @classmethod
    def of(cls, fitted: Bundle, bundle: Path) -> Trained:
        """With the figures that a training reports."""
        figures = {**fitted.facts, "thresholds": {name: t.value for name, t in fitted.thresholds.items()}}
        if fitted.next_events:
            figures["next_events"] = fitted.next_events
        templates = fitted.miner.templates().num_rows
        return cls(fitted, bundle, {"bundle": str(bundle), "templates": templates, **figures})


@dataclass(frozen=True)
class Material:
    """The data of a training, the settings with all that was found out about the input, and where it came from.

    ``files`` are the files that were chosen (`logradar.model.provenance.files_of`), ``rates`` what counts show.
    """

    data: TrainingData
    settings: RunSettings
    source: str
    quarantined: int
    files: dict[str, Any]
    rates: RateProfile | None = None

    def facts(self, spec: str, began: float, started: Invocation | None, given: RunSettings) -> dict[str, Any]:
        """What a bundle says of its training, ``started`` with the settings ``given``; no path of this machine."""
        how = (started or Invocation()).to_json()
        return {
            "input": "stdin" if spec == "-" else Path(spec).name or portable(spec),
            "source": self.source,
            "records": self.data.records,
            "sessions": self.data.sessions,
            "quarantined": self.quarantined,
            "split": self.data.split,
            "seconds": round(time.monotonic() - began, 2),
            "provenance": {
                **how,
                "settings": settings_given(given),
                "files": self.files,
            },
        }


def training_material(
    opened: Opened,
    home: Path,
    settings: RunSettings,
    *,
    event_ids: bool,
    miner: TemplateMiner | None = None,
    known: RateProfile | None = None,
    collecting: Collect | None = None,
) -> Material:
    """The training data of an opened input: sessions with ``event_ids`` of their own, or grouped from records.

    ``miner`` is one that goes on from what it knows; then the protocol of a data set does not apply. ``known`` are the
    rates that go on with it. ``collecting`` is another way to read records than `logradar.storage.records.collect`.
    """
    dataset = opened.dataset if miner is None else None
    if event_ids:
        require_no_values(settings)
        read_by_one_machine(collecting)
        gathered = gather(opened, home, settings.split.by == "files")
        settings = resolved(settings, opened.settings, dataset)
        quarantined = sum(gathered.reasons.values())
        data = from_days(gathered, settings)
        rates = rates_of_sessions(data, home, settings.rates, known)
        return Material(data, settings, opened.source, quarantined, files_of(opened), rates)
    corpus = (collecting or collect)(opened, home)
    settings = resolved(settings, corpus.input, dataset)
    data, sessions = from_records(corpus, settings, home, miner)
    if miner is None:  # a training that goes on keeps what ends a session
        settings = settings.model_copy(update={"sessions": sessions})
    rates = rates_of_corpus(corpus, home, settings.rates, data.split, known)
    return Material(data, settings, corpus.source, corpus.quarantined, files_of(opened), rates)


def concluded(
    settings: RunSettings,
    data: TrainingData,
    detectors: Mapping[str, Detector],
    training: TrainingSet,
    earlier: Bundle | None = None,
) -> Bundle:
    """The bundle of fitted ``detectors``: thresholds on the validation sessions, and what is kept for later.

    With ``earlier``, the bundle that this training went on from, its validation scores, fingerprints and normal
    sequences are kept too.
    """
    marked = data.marked if data.marked is not None and len(data.marked) else None
    validation = {name: detector.validation_scores for name, detector in detectors.items()}
    rate = _rate(data.valid, earlier)
    if earlier is not None:
        validation = {name: np.concatenate([earlier.validation[name], own]) for name, own in validation.items()}
    anomalies = {
        name: detector.score(marked)["score"].to_numpy() for name, detector in detectors.items() if marked is not None
    }
    known = [] if earlier is None or earlier.memory is None else [earlier.memory.rows]
    new = unseen(chain(known, training.distinct.pieces()), data.valid.sequences())
    history = {name: detector.history for name, detector in detectors.items() if detector.history}
    bundle = Bundle(
        settings,
        data.templates,
        detectors,
        {
            name: fit_threshold(scores, settings.threshold, rate, anomalies.get(name))
            for name, scores in validation.items()
        },
        validation,
        history if earlier is None else earlier.history | history,
        data.seen if earlier is None else _joined(earlier.seen, data.seen),
        {
            "sessions_per_day": rate,
            "valid_unseen": new + (int(earlier.facts.get("valid_unseen") or 0) if earlier is not None else 0),
        },
        files=data.files,
        memory=ReplayBuffer.of(chain(known, _learnt(training, earlier), data.valid.sequences()), settings.replay),
        marked=anomalies,
    )
    if earlier is None:  # what an earlier training learnt cannot be fitted again from newer sessions alone
        bundle.reviewable = data.reviewable
    bundle.next_events = next_events.when_trained(detectors, data.valid)
    return replace(bundle, sample=sample(data.valid)) if bundle.next_events else bundle


def _learnt(training: TrainingSet, earlier: Bundle | None) -> Any:
    """Sequences of the training part; those that were learnt again are not counted twice."""
    return training.distinct.pieces() if earlier is None else training.sessions.sequences()


def _rate(valid: SessionSet, earlier: Bundle | None) -> float | None:
    """Normal sessions a day; of both trainings where there was an earlier one."""
    days = days_of(valid)
    before = earlier.facts.get("sessions_per_day") if earlier is not None else None
    if earlier is not None and before:
        sessions = len(earlier.validation[earlier.settings.detector])
        return (sessions + len(valid)) / (sessions / before + days) if days else before
    return len(valid) / days if days else None


def _joined(one: Seen, other: Seen) -> Seen:
    return Seen(np.union1d(one.sessions, other.sessions), np.union1d(one.sequences, other.sequences))


def require_marked(settings: RunSettings, data: TrainingData) -> None:
    """`DataError` where a threshold is to be fitted to a precision and no validation session is labelled anomalous."""
    if settings.threshold.precision is not None and (data.marked is None or not len(data.marked)):
        raise DataError(
            "threshold.precision needs sessions labelled anomalous in the validation part, and there are none; use "
            "threshold.alerts_per_day or threshold.quantile."
        )


def require_no_values(settings: RunSettings) -> None:
    """`DataError` where a detector needs values: events that have ids of their own carry none."""
    able = TEMPLATE_IDS | {"texts"}
    if not settings.inputs <= able:
        names = [name for name in (settings.detector, *settings.beside) if not settings.make(name).inputs <= able]
        raise DataError(
            f"Detector '{names[0]}' looks at values in lines and at the time between them; the event ids of day files "
            "carry neither. Learn from their lines with events=mined, or leave it out."
        )


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
    anomalies = " and all anomalous ones" if split.hold_anomalies else ""
    return (
        f"The protocol of this data set {held}{anomalies} for `logradar evaluate`; split.test=0 trains on everything."
    )
