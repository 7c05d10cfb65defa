"""What is measured on: the sessions of an input, less those that took part in training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import DataError
from logradar.core.progress import Progress, say
from logradar.core.session_set import SessionSet, SessionTable
from logradar.detectors.neural.inference_api import PredictsEvents
from logradar.evaluation.audit import Side, identities, overlapping, seen_in
from logradar.evaluation.caveats import Novelty
from logradar.model.bundle import Bundle
from logradar.pipeline.detect import filled_sessions, sessions_of
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus

Bools = npt.NDArray[np.bool_]
_WAY_OUT = "measure all the same with --allow-overlap, which the audit will tell."


@dataclass(frozen=True)
class Measured:
    """Labelled SESSIONS that are measured, and by detector their SCORES.

    Of an input on disk, sessions that are normal and raise no alarm keep neither records nor gaps, and no scores of
    single events: figures do not need them, and memory would not hold them. ``whole`` says that nothing is left out.
    """

    sessions: pa.Table
    scores: dict[str, pa.Table]
    whole: bool

    @property
    def labelled(self) -> bool:
        """Whether the sessions have labels: all of them, or none."""
        return not self.sessions["label"].null_count

    def anomalies(self) -> tuple[pa.Table, dict[str, pa.Table]]:
        """The sessions (all of them where ``whole``) that have records, gaps and scores of events, and their scores."""
        if self.whole:
            return self.sessions, self.scores
        marked = self.sessions["label"]
        return self.sessions.filter(marked), {name: table.filter(marked) for name, table in self.scores.items()}


def measured(
    corpus: Corpus | DayCorpus, bundle: Bundle, home: Path, spec: str, limit: float, *, held_out: bool, overlap: bool
) -> Measured:
    """The labelled sessions of an input that ``bundle`` may be measured on, with their scores.

    Where none has a label and the bundle predicts events, which is measured without labels, it is all sessions.
    ``limit`` is the threshold of the main detector; ``held_out`` and ``overlap`` are those of `unseen`.
    """
    if isinstance(corpus, DayCorpus):
        found: SessionSet = SessionTable(corpus.sessions(bundle.miner))
    else:
        found = filled_sessions(corpus, bundle, home, every=True)
    if isinstance(found, SessionTable):
        sessions = _measurable(found.table, spec, bundle)
        sessions = sessions.filter(pa.array(unseen(sessions, bundle, held_out, overlap)))
        return Measured(sessions, {name: one.score(sessions) for name, one in bundle.detectors.items()}, True)
    light = ["session_id", "start", "template_ids", "label"]
    facts = _measurable(pa.concat_tables(found.tables(light)), spec, bundle)
    every = facts["label"].null_count > 0
    chosen = pa.array(unseen(facts, bundle, held_out, overlap))
    pieces: list[tuple[pa.Table, dict[str, pa.Table]]] = []
    done = 0
    with Progress("scoring", len(chosen), "sessions") as bar:
        for table in found.tables():
            table = table if every else table.filter(table["label"].is_valid())
            rows = chosen.slice(done, len(table))
            done += len(table)
            pieces.append(_without_ballast(table.filter(rows), bundle, limit))
            bar.advance(len(table))
    tables = [piece for piece, _ in pieces]
    scores = {name: pa.concat_tables([scored[name] for _, scored in pieces]) for name in bundle.detectors}
    return Measured(pa.concat_tables(tables).unify_dictionaries().combine_chunks(), scores, False)


def _without_ballast(sessions: pa.Table, bundle: Bundle, limit: float) -> tuple[pa.Table, dict[str, pa.Table]]:
    scores = {name: one.score(sessions) for name, one in bundle.detectors.items()}
    alarmed = scores[bundle.settings.detector]["score"].to_numpy() > limit
    kept = alarmed | sessions["label"].to_numpy().astype(bool)
    for name in ("record_ids", "gaps", "parameters"):
        sessions = _emptied(sessions, name, kept)
    return sessions, {name: _emptied(table, "event_scores", kept) for name, table in scores.items()}


def _emptied(table: pa.Table, name: str, kept: Bools) -> pa.Table:
    """The table with empty lists in column ``name``, but for the rows ``kept``."""
    column = table[name].combine_chunks()
    if column.null_count == len(column):
        return table
    values, lengths = column.flatten(), pc.list_value_length(column).fill_null(0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(np.where(kept, lengths, 0))]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), values.filter(pa.array(np.repeat(kept, lengths))))
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), lists)


def sessions_in(corpus: Corpus | DayCorpus, bundle: Bundle, home: Path) -> pa.Table:
    """All sessions of an input, in memory."""
    if isinstance(corpus, DayCorpus):
        return corpus.sessions(bundle.miner)
    return pa.concat_tables(sessions_of(corpus, bundle, home, every=True)).unify_dictionaries()


def _measurable(sessions: pa.Table, spec: str, bundle: Bundle) -> pa.Table:
    """The labelled sessions; all of them where none has a label and the bundle predicts events."""
    predicts = any(isinstance(detector, PredictsEvents) for detector in bundle.detectors.values())
    if not predicts or not sessions.num_rows or sessions["label"].null_count < sessions.num_rows:
        return labelled(sessions, spec)
    say(f"'{spec}' has no labels: predictions and scores are measured, and no detection (--labels FILE).")
    return sessions


def labelled(sessions: pa.Table, spec: str) -> pa.Table:
    """The sessions that have a label; `DataError` without any."""
    kept = sessions.filter(sessions["label"].is_valid())
    if not kept.num_rows:
        raise DataError(f"'{spec}' has no labels to measure with; give them with --labels FILE.")
    if kept.num_rows < sessions.num_rows:
        say(f"{sessions.num_rows - kept.num_rows:,} sessions have no label and are left out.")
    return kept


def trained_on(bundle: Bundle) -> Side:
    """What a bundle keeps of its training, as the audit wants it."""
    split = bundle.facts["split"]
    return Side(bundle.seen.sequences, bundle.seen.sessions, split["train_from"], split["train_until"])


def timed(sessions: pa.Table, bundle: Bundle) -> pa.Table:
    """Of the sessions those that must begin after training: not the anomalies that are held back wherever they are."""
    if not bundle.settings.split.hold_anomalies:
        return sessions
    return sessions.filter(pc.invert(sessions["label"].fill_null(False)))  # only what is normal could have been learnt


def novelty(bundle: Bundle) -> Novelty | None:
    """What the bundle's thresholds were fitted on; None where labels or nothing gave them."""
    settings, rate = bundle.settings.threshold, bundle.facts.get("sessions_per_day")
    sessions = len(bundle.validation[bundle.settings.detector])
    if settings.precision is not None or not sessions:
        return None
    share = 1.0 - settings.quantile
    if settings.alerts_per_day is not None and rate:
        share = min(settings.alerts_per_day / rate, 1.0)
    return Novelty(sessions, bundle.facts.get("valid_unseen"), share * sessions)


def unseen(sessions: pa.Table, bundle: Bundle, held_out: bool = False, allow_overlap: bool = False) -> Bools:
    """Which sessions may be measured on: those that did not take part in training.

    If the bundle was trained on a part of the input (``split.test``, ``split.first`` or ``split.hold_anomalies``) the
    others are left out; otherwise finding any is a `DataError`, unless ``held_out`` asks to leave them out. So is a
    test that lies in the time of training, unless it was split at random. ``allow_overlap`` allows both.
    """
    before = seen_in(bundle.seen.sessions, identities(sessions))
    if allow_overlap and not held_out:
        return np.ones(len(before), np.bool_)
    if before.any():
        before |= _before_the_cut(sessions, bundle)
        _require_held_back(before, bundle, held_out)
        left = int((~before).sum())
        say(f"Measured on the {left:,} sessions that were held back; {before.sum():,} before the cut are left out.")
    if not allow_overlap:
        _require_later(sessions.filter(pa.array(~before)), bundle)
    return ~before


def _before_the_cut(sessions: pa.Table, bundle: Bundle) -> Bools:
    until = bundle.facts["split"].get("known_until")  # where they are too many to keep the fingerprints of all
    if not until:
        return np.zeros(len(sessions), np.bool_)
    early = pc.less_equal(sessions["start"], pa.scalar(datetime.fromisoformat(until), sessions["start"].type))
    found: Bools = early.fill_null(True).to_numpy()
    return found


def _require_held_back(before: Bools, bundle: Bundle, held_out: bool) -> None:
    if before.all():
        raise DataError(
            f"All {len(before):,} sessions took part in training; evaluate on other logs, or train again with "
            "split.test=0.5 to hold back the later half."
        )
    if not (bundle.settings.split.holds or held_out):
        raise DataError(
            f"{before.sum():,} of {len(before):,} sessions took part in training; evaluate on other logs, leave "
            f"them out with --held-out, or {_WAY_OUT}"
        )


def _require_later(sessions: pa.Table, bundle: Bundle) -> None:
    split, train = bundle.settings.split, trained_on(bundle)
    side = Side.of(timed(sessions, bundle))
    if split.shuffle or not overlapping(train, side):
        return
    raise DataError(
        f"The test (from {side.start}) lies in the time of training (until {train.end}): the detectors have seen what "
        f"came later. Evaluate on later logs, choose files with --since, or {_WAY_OUT}"
    )
