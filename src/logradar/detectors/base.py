"""The promise of every detector: learn normal sessions, give scores, give reasons, be saved and loaded.

A detector does not decide what is an alert; that is the work of the threshold. It never scores the same sequence
twice: the public methods reduce sessions to distinct sequences and give each session the score of its sequence. Only a
detector whose ``inputs`` name more than template ids reads every session, with its gaps and parameters.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.distinct import Distinct
from logradar.core.documents import UNREADABLE, Saved, read_document, reason_of
from logradar.core.errors import BundleError, ConfigError, DataError
from logradar.core.progress import say
from logradar.core.registry import Registry
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionTable
from logradar.core.session_view import TEMPLATE_IDS, SessionView
from logradar.core.tables import FINDINGS, SCORES, check
from logradar.core.training_set import TrainingSet

Floats = npt.NDArray[np.float64]
STATE: Final = "detector.json"
_STEPS: Final = 64  # retrainings at most while validation sessions are scored and then learnt


@dataclass(frozen=True)
class Scored:
    """Scores of the sequences of a view: ``rows``, one per sequence, and ``values``, one per event.

    Both are aligned with the sequences; higher is more anomalous.
    """

    rows: Floats
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Finding:
    """One reason for a high score; see `logradar.core.tables.FINDINGS`."""

    reason: str
    position: int | None = None
    template_id: int | None = None
    weight: float = 1.0
    expected: list[tuple[int, float]] = field(default_factory=list)


class _Saved(Saved):
    """What the file of every detector holds; each class says itself what its state is."""

    detector: str
    seed: int = Field(ge=0, lt=1 << 63)
    settings: dict[str, Any]
    state: dict[str, Any]

    def made(self) -> Detector:
        """The detector before its state is read; `ValueError` where there is none of that name and settings."""
        try:
            kind = detectors.load(self.detector)
            return kind(validated(kind.Settings, self.settings, self.detector), self.seed)
        except ConfigError as error:  # nobody who only scores logs has set anything
            raise ValueError(reason_of(error)) from None


class Detector(ABC):
    """Learns normal sessions and scores others; subclasses implement the methods that begin with an underscore.

    ``settings`` is an instance of the class's own ``Settings``; ``seed`` makes a fit repeatable. ``inputs`` are the
    columns of SESSIONS that the detector reads, of `logradar.core.session_view.INPUTS`. ``prefix_safe`` says whether it
    can judge a session that has not ended: see `score_unfinished`.
    """

    Settings: ClassVar[type[Config]] = Config
    inputs: ClassVar[frozenset[str]] = TEMPLATE_IDS
    prefix_safe: ClassVar[bool] = False

    def __init__(self, settings: Config | None = None, seed: int = 0) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()
        self.seed = seed
        self.validation_scores: Floats = np.empty(0)
        self.history: list[dict[str, float]] = []  # one entry per epoch of a training; empty without epochs
        self.warm = False  # whether the next fit goes on from what is known; see `continue_from`

    @property
    def name(self) -> str:
        """The registered name: the name of the file that defines the class."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def members(self) -> Mapping[str, Detector]:
        """The fitted detectors that this one is made of; none for a single detector."""
        return {}

    @property
    def services(self) -> list[str]:
        """Names of services that are judged in another way than all others."""
        return []

    @property
    def baseline_score(self) -> float:
        """Scores at or below this value are normal; only their order is meaningful."""
        return 0.0

    @property
    def lowest_score(self) -> float:
        """No session scores lower than this."""
        return 0.0

    @property
    def needs_values(self) -> bool:
        """Whether ``inputs`` are more than template ids."""
        return self.inputs != TEMPLATE_IDS

    def check_machine(self) -> None:
        """Raise `ConfigError` where this machine cannot train it, or a member: asked before any input is read."""
        for member in self.members.values():
            member.check_machine()

    def continue_from(self, covers_all: bool = False) -> None:
        """Let the next fit go on from what this fitted detector, and all of its members, know.

        Networks start from their weights. `Incremental` detectors learn the new sessions in addition, unless the next
        training set ``covers_all`` that they know: then it is exact to learn it anew. Other detectors learn anew from
        what they are given.
        """
        self.warm = not (covers_all and isinstance(self, Incremental))
        for member in self.members.values():
            member.continue_from(covers_all)

    def fit(self, training: TrainingSet) -> None:
        """Learn from the sessions of ``training``, and from its validation sessions where that is honest.

        Afterwards ``validation_scores`` holds one score per validation session, each as if that session had been new:
        thresholds are fitted on these. Raises `DataError` when there is nothing to learn from.
        """
        if not len(training.distinct):
            raise DataError(f"Detector '{self.name}' has no session to learn from; give it more data.")
        if training.distinct.whole is None:
            count = len(training.distinct)
            say(f"{self.name}: {count:,} distinct sequences do not fit in memory; they are learnt from disk")
        self.validation_scores = self._learn(training)

    def score(self, sessions: pa.Table) -> pa.Table:
        """SCORES of SESSIONS, in the same order; an empty table gives an empty table.

        The score of a session depends on that session alone, and scoring changes nothing of the detector.
        """
        view = self._view(sessions)
        return _scores_table(sessions, view, self._score(view), self._finished) if len(view) else SCORES.empty_table()

    def score_unfinished(self, sessions: pa.Table) -> pa.Table:
        """SCORES of SESSIONS that have not ended: lower bounds of the scores that they will have when they end.

        However a session goes on, in the same service, its score is never lower than this one; so an alert that this
        score raises can be raised at once. Raises `DataError` where the detector is not ``prefix_safe``.
        """
        if not self.prefix_safe:
            raise DataError(f"Detector '{self.name}' cannot judge a session before it ends; score it then.")
        view = self._view(sessions)
        if not len(view):
            return SCORES.empty_table()
        return _scores_table(sessions, view, self._score_unfinished(view), self._finished_early)

    def explain(self, sessions: pa.Table) -> pa.Table:
        """FINDINGS for SESSIONS: why each one was scored as it was, most important reason first."""
        view = self._view(sessions)
        by_row = list(self._explain(view)) if len(view) else []
        session_ids: list[str] = []
        findings: list[Finding] = []
        for session_id, row in zip(sessions["session_id"].to_pylist(), view.sequences.inverse.tolist(), strict=True):
            own = sorted(by_row[row], key=lambda f: -f.weight)
            session_ids += [session_id] * len(own)
            findings += own
        columns = [
            session_ids,
            [f.position for f in findings],
            [f.template_id for f in findings],
            [f.reason for f in findings],
            [f.weight for f in findings],
            [[{"template_id": t, "probability": p} for t, p in f.expected] for f in findings],
        ]
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, FINDINGS, strict=True)]
        return check(pa.table(arrays, schema=FINDINGS), FINDINGS)

    def save(self, folder: Path) -> None:
        """Write all that `load` needs into ``folder``: JSON, Parquet, safetensors and ONNX files only."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {"detector": self.name, "seed": self.seed, "settings": self.settings.model_dump(mode="json")}
        (folder / STATE).write_text(json.dumps({**state, "state": self._save(folder)}) + "\n")

    def require_settings(self, expected: Config, where: str) -> None:
        """`ValueError` where its settings are not ``expected``, which are ``where``, but for those of its training."""
        if _without_training(self.settings.model_dump()) != _without_training(expected.model_dump()):
            raise ValueError(f"the settings of {self.name} are not {where}")

    @staticmethod
    def load(folder: Path, name: str | None = None) -> Detector:
        """The detector that `save` wrote into ``folder``, of any class, or of the class ``name`` alone.

        Raises `BundleError` where a file is missing, cannot be read, or holds a number that no training gives.
        """
        try:
            saved = _Saved.of(read_document(folder / STATE), STATE)
            if name is not None and saved.detector != name:
                raise ValueError(f"it is a {saved.detector}, not a {name}")
            detector = saved.made()
            detector._load(folder, saved.state)
        except UNREADABLE as error:
            raise BundleError(
                f"The detector in '{folder}' cannot be read ({reason_of(error)}); train it again."
            ) from None
        return detector

    def _view(self, sessions: pa.Table) -> SessionView:
        """What it reads of SESSIONS: distinct sequences, or all sessions with their values."""
        return SessionView.whole(SessionTable(sessions), self.inputs).narrowed(self.inputs)

    def _finished(self, rows: Floats, sessions: pa.Table) -> Floats:
        """Scores of SESSIONS from the scores of their sequences, where other columns count too."""
        return rows

    def _score_unfinished(self, view: SessionView) -> Scored:
        """Lower bounds of the scores of the rows of a view, whatever comes after their ends; where ``prefix_safe``."""
        return self._score(view)

    def _finished_early(self, rows: Floats, sessions: pa.Table) -> Floats:
        """As `_finished`, of lower bounds."""
        return rows

    def _score_as(self, view: SessionView, unfinished: bool = False) -> Scored:
        """`_score` of the rows of another detector's view, which has all that this one reads."""
        own, score = view.narrowed(self.inputs), self._score_unfinished if unfinished else self._score
        return score(view) if own is view else _spread(score(own), own.sequences)

    def _explain_as(self, view: SessionView) -> list[list[Finding]]:
        """`_explain` of the rows of another detector's view, in the same way."""
        own = view.narrowed(self.inputs)
        by_row = list(self._explain(own))
        return by_row if own is view else [by_row[row] for row in own.sequences.inverse.tolist()]

    @abstractmethod
    def _learn(self, training: TrainingSet) -> Floats:
        """Fit on all sessions and return honest scores of the validation sessions, in their order."""

    @abstractmethod
    def _score(self, view: SessionView) -> Scored:
        """Score the rows of a view; template ids that training did not have must not fail."""

    @abstractmethod
    def _explain(self, view: SessionView) -> Iterator[list[Finding]]:
        """For each row of a view its findings (none where nothing is unusual)."""

    @abstractmethod
    def _save(self, folder: Path) -> dict[str, Any]:
        """Write large parts into ``folder``; return the small state as JSON values."""

    @abstractmethod
    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        """Restore what `_save` wrote, after every number of it was checked; `ValueError` where one is amiss."""


class SequenceDetector(Detector):
    """A detector that learns from distinct sequences and their counts alone."""

    def _learn(self, training: TrainingSet) -> Floats:
        valid = training.valid_view(TEMPLATE_IDS).sequences.distinct()
        self._fit(training.distinct, valid, training.folder)
        return self._score(SessionView(valid)).rows[valid.inverse] if len(valid) else np.empty(0)

    @abstractmethod
    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        """Learn anew from distinct sequences, chunk by chunk where they are many; counts are their weights."""


class Incremental(SequenceDetector):
    """A detector that learns in milliseconds, and more at any time: it learns its validation sessions too.

    Each of them is scored by what was known just before it, then learnt (prequential; Dawid, JRSS A
    1984). New harmless behaviour counts once, as it would for a user who has reported it as a false alarm,
    and nothing normal is left out of the final fit.
    """

    def _learn(self, training: TrainingSet) -> Floats:
        valid = training.valid_view(TEMPLATE_IDS).sequences
        if self.warm:
            for chunk in training.distinct.chunks():
                self._learn_more(chunk)
        else:
            self._fit(training.distinct, valid.distinct(), training.folder)
        scores, done, steps = np.empty(len(valid)), 0, _STEPS
        while done < len(valid):
            start, until = done, done + -(-(len(valid) - done) // steps)
            while True:  # go on to the first surprise; what is far behind it is not scored yet
                block = valid.part(start, until).distinct()
                scores[start:until] = self._score(SessionView(block)).rows[block.inverse]
                surprises = np.flatnonzero(scores[start:until] > 0)
                if len(surprises) or until == len(valid):
                    break
                start, until = until, min(2 * until - done, len(valid))
            if start > done and len(surprises):
                until = start + int(surprises[0]) + 1
            self._learn_more(valid.part(done, until).distinct())
            done, steps = until, max(steps - 1, 1)
        return scores

    @abstractmethod
    def _learn_more(self, new: Sequences) -> None:
        """Learn distinct sequences in addition, as if they had come last in the fit."""


def _without_training(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _without_training(below) for name, below in values.items() if name != "training"}
    return values


def _scores_table(
    sessions: pa.Table, view: SessionView, scored: Scored, finish: Callable[[Floats, pa.Table], Floats]
) -> pa.Table:
    """SCORES of SESSIONS from the scores of a view of them."""
    sequences = view.sequences
    spread = _spread(scored, sequences)
    ends = np.concatenate([[0], np.cumsum(sequences.lengths[sequences.inverse])])
    offsets = cast(pa.Int32Array, pa.array(ends.astype(np.int32)))
    events = pa.ListArray.from_arrays(offsets, pa.array(spread.values, pa.float32()))
    columns = [sessions["session_id"], pa.array(finish(spread.rows, sessions), pa.float64()), events]
    return check(pa.table(columns, schema=SCORES), SCORES)


def _spread(scored: Scored, distinct: Sequences) -> Scored:
    """Scores of distinct sequences, repeated for each of the sequences that are equal to them."""
    spread = Sequences.of(np.arange(len(distinct.values), dtype=np.int32), distinct.offsets)
    return Scored(scored.rows[distinct.inverse], scored.values[spread.take(distinct.inverse).values])


detectors: Final[Registry[Detector]] = Registry("logradar.detectors", "Detector", "detector")
