"""Continue training: a bundle learns more from newer normal logs, and does not forget the older ones."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import polars as pl

from logradar.alerting.feedback import Feedback
from logradar.core.bundle import require_place
from logradar.core.config import Config
from logradar.core.errors import BundleError, ConfigError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.tables import UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.model.bundle import Bundle, input_settings
from logradar.model.provenance import Invocation
from logradar.model.settings import RunSettings
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.learning.fitting import Trained, concluded, require_marked, training_material
from logradar.pipeline.learning.rates import joined_rates
from logradar.pipeline.learning.training_artifacts import checkpoints_of, runs_of, save
from logradar.pipeline.training_data.sessions import TrainingData
from logradar.sources.opening.opening import require_event_ids
from logradar.storage.records import opening
from logradar.training.processes import place
from logradar.training.trackers import runs_in

C = TypeVar("C", bound=Config)
_FIXED = ("detector", "beside", "parsing", "sessions", "events")


def continue_training(
    old: Path,
    spec: str,
    bundle: Path,
    wished: RunSettings,
    *,
    training: Mapping[str, Any] = MappingProxyType({}),
    replace: bool = True,
    started: Invocation | None = None,
) -> Trained:
    """Go on from bundle ``old`` with INPUT ``spec``, newer and normal, and write the result to ``bundle``.

    Templates keep their ids, and new ones join them. Detectors that can learn more do, networks go on from
    their weights; all see the normal sequences that ``old`` keeps beside the new ones (experience replay: Rolnick
    et al., NeurIPS 2019). Detectors of values learn anew, because a bundle keeps no values. Of ``wished`` only settings
    that were set count; all of the input is learnt from unless ``split.test`` is set. Feedback is kept. ``training``
    is set for every network of the bundle, see `RunSettings.with_training`.
    ``started`` says by which command, for the provenance that the bundle keeps beside that of ``old``. An older bundle
    of the name of the new one is an error, unless it may be ``replace``d.
    """
    began = time.monotonic()
    if place()[1] > 1:
        raise ConfigError("A training that goes on runs in one process; start it without torchrun or accelerate.")
    require_place(bundle, replace=replace)
    earlier = Bundle.load(old)
    if earlier.memory is None or not len(earlier.memory):
        raise BundleError(f"Bundle '{old}' keeps no normal sessions to go on from (replay); train it anew.")
    settings = _settings(earlier, wished).with_training(training)
    event_ids = earlier.miner.uses_event_ids
    with opening(spec, settings.input, outputs=[bundle]) as (opened, home):
        if event_ids:
            require_event_ids(opened)
        miner = _thawed(earlier.miner) if isinstance(earlier.miner, TemplateMiner) else None
        material = training_material(opened, home, settings, event_ids=event_ids, miner=miner, known=earlier.rates)
        if len(earlier.review):
            say(
                f"What was said in the review of '{old}' is not applied to these logs, and is not in the new bundle; "
                "leave out what you know to be an anomaly in them with --labels."
            )
        material.data.templates = earlier.miner.joined(material.data.templates)
        with runs_in(runs_of(bundle)):
            result = _learn(earlier, material.data, material.settings, bundle)
    result.rates = joined_rates(earlier.rates, material.rates)
    result.facts |= material.facts(spec, began, started, wished) | {
        "split": material.data.split | {"train_from": earlier.facts["split"].get("train_from")},
        "from": {key: earlier.facts.get(key) for key in ("input", "records", "sessions", "created", "provenance")},
    }
    save(result, bundle, checkpoints_of(bundle))
    if not result.keeps_checkpoints:
        shutil.rmtree(checkpoints_of(bundle), ignore_errors=True)
    return Trained.of(result, bundle)


def _report_what_is_new(known: Sequences, data: TrainingData) -> None:
    """A sentence where most of the new events are of kinds that the kept sessions do not have."""
    events = new = 0
    ids = np.unique(known.values)
    for piece in data.train.sequences():
        events += len(piece.values)
        new += int((~np.isin(piece.values, ids)).sum())
    if len(ids) and 2 * new > events:
        say(
            f"{new:,} of {events:,} new events are of kinds that the bundle hardly knows: are these logs of the same "
            "software? If not, train a bundle of their own."
        )


def _learn(earlier: Bundle, data: TrainingData, settings: RunSettings, bundle: Path) -> Bundle:
    assert earlier.memory is not None
    require_marked(settings, data)
    _report_what_is_new(earlier.memory.rows, data)
    folder = checkpoints_of(bundle)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    members, room = earlier.main.members, settings.memory_mb << 20
    marked = SessionTable(data.marked) if data.marked is not None else None
    with TrainingSet(
        data.train, data.valid, folder, room, earlier.memory.rows, data.texts, data.faulty, marked
    ) as training:
        for name, detector in earlier.detectors.items():
            if name in members:
                continue
            detector.continue_from(earlier.memory.holds_all(earlier.settings.replay))
            _newest_training(detector, settings.make(name))
            if detector.inputs & {"gaps", "parameters"}:
                say(f"{name}: what it knows of values is learnt anew, from these logs alone")
            detector.fit(training.inside(name))
        result = concluded(settings, data, earlier.detectors, training, earlier)
    result.feedback = _renamed(earlier.feedback, data.templates)
    return result


def _renamed(feedback: Feedback, templates: TemplateSource) -> Feedback:
    """Feedback on messages that were unseen and now have a template of their own."""
    texts = sorted({event for entry in (*feedback.accepted, *feedback.confirmed) for event in entry.signature.unseen})
    if not texts:
        return feedback
    ids = templates.match(pl.Series([text[1:] for text in texts], dtype=pl.String)).tolist()
    names = {text: str(id_) for text, id_ in zip(texts, ids, strict=True) if id_ != UNKNOWN}
    accepted, confirmed = (
        tuple(entry.model_copy(update={"signature": entry.signature.renamed(names)}) for entry in entries)
        for entries in (feedback.accepted, feedback.confirmed)
    )
    return Feedback(accepted, confirmed)


def _settings(bundle: Bundle, wished: RunSettings) -> RunSettings:
    before = bundle.settings.model_copy(update={"input": input_settings(bundle, None)})
    split = before.split.model_copy(update={"test": 0.0})  # the protocol of the older input is not that of this one
    settings = _merged(before.model_copy(update={"split": split}), wished)
    changed = [name for name in _FIXED if getattr(settings, name) != getattr(before, name)]
    if changed:
        raise ConfigError(f"A training that goes on keeps '{changed[0]}' as it is; train anew to change it.")
    return settings


def _merged(base: C, over: C) -> C:
    """``base`` with what was set in ``over``, at any depth."""
    update = {}
    for name in over.model_fields_set:
        value, old = getattr(over, name), getattr(base, name)
        if isinstance(value, Config) and isinstance(old, Config):
            value = _merged(old, value)
        elif isinstance(value, dict) and isinstance(old, dict):
            value = _over(old, value)
        update[name] = value
    return base.model_copy(update=update)


def _over(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    both = {key: (old[key], value) for key, value in new.items() if isinstance(value, dict) and key in old}
    return {**old, **new, **{key: _over(*pair) for key, pair in both.items() if isinstance(pair[0], dict)}}


def _newest_training(detector: Detector, wished: Detector) -> None:
    """Epochs, learning rate and so on may be other ones; what makes the network may not."""
    training = getattr(wished.settings, "training", None)
    if training is not None:
        detector.settings = detector.settings.model_copy(update={"training": training})
    for name, member in detector.members.items():
        _newest_training(member, wished.members[name])


def _thawed(miner: TemplateMiner) -> TemplateMiner:
    miner.thaw()
    return miner
