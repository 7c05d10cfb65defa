"""Detection delay of every detector: from the first anomalous event, and from the start of a fault episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.evaluation.delay import Ints, alarm_places, delays, earliest, onsets
from logradar.evaluation.fault_episodes import fault_episodes
from logradar.model.bundle import Bundle
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus


def delay(
    bundle: Bundle,
    corpus: Corpus | DayCorpus,
    sessions: pa.Table,
    scores: Mapping[str, pa.Table],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """How early each detector of a bundle detects the anomalies among labelled SESSIONS.

    ``scores`` are the SCORES of the sessions and ``thresholds`` the thresholds, by detector. ``from`` names the
    beginning of the delay of a session: its first anomalous event where records have labels of their own, else its
    start.
    """
    labels = sessions["label"].to_numpy().astype(bool)
    anomalous_events = _anomalous_events(corpus, sessions)
    onset = onsets(sessions, anomalous_events)
    kinds = kinds_of(corpus, sessions)
    starts, ends = (sessions[name].to_numpy().astype("M8[us]") for name in ("start", "end"))
    figures = {}
    for name in scores:
        places = places_of(bundle, name, scores, thresholds)
        figures[name] = {
            **delays(places, onset, sessions, labels),
            "fault_episodes": fault_episodes(kinds, starts, ends, labels, places >= 0),
        }
    beginning = "session start" if anomalous_events is None else "first anomalous event"
    return {"from": beginning, "detectors": figures}


def places_of(bundle: Bundle, name: str, scores: Mapping[str, pa.Table], thresholds: Mapping[str, float]) -> Ints:
    """`logradar.evaluation.delay.alarm_places` of a detector; for an ensemble the earliest place of its members."""
    places = alarm_places(scores[name], thresholds[name])
    members = [member for member in bundle.detectors[name].members if member in scores]
    if not members:
        return places
    alarmed = places >= 0
    return earliest((alarm_places(scores[member], thresholds[member]) for member in members), alarmed, places)


def kinds_of(corpus: Corpus | DayCorpus, sessions: pa.Table) -> npt.NDArray[np.str_]:
    """The kind of fault of each session, '' where the labels name none."""
    return np.array([corpus.kinds.get(key, "") for key in sessions["session_id"].to_pylist()], np.str_)


def _anomalous_events(corpus: Corpus | DayCorpus, sessions: pa.Table) -> npt.NDArray[np.bool_] | None:
    """Which events of the sessions are labelled anomalous, one after the other; None where only sessions have labels.

    Only the records of these sessions are looked up: of an input on disk they are few.
    """
    if isinstance(corpus, DayCorpus) or not corpus.records:
        return None
    events = Sequences.from_arrow(sessions["record_ids"])
    order = np.argsort(events.values, kind="stable")
    rising = events.values[order]
    anomalous, done = np.zeros(len(order), np.bool_), 0
    for part in corpus.scan(["label"]):
        inside = slice(*np.searchsorted(rising, [done, done + len(part)]))
        labels = part["label"].fill_null(False).to_numpy()
        anomalous[order[inside]] = labels[rising[inside] - done]
        done += len(part)
    of_anomalies = sessions["label"].to_numpy().astype(bool)[events.rows]
    return None if anomalous[of_anomalies].all() else anomalous
