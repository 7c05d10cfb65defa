"""Learn validation sessions too: a part at a time, each scored before it is learnt, so that scores stay honest."""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from logradar.core.distinct import Distinct, count_distinct
from logradar.core.sequences import Sequences
from logradar.core.session_view import SessionView
from logradar.detectors.base import Scored
from logradar.training.settings import TrainingSettings

Floats = npt.NDArray[np.float64]
FOLDER: Final = "updates"  # in the folder of the training
_REPLAY: Final = 20_000  # distinct training sequences at most that are learnt again beside the new ones
_EPOCHS: Final = 2  # of an update at most; all updates together take no more than half of a training, or one each
_SLOWER: Final = 1 / 3  # of the highest learning rate
_AVERAGING: Final = 0.95  # as `TrainingSettings.averaging`, for so few steps
_NEWEST: Final = 10  # times as often as a training session counts each validation session, which is newer
_SURPRISING: Final = 0.9  # quantile of validation scores above which sessions of one kind are counted once


class LearnsInParts(Protocol):
    """What a detector needs so that it can learn validation sessions: scores, and a way to go on learning."""

    settings: Any
    before_validation: Any

    def _score(self, view: SessionView) -> Scored: ...

    def _learn_again(
        self, learnt: Sequences, watched: Sequences, settings: TrainingSettings, folder: Path | None, last: bool
    ) -> None: ...


def learn_in_parts(
    detector: LearnsInParts, train: Distinct, valid: Sequences, scores: Floats, folder: Path | None
) -> Floats:
    """One score for each validation session, in order of time; afterwards ``detector`` has learnt them all.

    Logs drift: what is new and harmless just after training is common soon. Each of ``updates`` parts is scored by
    what was known before it (prequential; Dawid, JRSS A 1984), then learnt for a few epochs beside training sequences.
    New harmless behaviour counts once, as it would for a user who has reported it as a false alarm: of
    surprising sessions of a part with the same most surprising event only the first keeps that score, the others
    have that of the network that has learnt the part. ``scores`` are those of the network before the first part.
    """
    detector.before_validation = copy(detector)
    surprising = float(np.quantile(scores, _SURPRISING))
    known, out = _replayed(train), np.empty(len(valid))
    bounds = np.linspace(0, len(valid), min(detector.settings.updates, len(valid)) + 1).astype(np.int64).tolist()
    for number, (start, stop) in enumerate(pairwise(bounds)):
        part = valid.part(start, stop)
        scored = detector._score(SessionView(part))
        out[start:stop] = scored.rows
        again = _repeated(part, scored, surprising)
        own = folder / FOLDER / str(number) if folder is not None else None
        learnt = count_distinct([known, _more_often(valid.part(0, stop).distinct())]).loaded()
        detector._learn_again(learnt, part.distinct(), _shorter(detector), own, stop == len(valid))
        if len(again):
            out[start + again] = detector._score(SessionView(part.take(again))).rows
    return out


def _replayed(train: Distinct) -> Sequences:
    """Training sequences to learn again, evenly spaced; together they count as often as all."""
    whole = train.part(0, min(len(train), _REPLAY)) if train.whole is None else train.whole
    rows = np.arange(0, len(whole), -(-len(whole) // _REPLAY))
    kept = whole.take(rows)
    counts = whole.counts[rows]
    factor = max(round(train.total / max(int(counts.sum()), 1)), 1)
    return Sequences(kept.values, kept.offsets, counts * factor, kept.inverse)


def _more_often(rows: Sequences) -> Sequences:
    return Sequences(rows.values, rows.offsets, rows.counts * _NEWEST, rows.inverse)


def _shorter(detector: LearnsInParts) -> TrainingSettings:
    training: TrainingSettings = detector.settings.training
    update = {
        "epochs": min(_EPOCHS, -(-training.epochs // (2 * detector.settings.updates))),
        "learning_rate": training.learning_rate * _SLOWER,
        "schedule": "constant",
        "warmup": 0.0,
        "averaging": min(training.averaging, _AVERAGING),
        "patience": 0,
        "checkpoint_steps": 0,
        "resume": False,  # short, and what an earlier training left there began from other weights
        "tensorboard": False,
        "wandb": False,
    }
    return training.model_copy(update=update)


def _repeated(part: Sequences, scored: Scored, surprising: float) -> npt.NDArray[np.int64]:
    """Rows above ``surprising`` whose most surprising event was that of an earlier one: the same after the same."""
    met: set[tuple[int, int, bool]] = set()
    again = []
    for row in np.flatnonzero(scored.rows > surprising).tolist():
        start, stop = int(part.offsets[row]), int(part.offsets[row + 1])
        if start == stop:
            continue
        place = start + int(np.argmax(scored.values[start:stop]))
        before = int(part.values[place - 1]) if place > start else -1
        kind = before, int(part.values[place]), place == stop - 1
        if kind in met:
            again.append(row)
        met.add(kind)
    return np.array(again, np.int64)
