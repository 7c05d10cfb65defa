"""What is measured on: the sessions of an input, less those that took part in training."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.evaluation.audit import Side, identities, overlapping, seen_in
from logradar.evaluation.caveats import Novelty
from logradar.model.bundle import Bundle
from logradar.parsing.given_templates import GivenTemplates
from logradar.pipeline.detect import sessions_of
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus

Bools = npt.NDArray[np.bool_]
_WAY_OUT = "measure all the same with --allow-overlap, which the audit will tell."


def sessions_in(corpus: Corpus | DayCorpus, fitted: Bundle, home: Path) -> pa.Table:
    """All sessions, in memory: what is measured has labels, and is never very much."""
    if isinstance(corpus, DayCorpus):
        assert isinstance(fitted.miner, GivenTemplates)
        return corpus.sessions(fitted.miner)
    return pa.concat_tables(sessions_of(corpus, fitted, home, every=True)).unify_dictionaries()


def labelled(sessions: pa.Table, spec: str) -> pa.Table:
    """The sessions that have a label; `DataError` without any."""
    kept = sessions.filter(sessions["label"].is_valid())
    if not kept.num_rows:
        raise DataError(f"'{spec}' has no labels to measure with; give them with --labels FILE.")
    if kept.num_rows < sessions.num_rows:
        say(f"{sessions.num_rows - kept.num_rows:,} sessions have no label and are left out.")
    return kept


def trained_on(fitted: Bundle) -> Side:
    """What a bundle keeps of its training, as the audit wants it."""
    split = fitted.facts["split"]
    return Side(fitted.seen.sequences, fitted.seen.sessions, split["train_from"], split["train_until"])


def timed(sessions: pa.Table, fitted: Bundle) -> pa.Table:
    """Of the sessions those that must begin after training: not the anomalies that are held back wherever they are."""
    if not fitted.settings.split.hold_anomalies:
        return sessions
    return sessions.filter(pc.invert(sessions["label"].fill_null(False)))  # only what is normal could have been learnt


def novelty(fitted: Bundle) -> Novelty | None:
    """What the bundle's thresholds were fitted on; None where labels or nothing gave them."""
    settings, rate = fitted.settings.threshold, fitted.facts.get("sessions_per_day")
    sessions = len(fitted.validation[fitted.settings.detector])
    if settings.precision is not None or not sessions:
        return None
    share = 1.0 - settings.quantile
    if settings.alerts_per_day is not None and rate:
        share = min(settings.alerts_per_day / rate, 1.0)
    return Novelty(sessions, fitted.facts.get("valid_unseen"), share * sessions)


def unseen(sessions: pa.Table, fitted: Bundle, held_out: bool = False, allow_overlap: bool = False) -> Bools:
    """Which sessions may be measured on: those that did not take part in training.

    If the bundle was trained on a part of the input (``split.test``, ``split.first`` or ``split.hold_anomalies``) the
    others are left out; otherwise finding any is a `DataError`, unless ``held_out`` asks to leave them out. So is a
    test that lies in the time of training, unless it was split at random. ``allow_overlap`` allows both.
    """
    before = seen_in(fitted.seen.sessions, identities(sessions))
    if allow_overlap and not held_out:
        return np.ones(len(before), np.bool_)
    if before.any():
        before |= _before_the_cut(sessions, fitted)
        _require_held_back(before, fitted, held_out)
        left = int((~before).sum())
        say(f"Measured on the {left:,} sessions that were held back; {before.sum():,} before the cut are left out.")
    if not allow_overlap:
        _require_later(sessions.filter(pa.array(~before)), fitted)
    return ~before


def _before_the_cut(sessions: pa.Table, fitted: Bundle) -> Bools:
    until = fitted.facts["split"].get("known_until")  # where they are too many to keep the fingerprints of all
    if not until:
        return np.zeros(len(sessions), np.bool_)
    early = pc.less_equal(sessions["start"], pa.scalar(datetime.fromisoformat(until), sessions["start"].type))
    found: Bools = early.fill_null(True).to_numpy()
    return found


def _require_held_back(before: Bools, fitted: Bundle, held_out: bool) -> None:
    if before.all():
        raise DataError(
            f"All {len(before):,} sessions took part in training; evaluate on other logs, or train again with "
            "split.test=0.5 to hold back the later half."
        )
    if not (fitted.settings.split.holds or held_out):
        raise DataError(
            f"{before.sum():,} of {len(before):,} sessions took part in training; evaluate on other logs, leave "
            f"them out with --held-out, or {_WAY_OUT}"
        )


def _require_later(sessions: pa.Table, fitted: Bundle) -> None:
    split, train = fitted.settings.split, trained_on(fitted)
    side = Side.of(timed(sessions, fitted))
    if split.shuffle or not overlapping(train, side):
        return
    raise DataError(
        f"The test (from {side.start}) lies in the time of training (until {train.end}): the detectors have seen what "
        f"came later. Evaluate on later logs, choose files with --since, or {_WAY_OUT}"
    )
