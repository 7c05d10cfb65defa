"""Detection delay: how much of an anomaly passes before a detector can detect it.

An alert is raised when a session ends. The event after which the session's score was already above the
threshold shows how early the alert could have been raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.sequences import Sequences
from logradar.evaluation.curves import Bools, Floats

Ints = npt.NDArray[np.int64]
_MOSTLY: Final = 0.8  # a rule is used if it holds for at least this share of the sessions
_SAMPLE: Final = 2000  # sessions on which the rules are tried
_STEEP: Final = 300.0  # scores above this would make the soft maximum infinite
_HUGE: Final = 1e12  # replaces infinity, because sums of infinite values may be NaN
NO_ALARM: Final = -1


def alarm_places(scores: pa.Table, threshold: float) -> Ints:
    """For each session of SCORES the event (counted from 0) after which the alarm is certain; `NO_ALARM` without one.

    Where the score of a session is the maximum, the sum or the soft maximum of its events' scores, this is the
    first event at which the running score is above ``threshold``. For a detector that judges a session as a
    whole it is the last event.
    """
    values = scores["score"].to_numpy()
    events, flat = _lists(scores["event_scores"])
    alarmed = values > threshold
    places = np.where(alarmed, np.maximum(events.lengths - 1, 0), NO_ALARM)
    running = _rule(values, events, flat)
    if running is not None:
        for row in np.flatnonzero(alarmed & (events.lengths > 0)).tolist():
            above = running(flat[events.offsets[row] : events.offsets[row + 1]]) > threshold
            if above.any():
                places[row] = int(above.argmax())
    return places


def earliest(places: Iterable[Ints], alarmed: Bools, last: Ints) -> Ints:
    """The event at which an ensemble can raise its alarm: the earliest of its members' alarms, else the last event.

    ``places`` are those of the members, ``alarmed`` says where the ensemble raises an alarm, ``last`` is the
    place of the last event of each session.
    """
    first = np.full(len(last), np.iinfo(np.int64).max)
    for member in places:
        first = np.where(member >= 0, np.minimum(first, member), first)
    return np.where(alarmed, np.maximum(np.minimum(first, last), 0), NO_ALARM)


def onsets(sessions: pa.Table, anomalous_events: Bools | None) -> Ints:
    """The first anomalous event of each of SESSIONS; its first event where events have no labels of their own.

    ``anomalous_events`` says of all events of the sessions, one after the other, which are labelled anomalous.
    """
    records = Sequences.from_arrow(sessions["record_ids"])
    first = np.full(len(records), np.iinfo(np.int64).max)
    if anomalous_events is not None:
        anomalous = np.flatnonzero(anomalous_events)
        np.minimum.at(first, records.rows[anomalous], records.positions[anomalous])
    return np.where(first < np.maximum(records.lengths, 1), first, 0)


def delays(places: Ints, onset: Ints, sessions: pa.Table, anomalous: Bools) -> dict[str, Any]:
    """Events and seconds from the first anomalous event to the alarm, over the anomalies that were found.

    ``places`` come from `alarm_places`, ``onset`` from `onsets`. ``events`` and ``seconds`` have ``median``,
    ``mean``, ``p90``, ``max`` (None if no anomaly was found; seconds also without times). ``at_end`` is the share
    that is detected only when the session ends, ``until_end`` the seconds until then, when the alert is raised.
    """
    gaps, flat = _lists(sessions["gaps"])
    rows = np.flatnonzero(anomalous & (places >= 0) & (gaps.lengths > 0))
    last = gaps.lengths[rows] - 1
    place, begin = np.minimum(places[rows], last), np.minimum(onset[rows], last)
    # An alarm before the first anomalous event has another cause; it is not early, and its delay counts as 0.
    passed = np.maximum(place - begin, 0)
    elapsed = np.concatenate([[0.0], np.cumsum(flat, dtype=np.float64)])
    first = gaps.offsets[rows]
    timed = bool(flat.any())

    def seconds(until: Ints) -> Floats:
        took: Floats = elapsed[first + until + 1] - elapsed[first + np.minimum(begin, until) + 1]
        return took

    return {
        "found": len(rows),
        "events": _spread(passed.astype(np.float64)),
        "seconds": _spread(seconds(place)) if timed else None,
        "until_end": _spread(seconds(last)) if timed else None,
        "at_end": float((place == last).mean()) if len(rows) else None,
    }


def _spread(values: Floats) -> dict[str, float] | None:
    if not len(values):
        return None
    return {
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "p90": float(np.quantile(values, 0.9)),
        "max": float(values.max()),
    }


def _largest(events: Floats) -> Floats:
    highest: Floats = np.maximum.accumulate(events)
    return highest


def _sum(events: Floats) -> Floats:
    total: Floats = np.cumsum(events)
    return total


def _soft(events: Floats) -> Floats:
    """log(1 + sum(exp(score) - 1)): the soft maximum with which networks combine the surprisals of events."""
    maximum: Floats = np.log1p(np.cumsum(np.expm1(np.minimum(events, _STEEP))))
    return maximum


def _rule(values: Floats, events: Sequences, flat: Floats) -> Callable[[Floats], Floats] | None:
    """The rule that computes a session's score from its events' scores, if one holds for most sessions, else None."""
    sample = np.flatnonzero((values > 0) & (events.lengths > 0))[:_SAMPLE]
    if not len(sample):
        return None
    scores = np.clip(values[sample], -_HUGE, _HUGE)
    rows = [flat[events.offsets[row] : events.offsets[row + 1]] for row in sample.tolist()]
    fits = {
        rule: float(np.isclose([rule(row)[-1] for row in rows], scores, rtol=1e-3, atol=1e-3).mean())
        for rule in (_largest, _sum, _soft)
    }
    best = max(fits, key=lambda rule: fits[rule])
    return best if fits[best] >= _MOSTLY else None


def _lists(column: pa.ChunkedArray) -> tuple[Sequences, Floats]:
    """The lengths of a list column of floats as `Sequences`, and its values."""
    whole: Any = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    offsets = whole.offsets.to_numpy().astype(np.int64)
    flat = whole.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]].astype(np.float64)
    flat = np.clip(flat, -_HUGE, _HUGE)
    return Sequences.of(np.zeros(len(flat), np.int32), offsets - offsets[0]), flat
