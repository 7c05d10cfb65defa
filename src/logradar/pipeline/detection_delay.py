"""Detection delay of every detector: from the first odd event, and from the start of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.evaluation.delay import Ints, alarm_places, delays, earliest, onsets
from logradar.evaluation.fault_episodes import incidents
from logradar.model.bundle import Bundle
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus


def delay(
    fitted: Bundle,
    corpus: Corpus | DayCorpus,
    sessions: pa.Table,
    scores: Mapping[str, pa.Table],
    limits: Mapping[str, float],
) -> dict[str, Any]:
    """What each detector of a bundle needs to tell the anomalies among labelled SESSIONS.

    ``scores`` are their SCORES and ``limits`` the thresholds, by detector. ``from`` says what the delay of a session
    counts from: its first odd event where records have labels of their own, else its start.
    """
    labels = sessions["label"].to_numpy().astype(bool)
    odd = _odd_records(corpus, sessions)
    onset = onsets(sessions, odd)
    kinds = kinds_of(corpus, sessions)
    starts, ends = (sessions[name].to_numpy().astype("M8[us]") for name in ("start", "end"))
    found = {}
    for name in scores:
        places = places_of(fitted, name, scores, limits)
        found[name] = {
            **delays(places, onset, sessions, labels),
            "incidents": incidents(kinds, starts, ends, labels, places >= 0),
        }
    return {"from": "session start" if odd is None else "first odd event", "detectors": found}


def places_of(fitted: Bundle, name: str, scores: Mapping[str, pa.Table], limits: Mapping[str, float]) -> Ints:
    """`logradar.evaluation.delay.alarm_places`; of an ensemble the earliest of its members' where they alarm."""
    places = alarm_places(scores[name], limits[name])
    members = [member for member in fitted.detectors[name].members if member in scores]
    if not members:
        return places
    alarmed = places >= 0
    return earliest((alarm_places(scores[member], limits[member]) for member in members), alarmed, places)


def kinds_of(corpus: Corpus | DayCorpus, sessions: pa.Table) -> npt.NDArray[np.str_]:
    """The kind of fault of each session, '' where the labels name none."""
    return np.array([corpus.kinds.get(key, "") for key in sessions["session_id"].to_pylist()], np.str_)


def _odd_records(corpus: Corpus | DayCorpus, sessions: pa.Table) -> npt.NDArray[np.bool_] | None:
    """Which records are labelled anomalous, where labels stand on records; None where they stand on sessions."""
    if isinstance(corpus, DayCorpus) or not corpus.records:
        return None
    parts = [part["label"].combine_chunks().fill_null(False) for part in corpus.scan(["label"])]
    odd = np.concatenate([part.to_numpy(zero_copy_only=False) for part in parts]).astype(np.bool_)
    records = sessions.filter(sessions["label"])["record_ids"].combine_chunks().flatten().to_numpy()
    return None if odd[records].all() else odd
