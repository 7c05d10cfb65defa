"""Detection delay: how much of an anomaly passes before a detector can tell.

An alert is raised when a session ends. The event after which its score was already above the
threshold says how early it could have been raised.
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
_MOSTLY: Final = 0.8  # share of sessions for which a rule has to hold to be taken
_LOOKED_AT: Final = 2000  # sessions that the rule is found on
_STEEP: Final = 300.0  # scores above which a soft maximum would be infinite
_HUGE: Final = 1e12  # stands for infinity: sums of infinities are no numbers
QUIET: Final = -1  # no alarm


def alarm_places(scores: pa.Table, threshold: float) -> Ints:
    """For each session of SCORES the event (from 0) after which the alarm is sure, `QUIET` without an alarm.

    Where the detector's score is the largest, the sum, or the soft maximum of its events' scores, it is the
    first event at which the running score passes ``threshold``. A detector that looks at a session as a
    whole can tell at its last event only.
    """
    values = scores["score"].to_numpy()
    events, flat = _lists(scores["event_scores"])
    alarmed = values > threshold
    places = np.where(alarmed, np.maximum(events.lengths - 1, 0), QUIET)
    running = _rule(values, events, flat)
    if running is not None:
        for row in np.flatnonzero(alarmed & (events.lengths > 0)).tolist():
            above = running(flat[events.offsets[row] : events.offsets[row + 1]]) > threshold
            if above.any():
                places[row] = int(above.argmax())
    return places


def earliest(places: Iterable[Ints], alarmed: Bools, last: Ints) -> Ints:
    """The place at which an ensemble can tell: the earliest of its members that alarm, else the last event."""
    first = np.full(len(last), np.iinfo(np.int64).max)
    for some in places:
        first = np.where(some >= 0, np.minimum(first, some), first)
    return np.where(alarmed, np.maximum(np.minimum(first, last), 0), QUIET)


def onsets(sessions: pa.Table, odd_records: Bools | None) -> Ints:
    """The first odd event of each session: of SESSIONS whose records have labels of their own, else its first event.

    ``odd_records`` says by record id which records are labelled anomalous.
    """
    records = Sequences.from_arrow(sessions["record_ids"])
    first = np.full(len(records), np.iinfo(np.int64).max)
    if odd_records is not None and len(odd_records):
        odd = np.flatnonzero(odd_records[records.values])
        np.minimum.at(first, records.rows[odd], records.positions[odd])
    return np.where(first < np.maximum(records.lengths, 1), first, 0)


def delays(places: Ints, onset: Ints, sessions: pa.Table, anomalous: Bools) -> dict[str, Any]:
    """Events and seconds from the first odd event to the alarm, over the anomalies that were found.

    ``places`` come from `alarm_places`, ``onset`` from `onsets`. ``events`` and ``seconds`` have ``median``,
    ``mean``, ``p90``, ``max`` (None without found anomalies; seconds also without times); ``at_end`` is the share
    that can only be told when the session ends, ``until_end`` the seconds until then, when the alert is raised.
    """
    gaps, flat = _lists(sessions["gaps"])
    rows = np.flatnonzero(anomalous & (places >= 0) & (gaps.lengths > 0))
    last = gaps.lengths[rows] - 1
    place, begin = np.minimum(places[rows], last), np.minimum(onset[rows], last)
    # An alarm before the first odd event is not early, it is about something else; the delay is none.
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
    """log(1 + sum(exp(score) - 1)): a soft maximum, as networks join the surprisals of events."""
    joined: Floats = np.log1p(np.cumsum(np.expm1(np.minimum(events, _STEEP))))
    return joined


def _rule(values: Floats, events: Sequences, flat: Floats) -> Callable[[Floats], Floats] | None:
    """How the running score of a session follows from its events, as it does at the end of most sessions."""
    odd = np.flatnonzero((values > 0) & (events.lengths > 0))[:_LOOKED_AT]
    if not len(odd):
        return None
    wanted = np.clip(values[odd], -_HUGE, _HUGE)
    rows = [flat[events.offsets[row] : events.offsets[row + 1]] for row in odd.tolist()]
    fits = {
        rule: float(np.isclose([rule(row)[-1] for row in rows], wanted, rtol=1e-3, atol=1e-3).mean())
        for rule in (_largest, _sum, _soft)
    }
    best = max(fits, key=lambda rule: fits[rule])
    return best if fits[best] >= _MOSTLY else None


def _lists(column: pa.ChunkedArray) -> tuple[Sequences, Floats]:
    """The shape of a list column of floats, and its values."""
    whole: Any = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    offsets = whole.offsets.to_numpy().astype(np.int64)
    flat = whole.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]].astype(np.float64)
    flat = np.clip(flat, -_HUGE, _HUGE)
    return Sequences.of(np.zeros(len(flat), np.int32), offsets - offsets[0]), flat
