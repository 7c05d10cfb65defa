"""What a bundle holds: frozen templates, detectors, thresholds, settings, and what was seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, Field

from logradar import __version__
from logradar.alerting.feedback import Feedback
from logradar.alerting.review import Review
from logradar.alerting.threshold import Threshold
from logradar.core.bundle import MANIFEST, verify, writing
from logradar.core.columns import Columns
from logradar.core.config import changed, kept
from logradar.core.documents import UNREADABLE, Saved, read_document, read_object, reason_of
from logradar.core.errors import BundleError, ConfigError, DataError, InputError
from logradar.core.locks import locked
from logradar.core.tables import texts_by_id
from logradar.detectors.base import Detector, detectors
from logradar.evaluation.splits import LISTS, FileParts, read_lists, write_lists
from logradar.model.rates.profile import RateProfile
from logradar.model.replay_buffer import ReplayBuffer
from logradar.model.self_test import SelfTest
from logradar.model.settings import RunSettings
from logradar.model.training_sessions import TrainingSessions
from logradar.model.validation_sample import of_sample
from logradar.parsing.given_templates import load_templates
from logradar.parsing.template_source import TemplateSource
from logradar.sources.base import sources
from logradar.sources.opening.opening import InputSettings

NEXT_EVENTS: Final = "next-events.json"
SAMPLE: Final = "validation-sample.parquet"
FEEDBACK: Final = "feedback.json"
REVIEW: Final = "review.json"
MARKED: Final = "anomaly-scores.parquet"
Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
T = TypeVar("T", Feedback, Review)


class _Figures(Saved):
    """The facts of the manifest that are reckoned with."""

    sessions_per_day: float | None = Field(gt=0)
    valid_unseen: int | None = Field(ge=0)


class _History(Saved):
    model_config = ConfigDict(allow_inf_nan=True)

    epochs: dict[str, list[dict[str, float]]]


@dataclass
class Seen:
    """Fingerprints of what came before the cut: of sessions, and of the sequences trained on."""

    sessions: Hashes
    sequences: Hashes


@dataclass
class Bundle:
    """A trained LogRadar: everything needed to score new logs.

    ``detectors`` holds the main one under its name and all those beside it; ``thresholds``,
    ``validation`` (scores of normal validation sessions) and ``history`` (of trainings) are by
    detector too. ``facts`` say what it was trained on. ``next_events`` are the figures of detectors that
    predict events, ``sample`` some validation sessions where there is such a detector. ``memory`` are normal sequences,
    ``feedback`` is what a person called harmless, ``marked`` are scores of sessions of the validation part that are
    labelled anomalous. ``reviewable`` are all sessions of a training without labels, ``review`` what a person said of
    their kinds.
    """

    settings: RunSettings
    miner: TemplateSource
    detectors: Mapping[str, Detector]
    thresholds: Mapping[str, Threshold]
    validation: Mapping[str, Floats]
    history: dict[str, list[dict[str, float]]]
    seen: Seen
    facts: dict[str, Any]
    files: FileParts | None = None  # the lists of the split, where whole files were split
    next_events: dict[str, dict[str, Any]] = field(default_factory=dict)
    sample: pa.Table | None = None
    memory: ReplayBuffer | None = None
    feedback: Feedback = field(default_factory=Feedback)
    marked: Mapping[str, Floats] = field(default_factory=dict)
    rates: RateProfile | None = None  # how often what came; None where there was too little time
    reviewable: TrainingSessions | None = None
    review: Review = field(default_factory=Review)

    @property
    def main(self) -> Detector:
        """The detector that raises alerts."""
        return self.detectors[self.settings.detector]

    @property
    def keeps_checkpoints(self) -> bool:
        """Whether the settings of a detector ask to leave its checkpoints beside the bundle."""
        trainings = [getattr(detector.settings, "training", None) for detector in self.detectors.values()]
        return any(training is not None and training.keep_checkpoints for training in trainings)

    @cached_property
    def identity(self) -> str:
        """A name for what signatures and states depend on: the templates and the normal sequences of the bundle."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(self.miner.templates()["fingerprint"].to_numpy().tobytes())
        if self.memory:
            digest.update(self.memory.rows.fingerprints().tobytes())
        return digest.hexdigest()

    @cached_property
    def texts(self) -> dict[int, str]:
        """Template texts by id."""
        return texts_by_id(self.miner.templates())

    def save(self, folder: Path, add_artifacts: Callable[[Path], None] | None = None) -> None:
        """Write the bundle; it appears under ``folder`` only when it is complete.

        ``add_artifacts`` is called with the unfinished folder and may write more files into it, which are not
        needed to score.
        """
        facts = {"logradar": __version__, "detector": self.settings.detector, "seed": self.settings.seed, **self.facts}
        with writing(folder, facts) as draft:
            _dump(draft / "settings.json", self.settings.model_dump(mode="json"))
            _dump(draft / "thresholds.json", {name: t.to_json() for name, t in self.thresholds.items()})
            _dump(draft / "history.json", self.history)
            if self.next_events:
                _dump(draft / NEXT_EVENTS, self.next_events)
            if self.sample is not None:
                pq.write_table(self.sample.select(["template_ids", "gaps"]), draft / SAMPLE)
            if add_artifacts is not None:
                add_artifacts(draft)
            pq.write_table(pa.table(dict(self.validation)), draft / "validation-scores.parquet")
            self.miner.save(draft / "templates")
            if self.files:
                write_lists(draft, self.files)
            pq.write_table(pa.table({"fingerprint": self.seen.sessions}), draft / "seen-sessions.parquet")
            pq.write_table(pa.table({"fingerprint": self.seen.sequences}), draft / "seen-sequences.parquet")
            if self.memory is not None:
                self.memory.save(draft)
            limit, rows = self.thresholds[self.settings.detector].value, self.memory.rows if self.memory else None
            SelfTest.of(self.main, limit, rows).save(draft)
            if self.marked:
                pq.write_table(pa.table(dict(self.marked)), draft / MARKED)
            if self.rates is not None:
                self.rates.save(draft)
            if self.reviewable is not None:
                self.reviewable.save(draft)
            if len(self.review):
                (draft / REVIEW).write_text(self.review.to_json() + "\n", "utf-8")
            if self.feedback:
                (draft / FEEDBACK).write_text(self.feedback.to_json() + "\n", "utf-8")
            inside = self.main.members
            for name, detector in self.detectors.items():
                if name not in inside:  # members are saved by the ensemble that they belong to
                    detector.save(draft / "detectors" / name)

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Verify and read a bundle; any fault is a `BundleError` with a way out."""
        with locked(folder, exclusive=False):  # not while another process replaces it
            return cls._checked(folder)

    @classmethod
    def _checked(cls, folder: Path) -> Bundle:
        manifest = verify(folder)
        try:
            loaded = cls._read(folder, manifest)
            test = SelfTest.load(folder)
            silent = test.silent(loaded.main, loaded.thresholds[loaded.settings.detector].value) if test else 0
        except (*UNREADABLE, DataError, InputError) as error:
            raise BundleError(f"Bundle '{folder}' cannot be read ({reason_of(error)}); train it again.") from None
        if test and silent:
            raise BundleError(
                f"Bundle '{folder}' was changed: its detector no longer alerts {silent:,} of {test.alerted:,} "
                "made-up faults that it alerted after its training. Copy it again or train it again."
            )
        return loaded

    @classmethod
    def _read(cls, folder: Path, manifest: dict[str, Any]) -> Bundle:
        settings = kept(RunSettings, read_object(folder / "settings.json"), "settings")
        thresholds = read_object(folder / "thresholds.json")
        main = Detector.load(folder / "detectors" / settings.detector, settings.detector)
        expected = kept(type(main.settings), settings.detectors.get(settings.detector, {}))
        main.require_settings(expected, "those in settings.json")
        beside = {
            name: Detector.load(folder / "detectors" / name, name)
            for name in map(_plain_name, thresholds)
            if name != settings.detector and name not in main.members
        }
        every = {settings.detector: main, **main.members, **beside}
        scores, marked = _scores(folder / "validation-scores.parquet"), _scores(folder / MARKED)
        if not set(every) == set(thresholds) == set(scores) or not set(marked) <= set(every):
            raise ValueError("its thresholds, its validation scores and its detectors do not have the same names")
        facts = {key: value for key, value in manifest.items() if key not in ("format", "files", "detector", "seed")}
        _Figures.of({name: facts.get(name) for name in _Figures.model_fields}, MANIFEST)
        return cls(
            settings,
            load_templates(folder / "templates"),
            every,
            {name: Threshold.of_json(one, name, scores[name], marked.get(name)) for name, one in thresholds.items()},
            scores,
            _History.of({"epochs": read_document(folder / "history.json", finite=False)}, "history").epochs,
            Seen(*(_prints(folder / f"seen-{what}.parquet") for what in ("sessions", "sequences"))),
            facts,
            read_lists(folder) if (folder / LISTS).is_file() else None,
            read_object(folder / NEXT_EVENTS, finite=False) if (folder / NEXT_EVENTS).is_file() else {},
            _sample(folder / SAMPLE) if (folder / SAMPLE).is_file() else None,
            ReplayBuffer.load(folder),
            _of_text(Feedback, folder / FEEDBACK) if (folder / FEEDBACK).is_file() else Feedback(),
            marked,
            RateProfile.load(folder),
            TrainingSessions.load(folder),
            _of_text(Review, folder / REVIEW) if (folder / REVIEW).is_file() else Review(),
        )


def input_settings(bundle: Bundle, given: Mapping[str, Any] | None = None, *, use_labels: bool = True) -> InputSettings:
    """How to read a new input for ``bundle``: as its training input was read, without what belongs to that one alone.

    ``given`` are input settings by path that differ (``{"input.labels": path}``); ``use_labels`` holds where they do
    not say so. Raises `ConfigError` that lists every
    path that is not known and every value that does not fit.
    """
    trained = bundle.settings.input
    kept = trained.for_others().model_copy(
        update={
            "source": None,
            "format": None,
            "usual_source": _of_lines(trained.source or trained.usual_source),
            "use_labels": use_labels,
        }
    )
    return changed(kept, {} if given is None else given, "input")


def _of_lines(name: str | None) -> str | None:
    """The name of a source if it reads ordinary lines, in which nothing but the user says of what kind they are."""
    return name if name in sources.names() and name and sources.load(name).looks_ordinary else None


def _dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")


def _plain_name(name: str) -> str:
    if name not in detectors.names():
        raise ValueError(f"there is no detector '{name}'")
    return name


def _scores(path: Path) -> dict[str, Floats]:
    """Scores by detector; none where there is no such file."""
    if not path.is_file():
        return {}
    saved = Columns(path)
    return {name: saved.numbers(name, np.float64) for name in saved.names}


def _of_text(kind: type[T], path: Path) -> T:
    try:
        return kind.of_json(path.read_text("utf-8"))
    except ConfigError as error:
        raise ValueError(reason_of(error)) from None


def _prints(path: Path) -> Hashes:
    prints: Hashes = Columns(path).only("fingerprint").numbers("fingerprint", np.uint64)
    return prints


def _sample(path: Path) -> pa.Table:
    saved = Columns(path)
    events = saved.sequences("template_ids")
    if "gaps" in saved.names and len(saved.seconds("gaps")) != len(events.values):
        raise ValueError(f"{path.name} has not as many gaps as events")
    return of_sample(saved.table)
