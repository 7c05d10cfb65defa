"""Further: a bundle learns more from newer normal logs, and does not forget the older ones."""

from __future__ import annotations

import shutil
import time
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from logradar.alerting.feedback import Feedback
from logradar.alerting.threshold import Threshold, fit_threshold
from logradar.core.config import Config
from logradar.core.errors import BundleError, ConfigError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.session_view import TEMPLATE_IDS
from logradar.core.tables import UNKNOWN
from logradar.core.training_set import TrainingSet
from logradar.detectors.base import Detector
from logradar.model.bundle import Bundle, Seen, input_settings
from logradar.model.replay_buffer import ReplayBuffer, unseen
from logradar.model.settings import RunSettings
from logradar.model.validation_sample import sample
from logradar.parsing.template_source import TemplateSource
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline import next_event_metrics as next_events
from logradar.pipeline.detect import require_event_ids
from logradar.pipeline.train import Trained, days_of, facts_of, figures_of, resolved
from logradar.pipeline.training_artifacts import save
from logradar.pipeline.training_data.day_files import from_days, gather
from logradar.pipeline.training_data.sessions import TrainingData, from_records
from logradar.storage.records import collect, opening
from logradar.training.processes import place

C = TypeVar("C", bound=Config)
_FIXED = ("detector", "beside", "parsing", "sessions", "events")


def train_further(old: Path, spec: str, bundle: Path, wished: RunSettings) -> Trained:
    """Go on from bundle ``old`` with INPUT ``spec``, newer and normal, and write the result to ``bundle``.

    Templates keep their ids, and new ones join them. Detectors that can learn more do, networks go on from
    their weights; all see the normal sequences that ``old`` keeps beside the new ones (experience replay: Rolnick
    et al., NeurIPS 2019). What looks at values learns anew, for a bundle keeps none. Of ``wished`` only settings that
    were set count; all of the input is learnt from unless ``split.test`` is. Feedback is kept.
    """
    began = time.monotonic()
    if place()[1] > 1:
        raise ConfigError("A training that goes on runs in one process; start it without torchrun or accelerate.")
    fitted = Bundle.load(old)
    if fitted.memory is None or not len(fitted.memory):
        raise BundleError(f"Bundle '{old}' keeps no normal sessions to go on from (replay); train it anew.")
    settings = _settings(fitted, wished)
    with opening(spec, settings.input) as (opened, home):
        if fitted.miner.uses_event_ids:
            gathered = gather(require_event_ids(opened), home, settings.split.by == "files")
            source, quarantined = opened.source, sum(gathered.reasons.values())
            settings = resolved(settings, opened.settings, None)
            material = from_days(gathered, settings)
        else:
            assert isinstance(fitted.miner, TemplateMiner)  # all other templates are event ids
            corpus = collect(opened, home)
            source, quarantined = corpus.source, corpus.quarantined
            settings = resolved(settings, corpus.input, None)
            material, _ = from_records(corpus, settings, home, _thawed(fitted.miner))
        material.templates = fitted.miner.joined(material.templates)
        result = _learn(fitted, material, settings, bundle)
    result.facts |= facts_of(spec, source, material, quarantined, began) | {
        "split": material.split | {"train_from": fitted.facts["split"].get("train_from")},
        "from": {key: fitted.facts.get(key) for key in ("input", "records", "sessions", "created")},
    }
    save(result, bundle, bundle.with_name(bundle.name + ".training"))
    if not result.keeps_checkpoints:
        shutil.rmtree(bundle.with_name(bundle.name + ".training"), ignore_errors=True)
    return Trained(result, bundle, figures_of(result, bundle))


def _tell_what_is_new(known: Sequences, material: TrainingData) -> None:
    """A word where most of the new logs are of kinds that the kept sessions do not have."""
    events = new = 0
    ids = np.unique(known.values)
    for piece in material.train.sequences():
        events += len(piece.values)
        new += int((~np.isin(piece.values, ids)).sum())
    if len(ids) and 2 * new > events:
        say(
            f"{new:,} of {events:,} new events are of kinds that the bundle hardly knows: are these logs of the same "
            "software? If not, train a bundle of their own."
        )


def _learn(fitted: Bundle, material: TrainingData, settings: RunSettings, bundle: Path) -> Bundle:
    assert fitted.memory is not None
    _tell_what_is_new(fitted.memory.rows, material)
    folder = bundle.with_name(bundle.name + ".training")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    inside, room = fitted.main.members, settings.memory_mb << 20
    with TrainingSet(material.train, material.valid, folder, room, fitted.memory.rows) as training:
        for name, detector in fitted.detectors.items():
            if name in inside:
                continue
            detector.continue_from(fitted.memory.holds_all(fitted.settings.replay))
            _newest_training(detector, settings.make(name))
            if detector.inputs != TEMPLATE_IDS:
                say(f"{name}: what it knows of values is learnt anew, from these logs alone")
            detector.fit(training.inside(name))
    days, rate = days_of(material.valid), fitted.facts.get("sessions_per_day")
    before = len(fitted.validation[fitted.settings.detector])
    if days and rate:
        rate = (before + len(material.valid)) / (before / rate + days)
    elif days:
        rate = len(material.valid) / days
    validation = {
        name: np.concatenate([fitted.validation[name], detector.validation_scores])
        for name, detector in fitted.detectors.items()
    }
    marked = material.marked
    odd = {name: d.score(marked)["score"].to_numpy() for name, d in fitted.detectors.items() if marked is not None}
    thresholds: dict[str, Threshold] = {
        name: fit_threshold(scores, settings.threshold, rate, odd.get(name)) for name, scores in validation.items()
    }
    known = [fitted.memory.rows]
    now = unseen(chain(known, material.train.sequences()), material.valid.sequences())
    result = Bundle(
        settings,
        material.templates,
        fitted.detectors,
        thresholds,
        validation,
        fitted.history | {name: d.history for name, d in fitted.detectors.items() if d.history},
        Seen(
            np.union1d(fitted.seen.sessions, material.seen.sessions),
            np.union1d(fitted.seen.sequences, material.seen.sequences),
        ),
        {"sessions_per_day": rate, "valid_unseen": int(fitted.facts.get("valid_unseen") or 0) + now},
        memory=ReplayBuffer.of(chain(known, material.train.sequences(), material.valid.sequences()), settings.replay),
        feedback=_renamed(fitted.feedback, material.templates),
        marked=odd,
    )
    result.next_events = next_events.when_trained(fitted.detectors, material.valid)
    result.sample = sample(material.valid) if result.next_events else None
    return result


def _renamed(feedback: Feedback, templates: TemplateSource) -> Feedback:
    """Feedback on messages that were unseen and now have a template of their own."""
    texts = sorted({event for entry in feedback.accepted for event in entry.signature.unseen})
    if not texts:
        return feedback
    ids = templates.match(pl.Series([text[1:] for text in texts], dtype=pl.String)).tolist()
    names = {text: str(id_) for text, id_ in zip(texts, ids, strict=True) if id_ != UNKNOWN}
    return Feedback(
        tuple(entry.model_copy(update={"signature": entry.signature.renamed(names)}) for entry in feedback.accepted)
    )


def _settings(fitted: Bundle, wished: RunSettings) -> RunSettings:
    before = fitted.settings.model_copy(update={"input": input_settings(fitted, None)})
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


def _thawed(miner: TemplateMiner) -> TemplateMiner:
    miner.frozen = False
    return miner
