"""What is measured on: the sessions of an input, less those that took part in training."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.chosen_rows import ChosenRows
from logradar.core.errors import DataError
from logradar.core.memory import give_back
from logradar.core.progress import Progress, say
from logradar.core.session_set import SessionSet, SessionTable
from logradar.detectors.neural.inference_api import PredictsEvents
from logradar.evaluation.audit import Hashes, Side, identities, overlapping, seen_in
from logradar.evaluation.caveats import Novelty
from logradar.model.bundle import Bundle
from logradar.pipeline.detect import filled_sessions, sessions_of
from logradar.pipeline.measuring.measured import Gathered, Measured
from logradar.storage.day_files import DayCorpus
from logradar.storage.grouping import anomalous
from logradar.storage.records import Corpus

Bools = npt.NDArray[np.bool_]
_WAY_OUT = "measure all the same with --allow-overlap, which the audit will tell."


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
    known, prints, times = _distinguished(found, spec, bundle)
    chosen = unseen(times, bundle, held_out, overlap, prints)
    prints, times = prints[chosen], times.filter(pa.array(chosen))
    known[known] = chosen
    give_back()
    source = ChosenRows(found, known)
    gathered = Gathered(list(bundle.detectors), len(source))
    if isinstance(found, SessionTable):
        sessions = found.table.filter(pa.array(known))
        scores = {name: one.score(sessions) for name, one in bundle.detectors.items()}
        gathered.add(sessions, scores, np.ones(len(sessions), np.bool_))
    else:
        with Progress("scoring", len(source), "sessions") as bar:
            for sessions in source.tables():
                scores = {name: one.score(sessions) for name, one in bundle.detectors.items()}
                alarmed = scores[bundle.settings.detector]["score"].to_numpy() > limit
                gathered.add(sessions, scores, alarmed | anomalous(sessions))
                bar.advance(len(sessions))
    return gathered.measured(source, prints, times, whole=found.in_memory)


def _distinguished(found: SessionSet, spec: str, bundle: Bundle) -> tuple[Bools, Hashes, pa.Table]:
    """Which sessions are measured; of those the identities, and a table of ``start`` and ``label``.

    They are the sessions with a label, or all of them where none has one and the bundle predicts events.
    """
    marked = [table["label"].is_valid().to_numpy() for table in found.tables(["label"])]
    known = np.concatenate([np.empty(0, np.bool_), *marked])
    if len(known) and not known.any() and any(isinstance(one, PredictsEvents) for one in bundle.detectors.values()):
        say(f"'{spec}' has no labels: predictions and scores are measured, and no detection (--labels FILE).")
        known[:] = True
    else:
        _require_labels(int(known.sum()), len(known), spec)
    prints, times = [np.empty(0, np.uint64)], []
    for table in ChosenRows(found, known).tables(["session_id", "start", "template_ids", "label"]):
        prints.append(identities(table))
        times.append(table.select(["start", "label"]).combine_chunks())
    return known, np.concatenate(prints), pa.concat_tables(times)


def sessions_in(corpus: Corpus | DayCorpus, bundle: Bundle, home: Path) -> pa.Table:
    """All sessions of an input, in memory."""
    if isinstance(corpus, DayCorpus):
        return corpus.sessions(bundle.miner)
    return pa.concat_tables(sessions_of(corpus, bundle, home, every=True)).unify_dictionaries()


def labelled(sessions: pa.Table, spec: str) -> pa.Table:
    """The sessions that have a label; `DataError` without any."""
    kept = sessions.filter(sessions["label"].is_valid())
    _require_labels(len(kept), len(sessions), spec)
    return kept


def _require_labels(labelled: int, sessions: int, spec: str) -> None:
    if not labelled:
        raise DataError(f"'{spec}' has no labels to measure with; give them with --labels FILE.")
    if labelled < sessions:
        say(f"{sessions - labelled:,} sessions have no label and are left out.")


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


def unseen(
    sessions: pa.Table,
    bundle: Bundle,
    held_out: bool = False,
    allow_overlap: bool = False,
    prints: Hashes | None = None,
) -> Bools:
    """Which sessions may be measured on: those that did not take part in training.

    If the bundle was trained on a part of the input (``split.test``, ``split.first`` or ``split.hold_anomalies``) the
    others are left out; otherwise finding any is a `DataError`, unless ``held_out`` asks to leave them out. So is a
    test that lies in the time of training, unless it was split at random. ``allow_overlap`` allows both.
    ``prints`` are the identities of the sessions where they are known already; then only ``start`` and ``label`` are
    read.
    """
    before = seen_in(bundle.seen.sessions, identities(sessions) if prints is None else prints)
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
    side = Side.between(timed(sessions, bundle))
    if split.shuffle or not overlapping(train, side):
        return
    raise DataError(
        f"The test (from {side.start}) lies in the time of training (until {train.end}): the detectors have seen what "
        f"came later. Evaluate on later logs, choose files with --since, or {_WAY_OUT}"
    )
