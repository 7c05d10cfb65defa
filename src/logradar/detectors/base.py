"""The promise of every detector: fit on sessions, give scores, say why, be saved and loaded.

A detector says nothing about yes or no; that is the threshold's job. It never sees the same
sequence twice: the public methods reduce sessions to distinct sequences and broadcast back. Only
one that ``needs_values`` sees every session, with its gaps and parameters.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.config import Config, validated
from logradar.core.distinct import MEMORY, Distinct, count_distinct
from logradar.core.errors import BundleError, DataError
from logradar.core.progress import Progress, say
from logradar.core.registry import Registry
from logradar.core.sequences import Sequences
from logradar.core.shards import Shards
from logradar.core.tables import FINDINGS, SCORES, SESSIONS, check
from logradar.core.valued_sequences import Valued

Floats = npt.NDArray[np.float64]
STATE: Final = "detector.json"
_STEPS: Final = 64  # fits at most while learning as we go


@dataclass(frozen=True)
class Scored:
    """Scores of distinct sequences: one per row, and one per value (aligned, higher = odder)."""

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


class Detector(ABC):
    """Learns normal sessions and scores others; subclasses fill in the underscored methods.

    ``settings`` is an instance of the class's own ``Settings``; ``seed`` makes a fit repeatable.
    """

    Settings: ClassVar[type[Config]] = Config

    def __init__(self, settings: Config | None = None, seed: int = 0) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()
        self.seed = seed
        self.validation_scores: Floats = np.empty(0)
        self.history: list[dict[str, float]] = []  # one entry per epoch where there was a training
        self.warm = False  # whether the next fit goes on from what is known; see `continue_from`

    @property
    def name(self) -> str:
        """The registered name: the file that the class stands in."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def members(self) -> Mapping[str, Detector]:
        """The fitted detectors that this one is made of; none for a single detector."""
        return {}

    @property
    def baseline_score(self) -> float:
        """The score of what surprises nobody; below it scores only say how common it is."""
        return 0.0

    @property
    def needs_values(self) -> bool:
        """Whether it, or one that it is made of, looks at gaps and parameters, not at sequences alone."""
        return any(member.needs_values for member in self.members.values())

    def continue_from(self, whole: bool = False) -> None:
        """Let the next fit go on from what this fitted detector, and all that it is made of, know.

        Networks start from their weights, `Incremental` ones learn more, unless all that they know is part of what
        comes (``whole``): then learning it anew is exact. Others learn anew from what they are given.
        """
        self.warm = not (whole and isinstance(self, Incremental))
        for member in self.members.values():
            member.continue_from(whole)

    def fit(
        self,
        train: pa.Table | Shards | Distinct,
        valid: pa.Table | Shards,
        folder: Path | None = None,
        memory: int = MEMORY,
        counted: Distinct | None = None,
    ) -> None:
        """Learn from SESSIONS ``train`` and ``valid`` (normal, later), both in order of time.

        Either is a table, or `Shards` of SESSIONS on disk; ``train`` may also be their distinct
        sequences, counted already (``counted`` are those of a ``train`` that has to be read for its
        values). Of ``train`` the distinct sequences are kept, on disk when they take more than
        ``memory`` bytes; ``valid`` is held in memory: give a sample of what is larger.

        Afterwards ``validation_scores`` holds one score per validation session, each as if that
        session had been new: thresholds are fitted on these. ``folder`` is where a long training
        may keep checkpoints, history and what does not fit in memory. Raises `DataError` when there
        is nothing to learn from.
        """
        self._meet(train, valid)
        if not isinstance(train, Distinct):
            if self.needs_values:
                for chunk in Valued.chunks(train):
                    self._observe(chunk)
            if counted is not None:
                self.fit(counted, valid, folder)
                return
            with _distinct(train, folder, memory) as learnt:
                self.fit(learnt, valid, folder)
            return
        watched = Valued.whole(valid) if self.needs_values else sequences_of(valid)
        if not len(train):
            raise DataError(f"Detector '{self.name}' has no session to learn from; give it more data.")
        if train.whole is None:
            say(f"{self.name}: {len(train):,} distinct sequences do not fit in memory; they are learnt from disk")
        self.validation_scores = self._learn(train, watched, folder)

    def score(self, sessions: pa.Table) -> pa.Table:
        """SCORES of SESSIONS, in the same order; an empty table gives an empty table."""
        check(sessions, SESSIONS)
        given = self._given(sessions)
        if not len(given):
            return SCORES.empty_table()
        scored = _spread(self._score(given), given)
        ends = np.concatenate([[0], np.cumsum(given.lengths[given.inverse])])
        offsets = cast(pa.Int32Array, pa.array(ends.astype(np.int32)))
        event_scores = pa.ListArray.from_arrays(offsets, pa.array(scored.values, pa.float32()))
        rows = self._finished(scored.rows, sessions)
        columns = [sessions["session_id"], pa.array(rows, pa.float64()), event_scores]
        return check(pa.table(columns, schema=SCORES), SCORES)

    def explain(self, sessions: pa.Table) -> pa.Table:
        """FINDINGS for SESSIONS: why each one was scored as it was, most telling first."""
        check(sessions, SESSIONS)
        given = self._given(sessions)
        found = list(self._explain(given)) if len(given) else []
        of: list[str] = []
        told: list[Finding] = []
        for session_id, row in zip(sessions["session_id"].to_pylist(), given.inverse.tolist(), strict=True):
            findings = sorted(found[row], key=lambda f: -f.weight)
            of += [session_id] * len(findings)
            told += findings
        columns = [
            of,
            [f.position for f in told],
            [f.template_id for f in told],
            [f.reason for f in told],
            [f.weight for f in told],
            [[{"template_id": t, "probability": p} for t, p in f.expected] for f in told],
        ]
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, FINDINGS, strict=True)]
        return check(pa.table(arrays, schema=FINDINGS), FINDINGS)

    def save(self, folder: Path) -> None:
        """Write all that `load` needs into ``folder``: JSON, Parquet, safetensors or ONNX only."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {"detector": self.name, "seed": self.seed, "settings": self.settings.model_dump(mode="json")}
        (folder / STATE).write_text(json.dumps({**state, "state": self._save(folder)}) + "\n")

    @staticmethod
    def load(folder: Path) -> Detector:
        """The detector that `save` wrote into ``folder``, of whatever kind it is."""
        try:
            saved = json.loads((folder / STATE).read_text())
            kind = detectors.load(saved["detector"])
            detector = kind(validated(kind.Settings, saved["settings"]), saved["seed"])
            detector._load(folder, saved["state"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise BundleError(f"The detector in '{folder}' cannot be read ({error}); train it again.") from None
        return detector

    def _given(self, sessions: pa.Table) -> Sequences:
        """What it looks at: distinct sequences, or all sessions with their values."""
        return Valued.whole(sessions) if self.needs_values else sequences_of(sessions).distinct()

    def _finished(self, rows: Floats, sessions: pa.Table) -> Floats:
        """Scores of SESSIONS from those of their sequences, where more than those counts."""
        return rows

    def _score_as(self, sequences: Sequences) -> Scored:
        """`_score` of what another detector was given: one that needs no values scores distinct sequences."""
        if self.needs_values or not isinstance(sequences, Valued):
            return self._score(sequences)
        distinct = sequences.distinct()
        return _spread(self._score(distinct), distinct)

    def _explain_as(self, sequences: Sequences) -> list[list[Finding]]:
        """`_explain` of what another detector was given, in the same way."""
        if self.needs_values or not isinstance(sequences, Valued):
            return list(self._explain(sequences))
        distinct = sequences.distinct()
        found = list(self._explain(distinct))
        return [found[row] for row in distinct.inverse.tolist()]

    def _meet(self, train: pa.Table | Shards | Distinct, valid: pa.Table | Shards) -> None:
        """Take note of what `_learn` is not given: the order of sessions, their services."""
        return

    def _observe(self, sessions: Valued) -> None:
        """Take in training sessions with their values, in order of time, before `_learn`; where they are needed."""
        for member in self.members.values():
            if member.needs_values:
                member._observe(sessions)

    def _learn(self, train: Distinct, valid: Sequences, folder: Path | None) -> Floats:
        """Fit on all sessions, ``valid`` in order of time, and return the honest scores of ``valid``."""
        distinct = valid.distinct()
        self._fit(train, distinct, folder)
        return self._score(distinct).rows[distinct.inverse] if len(distinct) else np.empty(0)

    @abstractmethod
    def _fit(self, train: Distinct, valid: Sequences, folder: Path | None) -> None:
        """Learn anew from distinct sequences, a chunk at a time where memory counts; counts are their weights."""

    @abstractmethod
    def _score(self, sequences: Sequences) -> Scored:
        """Score distinct sequences (or `Valued` ones); template ids never seen in training must survive."""

    @abstractmethod
    def _explain(self, sequences: Sequences) -> Iterator[list[Finding]]:
        """For each distinct sequence its findings (none where nothing stands out)."""

    @abstractmethod
    def _save(self, folder: Path) -> dict[str, Any]:
        """Write large parts into ``folder``; return the small state as JSON values."""

    @abstractmethod
    def _load(self, folder: Path, state: dict[str, Any]) -> None:
        """Undo `_save`."""


class Incremental(Detector):
    """A detector that learns in milliseconds, and more at any time: its validation sessions are learnt too.

    Each of them is scored by what was known just before it, then learnt (prequential; Dawid, JRSS A
    1984). New harmless behaviour counts once, as it would for a user who has told the detector
    about it, and nothing normal is left out of the final fit.
    """

    def _learn(self, train: Distinct, valid: Sequences, folder: Path | None) -> Floats:
        if self.warm:
            for chunk in train.chunks():
                self._learn_more(chunk)
        else:
            self._fit(train, valid.distinct(), folder)
        scores, done, steps = np.empty(len(valid)), 0, _STEPS
        while done < len(valid):
            start, until = done, done + -(-(len(valid) - done) // steps)
            while True:  # on to the first surprise; what lies far behind it is not looked at
                block = valid.part(start, until).distinct()
                scores[start:until] = self._score(block).rows[block.inverse]
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


def _spread(scored: Scored, distinct: Sequences) -> Scored:
    """Scores of distinct sequences for each of the sequences that they stand for."""
    spread = Sequences.of(np.arange(len(distinct.values), dtype=np.int32), distinct.offsets)
    return Scored(scored.rows[distinct.inverse], scored.values[spread.take(distinct.inverse).values])


def sequences_of(sessions: pa.Table | Shards) -> Sequences:
    """All sequences of SESSIONS, in memory."""
    if isinstance(sessions, Shards):
        return Sequences.from_lists([]).concat(*sessions.sequences())
    return Sequences.from_arrow(check(sessions, SESSIONS)["template_ids"])


def _distinct(sessions: pa.Table | Shards, folder: Path | None, memory: int) -> Distinct:
    if not isinstance(sessions, Shards):
        return count_distinct([sequences_of(sessions)], folder, memory)
    with Progress("counting distinct sequences", len(sessions), "sessions") as bar:
        return count_distinct(_counted(sessions.sequences(), bar), folder, memory)


def _counted(chunks: Iterator[Sequences], bar: Progress) -> Iterator[Sequences]:
    for chunk in chunks:
        yield chunk
        bar.advance(len(chunk))


detectors: Final[Registry[Detector]] = Registry("logradar.detectors", "Detector", "detector")
