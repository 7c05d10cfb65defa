"""RateCounting: counts the records of an input by bucket of time, service and template, and keeps them on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from logradar.core.disk_column import DiskColumn
from logradar.core.memory import give_back
from logradar.core.sequences import Sequences
from logradar.core.tables import EVENTS, conform
from logradar.parsing.bucket_counts import BucketCounter
from logradar.parsing.event_clock import EventClock
from logradar.storage.bucket_store import BucketStore
from logradar.storage.filling import IDS, INSIDE
from logradar.storage.records import Corpus

LATENESS_OF_DAYS: Final = 86_400 * 1_000_000  # sessions of day files are in order of their end, or in none
_COLUMNS: Final = ["timestamp", "source", "service", "level"]


class RateCounting:
    """Counts the records of an input, file by file, each file by its own clock."""

    def __init__(self, bucket: int, lateness: int, folder: Path) -> None:
        self.store = BucketStore(folder)
        self._bucket, self._lateness = bucket, lateness
        self._clock = EventClock()
        self._counters: dict[str | None, BucketCounter] = {}
        self._events = 0

    def add(self, events: pa.Table, source: pa.ChunkedArray) -> None:
        """EVENTS in order of arrival, and the file that each is from."""
        for name, begin, end in _runs(source):
            part = events.slice(begin, end - begin)
            moments = self._clock.read(source.slice(begin, end - begin), part["timestamp"])
            counter = self._counters.setdefault(name, BucketCounter(self._bucket, self._lateness))
            ids, records = part["template_id"].to_numpy(), part["record_id"].to_numpy()
            self.store.add(counter.count(moments, part["service"], ids, records, part["level"]))

    def add_corpus(self, corpus: Corpus, folder: Path, *, inside: bool = False) -> None:
        """The records of a corpus whose templates were found in ``folder``; those that were learnt from, or all."""
        give_back()
        ids = DiskColumn.opened(folder / IDS, np.int32)
        mask = DiskColumn.opened(folder / INSIDE, np.bool_) if inside else None
        start = 0
        for part in corpus.scan(_COLUMNS):
            end = start + len(part)
            given: dict[str, Any] = {name: part[name] for name in ("timestamp", "service", "level")}
            given |= {"record_id": np.arange(start, end), "template_id": np.array(ids.values[start:end])}
            events, source = conform(pa.table(given), EVENTS), part["source"]
            if mask is not None:
                kept = pa.array(np.array(mask.values[start:end]))
                events, source = events.filter(kept), source.filter(kept)
                mask.release()
            ids.release()
            self.add(events, source)
            start = end

    def add_sessions(self, sessions: pa.Table, source: pa.ChunkedArray) -> None:
        """SESSIONS of day files: their events have no times of their own and count when the session starts."""
        rows = Sequences.from_arrow(sessions["template_ids"])
        at = pa.array(rows.rows)
        given: dict[str, Any] = {
            "record_id": np.arange(self._events, self._events + len(rows.values)),
            "timestamp": sessions["start"].take(at),
            "service": sessions["service"].take(at),
            "template_id": rows.values,
        }
        self._events += len(rows.values)
        self.add(conform(pa.table(given), EVENTS), source.take(at))


def _runs(source: pa.ChunkedArray) -> Iterator[tuple[str | None, int, int]]:
    """Stretches of records of one file."""
    if not len(source):
        return
    coded = source.unify_dictionaries().combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = [*coded.dictionary.to_pylist(), None]
    ends = [*(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    begin = 0
    for end in ends:
        yield names[codes[begin]], begin, end
        begin = end
