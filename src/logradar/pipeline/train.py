"""Train: from an input to a bundle."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from logradar.core.bundle import require_place
from logradar.core.distinct import sweep
from logradar.core.errors import ConfigError
from logradar.core.progress import say
from logradar.core.session_set import SessionTable
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.model.bundle import Bundle
from logradar.model.provenance import Invocation
from logradar.model.settings import RunSettings
from logradar.pipeline.learning.fitting import Trained, concluded, require_marked, training_material
from logradar.pipeline.learning.training_artifacts import checkpoints_of, runs_of, save
from logradar.pipeline.training_data.sessions import TrainingData
from logradar.storage.records import Collect, opening
from logradar.training.processes import first, leave, place, wait
from logradar.training.trackers import runs_in

FEW: Final = 20  # sessions below which nothing that is learnt can be trusted
_MOST_HELD_BACK: Final = 0.5  # share for testing beyond which it is named as the reason


def train(
    spec: str,
    bundle: Path,
    settings: RunSettings,
    *,
    resume: bool = False,
    replace: bool = True,
    started: Invocation | None = None,
    collecting: Collect | None = None,
) -> Trained:
    """Learn what is normal in INPUT ``spec`` and write it to ``bundle``.

    Sessions are divided in order of time before anything is learnt; templates are not even mined of what is held
    back. With labels, only normal sessions train. Neural detectors keep checkpoints in ``BUNDLE.training`` until the
    bundle is written; ``resume`` goes on from there. Started by ``torchrun`` or ``accelerate launch``, the processes
    train neural detectors together, do everything else each for itself, and the first one writes the bundle.
    ``started`` says by which command, for the provenance that the bundle keeps. An older bundle of that name is an
    error, unless it may be ``replace``d. ``collecting`` is another way to read records than
    `logradar.storage.records.collect`.
    """
    began, given = time.monotonic(), settings
    for sentence in settings.unused:
        say(sentence)
    if spec == "-" and place()[1] > 1:
        raise ConfigError("Several processes cannot all read stdin; write the log to a file first.")
    require_place(bundle, replace=replace)
    for name in dict.fromkeys((settings.detector, *settings.beside)):
        settings.make(name).check_machine()
    with opening(spec, settings.input, outputs=[bundle]) as (opened, home):
        event_ids = opened.has_sessions and settings.events == "given"
        if not event_ids:
            settings = settings.model_copy(update={"events": "mined"})
        material = training_material(opened, home, settings, event_ids=event_ids, collecting=collecting)
        with runs_in(runs_of(bundle)):
            fitted = fitted_on(material.data, material.settings, bundle, resume)
    fitted.rates = material.rates
    fitted.facts |= material.facts(spec, began, started, given)
    leave()  # no process needs the others any more
    if first():
        save(fitted, bundle, checkpoints_of(bundle))
        if fitted.reviewable is not None and material.data.split["trimmed"]:
            say(f"Look at what was not learnt, and say what of it is normal: `logradar review {bundle}`")
        if not fitted.keeps_checkpoints:
            shutil.rmtree(checkpoints_of(bundle), ignore_errors=True)
    return Trained.of(fitted, bundle)


def fitted_on(data: TrainingData, settings: RunSettings, bundle: Path, resume: bool) -> Bundle:
    """The bundle of ``data``: detectors fitted on the training part, thresholds on the validation part."""
    require_marked(settings, data)
    if data.templates.evicted:
        say(
            f"{data.templates.evicted:,} templates were given up for newer ones: the log holds much free text. "
            "Mask it (parsing.masking.extra) or raise parsing.drain.max_clusters."
        )
    if len(data.train) < FEW:
        part = f" (split.test={settings.split.test:g})" if settings.split.test > _MOST_HELD_BACK else ""
        count = "1 session" if len(data.train) == 1 else f"{len(data.train):,} sessions"
        say(
            f"Only {count} of {data.sessions:,} can be learnt from{part}: most of what is normal is not known, and "
            "there will be false alarms. Give more logs."
        )
    if not len(data.valid):
        say("There is no validation session: the threshold is 0, so whatever is new is an alert.")
    checkpoints = checkpoints_of(bundle)
    if first() and resume:
        sweep(checkpoints)
    elif first():
        shutil.rmtree(checkpoints, ignore_errors=True)
    wait()
    detectors: dict[str, Detector] = {}
    dropped: dict[str, str] = {}  # members of an ensemble that could not be trained
    marked = SessionTable(data.marked) if data.marked is not None else None
    room = settings.memory_mb << 20
    with TrainingSet(data.train, data.valid, checkpoints, room, None, data.texts, data.faulty, marked) as training:
        for name in dict.fromkeys((settings.detector, *settings.beside)):
            if name not in detectors and name not in dropped:
                detector = settings.make(name, resume)
                detector.fit(training.inside(name))
                detectors = {**detector.members, **detectors, name: detector}
                dropped |= getattr(detector, "dropped", {})
        fitted = concluded(settings, data, detectors, training)
    if dropped:
        fitted.facts["dropped"] = dropped
    return fitted
